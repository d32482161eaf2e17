"""The same weights give the same output on every backend that is installed beside the one in use.

A backend may live in another environment: ``NERVEKIT_JAX_PYTHON`` or ``NERVEKIT_TORCH_PYTHON`` names its interpreter.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import forward
import keras
import numpy as np
import pytest
from networks import NETWORKS

PACKAGES = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}
OTHERS = [backend for backend in PACKAGES if backend != keras.config.backend()]


@pytest.fixture(scope="module")
def ours():
    return forward.outputs()


@pytest.fixture(scope="module", params=OTHERS)
def theirs(request, tmp_path_factory):
    backend = request.param
    python = os.environ.get(f"NERVEKIT_{backend.upper()}_PYTHON")
    if not python and not importlib.util.find_spec(PACKAGES[backend]):
        pytest.skip(f"{backend} is not installed beside {keras.config.backend()}")
    folder = Path(forward.__file__).parent
    path = tmp_path_factory.mktemp(backend) / "outputs.npz"
    environment = os.environ | {
        "KERAS_BACKEND": backend,
        "PYTHONPATH": os.pathsep.join([str(folder), str(folder.parent)]),
    }
    result = subprocess.run(
        [python or sys.executable, forward.__file__, path], env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[-2000:]
    return np.load(path)


@pytest.mark.parametrize("name", list(NETWORKS))
def test_a_forward_pass_agrees_with_the_other_backend(ours, theirs, name):
    error = np.abs(ours[name] - theirs[name]).max() / np.abs(ours[name]).max()
    assert ours[name].std() > 1e-3 * np.abs(ours[name]).max()
    assert error < 1e-4
