"""The double networks of Melnic et al.: a first U-Net on a VGG encoder, whose mask multiplies the second's input.

Of their inner tensors, ``output_1`` is the first mask, ``multiply`` the image times this mask, ``output_2`` the
result. Images are standardised one by one in the first layer; VGG gets the one channel three times, without its own
preprocessing, as in the authors' code. Their VGG weights were ImageNet's, all trained further:
``pretrained="imagenet"``.
"""

import keras
from keras import layers

from nervekit.errors import ConfigurationError
from nervekit.models.blocks import (
    bilinear_up,
    check_input,
    check_width,
    choose,
    convolution_unit,
    sigmoid_head,
    standardize_each,
)
from nervekit.models.melnic import two_convolutions, two_step_head
from nervekit.models.pretrained import check_choice, load_encoder

VGG_WIDTHS = (1, 2, 4, 8, 8)  # times the width of the first block


def double_unet(input_shape=(288, 384, 1), *, pretrained=None, outputs="second", width=64):
    """DB-Unet: VGG19 and four levels in both halves.

    Parameters
    ----------
    input_shape : tuple of int
        (height, width, channels); height and width are multiples of 16, channels 1 or 3.
    pretrained : None, "imagenet" or path
        Start of the VGG19 encoder: random; ImageNet; or a file in the published layout, or a ``.keras`` file of
        this network.
    outputs : "second" or "both"
        "both" puts the two masks side by side as two channels, as the published file does; the printed count and
        scores come from a run that ended in the second alone. The count is the same.
    width : int
        Feature maps of VGG's first block, a multiple of 16; all other widths follow. Published weights need 64.

    Returns
    -------
    keras.Model
        Output of shape (batch, height, width, 1 or 2): the probability of the nerve at each pixel, float32.

    Raises
    ------
    ConfigurationError
        A size that is no multiple of 16, other channels or outputs, or a width that is no multiple of 16, or
        ImageNet weights with a width other than 64.
    MissingDataError, DataError
        Weights that are not here, or do not fit.

    References
    ----------
    Jha et al. 2020, DoubleU-Net: A Deep Convolutional Neural Network for Medical Image Segmentation, arXiv:2006.04868.

    Examples
    --------
    >>> double_unet((288, 384, 1)).count_params()
    29296994
    """
    check_input("double_unet", input_shape, multiple=16, channels=(1, 3))
    choose("double_unet", "outputs", outputs, ("second", "both"))
    return _double(
        "double_unet", input_shape, "vgg19", (2, 2, 4, 4, 4), taps=(2, 2, 4, 4), head=sigmoid_head, pretrained=pretrained,
        outputs=outputs, width=width,
    )  # fmt: skip


def dl_unet(input_shape=(288, 384, 1), *, pretrained=None, batch_norm="both", width=64):
    """DL-Unet: VGG19 cut after its fourth block, and three levels in both halves.

    Parameters
    ----------
    input_shape : tuple of int
        (height, width, channels); height and width are multiples of 8, channels 1 or 3.
    pretrained : None, "imagenet" or path
        As in `double_unet`.
    batch_norm : "both" or "first"
        After both convolutions of a block, as the printed count needs, or after the first only, in both halves (14,770,986
        parameters). The text's "L-Unet" would mean it for the second half alone (14,771,882).
    width : int
        As in `double_unet`.

    Returns
    -------
    keras.Model
        Output of shape (batch, height, width, 1): the probability of the nerve at each pixel, float32.

    Raises
    ------
    ConfigurationError
        A size that is no multiple of 8, other channels, another `batch_norm`, or a width that is no multiple of 16, or
        ImageNet weights with a width other than 64.
    MissingDataError, DataError
        Weights that are not here, or do not fit.

    Examples
    --------
    >>> dl_unet((288, 384, 1)).count_params()
    14774698
    """
    check_input("dl_unet", input_shape, multiple=8, channels=(1, 3))
    choose("dl_unet", "batch_norm", batch_norm, ("both", "first"))
    return _double(
        "dl_unet", input_shape, "vgg19", (2, 2, 4, 4), taps=(2, 2, 4), head=two_step_head, pretrained=pretrained,
        batch_norm=batch_norm, bottleneck=4, width=width,
    )  # fmt: skip


