"""Scanning sessions where no patient is recorded, inferred from how alike the pictures are."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from nervekit.data.similarity import GRID, correlate, thumbnails
from nervekit.errors import ConfigurationError

SESSION_REACH = 5
SESSION_NEIGHBOUR = 0.5
SESSION_ANYWHERE = 0.6


def infer_sessions(images, ids: Sequence[str] | np.ndarray) -> np.ndarray:
    """Guess which images come from one scanning session, where no patient is recorded.

    Two images are linked if their correlation (as in `nearest`, on 32 x 32 thumbnails) is at least 0.5 and
    their ids are at most 5 apart, since exports are numbered in order; or if it is at least 0.6 whatever
    their ids. A session is everything that hangs together by links. It is a guess: two patients scanned alike
    may be joined, and one patient seen from two places may be two sessions.

    Parameters
    ----------
    images : (N, H, W, C) or (N, H, W) uint8 array, or list of arrays
        Any size.
    ids : (N,) array of str or int
        Numbers in the order of export.

    Returns
    -------
    (N,) str array
        Labels ``"session_001"`` and so on, in order of first appearance by id.

    Raises
    ------
    nervekit.errors.ConfigurationError
        If ids are not whole numbers, one an image.
    """
    from scipy.sparse.csgraph import connected_components

    words = [str(name) for name in np.atleast_1d(ids)]
    wrong = [word for word in words if not re.fullmatch("[0-9]{1,18}", word)]  # int() takes "1_2" too, for 12
    if wrong:
        raise ConfigurationError(
            f"ids: sessions are inferred along numbers, and {wrong[0]!r} is no whole number. Give groups yourself."
        )
    numbers = np.array([int(word) for word in words], np.int64)
    if len(numbers) != len(images):
        raise ConfigurationError(f"ids: {len(numbers)} ids for {len(images)} images; expected one each.")
    small = thumbnails(images, GRID)
    likeness, _ = correlate(small, small, GRID // 8)
    close = np.abs(numbers[:, np.newaxis] - numbers) <= SESSION_REACH
    linked = (close & (likeness >= SESSION_NEIGHBOUR)) | (likeness >= SESSION_ANYWHERE)
    _, component = connected_components(linked, directed=False)
    seen: dict[int, str] = {}
    for position in np.argsort(numbers, kind="stable"):
        seen.setdefault(component[position], f"session_{len(seen) + 1:03d}")
    return np.array([seen[value] for value in component])
