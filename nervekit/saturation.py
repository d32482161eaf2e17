"""Cross-entropy that still teaches a saturated sigmoid, for backends where Keras does not go back to the logits.

On TensorFlow Keras' ``"binary_crossentropy"`` finds the logits before a sigmoid, and its gradient by them is the probability
minus the truth, however wrong the network is. On JAX and PyTorch it sees the probability alone, cut at 1e-7, and a network
whose outputs went beyond all at once never comes back: a start that TensorFlow learns from is dead there. A sigmoid and a loss
that share a least slope have the gradient of the logits again: the slope cancels in their product. A sigmoid that computes in
bfloat16 hides the logits on TensorFlow, too: its answer is cast before the loss sees it, and is exactly 1 from 6.3 on.
"""

import keras
from keras import ops

from nervekit import supervision
from nervekit.errors import ConfigurationError

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

    Raises
    ------
    ConfigurationError
        The shapes differ: they would be stretched to one another.

    Examples
    --------
    >>> truth, probability = ops.convert_to_tensor([[1.0]]), ops.convert_to_tensor([[0.5]])
    >>> round(float(binary_crossentropy(truth, probability)[0]), 3)  # log 2
    0.693
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    if tuple(y_true.shape) != tuple(y_pred.shape):
        raise ConfigurationError(
            f"binary_crossentropy: the truth has the shape {tuple(y_true.shape)} and the answer {tuple(y_pred.shape)}. Give "
            "masks of the shape that the network answers in, (images, height, width, 1)."
        )
    rest = 1 - y_pred
    value = -y_true * ops.log(ops.maximum(y_pred, LEAST_SLOPE)) - (1 - y_true) * ops.log(ops.maximum(rest, NEAREST_TO_ONE))
    return ops.mean(_with_slope(value, (y_pred - y_true) / ops.maximum(y_pred * rest, LEAST_SLOPE), y_pred), axis=-1)


def keep_teaching(model, loss):
    """Let cross-entropy follow the logits of a network on a backend where Keras' own does not see them.

    Each output whose last layer has Keras' sigmoid as activation, and cross-entropy as its loss, by name, gets `sigmoid` and
    `binary_crossentropy`, on TensorFlow only if that layer computes in bfloat16. Other losses and other ends stay: a ReLU, a
    model inside the model, a model that is a class of its own.

    Parameters
    ----------
    model : keras.Model
        About to be compiled; its last layers are changed in place.
    loss : str, object, list or dict
        As in ``keras.Model.compile``.

    Returns
    -------
    str, object, list or dict
        What to compile it with.

    Examples
    --------
    >>> network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, "relu")])
    >>> keep_teaching(network, "binary_crossentropy")
    'binary_crossentropy'
    """
    outputs = supervision.outputs(model)
    if outputs is None:
        return loss
    if isinstance(outputs, dict):
        asked = dict.fromkeys(outputs, loss) if isinstance(loss, str) else loss
        found = {name: _of_output(outputs.get(name), one) for name, one in asked.items()} if isinstance(asked, dict) else {}
        return found if binary_crossentropy in found.values() else loss
    if isinstance(outputs, (list, tuple)):
        asked = [loss] * len(outputs) if isinstance(loss, str) else loss
        found = [_of_output(*pair) for pair in zip(outputs, asked, strict=True)] if isinstance(asked, list) else []
        return found if binary_crossentropy in found else loss
    return _of_output(outputs, loss)


def _of_output(output, loss):
    if output is None or loss not in ("binary_crossentropy", "bce"):
        return loss
    layer = output._keras_history.operation
    activation = getattr(layer, "activation", None)
    if activation not in (keras.activations.sigmoid, sigmoid) or layer.compute_dtype == "float16":
        return loss  # in float16 the least slope is nothing, and nothing cancels
    if keras.config.backend() == "tensorflow" and layer.compute_dtype != "bfloat16":
        return loss
    layer.activation = sigmoid
    return binary_crossentropy
