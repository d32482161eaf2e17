"""The scores of one set of predictions, each with an interval that resamples groups."""

import numpy as np

from nervekit import metrics
from nervekit.errors import DataError
from nervekit.groups import known_groups
from nervekit.intervals import bootstrap, mean_of, quantile, ratio, text

QUARTILES = {"q1": 0.25, "median": 0.5, "q3": 0.75}


def scores(masks, predictions, groups):
    """What the papers report of a set of images.

    Parameters
    ----------
    masks, predictions : ndarray of bool, shape (N, H, W)
    groups : ndarray, shape (N,)
        Patient or session of each image; the intervals resample these.

    Returns
    -------
    dict of str to dict
        ``pooled_iou`` ("sum IoU"), ``iou_mean``, ``iou_median``, ``iou_q1``, ``iou_q3``, ``dice_mean`` and ``accuracy``
        (share of images with IoU above 0.5), each with ``value``, ``low``, ``high`` (95 %) and ``n``; the accuracy also
        with ``step``, what one image more or less changes.

    Raises
    ------
    DataError
        The masks are not as `metrics.counts` takes them, or there is not one known group for each.

    Examples
    --------
    >>> masks = np.zeros((4, 8, 8), bool)
    >>> masks[:, 2:6, 2:6] = True
    >>> scores(masks, masks, groups=[1, 1, 2, 3])["pooled_iou"]["value"]
    1.0
    """
    intersection, true, predicted = metrics.counts(masks, predictions)
    iou = metrics.iou(masks, predictions)
    statistics = {
        "pooled_iou": ratio(intersection, true + predicted - intersection),
        "iou_mean": mean_of(iou),
        **{f"iou_{name}": quantile(iou, share) for name, share in QUARTILES.items()},
        "dice_mean": mean_of(metrics.dice(masks, predictions)),
        "accuracy": mean_of(iou > 0.5),
    }
    found = {name: with_interval(statistic, groups) for name, statistic in statistics.items()}
    found["accuracy"]["step"] = 1 / len(masks)
    return found


def overlap(masks, predictions, groups):
    """Dice, IoU, precision and recall, as mean of the images and pooled.

    Parameters
    ----------
    masks, predictions : ndarray of bool, shape (N, H, W)
    groups : ndarray, shape (N,)
        Patient or session of each image; the intervals resample these.

    Returns
    -------
    dict of str to dict
        ``dice_mean``, ``iou_mean``, ``precision_mean``, ``recall_mean``, ``pooled_dice`` and ``pooled_iou``, as in
        :func:`scores`.

    Raises
    ------
    DataError
        As in :func:`scores`.

    Examples
    --------
    >>> masks = np.zeros((2, 4, 4), bool)
    >>> masks[:, :2] = True
    >>> half = masks.copy()
    >>> half[:, 0] = False
    >>> found = overlap(masks, half, groups=["a", "b"])
    >>> [round(found[name]["value"], 3) for name in ("dice_mean", "recall_mean", "precision_mean")]
    [0.667, 0.5, 1.0]
    """
    intersection, true, predicted = metrics.counts(masks, predictions)
    by_image = {name: getattr(metrics, name)(masks, predictions) for name in ("dice", "iou", "precision", "recall")}
    statistics = {f"{name}_mean": mean_of(values) for name, values in by_image.items()}
    statistics["pooled_dice"] = ratio(2 * intersection, true + predicted)
    statistics["pooled_iou"] = ratio(intersection, true + predicted - intersection)
    return {name: with_interval(statistic, groups) for name, statistic in statistics.items()}


def fold_quartiles(masks, result, groups):
    """Median and quartiles over the folds of sum IoU and accuracy, as Huang et al. 2019 report them.

    Parameters
    ----------
    masks : ndarray of bool, shape (N, H, W)
    result : CrossValidation
        Of one seed, as in `crossval.fold_scores`.
    groups : ndarray, shape (N,)

    Returns
    -------
    dict of str to dict
        ``pooled_iou_median``, ``pooled_iou_q1``, ..., ``accuracy_q3``, as in :func:`scores`.

    Raises
    ------
    DataError
        Not one prediction and one known group for each mask.

    Notes
    -----
    The intervals of the quartiles lie aslant: resampling widens the spread of the folds. In 100 simulated cases (40 sessions of
    five images, five folds; tests/test_evaluation.py) they hold the expected lower and upper quartile in 99 and 97; turned about
    the value, in 93 and 91.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> masks = np.ones((3, 1, 4), bool)
    >>> predictions = masks.copy()
    >>> predictions[1, 0, 2:] = predictions[2] = False  # IoU 1, 0.5 and 0
    >>> result = SimpleNamespace(predictions=predictions, fold=np.arange(3))
    >>> found = fold_quartiles(masks, result, groups=["a", "a", "a"])
    >>> [found[f"pooled_iou_{name}"]["value"] for name in ("q1", "median", "q3")]
    [0.25, 0.5, 0.75]
    """
    if np.shape(result.predictions) != np.shape(masks):
        raise DataError(f"masks have the shape {np.shape(masks)}, predictions {np.shape(result.predictions)}: expected one "
                        "prediction for each mask. Of several seeds or answers, give one.")  # fmt: skip
    groups = known_groups(groups, len(masks))
    dealt = result.fold >= 0
    masks, predictions, groups, fold = (np.asarray(each)[dealt] for each in (masks, result.predictions, groups, result.fold))
    intersection, true, predicted = metrics.counts(masks, predictions)
    union = true + predicted - intersection
    correct = metrics.iou(masks, predictions) > 0.5
    members = [np.flatnonzero(fold == number) for number in np.unique(fold)]

    def over_folds(numerator, denominator, share):
        parts = [ratio(numerator[index], denominator[index]) for index in members]

        def statistic(weights):
            # A fold of which a resample drew no group has no score.
            found = [
                np.where(weights[:, index].any(axis=1), part(weights[:, index]), np.nan)
                for part, index in zip(parts, members, strict=True)
            ]
            return np.nanquantile(found, share, axis=0)

        return statistic

    pairs = {"pooled_iou": (intersection, union), "accuracy": (correct, np.ones(len(masks)))}
    found = {
        f"{metric}_{name}": with_interval(over_folds(*pair, share), groups)
        for metric, pair in pairs.items()
        for name, share in QUARTILES.items()
    }
    for name in QUARTILES:
        found[f"accuracy_{name}"]["step"] = 1 / min(len(index) for index in members)
    return found


