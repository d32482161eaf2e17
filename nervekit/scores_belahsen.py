"""Sensitivity, Jaccard and Dice as Table I of Belahsen & El Manouzi has them: what Keras' metrics made of their outputs.

All three pool the pixels of all images. The sensitivity compares with a threshold of 0.5. The Dice coefficient takes the
outputs as they are. The Jaccard similarity is ``keras.metrics.MeanIoU``, which expects class numbers; it was given
probabilities, cuts their decimals off, so that 0.99 becomes class 0, and averages background and nerve.
"""

import numpy as np

from nervekit import metrics
from nervekit.evaluation import with_interval
from nervekit.intervals import ratio

SMOOTH = 1.0


def as_printed(masks, outputs, groups):
    """The three columns of Table I, and the Jaccard similarity of the nerve beside theirs.

    Parameters
    ----------
    masks : ndarray of bool, shape (N, H, W)
    outputs : ndarray of float, shape (N, H, W)
        0 or more; nothing is compared with a threshold beforehand.
    groups : ndarray, shape (N,)
        Subject of each image; the 95 % intervals resample these.

    Returns
    -------
    dict of str to dict
        ``sensitivity``, ``jaccard`` (theirs), ``dice`` (theirs, the smoothing of 1 included) and ``true_jaccard``
        (intersection over union of the nerve at 0.5), each with ``value``, ``low``, ``high`` and ``n``.

    Notes
    -----
    Keras averages the Dice coefficient over batches; here it is taken over all images at once.

    Examples
    --------
    >>> masks = np.zeros((2, 2, 2), bool); masks[:, 0] = True
    >>> found = as_printed(masks, 0.99 * masks, groups=["a", "b"])
    >>> [round(found[name]["value"], 2) for name in ("sensitivity", "jaccard", "dice", "true_jaccard")]
    [1.0, 0.25, 1.0, 1.0]
    """
    outputs = np.asarray(outputs, np.float64)
    intersection, true, predicted = metrics.counts(masks, outputs > 0.5)
    soft = 2 * np.where(masks, outputs, 0).sum(axis=(1, 2)), true + outputs.sum(axis=(1, 2))
    statistics = {
        "sensitivity": ratio(intersection, true),
        "jaccard": _mean_iou(masks, truncated(outputs)),
        "dice": lambda weights: (weights @ soft[0] + SMOOTH) / (weights @ soft[1] + SMOOTH),
        "true_jaccard": ratio(intersection, true + predicted - intersection),
    }
    return {name: with_interval(statistic, groups) for name, statistic in statistics.items()}


def truncated(outputs):
    """The class that ``MeanIoU`` makes of an output: nerve from 1 on, as a bool array.

    With a bounded output this takes a sigmoid that has reached exactly 1 in 32 bits. Outputs of 2 and more, which a
    ReLU can give, are no class at all: TensorFlow of 2020 stopped at them, Keras of today leaves these pixels
    out. Here they count as nerve.

    Examples
    --------
    >>> truncated(np.array([0.5, 0.999, 1.0, 2.5])).tolist()
    [False, False, True, True]
    """
    return np.asarray(outputs) >= 1


def _mean_iou(masks, predictions):
    counted = [metrics.counts(*pair) for pair in ((masks, predictions), (~masks, ~predictions))]
    pairs = [(intersection, true + predicted - intersection) for intersection, true, predicted in counted]

    def statistic(weights):
        classes = []
        for intersection, union in pairs:
            top, bottom = weights @ intersection, weights @ union
            classes.append(np.where(bottom > 0, top / np.maximum(bottom, 1), np.nan))
        return np.nanmean(classes, axis=0)

    return statistic
