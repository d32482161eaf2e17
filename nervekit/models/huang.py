"""The network of Huang et al. 2019: a U-Net after the Kaggle kernel that their text cites."""

import keras
from keras import layers

from nervekit.models.blocks import check_input, double_convolution, sigmoid_head


def huang_unet(input_shape=(256, 256, 1), *, width=16, dropout=False):
    """U-Net with four down-sampling steps for the femoral nerve block region.

    Parameters
    ----------
    input_shape : tuple of int
        (height, width, channels); height and width are multiples of 16. Images are uint8 or float, 0 to 255: the
        division by 255 (Equation 1 of the paper) is the first layer.
    width : int
        Feature maps of the first stage; each stage doubles them. 16 has 1,940,817 parameters, 8 has 485,673.
    dropout : bool
        Dropout between the two convolutions of each stage, as a later state of the kernel had it.

    Returns
    -------
    keras.Model
        Output of shape (batch, height, width, 1): the probability of the region at each pixel, float32.

    Raises
    ------
    ConfigurationError
        A size that is no multiple of 16, or a shape that is not (height, width, channels).

    Notes
    -----
    Figure 1 of the paper, whose channel numbers are not in the text; the widths are those of the two archived states
    of the kernel. The text fixes ReLU, the sigmoid output and the division by 255. The paper names no initializer;
    He-normal is the kernel's.

    Examples
    --------
    >>> huang_unet((256, 256, 1)).count_params()
    1940817
    """
    check_input("huang_unet", input_shape, multiple=16)
    rates = (0.1, 0.1, 0.2, 0.2, 0.3) if dropout else (0.0,) * 5
    stage = {"activation": "relu", "initializer": "he_normal"}

    inputs = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 255, name="divide_by_255")(inputs)
    skips = []
    for level in range(4):
        x = double_convolution(x, width * 2**level, f"encoder_{level + 1}", dropout=rates[level], **stage)
        skips.append(x)
        x = layers.MaxPooling2D(2, name=f"encoder_{level + 1}_pool")(x)
    x = double_convolution(x, width * 16, "bottleneck", dropout=rates[4], **stage)
    for level in reversed(range(4)):
        name = f"decoder_{level + 1}"
        x = layers.Conv2DTranspose(width * 2**level, 2, strides=2, name=f"{name}_up")(x)
        x = layers.Concatenate(name=f"{name}_skip")([x, skips[level]])
        x = double_convolution(x, width * 2**level, name, dropout=rates[level], **stage)
    return keras.Model(inputs, sigmoid_head(x), name="huang_unet")
