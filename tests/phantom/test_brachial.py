"""The simulated brachial set: Kaggle's files, three empty masks in five, and twins that contradict each other."""

import csv
import json
import re

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from nervekit import phantom
from nervekit.phantom import TISSUES, brachial


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return phantom.export("brachial", tmp_path_factory.mktemp("sets") / "brachial", subjects=2, seed=2)


@pytest.fixture(scope="module")
def study(make_study):
    return make_study("brachial", subjects=15, frames=6)


@pytest.fixture(scope="module")
def scenes():
    """One frame with a marked nerve of each of twelve subjects."""
    marked = [next(frame for frame in range(9) if brachial.view(number, frame, 6)[1]) for number in range(12)]
    return [phantom.scene("brachial", number, frame, seed=6) for number, frame in enumerate(marked)]


def paint(pixels, height=420, width=580):
    """The mask of a run-length code, pixel by pixel."""
    mask = np.zeros((height, width), np.uint8)
    numbers = [int(word) for word in pixels.split()]
    for start, length in zip(numbers[::2], numbers[1::2], strict=True):
        for pixel in range(start - 1, start - 1 + length):
            mask[pixel % height, pixel // height] = 255
    return mask


def test_files_are_named_and_coded_as_the_public_ones(folder):
    names = {path.name for path in (folder / "train").iterdir()}
    images = {name for name in names if re.fullmatch(r"\d+_\d+\.tif", name)}
    assert names == images | {name.replace(".tif", "_mask.tif") for name in images}
    for path in folder.rglob("*.tif"):
        image = Image.open(path)
        assert (image.format, image.mode, image.size) == ("TIFF", "L", (580, 420))
        assert image.tag_v2[259] == 5  # LZW
        assert image.tag_v2[305] == "Simulated by nervekit"
        if path.name.endswith("_mask.tif"):
            assert set(np.unique(image)) <= {0, 255}
    tests = sorted(int(path.stem) for path in (folder / "test").iterdir())
    assert tests == list(range(1, len(tests) + 1))
    assert json.loads((folder / "SIMULATED.json").read_text())["images"] == len(images)


def test_table_holds_the_run_length_code_of_every_mask(folder):
    with open(folder / "train_masks.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["subject", "img", "pixels"]
    assert len(rows) == len(list(folder.glob("train/*_mask.tif")))
    for row in rows:
        mask = np.asarray(Image.open(folder / "train" / f"{row['subject']}_{row['img']}_mask.tif"))
        np.testing.assert_array_equal(paint(row["pixels"]), mask)
        assert (row["pixels"] == "") == (not mask.any())


def test_equal_seeds_give_equal_bytes_and_others_do_not(folder, tmp_path, files_of):
    first, again = (files_of(phantom.export("brachial", tmp_path / name, subjects=1, seed=1)) for name in "ab")
    assert first == again
    assert first["train/1_1.tif"] != (folder / "train" / "1_1.tif").read_bytes()


def test_three_masks_in_five_are_empty():
    views = [brachial.view(number, frame, seed) for seed in range(3) for number in range(10) for frame in range(12)]
    assert np.mean([marked for _, marked, _ in views]) == pytest.approx(2323 / 5635, abs=0.02)
    assert {station for station, _, _ in views} == {0, 1, 2}
    assert all(station == 0 for station, marked, _ in views if marked)


def test_mask_is_empty_unless_marked(study):
    marked = [brachial.view(number, frame)[1] for number in range(15) for frame in range(6)]
    np.testing.assert_array_equal(study.masks.any((1, 2)), marked)


def test_mask_is_one_part_around_dark_roots_between_muscles(scenes):
    for maps in scenes:
        kind, mask = maps["tissue"], maps["mask"]
        assert ndimage.label(mask)[1] == 1
        assert 0.008 < mask.mean() < 0.07
        roots = kind == TISSUES.index("nerve")
        assert (roots & mask).sum() > 0.95 * roots.sum()
        assert 2 <= ndimage.label(roots)[1] <= 5
        picture = phantom.render(maps)["image"]
        assert picture[roots].mean() < 0.9 * picture[mask & ~roots].mean()
        ring = ndimage.binary_dilation(mask, iterations=8) & ~mask
        assert (kind[ring] == TISSUES.index("muscle")).mean() > 0.5


def test_some_frames_repeat_a_marked_one_without_its_mask():
    number, frame = next((number, frame) for number in range(30) for frame in range(12)
                         if brachial.view(number, frame)[:2] == (0, False))
    twin = brachial.view(number, frame)[2]
    other = next(one for one in range(30) if one != twin and brachial.view(number, one)[:2] == (0, True))
    unmarked, marked, another = (phantom.scene("brachial", number, one) for one in (frame, twin, other))
    assert marked["mask"].any()
    assert not unmarked["mask"].any()
    assert unmarked["in_view"]
    unmarked, marked, another = (phantom.render(maps)["image"].ravel() for maps in (unmarked, marked, another))
    assert np.corrcoef(unmarked, marked)[0, 1] > 0.9 > np.corrcoef(another, marked)[0, 1]


def test_a_threshold_on_brightness_stays_under_035_where_there_is_a_nerve(study):
    assert study.best_threshold() < 0.35


def test_the_mean_mask_stays_under_05_on_unseen_subjects(study):
    assert 0.1 < study.mean_mask() < 0.5


def test_frames_of_a_subject_are_more_alike_than_those_of_two(study):
    correlation = study.correlation
    apart = ~np.eye(len(study.groups), dtype=bool)
    assert np.median(correlation[study.same & apart]) > np.median(correlation[~study.same]) + 0.04
    marked = study.masks.any((1, 2))
    nearest = np.where(marked, correlation, -1).argmax(1)
    assert np.mean((study.groups[nearest] == study.groups)[marked]) > 0.95
    assert study.copying(same=True) > study.copying(same=False) + 0.3
