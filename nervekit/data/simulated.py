"""The simulated stand-in of a set, made once and kept in the cache."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nervekit.data import cache
from nervekit.errors import DataError


@contextmanager
def folder(key: str, count: int | None = None, seed: int = 0, progress: bool = False) -> Iterator[Path]:
    """Give the folder of a simulated set; it is simulated first if the cache does not hold it.

    The folder appears in the cache complete or not at all. If the cache cannot be written, a warning says so and
    a temporary folder is used for the time of the ``with`` block.

    Raises
    ------
    nervekit.errors.DataError
        If there is no room for the set anywhere.
    """
    from nervekit import phantom

    count = phantom.SUBJECTS[key] if count is None else count
    options = {"subjects": count, "seed": seed, "progress": progress}
    path = cache.folder() / "phantom" / f"{key}-v{phantom.VERSION}-{count}-subjects-seed-{seed}"
    cache.sweep(path.parent, f".{key}-*")
    try:
        path = phantom.export(key, path, **options)
    except (DataError, OSError) as error:
        warnings.warn(
            f"{path}: the simulated set could not be cached, and is made again each time ({error}). Free some "
            "space, or let NERVEKIT_CACHE name another folder.",
            stacklevel=4,
        )
    else:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="nervekit-") as temporary:
        yield phantom.export(key, Path(temporary) / key, **options)
