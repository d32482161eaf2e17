"""Figures of data: pictures beside each other, what the set is like, and what two parts of it share."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator

from nervekit.plots.style import COLOURS, draw_contour, panels, show_image, use_style


def gallery(images, titles, title, *, masks=None, columns=None, ratio=None):
    """Pictures side by side, each with its own title; masks are outlined.

    Parameters
    ----------
    images : list of (H, W) or (H, W, C) arrays
        Sizes may differ.
    titles : list of str
        One a picture.
    title : str
        The finding.
    masks : list of (H, W) bool arrays or None, optional
        Outlined in the colour of the truth; an item may be None.
    columns : int, optional
    ratio : float, optional
        Height of a panel over its width; that of the tallest picture if not given.

    Returns
    -------
    matplotlib.figure.Figure
    """
    columns = columns or len(images)
    rows = -(-len(images) // columns)
    ratio = ratio or max(image.shape[0] / image.shape[1] for image in images)
    figure, axes = panels(rows, columns, ratio=ratio)
    for index, (axis, image) in enumerate(zip(axes.flat, images)):
        show_image(axis, image, title=titles[index])
        if masks is not None and masks[index] is not None:
            draw_contour(axis, masks[index], "truth")
    _finish(figure, title)
    return figure


def strays(images, masks, titles, title):
    """Images with outlined masks; each component but the largest is circled, since it may be a single pixel.

    Parameters
    ----------
    images, masks : lists of (H, W) or (H, W, C) uint8 arrays, and of (H, W) bool arrays
    titles : list of str
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    from skimage.measure import label, regionprops

    figure, axes = panels(1, len(images), ratio=max(image.shape[0] / image.shape[1] for image in images))
    for axis, image, mask, text in zip(axes.flat, images, masks, titles):
        show_image(axis, image, title=text)
        draw_contour(axis, mask, "truth")
        for region in sorted(regionprops(label(mask)), key=lambda region: region.area)[:-1]:
            row, column = region.centroid
            axis.plot(
                column, row, "o", markersize=14, markerfacecolor="none", markeredgecolor=COLOURS["prediction"]
            )
    _finish(figure, title)
    return figure


def zoomed_masks(masks, titles, title):
    """Small masks as enlarged pixels, with the value range 0 to 1 on a colour bar.

    Parameters
    ----------
    masks : list of (H, W) float arrays
        Values 0 to 1.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = panels(1, len(masks), ratio=min(1.0, max(mask.shape[0] / mask.shape[1] for mask in masks)))
    for axis, mask, text in zip(axes.flat, masks, titles):
        drawn = axis.imshow(mask, cmap="cividis", vmin=0, vmax=1, interpolation="nearest")
        axis.set_title(text, fontsize=11)
    figure.colorbar(drawn, ax=axes.ravel().tolist(), label="value of the mask", shrink=0.8)
    _finish(figure, title)
    return figure


def size_zoo(widths, heights, size, title):
    """Native sizes as dots, with the shape that all of them are pressed into as a line.

    Parameters
    ----------
    widths, heights : (N,) arrays
    size : (height, width)
        Of the network's input; all in pixels.

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, axis = plt.subplots(figsize=(6.5, 4.2))
    axis.scatter(widths, heights, s=22, color=COLOURS["neutral"], edgecolor=COLOURS["ink"], linewidth=0.4)
    reach = np.array([0, max(widths)])
    label = f"proportions of the network's input, {size[0]} x {size[1]}"
    axis.plot(reach, reach * size[0] / size[1], "--", color=COLOURS["prediction"], label=label)
    limits = {
        "xlim": (0.9 * min(widths), 1.05 * max(widths)),
        "ylim": (0.8 * min(heights), 1.2 * max(heights)),
    }
    axis.set(xlabel="width (pixels)", ylabel="height (pixels)", **limits)
    axis.legend(loc="lower right")
    _finish(figure, title)
    return figure


