"""Masks and predictions written as annotations of the labelme program, for a person to correct."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from nervekit import whole
from nervekit.data import pictures, shapes
from nervekit.errors import ConfigurationError, DataError

VERSION = "6.3.0"


def write(
    path: str | Path,
    masks: Mapping[str, np.ndarray],
    image: str,
    *,
    tolerance: float = 0.5,
    overwrite: bool = False,
) -> Path:
    """Write masks as an annotation that labelme opens, for a person to correct.

    Every connected part becomes a polygon within `tolerance` pixels of it: see `nervekit.data.shapes.trace`.

    Parameters
    ----------
    path : path
        The JSON file; labelme looks for it under the name of the image.
    masks : mapping of str to (H, W) array
        Mask of each label; later labels cover earlier ones.
    image : str
        Name of the image in the same folder.
    tolerance : float
        In pixels; 0 keeps every pixel, at the price of many points to move.
    overwrite : bool
        Replace an annotation that is there; it may hold a person's corrections.

    Raises
    ------
    nervekit.errors.ConfigurationError
        If the tolerance is not a number of pixels.
    nervekit.errors.DataError
        If the annotation is there already or cannot be written, or masks have different sizes.

    Examples
    --------
    >>> import tempfile
    >>> from nervekit.data import labelme
    >>> mask = np.zeros((40, 60), bool)
    >>> mask[10:20, 15:40] = True
    >>> with tempfile.TemporaryDirectory() as own:
    ...     written = write(Path(own) / "frame.json", {"nerve": mask}, "frame.png")
    ...     bool((labelme.read(written, ["nerve"]) == mask).all())
    True
    """
    path = Path(path)
    _check_free(path, overwrite)
    whole.write_text(path, _annotation(path, masks, image, tolerance))
    return path


def write_folder(
    path: str | Path,
    images: Sequence[np.ndarray],
    masks: Sequence[np.ndarray],
    names: Sequence[str],
    label: str = "nerve",
    *,
    tolerance: float = 0.5,
    overwrite: bool = False,
) -> list[Path]:
    """Write images as PNG and predictions beside them, ready for ``labelme FOLDER --labels nerve``.

    All is checked and drawn before anything is written, and each file is written whole or not at all. A picture that is
    there already stays if it shows the same, pixel for pixel.

    Parameters
    ----------
    path : path
        The folder; made if need be.
    images : sequence of (H, W, C) or (H, W) uint8 arrays
        Of one to four channels.
    masks : sequence of (H, W) arrays
    names : sequence of str
        Of the files, without ending.
    label : str
        What the masks show.
    tolerance : float
        As in `write`.
    overwrite : bool
        As in `write`, and replace pictures too.

    Returns
    -------
    list of pathlib.Path
        The JSON files.

    Raises
    ------
    nervekit.errors.ConfigurationError
        If there are not as many masks and names as images, a name leads out of the folder, or two are equal but for capital
        letters; or as `write`.
    nervekit.errors.DataError
        As `write`; if a mask has another size than its image, an image is not uint8 or has other channels, or another picture
        is there already.
    """
    path = Path(path)
    if not len(images) == len(masks) == len(names):
        raise ConfigurationError(f"{len(images)} images, {len(masks)} masks, {len(names)} names: expected one each.")
    if not isinstance(label, str) or not _is_unicode(label):
        raise ConfigurationError(f"label={label!r}: expected the name of what the masks show, such as 'nerve'.")
    taken = set()
    for image, mask, name in zip(images, masks, names):
        unicode = "\0" not in name and _is_unicode(name)
        if not unicode or Path(name).name != name or name in ("", ".", ".."):
            raise ConfigurationError(f"names: {name!r} is no file name. Name each, without folders.")
        if name.lower() in taken:
            raise ConfigurationError(
                f"names: {name!r} comes twice, or differs from another in capital letters alone, which many disks do not tell "
                "apart. Name each otherwise."
            )
        taken.add(name.lower())
        shape = np.shape(image)
        if shape[:2] != np.shape(mask):
            raise DataError(f"{name}: its image is {shape}, its mask {np.shape(mask)}; expected one size.")
        if 0 in shape or not (len(shape) == 2 or (len(shape) == 3 and shape[2] <= 4)):
            raise DataError(f"{name}: its image is {shape}; expected (height, width), or that with 1 to 4 channels.")
        if np.asarray(image).dtype != np.uint8:
            raise DataError(f"{name}: its image has the type {np.asarray(image).dtype}; expected uint8, 0 to 255.")
    try:
        for image, name in zip(images, names) if not overwrite else ():
            _check_free(path / f"{name}.json", overwrite)
            _check_same(path / f"{name}.png", _picture(image))
        drawn = [
            _annotation(path / f"{name}.json", {label: mask}, f"{name}.png", tolerance) for mask, name in zip(masks, names)
        ]
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error}). Name another folder.") from error
    written = []
    for image, text, name in zip(images, drawn, names):
        if overwrite or not (path / f"{name}.png").exists():
            content = io.BytesIO()
            _picture(image).save(content, "PNG")
            whole.write_bytes(path / f"{name}.png", content.getvalue())
        whole.write_text(path / f"{name}.json", text)
        written.append(path / f"{name}.json")
    return written


def _annotation(path: Path, masks: Mapping[str, np.ndarray], image: str, tolerance: float) -> str:
    sizes = {np.shape(mask) for mask in masks.values()}
    if len(sizes) != 1 or len(next(iter(sizes))) != 2:
        raise DataError(f"{path}: masks of the shapes {sorted(sizes)}; expected one or more of one (height, width).")
    height, width = next(iter(sizes))
    drawn = [
        {"label": label, "points": shape["points"], "group_id": None, "description": "",
         "shape_type": shape["shape_type"], "flags": {}, "mask": shape["mask"]}
        for label, mask in masks.items()
        for shape in shapes.trace(mask, tolerance)
    ]  # fmt: skip
    content = {"version": VERSION, "flags": {}, "shapes": drawn, "imagePath": image, "imageData": None}
    return json.dumps(content | {"imageHeight": height, "imageWidth": width}, indent=2, ensure_ascii=False)


def _is_unicode(text: str) -> bool:
    return text.encode(errors="replace").decode() == text


def _picture(image: np.ndarray) -> Image.Image:
    return Image.fromarray(image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image)


def _check_free(path: Path, overwrite: bool) -> None:
    if os.path.exists(path) and not overwrite:
        raise DataError(f"{path}: is there already, and may hold corrections. Say overwrite=True to replace it.")


def _check_same(path: Path, picture: Image.Image) -> None:
    """Refuse to touch a picture that is there already and shows something else."""
    if path.exists():
        here = pictures.open_picture(path.read_bytes(), str(path)) if path.is_file() else None
        if here is None or here.mode != picture.mode or not np.array_equal(np.asarray(here), np.asarray(picture)):
            raise DataError(
                f"{path}: is there already, and is not the image that was to be written. Name another folder, or say "
                "overwrite=True to replace it."
            )
