"""Figures of the double networks: what they draw is what they were given."""

import numpy as np
from figures import texts
from matplotlib.colors import to_hex

from nervekit.plots import median
from nervekit.plots.style import COLOURS

IMAGES = np.full((2, 24, 32, 1), 90, np.uint8)
TRUTHS = np.zeros((2, 24, 32), bool)
TRUTHS[:, 4:8, 10:18] = True


def pictures(axis):
    return [np.asarray(image.get_array()) for image in axis.images]


def test_inner_tensors_stand_in_one_row_an_epoch():
    snapshots = {
        epoch: {"output_1": np.full((24, 32), 0.1 * epoch), "multiply": np.full((24, 32), -float(epoch)),
                "output_2": TRUTHS[0] * 0.9}
        for epoch in (2, 5)
    }  # fmt: skip
    figure = median.inner_tensors(IMAGES[0], TRUTHS[0], snapshots, "It learns")
    axes = np.reshape(figure.axes, (2, 4))
    assert np.allclose(pictures(axes[1, 1])[0], 0.5) and np.allclose(pictures(axes[0, 2])[0], -2)
    assert axes[0, 2].images[0].get_clim() == (-5, 5) and axes[0, 1].images[0].get_clim() == (0, 1)
    assert all(text in texts(figure) for text in ("after epoch 2", "after epoch 5", "multiply layer", "It learns"))


def test_a_multiply_layer_of_zeros_can_be_drawn():
    zeros = dict.fromkeys(("output_1", "multiply", "output_2"), np.zeros((24, 32)))
    assert median.inner_tensors(IMAGES[0], TRUTHS[0], {1: zeros}, "Nothing").axes


def test_what_output_2_adds_and_takes_away_is_marked():
    first, second = TRUTHS.copy(), TRUTHS.copy()
    first[:, 20, 2:6] = True
    second[:, 8, 10:18] = True
    figure = median.outputs_compared(IMAGES, TRUTHS, first, second, [("output 1: 0.7", "output 2: 0.8")] * 2, "Better")
    assert "output 1: 0.7" in texts(figure) and "added by output 2" in texts(figure)
    same = median.outputs_compared(IMAGES, TRUTHS, TRUTHS, TRUTHS, [("1", "2")] * 2, "Same")
    filled = [sum(len(contour.get_paths()) > 0 for contour in shown.axes[2].collections) for shown in (figure, same)]
    assert filled[0] == filled[1] + 2
    changes = figure.axes[2].collections[-2:]
    assert [to_hex(change.get_facecolor()[0]).upper() for change in changes] == [COLOURS["neutral"], COLOURS["accent"]]
    # left, upper, right and lower edge: a pixel reaches half a step beyond its centre
    places = [change.get_paths()[0].get_extents().extents.tolist() for change in changes]
    assert places == [[9.5, 7.5, 17.5, 8.5], [1.5, 19.5, 5.5, 20.5]]


def test_rows_that_are_kept_stand_between_two_lines_beside_the_share_of_masks():
    rows = slice(2, 10)
    figure = median.rows_kept(IMAGES[0], TRUTHS[0], TRUTHS, rows, "A third of the rows")
    left, right = figure.axes
    assert [line.get_ydata()[0] for line in left.lines[-2:]] == [1.5, 9.5] == [line.get_ydata()[0] for line in right.lines]
    (share,) = right.patches
    values, edges, _ = share.get_data()
    assert np.flatnonzero(values).tolist() == [4, 5, 6, 7] and edges[0] == -0.5 and values.max() == 1
    assert all(text in texts(figure) for text in ("rows kept", "annotated", "row (pixels)", "A third of the rows"))
