"""What no count of parameters sees: activations, dropout, first weights, pooling, up-sampling, sums. Counted by hand from the
papers' code and texts, stage by stage, not from the networks."""

from collections import Counter

import keras
import numpy as np
import pytest
from keras import ops
from networks import NETWORKS
from undrawn import undrawn  # noqa: F401

from nervekit import models
from nervekit.models.blocks import Dropout

GLOROT, NORMAL, UNIFORM = "GlorotUniform", "HeNormal", "HeUniform"

# name: (activations, dropout rates, up-sampling, first weights of 3x3 convolutions that follow the first layer)
WITHOUT = {
    # nine stages of two convolutions, a head
    "huang_unet": ({"relu": 18, "sigmoid": 1}, [], {}, {NORMAL: 18}),
    "belahsen_unet": ({"relu": 18, "sigmoid": 1}, [], {}, {GLOROT: 18}),
    "gulati_unet": ({"relu": 18, "sigmoid": 1}, [], {}, {GLOROT: 18}),
    "shrivastava_unet": ({"relu": 18, "sigmoid": 1}, [], {}, {NORMAL: 18}),
    "nervekit_unet": ({"leaky_relu": 18, "sigmoid": 1}, [], {}, {NORMAL: 18}),
    # nine inception blocks of five, four steps down, four refined skips; mask, presence map, presence
    "inception_unet": ({"elu": 9 * 5 + 4 + 4, "sigmoid": 3}, [0.5] * 9, {"nearest": 4}, {GLOROT: 4}),
    # nine blocks of six convolutions
    "r2unet": ({"relu": 54, "sigmoid": 1}, [], {"nearest": 4}, {GLOROT: 54}),
    # fifteen units of two
    "unetpp": ({"elu": 30, "sigmoid": 1}, [0.3] * 30, {}, {NORMAL: 30}),
    # nine units of two, four gates, four sums in the attention, the head; four maps of attention
    "attention_resunet": ({"relu": 18 + 4 + 4 + 1, "sigmoid": 4}, [0.5] * 9, {"nearest": 8}, {GLOROT: 18}),
    "gulati_segnet": ({"relu": 25, "sigmoid": 1}, [], {}, {GLOROT: 26}),
    # stem, sixteen units of two, the last of the encoder, five decoder stages of two
    "resnet34_unet": ({"relu": 1 + 32 + 1 + 10, "sigmoid": 1}, [], {"nearest": 5}, {UNIFORM: 32 + 10, GLOROT: 1}),
    # nine and seven stages of two, the first convolution of the tail
    "melnic_unet": ({"relu": 18 + 1, "sigmoid": 1}, [], {"bilinear": 4}, {GLOROT: 19}),
    "lunet": ({"relu": 14 + 1, "sigmoid": 1}, [0.2], {"bilinear": 3}, {GLOROT: 15}),
    # VGG19, two pyramids of six, twelve blocks of two and an excitation; two heads; eight stages up and two pooled maps
    "double_unet": ({"relu": 16 + 12 + 36, "sigmoid": 12 + 2}, [], {"bilinear": 8 + 2}, {GLOROT: 16 + 6 + 24}),
    # four blocks of VGG19, two pyramids, nine blocks, two tails, a bottleneck of two
    "dl_unet": ({"relu": 12 + 12 + 27 + 2 + 2, "sigmoid": 9 + 2}, [], {"bilinear": 6 + 2}, {GLOROT: 12 + 6 + 18 + 2 + 2}),
    # one convolution of VGG19 fewer
    "dl_unet_vgg16": ({"relu": 54, "sigmoid": 11}, [], {"bilinear": 8}, {GLOROT: 39}),
}


