"""Loading: where data is found, what is checked, and what the cache does when it cannot."""

import errno
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from nervekit import data, kernel, phantom
from nervekit.data import cache, catalog
from nervekit.errors import ConfigurationError, DataError, MissingDataError


def test_import_brings_no_heavy_library():
    heavy = "{'keras', 'tensorflow', 'scipy', 'skimage', 'sklearn', 'pooch', 'matplotlib'}"
    code = f"import sys, nervekit.data; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_folder_archive_and_the_folder_above_give_the_same(listed, pack):
    archive = pack(listed)
    loaded = [data.load("femoral", root=root) for root in (listed, listed.parent, archive, archive.parent)]
    for other in loaded[1:]:
        assert np.array_equal(other.images, loaded[0].images) and np.array_equal(other.masks, loaded[0].masks)
    assert all(dataset.source == dataset.provenance["data"] == "real" for dataset in loaded)


def test_folder_and_archive_may_have_spaces_and_umlauts_in_their_names(listed, pack, tmp_path, monkeypatch):
    place = tmp_path / "Meine Bilder für später"
    shutil.copytree(listed, place / "Größe 1")
    shutil.copy(pack(listed), place / "femoral ä.zip")
    for root in (place / "Größe 1", place / "femoral ä.zip", place):
        assert data.load("femoral", root=root).ids.tolist() == [str(number) for number in range(1, 13)]
    monkeypatch.setenv("NERVEKIT_DATA", str(place))
    assert data.load("femoral", "real").provenance["path"].startswith(str(place))


def test_environment_variable_names_the_folder(listed, monkeypatch):
    monkeypatch.setenv("NERVEKIT_DATA", str(listed))
    assert data.load("femoral", "real").source == "real"


def test_wrong_environment_variable_is_an_error_and_no_silent_simulation(monkeypatch, tmp_path):
    monkeypatch.setenv("NERVEKIT_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="NERVEKIT_DATA=.*nowhere: there is no such file or folder"):
        data.load("femoral")


HOMES = {
    "root": lambda place: catalog.find("femoral", place),
    "NERVEKIT_DATA": lambda place: catalog.find("femoral"),
    "NERVEKIT_CACHE": lambda place: cache.folder(),
    "folder": lambda place: phantom.export("median", place),
}


@pytest.mark.parametrize("what", HOMES)
def test_home_that_is_not_there_is_named(monkeypatch, what):
    place = "~nobody of this name/set"
    if what.isupper():
        monkeypatch.setenv(what, place)
    with pytest.raises(DataError, match=f"{what}={place}: there is no such home folder"):
        HOMES[what](place)


def test_home_that_is_not_there_is_named_before_a_kernel_starts(monkeypatch, tmp_path):
    monkeypatch.setenv("NERVEKIT_DATA", " ~nobody of this name/set")
    with pytest.raises(DataError, match="NERVEKIT_DATA=~nobody of this name/set: "), kernel.environment(tmp_path):
        pass


def test_empty_folder_is_an_error(monkeypatch, tmp_path):
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("NERVEKIT_DATA", str(tmp_path / "empty"))
    with pytest.raises(DataError, match="this folder is empty"):
        data.load("femoral")


def test_file_that_is_no_archive_is_an_error(tmp_path):
    (tmp_path / "femoral.zip").write_bytes(b"not a zip")
    with pytest.raises(DataError, match="not a zip archive of the set 'femoral'"):
        data.load("femoral", root=tmp_path / "femoral.zip")


def test_real_data_that_is_not_here_says_how_to_get_it(monkeypatch, tmp_path):
    (tmp_path / "note.txt").write_text("nothing here")
    monkeypatch.setenv("NERVEKIT_DATA", str(tmp_path))
    with pytest.raises(MissingDataError, match="nervekit fetch femoral.*github.com/gscfwid"):
        data.load("femoral", "real")


@pytest.mark.parametrize(
    "arguments",
    [
        {"key": "elbow"},
        {"source": "internet"},
        {"channels": 2},
        {"size": (0, 5)},
        {"size": 256.0},
        {"subjects": 0},
        {"subjects": "3"},
        {"subjects": 2.5},
        {"subjects": True},
    ],
)
def test_unknown_arguments_are_refused(arguments):
    with pytest.raises(ConfigurationError, match=str(next(iter(arguments.values())))[:3].replace("(", r"\(")):
        data.load(**{"key": "femoral", **arguments})


def test_open_files_gives_the_bytes_that_load_reads(listed, pack):
    for root in (listed, pack(listed)):
        with data.open_files("femoral", root=root) as opened:
            assert (opened.source, opened.path) == ("real", root)
            name = "trainset/images/sample_1.jpg"
            assert opened.files.read(name) == (listed / name).read_bytes()
    (listed / name).write_bytes(b"other")
    with data.open_files("femoral", root=listed) as opened, pytest.raises(DataError, match=r"sample_1\.jpg has 5 bytes"):
        opened.files.read(name)


@pytest.mark.parametrize("wrong", [{"source": "kaggle"}, {"subjects": 0}, {"subjects": "3"}])
def test_open_files_refuses_what_load_refuses(wrong):
    with pytest.raises(ConfigurationError), data.open_files("median", **wrong):
        pass


def test_changed_file_is_named_even_when_the_arrays_are_cached(listed):
    data.load("femoral", root=listed)
    path = listed / "trainset/images/sample_6.jpg"
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"sample_6\.jpg has SHA-256"):
        data.load("femoral", root=listed)


