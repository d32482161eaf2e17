"""Masks and predictions written as annotations of the labelme program, for a person to correct."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from nervekit.data import files, shapes
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
    sizes = {np.shape(mask) for mask in masks.values()}
    if len(sizes) != 1 or len(next(iter(sizes))) != 2:
        raise DataError(f"{path}: masks of the shapes {sorted(sizes)}; expected one or more of one (height, width).")
    if path.exists() and not overwrite:
        raise DataError(f"{path}: is there already, and may hold corrections. Say overwrite=True to replace it.")
    height, width = next(iter(sizes))
    drawn = [
        {"label": label, "points": shape["points"], "group_id": None, "description": "",
         "shape_type": shape["shape_type"], "flags": {}, "mask": shape["mask"]}
        for label, mask in masks.items()
        for shape in shapes.trace(mask, tolerance)
    ]  # fmt: skip
    content = {"version": VERSION, "flags": {}, "shapes": drawn, "imagePath": image, "imageData": None}
    files.write_text(path, json.dumps(content | {"imageHeight": height, "imageWidth": width}, indent=2, ensure_ascii=False))
    return path


def write_folder(
    path: str | Path,
    images: Sequence[np.ndarray],
    masks: Sequence[np.ndarray],
    names: Sequence[str],
    label: str = "nerve",
    **options,
) -> list[Path]:
    """Write images as PNG and predictions beside them, ready for ``labelme FOLDER --labels nerve``.

    Parameters
    ----------
    path : path
        The folder; made if need be.
    images : sequence of (H, W, C) or (H, W) uint8 arrays
    masks : sequence of (H, W) arrays
    names : sequence of str
        Of the files, without ending.
    label : str
        What the masks show.
    **options
        ``tolerance`` and ``overwrite`` of `write`.

    Returns
    -------
    list of pathlib.Path
        The JSON files.

    Raises
    ------
    nervekit.errors.ConfigurationError
        If there are not as many masks and names as images, or a name leads out of the folder.
    nervekit.errors.DataError
        As `write`.
    """
    path = Path(path)
    if not len(images) == len(masks) == len(names):
        raise ConfigurationError(f"{len(images)} images, {len(masks)} masks, {len(names)} names: expected one each.")
    written = []
    for image, mask, name in zip(images, masks, names):
        if Path(name).name != name or name in ("", ".", ".."):
            raise ConfigurationError(f"names: {name!r} is no file name. Leave folders out of it.")
        picture = Image.fromarray(image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image)
        try:
            path.mkdir(parents=True, exist_ok=True)
            written.append(write(path / f"{name}.json", {label: mask}, f"{name}.png", **options))
            picture.save(path / f"{name}.png")
        except OSError as error:
            raise DataError(f"{path}: cannot be written ({error.strerror or error}). Name another folder.") from error
    return written
