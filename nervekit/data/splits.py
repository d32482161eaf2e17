"""Which images may be compared: published splits, folds, sessions; and, from `leaks`, what leaks between parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nervekit.data.leaks import NEAR_DUPLICATE, Leakage, leakage
from nervekit.data.sessions import infer_sessions
from nervekit.data.similarity import nearest, transfer
from nervekit.errors import ConfigurationError, is_whole
from nervekit.groups import known_groups

__all__ = ["NEAR_DUPLICATE", "Leakage", "Split", "group_kfold", "group_shares", "infer_sessions", "kfold", "leakage"]
__all__ += ["nearest", "published", "thinned", "transfer"]


@dataclass(frozen=True)
class Split:
    """Positions of the training, development and test images."""

    train: np.ndarray
    development: np.ndarray
    test: np.ndarray


def published(dataset) -> Split:
    """Return the published split as positions in the order in which the set is loaded.

    Parameters
    ----------
    dataset : SegmentationDataset or {"femoral", "median", "brachial"}
        A loaded set, or a key: positions are then those in the whole public set, which need not be here.

    Raises
    ------
    nervekit.errors.ConfigurationError
        If the set has none: that of ``ircadb`` was not published.

    Examples
    --------
    >>> split = published("median")
    >>> len(split.train), len(split.development), len(split.test)
    (164, 38, 44)
    """
    named = isinstance(dataset, str)
    parts = _listed_parts(dataset) if named else dataset.parts
    if parts is None:
        key = dataset if named else dataset.key
        if key == "ircadb":
            raise ConfigurationError(
                "ircadb: has no published split: the paper names neither patients nor slices of its parts. Deal "
                "slices with nervekit.data.parts: by_patient, by_block, or by_slice, as the paper seems to have done."
            )
        raise ConfigurationError(f"{key}: has no published split. Use kfold or group_kfold.")
    return Split(*(np.flatnonzero(parts == part) for part in ("train", "development", "test")))


def _listed_parts(key: str) -> np.ndarray | None:
    from nervekit.data import brachial, catalog, femoral, files, median

    known = catalog.entry(key)
    if key == "brachial":
        return brachial.published_parts(known.images)
    if known.manifest != "whole":
        return None
    listed = files.Source(key, {name: 0 for name in files.read_manifest(key).entries}, None)
    if key == "femoral":
        return femoral.published_parts([part for _, part, _ in femoral.pair(listed)])
    if key == "median":
        return median.published_parts([median.group_of(name) for name in median.pair(listed)])
    return None


def kfold(n: int, n_splits: int = 10, random_state: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Deal `n` images into folds at random, blind to what they show.

    Parameters
    ----------
    n, n_splits : int
        Images, and folds.
    random_state : int
        Another deals otherwise.

    Returns
    -------
    list of (train, test)
        Positions; every image is tested once.

    Raises
    ------
    nervekit.errors.ConfigurationError
        Fewer than two folds, or more than images.

    Examples
    --------
    >>> [test.tolist() for _, test in kfold(4, 2, random_state=0)]
    [[2, 3], [0, 1]]
    """
    from sklearn.model_selection import KFold

    _check_folds(n_splits, n, "images")
    return list(KFold(n_splits, shuffle=True, random_state=random_state).split(np.zeros(n)))


