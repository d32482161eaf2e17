"""What lets a notebook be opened on Colab: a badge, and a cell that installs nervekit there.

Both need the project's public address, ``Repository`` under ``[project.urls]`` in pyproject.toml. As long as it is not
there, notebooks are made without them.
"""

import re
import tomllib
from pathlib import Path

BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
SETUP = """import subprocess, sys

if "google.colab" in sys.modules:  # Colab's own numpy and TensorFlow are kept
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "git+{address}"], check=True)"""


def address(source):
    """The public address of the project that a source is part of; None if it has none on GitHub.

    Parameters
    ----------
    source : path-like
        ``notebooks/source/NN_name.py``.
    """
    project = Path(source).resolve().parent.parent.parent / "pyproject.toml"
    content = tomllib.loads(project.read_text(encoding="utf-8")) if project.is_file() else {}
    given = content.get("project", {}).get("urls", {}).get("Repository", "").removesuffix("/").removesuffix(".git")
    return given if re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", given) else None


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


def setup(address):
    """Code of the cell that installs nervekit on Colab, without a restart, and does nothing elsewhere."""
    return SETUP.format(address=address)
