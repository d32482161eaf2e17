"""Look through a set on this machine, file by file: what is missing, changed, extra or unreadable."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np

from nervekit.data import brachial, catalog, dicom, femoral, fetching, files, pairs, pictures, rle, volumes
from nervekit.errors import DataError

KINDS = ("missing", "changed", "extra", "unreadable")
BESIDE = ("CITATION.txt", files.MARKER, "LICENSE", "README.md")
PICTURES = (".jpg", ".png", ".bmp", ".tif", ".tiff")


def check(key: str, root: str | Path | None = None, progress: bool = False) -> dict[str, list[str]]:
    """Compare a set with its manifest, and open every file that no manifest vouches for.

    Parameters
    ----------
    key : str
        Which set.
    root : path, optional
        As in `nervekit.data.load`.
    progress : bool
        Show a progress bar.

    Returns
    -------
    dict of str to list of str
        Under ``"missing"``, ``"changed"``, ``"extra"`` and ``"unreadable"``: paths, followed by what is wrong.

    Raises
    ------
    nervekit.errors.MissingDataError
        If the set is not on this machine.
    """
    place = catalog.find(key, root)
    if place is None:
        raise catalog.missing(key, root)
    known = catalog.entry(key)
    found: dict[str, list[str]] = {kind: [] for kind in KINDS}
    with catalog.opened(key, place.path) as source:
        real = place.source == "real"
        manifest = catalog.manifest(key, source) if real else files.Manifest(key, {})
        whole = real and known.manifest == "whole"
        found["missing"] += sorted(set(manifest.entries) - set(source.sizes))
        for name in pairs.bar(sorted(source.sizes), len(source.sizes), progress, "file"):
            _look_at(source, name, manifest, whole, found)
        try:
            FURTHER[key](source, real, found)
            if not real:
                _count(key, source, found)
        except DataError as error:
            found["unreadable"].append(str(error))
    return found


def _look_at(source: files.Source, name: str, manifest: files.Manifest, whole: bool, found: dict) -> None:
    try:
        content = source.read(name)
        if name in manifest.entries:
            problem = files.mismatch(content, *manifest.entries[name])
            if problem:
                found["changed"].append(f"{name}: {problem}")
        elif name in BESIDE:
            return
        elif whole:
            found["extra"].append(name)
        elif "_DICOM/" in name:
            dicom.read_header(content, name)
            dicom.read_pixels(content, name)
        elif name.lower().endswith(PICTURES):
            pictures.open_picture(content, name)
        elif not name.endswith(".csv"):
            found["extra"].append(name)
    except DataError as error:
        found["unreadable"].append(f"{name}: {error}")


def _femoral(source: files.Source, real: bool, found: dict) -> None:
    """Partners, where no manifest lists them."""
    for images, masks in femoral.FOLDERS.values() if not real else ():
        _partners(source, (f"{images}/", ".jpg"), (f"{masks}/", ".png"), found)


def _median(source: files.Source, real: bool, found: dict) -> None:
    """Partners, where no manifest lists them."""
    if not real:
        _partners(source, ("Dataset/Images/", ".bmp"), ("Dataset/Masks/", ".bmp"), found)


def _partners(source: files.Source, one: tuple[str, str], other: tuple[str, str], found: dict) -> None:
    for (place, ending), (beside, its_ending) in ((one, other), (other, one)):
        for name in source.sizes:
            if name.startswith(place) and name.endswith(ending):
                partner = beside + name.removeprefix(place).removesuffix(ending) + its_ending
                found["missing"] += [f"{partner}: the partner of {name}"] if partner not in source.sizes else []


def _count(key: str, source: files.Source, found: dict) -> None:
    """As many images as the note of a simulated set says: nothing else misses an image that is lost with its mask."""
    try:
        expected = json.loads(source.read(files.MARKER)).get("images") if files.MARKER in source.sizes else None
    except (ValueError, AttributeError):
        found["unreadable"].append(f"{files.MARKER}: is not the note of a simulated set")
        return
    if expected is None or found["missing"]:
        return
    if key == "ircadb":
        count = sum(volume.shape[0] for volume in volumes.find(source, organs=()))
    else:
        count = len(import_module(f"nervekit.data.{key}").pair(source))
    if count != expected:
        found["missing"].append(f"{files.MARKER}: says {expected} images, but {count} are here")


def _brachial(source: files.Source, real: bool, found: dict) -> None:
    """Partners, and the table beside the masks; of Kaggle's set, whether all of it is here."""
    names: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for path in source.sizes:
        if match := brachial.NAME.fullmatch(path):
            name = f"{int(match[1])}_{int(match[2])}"
            if names[bool(match[3])].setdefault(name, path) != path:
                found["extra"].append(f"{path}: the same as {names[bool(match[3])][name]}")
        elif path.startswith("train/"):
            found["extra"].append(path)
    images, masks = names
    listed = brachial.table(source)
    for name in sorted({*images, *masks, *listed}, key=lambda name: tuple(map(int, name.split("_")))):
        why = f": {brachial.TABLE} lists it" if name in listed and name not in {*images, *masks} else ""
        found["missing"] += [f"train/{name}.tif{why}"] if name not in images else []
        found["missing"] += [f"train/{name}_mask.tif{why}"] if name not in masks else []
        if listed and name not in listed:
            found["extra"].append(f"{images.get(name) or masks[name]}: {brachial.TABLE} does not list it")
        elif listed and name in masks:
            _compare(source, masks[name], listed[name], found)
    if real:
        known = catalog.entry("brachial")
        tests = sum(1 for path in source.sizes if brachial.TEST_NAME.fullmatch(path))
        for part, count, whole in (("train", len(images), known.images), ("test", tests, known.unlabelled)):
            found["missing"] += [f"{part}/: holds {count} of {whole} images"] if count != whole else []


def _compare(source: files.Source, path: str, code: str, found: dict) -> None:
    try:
        mask = np.asarray(pictures.read_mask(source.read(path), path))
        if rle.encode(mask) != code and not np.array_equal(rle.decode(code, mask.shape, brachial.TABLE), mask):
            found["changed"].append(f"{path}: is not the mask that {brachial.TABLE} gives")
    except DataError as error:
        if not any(line.startswith(f"{path}: ") for line in found["unreadable"]):
            found["unreadable"].append(f"{path}: {error}")


def _ircadb(source: files.Source, real: bool, found: dict) -> None:
    """Patients, and gaps in their slices."""
    here = volumes.organs(source)
    if real:
        found["missing"] += [f"3Dircadb1.{n}" for n in fetching.PATIENTS if str(n) not in here]
    for patient in here:
        try:
            volumes.find(source, [patient])
        except DataError as error:
            found["missing"].append(f"3Dircadb1.{patient}: {error}")


def report(found: dict[str, list[str]], write: Callable[[str], object] = print) -> bool:
    """Say what `check` found, a line a file; True if all is well (extra files do no harm)."""
    for kind in KINDS:
        for line in found[kind]:
            write(f"{kind}: {line}")
    counts = ", ".join(f"{len(found[kind])} {kind}" for kind in KINDS)
    well = not any(found[kind] for kind in KINDS if kind != "extra")
    write(f"{'All is well' if well else 'Something is wrong'}: {counts}.")
    return well


FURTHER = {"femoral": _femoral, "median": _median, "brachial": _brachial, "ircadb": _ircadb}
