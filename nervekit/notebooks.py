"""Notebooks and their sources: ``notebooks/source/NN_name.py`` (py:percent) is written by hand, the .ipynb is made.

Four cell tags matter. ``parameters`` marks the one cell that a run overrides. ``pinned`` marks cells whose output is
kept in the committed notebook and compared by nbval. ``setup`` marks cells that pinned cells need; nbval runs only
the cells with one of these tags, so that it is quick. ``colab`` marks the set-up cells that `read` adds.
"""

import ast
import hashlib
import tempfile
from pathlib import Path

from nervekit import colab
from nervekit.errors import ConfigurationError, RunError
from nervekit.whole import write_text

SOURCES = Path("notebooks") / "source"
PARAMETERS = ("PROFILE", "DATA", "SEED")
LONGEST_CELL = 25
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def names(folder=SOURCES):
    """Names of all notebooks that have a source in `folder`, in order."""
    return sorted(path.stem for path in Path(folder).glob("*.py"))


def find(name, folder=SOURCES):
    """Find a notebook's source by number, name or path.

    Parameters
    ----------
    name : str
        ``"02"``, ``"02_unet_femoral"``, or a path to a .py or .ipynb file of either name.
    folder : path-like
        Where the sources are.

    Returns
    -------
    pathlib.Path
        The source, ``NN_name.py``.

    Raises
    ------
    ConfigurationError
        No source, or more than one, has this name; the text lists those there are.
    """
    wanted = Path(str(name)).name
    wanted = wanted.rsplit(".", 1)[0] if wanted.endswith((".py", ".ipynb")) else wanted
    found = [stem for stem in names(folder) if stem == wanted or stem.split("_")[0] == wanted]
    if len(found) != 1:
        problem = f"{len(found)} notebooks are called" if found else "There is no notebook"
        there = ", ".join(names(folder)) or f"none; {folder} has no .py files, so run this at the top of the project"
        raise ConfigurationError(f"{problem} {name!r} in {folder}. Notebooks: {there}.")
    return Path(folder) / f"{found[0]}.py"


