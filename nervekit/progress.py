"""One line that says which notebook is in which cell, for how long, and how long it is likely to take."""

import html
import json
import shutil
import threading
import time
from pathlib import Path

FRESH = 3


class Progress:
    """Live progress of one notebook: one line kept up to date in a terminal, a plain line now and then elsewhere.

    Notebooks that run side by side share the line: each leaves its part in a file and shows the parts of all.

    Parameters
    ----------
    name : str
        The notebook.
    stream : text file
        Where the lines go.
    every : float
        Seconds between two plain lines.
    expected : float, optional
        Seconds that the notebook took before.
    board : path-like, optional
        A temporary folder of this run, beside those of the runs that share the terminal.

    Examples
    --------
    >>> import sys
    >>> with Progress("02_unet_femoral", sys.stdout, expected=65) as progress:
    ...     progress.cell(3, 41)
    ...     progress.text()
    02_unet_femoral: started, takes about 1:05
    '02_unet_femoral: cell 3/41, 0:00 of about 1:05'
    """

    def __init__(self, name, stream, every=30.0, expected=None, board=None):
        self.name, self.stream, self.every, self.expected = name, stream, every, expected
        self.number, self.total, self.widgets = 0, 0, dict
        self._terminal = stream.isatty()
        self._part = Path(board) / "progress" if board and self._terminal else None
        self._began = time.monotonic()
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._keep_saying, daemon=True)

    def __enter__(self):
        if not self._terminal:
            self._say(f"{self.name}: started{f', takes about {clock(self.expected)}' if self.expected else ''}\n")
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._finished.set()
        self._thread.join()
        if self._terminal:
            self._say("\r\033[K")

    def cell(self, number, total):
        """Take note that cell `number` of `total` begins."""
        self.number, self.total = number, total

    def watch(self, widgets):
        """Ask `widgets` from now on what the notebook shows; see :func:`bars`."""
        self.widgets = widgets

    def text(self):
        """Where the notebook is, and since when."""
        place = f"cell {self.number}/{self.total}" if self.total else "starting the kernel"
        inside = bars(self.widgets())
        place += f" ({inside})" if inside else ""
        likely = f" of about {clock(self.expected)}" if self.expected else ""
        return f"{self.name}: {place}, {clock(time.monotonic() - self._began)}{likely}"

    def end(self, status, seconds, reason=""):
        """Say how it ended."""
        first_line = reason.split("\n")[0]
        self._say(f"{self.name}: {status} after {clock(seconds)}{': ' + first_line if first_line else ''}\n")

    def _keep_saying(self):
        while not self._finished.wait(0.5 if self._terminal else self.every):
            if self._terminal:
                width = shutil.get_terminal_size().columns - 1
                self._say(f"\r\033[K{self._all()[:width]}")
            else:
                self._say(f"{self.text()}\n")

    def _all(self):
        if self._part is None:
            return self.text()
        try:
            self._part.write_text(self.text(), encoding="utf-8")
            parts = sorted(self._part.parent.parent.glob(".*/progress"))
            fresh = [part for part in parts if time.time() - part.stat().st_mtime < FRESH]
            return " | ".join(text for part in fresh if (text := part.read_text(encoding="utf-8")))
        except OSError:  # a run beside this one ended between two of these lines
            return self.text()

    def _say(self, text):
        self.stream.write(text)
        self.stream.flush()


def bars(widgets):
    """How far the progress bars are that have begun and are not at their end, the outer first.

    Parameters
    ----------
    widgets : dict of str to dict
        The state of each widget by its name, as nbclient keeps it. tqdm's bar is a box of a label, a bar and numbers.

    Returns
    -------
    str

    Examples
    --------
    >>> label, bar = {"value": "fold:  15%"}, {"_model_name": "FloatProgressModel", "value": 3.0, "max": 20.0}
    >>> bars({"a": label, "b": bar, "c": {"children": ["IPY_MODEL_a", "IPY_MODEL_b"]}})
    'fold 3/20'
    """
    told = []
    for box in list(widgets.values()):
        inside = [widgets.get(str(name).removeprefix("IPY_MODEL_"), {}) for name in box.get("children", ())]
        bar = next((part for part in inside if part.get("_model_name") == "FloatProgressModel"), None)
        if bar and not bar.get("bar_style") and 0 < bar.get("value", 0) < bar.get("max", 0):
            label, colon, _ = html.unescape(inside[0].get("value", "")).rpartition(":")
            told.append(f"{label.strip() + ' ' if colon else ''}{bar['value']:.0f}/{bar['max']:.0f}")
    return ", ".join(told)


def usual_seconds(name, profile, runs, project):
    """How long a notebook took before: in the last run, else as committed, else as expected; None if nobody knows.

    Parameters
    ----------
    name, profile : str
    runs : path-like
        The folder of the profile's runs.
    project : path-like
        The folder with ``results`` and ``expected``.

    Returns
    -------
    float or None
    """
    for folder in (Path(runs), Path(project) / "results" / profile):
        if seconds := _read(folder / f"{name}.json").get("seconds"):
            return seconds
    return _read(Path(project) / "expected" / f"{profile}.json").get("seconds", {}).get(name)


def clock(seconds):
    """Minutes and seconds, such as ``1:07``.

    Examples
    --------
    >>> clock(67.2)
    '1:07'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _read(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
