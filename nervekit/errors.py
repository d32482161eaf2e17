"""Errors that a user can cause. Each text says what was found, where, what was expected, and what to do."""

import shlex
import sys


class NervekitError(Exception):
    """Base of every error that nervekit raises on purpose."""


class DataError(NervekitError):
    """A file or an array is not what its format or its manifest says."""


class MissingDataError(DataError):
    """Data that was asked for is not on this machine."""


class ConfigurationError(NervekitError):
    """An argument, a profile, a backend or a key that does not exist."""


class RunError(NervekitError):
    """A notebook did not run, or its results are not the expected ones."""


def command(words):
    """A command line of this very Python, for advice, to be pasted: what is typed without it may belong to another one.

    Examples
    --------
    >>> command("nervekit doctor") == f"{shlex.quote(sys.executable)} -m nervekit doctor"
    True
    """
    return f"{shlex.quote(sys.executable)} -m {words}"
