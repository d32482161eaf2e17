"""Write a simulated set in the layout and formats of the public one, so that the same readers take both."""

import json
import tempfile
from importlib import import_module
from pathlib import Path

import numpy as np
import PIL
import scipy

from nervekit.data.files import MARKER, expanded
from nervekit.errors import DataError
from nervekit.phantom.anatomy import SUBJECTS, check_whole, find_scene
from nervekit.phantom.version import VERSION


def export(key, folder, *, subjects=None, seed=0, progress=False):
    """Write the simulated stand-in of ``key`` into ``folder``, whole or not at all.

    Folders, names and formats are those of the public set (see ``nervekit/phantom/layouts``), and
    ``SIMULATED.json`` beside them says what this is. Equal arguments give equal bytes with equal versions of
    the libraries that it lists.

    Parameters
    ----------
    key : str
        One of ``nervekit.phantom.SUBJECTS``.
    folder : path
        Made by this call. Left as it is if it already holds this very set.
    subjects : int, optional
        Simulated persons; ``nervekit.phantom.SUBJECTS`` if not given.
    seed : int
    progress : bool
        Show a progress bar.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ConfigurationError
        Unknown ``key``, or fewer than one subject, or a negative seed.
    DataError
        ``folder`` holds something else, or cannot be read or written.
    """
    find_scene(key)
    subjects = SUBJECTS[key] if subjects is None else subjects
    check_whole("subjects", subjects, 1)
    check_whole("seed", seed)
    folder = expanded(folder, "folder").absolute()
    libraries = {"numpy": np.__version__, "scipy": scipy.__version__, "pillow": PIL.__version__}
    about = {
        "simulated": True, "key": key, "version": VERSION, "seed": int(seed), "subjects": int(subjects),
        "versions": libraries | getattr(find_layout(key), "VERSIONS", {}),
    }
    if _is_complete(folder, about):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
            built = Path(temporary) / "set"
            _write(key, built, about, progress)
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
            built.rename(folder)
    except OSError as error:
        if _is_complete(folder, about):
            return folder
        raise DataError(
            f"The simulated {key} set could not be written to {folder}: {error}. "
            "Free some space there or name another folder; nothing half-written was left."
        ) from error
    return folder


def _is_complete(folder, about):
    """Whether ``folder`` holds this very set; DataError if it holds something else."""
    advice = "Name another folder, or delete this one if you do not need it."
    try:
        if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
            return False
        note = (folder / MARKER).read_bytes() if (folder / MARKER).is_file() else None
    except OSError as error:
        raise DataError(
            f"{folder} cannot be read ({error.strerror or error}); nothing was written. Name another folder, or ask for the "
            "right to read it."
        ) from error
    if note is None:
        raise DataError(
            f"{folder} exists and is no simulated set (it has no {MARKER}); nothing was written. {advice}"
        )
    try:
        found = json.loads(note)
        found = {name: found.get(name) for name in ("key", "version", "seed", "subjects")}
    except (ValueError, AttributeError) as error:
        raise DataError(f"{folder / MARKER} is not readable as JSON ({error}). {advice}") from error
    wanted = {name: about[name] for name in found}
    if found != wanted:
        raise DataError(f"{folder} holds another simulated set: {found}, expected {wanted}. {advice}")
    return True


def _write(key, folder, about, progress):
    images = find_layout(key).write(folder, about["subjects"], about["seed"], progress)
    (folder / MARKER).write_text(json.dumps(about | {"images": images}, indent=2) + "\n", encoding="utf-8")


def find_layout(key):
    """The module that writes ``key`` as the public set is laid out; ConfigurationError for an unknown key."""
    find_scene(key)
    return import_module(f"nervekit.phantom.layouts.{key}")


def screenshot(key, subject=0, frame=0, *, seed=0):
    """One frame as the scanner's file of the public set shows it: a picture of native size, and its mask.

    Parameters
    ----------
    key : str
        One of ``nervekit.phantom.SUBJECTS``.
    subject, frame, seed : int
        As in :func:`nervekit.phantom.scene`.

    Returns
    -------
    picture, mask : PIL.Image.Image
        In the modes that the public files have.

    Raises
    ------
    ConfigurationError
        Unknown ``key``, or ``subject``, ``frame`` or ``seed`` is no whole number from 0, or of CT no slice of the patient.
    """
    check_whole("subject", subject)
    check_whole("seed", seed)
    return find_layout(key).screenshot(subject, frame, seed=seed)
