"""How busy the GPU was: asked of an nvidia-smi that is a script."""

import json
import os
import threading

import pytest
from waiting import wait

from nervekit import gpu, record

# The second to fourth answers are of a busy GPU, the second of two of them.
BUSY = """case "$1" in
--query-gpu=name) echo Imaginary ;;
--query-gpu=driver_version) echo 580.1 ;;
--query-gpu=utilization.gpu,memory.used)
    echo "$@" >> "$0.calls"
    case $(($(wc -l < "$0.calls"))) in 2) printf '0, 900\\n40, 800\\n' ;; 3) echo 90, 10 ;; 4) echo 70, 10 ;; *) echo 0, 10 ;; esac ;;
esac"""


@pytest.fixture
def says(tmp_path, monkeypatch):
    """A function that puts a script in the place of nvidia-smi, on a machine where Keras sees a GPU."""
    monkeypatch.setattr("nervekit.precision.has_gpu", lambda: True)
    monkeypatch.setattr("nervekit.precision.gpu_name", lambda: "")
    monkeypatch.setattr(gpu, "SECONDS", 0.01)
    monkeypatch.setenv("NERVEKIT_RUN_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    def says(script):
        path = tmp_path / "nvidia-smi"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path.with_name("nvidia-smi.calls")

    return says


def calls(path):
    return path.read_text().splitlines() if path.exists() else []


def provenance():
    return json.loads(record.finish().read_text(encoding="utf-8"))["provenance"]


def test_the_record_says_how_busy_the_gpu_was_while_it_was_not_idle(says):
    path, before = says(BUSY), set(threading.enumerate())
    record.start("02_example", profile="smoke")
    assert wait(lambda: len(calls(path)) > 4)
    found = provenance()
    assert set(threading.enumerate()) <= before
    number = len(calls(path))
    assert found["gpu_utilisation"] == {"median": 70, "busy": round(3 / number, 3), "samples": number, "memory_mib": 900}
    assert found["versions"]["nvidia-driver"] == "580.1"
    assert found["hardware"].startswith("Imaginary, ")
    assert provenance()["gpu_utilisation"] == found["gpu_utilisation"], "a reader may run the last cell again"
    assert len(calls(path)) == number


def test_of_two_gpus_the_one_that_keras_computes_on_is_recorded(says, monkeypatch):
    monkeypatch.setattr("nervekit.precision.gpu_name", lambda: "Second")
    says(BUSY)
    record.start("02_example", profile="smoke")
    assert provenance()["hardware"].startswith("Second, ")


def test_a_gpu_that_was_always_idle_is_said_to_have_been(says):
    says("echo 0, 7")
    record.start("02_example", profile="smoke")
    found = provenance()["gpu_utilisation"]
    assert (found["median"], found["busy"], found["memory_mib"]) == (0, 0, 7) and found["samples"] >= 1


@pytest.mark.parametrize(
    "script",
    ["exit 1", "echo 40, 7; exit 9", "echo 40", "echo 'NVIDIA-SMI has failed'", "echo '[N/A], [N/A]'", "true", r"printf '\377\000'"],
)
def test_without_an_answer_the_record_is_written_without_it(says, script):
    says(script)
    before = set(threading.enumerate())
    record.start("02_example", profile="smoke")
    assert "gpu_utilisation" not in provenance() and set(threading.enumerate()) <= before


def test_without_nvidia_smi_nothing_is_asked(says, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    before = set(threading.enumerate())
    record.start("02_example", profile="smoke")
    assert set(threading.enumerate()) <= before and "gpu_utilisation" not in provenance()


def test_a_gpu_that_keras_does_not_see_is_not_recorded(says, monkeypatch):
    monkeypatch.setattr("nervekit.precision.has_gpu", lambda: False)
    says("echo 40, 7")
    record.start("02_example", profile="smoke")
    assert "gpu_utilisation" not in provenance()


def test_a_record_opened_anew_ends_the_questions_of_the_former(says):
    says(BUSY)
    before = set(threading.enumerate())
    for _ in range(3):
        record.start("02_example", profile="smoke")
    assert len(set(threading.enumerate()) - before) == 1
    record.finish()
    assert set(threading.enumerate()) <= before
