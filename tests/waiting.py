"""Waiting for what happens in another process or thread, and a terminal that keeps what it is told."""

import io
import time


class Terminal(io.StringIO):
    def isatty(self):
        return True


def wait(condition, looks=1200):
    """Look every 0.05 s, a number of times: a machine that stands still for a minute looks no oftener."""
    for _ in range(looks):
        if condition():
            return True
        time.sleep(0.05)
    return False
