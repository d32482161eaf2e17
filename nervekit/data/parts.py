"""Ways to deal the slices of volumes into training, development and test: by patient, by block, and by slice."""

from __future__ import annotations

import numpy as np

from nervekit.errors import ConfigurationError

BLOCKS = ("train", "train", "test", "train", "development", "train", "test", "train", "train")


def by_patient(
    groups: np.ndarray, *, test: float = 0.25, development: float = 0.1, random_state: int = 0
) -> np.ndarray:
    """Deal whole patients at random.

    Parameters
    ----------
    groups : (N,) array
        Patient of each slice.
    test, development : float
        Shares of the patients; each part gets at least one.
    random_state : int

    Returns
    -------
    (N,) str array
        ``"train"``, ``"development"`` or ``"test"``.

    Raises
    ------
    nervekit.errors.ConfigurationError
        If no patient is left for training.

    Examples
    --------
    >>> groups = np.repeat(["a", "b", "c", "d"], 2)
    >>> dealt = by_patient(groups)
    >>> sorted(dealt[::2].tolist()), bool((dealt[::2] == dealt[1::2]).all())
    (['development', 'test', 'train', 'train'], True)
    """
    patients = np.unique(groups)
    first = max(1, int(np.ceil(test * len(patients) - 1e-9)))  # 0.07 * 100 is a little more than 7
    second = max(1, round(development * len(patients)))
    if first + second >= len(patients):
        raise ConfigurationError(
            f"by_patient: {len(patients)} patients, {first} of them for the test and {second} for development, leave "
            "none for training. Load more patients, or deal the slices of one with by_block."
        )
    order = np.random.default_rng(random_state).permutation(patients)
    part = np.full(len(groups), "train", "<U11")
    part[np.isin(groups, order[:first])] = "test"
    part[np.isin(groups, order[first : first + second])] = "development"
    return part


def by_block(groups: np.ndarray, *, gap: int = 3) -> np.ndarray:
    """Deal the slices of each patient in nine blocks of neighbours, with slices left out where parts meet.

    The third and the seventh block are the test, the fifth is for development. It is the least dependent test that a
    single patient allows, and says nothing about another patient.

    Parameters
    ----------
    groups : (N,) array
        Patient of each slice; slices of a patient are in their order.
    gap : int
        Training slices left out on either side of another part.

    Returns
    -------
    (N,) str array
        ``"train"``, ``"development"``, ``"test"``, or ``"gap"`` for what is left out.

    Raises
    ------
    nervekit.errors.ConfigurationError
        If a block would be no longer than two gaps, or the gap is negative.

    Examples
    --------
    >>> dealt = by_block(np.repeat("17", 27), gap=1)
    >>> "".join(name[0] for name in dealt.tolist())
    'tttttgtttgtgdddgtgtttgttttt'
    """
    part = np.full(len(groups), "train", "<U11")
    for patient in np.unique(groups):
        places = np.flatnonzero(groups == patient)
        blocks = np.array_split(places, len(BLOCKS))
        if gap < 0 or len(blocks[-1]) <= 2 * gap:
            raise ConfigurationError(
                f"by_block: patient {patient} has {len(places)} slices, so that a block has {len(blocks[-1])}; expected "
                f"more than twice the gap of {gap}. Choose a smaller gap, of 0 or more."
            )
        for name, block in zip(BLOCKS, blocks, strict=True):
            part[block] = name
        held_out = np.isin(part[places], ("test", "development"))
        near = np.convolve(held_out, np.ones(2 * gap + 1), "same") > 0
        part[places[near & ~held_out]] = "gap"
    return part


def by_slice(count: int, *, test: float = 0.1, development: float = 0.1, random_state: int = 0) -> np.ndarray:
    """Deal single slices at random, wherever they come from: neighbours end up on both sides.

    Parameters
    ----------
    count : int
        Slices.
    test, development : float
        Shares of the slices, above 0 and below 1.
    random_state : int

    Returns
    -------
    (count,) str array
        ``"train"``, ``"development"`` or ``"test"``.

    Raises
    ------
    nervekit.errors.ConfigurationError
        If a share is not above 0 and below 1, or a part would be empty.

    Examples
    --------
    >>> names, counts = np.unique(by_slice(2028), return_counts=True)
    >>> dict(zip(names.tolist(), counts.tolist()))
    {'development': 203, 'test': 203, 'train': 1622}
    """
    for share in (test, development):
        if not 0 < share < 1:
            raise ConfigurationError(f"by_slice: a share of {share} was asked for; it has to be above 0 and below 1. "
                                     "Write 0.1 for a tenth.")  # fmt: skip
    first, second = round(test * count), round(development * count)
    if min(first, second, count - first - second) < 1:
        raise ConfigurationError(
            f"by_slice: {count} slices, {first} of them for the test and {second} for development, leave a part empty. Load "
            "more slices, or choose other shares."
        )
    order = np.random.default_rng(random_state).permutation(count)
    part = np.full(count, "train", "<U11")
    part[order[:first]] = "test"
    part[order[first : first + second]] = "development"
    return part
