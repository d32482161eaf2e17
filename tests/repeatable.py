"""A short training on the same data with the same seed, and what it came to; run in two processes by a test."""

import hashlib
import json
import os
import sys

import keras
import numpy as np

from nervekit import models, training
from nervekit.data.dataset import SegmentationDataset


def digest(precision="float32", augment=None):
    """Hash of all weights and of the training curves after two epochs on 16 random images."""
    random = np.random.default_rng(0)
    images = random.integers(0, 255, (16, 32, 32, 1), dtype=np.uint8)
    names = np.arange(16).astype(str)
    dataset = SegmentationDataset("noise", images, images[..., 0] > 128, names, names)
    training.set_precision(precision)
    try:
        keras.utils.set_random_seed(5)
        model = training.compile_model(models.build("huang_unet", (32, 32, 1), width=4, dropout=True))
        keras.utils.set_random_seed(os.getpid())  # fit's own seed has to do
        history = training.fit(model, dataset, dataset, epochs=2, batch_size=4, seed=5, augment=augment)
    finally:
        training.set_precision("float32")
    total = hashlib.sha256(repr(sorted(history.curves.items())).encode())
    for weights in model.get_weights():
        total.update(np.ascontiguousarray(weights).tobytes())
    return total.hexdigest()


if __name__ == "__main__":
    print(digest(**json.loads(sys.argv[1])))
