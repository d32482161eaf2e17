"""Annotations of the labelme program: JSON files of shapes become masks (`preannotate` goes the other way)."""

from __future__ import annotations

import json
import os
import posixpath
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
from PIL import Image

from nervekit.data import files, folder, pictures, shapes
from nervekit.data.dataset import KINDS, SegmentationDataset
from nervekit.errors import ConfigurationError, DataError, is_whole

LARGEST_SIDE = 20_000


def read(path: str | Path, labels: Mapping[str, int] | Sequence[str] | str) -> np.ndarray:
    """Rasterise a labelme annotation.

    Shapes are drawn in the order of the file, so that a later one covers an earlier one, pixel for pixel as
    labelme 6.3 does: see `nervekit.data.shapes.draw`.

    Parameters
    ----------
    path : path
        The JSON file.
    labels : mapping of str to int, sequence of str, or str
        Class number of each label; a sequence is numbered from 1, and so is one label. The numbers do not depend on the
        file, and 0 is the background.

    Returns
    -------
    (H, W) int32 array
        Class of each pixel.

    Raises
    ------
    nervekit.errors.ConfigurationError
        If labels have numbers that are none, or come twice.
    nervekit.errors.DataError
        If the file is not a labelme annotation, has a label that is not in `labels`, or a shape that cannot be
        drawn.
    """
    path = Path(path)
    return _draw(path, _parse(path), _numbers(labels))


def _numbers(labels: Mapping[str, int] | Sequence[str] | str) -> dict[str, int]:
    if isinstance(labels, Mapping):
        for name, number in labels.items():
            if not is_whole(number) or number >= 2**31:
                raise ConfigurationError(
                    f"labels: {name!r} has the number {number!r}; expected a whole one from 0, the background, to {2**31 - 1}."
                )
        return {name: int(number) for name, number in labels.items()}
    try:
        names = [labels] if isinstance(labels, str) else list(labels)
    except TypeError:
        names = [None]
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise ConfigurationError(f"labels={labels!r}: expected names, each once, such as ['nerve', 'vein'].")
    return {name: number for number, name in enumerate(names, start=1)}


def _draw(path: Path, annotation: dict, numbers: dict[str, int]) -> np.ndarray:
    height, width = _size(path, annotation)
    picture = Image.new("I", (width, height))
    for position, shape in enumerate(annotation["shapes"]):
        where = f"{path}: shape {position}"
        if not isinstance(shape, dict):
            raise DataError(
                f"{where} is not an object with label, points and shape_type. Save it with labelme again."
            )
        label = shape.get("label")
        if not isinstance(label, str) or label not in numbers:
            known = ", ".join(numbers) or "none"
            raise DataError(
                f"{where} has the label {label!r}, which nobody asked for. Known: {known}. Add or rename it."
            )
        shapes.draw(picture, shape, numbers[label], where)
    return np.array(picture, np.int32)


