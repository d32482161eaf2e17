"""The femoral scene: where things lie, how frames and subjects differ, and what no learning can reach."""

import numpy as np
import pytest
from scipy import ndimage

from nervekit import phantom
from nervekit.errors import ConfigurationError
from nervekit.phantom import TISSUES, femoral


@pytest.fixture(scope="module")
def study(make_study):
    return make_study("femoral", subjects=50, frames=2)


@pytest.fixture(scope="module")
def scenes():
    return [phantom.scene("femoral", subject, seed=5) for subject in range(12)]


def test_same_numbers_give_the_same_picture():
    first, again = (phantom.render(phantom.scene("femoral", 4, 2))["image"] for _ in range(2))
    femoral.subject.cache_clear()
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, phantom.render(phantom.scene("femoral", 4, 2))["image"])


@pytest.mark.parametrize("other", [{"subject": 5}, {"frame": 3}, {"seed": 1}])
def test_another_subject_frame_or_seed_gives_another_picture(other):
    usual = {"subject": 4, "frame": 2, "seed": 0}
    first, second = (phantom.scene("femoral", **numbers) for numbers in (usual, usual | other))
    assert (phantom.render(first)["image"] != phantom.render(second)["image"]).mean() > 0.5
    assert (first["mask"] != second["mask"]).any()


def test_masks_are_one_blob_of_the_size_of_the_real_ones(scenes):
    for maps in scenes:
        assert ndimage.label(maps["mask"])[1] == 1
        assert 0.009 <= maps["mask"].mean() <= 0.058


def test_mask_lies_under_fascia_and_over_muscle_beside_the_artery(scenes):
    for maps in scenes:
        kind, mask = maps["tissue"], maps["mask"]
        columns = np.flatnonzero(mask.any(0))
        middle = columns[len(columns) // 2]
        rows = np.flatnonzero(mask[:, middle])
        margin = round(0.6 / maps["spacing"][0])
        assert TISSUES[kind[rows[0] - margin, middle]] == "fat"
        assert TISSUES[kind[rows[-1] + margin, middle]] in ("muscle", "connective", "deep")
        blood = kind == TISSUES.index("blood")
        assert not (blood & mask).any()
        gap = ndimage.distance_transform_edt(~blood, sampling=maps["spacing"])[mask].min()
        assert gap < 3.0


def test_mask_is_brighter_than_the_muscle_and_the_artery_is_dark():
    for subject in range(12):
        maps = phantom.scene("femoral", subject)
        picture = phantom.render(maps)["image"]
        depth = np.flatnonzero(maps["mask"].any(1))
        near = np.zeros_like(maps["mask"])
        near[depth[0] : depth[-1]] = True
        nerve, muscle, blood = (
            np.median(picture[near & (maps["tissue"] == TISSUES.index(name))]) for name in ("nerve", "muscle", "blood")
        )
        assert nerve > 1.3 * muscle
        assert blood < 0.5 * nerve


def test_mirrored_subjects_have_the_artery_on_the_left(scenes):
    sides = set()
    for maps in scenes:
        artery = np.argwhere(maps["tissue"] == TISSUES.index("blood"))[:, 1].mean()
        assert (artery < np.argwhere(maps["mask"])[:, 1].mean()) == maps["mirrored"]
        sides.add(maps["mirrored"])
    assert sides == {True, False}


def test_greys_are_spread_as_in_the_real_set(study):
    pictures = study.pictures
    assert 28 < np.median(pictures.mean((1, 2))) < 69  # 10th and 90th percentile of the 562 real ones
    upper, lower = pictures[:, :32].mean((1, 2)), pictures[:, 32:].mean((1, 2))
    assert np.mean(upper > lower) > 0.8


def test_a_threshold_on_brightness_stays_under_035(study):
    assert study.best_threshold() < 0.35


def test_the_mean_mask_stays_under_05_on_unseen_subjects(study):
    assert 0.1 < study.mean_mask() < 0.5


def test_copying_pays_within_a_subject_and_not_across(study):
    nearest = study.correlation.argmax(1)
    assert np.mean(study.groups[nearest] == study.groups) > 0.9
    assert study.copying(same=True) > study.copying(same=False) + 0.15


def test_unknown_scene_names_the_known_ones():
    with pytest.raises(ConfigurationError, match="'knee'.*femoral"):
        phantom.scene("knee")
