"""The brachial plexus set of Kaggle's Ultrasound Nerve Segmentation: LZW TIFF, about 120 images a subject."""

from __future__ import annotations

import itertools
import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from nervekit.data import files, pairs, pictures, rle
from nervekit.data.files import Source
from nervekit.errors import DataError

NAME = re.compile(r"train/(\d{1,9})_(\d{1,9})(_mask)?\.tiff?", re.IGNORECASE)
TEST_NAME = re.compile(r"test/(\d{1,9})\.tiff?", re.IGNORECASE)
TABLE = "train_masks.csv"
NATIVE = (420, 580)
TRAINING_SHARE = 0.8
SOFTWARE = "Simulated by nervekit"  # what simulated TIFF files say about themselves


def uses(name: str) -> bool:
    """Say whether a file takes part in the labelled images: the unlabelled test images do not."""
    return not name.startswith("test/")


def read(
    source: Source, size: tuple[int, int] | None = (96, 96), channels: int = 1, progress: bool = False
) -> dict:
    """Read the labelled images, ordered by subject and image number; part of the set will do.

    Masks without a nerve are empty. Where ``train_masks.csv`` is present, its run-length codes are compared with
    the mask files. Subjects that the table lists and the folder lacks are the rest of the set, which a warning counts;
    an image that is lost from a subject is an error.

    Parameters
    ----------
    source : Source
        The unpacked folder or the archive, as `nervekit.data.files.open_source` gives it.
    size : (height, width) or None
        In pixels; None keeps 420 x 580 and gives lists.
    channels : {1, 3}
        Grey or RGB.
    progress : bool
        Show a progress bar.

    Returns
    -------
    dict
        ``images``, ``masks``, ``ids`` (``"1_2"`` is image 2 of subject 1), ``groups`` (subjects) and ``parts``: the
        first four fifths for training, the rest for development, as Belahsen and El Manouzi did; the order of files
        on their machine is not known, so that their parts held other images.

    Raises
    ------
    nervekit.errors.DataError
        If a partner is missing, a file cannot be decoded, has another size, or contradicts the table, the table
        lists an image that a subject lacks, or simulated files would pass for real ones.
    """
    source = without_simulated(source)
    names = pair(source)
    listed = table(source)
    unlisted = [name for name in names if listed and name not in listed]
    if unlisted:
        raise DataError(
            f"{source.path}: {TABLE} has no row for {unlisted[0]} (and {len(unlisted) - 1} more), so that these are not "
            "images of the set. Take them away, or delete the table."
        )
    absent = [name for name in listed if name not in names]
    subjects = {name.split("_")[0] for name in names}
    lost = [name for name in absent if name.split("_")[0] in subjects]
    if lost:
        raise DataError(
            f"{source.path}: {TABLE} lists {lost[0]} (and {len(lost) - 1} more of subjects that are here), but its image "
            "is not in train/. Get the files again (`nervekit data check brachial` names them), or delete the table "
            "to read what is here."
        )
    if text := remark(source):
        warnings.warn(text, stacklevel=3)

    shown_by = {mask_name: name for name, (_, mask_name) in names.items()}

    def check(mask_name: str, mask: np.ndarray) -> None:
        name = shown_by[mask_name]
        if not listed or listed[name] == rle.encode(mask):
            return
        if not np.array_equal(rle.decode(listed[name], mask.shape, f"{source.path}: {TABLE}, {name}"), mask):
            raise DataError(
                f"{source.path}: {mask_name} is not the mask that {TABLE} gives for {name}. One of the two was "
                "changed: get both again."
            )

    images, masks = pairs.read(source, list(names.values()), size, channels, progress, NATIVE, check)
    ids = list(names)
    parts = published_parts(len(ids))
    groups = np.array([name.split("_")[0] for name in ids])
    return {"images": images, "masks": masks, "ids": np.array(ids), "groups": groups, "parts": parts}


def remark(source: Source) -> str:
    """Say how much of the set is here where the table lists more subjects; empty where it does not."""
    names, listed = pair(source), table(source)
    here, subjects = ({name.split("_")[0] for name in known} for known in (names, listed))
    if subjects <= here:
        return ""
    return (
        f"{source.path}: part of the set, {len(here)} of {len(here | subjects)} subjects that {TABLE} lists "
        f"({len(names)} of {len(listed)} images). `nervekit data check brachial` names what is missing."
    )


