"""What several test modules share."""

import os
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Two processes of tests can share a GPU. Set before a backend is imported.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

# jsonschema, which nbformat imports, does without this package, whose import takes two seconds.
sys.modules.setdefault("rfc3987_syntax", None)

# Tests never time: a machine may stand still for seconds. Examples share a folder; each writes anew what it reads.
settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.load_profile("unhurried")


def pytest_configure(config):
    """Tests, doctests and the processes that both start have a cache of their own in place of the user's."""
    if not hasattr(config, "workerinput"):  # the workers of one command share it
        folder = tempfile.mkdtemp(prefix="nervekit-tests-")
        config.add_cleanup(partial(shutil.rmtree, folder, ignore_errors=True))
        os.environ["NERVEKIT_CACHE"] = folder


# The files that take longest, dealt first: none of them is left to one process at the end.
LONGEST = ("test_makefile", "test_backends", "test_recipe", "test_training", "test_notebooks", "test_crossval", "test_run",
           "test_determinism", "test_kills")  # fmt: skip


def pytest_collection_modifyitems(items):
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


@pytest.fixture(scope="session")
def real_data():
    """The folder of public archives that NERVEKIT_DATA names; tests that need it skip without it."""
    folder = os.environ.get("NERVEKIT_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("NERVEKIT_DATA does not name a folder with the public sets")
    return Path(folder).resolve()


@pytest.fixture(scope="session")
def real_set(real_data):
    """That folder, for a test that needs one set of it; it skips where the set is not in it."""
    from nervekit.data import catalog

    def folder(key):
        place = catalog.find(key, real_data)
        if place is None or place.source != "real":
            pytest.skip(f"NERVEKIT_DATA holds no real set {key}")
        return real_data

    return folder
