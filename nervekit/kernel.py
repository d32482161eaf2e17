"""The Jupyter kernel that runs notebooks: always this interpreter, never a kernel that happens to be installed."""

import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path

KERNEL = "python3"


@contextmanager
def environment(folder, **variables):
    """Set the environment variables under which a notebook's kernel starts, and put the old ones back.

    A kernel specification for ``sys.executable`` is written below `folder` and searched first; connection files and
    IPython's own files stay in `folder` too, so that a user's settings of Jupyter, IPython and Matplotlib change nothing and
    nothing is left behind. The kernel imports this very nervekit, even of a folder that was copied and not installed.
    Relative paths in ``NERVEKIT_DATA`` and ``NERVEKIT_CACHE`` are made absolute, since notebooks run elsewhere.

    Parameters
    ----------
    folder : path-like
        A temporary folder that outlives the kernel.
    **variables : str or None
        Further variables; None removes one.

    Raises
    ------
    nervekit.errors.DataError
        If one of these paths begins with the ``~`` of a user who has no home folder.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, environment(folder, KERAS_BACKEND="jax"):
    ...     os.environ["KERAS_BACKEND"]
    'jax'
    """
    folder = Path(folder).resolve()
    specification = folder / "jupyter" / "kernels" / KERNEL / "kernel.json"
    specification.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    # What libraries write past Python goes to the log: TensorFlow's notes on missing GPUs are no part of a notebook.
    command.append("--IPKernelApp.capture_fd_output=False")
    specification.write_text(json.dumps({"argv": command, "display_name": "Python 3", "language": "python"}))
    (folder / "matplotlibrc").touch()
    changed = {
        "JUPYTER_PATH": _before("JUPYTER_PATH", folder / "jupyter"),
        "PYTHONPATH": _before("PYTHONPATH", Path(__file__).resolve().parents[1]),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "IPYTHONDIR": str(folder / "ipython"),
        "MATPLOTLIBRC": str(folder / "matplotlibrc"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONHASHSEED": "0",
        # IPython runs the one; under the others Keras trains less than it is told.
        **dict.fromkeys(("PYTHONSTARTUP", "KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH")),
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3"),
        # Otherwise the first of two notebooks takes all memory of a GPU.
        "TF_FORCE_GPU_ALLOW_GROWTH": os.environ.get("TF_FORCE_GPU_ALLOW_GROWTH", "true"),
        "XLA_PYTHON_CLIENT_PREALLOCATE": os.environ.get("XLA_PYTHON_CLIENT_PREALLOCATE", "false"),
        **{name: _absolute(name) for name in _PATHS if os.environ.get(name, "").strip()},
        **variables,
    }
    before = {name: os.environ.get(name) for name in changed}
    try:
        _update(changed)
        yield
    finally:
        _update(before)


_PATHS = ("NERVEKIT_DATA", "NERVEKIT_CACHE")


def _before(name, first):
    """A list of folders in the environment with one more before them."""
    return os.pathsep.join(part for part in (str(first), os.environ.get(name, "")) if part)


def _absolute(name):
    from nervekit.data import files  # brings NumPy along, which a run without these variables does not need

    return str(files.expanded(os.environ[name].strip(), name).resolve())


def _update(variables):
    for name, text in variables.items():
        if text is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = text
