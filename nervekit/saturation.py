"""Cross-entropy that still teaches a saturated sigmoid, for backends where Keras does not go back to the logits.

On TensorFlow Keras' ``"binary_crossentropy"`` finds the logits before a sigmoid, and its gradient by them is the probability
minus the truth, however wrong the network is. On JAX and PyTorch it sees the probability alone, cut at 1e-7, and a network
whose outputs went beyond all at once never comes back: a start that TensorFlow learns from is dead there. A sigmoid and a loss
that share a least slope have the gradient of the logits again: the slope cancels in their product.
"""

import keras
from keras import ops

# So small that it changes no other loss; in float32 one over it, times an image's share of a batch, is still a number.
LEAST_SLOPE = 1e-30
# Half the distance of the float32 numbers below 1: a probability is no nearer to 1.
NEAREST_TO_ONE = 2.0**-25


def _with_slope(value, slope, x):
    """The value, as a function of x with that slope."""
    return ops.stop_gradient(value) + ops.stop_gradient(slope) * (x - ops.stop_gradient(x))


def sigmoid(x):
    """The logistic function, of a slope that is never below 1e-30.

    Keras saves it as its own ``"sigmoid"``, by name.

    Parameters
    ----------
    x : tensor

    Returns
    -------
    tensor

    Examples
    --------
    >>> float(sigmoid(ops.convert_to_tensor(0.0)))
    0.5
    """
    probability = ops.sigmoid(x)
    return _with_slope(probability, ops.maximum(probability * (1 - probability), LEAST_SLOPE), x)


def binary_crossentropy(y_true, y_pred):
    """Binary cross-entropy of probabilities, averaged over the last axis, for outputs of `sigmoid`.

    Parameters
    ----------
    y_true, y_pred : tensors of one shape

    Returns
    -------
    tensor
        Without the last axis.

    Examples
    --------
    >>> truth, probability = ops.convert_to_tensor([[1.0]]), ops.convert_to_tensor([[0.5]])
    >>> round(float(binary_crossentropy(truth, probability)[0]), 3)  # log 2
    0.693
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    rest = 1 - y_pred
    value = -y_true * ops.log(ops.maximum(y_pred, LEAST_SLOPE)) - (1 - y_true) * ops.log(ops.maximum(rest, NEAREST_TO_ONE))
    return ops.mean(_with_slope(value, (y_pred - y_true) / ops.maximum(y_pred * rest, LEAST_SLOPE), y_pred), axis=-1)


def of_this_backend(loss):
    """`loss` of ``keras.Model.compile``, with `binary_crossentropy` in place of Keras' where that does not see the logits.

    Examples
    --------
    >>> of_this_backend({"mask": "mse"})
    {'mask': 'mse'}
    """
    if isinstance(loss, dict):
        return {name: of_this_backend(one) for name, one in loss.items()}
    return binary_crossentropy if loss == "binary_crossentropy" and keras.config.backend() != "tensorflow" else loss
