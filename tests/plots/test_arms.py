"""Figures of an experiment with several arms: what they draw is what they were given."""

import numpy as np
import pytest
from figures import labelled, texts

from nervekit.plots import arms


def test_arms_curves_draw_the_mean_over_seeds_and_the_level_on_its_panel_alone():
    curves = {"scratch": {"accuracy": np.array([[0.8, 0.9], [0.6, 0.7]]), "iou": np.array([[0.0, 0.2], [0.2, 0.4]])}}
    panels = {"accuracy": "accuracy of pixels", "iou": "sum IoU"}
    figure = arms.arms_curves(curves, "They rise", panels=panels, level=("accuracy", 0.93, "empty mask"))
    left, right = figure.axes
    assert labelled(left)["scratch"].get_ydata().tolist() == pytest.approx([0.7, 0.8])
    assert labelled(right)["scratch"].get_ydata().tolist() == pytest.approx([0.1, 0.3])
    assert labelled(left)["empty mask"].get_ydata()[0] == 0.93 and "empty mask" not in labelled(right)
    assert left.collections[0].get_paths()[0].vertices[:, 1].min() == pytest.approx(0.6)


def test_arms_do_not_share_a_colour():
    assert len({arm[0] for arm in arms.ARMS}) == len(arms.ARMS)


def test_arms_scores_mark_every_seed_and_print_the_mean():
    scores = {"empty mask": {"dice": 0.0}, "transferred": {"dice": [0.8, 0.9]}}
    figure = arms.arms_scores(scores, "Dice", panels={"dice": "Dice, slices with liver"})
    circles = [line.get_xdata().tolist() for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert circles == [[0.0], [0.8, 0.9]]
    assert "0.850" in texts(figure) and "0.000" in texts(figure)
