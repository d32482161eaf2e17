"""Download, unpack and check a public set; what is half there is kept apart until it is whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from nervekit.data import cache, files, pairs
from nervekit.data.entries import Entry
from nervekit.errors import DataError, MissingDataError

CONNECTIONS = 8
ATTEMPTS = 3
PATIENTS = range(1, 21)


def fetch(known: Entry, folder: Path, progress: bool = True, force: bool = False) -> Path:
    """Fetch a set into `folder` in the way its host suits: one archive, file by file, by patient, or from Kaggle.

    Licence and citation are stored beside the data as ``CITATION.txt``. A fetch that was interrupted goes on with the
    files of the median set, and the patients of 3D-IRCADb-01, that did not come whole before or are damaged now;
    kagglehub keeps its own state. No single file is resumed in its midst: files of the median set are small, and the
    archives of the other hosts are packed anew at each request, so that two halves need not fit together.

    Raises
    ------
    nervekit.errors.MissingDataError
        If the address cannot be reached; what came before is kept for the next time where files come one by one.
    nervekit.errors.DataError
        If what came is not the set, the disk is full, or another process fetches the same set.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for place in (folder.parent, folder):
            cache.sweep(place)
        WAYS[known.key](known, folder, progress, force)
        note = f"{known.title}\n{known.by_hand or known.address}\nLicence: {known.licence}\nPlease cite: {known.citation}\n"
        (folder / "CITATION.txt").write_text(note, encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"{folder}: the set could not be stored ({error.strerror or error}). No half-written file was kept; what came "
            "whole is used next time where files come one by one. Free some space, or let NERVEKIT_CACHE name another "
            "folder."
        ) from error
    return folder


def complete(known: Entry, folder: Path, progress: bool = False) -> bool:
    """Say whether a stored set has all its parts, where the manifest does not tell: patients are looked through."""
    if known.key == "ircadb":
        numbers = pairs.bar(PATIENTS, len(PATIENTS), progress, "patient")
        return all(_is_sound(known, folder / f"{known.name}.{number}") for number in numbers)
    if known.manifest == "whole":
        return True
    places = ("train/*_mask.tif", "test/*.tif")
    held = [sum(not files.is_litter(path) for path in folder.glob(place)) for place in places]
    return held == [known.images, known.unlabelled]


def _archive(known: Entry, folder: Path, progress: bool, force: bool) -> None:
    manifest = files.read_manifest(known.key)
    with tempfile.TemporaryDirectory(prefix=".part-", dir=folder.parent) as temporary:
        archive = _get(known, known.address, "archive.zip", Path(temporary), progress)
        unpacked = Path(temporary) / folder.name
        with files.open_source(archive) as source:
            _write(files.verified(source, manifest), unpacked)
        put(unpacked, folder, Path(temporary))


def _file_by_file(known: Entry, folder: Path, progress: bool, force: bool) -> None:
    """Gather the files in a folder beside `folder`, which is replaced when they are all there.

    That other folder always has the same name, so that the next call goes on with what an interrupted one brought. Two
    processes at once therefore share it, and the first that has all files takes it away from the other.
    """
    manifest = files.read_manifest(known.key)
    partial = folder.with_name(f".partial-{folder.name}")
    if force:
        shutil.rmtree(partial, ignore_errors=True)
    elif folder.is_dir():
        shutil.copytree(folder, partial, copy_function=link, dirs_exist_ok=True)
    partial.mkdir(exist_ok=True)
    with suppress(FileNotFoundError):
        _get_all(known, manifest, partial, progress)
        if all((partial / name).is_file() for name in manifest.entries):
            with tempfile.TemporaryDirectory(prefix=".part-", dir=folder.parent) as temporary:
                put(partial, folder, Path(temporary))
            return
    if not _is_whole(folder, manifest):
        raise DataError(f"{folder}: another process fetches the same set; try again when it is done.")
    shutil.rmtree(partial, ignore_errors=True)


def _is_whole(folder: Path, manifest: files.Manifest) -> bool:
    if not folder.is_dir():
        return False
    with files.open_source(folder) as source:
        found = files.differences(source, manifest)
    return not found["missing"] and not found["changed"]


def _get_all(known: Entry, manifest: files.Manifest, partial: Path, progress: bool) -> None:
    from concurrent.futures import ThreadPoolExecutor, as_completed

    from tqdm.auto import tqdm

    total = sum(size for size, _ in manifest.entries.values())
    pool = ThreadPoolExecutor(max_workers=CONNECTIONS)
    try:
        waiting = {
            pool.submit(_one_file, known, name, digest, partial): size
            for name, (size, digest) in manifest.entries.items()
        }
        with tqdm(total=total, unit="B", unit_scale=True, desc=known.key, disable=not progress) as bar:
            for future in as_completed(waiting):
                future.result()
                bar.update(waiting[future])
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _one_file(known: Entry, name: str, digest: str, partial: Path) -> None:
    target = partial / name
    target.parent.mkdir(parents=True, exist_ok=True)  # pooch's own way fails where two threads make it at once
    _get(known, known.address + quote(name), target.name, target.parent, False, f"sha256:{digest}")


