"""Whether to answer with an empty mask: what a presence head says and how large the mask is, weighed against each other.

The weights are learnt from images that took no part in training, and the threshold follows from the score.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nervekit.errors import DataError
from nervekit.metrics import check_masks

NEVER = 1e-4


def evidence(head=None, area=None):
    """The columns that are weighed: log-odds of the head, logarithm of the area, and whether there is any.

    Without the last the step from no mask to a small one would decide what the area counts, and a mask that is drawn would
    be likely whatever its size.

    Parameters
    ----------
    head : ndarray, shape (N,), optional
        Probability of a nerve, 0 to 1.
    area : ndarray, shape (N,), optional
        Predicted area in pixels, 0 for an empty mask.

    Returns
    -------
    ndarray of float, shape (N, 1 to 3)

    Raises
    ------
    DataError
        Neither is given, they have not one value an image, or a value is no probability or no area.

    Examples
    --------
    >>> evidence(head=[0.5, 1.0], area=[0, 999]).round(2).tolist()
    [[0.0, 0.0, 0.0], [9.21, 6.91, 1.0]]
    """
    columns = []
    for name, values in (("head", head), ("area", area)):
        if values is not None and np.ndim(values) != 1:
            raise DataError(f"{name} has the shape {np.shape(values)}; expected (images,). Of (images, 1) take [:, 0].")
    if head is not None:
        head = np.asarray(head, float)
        if not np.all((head >= 0) & (head <= 1)):
            raise DataError(f"head has values from {np.min(head)} to {np.max(head)}; expected probabilities from 0 to 1.")
        likely = np.clip(head, NEVER, 1 - NEVER)
        columns.append(np.log(likely / (1 - likely)))
    if area is not None:
        area = np.asarray(area, float)
        if not np.all(area >= 0):
            raise DataError(f"area has values down to {np.min(area)}; expected pixels, 0 or more.")
        columns += [np.log1p(area), area > 0]
    counts = [len(given) for given in (head, area) if given is not None]
    if len(set(counts)) != 1:
        raise DataError(f"head and area have {counts} values. Give one of them or both, one value an image.")
    return np.stack(columns, axis=1)


def fit(evidence, present):
    """Penalised logistic regression of presence on the evidence.

    Columns are brought to mean 0 and standard deviation 1. Half the sum of their squared weights is added to the log loss,
    summed over the images (L2 with C = 1, scikit-learn's default): the fewer the images, the closer the weights stay to 0.

    Parameters
    ----------
    evidence : ndarray, shape (N, columns)
        From :func:`evidence`, of images that the network was not trained on.
    present : ndarray of bool, shape (N,)
        Whether a nerve is annotated.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Its ``predict_proba(evidence)[:, 1]`` is the probability of a nerve.

    Raises
    ------
    DataError
        All images show a nerve, or none does.

    Examples
    --------
    >>> seen = evidence(area=[0, 0, 10, 0, 900, 800, 20, 700])
    >>> found = fit(seen, np.array([0, 0, 0, 0, 1, 1, 1, 1], bool))
    >>> (found.predict_proba(evidence(area=[0, 900]))[:, 1] > 0.5).tolist()
    [False, True]
    """
    if len(np.unique(present)) < 2:
        raise DataError(f"{'all' if np.all(present) else 'none'} of {len(present)} images show a nerve: there is nothing to "
                        "tell apart. Take images of more subjects.")  # fmt: skip
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(evidence, present)


def least_probability(dice):
    """From which probability of a nerve a mask is worth more than an empty one, in a mean of Dice coefficients.

    Where the mask stays, the image is expected to score p times `dice`; emptied, it scores 1 - p. They are equal at
    1 / (1 + dice).

    Parameters
    ----------
    dice : float
        What a mask scores where there is a nerve, 0 to 1.

    Raises
    ------
    DataError
        It is not from 0 to 1.

    Examples
    --------
    >>> least_probability(1.0), least_probability(0.25)
    (0.5, 0.8)
    """
    if not 0 <= dice <= 1:
        raise DataError(f"dice={dice}: expected what a mask scores where there is a nerve, from 0 to 1. A mean of no images is "
                        "NaN: take more of them.")  # fmt: skip
    return 1 / (1 + dice)


def emptied(masks, probability, least):
    """A copy of the masks, empty where the probability of a nerve is below `least`.

    Parameters
    ----------
    masks : ndarray of bool, shape (N, H, W)
    probability : ndarray, shape (N,)
    least : float

    Raises
    ------
    DataError
        The masks are not boolean or not (N, H, W), or there is not one probability for each, or NaN.

    Examples
    --------
    >>> emptied(np.ones((2, 1, 2), bool), np.array([0.4, 0.6]), 0.5).tolist()
    [[[False, False]], [[True, True]]]
    """
    masks = check_masks("masks", masks)
    if np.shape(probability) != (len(masks),) or np.isnan(probability).any():
        raise DataError(f"probability has the shape {np.shape(probability)} and {np.isnan(probability).sum()} NaN for "
                        f"{len(masks)} masks; expected ({len(masks)},), each a number.")  # fmt: skip
    return masks & (np.asarray(probability) >= least)[:, None, None]