def balance(masks, title):
    """Share of the structure in each image as a histogram, beside how often each place belongs to it.

    Parameters
    ----------
    masks : (N, H, W) bool array
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    share = 100 * masks.mean(axis=(1, 2))
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.7), width_ratios=(1.2, 1))
    left.hist(share, bins=24, color=COLOURS["neutral"], edgecolor="white")
    label = f"median {np.median(share):.1f} %"
    left.axvline(np.median(share), color=COLOURS["prediction"], ls="--", label=label)
    left.set(xlabel="pixels of the structure (% of the image)", ylabel="images")
    left.legend()
    drawn = right.imshow(100 * masks.mean(axis=0), cmap="cividis", vmin=0)
    right.set(xticks=[], yticks=[], title="where it lies")
    figure.colorbar(drawn, ax=right, label="images with the structure here (%)")
    _finish(figure, title)
    return figure


def nearest_match(correlation, threshold, title):
    """How alike each test image and its most similar training image are, as a histogram.

    Parameters
    ----------
    correlation : (T,) array
        Best normalised correlation of each test image.
    threshold : float
        From which a pair counts as a near-duplicate.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, axis = plt.subplots(figsize=(6.5, 3.6))
    lowest = int(np.floor(25 * float(correlation.min())))
    bins = np.concatenate([np.arange(lowest, 0) / 25, np.linspace(0, 1, 26)])
    above = correlation >= threshold
    others, *_ = axis.hist(correlation[~above], bins=bins, color=COLOURS["neutral"], edgecolor="white", label="others")
    label = f"near-duplicates, {threshold:g} or more"
    # Only where there is something to stack: the bottom of an empty bar may take the margin above the highest bar away.
    bottom = np.where(np.histogram(correlation[above], bins)[0], others, 0)
    axis.hist(
        correlation[above], bins=bins, bottom=bottom, color=COLOURS["prediction"], edgecolor="white", label=label,
        hatch="//",
    )
    axis.axvline(threshold, color=COLOURS["ink"], linestyle="--")
    axis.yaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set(xlabel="correlation with the most similar training image", ylabel="test images")
    axis.legend(loc="upper left")
    _finish(figure, title)
    return figure


def pairs(dataset, positions, correlations, title):
    """Test images above, their most similar training images below, both with the outline of their masks.

    Parameters
    ----------
    dataset : SegmentationDataset
    positions : (P, 2) int array
        Position of a test image and of its training image.
    correlations : (P,) array
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = panels(2, len(positions))
    for column, (pair, correlation) in enumerate(zip(positions, correlations)):
        texts = (
            f"test {dataset.ids[pair[0]]}",
            f"training {dataset.ids[pair[1]]}\ncorrelation {correlation:.2f}",
        )
        for axis, position, text in zip(axes[:, column], pair, texts):
            show_image(axis, dataset.images[position], title=text)
            draw_contour(axis, dataset.masks[position], "truth")
    _finish(figure, title)
    return figure


def group_sizes(groups, parts, title):
    """Images of each session or subject as bars, largest first, split into training and test.

    Parameters
    ----------
    groups : (N,) array
    parts : (N,) array
        ``"train"``, ``"development"`` or ``"test"``; the first two count as training.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    names, member = np.unique(groups, return_inverse=True)
    test = np.bincount(member, weights=parts == "test", minlength=len(names))
    training = np.bincount(member, minlength=len(names)) - test
    order = np.argsort(-(training + test), kind="stable")
    figure, axis = plt.subplots(figsize=(9, 3.4))
    place = np.arange(len(names))
    axis.bar(place, training[order], width=1, color=COLOURS["neutral"], label="training and development images")
    look = {"width": 1, "color": COLOURS["prediction"], "hatch": "//"}
    axis.bar(place, test[order], bottom=training[order], label="test images", **look)
    axis.set(xlabel="groups, largest first", ylabel="images", xlim=(-0.5, len(names) - 0.5))
    axis.legend()
    _finish(figure, title)
    return figure


def _finish(figure, title):
    figure.suptitle(title, x=0.01, ha="left")
