"""The temporary folder in which a notebook runs, and the removal of old ones."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

from nervekit.whole import HOST


def sweep(folder):
    """Remove what runs that were killed left half-made: temporary folders, and files that were being written.

    What another machine that shares the disk left stays: whether its process runs cannot be asked from here.
    """
    for left in Path(folder).glob(f".*.{HOST}.[0-9]*"):
        if left.is_dir() and not _alive(int(left.suffix[1:])):
            shutil.rmtree(left, ignore_errors=True)
    for left in Path(folder).glob(f".part-*-{HOST}-[0-9]*"):
        if not _alive(int(left.name.rsplit("-", 1)[1])):
            left.unlink(missing_ok=True)


@contextmanager
def workspace(folder, name):
    """A temporary folder beside the results; those of killed runs are removed.

    Twice, since the kernel of a run that was killed a moment ago may write into its own until it notices.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sweep(folder)
    work = folder / f".{name}.{HOST}.{os.getpid()}"
    shutil.rmtree(work, ignore_errors=True)
    (work / "results").mkdir(parents=True)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        sweep(folder)


def _alive(process):
    """Whether a process runs; one that has ended but was not waited for does not."""
    import psutil  # here, so that doctor can say that it is missing

    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
