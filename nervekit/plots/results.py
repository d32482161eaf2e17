"""Figures of results: box plots, overlays, scores beside baselines, folds."""

import matplotlib.pyplot as plt
import numpy as np

from nervekit.plots.style import COLOURS, draw_contour, panels, show_image, use_style, with_looks


def box_plot(values, title, *, ylabel="IoU of an image", printed=None, threshold=0.5):
    """One box a set: median, quartiles, extremes within 1.5 interquartile ranges, outliers as circles.

    Parameters
    ----------
    values : dict of str to ndarray
        One value an image, for each set; NaN is left out.
    title, ylabel : str
    printed : dict of str to tuple, optional
        (lower quartile, median, upper quartile) as a paper prints them, drawn beside the box.
    threshold : float, optional
        Of the accuracy, a dotted line; None for values that are no IoU.

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, axis = plt.subplots(figsize=(7, 4))
    values = {name: np.asarray(numbers)[~np.isnan(numbers)] for name, numbers in values.items()}
    axis.boxplot(
        list(values.values()),
        tick_labels=[f"{name}\n({len(numbers)} images)" for name, numbers in values.items()],
        widths=0.4,
        medianprops={"color": COLOURS["prediction"], "linewidth": 2},
    )
    first = next((name for name in values if name in (printed or {})), None)
    for place, name in enumerate(values, start=1):
        if printed and name in printed:
            low, middle, high = printed[name]
            axis.errorbar(
                place + 0.33,
                middle,
                [[middle - low], [high - middle]],
                fmt="D",
                color=COLOURS["ink"],
                capsize=4,
                label="printed in the paper: median and quartiles" if name == first else None,
            )
    if threshold is not None:
        axis.axhline(threshold, color=COLOURS["ink"], linewidth=1, linestyle="dotted", label="threshold of the accuracy")
    if all(numbers.max(initial=0) <= 1 for numbers in values.values()):
        axis.set_ylim(-0.03, 1)
    else:
        axis.set_ylim(bottom=0)
    axis.set_ylabel(ylabel)
    axis.set_title(title)
    if printed or threshold is not None:
        figure.legend(loc="outside lower center", ncols=2)
    return figure


def overlays(images, truths, predictions, labels, title):
    """Original, annotated and predicted region, one image a row (Figure 4 of Huang et al. 2019).

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W, C)
    truths, predictions : ndarray of bool, shape (N, H, W)
    labels : list of str
        One an image, such as ``"IoU 0.81"``.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    ratio = max(image.shape[0] / image.shape[1] for image in images)
    figure, axes = panels(len(images), 3, width=6.8, ratio=ratio)
    for row, image, truth, prediction, label in zip(axes, images, truths, predictions, labels, strict=True):
        for axis in row:
            show_image(axis, image)
        draw_contour(row[1], truth, "truth")
        draw_contour(row[2], truth, "truth", label="annotated")
        draw_contour(row[2], prediction, "prediction", label="predicted")
        row[2].set_title(label, fontsize=11)
    axes[0, 0].set_title("image", fontsize=11)
    axes[0, 1].set_title("annotated", fontsize=11)
    handles, names = axes[0, 2].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def compare_scores(scores, title, *, xlabel, printed=None, level=None, highlight=()):
    """Scores with their intervals, one a line, and beside each the value that a paper prints for it.

    Parameters
    ----------
    scores : dict of str to dict
        ``value``, ``low`` and ``high`` for each name.
    title, xlabel : str
    printed : dict of str to float, optional
        A diamond on the line of each name.
    level : (str, float), optional
        What all scores have to be held against, with its name: a vertical line.
    highlight : sequence of str
        Names that are drawn in the colour of predictions; baselines are not.

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, axis = plt.subplots(figsize=(8.5, 0.55 * len(scores) + 1.6))
    for place, (name, score) in enumerate(scores.items()):
        colour = COLOURS["prediction"] if name in highlight else COLOURS["neutral"]
        axis.plot([score["low"], score["high"]], [place, place], color=colour, linewidth=3)
        axis.plot(score["value"], place, marker="o", markersize=9, color=colour)
        axis.annotate(f"{score['value']:.3f}", (score["value"], place), xytext=(0, 8), textcoords="offset points",
                      ha="center", fontsize=9, bbox={"fc": "white", "ec": "none", "pad": 1})  # fmt: skip
        if printed and name in printed:
            axis.plot(printed[name], place, marker="D", markersize=7, markerfacecolor="none", color=COLOURS["ink"])
    if level is not None:
        axis.axvline(level[1], color=COLOURS["ink"], linestyle="dotted", label=f"{level[0]}: {level[1]:.3f}", zorder=0)
    if printed:
        axis.plot([], [], "D", markerfacecolor="none", color=COLOURS["ink"], label="printed in the paper")
    if printed or level is not None:
        figure.legend(loc="outside lower center", ncols=2)
    axis.set_yticks(range(len(scores)), list(scores))
    axis.set_ylim(len(scores) - 0.4, -0.8)
    axis.set_xlim(-0.06, max([1, *(1.05 * score["high"] for score in scores.values() if score["high"] > 1)]))
    axis.set_xlabel(xlabel)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def fold_scores(schemes, title):
    """Sum IoU and accuracy of each fold (Figure 5 of Huang et al. 2019), one colour and marker a splitting scheme.

    Lines are medians, bands reach from quartile to quartile.

    Parameters
    ----------
    schemes : dict of str to dict
        ``pooled_iou`` and ``accuracy``, one value a fold, for each scheme, two at most.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharex=True)
    looks = (("o", COLOURS["neutral"], "solid", -0.12), ("s", COLOURS["prediction"], "dashed", 0.12))
    for axis, (name, label) in zip(axes, (("pooled_iou", "sum IoU"), ("accuracy", "share of images with IoU > 0.5"))):
        for (scheme, scores), (marker, colour, line, aside) in with_looks(schemes, looks):
            numbers = np.asarray(scores[name])
            places = np.arange(1, len(numbers) + 1)
            axis.plot(places + aside, numbers, marker=marker, linestyle="none", color=colour, label=scheme)
            axis.axhspan(*np.quantile(numbers, [0.25, 0.75]), color=colour, alpha=0.12, linewidth=0)
            axis.axhline(np.median(numbers), color=colour, linestyle=line, linewidth=1.5)
        axis.set_xlabel("fold")
        axis.set_ylabel(label)
        axis.set_ylim(0, 1.03)
        axis.set_xticks(places)
    axes[0].legend(loc="lower left", title="line: median of the folds\nband: quartiles")
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def scatter_by_duplicate(correlation, iou, threshold, title):
    """IoU of each test image against its likeness to the most similar training image.

    Parameters
    ----------
    correlation : ndarray, shape (N,)
        Best normalised correlation with a training image.
    iou : ndarray, shape (N,)
    threshold : float
        From it on a test image counts as having a near-duplicate.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, axis = plt.subplots(figsize=(7, 4))
    twin = correlation >= threshold
    for chosen, marker, colour, name in (
        (twin, "o", COLOURS["prediction"], "near-duplicate in training"),
        (~twin, "s", COLOURS["neutral"], "no near-duplicate"),
    ):
        if np.any(chosen):
            label = f"{name}: {chosen.sum()} images, mean IoU {iou[chosen].mean():.2f}"
            axis.plot(correlation[chosen], iou[chosen], marker, color=colour, label=label)
            axis.hlines(iou[chosen].mean(), correlation[chosen].min(), correlation[chosen].max(), color=colour)
    axis.axvline(threshold, color=COLOURS["ink"], linestyle="dotted", linewidth=0.8)
    axis.set_xlabel("best correlation with a training image")
    axis.set_ylabel("IoU of the test image")
    axis.set_ylim(-0.03, 1)
    figure.legend(loc="outside lower center")
    figure.suptitle(title, x=0.01, ha="left")
    return figure
