"""Overlap and distance of masks against hand-computed values, scikit-learn and closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score

from nervekit import metrics
from nervekit.errors import DataError

OVERLAPS = [metrics.dice, metrics.iou, metrics.precision, metrics.recall]
DISTANCES = [metrics.hausdorff95, metrics.average_surface_distance]


def rectangle(top, left, height, width, size=(32, 40)):
    mask = np.zeros((1, *size), bool)
    mask[0, top : top + height, left : left + width] = True
    return mask


EMPTY = rectangle(0, 0, 0, 0)
SQUARE = rectangle(4, 5, 10, 10)


@pytest.fixture
def random_masks():
    random = np.random.default_rng(0)
    y_true, y_pred = random.random((2, 30, 12, 14)) < random.uniform(0.1, 1, (2, 30, 1, 1))
    y_true[0] = y_pred[0] = y_true[1] = y_pred[2] = False
    return y_true, y_pred


def test_two_rectangles_that_overlap_by_hand():
    y_true, y_pred = rectangle(2, 3, 10, 8), rectangle(6, 5, 12, 6)  # 80 and 72 pixels, 6 x 6 in common
    assert metrics.dice(y_true, y_pred) == pytest.approx([72 / 152])
    assert metrics.iou(y_true, y_pred) == pytest.approx([36 / 116])
    assert metrics.precision(y_true, y_pred) == pytest.approx([36 / 72])
    assert metrics.recall(y_true, y_pred) == pytest.approx([36 / 80])


@pytest.mark.parametrize("ours, theirs", [*zip(OVERLAPS, [f1_score, jaccard_score, precision_score, recall_score])])
def test_each_image_agrees_with_scikit_learn(random_masks, ours, theirs):
    y_true, y_pred = random_masks
    result = ours(y_true, y_pred)
    assert result.dtype == np.float64 and result.shape == (30,)
    for i in range(3, 30):
        assert result[i] == pytest.approx(theirs(y_true[i].ravel(), y_pred[i].ravel()), abs=1e-12)


@pytest.mark.parametrize("metric", OVERLAPS)
def test_empty_masks_score_one_and_one_empty_mask_scores_zero(metric):
    y_true = np.concatenate([EMPTY, EMPTY, SQUARE])
    y_pred = np.concatenate([EMPTY, SQUARE, EMPTY])
    assert metric(y_true, y_pred).tolist() == [1.0, 0.0, 0.0]


masks = arrays(bool, (2, 3, 5, 6))


@settings(max_examples=60)
@given(masks)
def test_overlaps_are_bounded_symmetric_and_related(pair):
    y_true, y_pred = pair
    dice, iou = metrics.dice(y_true, y_pred), metrics.iou(y_true, y_pred)
    assert ((0 <= iou) & (iou <= dice) & (dice <= 1)).all()
    assert np.allclose(dice, 2 * iou / (1 + iou))
    assert np.array_equal(dice, metrics.dice(y_pred, y_true)) and np.array_equal(iou, metrics.iou(y_pred, y_true))
    assert np.array_equal(metrics.precision(y_true, y_pred), metrics.recall(y_pred, y_true))


@settings(max_examples=60)
@given(masks, st.integers(0, 29))
def test_one_more_correct_pixel_never_lowers_the_overlap(pair, pixel):
    y_true, y_pred = pair
    row, column = divmod(pixel, 6)
    better = y_pred.copy()
    better[:, row, column] = y_true[:, row, column]
    assert (metrics.iou(y_true, better) >= metrics.iou(y_true, y_pred)).all()
    assert (metrics.dice(y_true, better) >= metrics.dice(y_true, y_pred)).all()


def test_pooling_weighs_images_by_their_area():
    y_true = np.concatenate([rectangle(0, 0, 10, 10), rectangle(0, 0, 2, 2)])
    y_pred = np.concatenate([rectangle(0, 0, 10, 10), rectangle(8, 8, 2, 2)])
    assert metrics.pooled_iou(y_true, y_pred) == pytest.approx(100 / 108)
    assert metrics.pooled_dice(y_true, y_pred) == pytest.approx(200 / 208)
    assert metrics.iou(y_true, y_pred).mean() == 0.5


def test_pooling_one_image_is_its_own_overlap(random_masks):
    for y_true, y_pred in zip(*random_masks):
        assert metrics.pooled_iou(y_true[None], y_pred[None]) == metrics.iou(y_true[None], y_pred[None])[0]
        assert metrics.pooled_dice(y_true[None], y_pred[None]) == metrics.dice(y_true[None], y_pred[None])[0]


def test_accuracy_counts_overlaps_strictly_above_the_threshold():
    assert metrics.accuracy_at([0.5, 0.5 + 1e-9, 0.0, 1.0]) == 0.5
    assert metrics.accuracy_at([0.5, 0.6], threshold=0.4) == 1.0


@pytest.mark.parametrize("wrong", [[], [[0.5]], [0.5, np.nan]])
def test_accuracy_refuses_what_is_no_overlap(wrong):
    with pytest.raises(DataError, match="overlap"):
        metrics.accuracy_at(wrong)


@pytest.mark.parametrize("shift", [1, 3, 7])
def test_a_shifted_square_has_its_shift_as_hausdorff_distance(shift):
    moved = np.roll(SQUARE, shift, axis=2)
    assert metrics.hausdorff95(SQUARE, moved) == pytest.approx([shift])
    assert metrics.hausdorff95(SQUARE, moved, spacing=(5.0, 0.25)) == pytest.approx([shift * 0.25])


def test_average_distance_of_two_lines_is_their_distance():
    top, bottom = rectangle(3, 0, 1, 40), rectangle(9, 0, 1, 40)
    assert metrics.average_surface_distance(top, bottom) == pytest.approx([6.0])
    assert metrics.average_surface_distance(top, bottom, spacing=(0.5, 1.0)) == pytest.approx([3.0])


def test_average_distance_of_nested_squares_by_hand():
    inner, outer = rectangle(11, 11, 1, 1), rectangle(10, 10, 3, 3)  # 1 and 8 border pixels
    expected = (1 + 4 * 1 + 4 * np.sqrt(2)) / 9
    assert metrics.average_surface_distance(inner, outer) == pytest.approx([expected])


@pytest.mark.parametrize("metric", DISTANCES)
def test_distances_agree_with_all_pairs_of_border_pixels(random_masks, metric):
    y_true, y_pred = (masks[3:] for masks in random_masks)
    spacing = np.random.default_rng(1).uniform(0.2, 3, (len(y_true), 2))
    result = metric(y_true, y_pred, spacing)
    for i in range(len(y_true)):
        points = [border(mask) * spacing[i] for mask in (y_true[i], y_pred[i])]
        between = np.linalg.norm(points[0][:, None] - points[1][None], axis=-1)
        there, back = between.min(axis=1), between.min(axis=0)
        if metric is metrics.hausdorff95:
            expected = max(np.percentile(there, 95), np.percentile(back, 95))
        else:
            expected = (there.sum() + back.sum()) / (len(there) + len(back))
        assert result[i] == pytest.approx(expected)


def border(mask):
    padded = np.pad(mask, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.argwhere(mask & ~inside)


@pytest.mark.parametrize("metric", DISTANCES)
def test_distance_is_zero_for_equal_or_empty_masks_and_unknown_for_one_empty(metric):
    y_true = np.concatenate([SQUARE, EMPTY, EMPTY, SQUARE])
    y_pred = np.concatenate([SQUARE, EMPTY, SQUARE, EMPTY])
    assert np.array_equal(metric(y_true, y_pred), [0, 0, np.nan, np.nan], equal_nan=True)


@pytest.mark.parametrize("spacing", [(1, 0), (1, 1, 1), np.ones((3, 2)), 0.5, "mm", (np.inf, 1), [[1, 1], [1]]])
def test_a_wrong_spacing_is_refused(spacing):
    with pytest.raises(DataError, match="spacing"):
        metrics.hausdorff95(SQUARE, SQUARE, spacing)


PROBABILITIES = np.full(SQUARE.shape, 0.7, "float32")
DIVERGED = np.where(SQUARE, np.nan, PROBABILITIES)


@pytest.mark.parametrize(
    "y_pred, message",
    [
        (PROBABILITIES, "float32.*threshold"),
        (DIVERGED, "100 NaN of 1280"),
        (SQUARE.astype("uint8"), "uint8"),
        (SQUARE[..., None], r"\(images, height, width\)"),
        (SQUARE[:, :-1], "same size"),
        (np.concatenate([SQUARE, SQUARE]), "same images"),
    ],
)
@pytest.mark.parametrize("metric", [*OVERLAPS, *DISTANCES, metrics.pooled_iou, metrics.pooled_dice])
def test_wrong_masks_are_refused_with_what_to_do(metric, y_pred, message):
    with pytest.raises(DataError, match=message):
        metric(SQUARE, y_pred)


@pytest.mark.parametrize("metric", [*OVERLAPS, *DISTANCES, metrics.pooled_iou, metrics.pooled_dice])
def test_masks_of_native_sizes_are_compared_one_at_a_time(metric):
    native = [SQUARE[0], SQUARE[0, :20]]
    with pytest.raises(DataError, match=r"y_true holds masks of different sizes; .*size=.*, as y_true\[0\]\[None\]"):
        metric(native, native)
    assert metric(native[1][None], native[1][None]) == metric(SQUARE, SQUARE)


def test_no_image_is_refused():
    with pytest.raises(DataError, match="no image"):
        metrics.iou(SQUARE[:0], SQUARE[:0])
