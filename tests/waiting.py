"""Waiting for what happens in another process or thread."""

import time


def wait(condition, looks=1200):
    """Look every 0.05 s, a number of times: a machine that stands still for a minute looks no oftener."""
    for _ in range(looks):
        if condition():
            return True
        time.sleep(0.05)
    return False
