"""Figures of data show what they are given: counted from the drawn figure itself."""

import matplotlib
import numpy as np

from nervekit.data import SegmentationDataset
from nervekit.plots import data as figures

matplotlib.use("Agg")


def square(stray=None):
    mask = np.zeros((40, 50), bool)
    mask[10:20, 10:20] = True
    if stray:
        mask[stray] = True
    return mask


def bar_heights(axis):
    return sum(patch.get_height() for patch in axis.patches)


def test_gallery_shows_every_picture_with_its_title():
    figure = figures.gallery(
        [square() * 255] * 5, list("abcde"), "five", masks=[square()] * 4 + [None], columns=3
    )
    shown = [axis for axis in figure.axes if axis.images]
    assert [axis.get_title(loc="left") for axis in shown] == list("abcde")
    assert [len(axis.collections) for axis in shown] == [1, 1, 1, 1, 0]
    assert figure.get_suptitle() == "five"


def test_strays_are_circled_where_they_lie():
    images = [np.zeros((40, 50), np.uint8)] * 2
    figure = figures.strays(images, [square(), square(stray=(30, 44))], ["clean", "stray"], "one stray")
    circles = [[tuple(np.ravel(line.get_xydata())) for line in axis.lines] for axis in figure.axes]
    assert circles == [[], [(44.0, 30.0)]]


def test_histogram_of_matches_counts_every_test_image():
    axis = figures.nearest_match(np.array([0.1, 0.59, 0.6, 0.9]), 0.6, "two of four").axes[0]
    assert bar_heights(axis) == 4


def bars(axis):
    """Of the images below the threshold, and of those above: left edge, bottom and height of each bar."""
    return np.split(np.array([(bar.get_x(), bar.get_y(), bar.get_height()) for bar in axis.patches]), 2)


def test_bars_stand_on_each_other_where_the_threshold_is_no_edge():
    axis = figures.nearest_match(np.array([0.2, 0.485, 0.49, 0.51, 0.9]), 0.5, "two of five").axes[0]
    others, found = bars(axis)
    (shared,) = np.flatnonzero((others[:, 2] > 0) & (found[:, 2] > 0))
    assert np.isclose(others[shared, 0], 0.48)
    assert others[shared, 1:].tolist() == [0, 2] and found[shared, 1:].tolist() == [2, 1]
    assert bar_heights(axis) == 5 and axis.get_ylim()[1] > 3


def test_the_threshold_stays_an_edge_where_a_correlation_is_negative():
    axis = figures.nearest_match(np.array([-0.3, 0.1, 0.59, 0.6, 0.9]), 0.6, "two of five").axes[0]
    others, found = bars(axis)
    assert bar_heights(axis) == 5 and not ((others[:, 2] > 0) & (found[:, 2] > 0)).any()
    assert np.isclose(others[0, 0], -0.32) and np.isclose(others[:, 0], 0.6).any()


def test_bars_of_groups_count_every_image():
    parts = np.array(["train", "test", "development", "train"])
    axis = figures.group_sizes(np.array(["a", "a", "b", "c"]), parts, "title").axes[0]
    assert (
        bar_heights(axis) == 4
        and [label.get_text() for label in axis.get_legend().texts][-1] == "test images"
    )


def test_balance_shows_percent():
    figure = figures.balance(np.stack([square()] * 3), "five percent")
    left, right = figure.axes[:2]
    assert bar_heights(left) == 3 and "5.0 %" in left.get_legend().texts[0].get_text()
    assert right.images[0].get_array().max() == 100


def test_pairs_put_training_images_below_test_images():
    images = np.zeros((4, 40, 50, 1), np.uint8)
    names = np.array(["7", "8", "9", "10"])
    dataset = SegmentationDataset("own", images, np.stack([square()] * 4), names, names)
    figure = figures.pairs(dataset, np.array([[3, 0], [2, 1]]), np.array([0.9, 0.7]), "two pairs")
    titles = [axis.get_title(loc="left") for axis in figure.axes]
    assert titles == ["test 10", "test 9", "training 7\ncorrelation 0.90", "training 8\ncorrelation 0.70"]


def test_sizes_and_zoomed_masks_are_drawn():
    zoo = figures.size_zoo(np.array([500, 800]), np.array([300, 450]), (256, 256), "two sizes")
    assert len(zoo.axes[0].collections[0].get_offsets()) == 2
    assert len(figures.zoomed_masks([square() * 1.0] * 3, list("abc"), "three").axes) == 4
