"""Folders that nobody may write: read all the same, and named where something was to be written there."""

import os
import shutil
import tempfile
import traceback
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nervekit import data, phantom
from nervekit.data import cache, catalog, folder, labelme, nested, preannotate, rle, simulated
from nervekit.errors import DataError

NOBODY = 65534
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a process of its own, as another user")


@pytest.fixture
def locked():
    """A folder of images that everybody may read and nobody write, with an empty folder `empty` in it."""
    place = Path(tempfile.mkdtemp(prefix="nervekit-"))  # not tmp_path, which others may not even enter
    for part in ("images", "masks"):
        (place / part).mkdir()
        Image.new("L", (30, 20)).save(place / part / "a.png")
    (place / "empty").mkdir()
    folders = [path for path in place.rglob("*") if path.is_dir()]
    for path in (*folders, place):
        path.chmod(0o555)
    yield place
    for path in (place, *folders):
        path.chmod(0o755)
    shutil.rmtree(place)


def as_nobody(function):
    """Call a function in a process that has no special rights; fails with its traceback if it raises.

    What it imports must have been imported before: nobody may perhaps not even read this installation.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        said = b""
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            function()
        except BaseException:  # noqa: BLE001 - pytest's own too; nothing may leave the child but through the pipe
            said = traceback.format_exc().encode()
        os.write(writing, said[-4000:])
        os._exit(bool(said))
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        said = stream.read().decode()
    _, status = os.waitpid(child, 0)
    if "setuid" in said or "setgroups" in said:
        pytest.skip("this system lets nobody become another user")
    assert status == 0, said


def test_folder_that_nobody_may_write_is_read(locked):
    def read():
        with pytest.raises(PermissionError):
            (locked / "probe").touch()
        assert len(folder.read(locked)) == 1

    as_nobody(read)


WRITERS = {
    "annotations": lambda place: preannotate.write_folder(place, [np.zeros((9, 9), np.uint8)], [np.eye(9)], ["a"]),
    "annotations in a new folder": lambda place: preannotate.write_folder(
        place / "new", [np.zeros((9, 9), np.uint8)], [np.eye(9)], ["a"]
    ),
    "one annotation": lambda place: preannotate.write(place / "a.json", {"nerve": np.eye(9)}, "a.png"),
    "a submission": lambda place: rle.write_submission(place / "submission.csv", {1: np.eye(9)}, (9, 9)),
    "a simulated set": lambda place: phantom.export("median", place / "set", subjects=1),
    "a simulated set where the folder is": lambda place: phantom.export("median", place, subjects=1),
}


@pytest.mark.parametrize("what", WRITERS)
def test_what_cannot_be_written_is_said_and_leaves_nothing(locked, tmp_path, what):
    WRITERS[what](tmp_path)
    assert list(tmp_path.iterdir())

    def write():
        with pytest.raises(DataError, match=r"(?s)(?=.*empty).* be written.*another folder"):
            WRITERS[what](locked / "empty")

    as_nobody(write)
    assert list((locked / "empty").iterdir()) == []


def test_cache_that_cannot_be_written_costs_time_but_no_result(locked, monkeypatch):
    made = tempfile.mkdtemp(prefix="nervekit-")
    os.chmod(made, 0o755)
    root = phantom.export("median", Path(made) / "set", subjects=1)

    data.load("median", root=root, size=(8, 8))
    monkeypatch.setenv("NERVEKIT_CACHE", str(locked / "empty"))

    def load():
        with pytest.warns(UserWarning, match="could not be cached .Permission denied.*NERVEKIT_CACHE"):
            assert len(data.load("median", root=root, size=(16, 16))) > 0
        with warnings.catch_warnings(record=True) as said, simulated.folder("median", 1) as path:
            assert any((path / "Dataset" / "Images").iterdir())
        assert ["could not be cached" in str(one.message) for one in said] == [True]
        assert not path.exists()

    try:
        as_nobody(load)
    finally:
        shutil.rmtree(made)
    assert list((locked / "empty").iterdir()) == []


def test_folder_that_nobody_may_read_is_said(locked):
    with pytest.raises(DataError, match="there is no such file or folder"):  # what this imports, nobody may perhaps not
        data.load("femoral", "real", root=locked / "nowhere")
    (locked / "empty").chmod(0o000)

    def read():
        with pytest.raises(DataError, match="empty cannot be read .*Ask for the right"):
            data.load("femoral", "real", root=locked / "empty")

    as_nobody(read)


READERS = {
    "a set": lambda place: data.load("median", "real", root=place),
    "the set that NERVEKIT_DATA names": lambda place: data.load("median", "real"),
    "patients": lambda place: nested.open_patients(place).__enter__(),
    "images": lambda place: folder.read(place),
    "annotations": lambda place: labelme.read_folder(place),
    "a simulated set": lambda place: phantom.export("median", place, subjects=1),
    "an annotation to be": lambda place: preannotate.write(place / "a.json", {"nerve": np.eye(9)}, "a.png"),
}


@pytest.mark.parametrize("what", READERS)
def test_what_lies_where_nobody_may_go_is_named(locked, tmp_path, monkeypatch, what):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NERVEKIT_DATA", str(tmp_path / "file"))
    with pytest.raises(DataError, match="file"):
        READERS[what](tmp_path / "file")
    inside = locked / "empty" / "inside"
    monkeypatch.setenv("NERVEKIT_DATA", str(inside))
    (locked / "empty").chmod(0o000)

    def read():
        with pytest.raises(DataError, match="inside.* cannot be (read|written) .Permission denied"):
            READERS[what](inside)

    as_nobody(read)


def test_link_to_where_nobody_may_go_is_named(locked):
    with pytest.raises(DataError, match="there is no such file or folder"):
        data.load("median", "real", root=locked / "nowhere")
    locked.chmod(0o755)
    (locked / "beside").symlink_to(locked / "empty" / "inside")
    locked.chmod(0o555)
    (locked / "empty").chmod(0o000)

    def read():
        for reader in (folder.read, lambda place: data.load("median", "real", root=place)):
            with pytest.raises(DataError, match="beside:? cannot be read .Permission denied"):
                reader(locked)

    as_nobody(read)


@pytest.mark.parametrize("reader", [folder.read, labelme.read_folder, READERS["patients"]], ids=["images", "annotations", "patients"])
def test_folder_that_nobody_may_list_does_not_count_as_empty(locked, reader):
    (locked / "empty").chmod(0o000)

    def read():
        with pytest.raises(DataError, match="empty: cannot be read .Permission denied"):
            reader(locked)
        with pytest.raises(DataError, match="empty: cannot be read .Permission denied"):
            reader(locked / "empty")

    as_nobody(read)


def test_folder_that_the_drive_keeps_for_itself_is_passed_over(locked):
    locked.chmod(0o755)
    (locked / "lost+found").mkdir()
    (locked / "lost+found").chmod(0o000)

    def read():
        assert len(folder.read(locked)) == 1

    try:
        as_nobody(read)
    finally:
        (locked / "lost+found").chmod(0o755)


def test_cache_where_nobody_may_go_is_none(locked, tmp_path, monkeypatch):
    def look():
        with pytest.raises(DataError, match="could not be stored"):
            catalog.fetch("femoral", progress=False)
        cache.sweep(cache.folder() / "arrays")
        assert cache.read("a") is None and catalog.find("femoral") is None
        with pytest.warns(UserWarning, match="could not be cached"):
            assert cache.write("a", {"masks": np.zeros(3, bool)}) is None

    (tmp_path / "file").touch()
    monkeypatch.setenv("NERVEKIT_CACHE", str(tmp_path / "file"))
    look()
    monkeypatch.setenv("NERVEKIT_CACHE", str(locked / "empty" / "cache"))
    (locked / "empty").chmod(0o000)
    as_nobody(look)
