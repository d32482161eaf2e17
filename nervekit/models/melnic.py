"""The two single networks of Melnic et al. for the median nerve.

Their pipeline standardises each image by its own mean and standard deviation; here that is the first layer, so that
images go in as they are, 0 to 255. Going up is bilinear, without the 2x2 convolution that the paper's text describes.
"""

import keras

from nervekit.models.blocks import (
    Dropout,
    bilinear_up,
    check_input,
    check_width,
    choose,
    convolution_unit,
    encoder_decoder,
    sigmoid_head,
    standardize_each,
)


def melnic_unet(input_shape=(288, 384, 1), *, width=32):
    """U-Net with batch normalisation and four down-sampling steps.

    Parameters
    ----------
    input_shape : tuple of int
        (height, width, channels); height and width are multiples of 16.
    width : int
        Feature maps of the first stage; each stage doubles them. The paper describes the original U-Net, whose widths
        are twice those of its code.

    Returns
    -------
    keras.Model
        Output of shape (batch, height, width, 1): the probability of the nerve at each pixel, float32.

    Raises
    ------
    ConfigurationError
        A size that is no multiple of 16, a shape that is not (height, width, channels), or a width below 1.

    Examples
    --------
    >>> melnic_unet((288, 384, 1)).count_params()
    7858405
    """
    check_input("melnic_unet", input_shape, multiple=16)
    check_width("melnic_unet", width)
    inputs = keras.Input(input_shape, name="image")
    widths = [width * 2**level for level in range(5)]
    x = encoder_decoder(standardize_each(inputs), widths, two_convolutions, bilinear_up)
    return keras.Model(inputs, two_step_head(x), name="melnic_unet")


def lunet(input_shape=(288, 384, 1), *, batch_norm="both", width=32, dropout=0.2):
    """The light U-Net: three down-sampling steps, and dropout after the bottleneck.

    Parameters
    ----------
    input_shape : tuple of int
        (height, width, channels); height and width are multiples of 8.
    batch_norm : "both" or "first"
        After both convolutions of a stage, as the printed count needs, or after the first only, as the paper's text
        and the last state of the repository have it (1,949,669 parameters).
    width : int
        Feature maps of the first stage; each stage doubles them.
    dropout : float
        Share of values set to zero after the bottleneck.

    Returns
    -------
    keras.Model
        Output of shape (batch, height, width, 1): the probability of the nerve at each pixel, float32.

    Raises
    ------
    ConfigurationError
        A size that is no multiple of 8, a shape that is not (height, width, channels), a width below 1, or another
        `batch_norm`.

    References
    ----------
    Horng et al. 2020, DeepNerve: A New Convolutional Neural Network for the Localization and Segmentation of the Median Nerve
    in Ultrasound Image Sequences, Ultrasound in Medicine & Biology 46(9).

    Examples
    --------
    >>> lunet((288, 384, 1)).count_params()
    1952485
    """
    check_input("lunet", input_shape, multiple=8)
    check_width("lunet", width)
    choose("lunet", "batch_norm", batch_norm, ("both", "first"))
    inputs = keras.Input(input_shape, name="image")

    def stage(x, filters, name):
        x = two_convolutions(x, filters, name, batch_norm)
        return Dropout(dropout, name="bottleneck_dropout")(x) if name == "bottleneck" else x

    x = encoder_decoder(standardize_each(inputs), [width * 2**level for level in range(4)], stage, bilinear_up)
    return keras.Model(inputs, two_step_head(x), name="lunet")


def two_convolutions(x, filters, name, batch_norm="both"):
    """Two 3x3 convolutions with ReLU; batch normalisation after ``"both"`` or the ``"first"``."""
    x = convolution_unit(x, filters, f"{name}_conv_1")
    return convolution_unit(x, filters, f"{name}_conv_2", batch_norm=batch_norm == "both")


def two_step_head(x, name="mask"):
    """A 3x3 convolution to two channels with ReLU, then a 1x1 convolution and a sigmoid."""
    x = convolution_unit(x, 2, f"{name}_conv", batch_norm=False)
    return sigmoid_head(x, name)
