"""How busy the GPU was, as nvidia-smi says."""

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
        (0 if it always was), ``busy``, the share of these samples, and ``samples``, how many there are in all. Empty
        where there is no nvidia-smi, or none that answers.

    Notes
    -----
    What nvidia-smi calls utilisation is the share of the last moment (up to a second) in which anything at all ran on
    the GPU, of whatever process: 100 does not mean that all of it was used. Of several GPUs the busiest counts.

    Examples
    --------
    >>> finish = watch()
    >>> set(finish()) <= {"median", "busy", "samples"}
    True
    """
    if not shutil.which("nvidia-smi"):
        return dict
    ended, seen = threading.Event(), []

    def ask():
        while (busiest := _busiest()) is not None:
            seen.append(busiest)
            if ended.wait(SECONDS):
                return

    thread = threading.Thread(target=ask, name="gpu utilisation", daemon=True)
    thread.start()

    def finish():
        ended.set()
        thread.join()
        busy = [sample for sample in seen if sample]
        if not seen:
            return {}
        median = statistics.median(busy) if busy else 0
        return {"median": median, "busy": round(len(busy) / len(seen), 3), "samples": len(seen)}

    return finish


def _busiest():
    """Per cent of the busiest GPU; None if nvidia-smi does not say."""
    command = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
        return max(int(line) for line in said.splitlines())
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