def dl_unet_vgg16(input_shape=(288, 384, 1), *, faithful=True, pretrained=None, batch_norm=None, width=64):
    """The "VGG16" variant of DL-Unet, as it was run, or as it was meant.

    Parameters
    ----------
    input_shape : tuple of int
        (height, width, channels); height and width are multiples of 8, channels 1 or 3.
    faithful : bool
        The authors' file still builds VGG19, cut one convolution earlier and with the skip of the third block taken
        one convolution earlier; its blocks have one batch normalisation (12,411,178 parameters). ``False`` is a real
        VGG16 (11,824,810).
    pretrained : None, "imagenet" or path
        As in `double_unet`; the weights are those of the encoder that is built.
    batch_norm : "both", "first" or None
        None is "first" for the faithful network and "both" for the real VGG16.
    width : int
        As in `double_unet`.

    Returns
    -------
    keras.Model
        Output of shape (batch, height, width, 1): the probability of the nerve at each pixel, float32.

    Raises
    ------
    ConfigurationError
        A size that is no multiple of 8, other channels, another `batch_norm`, or a width that is no multiple of 16, or
        ImageNet weights with a width other than 64.
    MissingDataError, DataError
        Weights that are not here, or do not fit.

    Examples
    --------
    >>> dl_unet_vgg16((288, 384, 1)).count_params()
    12411178
    """
    check_input("dl_unet_vgg16", input_shape, multiple=8, channels=(1, 3))
    choose("dl_unet_vgg16", "batch_norm", batch_norm, ("both", "first", None))
    return _double(
        "dl_unet_vgg16", input_shape, "vgg19" if faithful else "vgg16", (2, 2, 4, 3) if faithful else (2, 2, 3, 3),
        taps=(2, 2, 3), head=two_step_head, pretrained=pretrained,
        batch_norm=batch_norm or ("first" if faithful else "both"), bottleneck=4, width=width,
    )  # fmt: skip


def _double(
    name, input_shape, backbone, depths, *, taps, head, pretrained, width, batch_norm="both", bottleneck=0,
    outputs="second",
):  # fmt: skip
    check_choice(name, pretrained)
    check_width(name, width, multiple=16)
    if pretrained == "imagenet" and width != 64:
        raise ConfigurationError(
            f"{name}: the ImageNet weights fit width=64, not {width}. Choose it, or pretrained=None for random weights."
        )
    inputs = keras.Input(input_shape, name="image")
    x = image = standardize_each(inputs)
    if input_shape[-1] == 1:
        x = layers.Concatenate(name="three_channels")([x, x, x])
    x, vgg_skips, published = _vgg(x, depths, taps, width)
    levels = range(1, len(taps) + 1)

    x = _pyramid(x, "first_aspp", width)
    for level in reversed(levels):
        x = _decode(x, [vgg_skips[level - 1]], width * 2**level // 4, f"first_decoder_{level}", batch_norm)
    output_1 = head(x, "output_1")

    x = layers.Multiply(name="multiply")([image, output_1])
    skips = []
    for level in levels:
        skips.append(_excited(x, width * 2**level // 4, f"second_encoder_{level}", batch_norm))
        x = layers.MaxPooling2D(2, name=f"second_encoder_{level}_pool")(skips[-1])
    x = _pyramid(x, "second_aspp", width)
    if bottleneck:
        x = two_convolutions(x, bottleneck * width, "second_bottleneck", batch_norm)
    for level in reversed(levels):
        joined = [vgg_skips[level - 1], skips[level - 1]]
        x = _decode(x, joined, width * 2**level // 4, f"second_decoder_{level}", batch_norm)
    output = head(x, "output_2")
    if outputs == "both":
        output = layers.Concatenate(dtype="float32", name="both_outputs")([output_1, output])
    model = keras.Model(inputs, output, name=name)
    load_encoder(model, backbone, pretrained, published)
    return model


def _vgg(x, depths, taps, width):
    """VGG's last map, its skips, and the published name of each layer."""
    skips, published = [], {}
    for block, (depth, times) in enumerate(zip(depths, VGG_WIDTHS, strict=False), 1):
        if block > 1:
            x = layers.MaxPooling2D(2, name=f"first_encoder_{block - 1}_pool")(x)
        for i in range(1, depth + 1):
            name = f"first_encoder_{block}_conv_{i}"
            published[name] = f"block{block}_conv{i}"
            x = layers.Conv2D(times * width, 3, padding="same", activation="relu", name=name)(x)
            if block <= len(taps) and i == taps[block - 1]:
                skips.append(x)
    return x, skips, published


def _decode(x, skips, filters, name, batch_norm):
    x = layers.Concatenate(name=f"{name}_skip")([bilinear_up(x, filters, name), *skips])
    return _excited(x, filters, name, batch_norm)


def _excited(x, filters, name, batch_norm):
    """Two convolutions, then a weight for each channel from the channels' means (squeeze and excitation)."""
    x = two_convolutions(x, filters, name, batch_norm)
    weight = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(x)
    weight = layers.Dense(filters // 8, "relu", use_bias=False, name=f"{name}_excite_1")(weight)
    weight = layers.Dense(filters, "sigmoid", use_bias=False, name=f"{name}_excite_2")(weight)
    return layers.Multiply(name=f"{name}_excite")([x, weight])


def _pyramid(x, name, filters):
    """Atrous spatial pyramid pooling: the whole map's mean, a 1x1 and three dilated 3x3 convolutions, joined."""
    size = x.shape[1:3]
    mean = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_mean")(x)
    mean = convolution_unit(mean, filters, f"{name}_mean_conv", kernel=1)
    branches = [layers.UpSampling2D(size, interpolation="bilinear", name=f"{name}_mean_up")(mean)]
    for kernel, dilation in ((1, 1), (3, 6), (3, 12), (3, 18)):
        place = f"{name}_conv_{dilation}"
        branches.append(convolution_unit(x, filters, place, kernel=kernel, dilation=dilation, bias=False))
    x = layers.Concatenate(name=f"{name}_concat")(branches)
    return convolution_unit(x, filters, f"{name}_conv", kernel=1, bias=False)
