"""The femoral scene: where things lie, how frames and subjects differ, and what no learning can reach."""

import numpy as np
import pytest
from scipy import ndimage

from nervekit import phantom
from nervekit.errors import ConfigurationError
from nervekit.phantom import TISSUES, femoral


def shrink(picture, size=64):
    """Mean over blocks, (size, size)."""
    step = picture.shape[0] // size
    return picture.reshape(size, step, size, step).mean((1, 3))


def dice(one, other):
    total = one.sum((1, 2)) + other.sum((1, 2))
    return 2 * (one & other).sum((1, 2)) / np.maximum(total, 1)


@pytest.fixture(scope="module")
def study():
    """Two frames of each of 50 subjects at 64x64: pictures, masks, subject numbers."""
    pictures, masks, groups = [], [], []
    for subject in range(50):
        for frame in range(2):
            maps = phantom.scene("femoral", subject, frame, shape=(128, 128))
            pictures.append(shrink(phantom.render(maps)["image"].astype(float)))
            masks.append(shrink(maps["mask"].astype(float)) >= 0.5)
            groups.append(subject)
    return np.array(pictures), np.array(masks), np.array(groups)


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
    pictures = study[0]
    assert 28 < np.median(pictures.mean((1, 2))) < 69  # 10th and 90th percentile of the 562 real ones
    upper, lower = pictures[:, :32].mean((1, 2)), pictures[:, 32:].mean((1, 2))
    assert np.mean(upper > lower) > 0.8


def test_a_threshold_on_brightness_stays_under_035(study):
    pictures, masks, _ = study
    assert max(dice(pictures >= level, masks).mean() for level in range(0, 256, 4)) < 0.35


def test_the_mean_mask_stays_under_05_on_unseen_subjects(study):
    _, masks, groups = study
    seen = groups < 35
    mean = masks[seen].mean(0)
    levels = np.linspace(0.02, 0.9, 45)
    best = max(levels, key=lambda level: dice((mean > level)[None], masks[seen]).mean())
    assert 0.1 < dice((mean > best)[None], masks[~seen]).mean() < 0.5


def test_copying_pays_within_a_subject_and_not_across(study):
    pictures, masks, groups = study
    flat = pictures.reshape(len(pictures), -1)
    flat = flat - flat.mean(1, keepdims=True)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    correlation = flat @ flat.T
    np.fill_diagonal(correlation, -1)
    same = groups[:, None] == groups
    assert np.mean(same[np.arange(len(flat)), correlation.argmax(1)]) > 0.9
    within = dice(masks[np.where(same, correlation, -1).argmax(1)], masks).mean()
    across = dice(masks[np.where(same, -1, correlation).argmax(1)], masks).mean()
    assert within > across + 0.15


def test_unknown_scene_names_the_known_ones():
    with pytest.raises(ConfigurationError, match="'knee'.*femoral"):
        phantom.scene("knee")
