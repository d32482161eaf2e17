"""What sets there are, whose they are, where they lie on this machine, and how to get them."""

from __future__ import annotations

import fnmatch
import itertools
import os
import sys
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from nervekit.data import cache, files
from nervekit.data.entries import ENTRIES, Entry
from nervekit.errors import ConfigurationError, DataError, MissingDataError


@dataclass(frozen=True)
class Place:
    """Where a set lies (a folder or an archive), and whether it is ``"real"`` or a ``"phantom"``."""

    path: Path
    source: str


def entry(key: str) -> Entry:
    """Return what is known about a set.

    Raises
    ------
    nervekit.errors.ConfigurationError
        If there is no such key.

    Examples
    --------
    >>> entry("femoral").images
    562
    """
    if key not in ENTRIES:
        raise ConfigurationError(
            f"data key {key!r}: there is no such set. Expected one of {', '.join(ENTRIES)}."
        )
    return ENTRIES[key]


def find(key: str, root: str | Path | None = None) -> Place | None:
    """Find a set on this machine; nothing is downloaded or unpacked.

    `root` may be the archive, the unpacked folder, or a folder that holds either. Without it the folder
    named by the environment variable ``NERVEKIT_DATA`` is searched, then what `fetch` stored. Real data
    goes before simulated data, wherever it lies.

    Returns
    -------
    Place or None
        None if the set is nowhere.

    Raises
    ------
    nervekit.errors.DataError
        If `root` or ``NERVEKIT_DATA`` does not exist, is empty, or is a file that is not an archive of the set.
    """
    known = entry(key)
    named = os.environ.get("NERVEKIT_DATA", "").strip()
    if root is not None:
        return _search(known, Path(root).expanduser(), "root")
    place = None
    if named and not _of_another(known, Path(named).expanduser()):
        place = _search(known, Path(named).expanduser(), "NERVEKIT_DATA")
    if (place is None or place.source == "phantom") and _holds(_stored(known), known.markers):
        place = Place(_stored(known), "real")
    return place


def fetch(key: str, force: bool = False, progress: bool = True) -> Path:
    """Download a public set once, check every file, and keep it in the cache.

    Files with a manifest are compared with their SHA-256; slices and masks of the CT set are decoded, and so are
    Kaggle's pictures, whose masks are compared with the table.

    Licence and citation are printed first and stored beside the data. If the set is there already and whole,
    nothing is downloaded; of the median set only the files, of the CT set only the patients, that are missing or damaged.

    Parameters
    ----------
    key : str
        Key of the set.
    force : bool
        Download again even if the set is there.
    progress : bool
        Show a progress bar.

    Returns
    -------
    pathlib.Path
        The folder of the set.

    Raises
    ------
    nervekit.errors.MissingDataError
        If the address cannot be reached; the text says where to put a copy downloaded by hand.
    nervekit.errors.DataError
        If the archive is damaged, unsafe, or not the set of the manifest; nothing of it is kept. Also if another
        process fetches the same set.
    """
    from nervekit.data import fetching

    known = entry(key)
    folder = _stored(known)
    print(f"{known.title}: {known.images} images, {known.megabytes} MB\nLicence: {known.licence}")
    print(f"Please cite: {known.citation}")
    here = folder.is_dir() and not force and _holds(folder, known.markers)
    here = here and fetching.complete(known, folder, progress)
    if here and whole(verify(key, folder)):
        again = {"whole": ", every file checked", "part": ", every file decoded, listed ones checked", "none": ""}
        print(f"Already here{again[known.manifest]}: {folder}")
        return folder
    fetching.fetch(known, folder, progress, force)
    how = {"whole": "with its SHA-256", "part": "by decoding it, listed ones with their SHA-256", "none": "by decoding it"}
    print(f"Every file checked {how[known.manifest]} and stored in {folder}")
    return folder


def verify(key: str, root: str | Path | None = None) -> dict[str, list[str]]:
    """Compare a set on this machine with its manifest, file by file.

    Returns
    -------
    dict
        Paths under ``"missing"``, ``"changed"`` and ``"extra"``.

    Raises
    ------
    nervekit.errors.MissingDataError
        If the set is not on this machine.
    """
    place = find(key, root)
    if place is None:
        raise missing(key, root)
    with opened(key, place.path) as source:
        return files.differences(source, manifest(key, source))


