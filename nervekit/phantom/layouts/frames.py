"""What the layouts of ultrasound sets share: a frame of native size, and how many a subject has."""

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from nervekit.phantom.acoustics import render
from nervekit.phantom.anatomy import largest_parts

SCAN_LINES = 256


def picture(scene, subject, frame, seed, size):
    """A rendered frame, interpolated between scan lines to ``size`` = (rows, columns).

    Returns
    -------
    maps : dict
        As ``scene.frame`` gives them.
    image : PIL.Image.Image, mode L
    mask : (rows, columns) bool array
        With as many connected parts as the maps' mask.
    """
    maps = scene.frame(subject, frame, seed=seed, shape=(size[0], SCAN_LINES))
    image = Image.fromarray(render(maps)["image"]).resize(size[::-1], Image.Resampling.BICUBIC)
    smooth = Image.fromarray(maps["mask"].astype(np.float32)).resize(size[::-1], Image.Resampling.BILINEAR)
    return maps, image, largest_parts(np.asarray(smooth) > 0.5, maps.get("parts", 1))


def numbered(subjects, choices, chances, rng):
    """(subject, frame) of every frame, ``choices`` frames a subject with these chances, subject by subject.

    Examples
    --------
    >>> numbered(2, (1, 3), (0, 1), np.random.default_rng(0))
    [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    """
    counts = rng.choice(choices, size=subjects, p=chances)
    return [(subject, frame) for subject, count in enumerate(counts) for frame in range(count)]


def bar(items, key, progress):
    """``items`` with a progress bar if asked for."""
    return tqdm(items, desc=f"simulated {key}", unit="image", disable=not progress)
