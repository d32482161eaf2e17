"""Figures of results: what they draw is what they were given."""

from types import SimpleNamespace

import numpy as np
import pytest
from figures import texts

from nervekit import plots
from nervekit.plots import curves

SCORES = {"empty mask": {"value": 0.0, "low": 0.0, "high": 0.0}, "U-Net": {"value": 0.7, "low": 0.6, "high": 0.8}}


def test_curves_carry_every_epoch_and_both_parts():
    curves = {"loss": [0.5, 0.2], "val_loss": [0.6, 0.3], "pooled_iou": [0.1, 0.5], "val_pooled_iou": [0.1, 0.4]}
    figure = plots.history(curves, "It learnt")
    drawn = {line.get_label(): line.get_ydata().tolist() for line in figure.axes[1].lines}
    assert drawn == {"training": [0.1, 0.5], "development": [0.1, 0.4]}
    assert "It learnt" in texts(figure) and "epoch" in texts(figure)


def test_values_above_one_are_drawn_whole_and_what_has_none_is_left_out():
    values = {"ours": np.array([2.0, 3.0, np.nan, 9.5])}
    figure = plots.box_plot(values, "Far", ylabel="95 % Hausdorff distance (mm)", threshold=None)
    axis = figure.axes[0]
    low, high = axis.get_ylim()
    assert low == 0 and high > 9.5 and "(3 images)" in axis.get_xticklabels()[0].get_text()
    assert not any("threshold" in text for text in texts(figure))
    assert set(axis.lines[0].get_ydata()) == {2.5, 6.25}  # the box, from quartile to quartile of 2, 3 and 9.5


def test_scores_above_one_are_drawn_whole():
    far = {"ours": {"value": 3.0, "low": 2.0, "high": 4.0}}
    assert plots.compare_scores(far, "Far", xlabel="mm").axes[0].get_xlim()[1] > 4
    assert plots.compare_scores(SCORES, "Near", xlabel="Dice").axes[0].get_xlim()[1] == 1


def test_a_loss_below_zero_is_drawn_and_named():
    curves = {"loss": [-0.2, -0.8], "pooled_iou": [0.1, 0.5]}
    axis = plots.history(curves, "It learnt", loss="negative Dice").axes[0]
    assert axis.get_yscale() == "linear" and axis.get_ylabel() == "negative Dice"


@pytest.mark.parametrize(("seconds", "drawn"), [(0.7, [3, 9, 10]), (0.1, [3, 10]), (5, [3, 6, 9, 10])])
def test_live_curves_of_short_epochs_are_drawn_seconds_apart(monkeypatch, seconds, drawn):
    """3 s apart at least, after every third epoch, and at the end."""
    import IPython.display

    shown = []

    class Display:
        def update(self, figure):
            shown.append(len(figure.axes[0].lines[0].get_xdata()))

    monkeypatch.setattr(IPython.display, "display", lambda *given, **named: Display())
    callback = plots.live_curves(10)
    callback.on_train_begin()
    for epoch in range(10):
        monkeypatch.setattr(curves, "time", SimpleNamespace(monotonic=lambda passed=epoch * seconds: passed))
        callback.on_epoch_end(epoch, {"loss": 0.5, "pooled_iou": 0.3})
    callback.on_train_end()
    assert shown == drawn


def test_live_curves_show_the_last_epoch_of_a_training_that_stopped_early(monkeypatch):
    import IPython.display

    shown = []

    class Display:
        def update(self, figure):
            shown.append([(len(axis.lines[0].get_xdata()), axis.get_xlim()[1] == 10) for axis in figure.axes])

    monkeypatch.setattr(IPython.display, "display", lambda *given, **named: Display())
    callback = plots.live_curves(10)
    callback.on_train_begin()
    for epoch in range(5):
        callback.on_epoch_end(epoch, {"loss": 0.5, "mask_pooled_iou": 0.3})
    callback.on_train_end()
    assert shown == [[(3, True)] * 2, [(5, False)] * 2]