def each_seed(predictions):
    """Predictions of one seed or of several, shape (N, H, W) or (seeds, N, H, W), seed by seed.

    Examples
    --------
    >>> len(each_seed(np.zeros((4, 8, 8), bool))), len(each_seed(np.zeros((3, 4, 8, 8), bool)))
    (1, 3)
    """
    predictions = metrics.check_boolean("predictions", predictions)
    return predictions if predictions.ndim == 4 else [predictions]


def pooled_iou_of(masks, predictions):
    """Sum IoU as a statistic for `with_interval`; the mean over seeds where there are several.

    Parameters
    ----------
    masks : ndarray of bool, shape (N, H, W)
    predictions : ndarray of bool, shape (N, H, W) or (seeds, N, H, W)

    Returns
    -------
    callable
        Takes weights (resamples, N), gives (resamples,) values.

    Raises
    ------
    DataError
        As in `metrics.counts`.

    Examples
    --------
    >>> masks = np.ones((2, 1, 2), bool)
    >>> predictions = masks.copy()
    >>> predictions[1] = False
    >>> pooled_iou_of(masks, predictions)(np.array([[1, 1], [0, 2]])).tolist()  # each image once; the second twice
    [0.5, 0.0]
    """
    each = []
    for prediction in each_seed(predictions):
        intersection, true, predicted = metrics.counts(masks, prediction)
        each.append(ratio(intersection, true + predicted - intersection))
    return lambda weights: np.mean([statistic(weights) for statistic in each], axis=0)


def difference(masks, predictions_a, predictions_b, groups):
    """Sum IoU of a minus that of b on the same images, with a paired interval that resamples groups.

    Parameters
    ----------
    masks : ndarray of bool, shape (N, H, W)
    predictions_a, predictions_b : ndarray of bool, shape (N, H, W) or (seeds, N, H, W)
    groups : ndarray, shape (N,)

    Returns
    -------
    dict
        ``value``, ``low``, ``high``, ``n``.

    Raises
    ------
    DataError
        As in :func:`scores`.

    Examples
    --------
    >>> masks = np.ones((2, 1, 2), bool)
    >>> half = masks.copy()
    >>> half[..., 1] = False
    >>> difference(masks, masks, half, groups=["a", "b"])
    {'value': 0.5, 'low': 0.5, 'high': 0.5, 'n': 2}
    """
    first, second = pooled_iou_of(masks, predictions_a), pooled_iou_of(masks, predictions_b)
    return with_interval(lambda weights: first(weights) - second(weights), groups)


def with_interval(statistic, groups):
    """A statistic of images with its 95 % interval, which resamples groups.

    Parameters
    ----------
    statistic : callable
        Takes weights (resamples, N), gives one value a resample; `intervals.ratio`, `intervals.mean_of` and
        `intervals.quantile` make such.
    groups : ndarray, shape (N,)

    Returns
    -------
    dict
        ``value``, ``low``, ``high`` and ``n``, as :func:`nervekit.record.value` takes them.

    Raises
    ------
    DataError
        There is not one known group for each image.

    Examples
    --------
    >>> with_interval(mean_of([1, 1, 0, 0]), groups=[1, 1, 2, 2])["value"]
    0.5
    """
    interval = bootstrap(statistic, groups)
    return {"value": interval.estimate, "low": interval.low, "high": interval.high, "n": len(groups)}


def table(rows, columns):
    """Markdown table of scores with their intervals.

    Parameters
    ----------
    rows : dict of str to dict
        Name of the row to its :func:`scores`.
    columns : dict of str to str
        Key of a score to the head of its column.

    Returns
    -------
    str

    Examples
    --------
    >>> row = {"dice_mean": {"value": 0.8, "low": 0.75, "high": 0.85, "n": 62}}
    >>> print(table({"U-Net": row}, {"dice_mean": "mean Dice"}))
    | | images | mean Dice |
    |---|---|---|
    | U-Net | 62 | 0.800 (0.750 to 0.850) |
    """
    lines = ["| | images | " + " | ".join(columns.values()) + " |", "|---" * (len(columns) + 2) + "|"]
    for name, found in rows.items():
        cells = [text(found[key]) for key in columns]
        lines.append(f"| {name} | {next(iter(found.values()))['n']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
