"""The simulated median set: the public files' names and formats, and a nerve where the scene says."""

import json
import re

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from nervekit import phantom
from nervekit.phantom import TISSUES, median

BIFID = next(number for number in range(100) if median.is_bifid(number, seed=4))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return phantom.export("median", tmp_path_factory.mktemp("sets") / "median", subjects=6, seed=4)


@pytest.fixture(scope="module")
def study(make_study):
    return make_study("median", subjects=30, frames=2)


@pytest.fixture(scope="module")
def scenes():
    return [phantom.scene("median", subject, seed=4, shape=(468, 256)) for subject in (*range(14), BIFID)]


def test_files_are_named_and_coded_as_the_public_ones(folder):
    images, masks = (sorted((folder / "Dataset" / place).iterdir()) for place in ("Images", "Masks"))
    assert [path.name for path in images] == [path.name for path in masks]
    for image, mask in zip(map(Image.open, images), map(Image.open, masks), strict=True):
        assert (image.format, image.mode, image.size) == ("BMP", "RGB", (606, 468))
        assert (mask.format, mask.mode, mask.size) == ("BMP", "RGB", (606, 468))
        assert {colour for _, colour in mask.getcolors()} == {(0, 0, 0), (255, 255, 255)}
    assert {path.name for path in folder.iterdir()} == {"Dataset", "SIMULATED.json"}


def test_patients_are_numbered_from_one_with_one_to_eight_images(folder):
    names = [re.fullmatch(r"Pz(\d{3})-(\d{3})\.bmp", path.name).groups() for path in folder.rglob("Masks/*")]
    patients = {}
    for patient, image in sorted(names):
        patients.setdefault(int(patient), []).append(int(image))
    assert list(patients) == list(range(1, 7))
    assert all(images == list(range(1, len(images) + 1)) and len(images) <= 8 for images in patients.values())
    about = json.loads((folder / "SIMULATED.json").read_text())
    assert (about["key"], about["subjects"], about["images"]) == ("median", 6, len(names))


def test_marks_are_coloured_and_outside_the_mask(folder):
    for path in folder.glob("Dataset/Images/*.bmp"):
        picture = np.asarray(Image.open(path)).astype(int)
        mask = np.asarray(Image.open(folder / "Dataset" / "Masks" / path.name))[..., 0] > 0
        red = (picture[..., 0] > 150) & (picture[..., 1] < 80)
        green = (picture[..., 1] > 150) & (picture[..., 0] < 80)
        assert 10 < red.sum() < 100
        assert 20 < green.sum() < 100
        assert not ((red | green) & mask).any()


def test_nerves_are_small_and_shallow_as_the_real_ones(folder):
    for path in folder.glob("Dataset/Masks/*.bmp"):
        mask = np.asarray(Image.open(path))[..., 0] > 0
        rows = np.flatnonzero(mask.any(1))
        assert 0.0045 < mask.mean() < 0.03
        assert 27 <= rows[0]
        assert rows[-1] <= 139


def test_equal_seeds_give_equal_bytes_and_others_do_not(folder, tmp_path, files_of):
    first, again = (files_of(phantom.export("median", tmp_path / name, subjects=1, seed=1)) for name in "ab")
    assert first == again
    name = "Dataset/Images/Pz001-001.bmp"
    assert first[name] != (folder / name).read_bytes()


def test_one_in_twenty_nerves_is_bifid():
    for seed in range(5):
        assert sum(median.is_bifid(number, seed) for number in range(40)) == 2


def test_masks_have_as_many_parts_as_the_nerve(scenes):
    assert [ndimage.label(maps["mask"])[1] for maps in scenes] == [maps["parts"] for maps in scenes]
    assert scenes[-1]["parts"] == 2
    mask = np.asarray(phantom.screenshot("median", BIFID, 0, seed=4)[1])[..., 0]
    assert ndimage.label(mask)[1] == 2


def test_nerve_lies_over_tendons_and_bone_and_is_darker_than_what_is_around(scenes):
    for maps in scenes:
        kind, mask = maps["tissue"], maps["mask"]
        picture = phantom.render(maps)["image"]
        ring = ndimage.binary_dilation(mask, iterations=14) & ~ndimage.binary_dilation(mask, iterations=2)
        assert picture[mask].mean() < picture[ring].mean()
        assert (kind[mask] == TISSUES.index("nerve")).mean() > 0.9
        depth = {name: np.argwhere(kind == TISSUES.index(name))[:, 0].mean() for name in ("nerve", "tendon", "bone")}
        assert depth["nerve"] < depth["tendon"] < depth["bone"]


def test_greys_fall_with_depth_as_in_the_real_set(study):
    rows = study.pictures.mean((0, 2))
    assert 35 < study.pictures.mean() < 58  # 10th and 90th percentile of the 246 real ones
    assert rows[3:9].mean() > 1.3 * rows[16:24].mean() > 5 * rows[48:].mean()


def test_a_threshold_on_brightness_stays_under_035(study):
    assert study.best_threshold() < 0.35


def test_the_mean_mask_stays_under_05_on_unseen_subjects(study):
    assert 0.1 < study.mean_mask() < 0.5


def test_frames_of_a_subject_are_more_alike_than_those_of_two(study):
    apart = ~np.eye(len(study.groups), dtype=bool)
    correlation = study.correlation
    assert np.median(correlation[study.same & apart]) > np.median(correlation[~study.same]) + 0.03
    assert np.mean(study.groups[correlation.argmax(1)] == study.groups) > 0.9
    assert study.copying(same=True) > study.copying(same=False) + 0.15
