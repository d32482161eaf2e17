"""Figures of formats show what they are given, in the places and the units that they claim."""

import numpy as np
from matplotlib.patches import Rectangle

from nervekit.plots import formats


def test_runs_are_hatched_where_the_mask_is():
    mask = np.array([[0, 1, 0], [1, 1, 0]])
    figure = formats.run_lengths(mask, [(2, 3)], "title")
    pixels = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    assert {(patch.get_x(), patch.get_y()) for patch in pixels if patch.get_hatch()} == {(0, 1), (1, 0), (1, 1)}
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts[:6] == list("123456") and "“2 3”" in texts[6]


def test_windows_are_marked_over_the_histogram():
    units = np.linspace(-1000, 1000, 400).reshape(20, 20)
    shown = {"one": (np.zeros((20, 20), np.uint8), (-100, 400)), "two": (np.zeros((20, 20), np.uint8), (0, 50))}
    figure = formats.windows(units, shown, "title")
    histogram = figure.axes[-1]
    assert [list(line.get_xdata()) for line in histogram.lines] == [[-100, 400], [0, 50]]
    assert sum(patch.get_height() for patch in histogram.patches) == 400
    assert [axis.get_title(loc="left") for axis in figure.axes[:2]] == ["one\n-100 to 400 HU", "two\n0 to 50 HU"]


def test_every_organ_is_in_the_legend_and_an_absent_one_is_not_drawn():
    mask = np.zeros((20, 20), bool)
    mask[4:9, 4:9] = True
    figure = formats.organs(np.zeros((20, 20), np.uint8), {"liver": mask, "bone": ~mask & False}, "title")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["liver", "bone"]
    assert len(figure.axes[0].collections) == 1


def test_both_orders_of_slices_are_drawn():
    areas, by_name = np.array([1.0, 4.0, 9.0]), np.array([0, 2, 1])
    by_text, true = formats.slice_order(areas, by_name, "title").axes[0].lines
    assert by_text.get_ydata().tolist() == [1, 9, 4] and true.get_ydata().tolist() == [1, 4, 9]


def test_cut_is_drawn_in_millimetres():
    cubes, scaled = formats.cut(np.zeros((10, 30), np.uint8), (2.0, 0.5), "title").axes
    assert list(scaled.images[0].get_extent()) == [0, 15, 0, 20]
    assert cubes.images[0].get_array().shape == (10, 30)


def test_polygons_are_closed_and_the_view_holds_them():
    mask = np.zeros((100, 100), bool)
    mask[40:60, 30:50] = True
    corners = np.array([[30.0, 40.0], [52.0, 40.0], [52.0, 61.0]])
    figure = formats.annotations([np.zeros((100, 100), np.uint8)], [mask], [[corners]], ["one"], "title")
    axis = figure.axes[0]
    drawn = np.stack(axis.lines[0].get_data(), axis=1)
    assert np.array_equal(drawn, corners[[0, 1, 2, 0]])
    (left, right), (bottom, top) = axis.get_xlim(), axis.get_ylim()
    assert left < 30 and right > 52 and top < 40 and bottom > 61
