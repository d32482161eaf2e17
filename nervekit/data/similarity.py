"""How alike two pictures are, whatever their size, brightness and a small shift between them."""

from __future__ import annotations

import numpy as np
from PIL import Image

GRID = 32
FINE = 2
CANDIDATES = 5
BACKGROUND = 1 / 8


def shrink(image: np.ndarray, grid: int) -> np.ndarray:
    """Shrink one picture, (H, W) or (H, W, C), to `grid` x `grid` grey values, averaging over what each covers."""
    image = np.asarray(image)
    grey = image if image.ndim == 2 else image.mean(axis=-1)
    picture = Image.fromarray(np.ascontiguousarray(grey, np.float32))
    return np.asarray(picture.resize((grid, grid), Image.Resampling.HAMMING))


def thumbnails(images, grid: int) -> np.ndarray:
    """Shrink images to `grid` x `grid` pixels and take their slow brightness changes away.

    Returns
    -------
    (N, grid, grid) float32 array
        Grey values minus a Gaussian average whose standard deviation is an eighth of the width.
    """
    from scipy.ndimage import gaussian_filter

    small = np.stack([shrink(image, grid) for image in images])
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
    chosen = np.zeros(best.shape, np.int16)
    shifts = []
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            value = _unit(_overlap(query, down, right)) @ _unit(_overlap(reference, -down, -right)).T
            better = value > best
            np.copyto(best, value, where=better)
            np.copyto(chosen, len(shifts), where=better)
            shifts.append((down, right))
    return best, np.array(shifts)[chosen]


def align(
    query: np.ndarray, reference: np.ndarray, shift: tuple[int, int], reach: int
) -> tuple[float, int, int]:
    """Return correlation and shift of the best alignment of one pair within `reach` pixels around `shift`."""
    tried = []
    for down in range(shift[0] - reach, shift[0] + reach + 1):
        for right in range(shift[1] - reach, shift[1] + reach + 1):
            one = _unit(_overlap(query[np.newaxis], down, right))[0]
            other = _unit(_overlap(reference[np.newaxis], -down, -right))[0]
            # Of two equal images rounding may give a little more than 1.
            tried.append((min(float(one @ other), 1.0), down, right))
    return max(tried)


def nearest(
    images_query, images_reference, max_shift: float = 0.125
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the most similar reference of each image: the best correlation over small shifts.

    Images are compared as thumbnails without their slow brightness changes (a Gaussian of an eighth of the width
    is taken away), over the part that overlaps at each shift: all pairs at 32 x 32 pixels, then the five best of
    each image at 64 x 64.

    Parameters
    ----------
    images_query, images_reference : (N, H, W, C) or (N, H, W) uint8 arrays, or lists of arrays
        At the same resolution.
    max_shift : float
        Largest shift, as a part of height and width; the last, finer search may go 1/32 beyond.

    Returns
    -------
    index : (Nq,) int array
        Position of the best reference.
    correlation : (Nq,) float array
        Normalised correlation, -1 to 1; 0 for an image without structure.
    shift : (Nq, 2) int array
        Pixels (down, right) by which the reference must move to lie on the query (of the query's own size).
    """
    coarse = [thumbnails(images, GRID) for images in (images_query, images_reference)]
    fine = [thumbnails(images, FINE * GRID) for images in (images_query, images_reference)]
    likeness, shifts = correlate(*coarse, round(max_shift * GRID))
    index, correlation = np.zeros(len(coarse[0]), int), np.zeros(len(coarse[0]))
    shift = np.zeros((len(index), 2), int)
    for row in range(len(index)):
        tried = []
        for column in np.argsort(-likeness[row], kind="stable")[:CANDIDATES]:
            best = align(fine[0][row], fine[1][column], FINE * shifts[row, column], FINE)
            tried.append((best, -column))
        (correlation[row], *moved), column = max(tried)
        index[row] = -column
        size = np.array(np.shape(images_query[row])[:2])
        shift[row] = np.rint(np.array(moved) * size / (FINE * GRID))
    return index, correlation, shift


def transfer(masks: np.ndarray, index: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Copy masks[index] and move each by its shift: what `nervekit.data.splits.nearest` predicts.

    Parameters
    ----------
    masks : (N, H, W) bool array
        Masks of the reference images.
    index, shift : (Nq,) and (Nq, 2) int arrays
        As `nearest` gives them: which mask, and by how many pixels (down, right) it moves.

    Returns
    -------
    (Nq, H, W) bool array
        What moves out of the picture is lost; what moves in is background.

    Examples
    --------
    >>> transfer(np.array([[[True, False]]]), [0], [(0, 1)]).tolist()
    [[[False, True]]]
    """
    moved = np.zeros((len(index), *masks.shape[1:]), bool)
    for row, (column, (down, right)) in enumerate(zip(index, np.asarray(shift).tolist())):
        target = _overlap(moved[row : row + 1], down, right)
        target[...] = _overlap(masks[column][np.newaxis], -down, -right)
    return moved


def _overlap(images: np.ndarray, down: int, right: int) -> np.ndarray:
    height, width = images.shape[1:]
    rows = slice(max(0, down), height + min(0, down))
    return images[:, rows, max(0, right) : width + min(0, right)]


def _unit(images: np.ndarray) -> np.ndarray:
    flat = images.reshape(len(images), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-3)