# First weights of all layers with a kernel, whatever its size; where a network is not named, all are Glorot's.
CONVOLUTION, TRANSPOSED, DENSE = "Conv2D", "Conv2DTranspose", "Dense"
PLAIN = {(CONVOLUTION, NORMAL): 18, (CONVOLUTION, GLOROT): 1, (TRANSPOSED, GLOROT): 4}
ALL = {
    "huang_unet": PLAIN,
    "shrivastava_unet": PLAIN,
    "nervekit_unet": PLAIN,
    # nine blocks of eight, mask, presence map; four steps down, four refined skips; presence
    "inception_unet": {(CONVOLUTION, NORMAL): 9 * 8 + 2, (CONVOLUTION, GLOROT): 4 + 4, (DENSE, GLOROT): 1},
    # fifteen units of two, the mask; ten units behind a step up
    "unetpp": {(CONVOLUTION, NORMAL): 30 + 1, (TRANSPOSED, GLOROT): 10},
    # stem, sixteen units of two, four shortcuts, five decoder stages of two; the mask
    "resnet34_unet": {(CONVOLUTION, UNIFORM): 1 + 32 + 4 + 10, (CONVOLUTION, GLOROT): 1},
}

# Pooling: kind, window, step and edge. A mean of the whole map, and SegNet's two layers for the places of its values, have none
# of the last three.
HALVED = ("MaxPooling2D", (2, 2), (2, 2), "valid")
NEIGHBOURS = ("MaxPooling2D", (3, 3), (1, 1), "same")
STEM = ("MaxPooling2D", (3, 3), (2, 2), "valid")  # zeros are put around the map before it
WHOLE = ("GlobalAveragePooling2D", None, None, None)
PLACES, PUT_BACK = ("PoolingPlaces", None, None, None), ("Unpooling", None, None, None)
POOLING = {
    # one behind each of four encoder stages
    "huang_unet": {HALVED: 4},
    "belahsen_unet": {HALVED: 4},
    "gulati_unet": {HALVED: 4},
    "shrivastava_unet": {HALVED: 4},
    "nervekit_unet": {HALVED: 4},
    "r2unet": {HALVED: 4},
    "attention_resunet": {HALVED: 4},
    "melnic_unet": {HALVED: 4},
    # the fourth branch of nine blocks; its four steps down are convolutions
    "inception_unet": {NEIGHBOURS: 9},
    # into X(1,0), X(2,0), X(3,0) and X(4,0)
    "unetpp": {HALVED: 4},
    # behind each of five groups of VGG16; values go back before each of five groups of the decoder
    "gulati_segnet": {HALVED: 5, PLACES: 5, PUT_BACK: 5},
    # behind the stem; the other steps down are convolutions
    "resnet34_unet": {STEM: 1},
    # three encoder stages
    "lunet": {HALVED: 3},
    # between five blocks of VGG19, behind four of the second half; twelve excitations, two pyramids
    "double_unet": {HALVED: 4 + 4, WHOLE: 12 + 2},
    # between four blocks of VGG19, behind three of the second half; nine excitations, two pyramids
    "dl_unet": {HALVED: 3 + 3, WHOLE: 9 + 2},
    "dl_unet_vgg16": {HALVED: 3 + 3, WHOLE: 9 + 2},
}


@pytest.fixture(scope="module", params=list(NETWORKS))
def network(request):
    return request.param, models.build(request.param, NETWORKS[request.param][1])


def first_layer(model, images):
    """What the first layer after the input makes of images."""
    inner = keras.Model(model.input, model.layers[1].output)
    return ops.convert_to_numpy(inner(images))


def test_activations_dropout_and_up_sampling_are_those_of_the_source(network):
    name, model = network
    found = [layer.activation.__name__ for layer in model.layers if hasattr(layer, "activation")]
    found += ["leaky_relu" for layer in model.layers if isinstance(layer, keras.layers.LeakyReLU)]
    rates = [layer.rate for layer in model.layers if isinstance(layer, Dropout)]
    larger = Counter(layer.interpolation for layer in model.layers if isinstance(layer, keras.layers.UpSampling2D))
    assert (Counter(one for one in found if one != "linear"), rates, larger) == WITHOUT[name][:3]


def test_pooling_is_that_of_the_source(network):
    name, model = network
    pooling = [layer for layer in model.layers if "pool" in type(layer).__name__.lower()]
    options = ("pool_size", "strides", "padding")
    found = Counter((type(layer).__name__, *(getattr(layer, option, None) for option in options)) for layer in pooling)
    assert found == POOLING[name]


