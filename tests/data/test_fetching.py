"""Sets that come file by file, patient by patient, or from Kaggle: from a server of our own, interrupted and not."""

import hashlib
import http.server
import io
import shutil
import sys
import threading
import types
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import ct
import numpy as np
import pytest
from PIL import Image

from nervekit.data import catalog, fetching, files
from nervekit.errors import DataError, MissingDataError


@pytest.fixture
def serve(monkeypatch, tmp_path):
    """A function that points a set to a server of `answers` (path or patient to bytes); gives the list of requests.

    Of what `halved` names, half the body comes.
    """
    running = []

    def start(key, answers, halved=()):
        requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked = parse_qs(urlsplit(self.path).query).get("path", [urlsplit(self.path).path])[0]
                requests.append(asked)
                content = answers.get(asked)
                self.send_response(200 if content is not None else 404)
                if content is not None:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                whole = asked not in halved
                self.wfile.write((content or b"")[: None if whole else len(content) // 2])

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        address = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setitem(catalog.ENTRIES, key, replace(catalog.entry(key), address=address))
        return requests

    yield start
    for server in running:
        server.shutdown()


@pytest.fixture
def median(monkeypatch):
    """Twelve files that count as the median set, by the path on the server."""
    contents = {f"Dataset/Images/Pz00{n % 9}-00{n}.bmp": bytes([n]) * (100 + n) for n in range(12)}
    entries = {name: (len(value), hashlib.sha256(value).hexdigest()) for name, value in contents.items()}
    monkeypatch.setattr(files, "read_manifest", lambda key: files.Manifest(key, entries))
    return {f"/{name}": value for name, value in contents.items()}


def test_files_are_fetched_one_by_one_and_not_twice(serve, median):
    requests = serve("median", median)
    folder = catalog.fetch("median", progress=False)
    assert catalog.verify("median", folder) == {"missing": [], "changed": [], "extra": ["CITATION.txt"]}
    assert sorted(requests) == sorted(median) and catalog.find("median").path == folder
    catalog.fetch("median", progress=False)
    assert len(requests) == 12 and [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_interrupted_fetch_goes_on_where_it_stopped(serve, median, monkeypatch, own_cache):
    lost = "/Dataset/Images/Pz005-005.bmp"
    requests = serve("median", {name: value for name, value in median.items() if name != lost})
    with pytest.raises(MissingDataError, match=r"Pz005-005\.bmp could not be reached"):
        catalog.fetch("median", progress=False)
    assert catalog.find("median") is None
    here = {f"/{path.relative_to(own_cache / 'sets').as_posix().split('/', 1)[1]}" for path in own_cache.rglob("*.bmp")}
    again = serve("median", median)
    catalog.fetch("median", progress=False)
    assert set(again) == set(median) - here and len(here) >= 1 and lost in requests


def test_a_folder_that_lost_its_files_is_filled_again(serve, median):
    serve("median", median)
    folder = catalog.fetch("median", progress=False)
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert catalog.find("median") is None
    catalog.fetch("median", progress=False)
    assert catalog.find("median") is not None


def test_licence_and_citation_are_shown_before_the_first_request_and_stored(serve, median, monkeypatch, capsys):
    shown = []
    get = fetching._get
    monkeypatch.setattr(fetching, "_get", lambda *given: shown.append(capsys.readouterr().out) or get(*given))
    serve("median", median)
    folder = catalog.fetch("median", progress=False)
    known = catalog.entry("median")
    assert f"Licence: {known.licence}\nPlease cite: {known.citation}\n" in shown[0]
    note = (folder / "CITATION.txt").read_text(encoding="utf-8")
    assert note == f"{known.title}\n{known.by_hand}\nLicence: {known.licence}\nPlease cite: {known.citation}\n"


def test_progress_is_shown_on_the_error_stream(serve, median, capsys):
    serve("median", median)
    catalog.fetch("median", progress=True)
    assert "median: 100%" in capsys.readouterr().err
    catalog.fetch("median", force=True, progress=False)
    assert capsys.readouterr().err == ""


def test_file_of_which_half_comes_is_tried_again_and_not_kept(serve, median, own_cache):
    cut = "/Dataset/Images/Pz003-003.bmp"
    requests = serve("median", median, halved=[cut])
    with pytest.raises(MissingDataError, match=r"Pz003-003\.bmp could not be reached"):
        catalog.fetch("median", progress=False)
    assert requests.count(cut) == fetching.ATTEMPTS
    assert catalog.find("median") is None and not list(own_cache.rglob("*Pz003-003*"))


def test_patient_of_whom_half_comes_is_not_kept(serve, patients, own_cache):
    serve("ircadb", patients, halved=["/3Dircadb1.2"])
    with pytest.raises(MissingDataError, match=r"3Dircadb1\.2 could not be reached"):
        catalog.fetch("ircadb", progress=False)
    assert [path.name for path in (own_cache / "sets/3Dircadb1").iterdir()] == ["3Dircadb1.1"]


def test_damaged_file_alone_is_fetched_again(serve, median):
    requests = serve("median", median)
    folder = catalog.fetch("median", progress=False)
    (folder / "Dataset/Images/Pz003-003.bmp").write_bytes(b"damaged")
    catalog.fetch("median", progress=False)
    assert requests[12:] == ["/Dataset/Images/Pz003-003.bmp"] and catalog.whole(catalog.verify("median", folder))


def test_repair_that_fails_leaves_the_set_where_it_is(serve, median):
    serve("median", median)
    folder = catalog.fetch("median", progress=False)
    damaged, whole = (folder / f"Dataset/Images/Pz00{n}-00{n}.bmp" for n in (3, 4))
    damaged.write_bytes(b"damaged")
    (folder / "note.txt").write_text("mine")
    serve("median", {})
    with pytest.raises(MissingDataError, match="What was here before is unchanged"):
        catalog.fetch("median", progress=False)
    assert catalog.find("median").path == folder and damaged.read_bytes() == b"damaged" and whole.is_file()
    again = serve("median", median)
    catalog.fetch("median", progress=False)
    assert again == ["/Dataset/Images/Pz003-003.bmp"]
    assert (folder / "note.txt").read_text() == "mine"
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def when_all_files_came(monkeypatch, median, function):
    """Let another process, that is `function`, do something between the last file and the end of the first fetch."""
    get, came, lock = fetching._one_file, [], threading.Lock()

    def one_file(*given):
        get(*given)
        with lock:
            came.append(given)
            last = len(came) == len(median)
        if last:
            function()

    monkeypatch.setattr(fetching, "_one_file", one_file)


@pytest.mark.parametrize("force", [False, True])
def test_two_processes_that_fetch_the_same_set_leave_it_whole(serve, median, monkeypatch, force):
    serve("median", median)
    if force:
        catalog.fetch("median", progress=False)
    when_all_files_came(monkeypatch, median, lambda: catalog.fetch("median", force=force, progress=False))
    folder = catalog.fetch("median", force=force, progress=False)
    assert catalog.whole(catalog.verify("median", folder))
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_set_that_another_process_has_taken_away_in_part_replaces_none(serve, median, monkeypatch, own_cache):
    serve("median", median)
    folder = catalog.fetch("median", progress=False)
    lost = "Dataset/Images/Pz003-003.bmp"
    (folder / lost).write_bytes(b"damaged")
    partial = folder.with_name(f".partial-{folder.name}")
    when_all_files_came(monkeypatch, median, (partial / lost).unlink)
    with pytest.raises(DataError, match="another process fetches the same set; try again"):
        catalog.fetch("median", progress=False)
    assert len(list(folder.rglob("*.bmp"))) == len(median)
    catalog.fetch("median", progress=False)
    assert catalog.whole(catalog.verify("median", folder))


def test_old_copy_is_given_back_where_the_new_one_cannot_take_its_place(tmp_path):
    for name in ("old", "temporary"):
        (tmp_path / name).mkdir()
    (tmp_path / "old" / "file").touch()
    with pytest.raises(FileNotFoundError):
        fetching.put(tmp_path / "taken away", tmp_path / "old", tmp_path / "temporary")
    assert (tmp_path / "old" / "file").exists()


def test_file_of_other_content_is_not_kept(serve, median, own_cache):
    serve("median", median | {"/Dataset/Images/Pz003-003.bmp": b"a page of a proxy"})
    with pytest.raises(DataError, match=r"Pz003-003\.bmp: what came is not the file"):
        catalog.fetch("median", progress=False)
    assert not list(own_cache.rglob("Pz003-003.bmp"))


def archive(members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as opened:
        for member, content in members.items():
            opened.writestr(member, content)
    return stream.getvalue()


def packed(name, changed=None, slices=2):
    """One patient as the host packs it; `changed` are members of the inner archives, by path."""
    members = {f"PATIENT_DICOM/PATIENT_DICOM/image_{n}": ct.content(ct.hounsfield(n), n) for n in range(slices)}
    members |= {f"MASKS_DICOM/liver/image_{n}": ct.content(ct.organ(n), n) for n in range(slices)} | (changed or {})
    inner = {path: content for path, content in members.items() if "MASKS" not in path}
    masks = {path: content for path, content in members.items() if "MASKS" in path}
    return archive({
        f"{name}/PATIENT_DICOM.zip": archive(inner),
        f"{name}/MASKS_DICOM.zip": archive(masks),
        f"{name}/MESHES_VTK.zip": b"left out",
    })


@pytest.fixture
def patients(monkeypatch):
    monkeypatch.setattr(fetching, "PATIENTS", range(1, 4))
    monkeypatch.setattr(files, "read_manifest", lambda key: files.Manifest(key, {}))
    return {f"/3Dircadb1.{n}": packed(f"3Dircadb1.{n}") for n in range(1, 4)}


def test_patients_are_unpacked_and_fetched_one_by_one(serve, patients):
    serve("ircadb", {name: value for name, value in patients.items() if name != "/3Dircadb1.3"})
    with pytest.raises(MissingDataError, match="could not be reached"):
        catalog.fetch("ircadb", progress=False)
    requests = serve("ircadb", patients)
    folder = catalog.fetch("ircadb", progress=False)
    assert requests == ["/3Dircadb1.3"]
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert len(names) == 3 * 4 + 1 and "3Dircadb1.2/PATIENT_DICOM/image_1" in names
    catalog.fetch("ircadb", progress=False)
    assert len(requests) == 1


def damage(folder, what):
    slice_, mask = folder / "PATIENT_DICOM/image_1", folder / "MASKS_DICOM/liver/image_1"
    if what == "lost slices":
        shutil.rmtree(slice_.parent)
    elif what == "no slice":
        slice_.write_bytes(b"damaged")
    else:
        path = mask if what == "cut mask" else slice_
        path.write_bytes(path.read_bytes()[:-20])


@pytest.mark.parametrize("what", ["lost slices", "no slice", "cut slice", "cut mask"])
def test_damaged_patient_alone_is_fetched_again(serve, patients, what, capsys):
    requests = serve("ircadb", patients)
    folder = catalog.fetch("ircadb", progress=False)
    damage(folder / "3Dircadb1.2", what)
    catalog.fetch("ircadb", progress=False)
    assert requests[3:] == ["/3Dircadb1.2"] and "Already here" not in capsys.readouterr().out
    catalog.fetch("ircadb", progress=False)
    assert len(requests) == 4 and "Already here, every file decoded, listed ones checked" in capsys.readouterr().out
    assert len([path for path in folder.rglob("*image_*")]) == 3 * 4


def test_listed_patient_who_lost_an_organ_is_fetched_again(serve, patients, monkeypatch):
    requests = serve("ircadb", patients)
    folder = catalog.fetch("ircadb", progress=False)
    contents = {path.relative_to(folder).as_posix(): path.read_bytes() for path in (folder / "3Dircadb1.2").rglob("image_*")}
    entries = {name: (len(value), hashlib.sha256(value).hexdigest()) for name, value in contents.items()}
    monkeypatch.setattr(files, "read_manifest", lambda key: files.Manifest(key, entries))
    shutil.rmtree(folder / "3Dircadb1.2" / "MASKS_DICOM")
    catalog.fetch("ircadb", progress=False)
    assert requests[3:] == ["/3Dircadb1.2"] and len(list(folder.rglob("image_*"))) == 3 * 4


def test_fetch_that_brought_nothing_leaves_no_set(serve, patients):
    serve("ircadb", {})
    with pytest.raises(MissingDataError):
        catalog.fetch("ircadb", progress=False)
    assert catalog.find("ircadb") is None


def test_listed_patient_with_a_changed_slice_is_not_kept(serve, patients, monkeypatch, own_cache):
    size = len(ct.content(ct.hounsfield(0), 0))
    entries = {"3Dircadb1.2/PATIENT_DICOM/image_0": (size, "0" * 64)}
    monkeypatch.setattr(files, "read_manifest", lambda key: files.Manifest(key, entries))
    serve("ircadb", patients)
    with pytest.raises(DataError, match=r"3Dircadb1\.2/PATIENT_DICOM/image_0 has SHA-256"):
        catalog.fetch("ircadb", progress=False)
    assert [path.name for path in (own_cache / "sets/3Dircadb1").iterdir()] == ["3Dircadb1.1"]


def test_without_kagglehub_the_steps_are_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(MissingDataError, match=r"(?s)not installed.*1\. .*rules.*access_token.*nervekit fetch brachial"):
        catalog.fetch("brachial", progress=False)


def test_rules_that_are_not_accepted_are_explained(monkeypatch, own_cache):
    def refuse(name, force_download):
        raise RuntimeError("403 Client Error")

    monkeypatch.setitem(sys.modules, "kagglehub", types.SimpleNamespace(competition_download=refuse))
    with pytest.raises(MissingDataError, match=r"(?s)403 Client Error.*403 that the rules are not accepted"):
        catalog.fetch("brachial", progress=False)
    assert list((own_cache / "sets").iterdir()) == []


@pytest.mark.parametrize(
    ("member", "content", "text"),
    [
        ("PATIENT_DICOM/PATIENT_DICOM/image_1", b"no DICOM", r"image_1: is not a readable DICOM"),
        ("MASKS_DICOM/liver/image_1", b"no DICOM", r"image_1: is not a readable DICOM"),
        ("PATIENT_DICOM/PATIENT_DICOM/image_1", ct.content(ct.hounsfield(1), 5), "slices 1 to 4 are missing"),
        ("PATIENT_DICOM/../../../../out", b"harm", "would leave the folder"),
        ("MASKS_DICOM/../../../../out", b"harm", "would leave the folder"),
    ],
)
def test_patient_with_a_member_that_is_wrong_is_not_kept(serve, patients, own_cache, tmp_path, member, content, text):
    serve("ircadb", patients | {"/3Dircadb1.2": packed("3Dircadb1.2", {member: content})})
    with pytest.raises(DataError, match=text):
        catalog.fetch("ircadb", progress=False)
    assert [path.name for path in (own_cache / "sets/3Dircadb1").iterdir()] == ["3Dircadb1.1"]
    assert not list(tmp_path.rglob("out"))


@pytest.fixture
def given(monkeypatch, tmp_path):
    """What Kaggle gives of a set of two images: a folder; each download is counted."""
    folder = tmp_path / "given"
    (folder / "train").mkdir(parents=True)
    for name in ("1_1", "1_2"):
        Image.new("L", (580, 420)).save(folder / "train" / f"{name}.tif")
        Image.fromarray(np.zeros((420, 580), np.uint8)).save(folder / "train" / f"{name}_mask.tif")
    (folder / "train_masks.csv").write_text("subject,img,pixels\n1,1,\n1,2,\n")
    test = (folder / "train" / "1_1.tif").read_bytes()
    (folder / "test.zip").write_bytes(archive({"test/1.tif": test}))
    monkeypatch.setitem(catalog.ENTRIES, "brachial", replace(catalog.entry("brachial"), images=2, unlabelled=1))
    asked = []

    def download(name, force_download):
        asked.append(name)
        return str(folder)

    monkeypatch.setitem(sys.modules, "kagglehub", types.SimpleNamespace(competition_download=download))
    return folder, asked


def test_what_kaggle_gives_is_brought_into_one_folder_once(given, capsys):
    folder = catalog.fetch("brachial", progress=False)
    names = {path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file()}
    pairs = {f"train/{name}{ending}.tif" for name in ("1_1", "1_2") for ending in ("", "_mask")}
    assert names == pairs | {"train_masks.csv", "test/1.tif", "CITATION.txt"}
    assert "Every file checked by decoding it" in capsys.readouterr().out
    assert catalog.fetch("brachial", progress=False) == folder and len(given[1]) == 1
    assert "Already here: " in capsys.readouterr().out


def test_what_macos_leaves_beside_kaggle_s_files_is_passed_over(given):
    (given[0] / "train" / "._1_2_mask.tif").write_bytes(b"litter")
    folder = catalog.fetch("brachial", progress=False)
    assert not list(Path(folder).rglob("._*"))
    (Path(folder) / "train" / "._1_2_mask.tif").write_bytes(b"litter")
    catalog.fetch("brachial", progress=False)
    assert len(given[1]) == 1


def test_copy_that_lost_its_test_images_is_fetched_again(given):
    folder = catalog.fetch("brachial", progress=False)
    shutil.rmtree(folder / "test")
    catalog.fetch("brachial", progress=False)
    assert (folder / "test" / "1.tif").is_file() and len(given[1]) == 2


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("train/1_2.tif", b"cut off", r"unreadable: train/1_2\.tif"),
        ("train_masks.csv", b"subject,img,pixels\n1,1,\n1,2,1 5\n", r"changed: train/1_2_mask\.tif: is not the mask"),
        ("train/1_2.tif", None, r"missing: train/1_2\.tif"),
        ("train_masks.csv", b"subject,img,pixels\n", "missing: train/: holds 1 of 2 images"),
        ("test.zip", None, "missing: test/: holds 0 of 1 images"),
    ],
)
def test_what_kaggle_gives_in_part_or_damaged_is_not_kept(given, own_cache, name, content, text):
    (given[0] / name).write_bytes(content) if content is not None else (given[0] / name).unlink()
    if "1 of 2" in text:
        for path in given[0].glob("train/1_2*"):
            path.unlink()
    with pytest.raises(DataError, match=f"what Kaggle gave is not the whole set.*{text}"):
        catalog.fetch("brachial", progress=False)
    assert list((own_cache / "sets").iterdir()) == []
