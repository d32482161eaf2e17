"""Answers of finished folds, kept while their notebook runs: a run that was stopped goes on where it was.

The runner names a folder for one source, as it stands, with one code, one set of settings and one machine. In it the folds
of the first cross-validation of the notebook lie under 0, of the second under 1, and so on. A reader's notebook, which no
runner started, keeps nothing.
"""

import contextlib
import hashlib
import io
import itertools
import os
import shutil
import zipfile
from importlib import metadata
from pathlib import Path

import numpy as np

from nervekit import processor, whole
from nervekit.errors import DataError

VARIABLE = "NERVEKIT_KEPT"
_calls = itertools.count()
_taken = []


def folder(source, settings, place):
    """Where folds of a notebook are kept, and those of an earlier state of it removed.

    Parameters
    ----------
    source : pathlib.Path
    settings : nervekit.settings.Settings
    place : pathlib.Path
        Folder of the results.

    Returns
    -------
    pathlib.Path
        It need not exist yet.

    Examples
    --------
    >>> import tempfile
    >>> from nervekit.settings import Settings
    >>> place = Path(tempfile.mkdtemp())
    >>> source = place / "01_start.py"
    >>> source.touch()
    >>> found = folder(source, Settings(), place)
    >>> found.parent.name, found.exists()
    ('.01_start.kept', False)
    """
    state = hashlib.sha256(f"{settings.line(source)} {processor.name()} {processor.threads(settings.backend)}".encode())
    code = Path(__file__).parent
    for path in (source, *sorted(path for path in code.rglob("*") if path.suffix in (".py", ".toml"))):
        state.update(path.read_bytes())
    for package in ("numpy", "keras", settings.backend, *(("jaxlib",) if settings.backend == "jax" else ())):
        with contextlib.suppress(metadata.PackageNotFoundError):
            state.update(f"{package} {metadata.version(package)}".encode())
    kept = _all(source.stem, place)
    for other in kept.glob("*"):
        if other.name != state.hexdigest()[:16]:
            shutil.rmtree(other, ignore_errors=True)
    return kept / state.hexdigest()[:16]


def taken():
    """How many trainings of a run that was stopped this process has taken over, and the seconds that they took there.

    Examples
    --------
    >>> sorted(taken())
    ['seconds', 'trainings']
    """
    return {"trainings": len(_taken), "seconds": round(sum(_taken), 1)}


def forget(name, place):
    """Remove what is kept of a notebook: it is done.

    Examples
    --------
    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp())
    >>> (place / ".01_start.kept").mkdir()
    >>> forget("01_start", place)
    >>> list(place.iterdir())
    []
    """
    shutil.rmtree(_all(name, place), ignore_errors=True)


def _all(name, place):
    return place / f".{name}.kept"


class Kept:
    """The finished folds of one cross-validation, by number; of no runner, none.

    Parameters
    ----------
    parts : callable
        From the number of a training to the arrays and values that it depends on beside the source of its notebook.
    """

    def __init__(self, parts):
        self.parts, self.folder = parts, os.environ.get(VARIABLE)
        self.call = next(_calls) if self.folder else None

    def read(self, number):
        """Predictions and images a second of a training, or None if it is not kept, whole and of the same data."""
        if not self.folder:
            return None
        try:
            with np.load(self._path(number)) as found:
                answer, seconds = (found["predictions"], float(found["images_per_second"])), float(found["seconds"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        _taken.append(seconds)
        return answer

    def write(self, number, predictions, images_per_second, seconds):
        """Keep a finished training; a full disk costs the convenience, not the run."""
        if not self.folder:
            return
        content = io.BytesIO()
        np.savez(content, predictions=predictions, images_per_second=images_per_second, seconds=seconds)
        with contextlib.suppress(DataError, OSError):
            self._path(number).parent.mkdir(parents=True, exist_ok=True)
            whole.write_bytes(self._path(number), content.getvalue())

    def _path(self, number):
        digest = hashlib.sha256()
        for part in self.parts(number):
            digest.update(np.ascontiguousarray(part).tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
        return Path(self.folder) / f"{self.call}_{number}_{digest.hexdigest()[:16]}.npz"