def read_folder(
    path: str | Path,
    labels: Mapping[str, int] | Sequence[str] | str = ("nerve",),
    size: tuple[int, int] | None = (256, 256),
    *,
    channels: int = 1,
    group_pattern: str | None = None,
    key: str = "own",
) -> SegmentationDataset:
    """Read a folder of images with the JSON files that labelme saved beside them.

    The mask is where any of the labels was drawn; an annotation without shapes is an image without the structure.
    Images that have no JSON file are left out: nobody has looked at them yet. A file ``SIMULATED.json`` in the
    folder, or up to two folders above it, says that the images are simulated.

    Parameters
    ----------
    path : path
        The folder.
    labels : mapping of str to int, sequence of str, or str
        As in `read`. A label with the number 0 is background, and is cut out of what was drawn before.
    size : (height, width) or None
        In pixels; None keeps native sizes and gives lists.
    channels : {1, 3}
        Grey or RGB.
    group_pattern : str, optional
        As in `nervekit.data.folder.read`.
    key : str
        Name of the set.

    Returns
    -------
    SegmentationDataset
        Ordered by name, numbers by their value.

    Raises
    ------
    nervekit.errors.ConfigurationError
        If the size, the number of channels, the labels or the pattern are none.
    nervekit.errors.DataError
        If there is no such folder or no annotation in it, or it, one of them or its image cannot be read; if annotations lie
        in subfolders, or two of them name one image.
    """
    pictures.check_shape(size, channels)
    path = Path(path)
    try:
        there, unpacked = path.exists(), path.is_dir()
    except OSError as error:
        raise files.unreadable(path, error) from error
    if not unpacked:
        what = "is no folder, and archives are not read here: unpack it" if there else "there is no such folder"
        raise DataError(f"{path}: {what}. Name the folder of the images and of the JSON files that labelme saved there.")
    with files.open_source(path) as source:
        _check_depth(source)
        found = {item.stem: item for item in path.glob("*.json") if item.name != files.MARKER and not files.is_litter(item)}
        if not found:
            raise DataError(
                f"{path}: holds no annotations. Annotate the images first: labelme {path} --labels nerve, and save."
            )
        names = sorted(found, key=folder.natural)
        numbers = _numbers(labels)
        images, masks, used, vanished = [], [], [], []
        shown: dict[str, Path] = {}
        for name in names:
            annotation = _parse(found[name])
            picture = pictures.to_grey_or_colour(_picture(found[name], annotation), str(found[name]), channels)
            mask = Image.fromarray((_draw(found[name], annotation, numbers) > 0).astype(np.uint8))
            if picture.size != mask.size:
                raise DataError(
                    f"{found[name]}: imageWidth and imageHeight are {mask.width} x {mask.height} pixels, but its picture is "
                    f"{picture.width} x {picture.height}. It was drawn on another picture: put that one here, or draw it anew."
                )
            images.append(pictures.resize_image(picture, size))
            masks.append(pictures.resize(mask, size, "nearest").astype(bool))
            if np.any(mask) and not masks[-1].any():
                vanished.append(str(found[name]))
            used.append(found[name].name)
            if annotation.get("imageData") is None:
                image = _image_path(found[name], annotation).as_posix()
                other = shown.setdefault(image, found[name])
                if other != found[name]:
                    raise DataError(
                        f"{found[name]}: its image {image} is that of {other} too, so that it would count twice. Keep one of "
                        "the two, or correct imagePath."
                    )
                used.append(image)
        pictures.tell_vanished(vanished, size)
        kind = "phantom" if files.is_simulated(path, used) else "real"
        groups = folder.groups(names, group_pattern, source)
        how, listed = folder.grouping(group_pattern, source)
        return SegmentationDataset(
            key=key,
            images=np.stack(images) if size is not None else images,
            masks=np.stack(masks) if size is not None else masks,
            ids=np.array(names),
            groups=groups,
            source=kind,
            provenance={
                "data": KINDS[kind],
                "path": str(path),
                "fingerprint": files.fingerprint(source, {*used, *listed}),
                "labels": numbers if isinstance(labels, Mapping) else list(numbers),
                "groups": how,
            },
        )


def _check_depth(source: files.Source) -> None:
    """Raise DataError if annotations lie in subfolders, where they would be left out in silence."""
    for name in map(PurePosixPath, source.sizes):
        deeper = len(name.parts) > 1 and name.suffix == ".json" and not files.is_hidden(name)
        if deeper and b'"shapes"' in source.read(str(name)):
            raise DataError(
                f"{source.path}: annotations lie in subfolders such as {name.parent}, which are not read. Put all JSON files "
                "with their images side by side in one folder and give group_pattern, or move them elsewhere and read each "
                "folder by itself."
            )


def _parse(path: Path) -> dict:
    try:
        annotation = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise files.unreadable(path, error) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: is not JSON ({error}). Save the annotation with labelme again.") from error
    if not isinstance(annotation, dict) or not isinstance(annotation.get("shapes"), list):
        raise DataError(
            f"{path}: is not a labelme annotation, it has no list of shapes. Save it with labelme again."
        )
    return annotation


def _image_path(path: Path, annotation: dict) -> PurePosixPath:
    """Name the image from the folder of the annotation; backslashes count as separators, and links are not followed."""
    given = annotation.get("imagePath")
    if not isinstance(given, str) or not given or "\0" in given:
        raise DataError(
            f"{path}: imagePath is {given!r}; expected the name of an image beside the JSON file."
        )
    relative = PurePosixPath(posixpath.normpath(given.replace("\\", "/")))
    try:
        os.fsencode(relative)
    except ValueError as error:  # no name that the system takes
        raise DataError(
            f"{path}: imagePath {given!r} names no file ({error}). Give the name of an image beside the JSON file."
        ) from error
    if relative.is_absolute() or PureWindowsPath(given).drive or relative.parts[:1] == ("..",):
        raise DataError(
            f"{path}: imagePath {given!r} leaves the folder of the annotation. Put the image beside it."
        )
    return relative


def _size(path: Path, annotation: dict) -> tuple[int, int]:
    sides = (annotation.get("imageHeight"), annotation.get("imageWidth"))
    if sides == (None, None):
        sides = _picture(path, annotation).size[::-1]
    if not all(isinstance(side, int) and 0 < side <= LARGEST_SIDE for side in sides):
        raise DataError(
            f"{path}: imageHeight and imageWidth are {sides}; expected whole pixels, 1 to {LARGEST_SIDE}."
        )
    return sides


def _picture(path: Path, annotation: dict) -> Image.Image:
    if annotation.get("imageData") is not None:
        content = shapes.decode(annotation["imageData"], f"{path}: imageData")
        return pictures.upright(content, f"{path}: imageData")
    target = path.parent / _image_path(path, annotation)
    try:
        return pictures.upright(target.read_bytes(), str(target))
    except OSError as error:
        raise DataError(f"{path}: its image {files.unreadable(target, error)}") from error
