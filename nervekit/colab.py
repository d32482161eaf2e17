"""What lets a notebook run on Colab: a cell that installs nervekit there, and a badge that opens the notebook.

Once the project has a public address, ``Repository`` under ``[project.urls]`` in pyproject.toml, Colab installs from it
and the badge links to it. As long as it has none, Colab installs from a copy of the project in the reader's Google Drive.
"""

import re
import tomllib
from pathlib import Path

BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
FROM_ADDRESS = """import subprocess, sys
if "google.colab" in sys.modules:  # Colab's own numpy and TensorFlow are kept
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "git+{address}"], check=True)"""
FROM_DRIVE = """import importlib, os, subprocess, sys
if "google.colab" in sys.modules:  # Colab's own numpy and TensorFlow are kept; what runs leave is kept in the Drive
    importlib.import_module("google.colab.drive").mount("/content/drive")
    os.chdir("/content/drive/MyDrive/nervekit/notebooks")
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "/content/drive/MyDrive/nervekit"], check=True)"""
IN_DRIVE = (
    "On Colab: copy the project's folder into your Google Drive as `nervekit` and open this notebook from there. The next "
    "cell installs it and works in its `notebooks`; elsewhere it does nothing."
)


def address(source):
    """The public address of the project that a source is part of; None if it has none on GitHub.

    Parameters
    ----------
    source : path-like
        ``notebooks/source/NN_name.py``.
    """
    project = _project(source)
    content = tomllib.loads(project.read_text(encoding="utf-8")) if project.is_file() else {}
    given = content.get("project", {}).get("urls", {}).get("Repository", "").removesuffix("/").removesuffix(".git")
    return given if re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", given) else None


def cells(source):
    """Markdown and code of the cells that a source's notebook gets for Colab; none outside a project.

    The code installs nervekit on Colab, without a restart, and does nothing elsewhere.

    Parameters
    ----------
    source : path-like
        ``notebooks/source/NN_name.py``.

    Returns
    -------
    tuple of str
        Markdown and code, or empty.
    """
    if not _project(source).is_file():
        return ()
    if public := address(source):
        return badge(public, Path(source).stem), FROM_ADDRESS.format(address=public)
    return IN_DRIVE, FROM_DRIVE


def badge(address, name):
    """Markdown of the badge of a notebook.

    Examples
    --------
    >>> "github/us/nervekit/blob/main/notebooks/02_unet.ipynb" in badge("https://github.com/us/nervekit", "02_unet")
    True
    """
    place = address.removeprefix("https://github.com/")
    link = f"https://colab.research.google.com/github/{place}/blob/main/notebooks/{name}.ipynb"
    return f"[![Open on Colab]({BADGE})]({link}) The next cell installs nervekit there; elsewhere it does nothing."


def _project(source):
    return Path(source).resolve().parent.parent.parent / "pyproject.toml"
