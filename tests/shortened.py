"""What ``make test`` takes in part, and ``make slow`` as a whole."""

import os

import pytest

SLOW = os.environ.get("NERVEKIT_SLOW") == "1"
slow = pytest.mark.skipif(not SLOW, reason="slow: make slow")
