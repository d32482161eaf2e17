"""The outcome of a run as one page of HTML: every notebook with its executed copy, every check with its numbers."""

import datetime
import html
from pathlib import Path

from nervekit.check import FEWEST_SEEDS
from nervekit.progress import clock
from nervekit.whole import write_text

_WIDGET = "application/vnd.jupyter.widget-view+json"
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 64rem; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: 0.5rem 0 1rem }
th, td { border-bottom: 1px solid #ccc; padding: 0.2rem 0.8rem 0.2rem 0; text-align: left; vertical-align: top }
td.number { text-align: right; font-variant-numeric: tabular-nums }
.good::before { content: "\\2713 "; color: #009e73 } .bad::before { content: "\\2717 "; color: #d55e00 }
.bad { font-weight: bold } summary { cursor: pointer } pre { overflow-x: auto; background: #f4f4f4; padding: 0.5rem }
"""


def write(rows, folder, profile):
    """Write ``index.html`` in the folder of a profile's runs, and each executed notebook beside it as HTML.

    The page needs no other file to be read: style and numbers are in it. Where nbconvert is not installed it links
    the executed notebooks themselves.

    Parameters
    ----------
    rows : list of check.Row
    folder : path-like
        ``runs/<profile>``.
    profile : str

    Returns
    -------
    pathlib.Path
    """
    folder = Path(folder)
    good = sum(row.good for row in rows)
    said = f"{good} of {len(rows)} notebooks are as they should be."
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'>",
        f"<title>nervekit, {profile} profile</title><style>{_STYLE}</style>",
        f"<h1>Notebooks of the {profile} profile</h1><p>{said} {now}</p>",
        _table(
            ("notebook", "status", "time", "peak memory", "checks passed", "files"),
            [_notebook(row, folder) for row in rows],
        ),
        *(_details(row, folder) for row in rows),
        "</html>\n",
    ]
    write_text(folder / "index.html", "\n".join(part for part in parts if part))
    return folder / "index.html"


def reasons(row):
    """What is to be said of a row beside its checks: why it did not run, why its values were not compared, or what may have
    moved them.

    Parameters
    ----------
    row : check.Row

    Returns
    -------
    list of str

    Examples
    --------
    >>> from nervekit.check import Check, Row
    >>> floor = Check("dice", 0.8, floor=0.3)
    >>> reasons(Row("02_a", "unchecked", checks=(floor,), problems=("not compared: nothing is expected",)))
    ['not compared: nothing is expected']
    """
    told = {f"{check.key}: {check.problem}" for check in row.checks}
    found = [problem for problem in row.problems if problem not in told]
    if row.status == "provisional":
        found.append(f"not compared with tolerances: these need {FEWEST_SEEDS} seeds, and there were fewer")
    return found


def _notebook(row, folder):
    executed = next((folder / f"{row.notebook}{end}" for end in (".ipynb", ".failed.ipynb")
                     if (folder / f"{row.notebook}{end}").exists()), None)  # fmt: skip
    page = _page(executed) if executed else None
    others = [path.name for path in (executed, *(folder / f"{row.notebook}{end}" for end in (".json", ".log")))
              if path and path.exists()]  # fmt: skip
    name = html.escape(row.notebook)
    return (
        f"<a href='{page.name}'>{name}</a>" if page else name,
        f"<span class='{'good' if row.good else 'bad'}'>{row.status}</span>",
        "" if row.seconds is None else clock(row.seconds),
        "" if row.peak_memory_mib is None else f"{row.peak_memory_mib} MiB",
        f"<a href='#{name}'>{row.passed} of {len(row.checks)}</a>" if row.checks else "",
        " ".join(f"<a href='{other}'>{other.removeprefix(row.notebook)}</a>" for other in others),
    )


def _page(executed):
    """The executed notebook as HTML, made anew if it is older; None if nbconvert is not there."""
    page = executed.with_suffix(".html")
    if not page.exists() or page.stat().st_mtime < executed.stat().st_mtime:
        try:
            import nbformat
            from nbconvert import HTMLExporter
        except ImportError:
            return None
        # Without addresses for MathJax and RequireJS, and without progress bars, for which nbconvert would load a script (and
        # whose text says 0 % for ever): the page asks no other server for anything.
        notebook = nbformat.read(executed, as_version=4)
        notebook.metadata.pop("widgets", None)
        for cell in notebook.cells:
            if "outputs" in cell:
                cell.outputs = [output for output in cell.outputs if _WIDGET not in output.get("data", {})]
        exporter = HTMLExporter(mathjax_url="", require_js_url="")
        write_text(page, exporter.from_notebook_node(notebook, {"metadata": {"name": executed.stem}})[0])
    return page


def _details(row, folder):
    log = folder / f"{row.notebook}.log"
    parts = [f"<p>{html.escape(reason)}</p>" for reason in reasons(row)]
    if log.exists():
        parts.append(f"<pre>{html.escape(log.read_text(encoding='utf-8', errors='replace')[-8000:])}</pre>")
    if row.checks:
        head = ("check", "measured", "expected", "tolerance", "must exceed", "result")
        parts.append(_table(head, [_check(check) for check in row.checks]))
    if not parts:
        return ""
    title = f"{html.escape(row.notebook)}: {row.passed} of {len(row.checks)} checks passed"
    return f"<details id='{html.escape(row.notebook)}'{'' if row.good else ' open'}><summary>{title}</summary>{''.join(parts)}</details>"


def _check(check):
    numbers = (check.measured, check.center, check.tolerance, check.floor)
    result = html.escape(check.problem) if check.problem else "passed"
    return (
        f"<code>{html.escape(check.key)}</code>",
        *(_number(number) for number in numbers),
        f"<span class='{'bad' if check.problem else 'good'}'>{result}</span>",
    )


def _number(number):
    if isinstance(number, float):
        return f"{number:.6g}"
    return "" if number is None else html.escape(str(number))


def _table(head, lines):
    columns = "".join(f"<th>{name}</th>" for name in head)
    numeric = {"measured", "expected", "tolerance", "must exceed", "time", "peak memory"}
    kinds = [" class='number'" if name in numeric else "" for name in head]
    body = "\n".join(
        f"<tr>{''.join(f'<td{kind}>{cell}</td>' for kind, cell in zip(kinds, line, strict=True))}</tr>" for line in lines
    )
    return f"<table><tr>{columns}</tr>\n{body}</table>"
