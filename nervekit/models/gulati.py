"""The SegNet and the U-Net that Gulati & Chhabra compare with their residual network."""

import keras
from keras import layers, ops

from nervekit.models.belahsen import DEVIATION, MEAN, standardized_unet
from nervekit.models.blocks import (
    check_input,
    check_width,
    choose,
    convolution_unit,
    nearest_up,
    sigmoid_head,
    standardize,
)


def gulati_unet(input_shape=(96, 96, 1), *, width=32, mean=MEAN, deviation=DEVIATION):
    """U-Net with four down-sampling steps.

    Parameters
    ----------
    input_shape : tuple of int
        (height, width, channels); height and width are multiples of 16. Grey values 0 to 255.
    width : int
        Feature maps of the first stage; each stage doubles them. 32 is the repository that the paper cites
        (7,759,521 parameters), 64 the original U-Net (31,030,593); the text gives no widths.
    mean, deviation : float
        Of the training images' grey values. The text has none; the defaults are those that Belahsen & El Manouzi printed for
        their augmented set.

    Returns
    -------
    keras.Model
        Output of shape (batch, height, width, 1): the probability of the nerve at each pixel, float32.

    Raises
    ------
    ConfigurationError
        A size that is no multiple of 16, a shape that is not (height, width, channels), a width below 1, or a deviation that
        is not above 0.

    Examples
    --------
    >>> gulati_unet((96, 96, 1)).count_params()
    7759521
    """
    return standardized_unet("gulati_unet", input_shape, width, mean, deviation)


ENCODER = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
DECODER = ((64,), (128, 64), (256, 256, 128), (512, 512, 256), (512, 512, 512))


def gulati_segnet(
    input_shape=(96, 96, 1), *, width=64, unpooling="indices", batch_norm=True, mean=MEAN, deviation=DEVIATION
):
    """SegNet: the 13 convolutions of VGG16, and 13 more on the way back up.

    Parameters
    ----------
    input_shape : tuple of int
        (height, width, channels); height and width are multiples of 32. Grey values 0 to 255.
    width : int
        Feature maps of the first stage; all others keep their proportion to it. 64 is VGG16.
    unpooling : "indices" or "nearest"
        Each value goes back to where the pooling found it and the other places are 0, as in SegNet; or values are
        repeated, as many copies of it do. The count is the same.
    batch_norm : bool
        Without it the network has 29,426,561 parameters.
    mean, deviation : float
        Of the training images' grey values. The text has none; the defaults are those that Belahsen & El Manouzi printed for
        their augmented set.

    Returns
    -------
    keras.Model
        Output of shape (batch, height, width, 1): the probability of the nerve at each pixel, float32.

    Raises
    ------
    ConfigurationError
        A size that is no multiple of 32, a shape that is not (height, width, channels), a width below 1, another un-pooling,
        or a deviation that is not above 0.

    Notes
    -----
    The paper gives no code. Its text has a softmax over classes; of two classes one sigmoid says the same. The last
    convolution is 3x3.

    References
    ----------
    Badrinarayanan et al. 2017, SegNet: A Deep Convolutional Encoder-Decoder Architecture for Image Segmentation, IEEE
    Transactions on Pattern Analysis and Machine Intelligence 39(12).

    Examples
    --------
    >>> gulati_segnet((96, 96, 1)).count_params()
    29458305
    """
    check_input("gulati_segnet", input_shape, multiple=32)
    check_width("gulati_segnet", width)
    choose("gulati_segnet", "unpooling", unpooling, ("indices", "nearest"))
    inputs = keras.Input(input_shape, name="image")
    x = standardize(inputs, mean, deviation)
    places = []
    for level, widths in enumerate(ENCODER, 1):
        for i, filters in enumerate(widths, 1):
            x = convolution_unit(x, filters * width // 64, f"encoder_{level}_conv_{i}", batch_norm=batch_norm)
        if unpooling == "indices":
            places.append(PoolingPlaces(name=f"encoder_{level}_places")(x))
        x = layers.MaxPooling2D(2, name=f"encoder_{level}_pool")(x)
    for level, widths in reversed(list(enumerate(DECODER, 1))):
        name = f"decoder_{level}"
        if unpooling == "indices":
            x = Unpooling(name=f"{name}_unpool")([x, places[level - 1]])
        else:
            x = nearest_up(x, None, name)
        for i, filters in enumerate(widths, 1):
            x = convolution_unit(x, filters * width // 64, f"{name}_conv_{i}", batch_norm=batch_norm)
    return keras.Model(inputs, sigmoid_head(x, kernel=3), name="gulati_segnet")


@keras.saving.register_keras_serializable(package="nervekit")
class PoolingPlaces(layers.Layer):
    """Where the largest value of each 2x2 window is: 0 to 3, row by row, the first of equals.

    (batch, H, W, C) -> int32 (batch, H/2, W/2, C).
    """

    def call(self, x):
        height, width, channels = x.shape[1:]
        windows = ops.reshape(x, (-1, height // 2, 2, width // 2, 2, channels))
        windows = ops.reshape(ops.transpose(windows, (0, 1, 3, 5, 2, 4)), (-1, height // 2, width // 2, channels, 4))
        return ops.cast(ops.argmax(windows, axis=-1), "int32")

    def compute_output_spec(self, x):
        batch, height, width, channels = x.shape
        return keras.KerasTensor((batch, height // 2, width // 2, channels), dtype="int32")


@keras.saving.register_keras_serializable(package="nervekit")
class Unpooling(layers.Layer):
    """Put each value back to its place in a 2x2 window, and 0 elsewhere.

    [(batch, H, W, C), places of the same shape] -> (batch, 2H, 2W, C).
    """

    def call(self, inputs):
        x, places = inputs
        height, width, channels = x.shape[1:]
        rows = [
            ops.stack([ops.where(places == 2 * row + column, x, ops.zeros_like(x)) for column in (0, 1)], axis=3)
            for row in (0, 1)
        ]  # two of (batch, H, W, 2, C)
        return ops.reshape(ops.stack(rows, axis=2), (-1, 2 * height, 2 * width, channels))

    def compute_output_spec(self, inputs):
        batch, height, width, channels = inputs[0].shape
        return keras.KerasTensor((batch, 2 * height, 2 * width, channels), dtype=inputs[0].dtype)
