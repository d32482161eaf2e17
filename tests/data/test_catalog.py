"""Archives read safely, sets fetched from a server of our own, and what is said when that fails."""

import http.server
import threading
import zipfile
from dataclasses import replace
from functools import partial
from importlib import import_module

import pytest

from nervekit import phantom
from nervekit.data import catalog, checking, fetching, files
from nervekit.errors import DataError, MissingDataError


@pytest.mark.parametrize(
    "member", ["../out.txt", "/etc/out.txt", "a/../../out.txt", "C:/out.txt", "..\\out.txt"]
)
def test_archive_with_a_member_that_leaves_its_folder_is_refused(tiny, pack, member):
    with (
        pytest.raises(DataError, match="would leave the folder"),
        files.open_source(pack(tiny, extra=[member])),
    ):
        pass


def test_archive_with_a_link_is_refused(tiny, pack):
    link = zipfile.ZipInfo("femoral-top/link")
    link.external_attr = 0o120777 << 16
    with pytest.raises(DataError, match="is a link"), files.open_source(pack(tiny, extra=[link])):
        pass


@pytest.mark.parametrize("top", ["train", "Dataset"])
def test_folder_that_is_part_of_the_layout_keeps_its_name_in_an_archive(tmp_path, top):
    with zipfile.ZipFile(tmp_path / "part.zip", "w") as archive:
        archive.writestr(f"{top}/a/1_1.tif", b"")
    with files.open_source(tmp_path / "part.zip") as source:
        assert list(source.sizes) == [f"{top}/a/1_1.tif"]


def test_damaged_member_is_named(tiny, pack):
    archive = pack(tiny)
    content = archive.read_bytes()
    start = content.index(b"\xff\xd8\xff")
    archive.write_bytes(content[: start + 100] + bytes(50) + content[start + 150 :])
    with files.open_source(archive) as source, pytest.raises(DataError, match="cannot be read"):
        for name in source.sizes:
            source.read(name)


def test_manifest_of_the_package_is_complete():
    manifest = files.read_manifest("femoral")
    assert len(manifest.select(".jpg").entries) == len(manifest.select(".png").entries) == 562
    assert {len(digest) for _, digest in manifest.entries.values()} == {64}
    assert {"LICENSE", "README.md"} < set(manifest.entries)


