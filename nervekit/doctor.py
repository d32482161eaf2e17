"""Is this machine ready? One line a fact: OK, or what to do. Nothing is imported here that could be broken."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from nervekit import processor
from nervekit.errors import NervekitError, command

# Packages as they are installed, and as they are imported.
LIBRARY = ("numpy", "scipy", "matplotlib", "pooch", "pydicom", "joblib", "requests", "tqdm", "ipywidgets")
RUNNER = ("ipykernel", "papermill", "nbclient", "nbformat", "jupytext", "psutil")
PACKAGES = {
    **{name: name for name in (*LIBRARY, *RUNNER)},
    "scikit-learn": "sklearn",
    "scikit-image": "skimage",
    "pillow": "PIL",
}
MEMORY_GIB, TWO_NOTEBOOKS_GIB, DISK_GIB = 4, 6, 2
_IMPORTS = """
import importlib, sys, warnings; warnings.filterwarnings("ignore")
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
        print(name, "works", flush=True)
    except BaseException as error:
        print(name, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}", flush=True)
"""
_PROBE = """
import json, warnings; warnings.filterwarnings("ignore")
import keras
answer = {"backend": keras.config.backend(), "keras": keras.__version__}
if answer["backend"] == "torch":  # Keras lists no devices there, and takes one
    answer["devices"] = [str(keras.ops.zeros(()).device)]
else:
    answer["devices"] = keras.distribution.list_devices()
from nervekit import precision
answer |= {"gpu": precision.has_gpu(), "tpu": precision.has_tpu(), "bfloat16": precision.has_bfloat16()}
print("PROBE" + json.dumps(answer))
"""


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, whether it is well, what was found, what to do. ``needed=False`` only informs."""

    name: str
    ok: bool
    found: str
    advice: str = ""
    needed: bool = True

    def __str__(self):
        """The line as it is printed."""
        mark = "OK" if self.ok else "MISSING" if self.needed else "note"
        return f"{mark:8}{self.name}: {self.found}{f'. {self.advice}' if self.advice and not self.ok else ''}"


def examine(folder="."):
    """All findings about this machine, the quick ones first.

    Parameters
    ----------
    folder : path-like
        Where runs would be written.

    Yields
    ------
    Finding
    """
    yield _python()
    yield _memory()
    yield _disk(Path(folder))
    yield from _packages()
    yield from _backend()
    yield from _data()


def _python():
    version = ".".join(str(part) for part in sys.version_info[:3])
    tried = (3, 11) <= sys.version_info < (3, 14)
    return Finding("Python", tried, version, "Install Python 3.11 to 3.13", needed=sys.version_info < (3, 11))


def _packages():
    """Versions from the metadata, imports in a process of its own."""
    answer = _ask(_IMPORTS, *PACKAGES.values())
    imports = dict(line.split(" ", 1) for line in answer.stdout.splitlines() if " " in line)
    for name, module in PACKAGES.items():
        yield _package(name, imports.get(module, "the import ended Python"))


def _package(name, imported):
    lowest = _lowest(name)
    advice = "Run: " + command(f"pip install --force-reinstall '{name}>={lowest or 0}'")
    needed = name not in RUNNER or _runs_the_course()
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Finding(name, False, "not installed", advice.replace(" --force-reinstall", ""), needed=needed)
    if lowest and _numbers(version) < _numbers(lowest):
        return Finding(name, False, f"{version}, but {lowest} or newer is needed", advice, needed)
    found = version if imported == "works" else f"{version}: {imported}"
    return Finding(name, imported == "works", found, advice, needed)


def _runs_the_course():
    """Whether this is the course's own folder, and not on Colab, where cells are run by hand."""
    on_colab = "google.colab" in sys.modules or "COLAB_RELEASE_TAG" in os.environ  # the latter under: !nervekit doctor
    return not on_colab and any(Path(sources).is_dir() for sources in ("notebooks/source", "../notebooks/source"))


