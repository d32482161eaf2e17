"""Random changes of images and masks inside the graph, in ``keras.ops`` for every backend.

One warp moves image and mask together, linear for the image and nearest for the mask. Keras' own random layers
are not used: ``RandomElasticTransform`` (3.13, 3.15) moves the two differently, and others blur masks before 3.15.
"""

import keras
import numpy as np
from keras import ops

from nervekit.augment_intensity import (
    PLAIN,
    between,
    change_intensity,
    check_strengths,
    is_number,
    is_pair,
    positive_range,
)
from nervekit.errors import ConfigurationError, DataError

ULTRASOUND = {
    "flip": 0.5, "rotation": 15.0, "zoom": (0.85, 1.2), "aspect": (0.9, 1.1), "shear": 5.0, "shift": 0.08,
    "elastic": 0.015, "gamma": (0.7, 1.5), "brightness": 0.08, "contrast": (0.75, 1.3), "noise": 0.03,
    "blur": 0.8, "low_resolution": 1.5,
}  # fmt: skip
ELASTIC_CELLS = 4


def transform(
    images, masks, seed, *, flip=0.0, flip_vertical=0.0, rotation=0.0, zoom=(1.0, 1.0), aspect=(1.0, 1.0), shear=0.0,
    shift=0.0, elastic=0.0, gamma=(1.0, 1.0), brightness=0.0, contrast=(1.0, 1.0), noise=0.0, blur=0.0,
    low_resolution=1.0, fill="nearest", value_range=None, share=1.0,
):  # fmt: skip
    """Change a batch at random, each image in its own way; with the defaults nothing changes, to the bit.

    Parameters
    ----------
    images : tensor (N, H, W, C)
        uint8 or float. H and W are fixed, N need not be.
    masks : tensor (N, H, W) or (N, H, W, 1)
        Labels of any type; no new value appears.
    seed : int or keras.random.SeedGenerator
        The same int gives the same changes. Training takes a generator, which moves on with every call.
    flip, flip_vertical : float
        Probability of mirroring left and right, top and bottom.
    rotation, shear : float or (low, high)
        Degrees; a number stands for (-number, number). Positive turns counter-clockwise, as ``numpy.rot90``.
    zoom, aspect : (low, high)
        Enlargement, and width over height on top of it.
    shift : float or (rows, columns)
        Largest displacement as a share of height and width.
    elastic : float
        Standard deviation of a smooth displacement (cubic B-splines, 4 x 4 cells) as a share of the shorter side.
    gamma, brightness, contrast, noise, blur, low_resolution, value_range
        As in `augment_intensity.change_intensity`.
    fill : "nearest" or "constant"
        What lies outside the picture: its edge, or 0.
    share : float
        Probability that an image is changed at all; the others stay as they are, to the bit.

    Returns
    -------
    images, masks : tensors
        Of the shapes given, and of the types that the backend has for those given: of int64 JAX makes int32, of float64
        float32, of uint16 PyTorch makes int32.

    Raises
    ------
    ConfigurationError
        For an unknown `fill`, or a strength of another form or out of its range.
    DataError
        For images and masks whose shapes do not fit each other.

    Examples
    --------
    >>> images = np.zeros((2, 8, 8, 1), "uint8"); images[:, :, :4] = 200
    >>> mirrored, masks = transform(images, images[..., 0] > 100, seed=0, flip=1.0)
    >>> ops.convert_to_numpy(mirrored)[0, 0, :, 0].tolist()
    [0, 0, 0, 0, 200, 200, 200, 200]
    """
    images, masks = ops.convert_to_tensor(images), ops.convert_to_tensor(masks)
    _check(images, masks)
    height, width = images.shape[1:3]
    seeds = _seeds(seed, 5)
    before = images, masks
    degrees = _symmetric("rotation", rotation), _symmetric("shear", shear)
    stretches = positive_range("zoom", zoom), positive_range("aspect", aspect)
    rows, columns = _two("shift", shift, "a share, or (rows, columns)")
    _limits(flip=flip, flip_vertical=flip_vertical, shift=min(rows, columns), elastic=elastic, share=share)
    if fill not in ("nearest", "constant"):
        raise ConfigurationError(f"fill={fill!r}: expected 'nearest' or 'constant'")
    geometry = (flip, flip_vertical, *degrees, *stretches, rows, columns, elastic)
    if geometry != (0.0, 0.0, (0.0, 0.0), (0.0, 0.0), (1.0, 1.0), (1.0, 1.0), 0.0, 0.0, 0.0):
        batch = ops.shape(images)[0]
        drawn = ops.transpose(keras.random.uniform((batch, 8), dtype="float32", seed=seeds[0]))
        mirror = [ops.where(drawn[i] < share, -1.0, 1.0) for i, share in enumerate((flip_vertical, flip))]
        angle, slant = (between(drawn[2 + i], interval) * (np.pi / 180) for i, interval in enumerate(degrees))
        size, ratio = (between(drawn[4 + i], interval) for i, interval in enumerate(stretches))
        moved = [(2 * drawn[6] - 1) * rows * height, (2 * drawn[7] - 1) * columns * width]
        matrices = inverse_affine(
            angle, slant, (mirror[0] * size / ops.sqrt(ratio), mirror[1] * size * ops.sqrt(ratio)), moved
        )
        displacement = _elastic(batch, height, width, elastic, seeds[1]) if elastic else None
        images, masks = warp(images, masks, matrices, displacement, fill=fill)
    strengths = {"gamma": gamma, "brightness": brightness, "contrast": contrast, "noise": noise, "blur": blur,
                 "low_resolution": low_resolution}  # fmt: skip
    check_strengths(**strengths, value_range=value_range)
    if strengths != PLAIN:
        images = change_intensity(images, seeds[2:4], value_range=value_range, **strengths)
    if share < 1:
        chosen = keras.random.uniform((ops.shape(images)[0],), dtype="float32", seed=seeds[4]) < share
        images, masks = (_where(chosen, new, old) for new, old in zip((images, masks), before, strict=True))
    return images, masks


