"""Figures of the report: how many claims got which verdict, and printed numbers beside ours."""

import matplotlib.pyplot as plt
import numpy as np

from nervekit.plots.style import COLOURS, use_style

# No two have the same hatch and the same grey, so that they can be told apart without colour.
_LOOKS = {
    "reproduced": {"color": COLOURS["truth"]},
    "better": {"color": COLOURS["neutral"], "hatch": "///"},
    "not reproduced": {"color": COLOURS["prediction"], "hatch": "xx"},
    "not run": {"color": "#DDDDDD"},
    "cannot be": {"color": "#FFFFFF", "hatch": "..."},
}
_MARKS = {
    "reproduced": {"marker": "o", "color": COLOURS["truth"]},
    "better": {"marker": "^", "color": COLOURS["neutral"]},
    "not reproduced": {"marker": "s", "color": COLOURS["prediction"]},
}


def verdict_bars(counts, title):
    """One bar a paper, one piece a verdict, with the number of claims in it.

    Parameters
    ----------
    counts : dict of str to dict
        ``{paper: {verdict: number of claims}}``, verdicts in their order.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, axis = plt.subplots(figsize=(9, 0.55 * len(counts) + 1.8))
    longest = max(sum(numbers.values()) for numbers in counts.values())
    for place, numbers in enumerate(counts.values()):
        left = 0
        for verdict, number in numbers.items():
            axis.barh(place, number, left=left, edgecolor=COLOURS["ink"], linewidth=0.8, height=0.62, **_LOOKS[verdict])
            if number / longest > 0.015:
                box = {"facecolor": "white", "edgecolor": "none", "pad": 1.2, "alpha": 0.9}
                axis.text(left + number / 2, place, number, ha="center", va="center", fontsize=10, bbox=box)
            left += number
    for verdict, look in _LOOKS.items():
        axis.barh(0, 0, edgecolor=COLOURS["ink"], linewidth=0.8, label=verdict, **look)
    axis.set_yticks(range(len(counts)), list(counts))
    axis.invert_yaxis()
    axis.set_xlabel("printed numbers")
    figure.legend(loc="outside lower center", ncols=len(_LOOKS), handlelength=1.4, columnspacing=1.4)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def printed_and_ours(rows, title):
    """Each score as printed and as measured, on a diagonal where both would agree; one panel a paper.

    Parameters
    ----------
    rows : dict of str to list of papers.Comparison
        Measured scores between 0 and 1, by paper.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, axes = plt.subplots(1, len(rows), figsize=(min(9, 6 + len(rows)), 4.3), squeeze=False, sharey=True)
    shown = [row for found in rows.values() for row in found]
    numbers = [number for row in shown for number in (row.claim.value, row.ours, row.low, row.high)]
    low, high = max(0, np.floor(10 * min(numbers)) / 10 - 0.02), min(1.02, np.ceil(10 * max(numbers)) / 10 + 0.02)
    for axis, (paper, found) in zip(axes[0], rows.items(), strict=True):
        axis.plot([low, high], [low, high], color=COLOURS["ink"], linewidth=1, linestyle="dotted")
        for row in found:
            ends = [[max(0, row.ours - row.low)], [max(0, row.high - row.ours)]]  # of a median it may lie outside
            axis.errorbar(row.claim.value, row.ours, ends, **_MARKS[row.verdict], markersize=6, linewidth=1.4)
        axis.set_title(paper, fontsize=11)
        axis.set(xlim=(low, high), ylim=(low, high), xlabel="printed")
    axes[0, 0].set_ylabel("ours, 95 % interval")
    handles = [plt.Line2D([], [], linestyle="none", markersize=7, label=name, **look) for name, look in _MARKS.items()]
    handles.append(plt.Line2D([], [], color=COLOURS["ink"], linestyle="dotted", label="both the same"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), columnspacing=1.4)
    figure.suptitle(title, x=0.01, ha="left")
    return figure