def opened(key: str, path: str | Path) -> AbstractContextManager[files.Source]:
    """Open a copy of a set as a `Source`, whatever archives it is nested in; a context manager."""
    if key == "ircadb":
        from nervekit.data import nested

        return nested.open_patients(path)
    return files.open_source(path)


def manifest(key: str, source: files.Source) -> files.Manifest:
    """Return what is known beforehand about the files of this copy: of part of a set, that of the parts it holds."""
    known = entry(key)
    if known.manifest == "none":
        return files.Manifest(key, {})
    whole_set = files.read_manifest(key)
    if known.manifest == "whole":
        return whole_set
    present = {name.split("/")[0] for name in source.sizes}
    return files.Manifest(key, {k: v for k, v in whole_set.entries.items() if k.split("/")[0] in present})


def whole(found: dict[str, list[str]]) -> bool:
    """Say whether the outcome of `verify` is a complete set: extra files do no harm."""
    return not found["missing"] and not found["changed"]


def missing(key: str, root: str | Path | None = None) -> MissingDataError:
    """Make the error that says how to get a set."""
    known = entry(key)
    named = os.environ.get("NERVEKIT_DATA") or "NERVEKIT_DATA (not set)"
    where = f"in {root}" if root is not None else f"on this machine: neither in {named} nor in {_stored(known)}"
    return MissingDataError(
        f"The public set {key!r} is not {where}. Get it "
        f"with `{sys.executable} -m nervekit fetch {key}` ({known.megabytes} MB), or download {known.by_hand or known.address} and let NERVEKIT_DATA "
        f'name that file or its folder. Simulated images need nothing: load({key!r}, source="phantom").'
    )


def overview() -> list[dict[str, str]]:
    """Return one row a set for ``nervekit data``.

    Returns
    -------
    list of dict
        With ``key``, ``title``, ``images``, ``licence``, ``state`` (``"real"``, ``"simulated"`` or
        ``"not here"``), ``path`` (where it is, or the command that fetches it), and ``address``.
    """
    rows = []
    for key, known in ENTRIES.items():
        place = find(key)
        state = "not here" if place is None else {"real": "real", "phantom": "simulated"}[place.source]
        row = {"key": key, "title": known.title, "images": str(known.images), "licence": known.licence}
        path = f"nervekit fetch {key}" if place is None else str(place.path)
        rows.append(row | {"state": state, "path": path, "address": known.by_hand or known.address})
    return rows


def _stored(known: Entry) -> Path:
    return cache.folder() / "sets" / known.name


def _search(known: Entry, path: Path, what: str) -> Place | None:
    if not path.exists():
        raise DataError(
            f"{what}={path}: there is no such file or folder. It should name the archive of a set, its unpacked "
            "folder, or a folder that holds one of them; correct it, or unset it."
        )
    if path.is_file():
        if not _holds(path, known.markers):
            raise DataError(
                f"{what}={path}: this file is not a zip archive of the set {known.key!r}. Correct it."
            )
        return _place(known, path)
    try:
        inside = sorted(path.iterdir())
    except OSError as error:
        raise DataError(f"{what}={path}: this folder cannot be read ({error.strerror or error}). Ask for the right to read "
                        "it, or name another.") from error  # fmt: skip
    if not inside:
        raise DataError(
            f"{what}={path}: this folder is empty. Put the archive of {known.key!r} there, or unset it."
        )
    folders = [item for item in (path, *inside) if item.is_dir()]
    archives = [item for item in inside if _matches(item.name.lower(), known.archives)]
    places = [_place(known, item) for item in (*folders, *archives) if _holds(item, known.markers)]
    return min(places, key=lambda place: place.source != "real", default=None)


def _of_another(known: Entry, path: Path) -> bool:
    others = [other.markers for other in ENTRIES.values() if other != known]
    return path.is_file() and not _holds(path, known.markers) and any(_holds(path, markers) for markers in others)


def _place(known: Entry, path: Path) -> Place:
    simulated = files.is_simulated(path, _held(path, known.markers)) or _holds(path, (files.MARKER,))
    return Place(path, "phantom" if simulated else "real")


def _held(folder: Path, markers: tuple[str, ...]) -> Iterator[str]:
    for item in itertools.chain.from_iterable(map(folder.glob, markers)):
        if not files.is_litter(item.relative_to(folder)):
            yield str(item.relative_to(folder))


def _holds(path: Path, markers: tuple[str, ...]) -> bool:
    if path.is_dir():
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
