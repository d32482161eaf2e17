"""What several test modules share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data():
    """The folder of public archives that NERVEKIT_DATA names; tests that need it skip without it."""
    folder = os.environ.get("NERVEKIT_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("NERVEKIT_DATA does not name a folder with the public sets")
    return Path(folder).resolve()
