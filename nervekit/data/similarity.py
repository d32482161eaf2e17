"""How alike two pictures are, whatever their size, brightness and a small shift between them."""

from __future__ import annotations

import numpy as np
from PIL import Image

BACKGROUND = 1 / 8


def thumbnails(images, grid: int) -> np.ndarray:
    """Shrink images to `grid` x `grid` pixels and take their slow brightness changes away.

    Returns
    -------
    (N, grid, grid) float32 array
        Grey values minus a Gaussian average whose standard deviation is an eighth of the width.
    """
    from scipy.ndimage import gaussian_filter

    small = np.empty((len(images), grid, grid), np.float32)
    for index, image in enumerate(images):
        image = np.asarray(image)
        grey = image if image.ndim == 2 else image.mean(axis=-1)
        picture = Image.fromarray(np.ascontiguousarray(grey, np.float32))
        small[index] = np.asarray(picture.resize((grid, grid), Image.Resampling.BILINEAR))
    return small - gaussian_filter(small, (0, grid * BACKGROUND, grid * BACKGROUND))


def correlate(query: np.ndarray, reference: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the best normalised correlation of every pair over all shifts up to `reach`, and that shift.

    Parameters
    ----------
    query, reference : (Nq, G, G) and (Nr, G, G) float32 arrays
        Thumbnails.
    reach : int
        Largest shift in pixels of the thumbnail, up, down, left and right.

    Returns
    -------
    best : (Nq, Nr) float32 array
        Correlation over the overlapping part.
    shift : (Nq, Nr, 2) int array
        Pixels (down, right) by which the reference is moved.
    """
    best = np.full((len(query), len(reference)), -np.inf, np.float32)
    shift = np.zeros((len(query), len(reference), 2), np.int16)
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            value = _unit(_overlap(query, down, right)) @ _unit(_overlap(reference, -down, -right)).T
            better = value > best
            best[better] = value[better]
            shift[better] = (down, right)
    return best, shift


def refine(query: np.ndarray, reference: np.ndarray, shift: np.ndarray, reach: int = 2) -> np.ndarray:
    """Improve the shift of each pair (query i, reference i) within `reach` pixels around `shift`, (N, 2)."""
    result = np.array(shift, int)
    for index, (down, right) in enumerate(np.array(shift, int)):
        pair = query[index : index + 1], reference[index : index + 1]
        best = -np.inf
        for y in range(down - reach, down + reach + 1):
            for x in range(right - reach, right + reach + 1):
                value = float((_unit(_overlap(pair[0], y, x)) @ _unit(_overlap(pair[1], -y, -x)).T).item())
                if value > best:
                    best, result[index] = value, (y, x)
    return result


def _overlap(images: np.ndarray, down: int, right: int) -> np.ndarray:
    height, width = images.shape[1:]
    rows = slice(max(0, down), height + min(0, down))
    return images[:, rows, max(0, right) : width + min(0, right)]


def _unit(images: np.ndarray) -> np.ndarray:
    flat = images.reshape(len(images), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-3)
