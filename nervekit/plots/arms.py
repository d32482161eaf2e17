"""Figures of an experiment with several arms: learning curves and scores over seeds."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator

from nervekit.plots.style import BLUE, COLOURS, use_style, with_looks

ARMS = (
    (BLUE, "solid"), (COLOURS["neutral"], "dotted"), (COLOURS["prediction"], "dashed"), (COLOURS["accent"], "dashdot"),
    (COLOURS["truth"], (0, (5, 1, 1, 1, 1, 1))),
)  # fmt: skip
# Two arms look as they do beside these curves: in calibration (evidence.LOOKS), folds and scores (results).
PAIR = ((COLOURS["neutral"], "solid"), (COLOURS["prediction"], "dashed"))


def arms_curves(curves, title, *, panels, level=None):
    """Learning curves of several arms side by side: the mean over seeds as a line, the range as a band.

    Parameters
    ----------
    curves : dict of str to ndarray
        Name of an arm, of five at most, to ``{quantity: array (seeds, epochs)}``. Two look as in other figures of two.
    title : str
    panels : dict of str to str
        Quantity to the label of its axis, one panel each.
    level : (str, float, str), optional
        Quantity, height and label of a horizontal line, such as what an empty mask scores.

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, axes = plt.subplots(1, len(panels), figsize=(9, 3.9), squeeze=False)
    for axis, (quantity, label) in zip(axes.flat, panels.items()):
        for (name, found), (colour, line) in with_looks(curves, PAIR if len(curves) == 2 else ARMS):
            runs = np.atleast_2d(found[quantity])
            epochs = np.arange(1, runs.shape[1] + 1)
            axis.plot(epochs, runs.mean(axis=0), color=colour, linestyle=line, linewidth=2, label=name,
                      marker="o" if len(epochs) == 1 else None)  # fmt: skip
            axis.fill_between(epochs, runs.min(axis=0), runs.max(axis=0), color=colour, alpha=0.15, linewidth=0)
        if level and level[0] == quantity:
            axis.axhline(level[1], color=COLOURS["ink"], linewidth=1, linestyle=(0, (1, 3)), label=level[2])
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.set(xlabel="epoch", ylabel=label, ylim=(0, 1.02))
    handles = {label: handle for axis in axes.flat for handle, label in zip(*axis.get_legend_handles_labels())}
    if any(len(np.atleast_2d(found[quantity])) > 1 for found in curves.values() for quantity in panels):
        handles["lowest to highest start"] = plt.Rectangle((0, 0), 1, 1, color=COLOURS["ink"], alpha=0.15, linewidth=0)
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def arms_scores(scores, title, *, panels, baselines=1):
    """Scores of several arms, one line each: a small mark a seed, a bar at their mean, one panel a score.

    Parameters
    ----------
    scores : dict of str to dict
        Name of an arm, of five at most besides `baselines`, to ``{score: values over seeds}``.
    title : str
    panels : dict of str to str
        Score to the label of its axis.
    baselines : int
        How many of the first rows learnt nothing; they are dark, the arms have their colours in `arms_curves`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    looks = [COLOURS["ink"]] * baselines + [colour for colour, _ in ARMS]
    figure, axes = plt.subplots(
        1, len(panels), figsize=(9, 0.52 * len(scores) + 1.6), sharey=True, squeeze=False
    )
    for axis, (score, label) in zip(axes.flat, panels.items()):
        for place, ((_, found), colour) in enumerate(with_looks(scores, looks)):
            values = np.atleast_1d(found[score])
            axis.plot(values, np.full(len(values), place), "o", markersize=6, markerfacecolor="none", color=colour)
            axis.plot(values.mean(), place, "|", markersize=18, markeredgewidth=3, color=colour)
            axis.annotate(f"{values.mean():.3f}", (values.mean(), place), xytext=(0, 10),
                          textcoords="offset points", ha="center", fontsize=9)  # fmt: skip
        axis.set(xlabel=label, xlim=(-0.12, 1.1), ylim=(len(scores) - 0.5, -0.75))
        axis.grid(axis="x", alpha=0.3)
    axes[0, 0].set_yticks(range(len(scores)), list(scores))
    figure.suptitle(title, x=0.01, ha="left")
    return figure
