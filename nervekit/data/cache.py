"""Arrays that were made once, kept on disk; a cache that cannot be written costs time, never a result."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import uuid
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from nervekit.data import files

LEFT_BEHIND = 24 * 3600  # seconds after which a half-written file belongs to a process that was killed


def folder() -> Path:
    """Return the cache folder: ``NERVEKIT_CACHE``, or else the one of the platform. It need not exist yet."""
    named = os.environ.get("NERVEKIT_CACHE", "").strip()
    if named:
        return files.expanded(named, "NERVEKIT_CACHE").absolute()
    import pooch

    return Path(pooch.os_cache("nervekit"))


def sweep(place: Path, pattern: str = ".part-*") -> None:
    """Delete what killed processes left half-written in `place`: files and folders unchanged for a day.

    Younger ones may belong to a process that is still writing. Nothing reads them either way.
    """
    for path in place.glob(pattern) if os.path.isdir(place) else ():
        try:
            if time.time() - path.stat().st_mtime < LEFT_BEHIND:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
        except OSError:
            continue


def read(name: str) -> dict[str, np.ndarray] | None:
    """Return the arrays stored as `name`, or None if there are none or they cannot be read."""
    path = folder() / "arrays" / f"{name}.npz"
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
            shape = arrays.pop("masks_shape")
            packed = arrays["masks"]
            arrays["masks"] = np.unpackbits(packed, count=int(shape.prod())).astype(bool).reshape(shape)
            return arrays
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def write(name: str, arrays: Mapping[str, np.ndarray]) -> Path | None:
    """Store arrays as `name` in one step; masks are packed to one bit a pixel.

    Returns
    -------
    pathlib.Path or None
        None, with a warning, if the disk is full or the folder cannot be written: nothing is left there.
    """
    path = folder() / "arrays" / f"{name}.npz"
    temporary = path.with_name(f".part-{uuid.uuid4().hex}.npz")  # mkstemp would keep it from other users of the cache
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        with open(temporary, "xb") as stream:
            packed = {"masks": np.packbits(arrays["masks"]), "masks_shape": np.array(arrays["masks"].shape)}
            np.savez(stream, **(dict(arrays) | packed))
        os.replace(temporary, path)
    except OSError as error:
        warnings.warn(
            f"{path}: the resized images could not be cached ({error.strerror or error}). They were loaded all the "
            "same, and will be read again next time. Free some space, or let NERVEKIT_CACHE name another folder.",
            stacklevel=3,
        )
        return None
    finally:  # an interrupt leaves nothing either
        with contextlib.suppress(OSError):
            temporary.unlink()
    return path
