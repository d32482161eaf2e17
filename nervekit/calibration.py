"""Does a network know what it does not know? Reliability of probabilities, and risk against coverage."""

from dataclasses import dataclass

import numpy as np

from nervekit.errors import ConfigurationError, DataError
from nervekit.metrics import check_boolean


@dataclass(frozen=True)
class Reliability:
    """Pixels sorted by predicted probability into equal bins; NaN where a bin is empty.

    Attributes
    ----------
    edges : ndarray, shape (bins + 1,)
    predicted, observed : ndarray, shape (bins,)
        Mean probability, and the share of the pixels that truly belong to the region.
    count : ndarray of int, shape (bins,)
    error : float
        Expected calibration error: the mean of |predicted - observed|, each bin weighted by its pixels.
    """

    edges: np.ndarray
    predicted: np.ndarray
    observed: np.ndarray
    count: np.ndarray
    error: float


def reliability(masks, probability, *, bins=10, undecided=0.0):
    """How often pixels belong to the region, by the probability that the network gave them.

    Parameters
    ----------
    masks : ndarray of bool
    probability : ndarray, same shape
    bins : int
    undecided : float
        Leave out pixels with a probability below this or above 1 minus this. Most pixels are background beyond doubt,
        and would make any network look calibrated.

    Returns
    -------
    Reliability
        Its ``error`` is 0 where no pixel is left.

    Raises
    ------
    DataError
        The shapes differ, the masks are no bool array, or a probability is not between 0 and 1.
    ConfigurationError
        Fewer than one bin, or a margin outside 0 to 0.5.

    References
    ----------
    Guo et al. 2017, On calibration of modern neural networks, section 2 (there for the likelier class, here for the region).

    Examples
    --------
    >>> masks = np.array([True, False, True, True])
    >>> found = reliability(masks, np.array([0.5, 0.5, 0.9, 0.9]), bins=2)
    >>> found.observed.tolist(), round(found.error, 3)
    ([nan, 0.75], 0.05)
    """
    masks, probability = check_boolean("masks", masks), np.asarray(probability, float)
    if bins < 1 or not 0 <= undecided < 0.5:
        raise ConfigurationError(f"bins={bins}, undecided={undecided}: expected bins of 1 or more, and undecided from "
                                 "0 to less than 0.5")
    if masks.shape != probability.shape:
        raise DataError(f"masks have the shape {masks.shape}, probabilities {probability.shape}; expected the same shape")
    if wrong := np.count_nonzero(~((probability >= 0) & (probability <= 1))):
        raise DataError(f"{wrong} of {probability.size} probabilities are NaN or not between 0 and 1; the network may end "
                        "without a sigmoid")  # fmt: skip
    kept = (probability >= undecided) & (probability <= 1 - undecided)
    masks, probability = masks[kept], probability[kept]
    place = np.minimum((probability * bins).astype(int), bins - 1)
    count = np.bincount(place, minlength=bins)
    sums = [np.bincount(place, weights=values, minlength=bins) for values in (probability, masks)]
    predicted, observed = (np.divide(total, count, out=np.full(bins, np.nan), where=count > 0) for total in sums)
    error = np.nansum(count * np.abs(predicted - observed)) / max(count.sum(), 1)
    return Reliability(np.linspace(0, 1, bins + 1), predicted, observed, count, float(error))


def disagreement(views):
    """How much the answers to one image differ: one minus the pooled IoU of all pairs of views, from 0 to 1.

    Parameters
    ----------
    views : ndarray of float, shape (views, N, H, W)
        Probabilities, such as `recipe.views` gives; two views or more.

    Returns
    -------
    ndarray, shape (N,)
        Of the masks at 0.5. 0 where all views are empty: where an empty answer is an error, look for it apart.

    Raises
    ------
    DataError
        Fewer than two views, another shape, or NaN.

    Examples
    --------
    >>> views = np.zeros((2, 1, 1, 4)); views[0, ..., :2] = 1; views[1, ..., :1] = 1
    >>> disagreement(views).tolist()
    [0.5]
    """
    views = np.asarray(views)
    if views.ndim != 4 or len(views) < 2 or np.isnan(views).any():
        raise DataError(f"views have the shape {views.shape} and {np.isnan(views).sum()} NaN; expected (views, images, height, "
                        "width) of two or more views, each value a number")  # fmt: skip
    masks = views > 0.5
    both = union = 0
    for place, one in enumerate(masks):
        for other in masks[place + 1 :]:
            both = both + (one & other).sum(axis=(1, 2))
            union = union + (one | other).sum(axis=(1, 2))
    return np.where(union > 0, 1 - both / np.maximum(union, 1), 0.0)


def risk_coverage(risk, doubt):
    """Mean risk of the images that are kept, when the most doubtful go to a human first.

    Parameters
    ----------
    risk : ndarray, shape (N,)
        What goes wrong with an image, such as one minus its Dice.
    doubt : ndarray, shape (N,)
        Larger is more doubtful. Images of equal doubt stay and go together, so that the order of files does not matter.

    Returns
    -------
    coverage, kept_risk : ndarray
        Share of the images kept, ascending to 1, and their mean risk.
    area : float
        Mean of the risk over all coverages, each level of doubt weighted by its images; less is better. Equal to the
        overall mean risk where all doubts are equal, and on average where they are random.

    Raises
    ------
    DataError
        Not one number of both for each image, none at all, or NaN.

    Examples
    --------
    >>> coverage, kept, area = risk_coverage(np.array([0.0, 0.2, 0.7]), np.array([1, 2, 3]))
    >>> kept.round(2).tolist(), round(area, 3)
    ([0.0, 0.1, 0.3], 0.133)
    """
    risk, doubt = np.asarray(risk, float), np.asarray(doubt, float)
    if risk.ndim != 1 or risk.shape != doubt.shape or not len(risk) or np.isnan(risk + doubt).any():
        found = ", ".join(
            f"{name} has the shape {of.shape} and {np.isnan(of).sum()} NaN" for name, of in {"risk": risk, "doubt": doubt}.items()
        )
        raise DataError(f"{found}: expected one number of both for each image. Leave out images that have none.")
    levels, member, count = np.unique(doubt, return_inverse=True, return_counts=True)
    kept = np.cumsum(count)
    mean = np.cumsum(np.bincount(member, weights=risk, minlength=len(levels))) / kept
    return kept / len(risk), mean, float(np.average(mean, weights=count))
