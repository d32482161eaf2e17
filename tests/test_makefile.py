"""make run-all as the graph of runs, on tiny notebooks and without making an environment."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import tiny_project

from nervekit import expected

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")


@pytest.fixture
def project(tmp_path):
    """A folder with the Makefile whose environment is this one; a function that calls make there."""
    tiny_project.with_makefile(tmp_path)

    def make(*arguments):
        command = ["make", *arguments]
        return subprocess.run(
            command,
            cwd=tmp_path,
            env=tiny_project.environment(),
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
    for name in ("01", "01_good", "01_good.py", "notebooks/01_good.ipynb"):
        again = make("run-all", f"NOTEBOOKS={name}")
        assert again.stderr == "" and "1 of 1 notebooks are as they should be." in again.stdout, name


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
    assert make("run-all").stderr.count("started") == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["PROFILE=huge"], "There is no profile 'huge'. Choose one of: smoke, workshop, paper."),
        (["BACKEND=theano"], "There is no backend 'theano'"),
        (["PRECISION=fp8"], "There is no precision 'fp8'"),
        (["NOTEBOOKS=01 99"], "There is no notebook '99'"),
        (["DATA=fake"], "There is no data 'fake'"),
    ],
)
def test_run_all_refuses_what_does_not_exist_before_it_runs_anything(project, arguments, text):
    folder, make = project
    tiny_project.write(folder, n01_good="record.value('a', 1)")
    answer = make("run-all", *arguments)
    assert answer.returncode != 0 and text in answer.stderr and "Traceback" not in answer.stderr
    assert not (folder / "runs").exists()


def test_an_old_python_is_refused_with_advice(project):
    folder, make = project
    old = folder / "python3.8"
    old.write_text(f'#!/bin/sh\nexec {sys.executable} -c "import sys; sys.version_info = (3, 8); $2"\n')
    old.chmod(0o755)
    (folder / ".venv" / ".ready").unlink()
    answer = make("lint", "PYTHON=./python3.8")
    assert answer.returncode != 0 and "needs Python 3.11 or newer" in answer.stderr


def conda():
    """Version and comment of each pin of environment.yml."""
    pattern = re.compile(r"^ +- ([\w-]+)==([\w.]+)(?: # (.+))?$", re.MULTILINE)
    return {name: (version, comment) for name, version, comment in pattern.findall((ROOT / "environment.yml").read_text())}


def required():
    """Lower bound of each requirement of pyproject.toml, without the extras that nobody needs to run the course."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = list(project["dependencies"])
    for extra in ("tensorflow", "run", "dev"):
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
    assert dict(line.split("==") for line in listed.stdout.split()) == required()
