"""The 3D-IRCADb-01 set as one `Source`, whatever is still packed: the whole, a patient, or a folder of a patient."""

from __future__ import annotations

import os
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePath

from nervekit.data import files
from nervekit.errors import DataError

KINDS = ("PATIENT_DICOM", "MASKS_DICOM")
PACKED = re.compile(r"(.*/)?(PATIENT_DICOM|MASKS_DICOM|3Dircadb1\.\d+)\.zip", re.IGNORECASE)


@contextmanager
def open_patients(path: str | Path) -> Iterator[files.Source]:
    """Open a folder of patients, one patient, or archives of them, under names that are always the same.

    Names are ``3Dircadb1.17/PATIENT_DICOM/image_0`` and ``3Dircadb1.17/MASKS_DICOM/liver/image_0``, also where an
    archive holds ``PATIENT_DICOM.zip``, or unpacks to ``PATIENT_DICOM/PATIENT_DICOM``. Inner archives are copied to
    temporary files for the time of the ``with`` block. Other parts of the set (meshes, labelled slices) are left out.

    Raises
    ------
    nervekit.errors.DataError
        If there is no patient, or an archive is damaged or unsafe.
    """
    path = Path(path).absolute()
    with ExitStack() as stack:
        members: dict[str, tuple[int, Callable[[], bytes]]] = {}
        for parts, size, read in _entries(path, stack):
            name = _name(parts)
            if name:
                members.setdefault(name, (size, read))
        if not any(name != files.MARKER for name in members):
            raise DataError(
                f"{path}: holds no patient of 3D-IRCADb-01; expected 3Dircadb1.1/PATIENT_DICOM/image_0 and so on, or "
                "archives 3Dircadb1.1.zip."
            )
        yield files.Source(path, {k: size for k, (size, _) in members.items()}, lambda name: members[name][1]())


def _entries(path: Path, stack: ExitStack) -> Iterator[tuple[list[str], int, Callable[[], bytes]]]:
    if not os.path.isdir(path) or path.name in KINDS:
        source = stack.enter_context(files.open_source(path, strip=False))
        yield from _expand(source, [path.parent.name, path.name.removesuffix(".zip")], stack)
        return
    try:
        items = sorted(path.iterdir(), key=lambda item: item.suffix == ".zip")
    except OSError as error:
        raise files.unreadable(path, error) from error
    for item in items:
        if item.name.lower().startswith("3dircadb1") and not item.exists():
            raise files.unreadable(item, FileNotFoundError())
        if item.is_dir() and (item.name in KINDS or _is_patient(item)):
            source = stack.enter_context(files.open_source(item))
            yield from _expand(source, [path.name, item.name], stack)
        elif item.is_file() and PACKED.fullmatch(item.name):
            source = stack.enter_context(files.open_source(item, strip=False))
            yield from _expand(source, [path.name, item.stem], stack)
        elif item.name == files.MARKER:
            yield [files.MARKER], item.stat().st_size, item.read_bytes


def _is_patient(folder: Path) -> bool:
    try:
        return any(name.startswith("PATIENT_DICOM") for name in os.listdir(folder))
    except OSError as error:  # glob takes a folder that may not be listed for an empty one
        if files.is_hidden(PurePath(folder.name)):
            return False
        raise files.unreadable(folder, error) from error


def _expand(source: files.Source, above: list[str], stack: ExitStack):
    for name, size in sorted(source.sizes.items(), key=lambda item: item[0].endswith(".zip")):
        if not PACKED.fullmatch(name):
            yield above + name.split("/"), size, lambda name=name: source.read(name)
            continue
        copy = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nervekit-"))) / "inner.zip"
        copy.write_bytes(source.read(name))
        try:
            archive = stack.enter_context(zipfile.ZipFile(copy))
        except zipfile.BadZipFile as error:
            raise DataError(
                f"{source.path}: its member {name} is not a readable zip archive ({error}). Download it again."
            ) from error
        inner = files.archive_source(source.path / name, archive, strip=False)
        yield from _expand(inner, above + name[:-4].split("/"), stack)


def _name(parts: list[str]) -> str | None:
    if parts[-1] == files.MARKER:
        return files.MARKER
    kinds = [position for position, part in enumerate(parts) if part in KINDS]
    if not kinds or kinds[0] == 0 or parts[-1].startswith("."):
        return None
    return "/".join([parts[kinds[0] - 1], parts[kinds[0]], *parts[kinds[-1] + 1 :]])
