"""Figures of evidence: what they draw is what they were given."""

import ast
from pathlib import Path

import numpy as np
import pytest
from figures import texts

from nervekit import calibration
from nervekit.plots import evidence
from nervekit.plots.style import COLOURS

SOURCES = Path(__file__).resolve().parents[2] / "notebooks" / "source"


def test_differences_are_filled_where_the_interval_leaves_zero():
    rows = {
        "better": {"value": 0.2, "low": 0.1, "high": 0.3},
        "unclear": {"value": 0.02, "low": -0.1, "high": 0.12},
        "worse": {"value": -0.2, "low": -0.25, "high": -0.1},
    }
    figure = evidence.differences(rows, "One of three is better", xlabel="difference in Dice")
    (axis,) = figure.axes
    marks = [line for line in axis.lines if line.get_marker() == "o" and len(line.get_xdata())]
    assert [float(line.get_xdata()[0]) for line in marks] == [0.2, 0.02, -0.2]
    assert [line.get_markerfacecolor() == "white" for line in marks] == [False, True, False]
    low, high = axis.get_xlim()
    assert low == -high and high > 0.3
    assert all(text in texts(figure) for text in ("+0.200", "-0.200", "unclear", "difference in Dice"))


def test_a_single_group_has_no_interval_and_is_drawn_all_the_same():
    one = {"value": 0.2, "low": np.nan, "high": np.nan}
    figure = evidence.differences({"one group": one}, "No interval", xlabel="difference in Dice")
    assert figure.axes[0].get_xlim()[1] > 0.2
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["no interval"]
    figure = evidence.data_curves([45], {"a": [one]}, "No interval", levels={"mean mask": 0.1}, xlabel="images")
    assert figure.axes[0].get_ylim()[1] > 0.2


def test_changes_of_groups_are_sorted_and_counted_by_side():
    figure = evidence.sorted_changes(np.array([0.1, -0.2, 0.0, 0.3]), "Two of four gain", xlabel="sessions", ylabel="Dice")
    (axis,) = figure.axes
    heights = {bar.get_x() + bar.get_width() / 2: bar.get_height() for bar in axis.patches}
    assert [heights[place] for place in sorted(heights)] == [0.3, 0.1, 0.0, -0.2]
    assert "gains: 2 of 4" in texts(figure) and "does not gain: 2 of 4" in texts(figure)
    everybody = evidence.sorted_changes(np.array([0.1, 0.2]), "All gain", xlabel="sessions", ylabel="Dice")
    assert "does not gain" not in texts(everybody)


def test_curves_over_the_data_keep_counts_in_order_and_every_interval_in_sight():
    found = {
        "nothing": [{"value": 0.3, "low": 0.2, "high": 0.5}, {"value": 0.6, "low": 0.5, "high": 0.7}],
        "simulated": [{"value": 0.4, "low": 0.3, "high": 0.5}, {"value": 0.6, "low": 0.5, "high": 0.95}],
    }
    levels = {"no image": 0.1, "mean mask": 0.2}
    figure = evidence.data_curves([45, 1200], found, "Helps with few", levels=levels, xlabel="images")
    (axis,) = figure.axes
    assert [list(line.get_ydata()) for line in axis.lines] == [[0.3, 0.6], [0.4, 0.6], [0.1, 0.1], [0.2, 0.2]]
    drawn = [segment[:, 1].tolist() for bars in axis.collections for segment in bars.get_segments()]
    assert drawn == [[one["low"], one["high"]] for curve in found.values() for one in curve]
    assert axis.get_ylim()[0] == 0 and axis.get_ylim()[1] > 0.95
    assert "95 % interval" in axis.get_ylabel()
    assert all(text in texts(figure) for text in ("45", "1,200", "nothing", "simulated", "no image", "mean mask"))


def test_the_key_of_differences_names_what_is_drawn_and_nothing_has_a_negative_zero():
    unclear = {"nothing": {"value": -0.0001, "low": -0.1, "high": 0.1}}
    figure = evidence.differences(unclear, "Nothing shown", xlabel="difference in Dice")
    (key,) = figure.legends
    assert [text.get_text() for text in key.get_texts()] == ["interval with zero"]
    assert "+0.000" in texts(figure) and "-0.000" not in texts(figure)


def test_reliability_draws_every_bin_and_its_pixels():
    random = np.random.default_rng(0)
    probability = random.random(2000)
    found = calibration.reliability(random.random(2000) < probability, probability)
    figure = evidence.reliability({"ours": found}, "It comes true")
    curve = figure.axes[0].lines[1]
    assert np.allclose(curve.get_xdata(), found.predicted) and np.allclose(curve.get_ydata(), found.observed)
    assert figure.axes[1].patches[0].get_data().values.tolist() == found.count.tolist()
    assert f"calibration error {found.error:.3f}" in texts(figure)


def test_risk_is_drawn_against_coverage():
    coverage, risk, _ = calibration.risk_coverage(np.array([0.1, 0.4, 0.2]), np.array([1, 3, 2]))
    figure = evidence.risk_coverage({"ours": (coverage, risk)}, "Doubt helps")
    (line,) = figure.axes[0].lines
    assert np.array_equal(line.get_xdata(), coverage) and np.array_equal(line.get_ydata(), risk)
    assert line.get_color() == COLOURS["prediction"]  # as ours beside the faithful arm, see test_arms


def test_labels_in_notebooks_name_the_interval_that_is_drawn():
    cells = [ast.parse(source.read_text(encoding="utf-8")) for source in SOURCES.glob("*.py")]
    calls = [node for cell in cells for node in ast.walk(cell) if isinstance(node, ast.Call)]
    drawn = [call for call in calls if getattr(call.func, "attr", None) in ("compare_scores", "differences")]
    labels = [given.value.value for call in drawn for given in call.keywords
              if given.arg == "xlabel" and isinstance(given.value, ast.Constant)]  # fmt: skip
    assert len(labels) == len(drawn) > 8 and [label for label in labels if "95 % interval" not in label] == []


@pytest.fixture
def moving():
    frames = np.full((6, 16, 24, 1), 90, np.uint8)
    masks = np.zeros((6, 16, 24), bool)
    for place, mask in enumerate(masks):
        mask[4:8, 2 : 6 + place] = True
    return frames, masks, masks.sum(axis=(1, 2))


def test_the_cine_shows_frames_at_even_steps_and_all_areas(moving):
    figure = evidence.cine(*moving, "The region grows", truth=moving[2] + 1, shown=3)
    assert [axis.get_title("left") for axis in figure.axes[:3]] == ["frame 1", "frame 3", "frame 5"]
    predicted, true = figure.axes[3].lines[:2]
    assert predicted.get_ydata().tolist() == moving[2].tolist() == (true.get_ydata() - 1).tolist()
