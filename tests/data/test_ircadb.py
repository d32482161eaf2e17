"""The CT reader: order, Hounsfield units, organs, windows, and slices that are wrong."""

import hashlib
import shutil
import zipfile

import ct
import numpy as np
import pydicom
import pytest
from pydicom.uid import JPEGLSLossless, RLELossless

from nervekit import data
from nervekit.data import catalog, files, ircadb, volumes
from nervekit.errors import ConfigurationError, DataError


@pytest.fixture
def set_of_two(tmp_path):
    ct.save_patient(tmp_path / "set" / "3Dircadb1.10", slices=3)
    ct.save_patient(tmp_path / "set" / "3Dircadb1.2", organs=("liver", "livertumor01"))
    return tmp_path / "set"


def read(path, **options):
    with catalog.opened("ircadb", path) as source:
        return ircadb.read(source, **options)


def slice_of(folder, number, organ=None):
    parent = f"MASKS_DICOM/{organ}" if organ else "PATIENT_DICOM"
    return folder / "3Dircadb1.2" / parent / f"image_{number}"


def test_slices_come_in_the_order_of_their_numbers_patient_by_patient(set_of_two):
    arrays = read(set_of_two, size=None)
    assert arrays["ids"].tolist() == [f"2/{n}" for n in range(12)] + [f"10/{n}" for n in range(3)]
    assert arrays["groups"].tolist() == ["2"] * 12 + ["10"] * 3
    assert all(np.array_equal(mask, ct.organ(n) > 0) for n, mask in enumerate(arrays["masks"][:12]))


def test_instance_numbers_go_before_names(set_of_two):
    for number in range(12):
        slice_of(set_of_two, number).write_bytes(ct.content(ct.hounsfield(number), 40 - number))
    arrays = read(set_of_two, size=None, patients=[2])
    assert arrays["ids"].tolist() == [f"2/{n}" for n in range(29, 41)]
    assert np.array_equal(arrays["masks"][0], ct.organ(11) > 0)


def test_names_are_the_order_where_there_are_no_instance_numbers(set_of_two):
    for number in range(12):
        slice_of(set_of_two, number).write_bytes(ct.content(ct.hounsfield(number), number, drop=["InstanceNumber"]))
    assert read(set_of_two, patients=[2])["ids"].tolist() == [f"2/{n}" for n in range(12)]


