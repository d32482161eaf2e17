"""The command line: one message and an exit status, never a traceback."""

import json
import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
import tiny_project

from nervekit import arguments, cli, doctor, errors, expected
from nervekit.data import catalog
from nervekit.errors import MissingDataError


@pytest.fixture
def inside(tmp_path, monkeypatch):
    """Work in a project with one tiny notebook."""
    tiny_project.write(tmp_path, n02_tiny="record.value('a', SEED + 1.5)")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["run", "09"], "There is no notebook '09'"),
        (["run", "02", "--profile", "huge"], "There is no profile 'huge'"),
        (["run", "02", "--backend", "theano"], "There is no backend 'theano'"),
        (["run", "--sources", "nowhere"], "There are no notebooks in nowhere"),
        (["check", "--sources", "nowhere"], "There are no notebooks in nowhere"),
        (["check", "--profile", "huge"], "There is no profile 'huge'"),
        (["check"], "nothing to check against"),
        (["report"], "There are no results in"),
        (["expected", "--seeds", "0", "1"], "at least 5 seeds"),
        (["fetch", "liver_of_a_unicorn"], "'liver_of_a_unicorn'"),
    ],
)
def test_what_does_not_exist_is_one_message_and_status_two(inside, capsys, arguments, text):
    assert cli.main(arguments) == 2
    said = capsys.readouterr().err
    assert text in said.splitlines()[-1] and said.splitlines()[-1].startswith("nervekit: ")
    assert "Traceback" not in said


def test_a_place_that_cannot_be_written_is_one_message(inside, capsys):
    (inside / "file").touch()
    assert cli.main(["run", "02", "--runs", "file/runs"]) == 1
    assert capsys.readouterr().err.splitlines()[-1].endswith("Free some space, or name another folder.")


