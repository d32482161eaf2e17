"""Kaggle's run-length code of masks, and the submission files made of it.

Pixels are numbered from 1, down the first column, then down the second; a mask is written as "start length" pairs.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from nervekit import whole
from nervekit.data import files
from nervekit.errors import DataError

COLUMNS = ["img", "pixels"]


def encode(mask: np.ndarray) -> str:
    """Write a mask as "start length" pairs.

    Parameters
    ----------
    mask : (H, W) array
        Anything but 0 is the structure.

    Returns
    -------
    str
        Empty for an empty mask.

    Raises
    ------
    nervekit.errors.DataError
        If `mask` has not two dimensions.

    Examples
    --------
    >>> encode(np.array([[0, 1], [1, 1]]))
    '2 3'
    """
    mask = np.asarray(mask)
    if mask.ndim != 2:
        raise DataError(f"mask: has the shape {mask.shape}; expected (height, width). Encode one mask at a time.")
    flat = np.concatenate([[False], mask.astype(bool).ravel(order="F"), [False]])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    starts, ends = edges[::2], edges[1::2]
    return " ".join(map(str, np.stack([starts + 1, ends - starts], axis=1).ravel().tolist()))


def decode(pixels: str, shape: tuple[int, int], name: str = "run-length code") -> np.ndarray:
    """Read "start length" pairs.

    Parameters
    ----------
    pixels : str
        The code; empty for an empty mask.
    shape : (height, width)
        In pixels; the code does not tell it.
    name : str
        What errors call the code.

    Returns
    -------
    (H, W) bool array

    Raises
    ------
    nervekit.errors.DataError
        If the code is not pairs of whole numbers, leaves the image, or its runs overlap.

    Examples
    --------
    >>> decode("2 3", (2, 2)).astype(int).tolist()
    [[0, 1], [1, 1]]
    """
    height, width = shape
    if not isinstance(pixels, str):
        raise DataError(
            f"{name}: is {pixels!r}, not a string. With pandas read empty codes with read_csv(keep_default_na=False)."
        )
    words = pixels.split()
    if not all(word.isascii() and word.isdigit() and len(word) <= 18 for word in words):
        wrong = next(word for word in words if not (word.isascii() and word.isdigit() and len(word) <= 18))
        raise DataError(f"{name}: {wrong[:30]!r} is not a whole number. Expected pairs such as '2 3', or nothing.")
    if len(words) % 2:
        raise DataError(f"{name}: holds {len(words)} numbers; expected pairs of start and length. One is lost.")
    starts, lengths = np.array(words, np.int64).reshape(-1, 2).T
    ends = starts + lengths
    outside = np.flatnonzero((starts < 1) | (lengths < 1) | (ends > height * width + 1))
    if len(outside):
        run = f"{starts[outside[0]]} {lengths[outside[0]]}"
        raise DataError(
            f"{name}: the run '{run}' is not within pixels 1 to {height * width} of an image of {height} rows and "
            f"{width} columns. Was the image resized, or are pixels counted from 0?"
        )
    order = np.argsort(starts, kind="stable")
    overlap = np.flatnonzero(starts[order][1:] < ends[order][:-1])
    if len(overlap):
        one, other = (f"{starts[i]} {lengths[i]}" for i in order[overlap[0] : overlap[0] + 2])
        raise DataError(f"{name}: the runs '{one}' and '{other}' overlap. Each pixel may be named once.")
    change = np.zeros(height * width + 1, np.int8)
    np.add.at(change, starts - 1, 1)
    np.add.at(change, ends - 1, -1)
    return np.cumsum(change[:-1]).astype(bool).reshape((height, width), order="F")


def write_submission(
    path: str | Path, masks: Mapping[int | str, np.ndarray], shape: tuple[int, int] = (420, 580)
) -> Path:
    """Write masks as a submission: a CSV file with the columns ``img`` and ``pixels``, whole or not at all.

    Parameters
    ----------
    path : path
        File to write.
    masks : mapping of int or str to (H, W) array
        Mask of each test image, by its number.
    shape : (height, width)
        In pixels, of every mask: a code of another size would be read as another mask.

    Raises
    ------
    nervekit.errors.DataError
        If a mask has another shape, or the file cannot be written.
    """
    path = Path(path)
    for name, mask in masks.items():
        if np.shape(mask) != tuple(shape):
            raise DataError(
                f"mask of image {name}: has the shape {np.shape(mask)}; expected {tuple(shape)}, the size of the files. "
                "Enlarge outputs with nervekit.presence.full_size first."
            )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((name, encode(mask)) for name, mask in masks.items())
    whole.write_text(path, text.getvalue())
    return path


def read_submission(path: str | Path, shape: tuple[int, int] = (420, 580)) -> dict[str, np.ndarray]:
    """Read a submission.

    Returns
    -------
    dict of str to (H, W) bool array
        Mask of each image, by its number, in the order of the file.

    Raises
    ------
    nervekit.errors.DataError
        As :func:`each_of_submission`.
    """
    return dict(each_of_submission(path, shape))


def each_of_submission(path: str | Path, shape: tuple[int, int] = (420, 580)) -> Iterator[tuple[str, np.ndarray]]:
    """Read a submission mask by mask: those of all 5,508 test images together take 1.3 GB.

    Yields
    ------
    str, (H, W) bool array
        Number and mask of each image, in the order of the file.

    Raises
    ------
    nervekit.errors.DataError
        If the file cannot be read, lacks a column, names an image twice, or has a code that cannot be read.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise files.unreadable(path, error) from error
    named = set()
    for line, row in rows(content, str(path), COLUMNS):
        if row["img"] in named:
            raise DataError(f"{path}: line {line} names the image {row['img']!r} again. Keep one row an image.")
        named.add(row["img"])
        yield row["img"], decode(row["pixels"], shape, f"{path}: line {line}")


def rows(content: bytes, name: str, columns: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Go through the rows of a CSV file with their line numbers; DataError if it is none, or a row does not fit `columns`."""
    try:
        csv.field_size_limit(2**31 - 1)  # a speckled mask has more characters than Python's usual limit
        reader = csv.DictReader(content.decode("utf-8-sig").splitlines())
        found = reader.fieldnames or []
        if any(column not in found for column in columns):
            raise DataError(f"{name}: has the columns {', '.join(found) or 'none'}; expected {', '.join(columns)}.")
        for row in reader:
            if any(row[column] is None for column in columns):
                raise DataError(f"{name}: line {reader.line_num} is cut off; expected {', '.join(columns)}.")
            if any(field.strip() for field in row.get(None, ())):
                raise DataError(
                    f"{name}: line {reader.line_num} has more fields than there are columns. Write a field that holds a comma "
                    "in quotation marks."
                )
            yield reader.line_num, row
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{name}: is not a CSV file in UTF-8 ({error}). Export it again.") from error
