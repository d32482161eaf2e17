"""Random changes of an image's grey values; masks are not touched. `augment.transform` calls these."""

import math
from numbers import Real

import keras
from keras import ops

from nervekit.errors import ConfigurationError

PLAIN = {
    "gamma": (1.0, 1.0), "brightness": 0.0, "contrast": (1.0, 1.0), "noise": 0.0, "blur": 0.0, "low_resolution": 1.0,
}  # fmt: skip


def change_intensity(
    images, seeds, *, gamma=(1.0, 1.0), brightness=0.0, contrast=(1.0, 1.0), noise=0.0, blur=0.0,
    low_resolution=1.0, value_range=None,
):  # fmt: skip
    """Blur, coarsen, then change contrast, brightness and gamma, then add noise, each by a random amount an image.

    Parameters
    ----------
    images : tensor (N, H, W, C)
    seeds : pair of int or keras.random.SeedGenerator
        For the strengths, and for the noise.
    gamma, contrast : (low, high)
        Exponent of the grey values in 0 to 1, and factor of their distance from the image's mean.
    brightness : float
        Largest value added or taken, as a share of the value range.
    noise : float
        Largest standard deviation of Gaussian noise, as a share of the value range.
    blur : float
        Largest standard deviation of a Gaussian blur in pixels.
    low_resolution : float, at least 1
        Largest factor by which the resolution drops: nearest sampling down, linear up.
    value_range : (float, float), optional
        Black and white, in this order; the result is clipped to it. (0, 255) for integers and (0, 1) for floats without it.

    Returns
    -------
    tensor (N, H, W, C)
        Of the type given.

    Raises
    ------
    ConfigurationError
        For a strength of another form or out of its range, or a value range whose black is not below its white.

    Examples
    --------
    >>> import numpy as np
    >>> grey = np.full((1, 4, 4, 1), 100, "uint8")
    >>> darker = change_intensity(grey, (0, 1), gamma=(2.0, 2.0))
    >>> int(ops.convert_to_numpy(darker)[0, 0, 0, 0])  # 255 * (100 / 255)**2
    39
    """
    check_strengths(
        gamma=gamma, brightness=brightness, contrast=contrast, noise=noise, blur=blur, low_resolution=low_resolution,
        value_range=value_range,
    )  # fmt: skip
    gamma, contrast = positive_range("gamma", gamma), positive_range("contrast", contrast)
    height, width = images.shape[1:3]
    whole = "int" in keras.backend.standardize_dtype(images.dtype)
    black, white = value_range or ((0, 255) if whole else (0, 1))
    drawn = ops.transpose(keras.random.uniform((ops.shape(images)[0], 6), dtype="float32", seed=seeds[0]))
    values = (ops.cast(images, "float32") - black) / (white - black)
    if blur:
        sigma = ops.maximum(drawn[0] * blur, 1e-3)
        values = _along_both(values, _gaussian(height, sigma), _gaussian(width, sigma))
    if low_resolution > 1:
        factor = 1 + drawn[1] * (low_resolution - 1)
        values = _along_both(values, _coarse(height, factor), _coarse(width, factor))
    column = [ops.reshape(drawn[i], (-1, 1, 1, 1)) for i in range(2, 6)]
    if contrast != (1, 1):
        mean = ops.mean(values, axis=(1, 2, 3), keepdims=True)
        values = mean + between(column[0], contrast) * (values - mean)
    if brightness:
        values = values + between(column[1], (-brightness, brightness))
    if gamma != (1, 1):
        values = ops.power(ops.clip(values, 0, 1), between(column[2], gamma))
    if noise:
        values = values + column[3] * noise * keras.random.normal(ops.shape(values), dtype="float32", seed=seeds[1])
    values = black + (white - black) * ops.clip(values, 0, 1)
    return ops.cast(ops.round(values) if whole else values, images.dtype)


def between(drawn, interval):
    """A draw from 0 to 1, stretched over an interval."""
    return interval[0] + (interval[1] - interval[0]) * drawn


def check_strengths(*, gamma, brightness, contrast, noise, blur, low_resolution, value_range):
    """Refuse what `change_intensity` cannot take, with a ConfigurationError that names the argument."""
    positive_range("gamma", gamma)
    positive_range("contrast", contrast)
    for name, strength, least in (("brightness", brightness, 0), ("noise", noise, 0), ("blur", blur, 0),
                                  ("low_resolution", low_resolution, 1)):  # fmt: skip
        if not is_number(strength) or strength < least:
            raise ConfigurationError(f"{name}={strength!r}: expected a number, {least} or more")
    if value_range is not None and not (is_pair(value_range) and value_range[0] < value_range[1]):
        raise ConfigurationError(f"value_range={value_range!r}: expected (black, white), black below white, such as (0, 255)")


def is_number(value):
    """Whether a value is a finite number, of Python or NumPy."""
    return isinstance(value, Real) and abs(value) < math.inf


def is_pair(value):
    """Whether a value is a tuple or list of two finite numbers."""
    return isinstance(value, tuple | list) and len(value) == 2 and all(map(is_number, value))


def positive_range(name, value):
    """(low, high) as floats, or a ConfigurationError that names the argument."""
    if not (is_pair(value) and 0 < value[0] <= value[1]):
        raise ConfigurationError(f"{name}={value!r}: expected (low, high) in this order, above 0; (1, 1) for no change")
    return tuple(map(float, value))


def _along_both(values, rows, columns):
    values = ops.einsum("nij,njwc->niwc", rows, values)
    return ops.einsum("nwj,nijc->niwc", columns, values)


def _gaussian(size, sigma):
    """Blur along one axis as a matrix (N, size, size) whose rows sum to 1, so that edges keep their grey."""
    place = ops.arange(size, dtype="float32")
    weights = ops.exp(-((place[:, None] - place) ** 2) / (2 * ops.reshape(sigma, (-1, 1, 1)) ** 2))
    return weights / ops.sum(weights, axis=-1, keepdims=True)


def _coarse(size, factor):
    """Nearest sampling at every `factor` pixels and linear interpolation between, as a matrix (N, size, size)."""
    factor = ops.reshape(factor, (-1, 1))
    place = (ops.arange(size, dtype="float32") + 0.5) / factor - 0.5
    low = ops.floor(place)
    weight = place - low
    matrix = 0
    for sample, share in ((low, 1 - weight), (low + 1, weight)):
        source = ops.clip(ops.floor((sample + 0.5) * factor), 0, size - 1)
        matrix = matrix + share[..., None] * ops.one_hot(ops.cast(source, "int32"), size, dtype="float32")
    return matrix
