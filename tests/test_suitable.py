"""Numbers of epochs and of the images of a batch: whole and at least 1, or refused by name. One mask where one is expected."""

import keras
import numpy as np
import pytest

from nervekit import suitable
from nervekit.errors import ConfigurationError


@pytest.mark.parametrize("count", [0, -1, 2.5, 8.0, np.float32(8), True, "8", None])
def test_a_count_that_is_not_whole_or_below_one_is_refused_by_its_name(count):
    with pytest.raises(ConfigurationError, match=f"batch_size={count}: expected 1 or more, as a whole number"):
        suitable.check_counts(epochs=1, batch_size=count)


def test_whole_counts_of_python_and_numpy_are_taken():
    suitable.check_counts(epochs=1, batch_size=np.int64(8))


def test_a_sequential_network_that_was_never_called_is_asked_for_one_mask_too():
    def network(channels):
        return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(channels, 1)])

    suitable.check_one_mask(network(1))
    with pytest.raises(ConfigurationError, match="2 masks side by side; expected one mask of one channel"):
        suitable.check_one_mask(network(2))
