"""Reading many pairs of image and mask one after the other: only what is kept stays in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from nervekit.data import pictures
from nervekit.data.files import Source
from nervekit.errors import DataError

THREADS = 2
AHEAD = 16


def read(
    source: Source,
    names: Sequence[tuple[str, str]],
    size: tuple[int, int] | None,
    channels: int = 1,
    progress: bool = False,
    native: tuple[int, int] | None = None,
    check: Callable[[str, np.ndarray], None] | None = None,
) -> tuple:
    """Decode and resize pairs in this order.

    Images are resized with an antialiased bilinear filter, masks to the nearest pixel.

    Parameters
    ----------
    source : Source
        Where the files are read.
    names : sequence of (str, str)
        Image and mask of each pair.
    size : (height, width) or None
        In pixels; None keeps native sizes and gives lists.
    channels : {1, 3}
        Grey or RGB.
    progress : bool
        Show a progress bar.
    native : (height, width), optional
        The one size that all pictures of the set have.
    check : callable, optional
        Called with the name and the (H, W) array of every mask, before it is resized.

    Returns
    -------
    images : (N, H, W, C) uint8 array, or list of (H, W, C) arrays
    masks : (N, H, W) bool array, or list of (H, W) arrays

    Raises
    ------
    nervekit.errors.DataError
        If a file cannot be decoded, has another size than its partner or the set, or a mask is not binary.
    """

    def one(pair: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
        image_name, mask_name = pair
        image = pictures.read_image(source.read(image_name), f"{source.path}: {image_name}", channels)
        check_size(image, native, f"{source.path}: {image_name}")
        mask = pictures.read_mask(source.read(mask_name), f"{source.path}: {mask_name}")
        pictures.check_pair(image, mask, image_name, f"{source.path}: {mask_name}")
        if check is not None:
            check(mask_name, np.asarray(mask))
        return pictures.resize_image(image, size), pictures.resize(mask, size, "nearest").astype(bool)

    return collect(bar(ahead(one, names), len(names), progress), len(names), size, channels)


def collect(results: Iterable, count: int, size: tuple[int, int] | None, channels: int) -> tuple:
    """Gather (image, mask) arrays: into two arrays made beforehand, or two lists if `size` is None."""
    if size is None:
        images, masks = zip(*results)
        return list(images), list(masks)
    images = np.empty((count, *size, channels), np.uint8)
    masks = np.empty((count, *size), bool)
    for position, (image, mask) in enumerate(results):
        images[position], masks[position] = image, mask
    return images, masks


def ahead(function: Callable, values: Iterable) -> Iterator:
    """Apply `function` in two threads, in order, at most 16 values ahead of who takes the results."""
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        waiting: deque = deque()
        try:
            for value in values:
                waiting.append(pool.submit(function, value))
                if len(waiting) >= AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def bar(values: Iterable, total: int, progress: bool, unit: str = "image") -> Iterable:
    """Pass values on, under a progress bar if it is wanted."""
    if not progress:
        return values
    from tqdm.auto import tqdm

    return tqdm(values, total=total, desc="reading", unit=unit)


def check_size(picture: Image.Image, native: tuple[int, int] | None, name: str) -> None:
    """Raise DataError if a picture has not the size that every picture of its set has."""
    if native is not None and picture.size != native[::-1]:
        raise DataError(
            f"{name}: is {picture.size[0]} x {picture.size[1]} pixels (width x height), where every picture of the "
            f"set is {native[1]} x {native[0]}. It was resized or comes from elsewhere: get the original."
        )
