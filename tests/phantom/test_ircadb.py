"""The simulated CT set: DICOM as the public files have it, organs in their places, and nothing a threshold solves."""

import json
import shutil

import numpy as np
import pydicom
import pytest

from nervekit import phantom
from nervekit.errors import ConfigurationError
from nervekit.phantom import abdomen, ircadb

PATIENTS = 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two patients, about 90 MB, deleted afterwards."""
    written = phantom.export("ircadb", tmp_path_factory.mktemp("sets") / "ircadb", subjects=PATIENTS, seed=1)
    yield written
    shutil.rmtree(written)


@pytest.fixture(scope="module")
def slices():
    """Ten slices of each of six patients at 128x128: (60, 128, 128) Hounsfield units, liver, bone, tumours."""
    units, liver, bone, tumours = [], [], [], []
    for patient in range(6):
        for level in np.linspace(0, ircadb.subject(patient, 4).slices - 1, 10).astype(int):
            maps = phantom.scene("ircadb", patient, int(level), seed=4, shape=(128, 128))
            units.append(ircadb.scan(maps))
            liver.append(maps["organs"]["liver"])
            bone.append(maps["organs"]["bone"])
            found = [mask for name, mask in maps["organs"].items() if "tumor" in name]
            tumours.append(np.any([liver[-1] & False, *found], 0))
    return tuple(map(np.array, (units, liver, bone, tumours)))


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def test_layout_is_that_of_the_public_set(folder):
    count = 0
    for patient in range(PATIENTS):
        place = folder / f"3Dircadb1.{patient + 1}"
        names = {f"image_{index}" for index in range(ircadb.subject(patient, 1).slices)}
        assert {path.name for path in (place / "PATIENT_DICOM").iterdir()} == names
        organs = {path.name for path in (place / "MASKS_DICOM").iterdir()}
        assert {"liver", "bone"} <= organs <= {"liver", "bone", "livertumor1", "livertumor2"}
        for organ in organs:
            assert {path.name for path in (place / "MASKS_DICOM" / organ).iterdir()} == names
        assert 24 <= len(names) <= 40
        count += len(names)
    about = json.loads((folder / "SIMULATED.json").read_text())
    assert (about["simulated"], about["images"]) == (True, count)
    assert "pydicom" in about["versions"]


@pytest.mark.parametrize("patient", range(PATIENTS))
def test_slices_carry_units_and_spacing(folder, patient):
    body = ircadb.subject(patient, 1)
    for index in (0, 11, body.slices - 1):
        data = pydicom.dcmread(folder / f"3Dircadb1.{patient + 1}" / "PATIENT_DICOM" / f"image_{index}")
        assert (data.Rows, data.Columns, data.BitsAllocated, data.PixelRepresentation) == (512, 512, 16, 1)
        assert data.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian
        assert data.InstanceNumber == index
        assert 1 <= data.SliceThickness <= 4
        assert data.ImagePositionPatient[2] == pytest.approx(index * data.SliceThickness)
        assert 0.5 < data.PixelSpacing[0] == data.PixelSpacing[1] < 1
        units = data.pixel_array * int(data.RescaleSlope) + int(data.RescaleIntercept)
        np.testing.assert_array_equal(units, ircadb.scan(ircadb.frame(patient, index, seed=1)))
        assert -1024 <= units.min() < -900
        assert units.max() > 300


def test_one_of_two_patients_has_an_intercept(folder):
    intercepts = [pydicom.dcmread(folder / f"3Dircadb1.{patient}" / "PATIENT_DICOM" / "image_0").RescaleIntercept
                  for patient in (1, 2)]
    assert intercepts == [0, -1024]


def test_masks_are_eight_bits_of_another_study(folder):
    patient = folder / "3Dircadb1.1"
    study = pydicom.dcmread(patient / "PATIENT_DICOM" / "image_14").StudyInstanceUID
    for organ in (patient / "MASKS_DICOM").iterdir():
        data = pydicom.dcmread(organ / "image_14")
        assert (data.Rows, data.Columns, data.BitsAllocated, data.PixelRepresentation) == (512, 512, 8, 0)
        assert set(np.unique(data.pixel_array)) <= {0, 255}
        assert data.StudyInstanceUID != study
        assert data.InstanceNumber == 14
        np.testing.assert_array_equal(
            data.pixel_array > 0, ircadb.frame(0, 14, seed=1)["organs"][organ.name]
        )


def test_identifiers_are_unique(folder):
    files = list(folder.rglob("image_*"))
    found = {pydicom.dcmread(path, specific_tags=["SOPInstanceUID"]).SOPInstanceUID for path in files}
    assert len(found) == len(files)


def test_equal_seeds_give_equal_bytes_and_others_do_not(folder, tmp_path, files_of):
    again = files_of(phantom.export("ircadb", tmp_path / "again", subjects=1, seed=1))
    shutil.rmtree(tmp_path / "again")
    first = {name: content for name, content in files_of(folder).items() if name.startswith("3Dircadb1.1/")}
    assert first == {name: content for name, content in again.items() if name != "SIMULATED.json"}
    one, other = (ircadb.scan(ircadb.frame(0, 14, seed=seed, shape=(128, 128))) for seed in (1, 2))
    assert (one != other).mean() > 0.5


def test_tumours_lie_in_the_liver_and_are_darker(slices):
    units, liver, _, tumours = slices
    assert tumours.any()
    assert not (tumours & ~liver).any()
    assert units[tumours].mean() < units[liver & ~tumours].mean() - 20


def test_no_pixel_is_liver_and_bone_and_the_vena_cava_is_seen_beside_the_liver(slices):
    _, liver, bone, _ = slices
    assert not (liver & bone).any()
    for patient in range(6):
        body = ircadb.subject(patient, 4)
        maps = phantom.scene("ircadb", patient, body.slices // 2, seed=4, shape=(512, 512))
        level = (body.slices // 2) / (body.slices - 1)
        wide, _, fat, wall = body.body
        x, y, *_ = abdomen.vena_cava(body, level, wide - fat - wall)
        place = tuple(round(512 / 2 - 0.5 + where / maps["spacing"][0]) for where in (y, x))
        assert maps["hounsfield"][place] == pytest.approx(body.units["vein"], abs=2) and not maps["mask"][place]


@pytest.mark.parametrize("frame", [-1, 60])
def test_a_slice_that_a_patient_has_not_is_refused(frame):
    with pytest.raises(ConfigurationError, match=r"simulated patient 0 has the slices 0 to \d+"):
        phantom.scene("ircadb", 0, frame)


def test_a_shape_that_is_not_square_is_refused():
    with pytest.raises(ConfigurationError, match=r"shape=\(64, 128\): the field of view is square"):
        phantom.scene("ircadb", 0, 5, shape=(64, 128))


def test_some_patients_have_no_tumour():
    counts = [len(ircadb.subject(patient, seed=4).tumours) for patient in range(4)]
    assert sorted(count > 0 for count in counts) == [False, True, True, True]


def test_the_liver_is_large_on_the_left_of_the_picture_and_comes_and_goes(slices):
    _, liver, _, _ = slices
    area = liver.mean((1, 2)).reshape(6, 10)
    assert (area.max(1) > 0.08).all()
    assert (area.max(1) < 0.2).all()
    assert (area[:, [0, -1]] < 0.5 * area.max(1, keepdims=True)).all()
    assert np.argwhere(liver)[:, 2].mean() < 0.45 * 128


def test_neighbouring_slices_are_alike():
    one, near, far = (phantom.scene("ircadb", 2, index)["mask"] for index in (14, 15, 22))
    assert dice(one, near) > 0.93
    assert dice(one, far) < dice(one, near)


def test_bone_is_found_by_a_threshold_about_as_well_as_in_a_real_patient(slices):
    units, _, bone, _ = slices
    assert 0.55 < dice(units > 200, bone) < 0.85  # 0.72 in patient 17


def test_no_window_of_units_finds_the_liver(slices):
    units, liver, _, _ = slices
    best = max(dice((units >= low) & (units < low + width), liver)
               for low in range(20, 150, 10) for width in (30, 40, 60, 80, 120))
    assert 0.4 < best < 0.75  # 0.63 in patient 17


def test_noise_is_that_of_the_patient():
    maps = phantom.scene("ircadb", 1, 14, shape=(512, 512))
    noise = (ircadb.scan(maps) - maps["hounsfield"])[maps["mask"]]
    assert noise.std() == pytest.approx(maps["noise"], rel=0.1)
    assert abs(noise.mean()) < 2


def test_ultrasound_does_not_picture_a_ct_slice():
    maps = phantom.scene("ircadb", 0, 5, shape=(64, 64))
    with pytest.raises(ConfigurationError, match=r"lacks echogenicity.*CT slice: nervekit\.phantom\.ircadb\.scan"):
        phantom.render(maps)
    with pytest.raises(ConfigurationError, match=r"lacks probe, so .*nervekit\.phantom\.scene"):
        maps = phantom.scene("median", shape=(64, 64))
        maps.pop("probe")
        phantom.render(maps)
