"""Download, unpack and check a public set; it appears complete or not at all."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from nervekit.data import files
from nervekit.errors import DataError, MissingDataError


def download(known, manifest: files.Manifest, folder: Path, progress: bool = True) -> Path:
    """Fetch the archive of a catalog entry and unpack the files of its manifest into `folder`.

    Hosts make their archives anew, so that the archive's own hash means nothing: each member is compared with
    the manifest instead. Only the members of the manifest are written.

    Raises
    ------
    nervekit.errors.MissingDataError
        If the address cannot be reached.
    nervekit.errors.DataError
        If the archive is not what the manifest says, or the disk is full.
    """
    temporary = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".part-", dir=folder.parent))
        archive = _get(known, temporary, progress)
        unpacked = temporary / folder.name
        with files.open_source(archive) as source:
            checked = files.verified(source, manifest)
            for name in checked.sizes:
                target = unpacked / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(checked.read(name))
        note = f"{known.title}\n{known.address}\nLicence: {known.licence}\nPlease cite: {known.citation}\n"
        (unpacked / "CITATION.txt").write_text(note, encoding="utf-8")
        if folder.exists():
            folder.rename(temporary / "replaced")
        unpacked.rename(folder)
    except OSError as error:
        raise DataError(
            f"{folder}: the set could not be stored ({error.strerror or error}); nothing of it was kept. Free some "
            "space, or let NERVEKIT_CACHE name another folder."
        ) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _get(known, folder: Path, progress: bool) -> Path:
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    downloader = pooch.HTTPDownloader(progressbar=progress, timeout=30)
    try:
        path = pooch.retrieve(known.address, None, fname="archive.zip", path=folder, downloader=downloader)
    except requests.exceptions.RequestException as error:
        raise MissingDataError(
            f"{known.address} could not be reached ({type(error).__name__}). Nothing was changed. Check the network "
            "and try again; or download that file on another machine, put it anywhere here, and let NERVEKIT_DATA "
            "name it."
        ) from error
    return Path(path)
