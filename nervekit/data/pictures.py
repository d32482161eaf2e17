"""From the bytes of one picture to an array: grey values, masks, and their resizing."""

from __future__ import annotations

import io
import operator
import warnings

import numpy as np
from PIL import Image, ImageOps, TiffImagePlugin

from nervekit.errors import ConfigurationError, DataError

VOC_PALETTE = [0, 0, 0, 128, 0, 0]
LAYERED = ("MPO", "PSD")  # formats whose first picture stands for all: a photograph and previews of it, or layers
LOSSY = ("AVIF", "JPEG", "JPEG2000", "MPO", "WEBP")
FEW = 10  # values of a map of structures; smoothing and lossy formats mostly leave more


def check_shape(size: tuple[int, int] | None, channels: int) -> None:
    """Raise ConfigurationError unless readers can make arrays of this size and number of channels."""
    if size is not None:
        try:
            height, width = map(operator.index, size)
            fits = 8 <= min(height, width) and max(height, width) <= 4096
        except (TypeError, ValueError):
            fits = False
        if not fits:
            raise ConfigurationError(f"size={size!r}: expected (height, width), each from 8 to 4096 pixels, or None.")
    if not isinstance(channels, int) or channels not in (1, 3):
        raise ConfigurationError(f"channels={channels!r}: expected 1 (grey) or 3 (RGB).")


def open_picture(content: bytes, name: str) -> Image.Image:
    """Decode a picture completely.

    Raises
    ------
    nervekit.errors.DataError
        If it is truncated, damaged or of an unknown format, holds several pictures, or has 16 bits a channel in colour.
    """
    try:
        picture = Image.open(io.BytesIO(content))
        several = getattr(picture, "is_animated", False) and picture.format not in LAYERED
        count = picture.n_frames if several else 1
        deep = any(";16" in str(tile) for tile in picture.tile)  # loading empties it
        picture.load()
    except Exception as error:  # Pillow's many formats raise many kinds on damaged bytes
        raise DataError(
            f"{name}: cannot be decoded as a picture ({error}). It is truncated, damaged, or of a format that "
            "Pillow does not read: get or export it again."
        ) from error
    if count > 1:
        raise DataError(f"{name}: holds {count} pictures, and only one can be read. Save each frame as a file of its own.")
    if deep and not picture.mode.startswith("I"):
        raise DataError(f"{name}: has 16 bits a channel, of which only the upper eight would be read. Export it with 8 bits.")
    return picture


def upright(content: bytes, name: str) -> Image.Image:
    """Decode a picture and turn it as its camera says; DataError if it cannot be decoded, or its EXIF data is damaged."""
    return _turned(open_picture(content, name), name)


def _turned(picture: Image.Image, name: str) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except Exception as error:  # Pillow raises many kinds on damaged EXIF data
        raise DataError(f"{name}: its EXIF data cannot be read ({error}). Save the picture anew without it.") from error


def read_image(content: bytes, name: str, channels: int = 1) -> Image.Image:
    """Decode an image as 8-bit grey (``channels=1``, ITU-R 601 luma) or RGB (``channels=3``)."""
    return to_grey_or_colour(open_picture(content, name), name, channels)


def to_grey_or_colour(picture: Image.Image, name: str, channels: int) -> Image.Image:
    """Convert a decoded picture as `read_image` does; DataError if it has more than 8 bits a pixel."""
    if picture.mode.startswith(("I", "F")):
        raise DataError(f"{name}: has more than 8 bits a pixel (mode {picture.mode}). Export it with 8 bits.")
    try:
        return picture.convert("L" if channels == 1 else "RGB")
    except ValueError as error:
        raise DataError(f"{name}: has the mode {picture.mode} ({error}). Export it as grey or RGB.") from error


