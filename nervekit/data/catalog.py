"""What sets there are, whose they are, where they lie on this machine, and how to get them."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path

from nervekit.data import cache, files
from nervekit.data.entries import ENTRIES, Entry
from nervekit.data.places import Place, holds, of_another, search
from nervekit.errors import ConfigurationError, MissingDataError, command


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
        If `root` or ``NERVEKIT_DATA`` does not exist, may not be read, is empty, or is a file that is not an archive of
        the set.
    """
    known = entry(key)
    named = os.environ.get("NERVEKIT_DATA", "").strip()
    if root is not None:
        return search(known, files.expanded(root, "root"), "root")
    place = None
    folder = files.expanded(named, "NERVEKIT_DATA")
    if named and not of_another(known, folder):
        place = search(known, folder, "NERVEKIT_DATA")
    if (place is None or place.source == "phantom") and holds(_stored(known), known.markers):
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
    here = os.path.isdir(folder) and not force and holds(folder, known.markers)
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
    """Return what is known beforehand of the images and masks of this copy: of part of a set, that of the parts it holds."""
    known = entry(key)
    if known.manifest == "none":
        return files.Manifest(key, {})
    whole_set = files.read_manifest(key).select(*known.suffixes)
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
        f"with `{command(f'nervekit fetch {key}')}` ({known.megabytes} MB), or download {known.by_hand or known.address} "
        f'and let NERVEKIT_DATA name that file or its folder. Simulated images need nothing: load({key!r}, source="phantom").'
    )


def overview() -> list[dict[str, str]]:
    """Return one row a set for ``nervekit data``.

    Returns
    -------
    list of dict
        With ``key``, ``title``, ``images``, ``licence``, ``state`` (``"simulated"``, ``"not here"``, or ``"real"``
        and the command that looks through it: of a set that is found here, files may be missing), ``path`` (where it
        is, or the command that fetches it), and ``address``.
    """
    rows = []
    for key, known in ENTRIES.items():
        place = find(key)
        states = {"real": f"real, not looked through (nervekit data check {key})", "phantom": "simulated"}
        state = "not here" if place is None else states[place.source]
        row = {"key": key, "title": known.title, "images": str(known.images), "licence": known.licence}
        path = f"nervekit fetch {key}" if place is None else str(place.path)
        rows.append(row | {"state": state, "path": path, "address": known.by_hand or known.address})
    return rows


def _stored(known: Entry) -> Path:
    return cache.folder() / "sets" / known.name
