"""The results of one notebook run: numbers, figures, and where they came from.

A notebook opens its record with :func:`start`, adds each number with :func:`value`, each picture with :func:`figure`
and each text with :func:`document`, and closes with :func:`finish`, which writes ``<notebook>.json``. Figures and
texts are written at once, numbers only then, so a run that broke off leaves no numbers.
"""

import json
import logging
import math
import os
import resource
import sys
import time
from pathlib import Path

from nervekit import gpu, kept, machine, whole
from nervekit.errors import ConfigurationError, RunError
from nervekit.machine import hardware

__all__ = ["document", "figure", "finish", "hardware", "provenance", "start", "value", "values"]
_open = {}


def start(notebook, *, profile, seed=0):
    """Open the record of a notebook.

    Parameters
    ----------
    notebook : str
        Its name without ending, such as ``"02_unet_femoral"``.
    profile : str
        ``"smoke"``, ``"workshop"`` or ``"paper"``.
    seed : int
        The seed of the run.

    Examples
    --------
    >>> start("02_unet_femoral", profile="smoke")
    >>> value("huang_2019.network.parameters", 1940817)
    1940817
    """
    # TensorFlow reads this when it is first imported; its notes on GPUs that are not there would fill the notebook.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").addFilter(_is_error)
    folder = Path(os.environ.get("NERVEKIT_RUN_DIR") or Path("runs") / profile)
    if _open:
        _open["utilisation"]()
    _open.clear()
    _open.update(
        notebook=notebook,
        folder=folder,
        utilisation=gpu.watch(),
        began=time.perf_counter(),
        values={},
        provenance={**machine.revision(), "profile": profile, "seed": seed, "data": None},
    )


def _is_error(message):
    """A filter, since TensorFlow sets its logger's level when it is imported: each network that compiles warns of itself."""
    return message.levelno >= logging.ERROR


def provenance(**facts):
    """Add facts about where the numbers come from, such as ``data="simulated"`` or ``precision="bfloat16"``."""
    _current()["provenance"].update(facts)


def value(key, value, **context):
    """Record one number and return it.

    Parameters
    ----------
    key : str
        A stable name, ``paper.table.row.metric``; the pinned results and the papers' claims refer to it.
    value : float or int
        A finite number; True is 1.
    **context
        What belongs beside it: ``low`` and ``high`` of its interval, ``n``, ``split``, ``must_exceed``. What is NaN, such as the
        interval of a single group, is left out.

    Raises
    ------
    RunError
        The number or what it must exceed is not finite, or, in a headless run, the key was recorded before. (A reader may run a cell again.)
    """
    value = value.item() if hasattr(value, "item") else value
    value = int(value) if isinstance(value, bool) else value
    context = {name: item for name, item in context.items() if item is not None}
    for name, number in {key: value, f"must_exceed of {key}": context.get("must_exceed", 0)}.items():
        if not math.isfinite(number):
            raise RunError(f"{name} is {number}: only finite numbers are recorded. Look at what the cell computed it from.")
    values = _current()["values"]
    if key in values and _headless():
        raise RunError(f"{key} was recorded twice in one run. Give each number a key of its own.")
    context = {name: item.item() if hasattr(item, "item") else item for name, item in context.items()}
    known = {name: item for name, item in context.items() if not (isinstance(item, float) and math.isnan(item))}
    values[key] = {"value": value, **known}
    return value


def values():
    """All numbers recorded so far, by key."""
    return _current()["values"]


def figure(name, picture, alt):
    """Save a Matplotlib figure beside the results and show it with its alternative text.

    Parameters
    ----------
    name : str
        Short and unique in the notebook, such as ``"box_plot"``.
    picture : matplotlib.figure.Figure
    alt : str
        What the picture shows, for a reader who cannot see it.

    Raises
    ------
    RunError
        In a headless run, a figure of this name was recorded before.
    """
    import io

    import matplotlib.pyplot as plt
    from IPython.display import Image, display

    buffer = io.BytesIO()
    picture.savefig(buffer, format="png", dpi=110, bbox_inches="tight", metadata={"Description": alt})
    plt.close(picture)
    number = _current()["notebook"].split("_")[0]
    path = _current()["folder"] / "figures" / f"{number}_{name}.png"
    if path.exists() and _headless():
        raise RunError(f"The figure {name} was recorded twice in one run. Give each figure a name of its own.")
    _write(path, buffer.getvalue())
    display(Image(buffer.getvalue(), alt=alt))


def document(name, text):
    """Save a text beside the results, as ``<number>_<name>.md``.

    Parameters
    ----------
    name : str
        Short and unique in the notebook, such as ``"model_card"``.
    text : str
        Markdown.

    Returns
    -------
    pathlib.Path
    """
    number = _current()["notebook"].split("_")[0]
    path = _current()["folder"] / f"{number}_{name}.md"
    _write(path, text.encode())
    return path


def finish():
    """Write the record, with seconds since :func:`start` and the peak memory of this process.

    Where Keras computes on an NVIDIA GPU, its provenance says under ``gpu_utilisation`` how busy that was since
    :func:`start`, as `nervekit.gpu.watch` explains. Where trainings of a run that was stopped were taken over, it says under
    ``kept`` how many, and the seconds that they took there, which are among the seconds of the record.

    Returns
    -------
    pathlib.Path
        The JSON file.
    """
    record = _current()
    utilisation = record["utilisation"]()
    used = {"gpu_utilisation": utilisation} if utilisation and machine.uses_gpu() else {}
    before = kept.taken()
    used |= {"kept": before} if before["trainings"] else {}
    unit = 1024 if sys.platform == "darwin" else 1
    content = {
        "notebook": record["notebook"],
        "provenance": {**machine.provenance(), **used, **record["provenance"]},
        "values": record["values"],
        "seconds": round(time.perf_counter() - record["began"] + before["seconds"], 1),
        "peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / unit),
    }
    path = record["folder"] / f"{record['notebook']}.json"
    _write(path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())
    return path


def _headless():
    """Whether the runner started this; a reader, who may name a folder in NERVEKIT_RUN_DIR, runs cells again."""
    return "NERVEKIT_RUN_FOLDER" in os.environ


def _current():
    if not _open:
        raise ConfigurationError("No record is open. Call nervekit.record.start(notebook, profile=...) first.")
    return _open


def _write(path, content):
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        advice = "Work in a copy of the notebooks, or let NERVEKIT_RUN_DIR name a folder that you may write."
        raise RunError(f"{path.parent}: cannot be made ({error.strerror or error}). {advice}") from error
    whole.write_bytes(path, content)
