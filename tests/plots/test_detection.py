"""Figures of detection: what they draw is what they were given."""

import numpy as np
from figures import texts

from nervekit.plots import detection


def test_each_case_has_a_row_and_a_case_without_examples_says_so():
    mask = np.zeros((16, 16), bool)
    mask[4:9, 4:9] = True
    example = (np.full((16, 16, 1), 90, np.uint8), mask, mask, "Dice 1.00")
    figure = detection.case_gallery({"true positive": [example] * 3, "false negative": []}, "All found", columns=3)
    assert len(figure.axes) == 6
    assert [bool(axis.images) for axis in figure.axes] == [True] * 3 + [False] * 3
    assert all(word in texts(figure) for word in ("Dice 1.00", "false negative: none", "All found", "predicted"))


def test_the_operating_point_is_drawn_in_percent_with_the_chosen_area():
    curve = {"area": np.array([0, 0.01]), "false_negative_rate": np.array([0.1, 0.5]),
             "false_positive_rate": np.array([0.9, 0.2])}  # fmt: skip
    figure = detection.operating_point({"development": curve, "test": curve}, 0.01, "Moved")
    drawn = [np.asarray(line.get_ydata()).tolist() for line in figure.axes[1].lines[:2]]
    assert np.allclose(drawn, [[10, 50], [90, 20]])
    assert figure.axes[0].lines[2].get_xdata()[0] == 1
    assert "chosen: 1.00 %" in texts(figure)


def test_the_legend_of_the_operating_point_says_what_each_rate_is_a_share_of_and_fits():
    curve = {"area": np.array([0, 0.2]), "false_negative_rate": np.array([0.1, 0.5]),
             "false_positive_rate": np.array([0.9, 0.2])}  # fmt: skip
    figure = detection.operating_point({"development": curve, "test": curve}, 0.1234, "Moved")
    (legend,) = figure.legends
    said = [text.get_text() for text in legend.get_texts()]
    assert said == ["nerves missed (of images with one)", "false alarms (of images without)", "chosen: 12.34 %"]
    figure.canvas.draw()
    drawn = legend.get_window_extent()
    assert 0 <= drawn.x0 and drawn.x1 <= figure.bbox.width


def test_parts_of_the_enlarged_set_add_up_and_copies_are_counted():
    figure = detection.copies(30, 20, 2, np.array([0, 2, 2, 1, 0, 2]), "Leak")
    left, right = figure.axes
    assert [bar.get_width() for bar in left.patches] == [30, 20, 20, 20]
    assert "90 in all" in left.get_xlabel()
    assert {bar.get_x() + bar.get_width() / 2: bar.get_height() for bar in right.patches} == {0: 2, 1: 1, 2: 3}


def test_every_test_of_a_network_is_a_point():
    score = {"low": 0.4, "high": 0.8}
    scores = {name: {"leaking": {"value": 0.7, **score}, "new": {"value": 0.5, **score}} for name in ("a", "b")}
    figure = detection.split_scores(scores, "It falls", xlabel="Dice")
    points = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_marker() != "None"]
    assert points == [0.7, 0.5, 0.7, 0.5]
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["a", "b"]


def test_a_score_without_an_interval_keeps_its_number():
    """Matplotlib leaves out, without a word, what is written beside a bound that is NaN."""
    figure = detection.split_scores({"a": {"new": {"value": 0.5, "low": np.nan, "high": np.nan}}}, "", xlabel="Dice")
    (number,) = [text for text in figure.axes[0].texts if text.get_text() == "0.50"]
    assert number.xy[0] == 0.5
