"""Whether the nerve was found in an image at all: the four cases, and what a least area does to the two errors."""

import numpy as np

from nervekit import metrics
from nervekit.errors import ConfigurationError, DataError
from nervekit.evaluation import with_interval
from nervekit.groups import known_groups
from nervekit.intervals import mean_of

CASES = ("true positive", "false negative", "false positive", "true negative")


def cases(masks, predictions, least_area=0.0):
    """Which of the four cases each image is.

    A prediction smaller than the least area counts as none. The nerve is found only if the prediction touches it: a
    region somewhere else in an image with a nerve leaves the nerve undetected, which makes it a false negative.

    Parameters
    ----------
    masks, predictions : ndarray of bool, shape (N, H, W)
    least_area : float
        As a share of the image, 0 to 1.

    Returns
    -------
    ndarray of str, shape (N,)
        Items of ``CASES``.

    Raises
    ------
    DataError
        As in `nervekit.metrics.counts`.
    ConfigurationError
        A least area that is not between 0 and 1.

    References
    ----------
    Gulati & Chhabra, Figure 7 (a) to (c), without a rule there for when a nerve counts as found.

    Examples
    --------
    >>> masks, predictions = np.zeros((2, 4, 4, 4), bool)
    >>> masks[:2, :2] = predictions[::2, :2] = True
    >>> cases(masks, predictions).tolist()
    ['true positive', 'false negative', 'false positive', 'true negative']
    """
    if not 0 <= least_area <= 1:
        raise ConfigurationError(f"least_area={least_area}: expected a share of the image, from 0 to 1")
    common, true, predicted = metrics.counts(masks, predictions)
    # A share that was computed from pixels may be off by its last digit.
    reported = (predicted > 0) & (predicted >= least_area * np.prod(np.shape(masks)[1:]) - 1e-6)
    right, wrong = np.where(reported & (common > 0), *CASES[:2]), np.where(reported, *CASES[2:])
    return np.where(true > 0, right, wrong)


def rates(masks, predictions, groups, least_area=0.0):
    """Share of the nerves that were missed, and of the images without a nerve in which one was reported.

    Parameters
    ----------
    masks, predictions : ndarray of bool, shape (N, H, W)
    groups : ndarray, shape (N,)
        Patient or subject of each image; the intervals resample these.
    least_area : float
        As in `cases`.

    Returns
    -------
    dict of str to dict
        ``false_negative_rate`` and ``false_positive_rate``, each with ``value``, ``low``, ``high`` (95 %), ``n`` (the
        images that it is a share of) and ``step``, what one image more or less changes.

    Raises
    ------
    DataError
        As in `cases`, or if no image has a nerve, or all have, or there is not one known group for each image.
    ConfigurationError
        As in `cases`.

    Examples
    --------
    >>> masks, predictions = np.zeros((2, 4, 4, 4), bool)
    >>> masks[:2, :2] = predictions[::2, :2] = True
    >>> found = rates(masks, predictions, groups=["a", "b", "c", "d"])
    >>> found["false_negative_rate"]["value"], found["false_positive_rate"]["n"]
    (0.5, 2)
    """
    found, nerve = cases(masks, predictions, least_area), np.any(masks, axis=(1, 2))
    groups = known_groups(groups, len(found))
    return {
        "false_negative_rate": _share(found == "false negative", nerve, groups, "with a nerve"),
        "false_positive_rate": _share(found == "false positive", ~nerve, groups, "without a nerve"),
    }


def _share(wrong, chosen, groups, what):
    count = int(chosen.sum())
    if not count:
        raise DataError(f"none of {len(chosen)} images is {what}, so that a rate among these cannot be measured")
    return {**with_interval(mean_of(wrong[chosen]), groups[chosen]), "step": 1 / count}


def operating_curve(masks, predictions, areas):
    """Both error rates at each least area.

    Parameters
    ----------
    masks, predictions : ndarray of bool, shape (N, H, W)
    areas : sequence of float
        Least areas, as shares of the image.

    Returns
    -------
    dict of str to ndarray, shape (len(areas),)
        ``area``, ``false_negative_rate``, ``false_positive_rate``.

    Raises
    ------
    DataError
        As in `rates`.
    ConfigurationError
        As in `cases`.

    Examples
    --------
    >>> masks, predictions = np.zeros((2, 4, 4, 4), bool)
    >>> masks[:2, :2] = predictions[::2, :2] = True
    >>> curve = operating_curve(masks, predictions, areas=[0.0, 0.6])
    >>> curve["false_negative_rate"].tolist(), curve["false_positive_rate"].tolist()
    ([0.5, 1.0], [0.5, 0.0])
    """
    groups = np.zeros(len(masks))
    found = [rates(masks, predictions, groups, area) for area in areas]
    names = ("false_negative_rate", "false_positive_rate")
    return {"area": np.asarray(areas, float)} | {name: np.array([row[name]["value"] for row in found]) for name in names}


def choose_area(curve, allowed=0.05):
    """The least area with the fewest false positives that costs hardly any nerve.

    Parameters
    ----------
    curve : dict
        From `operating_curve`, of images that are not the test images.
    allowed : float
        By how much the false-negative rate may exceed the lowest one on the curve: a missed nerve may injure a
        patient, a false alarm costs a second look.

    Returns
    -------
    float
        The smallest of several areas that are equally good.

    Raises
    ------
    ConfigurationError
        A negative allowance.

    Examples
    --------
    >>> curve = {"area": [0.0, 0.01, 0.02], "false_negative_rate": [0.1, 0.1, 0.4],
    ...          "false_positive_rate": [0.5, 0.2, 0.0]}
    >>> choose_area(curve)
    0.01
    """
    if not allowed >= 0:
        raise ConfigurationError(f"allowed={allowed}: expected a share of the nerves, 0 or more")
    missed, alarms = (np.asarray(curve[f"false_{name}_rate"]) for name in ("negative", "positive"))
    bearable = missed <= missed.min() + allowed + 1e-9
    alarms = np.where(bearable, alarms, np.inf)
    return float(np.asarray(curve["area"])[alarms == alarms.min()].min())
