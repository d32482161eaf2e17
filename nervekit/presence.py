"""Whether an image shows a nerve at all: the filter of Belahsen & El Manouzi, and Kaggle's masks and score.

Three images in five of the brachial plexus set have an empty mask, and an empty prediction for one of these counts as
a perfect one. What is predicted where nothing is therefore weighs more than a sharper outline.
"""

import numpy as np

from nervekit import metrics
from nervekit.data import brachial, open_files, pictures
from nervekit.errors import DataError
from nervekit.evaluation import with_interval
from nervekit.intervals import mean_of

SMALLEST = 10  # pixels; masks below become empty
FULL_AREA = 10_000  # pixels from which the area counts in full
AREA_WEIGHT = 5 / 3


def full_size(outputs, size=brachial.NATIVE, threshold=0.5):
    """Masks at the size of the files: outputs are enlarged linearly, then compared with a threshold.

    Parameters
    ----------
    outputs : ndarray of float, shape (N, H, W)
    size : (height, width)
        In pixels.
    threshold : float

    Returns
    -------
    ndarray of bool, shape (N, *size)

    Raises
    ------
    DataError
        The outputs are not (N, H, W).

    References
    ----------
    Code of Belahsen & El Manouzi, submission: what ``skimage.transform.resize`` does with its defaults.

    Examples
    --------
    >>> full_size(np.array([[[0.0, 1.0]]]), size=(1, 4)).tolist()
    [[[False, False, True, True]]]
    """
    if np.ndim(outputs) != 3:
        raise DataError(f"outputs have the shape {np.shape(outputs)}; expected (images, height, width). Drop a channel axis "
                        "with [..., 0], add an image axis with [None].")  # fmt: skip
    rows, columns = (_linear(*pair) for pair in zip(np.shape(outputs)[1:], size, strict=True))
    masks = np.empty((len(outputs), *size), bool)
    for place, output in enumerate(outputs):
        masks[place] = rows @ output.astype("float32") @ columns.T > threshold
    return masks


def _linear(small, large):
    """Weights (large, small) of linear interpolation between pixel centres, mirrored about the outermost centres."""
    place = np.abs((np.arange(large) + 0.5) * small / large - 0.5)
    place = (small - 1) - np.abs((small - 1) - place)
    if small == 1:  # mirrored about itself it has no neighbour
        return np.ones((large, 1), "float32")
    return np.clip(1 - np.abs(place[:, None] - np.arange(small)), 0, None).astype("float32")


def probability(head, area):
    """Their probability that there is a nerve: the mean of the presence head and of a term of the predicted area.

    Parameters
    ----------
    head : ndarray, shape (N,)
        Output of the presence head, 0 to 1.
    area : ndarray, shape (N,)
        Predicted pixels at 420 x 580.

    Returns
    -------
    ndarray of float, shape (N,)
        From 0 to 4/3: it is no probability for large areas. With 6,000 pixels or more it is never below a half,
        whatever the head says.

    References
    ----------
    Code of Belahsen & El Manouzi, submission, as in Tyantov's of 2016 (ultrasound-nerve-segmentation, submission.py); the
    paper's text (section IV.D) only names a threshold of 0.5 on the
    probability of nerve presence.

    Examples
    --------
    >>> probability(np.array([0.0, 0.0, 0.9]), np.array([6000, 3000, 1200])).round(2).tolist()
    [0.5, 0.25, 0.55]
    """
    return 0.5 * (np.asarray(head, float) + AREA_WEIGHT * np.minimum(1, np.asarray(area) / FULL_AREA))


def filtered(masks, head=None, least=SMALLEST):
    """Masks as they are submitted: emptied where their probability is below a half or hardly a pixel is left.

    Parameters
    ----------
    masks : ndarray of bool, shape (N, 420, 580)
        From :func:`full_size`, of any network.
    head : ndarray, shape (N,), optional
        Output of the two-headed network's presence head for the same images. Without it nothing but specks goes.
    least : int
        A mask of fewer pixels becomes empty.

    Returns
    -------
    ndarray of bool, shape (N, 420, 580)
        A copy.

    Raises
    ------
    DataError
        The masks are not boolean or not (N, H, W), or one value a mask is not given, or NaN; or there is a head, whose rule
        counts pixels of the files, and the masks have another size.

    Examples
    --------
    >>> masks = np.zeros((3, 420, 580), bool)
    >>> masks[0, 0, :9] = masks[1, :20, :50] = masks[2, :100, :80] = True  # 9, 1,000 and 8,000 pixels
    >>> filtered(masks).sum(axis=(1, 2)).tolist()
    [0, 1000, 8000]
    >>> filtered(masks, head=np.zeros(3)).sum(axis=(1, 2)).tolist()
    [0, 0, 8000]
    """
    masks = metrics.check_masks("masks", masks)
    area = np.count_nonzero(masks, axis=(1, 2))
    keep = area >= least
    if head is not None:
        if np.shape(head) != (len(masks),) or np.isnan(head).any():
            raise DataError(f"head has the shape {np.shape(head)} and {np.isnan(head).sum()} NaN for {len(masks)} masks; "
                            f"expected ({len(masks)},), each a number.")  # fmt: skip
        if masks.shape[1:] != brachial.NATIVE:
            raise DataError(f"masks have the shape {masks.shape}; expected {(len(masks), *brachial.NATIVE)}, whose pixels "
                            "the rule of the area counts. Enlarge the outputs with full_size first.")  # fmt: skip
        keep &= ~((area > 0) & (probability(head, area) < 0.5))
    return masks & keep[:, None, None]


def kaggle_score(masks, predictions, groups):
    """The competition's score: mean Dice of the images, where two empty masks score 1.

    Parameters
    ----------
    masks, predictions : ndarray of bool, shape (N, H, W)
    groups : ndarray, shape (N,)
        Subject of each image; the 95 % interval resamples these.

    Returns
    -------
    dict
        ``value``, ``low``, ``high`` and ``n``.

    Raises
    ------
    DataError
        The masks are not as `metrics.counts` takes them, or there is not one known group for each.

    Examples
    --------
    >>> nothing, nerve = np.zeros((1, 4, 4), bool), np.ones((1, 4, 4), bool)
    >>> kaggle_score(np.concatenate([nothing, nerve]), np.concatenate([nothing, nothing]), ["a", "b"])["value"]
    0.5
    """
    return with_interval(mean_of(metrics.dice(masks, predictions)), groups)


def read_masks(ids, source="auto", subjects=None, *, seed=0, root=None):
    """Masks of some images at the size of their files.

    Parameters
    ----------
    ids : sequence of str
        Such as ``"1_2"``, image 2 of subject 1.
    source, subjects, seed, root
        As they were given to `nervekit.data.load`.

    Returns
    -------
    ndarray of bool, shape (N, 420, 580)

    Raises
    ------
    DataError
        An image is not in the set, or its mask cannot be read.
    """
    masks = np.empty((len(ids), *brachial.NATIVE), bool)
    with open_files("brachial", source, root, subjects=subjects, seed=seed) as opened:
        names = brachial.pair(opened.files)
        for place, one in enumerate(ids):
            if one not in names:
                raise DataError(f"{opened.files.path}: has no image {one}. Take ids of the set that was loaded.")
            name = names[one][1]
            masks[place] = np.asarray(pictures.read_mask(opened.files.read(name), f"{opened.files.path}: {name}"))
    return masks
