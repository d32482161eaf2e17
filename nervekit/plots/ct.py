"""Figures of the CT notebook: Hounsfield windows, and the liver along the body."""

import matplotlib.pyplot as plt
import numpy as np

from nervekit.plots.style import BLUE, COLOURS, LINES, use_style, with_looks

# None is dashed orange, which is the prediction everywhere.
ORGANS = ((COLOURS["truth"], "solid"), (COLOURS["neutral"], "dashdot"), (COLOURS["accent"], "dotted"), (BLUE, "dashed"))
ARMS = ((COLOURS["prediction"], "dashed"), (COLOURS["neutral"], "dotted"))  # transferred, from scratch, as in arms.ARMS


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
        The same, by arm, two at most.
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
        for (arm, areas), (colour, line) in with_looks(predicted[name], ARMS):
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
