"""The network of Huang et al.: counts, ledger, range, precision, refusals."""

import csv

import keras
import numpy as np
import pytest

from nervekit import models
from nervekit.errors import ConfigurationError

# (type, kernel) of each layer with weights at width 16, from the two archived states of the kernel.
WIDTHS = [16, 32, 64, 128, 256]


@pytest.mark.parametrize(("width", "total"), [(16, 1_940_817), (8, 485_673)])
def test_parameter_total(width, total):
    assert models.build("huang_unet", (256, 256, 1), width=width).count_params() == total


def test_three_channel_total():
    assert models.build("huang_unet", (256, 256, 3)).count_params() == 1_941_105


def test_stage_sums():
    """Closed form: a k x k convolution from a to b channels has (k k a + 1) b weights."""
    model = models.build("huang_unet", (64, 64, 1))

    def counted(prefix):
        return sum(layer.count_params() for layer in model.layers if layer.name.startswith(prefix))

    channels = 1
    for level, width in enumerate(WIDTHS[:4], start=1):
        assert counted(f"encoder_{level}") == (9 * channels + 1) * width + (9 * width + 1) * width
        expected = (4 * 2 * width + 1) * width + (9 * 2 * width + 1) * width + (9 * width + 1) * width
        assert counted(f"decoder_{level}") == expected
        channels = width
    assert counted("bottleneck") == (9 * 128 + 1) * 256 + (9 * 256 + 1) * 256
    assert counted("mask") == 17


def test_dropout_adds_no_weights():
    assert models.build("huang_unet", (64, 64, 1), dropout=True).count_params() == 1_940_817


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


def test_equal_shaped_layers_start_different():
    model = models.build("huang_unet", (32, 32, 1))
    kernels = {}
    for layer in model.layers:
        for weight in layer.weights:
            if weight.path.endswith("kernel"):
                kernels.setdefault(tuple(weight.shape), []).append(np.asarray(weight))
    for same in kernels.values():
        for one in range(1, len(same)):
            assert not np.array_equal(same[0], same[one])


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


def test_layer_by_layer_against_the_ledger(ledgers):
    with open(ledgers / "C1_keegil16.tsv", newline="") as file:
        expected = [(row["type"], int(row["params"])) for row in csv.DictReader(file, delimiter="\t")]
    model = models.build("huang_unet", (256, 256, 1))
    found = [(type(layer).__name__, layer.count_params()) for layer in model.layers if layer.count_params()]
    assert found == expected
