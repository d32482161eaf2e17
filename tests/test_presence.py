"""The presence filter against its rule worked out by hand, and Kaggle's masks and score."""

from pathlib import Path

import numpy as np
import pooch
import pytest

from nervekit import data, presence
from nervekit.data import brachial, cache, rle
from nervekit.errors import DataError


def blob(area, size=(420, 580)):
    """A mask whose first `area` pixels are set."""
    mask = np.zeros(size, bool)
    mask.ravel()[:area] = True
    return mask


@pytest.mark.parametrize(
    ("head", "area", "kept"),
    [
        (0.0, 6000, True),  # the area alone reaches a half
        (0.0, 5999, False),
        (0.49, 3100, True),  # (0.49 + 5/3 * 0.31) / 2 = 0.503, although the head says no
        (0.9, 500, False),  # (0.9 + 5/3 * 0.05) / 2 = 0.492, although the head says yes
        (0.9, 700, True),  # (0.9 + 5/3 * 0.07) / 2 = 0.508
        (0.0, 200_000, True),  # the term of the area ends at 5/3
        (1.0, 9, False),  # fewer than 10 pixels, whatever the head says
        (1.0, 10, True),
    ],
)
def test_filter_by_hand(head, area, kept):
    result = presence.filtered(blob(area)[None], np.array([head]))
    assert result[0].sum() == (area if kept else 0)


def test_without_a_head_only_specks_go():
    masks = np.stack([blob(area) for area in (0, 9, 10, 4000)])
    assert presence.filtered(masks).sum(axis=(1, 2)).tolist() == [0, 0, 10, 4000]


def test_filter_leaves_its_input_alone_and_wants_one_value_a_mask():
    masks = blob(100)[None]
    presence.filtered(masks, np.array([0.0]))
    assert masks.sum() == 100
    with pytest.raises(DataError, match=r"\(1,\)"):
        presence.filtered(masks, np.array([0.0, 1.0]))
    with pytest.raises(DataError, match=r"shape \(1,\) and 1 NaN for 1 masks; expected \(1,\), each a number"):
        presence.filtered(masks, np.array([np.nan]))


def test_filter_with_a_head_wants_masks_of_full_size():
    """Of 24,360 pixels 6,000 are a quarter: what fills a tenth of the image would go, and stays at full size."""
    outputs = blob(2436, (168, 145))[None].astype("float32")
    with pytest.raises(DataError, match=r"shape \(1, 168, 145\); expected \(1, 420, 580\).* full_size first"):
        presence.filtered(outputs > 0.5, np.array([0.0]))
    assert presence.filtered(presence.full_size(outputs), np.array([0.0])).any()


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_filter_refuses_what_are_no_boolean_masks(dtype):
    with pytest.raises(DataError, match=f"masks has the type {dtype}; masks are boolean"):
        presence.filtered(255 * blob(100)[None].astype(dtype))
    with pytest.raises(DataError, match=r"\(1, 420, 580, 1\), expected \(images, height, width\)"):
        presence.filtered(blob(100)[None, ..., None])


@pytest.mark.parametrize("shape", [(1, 48, 64, 1), (48, 64)])
def test_outputs_with_a_channel_axis_or_of_one_image_are_not_enlarged(shape):
    with pytest.raises(DataError, match=r"outputs have the shape .*; expected \(images, height, width\)"):
        presence.full_size(np.zeros(shape, "float32"))


@pytest.mark.parametrize("size", [(48, 64), (96, 96), (80, 112), (1, 1), (1, 40)])
def test_enlarging_is_that_of_scikit_image(size):
    from skimage.transform import resize

    outputs = np.random.default_rng(0).random((1, *size)).astype("float32")
    peer = resize(outputs[0], (420, 580), order=1, preserve_range=True)
    for threshold in (0.3, 0.5):
        mask = presence.full_size(outputs, threshold=threshold)[0]
        assert np.array_equal(mask[abs(peer - threshold) > 1e-5], (peer > threshold)[abs(peer - threshold) > 1e-5])


def test_an_all_empty_submission_scores_the_share_of_empty_masks():
    truths = np.stack([blob(0, (8, 8))] * 3 + [blob(9, (8, 8))])
    score = presence.kaggle_score(truths, np.zeros_like(truths), groups=[1, 1, 2, 3])
    assert score["value"] == 0.75 and score["n"] == 4 and score["low"] <= 0.75 <= score["high"]


def test_score_is_the_mean_dice_of_images():
    truths = np.stack([blob(8, (8, 8)), blob(0, (8, 8)), blob(0, (8, 8))])
    predictions = np.stack([blob(24, (8, 8)), blob(0, (8, 8)), blob(1, (8, 8))])
    assert presence.kaggle_score(truths, predictions, [1, 2, 3])["value"] == pytest.approx((0.5 + 1 + 0) / 3)


def test_what_is_simulated_here_does_not_lie_in_the_users_cache():
    assert cache.folder() != Path(pooch.os_cache("nervekit"))


def test_masks_of_full_size_are_those_of_the_table():
    with data.open_files("brachial", "phantom", subjects=1) as opened:
        codes = brachial.table(opened.files)
    ids = list(codes)[:3]
    masks = presence.read_masks(ids, "phantom", 1)
    assert [rle.encode(mask) for mask in masks] == [codes[name] for name in ids]
    with pytest.raises(DataError, match="99_1"):
        presence.read_masks(["99_1"], "phantom", 1)
    other = data.load("brachial", "phantom", brachial.NATIVE, subjects=1, seed=3)
    assert np.array_equal(presence.read_masks(other.ids, "phantom", 1, seed=3), other.masks) and other.masks.any()
