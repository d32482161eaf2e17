"""Where a set lies on this machine: looking into folders and archives for the files that mark it."""

from __future__ import annotations

import fnmatch
import itertools
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from nervekit.data import files
from nervekit.data.entries import ENTRIES, Entry
from nervekit.errors import DataError


@dataclass(frozen=True)
class Place:
    """Where a set lies (a folder or an archive), and whether it is ``"real"`` or a ``"phantom"``."""

    path: Path
    source: str


def search(known: Entry, path: Path, what: str) -> Place | None:
    """Find a set in a folder or archive that was named as `what`; DataError if that is not there or of no use."""
    try:
        there, alone = path.exists(), path.is_file()
        inside = sorted(path.iterdir()) if there and not alone else []
        folders = [item for item in (path, *inside) if item.is_dir()]
    except OSError as error:
        raise DataError(
            f"{what}={path}: {error.filename or path} cannot be read ({error.strerror or error}). Ask for the right to "
            "read it, or name another."
        ) from error
    if not there:
        raise DataError(
            f"{what}={path}: there is no such file or folder. It should name the archive of a set, its unpacked "
            "folder, or a folder that holds one of them; correct it, or unset it."
        )
    if alone:
        if not holds(path, known.markers):
            raise DataError(
                f"{what}={path}: this file is not a zip archive of the set {known.key!r}. Correct it."
            )
        return _place(known, path)
    if not inside:
        raise DataError(
            f"{what}={path}: this folder is empty. Put the archive of {known.key!r} there, or unset it."
        )
    archives = [item for item in inside if _matches(item.name.lower(), known.archives)]
    places = [_place(known, item) for item in (*folders, *archives) if holds(item, known.markers)]
    return min(places, key=lambda place: place.source != "real", default=None)


def of_another(known: Entry, path: Path) -> bool:
    """Whether an archive is that of another set."""
    others = [other.markers for other in ENTRIES.values() if other != known]
    return os.path.isfile(path) and not holds(path, known.markers) and any(holds(path, markers) for markers in others)


def _place(known: Entry, path: Path) -> Place:
    simulated = files.is_simulated(path, _held(path, known.markers)) or holds(path, (files.MARKER,))
    return Place(path, "phantom" if simulated else "real")


def _held(folder: Path, markers: tuple[str, ...]) -> Iterator[str]:
    for item in itertools.chain.from_iterable(map(folder.glob, markers)):
        if not files.is_litter(item.relative_to(folder)):
            yield str(item.relative_to(folder))


def holds(path: Path, markers: tuple[str, ...]) -> bool:
    """Whether a folder or archive holds a file that marks a set."""
    if os.path.isdir(path):
        return next(_held(path, markers), None) is not None
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.replace("\\", "/") for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError):
        return False
    names = [name for name in names if name.strip("./") and not files.is_litter(PurePosixPath(name))]
    return any(_matches(f"/{name}", [f"*/{marker}*" for marker in markers]) for name in names)


def _matches(name: str, patterns) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
