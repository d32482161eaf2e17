"""A network of our own: a plain U-Net, normalised image by image, with masks at several scales if asked for."""

import keras
from keras import layers

from nervekit.errors import ConfigurationError, is_whole
from nervekit.models.blocks import (
    check_input,
    check_width,
    encoder_decoder,
    sigmoid_head,
    standardize_each,
    transposed_up,
)
from nervekit.models.normalization import InstanceNormalization

SCALES = 3


def nervekit_unet(input_shape=(256, 256, 1), *, width=16, depth=4, deep_supervision=False, presence=False):
    """U-Net of convolution, instance normalisation and LeakyReLU, for any ultrasound set.

    Parameters
    ----------
    input_shape : tuple of int
        (height, width, channels); height and width are multiples of ``2**depth``. Images are uint8 or float: each is
        brought to mean 0 and standard deviation 1 by the first layer.
    width : int
        Feature maps of the first stage; each stage doubles them. 16 has 1,942,289 parameters.
    depth : int
        Down-sampling steps.
    deep_supervision : bool
        Give masks at the three finest scales of the decoder, for training. The coarser two add a 1x1 convolution each.
    presence : bool
        Also give the probability that there is a region at all, from the mean of each feature map of the bottleneck.

    Returns
    -------
    keras.Model
        Output of shape (batch, height, width, 1): the probability of the region at each pixel, float32. With
        ``deep_supervision`` a dict: ``mask`` is that output, ``decoder_2_mask`` has half its height and width,
        ``decoder_3_mask`` a quarter. With ``presence`` it is a dict too, in which ``presence`` has the shape (batch, 1),
        float32. Layers and weights of the same name are the same in all.

    Raises
    ------
    ConfigurationError
        A size that the network cannot halve so often, or of which one pixel would be left (normalised by itself, it
        says nothing); a width below 1; too few steps for the scales.

    Notes
    -----
    Convolutions have no bias, since the normalisation behind them would take it out again.

    References
    ----------
    Isensee et al. 2021, nnU-Net, Nature Methods 18: a plain U-Net, well configured, is hard to beat; instance
    normalisation, LeakyReLU and masks at several scales are theirs.

    Examples
    --------
    >>> nervekit_unet((256, 256, 1)).count_params()
    1942289
    >>> list(nervekit_unet((64, 64, 1), width=4, deep_supervision=True).output)
    ['mask', 'decoder_2_mask', 'decoder_3_mask']
    """
    check_width("nervekit_unet", width)
    _check_depth(depth, deep_supervision)
    check_input("nervekit_unet", input_shape, multiple=2**depth)
    if input_shape[0] * input_shape[1] == 4**depth:
        raise ConfigurationError(
            f"nervekit_unet: {input_shape[0]} x {input_shape[1]} pixels halved {depth} times leave a single pixel. "
            f"Expected a larger input, such as {2 ** (depth + 1)} x {2 ** (depth + 1)}, or a smaller depth."
        )
    inputs = keras.Input(input_shape, name="image")
    stages = {}

    def stage(x, filters, name):
        for number in (1, 2):
            x = normalised_convolution(x, filters, f"{name}_conv_{number}")
        stages[name] = x
        return x

    x = encoder_decoder(standardize_each(inputs), [width * 2**level for level in range(depth + 1)], stage, transposed_up)
    outputs = {"mask": sigmoid_head(x)}
    for level in range(2, SCALES + 1) if deep_supervision else ():
        outputs[f"decoder_{level}_mask"] = sigmoid_head(stages[f"decoder_{level}"], f"decoder_{level}_mask")
    if presence:
        pooled = layers.GlobalAveragePooling2D(name="presence_pool")(stages["bottleneck"])
        outputs["presence"] = layers.Dense(1, "sigmoid", dtype="float32", name="presence")(pooled)
    return keras.Model(inputs, outputs if len(outputs) > 1 else outputs["mask"], name="nervekit_unet")


def normalised_convolution(x, filters, name):
    """A 3x3 convolution without bias, each feature map of each image normalised, LeakyReLU with slope 0.01."""
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name=name)(x)
    x = InstanceNormalization(name=f"{name}_norm")(x)
    return layers.LeakyReLU(negative_slope=0.01, name=f"{name}_relu")(x)


def _check_depth(depth, deep_supervision):
    least = SCALES if deep_supervision else 1
    if not is_whole(depth, least):
        why = f" for masks at {SCALES} scales" if deep_supervision else ""
        raise ConfigurationError(f"nervekit_unet: depth={depth}. Expected a whole number, a depth of {least} or more{why}.")
