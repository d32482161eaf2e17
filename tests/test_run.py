"""Running notebooks headless."""

import io
import json
import os
import signal
import subprocess
import sys

import nbformat
import psutil
import pytest
import tiny_project
from waiting import Terminal, wait

from nervekit import run, workspace
from nervekit.errors import ConfigurationError
from nervekit.settings import Settings, check_backend
from nervekit.whole import HOST


@pytest.fixture
def execute(tmp_path):
    """Run the code as a tiny notebook; the outcome and the folder of the results."""

    def execute(code, timeout=None, **settings):
        sources = tiny_project.write(tmp_path, n02_tiny=code)
        settings = Settings(**settings)
        stream = io.StringIO()
        outcome = run.run(
            sources / "02_tiny.py", settings, runs=tmp_path / "runs", timeout=timeout, stream=stream
        )
        return outcome, tmp_path / "runs" / settings.profile, stream.getvalue()

    return execute


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_run_leaves_results_figures_and_the_executed_notebook(execute):
    code = """import os, sys
import matplotlib.pyplot as plt
record.value("seed", SEED)
record.value("is_torch", os.environ["KERAS_BACKEND"] == "torch" and DATA == "phantom")
record.value("is_float32", os.environ["NERVEKIT_PRECISION"] == "float32")
record.value("same_python", sys.executable == %r)
record.figure("line", plt.figure(), alt="an empty figure")
record.document("card", "# A card")"""
    asked = {"profile": "workshop", "seed": 3, "backend": "torch", "data": "phantom", "precision": "float32"}
    outcome, folder, said = execute(code % sys.executable, **asked)
    assert outcome.status == "done", outcome
    assert files(folder) == [
        ".02_tiny.settings", "02_card.md", "02_tiny.ipynb", "02_tiny.json", "figures/02_line.png"
    ]  # fmt: skip
    result = json.loads((folder / "02_tiny.json").read_text())
    assert {key: entry["value"] for key, entry in result["values"].items()} == {
        "seed": 3, "is_torch": True, "is_float32": True, "same_python": True
    }
    assert result["seconds"] == outcome.seconds > 0
    assert outcome.peak_memory_mib == result["peak_memory_mib"] > 30
    assert said.startswith("02_tiny: started\n") and "02_tiny: done after 0:" in said


BARS = """
from pathlib import Path
from time import sleep

from tqdm.auto import tqdm

record.value("answer", 42)
often = {{"mininterval": 0, "miniters": 1}}
gone = tqdm(total=3, desc="gone", **often)
gone.update(1)
gone.container.close()
for fold in tqdm(range(2), desc="fold", **often):
    for epoch in tqdm(range(3), desc="network", leave=False, **often):
        while (fold, epoch) == (1, 2) and not Path({seen!r}).exists():
            sleep(0.05)
"""


def test_the_terminal_is_told_how_far_the_bars_of_a_cell_are(tmp_path):
    """The notebook waits until its bars were seen; bars at their end, and closed ones, are not told."""
    seen = tmp_path / "seen"

    class Watching(Terminal):
        def write(self, text):
            if "(fold 1/2, network 2/3)" in text:
                seen.touch()
            return super().write(text)

    sources, stream = tiny_project.write(tmp_path, n02_tiny=BARS.format(seen=str(seen))), Watching()
    outcome = run.run(sources / "02_tiny.py", Settings(), runs=tmp_path / "runs", timeout=120, stream=stream)
    assert outcome.status == "done", outcome.reason


def test_files_that_a_killed_run_was_writing_are_swept_away_and_those_of_a_living_one_stay(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for process in (dead.pid, os.getpid()):
        (tmp_path / f".part-02_tiny.json-{HOST}-{process}").touch()
    workspace.sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f".part-02_tiny.json-{HOST}-{os.getpid()}"]