def published_parts(count: int) -> np.ndarray:
    """Deal `count` images in the order in which they are read: four fifths for training, the rest for development.

    Examples
    --------
    >>> published_parts(5635).tolist().count("train")
    4508
    """
    return np.where(np.arange(count) < int(TRAINING_SHARE * count), "train", "development")


def pair(source: Source) -> dict[str, tuple[str, str]]:
    """List (image path, mask path) by ``"subject_image"``, in order; DataError if a partner is missing."""
    found: tuple[dict, dict] = ({}, {})
    for path in source.sizes:
        if match := NAME.fullmatch(path):
            number = int(match[1]), int(match[2])
            other = found[bool(match[3])].setdefault(number, path)
            if other != path:
                raise DataError(f"{source.path}: {other} and {path} are the same image or mask twice. Keep one.")
    if not found[0] and not found[1]:
        raise DataError(
            f"{source.path}: holds no labelled images of the brachial set; expected train/1_1.tif with "
            "train/1_1_mask.tif and so on. Let NERVEKIT_DATA name the archive or folder that Kaggle gave."
        )
    for subject, image in sorted(found[0].keys() ^ found[1].keys()):
        masked = (subject, image) in found[1]
        have, lack = found[masked][subject, image], f"{subject}_{image}{'' if masked else '_mask'}.tif"
        raise DataError(f"{source.path}: {have} has no partner train/{lack}. Add it, or take the other away.")
    return {f"{s}_{i}": (found[0][s, i], found[1][s, i]) for s, i in sorted(found[0])}


def without_simulated(source: Source) -> Source:
    """Return `source` so that it refuses to read simulated pictures, unless ``SIMULATED.json`` says what they are."""
    if files.MARKER in source.sizes:
        return source

    def read(name: str) -> bytes:
        content = source.read(name)
        if SOFTWARE.encode() in content:  # a tag is stored as it is: finding it costs less than parsing the tags
            raise DataError(
                f"{source.path}: {name} is a simulated picture, but {files.MARKER} does not lie beside train/, so that "
                "it would pass for a real one. Name the whole folder that `nervekit phantom` wrote."
            )
        return content

    return replace(source, read=read)


def table(source: Source) -> dict[str, str]:
    """Read ``train_masks.csv``: run-length code by ``"subject_image"``; empty if the file is not here."""
    if TABLE not in source.sizes:
        return {}
    name = f"{source.path}: {TABLE}"
    codes: dict[str, str] = {}
    for line, row in rle.rows(source.read(TABLE), name, ["subject", "img", "pixels"]):
        key = f"{row['subject'].strip()}_{row['img'].strip()}"
        if not re.fullmatch(r"\d{1,9}_\d{1,9}", key):
            raise DataError(f"{name}: line {line} names the image {key!r}; expected numbers of subject and image.")
        key = "_".join(str(int(number)) for number in key.split("_"))
        if key in codes:
            raise DataError(f"{name}: line {line} names the image {key} again. Keep one row an image.")
        codes[key] = row["pixels"].strip()
    return codes


def read_test(
    path: str | Path, size: tuple[int, int] | None = (96, 96), channels: int = 1, progress: bool = False
) -> tuple:
    """Read the images without labels, for a submission (see `nervekit.data.rle.write_submission`).

    Returns
    -------
    images : (N, H, W, C) uint8 array, or list of (H, W, C) arrays if `size` is None
    ids : (N,) int array
        Numbers of the images, in order.

    Raises
    ------
    nervekit.errors.ConfigurationError
        If the size or the number of channels is none.
    nervekit.errors.DataError
        If there are none, or one cannot be read or has another size.
    """
    pictures.check_shape(size, channels)
    with files.open_source(path) as opened:
        source = without_simulated(opened)
        names = sorted((int(match[1]), match[0]) for match in map(TEST_NAME.fullmatch, source.sizes) if match)
        for (number, one), (following, other) in itertools.pairwise(names):
            if number == following:
                raise DataError(f"{source.path}: {one} and {other} are the same image twice. Keep one of them.")
        if not names:
            raise DataError(f"{source.path}: holds no test/1.tif and so on. Get the whole set from Kaggle.")

        def picture(entry: tuple[int, str]) -> tuple[np.ndarray, bool]:
            image = pictures.read_image(source.read(entry[1]), f"{source.path}: {entry[1]}", channels)
            pairs.check_size(image, NATIVE, f"{source.path}: {entry[1]}")
            return pictures.resize_image(image, size), False

        results = pairs.bar(pairs.ahead(picture, names), len(names), progress)
        images, _ = pairs.collect(results, len(names), size, channels)
    return images, np.array([number for number, _ in names])
