"""Summaries and bootstrap intervals that resample groups (patients, sessions), not images.

Images of one patient resemble each other, so that n images say less than n patients would. A resample here draws
groups with replacement and takes every image of each group drawn.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nervekit.errors import ConfigurationError, DataError
from nervekit.groups import known_groups

_CELLS = 2_000_000  # weights held at once: 16 MB


@dataclass(frozen=True)
class Interval:
    """An estimate with its bootstrap interval and standard error; NaN for these with a single group."""

    estimate: float
    low: float
    high: float
    standard_error: float
    n_groups: int
    confidence: float


@dataclass(frozen=True)
class Summary:
    """Spread of the images' values (NaN left out and counted) and the bootstrap interval of their mean."""

    n: int
    n_nan: int
    n_groups: int
    mean: float
    sd: float
    median: float
    q1: float
    q3: float
    low: float
    high: float
    confidence: float


def _values(values, name="values"):
    values = np.asarray(values, float)
    if values.ndim != 1 or not len(values):
        raise DataError(f"{name} have the shape {values.shape}, expected (images,) with at least one image")
    return values


def text(score, form=".3f"):
    """A score with its interval as the tables of the notebooks show it; where there is none, of a single group, by itself.

    Parameters
    ----------
    score : dict
        ``value``, ``low`` and ``high``; these two are missing or NaN where there is no interval.
    form : str
        How numbers are written, such as ``"+z.3f"`` for differences.

    Returns
    -------
    str

    Examples
    --------
    >>> text({"value": 0.8, "low": 0.75, "high": 0.85})
    '0.800 (0.750 to 0.850)'
    >>> text({"value": 0.8, "low": float("nan"), "high": float("nan")})
    '0.800 (no interval)'
    """
    value, low, high = (format(score.get(name, np.nan), form) for name in ("value", "low", "high"))
    return f"{value} (no interval)" if np.isnan(score.get("low", np.nan)) else f"{value} ({low} to {high})"


def ratio(numerator, denominator):
    """The statistic "sum over sum" for `bootstrap`; 0/0 counts as 1, as for masks that are all empty.

    Parameters
    ----------
    numerator, denominator : arrays (N,)
        One value an image, such as intersection and union for pooled IoU.

    Returns
    -------
    callable
        Takes weights (n_resamples, N), the times that an image was drawn, and gives (n_resamples,) values.

    Raises
    ------
    DataError
        If the lengths differ, or a value is NaN.

    Examples
    --------
    >>> sum_iou = ratio(np.array([3, 0]), np.array([3, 1]))
    >>> sum_iou(np.array([[1, 1], [2, 0]])).tolist()  # each image once; the first twice
    [0.75, 1.0]
    """
    numerator, denominator = _values(numerator, "numerators"), _values(denominator, "denominators")
    if len(numerator) != len(denominator) or np.isnan(numerator + denominator).any():
        raise DataError(f"{len(numerator)} numerators and {len(denominator)} denominators, "
                        f"{np.isnan(numerator).sum()} and {np.isnan(denominator).sum()} of them NaN; "
                        "expected as many of both and none NaN")

    def statistic(weights):
        top, bottom = weights @ numerator, weights @ denominator
        return np.where(bottom != 0, top / np.where(bottom != 0, bottom, 1), np.where(top == 0, 1.0, np.nan))

    return statistic


def mean_of(values):
    """The mean as a statistic for `bootstrap`, such as of a metric; of `iou > 0.5` it is the accuracy.

    Parameters
    ----------
    values : array (N,)
        Without NaN.

    Returns
    -------
    callable
        As in `ratio`.

    Raises
    ------
    DataError
        If a value is NaN, or there is none.

    Examples
    --------
    >>> mean_of([0.25, 0.75])(np.array([[1, 1], [0, 2]])).tolist()
    [0.5, 0.75]
    """
    return ratio(values, np.ones(np.shape(values)))


def quantile(values, share):
    """A quantile as a statistic for `bootstrap`, interpolated as NumPy does.

    Parameters
    ----------
    values : array (N,)
        Without NaN.
    share : float
        0 to 1; 0.5 is the median, 0.25 the lower quartile.

    Returns
    -------
    callable
        As in `ratio`.

    Raises
    ------
    ConfigurationError
        If the share is not between 0 and 1.
    DataError
        If a value is NaN.

    Examples
    --------
    >>> lower_quartile = quantile([4.0, 1.0, 2.0, 3.0], 0.25)
    >>> float(lower_quartile(np.array([[1, 1, 1, 1]]))[0]), float(np.quantile([1, 2, 3, 4], 0.25))
    (1.75, 1.75)
    """
    if not 0 <= share <= 1:
        raise ConfigurationError(f"share={share}: expected 0 to 1. Write 0.25 for the lower quartile.")
    values = _values(values)
    if np.isnan(values).any():
        raise DataError(f"values hold {np.isnan(values).sum()} NaN of {len(values)}: leave these images out first")
    order = np.argsort(values)
    ordered = values[order]

    def statistic(weights):
        if weights.shape[1] != len(values):
            raise ValueError(f"{weights.shape[1]} weights for {len(values)} values")
        drawn = np.cumsum(weights[:, order], axis=1)
        place = (drawn[:, -1:] - 1) * share
        lower, upper = (ordered[np.argmax(drawn > rank, axis=1)] for rank in (np.floor(place), np.ceil(place)))
        return lower + (upper - lower) * (place - np.floor(place))[:, 0]

    return statistic