def test_what_a_run_on_another_machine_is_writing_is_left_alone(tmp_path, monkeypatch):
    """The number of its process says nothing here; nor does a name of old, which has no machine in it."""
    monkeypatch.setattr(workspace, "_alive", lambda process: False)
    folders, written = (".02_tiny.another.17", ".02_tiny.17"), (".part-02_tiny.json-another-17", ".part-02_tiny.json-17")
    for name in folders:
        (tmp_path / name).mkdir()
    for name in written:
        (tmp_path / name).touch()
    with workspace.workspace(tmp_path, "02_tiny") as work:
        monkeypatch.setattr(workspace, "HOST", "elsewhere")
        workspace.sweep(tmp_path)
        assert (work / "results").is_dir()
    assert {path.name for path in tmp_path.iterdir()} == {*folders, *written}


def test_a_run_that_ends_after_another_one_takes_its_place(execute, tmp_path):
    """Two runs at once: what the first left, here while the second works, does not outlive it."""
    folder = tmp_path / "runs" / "smoke"
    left = f"from pathlib import Path\nfor end in ('ipynb', 'failed.json'):\n    Path({str(folder)!r}, f'02_tiny.{{end}}').touch()\n"
    execute(left + "record.value('a', 1)")
    assert files(folder) == [".02_tiny.settings", "02_tiny.ipynb", "02_tiny.json"]
    execute(left + "1 / 0")
    assert not (folder / "02_tiny.ipynb").exists() and (folder / "02_tiny.failed.json").stat().st_size > 0


def test_what_was_asked_for_since_it_began_is_not_replaced(execute, tmp_path):
    """A run of seed 0 that ends after somebody asked for seed 1: neither its results nor its failure are put there."""
    folder = tmp_path / "runs" / "smoke"
    since = f"""from pathlib import Path
Path({str(folder)!r}, "02_tiny.json").write_text("of seed 1")
settings = Path({str(folder)!r}, ".02_tiny.settings")
settings.write_text(settings.read_text().replace("seed=0", "seed=1"))
"""
    for end in ("record.value('a', 1)", "1 / 0"):
        outcome = execute(since + end)[0]
        assert outcome.status == "failed" and "other settings were asked for since it began" in outcome.reason
        assert files(folder) == [".02_tiny.settings", "02_tiny.json"]
        assert (folder / "02_tiny.json").read_text() == "of seed 1"


def test_an_edit_while_it_runs_is_newer_than_its_result(execute, tmp_path):
    source = tmp_path / "notebooks" / "source" / "02_tiny.py"
    _, folder, _ = execute(f"from pathlib import Path\nPath({str(source)!r}).touch()\nrecord.value('a', 1)")
    assert source.stat().st_mtime > (folder / "02_tiny.ipynb").stat().st_mtime
    _, folder, _ = execute("record.value('a', 1)")
    ages = [(folder / f"{name}").stat().st_mtime for name in (".02_tiny.settings", "02_tiny.ipynb")]
    assert source.stat().st_mtime <= ages[1] and ages == sorted(ages)


def test_where_data_lies_is_nothing_to_simulated_images(monkeypatch, tmp_path):
    lines = []
    for folder in ("", str(tmp_path)):
        monkeypatch.setenv("NERVEKIT_DATA", folder)
        lines.append([Settings(**asked).line(__file__) for asked in ({}, {"profile": "workshop", "data": "phantom"}, {"data": "auto"})])
    assert lines[0][:2] == lines[1][:2] and lines[0][2] != lines[1][2]


def test_a_users_matplotlibrc_is_not_read(execute, tmp_path, monkeypatch):
    (tmp_path / "matplotlibrc").write_text("figure.dpi: 7")
    monkeypatch.setenv("MATPLOTLIBRC", str(tmp_path))
    code = "import matplotlib\nrecord.value('dpi', matplotlib.rcParams['figure.dpi'])"
    assert execute(code)[0].status == "done"
    assert json.loads((tmp_path / "runs" / "smoke" / "02_tiny.json").read_text())["values"]["dpi"]["value"] != 7