def test_first_weights_are_drawn_as_in_the_source(network):
    name, model = network
    convolutions = [layer for layer in model.layers if type(layer) is keras.layers.Conv2D]
    drawn = Counter(type(layer.kernel_initializer).__name__ for layer in convolutions if layer.kernel_size == (3, 3))
    assert drawn == WITHOUT[name][3]
    every = [layer for layer in model.layers if hasattr(layer, "kernel_initializer")]
    drawn = Counter((type(layer).__name__, type(layer.kernel_initializer).__name__) for layer in every)
    assert drawn == ALL.get(name, Counter((type(layer).__name__, GLOROT) for layer in every))


def test_no_tensor_is_joined_with_itself(network):
    _, model = network
    joints = (keras.layers.Add, keras.layers.Multiply, keras.layers.Concatenate)
    joined = [layer for layer in model.layers if isinstance(layer, joints) and layer.name != "three_channels"]
    assert all(len({id(tensor) for tensor in layer.input}) == len(layer.input) for layer in joined)


def test_dropout_of_the_femoral_network_is_that_of_its_kernel():
    model = models.build("huang_unet", (32, 32, 1), dropout=True)
    rates = [layer.rate for layer in model.layers if isinstance(layer, Dropout)]
    assert rates == [0.1, 0.1, 0.2, 0.2, 0.3, 0.2, 0.2, 0.1, 0.1]


@pytest.mark.parametrize("name", ["huang_unet", "shrivastava_unet"])
def test_grey_values_are_divided_by_255(name):
    images = np.full((1, 32, 32, 1), 51, "uint8")
    assert np.allclose(first_layer(models.build(name, (32, 32, 1)), images), 0.2)


@pytest.mark.parametrize("name", [
    "belahsen_unet", "inception_unet", "r2unet", "unetpp", "attention_resunet", "gulati_segnet", "gulati_unet",
])  # fmt: skip
def test_the_mean_and_deviation_given_are_taken_out(name):
    images = np.array([0, 100, 200, 255] * 256, "uint8").reshape(1, 32, 32, 1)
    model = models.build(name, (32, 32, 1), mean=100.0, deviation=50.0)
    assert np.allclose(first_layer(model, images), (images - 100.0) / 50.0, atol=1e-5)


@pytest.mark.parametrize("name, scale", [("double_unet", 16), ("dl_unet", 8), ("dl_unet_vgg16", 8)])
def test_both_pyramids_look_6_12_and_18_pixels_far(name, scale):
    """With ones for kernels, one bright pixel of the map is seen everywhere through the mean, and better by who looks at it."""
    model = models.build(name, (37 * scale, 37 * scale, 1), width=16)
    steps = {(row, column) for far in (6, 12, 18) for row in (-far, 0, far) for column in (-far, 0, far)}
    for place in ("first_aspp", "second_aspp"):
        pyramid = keras.Model(model.get_layer(f"{place}_mean").input, model.get_layer(f"{place}_conv_relu").output)
        for weight in pyramid.weights:
            if weight.path.endswith("kernel"):
                weight.assign(ops.ones(weight.shape))
        bright = np.zeros((1, *pyramid.input_shape[1:]), "float32")
        bright[0, 18, 18] = 1
        seen = ops.convert_to_numpy(pyramid(bright, training=False))[0, ..., 0]
        assert seen.shape == (37, 37)
        assert {(row - 18, column - 18) for row, column in np.argwhere(seen > 2 * seen.min()).tolist()} == steps, place


def test_batch_normalization_of_the_residual_encoder_has_the_librarys_epsilon():
    """One on the image, one of the stem, two a unit, one at the end; ten of the decoder have Keras' own."""
    model = models.build("resnet34_unet", (64, 64, 1))
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert Counter(layer.epsilon for layer in norms) == {2e-5: 1 + 1 + 32 + 1, 1e-3: 10}


def test_skips_of_the_inception_network_are_refined_by_a_tenth():
    model = models.build("inception_unet", (32, 32, 1))
    tenths = [layer.scale for layer in model.layers if isinstance(layer, keras.layers.Rescaling)][1:]
    assert tenths == [0.1] * 4
