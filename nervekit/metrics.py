"""How well a predicted mask fits the true one: overlap, distance, and intervals that respect groups.

Masks are boolean arrays (N, H, W). Both masks of an image empty: overlap 1, distance 0. One of them empty:
overlap 0, distance NaN. Three aggregates of the same images differ, so each has its name: the mean of the
images' values (`summary`), the pooled value over all pixels (`pooled_iou`), and the median (`summary`).
"""

import numpy as np
from scipy import ndimage

from nervekit.errors import DataError
from nervekit.intervals import summary

__all__ = [
    "accuracy_at", "average_surface_distance", "counts", "dice", "hausdorff95", "iou", "pooled_dice", "pooled_iou",
    "precision", "recall", "summary",
]


def check_boolean(name, masks):
    """The masks as an array, or a DataError that names them if they are not boolean, or of different sizes."""
    try:
        masks = np.asarray(masks)
    except ValueError:
        raise DataError(f"{name} holds masks of different sizes; expected one size: load with size=(height, width), or "
                        f"compare one image at a time, as {name}[0][None]") from None
    if masks.dtype != bool:
        found = f"{name} has the type {masks.dtype}"
        if masks.dtype.kind == "f" and np.isnan(masks).any():
            found = f"{name} holds {np.isnan(masks).sum()} NaN of {masks.size} values"
        raise DataError(f"{found}; masks are boolean: compare probabilities with a threshold, as {name} > 0.5")
    return masks


def check_masks(name, masks):
    """The masks as an array, or a DataError that names them if they are not boolean or not (N, H, W)."""
    masks = check_boolean(name, masks)
    if masks.ndim != 3:
        raise DataError(f"{name} has the shape {masks.shape}, expected (images, height, width): "
                        "drop a channel axis with [..., 0], add an image axis with [None]")
    return masks


def _pair(y_true, y_pred):
    y_true, y_pred = check_masks("y_true", y_true), check_masks("y_pred", y_pred)
    if y_true.shape != y_pred.shape:
        raise DataError(f"y_true has the shape {y_true.shape}, y_pred {y_pred.shape}: expected the same images "
                        "at the same size")
    if not len(y_true):
        raise DataError("y_true and y_pred hold no image: expected at least one")
    return y_true, y_pred


def _ratio(numerator, denominator, both_empty):
    """`numerator / denominator`; 0/0 is 1 where both masks are empty and 0 elsewhere."""
    return np.where(denominator > 0, numerator / np.maximum(denominator, 1), np.where(both_empty, 1.0, 0.0))


def counts(y_true, y_pred):
    """Pixels of each image in both masks, in the true mask, and in the predicted mask.

    Parameters
    ----------
    y_true, y_pred : bool arrays (N, H, W)

    Returns
    -------
    intersection, true, predicted : int arrays (N,)

    Raises
    ------
    DataError
        If an array is not boolean, not (N, H, W), holds no image, or the shapes differ.

    Examples
    --------
    >>> y_true, y_pred = np.array([[[1, 1, 0, 0]]], bool), np.array([[[0, 1, 1, 1]]], bool)
    >>> [pixels.tolist() for pixels in counts(y_true, y_pred)]
    [[1], [2], [3]]
    """
    y_true, y_pred = _pair(y_true, y_pred)
    return tuple(np.count_nonzero(masks, axis=(1, 2)) for masks in (y_true & y_pred, y_true, y_pred))


def dice(y_true, y_pred):
    """Dice coefficient of each image, twice the common area over the sum of both; float64 array (N,).

    Arguments and errors as in `counts`.

    Examples
    --------
    >>> import numpy as np
    >>> y_true = np.zeros((1, 4, 4), bool); y_true[:, :2] = True
    >>> y_pred = np.zeros((1, 4, 4), bool); y_pred[:, :, :2] = True
    >>> float(dice(y_true, y_pred)[0])
    0.5
    """
    intersection, true, predicted = counts(y_true, y_pred)
    return _ratio(2 * intersection, true + predicted, true + predicted == 0)


def iou(y_true, y_pred):
    """Intersection over union (Jaccard index) of each image; float64 array (N,). Errors as in `counts`.

    Examples
    --------
    >>> y_true, y_pred = np.array([[[1, 1, 0, 0]]], bool), np.array([[[0, 1, 1, 1]]], bool)
    >>> iou(y_true, y_pred).tolist()
    [0.25]
    """
    intersection, true, predicted = counts(y_true, y_pred)
    return _ratio(intersection, true + predicted - intersection, true + predicted == 0)


def precision(y_true, y_pred):
    """Share of the predicted pixels that are true, for each image; float64 array (N,). Errors as in `counts`.

    Examples
    --------
    >>> y_true, y_pred = np.array([[[1, 0, 0, 0]]], bool), np.array([[[1, 1, 1, 1]]], bool)
    >>> precision(y_true, y_pred).tolist()
    [0.25]
    """
    intersection, true, predicted = counts(y_true, y_pred)
    return _ratio(intersection, predicted, true + predicted == 0)


def recall(y_true, y_pred):
    """Share of the true pixels that are predicted, for each image; float64 array (N,). Errors as in `counts`.

    Examples
    --------
    >>> y_true, y_pred = np.array([[[1, 0, 0, 0]]], bool), np.array([[[1, 1, 1, 1]]], bool)
    >>> recall(y_true, y_pred).tolist()
    [1.0]
    """
    intersection, true, predicted = counts(y_true, y_pred)
    return _ratio(intersection, true, true + predicted == 0)


