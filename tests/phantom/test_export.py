"""The written set: the public layout and formats, equal bytes for equal seeds, whole or not at all."""

import csv
import json

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from nervekit import phantom
from nervekit.errors import ConfigurationError, DataError
from nervekit.phantom.layouts import femoral as layout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return phantom.export("femoral", tmp_path_factory.mktemp("sets") / "femoral", subjects=10, seed=3)


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows(folder):
    with open(folder / "groups.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_layout_is_that_of_the_public_set(folder):
    for row in rows(folder):
        images, masks = {"train": ("trainset/images", "trainset/masks"), "test": ("testset/images", "testset/masks_real")}[
            row["split"]
        ]
        image = Image.open(folder / images / f"{row['sample']}.jpg")
        mask = Image.open(folder / masks / f"{row['sample']}.png")
        assert (image.format, image.mode, mask.format, mask.mode) == ("JPEG", "RGB", "PNG", "P")
        assert image.size == mask.size
        assert 438 <= image.width <= 809
        assert 218 <= image.height <= 497
        assert set(np.unique(mask)) == {0, 1}
        assert mask.getpalette()[:6] == [0, 0, 0, 128, 0, 0]
        assert 0.009 <= np.mean(np.asarray(mask)) <= 0.058
        assert ndimage.label(np.asarray(mask))[1] == 1
    assert len(contents(folder)) == 2 * len(rows(folder)) + 2


def test_pictures_are_grey_but_for_a_small_mark(folder):
    for path in folder.glob("*/images/*.jpg"):
        colours = np.ptp(np.asarray(Image.open(path)).astype(int), axis=2) > 60
        assert 20 < colours.sum() < 800


def test_split_leaks_as_the_public_one_does(folder):
    parts = {part: {row["group"] for row in rows(folder) if row["split"] == part} for part in ("train", "test")}
    count = sum(row["split"] == "test" for row in rows(folder))
    assert count == round(len(rows(folder)) * 62 / 562)
    assert parts["train"] & parts["test"]


def test_samples_are_numbered_from_one_and_subjects_have_one_to_eight_frames(folder):
    assert [row["sample"] for row in rows(folder)] == [f"sample_{n + 1}" for n in range(len(rows(folder)))]
    counts = np.unique([row["group"] for row in rows(folder)], return_counts=True)[1]
    assert len(counts) == 10
    assert counts.min() >= 1
    assert counts.max() <= 8


def test_equal_seeds_give_equal_bytes_and_others_do_not(folder, tmp_path):
    first, again, other = (phantom.export("femoral", tmp_path / name, subjects=2, seed=seed)
                           for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    assert contents(first) == contents(again)
    assert contents(first) != contents(other)


def test_the_marker_says_what_was_simulated(folder):
    about = json.loads((folder / "SIMULATED.json").read_text())
    assert about["simulated"] is True
    assert (about["key"], about["seed"], about["subjects"], about["version"]) == ("femoral", 3, 10, phantom.VERSION)
    assert about["images"] == len(rows(folder))


def test_masks_mark_what_the_scene_says(folder):
    for row in rows(folder)[:5]:
        mask = np.asarray(phantom.screenshot("femoral", int(row["group"]), 0, seed=3)[1]) > 0
        scene = phantom.scene("femoral", int(row["group"]), 0, seed=3)["mask"]
        centres = [np.argwhere(one).mean(0) / one.shape for one in (mask, scene)]
        np.testing.assert_allclose(*centres, atol=0.02)
        assert mask.mean() == pytest.approx(scene.mean(), rel=0.1)


def test_a_complete_set_is_left_as_it_is(folder):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert phantom.export("femoral", folder, subjects=10, seed=3) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_foreign_folder_is_refused_and_untouched(tmp_path):
    (tmp_path / "thesis.txt").write_text("keep me")
    with pytest.raises(DataError, match="no simulated set"):
        phantom.export("femoral", tmp_path, subjects=1)
    assert contents(tmp_path) == {"thesis.txt": b"keep me"}


def test_another_simulated_set_is_refused(folder):
    with pytest.raises(DataError, match=r"'seed': 3.*expected.*'seed': 4"):
        phantom.export("femoral", folder, subjects=10, seed=4)


def test_an_empty_folder_is_filled(tmp_path):
    assert (phantom.export("femoral", tmp_path / "new" / "set", subjects=1) / "groups.csv").is_file()
    (tmp_path / "empty").mkdir()
    assert (phantom.export("femoral", tmp_path / "empty", subjects=1) / "groups.csv").is_file()


def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch):
    draw = layout.screenshot

    def fail_late(subject, frame, **options):
        if frame == 1:
            raise OSError(28, "No space left on device")
        return draw(subject, frame, **options)

    monkeypatch.setattr(layout, "screenshot", fail_late)
    with pytest.raises(DataError, match="No space left"):
        phantom.export("femoral", tmp_path / "set", subjects=4)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [{"subjects": 0}, {"subjects": 2.5}, {"seed": -1}, {"subjects": True}])
def test_impossible_arguments_are_named(tmp_path, options):
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        phantom.export("femoral", tmp_path / "set", **options)


def test_unknown_key_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="femoral"):
        phantom.export("knee", tmp_path / "set")


@pytest.mark.parametrize("index", [0, 1, 2, 3, 20, 255])
def test_palette_is_that_of_the_voc_challenge(index):
    known = {0: (0, 0, 0), 1: (128, 0, 0), 2: (0, 128, 0), 3: (128, 128, 0), 20: (0, 64, 128), 255: (224, 224, 192)}
    assert tuple(layout.voc_palette()[3 * index : 3 * index + 3]) == known[index]