def group_kfold(
    groups: Sequence[str] | np.ndarray, n_splits: int = 10, random_state: int = 0
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Deal whole groups into folds of about equally many images.

    The largest groups are dealt first, each to the fold with the fewest images; groups of one size, and folds
    that are level, are taken in an order drawn from `random_state`.

    Parameters
    ----------
    groups : (N,) array
        Group of each image.
    n_splits : int
        Folds.
    random_state : int
        Another deals otherwise.

    Returns
    -------
    list of (train, test)
        Positions; every image is tested once, and no group is on both sides.

    Raises
    ------
    nervekit.errors.ConfigurationError
        Fewer than two folds, or more than groups.
    nervekit.errors.DataError
        A group is blank, None or NaN.

    Examples
    --------
    >>> sorted(test.tolist() for _, test in group_kfold(["a", "b", "a", "c"], 2))
    [[0, 2], [1, 3]]
    """
    names, member = np.unique(known_groups(groups), return_inverse=True)
    _check_folds(n_splits, len(names), "groups")
    random = np.random.default_rng(random_state)
    sizes = np.bincount(member)
    order = random.permutation(len(names))
    folds = random.permutation(n_splits)
    load = np.zeros(n_splits, int)
    fold_of = np.zeros(len(names), int)
    for group in order[np.argsort(-sizes[order], kind="stable")]:
        fold = folds[np.argmin(load[folds])]
        fold_of[group] = fold
        load[fold] += sizes[group]
    fold = fold_of[member]
    return [(np.flatnonzero(fold != number), np.flatnonzero(fold == number)) for number in range(n_splits)]


def group_shares(
    groups: Sequence[str] | np.ndarray, shares: Sequence[float], random_state: int = 0
) -> list[np.ndarray]:
    """Take shares of the images by whole groups, each within the next larger: what if there were less data?

    Parameters
    ----------
    groups : (N,) array
        Group of each image.
    shares : sequence of float
        Above 0 and at most 1. Of each the fewest groups, in an order drawn from `random_state`, that make so large a share.

    Returns
    -------
    list of array
        Positions, one array a share.

    Raises
    ------
    nervekit.errors.ConfigurationError
        If a share is not above 0 and at most 1.
    nervekit.errors.DataError
        A group is blank, None or NaN.

    Examples
    --------
    >>> [part.tolist() for part in group_shares(["a", "a", "b", "b"], [0.25, 1.0])]
    [[0, 1], [0, 1, 2, 3]]
    """
    for share in shares:
        if not 0 < share <= 1:
            raise ConfigurationError(f"group_shares: a share of {share} was asked for; it has to be above 0 and at most 1. "
                                     "Write 0.1 for a tenth.")  # fmt: skip
    names, member = np.unique(known_groups(groups), return_inverse=True)
    order = np.random.default_rng(random_state).permutation(len(names))
    reached = np.bincount(member)[order].cumsum()
    needed = [np.searchsorted(reached, share * len(member) - 1e-9) + 1 for share in shares]
    return [np.flatnonzero(np.isin(member, order[:count])) for count in needed]


def thinned(dataset, most):
    """At most so many images of each group, evenly spaced.

    Parameters
    ----------
    dataset : SegmentationDataset
    most : int or "all"
        Images kept of each group, 1 or more.

    Returns
    -------
    SegmentationDataset
        In the order of `dataset`.

    Raises
    ------
    nervekit.errors.ConfigurationError
        `most` is no such number.
    nervekit.errors.DataError
        A group is blank, None or NaN.

    Examples
    --------
    >>> from nervekit.data import SegmentationDataset
    >>> images, names = np.zeros((5, 8, 8, 1), np.uint8), np.array(list("abcde"))
    >>> dataset = SegmentationDataset("own", images, images[..., 0] > 0, names, np.array(["p"] * 4 + ["q"]))
    >>> thinned(dataset, 2).ids.tolist()
    ['a', 'd', 'e']
    """
    if most == "all":
        return dataset
    if not is_whole(most, 1):
        raise ConfigurationError(f"most={most!r}: expected a whole number of images, 1 or more, or 'all'.")
    groups = known_groups(dataset.groups)
    members = [np.flatnonzero(groups == group) for group in dict.fromkeys(groups.tolist())]
    spaced = [index[np.unique(np.linspace(0, len(index) - 1, min(most, len(index))).astype(int))] for index in members]
    return dataset.subset(np.sort(np.concatenate(spaced)))


def _check_folds(n_splits: int, count: int, what: str) -> None:
    if not 2 <= n_splits <= count:
        raise ConfigurationError(f"n_splits={n_splits}: expected 2 to {count}, the number of {what}.")
