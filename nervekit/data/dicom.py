"""One DICOM slice from its bytes: header first, pixels when they are wanted."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from nervekit.errors import DataError

LARGEST_SIDE = 4096


@dataclass(frozen=True)
class Header:
    """What a slice says about itself: its number and place in the volume, and its scale.

    ``spacing`` is (vertical, horizontal) in millimetres a pixel, ``position`` is millimetres along the body and
    ``thickness`` those to the next slice; each is None where the file does not say, a thickness where it is 0, too.
    ``simulated`` slices say so in the name of their institution.
    """

    number: int | None
    shape: tuple[int, int]
    spacing: tuple[float, float] | None
    position: float | None
    thickness: float | None
    simulated: bool = False


def read_header(content: bytes, name: str) -> Header:
    """Read what a slice says about itself.

    Raises
    ------
    nervekit.errors.DataError
        If it is not DICOM, or does not say how large it is.
    """
    with _guarded(f"{name}: its DICOM header lacks Rows and Columns, or cannot be read"):
        dataset = _parse(content, name, pixels=False)
        number = dataset.get("InstanceNumber")
        spacing = dataset.get("PixelSpacing")
        position = dataset.get("ImagePositionPatient")
        between = dataset.get("SpacingBetweenSlices") or dataset.get("SliceThickness")
        header = Header(
            number=None if number is None else int(number),
            shape=(int(dataset.Rows), int(dataset.Columns)),
            spacing=None if not spacing else (float(spacing[0]), float(spacing[1])),
            position=None if not position else float(position[2]),
            thickness=float(between) if between else None,
            simulated=str(dataset.get("InstitutionName", "")).startswith("Simulated"),
        )
    shape = header.shape
    if not all(0 < side <= LARGEST_SIDE for side in shape):
        raise DataError(f"{name}: is {shape[0]} x {shape[1]} pixels; expected 1 to {LARGEST_SIDE} a side.")
    lengths = [*(header.spacing or ()), *([header.thickness] if header.thickness is not None else [])]
    if not all(np.isfinite(length) and length > 0 for length in lengths):
        raise DataError(f"{name}: has the spacing {header.spacing} and {header.thickness} mm; expected above 0.")
    return header


def read_pixels(content: bytes, name: str) -> np.ndarray:
    """Decode the pixels of a slice and apply its slope and intercept.

    Returns
    -------
    (H, W) int16 array
        Hounsfield units of a CT slice, those beyond int16 as its least or largest value: padding around the picture and
        metal may lie there. The stored values where there is no slope and intercept.

    Raises
    ------
    nervekit.errors.DataError
        If there are no pixels, they are compressed in a way that nothing installed can read, they are damaged, or stored
        values without slope and intercept are beyond int16.
    """
    import pydicom

    dataset = _parse(content, name, pixels=True)
    if "PixelData" not in dataset:
        raise DataError(f"{name}: holds no pixel data, only a header. Export the slice with its image.")
    with _guarded(f"{name}: its header cannot be read"):
        slope = float(dataset.get("RescaleSlope", 1) or 1)
        intercept = float(dataset.get("RescaleIntercept", 0) or 0)
        syntax = pydicom.uid.UID(dataset.file_meta.get("TransferSyntaxUID") or "")
    try:
        stored = dataset.pixel_array
    except Exception as error:  # pydicom and its plugins raise many kinds
        if syntax in pydicom.uid.AllTransferSyntaxes and syntax.is_compressed:
            raise DataError(
                f"{name}: its pixels are compressed ({syntax.name}), which this installation cannot read "
                f"({_first_line(error)}). Install a decoder (pip install pylibjpeg pylibjpeg-libjpeg "
                "pylibjpeg-openjpeg), or export the slices uncompressed (gdcmconv --raw)."
            ) from error
        raise DataError(
            f"{name}: its pixels cannot be decoded ({_first_line(error)}). The file is damaged or incomplete: get it "
            "again."
        ) from error
    if stored.ndim != 2:
        raise DataError(f"{name}: holds pixels of the shape {stored.shape}; expected one grey slice a file.")
    if not (np.isfinite(slope) and np.isfinite(intercept)):
        raise DataError(f"{name}: slope {slope} or intercept {intercept} is not finite. Export the slice again.")
    units = np.rint(stored * slope + intercept)
    if (slope, intercept) == (1, 0) and ((units < -32768) | (units > 32767)).any():
        raise DataError(
            f"{name}: holds values from {stored.min()} to {stored.max()}, and no slope and intercept; expected -32768 to "
            "32767. Export a slice in Hounsfield units, a mask with 0 and 255."
        )
    return np.clip(units, -32768, 32767).astype(np.int16)


def _parse(content: bytes, name: str, pixels: bool):
    import pydicom

    with _guarded(f"{name}: is not a readable DICOM file"):
        return pydicom.dcmread(io.BytesIO(content), stop_before_pixels=not pixels)


@contextmanager
def _guarded(text: str) -> Iterator[None]:
    """Turn whatever pydicom raises on damaged bytes, which is almost anything, into a DataError."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        raise DataError(
            f"{text} ({_first_line(error)}). It is truncated, damaged or of another kind: get it again, or take it away."
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