def test_slope_and_intercept_give_hounsfield_units(set_of_two):
    stored = ct.hounsfield(5) + 1024
    slice_of(set_of_two, 5).write_bytes(ct.content(stored // 2, 5, slope=2, intercept=-1024))
    with catalog.opened("ircadb", set_of_two) as source:
        (volume,) = volumes.find(source, [2])
        assert np.array_equal(ircadb.read_slice(source, volume, 5), ct.hounsfield(5))


def test_windows_map_hounsfield_units_to_grey():
    values = np.array([[-1024, -160, 40, 240, 1000]], np.int16)
    assert ircadb.to_grey(values, (40, 400)).tolist() == [[0, 0, 128, 255, 255]]
    assert ircadb.to_grey(values, "slice").tolist() == [[0, 109, 134, 159, 255]]
    assert ircadb.to_grey(np.full((1, 2), 7), "slice").tolist() == [[0, 0]]


def test_several_organs_are_joined_and_patterns_match(set_of_two):
    both = read(set_of_two, size=None, organs=("liver", "bone"), patients=[10])["masks"][2]
    assert np.array_equal(both, (ct.organ(2) > 0) | (ct.organ(2, 8) > 0))
    assert set(read(set_of_two, organs="livertumor*")["groups"].tolist()) == {"2"}
    assert set(read(set_of_two, organs="bone")["groups"].tolist()) == {"10"}


def test_each_organ_can_be_read_by_itself(set_of_two):
    with catalog.opened("ircadb", set_of_two) as source:
        assert list(volumes.organs(source).items()) == [("2", ["liver", "livertumor01"]), ("10", ["bone", "liver"])]
        (volume,) = volumes.find(source, [10])
        assert np.array_equal(ircadb.read_mask(source, volume, "bone", 1), ct.organ(1, 8) > 0)


def test_spacing_is_of_the_volume_and_follows_the_resizing(set_of_two):
    with catalog.opened("ircadb", set_of_two) as source:
        assert volumes.find(source, [2])[0].spacing == (2.0, 0.5, 0.75)
    dataset = data.load("ircadb", "real", root=set_of_two, size=(8, 16))
    assert dataset.spacing.tolist() == [[1.0, 0.75]] * 15
    assert dataset.describe() == "15 real images of ircadb (2 patients), 8x16, grey"


def test_a_thickness_of_zero_leaves_the_spacing_to_the_positions(set_of_two):
    for number in range(12):
        slice_of(set_of_two, number).write_bytes(ct.content(ct.hounsfield(number), number, SliceThickness=0))
    with catalog.opened("ircadb", set_of_two) as source:
        assert volumes.find(source, [2])[0].spacing == (2.0, 0.5, 0.75)


def test_options_belong_to_this_set_and_to_the_cache(set_of_two):
    one = data.load("ircadb", "real", root=set_of_two, size=(16, 16), organs="bone")
    other = data.load("ircadb", "real", root=set_of_two, size=(16, 16), organs="liver", channels=3)
    assert len(one) == 3 and len(other) == 15 and other.images.shape[-1] == 3
    with pytest.raises(ConfigurationError, match="organs='liver': the set 'median' has no such option"):
        data.load("median", organs="liver")


@pytest.mark.parametrize("window", [(40, 0), (40,), "lung", (float("nan"), 5), 3])
def test_windows_that_are_none_are_refused(set_of_two, window):
    with pytest.raises(ConfigurationError, match="window="):
        read(set_of_two, window=window)


def test_organ_that_nobody_has_is_refused_with_what_there_is(set_of_two):
    with pytest.raises(ConfigurationError, match=r"organs=\['spleen'\].*They have bone, liver, livertumor01"):
        read(set_of_two, organs="spleen")


@pytest.mark.parametrize("patients", [10, "10", np.int64(10), (10,)])
def test_one_patient_needs_no_list(set_of_two, patients):
    assert set(read(set_of_two, patients=patients)["groups"].tolist()) == {"10"}


def test_patient_that_is_not_here_is_refused(set_of_two):
    with pytest.raises(ConfigurationError, match="patients: 7 is not in .*Here are 2, 10"):
        read(set_of_two, patients=[7])


@pytest.mark.parametrize("patients", [10.0, [], (2, "2"), (10, 10), (2, None), [2.0]])
def test_patients_that_are_none_or_come_twice_are_refused(set_of_two, patients):
    for reader in (read, lambda path, **options: data.load("ircadb", "real", root=path, **options)):
        with pytest.raises(ConfigurationError, match="patients=.*each once"):
            reader(set_of_two, patients=patients)


@pytest.mark.parametrize("organs", [None, 5, (5,), ("liver", None)])
def test_organs_that_are_no_names_are_refused(set_of_two, organs):
    for reader in (read, lambda path, **options: data.load("ircadb", "real", root=path, **options)):
        with pytest.raises(ConfigurationError, match="organs=.*expected a name"):
            reader(set_of_two, organs=organs)


@pytest.mark.parametrize(
    ("number", "organ", "written", "text"),
    [
        (3, None, lambda: ct.content(ct.hounsfield(3), 3, drop=["PixelData"]), "image_3: holds no pixel data"),
        (3, None, lambda: ct.content(ct.hounsfield(3), 4), "both have the instance number 4"),
        (3, None, lambda: ct.content(ct.hounsfield(3)[:8], 3), "slices have different sizes"),
        (3, None, lambda: ct.content(ct.hounsfield(3), 3)[:200], "image_3: "),
        (3, None, lambda: b"no DICOM", "image_3: is not a readable DICOM file"),
        (3, None, lambda: ct.content(ct.hounsfield(3), 3, PixelData=b"12"), "image_3: its pixels cannot be decoded"),
        (3, None, lambda: ct.content(ct.hounsfield(3), 3, spacing=(0, 1)), "expected above 0"),
        (3, None, lambda: ct.content(ct.hounsfield(3), 3, drop=["Rows"]), "lacks Rows and Columns"),
        (3, None, lambda: ct.content(ct.hounsfield(3), 3, syntax=JPEGLSLossless), "its pixels are compressed"),
        (3, "liver", lambda: ct.content(ct.organ(3)[:8], 3), "liver/image_3 is 16 x 8 .*PATIENT_DICOM/image_3 is 16 x 16"),
        (3, "liver", lambda: ct.content(ct.organ(3) // 2, 3), r"liver/image_3 is not binary, it holds \[0, 127\]"),
    ],
)
def test_wrong_slices_are_named(set_of_two, number, organ, written, text):
    slice_of(set_of_two, number, organ).write_bytes(written())
    with pytest.raises(DataError, match=text):
        read(set_of_two)


def test_slice_that_is_compressed_without_loss_is_read_the_same(set_of_two):
    path = slice_of(set_of_two, 5)
    packed = pydicom.dcmread(path)
    packed.compress(RLELossless)
    packed.save_as(path)
    with catalog.opened("ircadb", set_of_two) as source:
        (volume,) = volumes.find(source, [2])
        assert np.array_equal(ircadb.read_slice(source, volume, 5), ct.hounsfield(5))


def test_missing_slices_are_counted(set_of_two):
    for number in (5, 6):
        slice_of(set_of_two, number).unlink()
    with pytest.raises(DataError, match="patient 2: slices 5 to 6 are missing, between image_4 and image_7"):
        read(set_of_two)


def test_gap_under_numbers_that_follow_each_other_is_noticed(set_of_two):
    for number in range(6, 12):
        slice_of(set_of_two, number).write_bytes(
            ct.content(ct.hounsfield(number), number, ImagePositionPatient=[0, 0, 2 * number + 4])
        )
    with pytest.raises(DataError, match="image_5 and image_6 are 6 mm apart, other slices 2 mm"):
        read(set_of_two)


def test_slices_in_one_place_are_noticed(set_of_two):
    for number in range(12):
        slice_of(set_of_two, number).write_bytes(
            ct.content(ct.hounsfield(number), number, ImagePositionPatient=[0, 0, 7])
        )
    with pytest.raises(DataError, match="0 mm apart.*or the slices are not axial, which this reader expects"):
        read(set_of_two)


def test_missing_mask_is_named_but_only_if_its_organ_is_asked_for(set_of_two):
    slice_of(set_of_two, 5, "livertumor01").unlink()
    assert len(read(set_of_two)["ids"]) == 15
    with pytest.raises(DataError, match=r"MASKS_DICOM/livertumor01 lacks image_5 \(1 slices\)"):
        read(set_of_two, organs="livertumor*")


def test_a_patient_that_is_a_link_to_nowhere_is_not_passed_over(set_of_two):
    (set_of_two / "3Dircadb1.9.zip").symlink_to("not fetched")
    with pytest.raises(DataError, match=r"3Dircadb1\.9\.zip: is a link that leads nowhere"):
        read(set_of_two)


def test_masks_that_are_links_to_nowhere_do_not_leave_their_patient_out(set_of_two):
    for number in range(12):
        slice_of(set_of_two, number, "liver").unlink()
        slice_of(set_of_two, number, "liver").symlink_to("not fetched")
    assert read(set_of_two, patients=[10])["ids"].tolist() == ["10/0", "10/1", "10/2"]
    with pytest.raises(DataError, match=r"MASKS_DICOM/liver/image_\d+: is a link that leads nowhere"):
        read(set_of_two)


def pack(archive, folder, prefix):
    with zipfile.ZipFile(archive, "w") as opened:
        for path in folder.rglob("*"):
            opened.write(path, f"{prefix}{path.relative_to(folder).as_posix()}")
    return archive


@pytest.mark.parametrize("layout", ["patient", "inside", "zipped", "nested", "doubled", "whole"])
def test_patients_are_found_however_they_are_packed(set_of_two, tmp_path, layout):
    folder = set_of_two / "3Dircadb1.2"
    other = tmp_path / "other"
    (other / "3Dircadb1.2").mkdir(parents=True)
    if layout == "patient":
        other = folder
    elif layout == "inside":
        other = set_of_two
    elif layout == "zipped":
        pack(other / "3Dircadb1.2.zip", folder, "3Dircadb1.2/")
        (other / "3Dircadb1.2").rmdir()
    elif layout in ("nested", "whole"):
        for part in ("PATIENT_DICOM", "MASKS_DICOM"):
            pack(other / "3Dircadb1.2" / f"{part}.zip", folder / part, f"{part}/{part}/")
        if layout == "whole":
            other = pack(tmp_path / "3Dircadb1.zip", other, "3Dircadb1/")
    else:
        for part in ("PATIENT_DICOM", "MASKS_DICOM"):
            (folder / part).rename(other / "3Dircadb1.2" / "inner")
            (other / "3Dircadb1.2" / part).mkdir()
            (other / "3Dircadb1.2" / "inner").rename(other / "3Dircadb1.2" / part / part)
    arrays = read(other, patients=[2])
    assert arrays["ids"].tolist() == [f"2/{n}" for n in range(12)]
    assert catalog.find("ircadb", other).path == other


def test_inner_archive_that_is_none_is_refused(tmp_path):
    (tmp_path / "3Dircadb1.2").mkdir()
    (tmp_path / "3Dircadb1.2" / "PATIENT_DICOM.zip").write_bytes(b"cut off")
    with pytest.raises(DataError, match=r"PATIENT_DICOM\.zip is not a readable zip archive"):
        read(tmp_path)


def test_folder_without_patients_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no patient of 3D-IRCADb-01"):
        read(tmp_path)


@pytest.fixture
def listed_patient(set_of_two, monkeypatch):
    """A set of two patients, of whom the manifest lists one and another who is not here."""
    folder = set_of_two / "3Dircadb1.10"
    contents = {path.relative_to(set_of_two).as_posix(): path.read_bytes() for path in folder.rglob("image_*")}
    entries = {name: (len(value), hashlib.sha256(value).hexdigest()) for name, value in contents.items()}
    entries["3Dircadb1.17/PATIENT_DICOM/image_0"] = (5, "0" * 64)
    monkeypatch.setattr(files, "read_manifest", lambda key: files.Manifest(key, entries))
    return folder


def test_listed_patient_is_checked_file_by_file(listed_patient):
    assert len(data.load("ircadb", "real", root=listed_patient.parent)) == 15
    path = listed_patient / "PATIENT_DICOM" / "image_1"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(DataError, match=r"3Dircadb1\.10/.*image_1 has \d+ bytes instead of"):
        data.load("ircadb", "real", root=listed_patient.parent)


def test_listed_patient_who_lacks_an_organ_is_not_the_public_one(listed_patient):
    shutil.rmtree(listed_patient / "MASKS_DICOM" / "bone")
    with pytest.raises(DataError, match=r"3 of 9 files .* are missing, the first is 3Dircadb1\.10/MASKS_DICOM/bone/image_0"):
        data.load("ircadb", "real", root=listed_patient.parent)


def test_files_of_other_patients_and_organs_are_not_read(set_of_two):
    options = {"root": set_of_two, "size": (8, 8), "patients": 10, "organs": "liver", "window": "slice"}
    first = data.load("ircadb", "real", **options)
    slice_of(set_of_two, 3).write_bytes(b"damaged")
    (set_of_two / "3Dircadb1.10" / "MASKS_DICOM" / "bone" / "image_1").write_bytes(b"damaged")
    assert data.load("ircadb", "real", **options).provenance["fingerprint"] == first.provenance["fingerprint"]
    (set_of_two / "3Dircadb1.10" / "MASKS_DICOM" / "liver" / "image_1").write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"liver/image_1: is not a readable DICOM file"):
        data.load("ircadb", "real", **options)


def test_load_names_the_organs_and_patients_that_there_are(set_of_two):
    with pytest.raises(ConfigurationError, match="They have bone, liver, livertumor01"):
        data.load("ircadb", "real", root=set_of_two, organs="spleen")
    with pytest.raises(ConfigurationError, match="Here are 2, 10"):
        data.load("ircadb", "real", root=set_of_two, patients=7)


def test_one_simulated_patient_does_not_pass_for_a_real_one(set_of_two):
    (set_of_two / "SIMULATED.json").write_text("{}")
    with pytest.raises(DataError, match="simulated images"):
        data.load("ircadb", "real", root=set_of_two / "3Dircadb1.2")


def test_simulated_slices_without_their_note_are_refused(set_of_two):
    for number in range(12):
        written = ct.content(ct.hounsfield(number), number, InstitutionName="Simulated by nervekit")
        slice_of(set_of_two, number).write_bytes(written)
    with pytest.raises(DataError, match=r"patient 2: these are simulated slices, but SIMULATED\.json does not lie"):
        data.load("ircadb", "real", root=set_of_two)
    (set_of_two / "SIMULATED.json").write_text("{}")
    assert data.load("ircadb", root=set_of_two).source == "phantom"


@pytest.fixture(scope="module")
def real(real_set):
    with catalog.opened("ircadb", real_set("ircadb")) as source:
        if "17" not in volumes.organs(source):
            pytest.skip("NERVEKIT_DATA holds other patients than 17")
        yield source, volumes.find(source, [17])[0]


def test_real_patient_has_its_slices_organs_and_spacing(real):
    _, volume = real
    assert volume.patient == "17" and volume.shape == (119, 512, 512) and sorted(volume.masks) == ["bone", "liver"]
    assert np.allclose(volume.spacing, (1.6, 0.743, 0.743), atol=1e-4)


def test_real_bone_is_what_a_threshold_finds_in_part(real):
    source, volume = real
    bright = np.stack([ircadb.read_slice(source, volume, n) for n in range(119)]) > 200
    bone = np.stack([ircadb.read_mask(source, volume, "bone", n) for n in range(119)])
    assert abs(2 * (bright & bone).sum() / (bright.sum() + bone.sum()) - 0.72) < 0.01
