"""Figures of the brachial plexus draw what they were given."""

import numpy as np
from figures import texts

from nervekit import presence
from nervekit.plots import brachial


def test_output_shares_fall_at_the_outputs():
    figure = brachial.output_shares({"U-Net": np.array([0.2, 0.7, 1.0, 1.0])}, "Half reach 1")
    line = next(line for line in figure.axes[0].lines if line.get_label() == "U-Net")
    at = dict(zip(np.round(line.get_xdata(), 3).tolist(), line.get_ydata().tolist(), strict=True))
    assert (at[0.1], at[0.5], at[1.0], at[1.05]) == (100, 75, 50, 0)
    assert "Half reach 1" in texts(figure)


def test_presence_plane_shows_every_image_and_the_limit():
    head, area = np.array([0.1, 0.9, 0.4]), np.array([500, 7000, 0])
    figure = brachial.presence_plane(head, area, np.array([False, True, False]), "Title")
    points = [line for line in figure.axes[0].lines if "annotated" in line.get_label()]
    assert sorted(float(x) for line in points for x in line.get_xdata()) == [0, 500, 7000]
    corners = figure.axes[0].collections[0].get_paths()[0].vertices
    assert corners[:, 0].max() == 6000 and corners[:, 1].max() == 1
    assert "emptied by the filter" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_presence_plane_draws_where_a_learnt_rule_turns():
    head, area = np.array([0.2, 0.9]), np.array([1000.0, 8000.0])
    rule = (lambda heads, areas: 0.5 * heads + areas / 16_000), 0.6
    figure = brachial.presence_plane(head, area, np.array([False, True]), "Title", rule=rule)
    line = np.concatenate([path.vertices for path in figure.axes[0].collections[-1].get_paths()])
    assert len(line) > 10 and np.allclose(0.5 * line[:, 1] + line[:, 0] / 16_000, 0.6, atol=1e-3)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "learnt rule: emptied below" in labels and "presence head alone at 0.5" not in labels
    assert "emptied by the formula" in labels and "emptied by the filter" not in labels


def test_the_line_of_a_learnt_rule_does_not_run_on_to_empty_masks():
    rule = (lambda heads, areas: np.where(areas > 0, heads, 1.0)), 0.5
    figure = brachial.presence_plane(np.array([0.2]), np.array([1000.0]), np.array([False]), "Title", rule=rule)
    line = np.concatenate([path.vertices for path in figure.axes[0].collections[-1].get_paths()])
    assert np.allclose(line[:, 1], 0.5) and np.isclose(line[:, 0].min(), presence.SMALLEST)


def test_filter_gain_has_a_point_a_treatment():
    scores = {"U-Net": {"plain": 0.4, "filtered": 0.6}, "U-Net++": {"plain": 0.5, "filtered": 0.65}}
    figure = brachial.filter_gain(scores, 0.59, "Title", xlabel="score")
    drawn = [float(line.get_xdata()[0]) for line in figure.axes[0].lines if len(line.get_xdata()) == 1]
    assert sorted(drawn) == [0.4, 0.5, 0.6, 0.65] and "0.590" in texts(figure)


def test_cases_say_whether_a_nerve_is_annotated():
    images, truths = np.zeros((2, 8, 8, 1), np.uint8), np.zeros((2, 8, 8), bool)
    truths[0, 2:5, 2:5] = True
    figure = brachial.cases(images, truths, {"A": truths}, [{"A": "Dice 1"}, {"A": "Dice 0"}], "Title")
    shown = texts(figure)
    assert "nerve annotated" in shown and "no nerve annotated" in shown and "Dice 0" in shown and "predicted" in shown


def test_set_layout_counts_kinds_and_marks_the_cut():
    kind = np.array(["original"] * 6 + ["turned", "mirrored"] * 3)
    figure = brachial.set_layout(kind, 9, "Title")
    labels = figure.legends[0].get_texts()
    assert [label.get_text() for label in labels] == ["original: 6", "turned: 3", "mirrored: 3"]
    assert any(list(line.get_xdata()) == [9, 9] for line in figure.axes[0].lines)
