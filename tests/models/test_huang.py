"""The network of Huang et al.: an image that is not square, and the names that refusals give."""

import keras
import numpy as np
import pytest

from nervekit import models
from nervekit.errors import ConfigurationError


def test_an_image_that_is_not_square_gives_a_mask_of_its_size():
    model = models.build("huang_unet", (32, 48, 1), width=4)
    assert keras.ops.convert_to_numpy(model(np.zeros((2, 32, 48, 1), np.uint8))).shape == (2, 32, 48, 1)


def test_a_size_that_it_cannot_take_is_refused_with_one_near_by():
    with pytest.raises(ConfigurationError, match="multiples of 16, such as 96 x 96"):
        models.build("huang_unet", (100, 96, 1))


def test_unknown_network_and_option():
    with pytest.raises(ConfigurationError, match="huang_unet"):
        models.build("unet", (96, 96, 1))
    with pytest.raises(ConfigurationError, match="width, dropout"):
        models.build("huang_unet", (96, 96, 1), widht=8)
