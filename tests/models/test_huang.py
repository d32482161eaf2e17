"""The network of Huang et al.: range, precision, refusals."""

import keras
import numpy as np
import pytest

from nervekit import models
from nervekit.errors import ConfigurationError


def test_output_is_a_probability_of_the_input_size():
    model = models.build("huang_unet", (32, 48, 1), width=4)
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 48, 1), dtype=np.uint8)
    probability = keras.ops.convert_to_numpy(model(images))
    assert probability.shape == (2, 32, 48, 1) and probability.dtype == np.float32
    assert 0 <= probability.min() and probability.max() <= 1


def test_division_by_255_is_inside_the_network():
    model = models.build("huang_unet", (16, 16, 1), width=4)
    bright = np.full((1, 16, 16, 1), 255, np.uint8)
    scaled = model.get_layer("divide_by_255")(bright)
    assert np.allclose(keras.ops.convert_to_numpy(scaled), 1.0)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((100, 96, 1), "multiples of 16, such as 96 x 96"),
        ((96, 96), "three positive integers"),
        ((96, 96, 0), "three positive integers"),
    ],
)
def test_inputs_that_the_network_cannot_take(shape, words):
    with pytest.raises(ConfigurationError, match=words):
        models.build("huang_unet", shape)


def test_unknown_network_and_option():
    with pytest.raises(ConfigurationError, match="huang_unet"):
        models.build("unet", (96, 96, 1))
    with pytest.raises(ConfigurationError, match="width, dropout"):
        models.build("huang_unet", (96, 96, 1), widht=8)
