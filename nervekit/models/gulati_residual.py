"""The residual U-Net of Gulati & Chhabra: the ResNet-34 U-Net of the library ``segmentation_models``."""

import keras
import numpy as np
from keras import layers

from nervekit.errors import ConfigurationError
from nervekit.models.blocks import (
    check_input,
    check_width,
    choose,
    convolution_unit,
    nearest_up,
    sigmoid_head,
)
from nervekit.models.normalization import BatchNormalization
from nervekit.models.pretrained import check_choice, load_encoder

UNITS = (3, 4, 6, 3)
EPSILON = 2e-5


def resnet34_unet(input_shape=(96, 96, 3), *, width=64, units=UNITS, pretrained=None, grey="replicate"):
    """U-Net whose encoder is a pre-activation ResNet-34.

    Parameters
    ----------
    input_shape : tuple of int
        (height, width, channels); height and width are multiples of 32, channels 1 or 3. Grey values 0 to 255, which
        the batch normalisation of the input scales.
    width : int
        Feature maps of the first stage, a multiple of 4; all others keep their proportion to it. 64 is ResNet-34.
    units : tuple of int
        Residual units of the four stages; (3, 4, 6, 3) is ResNet-34, (1, 1, 1, 1) the least there is. ImageNet weights
        fit a ResNet-34 of full width alone.
    pretrained : None, "imagenet" or path
        Start of the encoder: random; the paper's ImageNet weights; or a file in their layout, or a ``.keras`` file of
        this network.
    grey : "replicate", "convolution" or "native"
        What happens to one channel: it is repeated three times (24,456,154 parameters), a 1x1 convolution makes three
        of it (24,456,160), or the first layers take one (24,449,876, without pre-trained weights).

    Returns
    -------
    keras.Model
        Output of shape (batch, height, width, 1): the probability of the nerve at each pixel, float32.

    Raises
    ------
    ConfigurationError
        A size that is no multiple of 32, other channels, another `grey`, a width that is no multiple of 4, stages that
        are not four or have no unit, or published weights for one channel or for another network than ResNet-34.
    MissingDataError, DataError
        Weights that are not here, or do not fit.

    Notes
    -----
    The whole encoder is trained, as is the library's default.

    Examples
    --------
    >>> resnet34_unet((96, 96, 3)).count_params()
    24456154
    """
    check_input("resnet34_unet", input_shape, multiple=32, channels=(1, 3))
    check_choice("resnet34_unet", pretrained)
    choose("resnet34_unet", "grey", grey, ("replicate", "convolution", "native"))
    check_width("resnet34_unet", width, multiple=4)
    if np.shape(units) != (4,) or min(units) < 1:
        raise ConfigurationError(f"resnet34_unet: units={units}. Expected one unit or more for each of four stages, such "
                                 "as (3, 4, 6, 3).")  # fmt: skip
    if pretrained == "imagenet" and (width, tuple(units)) != (64, UNITS):
        raise ConfigurationError(f"resnet34_unet: the ImageNet weights fit width=64 and units={UNITS}, not {width} and "
                                 f"{tuple(units)}. Choose these, or pretrained=None for random weights.")  # fmt: skip
    inputs = x = keras.Input(input_shape, name="image")
    if input_shape[-1] == 1 and grey == "native" and pretrained is not None and not str(pretrained).endswith(".keras"):
        raise ConfigurationError("resnet34_unet: the pre-trained weights take three channels. Choose "
                                 "grey='replicate' or grey='convolution', or pretrained=None.")  # fmt: skip
    if input_shape[-1] == 1 and grey == "replicate":
        x = layers.Concatenate(name="three_channels")([x, x, x])
    if input_shape[-1] == 1 and grey == "convolution":
        x = layers.Conv2D(3, 1, name="three_channels")(x)
    published = {}
    x, skips = _encoder(x, published, width, units)
    for level in (5, 4, 3, 2, 1):
        name, filters = f"decoder_{level}", 2 ** (level - 1) * width // 4
        x = nearest_up(x, filters, name)
        if level > 1:
            x = layers.Concatenate(name=f"{name}_skip")([x, skips[level - 2]])
        for i in (1, 2):
            x = convolution_unit(x, filters, f"{name}_conv_{i}", bias=False, initializer="he_uniform")
    model = keras.Model(inputs, sigmoid_head(x, kernel=3), name="resnet34_unet")
    load_encoder(model, "resnet34", pretrained, published)
    return model


def _encoder(x, published, width, units):
    """Output at 1/32, and the skips at 1/2, 1/4, 1/8 and 1/16; fills the published name of each layer."""

    def normalize(x, name, known_as, relu=True, **options):
        published[name] = known_as
        x = BatchNormalization(epsilon=EPSILON, name=name, **options)(x)
        return layers.Activation("relu", name=f"{name}_relu")(x) if relu else x

    def convolve(x, filters, name, known_as, *, kernel=3, strides=1):
        published[name] = known_as
        if kernel > 1:
            x = layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x)
        return layers.Conv2D(
            filters, kernel, strides=strides, use_bias=False, kernel_initializer="he_uniform", name=name
        )(x)

    x = normalize(x, "encoder_1_norm_1", "bn_data", relu=False, scale=False)
    x = convolve(x, width, "encoder_1_conv_1", "conv0", kernel=7, strides=2)
    x = normalize(x, "encoder_1_norm_2", "bn0")
    skips = [x]
    x = layers.ZeroPadding2D(1, name="encoder_1_pool_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="encoder_1_pool")(x)
    for stage, count in enumerate(units, 1):
        filters = width * 2 ** (stage - 1)
        for unit in range(1, count + 1):
            name, known_as = f"encoder_{stage + 1}_unit_{unit}", f"stage{stage}_unit{unit}"
            strides = 2 if stage > 1 and unit == 1 else 1
            shortcut = x
            first = f"encoder_{stage}_norm" if strides == 2 else f"{name}_norm_1"
            x = normalize(x, first, f"{known_as}_bn1")
            if unit == 1:
                shortcut = convolve(x, filters, f"{name}_shortcut", f"{known_as}_sc", kernel=1, strides=strides)
                if stage > 1:
                    skips.append(x)
            x = convolve(x, filters, f"{name}_conv_1", f"{known_as}_conv1", strides=strides)
            x = normalize(x, f"{name}_norm_2", f"{known_as}_bn2")
            x = convolve(x, filters, f"{name}_conv_2", f"{known_as}_conv2")
            x = layers.Add(name=f"{name}_residual")([x, shortcut])
    return normalize(x, "encoder_5_norm", "bn1"), skips
