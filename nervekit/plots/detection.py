"""Figures of detection: the cases of an image, the operating point, and what copies across a split do to a score."""

import matplotlib.pyplot as plt
import numpy as np

from nervekit.plots.style import COLOURS, draw_contour, panels, show_image, use_style, with_looks

RATES = (
    ("false_negative_rate", "nerves missed (of images with one)", "prediction", "solid"),
    ("false_positive_rate", "false alarms (of images without)", "neutral", "dashed"),
)


def case_gallery(rows, title, *, columns=4):
    """Examples of each case, one case a row (Figure 7 of Gulati & Chhabra); the same scale and contours in all.

    Parameters
    ----------
    rows : dict of str to list of tuple
        For each case (image, true mask, predicted mask, label); the first ``columns`` are drawn.
    title : str
    columns : int

    Returns
    -------
    matplotlib.figure.Figure
    """
    image = next(example[0] for examples in rows.values() for example in examples)
    figure, axes = panels(len(rows), columns, width=9.0, ratio=image.shape[0] / image.shape[1])
    shares = [1 if examples else 0.15 for examples in rows.values()]
    axes[0, 0].get_gridspec().set_height_ratios(shares)
    figure.set_figheight(figure.get_figheight() * sum(shares) / len(shares))
    for line, (case, examples) in zip(axes, rows.items(), strict=True):
        for axis, (picture, truth, prediction, label) in zip(line, examples, strict=False):
            show_image(axis, picture, title=label)
            draw_contour(axis, truth, "truth")
            draw_contour(axis, prediction, "prediction")
        place = {"rotation": 90, "ha": "right"} if examples else {"ha": "left"}
        text = case if examples else f"{case}: none"
        line[0].text(-0.06, 0.5, text, va="center", transform=line[0].transAxes, **place)
    for kind, label in (("truth", "annotated"), ("prediction", "predicted")):
        draw_contour(axes[0, 0], np.zeros((2, 2), bool), kind, label=label)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def operating_point(curves, area, title):
    """Both error rates against the least area, one panel a set, with the area that was chosen.

    Parameters
    ----------
    curves : dict of str to dict
        From `nervekit.detection.operating_curve`; the name of a set becomes the head of its panel.
    area : float
        As a share of the image.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, axes = plt.subplots(1, len(curves), figsize=(9, 3.6), sharey=True, squeeze=False)
    for axis, (name, curve) in zip(axes[0], curves.items(), strict=True):
        for key, label, colour, line in RATES:
            axis.plot(100 * curve["area"], 100 * curve[key], drawstyle="steps-post", color=COLOURS[colour],
                      linestyle=line, linewidth=2.2, label=label)  # fmt: skip
        axis.axvline(100 * area, color=COLOURS["ink"], linestyle="dotted", label=f"chosen: {100 * area:.2f} %")
        axis.set(xlabel="least area (% of the image)", ylim=(-3, 103))
        axis.set_title(name, fontsize=11)
    axes[0, 0].set_ylabel("images (%)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def copies(without, positives, extra, counted, title):
    """What an enlarged set is made of, beside how many copies of each test image are in training.

    Parameters
    ----------
    without, positives : int
        Images without and with a nerve.
    extra : int
        How often each image with a nerve was added.
    counted : ndarray of int, shape (N,)
        Copies in training of each test image.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.3), width_ratios=(1.5, 1))
    parts = [(without, "neutral", "", "no nerve"), (positives, "prediction", "", "nerve")]
    parts += [(positives, "accent", "//", "the same, added again")] * extra
    start = 0
    for place, (size, colour, hatch, label) in enumerate(parts):
        left.barh(0, size, left=start, color=COLOURS[colour], hatch=hatch, edgecolor="white", height=0.5,
                  label=label if place < 3 else None)  # fmt: skip
        left.annotate(f"{size:,}", (start + size / 2, 0.3), ha="center", va="bottom")
        start += size
    left.set(xlabel=f"images, {start:,} in all", yticks=[], ylim=(-0.4, 0.6))
    left.spines["left"].set_visible(False)
    values, heights = np.unique(counted, return_counts=True)
    bars = right.bar(values, heights, color=COLOURS["ink"], edgecolor="white", width=0.7)
    right.bar_label(bars, labels=[f"{height:,}" for height in heights])
    right.set(xlabel="copies of it in training", ylabel="test images", xticks=range(extra + 1))
    right.margins(y=0.15)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def split_scores(scores, title, *, xlabel):
    """One score of several networks under several ways to test, with intervals.

    Parameters
    ----------
    scores : dict of str to dict of str to dict
        ``value``, ``low`` and ``high`` of each way of testing, three at most, for each network.
    title, xlabel : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    looks = (("o", "prediction"), ("s", "accent"), ("D", "neutral"))
    figure, axis = plt.subplots(figsize=(9, 1.0 * len(scores) + 1.9))
    for place, (network, found) in enumerate(scores.items()):
        for step, ((name, score), (marker, colour)) in enumerate(with_looks(found, looks)):
            height = place + 0.24 * (step - (len(found) - 1) / 2)
            axis.plot([score["low"], score["high"]], [height, height], color=COLOURS[colour], linewidth=2.5)
            axis.plot(score["value"], height, marker, markersize=8, color=COLOURS[colour],
                      label=name if place == 0 else None)  # fmt: skip
            axis.annotate(f"{score['value']:.2f}", (np.nanmax([score["value"], score["high"]]), height), xytext=(6, 0), textcoords="offset points",
                          va="center", fontsize=9)  # fmt: skip
    axis.set_yticks(range(len(scores)), list(scores))
    axis.set(xlabel=xlabel, xlim=(0, 1.05), ylim=(len(scores) - 0.5, -0.5))
    figure.legend(loc="outside lower center")
    figure.suptitle(title, x=0.01, ha="left")
    return figure