def read_mask(content: bytes, name: str, palette: bool = False, turn: bool = False) -> Image.Image:
    """Decode a binary mask as a picture of mode L whose values are 0 and 1.

    A palette picture is read by its index, never by its colour: the index is the class. One whose palette has the
    brighter colour at index 0 is refused, because it would be read inside out, and so is, with `turn`, a TIFF that stores
    white as 0: of the published sets it is known what is inside.
    Grey, black-and-white and RGB pictures may hold 0 and one other value (1 or 255), equal in all three channels.

    Parameters
    ----------
    palette : bool
        Accept a palette picture alone, with the colour map of labelme's VOC export (0 black, 1 dark red).
    turn : bool
        Turn it as its EXIF data say, as `upright` does; masks of public sets are taken as they are stored.

    Raises
    ------
    nervekit.errors.DataError
        If the mask has another palette or one with the brighter colour at index 0, stores white as 0, or has
        values other than background and one class, differing channels, or transparent pixels that are not black.
    """
    picture = open_picture(content, name)
    stored = picture.format  # a turned picture has none
    if turn and _white_as_zero(picture):
        raise DataError(
            f"{name}: stores white as 0 (TIFF tag 262), as programs do that show the structure in black, so that the mask may "
            "be read inside out. Save it as a grey PNG, 0 background and 255 structure."
        )
    if turn:
        picture = _turned(picture, name)
    if palette and (picture.mode != "P" or picture.getpalette()[:6] != VOC_PALETTE):
        found = "another palette" if picture.mode == "P" else f"a picture of mode {picture.mode}"
        raise DataError(
            f"{name}: has {found}, where the set has palette PNGs with 0 = (0, 0, 0) background and "
            "1 = (128, 0, 0) nerve. Save the index image with that palette (labelme's VOC export does)."
        )
    if picture.mode == "P" and _inside_out(picture):
        raise DataError(
            f"{name}: its palette has the brighter colour at index 0, so that the mask would be read inside out. Save it "
            "as a grey PNG, 0 background and 255 structure."
        )
    if picture.mode in ("LA", "RGBA"):
        hidden = np.asarray(picture.getchannel("A")) < 255
        picture = picture.convert("RGB")
        if np.asarray(picture)[hidden].any():
            raise DataError(
                f"{name}: a mask with transparent pixels that are not black. Expected an opaque picture in black and "
                "white: export it without transparency."
            )
    values = np.asarray(picture).astype(np.uint8) if picture.mode == "1" else np.asarray(picture)
    if values.ndim == 3:
        if (values != values[..., :1]).any():
            raise DataError(
                f"{name}: a mask with colours. Expected black and white, or a palette with indices 0, 1."
            )
        values = values[..., 0]
    counted = values.dtype == np.uint8  # counting is several times faster than the sorting of np.unique
    levels = np.flatnonzero(np.bincount(values.ravel())) if counted else np.unique(values)
    allowed = ([0, 1],) if picture.mode == "P" else ([0, 1], [0, 255])
    if not any(set(levels.tolist()) <= set(pair) for pair in allowed):
        expected = " or ".join(str(set(pair)) for pair in allowed)
        shown = ", ".join(map(str, levels[:6].tolist())) + (", ..." if len(levels) > 6 else "")
        several = picture.mode == "P" or len(levels) <= FEW and stored not in LOSSY
        advice = "A mask saved as JPEG or resized with smoothing looks like this: export it again as PNG."
        if not counted and not 2 < len(levels) <= FEW:
            advice = "Export it with 8 bits, 0 and 255."
        elif several:
            advice = f"It looks like a label map of several structures: write one mask for each, `values == {levels[-1]}`."
            if picture.mode != "P" and 255 in levels:
                advice += " Or it was resized with smoothing: export it again as PNG."
        raise DataError(f"{name}: is not binary, it holds the values {shown}; expected {expected}. {advice}")
    return Image.fromarray((values > 0).astype(np.uint8))


def _white_as_zero(picture: Image.Image) -> bool:
    """Whether Pillow inverted a TIFF picture; one that does not say how it is stored counts as one that stores white as 0."""
    tiff = isinstance(picture, TiffImagePlugin.TiffImageFile)
    return tiff and picture.tag_v2.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION, 0) == 0


def _inside_out(picture: Image.Image) -> bool:
    colours = np.zeros((2, 3))  # colours that a short palette lacks are black
    listed = np.reshape(picture.getpalette() or [], (-1, 3))[:2]
    colours[: len(listed)] = listed
    background, structure = colours @ (0.299, 0.587, 0.114)
    return background > structure


def resize(picture: Image.Image, size: tuple[int, int] | None, method: str = "linear") -> np.ndarray:
    """Resize a picture to (height, width) and return it as an array.

    Parameters
    ----------
    size : (int, int) or None
        Height and width in pixels; None leaves the picture as it is.
    method : {"linear", "nearest"}
        ``linear`` is Pillow's bilinear filter, which averages over the shrunken area (antialiased) and suits
        images; ``nearest`` makes no new values and suits masks.

    Examples
    --------
    >>> mask = Image.fromarray(np.array([[0, 1], [1, 1]], np.uint8))
    >>> resize(mask, (4, 4), "nearest").sum()
    np.uint64(12)
    """
    if size is not None and picture.size != (size[1], size[0]):
        filters = {"linear": Image.Resampling.BILINEAR, "nearest": Image.Resampling.NEAREST}
        picture = picture.resize((size[1], size[0]), filters[method])
    return np.asarray(picture)


def resize_image(picture: Image.Image, size: tuple[int, int] | None) -> np.ndarray:
    """Resize a grey or RGB image as `resize` does, and return it as an (H, W, C) array.

    Examples
    --------
    >>> resize_image(Image.new("L", (30, 20)), (10, 15)).shape
    (10, 15, 1)
    """
    pixels = resize(picture, size)
    return pixels if pixels.ndim == 3 else pixels[..., np.newaxis]


def tell_vanished(names: list[str], size: tuple[int, int] | None) -> None:
    """Warn of structures that no pixel is left of: their images would count as images without one."""
    if names:
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        warnings.warn(
            f"{names[0]}{others}: at {size[0]} x {size[1]} pixels nothing is left of the structure, so that the image counts as "
            "one without it. Take a larger size, or leave the image out.",
            UserWarning,
            stacklevel=3,
        )


def check_pair(image: Image.Image, mask: Image.Image, image_name: str, mask_name: str) -> None:
    """Raise DataError if an image and its mask differ in size."""
    if image.size != mask.size:
        raise DataError(
            f"{mask_name}: is {mask.size[0]} x {mask.size[1]} pixels (width x height), but its image {image_name} "
            f"is {image.size[0]} x {image.size[1]}. A mask belongs to one image, pixel for pixel: export it again."
        )
