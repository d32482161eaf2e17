"""Shapes of the labelme program: drawn as labelme 6.3 draws them, and traced around masks."""

from __future__ import annotations

import base64
import binascii
import io
import math
from numbers import Real

import numpy as np
from PIL import Image, ImageDraw

from nervekit.data import pictures
from nervekit.errors import ConfigurationError, DataError

LINE_WIDTH = 10
POINT_RADIUS = 5
EDGE = 1
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


def draw(picture: Image.Image, shape: dict, number: int, where: str) -> None:
    """Draw one shape of an annotation into a picture of class numbers.

    Outlines belong to their shape; lines are 10 pixels wide, a point is a disc of radius 5, ``points`` has no area.

    Parameters
    ----------
    picture : PIL.Image.Image, mode I
        Changed in place.
    shape : dict
        With ``shape_type``, ``points`` and, for a mask, ``mask``.
    number : int
        Class.
    where : str
        What errors call the shape.

    Raises
    ------
    nervekit.errors.DataError
        If the type is unknown, or the points are too few, outside the image, no numbers, or enclose no area.
    """
    kind = shape.get("shape_type") or "polygon"
    if not isinstance(kind, str) or kind not in COUNTS:
        raise DataError(f"{where} has the unknown type {kind!r}. Expected one of {', '.join(COUNTS)}.")
    points = _points(shape, kind, where, picture.size)
    pen = ImageDraw.Draw(picture)
    if kind in ("polygon", "oriented_rectangle"):
        if not encloses(points):
            raise DataError(f"{where} is a {kind} without area: its points lie on one line. Delete it or draw it again.")
        pen.polygon(points, fill=number, outline=number)
    elif kind == "rectangle":
        (x0, y0), (x1, y1) = points
        pen.rectangle((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), fill=number, outline=number)
    elif kind == "circle":
        (x, y), edge = points
        _disc(pen, x, y, math.dist((x, y), edge), number)
    elif kind in ("line", "linestrip"):
        pen.line(points, fill=number, width=LINE_WIDTH)
    elif kind == "point":
        _disc(pen, *points[0], POINT_RADIUS, number)
    elif kind == "mask":
        _paste(picture, points, shape.get("mask"), number, where)


def trace(mask: np.ndarray, tolerance: float = 0.5) -> list[dict]:
    """Turn a mask into shapes: a polygon around every connected part.

    A polygon runs through the centres of the outermost pixels and leaves them by at most `tolerance`; with 0 it is
    drawn back to the very same pixels. Parts that no polygon can say become shapes of the type ``mask``, which hold
    their pixels: those with a hole or only one pixel wide, and with `tolerance` 0 those whose outline meets itself.

    Parameters
    ----------
    mask : (H, W) array
        Anything but 0 is the structure.
    tolerance : float
        In pixels.

    Returns
    -------
    list of dict
        With ``shape_type``, ``points`` and ``mask`` as labelme stores them, the largest part first.

    Raises
    ------
    nervekit.errors.ConfigurationError
        If the tolerance is not a number of pixels.

    Examples
    --------
    >>> mask = np.zeros((9, 9), bool)
    >>> mask[2:5, 3:8] = True
    >>> trace(mask)[0]["points"]
    [[7.0, 4.0], [3.0, 4.0], [3.0, 2.0], [7.0, 2.0]]
    """
    from scipy import ndimage

    if not isinstance(tolerance, Real) or not 0 <= tolerance < math.inf:
        raise ConfigurationError(f"tolerance={tolerance!r}: expected a number of pixels, 0 or more.")
    parts, count = ndimage.label(np.asarray(mask).astype(bool), np.ones((3, 3)))
    sizes = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    boxes = ndimage.find_objects(parts)
    shapes = []
    for index in np.argsort(-sizes, kind="stable"):
        rows, columns = boxes[index]
        part = parts[boxes[index]] == index + 1
        points = [] if ndimage.binary_fill_holes(part).sum() > part.sum() else _outline(part, tolerance)
        corner = np.array([columns.start, rows.start], float)
        if encloses(points):
            shapes.append({"shape_type": "polygon", "points": (points + corner).tolist(), "mask": None})
        else:
            box = [corner.tolist(), (corner + [part.shape[1] - 1, part.shape[0] - 1]).tolist()]
            shapes.append({"shape_type": "mask", "points": box, "mask": _encode(part)})
    return shapes


