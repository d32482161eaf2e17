"""Parts that more than one network is made of. All tensors are channels last."""

from keras import layers

from nervekit.errors import ConfigurationError


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
        x = layers.Dropout(dropout, name=f"{name}_dropout")(x)
    return layers.Conv2D(filters, 3, name=f"{name}_conv_2", **convolution)(x)


def sigmoid_head(x, name="mask"):
    """A 1x1 convolution to one channel and a sigmoid, in float32 whatever the precision of the network."""
    x = layers.Conv2D(1, 1, name=f"{name}_logits")(x)
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
        Height and width must be multiples of this, since the network halves them that often.
    channels : tuple of int, optional
        The channel counts that the network takes; any positive count without it.

    Raises
    ------
    ConfigurationError
    """
    shape = tuple(input_shape)
    if len(shape) != 3 or not all(isinstance(size, int) and size > 0 for size in shape):
        raise ConfigurationError(
            f"{network}: input_shape is {shape}. Expected (height, width, channels), three positive integers, "
            f"such as ({multiple * 8}, {multiple * 8}, 1)."
        )
    height, width, depth = shape
    if height % multiple or width % multiple:
        lower, upper = _neighbours(height, multiple), _neighbours(width, multiple)
        raise ConfigurationError(
            f"{network}: input of {height} x {width} pixels. Height and width must be multiples of {multiple}, "
            f"such as {lower} x {upper}. Load the data with size=({lower}, {upper})."
        )
    if channels and depth not in channels:
        answer = " or ".join(map(str, channels))
        raise ConfigurationError(f"{network}: input with {depth} channels. Expected {answer}.")


def _neighbours(size, multiple):
    return max(multiple, round(size / multiple) * multiple)
