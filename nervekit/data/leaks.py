"""What leaks between the parts of a split: shared groups and near-duplicates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nervekit.data.dataset import positions
from nervekit.data.similarity import nearest
from nervekit.errors import ConfigurationError

NEAR_DUPLICATE = 0.6


@dataclass(frozen=True)
class Leakage:
    """What training and test images share; all images are given by their positions.

    Parameters
    ----------
    shared_groups : tuple of str
        Groups with images on both sides.
    shared_images : (K,) int array
        Test images whose group is also in training.
    pairs, correlations : (P, 2) int and (P,) float arrays
        Near-duplicates (test image, its nearest training image), the most alike first.
    nearest, nearest_correlation : (T,) arrays
        Nearest training image of *every* test image.
    threshold : float
        Correlation from which a pair counts as a near-duplicate.
    """

    shared_groups: tuple[str, ...]
    shared_images: np.ndarray
    pairs: np.ndarray
    correlations: np.ndarray
    nearest: np.ndarray
    nearest_correlation: np.ndarray
    threshold: float

    @property
    def leaks(self) -> bool:
        """True if a group or a near-duplicate is on both sides."""
        return bool(len(self.shared_groups) or len(self.pairs))

    def describe(self) -> str:
        """Say it in one line."""
        return (
            f"{len(self.shared_images)} of {len(self.nearest)} test images share one of {len(self.shared_groups)} "
            f"groups with training; {len(self.pairs)} have a near-duplicate there (correlation {self.threshold:g} or more)"
        )


def leakage(dataset, train: np.ndarray, test: np.ndarray, threshold: float = NEAR_DUPLICATE) -> Leakage:
    """Report what a split shares: groups on both sides, and test images with a near-duplicate in training.

    Parameters
    ----------
    dataset : SegmentationDataset
        Its images and groups are used.
    train, test : int arrays, or boolean arrays of one value an image
        Positions.
    threshold : float
        Correlation (see `nearest`) from which two images count as near-duplicates.

    Raises
    ------
    nervekit.errors.ConfigurationError
        If a side is empty, or holds something else than positions.
    """
    train, test = (positions(*side, len(dataset)) for side in (("train", train), ("test", test)))
    for name, side in (("train", train), ("test", test)):
        if not side.size:
            raise ConfigurationError(f"{name}: is empty; expected positions of images. Compare parts that hold images.")
    shared = sorted(set(dataset.groups[train].tolist()) & set(dataset.groups[test].tolist()))
    index, correlation, _ = nearest([dataset.images[i] for i in test], [dataset.images[i] for i in train])
    order = np.argsort(-correlation, kind="stable")
    order = order[correlation[order] >= threshold]
    return Leakage(
        shared_groups=tuple(shared),
        shared_images=test[np.isin(dataset.groups[test], shared)],
        pairs=np.stack([test[order], train[index[order]]], axis=1),
        correlations=correlation[order],
        nearest=train[index],
        nearest_correlation=correlation,
        threshold=threshold,
    )
