"""Is one network better than another? Paired differences, a test on the means of groups, and many tests at once."""

import numpy as np
from scipy import stats

from nervekit import metrics
from nervekit.errors import DataError
from nervekit.evaluation import difference, each_seed, pooled_iou_of, with_interval
from nervekit.groups import known_groups
from nervekit.intervals import mean_of, text


def mean_dice(masks, predictions):
    """Dice of each image, the mean over seeds where there are several; arguments as in `evaluation.pooled_iou_of`.

    Returns
    -------
    ndarray, shape (N,)

    Raises
    ------
    DataError
        As in `metrics.counts`.

    Examples
    --------
    >>> masks = np.ones((2, 1, 2), bool)
    >>> mean_dice(masks, np.stack([masks, ~masks])).tolist()  # two seeds: all, and nothing
    [0.5, 0.5]
    """
    return np.mean([metrics.dice(masks, prediction) for prediction in each_seed(predictions)], axis=0)


def scores(masks, predictions, groups):
    """Sum IoU, mean Dice and accuracy with intervals over groups; the mean over seeds where there are several.

    Parameters
    ----------
    masks, predictions
        As in `evaluation.pooled_iou_of`.
    groups : ndarray, shape (N,)

    Returns
    -------
    dict of str to dict
        ``pooled_iou``, ``dice_mean`` and ``accuracy`` (share of images with IoU above 0.5), as `evaluation.scores`.

    Raises
    ------
    DataError
        As in `evaluation.scores`.

    Examples
    --------
    >>> masks = np.ones((2, 1, 2), bool)
    >>> found = scores(masks, np.stack([masks, ~masks]), groups=["a", "b"])  # two seeds: all, and nothing
    >>> found["pooled_iou"]["value"], found["dice_mean"]["value"], found["accuracy"]["step"]
    (0.5, 0.5, 0.25)
    """
    several = each_seed(predictions)
    correct = np.mean([metrics.iou(masks, one) > 0.5 for one in several], axis=0)
    return {
        "pooled_iou": with_interval(pooled_iou_of(masks, predictions), groups),
        "dice_mean": with_interval(mean_of(mean_dice(masks, predictions)), groups),
        "accuracy": {**with_interval(mean_of(correct), groups), "step": 1 / (len(several) * len(masks))},
    }


def paired(masks, first, second, groups):
    """First minus second on the same images: sum IoU and mean Dice with intervals, and a test.

    Parameters
    ----------
    masks : ndarray of bool, shape (N, H, W)
    first, second : ndarray of bool, shape (N, H, W) or (seeds, N, H, W)
    groups : ndarray, shape (N,)
        Patient or session of each image; the intervals resample these, the test compares their means.

    Returns
    -------
    dict
        ``pooled_iou`` and ``dice_mean``, each with ``value``, ``low``, ``high`` and ``n``; ``p``, from
        :func:`wilcoxon` on the Dice; ``groups``, how many there are.

    Raises
    ------
    DataError
        As in `evaluation.scores`.

    Examples
    --------
    >>> masks = np.zeros((2, 4, 4), bool); masks[:, :2] = True
    >>> nothing = np.zeros_like(masks)
    >>> found = paired(masks, masks, nothing, groups=["a", "b"])
    >>> found["pooled_iou"]["value"], found["dice_mean"]["low"]
    (1.0, 1.0)
    """
    gain = mean_dice(masks, first) - mean_dice(masks, second)
    return {
        "pooled_iou": difference(masks, first, second, groups),
        "dice_mean": with_interval(mean_of(gain), groups),
        "p": wilcoxon(gain, groups),
        "groups": len(np.unique(groups)),
    }


