"""The outcome of a run as JUnit XML and as a page of HTML."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import nbformat
import pytest

from nervekit import junit, overview
from nervekit.check import Check, Row

CHECKS = (
    Check("provenance"),
    Check("dice", 0.81, 0.8, 0.05, 0.3),
    Check("iou", 0.2, 0.7, 0.1, 0.3, "0.2 < 0.3 & does not exceed it"),
)
ROWS = [
    Row("01_good", "passed", 61.0, 900, CHECKS[:2]),
    Row("02_moved", "moved", 30.0, 800, CHECKS, ("iou: 0.2 < 0.3 & does not exceed it",)),
    Row("03_bad", "failed", 2.0, 100, problems=("cell 3: ValueError: <boom>",)),
    Row("04_no_data", "not run", 1.0, 100, problems=("fetch it",)),
    Row("05_gone", "missing", problems=("it has not run",)),
    Row("06_other_data", "unchecked", 4.0, 100, (Check("dice", 0.81, floor=0.3),), ("not compared: simulated & real data",)),
    Row("07_few_seeds", "provisional", 2.0, 100, CHECKS[:2]),
]


@pytest.fixture
def folder(tmp_path):
    """A run that left two notebooks, one that failed, and its log with what XML cannot hold."""
    for name in ("01_good", "02_moved", "03_bad.failed"):
        cell = nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("stream", text=f"said by {name}")])
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / f"{name}.ipynb")
    (tmp_path / "03_bad.log").write_bytes(b"caf\xe9 Traceback\x1b\x00 <boom>\n")
    return tmp_path


def test_junit_counts_tests_failures_errors_and_skipped(folder):
    root = ElementTree.parse(junit.write(ROWS, folder / "junit.xml", "smoke")).getroot()
    assert {name: root.get(name) for name in ("tests", "failures", "errors", "skipped", "time")} == {
        "tests": "16", "failures": "1", "errors": "2", "skipped": "2", "time": "100.0"
    }  # fmt: skip
    good, moved, bad, without, gone, other, few = root
    assert [case.get("name") for case in good] == ["runs to its end", "provenance", "dice"]
    assert good[0].get("time") == "61.0" and good[0].get("classname") == "smoke.01_good"
    assert moved.find("testcase[@name='iou']/failure").get("message") == "0.2 < 0.3 & does not exceed it"
    assert bad.find("testcase/error").text == "caf\ufffd Traceback <boom>"
    assert without.find("testcase/skipped").get("message") == "fetch it"
    assert gone.find("testcase/error").get("message") == "it has not run"
    assert other.find("testcase/skipped").get("message") == "not compared: simulated & real data"
    assert [case.get("name") for case in other if case.find("skipped") is None] == ["runs to its end", "dice"]
    assert "these need 5 seeds" in few[0].find("system-out").text and few.find("testcase/skipped") is None
    assert not list(folder.glob(".part-*"))


def test_what_may_have_moved_values_is_no_comparison_that_was_skipped(tmp_path):
    told = "computed with float32 where the pins are from bfloat16"
    row = Row("02_moved", "moved", 30.0, 800, CHECKS, (told, f"iou: {CHECKS[2].problem}"))
    (suite,) = ElementTree.parse(junit.write([row], tmp_path / "junit.xml", "smoke")).getroot()
    assert suite.get("skipped") == "0" and suite.get("failures") == "1" and suite[0].find("system-out").text == told


class Page(HTMLParser):
    """The links, the rows and whether every element is closed."""

    def __init__(self):
        super().__init__()
        self.links, self.text, self.stack, self.loads = [], "", [], []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.links += [given["href"]] if tag == "a" else []
        self.loads += [given[name] for name in ("src",) if name in given] + ([given["href"]] if tag == "link" else [])
        if tag not in ("meta", "link"):
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, text):
        self.text += f" {text.strip()}"


def test_the_page_links_executed_notebooks_and_shows_every_check(folder):
    pytest.importorskip("nbconvert")
    page = Page()
    page.feed(overview.write(ROWS, folder, "smoke").read_text(encoding="utf-8"))
    assert page.stack == [] and page.loads == []
    files = [link for link in page.links if not link.startswith("#")]
    assert {"01_good.html", "01_good.ipynb", "03_bad.failed.html", "03_bad.log"} <= set(files)
    assert all((folder / link).exists() for link in files)
    executed = (folder / "03_bad.failed.html").read_text(encoding="utf-8")
    assert "said by 03_bad" in executed and not re.search(r"""(src|href)=.https?:""", executed)
    text = re.sub(r"\s+", " ", page.text)
    assert "3 of 7 notebooks are as they should be." in text
    assert "iou 0.2 0.7 0.1 0.3 0.2 < 0.3 & does not exceed it" in text
    assert "cell 3: ValueError: <boom>" in text and "fetch it" in text and "it has not run" in text
    assert "not compared: simulated & real data" in text and "these need 5 seeds" in text and "iou: 0.2" not in text


def test_a_progress_bar_makes_the_page_ask_no_other_server(folder):
    pytest.importorskip("nbconvert")
    read = nbformat.read(folder / "01_good.ipynb", as_version=4)
    kind = "application/vnd.jupyter.widget-"
    bar = nbformat.v4.new_output("display_data", {f"{kind}view+json": {"model_id": "a"}, "text/plain": "0%| | 0/3"})
    read.cells[0].outputs.append(bar)
    read.metadata["widgets"] = {f"{kind}state+json": {"state": {"a": {}}, "version_major": 2, "version_minor": 0}}
    nbformat.write(read, folder / "01_good.ipynb")
    overview.write(ROWS, folder, "smoke")
    executed = (folder / "01_good.html").read_text(encoding="utf-8")
    assert "said by 01_good" in executed and "<title>01_good</title>" in executed
    assert "unpkg.com" not in executed and "widget-" not in executed and "0/3" not in executed
    assert "widgets" in nbformat.read(folder / "01_good.ipynb", as_version=4).metadata


def test_a_notebook_is_not_converted_again_if_it_did_not_change(folder):
    pytest.importorskip("nbconvert")
    overview.write(ROWS, folder, "smoke")
    before = (folder / "01_good.html").stat().st_mtime_ns
    overview.write(ROWS, folder, "smoke")
    assert (folder / "01_good.html").stat().st_mtime_ns == before


def test_without_nbconvert_the_notebooks_themselves_are_linked(folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "nbconvert", None)
    page = Page()
    page.feed(overview.write(ROWS, folder, "smoke").read_text(encoding="utf-8"))
    assert "01_good.ipynb" in page.links and "01_good.html" not in page.links
