"""Figures that compare networks, and a measurement with another."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator

from nervekit.plots.style import COLOURS, draw_contour, look_at, panels, show_image, use_style


def network_curves(curves, title, *, dot="weights kept"):
    """Loss and Dice by epoch of several networks, one column each (Figures 9 to 12 of Melnic et al.).

    Parameters
    ----------
    curves : dict of str to dict
        ``History.curves`` of each network, with a development set. The pooled Dice is drawn, 2 IoU / (1 + IoU) of
        the pooled IoU; a dot marks the epoch with the best loss on the development set.
    title : str
    dot : str
        What the legend says of that epoch.

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, axes = plt.subplots(2, len(curves), figsize=(9.6, 4.6), sharex=True, sharey="row", squeeze=False)
    for column, (name, found) in zip(axes.T, curves.items(), strict=True):
        for prefix, part, colour, line in (
            ("", "training", COLOURS["neutral"], "solid"),
            ("val_", "development", COLOURS["prediction"], "dashed"),
        ):
            iou = np.asarray(found[f"{prefix}pooled_iou"])
            for axis, numbers in zip(column, (found[f"{prefix}loss"], 2 * iou / (1 + iou)), strict=True):
                axis.plot(np.arange(1, len(iou) + 1), numbers, color=colour, linestyle=line, label=part,
                          marker="s" if len(iou) == 1 else None)  # fmt: skip
        best = int(np.argmin(np.nan_to_num(found["val_loss"], nan=np.inf)))
        column[0].plot(best + 1, found["val_loss"][best], "o", color=COLOURS["ink"], label=dot)
        column[0].set_title(name)
        column[1].set_ylim(0, 1)
        column[1].set_xlabel("epoch")
        column[1].xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes[0, 0].set_ylabel("loss")
    axes[1, 0].set_ylabel("pooled Dice")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def left_out(dice, threshold, title):
    """Dice of every image by network, and the mean with and without the images below a threshold.

    Parameters
    ----------
    dice : dict of str to ndarray, shape (N,)
        For each network.
    threshold : float
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, axis = plt.subplots(figsize=(8.5, 0.65 * len(dice) + 1.6))
    looks = ((lambda v: v >= threshold, "neutral", "o", "kept"), (lambda v: v < threshold, "prediction", "X", "left out"))
    for place, (name, values) in enumerate(dice.items()):
        spread = place + 0.36 * (np.argsort(np.argsort(values)) % 5 - 2) / 4
        for chosen, colour, marker, _ in looks:
            axis.plot(values[chosen(values)], spread[chosen(values)], marker, color=COLOURS[colour], alpha=0.8)
        kept = values[values >= threshold]
        means = [(values.mean(), "solid")] + ([(kept.mean(), "dotted")] if len(kept) else [])
        for mean, line in means:
            axis.vlines(mean, place - 0.38, place + 0.38, color=COLOURS["ink"], linestyle=line, linewidth=2)
    axis.axvline(threshold, color=COLOURS["prediction"], linewidth=0.8)
    axis.set_yticks(range(len(dice)), list(dice))
    axis.set_ylim(len(dice) - 0.5, -0.5)
    axis.set_xlim(-0.03, 1.0)
    axis.set_xlabel("Dice of a test image")
    handles = [plt.Line2D([], [], linestyle="none", marker=marker, color=COLOURS[colour], label=label)
               for _, colour, marker, label in looks]  # fmt: skip
    handles += [plt.Line2D([], [], color=COLOURS["ink"], linestyle=line, label=label)
                for line, label in (("solid", "mean of all"), ("dotted", "mean of those kept"))]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def bland_altman(pairs, title):
    """Difference against mean of two measurements, one panel a quantity, two side by side, with the limits of agreement.

    Parameters
    ----------
    pairs : dict of str to (ndarray, ndarray)
        Name with its unit, to the annotated and the predicted values of the same images.
    title : str

    Returns
    -------
    matplotlib.figure.Figure

    References
    ----------
    Bland and Altman, Lancet 1986;327:307-310: mean difference and 1.96 standard deviations on both sides.
    """
    use_style()
    columns = min(2, len(pairs))
    rows = -(-len(pairs) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(9.2, 3.2 * rows), squeeze=False)
    for axis in axes.flat[len(pairs) :]:
        axis.set_axis_off()
    for axis, (name, (annotated, predicted)) in zip(axes.flat, pairs.items()):
        difference = np.asarray(predicted) - np.asarray(annotated)
        middle = difference.mean() if len(difference) else np.nan
        spread = 1.96 * difference.std(ddof=1) if len(difference) > 1 else np.nan
        axis.plot((np.asarray(predicted) + np.asarray(annotated)) / 2, difference, "o", color=COLOURS["neutral"],
                  markeredgecolor=COLOURS["ink"], markeredgewidth=0.5)  # fmt: skip
        axis.axhline(0, color=COLOURS["ink"], linewidth=0.8)
        axis.axhline(middle, color=COLOURS["prediction"], linewidth=2)
        for level in (middle - spread, middle + spread):
            axis.axhline(level, color=COLOURS["prediction"], linestyle="dashed")
        digits = max(0, 1 - int(np.floor(np.log10(spread)))) if spread > 0 else 0
        limits = f"{middle:+.{digits}f} ± {spread:.{digits}f}" if len(difference) > 1 else f"{len(difference)} images, no limits"
        axis.set_title(f"{name}: {limits}", fontsize=11)
        axis.set_xlabel("mean of annotated and predicted")
        axis.set_ylabel("predicted − annotated")
    drawn = (("solid", "mean difference"), ("dashed", "limits of agreement, ± 1.96 standard deviations"))
    handles = [plt.Line2D([], [], color=COLOURS["prediction"], linestyle=line, label=name) for line, name in drawn]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def networks_compared(images, truths, predictions, labels, title):
    """The same images by several networks, one column each (Figures 13 and 15 of Melnic et al.).

    Each row is cut out around all that is annotated or predicted in its image, so that each has a scale of its own; the first
    picture of a row says how many pixels are shown side by side.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W, 1)
    truths : ndarray of bool, shape (N, H, W)
    predictions : dict of str to ndarray of bool, shape (N, H, W)
    labels : dict of str to list of str
        For each network what stands over each image.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = panels(len(images), len(predictions), width=9.6, ratio=0.75)
    for place, row in enumerate(axes):
        shown = truths[place] | np.any([masks[place] for masks in predictions.values()], axis=0)
        for axis, (name, masks) in zip(row, predictions.items(), strict=True):
            show_image(axis, images[place], title=f"{name}\n{labels[name][place]}")
            draw_contour(axis, truths[place], "truth")
            draw_contour(axis, masks[place], "prediction")
            look_at(axis, shown)
        left, right = row[0].get_xlim()
        row[0].text(0.02, 0.03, f"{right - left:.0f} px wide", transform=row[0].transAxes, fontsize=9, color="white",
                    bbox={"fc": "black", "ec": "none", "pad": 2})  # fmt: skip
    draw_contour(axes[0, 0], truths[0], "truth", label="annotated")
    axes[0, 0].plot([], [], color=COLOURS["prediction"], linestyle="dashed", label="predicted")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    figure.suptitle(title, x=0.01, ha="left")
    return figure
