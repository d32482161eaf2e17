"""Short trainings on the same data with the same seed, and what they came to; run in two processes by a test."""

import hashlib
import json
import os
import sys

import keras
import numpy as np

from nervekit import models, training
from nervekit.data.dataset import SegmentationDataset

HUANG = {"huang_unet": {"width": 4, "dropout": True}}


def digest(precision="float32", augment=None, networks=HUANG, size=32, count=16, epochs=2):
    """Hash of all weights and of the training curves of each network, trained on so many random images."""
    random = np.random.default_rng(0)
    images = random.integers(0, 255, (count, size, size, 1), dtype=np.uint8)
    names = np.arange(count).astype(str)
    dataset = SegmentationDataset("noise", images, images[..., 0] > 128, names, names)
    total = hashlib.sha256()
    training.set_precision(precision)
    try:
        for name, options in networks.items():
            keras.utils.set_random_seed(5)
            model = training.compile_model(models.build(name, (size, size, 1), **options))
            keras.utils.set_random_seed(os.getpid())  # fit's own seed has to do
            history = training.fit(model, dataset, dataset, epochs=epochs, batch_size=4, seed=5, augment=augment)
            total.update(repr(sorted(history.curves.items())).encode())
            for weights in model.get_weights():
                total.update(np.ascontiguousarray(weights).tobytes())
    finally:
        training.set_precision("float32")
    return total.hexdigest()


if __name__ == "__main__":
    for options in sys.argv[1:]:
        print(digest(**json.loads(options)))
