"""Colours and sizes that all figures share, and the panels they are made of."""

import matplotlib.pyplot as plt
import numpy as np

from nervekit.errors import ConfigurationError

# Okabe and Ito's palette (2008), distinguishable with every common form of colour blindness.
COLOURS = {"truth": "#009E73", "prediction": "#D55E00", "neutral": "#56B4E9", "accent": "#CC79A7", "ink": "#333333"}
ORANGE, YELLOW, BLUE = "#E69F00", "#F0E442", "#0072B2"  # more of it, for several structures or arms in one picture
LINES = {"truth": "solid", "prediction": "dashed"}


def use_style():
    """Set Matplotlib's defaults for the course: legible at notebook width, no chart junk."""
    plt.rcParams.update(
        {
            "font.size": 11,
            "axes.titlesize": 12,
            "figure.titlesize": 14,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlelocation": "left",
            "legend.frameon": False,
            "figure.constrained_layout.use": True,
            "image.cmap": "gray",
        }
    )


def with_looks(items, looks):
    """Pair what a figure draws with a look each: more than there are looks for would be left out of it unsaid.

    Parameters
    ----------
    items : dict
        By the name in the legend.
    looks : sequence
        Such as colour, line and marker, in the order in which they are taken.

    Returns
    -------
    list of ((name, item), look)

    Raises
    ------
    ConfigurationError
        There are more items than looks.

    Examples
    --------
    >>> with_looks({"U-Net": 0.7}, ("solid", "dashed"))
    [(('U-Net', 0.7), 'solid')]
    """
    if len(items) > len(looks):
        raise ConfigurationError(f"{len(items)} in one figure ({', '.join(map(str, items))}): expected at most {len(looks)}, "
                                 "since there are no more looks to tell them apart. Draw them in several figures.")  # fmt: skip
    return list(zip(items.items(), looks))


def panels(rows, columns, *, width=9.0, ratio=1.0):
    """A figure of equal picture panels without axes.

    Parameters
    ----------
    rows, columns : int
    width : float
        Of the figure, in inches.
    ratio : float
        Height of a panel over its width.

    Returns
    -------
    figure : matplotlib.figure.Figure
    axes : ndarray of matplotlib.axes.Axes, shape (rows, columns)
    """
    use_style()
    height = width / columns * ratio * rows + 0.35 * rows + 0.5
    figure, axes = plt.subplots(rows, columns, figsize=(width, height), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    return figure, axes


def show_image(axis, image, *, title=""):
    """Draw one grey or RGB picture; ``image`` is uint8 of shape (H, W), (H, W, 1) or (H, W, 3)."""
    axis.imshow(np.squeeze(image), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axis.set_title(title, fontsize=11)


def draw_contour(axis, mask, kind, *, label=None):
    """Outline a mask: the truth green and solid, a prediction orange and dashed."""
    if np.any(mask):
        padded = np.pad(mask.astype(float), 1)
        extent = (-1, mask.shape[1], -1, mask.shape[0])
        axis.contour(padded, [0.5], colors=COLOURS[kind], linestyles=LINES[kind], linewidths=1.8, extent=extent)
    if label:
        axis.plot([], [], color=COLOURS[kind], linestyle=LINES[kind], label=label)


def look_at(axis, region, *, margin=0.25):
    """Cut a panel out around a region, with a margin, in the proportions of the picture."""
    height, width = region.shape
    if not region.any():
        return
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    share = max((rows[-1] - rows[0] + 1) / height, (columns[-1] - columns[0] + 1) / width, 0.15) * (1 + 2 * margin)
    for size, found, limits in ((height, rows, axis.set_ylim), (width, columns, axis.set_xlim)):
        half = min(share, 1) * size / 2
        centre = np.clip((found[0] + found[-1]) / 2, half - 0.5, size - half - 0.5)
        low, high = centre - half, centre + half
        limits((high, low) if limits == axis.set_ylim else (low, high))
