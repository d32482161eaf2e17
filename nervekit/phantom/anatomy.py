"""What the simulated scenes share: tissues and their acoustic properties, soft lines, and the list of scenes."""

from importlib import import_module

import numpy as np
from scipy import ndimage

from nervekit.errors import ConfigurationError

SUBJECTS = {"femoral": 40, "median": 40}  # how many a simulated set has unless told otherwise
SCENES = tuple(SUBJECTS)
TISSUES = ("skin", "fat", "connective", "nerve", "muscle", "deep", "blood", "bone", "tendon")

# Attenuation in dB/(cm MHz), rounded from the usual tables of soft tissue; blood is low and bone is high.
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
