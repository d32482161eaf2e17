"""Images of your own: a folder of images, a folder of masks, paired by name."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from nervekit.data import files, pictures, rle
from nervekit.data.dataset import KINDS, SegmentationDataset
from nervekit.errors import ConfigurationError, DataError

TABLE = "groups.csv"
USUAL = (".png", ".jpg", ".bmp", ".tif", ".gif", ".webp", ".pgm")


def read(
    path: str | Path,
    size: tuple[int, int] | None = (256, 256),
    *,
    images: str = "images",
    masks: str = "masks",
    channels: int = 1,
    group_pattern: str | None = None,
    key: str = "own",
) -> SegmentationDataset:
    """Read a folder (or its zip archive) with ``images/`` and ``masks/``; a pair shares its name but for the ending.

    Masks are binary: 0 and 1, 0 and 255, or palette indices 0 and 1 (a palette with the brighter colour at index 0 is
    refused, and so is a TIFF with white as 0). Both are turned as their EXIF data say. Images are resized with an
    antialiased bilinear filter, masks to the nearest pixel. A file ``SIMULATED.json`` in the folder, or up to two folders
    above it, says that they are simulated; so it does where the images or masks are links into such a folder.

    Parameters
    ----------
    path : path
        The folder or archive.
    size : (height, width) or None
        In pixels; None keeps native sizes and gives lists.
    images, masks : str
        Names of the two folders inside `path`.
    channels : {1, 3}
        Grey or RGB.
    group_pattern : str, optional
        Regular expression whose first group, searched in the name, is the patient: ``r"^(P\\d+)"``. Without it the
        column ``group`` of ``groups.csv`` (with the name, without its ending, in the column ``sample``) is taken where
        that file lies in the folder; else each image is its own group.
    key : str
        Name of the set.

    Returns
    -------
    SegmentationDataset
        Ordered by name, numbers by their value.

    Raises
    ------
    nervekit.errors.ConfigurationError
        If the size, the number of channels or the pattern is none.
    nervekit.errors.DataError
        If the folder is empty, pictures lie in subfolders, partners are missing or doubled, or a file cannot be read as what
        it should be.
    """
    pictures.check_shape(size, channels)
    with files.open_source(path) as source:
        found = {part: _named(source, part, other) for part, other in ((images, masks), (masks, images))}
        for option, part in (("images", images), ("masks", masks)):
            if not found[part]:
                raise DataError(
                    f"{source.path}: no pictures in {part}/. Expected files that end with {_endings()} or so; where the "
                    f"folder has another name, give it as {option}=."
                )
        for name in sorted(found[images].keys() ^ found[masks].keys()):
            have, lack = (images, masks) if name in found[images] else (masks, images)
            raise DataError(
                f"{source.path}: {found[have][name]} has no partner {name}.* in {lack}/. A pair shares its name but for the "
                "ending: rename one (such as a_mask.png to a.png), or add or remove one."
            )
        names = sorted(found[images], key=natural)
        pixels, labels, vanished = [], [], []
        for name in names:
            image_name, mask_name = found[images][name], found[masks][name]
            where = f"{source.path}: {image_name}"
            image = pictures.to_grey_or_colour(pictures.upright(source.read(image_name), where), where, channels)
            mask = pictures.read_mask(source.read(mask_name), f"{source.path}: {mask_name}", turn=True)
            pictures.check_pair(image, mask, image_name, f"{source.path}: {mask_name}")
            pixels.append(pictures.resize_image(image, size))
            labels.append(pictures.resize(mask, size, "nearest").astype(bool))
            if np.any(mask) and not labels[-1].any():
                vanished.append(f"{source.path}: {mask_name}")
        pictures.tell_vanished(vanished, size)
        used = [*found[images].values(), *found[masks].values()]
        simulated = files.MARKER in source.sizes or files.is_simulated(path, used)
        how, listed = grouping(group_pattern, source)
        kind = "phantom" if simulated else "real"
        return SegmentationDataset(
            key=key,
            images=np.stack(pixels) if size is not None else pixels,
            masks=np.stack(labels) if size is not None else labels,
            ids=np.array(names),
            groups=groups(names, group_pattern, source),
            source=kind,
            provenance={
                "data": KINDS[kind],
                "path": str(source.path),
                "fingerprint": files.fingerprint(source, used + listed),
                "groups": how,
            },
        )


def read_images(
    path: str | Path, size: tuple[int, int] = (256, 256), *, channels: int = 1
) -> tuple[np.ndarray, list[str], list[tuple[int, int]]]:
    """Read the pictures of a folder (or its zip archive) that nobody annotated, as `read` reads images, to predict them.

    Parameters
    ----------
    path : path
        Pictures in its subfolder ``masks/`` are left out.
    size : (height, width)
        In pixels.
    channels : {1, 3}
        Grey or RGB.

    Returns
    -------
    images : (N, H, W, C) uint8 array
    names : list of str
        Without their endings; numbers by their value.
    native : list of (int, int)
        Height and width of each file: ``presence.full_size(probability[None], native[0])`` is a mask for the first.

    Raises
    ------
    nervekit.errors.ConfigurationError
        If the size or the number of channels is none.
    nervekit.errors.DataError
        If there is no picture, some lie in other subfolders, two have one name, or one cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     Image.new("L", (30, 20)).save(Path(place) / "frame 2.png")
    ...     images, names, native = read_images(place, (8, 8))
    >>> images.shape, names, native
    ((1, 8, 8, 1), ['frame 2'], [(20, 30)])
    """
    pictures.check_shape(size, channels)
    with files.open_source(path) as source:
        found = _named(source, ".", "masks")
        if not found:
            raise DataError(f"{source.path}: no pictures in it. Expected files that end with {_endings()} or so.")
        names = sorted(found, key=natural)
        pixels, native = [], []
        for name in names:
            where = f"{source.path}: {found[name]}"
            image = pictures.to_grey_or_colour(pictures.upright(source.read(found[name]), where), where, channels)
            pixels.append(pictures.resize_image(image, size))
            native.append((image.height, image.width))
    return np.stack(pixels), names, native


def _named(source: files.Source, part: str, other: str) -> dict[str, str]:
    """Paths of the pictures in the folder `part` by their names; `other` may be a folder in it."""
    here, beside = PurePosixPath(part), PurePosixPath(other)
    named: dict[str, str] = {}
    for path in map(PurePosixPath, source.sizes):
        if here not in path.parents or path.suffix.lower() not in suffixes():
            continue
        below = path.relative_to(here)
        if files.is_hidden(below):
            continue
        if path.parent == here:
            stem = _composed(path.stem)
            if stem in named:
                raise DataError(f"{source.path}: {named[stem]} and {path} have one name. Keep one of them.")
            named[stem] = str(path)
        elif here not in beside.parents or beside not in path.parents:
            raise DataError(
                f"{source.path}: pictures lie in subfolders such as {path.parent}, which are not read. Put those of {part}/ "
                f"side by side, under names such as {'_'.join(below.parts)}, and give group_pattern; move others elsewhere."
            )
    return named


def groups(names: list[str], pattern: str | None, source: files.Source | None = None) -> np.ndarray:
    """Group names by a pattern, else by ``groups.csv`` of `source`, else each by itself; see `read`."""
    if pattern is not None:
        return np.array([_group_in(name, pattern) for name in names])
    if source is None or TABLE not in source.sizes:
        return np.array(names)
    return np.array(listed_groups(source, names))


def grouping(pattern: str | None, source: files.Source) -> tuple[str, list[str]]:
    """Say how `groups` finds groups, and list the files that it reads for that."""
    if pattern is not None:
        return "pattern", []
    return (TABLE, [TABLE]) if TABLE in source.sizes else ("each image by itself", [])


def listed_groups(source: files.Source, names: list[str]) -> list[str]:
    """Look names up in the columns ``sample`` and ``group`` of ``groups.csv``; DataError if one is not there."""
    where = f"{source.path}: {TABLE}"
    listed: dict[str, str] = {}
    for line, row in rle.rows(source.read(TABLE), where, ["sample", "group"]):
        name, group = _composed(row["sample"].strip()), row["group"].strip()
        if not name and not group:  # Excel leaves such rows at the end
            continue
        if not group:
            raise DataError(f"{where}: line {line} gives {name} no group. Write its name if it stands alone.")
        if listed.setdefault(name, group) != group:
            raise DataError(f"{where}: line {line} gives {name} a second group, {group!r}. Keep one row.")
    names = [_composed(name) for name in names]
    lacking = [name for name in names if name not in listed]
    if lacking:
        raise DataError(
            f"{where} has no row for {lacking[0]} (and {len(lacking) - 1} more). Add a row for each image, or delete "
            "the file. Names stand there without their ending."
        )
    return [listed[name] for name in names]


def _group_in(name: str, pattern: str) -> str:
    try:
        match = re.search(pattern, name)
        group = match and match[1]
    except (re.error, IndexError, TypeError, OverflowError, RecursionError) as error:
        raise ConfigurationError(
            f"group_pattern={pattern!r}: not an expression with one group ({error}). Expected one such as '^(P[0-9]+)'."
        ) from error
    if not group:
        raise ConfigurationError(
            f"group_pattern={pattern!r}: finds no group in the name {name!r}. Let it find one in every name."
        )
    return group


def _composed(name: str) -> str:
    """Write accented letters as one character: macOS stores them as two, and the names look the same."""
    return unicodedata.normalize("NFC", name)


def natural(name: str) -> list:
    """Key that sorts names with their numbers by value: ``a2`` before ``a10``."""
    parts = re.split(r"([0-9]+)", name)
    return [(0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part) for part in parts]


def _endings() -> str:
    return ", ".join(USUAL)


@cache
def suffixes() -> frozenset[str]:
    """Return the endings of all formats that Pillow reads."""
    Image.init()
    return frozenset(ending for ending, kind in Image.registered_extensions().items() if kind in Image.OPEN)