def test_missing_file_of_the_manifest_is_named(listed):
    (listed / "trainset/images/sample_6.jpg").unlink()
    (listed / "trainset/masks/sample_6.png").unlink()
    with pytest.raises(
        DataError, match="2 of 24 files .* are missing, the first is trainset/images/sample_6.jpg"
    ):
        data.load("femoral", root=listed)


def test_files_of_another_origin_do_not_pass_for_the_public_set(tiny):
    with pytest.raises(DataError, match="files of the set 'femoral' are missing"):
        data.load("femoral", root=tiny)


def test_simulated_files_never_pass_for_real_ones(tiny):
    (tiny / "SIMULATED.json").write_text("{}")
    dataset = data.load("femoral", root=tiny)
    assert dataset.source == "phantom" and dataset.provenance["data"] == "simulated"
    with pytest.raises(DataError, match="simulated images"):
        data.load("femoral", "real", root=tiny)


def test_real_files_never_pass_for_simulated_ones(listed):
    with pytest.raises(DataError, match="public images"):
        data.load("femoral", "phantom", root=listed)


def test_second_load_comes_from_the_cache_and_is_the_same(listed, monkeypatch):
    first = data.load("femoral", root=listed, size=(40, 56))
    monkeypatch.setattr("nervekit.data.femoral.read", lambda *_: pytest.fail("read again"))
    second = data.load("femoral", root=listed, size=(40, 56))
    for name in ("images", "masks", "ids", "groups", "parts"):
        assert np.array_equal(getattr(first, name), getattr(second, name)), name


def test_damaged_cache_is_made_again(listed, own_cache):
    first = data.load("femoral", root=listed)
    (stored,) = (own_cache / "arrays").iterdir()
    stored.write_bytes(stored.read_bytes()[:1000])
    assert np.array_equal(data.load("femoral", root=listed).images, first.images)
    assert cache.read(stored.stem) is not None


def test_stored_arrays_may_be_read_by_whom_other_files_may(own_cache):
    before = os.umask(0o022)
    try:
        path = cache.write("a", {"masks": np.eye(3, dtype=bool)})
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o644 and list(path.parent.iterdir()) == [path]
    assert np.array_equal(cache.read("a")["masks"], np.eye(3, dtype=bool))


def test_what_a_killed_process_left_behind_is_ignored_and_later_deleted(tmp_path):
    old, young, folder, kept = (tmp_path / name for name in (".part-old.npz", ".part-young", ".part-dir", "kept"))
    folder.mkdir()
    for path in (old, young, folder / "half", kept):
        path.write_bytes(b"half")
    day = time.time() - cache.LEFT_BEHIND - 10
    for path in (old, folder, kept):
        os.utime(path, (day, day))
    cache.sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {".part-young", "kept"}
    cache.sweep(tmp_path / "nowhere")


def test_killed_process_does_no_harm_to_the_next_load(listed, own_cache):
    first = data.load("femoral", root=listed)
    (own_cache / "arrays" / ".part-abc.npz").write_bytes(b"half")
    (own_cache / "sets" / ".part-abc" / "trainset").mkdir(parents=True)
    assert np.array_equal(data.load("femoral", root=listed).images, first.images)
    with pytest.raises(MissingDataError):
        data.load("femoral", "real")


def test_full_disk_costs_the_cache_but_not_the_data(listed, own_cache, monkeypatch):
    def full(stream, **_):
        stream.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.warns(UserWarning, match="could not be cached .No space left on device.*NERVEKIT_CACHE"):
        dataset = data.load("femoral", root=listed)
    assert len(dataset) == 12
    assert list((own_cache / "arrays").iterdir()) == []


