"""What the scenes share: tissues and their acoustic properties, shapes, and the list of scenes."""

from importlib import import_module

import numpy as np
from scipy import ndimage

from nervekit.errors import ConfigurationError, is_whole

# How many a simulated set has unless told otherwise.
SUBJECTS = {"femoral": 40, "median": 40, "brachial": 20, "ircadb": 4}
SCENES = tuple(SUBJECTS)
TISSUES = ("skin", "fat", "connective", "nerve", "muscle", "deep", "blood", "bone", "tendon")

# Attenuation in dB/(cm MHz): fat, blood and bone of the order of the tables, the other tissues near the 0.5 to 0.6
# that scanners take for soft tissue, so that time gain fits in the femoral and brachial scenes (tables give connective
# tissue, muscle and tendon more).
# In the median and brachial scenes bone's shadow is painted, and its attenuation is at most 1.
ATTENUATION = np.array([0.6, 0.5, 0.6, 0.6, 0.57, 0.57, 0.12, 9.0, 0.7], np.float32)
# Share of samples that hold a scatterer: fat is coarse, so that its speckle is not fully developed.
DENSITY = np.array([1.0, 0.6, 1.0, 1.0, 0.8, 0.8, 1.0, 1.0, 1.0], np.float32)


def tissue(name):
    """Index of a tissue in ``TISSUES``."""
    return TISSUES.index(name)


def line(distance, width):
    """A soft line, 0 to 1: a Gaussian of the distance from it.

    Examples
    --------
    >>> line(np.array([0.0, 10.0]), 1.0).round(3).tolist()
    [1.0, 0.0]
    """
    return np.exp(-0.5 * (distance / width) ** 2)


def oval(x, z, centre, height, wide, high, tilt=0.0):
    """Relative distance from an oval's centre, 1 on its border; ``tilt`` is a slope.

    Examples
    --------
    >>> oval(np.array([0.0, 3.0]), np.array([0.0, 0.0]), 0.0, 0.0, 3.0, 1.0).tolist()
    [0.0, 1.0]
    """
    across, down = x - centre, z - height
    return np.hypot((across + tilt * down) / wide, (down - tilt * across) / high)


def arc(aside, top, radius):
    """Depth of a circle's upper side, ``aside`` its top; level beyond its ends.

    Examples
    --------
    >>> arc(np.array([0.0, 3.0, 9.0]), 1.0, 5.0).round(3).tolist()
    [1.0, 2.0, 6.0]
    """
    return top + radius * (1 - np.sqrt(np.clip(1 - (aside / radius) ** 2, 0, 1)))


def bone_surfaces(x, z, bones, width):
    """How strongly bones echo and how deep their shadow is, each 0 to 1.

    ``bones`` are rows of x and z of the top, radius, and half-width beyond which nothing is seen; the echo is
    ``width`` thick. Lengths are millimetres; ``x`` and ``z`` broadcast together.

    Examples
    --------
    >>> x, z = np.float32([[5.0]]), np.float32([[1.0], [2.0], [6.0]])
    >>> echo, shadow = bone_surfaces(x, z, [(5, 2, 4, 3)], 0.1)
    >>> echo.ravel().round(3).tolist(), shadow.ravel().tolist()
    ([0.0, 1.0, 0.0], [0.0, 0.0, 1.0])
    """
    echo, shadow = np.zeros(np.broadcast_shapes(x.shape, z.shape), np.float32), np.float32(0)
    for centre, top, radius, half in bones:
        aside = np.abs(x - centre)
        below = z - arc(aside, top, radius)
        seen = np.clip((half - aside) / 0.4, 0, 1)
        echo = np.maximum(echo, seen * line(below, width) * np.clip(1.3 - (aside / half) ** 2, 0, 1))
        shadow = np.maximum(shadow, seen * np.clip(below * 4, 0, 1))
    return echo, shadow + np.zeros_like(echo)


def largest_parts(mask, count=1):
    """The ``count`` largest connected parts of a boolean (H, W) mask.

    Examples
    --------
    >>> largest_parts(np.array([[True, False, True, True]])).tolist()
    [[False, False, True, True]]
    """
    parts, found = ndimage.label(mask)
    if found <= count:
        return mask
    sizes = np.bincount(parts.ravel())[1:]
    return np.isin(parts, 1 + np.argsort(-sizes, kind="stable")[:count])


def find_scene(key):
    """The module that draws ``key``: ``subject(number, seed)`` and ``frame(number, frame, ...)``.

    Raises
    ------
    ConfigurationError
        Nothing is simulated for ``key``.
    """
    if key not in SCENES:
        raise ConfigurationError(f"No simulated scene {key!r}. Choose one of: {', '.join(SCENES)}.")
    return import_module(f"nervekit.phantom.{key}")


def check_whole(name, value, least=0):
    """ConfigurationError unless ``value``, given as ``name``, is a whole number of at least ``least``."""
    if not is_whole(value, least):
        raise ConfigurationError(f"{name} is {value!r}; expected a whole number of at least {least}.")
