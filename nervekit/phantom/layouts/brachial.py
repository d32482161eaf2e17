"""The files of the simulated brachial set: grey LZW TIFF of 580x420, a list of run-length codes, a test part.

``train/S_I.tif`` with ``train/S_I_mask.tif`` {0, 255} (subject S, image I, both from 1), ``train_masks.csv``
(columns subject, img and pixels, see :mod:`nervekit.data.rle`), and ``test/I.tif``: other subjects, no masks. The
software that TIFF files name (tag 305) is nervekit, so that one of them alone still says what it is.
"""

import csv

import numpy as np
from PIL import Image

from nervekit.data import rle
from nervekit.data.brachial import SOFTWARE
from nervekit.phantom import brachial
from nervekit.phantom.layouts import frames

FRAMES = (8, 10, 12, 14, 16)
FRAME_CHANCES = (0.2,) * 5
TIFF = {"compression": "tiff_lzw", "software": SOFTWARE}
TEST_FRAMES = 4  # of one further subject for every five


def write(folder, subjects, seed, progress=False):
    """Write the set into ``folder``; how many training images it has."""
    (folder / "train").mkdir(parents=True)
    (folder / "test").mkdir()
    rng = np.random.default_rng([seed, subjects, 2**20])
    numbers = frames.numbered(subjects, FRAMES, FRAME_CHANCES, rng)
    rows = []
    for subject, frame in frames.bar(numbers, "brachial", progress):
        picture, mask = screenshot(subject, frame, seed=seed)
        name = f"{subject + 1}_{frame + 1}"
        picture.save(folder / "train" / f"{name}.tif", **TIFF)
        mask.save(folder / "train" / f"{name}_mask.tif", **TIFF)
        rows.append((subject + 1, frame + 1, rle.encode(np.asarray(mask))))
    with open(folder / "train_masks.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("subject", "img", "pixels"))
        writer.writerows(rows)
    others = [(subjects + one, frame) for one in range(-(-subjects // 5)) for frame in range(TEST_FRAMES)]
    for index, (subject, frame) in enumerate(others):
        picture, _ = screenshot(subject, frame, seed=seed)
        picture.save(folder / "test" / f"{index + 1}.tif", **TIFF)
    return len(numbers)


def screenshot(subject=0, frame=0, *, seed=0):
    """A grey picture and a grey mask of {0, 255}."""
    _, picture, mask = frames.picture(brachial, subject, frame, seed, brachial.NATIVE)
    return picture, Image.fromarray(mask.astype(np.uint8) * 255)