def test_cache_that_is_a_file_costs_the_cache_but_not_the_data(listed, own_cache):
    own_cache.write_text("in the way")
    with pytest.warns(UserWarning, match="could not be cached"):
        assert len(data.load("femoral", root=listed)) == 12


def simulate(monkeypatch, tiny, fail=None):
    """Replace the simulator by one that copies the tiny set; the first call may fail."""
    calls = []

    def export(key, folder, *, subjects, seed, progress):
        calls.append((subjects, seed))
        if fail and len(calls) == 1:
            raise fail
        if not folder.is_dir():
            shutil.copytree(tiny, folder)
            (folder / "SIMULATED.json").write_text("{}")
        return folder

    monkeypatch.setattr(phantom, "export", export)
    return calls


def test_without_data_auto_simulates_in_the_cache_and_says_so(tiny, monkeypatch, capsys, own_cache):
    calls = simulate(monkeypatch, tiny)
    dataset = data.load("femoral", subjects=4, seed=7)
    assert dataset.source == "phantom" and "12 simulated images of femoral" in capsys.readouterr().out
    assert "Simulated" in dataset.citation and calls == [(4, 7)]
    assert [path.name for path in (own_cache / "phantom").iterdir()] == [
        f"femoral-v{phantom.VERSION}-4-subjects-seed-7"
    ]


@pytest.mark.parametrize(
    "failure", [OSError(errno.ENOSPC, "No space left on device"), DataError("disk full")]
)
def test_full_disk_while_simulating_falls_back_to_a_temporary_folder(tiny, monkeypatch, own_cache, failure):
    simulate(monkeypatch, tiny, fail=failure)
    with pytest.warns(UserWarning, match="simulated set could not be cached"):
        assert len(data.load("femoral", "phantom")) == 12
    assert not (own_cache / "phantom").exists()


@pytest.mark.parametrize(("key", "subjects"), [("femoral", 3), ("median", 3), ("brachial", 1), ("ircadb", 1)])
def test_simulator_and_reader_agree(key, subjects):
    dataset = data.load(key, "phantom", size=None, subjects=subjects)
    assert len(set(dataset.groups.tolist())) == subjects and dataset.source == "phantom"
    assert all(image.shape == (*mask.shape, 1) for image, mask in zip(dataset.images, dataset.masks))
    filled = [mask.any() for mask in dataset.masks]
    assert any(filled) and all(filled) == (key != "brachial")
    assert (dataset.spacing is None) == (key != "ircadb")


@pytest.mark.parametrize("draw", [phantom.scene, phantom.screenshot])
@pytest.mark.parametrize("key", sorted(phantom.SUBJECTS))
def test_simulated_frame_that_is_none_is_refused(draw, key):
    for wrong in ({"subject": -1}, {"subject": 0.5}, {"seed": -1}, {"seed": None}, {"frame": -1}, {"frame": 1.5}):
        with pytest.raises(ConfigurationError, match=next(iter(wrong))):
            draw(key, **wrong)


def test_archive_of_another_set_is_passed_over_but_a_wrong_root_is_refused(listed, pack, monkeypatch):
    archive = pack(listed)
    monkeypatch.setenv("NERVEKIT_DATA", str(archive))
    assert data.load("femoral", "real").source == "real"
    with pytest.raises(MissingDataError, match="'median' is not on this machine"):
        data.load("median", "real")
    with pytest.raises(DataError, match="is not a zip archive of the set 'median'"):
        data.load("median", root=archive)


def test_subset_keeps_everything_in_step(listed):
    dataset = data.load("femoral", root=listed, size=None)
    part = dataset.subset([5, 1])
    assert part.ids.tolist() == ["6", "2"] and part.parts.tolist() == ["train", "test"]
    assert part.images[0] is dataset.images[5] and len(part.masks) == 2
    assert dataset.part("test").ids.tolist() == ["2", "11"]
    with pytest.raises(ConfigurationError, match="part 'dev'"):
        dataset.part("dev")


def test_subset_takes_positions_or_one_boolean_an_image(listed):
    dataset = data.load("femoral", root=listed)
    assert dataset.subset(dataset.ids == "6").ids.tolist() == ["6"] and len(dataset.subset([])) == 0
    for wrong in ([True, False], [0.0, 1.0], [12], [-1], 3, ["6"]):
        with pytest.raises(ConfigurationError, match="indices: holds .*expected positions from 0 to 11, or 12 booleans"):
            dataset.subset(wrong)