def test_a_users_start_of_python_and_limits_of_keras_are_nothing_to_a_run(execute, tmp_path, monkeypatch):
    (tmp_path / "start.py").write_text("raise ValueError('of the user')\n")
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "start.py"))
    monkeypatch.setenv("KERAS_MAX_EPOCHS", "1")
    monkeypatch.setenv("KERAS_MAX_STEPS_PER_EPOCH", "1")
    code = "import os\nrecord.value('limits', sum('MAX' in name or 'STARTUP' in name for name in os.environ if 'KERAS' in name or 'PYTHON' in name))"
    outcome, folder, _ = execute(code)
    assert outcome.status == "done", outcome
    assert json.loads((folder / "02_tiny.json").read_text())["values"]["limits"]["value"] == 0
    assert os.environ["KERAS_MAX_EPOCHS"] == "1"


@pytest.mark.parametrize("name", ["{PROFILE}", "{}", "{old}"])
def test_braces_in_a_path_are_braces(tmp_path, name):
    sources = tiny_project.write(tmp_path / name, n02_tiny="record.value('a', 1)")
    outcome = run.run(sources / "02_tiny.py", Settings(), runs=tmp_path / name / "runs", stream=io.StringIO())
    assert outcome.status == "done" and (tmp_path / name / "runs" / "smoke" / "02_tiny.ipynb").is_file()


@pytest.mark.parametrize(("ending", "content"), [("json", ""), ("json", None), ("ipynb", ""), ("ipynb", '{"cells": [')])
def test_results_that_a_power_cut_spoilt_are_older_than_what_was_asked_for(execute, tmp_path, ending, content):
    _, folder, _ = execute("record.value('a', 1)")
    source, stamp = tmp_path / "notebooks" / "source" / "02_tiny.py", folder / ".02_tiny.settings"
    before = stamp.stat().st_mtime_ns
    run.write_settings(source, Settings(), folder)
    assert stamp.stat().st_mtime_ns == before
    spoilt = folder / f"02_tiny.{ending}"
    spoilt.unlink() if content is None else spoilt.write_text(content)
    run.write_settings(source, Settings(), folder)
    assert stamp.stat().st_mtime_ns > max(before, (folder / "02_tiny.ipynb").stat().st_mtime_ns)


def test_what_is_kept_of_folds_lasts_until_the_notebook_is_done_or_another(execute, tmp_path):
    keep = "from pathlib import Path\nkept = Path(os.environ['NERVEKIT_KEPT'])\nkept.mkdir(parents=True, exist_ok=True)\n"
    keep = f"import os\n{keep}before = len(list(kept.glob('*')))\n(kept / f'{{before}}.npz').touch()\n"
    stop = "record.value('before', before)\nif before < 2:\n    raise ValueError(before)"
    place = tmp_path / "runs" / "smoke" / ".02_tiny.kept"
    for before in range(2):
        assert f"ValueError: {before}" in execute(keep + stop)[0].reason
    assert "ValueError: 0" in execute(keep + stop, seed=1)[0].reason and len(list(place.iterdir())) == 1
    outcome, folder, _ = execute(keep + "record.value('before', before)")
    assert outcome.status == "done" and not place.exists()
    assert json.loads((folder / "02_tiny.json").read_text())["values"]["before"]["value"] == 0
    assert files(folder) == [".02_tiny.settings", "02_tiny.ipynb", "02_tiny.json"]


