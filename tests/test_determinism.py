"""The same seed on the same machine and backend gives the same result, to the last bit."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import repeatable
from shortened import SLOW

from nervekit import training
from nervekit.data.dataset import SegmentationDataset
from nervekit.precision import has_gpu

# What the first network lacks and backends compute by kernels of their own: normalisation of images and of batches, linear
# steps up, pooling that remembers its places.
NAMES = ("nervekit_unet", "melnic_unet", "gulati_segnet") if SLOW else ("nervekit_unet",)
NARROW = {"precision": "bfloat16", "size": 64, "count": 8, "epochs": 1, "networks": {name: {"width": 4} for name in NAMES}}


@pytest.mark.skipif(has_gpu() and keras.config.backend() != "torch", reason="XLA has no fixed order on a GPU")
def test_two_processes_train_the_same_network_with_the_same_seed():
    """Weights and curves of both are equal bit by bit, though this process has done other things before."""
    cases = [{"precision": "float32", "augment": {"flip": 0.5, "rotation": 20.0, "noise": 0.03}}, NARROW]
    command = [sys.executable, Path(repeatable.__file__), *map(json.dumps, cases)]
    other = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-len(cases):]
    for options, found in zip(cases, other, strict=True):
        assert found == repeatable.digest(**options), options


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="asks TensorFlow")
def test_a_training_switches_on_the_fixed_order_of_tensorflow():
    from tensorflow.python.framework import config

    layers = [keras.Input((8, 8, 1)), keras.layers.Conv2D(1, 1, activation="sigmoid")]
    network = training.compile_model(keras.Sequential(layers))
    images, names = np.zeros((2, 8, 8, 1), "uint8"), np.array(["a", "b"])
    config.disable_op_determinism()
    training.fit(network, SegmentationDataset("black", images, images[..., 0] > 0, names, names), epochs=1)
    assert config.is_op_determinism_enabled() is not has_gpu()
