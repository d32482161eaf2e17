"""How busy the GPU was and how much of its memory was taken, as nvidia-smi says."""

import shutil
import statistics
import subprocess
import threading

SECONDS = 5


def watch():
    """Ask every few seconds how busy the GPU is, in a thread, until told to end.

    Returns
    -------
    callable
        Ends the thread, and returns what it saw: ``median`` per cent over the samples in which the GPU was not idle
        (0 if it always was), ``busy``, the share of these samples, ``samples``, how many there are in all, and
        ``memory_mib``, the most memory that was taken. Empty where there is no nvidia-smi, or none that answers.

    Notes
    -----
    What nvidia-smi calls utilisation is the share of the last moment (up to a second) in which anything at all ran on
    the GPU, of whatever process: 100 does not mean that all of it was used. Memory, too, is that of all processes, and what
    a backend holds back for later is taken. Of several GPUs the busiest and the fullest count.

    Examples
    --------
    >>> finish = watch()
    >>> set(finish()) <= {"median", "busy", "samples", "memory_mib"}
    True
    """
    if not shutil.which("nvidia-smi"):
        return dict
    ended, seen = threading.Event(), []

    def ask():
        while (sample := _sample()) is not None:
            seen.append(sample)
            if ended.wait(SECONDS):
                return

    thread = threading.Thread(target=ask, name="gpu utilisation", daemon=True)
    thread.start()

    def finish():
        ended.set()
        thread.join()
        if not seen:
            return {}
        shares, memory = zip(*seen, strict=True)
        busy = [share for share in shares if share]
        median = statistics.median(busy) if busy else 0
        return {"median": median, "busy": round(len(busy) / len(seen), 3), "samples": len(seen), "memory_mib": max(memory)}

    return finish


def _sample():
    """Per cent of the busiest GPU, and MiB taken of the fullest; None if nvidia-smi does not say."""
    command = ["nvidia-smi", "--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
        shares, memory = zip(*([int(number) for number in line.split(",")] for line in said.splitlines()), strict=True)
        return max(shares), max(memory)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
