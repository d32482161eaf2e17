"""A project of tiny notebooks that need no deep learning: for tests of running and checking."""

import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

GOOD = """# %% [markdown]
# A tiny notebook.

# %% tags=["parameters"]
PROFILE = "smoke"
DATA = None
SEED = 0

# %% [markdown]
# Open the record.

# %%
from nervekit import record

record.start("{name}", profile=PROFILE, seed=SEED)
record.provenance(data="simulated")

# %% [markdown]
# Record a number.

# %%
{code}

# %% [markdown]
# Write the results.

# %%
record.finish();
"""


def with_makefile(folder):
    """Copy the Makefile and what it needs there, with this very Python as the project's environment.

    What pip would install is written to ``pip.log`` there instead: this environment stays as it is.
    """
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    install = 'case "$*" in "-m pip install "*) echo "$*" >> pip.log; exit ;; esac'
    python.write_text(f'#!/bin/sh\n{install}\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (folder / ".venv" / ".ready").write_text(f"{folder.resolve()}\n")
    return folder


def environment(**more):
    """The environment without what an outer make hands down: its VENV would be taken for that of the tiny project."""
    inherited = ["MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS", "VENV", "RUNS", "PROFILE", "NOTEBOOKS", "BACKEND"]
    inherited += ["PRECISION", "DATA", "SEED", "SEEDS", "JOBS", "KERAS_BACKEND", "NERVEKIT_PRECISION"]
    return {name: value for name, value in os.environ.items() if name not in inherited} | more


def write(folder, **codes):
    """Write ``notebooks/source/<name>.py`` for each name; underscores before digits are dropped."""
    sources = folder / "notebooks" / "source"
    sources.mkdir(parents=True, exist_ok=True)
    for name, code in codes.items():
        name = name.removeprefix("n")
        (sources / f"{name}.py").write_text(GOOD.format(name=name, code=code))
    return sources


def result(values, notebook="02_tiny", profile="smoke", data="simulated", seed=0):
    """The content of a results file."""
    return {
        "notebook": notebook,
        "provenance": {"profile": profile, "data": data, "seed": seed},
        "values": {key: item if isinstance(item, dict) else {"value": item} for key, item in values.items()},
        "seconds": 1.5,
        "peak_memory_mib": 100,
    }
