"""Parts that more than one network is made of. All tensors are channels last."""

from collections.abc import Iterable
from numbers import Real

import keras
from keras import layers

from nervekit.errors import ConfigurationError, is_whole
from nervekit.models.normalization import BatchNormalization


@keras.saving.register_keras_serializable(package="nervekit")
class Dropout(layers.Dropout):
    """Keras' dropout, drawn and scaled in float32.

    TensorFlow draws in the format of the values. In bfloat16, which has 128 steps between 0 and 1, a rate of 0.3 drops 0.305
    of them and the scale of the others is rounded, so that the mean in training is 0.994 of that in prediction.

    Parameters
    ----------
    rate : float
        Share of values set to zero in training; the others are divided by 1 - `rate`.
    **options
        Of `keras.layers.Dropout`.

    References
    ----------
    Srivastava et al. 2014, Dropout: A Simple Way to Prevent Neural Networks from Overfitting, JMLR 15.

    Examples
    --------
    >>> maps = keras.ops.ones((1, 1000, 1000, 1), dtype="bfloat16")
    >>> dropped = Dropout(0.3, seed=0, dtype="bfloat16")(maps, training=True)
    >>> round(float(keras.ops.mean(keras.ops.cast(dropped, "float32"))), 2)
    1.0
    """

    def call(self, inputs, training=False):
        answer = super().call(keras.ops.cast(inputs, "float32"), training=training)
        return keras.ops.cast(answer, self.compute_dtype)


def double_convolution(x, filters, name, *, activation="relu", initializer="glorot_uniform", dropout=0.0):
    """Two 3x3 convolutions, each followed by its activation, with optional dropout between them.

    Parameters
    ----------
    x : KerasTensor
        Shape (batch, height, width, channels).
    filters : int
    name : str
        Place in the network, such as ``"encoder_2"``; layers are called ``encoder_2_conv_1`` and so on.
    activation, initializer : str
    dropout : float
        Share of values set to zero between the convolutions.

    Returns
    -------
    KerasTensor
        Shape (batch, height, width, filters).
    """
    convolution = {"padding": "same", "activation": activation, "kernel_initializer": initializer}
    x = layers.Conv2D(filters, 3, name=f"{name}_conv_1", **convolution)(x)
    if dropout:
        x = Dropout(dropout, name=f"{name}_dropout")(x)
    return layers.Conv2D(filters, 3, name=f"{name}_conv_2", **convolution)(x)


def convolution_unit(
    x, filters, name, *, kernel=3, strides=1, dilation=1, bias=True, batch_norm=True, activation="relu",
    initializer="glorot_uniform",
):  # fmt: skip
    """A convolution, batch normalisation and an activation, the last two only if asked for.

    Parameters
    ----------
    x : KerasTensor
        Shape (batch, height, width, channels).
    filters : int
    name : str
        Place in the network, such as ``"encoder_2_conv_1"``; the other layers are called
        ``encoder_2_conv_1_norm`` and ``encoder_2_conv_1_relu``.
    kernel, strides, dilation : int or pair of int
    bias, batch_norm : bool
    activation : str or None
    initializer : str
        A name, not an object: one shared object would give layers of equal shape equal kernels.

    Returns
    -------
    KerasTensor
        Shape (batch, height / strides, width / strides, filters).
    """
    x = layers.Conv2D(
        filters, kernel, strides=strides, dilation_rate=dilation, padding="same", use_bias=bias,
        kernel_initializer=initializer, name=name,
    )(x)  # fmt: skip
    if batch_norm:
        x = BatchNormalization(name=f"{name}_norm")(x)
    return layers.Activation(activation, name=f"{name}_{activation}")(x) if activation else x


def encoder_decoder(x, widths, stage, up):
    """The body of a U-Net: stages with 2x2 max-pooling between them, a bottleneck, and the way back up.

    Parameters
    ----------
    x : KerasTensor
        Shape (batch, height, width, channels).
    widths : sequence of int
        Feature maps of each level from the finest to the bottleneck.
    stage, up : callable
        ``(x, filters, name) -> x``, one level of the network and the step to the next finer one.

    Returns
    -------
    KerasTensor
        Shape (batch, height, width, widths[0]).
    """
    skips = []
    for level, filters in enumerate(widths[:-1], 1):
        skips.append(stage(x, filters, f"encoder_{level}"))
        x = layers.MaxPooling2D(2, name=f"encoder_{level}_pool")(skips[-1])
    x = stage(x, widths[-1], "bottleneck")
    for level in reversed(range(1, len(widths))):
        name, filters = f"decoder_{level}", widths[level - 1]
        x = layers.Concatenate(name=f"{name}_skip")([up(x, filters, name), skips[level - 1]])
        x = stage(x, filters, name)
    return x


