"""The median nerve set of Melnic et al.: BMP images and three-channel masks, several a patient."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

import numpy as np

from nervekit.data import pairs
from nervekit.data.files import Source
from nervekit.errors import DataError

NAME = re.compile(r"Dataset/(Images|Masks)/(Pz(\d+)-(\d+))\.bmp")
NATIVE = (468, 606)
SPLIT_SEED, TEST_SHARE, DEVELOPMENT_SHARE = 42, 0.15, 0.2


def read(
    source: Source, size: tuple[int, int] | None = (256, 256), channels: int = 1, progress: bool = False
) -> dict:
    """Read every image and mask, ordered by patient and image number.

    The scale of the pictures is unknown (the resolution in the BMP header is a default), so there is no spacing.

    Parameters
    ----------
    source : Source
        The unpacked folder or the archive, as `nervekit.data.files.open_source` gives it.
    size : (height, width) or None
        In pixels; None keeps 468 x 606 and gives lists.
    channels : {1, 3}
        Grey or RGB.
    progress : bool
        Show a progress bar.

    Returns
    -------
    dict
        ``images``, ``masks``, ``ids``, ``groups`` (patients) and ``parts`` as in `SegmentationDataset`.

    Raises
    ------
    nervekit.errors.DataError
        If files are missing or cannot be decoded, have another size, or a mask has other values than 0 and 255.
    """
    names = pair(source)
    images, masks = pairs.read(source, list(names.values()), size, channels, progress, NATIVE)
    groups = [group_of(name) for name in names]
    parts = published_parts(groups)
    arrays = {"images": images, "masks": masks, "ids": np.array(list(names)), "groups": np.array(groups)}
    return arrays | ({} if parts is None else {"parts": parts})


def pair(source: Source) -> dict[str, tuple[str, str]]:
    """List (image path, mask path) by id, in order; DataError if a partner is missing."""
    found: dict[str, dict[str, str]] = {"Images": {}, "Masks": {}}
    for name in source.sizes:
        if match := NAME.fullmatch(name):
            found[match[1]][match[2]] = name
    if not found["Images"] and not found["Masks"]:
        raise DataError(
            f"{source.path}: holds no images of the median set; expected Dataset/Images/Pz001-001.bmp and so on. "
            "Let NERVEKIT_DATA name the set's archive or folder."
        )
    for name in sorted(found["Images"].keys() ^ found["Masks"].keys()):
        have, lack = ("Images", "Masks") if name in found["Images"] else ("Masks", "Images")
        raise DataError(
            f"{source.path}: {found[have][name]} has no partner {name}.bmp in Dataset/{lack}. Each image needs one "
            "mask of the same name: add it, or take the other away."
        )
    ordered = sorted(found["Images"], key=lambda name: tuple(map(int, re.findall(r"\d+", name))))
    return {name: (found["Images"][name], found["Masks"][name]) for name in ordered}


def group_of(name: str) -> str:
    """Return the patient of an image: the number after ``Pz``.

    Examples
    --------
    >>> group_of("Pz012-003")
    '012'
    """
    return name[2:].split("-")[0]


def published_parts(groups: Sequence[str]) -> np.ndarray | None:
    """Split by patient as the paper did: 164, 38 and 44 images of 69, 18 and 16 patients in the public set.

    Patients are sorted, shuffled by Python's ``Random(42)``, and dealt twice by scikit-learn's
    ``train_test_split`` with ``random_state=42``: 15 % for the test, then 20 % of the others for development.

    Parameters
    ----------
    groups : (N,) sequence of str
        Patient of each image.

    Returns
    -------
    (N,) str array or None
        ``"train"``, ``"development"`` or ``"test"``; None for fewer than three patients.

    Examples
    --------
    >>> published_parts(["1", "2", "3", "3"]).tolist()
    ['train', 'test', 'development', 'development']
    """
    from sklearn.model_selection import train_test_split

    patients = sorted(set(groups))
    if len(patients) < 3:
        return None
    random.Random(SPLIT_SEED).shuffle(patients)
    rest, test = train_test_split(patients, test_size=TEST_SHARE, random_state=SPLIT_SEED)
    _, development = train_test_split(rest, test_size=DEVELOPMENT_SHARE, random_state=SPLIT_SEED)
    part = dict.fromkeys(patients, "train") | dict.fromkeys(development, "development") | dict.fromkeys(test, "test")
    return np.array([part[group] for group in groups])
