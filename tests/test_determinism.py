"""The same seed on the same machine and backend gives the same result, to the last bit."""

import subprocess
import sys
from pathlib import Path

import repeatable


def test_two_processes_train_the_same_network_with_the_same_seed():
    """Weights and curves of both are equal bit by bit, though this process has done other things before."""
    here = repeatable.digest()
    other = subprocess.run([sys.executable, Path(repeatable.__file__)], capture_output=True, text=True, check=True)
    assert other.stdout.split()[-1] == here
