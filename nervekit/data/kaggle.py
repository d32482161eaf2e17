"""Fetching a competition's data from Kaggle, which needs an account, the rules accepted, and a token."""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePath, PurePosixPath

from nervekit.data import fetching, files
from nervekit.data.entries import Entry
from nervekit.errors import DataError, MissingDataError, command

STEPS = """Kaggle gives this set to people who accepted its rules, and it may not be passed on. Once:
  1. Make an account on https://www.kaggle.com and confirm your telephone number where you are asked to.
  2. Open https://www.kaggle.com/competitions/{name}/rules, read the rules, and accept them (Join, or Late Submission).
  3. On https://www.kaggle.com/settings/api press Generate New Token, and save the token in ~/.kaggle/access_token
     (or set KAGGLE_API_TOKEN to it; on Colab: as a secret of the notebook). A kaggle.json of before serves as well.
  4. {install}
  5. {fetch}
Without a token: after step 2 press Download All on {address},
and let NERVEKIT_DATA name the zip file or the folder you unpack it to."""


def steps(known: Entry) -> str:
    """Return what to do to get the set, step by step."""
    install, fetch = command("pip install 'nervekit[kaggle]'"), command(f"nervekit fetch {known.key}")
    return STEPS.format(name=known.name, address=known.address, install=install, fetch=fetch)


def fetch(known: Entry, folder: Path, progress: bool = True, force: bool = False) -> None:
    """Fetch a competition with kagglehub and store it in `folder`, whole or not at all.

    Files are linked to kagglehub's own copy where the disk allows, else copied.

    Raises
    ------
    nervekit.errors.MissingDataError
        If kagglehub is not installed or Kaggle refuses; the text is the list of steps.
    nervekit.errors.DataError
        If what came has not as many images as the set, or a file that is lost, cannot be decoded, or is not what the
        table says.
    """
    try:
        import kagglehub
    except ImportError:
        raise MissingDataError(f"kagglehub is not installed.\n{steps(known)}") from None
    print(steps(known))
    try:
        given = Path(kagglehub.competition_download(known.name, force_download=force))
    except Exception as error:  # kagglehub raises its own, requests' and the system's
        raise MissingDataError(
            f"Kaggle did not give {known.name} ({type(error).__name__}: {error}). 401 means that the token is missing "
            f"or old, 403 that the rules are not accepted.\n{steps(known)}"
        ) from error
    with tempfile.TemporaryDirectory(prefix=".part-", dir=folder.parent) as temporary:
        built = Path(temporary) / "set"
        _gather(given, built)
        if not any(built.glob("train/*_mask.tif")):
            raise DataError(
                f"{given}: what Kaggle gave holds no train/S_I_mask.tif, so it was not kept. Delete that folder and "
                "try again."
            )
        _look_through(known, given, built, progress)
        fetching.put(built, folder, Path(temporary))


def _look_through(known: Entry, given: Path, built: Path, progress: bool) -> None:
    """Refuse what is not the whole set: pictures are counted and decoded, masks compared with the table."""
    from nervekit.data import checking

    print("Opening every file ...")
    found = checking.check(known.key, built, progress)
    wrong = [f"{kind}: {line}" for kind in ("missing", "changed", "unreadable") for line in found[kind]]
    if wrong:
        more = f", and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise DataError(
            f"{given}: what Kaggle gave is not the whole set, so it was not kept ({'; '.join(wrong[:3])}{more}). "
            "Delete that folder and try again."
        )


def _gather(given: Path, built: Path) -> None:
    """Bring train, test and the CSV files together, out of archives inside archives too."""
    for path in sorted(item for item in given.rglob("*") if item.is_file() and not files.is_litter(item)):
        if path.suffix == ".zip":
            with files.open_source(path) as source:
                for name in source.sizes:
                    _store(built / _part(PurePosixPath(path.stem, name)) / PurePosixPath(name).name, source.read(name))
        elif path.suffix in (".tif", ".csv"):
            target = built / _part(path) / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            fetching.link(path, target)


def _part(path: PurePath) -> str:
    return path.parent.name if path.parent.name in ("train", "test") else ""


def _store(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
