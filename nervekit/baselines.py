"""Predictions that need no network: what a result must beat before it means anything."""

import numpy as np

from nervekit import metrics
from nervekit.data import similarity


def mean_mask(train_masks):
    """One mask for every image: where the region usually lies in the training set.

    The mean of the training masks is cut at the best of at most 25 levels, by the pooled IoU on the training set itself.

    Parameters
    ----------
    train_masks : ndarray of bool, shape (N, H, W)

    Returns
    -------
    ndarray of bool, shape (H, W)

    Examples
    --------
    >>> masks = np.zeros((3, 1, 4), bool)
    >>> masks[:, 0, 1:3] = True
    >>> mean_mask(masks).tolist()
    [[False, True, True, False]]
    """
    share = train_masks.mean(axis=0)
    levels = np.unique(share[share > 0])
    if not len(levels):
        return np.zeros(share.shape, bool)
    levels = levels[np.linspace(0, len(levels) - 1, min(len(levels), 25)).astype(int)]
    fits = [metrics.pooled_iou(train_masks, np.broadcast_to(share >= level, train_masks.shape)) for level in levels]
    return share >= levels[int(np.argmax(fits))]


def copy_nearest(images, train_images, train_masks):
    """Copy the mask of the most similar training image, moved by the one shift that aligns the two pictures.

    Parameters
    ----------
    images, train_images : ndarray of uint8, shape (N, H, W, C)
    train_masks : ndarray of bool, shape (N, H, W)

    Returns
    -------
    predictions : ndarray of bool, shape (N, H, W)
    correlation : ndarray, shape (N,)
        How similar the image copied from was, see ``splits.nearest``.
    """
    index, correlation, shift = similarity.nearest(images, train_images)
    return similarity.transfer(train_masks, index, shift), correlation
