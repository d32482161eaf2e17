"""A set is looked through file by file: each fault is named where it is."""

import json
import shutil
from dataclasses import replace

import ct
import numpy as np
import pytest
from PIL import Image

from nervekit import cli, data, phantom
from nervekit.data import brachial, catalog, checking, files, rle, volumes
from nervekit.errors import MissingDataError

NOTHING = {"missing": [], "changed": [], "extra": [], "unreadable": []}


def test_whole_set_is_well(listed):
    assert checking.check("femoral", listed) == NOTHING


def test_every_fault_of_a_listed_set_is_named(listed):
    (listed / "trainset/images/sample_1.jpg").unlink()
    (listed / "trainset/images/sample_3.jpg").write_bytes(b"other")
    (listed / "notes ä.txt").write_text("mine")
    found = checking.check("femoral", listed)
    assert found["missing"] == ["trainset/images/sample_1.jpg"] and found["extra"] == ["notes ä.txt"]
    assert len(found["changed"]) == 1 and found["changed"][0].startswith("trainset/images/sample_3.jpg: has 5 bytes")


def test_a_table_of_groups_beside_the_public_set_is_none_of_its_files(listed):
    (listed / "groups.csv").write_text("sample,group\n" + "".join(f"sample_{n},a\n" for n in range(1, 13)))
    assert checking.check("femoral", listed) == {**NOTHING, "extra": ["groups.csv"]}
    assert data.load("femoral", "real", (32, 48), listed).provenance["groups"] == "inferred from the pictures"


def test_licence_and_readme_of_a_listed_set_may_lack_or_differ(listed, monkeypatch):
    entries = dict(files.read_manifest("femoral").entries)
    entries |= dict.fromkeys(("LICENSE", "README.md"), (9, "0" * 64))
    monkeypatch.setattr(files, "read_manifest", lambda key: files.Manifest(key, entries))
    (listed / "README.md").write_text("of other line ends")
    assert checking.check("femoral", listed) == NOTHING
    assert catalog.verify("femoral", listed) == {"missing": [], "changed": [], "extra": ["README.md"]}
    assert len(data.load("femoral", "real", (32, 48), listed)) == 12


def test_member_that_cannot_be_unpacked_is_unreadable(listed, pack):
    archive = pack(listed)
    content = archive.read_bytes()
    start = content.index(b"\xff\xd8\xff")
    archive.write_bytes(content[: start + 100] + bytes(50) + content[start + 150 :])
    found = checking.check("femoral", archive)
    assert len(found["unreadable"]) == 1 and "cannot be read" in found["unreadable"][0]


def test_simulated_set_needs_no_manifest_but_every_file_is_opened(tiny):
    (tiny / "SIMULATED.json").write_text("{}")
    assert checking.check("femoral", tiny) == NOTHING
    (tiny / "trainset/images/sample_1.jpg").write_bytes(b"cut off")
    assert checking.check("femoral", tiny)["unreadable"][0].startswith("trainset/images/sample_1.jpg: ")


LOST = {
    "femoral": ("trainset/images/sample_1.jpg", "trainset/masks/sample_1.png"),
    "median": ("Dataset/Images/Pz001-001.bmp", "Dataset/Masks/Pz001-001.bmp"),
    "brachial": ("train/1_1.tif", "train/1_1_mask.tif"),
}


@pytest.mark.parametrize("key", LOST)
def test_lost_partners_and_lost_pairs_of_a_simulated_set_are_named(tmp_path, key):
    made = phantom.export(key, tmp_path / "set", subjects=2, seed=3)
    assert checking.check(key, made) == NOTHING
    count = json.loads((made / "SIMULATED.json").read_text())["images"]
    for name, other in (LOST[key], LOST[key][::-1]):
        content = (made / name).read_bytes()
        (made / name).unlink()
        (line,) = checking.check(key, made)["missing"]
        assert line.startswith(f"{name}: ") or line == name
        (made / name).write_bytes(content)
    for name in LOST[key]:
        (made / name).unlink()
    if key == "brachial":
        (made / "train_masks.csv").unlink()
    assert checking.check(key, made)["missing"] == [f"SIMULATED.json: says {count} images, but {count - 1} are here"]


def test_lost_patient_of_a_simulated_set_is_counted(tmp_path):
    for number in (1, 2):
        ct.save_patient(tmp_path / f"3Dircadb1.{number}", slices=5)
    (tmp_path / "SIMULATED.json").write_text('{"images": 10}')
    assert checking.check("ircadb", tmp_path) == NOTHING
    shutil.rmtree(tmp_path / "3Dircadb1.2")
    assert checking.check("ircadb", tmp_path)["missing"] == ["SIMULATED.json: says 10 images, but 5 are here"]


def test_note_that_is_none_is_unreadable(tiny):
    (tiny / "SIMULATED.json").write_text("simulated")
    assert checking.check("femoral", tiny)["unreadable"] == ["SIMULATED.json: is not the note of a simulated set"]


