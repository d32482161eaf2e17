"""Files that are whole or not there: written under another name first, then renamed."""

import contextlib
import os
import platform
import re
from pathlib import Path

from nervekit.errors import DataError

# Machines that share a disk count their processes each for itself.
HOST = re.sub(r"\W", "_", platform.node())


def write_text(path, text):
    """Write a text file in UTF-8, whole or not at all; DataError if it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "note.txt"
    >>> write_text(path, "a nerve")
    >>> path.read_text(encoding="utf-8"), len(list(path.parent.iterdir()))
    ('a nerve', 1)
    """
    try:
        content = text.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"{path}: holds a name that is no Unicode ({error}). Rename the file or label.") from error
    write_bytes(path, content)


def write_bytes(path, content):
    """Write a file whole or not at all; DataError if it cannot be written."""
    path = Path(path)
    partial = path.parent / f".part-{path.name}-{HOST}-{os.getpid()}"
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be written ({error.strerror or error}). Free some space, or name another folder."
        ) from error
    finally:  # an interrupt leaves nothing either
        with contextlib.suppress(OSError):
            partial.unlink()