def transposed_up(x, filters, name):
    """Twice the size by a 2x2 transposed convolution with bias and without activation."""
    return layers.Conv2DTranspose(filters, 2, strides=2, name=f"{name}_up")(x)


def nearest_up(x, filters, name):
    """Twice the size by repeating pixels; `filters` is not used."""
    return layers.UpSampling2D(2, name=f"{name}_up")(x)


def bilinear_up(x, filters, name):
    """Twice the size by linear interpolation, in float32; `filters` is not used."""
    return layers.UpSampling2D(2, interpolation="bilinear", dtype="float32", name=f"{name}_up")(x)


def standardize(x, mean, deviation):
    """Subtract a mean and divide by a standard deviation, the same for every image; no parameters.

    A mean that is no number, and a deviation that is none above 0, are refused with a ConfigurationError.
    """
    if not isinstance(mean, Real):
        raise ConfigurationError(f"mean={mean!r}: expected the mean of the grey values, a number")
    if not isinstance(deviation, Real) or not deviation > 0:
        raise ConfigurationError(f"deviation={deviation!r}: expected the standard deviation of the grey values, above 0")
    return layers.Rescaling(1 / deviation, offset=-mean / deviation, name="standardize")(x)


def standardize_each(x):
    """Subtract each image's mean and divide by its standard deviation, in float32; no parameters."""
    return layers.LayerNormalization(
        axis=(1, 2, 3), center=False, scale=False, epsilon=1e-6, dtype="float32", name="standardize_each"
    )(x)


def choose(network, option, value, choices):
    """Refuse a value that is not one of the choices of an option, with a ConfigurationError that lists them."""
    if value not in choices:
        answer = ", ".join(map(repr, choices))
        raise ConfigurationError(f"{network}: {option}={value!r}. Choose one of: {answer}.")


def sigmoid_head(x, name="mask", *, kernel=1, initializer="glorot_uniform", regularizer=None):
    """A convolution to one channel in the precision of the network, and a sigmoid, always in float32."""
    x = layers.Conv2D(
        1, kernel, padding="same", kernel_initializer=initializer, kernel_regularizer=regularizer, name=f"{name}_logits"
    )(x)
    return layers.Activation("sigmoid", dtype="float32", name=name)(x)


def check_input(network, input_shape, *, multiple, channels=None):
    """Refuse an input that the network cannot take.

    Parameters
    ----------
    network : str
        Name for the error text.
    input_shape : tuple of int
        (height, width, channels).
    multiple : int
        Height and width must be multiples of this: 2 to the power of how often the network halves them.
    channels : tuple of int, optional
        The channel counts that the network takes; any positive count without it.

    Raises
    ------
    ConfigurationError
    """
    shape = tuple(input_shape) if isinstance(input_shape, Iterable) else input_shape
    if not isinstance(shape, tuple) or len(shape) != 3 or not all(is_whole(size, 1) for size in shape):
        raise ConfigurationError(
            f"{network}: input_shape is {shape}. Expected (height, width, channels), three positive integers, "
            f"such as ({multiple * 8}, {multiple * 8}, 1)."
        )
    height, width, depth = shape
    if height % multiple or width % multiple:
        rows, columns = _nearest(height, multiple), _nearest(width, multiple)
        raise ConfigurationError(
            f"{network}: input of {height} x {width} pixels. Height and width must be multiples of {multiple}, "
            f"such as {rows} x {columns}. Load the data with size=({rows}, {columns})."
        )
    if channels and depth not in channels:
        answer = " or ".join(map(str, channels))
        raise ConfigurationError(f"{network}: input with {depth} channels. Expected {answer}.")


def check_width(network, width, *, multiple=1, option="width"):
    """Refuse a number of feature maps that makes no network.

    Parameters
    ----------
    network : str
        Name for the error text.
    width : int
    multiple : int
        What it must be a multiple of.
    option : str
        What the network calls it.

    Raises
    ------
    ConfigurationError
    """
    if not is_whole(width, 1) or width % multiple:
        several = f"a multiple of {multiple}, such as {multiple}, {2 * multiple} or {4 * multiple}"
        expected = "a whole number, 1 or more" if multiple == 1 else several
        raise ConfigurationError(f"{network}: {option}={width!r}. Expected {expected}.")


def _nearest(size, multiple):
    return max(multiple, round(size / multiple) * multiple)