@pytest.fixture
def plexus(tmp_path, monkeypatch):
    monkeypatch.setitem(catalog.ENTRIES, "brachial", replace(catalog.entry("brachial"), images=3, unlabelled=1))
    (tmp_path / "set" / "train").mkdir(parents=True)
    rows = "subject,img,pixels\n"
    for name in ("1_1", "1_2", "2_1"):
        mask = np.zeros(brachial.NATIVE, np.uint8)
        mask[40:80, 50:90] = 255
        Image.new("L", brachial.NATIVE[::-1]).save(tmp_path / "set" / "train" / f"{name}.tif")
        Image.fromarray(mask).save(tmp_path / "set" / "train" / f"{name}_mask.tif")
        rows += f"{name.replace('_', ',')},{rle.encode(mask)}\n"
    (tmp_path / "set" / "test").mkdir()
    Image.new("L", brachial.NATIVE[::-1]).save(tmp_path / "set" / "test" / "1.tif")
    (tmp_path / "set" / "train_masks.csv").write_text(rows)
    return tmp_path / "set"


def test_kaggle_s_set_is_checked_against_its_own_table(plexus):
    assert checking.check("brachial", plexus) == NOTHING
    table = (plexus / "train_masks.csv").read_text()
    (plexus / "train_masks.csv").write_text(table.replace("2,1,", "2,1,1 1 ") + "3,1,\n")
    (plexus / "train" / "1_1_mask.tif").unlink()
    (plexus / "train" / "1_2.tif").write_bytes(b"cut off")
    (plexus / "train" / "notes.txt").write_text("mine")
    found = checking.check("brachial", plexus)
    listed = ": train_masks.csv lists it"
    assert found["missing"] == ["train/1_1_mask.tif", f"train/3_1.tif{listed}", f"train/3_1_mask.tif{listed}"]
    assert found["changed"] == ["train/2_1_mask.tif: is not the mask that train_masks.csv gives"]
    assert [line.split(":")[0] for line in found["unreadable"]] == ["train/1_2.tif"]
    assert set(found["extra"]) == {"train/notes.txt"}


def test_part_of_kaggle_s_set_is_not_well_though_it_can_be_read(plexus):
    (plexus / "train_masks.csv").unlink()
    assert checking.check("brachial", plexus) == NOTHING
    for name in ("test/1.tif", "train/1_2.tif", "train/1_2_mask.tif"):
        (plexus / name).unlink()
    lines = ["train/: holds 2 of 3 images", "test/: holds 0 of 1 images"]
    assert checking.check("brachial", plexus) == {**NOTHING, "missing": lines}
    assert data.load("brachial", "real", (42, 58), plexus).ids.tolist() == ["1_1", "2_1"]


def test_what_macos_leaves_beside_the_files_is_passed_over(plexus):
    for name in ("1_1.tif", "1_1_mask.tif"):
        (plexus / "train" / f"._{name}").write_bytes(b"litter")
    assert checking.check("brachial", plexus) == NOTHING


def test_patients_and_slices_that_lack_are_named(tmp_path):
    ct.save_patient(tmp_path / "3Dircadb1.2", slices=5)
    (tmp_path / "3Dircadb1.2" / "PATIENT_DICOM" / "image_3").unlink()
    (tmp_path / "3Dircadb1.2" / "MASKS_DICOM" / "bone" / "image_1").write_bytes(b"cut off")
    found = checking.check("ircadb", tmp_path)
    assert "3Dircadb1.1" in found["missing"] and "3Dircadb1.2" not in found["missing"]
    assert any("slice 3 is missing" in line for line in found["missing"])
    assert found["unreadable"][0].startswith("3Dircadb1.2/MASKS_DICOM/bone/image_1: ")


def test_set_that_is_not_here_says_how_to_get_it(tmp_path):
    (tmp_path / "note").write_text("")
    with pytest.raises(MissingDataError, match="nervekit fetch median"):
        checking.check("median", tmp_path)


def test_command_line_says_it_and_fails_if_something_is_wrong(listed, monkeypatch, capsys):
    monkeypatch.setenv("NERVEKIT_DATA", str(listed))
    assert cli.main(["data", "check", "femoral"]) == 0
    assert "All is well: 0 missing, 0 changed, 0 extra, 0 unreadable." in capsys.readouterr().out
    (listed / "trainset/images/sample_1.jpg").unlink()
    assert cli.main(["data", "check", "femoral"]) == 1
    assert "missing: trainset/images/sample_1.jpg\n" in capsys.readouterr().out
    assert cli.main(["data", "check"]) == 2
    assert "femoral, median, brachial, ircadb" in capsys.readouterr().err


@pytest.mark.parametrize("key", ["femoral", "median"])
def test_real_set_is_whole(real_set, key):
    found = checking.check(key, real_set(key))
    assert not found["missing"] and not found["changed"] and not found["unreadable"]


def test_real_patients_are_as_listed(real_set):
    """Of the twenty those are missing that are not here, and nothing of those that are."""
    folder = real_set("ircadb")
    with catalog.opened("ircadb", folder) as source:
        here = len(volumes.organs(source))
    found = checking.check("ircadb", folder)
    assert len(found["missing"]) == 20 - here and not found["changed"] and not found["unreadable"]
    assert len(files.read_manifest("ircadb").entries) == 357
