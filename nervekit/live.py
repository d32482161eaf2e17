"""A network at work on a cine: each frame is answered, outlined and shown before the next one is taken."""

import io
import time

import numpy as np
from PIL import Image, ImageColor
from scipy import ndimage

from nervekit.errors import DataError
from nervekit.plots.style import COLOURS


def play(frames, answer):
    """Answer the frames one by one, and show each with its outline and area in a live notebook, where a button repeats it.

    Parameters
    ----------
    frames : ndarray of uint8, shape (N, H, W, 1)
    answer : callable
        From images (1, H, W, 1) to probabilities (1, H, W).

    Returns
    -------
    masks : ndarray of bool, shape (N, H, W)
        Where the probability is above one half.
    seconds : ndarray, shape (N, 2)
        From taking a frame to its answer, and to having handed its picture on. What the browser does is in neither.

    Raises
    ------
    DataError
        There is no frame.
    """
    show, again = screen()
    again(lambda button: loop(frames, answer, show))
    return loop(frames, answer, show)


def loop(frames, answer, show):
    """What :func:`play` does, shown by any function that takes a JPEG (bytes) and a line of text.

    Raises
    ------
    DataError
        There is no frame.

    Examples
    --------
    >>> frames = np.full((2, 8, 8, 1), 90, np.uint8)
    >>> masks, seconds = loop(frames, lambda images: images[..., 0] / 100, lambda picture, text: print(text))
    frame 1 of 2, area 64 pixels
    frame 2 of 2, area 64 pixels
    >>> masks.shape, seconds.shape
    ((2, 8, 8), (2, 2))
    """
    if not len(frames):
        raise DataError("frames hold no image: expected at least one")
    masks, seconds = [], []
    for number, frame in enumerate(frames, start=1):
        began = time.perf_counter()
        mask = np.asarray(answer(frame[None]))[0] > 0.5
        answered = time.perf_counter()
        show(jpeg(outlined(frame, mask)), f"frame {number} of {len(frames)}, area {mask.sum()} pixels")
        seconds.append((answered - began, time.perf_counter() - began))
        masks.append(mask)
    return np.stack(masks), np.array(seconds)


def screen(width=384):
    """A picture, a line of text below and a button, displayed at once.

    Parameters
    ----------
    width : int
        Of the picture in the browser, in its pixels.

    Returns
    -------
    show : callable
        Takes a JPEG (bytes) and a text.
    again : callable
        Takes what the button shall do. Both do nothing where ipywidgets is not installed.
    """
    try:
        import ipywidgets
    except ImportError:
        print("ipywidgets is not installed: the frames are answered, but nothing moves here.")
        return lambda picture, text: None, lambda action: None
    from IPython.display import display

    image, label = ipywidgets.Image(format="jpeg", width=width), ipywidgets.Label()
    button = ipywidgets.Button(description="again")
    display(ipywidgets.VBox([image, label, button]))

    def show(picture, text):
        image.value, label.value = picture, text

    return show, button.on_click


def outlined(frame, mask):
    """A frame in colours with the outline of a mask: the pixels of the mask that its erosion takes away.

    Parameters
    ----------
    frame : ndarray of uint8, shape (H, W, 1) or (H, W, 3)
    mask : ndarray of bool, shape (H, W)

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
    """
    picture = np.repeat(frame, 3, axis=-1) if frame.shape[-1] == 1 else frame.copy()
    thick = max(1, round(min(mask.shape) / 128))  # one pixel of a large picture is hard to see
    picture[mask & ~ndimage.binary_erosion(mask, iterations=thick)] = ImageColor.getrgb(COLOURS["prediction"])
    return picture


def jpeg(picture):
    """A picture (H, W, 3) as JPEG; a PNG of 256x256 takes thirty times as long (7 ms against 0.25) and three times the space."""
    buffer = io.BytesIO()
    # Colours at full resolution: at half of it, JPEG's default, a thin outline fades.
    Image.fromarray(picture).save(buffer, "JPEG", quality=90, subsampling=0)
    return buffer.getvalue()
