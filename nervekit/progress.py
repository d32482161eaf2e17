"""One line that says which notebook is in which cell and for how long."""

import threading
import time


class Progress:
    """Live progress of one notebook: one line kept up to date in a terminal, a plain line now and then elsewhere.

    Parameters
    ----------
    name : str
        The notebook.
    stream : text file
        Where the lines go.
    every : float
        Seconds between two plain lines.

    Examples
    --------
    >>> import sys
    >>> with Progress("02_unet_femoral", sys.stdout) as progress:
    ...     progress.cell(3, 41)
    02_unet_femoral: started
    """

    def __init__(self, name, stream, every=30.0):
        self.name, self.stream, self.every = name, stream, every
        self.number, self.total = 0, 0
        self._terminal = stream.isatty()
        self._began = time.monotonic()
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._keep_saying, daemon=True)

    def __enter__(self):
        if not self._terminal:
            self._say(f"{self.name}: started\n")
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

    def end(self, status, seconds, reason=""):
        """Say how it ended."""
        first_line = reason.split("\n")[0]
        self._say(f"{self.name}: {status} after {clock(seconds)}{': ' + first_line if first_line else ''}\n")

    def _keep_saying(self):
        while not self._finished.wait(0.5 if self._terminal else self.every):
            place = f"cell {self.number}/{self.total}" if self.total else "starting the kernel"
            text = f"{self.name}: {place}, {clock(time.monotonic() - self._began)}"
            self._say(f"\r\033[K{text}" if self._terminal else f"{text}\n")

    def _say(self, text):
        self.stream.write(text)
        self.stream.flush()


def clock(seconds):
    """Minutes and seconds, such as ``1:07``.

    Examples
    --------
    >>> clock(67.2)
    '1:07'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
