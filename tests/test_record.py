"""The record of a run: what is written, when, and what is refused."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from nervekit import kept, machine, processor, record
from nervekit.errors import NervekitError, RunError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NERVEKIT_RUN_DIR", str(tmp_path))
    monkeypatch.setenv("NERVEKIT_RUN_FOLDER", str(tmp_path))
    record.start("02_example", profile="smoke", seed=3)
    return tmp_path


def test_record_names_the_threads_that_the_values_depend_on(folder, monkeypatch):
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "7")
    monkeypatch.setenv("OMP_NUM_THREADS", "5,1")
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    content = json.loads(record.finish().read_text(encoding="utf-8"))
    assert content["provenance"]["threads"] == 7 == processor.threads()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert processor.threads("torch") == 5 and processor.threads("jax") == cores
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(get_num_threads=lambda: 4))
    assert processor.threads("torch") == 4, "PyTorch, once it is there, is asked itself"


def test_finished_record_holds_values_and_provenance(folder):
    record.provenance(data="simulated")
    record.value("a.b", np.float32(0.5), low=np.float64(0.4), n=3)
    path = record.finish()
    content = json.loads(path.read_text())
    assert path == folder / "02_example.json"
    assert content["values"] == {"a.b": {"value": 0.5, "low": 0.4, "n": 3}}
    assert content["provenance"]["data"] == "simulated" and content["provenance"]["seed"] == 3
    assert content["peak_memory_mib"] > 10 and content["seconds"] >= 0


def test_trainings_that_were_taken_over_are_counted_with_their_seconds(folder, monkeypatch):
    monkeypatch.setattr(kept, "_taken", [500.0, 600.2])
    content = json.loads(record.finish().read_text(encoding="utf-8"))
    assert content["provenance"]["kept"] == {"trainings": 2, "seconds": 1100.2} and 1100 < content["seconds"] < 1200
    monkeypatch.setattr(kept, "_taken", [])
    assert "kept" not in json.loads(record.finish().read_text(encoding="utf-8"))["provenance"]


def test_a_folder_that_cannot_be_made_is_said_with_advice(tmp_path, monkeypatch):
    (tmp_path / "taken").touch()
    monkeypatch.setenv("NERVEKIT_RUN_DIR", str(tmp_path / "taken" / "runs"))
    record.start("02_example", profile="smoke", seed=3)
    with pytest.raises(RunError, match="cannot be made .*Work in a copy of the notebooks"):
        record.finish()


def test_an_interrupt_leaves_nothing_half_written(folder, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.replace", stop)
    with pytest.raises(KeyboardInterrupt):
        record.finish()
    assert list(folder.iterdir()) == []


def test_nothing_is_written_before_the_end(folder):
    record.value("a", 1)
    assert list(folder.iterdir()) == []


def test_a_document_lies_beside_the_results(folder):
    path = record.document("card", "# Für alle\n")
    assert path == folder / "02_card.md" and path.read_text(encoding="utf-8") == "# Für alle\n"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), np.float32("nan")])
def test_numbers_that_are_not_finite_are_refused(folder, number):
    with pytest.raises(RunError, match="finite"):
        record.value("a", number)


def test_what_nobody_knows_is_left_out_but_a_floor_must_be_known(folder):
    record.value("a.score", 0.8, low=float("nan"), high=np.float64("nan"), n=1, must_exceed=0.1)
    assert record.values()["a.score"] == {"value": 0.8, "n": 1, "must_exceed": 0.1}
    with pytest.raises(RunError, match="must_exceed of a.other is nan"):
        record.value("a.other", 0.8, must_exceed=float("nan"))


def test_what_is_true_counts_one_and_no_floor_is_none(folder):
    record.value("a", np.bool_(True), must_exceed=None)
    assert record.value("b", False) == 0
    assert record.values() == {"a": {"value": 1}, "b": {"value": 0}}
    assert not any(isinstance(entry["value"], bool) for entry in record.values().values())


def test_a_key_is_recorded_once(folder):
    record.value("a", 1)
    with pytest.raises(RunError, match="twice"):
        record.value("a", 2)


def test_figure_is_saved_and_shown_with_alternative_text(folder, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    record.figure("curve", plt.figure(), alt="An empty picture.")
    assert (folder / "figures" / "02_curve.png").read_bytes()[:4] == b"\x89PNG"
    assert shown[0].alt == "An empty picture."
    with pytest.raises(RunError, match="The figure curve was recorded twice"):
        record.figure("curve", plt.figure(), alt="Another.")


def test_a_reader_with_a_folder_of_his_own_runs_cells_again(folder, monkeypatch):
    monkeypatch.delenv("NERVEKIT_RUN_FOLDER")
    monkeypatch.setattr("IPython.display.display", lambda shown: None)
    for value in (1, 2):
        record.value("a", value)
        record.figure("curve", plt.figure(), alt="An empty picture.")
    assert record.values()["a"]["value"] == 2 and (folder / "figures" / "02_curve.png").is_file()


def test_without_a_start_the_error_says_what_to_call(folder):
    record._open.clear()
    with pytest.raises(NervekitError, match="record.start"):
        record.value("a", 1)


def test_tensorflow_warns_of_nothing_in_a_notebook_whenever_it_is_imported():
    pytest.importorskip("tensorflow")
    code = """from nervekit import record
record.start("02_tiny", profile="smoke")
import logging, tensorflow
tensorflow.get_logger().warning("retracing")
logging.getLogger("tensorflow").error("broken")"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr
    assert "retracing" not in said and "broken" in said


def test_what_is_committed_while_a_run_goes_on_is_not_what_ran(tmp_path, monkeypatch):
    monkeypatch.setenv("NERVEKIT_RUN_DIR", str(tmp_path))
    monkeypatch.setattr(machine, "_commit", lambda: "before")
    record.start("02_example", profile="smoke")
    monkeypatch.setattr(machine, "_commit", lambda: "after")
    assert json.loads(record.finish().read_text(encoding="utf-8"))["provenance"]["commit"] == "before"


def test_a_checkout_without_git_has_no_revision(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("NERVEKIT_COMMIT", raising=False)
    assert machine._said("git", "--version") == "" and machine._commit() is None


def test_a_copy_without_its_history_has_the_revision_that_it_is_given(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "__file__", str(tmp_path / "nervekit" / "machine.py"))
    monkeypatch.delenv("NERVEKIT_COMMIT", raising=False)
    assert machine._commit() is None
    monkeypatch.setenv("NERVEKIT_COMMIT", "0a1b2c3")
    assert machine._commit() == "0a1b2c3"