def _patient_by_patient(known: Entry, folder: Path, progress: bool, force: bool) -> None:
    from tqdm.auto import tqdm

    from nervekit.data import catalog

    folder.mkdir(exist_ok=True)
    for number in tqdm(PATIENTS, unit="patient", desc=known.key, disable=not progress):
        name = f"{known.name}.{number}"
        if not force and _is_sound(known, folder / name):
            continue
        with tempfile.TemporaryDirectory(prefix=".part-", dir=folder) as temporary:
            address = f"{known.address}?path=%2F{name}"
            archive = _get(known, address, f"{name}.zip", Path(temporary), False)
            unpacked = Path(temporary) / "unpacked"
            with catalog.opened(known.key, archive) as source:
                if not any(member.startswith(f"{name}/PATIENT_DICOM/") for member in source.sizes):
                    raise DataError(
                        f"{address}: what came holds no slices of {name}, so it was not kept. Try again; if it "
                        f"stays so, get the set by hand from {known.address} and let NERVEKIT_DATA name it."
                    )
                _write(files.verified(source, catalog.manifest(known.key, source), whole=False), unpacked)
            try:
                _look_through(known, unpacked)
            except DataError as error:
                raise DataError(
                    f"{address}: what came is damaged or incomplete, so it was not kept ({error}). Try again; if it stays "
                    f"so, get the set by hand from {known.address} and let NERVEKIT_DATA name it."
                ) from error
            put(unpacked / name, folder / name, Path(temporary))


def _from_kaggle(known: Entry, folder: Path, progress: bool, force: bool) -> None:
    from nervekit.data import kaggle

    kaggle.fetch(known, folder, progress, force)


def _is_sound(known: Entry, patient: Path) -> bool:
    try:
        _look_through(known, patient)
    except (DataError, OSError):
        return False
    return True


def _look_through(known: Entry, place: Path) -> None:
    """Raise DataError if listed files are missing or changed, slices have no order, or a file cannot be decoded."""
    from nervekit.data import catalog, dicom, volumes

    with catalog.opened(known.key, place) as found:
        source = files.verified(found, catalog.manifest(known.key, found), whole=False)
        volumes.find(source, organs=())
        for name in source.sizes:
            if name != files.MARKER:
                dicom.read_pixels(source.read(name), name)


def _write(source: files.Source, folder: Path) -> None:
    for name in source.sizes:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read(name))


def link(here: str | Path, target: str | Path) -> None:
    """Bring a file into another folder, without a second copy of its bytes where the disk allows; keep what is there."""
    try:
        os.link(here, target)
    except FileExistsError:
        return
    except OSError:
        shutil.copyfile(here, target)


def put(whole: Path, folder: Path, temporary: Path) -> None:
    """Put a whole folder in the place of an old one, which goes to `temporary`, or back if that fails."""
    replaced = temporary / "replaced"
    if folder.exists():
        folder.rename(replaced)
    try:
        whole.rename(folder)
    except OSError:
        if replaced.exists() and not folder.exists():
            replaced.rename(folder)
        raise


def _get(known: Entry, address: str, name: str, folder: Path, progress: bool, digest: str | None = None) -> Path:
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    downloader = pooch.HTTPDownloader(progressbar=progress, timeout=30)
    for attempt in range(ATTEMPTS):
        try:
            return Path(pooch.retrieve(address, digest, fname=name, path=folder, downloader=downloader))
        except requests.exceptions.RequestException as error:
            if attempt < ATTEMPTS - 1 and not isinstance(error, requests.exceptions.ConnectionError):
                continue
            raise MissingDataError(
                f"{address} could not be reached ({type(error).__name__}). What was here before is unchanged. Check "
                "the network and try again: where files come one by one, those that came so far are kept and used then. "
                f"Or get the set on another machine ({known.by_hand or known.address}), put it anywhere here, and let NERVEKIT_DATA "
                "name it."
            ) from error
        except ValueError as error:
            raise DataError(
                f"{address}: what came is not the file of the public set {known.key!r} (its SHA-256 differs), so it "
                "was not kept. Try again; behind a proxy, look whether it answers in place of the host."
            ) from error
    raise AssertionError("every attempt returns or raises")


WAYS = {"femoral": _archive, "median": _file_by_file, "brachial": _from_kaggle, "ircadb": _patient_by_patient}
