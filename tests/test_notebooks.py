"""The notebooks of the course: in step with their sources, well formed, pinned outputs true; and the rules themselves."""

import json
import os
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import nbformat
import pytest
import tiny_project

from nervekit import colab, notebooks
from nervekit.errors import ConfigurationError

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / notebooks.SOURCES).glob("*.py"))
each_source = pytest.mark.parametrize("source", SOURCES, ids=[source.stem for source in SOURCES])


@each_source
def test_notebook_is_well_formed_and_in_step_with_its_source(source):
    problems = notebooks.lint(source, ROOT / "notebooks" / f"{source.stem}.ipynb")
    assert not problems, "\n".join(problems)


def test_every_notebook_has_a_source():
    assert {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")} <= {source.stem for source in SOURCES}


def test_readme_names_every_notebook_and_links_to_it():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d\d) \| \[[^]]+\]\(notebooks/([^)]+)\.ipynb\) (?:\|[^|\n]+){3}\|$", text, re.MULTILINE)
    assert rows == [(path.stem[:2], path.stem) for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]


def test_readme_has_the_minutes_that_the_pinned_smoke_runs_took():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| \d\d \| \[[^]]+\]\(notebooks/([^)]+)\.ipynb\) \| (< 1|\d+) \|", text, re.MULTILINE))
    seconds = json.loads((ROOT / "expected" / "smoke.json").read_text(encoding="utf-8"))["seconds"]
    assert told.keys() == seconds.keys()
    for notebook, minutes in told.items():
        assert seconds[notebook] < 60 if minutes == "< 1" else abs(seconds[notebook] / 60 - int(minutes)) < 0.6, notebook


def test_the_map_of_the_course_names_every_notebook():
    """With the minutes to read that the notebook itself names; 00 holds the map and is not in it."""
    texts = {source.stem[:2]: source.read_text(encoding="utf-8") for source in SOURCES}
    told = re.findall(r"^# \| (\d\d) [^|]*\| (\d+) \|", texts.pop("00"), re.MULTILINE)
    assert told == [
        (number, minutes)
        for number, text in texts.items()
        for minutes in re.findall(r"^# \*\*Time:\*\* (\d+) minutes to read", text, re.MULTILINE)
    ]
    assert len(told) == len(texts)


@each_source
def test_pinned_outputs_come_out_again(source, tmp_path):
    path = ROOT / "notebooks" / f"{source.stem}.ipynb"
    notebook = nbformat.read(path, as_version=4) if path.exists() else nbformat.v4.new_notebook()
    if not any("pinned" in notebooks.tags(cell) for cell in notebook.cells):
        pytest.skip("no pinned cells")
    assert_nbval_passes(notebook, tmp_path)


def assert_nbval_passes(notebook, folder):
    nbformat.write(notebooks.pinned_copy(notebook), folder / "pinned.ipynb")
    # As in conftest.py: two seconds.
    quick = "import sys; sys.modules['rfc3987_syntax'] = None; import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    command = [sys.executable, "-c", quick, "--nbval-lax", "--nbval-current-env", "-q", "-p", "no:cacheprovider"]
    # Keras 3.13 looks for np.object, and numpy 2.1 warns.
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore:In the future `np.object`:FutureWarning"}
    environment = {**os.environ, **quiet}
    answer = subprocess.run(
        [*command, "--rootdir", str(folder), "-c", os.devnull, "pinned.ipynb"],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )
    assert answer.returncode == 0, answer.stdout


PINNED = """import time
total = 1 + 1

# %% [markdown]
# Slow work that nothing pinned needs.

# %%
raise RuntimeError("slow work was run")

# %% [markdown]
# A pinned number.

# %% tags=["pinned"]
print("profile", PROFILE)
6 * 7
"""


@pytest.fixture
def tiny(tmp_path):
    """A source with a pinned cell, and where its notebook goes."""
    source = tiny_project.write(tmp_path, n02_tiny=PINNED) / "02_tiny.py"
    return source, tmp_path / "notebooks" / "02_tiny.ipynb"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A source with a pinned cell and its notebook, made once: running the pinned cell starts a kernel."""
    folder = tmp_path_factory.mktemp("made")
    notebooks.sync(tiny_project.write(folder, n02_tiny=PINNED) / "02_tiny.py", folder / "notebooks" / "02_tiny.ipynb")
    return folder


@pytest.fixture
def synced(made, tmp_path):
    """A copy of both, with their times of writing, by which sync tells an edit."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path / "notebooks" / "source" / "02_tiny.py", tmp_path / "notebooks" / "02_tiny.ipynb"


