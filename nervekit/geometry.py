"""Clinical measurements of a mask: what a sonographer reads off a nerve's cross-section."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nervekit.errors import ConfigurationError

SMOOTH = 3


@dataclass(frozen=True)
class Measurements:
    """The size and form of a structure; lengths in `unit`, areas in its square.

    Parameters
    ----------
    area : float
        Cross-sectional area of all parts.
    perimeter : float
        Length of the outlines of all parts, without holes.
    circularity : float
        4 pi area / perimeter squared: 1 for a disc, less for anything else. Of shapes less than six pixels across it
        says nothing; it may be far above 1.
    flattening_ratio : float
        Longer over shorter axis of the ellipse with the same second moments, whatever its direction: 1 for a disc.
    width, height : float
        Horizontal and vertical extent of the whole.
    parts : int
        How many connected parts there are; a bifid median nerve has two.
    unit : {"mm", "pixel"}
        Millimetres where the spacing is known.
    """

    area: float
    perimeter: float
    circularity: float
    flattening_ratio: float
    width: float
    height: float
    parts: int
    unit: str


def measure(mask: np.ndarray, spacing=None) -> Measurements:
    """Measure a structure.

    A pixel counts as the square (or rectangle) that it covers. The outline is the iso-line of the mask halfway
    between pixels, averaged over three neighbouring points, since a staircase would be too long.
    Beside discs, ellipses and rectangles of known size (axes 1:1 to 3:1, turned anyhow), errors of area, perimeter,
    circularity and flattening ratio are at most 1.5, 1.5, 2.5 and 1 % at a mean diameter of 80 pixels, 2.5, 2.5, 3.5
    and 2 % at 40, and 5.5, 4, 8.5 and 6 % at 20, most of it since a shape of so few pixels is itself not exact.

    Parameters
    ----------
    mask : (H, W) array
        Anything but 0 is the structure.
    spacing : (float, float), optional
        Millimetres a pixel of this mask, vertical and horizontal; where the image was resized, that of the file times its
        height (width) over that of the mask. Without it lengths are pixels.

    Returns
    -------
    Measurements
        Area 0 and NaN for everything that an empty mask has not.

    Raises
    ------
    nervekit.errors.ConfigurationError
        If the mask has not two dimensions or the spacing is not two lengths above 0.

    Examples
    --------
    >>> mask = np.zeros((20, 40), bool)
    >>> mask[5:15, 8:38] = True
    >>> found = measure(mask, spacing=(0.1, 0.1))
    >>> round(found.area, 6), round(found.width, 6), round(found.height, 6), found.unit
    (3.0, 3.0, 1.0, 'mm')
    """
    from scipy import ndimage

    mask, scale = _checked(mask, spacing)
    unit = "pixel" if spacing is None else "mm"
    if not mask.any():
        return Measurements(0.0, *[float("nan")] * 5, parts=0, unit=unit)
    area = float(mask.sum() * scale.prod())
    _, parts = ndimage.label(mask, np.ones((3, 3)))
    perimeter = sum(_length(_smooth(line) * scale) for line in _iso_lines(mask))
    longer, shorter = _axes(mask, scale)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return Measurements(
        area=area,
        perimeter=perimeter,
        circularity=float(4 * np.pi * area / perimeter**2),
        flattening_ratio=longer / shorter,
        width=float((columns[-1] - columns[0] + 1) * scale[1]),
        height=float((rows[-1] - rows[0] + 1) * scale[0]),
        parts=parts,
        unit=unit,
    )


def outline(mask: np.ndarray, spacing=None) -> list[np.ndarray]:
    """Return the smoothed outlines that the perimeter is measured on, for a picture.

    Returns
    -------
    list of (P, 2) float array
        Rows and columns (millimetres where the spacing is given) of closed lines; pixel centres are whole numbers.
    """
    mask, scale = _checked(mask, spacing)
    return [_smooth(line) * scale for line in _iso_lines(mask)]


def _checked(mask, spacing) -> tuple[np.ndarray, np.ndarray]:
    mask = np.asarray(mask)
    if mask.ndim != 2:
        raise ConfigurationError(f"mask: has the shape {mask.shape}; expected (height, width). Measure one at a time.")
    try:
        scale = np.asarray((1, 1) if spacing is None else spacing, float)
        fits = scale.shape == (2,) and np.isfinite(scale).all() and (scale > 0).all()
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise ConfigurationError(
            f"spacing={spacing!r}: expected millimetres a pixel, vertical and horizontal, both above 0, or None."
        )
    return mask.astype(bool), scale


def _iso_lines(mask: np.ndarray) -> list[np.ndarray]:
    from scipy import ndimage
    from skimage.measure import find_contours

    whole = np.pad(ndimage.binary_fill_holes(mask), 1).astype(float)
    return [line[:-1] - 1 for line in find_contours(whole, 0.5, fully_connected="high")]


def _smooth(line: np.ndarray) -> np.ndarray:
    from scipy import ndimage

    averaged = ndimage.uniform_filter1d(line, SMOOTH, axis=0, mode="wrap")
    return np.concatenate([averaged, averaged[:1]])


def _length(line: np.ndarray) -> float:
    return float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())


def _axes(mask: np.ndarray, scale: np.ndarray) -> tuple[float, float]:
    """Longer and shorter axis of the ellipse with the same second moments."""
    points = np.argwhere(mask) * scale
    spread = np.cov(points.T, bias=True) + np.diag(scale**2) / 12  # each pixel is a rectangle, not a point
    shorter, longer = 4 * np.sqrt(np.linalg.eigvalsh(spread))
    return float(longer), float(shorter)