def _lowest(name):
    """The lower bound that nervekit's own metadata states."""
    try:
        lines = metadata.requires("nervekit") or []
    except metadata.PackageNotFoundError:
        return None
    for line in lines:
        requirement = line.split(";")[0].strip()
        if requirement.split(">=")[0].strip().lower() == name and ">=" in requirement:
            return requirement.split(">=")[1].split(",")[0].strip()
    return None


def _numbers(version):
    return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())


def _backend():
    """Import Keras in a process of its own, so that a broken installation becomes a line and not a crash."""
    wanted = os.environ.get("KERAS_BACKEND") or "tensorflow"
    answer = _ask(_PROBE, KERAS_BACKEND=wanted)  # as runs do, whatever Keras' own settings say
    lines = [line for line in answer.stdout.splitlines() if line.startswith("PROBE")]
    if not lines:
        reason = (answer.stderr.strip().splitlines() or [f"exit status {answer.returncode}"])[-1]
        advice = "Run: " + command(f"pip install 'nervekit[{wanted}]'") + ", or choose another KERAS_BACKEND"
        yield Finding("Keras backend", False, f"{wanted} does not work: {reason}", advice)
        return
    probe = json.loads(lines[-1].removeprefix("PROBE"))
    lowest = _lowest("keras")
    if lowest and _numbers(probe["keras"]) < _numbers(lowest):
        advice = "Run: " + command(f"pip install 'keras>={lowest}'")
        yield Finding("Keras backend", False, f"Keras {probe['keras']}, but {lowest} or newer is needed", advice)
        return
    yield Finding("Keras backend", True, f"{probe['backend']} under Keras {probe['keras']}")
    devices = ", ".join(probe["devices"])
    accelerated = any(kind in devices.lower() for kind in ("gpu", "cuda", "tpu", "mps", "xpu"))
    yield Finding("devices", accelerated, devices, "No accelerator: smoke and workshop run, paper takes hours", False)
    yield _bfloat16(probe)


def _bfloat16(probe):
    """The verdict is that of training, `precision.has_bfloat16`; why is said here."""
    if probe["gpu"] or probe["tpu"]:
        device = "GPU" if probe["gpu"] else "TPU"
        found = f"this {device} {'multiplies' if probe['bfloat16'] else 'does not multiply'} it natively"
        return Finding("bfloat16", probe["bfloat16"], found, "float32 is used", False)
    flags = processor.bfloat16_instructions()
    found = f"this processor has {', '.join(flags)}" if flags else "none in this processor that the system lists"
    found += f", of no use to {probe['backend']}" if flags and not probe["bfloat16"] else ""
    return Finding("bfloat16", probe["bfloat16"], found, "float32 is used, about a third slower", False)


def _memory():
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    enough, for_two = (total >= gib * 0.95 for gib in (MEMORY_GIB, TWO_NOTEBOOKS_GIB))
    two = f"Smoke runs two notebooks at once, which takes {TWO_NOTEBOOKS_GIB} GiB"
    least = two if enough else f"{MEMORY_GIB} GiB are needed"
    return Finding("memory", for_two, f"{total:.1f} GiB", f"{least}; use JOBS=1", needed=not enough)


def _disk(folder):
    free = shutil.disk_usage(folder).free / 2**30
    advice = f"{DISK_GIB} GiB are needed; make room, or work in another folder"
    return Finding("disk", free >= DISK_GIB, f"{free:.1f} GiB free in {folder.resolve()}", advice)


def _data():
    try:
        from nervekit.data import catalog

        rows = catalog.overview()
    except (NervekitError, ImportError) as error:
        yield Finding("data", False, str(error))
        return
    for row in rows:
        real = row["state"].startswith("real")
        found = f"{row['state']}: {row['path']}" if real else row["state"]
        yield Finding(f"data {row['key']}", real, found, "Run: " + command(f"nervekit fetch {row['key']}"), False)


def _ask(code, *arguments, **environment):
    command = [sys.executable, "-c", code, *arguments]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)
