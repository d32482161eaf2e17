"""Figures of the brachial plexus: outputs and thresholds, the presence filter, cases, and the augmented set."""

import matplotlib.pyplot as plt
import numpy as np

from nervekit import presence
from nervekit.plots.style import COLOURS, draw_contour, panels, show_image, use_style, with_looks


def output_shares(outputs, title):
    """Share of the annotated nerve's pixels whose output exceeds each threshold, one line a network.

    Parameters
    ----------
    outputs : dict of str to ndarray of float, shape (P,)
        Outputs of each network, of five at most, at the pixels of the annotated nerves.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, axis = plt.subplots(figsize=(8.5, 3.8))
    looks = tuple(zip(COLOURS.values(), ("solid", "dashed", "dashdot", "dotted", (0, (5, 1, 1, 1, 1, 1))), strict=True))
    thresholds = np.linspace(0, 1.1, 221)
    for (name, values), (colour, line) in with_looks(outputs, looks):
        above = 100 * np.array([np.mean(values >= threshold) for threshold in thresholds])
        axis.plot(thresholds, above, color=colour, linestyle=line, linewidth=2, label=name)
    for threshold, text in ((0.5, "sensitivity"), (1.0, "MeanIoU")):
        axis.axvline(threshold, color=COLOURS["ink"], linewidth=0.8)
        axis.annotate(text, (threshold, 102), xytext=(3, 0), textcoords="offset points", fontsize=10)
    axis.set(xlabel="threshold on the output", ylabel="nerve found (% of its pixels)", ylim=(0, 112), xlim=(0, 1.1))
    figure.legend(loc="outside lower center", ncols=3)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def presence_plane(head, area, present, title, *, rule=None):
    """Presence head against predicted area, with the region where the filter empties a mask.

    Parameters
    ----------
    head, area : ndarray, shape (N,)
        Output of the presence head, and predicted pixels at 420 x 580.
    present : ndarray of bool, shape (N,)
        Whether a nerve is annotated.
    title : str
    rule : (callable, float), optional
        ``(head, area) -> probability`` and the probability below which it empties; drawn in place of the head alone.

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, axis = plt.subplots(figsize=(8.5, 4.2))
    right = max(8000, 1.04 * float(np.max(area, initial=0)))
    emptied = "emptied by the filter" if rule is None else "emptied by the formula"
    edge = np.array([0.0, presence.FULL_AREA / presence.AREA_WEIGHT])
    axis.fill_between(edge, [1, 0], color=COLOURS["ink"], alpha=0.12, hatch="//", label=emptied)
    if rule is None:
        axis.axhline(0.5, color=COLOURS["ink"], linewidth=1, linestyle="dotted", label="presence head alone at 0.5")
    else:
        # Smaller masks are empty already: below, a rule says what it makes of no mask, and no line joins the two.
        areas, heads = np.meshgrid(np.linspace(presence.SMALLEST, right, 200), np.linspace(0, 1, 200))
        kept = rule[0](heads.ravel(), areas.ravel()).reshape(areas.shape)
        axis.contour(areas, heads, kept, levels=[rule[1]], colors=[COLOURS["ink"]], linewidths=2)
        axis.plot([], [], color=COLOURS["ink"], linewidth=2, label="learnt rule: emptied below")
    for chosen, marker, colour, name in (
        (~present, "s", COLOURS["neutral"], "no nerve annotated"),
        (present, "o", COLOURS["prediction"], "nerve annotated"),
    ):
        axis.plot(area[chosen], head[chosen], marker, color=colour, markersize=5, alpha=0.8, label=name)
    axis.set(xlabel="predicted area (pixels at 420 x 580)", ylabel="presence head", ylim=(-0.04, 1.04))
    axis.set_xlim(-150, right)
    figure.legend(loc="outside lower center", ncols=2)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def filter_gain(scores, empty, title, *, xlabel):
    """Each network's score under several treatments of the same predictions, beside the all-empty submission.

    Parameters
    ----------
    scores : dict of str to dict of str to float
        For each network the score of each treatment, three at most, in the same order for all.
    empty : float
        Score of the all-empty submission.
    title, xlabel : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, axis = plt.subplots(figsize=(8.5, 0.55 * len(scores) + 1.9))
    looks = (("o", COLOURS["neutral"]), ("D", COLOURS["prediction"]), ("^", COLOURS["truth"]))
    for place, found in enumerate(scores.values()):
        axis.plot([min(found.values()), max(found.values())], [place, place], color=COLOURS["ink"], linewidth=1)
        for (name, value), (marker, colour) in with_looks(found, looks):
            axis.plot(value, place, marker, color=colour, markersize=9, label=name if place == 0 else None)
    axis.axvline(empty, color=COLOURS["ink"], linestyle="dotted", label=f"all masks empty: {empty:.3f}")
    axis.set_yticks(range(len(scores)), list(scores))
    axis.set_ylim(len(scores) - 0.5, -0.5)
    axis.set_xlim(0, 1)
    axis.set_xlabel(xlabel)
    figure.legend(loc="outside lower center", ncols=2)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def cases(images, truths, predictions, labels, title):
    """Image with the annotated outline, then the outline of each network, one image a row (Figures 3 and 4).

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W, 1)
    truths : ndarray of bool, shape (N, H, W)
    predictions : dict of str to ndarray of bool, shape (N, H, W)
    labels : list of dict of str to str
        For each image, what stands over each network's panel.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = panels(len(images), 1 + len(predictions), ratio=images.shape[1] / images.shape[2])
    for place, row in enumerate(axes):
        for axis in row:
            show_image(axis, images[place])
            draw_contour(axis, truths[place], "truth")
        row[0].set_title("nerve annotated" if truths[place].any() else "no nerve annotated", fontsize=11)
        for axis, (name, masks) in zip(row[1:], predictions.items(), strict=True):
            draw_contour(axis, masks[place], "prediction")
            axis.set_title(labels[place][name], fontsize=11)
    draw_contour(axes[0, -1], np.zeros((2, 2)), "truth", label="annotated")
    draw_contour(axes[0, -1], np.zeros((2, 2)), "prediction", label="predicted")
    figure.legend(*axes[0, -1].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def set_layout(kind, cut, title):
    """The augmented set in its order as a strip, turned copies low and mirrored ones high, with the end of training.

    Parameters
    ----------
    kind : ndarray of str, shape (N,)
        ``"original"``, ``"turned"`` or ``"mirrored"`` for each image.
    cut : int
        First image of the validation part.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, axis = plt.subplots(figsize=(9, 2.3))
    looks = {"original": ("neutral", 0, 1), "turned": ("prediction", 0, 0.5), "mirrored": ("accent", 0.5, 0.5)}
    for name, (colour, low, height) in looks.items():
        inside = kind == name
        starts = np.flatnonzero(inside & ~np.concatenate([[False], inside[:-1]]))
        ends = np.flatnonzero(inside & ~np.concatenate([inside[1:], [False]]))
        runs = [(start, end + 1 - start) for start, end in zip(starts, ends, strict=True)]
        axis.broken_barh(runs, (low, height), facecolor=COLOURS[colour], label=f"{name}: {inside.sum():,}")
    axis.axvline(cut, color=COLOURS["ink"], linewidth=2)
    for place, text in ((cut / 2, "training"), ((cut + len(kind)) / 2, "validation")):
        axis.annotate(text, (place, 1.12), ha="center")
    axis.set(yticks=[], ylim=(0, 1.4), xlim=(0, len(kind)), xlabel="position in the augmented set")
    axis.spines["left"].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3)
    figure.suptitle(title, x=0.01, ha="left")
    return figure
