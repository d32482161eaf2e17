"""Data: the public sets, their simulated stand-ins, and images of your own, all in one shape.

`load` gives a `SegmentationDataset`, `open_files` the files it is made of. Readers are `femoral`, `median`, `brachial`,
`ircadb`, `folder` and `labelme`; `catalog` says what there is and fetches it; `splits` holds published splits, folds and
leak checks.
"""

from __future__ import annotations

import hashlib
import warnings
from importlib import import_module
from pathlib import Path

from nervekit.data.dataset import KINDS, SegmentationDataset
from nervekit.data.opening import check_source, open_files
from nervekit.errors import ConfigurationError

__all__ = ["SegmentationDataset", "load", "open_files"]
READER_VERSION = 2


def load(
    key: str,
    source: str = "auto",
    size: tuple[int, int] | None = (256, 256),
    root: str | Path | None = None,
    *,
    channels: int = 1,
    subjects: int | None = None,
    seed: int = 0,
    progress: bool = False,
    **options,
) -> SegmentationDataset:
    """Load a set: every file checked, every image resized, the arrays kept on disk for next time.

    Images are made grey and resized with an antialiased bilinear filter; masks stay binary (nearest pixel).
    Real files of the femoral and the median set, and of patient 17 of the CT set, are compared with their SHA-256 at each
    call, also when the arrays come from the cache; of the others none is known. Arrays of files that changed are made
    anew. Nothing is ever downloaded: see `nervekit.data.catalog.fetch`.

    Parameters
    ----------
    key : str
        Which set; `nervekit.data.catalog.ENTRIES` lists them.
    source : {"auto", "real", "phantom"}
        ``real`` reads the public set, ``phantom`` makes the simulated stand-in (once, in the cache), ``auto``
        takes the real set if it is on this machine, else the simulated one, and prints which it took.
    size : (height, width) or None
        In pixels; None keeps native sizes, and ``images`` and ``masks`` are lists.
    root : path, optional
        Archive, unpacked folder, or a folder with either. Default: ``NERVEKIT_DATA``, then the cache.
    channels : {1, 3}
        Grey, or RGB.
    subjects, seed : int, optional
        For the simulated set alone: how many subjects, which random seed.
    progress : bool
        Show a progress bar.
    **options
        What this set's reader takes besides: ``organs``, ``window`` and ``patients`` of `nervekit.data.ircadb.read`.

    Returns
    -------
    SegmentationDataset

    Raises
    ------
    nervekit.errors.ConfigurationError
        Unknown key, source, size, channels or option.
    nervekit.errors.MissingDataError
        The real set was asked for and is not here.
    nervekit.errors.DataError
        A file is missing, changed, damaged, or does not fit; or simulated files were given for real ones.
    """
    from nervekit.data import cache, catalog, files, pictures

    known = catalog.entry(key)
    check_source(source, subjects)
    pictures.check_shape(size, channels)
    reader = import_module(f"nervekit.data.{key}")
    _check_options(key, options, getattr(reader, "OPTIONS", ()))
    with open_files(key, source, root, subjects=subjects, seed=seed, progress=progress) as opened:
        kind = opened.source
        found = opened.files
        whole = known.manifest == "whole" and kind == "real"
        uses = getattr(reader, "uses", lambda member, **_: True)
        used = [member for member in found.sizes if uses(member, **options)]
        stamp = opened.manifest.fingerprint if whole else files.fingerprint(found, used)
        name = _cache_name(key, kind, stamp, size, channels, options)
        arrays = None if size is None else cache.read(name)
        if arrays is None:
            arrays = reader.read(found, size, channels, progress, **options)
            if size is not None:
                cache.write(name, arrays)
        else:
            for member in used if whole else ():
                found.read(member)
            remark = getattr(reader, "remark", lambda source: "")
            if text := remark(found):  # the reader says it only where it reads
                warnings.warn(text, stacklevel=2)
        count = len(set(arrays["groups"].tolist()))
        provenance = {
            "data": KINDS[kind],
            "path": str(opened.path) if opened.path else f"simulated, {count} subjects, seed {seed}",
            "fingerprint": stamp,
            "group": known.group if kind == "real" else "subject",
            "groups": "inferred from the pictures" if known.group == "session" and kind == "real" else "known",
        } | options
    citation = known.citation if kind == "real" else f"Simulated by nervekit; not data of {known.title}."
    dataset = SegmentationDataset(key=key, source=kind, citation=citation, provenance=provenance, **arrays)
    if source == "auto":
        print(dataset.describe())
    return dataset


def _check_options(key: str, options: dict, known: tuple[str, ...]) -> None:
    for name, value in options.items():
        if name not in known:
            expected = ", ".join(known) or "none besides those of every set"
            raise ConfigurationError(f"{name}={value!r}: the set {key!r} has no such option; it has {expected}.")


def _cache_name(key: str, kind: str, stamp: str, size, channels: int, options: dict) -> str:
    shape = "native" if size is None else "{}x{}".format(*size)
    chosen = f"-{hashlib.sha256(repr(sorted(options.items())).encode()).hexdigest()[:8]}" if options else ""
    return f"{key}-{kind}-{stamp}-{shape}-{channels}{chosen}-v{READER_VERSION}"
