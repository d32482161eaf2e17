"""Figures of the CT notebook: what they draw is what they were given."""

import numpy as np
from figures import labelled, texts

from nervekit.plots import ct
from nervekit.plots.style import COLOURS, LINES, ORANGE


def test_windows_show_their_limits_and_name_only_organs_that_are_there():
    hounsfield = np.linspace(-1000, 1000, 256).reshape(16, 16)
    liver = np.zeros((16, 16), bool)
    liver[4:9, 4:9] = True
    organs = {"liver": liver, "spleen": np.zeros((16, 16), bool)}
    figure = ct.windows(hounsfield, {"all": (-1000, 1000), "abdomen": (-100, 400)}, organs, "A slice")
    assert [axis.images[0].get_clim() for axis in figure.axes[:3]] == [(-1000, 1000), (-100, 400), (-100, 400)]
    assert "-100 to 400 HU" in texts(figure) and "liver" in texts(figure) and "spleen" not in texts(figure)
    assert [len(axis.collections) for axis in figure.axes[:3]] == [0, 0, 1]


def test_windows_never_leave_out_the_liver_and_say_how_many_organs_they_draw():
    names = ("artery", "bone", "leftkidney", "leftlung", "liver", "livertumor01")
    organs = {name: np.zeros((16, 16), bool) for name in names}
    for place, mask in enumerate(organs.values()):
        mask[2 * place : 2 * place + 2, 2 : 14 - place] = True
    figure = ct.windows(np.zeros((16, 16)), {"all": (-1000, 1000)}, organs, "A slice")
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["liver", "artery", "bone", "leftkidney"] and "4 of 6" in texts(figure)


def test_organs_do_not_share_a_line_style_and_colour():
    assert len({colour for colour, _ in ct.ORGANS}) == len({line for _, line in ct.ORGANS}) == len(ct.ORGANS)


def test_no_organ_looks_like_a_prediction():
    assert not {(COLOURS["prediction"], LINES["prediction"]), (ORANGE, LINES["prediction"])} & set(ct.ORGANS)


def test_the_line_along_the_body_breaks_where_slices_are_missing():
    heights, area = np.array([0.0, 2.0, 4.0, 20.0, 22.0]), np.arange(5.0)
    figure = ct.along_the_body({"a": heights}, {"a": area}, {"a": {"transferred": 2 * area}}, "Area")
    drawn = labelled(figure.axes[0])
    for name, factor in (("annotated", 1), ("transferred", 2)):
        x, y = drawn[name].get_data()
        assert np.isnan(x[3]) and np.isnan(y).sum() == 1
        assert y[~np.isnan(y)].tolist() == (factor * area).tolist()


def test_an_even_line_is_not_broken():
    x, y = ct._broken([0.0, 3.0, 6.0], [1.0, 2.0, 3.0])
    assert x.tolist() == [0.0, 3.0, 6.0] and y.tolist() == [1.0, 2.0, 3.0]


def test_no_panel_cuts_off_the_largest_area():
    heights = {"small": np.arange(3.0), "large": np.arange(3.0)}
    areas = {"small": np.ones(3), "large": np.full(3, 10.0)}
    figure = ct.along_the_body(heights, areas, {name: {"transferred": 2 * area} for name, area in areas.items()}, "Area")
    for axis in figure.axes:
        bottom, top = axis.get_ylim()
        assert bottom == 0 and top >= 20
