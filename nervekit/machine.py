"""What a run computed on: the machine, the versions; and the revision of the code that it began with."""

import datetime
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from nervekit import processor

_PACKAGES = ("nervekit", "keras", "tensorflow", "jax", "jaxlib", "jax-cuda12-plugin", "jax-cuda13-plugin", "torch", "numpy",
             "scikit-learn", "matplotlib", "pillow")  # fmt: skip


def provenance():
    """Backend, hardware, threads and versions, as they stand in every record.

    Examples
    --------
    >>> sorted(provenance())
    ['backend', 'hardware', 'threads', 'versions']
    """
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    if uses_gpu() and (driver := _asked_of_gpu("driver_version")):
        versions["nvidia-driver"] = driver
    backend = sys.modules["keras"].config.backend() if "keras" in sys.modules else None
    return {
        "backend": backend,
        "hardware": hardware(),
        "threads": processor.threads(backend or "tensorflow"),
        "versions": versions,
    }


def revision():
    """Revision of the code and date (UTC). Asked for when a run begins: what is committed meanwhile is not what runs.

    Examples
    --------
    >>> sorted(revision())
    ['commit', 'date']
    """
    return {"commit": _commit(), "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")}


def hardware():
    """One line about the machine: accelerator or processor, cores, memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{_accelerator()}{processor.name()}, {os.cpu_count()} cores, {memory:.0f} GiB"


def _accelerator():
    """The GPU that Keras computes on, with a comma; nothing where there is none, or no Keras yet."""
    if not uses_gpu():
        return ""
    from nervekit.precision import gpu_name

    return f"{gpu_name() or _asked_of_gpu('name') or 'GPU'}, "


def _asked_of_gpu(what):
    """What nvidia-smi says of the first GPU; nothing where it does not say."""
    return next(iter(_said("nvidia-smi", f"--query-gpu={what}", "--format=csv,noheader").splitlines()), "")


def uses_gpu():
    """Whether Keras computes on a GPU; not if nobody has imported it yet."""
    if "keras" not in sys.modules:
        return False
    from nervekit.precision import has_gpu

    return has_gpu()


def _commit():
    """The revision of a development checkout; of a copy without its history what NERVEKIT_COMMIT says; otherwise None."""
    folder = Path(__file__).resolve().parent.parent
    if not (folder / ".git").exists():
        return os.environ.get("NERVEKIT_COMMIT")
    return _said("git", "-C", str(folder), "describe", "--always", "--dirty") or None


def _said(*command):
    """What a program prints; nothing where it is not installed."""
    try:
        return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stdout.strip()
    except OSError:
        return ""
