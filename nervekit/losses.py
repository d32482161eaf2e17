"""Losses of the papers and of our recipe. The Dice coefficient is of the whole batch, as in the code of Belahsen & El
Manouzi and of Melnic et al., in float32."""

import keras
from keras import ops

from nervekit.errors import DataError


def dice_coefficient(y_true, y_pred, smooth=1.0, sample_weight=None):
    """Soft Dice coefficient of all pixels of a batch.

    Parameters
    ----------
    y_true, y_pred : tensors (N, H, W) or (N, H, W, 1)
        Masks of 0 and 1, and probabilities; both may be of any type, sums are taken in float32.
    smooth : float
        Added to numerator and denominator, so that two empty masks score 1.
    sample_weight : tensor (N,), optional
        Weight of each image, as ``keras.Model.fit`` takes it; 0 leaves an image out.

    Returns
    -------
    tensor ()

    Examples
    --------
    >>> import numpy as np
    >>> y_true = np.array([[[1.0, 1.0, 0.0, 0.0]]])
    >>> round(float(dice_coefficient(y_true, 0.5 * y_true)), 3)
    0.75
    """
    y_true, y_pred = _images(y_true), _images(y_pred)
    intersection, total = ops.sum(y_true * y_pred, axis=1), ops.sum(y_true, axis=1) + ops.sum(y_pred, axis=1)
    if sample_weight is not None:
        weight = ops.reshape(ops.cast(sample_weight, "float32"), (-1,))
        intersection, total = intersection * weight, total * weight
    return (2 * ops.sum(intersection) + smooth) / (ops.sum(total) + smooth)


def at_size(masks, height, width):
    """Masks at a coarser scale: a pixel there belongs to the region if at least half of its area does.

    Parameters
    ----------
    masks : tensor (N, H, W, 1)
        Of any type; what is not 0 belongs to the region.
    height, width : int
        H and W are whole multiples of these.

    Returns
    -------
    tensor of bool (N, height, width, 1)
        At their own size the masks as they are.

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.array([[1, 0, 0, 0], [0, 1, 0, 1]])[None, :, :, None]
    >>> np.asarray(at_size(mask, 1, 2)).squeeze().tolist()
    [True, False]
    """
    if (height, width) == tuple(masks.shape[1:3]):
        return ops.cast(masks, "bool")
    factor = masks.shape[1] // height, masks.shape[2] // width
    if (factor[0] * height, factor[1] * width) != tuple(masks.shape[1:3]):
        raise DataError(f"masks have the shape {tuple(masks.shape)}, expected (images, height, width, 1) with whole "
                        f"multiples of {height} and {width}")  # fmt: skip
    belongs = ops.cast(ops.cast(masks, "bool"), "float32")
    shares = ops.average_pool(belongs, factor, strides=factor, data_format="channels_last")
    return ops.greater_equal(shares, 0.5)


def _images(masks):
    masks = ops.cast(masks, "float32")
    return ops.reshape(masks, (ops.shape(masks)[0], -1))


@keras.saving.register_keras_serializable(package="nervekit")
class DiceLoss(keras.losses.Loss):
    """`offset` minus the Dice coefficient of the batch.

    Parameters
    ----------
    smooth : float
        As in `dice_coefficient`.
    offset : float
        1 for a loss of 0 at a perfect fit; 0 for the negative Dice that Belahsen & El Manouzi and Gulati & Chhabra
        report. The gradients are the same.

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.ones((1, 2, 2, 1))
    >>> float(DiceLoss()(mask, mask)), float(DiceLoss(offset=0.0)(mask, mask))
    (0.0, -1.0)
    """

    def __init__(self, smooth=1.0, offset=1.0, name="dice_loss"):
        super().__init__(name=name, dtype="float32")
        self.smooth, self.offset = smooth, offset

    def __call__(self, y_true, y_pred, sample_weight=None):
        return self.offset - dice_coefficient(y_true, y_pred, self.smooth, sample_weight)

    call = __call__

    def get_config(self):
        return {"smooth": self.smooth, "offset": self.offset, "name": self.name}


@keras.saving.register_keras_serializable(package="nervekit")
class CrossEntropyDiceLoss(keras.losses.Loss):
    """Mean binary cross-entropy plus one minus the Dice coefficient of the batch.

    An image of ``sample_weight`` 0 is left out of the Dice coefficient; in the mean of the cross-entropy it still counts as an
    image, with the value 0, as in Keras' own losses. Probabilities are cut at Keras' epsilon, 1e-7: a pixel that is wrong by a
    logit of more than 16 adds no gradient any more. ``"binary_crossentropy"`` in `training.compile_model` has no such end, see
    `nervekit.saturation`.

    Parameters
    ----------
    smooth : float
        As in `dice_coefficient`; Melnic et al. took 1e-7.

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.array([[[[1.0]], [[0.0]]]])
    >>> round(float(CrossEntropyDiceLoss()(mask, np.full(mask.shape, 0.5))), 3)  # log 2, and one minus a Dice of one half
    1.193

    References
    ----------
    Melnic et al. (no date; see papers/melnic.toml); the smoothing is that of their repository.
    """

    def __init__(self, smooth=1e-7, name="cross_entropy_dice_loss"):
        super().__init__(name=name, dtype="float32")
        self.smooth = smooth

    def __call__(self, y_true, y_pred, sample_weight=None):
        cross_entropy = ops.mean(ops.binary_crossentropy(_images(y_true), _images(y_pred)), axis=-1)
        if sample_weight is not None:
            cross_entropy = cross_entropy * ops.reshape(ops.cast(sample_weight, "float32"), (-1,))
        return ops.mean(cross_entropy) + 1 - dice_coefficient(y_true, y_pred, self.smooth, sample_weight)

    call = __call__

    def get_config(self):
        return {"smooth": self.smooth, "name": self.name}
