"""Python on another Keras backend than the one in use, in this environment or in another.

``NERVEKIT_JAX_PYTHON`` or ``NERVEKIT_TORCH_PYTHON`` names the interpreter of another environment.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

PACKAGES = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}
OTHERS = [backend for backend in PACKAGES if backend != keras.config.backend()]
TESTS = Path(__file__).resolve().parent


def run(backend, *arguments, threads=1):
    """What Python prints on another backend; skip where it is not installed. `threads` are PyTorch's, None for all cores."""
    python = os.environ.get(f"NERVEKIT_{backend.upper()}_PYTHON")
    if not python and not importlib.util.find_spec(PACKAGES[backend]):
        pytest.skip(f"{backend} is not installed beside {keras.config.backend()}")
    path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    # A GPU has no fixed order of sums, and its products may be shorter.
    environment = os.environ | {"KERAS_BACKEND": backend, "PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": ""}
    if threads:  # they wait for each other in a loop, and other tests run on the other core
        environment.setdefault("OMP_NUM_THREADS", str(threads))
    command = [python or sys.executable, *map(str, arguments)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    return result.stdout