def pooled_iou(y_true, y_pred):
    """Intersections of all images over unions of all images ("sum IoU"): large structures weigh more.

    Arguments and errors as in `counts`; 1.0 when every mask is empty.

    Examples
    --------
    >>> y_true, y_pred = np.array([[[1, 1, 1]], [[1, 0, 0]]], bool), np.array([[[1, 1, 1]], [[0, 0, 0]]], bool)
    >>> pooled_iou(y_true, y_pred), float(iou(y_true, y_pred).mean())
    (0.75, 0.5)
    """
    intersection, true, predicted = (pixels.sum() for pixels in counts(y_true, y_pred))
    return float(_ratio(intersection, true + predicted - intersection, True))


def pooled_dice(y_true, y_pred):
    """Dice coefficient of all pixels of all images. Arguments and errors as in `counts`.

    Examples
    --------
    >>> y_true, y_pred = np.array([[[1, 1, 1]], [[1, 0, 0]]], bool), np.array([[[1, 1, 1]], [[0, 1, 0]]], bool)
    >>> pooled_dice(y_true, y_pred), float(dice(y_true, y_pred).mean())
    (0.75, 0.5)
    """
    intersection, true, predicted = (pixels.sum() for pixels in counts(y_true, y_pred))
    return float(_ratio(2 * intersection, true + predicted, True))


def accuracy_at(overlap, threshold=0.5):
    """Share of images whose overlap is strictly greater than the threshold.

    Parameters
    ----------
    overlap : array (N,)
        A value an image, such as `iou` gives.
    threshold : float

    Raises
    ------
    DataError
        If `overlap` is empty, not one-dimensional, or holds NaN.

    References
    ----------
    Huang et al. 2019, Eq. 3: an image counts as segmented when its IoU is above 0.5.

    Examples
    --------
    >>> accuracy_at([0.4, 0.5, 0.6, 0.9])
    0.5
    """
    overlap = np.asarray(overlap, float)
    if overlap.ndim != 1 or not len(overlap) or np.isnan(overlap).any():
        raise DataError(f"overlap has the shape {overlap.shape} and {np.isnan(overlap).sum()} NaN; expected "
                        "(images,) with at least one, each a number")
    return float(np.mean(overlap > threshold))


def _spacing(spacing, n):
    expected = f"expected finite lengths above 0, (rows, columns), shape (2,) or ({n}, 2)"
    try:
        spacing = np.ones(2) if spacing is None else np.asarray(spacing, float)
    except (TypeError, ValueError):
        raise DataError(f"spacing={spacing!r}: {expected}") from None
    if spacing.shape not in ((2,), (n, 2)) or not (np.isfinite(spacing) & (spacing > 0)).all():
        least, largest = spacing.min(initial=np.inf), spacing.max(initial=-np.inf)
        raise DataError(f"spacing has the shape {spacing.shape} and values from {least} to {largest}; {expected}")
    return np.broadcast_to(spacing, (n, 2))


def _surface_distances(y_true, y_pred, spacing):
    """Distances from every border pixel of one mask to the border of the other, in both directions."""
    rows, columns = np.nonzero(y_true | y_pred)
    box = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    masks = [np.pad(mask[box], 1) for mask in (y_true, y_pred)]
    borders = [mask & ~ndimage.binary_erosion(mask) for mask in masks]
    distances = [ndimage.distance_transform_edt(~border, sampling=spacing) for border in borders]
    return distances[1][borders[0]], distances[0][borders[1]]


def _distances(y_true, y_pred, spacing, reduce):
    _, true, predicted = counts(y_true, y_pred)
    spacing = _spacing(spacing, len(true))
    result = np.where((true == 0) & (predicted == 0), 0.0, np.nan)
    for i in np.flatnonzero((true > 0) & (predicted > 0)):
        result[i] = reduce(*_surface_distances(y_true[i], y_pred[i], spacing[i]))
    return result


def hausdorff95(y_true, y_pred, spacing=None):
    """95th percentile Hausdorff distance of each image, the larger of the two directions.

    Border pixels are those with a neighbour (4-connected, or the edge of the picture) outside the mask.

    Parameters
    ----------
    y_true, y_pred : bool arrays (N, H, W)
    spacing : array (2,) or (N, 2), optional
        Size of a pixel of these masks in rows and columns, for instance in mm. Without it, distances are in pixels. Where
        images were resized, it is that of the file, times its height (width) over that of the masks.

    Returns
    -------
    float64 array (N,)
        0 where both masks are empty, NaN where one is.

    Raises
    ------
    DataError
        As in `counts`, and for a spacing of another shape, or not of finite lengths above 0.

    Examples
    --------
    >>> import numpy as np
    >>> y_true = np.zeros((1, 9, 9), bool); y_true[0, 2:5, 2:5] = True
    >>> float(hausdorff95(y_true, np.roll(y_true, 3, axis=2), spacing=(0.1, 0.5))[0])
    1.5
    """
    return _distances(y_true, y_pred, spacing,
                      lambda there, back: max(np.percentile(there, 95), np.percentile(back, 95)))


def average_surface_distance(y_true, y_pred, spacing=None):
    """Mean distance between the borders of each image, over the border pixels of both masks.

    Arguments, result and errors as in `hausdorff95`.

    Examples
    --------
    >>> y_true, y_pred = np.zeros((2, 1, 5, 4), bool)
    >>> y_true[:, 0] = y_pred[:, 3] = True  # two lines, three rows apart
    >>> average_surface_distance(y_true, y_pred, spacing=(0.5, 1.0)).tolist()
    [1.5]
    """
    return _distances(y_true, y_pred, spacing, lambda there, back: np.concatenate([there, back]).mean())