def bootstrap(
    statistic: Callable, groups, *, confidence=0.95, n_resamples=2000, random_state=0
) -> Interval:
    """Percentile interval of a statistic over resampled groups.

    With few groups it is too narrow. Of two it is the range of their values, and holds the true one about half the time;
    below ten groups read it as a least width.

    Parameters
    ----------
    statistic : callable
        From `ratio`, `mean_of` or `quantile`, or any function of weights (n_resamples, N) that gives (n_resamples,)
        values, such as the difference of two of these.
    groups : array (N,)
        The patient or session of each image.
    confidence : float between 0 and 1
    n_resamples : int, at least 1
    random_state : int or numpy.random.Generator

    Returns
    -------
    Interval
        `low`, `high` and `standard_error` are NaN when there is one group only: it cannot tell.

    Raises
    ------
    DataError
        If `groups` is empty, not one-dimensional, of another length than the statistic's values, or holds a blank, None or NaN.
    ConfigurationError
        For a confidence or a number of resamples out of range.

    References
    ----------
    Davison & Hinkley 1997, Bootstrap Methods and their Application, section 3.8 (resampling of clusters).

    Examples
    --------
    >>> overlap = np.array([0.2, 0.4, 0.6, 0.8])
    >>> interval = bootstrap(mean_of(overlap > 0.5), groups=["a", "a", "b", "c"])
    >>> interval.estimate, interval.low, interval.high
    (0.5, 0.0, 1.0)
    """
    if not 0 < confidence < 1 or n_resamples < 1:
        raise ConfigurationError(f"confidence={confidence} and n_resamples={n_resamples}: expected a confidence "
                                 "between 0 and 1, and at least one resample")
    groups = known_groups(groups)
    if groups.ndim != 1 or not len(groups):
        raise DataError(f"groups have the shape {groups.shape}, expected (images,) with at least one image")
    try:
        estimate = float(statistic(np.ones((1, len(groups)), int))[0])
    except (ValueError, IndexError) as error:
        raise DataError(f"{len(groups)} groups do not fit the statistic's values: expected one group for each "
                        f"image ({error})") from error
    labels, member = np.unique(groups, return_inverse=True)
    n_groups = len(labels)
    if n_groups == 1:
        return Interval(estimate, np.nan, np.nan, np.nan, 1, confidence)
    random = np.random.default_rng(random_state)
    chunk = max(1, _CELLS // len(groups))
    resampled = []
    for start in range(0, n_resamples, chunk):
        size = min(chunk, n_resamples - start)
        times_drawn = random.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size)
        resampled.append(statistic(times_drawn[:, member]))
    resampled = np.concatenate(resampled)
    low, high = np.quantile(resampled, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(estimate, float(low), float(high), float(resampled.std(ddof=1)) if n_resamples > 1 else np.nan,
                    n_groups, confidence)


def summary(values, groups, confidence=0.95, n_resamples=2000, random_state=0) -> Summary:
    """Mean, standard deviation, median and quartiles of a metric, with a group bootstrap interval of the mean.

    Parameters
    ----------
    values : array (N,)
        A value an image; NaN (a distance with an empty mask) is left out and counted in `n_nan`.
    groups : array (N,)
        The patient or session of each image.
    confidence, n_resamples, random_state
        As in `bootstrap`.

    Returns
    -------
    Summary
        `n` counts the values that are numbers. With none, every figure is NaN.

    Raises
    ------
    DataError
        If `values` and `groups` differ in length or are not one-dimensional, or a group is blank, None or NaN.

    Examples
    --------
    >>> result = summary([0.5, 0.7, np.nan, 0.9], groups=["a", "a", "b", "c"])
    >>> result.n, result.n_nan, round(result.mean, 3), result.median
    (3, 1, 0.7, 0.7)
    """
    values, groups = _values(values), known_groups(groups)
    if groups.shape != values.shape:
        raise DataError(f"{len(values)} values and groups of the shape {groups.shape}: expected one group a value")
    known = ~np.isnan(values)
    values, groups = values[known], groups[known]
    if not len(values):
        return Summary(0, int((~known).sum()), 0, *[np.nan] * 7, confidence)
    interval = bootstrap(mean_of(values), groups, confidence=confidence, n_resamples=n_resamples,
                         random_state=random_state)
    q1, middle, q3 = np.quantile(values, [0.25, 0.5, 0.75])
    return Summary(
        n=len(values), n_nan=int((~known).sum()), n_groups=interval.n_groups, mean=float(values.mean()),
        sd=float(values.std(ddof=1)) if len(values) > 1 else np.nan, median=float(middle), q1=float(q1),
        q3=float(q3), low=interval.low, high=interval.high, confidence=confidence,
    )
