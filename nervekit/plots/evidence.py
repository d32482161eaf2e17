"""Figures of evidence: differences beside zero, groups that gain and lose, scores by the amount of data, probabilities that come true, doubt that
helps, a network in use.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator

from nervekit.plots.style import COLOURS, draw_contour, show_image, use_style, with_looks

LOOKS = (("o", "neutral", "solid"), ("s", "prediction", "dashed"), ("^", "accent", "dotted"))


def differences(rows, title, *, xlabel):
    """Paired differences with their intervals, one a line, beside a line at zero.

    Parameters
    ----------
    rows : dict of str to dict
        ``value``, ``low`` and ``high`` for each comparison. Those whose interval does not touch zero are filled.
    title, xlabel : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, axis = plt.subplots(figsize=(9.5, 0.6 * len(rows) + 1.6))
    axis.axvline(0, color=COLOURS["ink"], linewidth=1, linestyle="dotted")
    labels = {}
    for place, found in enumerate(rows.values()):
        apart = found["low"] > 0 or found["high"] < 0
        colour = COLOURS["prediction"] if apart else COLOURS["neutral"]
        axis.plot([found["low"], found["high"]], [place, place], color=colour, linewidth=3)
        face = colour if apart else "white"
        (dot,) = axis.plot(found["value"], place, "o", linestyle="none", markersize=9, color=colour, markerfacecolor=face)
        axis.annotate(f"{found['value']:+z.3f}", (found["value"], place), xytext=(0, 9), textcoords="offset points",
                      ha="center", fontsize=9)  # fmt: skip
        named = "no interval" if np.isnan(found["low"]) else "interval without zero" if apart else "interval with zero"
        labels.setdefault(named, dot)
    ends = [abs(found[side]) for found in rows.values() for side in ("low", "high", "value")]
    reach = 1.15 * np.nanmax(ends) or 1  # of a single group there is no interval
    axis.set(xlabel=xlabel, xlim=(-reach, reach), ylim=(len(rows) - 0.4, -0.8))
    axis.set_yticks(range(len(rows)), list(rows))
    axis.xaxis.set_major_locator(MaxNLocator(5))
    figure.legend(labels.values(), labels, loc="outside lower center", ncols=2)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def sorted_changes(changes, title, *, xlabel, ylabel):
    """One bar a group, from the largest gain to the largest loss, beside a line at zero.

    Parameters
    ----------
    changes : ndarray, shape (N,)
        Change of the score of each patient or session.
    title, xlabel, ylabel : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    changes = np.sort(changes)[::-1]
    places = np.arange(1, len(changes) + 1)
    figure, axis = plt.subplots(figsize=(9.5, 4))
    looks = ((changes > 0, "prediction", "", "gains"), (changes <= 0, "neutral", "////", "does not gain"))
    for chosen, colour, hatch, label in looks:
        if chosen.any():
            label = f"{label}: {chosen.sum()} of {len(changes)}"
            axis.bar(places[chosen], changes[chosen], width=0.8, color=COLOURS[colour], hatch=hatch, edgecolor="white", label=label)
    axis.axhline(0, color=COLOURS["ink"], linewidth=1)
    axis.set(xlabel=xlabel, ylabel=ylabel, xlim=(0.3, len(changes) + 0.7))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(loc="outside lower center", ncols=2)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def data_curves(counts, found, title, *, levels, xlabel):
    """A score against the number of training images, one curve a start, with intervals and levels to hold it against.

    Parameters
    ----------
    counts : sequence of int
        Training images, growing.
    found : dict of str to list of dict
        ``value``, ``low`` and ``high`` of the sum IoU at each count, for each start, three at most.
    title, xlabel : str
    levels : dict of str to float
        Horizontal lines, two at most.

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, axis = plt.subplots(figsize=(9, 4.4))
    places = np.arange(len(counts))
    for number, ((name, curve), (marker, colour, line)) in enumerate(with_looks(found, LOOKS)):
        aside = places + 0.06 * (number - (len(found) - 1) / 2)
        values, low, high = ([one[key] for one in curve] for key in ("value", "low", "high"))
        axis.vlines(aside, low, high, color=COLOURS[colour], linewidth=2)
        axis.plot(aside, values, color=COLOURS[colour], marker=marker, markersize=7, linestyle=line, label=name)
    for (name, value), line in with_looks(levels, ("dashdot", "dotted")):
        axis.axhline(value, color=COLOURS["ink"], linewidth=1.2, linestyle=line, label=name)
    axis.set(xlabel=xlabel, ylabel="sum IoU, 95 % interval\nover held-out sessions", xlim=(-0.4, len(counts) - 0.6))
    tops = [*levels.values(), *(one[key] for curve in found.values() for one in curve for key in ("value", "high"))]
    axis.set_ylim(0, 1.1 * np.nanmax(tops) or 1)
    axis.set_xticks(places, [f"{count:,}" for count in counts])
    figure.legend(loc="outside lower center", ncols=3)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def reliability(found, title):
    """Share of pixels in the region against the predicted probability, and how many pixels stand behind each point.

    Parameters
    ----------
    found : dict of str to calibration.Reliability
        Three at most.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(9, 5.6), sharex=True, height_ratios=(3, 1))
    upper.plot([0, 1], [0, 1], color=COLOURS["ink"], linewidth=1, linestyle="dotted", label="comes true as predicted")
    for (name, curve), (marker, colour, line) in with_looks(found, LOOKS):
        label = f"{name}: calibration error {curve.error:.3f}"
        upper.plot(curve.predicted, curve.observed, marker=marker, color=COLOURS[colour], linestyle=line, label=label)
        lower.stairs(curve.count, curve.edges, color=COLOURS[colour], linestyle=line, linewidth=1.8)
    upper.set(ylabel="share truly in the region", xlim=(0, 1), ylim=(-0.02, 1.02))
    lower.set(xlabel="predicted probability", ylabel="pixels", ylim=(0, None))
    upper.legend(loc="upper left")
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def risk_coverage(found, title, *, ylabel="mean risk (1 - Dice)"):
    """Mean risk of the images that are kept, by the share kept.

    Parameters
    ----------
    found : dict of str to (coverage, risk)
        From `calibration.risk_coverage`, three at most.
    title, ylabel : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, axis = plt.subplots(figsize=(9, 3.9))
    # One network is asked, so that its own order has the look of ours and not that of a first arm.
    for (name, (coverage, risk)), (marker, colour, line) in with_looks(found, LOOKS[1:] + LOOKS[:1]):
        few = marker if len(coverage) <= 70 else None
        axis.plot(coverage, risk, marker=few, markersize=4, color=COLOURS[colour], linestyle=line, label=name)
    axis.set(xlabel="share of images kept, the most doubtful left out first", ylabel=ylabel, xlim=(0, 1.02))
    axis.set_ylim(0, 1.15 * max(np.max(risk) for _, risk in found.values()) or 1)
    figure.legend(loc="outside lower center", ncols=len(found))
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def cine(frames, masks, areas, title, *, truth=None, unit="pixels", shown=4):
    """Some frames with the predicted outline, and the area of every frame below.

    Parameters
    ----------
    frames : ndarray of uint8, shape (N, H, W, 1)
    masks : ndarray of bool, shape (N, H, W)
        As predicted.
    areas : ndarray, shape (N,)
    title, unit : str
    truth : ndarray, shape (N,), optional
        The true area of every frame, where it is known.
    shown : int

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    ratio = frames.shape[1] / frames.shape[2]
    figure = plt.figure(figsize=(9, 9 / shown * ratio + 2.9))
    grid = figure.add_gridspec(2, shown, height_ratios=(9 / shown * ratio, 2))
    chosen = np.linspace(0, len(frames), shown, endpoint=False).astype(int)
    for column, place in enumerate(chosen):
        axis = figure.add_subplot(grid[0, column])
        axis.set_axis_off()
        show_image(axis, frames[place], title=f"frame {place + 1}")
        draw_contour(axis, masks[place], "prediction", label="predicted" if column == 0 else None)
    below = figure.add_subplot(grid[1, :])
    numbers = np.arange(1, len(areas) + 1)
    below.plot(numbers, areas, color=COLOURS["prediction"], linestyle="dashed", label="predicted area")
    if truth is not None:
        below.plot(numbers, truth, color=COLOURS["truth"], label="true area")
    below.plot(chosen + 1, areas[chosen], "o", color=COLOURS["ink"], label="frames above")
    below.set(xlabel="frame", ylabel=f"area ({unit})")
    below.set_ylim(0, 1.15 * max(np.max(areas), 0 if truth is None else np.max(truth)) or 1)
    below.legend(loc="lower right", ncols=3)
    figure.suptitle(title, x=0.01, ha="left")
    return figure
