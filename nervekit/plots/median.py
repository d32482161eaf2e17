"""Figures of the double networks: what passes between the halves, and what several networks see in one image."""

import matplotlib.pyplot as plt
import numpy as np

from nervekit.plots.style import COLOURS, draw_contour, look_at, panels, show_image, use_style


def inner_tensors(image, truth, snapshots, title):
    """What leaves the first network and what enters the second, by epoch (Figure 16 of Melnic et al.).

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 1)
    truth : ndarray of bool, shape (H, W)
    snapshots : dict of int to dict
        For each epoch ``output_1``, ``multiply`` and ``output_2``, each of shape (H, W).
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    columns = {"output_1": "output 1", "multiply": "multiply layer (grey: 0)", "output_2": "output 2"}
    figure, axes = panels(len(snapshots), 1 + len(columns), width=9.6, ratio=truth.shape[0] / truth.shape[1])
    largest = max(np.abs(found["multiply"]).max() for found in snapshots.values()) or 1
    for row, (epoch, found) in zip(axes, snapshots.items(), strict=True):
        show_image(row[0], image, title=f"after epoch {epoch}")
        for axis, (name, label) in zip(row[1:], columns.items(), strict=True):
            limits = (-largest, largest) if name == "multiply" else (0, 1)
            axis.imshow(found[name], cmap="gray", vmin=limits[0], vmax=limits[1], interpolation="nearest")
            axis.set_title(label, fontsize=11)
        for axis in row:
            draw_contour(axis, truth, "truth")
    draw_contour(axes[0, 0], truth, "truth", label="annotated")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center")
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def outputs_compared(images, truths, first, second, labels, title):
    """Output 1, output 2 and what differs between them (Figure 17 of Melnic et al.), cut out around the nerve.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W, 1)
    truths, first, second : ndarray of bool, shape (N, H, W)
        Annotation and the two outputs.
    labels : list of (str, str)
        For each image what stands over output 1 and over output 2.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = panels(len(images), 3, width=9, ratio=0.6)
    changes = ((second & ~first, "////", "neutral", "added"), (first & ~second, "....", "accent", "taken away"))
    for place, (row, label) in enumerate(zip(axes, labels, strict=True)):
        for axis in row:
            show_image(axis, images[place])
            draw_contour(axis, truths[place], "truth")
            look_at(axis, truths[place] | first[place] | second[place])
        for axis, masks, text in zip(row, (first, second), label, strict=False):
            draw_contour(axis, masks[place], "prediction")
            axis.set_title(text, fontsize=11)
        for masks, hatch, colour, _ in changes:
            if masks[place].any():
                row[2].contourf(masks[place], [0.5, 1.5], colors=[COLOURS[colour]], hatches=[hatch], alpha=0.7)
        row[2].set_title("difference", fontsize=11)
    draw_contour(axes[0, 0], truths[0], "truth", label="annotated")
    draw_contour(axes[0, 0], first[0], "prediction", label="predicted")
    handles, names = axes[0, 0].get_legend_handles_labels()
    for _, hatch, colour, name in changes:
        handles.append(plt.Rectangle((0, 0), 1, 1, facecolor=COLOURS[colour], hatch=hatch, alpha=0.7))
        names.append(f"{name} by output 2")
    figure.legend(handles, names, loc="outside lower center", ncols=4)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def rows_kept(image, mask, masks, rows, title):
    """An image with the rows that are kept between two lines, and beside it how many masks have a pixel in each row.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 1)
    mask : ndarray of bool, shape (H, W)
        Of this image.
    masks : ndarray of bool, shape (N, H, W)
        Of all training images.
    rows : slice
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    use_style()
    height, width = mask.shape
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 6.2 * height / width), sharey=True, width_ratios=(2.2, 1))
    show_image(left, image, title="a training image")
    left.set_axis_on()
    draw_contour(left, mask, "truth")
    right.stairs(np.mean(np.any(masks, axis=2), axis=0), np.arange(height + 1) - 0.5, orientation="horizontal",
                 color=COLOURS["truth"], fill=True, label="annotated")  # fmt: skip
    for axis in (left, right):
        for place in (rows.start, rows.stop):
            label = "rows kept" if axis is right and place == rows.start else None
            axis.axhline(place - 0.5, color=COLOURS["prediction"], linestyle="dashed", linewidth=2, label=label)
    left.set(xlabel="column (pixels)", ylabel="row (pixels)")
    right.set(xlabel="share of the training masks", xlim=(0, 1.02))
    figure.legend(loc="outside lower center", ncols=2)
    figure.suptitle(title, x=0.01, ha="left")
    return figure