def test_verify_tells_missing_changed_and_extra_files_apart(listed):
    (listed / "trainset/images/sample_1.jpg").unlink()
    (listed / "trainset/images/sample_3.jpg").write_bytes(b"other")
    (listed / "note.txt").write_text("mine")
    assert catalog.verify("femoral", listed) == {
        "missing": ["trainset/images/sample_1.jpg"],
        "changed": ["trainset/images/sample_3.jpg"],
        "extra": ["note.txt"],
    }


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server of tmp_path/archives that counts requests; the catalog points to its femoral.zip."""
    requests = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            super().do_GET()

        def log_message(self, *_):
            pass

    handler = partial(Handler, directory=str(tmp_path / "archives"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        point_to(monkeypatch, f"http://127.0.0.1:{running.server_port}/femoral.zip")
        yield requests
        running.shutdown()


def point_to(monkeypatch, address):
    monkeypatch.setitem(catalog.ENTRIES, "femoral", replace(catalog.entry("femoral"), address=address))


def test_fetch_stores_the_checked_set_and_a_second_fetch_does_nothing(listed, pack, server, capsys):
    pack(listed)
    folder = catalog.fetch("femoral", progress=False)
    printed = capsys.readouterr().out
    assert printed.index("Licence: MIT") < printed.index("Please cite: Huang C") < printed.index("stored in")
    assert catalog.verify("femoral", folder) == {"missing": [], "changed": [], "extra": ["CITATION.txt"]}
    assert catalog.find("femoral") == catalog.Place(folder, "real")
    assert catalog.fetch("femoral", progress=False) == folder and len(server) == 1
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_progress_of_one_archive_is_shown(listed, pack, server, capsys):
    pack(listed)
    catalog.fetch("femoral", progress=True)
    assert "100%" in capsys.readouterr().err


def test_fetch_repairs_a_damaged_set(listed, pack, server):
    pack(listed)
    folder = catalog.fetch("femoral", progress=False)
    (folder / "trainset/images/sample_1.jpg").write_bytes(b"damaged")
    catalog.fetch("femoral", progress=False)
    assert catalog.whole(catalog.verify("femoral", folder)) and len(server) == 2


def test_fetch_of_a_changed_set_keeps_nothing(listed, pack, server, own_cache):
    (listed / "trainset/images/sample_1.jpg").write_bytes(b"other")
    pack(listed)
    with pytest.raises(DataError, match=r"sample_1\.jpg has 5 bytes instead of"):
        catalog.fetch("femoral", progress=False)
    assert list((own_cache / "sets").iterdir()) == []


def test_fetch_of_an_unsafe_archive_keeps_nothing(listed, pack, server, own_cache, tmp_path):
    pack(listed, extra=["../../../../out.txt"])
    with pytest.raises(DataError, match="would leave the folder"):
        catalog.fetch("femoral", progress=False)
    assert list((own_cache / "sets").iterdir()) == [] and not list(tmp_path.rglob("out.txt"))


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/femoral.zip", "http://nowhere.invalid/femoral.zip"])
def test_fetch_without_network_says_what_to_do(monkeypatch, own_cache, address):
    point_to(monkeypatch, address)
    with pytest.raises(MissingDataError, match=f"{address} could not be reached.*NERVEKIT_DATA"):
        catalog.fetch("femoral", progress=False)
    assert list((own_cache / "sets").iterdir()) == []


def test_fetch_into_a_folder_that_cannot_be_written_says_so(own_cache):
    own_cache.write_text("in the way")
    with pytest.raises(DataError, match="could not be stored"):
        catalog.fetch("femoral", progress=False)


def test_real_set_that_was_fetched_goes_before_a_simulated_one_that_is_named(listed, pack, server, monkeypatch):
    pack(listed)
    folder = catalog.fetch("femoral", progress=False)
    monkeypatch.setenv("NERVEKIT_DATA", str(listed))
    assert catalog.find("femoral") == catalog.Place(listed, "real")
    (listed / "SIMULATED.json").write_text("{}")
    assert catalog.find("femoral") == catalog.Place(folder, "real")
    assert catalog.find("femoral", listed).source == "phantom"


def test_linked_parts_of_a_simulated_set_are_simulated(listed, tmp_path):
    linked = tmp_path / "linked"
    linked.mkdir()
    for part in ("trainset", "testset"):
        (linked / part).symlink_to(listed / part)
    assert catalog.find("femoral", linked).source == "real"
    assert catalog.whole(catalog.verify("femoral", linked))
    (listed / "SIMULATED.json").write_text("{}")
    assert catalog.find("femoral", linked).source == "phantom"


def test_archive_with_backslashes_in_its_names_is_found_and_whole(listed, tmp_path):
    with zipfile.ZipFile(tmp_path / "femoral.zip", "w") as archive:
        for name in files.read_manifest("femoral").entries:
            archive.writestr("top\\" + name.replace("/", "\\"), (listed / name).read_bytes())
    assert catalog.whole(catalog.verify("femoral", tmp_path / "femoral.zip"))


def test_what_macos_leaves_behind_is_no_set(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "._1_1_mask.tif").write_bytes(b"litter")
    assert catalog.find("brachial", tmp_path) is None


def test_overview_says_what_is_here(listed, monkeypatch):
    assert catalog.overview()[0]["state"] == "not here"
    monkeypatch.setenv("NERVEKIT_DATA", str(listed))
    row = catalog.overview()[0]
    assert (row["state"], row["path"]) == ("real, not looked through (nervekit data check femoral)", str(listed))
    (listed / "SIMULATED.json").write_text("{}")
    assert catalog.overview()[0]["state"] == "simulated"


def test_every_set_can_be_simulated_fetched_checked_and_read():
    for table in (phantom.SUBJECTS, fetching.WAYS, checking.FURTHER):
        assert set(table) == set(catalog.ENTRIES)
    for key in catalog.ENTRIES:
        assert callable(import_module(f"nervekit.data.{key}").read)