def wilcoxon(differences, groups):
    """Two-sided p of Wilcoxon's signed-rank test on the mean difference of each group.

    Images of a session are no independent evidence, so that a session counts once.

    Parameters
    ----------
    differences : ndarray, shape (N,)
        Of one image each, without NaN.
    groups : ndarray, shape (N,)

    Returns
    -------
    float
        1 where no group differs.

    Raises
    ------
    DataError
        Not one number and one known group for each image, or NaN.

    References
    ----------
    Wilcoxon 1945, Individual comparisons by ranking methods.

    Examples
    --------
    >>> wilcoxon([0.1, 0.3, 0.1, 0.2, 0.3, 0.4], groups=[1, 1, 2, 3, 4, 5])
    0.0625
    """
    differences, groups = np.asarray(differences, float), known_groups(groups)
    if differences.shape != groups.shape or differences.ndim != 1 or np.isnan(differences).any():
        raise DataError(f"differences have the shape {differences.shape} with {np.isnan(differences).sum()} NaN, groups "
                        f"{groups.shape}: expected one number and one group for each image")  # fmt: skip
    means = np.array([differences[groups == group].mean() for group in np.unique(groups)])
    return float(stats.wilcoxon(means).pvalue) if np.any(means) else 1.0


def holm(p_values):
    """P values of several tests, raised so that the chance of at least one false alarm among all keeps its level.

    Parameters
    ----------
    p_values : sequence of float
        From 0 to 1.

    Returns
    -------
    ndarray
        In the same order.

    Raises
    ------
    DataError
        A value is no probability.

    References
    ----------
    Holm 1979, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    p_values = np.asarray(p_values, float)
    if p_values.ndim != 1 or not ((p_values >= 0) & (p_values <= 1)).all():
        raise DataError(f"p values {p_values.tolist()}: expected a list of numbers from 0 to 1")
    order = np.argsort(p_values, kind="stable")
    steps = p_values[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def p_values(comparisons):
    """P values of paired comparisons, to be recorded with their differences.

    Parameters
    ----------
    comparisons : dict of str to dict
        Name to its :func:`paired`.

    Returns
    -------
    dict of str to dict
        ``p_dice``, Wilcoxon's test on the Dice of groups, and ``p_dice_holm``, adjusted for all of these comparisons.

    Examples
    --------
    >>> p_values({"a": {"p": 0.01}, "b": {"p": 0.2}})
    {'a': {'p_dice': 0.01, 'p_dice_holm': 0.02}, 'b': {'p_dice': 0.2, 'p_dice_holm': 0.2}}
    """
    adjusted = holm([found["p"] for found in comparisons.values()])
    pairs = zip(comparisons.items(), adjusted, strict=True)
    return {name: {"p_dice": found["p"], "p_dice_holm": float(together)} for (name, found), together in pairs}


def table(comparisons):
    """Markdown table of paired comparisons with Holm's adjusted p values over all rows.

    Parameters
    ----------
    comparisons : dict of str to dict
        Name of the row to its :func:`paired`.

    Returns
    -------
    str

    Examples
    --------
    >>> score = {"value": 0.1, "low": 0.05, "high": 0.15, "n": 62}
    >>> print(table({"ours, theirs": {"pooled_iou": score, "dice_mean": score, "p": 0.01, "groups": 9}}))
    | first minus second | images | groups | sum IoU | mean Dice | p (Dice) | p (Dice, Holm) |
    |---|---|---|---|---|---|---|
    | ours, theirs | 62 | 9 | +0.100 (+0.050 to +0.150) | +0.100 (+0.050 to +0.150) | 0.01 | 0.01 |
    """
    heads = ("first minus second", "images", "groups", "sum IoU", "mean Dice", "p (Dice)", "p (Dice, Holm)")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    tests = p_values(comparisons)
    for name, found in comparisons.items():
        cells = [text(found[key], "+z.3f") for key in ("pooled_iou", "dice_mean")]
        counts = f"{found['pooled_iou']['n']} | {found['groups']}"
        lines.append(f"| {name} | {counts} | {' | '.join(cells)} | {found['p']:.2g} | {tests[name]['p_dice_holm']:.2g} |")
    return "\n".join(lines)
