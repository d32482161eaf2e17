"""First weights from NumPy: with one seed a network starts alike on TensorFlow, JAX and PyTorch."""

import math

import numpy as np

# The standard deviation of a standard normal distribution cut off at two.
_OF_TWO_SIDES_CUT = 0.87962566103423978


def draw(model):
    """Draw the kernels of a new network again, by the rules and seeds of their initializers, but in NumPy; the same model.

    Keras draws a seed for each layer in Python and the weights in the backend, whose generators differ: where many starts of
    a network find nothing, a seed would be a good one on TensorFlow and a bad one on PyTorch.

    Examples
    --------
    >>> import keras
    >>> firsts = []
    >>> for _ in range(2):
    ...     keras.utils.set_random_seed(0)
    ...     layer = keras.layers.Conv2D(8, 3, kernel_initializer="he_normal")
    ...     _ = draw(keras.Sequential([keras.Input((8, 8, 4)), layer]))
    ...     firsts.append(layer.get_weights()[0])
    >>> np.array_equal(*firsts)
    True
    >>> bool(0.9 < firsts[0].std() / (2 / (3 * 3 * 4)) ** 0.5 < 1.1)  # He: two over the 3 x 3 x 4 values that enter
    True
    """
    from keras.initializers import VarianceScaling

    for layer in model.layers:
        initializer = getattr(layer, "kernel_initializer", None)
        if isinstance(initializer, VarianceScaling):
            layer.kernel.assign(_kernel(initializer, tuple(layer.kernel.shape)))
    return model


def _kernel(initializer, shape):
    places = math.prod(shape[:-2])
    fans = {"fan_in": places * shape[-2], "fan_out": places * shape[-1], "fan_avg": places * (shape[-2] + shape[-1]) / 2}
    deviation = math.sqrt(initializer.scale / fans[initializer.mode])
    random = np.random.default_rng(initializer.seed)
    if initializer.distribution == "uniform":
        return random.uniform(-math.sqrt(3) * deviation, math.sqrt(3) * deviation, shape).astype("float32")
    values = random.standard_normal(shape, "float32")
    while (far := np.abs(values) > 2).any():
        values[far] = random.standard_normal(far.sum(), "float32")
    return values * np.float32(deviation / _OF_TWO_SIDES_CUT)
