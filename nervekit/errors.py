"""Errors that a user can cause. Each text says what was found, where, what was expected, and what to do."""

import shlex
import sys
from numbers import Integral


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


def is_whole(value, least=0):
    """Whether a value that a user gave is a whole number, of Python or NumPy, of at least `least`; True and False are none.

    Examples
    --------
    >>> is_whole(3), is_whole(3.0), is_whole(True), is_whole(0, least=1)
    (True, False, False, False)
    """
    return isinstance(value, Integral) and not isinstance(value, bool) and value >= least


def command(words):
    """A command line of this very Python, for advice, to be pasted: what is typed without it may belong to another one.

    Examples
    --------
    >>> command("nervekit doctor") == f"{shlex.quote(sys.executable)} -m nervekit doctor"
    True
    """
    return f"{shlex.quote(sys.executable)} -m {words}"
