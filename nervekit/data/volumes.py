"""Patients of 3D-IRCADb-01: which slices and masks there are, in which order, at which distance."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nervekit.data import dicom
from nervekit.data.files import MARKER, Source
from nervekit.errors import ConfigurationError, DataError

SLICE = re.compile(r"([^/]+)/(?:PATIENT_DICOM|MASKS_DICOM/([^/]+))/(\D*(\d+)[^/]*)")


@dataclass(frozen=True)
class Volume:
    """The files of one patient in the true order of slices.

    Parameters
    ----------
    patient : str
        Such as ``"17"``.
    numbers : (S,) int array
        Instance numbers, increasing.
    slices : tuple of str
        Paths of the CT slices.
    masks : mapping of str to tuple of str
        Paths of the masks of each organ, slice by slice.
    shape : (int, int, int)
        Slices, rows, columns.
    spacing : (float, float, float) or None
        Millimetres between slices, rows and columns.
    """

    patient: str
    numbers: np.ndarray
    slices: tuple[str, ...]
    masks: dict[str, tuple[str, ...]]
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float] | None


def find(
    source: Source, patients: int | str | Sequence[int | str] | None = None, organs: Sequence[str] = ("*",)
) -> list[Volume]:
    """List the patients by number, with their slices in order and the masks of these organs.

    Parameters
    ----------
    source : Source
        As `nervekit.data.nested.open_patients` gives it.
    patients : int, str or sequence, optional
        Such as ``17`` or ``(1, 17)``; default all.
    organs : sequence of str
        Names of mask folders, or patterns. A patient may have none of them.

    Raises
    ------
    nervekit.errors.ConfigurationError
        If a patient is not here or named twice, or `patients` names none.
    nervekit.errors.DataError
        If slices or masks are missing, doubled, out of order, or of different sizes.
    """
    found = _folders(source)
    wanted = sorted(found, key=_order) if patients is None else _named(patients)
    for patient in wanted:
        if patient not in found:
            here = ", ".join(sorted(found, key=_order))
            raise ConfigurationError(f"patients: {patient} is not in {source.path}. Here are {here}.")
    return [_volume(source, patient, found[patient], organs) for patient in wanted]


def uses(
    name: str, patients: int | str | Sequence[int | str] | None = None, organs: Sequence[str] = ("*",)
) -> bool:
    """Say whether a file is a slice of these patients, or a mask of these organs; both are given as in `find`.

    Examples
    --------
    >>> uses("3Dircadb1.17/MASKS_DICOM/liver/image_0", 17, ["liver"])
    True
    """
    match = SLICE.fullmatch(name)
    if not match or (patients is not None and _patient(match) not in _named(patients)):
        return False
    return match[2] is None or _is_among(match[2], organs)


def organs(source: Source) -> dict[str, list[str]]:
    """Return which organs each patient has masks of."""
    found = _folders(source)
    return {patient: sorted(filter(None, found[patient])) for patient in sorted(found, key=_order)}


def _folders(source: Source) -> dict[str, dict[str, dict[str, str]]]:
    found: dict[str, dict[str, dict[str, str]]] = {}
    for path in source.sizes:
        if match := SLICE.fullmatch(path):
            found.setdefault(_patient(match), {}).setdefault(match[2] or "", {})[match[3]] = path
    return found


def _patient(match: re.Match) -> str:
    return match[1].removeprefix("3Dircadb1.")


def _named(patients: int | str | Sequence[int | str]) -> list[str]:
    kinds = (int, np.integer, str)
    try:
        given = [patients] if isinstance(patients, kinds) else list(patients)
    except TypeError:
        given = []
    named = [str(patient) for patient in given]
    if not given or not all(isinstance(patient, kinds) for patient in given) or len(set(named)) < len(named):
        raise ConfigurationError(
            f"patients={patients!r}: expected a number such as 17, or several, each once, such as (1, 17)."
        )
    return named


def _is_among(organ: str, organs: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(organ, pattern) for pattern in organs)


def _volume(source: Source, patient: str, folders: dict[str, dict[str, str]], organs) -> Volume:
    where = f"{source.path}: patient {patient}"
    files = folders.get("", {})
    if not files:
        raise DataError(f"{where} has masks, but no slices in PATIENT_DICOM. Get the patient again.")
    headers = {name: dicom.read_header(source.read(path), f"{source.path}: {path}") for name, path in files.items()}
    if any(header.simulated for header in headers.values()) and MARKER not in source.sizes:
        raise DataError(
            f"{where}: these are simulated slices, but {MARKER} does not lie beside the patient, so that they would "
            "pass for real ones. Name the whole folder that `nervekit phantom` wrote."
        )
    numbered = all(header.number is not None for header in headers.values())
    number = {name: header.number if numbered else _order(name)[0] for name, header in headers.items()}
    ordered = sorted(files, key=lambda name: number[name])
    _check_numbers([number[name] for name in ordered], ordered, where)
    shapes = {headers[name].shape for name in ordered}
    if len(shapes) > 1:
        raise DataError(f"{where}: its slices have different sizes, {sorted(shapes)}. Keep one series a folder.")
    _check_positions([headers[name].position for name in ordered], ordered, where)
    masks = {}
    for organ in filter(None, folders):
        if not _is_among(organ, organs):
            continue
        named = folders[organ]
        lost, extra = sorted(set(files) - set(named), key=_order), sorted(set(named) - set(files), key=_order)
        if lost or extra:
            what = f"lacks {lost[0]} ({len(lost)} slices)" if lost else f"has {extra[0]}, which is no slice"
            raise DataError(f"{where}: MASKS_DICOM/{organ} {what}. Each slice needs one mask: get the patient again.")
        masks[organ] = tuple(named[name] for name in ordered)
    return Volume(
        patient=patient,
        numbers=np.array([number[name] for name in ordered]),
        slices=tuple(files[name] for name in ordered),
        masks=masks,
        shape=(len(ordered), *shapes.pop()),
        spacing=_spacing([headers[name] for name in ordered]),
    )


def _check_numbers(numbers: list[int], names: list[str], where: str) -> None:
    pairs = list(zip(numbers, numbers[1:], names, names[1:]))
    for before, here, one, other in pairs:
        if here == before:
            raise DataError(
                f"{where}: the slices {one} and {other} both have the instance number {here}, so that their order is "
                "unknown. Keep one series a folder."
            )
    for before, here, one, other in pairs:
        if here > before + 1:
            lost = f"slice {before + 1} is" if here == before + 2 else f"slices {before + 1} to {here - 1} are"
            raise DataError(
                f"{where}: {lost} missing, between {one} and {other}. Get the patient again: a volume with gaps "
                "measures wrong."
            )


def _check_positions(positions: list[float | None], names: list[str], where: str) -> None:
    """Numbers that were given anew after a slice was lost are without a gap; the positions still show it."""
    if None in positions or len(positions) < 3:
        return
    steps = np.diff(positions)
    usual = float(np.median(steps))
    odd = np.flatnonzero(np.abs(steps - usual) > 0.5 * abs(usual))
    if usual == 0 or len(odd):
        first = int(odd[0]) if len(odd) else 0
        flat = ", or the slices are not axial, which this reader expects" if usual == 0 else ""
        raise DataError(
            f"{where}: {names[first]} and {names[first + 1]} are {steps[first]:g} mm apart, other slices {usual:g} mm, "
            f"though their numbers follow each other: slices are missing, doubled or out of order{flat}. Get the patient "
            "again."
        )


def _spacing(headers: list[dicom.Header]) -> tuple[float, float, float] | None:
    if any(header.spacing is None for header in headers):
        return None
    positions = [header.position for header in headers]
    between = headers[0].thickness
    if len(positions) > 1 and None not in positions:
        between = abs(float(np.median(np.diff(positions)))) or between
    return None if not between else (between, *headers[0].spacing)


def _order(name: str) -> tuple[int, str]:
    return int((re.findall(r"\d+", name) or ["0"])[0]), name