def test_live_curves_of_a_second_training_begin_anew(monkeypatch):
    import IPython.display

    shown = []

    class Display:
        def update(self, figure):
            shown.append([line.get_ydata().tolist() for line in figure.axes[1].lines])

    monkeypatch.setattr(IPython.display, "display", lambda *given, **named: Display())
    callback = plots.live_curves(2)
    for losses in ([0.9, 0.8], [0.5, 0.4]):
        callback.on_train_begin()
        for epoch, loss in enumerate(losses):
            callback.on_epoch_end(epoch, {"loss": loss, "pooled_iou": 1 - loss})
        callback.on_train_end()
    assert np.allclose(shown, [[[0.1, 0.2]], [[0.5, 0.6]]])


def test_box_plot_shows_the_median_and_the_printed_quartiles():
    values = {"train": np.array([0.5, 0.6, 0.9]), "test": np.array([0.2, 0.4, 0.5])}
    figure = plots.box_plot(values, "Spread", printed={"test": (0.3, 0.45, 0.6)})
    heights = [float(np.ravel(line.get_ydata())[0]) for line in figure.axes[0].lines if len(line.get_ydata())]
    assert all(any(np.isclose(height, wanted) for height in heights) for wanted in (0.6, 0.4, 0.45))
    assert "3 images" in figure.axes[0].get_xticklabels()[0].get_text()
    assert "printed in the paper: median and quartiles" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_overlays_outline_truth_and_prediction():
    images = np.full((2, 16, 16, 1), 90, np.uint8)
    truth, prediction = np.zeros((2, 2, 16, 16), bool)
    truth[:, 4:9, 4:9] = prediction[:, 5:10, 5:10] = True
    figure = plots.overlays(images, truth, prediction, ["IoU 0.5", "IoU 0.6"], "Best and worst")
    assert len(figure.axes) == 6
    assert all(word in texts(figure) for word in ("annotated", "predicted", "IoU 0.6", "Best and worst"))
    assert [len(axis.collections) for axis in figure.axes] == [0, 1, 2] * 2


def test_the_printed_value_stands_on_the_line_of_its_score():
    second = list(SCORES)[1]
    figure = plots.compare_scores(SCORES, "Better than nothing", xlabel="sum IoU", printed={second: 0.638}, highlight=[second])
    diamond = [line for line in figure.axes[0].lines if line.get_marker() == "D" and len(line.get_xdata())]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in diamond] == [(0.638, 1)]
    assert "printed in the paper" in texts(figure) and "0.700" in texts(figure)


def test_scores_stand_beside_a_level_with_its_name():
    figure = plots.compare_scores(SCORES, "Title", xlabel="score", level=("empty masks", 0.588))
    axis = figure.axes[0]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["empty masks: 0.588"]
    assert any(np.allclose(line.get_xdata(), 0.588) and line.get_linestyle() == ":" for line in axis.lines)


def test_folds_show_one_point_a_fold_and_the_median():
    schemes = {name: {"pooled_iou": [0.5, 0.6, 0.7], "accuracy": [0.8, 0.9, 1.0]} for name in ("a", "b")}
    axis = plots.fold_scores(schemes, "Folds").axes[0]
    assert [len(line.get_xdata()) for line in axis.lines if line.get_linestyle() == "None"] == [3, 3]
    assert 0.6 in [line.get_ydata()[0] for line in axis.lines if line.get_linestyle() != "None"]


@pytest.mark.parametrize("threshold", [0.2, 0.6, 0.99])
def test_near_duplicates_are_counted(threshold):
    correlation, iou = np.array([0.3, 0.5, 0.7, 0.9]), np.array([0.4, 0.5, 0.6, 0.7])
    figure = plots.scatter_by_duplicate(correlation, iou, threshold, "Leak")
    count = int((correlation > threshold).sum())
    assert (f"near-duplicate in training: {count} images" in texts(figure)) == (count > 0)
    assert (f"no near-duplicate: {4 - count} images" in texts(figure)) == (count < 4)
