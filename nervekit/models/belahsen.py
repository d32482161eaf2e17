"""Two networks of Belahsen & El Manouzi for the brachial plexus: the plain U-Net, and the one with inception blocks.

Their repository standardises images with one mean and standard deviation of the training part; here that is the
first layer, so that images go in as they are, 0 to 255. The defaults are the values that their notebook printed
for the augmented set; `networks_belahsen.compiled` takes those of the training images.
"""

import keras
from keras import layers

from nervekit.models.blocks import (
    Dropout,
    check_input,
    check_width,
    convolution_unit,
    double_convolution,
    encoder_decoder,
    nearest_up,
    sigmoid_head,
    standardize,
    transposed_up,
)
from nervekit.models.normalization import BatchNormalization

MEAN, DEVIATION = 99.88, 56.97


def belahsen_unet(input_shape=(96, 96, 1), *, width=32, mean=MEAN, deviation=DEVIATION):
    """U-Net with four down-sampling steps, without batch normalisation or dropout.

    Parameters
    ----------
    input_shape : tuple of int
        (height, width, channels); height and width are multiples of 16. Grey values 0 to 255.
    width : int
        Feature maps of the first stage; each stage doubles them.
    mean, deviation : float
        Of the training images' grey values.

    Returns
    -------
    keras.Model
        Output of shape (batch, height, width, 1): the probability of the nerve at each pixel, float32.

    Raises
    ------
    ConfigurationError
        A size that is no multiple of 16, a shape that is not (height, width, channels), a width below 1, or a deviation that
        is not above 0.

    Notes
    -----
    The code is that of jocicmarko's Kaggle repository, which the authors name as its origin.

    References
    ----------
    Ronneberger et al. 2015, U-Net: Convolutional Networks for Biomedical Image Segmentation, arXiv:1505.04597.

    Examples
    --------
    >>> belahsen_unet((96, 96, 1)).count_params()
    7759521
    """
    return standardized_unet("belahsen_unet", input_shape, width, mean, deviation)


def standardized_unet(name, input_shape, width, mean, deviation):
    """The plain U-Net of two papers, under the name that it has in one."""
    check_input(name, input_shape, multiple=16)
    check_width(name, width)
    inputs = keras.Input(input_shape, name="image")
    widths = [width * 2**level for level in range(5)]
    x = encoder_decoder(standardize(inputs, mean, deviation), widths, double_convolution, transposed_up)
    return keras.Model(inputs, sigmoid_head(x), name=name)


def inception_unet(input_shape=(80, 112, 1), *, width=32, dropout=0.5, mean=MEAN, deviation=DEVIATION):
    """U-Net with inception blocks and two outputs: the mask, and whether there is a nerve at all.

    Parameters
    ----------
    input_shape : tuple of int
        (height, width, channels); height and width are multiples of 16. The parameter count depends on the size,
        since the presence head weighs each place of the coarsest map. Grey values 0 to 255.
    width : int
        Feature maps of the first stage, a multiple of 16, since a branch takes a sixteenth; each stage doubles them.
    dropout : float
        Share of values set to zero after each step down, after the bottleneck and after each decoder stage.
    mean, deviation : float
        Of the training images' grey values.

    Returns
    -------
    keras.Model
        Outputs ``{"mask": (batch, height, width, 1), "presence": (batch, 1)}``, probabilities in float32.

    Raises
    ------
    ConfigurationError
        A size or a width that is no multiple of 16, a shape that is not (height, width, channels), or a deviation that is not
        above 0.

    Notes
    -----
    After Tyantov's Kaggle network in its later edit. Tyantov's batch normalisation took the statistics of the batch
    at test time too; the edit and this one take running averages.

    Examples
    --------
    >>> inception_unet((80, 112, 1)).count_params()
    1865676
    """
    check_input("inception_unet", input_shape, multiple=16)
    check_width("inception_unet", width, multiple=16)
    inputs = keras.Input(input_shape, name="image")
    widths = [width * 2**level for level in range(5)]
    x = standardize(inputs, mean, deviation)
    skips = []
    for level, filters in enumerate(widths[:-1], 1):
        skips.append(_inception(x, filters, f"encoder_{level}"))
        x = convolution_unit(skips[-1], filters, f"encoder_{level}_down", strides=2, activation="elu")
        x = Dropout(dropout, name=f"encoder_{level}_dropout")(x)
    x = _inception(x, widths[-1], "bottleneck")
    x = bottleneck = Dropout(dropout, name="bottleneck_dropout")(x)
    for level, filters in reversed(list(enumerate(widths[:-1], 1))):
        name = f"decoder_{level}"
        x = nearest_up(x, filters, name)
        x = layers.Concatenate(name=f"{name}_skip")([x, _refine(skips[level - 1], filters, f"{name}_refine")])
        x = _inception(x, filters, name)
        x = Dropout(dropout, name=f"{name}_dropout")(x)
    mask = sigmoid_head(x, initializer="he_normal")
    return keras.Model(inputs, {"mask": mask, "presence": _presence(bottleneck)}, name="inception_unet")


def _inception(x, filters, name):
    """Four branches side by side: 1x1; 1x3 and 3x1; 1x5 and 5x1; pooling. (batch, height, width, filters)."""
    conv = {"initializer": "he_normal", "batch_norm": False, "activation": None}
    branches = [convolution_unit(x, filters // 4, f"{name}_branch_1_conv", kernel=1, **conv)]
    for branch, size, narrow, wide in ((2, 3, 3 * filters // 8, filters // 2), (3, 5, filters // 16, filters // 8)):
        place = f"{name}_branch_{branch}_conv"
        y = convolution_unit(x, narrow, f"{place}_1", kernel=1, **conv | {"activation": "elu"})
        y = convolution_unit(y, wide, f"{place}_2", kernel=(1, size), activation="elu", initializer="he_normal")
        branches.append(convolution_unit(y, wide, f"{place}_3", kernel=(size, 1), **conv))
    pooled = layers.MaxPooling2D(3, strides=1, padding="same", name=f"{name}_branch_4_pool")(x)
    branches.append(convolution_unit(pooled, filters // 8, f"{name}_branch_4_conv", kernel=1, **conv))
    x = layers.Concatenate(name=f"{name}_concat")(branches)
    x = BatchNormalization(name=f"{name}_norm")(x)
    return layers.Activation("elu", name=f"{name}_elu")(x)


def _refine(skip, filters, name):
    """The skip plus a tenth of its normalised 1x1 convolution."""
    x = convolution_unit(skip, filters, f"{name}_conv", kernel=1, activation=None)
    x = layers.Rescaling(0.1, name=f"{name}_tenth")(x)
    x = layers.Add(name=f"{name}_add")([x, skip])
    return layers.Activation("elu", name=f"{name}_elu")(x)


def _presence(x):
    x = layers.Conv2D(1, 1, activation="sigmoid", kernel_initializer="he_normal", name="presence_conv")(x)
    x = layers.Flatten(name="presence_flatten")(x)
    x = layers.Dense(1, name="presence_logits")(x)
    return layers.Activation("sigmoid", dtype="float32", name="presence")(x)
