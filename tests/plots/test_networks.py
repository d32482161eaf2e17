"""Figures that compare networks: what they draw is what they were given."""

import numpy as np
import pytest

from nervekit import plots
from nervekit.plots import arms, networks

IMAGES = np.full((2, 24, 32, 1), 90, np.uint8)
TRUTHS = np.zeros((2, 24, 32), bool)
TRUTHS[:, 4:8, 10:18] = True


def lines(axis):
    return {line.get_label(): np.asarray(line.get_ydata(), float).tolist() for line in axis.lines}


def test_curves_turn_the_pooled_iou_into_the_pooled_dice():
    found = {"loss": [1.0, 0.5], "val_loss": [1.2, 0.8], "pooled_iou": [0.5, 0.6], "val_pooled_iou": [0.0, 1.0]}
    figure = networks.network_curves({"U-Net": found, "DL-Unet": found}, "Curves")
    upper, lower = figure.axes[0], figure.axes[2]
    assert lines(upper) == {"training": [1.0, 0.5], "development": [1.2, 0.8], "weights kept": [0.8]}
    assert lines(lower)["training"] == pytest.approx([2 / 3, 0.75])
    assert lines(lower)["development"] == pytest.approx([0.0, 1.0])


def test_an_epoch_whose_loss_is_no_number_is_never_the_best():
    found = {"loss": [1.0, 0.5, 0.4], "val_loss": [1.2, 0.8, np.nan], "pooled_iou": [0.5] * 3, "val_pooled_iou": [0.5] * 3}
    figure = networks.network_curves({"U-Net": found}, "Curves")
    assert lines(figure.axes[0])["weights kept"] == [0.8]


def test_a_training_of_one_epoch_is_seen():
    """A line of one point is none."""
    found = {name: [0.5] for name in ("loss", "val_loss", "pooled_iou", "val_pooled_iou")}
    drawn = [networks.network_curves({"U-Net": found}, ""), plots.history(found, ""),
             arms.arms_curves({"U-Net": {"iou": [[0.5]]}}, "", panels={"iou": "sum IoU"})]  # fmt: skip
    for figure in drawn:
        assert all(line.get_marker() not in ("None", None) for axis in figure.axes for line in axis.lines)


def test_images_below_the_threshold_are_crossed_out():
    figure = networks.left_out({"U-Net": np.array([0.1, 0.7, 0.9])}, 0.6, "Left out")
    axis = figure.axes[0]
    marked = {line.get_marker(): np.asarray(line.get_xdata()).tolist() for line in axis.lines if len(line.get_xdata())}
    assert marked["X"] == [0.1] and marked["o"] == [0.7, 0.9]
    means = [segment[0][0] for group in axis.collections for segment in group.get_segments()]
    assert means == pytest.approx([(0.1 + 0.7 + 0.9) / 3, 0.8])


def test_nothing_is_left_out_where_all_images_are_below():
    assert len(networks.left_out({"U-Net": np.array([0.1, 0.2])}, 0.6, "All").axes[0].collections) == 1


def test_limits_of_agreement_are_1_96_standard_deviations():
    annotated, predicted = np.array([10.0, 20.0, 30.0]), np.array([11.0, 20.0, 32.0])
    figure = networks.bland_altman({name: (annotated, predicted) for name in "abcd"}, "Agreement")
    axis = figure.axes[0]
    levels = sorted({float(line.get_ydata()[0]) for line in axis.lines if len(line.get_ydata()) == 2})
    assert levels == pytest.approx([1 - 1.96, 0, 1, 1 + 1.96])
    points = axis.lines[0]
    assert points.get_xdata().tolist() == [10.5, 20, 31] and points.get_ydata().tolist() == [1, 0, 2]


def test_one_image_has_no_limits_of_agreement():
    figure = networks.bland_altman({"area": (np.array([10.0]), np.array([12.0])), "none": (np.array([]), np.array([]))}, "Agreement")
    titles = [axis.get_title(loc="left") for axis in figure.axes]
    assert titles == ["area: 1 images, no limits", "none: 0 images, no limits"]


@pytest.mark.parametrize("count, shape", [(1, (1, 1)), (3, (2, 2)), (4, (2, 2)), (5, (3, 2))])
def test_every_quantity_has_a_panel_and_a_place_without_one_stays_empty(count, shape):
    annotated = np.array([10.0, 20.0, 30.0])
    names = [f"quantity {number}" for number in range(count)]
    figure = networks.bland_altman({name: (annotated, annotated + 1) for name in names}, "Agreement")
    grid = figure.axes[0].get_gridspec()
    assert (grid.nrows, grid.ncols) == shape
    assert figure.get_size_inches().tolist() == pytest.approx([9.2, 3.2 * shape[0]])
    assert [axis.get_title(loc="left").split(":")[0] for axis in figure.axes if axis.axison] == names


def test_every_network_has_a_column_and_every_image_a_row():
    predictions = {"U-Net": TRUTHS, "DL-Unet": np.zeros_like(TRUTHS)}
    labels = {"U-Net": ["Dice 1.00", "Dice 0.99"], "DL-Unet": ["Dice 0.00", "Dice 0.01"]}
    figure = networks.networks_compared(IMAGES, TRUTHS, predictions, labels, "Side by side")
    titles = [axis.get_title(loc="left") for axis in figure.axes]
    assert titles == ["U-Net\nDice 1.00", "DL-Unet\nDice 0.00", "U-Net\nDice 0.99", "DL-Unet\nDice 0.01"]


def test_the_first_picture_of_a_row_says_how_many_pixels_wide_it_is():
    """A quarter of the width with a quarter of that on either side: 12 pixels of 32. Of 28 with margins, the whole picture."""
    truths = TRUTHS.copy()
    truths[1, 4:8, 2:30] = True
    labels = {"U-Net": ["", ""], "DL-Unet": ["", ""]}
    figure = networks.networks_compared(IMAGES, truths, {"U-Net": truths, "DL-Unet": truths}, labels, "Two scales")
    assert [[text.get_text() for text in axis.texts] for axis in figure.axes] == [["12 px wide"], [], ["32 px wide"], []]


@pytest.mark.parametrize("place", [(0, 0), (23, 31), (12, 16)])
def test_the_window_holds_the_region_and_stays_in_the_picture(place):
    region = np.zeros((24, 32), bool)
    region[place] = True
    figure = networks.networks_compared(IMAGES[:1], region[None], {"U-Net": region[None]}, {"U-Net": [""]}, "Window")
    axis = figure.axes[0]
    (left, right), (bottom, top) = axis.get_xlim(), axis.get_ylim()
    assert -0.5 <= left <= place[1] <= right <= 31.5 and -0.5 <= top <= place[0] <= bottom <= 23.5
    assert (right - left) / (bottom - top) == pytest.approx(32 / 24)
