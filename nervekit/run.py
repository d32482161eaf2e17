"""Run notebooks headless: one process each, results moved into place only when everything is there."""

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from nervekit import kept, kernel, notebooks
from nervekit.errors import ConfigurationError
from nervekit.progress import Progress, usual_seconds
from nervekit.settings import RUNS
from nervekit.whole import write_text
from nervekit.workspace import workspace


@dataclass(frozen=True)
class Outcome:
    """How the run of one notebook ended: ``status`` is ``"done"``, ``"failed"`` or ``"not run"``."""

    notebook: str
    status: str
    reason: str
    seconds: float
    peak_memory_mib: int | None


def run(source, settings, *, runs=RUNS, timeout=None, stream=None):
    """Run one notebook and leave its results in ``runs/<profile>/``.

    The kernel works in a temporary folder. Results of an earlier run are removed first, so that they never pass for
    those of this one; the new ones are moved into place when all are there, the executed notebook last. A notebook
    that fails leaves ``<name>.failed.ipynb`` with its traceback, ``<name>.failed.json`` and ``<name>.log``. Folds that were
    finished when a run was stopped are not trained again, as long as source, code, settings and machine are the same.

    Parameters
    ----------
    source : path-like
        ``notebooks/source/NN_name.py``.
    settings : Settings
    runs : path-like
        The folder that holds a folder a profile.
    timeout : float, optional
        Seconds the notebook may take.
    stream : text file, optional
        Where progress goes; standard error by default.

    Returns
    -------
    Outcome
    """
    source, began, before = Path(source), time.perf_counter(), _peak_of_children()
    folder = (Path(runs) / settings.profile).resolve()
    usual = usual_seconds(source.stem, settings.profile, folder, source.resolve().parents[2])
    with workspace(folder, source.stem) as work:
        clear(folder, source.stem)
        write_settings(source, settings, folder)
        asked, started = _asked(source, folder), time.time()
        notebook = notebooks.read(source)
        if not any("parameters" in notebooks.tags(cell) for cell in notebook.cells):
            raise ConfigurationError(f"{source} has no cell tagged 'parameters', so it cannot be told its profile.")
        keeping = kept.folder(source, settings, folder)
        progress = Progress(source.stem, stream or sys.stderr, expected=usual, board=work)
        with progress:
            status, reason = _execute(source, notebook, settings, work, timeout, progress, keeping)
        seconds = round(time.perf_counter() - began, 1)
        peak = None
        superseded = _asked(source, folder) not in (asked, None)
        if superseded:
            status, reason = "failed", "other settings were asked for since it began; what is there now was left alone"
        elif status == "done":
            status, reason, peak = _accept(source.stem, settings, work, folder, seconds, started)
        if status != "done" and not superseded:
            after = _peak_of_children()
            peak = after if after > before else None  # the largest of all children: an earlier notebook may have needed more
            _keep_failure(source.stem, settings, work, folder, Outcome(source.stem, status, reason, seconds, peak))
    progress.end(status, seconds, reason)
    return Outcome(source.stem, status, reason, seconds, peak)


def write_settings(source, settings, folder):
    """Keep what a run was asked to do beside its results; a file that says so already is not touched, for make.

    Unless these results are spoilt: then it is written anew, and make runs the notebook again.
    """
    path, line = Path(folder) / f".{source.stem}.settings", settings.line(source) + "\n"
    if not path.exists() or path.read_text(encoding="utf-8") != line or _spoilt(source.stem, Path(folder)):
        write_text(path, line)


def _spoilt(name, folder):
    """Whether a finished run lost its numbers or is half-written, such as by a power cut: make looks at the date alone."""
    if not (folder / f"{name}.ipynb").exists():
        return False
    try:
        for ending in (".ipynb", ".json"):
            json.loads((folder / f"{name}{ending}").read_bytes())
    except (OSError, ValueError):
        return True
    return False


def _asked(source, folder):
    path = folder / f".{source.stem}.settings"
    return path.read_text(encoding="utf-8") if path.exists() else None


def clear(folder, name):
    """Remove what earlier runs of a notebook left in `folder`, the mark of completion first."""
    for ending in (".ipynb", ".json", ".html", ".failed.ipynb", ".failed.json", ".failed.html", ".log"):
        (folder / f"{name}{ending}").unlink(missing_ok=True)
    number = name.split("_")[0]
    for left in (*(folder / "figures").glob(f"{number}_*"), *folder.glob(f"{number}_*.md")):
        left.unlink(missing_ok=True)  # another run of this notebook may clear, too