def inverse_affine(angle, shear, stretch, shift):
    """Matrices from a place in the new picture to its source, both counted from the centre.

    A point of the old picture is stretched, slanted sideways, turned counter-clockwise, and shifted.

    Parameters
    ----------
    angle, shear : tensors (N,)
        Radians.
    stretch, shift : pairs of tensors (N,)
        In rows and columns; shift in pixels.

    Returns
    -------
    tensor (N, 2, 3)
        ``source = matrix[:, :2] @ place + matrix[:, 2]``, with places as (row, column).
    """
    angle, shear, *pairs = (ops.convert_to_tensor(part) for part in (angle, shear, *stretch, *shift))
    stretch, shift = pairs[:2], pairs[2:]
    cosine, sine, slope = ops.cos(angle), ops.sin(angle), ops.tan(shear)
    # turn @ slant @ scale, with turn = [[cos, -sin], [sin, cos]] and slant = [[1, 0], [slope, 1]]
    a, b = (cosine - sine * slope) * stretch[0], -sine * stretch[1]
    c, d = (sine + cosine * slope) * stretch[0], cosine * stretch[1]
    determinant = a * d - b * c
    inverse = [d / determinant, -b / determinant, -c / determinant, a / determinant]
    back = [-(inverse[i] * shift[0] + inverse[i + 1] * shift[1]) for i in (0, 2)]
    rows = [ops.stack([inverse[i], inverse[i + 1], back[i // 2]], axis=-1) for i in (0, 2)]
    return ops.stack(rows, axis=1)


def warp(images, masks, matrices, displacement=None, *, fill="nearest"):
    """Sample images (linear) and masks (nearest) at the same places.

    Parameters
    ----------
    images, masks : tensors
        As in `transform`.
    matrices : tensor (N, 2, 3)
        As from `inverse_affine`.
    displacement : tensor (N, H, W, 2), optional
        Pixels in rows and columns, added to the source of each place.
    fill : "nearest" or "constant"

    Returns
    -------
    images, masks : tensors
        As from `transform`.

    Examples
    --------
    >>> images = np.arange(4, dtype="float32").reshape(1, 1, 4, 1)
    >>> none, one = np.zeros(1, "float32"), np.ones(1, "float32")
    >>> moved, _ = warp(images, images > 1, inverse_affine(none, none, (one, one), (none, one)))
    >>> ops.convert_to_numpy(moved).ravel().tolist()  # one pixel to the right
    [0.0, 0.0, 1.0, 2.0]
    """
    height, width = images.shape[1:3]
    row = ops.reshape(ops.arange(height, dtype="float32") - (height - 1) / 2, (1, height, 1))
    column = ops.reshape(ops.arange(width, dtype="float32") - (width - 1) / 2, (1, 1, width))
    source = []
    for axis, size in enumerate((height, width)):
        factors = [ops.reshape(matrices[:, axis, i], (-1, 1, 1)) for i in range(3)]
        place = factors[0] * row + factors[1] * column + factors[2] + (size - 1) / 2
        source.append(place if displacement is None else place + displacement[..., axis])
    inside = None
    if fill == "constant":
        inside = [(place >= -0.5) & (place <= size - 0.5) for place, size in zip(source, (height, width), strict=True)]
        inside = inside[0] & inside[1]
    source = [ops.clip(place, 0, size - 1) for place, size in zip(source, (height, width), strict=True)]
    return _linear(images, source, inside), _nearest(masks, source, inside)


def _linear(images, source, inside):
    height, width = images.shape[1:3]
    low = [ops.floor(place) for place in source]
    weight = [(place - floor)[..., None] for place, floor in zip(source, low, strict=True)]
    low = [ops.cast(floor, "int32") for floor in low]
    high = [ops.minimum(floor + 1, size - 1) for floor, size in zip(low, (height, width), strict=True)]
    corner = [[ops.cast(_take(images, r, c), "float32") for c in (low[1], high[1])] for r in (low[0], high[0])]
    line = [left + weight[1] * (right - left) for left, right in corner]
    result = line[0] + weight[0] * (line[1] - line[0])
    if inside is not None:
        result = result * ops.cast(inside, "float32")[..., None]
    whole = "int" in keras.backend.standardize_dtype(images.dtype)
    return ops.cast(ops.round(result) if whole else result, images.dtype)


def _nearest(masks, source, inside):
    row, column = (ops.cast(ops.floor(place + 0.5), "int32") for place in source)
    flat = len(masks.shape) == 3
    result = _take(masks[..., None] if flat else masks, row, column)
    if inside is not None:
        result = ops.where(inside[..., None], result, ops.zeros_like(result))
    return result[..., 0] if flat else result


def _take(images, row, column):
    _, height, width, channels = images.shape
    batch = ops.shape(images)[0]
    first = ops.reshape(ops.arange(batch, dtype="int32") * (height * width), (-1, 1, 1))
    return ops.take(ops.reshape(images, (-1, channels)), first + row * width + column, axis=0)


def _where(chosen, new, old):
    return ops.where(ops.reshape(chosen, (-1, *[1] * (len(new.shape) - 1))), new, old)


def _elastic(batch, height, width, strength, seed):
    knots = keras.random.normal((batch, ELASTIC_CELLS + 3, ELASTIC_CELLS + 3, 2), dtype="float32", seed=seed)
    pixels = strength * min(height, width)
    return pixels * ops.einsum("hi,bijc,wj->bhwc", _splines(height), knots, _splines(width))


def _splines(size):
    """Cubic B-splines (size, cells + 3), scaled so that standard normal knots give values of unit variance."""
    place = (np.arange(size) + 0.5) / size * ELASTIC_CELLS
    distance = np.abs(place[:, None] + 1 - np.arange(ELASTIC_CELLS + 3))
    weights = np.where(distance < 1, 2 / 3 - distance**2 + distance**3 / 2, np.clip(2 - distance, 0, None) ** 3 / 6)
    return ops.convert_to_tensor(weights / np.linalg.norm(weights, axis=1, keepdims=True), dtype="float32")


def _two(name, value, expected):
    both = value if isinstance(value, tuple | list) else (value, value)
    if not is_pair(both):
        raise ConfigurationError(f"{name}={value!r}: expected {expected}")
    return both


def _symmetric(name, value):
    expected = "degrees, or (low, high) in this order"
    low, high = _two(name, value, expected)
    low = low if isinstance(value, tuple | list) else -high
    if low > high:
        raise ConfigurationError(f"{name}={value!r}: expected {expected}")
    return float(low) + 0.0, float(high)


def _limits(**strengths):
    for name, strength in strengths.items():
        probability = name in ("flip", "flip_vertical", "share")
        if not is_number(strength) or strength < 0 or (probability and strength > 1):
            expected = "a probability, 0 to 1" if probability else "a number, 0 or more"
            raise ConfigurationError(f"{name}={strength!r}: expected {expected}")


def _seeds(seed, n):
    if isinstance(seed, int | np.integer):
        # Before Keras 3.15 seeds from 2**31 on are refused on PyTorch.
        return [int(state) // 2 for state in np.random.SeedSequence(int(seed) % 2**32).generate_state(n)]
    return [seed] * n


def _check(images, masks):
    if len(images.shape) != 4 or None in tuple(images.shape[1:]):
        raise DataError(f"images have the shape {tuple(images.shape)}, expected (images, height, width, channels) "
                        "of a known size")
    known = None not in (images.shape[0], masks.shape[0])
    others = known and images.shape[0] != masks.shape[0]
    if others or tuple(masks.shape[1:]) not in (tuple(images.shape[1:3]), (*images.shape[1:3], 1)):
        raise DataError(f"masks have the shape {tuple(masks.shape)}, images {tuple(images.shape)}: expected masks "
                        "(images, height, width), with or without a channel axis of 1")