def test_the_kernel_imports_this_nervekit_before_that_of_the_user(execute, tmp_path, monkeypatch):
    (tmp_path / "other" / "nervekit").mkdir(parents=True)
    (tmp_path / "other" / "nervekit" / "__init__.py").write_text("raise ImportError('of another project')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "other"))
    code = "import sys\nrecord.value('others', sum(path.endswith('/other') for path in sys.path))"
    outcome, folder, _ = execute(code)
    assert outcome.status == "done", outcome
    assert json.loads((folder / "02_tiny.json").read_text())["values"]["others"]["value"] == 1


def test_seconds_of_folds_that_were_taken_over_are_in_those_of_the_run(execute):
    outcome, folder, _ = execute("from nervekit import kept\nkept._taken.append(1000.0)\nrecord.value('a', 1)")
    assert outcome.status == "done" and 1000 < json.loads((folder / "02_tiny.json").read_text())["seconds"] < 1100


def test_a_home_in_a_path_is_resolved_for_the_kernel(execute, monkeypatch):
    monkeypatch.setenv("NERVEKIT_DATA", " ~/data")
    outcome, folder, _ = execute("import os\nrecord.value('home', os.environ['NERVEKIT_DATA'] == os.path.expanduser('~/data'))")
    assert json.loads((folder / "02_tiny.json").read_text())["values"]["home"]["value"] == 1, outcome


def test_a_stray_kernel_of_the_user_is_not_used(execute, tmp_path, monkeypatch):
    spec = tmp_path / "stray" / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps({"argv": ["false"], "display_name": "Python 3", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "stray"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "stray"))
    assert execute("record.value('a', 1)")[0].status == "done"
    assert os.environ["JUPYTER_PATH"] == str(tmp_path / "stray")


def test_a_failed_run_keeps_its_traceback_and_nothing_of_the_run_before(execute):
    execute("""import matplotlib.pyplot as plt
record.figure("line", plt.figure(), alt="an empty figure")
record.value("a", 1)""")
    outcome, folder, said = execute("print('before the fall')\n1 / 0")
    assert (outcome.status, outcome.reason) == ("failed", "cell 7: ZeroDivisionError: division by zero")
    assert "02_tiny: failed after" in said
    kept = [".02_tiny.settings", "02_tiny.failed.ipynb", "02_tiny.failed.json", "02_tiny.log"]
    assert files(folder) == kept
    log = (folder / "02_tiny.log").read_text()
    assert "before the fall" in log and "ZeroDivisionError" in log and "\x1b" not in log
    outputs = [
        output for cell in nbformat.read(folder / "02_tiny.failed.ipynb", 4).cells for output in cell.get("outputs", [])
    ]
    assert "ZeroDivisionError" in [output.get("ename") for output in outputs]
    assert execute("record.value('a', 1)")[0].status == "done"
    assert files(folder) == [".02_tiny.settings", "02_tiny.ipynb", "02_tiny.json"]


def test_missing_data_is_not_run_with_its_reason(execute):
    code = "from nervekit.errors import MissingDataError\nraise MissingDataError('fetch it: nervekit fetch femoral')"
    outcome, folder, _ = execute(code, profile="paper")
    assert (outcome.status, outcome.reason) == ("not run", "fetch it: nervekit fetch femoral")
    assert json.loads((folder / "02_tiny.failed.json").read_text())["status"] == "not run"


def test_a_notebook_over_its_time_limit_is_stopped(execute):
    outcome, folder, _ = execute("import time\n\ndef fold():\n    time.sleep(600)\n\nfold()", timeout=4)
    assert outcome.status == "failed" and "longer than its limit of 4 s" in outcome.reason
    log = (folder / "02_tiny.log").read_text()
    assert "KeyboardInterrupt" in log and "time.sleep(600)" in log and "in fold()" in log
    failed = json.loads((folder / "02_tiny.failed.ipynb").read_text())
    assert [one["ename"] for cell in failed["cells"] for one in cell.get("outputs", ()) if "ename" in one] == ["KeyboardInterrupt"]


@pytest.mark.parametrize(("lost", "status"), [(1, "done"), (2, "failed")])
def test_a_kernel_that_found_its_ports_taken_is_started_once_more(execute, monkeypatch, lost, status):
    import papermill

    original, starts = papermill.execute_notebook, []

    def execute_notebook(*paths, **options):
        starts.append(paths)
        if len(starts) <= lost:
            raise RuntimeError("Kernel died before replying to kernel_info")
        return original(*paths, **options)

    monkeypatch.setattr(papermill, "execute_notebook", execute_notebook)
    outcome, folder, _ = execute("record.value('a', 1)")
    assert outcome.status == status and len(starts) == 2
    if status == "failed":
        assert outcome.reason.startswith("the kernel did not start: Kernel died")
        assert "once more" in (folder / "02_tiny.log").read_text()


@pytest.mark.parametrize(("after", "peak"), [(91, 91), (90, None)])
def test_a_kernel_that_dies_is_a_failure_with_its_memory_unless_another_needed_more(execute, monkeypatch, after, peak):
    measured = run._peak_of_children
    monkeypatch.setattr(run, "_peak_of_children", iter([90, after]).__next__)
    outcome, folder, _ = execute("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    assert outcome.status == "failed" and "the kernel died" in outcome.reason
    assert measured() > 30
    assert outcome.peak_memory_mib == peak == json.loads((folder / "02_tiny.failed.json").read_text())["peak_memory_mib"]
    assert not (folder / "02_tiny.json").exists()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("record.finish = lambda: None", "recorded no results"),
        ("record.start('02_tiny', profile='paper')", "recorded the profile 'paper'"),
        ("record.start('02_tiny', profile=PROFILE, seed=8)", "recorded the seed 8"),
    ],
)
def test_a_run_that_records_nothing_or_something_else_fails(execute, code, reason):
    outcome, folder, _ = execute(code)
    assert outcome.status == "failed" and reason in outcome.reason
    assert not (folder / "02_tiny.json").exists() and not (folder / "02_tiny.ipynb").exists()


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"profile": "huge"}, "There is no profile 'huge'. Choose one of: smoke, workshop, paper."),
        ({"backend": "theano"}, "There is no backend 'theano'. Choose one of: tensorflow, jax, torch."),
        ({"seed": 2**31}, "There is no seed 2147483648. Choose a whole number from 0 to 2147483647."),
        ({"seed": -1}, "There is no seed -1. Choose a whole number from 0 to 2147483647."),
        ({"data": "fake"}, "There is no data 'fake'. Choose one of: auto, real, phantom."),
        ({"precision": "fp8"}, "There is no precision 'fp8'. Choose one of: auto, bfloat16, float32."),
    ],
)
def test_settings_that_do_not_exist_are_refused_with_those_that_do(settings, text):
    with pytest.raises(ConfigurationError, match=f"^{text}$"):
        Settings(**settings)