def _execute(source, notebook, settings, work, timeout, progress, keeping, again=True):
    """Run the cells; the status and the reason if it is not "done"."""
    import logging

    import nbformat
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    from nervekit.engine import ENGINE

    logging.getLogger("papermill").setLevel(logging.ERROR)
    nbformat.write(notebook, work / "source.ipynb")
    deadline = time.monotonic() + timeout if timeout else None
    variables = {
        "NERVEKIT_RUN_DIR": str(work / "results"),
        "NERVEKIT_RUN_FOLDER": str(work.parent),  # where the other notebooks of this run left theirs
        kept.VARIABLE: str(keeping),
        "KERAS_BACKEND": settings.backend,
        "NERVEKIT_PRECISION": settings.precision,
    }
    try:
        with (
            open(work / "log", "a", encoding="utf-8", buffering=1) as log,
            kernel.environment(work / "kernel", **variables),
        ):
            papermill.execute_notebook(
                *(str(work / name).replace("{", "{{").replace("}", "}}") for name in ("source.ipynb", "executed.ipynb")),
                parameters={"PROFILE": settings.profile, "DATA": settings.data, "SEED": settings.seed},
                engine_name=ENGINE,
                kernel_name=kernel.KERNEL,
                cwd=source.resolve().parent.parent,
                progress_bar=False,
                log=log,
                start_timeout=120,
                deadline=deadline,
                on_cell=progress.cell,
                watch=progress.watch,
                connection=work / "kernel" / "connection.json",
            )
    except PapermillExecutionError as error:
        _write_traceback(work / "log", "\n".join(error.traceback))
        text = str(error.evalue).strip()
        if error.ename == "MissingDataError":
            return "not run", text
        return "failed", f"cell {progress.number}: {error.ename}: {text}"
    except CellTimeoutError as error:
        if not timeout or time.monotonic() < deadline:
            return "failed", f"cell {progress.number}: the kernel did not answer, run it again with less beside it: {error}".splitlines()[0]
        _write_traceback(work / "log", _interrupted_at(work / "executed.ipynb"))
        return "failed", f"cell {progress.number}: stopped, the notebook took longer than its limit of {timeout:g} s"
    except DeadKernelError:
        return "failed", f"cell {progress.number}: the kernel died (out of memory, or a crash; see the .log). JOBS=1 needs less memory"
    except RuntimeError as error:
        # No cell has run. A kernel finds free ports before it takes them, and another may have been quicker.
        if again and not progress.number:
            _write_traceback(work / "log", f"the kernel did not start, once more: {error}")
            return _execute(source, notebook, settings, work, timeout, progress, keeping, again=False)
        return "failed", f"the kernel did not start: {error}"
    return "done", ""


def _accept(name, settings, work, folder, seconds, started):
    """Move the results into place, the executed notebook last, as old as its beginning: make sees what was edited since."""
    result = work / "results" / f"{name}.json"
    if not result.exists():
        return "failed", f"it recorded no results: there is no {name}.json (is record.finish() called?)", 0
    content = json.loads(result.read_text(encoding="utf-8"))
    for setting in ("profile", "seed", "backend"):
        recorded, asked = content["provenance"].get(setting), getattr(settings, setting)
        if recorded != asked and not (setting == "backend" and recorded is None):
            return "failed", f"it recorded the {setting} {recorded!r}, but was to run with {asked!r}", 0
    clear(folder, name)  # another run may have ended here meanwhile
    content["seconds"] = seconds + content["provenance"].get("kept", {}).get("seconds", 0)
    result.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for figure in sorted((work / "results" / "figures").glob("*")):
        (folder / "figures").mkdir(exist_ok=True)
        figure.replace(folder / "figures" / figure.name)
    for document in (work / "results").glob("*.md"):
        document.replace(folder / document.name)
    result.replace(folder / result.name)
    os.utime(work / "executed.ipynb", (started, started))
    (work / "executed.ipynb").replace(folder / f"{name}.ipynb")
    kept.forget(name, folder)
    return "done", "", content["peak_memory_mib"]


def _keep_failure(name, settings, work, folder, outcome):
    clear(folder, name)
    if (work / "executed.ipynb").exists():
        (work / "executed.ipynb").replace(folder / f"{name}.failed.ipynb")
    _write_traceback(work / "log", f"{name}: {outcome.status}: {outcome.reason}")
    (work / "log").replace(folder / f"{name}.log")
    content = {**asdict(outcome), "provenance": asdict(settings)}
    (work / "failed.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (work / "failed.json").replace(folder / f"{name}.failed.json")


def _peak_of_children():
    import resource

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / unit)


def _interrupted_at(path):
    """The traceback of the cell that was stopped; nothing if its kernel did not answer."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join(
        line for cell in cells for output in cell.get("outputs", ()) for line in output.get("traceback", ())
    )


def _write_traceback(log, text):
    import re

    with open(log, "a", encoding="utf-8") as file:
        file.write(re.sub(r"\x1b\[[0-9;]*m", "", text) + "\n")
