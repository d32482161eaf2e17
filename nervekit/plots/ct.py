"""Figures of the CT notebook: Hounsfield windows, arms of an experiment over seeds, and the liver along the body."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator

from nervekit.plots.style import COLOURS, LINES, use_style

# Beside the colours of the style, the rest of Okabe and Ito's palette; each comes with a line or marker of its own.
ORGANS = (("#009E73", "solid"), ("#E69F00", "dashed"), ("#CC79A7", "dotted"), ("#56B4E9", "dashdot"))
ARMS = (
    ("#333333", "solid", "o"), ("#56B4E9", "dotted", "s"), ("#D55E00", "dashed", "D"), ("#CC79A7", "dashdot", "^"),
    ("#009E73", "solid", "v"),
)  # fmt: skip


def windows(hounsfield, limits, organs, title):
    """One CT slice under several Hounsfield windows, and once more with its organs outlined.

    Parameters
    ----------
    hounsfield : ndarray, shape (H, W)
    limits : dict of str to (low, high)
        Name of a window to the values shown black and white.
    organs : dict of str to ndarray of bool, shape (H, W)
        Outlined on a repetition of the last window: the liver, then the largest, four at most; the title says so if there
        are more.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    columns = -(-(len(limits) + 1) // 2)
    figure, axes = plt.subplots(2, columns, figsize=(9, 9 / columns * 2 * 1.12 + 0.6), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (name, (low, high)) in zip(axes.flat, limits.items()):
        axis.imshow(hounsfield, cmap="gray", vmin=low, vmax=high)
        axis.set_title(f"{name}\n{low:.0f} to {high:.0f} HU", fontsize=11)
    axis = axes.flat[len(limits)]
    low, high = list(limits.values())[-1]
    axis.imshow(hounsfield, cmap="gray", vmin=low, vmax=high)
    there = sorted((name for name, mask in organs.items() if np.any(mask)), key=lambda name: (name != "liver", -organs[name].sum()))
    shown = there[: len(ORGANS)]
    for name, (colour, line) in zip(shown, ORGANS):
        axis.contour(organs[name].astype(float), [0.5], colors=colour, linestyles=line, linewidths=1.6)
        axis.plot([], [], color=colour, linestyle=line, label=name)
    more = f", {len(shown)} of {len(there)}" if len(there) > len(shown) else ""
    axis.set_title(f"organs, as annotated{more}", fontsize=11)
    figure.legend(loc="outside lower center", ncols=len(shown) or 1)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def arms_curves(curves, title, *, panels, level=None):
    """Learning curves of several arms side by side: the mean over seeds as a line, the range as a band.

    Parameters
    ----------
    curves : dict of str to ndarray
        Name of an arm to ``{quantity: array (seeds, epochs)}``.
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
        for (name, found), (colour, line, _) in zip(curves.items(), ARMS):
            runs = np.atleast_2d(found[quantity])
            epochs = np.arange(1, runs.shape[1] + 1)
            axis.plot(epochs, runs.mean(axis=0), color=colour, linestyle=line, linewidth=2, label=name)
            axis.fill_between(epochs, runs.min(axis=0), runs.max(axis=0), color=colour, alpha=0.15, linewidth=0)
        if level and level[0] == quantity:
            axis.axhline(level[1], color=COLOURS["ink"], linewidth=1, linestyle=(0, (1, 3)), label=level[2])
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.set(xlabel="epoch", ylabel=label, ylim=(0, 1.02))
    handles = {label: handle for axis in axes.flat for handle, label in zip(*axis.get_legend_handles_labels())}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def arms_scores(scores, title, *, panels, baselines=1):
    """Scores of several arms, one line each: a small mark a seed, a bar at their mean, one panel a score.

    Parameters
    ----------
    scores : dict of str to dict
        Name of an arm to ``{score: values over seeds}``.
    title : str
    panels : dict of str to str
        Score to the label of its axis.
    baselines : int
        How many of the first rows learnt nothing; they get a colour of their own.

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, axes = plt.subplots(
        1, len(panels), figsize=(9, 0.52 * len(scores) + 1.6), sharey=True, squeeze=False
    )
    for axis, (score, label) in zip(axes.flat, panels.items()):
        for place, (name, found) in enumerate(scores.items()):
            values = np.atleast_1d(found[score])
            colour = COLOURS["neutral"] if place < baselines else COLOURS["prediction"]
            axis.plot(values, np.full(len(values), place), "o", markersize=6, markerfacecolor="none", color=colour)
            axis.plot(values.mean(), place, "|", markersize=18, markeredgewidth=3, color=colour)
            axis.annotate(f"{values.mean():.3f}", (values.mean(), place), xytext=(0, 10),
                          textcoords="offset points", ha="center", fontsize=9)  # fmt: skip
        axis.set(xlabel=label, xlim=(-0.12, 1.1), ylim=(len(scores) - 0.5, -0.75))
        axis.grid(axis="x", alpha=0.3)
    axes[0, 0].set_yticks(range(len(scores)), list(scores))
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def along_the_body(heights, annotated, predicted, title):
    """Area of an organ slice by slice, one panel a patient; the area under the line is the volume.

    Parameters
    ----------
    heights : dict of str to ndarray, shape (S,)
        Name of a panel to the position of its slices in mm. Where they are further apart than twice the least
        distance, the line is broken.
    annotated : dict of str to ndarray, shape (S,)
        In cm2.
    predicted : dict of str to dict of str to ndarray, shape (S,)
        The same, by arm.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    count = len(heights)
    figure, axes = plt.subplots(1, count, figsize=(9, 3.8), sharey=True, squeeze=False)
    for axis, (name, height) in zip(axes.flat, heights.items()):
        axis.plot(*_broken(height, annotated[name]), color=COLOURS["truth"], linestyle=LINES["truth"],
                  linewidth=2.5, label="annotated")  # fmt: skip
        for (arm, areas), (colour, line) in zip(
            predicted[name].items(), ((COLOURS["prediction"], "dashed"), (COLOURS["neutral"], "dotted"))
        ):
            axis.plot(*_broken(height, areas), color=colour, linestyle=line, linewidth=2, label=arm)
        axis.set_xlabel("height along the body (mm)")
        axis.set_title(name, fontsize=11)
    # The panels share this axis: a limit set inside the loop would cut off what later panels draw.
    axes[0, 0].set(ylabel="area (cm²)", ylim=(0, None))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def _broken(heights, values):
    """The line with a NaN wherever slices are missing between two neighbours."""
    heights, values = np.asarray(heights, float), np.asarray(values, float)
    steps = np.abs(np.diff(heights))
    holes = np.flatnonzero(steps > 2 * steps.min()) + 1 if len(steps) else []
    return np.insert(heights, holes, np.nan), np.insert(values, holes, np.nan)
