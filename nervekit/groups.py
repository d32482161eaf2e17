"""The patients or sessions that images belong to."""

import numpy as np

from nervekit.errors import DataError


def known_groups(groups, images=None):
    """The groups of images as an array; an unknown one is refused, since all unknown ones would pass for one patient.

    Parameters
    ----------
    groups : array (N,)
        The patient or session of each image.
    images : int, optional
        How many there are; not compared if omitted.

    Returns
    -------
    ndarray

    Raises
    ------
    DataError
        A group is blank, None or NaN, or there is not one for each image.

    Examples
    --------
    >>> known_groups(["a", "b", "a"], images=3).tolist()
    ['a', 'b', 'a']
    """
    # As objects first: beside names, NumPy makes of NaN the name "nan".
    listed = np.asarray(groups, object).ravel().tolist()
    unknown = sum(map(_is_unknown, listed))
    if unknown:
        raise DataError(f"groups hold {unknown} blank, None or NaN of {len(listed)}; expected the patient or session of each "
                        "image. Give such an image a group of its own, or leave it out.")  # fmt: skip
    groups = np.asarray(groups)
    if images is not None and groups.shape != (images,):
        raise DataError(f"groups have the shape {groups.shape} for {images} images; expected ({images},), one group for each "
                        "image.")  # fmt: skip
    return groups


def _is_unknown(group):
    if isinstance(group, str):
        return not group.strip()
    return group is None or (isinstance(group, float | np.floating) and np.isnan(group))
