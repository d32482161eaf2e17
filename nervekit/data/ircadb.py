"""The CT set 3D-IRCADb-01: one folder a patient, DICOM slices, one folder of masks an organ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from nervekit.data import dicom, pairs, pictures, volumes
from nervekit.data.files import Source
from nervekit.data.volumes import Volume
from nervekit.errors import ConfigurationError, DataError

OPTIONS = ("organs", "window", "patients")
ORGANS = ("liver",)


def uses(
    name: str,
    *,
    organs: str | Sequence[str] = ORGANS,
    patients: int | str | Sequence[int | str] | None = None,
    window: tuple[float, float] | str | None = None,
) -> bool:
    """Say whether a file takes part in what `read` gives with these options: a slice, or a mask of these organs."""
    return volumes.uses(name, patients, _listed(organs))


def read(
    source: Source,
    size: tuple[int, int] | None = (256, 256),
    channels: int = 1,
    progress: bool = False,
    *,
    organs: str | Sequence[str] = ORGANS,
    window: tuple[float, float] | str = (150, 500),
    patients: int | str | Sequence[int | str] | None = None,
) -> dict:
    """Read slices and masks of one or several organs, patient by patient, from the first slice to the last.

    Parameters
    ----------
    source : Source
        As `nervekit.data.nested.open_patients` gives it.
    size : (height, width) or None
        In pixels; None keeps native sizes and gives lists.
    channels : {1, 3}
        Grey, or the same three times.
    progress : bool
        Show a progress bar.
    organs : str or sequence of str
        Names of mask folders, or patterns such as ``"livertumor*"``. The mask is True in any of them. Patients
        who have none of them are left out; of the others the mask holds those that they have.
    window : (center, width) in Hounsfield units, or "slice"
        What becomes black to white; ``"slice"`` stretches each slice from its least to its greatest value.
    patients : int, str or sequence, optional
        Such as ``17`` or ``(1, 17)``; default all.

    Returns
    -------
    dict
        ``images``, ``masks``, ``ids`` (``"17/60"``), ``groups`` (patients) and ``spacing`` as in `SegmentationDataset`.

    Raises
    ------
    nervekit.errors.ConfigurationError
        If no patient has such an organ, a patient is not here or named twice, or organs, patients or window are none.
    nervekit.errors.DataError
        If slices are missing, doubled or damaged, or a mask does not fit its slice.
    """
    names = _listed(organs)
    _check_window(window)
    found = [volume for volume in volumes.find(source, patients, names) if volume.masks]
    if not found:
        known = sorted({organ for each in volumes.organs(source).values() for organ in each})
        raise ConfigurationError(
            f"organs={names}: no patient of {source.path} has such masks. They have {', '.join(known) or 'none'}."
        )
    jobs = [(volume, position) for volume in found for position in range(volume.shape[0])]

    def one(job: tuple[Volume, int]) -> tuple[np.ndarray, np.ndarray]:
        volume, position = job
        grey = Image.fromarray(to_grey(read_slice(source, volume, position), window))
        pixels = pictures.resize(grey, size)[..., np.newaxis]
        mask = np.zeros(volume.shape[1:], bool)
        for organ in volume.masks:
            mask |= read_mask(source, volume, organ, position)
        small = pictures.resize(Image.fromarray(mask.astype(np.uint8)), size, "nearest").astype(bool)
        return np.repeat(pixels, channels, axis=-1), small

    results = pairs.bar(pairs.ahead(one, jobs), len(jobs), progress, "slice")
    images, masks = pairs.collect(results, len(jobs), size, channels)
    arrays = {
        "images": images,
        "masks": masks,
        "ids": np.array([f"{volume.patient}/{volume.numbers[position]}" for volume, position in jobs]),
        "groups": np.array([volume.patient for volume, _ in jobs]),
    }
    if all(volume.spacing for volume in found):
        arrays["spacing"] = np.array([_scaled(volume, size) for volume, _ in jobs])
    return arrays


@contextmanager
def opened(
    source: str = "auto", *, subjects: int | None = None, seed: int = 0, root: str | Path | None = None
) -> Iterator[tuple[Source, list[Volume]]]:
    """Open the set slice by slice: Hounsfield units, masks by organ, and the distance between slices.

    Parameters
    ----------
    source : {"auto", "real", "phantom"}
        As in `nervekit.data.load`.
    subjects, seed : int, optional
        For the simulated set alone.
    root : path, optional
        As in `nervekit.data.load`.

    Yields
    ------
    files : Source
        For `read_slice` and `read_mask`, for the time of the ``with`` block; real files are checked as they are read.
    patients : list of Volume
        With ``patient``, ``shape``, ``spacing`` and ``masks`` (by organ).

    Raises
    ------
    nervekit.errors.MissingDataError
        If the real set was asked for and is not here.
    """
    from nervekit.data.opening import open_files

    with open_files("ircadb", source, root, subjects=subjects, seed=seed) as found:
        yield found.files, volumes.find(found.files)


def read_slice(source: Source, volume: Volume, position: int) -> np.ndarray:
    """Return one CT slice, (H, W) int16, in Hounsfield units: slope and intercept are applied."""
    name = volume.slices[position]
    return dicom.read_pixels(source.read(name), f"{source.path}: {name}")


def read_mask(source: Source, volume: Volume, organ: str, position: int) -> np.ndarray:
    """Return one mask, (H, W) bool; DataError if it has another size than its slice or grey values."""
    name = volume.masks[organ][position]
    values = dicom.read_pixels(source.read(name), f"{source.path}: {name}")
    if values.shape != volume.shape[1:]:
        raise DataError(
            f"{source.path}: {name} is {values.shape[1]} x {values.shape[0]} pixels (width x height), but its slice "
            f"{volume.slices[position]} is {volume.shape[2]} x {volume.shape[1]}. Export the mask again."
        )
    levels = np.unique(values).tolist()
    if not any(set(levels) <= set(pair) for pair in ([0, 255], [0, 1])):
        raise DataError(f"{source.path}: {name} is not binary, it holds {levels[:6]}; expected 0 and 255.")
    return values > 0


def to_grey(hounsfield: np.ndarray, window: tuple[float, float] | str = (150, 500)) -> np.ndarray:
    """Map Hounsfield units to 8-bit grey values.

    Parameters
    ----------
    hounsfield : array
        Radiodensity: air is -1000, water 0, bone some hundreds.
    window : (center, width) or "slice"
        Values at and below ``center - width / 2`` become 0, from ``center + width / 2`` on 255.

    Returns
    -------
    uint8 array

    Examples
    --------
    >>> to_grey(np.array([-1000, -100, 150, 400, 900])).tolist()
    [0, 0, 128, 255, 255]
    """
    if window == "slice":
        low, high = float(hounsfield.min()), float(hounsfield.max())
    else:
        low, high = window[0] - window[1] / 2, window[0] + window[1] / 2
    share = (hounsfield.astype(np.float32) - low) / max(high - low, 1e-6)
    return np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)


def _scaled(volume: Volume, size: tuple[int, int] | None) -> tuple[float, float]:
    height, width = volume.shape[1:] if size is None else size
    return volume.spacing[1] * volume.shape[1] / height, volume.spacing[2] * volume.shape[2] / width


def _listed(organs: str | Sequence[str]) -> list[str]:
    try:
        names = [organs] if isinstance(organs, str) else list(organs)
    except TypeError:
        names = [None]
    if not all(isinstance(name, str) for name in names):
        raise ConfigurationError(f"organs={organs!r}: expected a name such as 'liver', or several, such as ('liver', 'bone').")
    return names


def _check_window(window) -> None:
    try:
        fits = window == "slice" or (len(window) == 2 and float(window[1]) > 0 and np.isfinite(window).all())
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise ConfigurationError(
            f"window={window!r}: expected (center, width) in Hounsfield units with a width above 0, or 'slice'."
        )
