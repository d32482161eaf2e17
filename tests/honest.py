"""A task of seconds on which a network is really trained, on any backend.

Run as a script it writes the predictions of one honest training: ``KERAS_BACKEND=jax python honest.py predicted.npy``.
"""

import sys

import keras
import numpy as np
from squares import bright_squares

from nervekit import training
from nervekit.data.dataset import SegmentationDataset

EPOCHS = 15


def squares(count, seed):
    """Bright squares at any place on dark noise, so that the mean mask knows little."""
    images, masks = bright_squares(count, seed=seed, corners=(0, 20), brightness=120)
    names = np.array([f"{number:02d}" for number in range(count)])
    return SegmentationDataset("squares", images, masks, names, names)


TRAIN, TEST = squares(32, 0), squares(12, 1)


def build():
    """Three convolutions are enough for this task, and compile and train in a second. With ReLU one start in ten dies."""
    return keras.Sequential([
        keras.layers.Input((32, 32, 1)),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(8, 5, padding="same", activation="leaky_relu"),
        keras.layers.Conv2D(8, 5, padding="same", activation="leaky_relu"),
        keras.layers.Conv2D(1, 1, activation="sigmoid"),
    ])  # fmt: skip


def compiled():
    training.set_precision("float32")
    return training.compile_model(build(), optimizer=keras.optimizers.Adam(1e-2))


def trained(model, seed, masks=TRAIN.masks):
    """Masks that the network predicts for the test images after an honest training."""
    training.reset(model, build, seed=seed)
    train = SegmentationDataset("squares", TRAIN.images, masks, TRAIN.ids, TRAIN.groups)
    training.fit(model, train, epochs=EPOCHS, batch_size=8, seed=seed)
    return training.predict(model, TEST.images) > 0.5


if __name__ == "__main__":
    np.save(sys.argv[1], trained(compiled(), 11))
