"""The median nerve reader, on a tiny set of its layout and on the real one."""

import numpy as np
import pytest
from PIL import Image

from nervekit import data
from nervekit.data import files, median, splits
from nervekit.errors import ConfigurationError, DataError

HEIGHT, WIDTH = median.NATIVE


def save(folder, name, mask=None, size=(WIDTH, HEIGHT)):
    for part in ("Images", "Masks"):
        (folder / "Dataset" / part).mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (90, 60, 30)).save(folder / "Dataset" / "Images" / f"{name}.bmp")
    if mask is None:
        mask = np.zeros((size[1], size[0]), np.uint8)
        mask[50:80, 100:140] = 255
    Image.fromarray(np.stack([mask] * 3, axis=-1)).save(folder / "Dataset" / "Masks" / f"{name}.bmp")


@pytest.fixture
def few(tmp_path):
    for name in ("Pz010-001", "Pz002-001", "Pz002-010", "Pz002-002", "Pz001-001"):
        save(tmp_path / "median", name)
    return tmp_path / "median"


def read(folder, **options):
    with files.open_source(folder) as source:
        return median.read(source, **options)


def test_images_are_ordered_by_patient_and_number_and_grouped_by_patient(few):
    arrays = read(few, size=(78, 101))
    assert arrays["ids"].tolist() == ["Pz001-001", "Pz002-001", "Pz002-002", "Pz002-010", "Pz010-001"]
    assert arrays["groups"].tolist() == ["001", "002", "002", "002", "010"]
    assert arrays["images"].shape == (5, 78, 101, 1) and arrays["masks"].sum() == 5 * 30


def test_native_masks_of_three_channels_are_kept_to_the_pixel(few):
    arrays = read(few, size=None, channels=3)
    assert [int(mask.sum()) for mask in arrays["masks"]] == [30 * 40] * 5
    assert arrays["images"][0].shape == (HEIGHT, WIDTH, 3) and arrays["images"][0][0, 0].tolist() == [90, 60, 30]


def test_no_patient_is_in_two_parts(few):
    arrays = read(few, size=(8, 8))
    parts = {group: set(arrays["parts"][arrays["groups"] == group]) for group in arrays["groups"].tolist()}
    assert [len(found) for found in parts.values()] == [1, 1, 1]


def test_two_patients_cannot_be_split_in_three(few):
    for path in few.rglob("Pz010*"):
        path.unlink()
    assert "parts" not in read(few, size=(8, 8))


def test_mask_with_grey_values_is_refused(few):
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[5:9, 5:9] = 128
    save(few, "Pz002-002", mask)
    with pytest.raises(DataError, match=r"Masks/Pz002-002\.bmp: is not binary, it holds the values 0, 128"):
        read(few)


def test_picture_of_another_size_is_refused(few):
    save(few, "Pz002-002", size=(200, 100))
    with pytest.raises(DataError, match=r"Images/Pz002-002\.bmp: is 200 x 100 .*is 606 x 468"):
        read(few)


@pytest.mark.parametrize(("part", "lack"), [("Images", "Images"), ("Masks", "Masks")])
def test_missing_partner_is_named(few, part, lack):
    (few / "Dataset" / part / "Pz002-002.bmp").unlink()
    with pytest.raises(DataError, match=rf"has no partner Pz002-002\.bmp in Dataset/{lack}"):
        read(few)


def test_folder_without_images_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no images of the median set"):
        read(tmp_path)


def test_published_split_is_the_paper_s():
    listed = sorted(name[15:-4] for name in files.read_manifest("median").entries if "Images" in name)
    groups = np.array([median.group_of(name) for name in listed])
    split = splits.published("median")
    assert [len(part) for part in (split.train, split.development, split.test)] == [164, 38, 44]
    assert " ".join(sorted(set(groups[split.test]))) == (
        "012 020 025 032 037 041 042 053 054 059 067 068 069 080 088 091"
    )
    assert " ".join(sorted(set(groups[split.development]))) == (
        "004 014 029 031 038 057 060 062 064 065 071 072 077 087 089 098 100 103"
    )
    assert len(set(groups[split.train])) == 69


def test_published_split_of_a_set_that_has_none_is_refused():
    with pytest.raises(ConfigurationError, match="ircadb: has no published split: the paper names .*by_patient"):
        splits.published("ircadb")


@pytest.fixture(scope="module")
def real(real_set, tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("NERVEKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield data.load("median", "real", root=real_set("median"))
    patch.undo()


def test_real_set_is_246_images_of_103_patients_without_a_scale(real):
    assert len(real) == 246 and len(set(real.groups.tolist())) == 103 and real.spacing is None
    share = real.masks.mean(axis=(1, 2))
    assert 0.004 < share.min() and share.max() < 0.031 and abs(np.median(share) - 0.0095) < 0.0005
    rows = np.flatnonzero(real.masks.any(axis=(0, 2))) * median.NATIVE[0] / 256
    assert 25 < rows[0] and rows[-1] < 140


def test_real_split_by_key_and_by_dataset_are_the_same(real):
    for one, other in zip(vars(splits.published(real)).values(), vars(splits.published("median")).values()):
        assert np.array_equal(one, other)


def test_real_published_split_shares_no_patient_and_no_near_duplicate(real):
    split = splits.published(real)
    report = splits.leakage(real, np.concatenate([split.train, split.development]), split.test)
    assert not report.leaks and report.nearest_correlation.max() < 0.6
