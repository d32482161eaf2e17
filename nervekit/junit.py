"""The outcome of a run as JUnit XML, which services for continuous integration show as a table of tests."""

import re
from pathlib import Path
from xml.etree import ElementTree

from nervekit import overview
from nervekit.whole import write_text

LOG_LINES = 60


def write(rows, path, profile):
    """Write one test suite a notebook: that it ran to its end, then one test a check. What was not compared is a skipped test.

    Parameters
    ----------
    rows : list of check.Row
    path : path-like
        Its folder holds the runs, with the ``.log`` of those that failed.
    profile : str

    Returns
    -------
    pathlib.Path
    """
    path = Path(path)
    suites = [_suite(row, profile, path.parent) for row in rows]
    root = ElementTree.Element("testsuites", name=f"nervekit {profile}", **_totals(suites))
    root.extend(suites)
    ElementTree.indent(root)
    declaration = "<?xml version='1.0' encoding='utf-8'?>\n"
    write_text(path, declaration + ElementTree.tostring(root, encoding="unicode"))
    return path


def _suite(row, profile, folder):
    named = {"classname": f"{profile}.{row.notebook}"}
    suite = ElementTree.Element("testsuite", name=row.notebook)
    ran = ElementTree.SubElement(suite, "testcase", name="runs to its end", time=str(row.seconds or 0), **named)
    if row.status == "not run":
        ElementTree.SubElement(ran, "skipped", message=_clean(row.problems[0]))
    elif row.status in ("failed", "missing"):
        ElementTree.SubElement(ran, "error", message=_clean(row.problems[0])).text = _log(folder, row.notebook)
    elif row.status == "provisional":
        ElementTree.SubElement(ran, "system-out").text = _clean("\n".join(overview.reasons(row)))
    elif (reasons := overview.reasons(row)) and row.status == "moved":
        ElementTree.SubElement(ran, "system-out").text = _clean("\n".join(reasons))
    elif reasons:
        compared = ElementTree.SubElement(suite, "testcase", name="is compared with what is expected", time="0", **named)
        ElementTree.SubElement(compared, "skipped", message=_clean(reasons[0]))
    for check in row.checks:
        case = ElementTree.SubElement(suite, "testcase", name=check.key, time="0", **named)
        if check.problem:
            ElementTree.SubElement(case, "failure", message=_clean(check.problem))
    for name, elements in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(len(suite.findall(f"testcase/{elements}"))))
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("time", str(row.seconds or 0))
    return suite


def _totals(suites):
    numbers = ("tests", "failures", "errors", "skipped")
    totals = {name: str(sum(int(suite.get(name)) for suite in suites)) for name in numbers}
    return {**totals, "time": str(round(sum(float(suite.get("time")) for suite in suites), 1))}


def _log(folder, notebook):
    path = folder / f"{notebook}.log"
    return _clean("\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:])) if path.exists() else ""


def _clean(text):
    """Without the control characters that XML cannot hold."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)
