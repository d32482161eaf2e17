"""Download, unpack and check a public set; what is half there is kept apart until it is whole."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from urllib.parse import quote

from nervekit.data import cache, files
from nervekit.data.entries import Entry
from nervekit.errors import DataError, MissingDataError

CONNECTIONS = 8
ATTEMPTS = 3
PATIENTS = range(1, 21)


def fetch(known: Entry, folder: Path, progress: bool = True, force: bool = False) -> Path:
    """Fetch a set into `folder` in the way its host suits: one archive, file by file, by patient, or from Kaggle.

    Licence and citation are stored beside the data as ``CITATION.txt``. A fetch that was interrupted goes on with the
    files of the median set, and the patients of 3D-IRCADb-01, that did not come whole before; kagglehub keeps its own
    state. No single file is resumed in its midst: files of the median set are small, and the archives of the other
    hosts are packed anew at each request, so that two halves need not fit together.

    Raises
    ------
    nervekit.errors.MissingDataError
        If the address cannot be reached; what came before is kept for the next time where files come one by one.
    nervekit.errors.DataError
        If what came is not the set, or the disk is full.
    """
    from nervekit.data import kaggle

    ways = {"femoral": _archive, "median": _file_by_file, "brachial": kaggle.fetch, "ircadb": _patient_by_patient}
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for place in (folder.parent, folder):
            cache.sweep(place)
        ways[known.key](known, folder, progress, force)
        note = f"{known.title}\n{known.by_hand or known.address}\nLicence: {known.licence}\nPlease cite: {known.citation}\n"
        (folder / "CITATION.txt").write_text(note, encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"{folder}: the set could not be stored ({error.strerror or error}); nothing half-written was kept. Free "
            "some space, or let NERVEKIT_CACHE name another folder."
        ) from error
    return folder


def complete(known: Entry, folder: Path) -> bool:
    """Say whether a stored set has all its parts, where the manifest does not tell."""
    if known.key == "ircadb":
        return all((folder / f"{known.name}.{number}").is_dir() for number in PATIENTS)
    return known.manifest == "whole" or sum(1 for _ in folder.glob("train/*_mask.tif")) == known.images


def _archive(known: Entry, folder: Path, progress: bool, force: bool) -> None:
    manifest = files.read_manifest(known.key)
    with tempfile.TemporaryDirectory(prefix=".part-", dir=folder.parent) as temporary:
        archive = _get(known, known.address, "archive.zip", Path(temporary), progress)
        unpacked = Path(temporary) / folder.name
        with files.open_source(archive) as source:
            _write(files.verified(source, manifest), unpacked)
        _put(unpacked, folder, Path(temporary))


def _file_by_file(known: Entry, folder: Path, progress: bool, force: bool) -> None:
    from concurrent.futures import ThreadPoolExecutor, as_completed

    from tqdm.auto import tqdm

    manifest = files.read_manifest(known.key)
    partial = folder.with_name(f".partial-{folder.name}")
    if force:
        shutil.rmtree(partial, ignore_errors=True)
    elif folder.is_dir() and not partial.exists():
        folder.rename(partial)
    partial.mkdir(exist_ok=True)
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
    with tempfile.TemporaryDirectory(prefix=".part-", dir=folder.parent) as temporary:
        _put(partial, folder, Path(temporary))


def _one_file(known: Entry, name: str, digest: str, partial: Path) -> None:
    target = partial / name
    _get(known, known.address + quote(name), target.name, target.parent, False, f"sha256:{digest}")


def _patient_by_patient(known: Entry, folder: Path, progress: bool, force: bool) -> None:
    from tqdm.auto import tqdm

    from nervekit.data import catalog

    folder.mkdir(exist_ok=True)
    for number in tqdm(PATIENTS, unit="patient", desc=known.key, disable=not progress):
        name = f"{known.name}.{number}"
        if (folder / name).is_dir() and not force:
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
                manifest = catalog.manifest(known.key, source)
                files.require(source, manifest)
                _write(files.verified(source, manifest, whole=False), unpacked)
            _look_through(known, unpacked, address)
            _put(unpacked / name, folder / name, Path(temporary))


def _look_through(known: Entry, unpacked: Path, address: str) -> None:
    """Refuse a patient whose slices cannot be put in order, or who has a file that is no DICOM slice."""
    from nervekit.data import catalog, dicom, volumes

    with catalog.opened(known.key, unpacked) as source:
        try:
            volumes.find(source, organs=())
            for name in source.sizes:
                if "/MASKS_DICOM/" in name:
                    dicom.read_header(source.read(name), name)
        except DataError as error:
            raise DataError(
                f"{address}: what came is damaged or incomplete, so it was not kept ({error}). Try again; if it stays "
                f"so, get the set by hand from {known.address} and let NERVEKIT_DATA name it."
            ) from error


def _write(source: files.Source, folder: Path) -> None:
    for name in source.sizes:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read(name))


def _put(whole: Path, folder: Path, temporary: Path) -> None:
    if folder.exists():
        folder.rename(temporary / "replaced")
    whole.rename(folder)


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
                "the network and try again: files that came whole are not fetched twice where they come one by one. "
                f"Or get the set on another machine ({known.by_hand or known.address}), put it anywhere here, and let NERVEKIT_DATA "
                "name it."
            ) from error
        except ValueError as error:
            raise DataError(
                f"{address}: what came is not the file of the public set {known.key!r} (its SHA-256 differs), so it "
                "was not kept. Try again; behind a proxy, look whether it answers in place of the host."
            ) from error
    raise AssertionError("every attempt returns or raises")
