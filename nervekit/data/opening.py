"""The files of a set, where `nervekit.data.load` finds them: on this machine, or simulated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from nervekit.data import catalog, files, simulated
from nervekit.errors import ConfigurationError, DataError, is_whole


@dataclass(frozen=True)
class OpenSet:
    """A set that lies open.

    Parameters
    ----------
    source : {"real", "phantom"}
        Public files, or simulated ones.
    path : pathlib.Path or None
        The folder or archive; None for files that were simulated for this call.
    files : nervekit.data.files.Source
        What it holds; ``files.read(name)`` gives the bytes of a file, checked where the manifest lists it.
    manifest : nervekit.data.files.Manifest or None
        What is known beforehand about the files: `files` holds all that it lists, and compares them as they are read. It
        lists the femoral and the median set whole, patient 17 alone of the CT set. None for the brachial set, whose rules
        forbid a list, and for simulated files.
    """

    source: str
    path: Path | None
    files: files.Source
    manifest: files.Manifest | None = None


@contextmanager
def open_files(
    key: str,
    source: str = "auto",
    root: str | Path | None = None,
    *,
    subjects: int | None = None,
    seed: int = 0,
    progress: bool = False,
) -> Iterator[OpenSet]:
    """Open the files of a set for the time of a ``with`` block, to look at single ones.

    Parameters are those of `nervekit.data.load`, and so are the errors.

    Yields
    ------
    OpenSet

    Examples
    --------
    >>> with open_files("median", "phantom", subjects=1) as opened:
    ...     opened.source, min(opened.files.sizes)
    ('phantom', 'Dataset/Images/Pz001-001.bmp')
    """
    known = catalog.entry(key)
    check_source(source, subjects)
    simulate = source == "phantom" and root is None
    place = None if simulate else catalog.find(key, root)
    if place is None and (source == "real" or root is not None):
        raise catalog.missing(key, root)
    if place is not None and source not in ("auto", place.source):
        kinds = {"real": "public images", "phantom": "simulated images (SIMULATED.json lies beside them)"}
        raise DataError(
            f"{place.path}: holds {kinds[place.source]}, but source={source!r} was asked for. Let root or "
            f"NERVEKIT_DATA name the right folder, or ask for source={place.source!r}."
        )
    folder = simulated.folder(key, subjects, seed, progress) if place is None else nullcontext(place.path)
    with folder as path, catalog.opened(key, path) as found:
        kind = "phantom" if place is None else place.source
        manifest = None
        if kind == "real" and known.manifest != "none":
            manifest = catalog.manifest(key, found)
            found = files.verified(found, manifest, whole=known.manifest == "whole")
        yield OpenSet(kind, place.path if place else None, found, manifest)


def check_source(source: str, subjects: int | None) -> None:
    """Raise ConfigurationError for a source that is none, or subjects that are no whole number of at least one."""
    if source not in ("auto", "real", "phantom"):
        raise ConfigurationError(f"source={source!r}: expected 'auto', 'real' or 'phantom'.")
    if subjects is not None and not is_whole(subjects, 1):
        raise ConfigurationError(f"subjects={subjects!r}: expected a whole number of at least 1.")
