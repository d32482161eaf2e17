"""The rows of an image in which a structure can be: cut to them, and put the answer back where it was."""

from dataclasses import replace

import numpy as np

from nervekit.errors import ConfigurationError, DataError


def reach(masks, *, margin, multiple=1):
    """The rows that hold every mask, and a margin.

    Parameters
    ----------
    masks : ndarray of bool, shape (N, H, W)
        Of training images alone: what is known of test images must not choose where to look.
    margin : int
        Rows added above and below, for structures that lie a little outside all that were seen.
    multiple : int
        The height is raised to a multiple of this, as networks that halve their input ask for; rows are added below, or above
        where the image ends.

    Returns
    -------
    slice
        Of rows.

    Raises
    ------
    DataError
        No mask has a pixel, or no multiple as large as needed fits into the image.
    ConfigurationError
        The masks have native sizes, the margin is below 0, or the multiple below 1.

    Examples
    --------
    >>> masks = np.zeros((2, 64, 8), bool); masks[0, 10], masks[1, 20] = True, True
    >>> reach(masks, margin=2, multiple=16)
    slice(8, 24, None)
    >>> reach(masks, margin=3, multiple=16)
    slice(7, 39, None)
    """
    if not (margin >= 0 and multiple >= 1):
        raise ConfigurationError(f"rows.reach: margin={margin}, multiple={multiple}: expected a margin of 0 rows or more, and "
                                 "a multiple of 1 or more.")  # fmt: skip
    _check_one_size(masks, "rows.reach: the masks")
    used = np.flatnonzero(np.any(masks, axis=(0, 2)))
    if not len(used):
        raise DataError("rows.reach: none of the masks has a pixel, so that no row can be told from another. "
                        "Look whether they were read as they should, or give masks that show the structure.")  # fmt: skip
    height = masks.shape[1]
    low, high = max(used[0] - margin, 0), min(used[-1] + 1 + margin, height)
    count = -(-(high - low) // multiple) * multiple
    if count > height:
        raise DataError(f"rows.reach: {high - low} of {height} rows are needed, and {count} would be the next multiple of "
                        f"{multiple}. Use the whole image, or a smaller margin.")  # fmt: skip
    low = min(low, height - count)
    return slice(int(low), int(low + count))


def cut(dataset, rows):
    """The same images and masks, cut to these rows.

    Parameters
    ----------
    dataset : SegmentationDataset
    rows : slice

    Returns
    -------
    SegmentationDataset

    Raises
    ------
    ConfigurationError
        The images have native sizes.
    """
    _check_one_size(dataset.images, f"rows.cut: the images of {dataset.key}")
    return replace(dataset, images=np.ascontiguousarray(dataset.images[:, rows]), masks=dataset.masks[:, rows])


def _check_one_size(pictures, what):
    if isinstance(pictures, list):
        raise ConfigurationError(f"{what} have native sizes. Load them with one size, such as size=(96, 96).")


def paste(answers, rows, height):
    """Answers about these rows in an image of full height; 0 elsewhere.

    Parameters
    ----------
    answers : ndarray, shape (N, rows, W)
    rows : slice
    height : int

    Returns
    -------
    ndarray, shape (N, height, W)

    Raises
    ------
    DataError
        The answers have other rows than these.

    Examples
    --------
    >>> paste(np.ones((1, 2, 1)), slice(1, 3), 4)[0, :, 0].tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    count = len(range(*rows.indices(height)))
    if answers.shape[1:2] != (count,):
        raise DataError(f"rows.paste: the answers have the shape {answers.shape}, and {rows} of {height} rows are {count}; "
                        "expected (images, rows, width). Give the rows and the height that the images had when they were "
                        "cut.")  # fmt: skip
    whole = np.zeros((len(answers), height, *answers.shape[2:]), answers.dtype)
    whole[:, rows] = answers
    return whole
