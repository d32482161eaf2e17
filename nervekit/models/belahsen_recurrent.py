"""The recurrent residual and the attention residual network of Belahsen & El Manouzi."""

import keras
from keras import layers

from nervekit.models.belahsen import DEVIATION, MEAN
from nervekit.models.blocks import (
    Dropout,
    check_input,
    check_width,
    choose,
    convolution_unit,
    encoder_decoder,
    nearest_up,
    sigmoid_head,
    standardize,
)
from nervekit.models.normalization import BatchNormalization


def r2unet(input_shape=(96, 96, 1), *, features=16, batch_norm=False, mean=MEAN, deviation=DEVIATION):
    """Recurrent residual U-Net. Its recurrences share no weights: each unrolled step has its own convolution.

    Parameters
    ----------
    input_shape : tuple of int
        (height, width, channels); height and width are multiples of 16. Grey values 0 to 255.
    features : int
        Feature maps of the first stage. The paper prints counts of two networks that differ in two things: 16 without
        batch normalisation (6,003,009) and 64 with it (96,056,577).
    batch_norm : bool
        Batch normalisation between each 3x3 convolution and its activation.
    mean, deviation : float
        Of the training images' grey values; the defaults are those of the authors' augmented set.

    Returns
    -------
    keras.Model
        Output of shape (batch, height, width, 1): the probability of the nerve at each pixel, float32.

    Raises
    ------
    ConfigurationError
        A size that is no multiple of 16, a shape that is not (height, width, channels), `features` below 1, or a deviation
        that is not above 0.

    References
    ----------
    Alom et al. 2018, Recurrent Residual Convolutional Neural Network based on U-Net (R2U-Net) for Medical Image Segmentation,
    arXiv:1802.06955.

    Examples
    --------
    >>> r2unet((96, 96, 1)).count_params()
    6003009
    """
    check_input("r2unet", input_shape, multiple=16)
    check_width("r2unet", features, option="features")
    inputs = keras.Input(input_shape, name="image")
    widths = [features * 2**level for level in range(5)]

    def stage(x, filters, name):
        return _recurrent_residual(x, filters, name, batch_norm)

    x = encoder_decoder(standardize(inputs, mean, deviation), widths, stage, nearest_up)
    return keras.Model(inputs, sigmoid_head(x), name="r2unet")


def _recurrent_residual(x, filters, name, batch_norm):
    """Two recurrent steps of three convolutions, each fed its own result plus the step's input."""
    if x.shape[-1] != filters:
        x = layers.Conv2D(filters, 1, name=f"{name}_match")(x)
    state = result = x
    for step in range(2):
        for turn in range(3):
            place = f"{name}_conv_{3 * step + turn + 1}"
            fed = layers.Add(name=f"{place}_feed")([result, state]) if turn else state
            result = convolution_unit(fed, filters, place, batch_norm=batch_norm)
        state = result
    return layers.Add(name=f"{name}_residual")([state, x])


def attention_resunet(
    input_shape=(96, 96, 1), *, width=32, head="relu", dropout=0.5, mean=MEAN, deviation=DEVIATION
):
    """U-Net of residual units whose skips pass an attention gate.

    Parameters
    ----------
    input_shape : tuple of int
        (height, width, channels); height and width are multiples of 16. Grey values 0 to 255.
    width : int
        Feature maps of the first stage; each stage doubles them.
    head : "relu" or "sigmoid"
        What follows the last 1x1 convolution and its batch normalisation. The authors' network ends in a ReLU: its
        output has no upper bound, and where it is 0 everywhere nothing is learnt any more. "sigmoid" is a departure
        with the same count.
    dropout : float
        Share of values set to zero at the end of each unit's main path.
    mean, deviation : float
        Of the training images' grey values; the defaults are those of the authors' augmented set.

    Returns
    -------
    keras.Model
        Output of shape (batch, height, width, 1), float32: at least 0, and at most 1 with the sigmoid.

    Raises
    ------
    ConfigurationError
        A size that is no multiple of 16, a shape that is not (height, width, channels), a width below 1, another head, or a
        deviation that is not above 0.

    References
    ----------
    Oktay et al. 2018, Attention U-Net: Learning Where to Look for the Pancreas, arXiv:1804.03999.

    Examples
    --------
    >>> attention_resunet((96, 96, 1)).count_params()
    9786857
    """
    check_input("attention_resunet", input_shape, multiple=16)
    check_width("attention_resunet", width)
    choose("attention_resunet", "head", head, ("relu", "sigmoid"))
    inputs = keras.Input(input_shape, name="image")
    x = standardize(inputs, mean, deviation)
    widths = [width * 2**level for level in range(5)]
    skips = []
    for level in range(1, 5):
        skips.append(_residual(x, widths[level - 1], f"encoder_{level}", dropout))
        x = layers.MaxPooling2D(2, name=f"encoder_{level}_pool")(skips[-1])
    x = _residual(x, widths[-1], "bottleneck", dropout)
    for level in reversed(range(1, 5)):
        filters, name = widths[level - 1], f"decoder_{level}"
        attended = _attend(x, skips[level - 1], filters, name)
        x = layers.Concatenate(name=f"{name}_skip")([nearest_up(x, filters, name), attended])
        x = _residual(x, filters, name, dropout)
    x = layers.Conv2D(1, 1, name="mask_logits")(x)
    x = BatchNormalization(name="mask_norm")(x)
    return keras.Model(inputs, layers.Activation(head, dtype="float32", name="mask")(x), name="attention_resunet")


def _residual(x, filters, name, dropout):
    shortcut = convolution_unit(x, filters, f"{name}_shortcut", kernel=1, activation=None)
    for i in (1, 2):
        x = convolution_unit(x, filters, f"{name}_conv_{i}")
    x = Dropout(dropout, name=f"{name}_dropout")(x)
    return layers.Add(name=f"{name}_residual")([x, shortcut])


def _attend(coarse, skip, filters, name):
    """Weigh each place of the skip by how well it agrees with the coarser map."""
    gate = convolution_unit(coarse, filters, f"{name}_gate", kernel=1)
    phi = layers.Conv2D(filters, 1, name=f"{name}_attention_phi")(gate)
    phi = layers.Conv2DTranspose(filters, 3, padding="same", name=f"{name}_attention_phi_spread")(phi)
    theta = layers.Conv2D(filters, 2, strides=2, name=f"{name}_attention_theta")(skip)
    x = layers.Add(name=f"{name}_attention_add")([phi, theta])
    x = layers.Activation("relu", name=f"{name}_attention_relu")(x)
    x = layers.Conv2D(1, 1, activation="sigmoid", name=f"{name}_attention_weight")(x)
    x = layers.UpSampling2D(2, name=f"{name}_attention_up")(x)
    x = layers.Multiply(name=f"{name}_attention_multiply")([skip, x])
    return convolution_unit(x, filters, f"{name}_attention_conv", kernel=1, activation=None)
