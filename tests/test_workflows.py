"""What .github/workflows runs: every Python that README names, and every command that it promises."""

import os
import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent


def jobs(workflow):
    return yaml.safe_load((ROOT / ".github" / "workflows" / f"{workflow}.yml").read_text(encoding="utf-8"))["jobs"]


def commands(workflow):
    return [step["run"].strip() for job in jobs(workflow).values() for step in job["steps"] if "run" in step]


def readme():
    return (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_python_that_is_named_is_in_the_matrix():
    job = jobs("ci")["notebooks"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert "${{ matrix.python }}" in [step.get("with", {}).get("python-version") for step in job["steps"]]
    assert re.findall(r"Python (3\.\d+) to (3\.\d+)", readme()) == [("3.11", "3.13")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">=3.11"


@pytest.mark.parametrize(("script", "command"), [(".ci/run", "make run-all"), (".ci/lab", "make lab")])
def test_both_commands_at_the_top_of_readme_are_run_on_every_python(script, command):
    assert re.search(rf"^{command} +#", readme(), re.MULTILINE)
    assert script in [step.get("run") for step in jobs("ci")["notebooks"]["steps"]]
    assert os.access(ROOT / script, os.X_OK)
    assert re.search(rf"^(env -u \w+ )?{command}\b", (ROOT / script).read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize(
    ("workflow", "command"), [("ci", "make oldest"), ("slow", "make slow"), ("paper", "make run-all PROFILE=paper")]
)
def test_what_else_readme_promises_is_a_step(workflow, command):
    assert f"`{command}`" in readme()
    assert any(re.match(rf"{command}\b", step) for step in commands(workflow))
