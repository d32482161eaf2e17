"""However and whenever make run-all is stopped, running it again ends in the same results, and nothing is left over.

A few kills, or fifty with ``make slow``.
"""

import contextlib
import io
import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
import tiny_project
from PIL import Image
from shortened import SLOW
from waiting import wait

pytestmark = pytest.mark.skipif(not shutil.which("make") or not Path("/proc/self/cwd").exists(), reason="no make or /proc")

KILLS = 50 if SLOW else 3
NAMES = ("01_a", "02_b")
LEFT = sorted([*(f"{name}{end}" for name in NAMES for end in (".html", ".ipynb", ".json")),
               *(f".{name}.settings" for name in NAMES), "figures", "index.html", "junit.xml"])  # fmt: skip
CODE = """import matplotlib.pyplot as plt
record.value("number.{name}", {number})
record.figure("line", plt.figure(), alt="an empty figure")"""


def read_page(content):
    assert content.rstrip().endswith(b"</html>")


READERS = {
    ".json": json.loads,
    ".ipynb": lambda content: nbformat.reads(content.decode(), 4),
    ".xml": ElementTree.fromstring,
    ".html": read_page,
    ".png": lambda content: Image.open(io.BytesIO(content)).verify(),
}


class Project:
    """A project of two tiny notebooks whose number changes with every :meth:`renew`."""

    def __init__(self, folder):
        self.folder = tiny_project.with_makefile(folder)
        self.runs = folder / "runs" / "workshop"

    def renew(self, number, more=""):
        codes = {f"n{name}": CODE.format(name=name, number=number) + more for name in NAMES}
        tiny_project.write(self.folder, **codes)

    def start(self):
        """``make run-all`` as a terminal would start it: in a process group of its own, open to interrupts.

        Tests that run in the background may have interrupts switched off, and would hand that on.
        """
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return subprocess.Popen(
            ["make", "run-all", "PROFILE=workshop", "JOBS=2"],
            cwd=self.folder,
            env=tiny_project.environment(),
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self):
        process = self.start()
        said = process.communicate(timeout=120)[1]
        assert process.returncode == 0, said

    def processes(self):
        """Numbers and command lines of what still runs in the project's folders, kernels included."""
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if Path(os.readlink(process / "cwd")).is_relative_to(self.folder):
                    found[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
            except OSError:  # it ended between two of these lines, or is a zombie
                continue
        return found

    def wait_for_silence(self):
        assert wait(lambda: not self.processes()), self.processes()

    def silence(self):
        """End what is left, so that a test that failed does not make the next one fail."""
        for number in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)

    def look_for_halves(self):
        """Whatever has its final name is whole, and an executed notebook has its results."""
        for suffix, read in READERS.items():
            for path in (*self.runs.glob(f"[!.]*{suffix}"), *(self.runs / "figures").glob(f"*{suffix}")):
                try:
                    content = path.read_bytes()
                except FileNotFoundError:  # a run that goes on without its make took it away
                    continue
                read(content)
        for path in self.runs.glob("[0-9]*.ipynb"):
            assert path.with_suffix(".json").exists() or not path.exists()

    def assert_complete(self, number):
        for name in NAMES:
            result = json.loads((self.runs / f"{name}.json").read_text())
            assert {key: entry["value"] for key, entry in result["values"].items()} == {f"number.{name}": number}
            outputs = [out for cell in nbformat.read(self.runs / f"{name}.ipynb", 4).cells for out in cell.get("outputs", [])]
            assert [sorted(out["data"]) for out in outputs if "data" in out] == [["image/png", "text/plain"]]
        assert sorted(path.name for path in self.runs.iterdir()) == LEFT
        assert sorted(path.name for path in (self.runs / "figures").iterdir()) == ["01_line.png", "02_line.png"]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The project after one undisturbed run, and how long that took."""
    project = Project(tmp_path_factory.mktemp("kills"))
    project.renew(-1)
    began = time.monotonic()
    project.finish()
    project.seconds = time.monotonic() - began
    project.assert_complete(-1)
    return project


@pytest.fixture(autouse=True)
def silent(project):
    yield
    project.silence()


@pytest.mark.parametrize("kill", range(KILLS))
def test_a_run_killed_at_a_random_moment_and_run_again_ends_in_the_same_results(project, kill):
    chance = random.Random(kill)
    project.renew(kill)
    process = project.start()
    time.sleep(chance.uniform(0, 0.7 * project.seconds))  # later all runs have ended, and their check alone is killed
    if kill % 3 == 1:  # of the first three the one that comes early, when there is something to go on
        process.kill()  # make alone: the runs that it started go on beside those of the next make
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    project.look_for_halves()
    project.finish()
    project.wait_for_silence()
    project.assert_complete(kill)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_make_leaves_no_process_and_no_half_written_file(project, number):
    project.renew(0, more="\nimport time\ntime.sleep(600)")
    process = project.start()
    assert wait(lambda: len(list(project.runs.glob(".0*/kernel/connection.json"))) == len(NAMES)), project.processes()
    os.killpg(process.pid, number)
    said = process.communicate(timeout=120)[1]
    assert process.returncode != 0 and "Traceback" not in said, said
    project.wait_for_silence()
    project.look_for_halves()
    left = {path.name for path in project.runs.iterdir()}
    assert left <= {".01_a.settings", ".02_b.settings", "figures", "index.html", "junit.xml"}, left
    assert not list((project.runs / "figures").glob("*"))
