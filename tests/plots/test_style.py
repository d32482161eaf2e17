"""What all figures share."""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pytest
from figures import texts

from nervekit import plots
from nervekit.calibration import Reliability
from nervekit.errors import ConfigurationError
from nervekit.plots import arms, brachial, ct, detection, evidence
from nervekit.plots.style import draw_contour

SCORE = {"value": 0.5, "low": 0.4, "high": 0.6}
RELIABLE = Reliability(np.array([0.0, 0.5, 1.0]), np.array([0.2, 0.8]), np.array([0.1, 0.9]), np.array([5, 5]), 0.1)
FOLDS = {"pooled_iou": [0.5, 0.6], "accuracy": [0.8, 0.9]}

# How many each figure can tell apart, and the figure of as many as `many` makes of one.
LOOKS = {
    "arms_curves": (5, lambda many: arms.arms_curves(many({"iou": [[0.1, 0.2]]}), "", panels={"iou": "sum IoU"})),
    "arms_scores": (6, lambda many: arms.arms_scores(many({"dice": 0.5}), "", panels={"dice": "Dice"}, baselines=1)),
    "output_shares": (5, lambda many: brachial.output_shares(many(np.array([0.2, 0.7])), "")),
    "filter_gain": (3, lambda many: brachial.filter_gain({"U-Net": many(0.5)}, 0.6, "", xlabel="score")),
    "along_the_body": (2, lambda many: ct.along_the_body({"a": np.arange(3)}, {"a": np.ones(3)}, {"a": many(np.ones(3))}, "")),
    "split_scores": (3, lambda many: detection.split_scores({"U-Net": many(SCORE)}, "", xlabel="Dice")),
    "data_curves": (3, lambda many: evidence.data_curves([45], many([SCORE]), "", levels={}, xlabel="images")),
    "levels": (2, lambda many: evidence.data_curves([45], {"a": [SCORE]}, "", levels=many(0.1), xlabel="images")),
    "reliability": (3, lambda many: evidence.reliability(many(RELIABLE), "")),
    "risk_coverage": (3, lambda many: evidence.risk_coverage(many(([0.5, 1.0], [0.1, 0.2])), "")),
    "fold_scores": (2, lambda many: plots.fold_scores(many(FOLDS), "")),
}


def arms_of(count, one):
    return {f"arm {number}": one for number in range(count)}


@pytest.mark.parametrize("limit, draw", LOOKS.values(), ids=list(LOOKS))
def test_a_figure_draws_everything_or_refuses_what_it_has_no_look_for(limit, draw):
    named = texts(draw(partial(arms_of, limit)))
    assert all(name in named for name in arms_of(limit, None))
    with pytest.raises(ConfigurationError, match=f"{limit + 1} in one figure .*arm {limit}.* at most {limit},"):
        draw(partial(arms_of, limit + 1))


def test_outlines_run_between_the_pixels_of_a_mask_and_those_beside_it():
    mask = np.zeros((8, 12), bool)
    mask[2:5, 3:9] = True
    axis = plt.subplots()[1]
    for kind, dashed in (("truth", False), ("prediction", True)):
        draw_contour(axis, mask, kind)
        outline = axis.collections[-1]
        corners = np.concatenate([path.vertices for path in outline.get_paths()])
        assert corners.min(axis=0).tolist() == [2.5, 1.5] and corners.max(axis=0).tolist() == [8.5, 4.5]
        assert (outline.get_linestyle()[0][1] is not None) == dashed


def test_an_empty_mask_has_no_outline():
    axis = plt.subplots()[1]
    draw_contour(axis, np.zeros((4, 4), bool), "truth", label="annotated")
    assert not axis.collections and axis.get_legend_handles_labels()[1] == ["annotated"]