def test_the_surroundings_choose_backend_and_precision_where_nothing_else_is_said(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setenv("NERVEKIT_PRECISION", "float32")
    options = arguments.parser(cli.COMMANDS).parse_args(["run", "02"])
    assert (options.backend, options.precision) == ("jax", "float32")
    options = arguments.parser(cli.COMMANDS).parse_args(["run", "02", "--backend", "tensorflow", "--precision", "bfloat16"])
    assert (options.backend, options.precision) == ("tensorflow", "bfloat16")


def test_expected_then_check_then_a_moved_value(inside, capsys, monkeypatch):
    fake_runs(monkeypatch, lambda seed: 10 + seed)
    assert cli.main(["expected", "--seeds", "0", "1", "2", "3", "4"]) == 0
    assert json.loads((inside / "expected" / "smoke.json").read_text())["keys"]["a"]["center"] == 12
    assert cli.main(["check"]) == 1
    assert "it has not run" in capsys.readouterr().out
    assert cli.main(["run", "02"]) == 0
    assert cli.main(["check"]) == 0
    assert "02_tiny   passed" in capsys.readouterr().out
    fake_runs(monkeypatch, lambda seed: 99)
    cli.main(["run"])
    assert cli.main(["check"]) == 1
    assert "a: 99 is not within" in capsys.readouterr().out


def test_too_few_seeds_are_refused_before_any_runs_unless_provisional(inside, monkeypatch, capsys):
    ran = []
    fake_runs(monkeypatch, lambda seed: ran.append(seed) or 10)
    for seeds in (["0", "1"], ["0", "1", "2", "3", "3"]):
        assert cli.main(["expected", "--seeds", *seeds]) == 2
        assert f"at least 5 seeds; there are {len(set(seeds))}" in capsys.readouterr().err and ran == []
    assert cli.main(["expected", "--seeds", "0", "1", "--provisional"]) == 0 and ran == [0, 1]


def test_finished_seeds_are_taken_only_where_they_ran_as_asked(inside, monkeypatch):
    monkeypatch.delenv("NERVEKIT_PRECISION", raising=False)
    ran = []
    fake_runs(monkeypatch, lambda seed: ran.append(seed) or 10)
    command = ["expected", "--seeds", "0", "1", "--provisional", "--reuse"]
    for asked, number in (([], 2), ([], 2), (["--precision", "float32"], 4), (["--precision", "float32"], 4), ([], 6)):
        assert cli.main([*command, *asked]) == 0 and len(ran) == number
    later = time.time_ns() + 10**9  # as make leaves them when it is stopped before the run that it wrote them for
    os.utime("runs/expected/seed-1/smoke/.02_tiny.settings", ns=(later, later))
    assert cli.main(command) == 0 and ran[6:] == [1]
    fake_runs(monkeypatch, lambda seed: ran.append(seed) or 10, must_exceed=20)
    for asked, status, number in ((["--data", "phantom"], 1, 9), (["--data", "phantom"], 1, 9)):
        assert cli.main([*command, *asked]) == status and len(ran) == number, "a score under its floor is no reason to run again"


def test_more_seeds_are_run_beside_those_that_are_pinned(inside, monkeypatch, capsys):
    fake_runs(monkeypatch, lambda seed: 10 + seed / 10)
    assert cli.main(["expected", "--more", "--seeds", "0", "1", "2", "3", "4"]) == 2
    assert "There is nothing to check against" in capsys.readouterr().err
    assert cli.main(["expected", "--seeds", "0", "1", "2", "3", "4"]) == 0
    assert cli.main(["expected", "--more", "--seeds", "5"]) == 0
    pinned = json.loads(Path("expected/smoke.json").read_text())
    del pinned["seeds"]["02_tiny"][1:]
    Path("few").mkdir()
    Path("few/smoke.json").write_text(json.dumps(pinned))
    monkeypatch.setattr("nervekit.run.run", lambda *given, **named: pytest.fail("it ran"))
    assert cli.main(["expected", "--more", "--expected", "few", "--seeds", "5", "6", "7"]) == 2
    assert "at least 5 seeds; there are 4" in capsys.readouterr().err
    pinned = json.loads(Path("expected/smoke.json").read_text())
    assert pinned["seeds"] == {"02_tiny": [0, 1, 2, 3, 4, 5]} and pinned["keys"]["a"]["spread"][-1] == 10.5


def fake_runs(monkeypatch, value, **facts):
    from nervekit import run

    def fake(source, settings, *, runs, timeout=None, stream=None):
        folder = runs / settings.profile
        folder.mkdir(parents=True, exist_ok=True)
        run.write_settings(source, settings, folder)
        content = tiny_project.result({"a": value(settings.seed)}, seed=settings.seed)
        content["values"]["a"] |= facts
        (folder / "02_tiny.json").write_text(json.dumps(content))
        (folder / "02_tiny.ipynb").write_text("{}")
        return run.Outcome("02_tiny", "done", "", 1.0, 100)

    monkeypatch.setattr(run, "run", fake)


@pytest.mark.parametrize("status", ["failed", "not run"])
def test_a_notebook_that_did_not_run_is_status_one(inside, monkeypatch, status):
    from nervekit import run

    monkeypatch.setattr(run, "run", lambda source, settings, **_: run.Outcome("02_tiny", status, "why", 1.0, 1))
    assert cli.main(["run", "02"]) == 1


def test_missing_data_on_the_command_line_is_one_message(inside, monkeypatch, capsys):
    def fail(*_, **__):
        raise MissingDataError("The address could not be reached.")

    monkeypatch.setattr(catalog, "fetch", fail)
    assert cli.main(["fetch", "femoral"]) == 2
    assert capsys.readouterr().err == "nervekit: The address could not be reached.\n"


def test_data_says_what_is_here(capsys, monkeypatch, tmp_path):
    monkeypatch.delenv("NERVEKIT_DATA", raising=False)
    monkeypatch.setenv("NERVEKIT_CACHE", str(tmp_path))
    assert cli.main(["data"]) == 0
    assert "femoral: not here: nervekit fetch femoral" in capsys.readouterr().out


def test_doctor_vouches_for_no_set_of_which_a_part_may_be_here(capsys, monkeypatch, tmp_path):
    monkeypatch.delenv("NERVEKIT_DATA", raising=False)
    monkeypatch.setenv("NERVEKIT_CACHE", str(tmp_path))
    (tmp_path / "sets" / "3Dircadb1" / "3Dircadb1.17").mkdir(parents=True)
    told = f"ircadb: real, not looked through (nervekit data check ircadb): {tmp_path / 'sets' / '3Dircadb1'}"
    assert cli.main(["data"]) == 0 and f"{told}\n" in capsys.readouterr().out
    lines = [str(finding) for finding in doctor._data()]
    assert lines[0].startswith("note    data femoral: not here. Run: ") and lines[3] == f"OK      data {told}"


def test_help_of_phantom_names_every_set(capsys):
    with pytest.raises(SystemExit):
        cli.main(["phantom", "--help"])
    *others, last = catalog.ENTRIES
    assert f"{', '.join(others)} or {last}" in " ".join(capsys.readouterr().out.split())


def test_the_command_line_starts_without_keras():
    code = "import sys; from nervekit import cli; cli.main(['run', '--list', '--sources', 'x']); print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"keras", "tensorflow", "papermill", "jupytext"} & set(answer.stdout.split())


def test_a_file_that_holds_no_json_is_named_with_what_to_do(inside, capsys):
    (inside / "expected").mkdir()
    (inside / "expected" / "smoke.json").write_text("<<<<<<< HEAD")
    assert cli.main(["check"]) == cli.WRONG_USE
    said = capsys.readouterr().err
    assert "smoke.json holds no JSON" in said and "git checkout" in said


def test_a_file_that_is_not_there_is_no_want_of_space(inside, capsys):
    results = inside / "results" / "workshop"
    results.mkdir(parents=True)
    content = tiny_project.result({"huang_2019.data.images": 562}, profile="workshop", data="real")
    (results / "02_tiny.json").write_text(json.dumps(content))
    assert cli.main(["report", "--readme", "nowhere.md"]) == cli.WRONG_USE
    said = capsys.readouterr().err
    assert "nowhere.md" in said and "Look at the path" in said and "space" not in said


def test_output_that_nobody_reads_is_no_error():
    code = "import sys; from nervekit import cli; sys.exit(cli.main(['data']))"
    answer = subprocess.run(["bash", "-c", f'{sys.executable} -u -c "{code}" | head -1'], capture_output=True, text=True, check=True)
    assert answer.stdout.count("\n") == 1 and answer.stderr == ""
    ours, theirs = os.pipe()
    os.close(ours)
    answer = subprocess.run([sys.executable, "-u", "-c", code], stdout=theirs, stderr=subprocess.PIPE, text=True, check=False)
    os.close(theirs)
    assert (answer.returncode, answer.stderr) == (1, "")


def test_the_report_takes_expected_values_from_beside_the_results_wherever_it_is_called(tmp_path, monkeypatch, capsys):
    key = "huang_2019.test.pooled_iou"
    found = [{key: {"value": value, "low": value - 0.02, "high": value + 0.02}} for value in (0.66, 0.68, 0.70)]
    results = {
        seed: [tiny_project.result(one, profile="workshop", data="real", seed=seed)] for seed, one in enumerate(found)
    }
    committed = tmp_path / "project" / "results" / "workshop"
    committed.mkdir(parents=True)
    (committed / "02_tiny.json").write_text(json.dumps(results[0][0]))
    expected.write(expected.expectations("workshop", results, provisional=True), tmp_path / "project" / "expected")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert cli.main(["report", "--results", "../project/results"]) == 0
    assert "| 0.638 | 0.680 (0.626 to 0.734) | 0.680 (sd 0.020, 3 seeds) |" in (elsewhere / "runs" / "report.md").read_text()
    assert cli.main(["report", "--results", "../project/results", "--expected", "nowhere"]) == 0
    assert "| 0.638 | 0.660 (0.640 to 0.680) | – |" in (elsewhere / "runs" / "report.md").read_text()


def test_doctor_reports_a_broken_package_and_a_broken_backend_and_goes_on(tmp_path, monkeypatch, capsys):
    for name in ("keras", "scipy"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('libbroken.so is missing')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    assert cli.main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "MISSING Keras backend: tensorflow does not work: ImportError: libbroken.so is missing" in said
    assert "MISSING scipy:" in said and "libbroken.so" in said
    assert "OK      matplotlib:" in said and " memory: " in said
    assert said.endswith("Something that is needed is missing; see above.\n")


def test_doctor_looks_at_every_package_that_the_course_needs():
    project = tomllib.loads((tiny_project.ROOT / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["run"]]
    assert {line.split(">=")[0] for line in needed} == {*doctor.PACKAGES, "keras"}  # Keras has a line of its own
    assert set(doctor.RUNNER) == {line.split(">=")[0] for line in project["optional-dependencies"]["run"]}


@pytest.mark.parametrize(("place", "colab", "mark"), [
    ("", None, "MISSING"), ("notebooks", None, "MISSING"), ("", "release-colab_20260801", "note"), ("..", None, "note"),
])  # fmt: skip
def test_what_only_the_runner_needs_is_needed_in_the_folder_of_the_course_alone(inside, monkeypatch, place, colab, mark):
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)
    if colab:
        monkeypatch.setenv("COLAB_RELEASE_TAG", colab)
    monkeypatch.chdir(inside / place)
    monkeypatch.setattr(doctor.metadata, "requires", lambda name: ['psutil>=2.1; extra == "run"', "numpy>=2.1"])

    def missing(name):
        raise doctor.metadata.PackageNotFoundError(name)

    for version, imported, found in (
        (missing, "an error", "not installed"), (lambda name: "1.9", "works", "1.9, but 2.1 or newer is needed"),
        (lambda name: "2.5", "an error", "2.5: an error"),
    ):  # fmt: skip
        monkeypatch.setattr(doctor.metadata, "version", version)
        for name, told in (("psutil", mark), ("numpy", "MISSING")):
            assert str(doctor._package(name, imported)).startswith(f"{told:8}{name}: {found}. Run: ")


@pytest.mark.parametrize(("version", "line"), [
    ((3, 10, 9), "MISSING Python: 3.10.9. Install Python 3.11 to 3.13"), ((3, 11, 0), "OK      Python: 3.11.0"),
    ((3, 13, 5), "OK      Python: 3.13.5"), ((3, 14, 0), "note    Python: 3.14.0. Install Python 3.11 to 3.13"),
])  # fmt: skip
def test_doctor_knows_the_pythons_that_were_tried(monkeypatch, version, line):
    monkeypatch.setattr(doctor, "sys", SimpleNamespace(version_info=version))
    assert str(doctor._python()) == line


@pytest.mark.parametrize(("gib", "line"), [
    (3.5, "MISSING memory: 3.5 GiB. 4 GiB are needed; use JOBS=1"),
    (4, "note    memory: 4.0 GiB. Smoke runs two notebooks at once, which takes 6 GiB; use JOBS=1"),
    (5.5, "note    memory: 5.5 GiB. Smoke runs two notebooks at once, which takes 6 GiB; use JOBS=1"),
    (5.8, "OK      memory: 5.8 GiB"), (16, "OK      memory: 16.0 GiB"),
])  # fmt: skip
def test_doctor_knows_how_much_memory_two_notebooks_take(monkeypatch, gib, line):
    facts = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": int(gib * 2**18)}
    monkeypatch.setattr(doctor, "os", SimpleNamespace(sysconf=facts.get))
    assert str(doctor._memory()) == line


def test_advice_can_be_pasted_where_a_folder_has_a_space_in_its_name(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/my own/bin/python")
    assert errors.command("nervekit doctor") == "'/my own/bin/python' -m nervekit doctor"


@pytest.mark.parametrize(
    ("probe", "flags", "line"),
    [
        (("tensorflow", "", True), ["avx512_bf16"], "OK      bfloat16: this processor has avx512_bf16"),
        (("tensorflow", "", False), [], "note    bfloat16: none in this processor that the system lists. float32"),
        (("jax", "", False), ["avx512_bf16"], "note    bfloat16: this processor has avx512_bf16, of no use to jax. float32"),
        (("torch", "gpu", True), [], "OK      bfloat16: this GPU multiplies it natively"),
        (("torch", "gpu", False), ["avx512_bf16"], "note    bfloat16: this GPU does not multiply it natively. float32"),
        (("jax", "tpu", True), [], "OK      bfloat16: this TPU multiplies it natively"),
    ],
)
def test_doctor_says_of_bfloat16_what_training_decides(monkeypatch, probe, flags, line):
    monkeypatch.setattr(doctor.processor, "bfloat16_instructions", lambda: flags)
    backend, accelerator, native = probe
    facts = {"backend": backend, "gpu": accelerator == "gpu", "tpu": accelerator == "tpu", "bfloat16": native}
    found = doctor._bfloat16(facts)
    assert str(found).startswith(line)


@pytest.fixture
def imitate(tmp_path, monkeypatch):
    """Let the process that doctor starts find an imitation of Keras on PyTorch, imported at once, and other modules like it."""

    def write(*, device="cpu", version="99.0", **others):
        keras = (
            f"__version__, config = {version!r}, Space(backend=lambda: 'torch')\n"
            f"ops = Space(zeros=lambda shape: Space(device={device!r}))"
        )
        for name, code in {"keras": keras, **others}.items():
            (tmp_path / f"{name}.py").write_text(f"from types import SimpleNamespace as Space\n{code}\n")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return write


def test_doctor_asks_training_itself(imitate):
    """Of a processor, as the device is called, the line would be another."""
    told = "from nervekit import precision\nprecision.has_gpu = lambda: True\nprecision.has_bfloat16 = lambda: False"
    imitate(device="cpu", sitecustomize=told)
    assert str(list(doctor._backend())[-1]).startswith("note    bfloat16: this GPU does not multiply it natively")


def test_doctor_names_the_device_on_which_keras_computes_under_torch(imitate):
    """As on a Mac: there is no CUDA, and what Keras makes lies on the GPU of Apple."""
    imitate(device="mps:0", torch="cuda = Space(is_available=lambda: False, device_count=lambda: 0)")
    lines = [str(finding) for finding in doctor._backend()]
    assert lines[:2] == ["OK      Keras backend: torch under Keras 99.0", "OK      devices: mps:0"]


def test_doctor_asks_of_the_backend_that_runs_take_whatever_the_settings_of_keras_say(imitate, monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    imitate(keras="import os\n__version__, config = '99.0', Space(backend=lambda: os.environ.get('KERAS_BACKEND', 'from its settings'))\n"
                  "distribution = Space(list_devices=lambda: ['cpu:0'])")  # fmt: skip
    assert str(next(doctor._backend())) == "OK      Keras backend: tensorflow under Keras 99.0"


def test_doctor_says_when_keras_is_older_than_is_needed(imitate):
    imitate(version="3.1.0")
    (finding,) = doctor._backend()
    assert str(finding).startswith("MISSING Keras backend: Keras 3.1.0, but 3.13 or newer is needed. Run: ")


def test_doctor_says_ready_when_nothing_needed_is_missing(monkeypatch, capsys):
    findings = [doctor.Finding("memory", True, "8 GiB"), doctor.Finding("devices", False, "cpu:0", "slow", False)]
    monkeypatch.setattr(doctor, "examine", lambda: findings)
    assert cli.main(["doctor"]) == 0
    assert capsys.readouterr().out == "OK      memory: 8 GiB\nnote    devices: cpu:0. slow\nThis machine is ready.\n"


def test_a_package_that_is_too_old_is_missing(monkeypatch):
    monkeypatch.setattr(doctor.metadata, "version", lambda name: "1.9")
    monkeypatch.setattr(doctor.metadata, "requires", lambda name: ["numpy>=2.1", 'jax>=0.5; extra == "jax"'])
    found = doctor._package("numpy", "works")
    assert not found.ok and "2.1 or newer is needed" in found.found
    assert "pip install --force-reinstall 'numpy>=2.1'" in found.advice