def test_sync_keeps_the_outputs_of_pinned_cells_alone(tiny):
    source, notebook = tiny
    assert notebooks.sync(source, notebook)
    assert notebooks.lint(source, notebook) == []
    assert not notebooks.sync(source, notebook)
    read = nbformat.read(notebook, as_version=4)
    outputs = {index: cell.outputs for index, cell in enumerate(read.cells) if cell.get("outputs")}
    ((index, (printed, shown)),) = outputs.items()
    assert notebooks.tags(read.cells[index]) == ["pinned"]
    assert printed.text == "profile smoke\n" and shown.data["text/plain"] == "42"
    assert read.metadata.kernelspec == {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.validate(read)


def test_nbval_passes_true_pins_and_fails_false_ones(synced, tmp_path):
    _, notebook = synced
    read = nbformat.read(notebook, as_version=4)
    assert_nbval_passes(read, tmp_path)
    pinned = next(cell for cell in read.cells if "pinned" in notebooks.tags(cell))
    pinned.outputs[1].data["text/plain"] = "43"
    with pytest.raises(AssertionError, match="43"):
        assert_nbval_passes(read, tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('# %% tags=["parameters"]', "# %%", "has 0 cells tagged 'parameters'"),
        ("SEED = 0", "", "the parameters cell does not set SEED"),
        ("# %% [markdown]\n# A pinned number.\n", "", "the cell 'print(\"profile\", PROFILE)' has no text above it"),
        ("total = 1 + 1", "total = 1 + 1\n" * 25, "has 26 lines; above 25 it is two cells"),
        ("total = 1 + 1", "total = 1 + 2", "is not in step with"),
        ("6 * 7", "6 * 8", "is not in step with"),
    ],
)
def test_lint_finds_each_fault(synced, old, new, problem):
    source, notebook = synced
    text = source.read_text()
    assert old in text
    source.write_text(text.replace(old, new))
    assert any(problem in found for found in notebooks.lint(source, notebook))


def test_lint_finds_a_number_taken_twice(tiny):
    source, notebook = tiny
    (source.parent / f"{source.stem.split('_')[0]}_mine.py").write_text(source.read_text())
    assert any("_mine.py has its number" in found for found in notebooks.lint(source, notebook))


def test_lint_finds_outputs_and_kernels_that_do_not_belong(synced):
    source, notebook = synced
    for change in (
        lambda read: read.cells[1].outputs.append(nbformat.v4.new_output("stream", text="left over")),
        lambda read: read.metadata.kernelspec.update(name="my-kernel"),
    ):
        read = nbformat.read(notebook, as_version=4)
        change(read)
        nbformat.write(read, notebook)
        assert any("is not in step" in found for found in notebooks.lint(source, notebook))
        notebooks.sync(source, notebook)


def test_sync_does_not_overwrite_what_was_edited_in_the_notebook(synced):
    source, notebook = synced
    edited = notebook.read_text().replace("A tiny notebook.", "An afternoon's work.")
    notebook.write_text(edited)
    os.utime(source, (0, 0))
    with pytest.raises(ConfigurationError, match="was edited after"):
        notebooks.sync(source, notebook)
    assert notebook.read_text() == edited
    assert notebooks.sync(source, notebook, force=True)
    assert notebooks.lint(source, notebook) == []


def test_sync_does_not_overwrite_a_cell_that_was_left_out_when_another_was_carried_over(synced):
    source, notebook = synced
    edited = notebook.read_text().replace("A tiny notebook.", "An afternoon's work.")
    notebook.write_text(edited)
    source.write_text(source.read_text() + "\n# %% [markdown]\n# Carried over.\n")
    later = notebook.stat().st_mtime + 10
    os.utime(source, (later, later))
    with pytest.raises(ConfigurationError, match="was edited after"):
        notebooks.sync(source, notebook)
    assert notebook.read_text() == edited