def deviation(mask: np.ndarray, drawn: list[dict]) -> float:
    """Say how far polygons are off a mask: the largest distance of an outermost pixel's centre from their lines.

    Parameters
    ----------
    mask : (H, W) array
        Anything but 0 is the structure.
    drawn : list of dict
        Shapes as `trace` gives them. Those of the type ``mask`` hold their pixels, and are off by nothing.

    Returns
    -------
    float
        In pixels; infinite where nothing was drawn for a mask.

    Examples
    --------
    >>> mask = np.zeros((9, 9), bool)
    >>> mask[2:5, 3:8] = True
    >>> deviation(mask, [{"shape_type": "polygon", "points": [[3, 2], [7, 2], [7, 3.5], [3, 3.5]]}])
    0.5
    """
    from scipy import ndimage

    mask = np.asarray(mask).astype(bool)
    border = mask & ~ndimage.binary_erosion(mask)
    nearest = np.full(mask.shape, np.inf)[border]
    rows, columns = np.nonzero(border)
    for shape in drawn:
        points = np.array(shape["points"], float)
        if shape["shape_type"] == "mask":
            held = Image.new("L", mask.shape[::-1])
            _paste(held, shape["points"], shape["mask"], 1, "a shape of the type mask")
            nearest[np.asarray(held)[border] > 0] = 0
        for start, end in zip(points, np.roll(points, -1, axis=0)) if shape["shape_type"] == "polygon" else ():
            across, down = end - start
            away = columns - start[0], rows - start[1]
            share = np.clip((away[0] * across + away[1] * down) / max(across**2 + down**2, 1e-12), 0, 1)
            nearest = np.minimum(nearest, np.hypot(away[0] - share * across, away[1] - share * down))
    return float(nearest.max(initial=0))


def encloses(points) -> bool:
    """Say whether a closed line through the points has an inside: they are not all on one line."""
    values = np.asarray(points, float).reshape(-1, 2)
    away = values[1:] - values[:1]
    if not len(away) or not away.any():
        return False
    longest = away[np.argmax(np.hypot(*away.T))]
    beside = np.abs(away[:, 0] * longest[1] - away[:, 1] * longest[0]) / np.hypot(*longest)
    return bool(beside.max() > 1e-9)


def decode(text: object, where: str) -> bytes:
    """Decode base64; DataError if it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise DataError(
            f"{where} is not base64 ({error}). Save the annotation with labelme again."
        ) from error


def _outline(part: np.ndarray, tolerance: float) -> np.ndarray:
    from skimage.measure import approximate_polygon, find_contours

    # just below 1: between a pixel and its neighbour outside, the line runs through the pixel's centre
    line = find_contours(np.pad(part, 1).astype(float), 1 - 1e-6, fully_connected="high")[0]
    line = np.rint(line[:, ::-1]) - 1
    line = line[np.append(True, (np.diff(line, axis=0) != 0).any(axis=1))]
    if tolerance == 0 and len(np.unique(line, axis=0)) < len(line) - 1:  # what lies between, Pillow 11 fills too
        return line[:0]
    return approximate_polygon(line, tolerance)[:-1]


def _points(shape: dict, kind: str, where: str, size: tuple[int, int]) -> list[tuple[float, float]]:
    try:
        points = [(float(x), float(y)) for x, y in shape.get("points", [])]
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{where}: points must be pairs of numbers ({error}).") from error
    low, high = COUNTS[kind]
    if not low <= len(points) <= high:
        expected = low if low == high else f"at least {low}"
        raise DataError(f"{where} is a {kind} of {len(points)} points; expected {expected}. Draw it again.")
    for point in points:
        if not all(map(math.isfinite, point)):
            raise DataError(f"{where} has a coordinate that is not a finite number of pixels. Draw it again.")
        if not all(-EDGE <= value <= side + EDGE for value, side in zip(point, size)):
            raise DataError(
                f"{where} has the point {point}, outside the image of {size[0]} x {size[1]} pixels (width x height). "
                "Was the image exchanged or resized? Draw it again."
            )
    return points


def _disc(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, number: int) -> None:
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=number, outline=number)


def _paste(picture: Image.Image, points: list, encoded: object, number: int, where: str) -> None:
    (left, top), (right, bottom) = [(int(x), int(y)) for x, y in points]
    mask = pictures.open_picture(decode(encoded, f"{where}: mask"), f"{where}: mask").convert("L")
    box = (right - left + 1, bottom - top + 1)
    if mask.size != box:
        raise DataError(
            f"{where}: its mask is {mask.size} pixels, its box {box} (width, height). Draw it again."
        )
    picture.paste(number, (left, top), mask.point(lambda value: 255 if value else 0))


def _encode(part: np.ndarray) -> str:
    stream = io.BytesIO()
    Image.fromarray(part.astype(np.uint8)).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode("ascii")
