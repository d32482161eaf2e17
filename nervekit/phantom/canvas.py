"""A CT slice being painted: shapes in millimetres with soft borders, in Hounsfield units."""

import numpy as np

AIR = -1000


class Canvas:
    """A slice being painted: Hounsfield units, and coordinates in millimetres."""

    def __init__(self, shape, pixel):
        self.pixel = pixel
        self.y = ((np.arange(shape[0], dtype=np.float32) + 0.5 - shape[0] / 2) * np.float32(pixel))[:, None]
        self.x = ((np.arange(shape[1], dtype=np.float32) + 0.5 - shape[1] / 2) * np.float32(pixel))[None]
        self.units = np.full(shape, AIR, np.float32)

    def cover(self, outside):
        """Share of each pixel that lies in a shape, from the millimetres it lies outside."""
        return np.clip(0.5 - outside / self.pixel, 0, 1)

    def paint(self, units, share):
        """Blend units over what is there."""
        self.units += share * (units - self.units)

    def ellipse(self, x, y, wide, tall, units, angle=0.0, within=None):
        """Paint an ellipse (only ``within``, if given); its window, and its share of the pixels there."""
        reach = max(wide, tall) + 2 * self.pixel
        rows = slice(*np.searchsorted(self.y[:, 0], (y - reach, y + reach)))
        columns = slice(*np.searchsorted(self.x[0], (x - reach, x + reach)))
        across, down = self.x[:, columns] - x, self.y[rows] - y
        cos, sin = float(np.cos(angle)), float(np.sin(angle))
        outside = np.hypot((cos * across + sin * down) / wide, (cos * down - sin * across) / tall) - 1
        share = self.cover(outside * min(wide, tall))
        if within is not None:
            share = share * within[rows, columns]
        self.units[rows, columns] += share * (units - self.units[rows, columns])
        return (rows, columns), share


def rounded(x, y, wide, tall):
    """Millimetres (about) outside a rounded rectangle.

    Examples
    --------
    >>> rounded(np.array([0.0, 60.0]), np.array([0.0, 0.0]), 50.0, 40.0).round(3).tolist()
    [-40.0, 8.0]
    """
    return ((np.abs(x / wide) ** 2.5 + np.abs(y / tall) ** 2.5) ** 0.4 - 1) * min(wide, tall)


def section(ellipsoid, level):
    """Cut an ellipsoid (x, y, level, half-axes, half-height): an ellipse (x, y, half-axes), or None.

    Examples
    --------
    >>> section((10, 20, 0.5, 8, 6, 0.2), 0.5)
    (10, 20, 8.0, 6.0)
    >>> section((10, 20, 0.5, 8, 6, 0.2), 0.8) is None
    True
    """
    x, y, centre, wide, tall, high = ellipsoid
    part = 1 - ((level - centre) / high) ** 2
    return (x, y, wide * part**0.5, tall * part**0.5) if part > 0.02 else None


def blend(tiles, level, shape):
    """A smooth field of ``shape`` that changes slowly from level to level: two tiles, mixed."""
    tile = np.float32(np.cos(1.5 * level)) * tiles[0] + np.float32(np.sin(1.5 * level)) * tiles[1]
    rows, columns = (np.arange(size) * tile.shape[0] // size for size in shape)
    return tile[rows][:, columns]