def test_a_backend_that_is_not_installed_is_refused():
    with pytest.raises(ConfigurationError, match="'no_such_backend' is not installed"):
        check_backend("no_such_backend")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_run_leaves_no_results_and_no_kernel(tmp_path, number):
    tiny_project.write(
        tmp_path, n02_tiny=f"import os, time\nopen({str(tmp_path / 'kernel')!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)"
    )
    folder = tmp_path / "runs" / "smoke"
    folder.mkdir(parents=True)
    for ending in ("ipynb", "json"):
        (folder / f"02_tiny.{ending}").write_text("{}")
    command = [sys.executable, "-m", "nervekit", "run", "02"]
    # Tests that a shell started in the background inherit that SIGINT is ignored.
    heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, **heard) as process:
        assert wait(lambda: (tmp_path / "kernel").exists() and (tmp_path / "kernel").read_text())
        process.send_signal(number)
        said = process.communicate(timeout=120)[1]
    kernel = int((tmp_path / "kernel").read_text())
    assert wait(lambda: not alive(kernel))
    assert not list(folder.glob("02_tiny*"))
    if number == signal.SIGKILL:
        sources = tiny_project.write(tmp_path, n02_tiny="record.value('a', 1)")
        run.run(sources / "02_tiny.py", Settings(), runs=tmp_path / "runs", stream=io.StringIO())
        assert files(folder) == [".02_tiny.settings", "02_tiny.ipynb", "02_tiny.json"]
    else:
        assert process.returncode == 130 and "interrupted" in said and "Traceback" not in said, said
        assert files(folder) == [".02_tiny.settings"]


def alive(process):
    """Whether it runs; a zombie that nobody waited for does not."""
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
