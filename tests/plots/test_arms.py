"""Figures of an experiment with several arms: what they draw is what they were given."""

import numpy as np
import pytest
from figures import labelled, texts

from nervekit import plots
from nervekit.calibration import Reliability
from nervekit.plots import arms, ct, evidence
from nervekit.plots.style import COLOURS


def test_arms_curves_draw_the_mean_over_seeds_and_the_level_on_its_panel_alone():
    curves = {"scratch": {"accuracy": np.array([[0.8, 0.9], [0.6, 0.7]]), "iou": np.array([[0.0, 0.2], [0.2, 0.4]])}}
    panels = {"accuracy": "accuracy of pixels", "iou": "sum IoU"}
    figure = arms.arms_curves(curves, "They rise", panels=panels, level=("accuracy", 0.93, "empty mask"))
    left, right = figure.axes
    assert labelled(left)["scratch"].get_ydata().tolist() == pytest.approx([0.7, 0.8])
    assert labelled(right)["scratch"].get_ydata().tolist() == pytest.approx([0.1, 0.3])
    assert labelled(left)["empty mask"].get_ydata()[0] == 0.93 and "empty mask" not in labelled(right)
    assert left.collections[0].get_paths()[0].vertices[:, 1].min() == pytest.approx(0.6)


def test_arms_share_no_colour_with_each_other_nor_with_what_learnt_nothing():
    assert len({colour for colour, _ in arms.ARMS} | {COLOURS["ink"]}) == len(arms.ARMS) + 1
    assert len({line for _, line in arms.ARMS}) == len(arms.ARMS)  # nor a line, for who sees no colours


def test_two_arms_look_the_same_in_every_figure_that_compares_two():
    def both(one):
        return {"faithful": one, "ours": one}

    curve = Reliability(np.array([0.0, 0.5, 1.0]), np.array([0.2, 0.8]), np.array([0.1, 0.9]), np.array([5, 5]), 0.1)
    drawn = {
        "curves": arms.arms_curves(both({"iou": [[0.1, 0.2]]}), "", panels={"iou": "sum IoU"}).axes[0].lines,
        "calibration": evidence.reliability(both(curve), "").axes[0].lines[1:],
        "folds": plots.fold_scores(both({"pooled_iou": [0.5, 0.6], "accuracy": [0.8, 0.9]}), "").axes[0].lines[1::2],
    }
    looks = {name: [(line.get_color(), line.get_linestyle()) for line in lines] for name, lines in drawn.items()}
    assert looks == {name: [(COLOURS["neutral"], "-"), (COLOURS["prediction"], "--")] for name in drawn}
    score = {"value": 0.5, "low": 0.4, "high": 0.6}
    bars = plots.compare_scores(both(score), "", xlabel="sum IoU", highlight=["ours"]).axes[0].lines[::2]
    assert [bar.get_color() for bar in bars] == [COLOURS["neutral"], COLOURS["prediction"]]


def test_the_arms_of_notebook_08_keep_their_look_from_figure_to_figure():
    names = ("from scratch, all slices", "from scratch, 25%", "transferred, 25%", "encoder frozen, 25%")
    curves = labelled(arms.arms_curves({name: {"dice": [[0.1, 0.2]]} for name in names}, "", panels={"dice": "Dice"}).axes[0])
    rows = {"empty mask": {"dice": 0.0}, "copied mask": {"dice": 0.4}} | {name: {"dice": [0.5, 0.6]} for name in names}
    scores = arms.arms_scores(rows, "", panels={"dice": "Dice"}, baselines=2).axes[0]
    circles = [line.get_color() for line in scores.lines if line.get_marker() == "o"]
    assert circles == [COLOURS["ink"]] * 2 + [curves[name].get_color() for name in names]
    areas = {name: np.ones(3) for name in (names[2], names[1])}
    body = labelled(ct.along_the_body({"a": np.arange(3)}, {"a": np.ones(3)}, {"a": areas}, "").axes[0])
    for name in areas:
        assert (body[name].get_color(), body[name].get_linestyle()) == (curves[name].get_color(), curves[name].get_linestyle())


def test_arms_scores_mark_every_seed_and_print_the_mean():
    scores = {"empty mask": {"dice": 0.0}, "transferred": {"dice": [0.8, 0.9]}}
    figure = arms.arms_scores(scores, "Dice", panels={"dice": "Dice, slices with liver"})
    circles = [line.get_xdata().tolist() for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert circles == [[0.0], [0.8, 0.9]]
    assert "0.850" in texts(figure) and "0.000" in texts(figure)
