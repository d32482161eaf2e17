"""What the system says of its processor: its name, its threads, and whether it multiplies bfloat16."""

import os
import platform
import sys
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
BFLOAT16 = ("avx512_bf16", "amx_bf16")
PRECISIONS = ("auto", "bfloat16", "float32")


def name():
    """The processor's name; its architecture where the system does not say more.

    >>> len(name()) > 0
    True
    """
    return _entry("model name") or platform.processor() or platform.machine()


def bfloat16_instructions():
    """Which instructions for bfloat16 it has; none where the system does not list them.

    >>> set(bfloat16_instructions()) <= set(BFLOAT16)
    True
    """
    flags = _entry("flags").split()
    return [instruction for instruction in BFLOAT16 if instruction in flags]


def threads(backend="tensorflow"):
    """How many threads one operation may use: the cores open to this process, or fewer where the backend was told so.

    Sums are added up in another order with another number of threads, so two runs of one seed only agree in every
    digit where this number agrees.

    >>> threads() > 0
    True
    """
    if backend == "torch" and "torch" in sys.modules:
        return sys.modules["torch"].get_num_threads()
    open_to_us = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    told = {"tensorflow": "TF_NUM_INTRAOP_THREADS", "torch": "OMP_NUM_THREADS"}.get(backend, "")
    number = os.environ.get(told, "").split(",")[0].strip()
    return int(number) if number.isdigit() and int(number) else open_to_us


def _entry(key):
    lines = CPUINFO.read_text(encoding="utf-8").splitlines() if CPUINFO.exists() else []
    found = (line.split(":", 1)[1].strip() for line in lines if line.split(":")[0].strip() == key)
    return next(found, "")
