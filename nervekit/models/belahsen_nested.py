"""The U-Net++ of Belahsen & El Manouzi, and its pruning."""

import keras
from keras import layers

from nervekit.errors import ConfigurationError
from nervekit.models.belahsen import DEVIATION, MEAN
from nervekit.models.blocks import Dropout, check_input, check_width, sigmoid_head, standardize, transposed_up

L2 = 1e-4


def unetpp(
    input_shape=(96, 96, 1), *, width=32, deep_supervision=False, columns=4, dropout=0.3, mean=MEAN,
    deviation=DEVIATION,
):  # fmt: skip
    """U-Net++: a triangle of units, each fed by all units before it at its level and by the one below.

    Parameters
    ----------
    input_shape : tuple of int
        (height, width, channels); height and width are multiples of 2 to the power of `columns`. Grey values 0 to 255.
    width : int
        Feature maps of the finest level; each level below doubles them.
    deep_supervision : bool
        An output at each unit of the finest level, ``mask_1`` to ``mask_4``, instead of one at the last.
    columns : int
        Units at the finest level after the first: 4 is the paper's, fewer is a network pruned from the start.
    dropout : float
        Share of values set to zero after each activation.
    mean, deviation : float
        Of the training images' grey values; the defaults are those of the authors' augmented set.

    Returns
    -------
    keras.Model
        Output of shape (batch, height, width, 1): the probability of the nerve at each pixel, float32; with deep
        supervision a dictionary of them. Kernels of its units and of the masks, not those of the steps up,
        carry an L2 penalty of 1e-4, which ``fit`` adds to the loss.

    Raises
    ------
    ConfigurationError
        A size that is no such multiple, a shape that is not (height, width, channels), a width below 1, other columns, or a
        deviation that is not above 0.

    Notes
    -----
    The authors' notebook takes ELU and dropout 0.3 where the file that it copies has ReLU and 0.5.

    References
    ----------
    Zhou et al. 2018, UNet++: A Nested U-Net Architecture for Medical Image Segmentation, arXiv:1807.10165.

    Examples
    --------
    >>> unetpp((96, 96, 1)).count_params()
    9041601
    """
    if columns not in (1, 2, 3, 4):
        raise ConfigurationError(f"unetpp: columns={columns}. Choose one of: 1, 2, 3, 4.")
    check_input("unetpp", input_shape, multiple=2**columns)
    check_width("unetpp", width)
    inputs = keras.Input(input_shape, name="image")
    widths = [width * 2**level for level in range(columns + 1)]
    x = standardize(inputs, mean, deviation)
    grid = {}
    for column in range(columns + 1):
        for level in range(columns + 1 - column):
            name = f"unit_{level}_{column}"
            if column:
                up = transposed_up(grid[level + 1, column - 1], widths[level], name)
                x = layers.Concatenate(name=f"{name}_skip")([up, *(grid[level, j] for j in range(column))])
            elif level:
                x = layers.MaxPooling2D(2, name=f"unit_{level - 1}_0_pool")(grid[level - 1, 0])
            grid[level, column] = _unit(x, widths[level], name, dropout)
    if not deep_supervision:
        return keras.Model(inputs, _head(grid[0, columns], "mask"), name="unetpp")
    masks = {f"mask_{j}": _head(grid[0, j], f"mask_{j}") for j in range(1, columns + 1)}
    return keras.Model(inputs, masks, name="unetpp")


def prune(model, columns):
    """The part of a trained U-Net++ that one of its outputs needs, with the same weights.

    Parameters
    ----------
    model : keras.Model
        From ``unetpp(deep_supervision=True)``.
    columns : int
        1 is the smallest and fastest, 4 the whole network.

    Returns
    -------
    keras.Model
        Output of shape (batch, height, width, 1); the layers are shared with `model`.

    Raises
    ------
    ConfigurationError
        If the model has no output ``mask_{columns}``.

    Examples
    --------
    >>> whole = unetpp((32, 32, 1), deep_supervision=True)
    >>> prune(whole, 1).count_params() < prune(whole, 4).count_params() < whole.count_params()
    True
    """
    masks = [layer.name for layer in model.layers if layer.name.startswith("mask_") and "logits" not in layer.name]
    if f"mask_{columns}" not in masks:
        raise ConfigurationError(f"prune: {model.name} has no output 'mask_{columns}'. Its outputs are {masks}; build "
                                 "it with deep_supervision=True.")  # fmt: skip
    return keras.Model(model.input, model.get_layer(f"mask_{columns}").output, name=f"unetpp_{columns}")


def _unit(x, filters, name, dropout):
    for i in (1, 2):
        x = layers.Conv2D(
            filters, 3, padding="same", activation="elu", kernel_initializer="he_normal",
            kernel_regularizer=keras.regularizers.L2(L2), name=f"{name}_conv_{i}",
        )(x)  # fmt: skip
        x = Dropout(dropout, name=f"{name}_dropout_{i}")(x)
    return x


def _head(x, name):
    return sigmoid_head(x, name, initializer="he_normal", regularizer=keras.regularizers.L2(L2))
