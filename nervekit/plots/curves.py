"""Curves of a training, afterwards or while it runs."""

import math
import time

import matplotlib.pyplot as plt
from matplotlib.ticker import MaxNLocator

from nervekit.plots.style import COLOURS, use_style

# Between two drawings of curves that grow: a drawing takes a quarter of a second, an epoch on a GPU may take no longer.
SECONDS = 3


def history(curves, title, *, loss="binary cross-entropy"):
    """Loss and sum IoU by epoch, training solid and development dashed.

    Parameters
    ----------
    curves : dict of str to list of float
        ``History.curves``: ``loss``, ``pooled_iou``, and the same with ``val_`` before.
    title : str
        The finding.
    loss : str
        What stands beside the axis of the loss.

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4))
    _draw_curves(axes, curves, loss)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def _draw_curves(axes, curves, loss, epochs=None):
    labels = {"loss": loss, "pooled_iou": "sum IoU"}
    for axis, (name, label) in zip(axes, labels.items(), strict=True):
        axis.clear()
        for prefix, part, colour, line in (
            ("", "training", COLOURS["neutral"], "solid"),
            ("val_", "development", COLOURS["prediction"], "dashed"),
        ):
            if prefix + name in curves:
                numbers = curves[prefix + name]
                # A line of one point would not be seen.
                axis.plot(range(1, len(numbers) + 1), numbers, color=colour, linestyle=line, label=part,
                          marker="o" if len(numbers) == 1 else None)  # fmt: skip
        axis.set_xlabel("epoch")
        axis.set_ylabel(label)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        if epochs:
            axis.set_xlim(1, max(epochs, 2))
    losses = [*curves.get("loss", []), *curves.get("val_loss", [])]
    axes[0].set_yscale("log" if min(losses, default=1) > 0 else "linear")
    axes[1].set_ylim(0, 1)
    axes[1].legend(loc="lower right")


def live_curves(epochs, *, every=3, loss="binary cross-entropy"):
    """A Keras callback: curves that grow while the network trains.

    Parameters
    ----------
    epochs : int
        The axes reach so far until the training ends.
    every : int
        Redraw after so many epochs, where they take a few seconds at least.
    loss : str
        What stands beside the axis of the loss.

    Returns
    -------
    keras.callbacks.Callback
    """
    import keras
    from IPython.display import display

    from nervekit.supervision import plain

    use_style()
    state = {}

    def begin(logs=None):
        state.update(curves={}, drawn=-math.inf)
        state["figure"], state["axes"] = plt.subplots(1, 2, figsize=(9, 3.2))
        plt.close(state["figure"])
        state["display"] = display(state["figure"], display_id=True)

    def draw(reach=None):
        if state["display"] is not None and state["curves"]:
            _draw_curves(state["axes"], state["curves"], loss, reach)
            state["display"].update(state["figure"])
            state["drawn"] = time.monotonic()

    def after_epoch(epoch, logs=None):
        names = plain(logs or {})
        for name, number in (logs or {}).items():
            state["curves"].setdefault(names[name], []).append(float(number))
        if epoch % every == every - 1 and time.monotonic() - state["drawn"] >= SECONDS:
            draw(epochs)

    def end(logs=None):
        draw()

    return keras.callbacks.LambdaCallback(on_train_begin=begin, on_epoch_end=after_epoch, on_train_end=end)
