"""Dropout in bfloat16 drops the share it is asked for, and leaves the mean where it was."""

import keras
import numpy as np
import pytest
from keras import ops

from nervekit.models.blocks import Dropout


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "mixed_bfloat16"])
def test_share_and_mean_are_those_of_the_rate(dtype, rate):
    pixels = 400_000
    layer = Dropout(rate, seed=3, dtype=dtype)
    answer = layer(ops.ones((1, pixels), dtype="bfloat16" if "b" in dtype else "float32"), training=True)
    assert keras.backend.standardize_dtype(answer.dtype) == layer.compute_dtype
    values = ops.convert_to_numpy(ops.cast(answer, "float32"))
    dropped = np.mean(values == 0)
    assert dropped == pytest.approx(rate, abs=4 * np.sqrt(rate * (1 - rate) / pixels))
    # One number of bfloat16 near 1/(1 - rate) is off by up to 2**-9; of values that differ these errors have both signs.
    assert values.max() == pytest.approx(1 / (1 - rate), rel=2**-9 if "b" in dtype else 1e-6)


def test_mean_in_training_is_that_in_prediction():
    values = np.random.default_rng(0).uniform(1, 2, (1, 400_000)).astype("float32")
    layer = Dropout(0.3, seed=5, dtype="mixed_bfloat16")
    means = [float(ops.mean(ops.cast(layer(values, training=training), "float32"))) for training in (True, False)]
    # Standard error of the mean: sqrt(0.3 / 0.7 * E[x**2] / 400,000) of a mean of 1.5, which is 0.001.
    assert means[0] == pytest.approx(means[1], rel=0.003)


def test_nothing_is_dropped_in_prediction():
    values = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(Dropout(0.9)(values)), values)
