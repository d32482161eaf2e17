"""Figures of file formats: run-length codes, windows and organs of CT, slices in order, annotations to correct."""

import matplotlib.pyplot as plt
import numpy as np

from nervekit.plots.style import COLOURS, ORANGE, YELLOW, draw_contour, panels, show_image, use_style

OKABE_ITO = (*(COLOURS[name] for name in ("truth", "prediction", "neutral", "accent")), ORANGE, YELLOW)
DASHES = ("solid", "dashed", "dashdot", "dotted")


def run_lengths(mask, runs, title):
    """A small mask as a grid of pixels, numbered down the columns, each run in a colour of its own.

    Parameters
    ----------
    mask : (H, W) array
    runs : list of (start, length)
        As Kaggle's code has them: from 1, down the columns.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    rows, columns = mask.shape
    figure, axis = plt.subplots(figsize=(0.9 * columns + 3.2, 0.62 * rows + 0.9))
    for pixel in range(mask.size):
        row, column = pixel % rows, pixel // rows
        run = next((index for index, (start, length) in enumerate(runs) if start <= pixel + 1 < start + length), None)
        colour = "white" if run is None else OKABE_ITO[run % len(OKABE_ITO)]
        hatch = "" if run is None else ("//", "\\\\", "..", "xx")[run % 4]
        box = {"facecolor": colour, "edgecolor": COLOURS["ink"], "hatch": hatch, "alpha": 0.55 if hatch else 1}
        axis.add_patch(plt.Rectangle((column, row), 1, 1, **box))
        weight = "normal" if run is None else "bold"
        axis.text(column + 0.5, row + 0.5, str(pixel + 1), ha="center", va="center", weight=weight)
    for index, (start, length) in enumerate(runs):
        text = f"from {start}, {length} pixel{'s' if length > 1 else ''}: “{start} {length}”"
        place = (columns + 0.4, 0.5 + index * min(1, rows / len(runs)))
        frame = {"facecolor": "white", "edgecolor": OKABE_ITO[index % len(OKABE_ITO)], "lw": 2}
        axis.text(*place, text, color=COLOURS["ink"], va="center", bbox=frame)
    axis.set(xlim=(-0.1, columns + 3.6), ylim=(rows + 0.1, -0.1), aspect="equal")
    axis.set_axis_off()
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def windows(hounsfield, shown, title):
    """One CT slice through several windows, over the histogram of its Hounsfield units with the windows marked.

    Parameters
    ----------
    hounsfield : (H, W) array
    shown : dict of str to ((H, W) uint8 array, (low, high))
        By name: the slice in grey, and the units that become black and white.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure = plt.figure(figsize=(9, 5.6))
    grid = figure.add_gridspec(2, len(shown), height_ratios=(1.7, 1))
    for column, (name, (grey, (low, high))) in enumerate(shown.items()):
        axis = figure.add_subplot(grid[0, column])
        axis.set_axis_off()
        show_image(axis, grey, title=f"{name}\n{low:g} to {high:g} HU")
    axis = figure.add_subplot(grid[1, :])
    axis.hist(hounsfield.ravel(), bins=np.arange(-1050, 1251, 25), color=COLOURS["neutral"])
    axis.set_yscale("log")
    top = axis.get_ylim()[1]
    for index, (name, (_, (low, high))) in enumerate(shown.items()):
        height = top * 4 ** (index + 0.6)
        axis.plot([low, high], [height, height], "|-", color=COLOURS["ink"], lw=2, markersize=9)
        axis.annotate(name, (high, height), (6, 0), textcoords="offset points", va="center")
    axis.set(xlabel="Hounsfield units (air -1000, water 0)", ylabel="pixels")
    axis.set(xlim=(-1100, 1400), ylim=(1, top * 4 ** len(shown)))
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def organs(image, masks, title):
    """A picture with the outlines of several structures, each in a colour and a dash of its own.

    Parameters
    ----------
    image : (H, W) uint8 array
    masks : dict of str to (H, W) bool array
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, axis = plt.subplots(figsize=(7.6, 5.6 * image.shape[0] / image.shape[1] + 0.5))
    axis.set_axis_off()
    show_image(axis, image)
    for index, (name, mask) in enumerate(masks.items()):
        look = {"colors": OKABE_ITO[index % len(OKABE_ITO)], "linestyles": DASHES[index % len(DASHES)]}
        if np.any(mask):
            axis.contour(np.asarray(mask, float), [0.5], linewidths=1.8, **look)
        axis.plot([], [], color=look["colors"], linestyle=look["linestyles"], label=name)
    figure.legend(loc="outside right center", title="mask folder")
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def slice_order(areas, by_name, title, unit="cm²"):
    """The area of an organ slice by slice, in the true order and in the order of file names.

    Parameters
    ----------
    areas : (S,) array
        In the true order.
    by_name : (S,) int array
        Positions in the order in which names sort as text.
    title : str
    unit : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    figure, axis = plt.subplots(figsize=(9, 3.4))
    text = "files sorted as text: 0, 1, 10, 11, ..."
    axis.plot(areas[by_name], color=COLOURS["prediction"], ls="--", lw=1.2, label=text)
    axis.plot(areas, color=COLOURS["truth"], lw=2.2, label="sorted by instance number")
    axis.set(xlabel="position in the list of slices", ylabel=f"liver in the slice ({unit})")
    axis.set_ylim(0, 1.35 * max(areas))
    axis.legend(loc="upper left", ncols=2)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def cut(plane, spacing, title):
    """A cut across slices: drawn as if voxels were cubes, and in millimetres.

    Parameters
    ----------
    plane : (S, W) uint8 array
        First row is drawn at the bottom.
    spacing : (float, float)
        Millimetres between rows and between columns.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    rows, columns = plane.shape
    high, wide = rows * spacing[0], columns * spacing[1]
    figure, axes = plt.subplots(1, 2, figsize=(9, 0.8 + 4.3 * max(rows / columns, high / wide)))
    axes[0].imshow(plane, cmap="gray", origin="lower", interpolation="nearest", vmin=0, vmax=255)
    axes[0].set(title="voxels taken for cubes", xlabel="column", ylabel="slice")
    axes[1].imshow(
        plane, cmap="gray", origin="lower", vmin=0, vmax=255, extent=(0, wide, 0, high), interpolation="nearest"
    )
    axes[1].set(title="with the spacing of the header", xlabel="millimetres", ylabel="millimetres")
    for axis in axes:
        axis.set_anchor("NW")
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def annotations(images, truths, proposals, titles, title):
    """Images with proposed polygons, their corners as points, over the outline of the truth.

    Parameters
    ----------
    images : list of (H, W) or (H, W, C) uint8 arrays
    truths : list of (H, W) bool arrays
    proposals : list of list of (P, 2) arrays
        Corners (x, y) of the polygons of each image.
    titles : list of str
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = panels(1, len(images), ratio=0.9)
    for axis, image, truth, polygons, text in zip(axes.flat, images, truths, proposals, titles):
        show_image(axis, image, title=text)
        draw_contour(axis, truth, "truth")
        for corners in polygons:
            closed = np.concatenate([corners, corners[:1]])
            axis.plot(*closed.T, "--o", color=COLOURS["prediction"], lw=1.4, markersize=3)
        _zoom(axis, truth, polygons)
    axes.flat[0].plot([], [], color=COLOURS["truth"], label="mask of the set")
    axes.flat[0].plot([], [], "--o", color=COLOURS["prediction"], markersize=3, label="polygon in the JSON file")
    figure.legend(loc="outside lower left", ncols=2)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def _zoom(axis, truth, polygons):
    """Show what is drawn, with as much around it."""
    rows, columns = np.nonzero(truth)
    points = np.concatenate([np.stack([columns, rows], axis=1), *polygons]).astype(float)
    low, high = points.min(axis=0), points.max(axis=0)
    centre, reach = (low + high) / 2, max((high - low).max() / 2, 10) * 1.25
    axis.set(xlim=(centre[0] - reach, centre[0] + reach), ylim=(centre[1] + 0.9 * reach, centre[1] - 0.9 * reach))
