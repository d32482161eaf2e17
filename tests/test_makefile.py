"""make run-all as the graph of runs, on tiny notebooks and without making an environment."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import tiny_project
from shortened import slow

from nervekit import expected, report
from nervekit.data.entries import FEMORAL
from nervekit.settings import Settings

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")


@pytest.fixture
def project(tmp_path):
    """A folder with the Makefile whose environment is this one; a function that calls make there."""
    tiny_project.with_makefile(tmp_path)

    def make(*arguments, cwd=tmp_path, **environment):
        command = ["make", *arguments]
        return subprocess.run(
            command,
            cwd=cwd,
            env=tiny_project.environment(**environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return tmp_path, make


def test_run_all_goes_on_where_it_stopped_and_runs_again_what_changed(project):
    folder, make = project
    tiny_project.write(folder, n01_good="record.value('a', 1)", n02_bad="1 / 0")
    entries = {"a": {"notebook": "01_good", "center": 1, "tolerance": 0}}
    expected.write({"profile": "smoke", "data": {}, "keys": entries}, folder / "expected")

    first = make("run-all", "JOBS=2")
    assert first.returncode != 0
    assert "01_good   passed" in first.stdout and "02_bad    failed" in first.stdout
    assert "1 of 2 notebooks are as they should be." in first.stdout
    done = (folder / "runs/smoke/01_good.ipynb").stat().st_mtime_ns

    tiny_project.write(folder, n02_bad="print(1)")
    second = make("run-all")
    assert second.returncode == 0, second.stdout + second.stderr
    assert (folder / "runs/smoke/01_good.ipynb").stat().st_mtime_ns == done
    assert "2 of 2 notebooks are as they should be." in second.stdout

    command = [sys.executable, "-m", "nervekit", "run", "01", "--seed", "3"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    third = make("run-all")
    assert third.returncode == 0
    assert "01_good: done" in third.stderr and "02_bad" not in third.stderr
    again = make("run-all", "NOTEBOOKS=notebooks/01_good.ipynb")
    assert again.stderr == "" and "1 of 1 notebooks are as they should be." in again.stdout


def test_a_notebook_is_named_by_number_name_or_path(project):
    folder, make = project
    tiny_project.write(folder, n01_good="record.value('a', 1)", n02_other="record.value('b', 1)")
    (folder / "show.mk").write_text("show:\n\t@echo $(NAMES)\n")
    for name in ("01", "01_good", "01_good.py", "notebooks/01_good.ipynb"):
        assert make("-f", "Makefile", "-f", "show.mk", "show", f"NOTEBOOKS={name}").stdout == "01_good\n", name


def test_notebook_10_runs_after_all_others_even_if_one_fails(project):
    folder, make = project
    count = """import os
