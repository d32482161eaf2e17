"""The line that says where a run is."""

import io
import json
import os
import re

from waiting import Terminal, wait

from nervekit import progress


def wait_for(stream, pattern):
    assert wait(lambda: re.search(pattern, stream.getvalue())), stream.getvalue()


def test_notebooks_side_by_side_share_one_line_of_the_terminal(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    boards = [tmp_path / f".{name}.1" for name in ("02_a", "03_b")]
    for board in boards:
        board.mkdir()
    stream = Terminal()
    with progress.Progress("02_a", stream, expected=65, board=boards[0]) as first:
        first.cell(3, 41)
        with progress.Progress("03_b", stream, board=boards[1]) as second:
            second.cell(1, 9)
            wait_for(stream, r"\r\x1b\[K02_a: cell 3/41, \d:\d\d of about 1:05 \| 03_b: cell 1/9, \d:\d\d")
    assert stream.getvalue().endswith("\r\033[K")


def test_a_line_never_wraps_and_runs_that_were_killed_are_not_in_it(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    for name in (".01_killed.1", ".02_a.2"):
        (tmp_path / name).mkdir()
    (tmp_path / ".01_killed.1" / "progress").write_text("01_killed: cell 1/2")
    os.utime(tmp_path / ".01_killed.1" / "progress", (0, 0))
    stream = Terminal()
    with progress.Progress("02_a_notebook_with_a_long_name", stream, board=tmp_path / ".02_a.2"):
        wait_for(stream, "02_a")
    assert "killed" not in stream.getvalue()
    assert all(len(line) < 30 for line in stream.getvalue().replace("\033[K", "").split("\r"))


def test_elsewhere_it_is_a_plain_line_now_and_then(tmp_path):
    stream = io.StringIO()
    with progress.Progress("02_a", stream, every=0.1, expected=65, board=tmp_path) as line:
        line.cell(2, 4)
        wait_for(stream, r"02_a: cell 2/4, \d:\d\d of about 1:05\n")
    line.end("failed", 3.2, "cell 2: oh\nmore")
    assert stream.getvalue().startswith("02_a: started, takes about 1:05\n")
    assert stream.getvalue().endswith("02_a: failed after 0:03: cell 2: oh\n") and "\033" not in stream.getvalue()
    assert list(tmp_path.iterdir()) == []


def test_the_usual_time_is_that_of_the_last_run_else_the_committed_else_the_expected(tmp_path):
    def usual():
        return progress.usual_seconds("02_a", "smoke", tmp_path / "runs", tmp_path)

    assert usual() is None
    for path, content, seconds in (
        ("expected/smoke.json", {"seconds": {"02_a": 30.0}}, 30.0),
        ("results/smoke/02_a.json", {"seconds": 20.0}, 20.0),
        ("runs/02_a.json", {"seconds": 10.0}, 10.0),
    ):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(json.dumps(content))
        assert usual() == seconds
    (tmp_path / "runs/02_a.json").write_text("half of a fi")
    assert usual() == 20.0
