"""Annotations of the labelme program: a JSON file of shapes becomes an image of class numbers."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
from PIL import Image, ImageDraw

from nervekit.data import pictures
from nervekit.errors import DataError

LINE_WIDTH = 10
POINT_RADIUS = 5
LARGEST_SIDE = 20_000
COUNTS = {
    "polygon": (3, math.inf),
    "rectangle": (2, 2),
    "oriented_rectangle": (4, 4),
    "circle": (2, 2),
    "line": (2, 2),
    "linestrip": (2, math.inf),
    "point": (1, 1),
    "points": (0, math.inf),
    "mask": (2, 2),
}


def read(path: str | Path, labels: Mapping[str, int] | Sequence[str]) -> np.ndarray:
    """Rasterise a labelme annotation.

    Shapes are drawn in the order of the file, so that a later one covers an earlier one. Outlines belong to
    their shape; lines are 10 pixels wide and a point is a disc of radius 5, as labelme draws them; ``points``
    has no area.

    Parameters
    ----------
    path : path
        The JSON file.
    labels : mapping of str to int, or sequence of str
        Class number of each label; a sequence is numbered from 1. The numbers do not depend on the file, and 0 is
        the background.

    Returns
    -------
    (H, W) int32 array
        Class of each pixel.

    Raises
    ------
    nervekit.errors.DataError
        If the file is not a labelme annotation, has a label that is not in `labels`, or a shape that cannot be
        drawn.
    """
    path = Path(path)
    numbers = (
        dict(labels) if isinstance(labels, Mapping) else {name: i for i, name in enumerate(labels, start=1)}
    )
    annotation = _parse(path)
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
        _draw(picture, shape, numbers[label], where)
    return np.array(picture, np.int32)


def image_path(path: str | Path) -> Path:
    """Return the path of the image that an annotation belongs to.

    ``imagePath`` is taken from the folder of the JSON file; backslashes count as separators.

    Raises
    ------
    nervekit.errors.DataError
        If it is absent, absolute, or leaves that folder.
    """
    path = Path(path)
    return _image_path(path, _parse(path))


def _parse(path: Path) -> dict:
    try:
        annotation = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: is not JSON ({error}). Save the annotation with labelme again.") from error
    if not isinstance(annotation, dict) or not isinstance(annotation.get("shapes"), list):
        raise DataError(
            f"{path}: is not a labelme annotation, it has no list of shapes. Save it with labelme again."
        )
    return annotation


def _image_path(path: Path, annotation: dict) -> Path:
    given = annotation.get("imagePath")
    if not isinstance(given, str) or not given or "\0" in given:
        raise DataError(
            f"{path}: imagePath is {given!r}; expected the name of an image beside the JSON file."
        )
    relative = PurePosixPath(given.replace("\\", "/"))
    folder = path.parent.resolve()
    target = (folder / relative).resolve()
    if relative.is_absolute() or PureWindowsPath(given).drive or not target.is_relative_to(folder):
        raise DataError(
            f"{path}: imagePath {given!r} leaves the folder of the annotation. Put the image beside it."
        )
    return target


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
        return pictures.open_picture(
            _decode(annotation["imageData"], f"{path}: imageData"), f"{path}: imageData"
        )
    target = _image_path(path, annotation)
    try:
        return pictures.open_picture(target.read_bytes(), str(target))
    except OSError as error:
        raise DataError(f"{path}: its image {target} cannot be read ({error.strerror or error}).") from error


def _decode(text: object, where: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise DataError(
            f"{where} is not base64 ({error}). Save the annotation with labelme again."
        ) from error


def _points(shape: dict, kind: str, where: str) -> list[tuple[float, float]]:
    try:
        points = [(float(x), float(y)) for x, y in shape.get("points", [])]
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: points must be pairs of numbers ({error}).") from error
    low, high = COUNTS[kind]
    if not low <= len(points) <= high:
        expected = low if low == high else f"at least {low}"
        raise DataError(f"{where} is a {kind} of {len(points)} points; expected {expected}. Draw it again.")
    if any(not math.isfinite(value) or abs(value) > LARGEST_SIDE for point in points for value in point):
        raise DataError(f"{where} has a coordinate that is not a finite number of pixels. Draw it again.")
    return points


def _draw(picture: Image.Image, shape: dict, number: int, where: str) -> None:
    kind = shape.get("shape_type") or "polygon"
    if not isinstance(kind, str) or kind not in COUNTS:
        raise DataError(f"{where} has the unknown type {kind!r}. Expected one of {', '.join(COUNTS)}.")
    points = _points(shape, kind, where)
    draw = ImageDraw.Draw(picture)
    if kind in ("polygon", "oriented_rectangle"):
        draw.polygon(points, fill=number, outline=number)
    elif kind == "rectangle":
        (x0, y0), (x1, y1) = points
        draw.rectangle((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), fill=number, outline=number)
    elif kind == "circle":
        (x, y), edge = points
        _disc(draw, x, y, math.dist((x, y), edge), number)
    elif kind in ("line", "linestrip"):
        draw.line(points, fill=number, width=LINE_WIDTH)
    elif kind == "point":
        _disc(draw, *points[0], POINT_RADIUS, number)
    elif kind == "mask":
        _paste(picture, points, shape.get("mask"), number, where)


def _disc(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, number: int) -> None:
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=number, outline=number)


def _paste(picture: Image.Image, points: list, encoded: object, number: int, where: str) -> None:
    (left, top), (right, bottom) = [(int(x), int(y)) for x, y in points]
    mask = pictures.open_picture(_decode(encoded, f"{where}: mask"), f"{where}: mask").convert("L")
    box = (right - left + 1, bottom - top + 1)
    if mask.size != box:
        raise DataError(
            f"{where}: its mask is {mask.size} pixels, its box {box} (width, height). Draw it again."
        )
    picture.paste(number, (left, top), mask.point(lambda value: 255 if value else 0))
