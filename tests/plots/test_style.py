"""What all figures share."""

import matplotlib.pyplot as plt
import numpy as np

from nervekit.plots.style import draw_contour


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