def test_a_notebook_is_found_where_its_source_was_edited_alone(synced):
    source, notebook = synced
    source.write_text(source.read_text().replace("A tiny notebook.", "A small notebook."))
    assert notebooks.sync(source, notebook) and "A small notebook." in notebook.read_text()


def test_a_notebook_that_is_not_there_is_a_fault(tiny):
    assert "does not exist: make sync writes it" in notebooks.lint(*tiny)[0]


@pytest.mark.parametrize("name", ["02", "02_tiny", "notebooks/02_tiny.ipynb", "notebooks/source/02_tiny.py"])
def test_a_notebook_is_found_by_number_name_or_path(tiny, name):
    assert notebooks.find(name, tiny[0].parent) == tiny[0]


def test_a_notebook_that_does_not_exist_is_refused_with_those_that_do(tiny, tmp_path):
    with pytest.raises(ConfigurationError, match="There is no notebook '7'.*Notebooks: 02_tiny."):
        notebooks.find("7", tiny[0].parent)
    with pytest.raises(ConfigurationError, match="run this at the top of the project"):
        notebooks.find("02", tmp_path / "elsewhere")


def run_setup(monkeypatch, code):
    """What a set-up cell runs elsewhere, and what on Colab, whose drive is one that only says what is mounted."""
    assert code.count("\n") < 5
    ran = []
    monkeypatch.setattr(subprocess, "run", lambda command, check: ran.append(command[1:]))
    monkeypatch.setattr(os, "chdir", lambda folder: ran.append(["cd", folder]))
    exec(code, {})  # noqa: S102
    elsewhere, ran[:] = list(ran), []
    drive = types.SimpleNamespace(mount=lambda folder: ran.append(["mount", folder]))  # Colab loads it when it is asked for
    for name, module in {"google": None, "google.colab": None, "google.colab.drive": drive}.items():
        monkeypatch.setitem(sys.modules, name, module or types.ModuleType(name))
    exec(code, {})  # noqa: S102
    return elsewhere, ran


def test_a_project_with_an_address_gets_a_badge_and_a_cell_that_installs_on_colab_alone(synced, tmp_path, monkeypatch):
    source, notebook = synced
    os.utime(source, (0, 0))
    (tmp_path / "pyproject.toml").write_text('[project.urls]\nRepository = "https://github.com/us/nervekit"\n')
    assert notebooks.sync(source, notebook)
    assert notebooks.lint(source, notebook) == []
    badge, setup = nbformat.read(notebook, as_version=4).cells[:2]
    assert "/github/us/nervekit/blob/main/notebooks/02_tiny.ipynb)" in badge.source
    installed = ["-m", "pip", "install", "--quiet", "git+https://github.com/us/nervekit"]
    assert run_setup(monkeypatch, setup.source) == ([], [installed])


@pytest.mark.parametrize("given", ["", "https://example.org/us/nervekit", "https://github.com/us", "nowhere"])
def test_without_an_address_that_colab_can_open_the_cell_installs_from_the_readers_drive(
    tiny, tmp_path, monkeypatch, given
):
    (tmp_path / "pyproject.toml").write_text(f'[project.urls]\nRepository = "{given}"\n')
    text, setup = notebooks.read(tiny[0]).cells[:2]
    assert "Google Drive" in text.source and "badge" not in text.source
    installed = ["-m", "pip", "install", "--quiet", "/content/drive/MyDrive/nervekit"]
    folder = ["cd", "/content/drive/MyDrive/nervekit/notebooks"]  # where results/ and runs/ are one folder up
    assert run_setup(monkeypatch, setup.source) == ([], [["mount", "/content/drive"], folder, installed])


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_notebook_can_be_set_up_on_colab_and_its_badge_leads_to_it(path):
    cells = nbformat.read(path, as_version=4).cells
    setup = [cell for cell in cells if "google.colab" in cell.source and cell.cell_type == "code"]
    assert len(setup) == 1 and setup[0].source.count("\n") < 5
    assert next(cell for cell in cells if cell.cell_type == "code") is setup[0]
    address = colab.address(ROOT / "notebooks" / "source" / f"{path.stem}.py")
    linked = re.findall(r"https://colab\.research\.google\.com/github/([^)]+)\)", cells[cells.index(setup[0]) - 1].source)
    place = f"{address.removeprefix('https://github.com/')}/blob/main/notebooks/{path.name}" if address else None
    assert linked == ([place] if address else [])