def read(source):
    """Read a source as a notebook with normalised metadata, stable cell identifiers and no outputs.

    A project's notebook gets a set-up cell for Colab before the first code and its text.
    """
    import jupytext
    from nbformat import v4

    notebook = jupytext.read(source, fmt="py:percent")
    if for_colab := colab.cells(source):
        before = next(number for number, cell in enumerate(notebook.cells) if cell.cell_type == "code") - 1
        made = v4.new_markdown_cell(for_colab[0]), v4.new_code_cell(for_colab[1])
        for cell in made:
            cell.metadata["tags"] = ["colab"]
        notebook.cells[before:before] = made
    notebook.metadata = _nodes(_METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen = set()
    for cell in notebook.cells:
        cell["id"] = _identifier(cell, seen)
        cell.metadata.pop("lines_to_next_cell", None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def tags(cell):
    """The tags of a cell."""
    return cell.metadata.get("tags", [])


def sync(source, notebook, *, refresh=False, force=False):
    """Make a notebook from its source, stripped of all outputs except those of pinned cells.

    Pinned cells without an output are run, with the cells tagged ``setup`` or ``parameters``.

    Parameters
    ----------
    source, notebook : path-like
        ``NN_name.py`` and ``NN_name.ipynb``; the latter is replaced.
    refresh : bool
        Run the pinned cells anew, even if the notebook has outputs for them.
    force : bool
        Overwrite even a notebook that was edited after its source.

    Returns
    -------
    bool
        Whether the file changed.

    Raises
    ------
    ConfigurationError
        The notebook was edited after its source, so that the edits would be lost.
    RunError
        A pinned cell, or one that it needs, did not run.
    """
    notebook = Path(notebook)
    if not force and _edited_since(notebook, source):
        raise ConfigurationError(
            f"{notebook} was edited after {source}, and differs from it. Carry the change into the source and try "
            "again, or drop it with: nervekit sync --force"
        )
    text = render(source, None if refresh else notebook)
    if text is None:
        fresh = read(source)
        _keep_outputs(fresh, _run_pinned(fresh))
        text = _text(fresh)
    if notebook.exists() and notebook.read_text(encoding="utf-8") == text:
        return False
    write_text(notebook, text)
    return True


def render(source, notebook=None):
    """The text a notebook must have to be in step with its source; None if a pinned cell has no output there."""
    fresh = read(source)
    if notebook is not None and Path(notebook).exists():
        import nbformat

        _keep_outputs(fresh, nbformat.read(notebook, as_version=4))
    if any("pinned" in tags(cell) and not cell.outputs for cell in fresh.cells):
        return None
    return _text(fresh)


def lint(source, notebook):
    """What is wrong with a source and its notebook, one line each; empty if nothing is."""
    cells = read(source).cells
    problems = [] if Path(notebook).exists() else [f"{notebook} does not exist: make sync writes it."]
    if Path(notebook).exists() and render(source, notebook) != Path(notebook).read_text(encoding="utf-8"):
        problems.append(f"{notebook} is not in step with {source}, or has outputs in cells not pinned: make sync.")
    number = Path(source).stem.split("_")[0]
    if same := sorted(path.name for path in Path(source).parent.glob(f"{number}_*.py") if path.name != Path(source).name):
        problems.append(f"{source}: {', '.join(same)} has its number, by which figures and texts of a run are kept. Take a free one.")
    marked = [cell for cell in cells if "parameters" in tags(cell)]
    if len(marked) != 1:
        problems.append(f"{source} has {len(marked)} cells tagged 'parameters'; there must be exactly one.")
    missing = set(PARAMETERS) - {name for cell in marked for name in _assigned(cell.source)}
    if marked and missing:
        problems.append(f"{source}: the parameters cell does not set {', '.join(sorted(missing))}.")
    for number, cell in enumerate(cells):
        if cell.cell_type != "code":
            continue
        first = cell.source.split("\n")[0]
        length = cell.source.count("\n") + 1
        if length > LONGEST_CELL:
            problems.append(f"{source}: the cell {first!r} has {length} lines; above {LONGEST_CELL} it is two cells.")
        if number == 0 or cells[number - 1].cell_type != "markdown":
            problems.append(f"{source}: the cell {first!r} has no text above it that says why.")
    return problems


def pinned_copy(notebook):
    """A copy for nbval: pinned cells are compared, cells they need are run, all others are skipped."""
    import copy

    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        if "pinned" in tags(cell):
            cell.metadata["tags"] = [*tags(cell), "nbval-check-output"]
        elif not {"parameters", "setup"} & set(tags(cell)):
            cell.metadata["tags"] = [*tags(cell), "nbval-skip"]
    return notebook


def _edited_since(notebook, source):
    import nbformat

    if not notebook.exists():
        return False
    edited = nbformat.read(notebook, as_version=4)
    written, meant = ([cell for cell in one.cells if "colab" not in tags(cell)] for one in (edited, read(source)))
    texts = [cell.source for cell in meant]
    # Cells are named by their text, and JupyterLab keeps names: one whose name is of another text was written by hand.
    by_hand = any(cell.source not in texts and cell.get("id", "").split("-")[0] != _identifier(cell, set()) for cell in written)
    later = notebook.stat().st_mtime > Path(source).stat().st_mtime
    return [cell.source for cell in written] != texts and (later or by_hand)


def _run_pinned(notebook):
    import nbclient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    from nervekit import kernel

    chosen = pinned_copy(notebook)
    chosen.cells = [cell for cell in chosen.cells if "nbval-skip" not in tags(cell)]
    with tempfile.TemporaryDirectory() as folder, kernel.environment(folder):
        client = nbclient.NotebookClient(chosen, kernel_name=kernel.KERNEL, timeout=600)
        try:
            client.execute(cwd=folder)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise RunError(f"A pinned cell, or one tagged 'setup' that it needs, did not run:\n{error}") from error
    return chosen


def _keep_outputs(fresh, executed):
    outputs = {cell.source: cell.outputs for cell in executed.cells if "pinned" in tags(cell)}
    pinned = [cell for cell in fresh.cells if "pinned" in tags(cell)]
    for number, cell in enumerate(pinned, start=1):
        cell.outputs = outputs.get(cell.source, [])
        cell.execution_count = number if cell.outputs else None
        for output in cell.outputs:
            output.get("metadata", {}).clear()
            if "execution_count" in output:
                output["execution_count"] = number


def _assigned(code):
    targets = [target for node in ast.parse(code).body if isinstance(node, ast.Assign) for target in node.targets]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _identifier(cell, seen):
    digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
    repeats = 0
    while (name := digest if not repeats else f"{digest}-{repeats}") in seen:
        repeats += 1
    seen.add(name)
    return name


def _nodes(mapping):
    import nbformat

    return nbformat.from_dict(mapping)


def _text(notebook):
    import nbformat

    return nbformat.writes(notebook).rstrip("\n") + "\n"