from pathlib import Path
left = sorted(path.stem for path in Path(os.environ["NERVEKIT_RUN_FOLDER"]).glob("0*.json"))
record.value("seen", len(left))"""
    slow = "import time\ntime.sleep(1)\nrecord.value('a', 1)"
    tiny_project.write(folder, n01_slow=slow, n02_bad="1 / 0", n10_report=count)

    def seen():
        return json.loads((folder / "runs/smoke/10_report.json").read_text())["values"]["seen"]["value"]

    make("run-all", "JOBS=2")
    assert seen() == 2 and (folder / "runs/smoke/02_bad.failed.json").exists()
    tiny_project.write(folder, n02_bad="record.value('b', 1)")
    said = make("run-all", "JOBS=2").stderr
    assert "01_slow" not in said and said.index("02_bad: done") < said.index("10_report: started")
    tiny_project.write(folder, n02_bad="1 / 0")
    said = make("run-all").stderr
    assert said.index("02_bad: failed") < said.index("10_report: started") and seen() == 2


@slow
def test_notebooks_side_by_side_share_the_cores(project):
    folder, make = project
    told = {"torch": "OMP_NUM_THREADS", "tensorflow": "TF_NUM_INTRAOP_THREADS"}
    source = [f"record.value('{backend}', int(os.environ.get('{name}') or 0))" for backend, name in told.items()]
    tiny_project.write(folder, n01_threads="\n".join(["import os", *source]))
    (folder / ".venv" / ".ready-torch").touch()
    (folder / "torch.py").touch()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    unsaid = dict.fromkeys(told.values(), "")
    for options, environment, threads in (
        (["BACKEND=torch", f"JOBS={2 * cores}"], {}, {"torch": 1, "tensorflow": 0}),
        (["BACKEND=torch", "JOBS=1", "SEED=1"], {}, {"torch": cores, "tensorflow": 0}),
        (["BACKEND=torch", "SEED=2"], {"OMP_NUM_THREADS": "3"}, {"torch": 3, "tensorflow": 0}),
        ([f"JOBS={2 * cores}"], {}, {"torch": 0, "tensorflow": 1}),
        (["SEED=3"], {"TF_NUM_INTRAOP_THREADS": "5"}, {"torch": 0, "tensorflow": 5}),
    ):
        answer = make("results", *options, **(unsaid | environment))
        assert answer.returncode == 0, answer.stderr
        values = json.loads((folder / "runs/smoke/01_threads.json").read_text())["values"]
        assert {backend: values[backend]["value"] for backend in told} == threads, options


def test_a_set_that_was_fetched_since_runs_again_what_takes_it_but_not_smoke(project):
    folder, make = project
    tiny_project.write(folder, n01_other="record.value('a', 1)", n02_unet="name = \"femoral\"\nrecord.value('b', 1)")
    surroundings = {"NERVEKIT_DATA": "", "NERVEKIT_CACHE": str(folder / "cache")}

    def run():
        return make("run-all", "PROFILE=workshop", "NOTEBOOKS=02", **surroundings).stderr

    def settings(name, *arguments, profile="workshop"):
        assert make("settings", f"PROFILE={profile}", *arguments, **surroundings).returncode == 0
        return (folder / "runs" / profile / f".{name}.settings").read_text()

    without = "backend=tensorflow precision=auto data= seed=0 NERVEKIT_DATA=\n"
    assert "02_unet: done" in run() and run() == ""
    assert settings("02_unet") == settings("02_unet", profile="smoke") == without
    (folder / "cache" / "sets" / FEMORAL.name / "trainset" / "images").mkdir(parents=True)
    assert "02_unet: done" in run() and run() == ""
    assert settings("02_unet") != without
    assert settings("01_other") == settings("02_unet", profile="smoke") == without
    assert settings("02_unet", "DATA=phantom") == without.replace("data=", "data=phantom")


def test_a_patient_that_came_since_runs_again_what_takes_the_ct_set(tmp_path, monkeypatch):
    source, patients = tmp_path / "08_liver.py", tmp_path / "ct"
    source.write_text('name = "ircadb"\n')
    monkeypatch.setenv("NERVEKIT_DATA", str(patients))

    def at_hand():
        return Settings("workshop").line(source).split()[-1]

    (patients / "3Dircadb1.1" / "PATIENT_DICOM").mkdir(parents=True)
    assert at_hand() == "ircadb=real,1"
    (patients / "3Dircadb1.17.zip").touch()
    assert at_hand() == "ircadb=real,1,17"
    (patients / "3Dircadb1.17" / "PATIENT_DICOM").mkdir(parents=True)
    assert at_hand() == "ircadb=real,1,17"
    (patients / "3Dircadb1.1" / "PATIENT_DICOM").rmdir()
    (patients / "3Dircadb1.1").rmdir()
    assert at_hand() == "ircadb=real,17"


def test_a_moved_project_gets_its_own_code_and_a_lost_python_a_new_environment(project):
    folder, make = project
    assert make(".venv/.ready").returncode == 0 and not (folder / "pip.log").exists()
    moved = folder.rename(folder.parent / f"{folder.name} it's moved")
    log = moved / "pip.log"
    assert make(".venv/.ready", f"PYTHON={sys.executable}", cwd=moved).returncode == 0
    assert log.read_text().splitlines()[-1] == "-m pip install --quiet --no-deps --no-build-isolation --editable ."
    log.unlink()
    assert make(".venv/.ready", cwd=moved).returncode == 0 and not log.exists()

    python, gone = moved / ".venv/bin/python", moved / "gone"
    python.rename(gone)
    python.symlink_to("no_such_python")
    maker = moved / "maker"
    make_venv = '[ "$*" = "-m venv --clear .venv" ] && exec mv gone .venv/bin/python'
    maker.write_text(f'#!/bin/sh\n{make_venv}\nexec {sys.executable} "$@"\n')
    maker.chmod(0o755)
    assert make(".venv/.ready", "PYTHON=./maker", cwd=moved).returncode == 0
    assert not gone.exists() and "--editable ." in log.read_text()


def test_an_environment_made_elsewhere_is_used_as_it_is(project):
    """Such as that of conda: VENV names it."""
    folder, make = project
    elsewhere = folder / "conda"
    (folder / ".venv").rename(elsewhere)
    (elsewhere / ".ready").unlink()
    assert make(f"{elsewhere}/.ready", f"VENV={elsewhere}", f"PYTHON={sys.executable}").returncode == 0
    assert (elsewhere / ".ready").exists() and not (folder / ".venv").exists()
    assert "--editable ." in (folder / "pip.log").read_text()


def test_results_depend_on_every_file_of_the_package_but_those_that_only_run_check_and_report():
    show = "show:\n\t@echo $(PACKAGE) $(ALONGSIDE:%=nervekit/%.py)\n"
    command = ["make", "--no-print-directory", "-f", "Makefile", "-f", "-", "show"]
    said = subprocess.run(
        command, cwd=ROOT, env=tiny_project.environment(), input=show, capture_output=True, text=True, check=True
    )
    there = [path for path in (ROOT / "nervekit").rglob("*") if path.suffix in (".py", ".toml", ".csv")]
    assert len(there) > 100 and {str(path.relative_to(ROOT)) for path in there} <= set(said.stdout.split())


def test_what_results_depend_on_imports_nothing_of_what_only_runs_checks_and_reports():
    """And what such modules alone import is one of them; notebook 10, which reports, is made anew by a rule of its own."""
    (line,) = (line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith("ALONGSIDE := "))
    alongside = set(line.split()[2:])
    files = {str(path.relative_to(ROOT / "nervekit")): path for path in (ROOT / "nervekit").rglob("*.py")}
    files |= {path.name: path for path in (ROOT / "notebooks" / "source").glob("*.py") if path.name[:2] != "10"}
    modules = {path.stem for path in (ROOT / "nervekit").glob("*.py")} - {"__init__", "__main__"}
    users = {module: set() for module in modules}
    for name, path in files.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "nervekit":
                for module in {alias.name for alias in node.names} & modules:
                    users[module].add(name.removesuffix(".py"))
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nervekit."):
                users.get(node.module.split(".")[1], set()).add(name.removesuffix(".py"))
    for module in modules:
        if module in alongside:
            assert not users[module] - alongside, module
        else:
            assert users[module] - alongside, module


def test_lab_hands_on_where_data_lies_and_which_backend_is_asked_for(project):
    """Notebooks run one folder below, where a relative path would name something else."""
    folder, make = project
    (folder / "jupyterlab.py").write_text(
        "import os\nfor name in ('NERVEKIT_DATA', 'KERAS_BACKEND', 'NERVEKIT_PRECISION'):\n    print(os.environ.get(name))\n"
    )
    for name in ("my data", "nowhere.zip", "Ann's $HOME"):
        answer = make("lab", "PRECISION=float32", NERVEKIT_DATA=name)
        assert answer.stdout.split("\n")[-4:] == [str(folder.resolve() / name), "tensorflow", "float32", ""], answer.stderr


def test_expected_runs_every_seed_once_and_pins_what_they_gave(project):
    folder, make = project
    tiny_project.write(folder, n01_good="record.value('a', SEED)")
    answer = make("expected")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    pinned = json.loads((folder / "expected" / "smoke.json").read_text())
    assert pinned["keys"]["a"]["center"] == 2000 and pinned["seeds"] == {"01_good": [0, 1000, 2000, 3000, 4000]}
    assert [answer.stderr.count(f"01_good: {what}") for what in ("started", "done")] == [5, 5]
    assert make("expected", "SEEDS=5000", "MORE=1").returncode == 0
    pinned = json.loads((folder / "expected" / "smoke.json").read_text())
    assert pinned["keys"]["a"]["center"] == 2500 and pinned["seeds"] == {"01_good": [0, 1000, 2000, 3000, 4000, 5000]}


def test_too_few_seeds_are_refused_before_any_of_them_runs(project):
    folder, make = project
    tiny_project.write(folder, n01_good="record.value('a', 1)")
    answer = make("expected", "SEEDS=0 1 2 3 3")
    assert answer.returncode != 0 and "at least 5 seeds; SEEDS has 4" in answer.stderr and "--runs runs/expected --backend tensorflow" in answer.stderr and not (folder / "runs").exists()


def test_a_notebook_that_is_mistyped_pins_nothing(project):
    folder, make = project
    tiny_project.write(folder, n01_good="record.value('a', 1)")
    answer = make("expected", "NOTEBOOKS=01 9")
    assert answer.returncode != 0 and "There is no notebook '9'" in answer.stderr
    assert not (folder / "runs").exists() and not (folder / "expected").exists()


def test_a_notebook_that_is_gone_is_missed_where_it_is_pinned(project):
    folder, make = project
    tiny_project.write(folder, n01_good="record.value('a', 1)")
    entries = {key: {"notebook": name, "center": 1, "tolerance": 0} for key, name in (("a", "01_good"), ("b", "02_gone"))}
    expected.write({"profile": "smoke", "data": {}, "keys": entries}, folder / "expected")
    assert make("run-all", "NOTEBOOKS=01").returncode == 0
    answer = make("run-all")
    assert answer.returncode != 0 and "02_gone: it has not run" in answer.stdout


def test_a_result_that_a_power_cut_spoilt_is_made_again(project):
    folder, make = project
    tiny_project.write(folder, n01_good="record.value('a', 1)")
    assert make("results").returncode == 0
    (folder / "runs/smoke/01_good.json").write_text("")
    assert "01_good: done" in make("results").stderr
    assert json.loads((folder / "runs/smoke/01_good.json").read_text())["values"]["a"]["value"] == 1
    assert make("results").stderr == ""


def test_report_writes_the_committed_page_unless_a_profile_is_named_and_clean_removes_it(project):
    folder, make = project
    content = tiny_project.result({"huang_2019.data.images": 562}, profile="workshop", data="real")
    committed = folder / "results" / "workshop" / "02_tiny.json"
    committed.parent.mkdir(parents=True)
    committed.write_text(json.dumps(content))
    (folder / "README.md").write_text(f"{report.BEGIN}\n{report.END}\n")
    answer = make("report")
    assert answer.stdout == "runs/report.md\nREADME.md: brought up to date\n", answer.stderr
    assert make("report", "PROFILE=smoke").stdout == "runs/smoke/report.md\nREADME.md: is up to date\n"
    assert make("report", PROFILE="paper").stdout.startswith("runs/paper/report.md\n")
    (folder / "notebooks" / "runs").mkdir(parents=True)
    for name in ("nervekit", "tests"):
        (folder / name).mkdir()
    elsewhere = folder / "scratch"
    (elsewhere / "smoke").mkdir(parents=True)
    (elsewhere / "mine").touch()
    assert make("clean", f"RUNS={elsewhere}").returncode == 0 and list(elsewhere.iterdir()) == [elsewhere / "mine"]
    assert make("clean").returncode == 0
    assert not (folder / "runs").exists() and not (folder / "notebooks" / "runs").exists() and committed.exists()


def test_a_file_of_the_name_of_a_target_does_not_silence_it(project):
    folder, make = project
    (folder / "checked").touch()
    assert " -m nervekit check " in make("checked", "--just-print").stdout
    text = (ROOT / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    targets = set(re.findall(r"^([\w-]+):(?!=)", text, re.MULTILINE))
    assert {"help", "checked", "run-all"} <= targets <= set(phony.split())


def test_the_oldest_versions_are_tested_with_the_python_that_is_asked_for(project):
    assert "python3.11 .ci/oldest" in project[1]("oldest", "--just-print", "PYTHON=python3.11").stdout


def test_slow_runs_every_test_that_is_shortened_elsewhere(project):
    tests = ROOT.glob("tests/**/test_*.py")
    shortened = {str(path.relative_to(ROOT)) for path in tests if "\nfrom shortened import " in path.read_text()}
    commands = project[1]("slow", "--just-print").stdout.replace("\\\n", "").splitlines()
    (line,) = [line for line in commands if "pytest" in line]
    assert line.startswith("NERVEKIT_SLOW=1 ")
    assert {part for part in line.split() if part.startswith("tests/")} == shortened


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["PROFILE=huge"], "There is no profile 'huge'. Choose one of: smoke, workshop, paper."),
        (["BACKEND=theano"], "There is no backend 'theano'"),
        (["PRECISION=fp8"], "There is no precision 'fp8'"),
        (["NOTEBOOKS=01 99"], "There is no notebook '99'"),
        (["DATA=fake"], "There is no data 'fake'"),
        (["SEED=-1"], "There is no seed -1"),
    ],
)
def test_run_all_refuses_what_does_not_exist_before_it_runs_anything(project, arguments, text):
    folder, make = project
    tiny_project.write(folder, n01_good="record.value('a', 1)")
    answer = make("run-all", *arguments)
    assert answer.returncode != 0 and text in answer.stderr and "Traceback" not in answer.stderr
    assert not (folder / "runs").exists()


@pytest.mark.parametrize("version", ["3, 8", "3, 14"])
def test_a_python_that_the_lock_has_no_packages_for_is_refused_with_advice(project, version):
    folder, make = project
    other = folder / "python-of-another-time"
    other.write_text(f'#!/bin/sh\nexec {sys.executable} -c "import sys; sys.version_info = ({version}); $2"\n')
    other.chmod(0o755)
    answer = make("lint", f"PYTHON=./{other.name}", "VENV=fresh")
    assert answer.returncode != 0 and "needs Python 3.11 to 3.13" in answer.stderr and "Try: make PYTHON=" in answer.stderr


def test_a_folder_that_is_no_environment_is_never_emptied(project):
    folder, make = project
    (folder / "mine").mkdir()
    (folder / "mine" / "thesis.txt").write_text("years of work")
    answer = make("lint", "VENV=mine")
    assert answer.returncode != 0 and "VENV=mine is there and is no Python environment" in answer.stderr
    assert (folder / "mine" / "thesis.txt").read_text() == "years of work"


def test_a_conda_environment_is_never_emptied(project):
    folder, make = project
    (folder / ".venv" / "conda-meta").mkdir()
    (folder / ".venv" / ".ready").unlink()
    python = folder / ".venv" / "bin" / "python"
    python.write_text("#!/bin/sh\nexit 1\n")
    answer = make("lint", f"PYTHON={sys.executable}")
    assert answer.returncode != 0 and "make this conda environment anew from environment.yml" in answer.stderr
    assert python.exists() and (folder / ".venv" / "conda-meta").is_dir()


def conda():
    """Version and comment of each pin of environment.yml."""
    pattern = re.compile(r"^ +- ([\w-]+)==([\w.]+)(?: # (.+))?$", re.MULTILINE)
    found = pattern.findall((ROOT / "environment.yml").read_text())
    pins = {name: (version, comment) for name, version, comment in found}
    assert len(pins) == len(found), "a package is pinned twice"
    return pins


def required(extras=("tensorflow", "run", "dev")):
    """Lower bound of each requirement of pyproject.toml, by default without the extras that nobody needs to run the course."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = list(project["dependencies"])
    for extra in extras:
        listed += [line for line in project["optional-dependencies"][extra] if not line.startswith("nervekit[")]
    return dict(line.split(">=") for line in listed)


def numbers(version):
    return [int(part) for part in version.split(".")]


def test_the_conda_environment_has_the_versions_of_the_lock():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    locked = dict(line.split(";")[0].strip().split("==") for line in lines if not line.startswith("#"))
    pins = conda()
    assert {name: locked.get(name) for name in pins} == {name: version for name, (version, _) in pins.items()}


def test_the_conda_environment_pins_every_requirement_once_and_says_what_for():
    assert sorted(conda()) == sorted(required())
    assert all(comment for _, comment in conda().values())


def test_no_pin_is_below_its_lower_bound():
    assert not [name for name, (version, _) in conda().items() if numbers(version) < numbers(required()[name])]


def test_the_oldest_versions_are_the_lower_bounds():
    listed = subprocess.run([sys.executable, ROOT / ".ci" / "oldest", "--list"], capture_output=True, text=True, check=True)
    tested = required(("tensorflow", "jax", "cluster", "onnx", "run", "dev"))
    assert dict(line.split("==") for line in listed.stdout.split()) == tested
