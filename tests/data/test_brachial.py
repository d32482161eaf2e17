"""The brachial plexus reader, on a few files of Kaggle's layout."""

import io
import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nervekit import data, phantom
from nervekit.data import brachial, catalog, files, rle, splits
from nervekit.errors import DataError, NervekitError

HEIGHT, WIDTH = brachial.NATIVE
NAMES = ("1_1", "1_2", "1_10", "2_1", "10_3")


def mask_of(name):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    if not name.startswith("2_"):
        start = 100 + 7 * int(name.split("_")[1])
        mask[start : start + 50, 200:290] = True
    return mask


def save(folder, name, mask=None, size=(WIDTH, HEIGHT)):
    (folder / "train").mkdir(parents=True, exist_ok=True)
    subject = int(name.split("_")[0])
    Image.new("L", size, 20 * subject).save(folder / "train" / f"{name}.tif", compression="tiff_lzw")
    mask = np.uint8(255) * (mask_of(name) if mask is None else mask)
    Image.fromarray(mask).save(folder / "train" / f"{name}_mask.tif", compression="tiff_lzw")


@pytest.fixture
def few(tmp_path):
    for name in NAMES:
        save(tmp_path / "brachial", name)
    return tmp_path / "brachial"


def write_table(folder, names=NAMES, **changed):
    codes = {name: rle.encode(mask_of(name)) for name in names} | changed
    rows = "".join(f"{name.replace('_', ',')},{code}\n" for name, code in codes.items())
    (folder / "train_masks.csv").write_text("subject,img,pixels\n" + rows)


def read(folder, **options):
    with files.open_source(folder) as source:
        return brachial.read(source, **options)


def test_images_are_ordered_by_number_and_grouped_by_subject(few):
    arrays = read(few)
    assert arrays["ids"].tolist() == list(NAMES) and arrays["groups"].tolist() == ["1", "1", "1", "2", "10"]
    assert arrays["images"].shape == (5, 96, 96, 1) and arrays["images"][:, 0, 0, 0].tolist() == [20, 20, 20, 40, 200]
    assert arrays["parts"].tolist() == ["train"] * 4 + ["development"]


def test_masks_are_kept_to_the_pixel_and_may_be_empty(few):
    masks = read(few, size=None)["masks"]
    assert all(np.array_equal(mask, mask_of(name)) for mask, name in zip(masks, NAMES))
    assert not masks[3].any()


def test_published_split_of_the_whole_set_has_the_paper_s_sizes():
    split = splits.published("brachial")
    assert [len(part) for part in (split.train, split.development, split.test)] == [4508, 1127, 0]
    assert split.train.tolist() == list(range(4508))


def test_published_split_by_name_and_by_dataset_are_the_same(few, monkeypatch):
    monkeypatch.setitem(catalog.ENTRIES, "brachial", replace(catalog.entry("brachial"), images=len(NAMES)))
    by_name, by_dataset = splits.published("brachial"), splits.published(data.load("brachial", root=few))
    assert all(np.array_equal(*parts) for parts in zip(vars(by_name).values(), vars(by_dataset).values()))


def test_table_that_agrees_is_accepted(few):
    write_table(few)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read(few)["ids"]) == 5


def test_table_that_contradicts_a_mask_is_refused(few):
    write_table(few, **{"1_10": "1 5"})
    with pytest.raises(DataError, match=r"train/1_10_mask\.tif is not the mask that train_masks\.csv gives for 1_10"):
        read(few)


@pytest.mark.parametrize(
    ("image", "mask"),
    [("01_1.tif", "1_01_mask.tif"), ("1_1.TIF", "1_1_MASK.TIF"), ("1_1.tiff", "1_1_mask.tiff")],
)
def test_names_are_numbers_however_they_are_written(few, image, mask):
    (few / "train" / "1_1.tif").rename(few / "train" / image)
    (few / "train" / "1_1_mask.tif").rename(few / "train" / mask)
    write_table(few)
    table = (few / "train_masks.csv").read_text()
    (few / "train_masks.csv").write_text(table.replace("\n2,1,", "\n002, 01,"))
    assert read(few)["ids"].tolist() == list(NAMES)
    (few / "train_masks.csv").write_text(table + "01,1,\n")
    with pytest.raises(DataError, match="line 7 names the image 1_1 again"):
        read(few)


@pytest.mark.parametrize("name", ["1_2.tif", "1_2_mask.tif"])
def test_one_image_in_two_files_is_refused(few, name):
    shutil.copy(few / "train" / name, few / "train" / f"{name}f")
    with pytest.raises(DataError, match=rf"train/{name} and train/{name}f are the same image or mask twice"):
        read(few)


def test_one_test_image_in_two_files_is_refused(few):
    (few / "test").mkdir()
    for ending in ("tif", "tiff"):
        Image.new("L", (WIDTH, HEIGHT)).save(few / "test" / f"1.{ending}")
    with pytest.raises(DataError, match=r"test/1\.tif and test/1\.tiff are the same image twice"):
        brachial.read_test(few)


def test_test_image_of_another_size_is_refused(few):
    (few / "test").mkdir()
    Image.new("L", (60, 40)).save(few / "test" / "1.tif")
    with pytest.raises(DataError, match=r"test/1\.tif: is 60 x 40 .*is 580 x 420"):
        brachial.read_test(few)


cells = st.sampled_from(["1", "01", "2", "x", "", "1 1", "5 243600", "3 3 4 4", "²", "\n", '"']) | st.text(max_size=4)
plain = io.BytesIO()
Image.new("L", (WIDTH, HEIGHT)).save(plain, "TIFF", compression="tiff_lzw")


@settings(max_examples=120)
@given(
    st.binary(max_size=60)
    | st.lists(st.tuples(cells, cells, cells) | st.tuples(cells, cells), max_size=4).map(
        lambda rows: ("subject,img,pixels\n" + "\n".join(map(",".join, rows))).encode("utf-8", "replace")
    ),
    st.sets(st.sampled_from(["1_1", "01_1", "1_2", "2_1"]), min_size=1),
)
def test_any_table_gives_images_or_an_error_of_ours(content, names):
    sizes = {f"train/{name}{ending}": 1 for name in names for ending in (".tif", "_mask.tif")}
    source = files.Source(
        Path("set"), {brachial.TABLE: 1} | sizes, lambda name: content if name == brachial.TABLE else plain.getvalue()
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            assert len(brachial.read(source, (8, 8))["ids"]) == len(names)
        except NervekitError:
            pass


def test_some_subjects_of_the_set_are_read_and_a_warning_counts_the_others(few):
    write_table(few, **{"3_1": "", "3_2": ""})
    with pytest.warns(UserWarning, match=r"3 of 4 subjects that train_masks\.csv lists \(5 of 7 images\)"):
        assert len(read(few)["ids"]) == 5


def test_part_of_the_set_is_warned_of_from_the_cache_too(few, monkeypatch):
    write_table(few, **{"3_1": "", "3_2": ""})
    for read in (brachial.read, None):
        monkeypatch.setattr(brachial, "read", read)
        with pytest.warns(UserWarning, match=r"3 of 4 subjects that train_masks\.csv lists \(5 of 7 images\)") as warned:
            assert len(data.load("brachial", "real", root=few)) == 5
        assert [warning.filename for warning in warned] == [__file__]


def test_row_without_an_image_of_a_subject_that_is_here_is_refused(few):
    write_table(few, **{"1_7": "", "10_9": "", "3_1": ""})
    with pytest.raises(DataError, match=r"lists 1_7 \(and 1 more of subjects.*`nervekit data check brachial`"):
        read(few)
    (few / "train_masks.csv").unlink()
    assert len(read(few)["ids"]) == 5


def test_image_that_the_table_does_not_list_is_refused(few):
    write_table(few, NAMES[:3])
    with pytest.raises(DataError, match=r"train_masks\.csv has no row for 2_1 \(and 1 more\)"):
        read(few)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("1 5 9", "holds 3 numbers"),
        ("1 5 3 4", "overlap"),
        ("243600 2", "is not within pixels 1 to 243600"),
        ("a b", "'a' is not a whole number"),
    ],
)
def test_wrong_codes_of_the_table_are_named(few, code, text):
    write_table(few, **{"1_2": code})
    with pytest.raises(DataError, match=f"train_masks.csv, 1_2: .*{text}"):
        read(few)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("subject,img\n1,1\n", "expected subject, img, pixels"),
        ("subject,img,pixels\n1,one,\n", "line 2 names the image '1_one'"),
        ("subject,img,pixels\n1,1,\n1,1,\n", "line 3 names the image 1_1 again"),
    ],
)
def test_wrong_tables_are_refused(few, content, text):
    (few / "train_masks.csv").write_text(content)
    with pytest.raises(DataError, match=rf"train_masks\.csv: .*{text}"):
        read(few)


@pytest.mark.parametrize(("gone", "lacks"), [("1_2_mask", r"1_2\.tif .*1_2_mask"), ("1_2", r"1_2_mask\.tif .*1_2\.tif")])
def test_missing_partner_is_named(few, gone, lacks):
    (few / "train" / f"{gone}.tif").unlink()
    with pytest.raises(DataError, match=rf"train/{lacks}"):
        read(few)


def test_tiff_of_another_size_is_refused(few):
    save(few, "1_2", np.zeros((100, 200), bool), (200, 100))
    with pytest.raises(DataError, match=r"1_2\.tif: is 200 x 100 .*is 580 x 420"):
        read(few)


def test_mask_with_grey_values_is_refused(few):
    Image.new("L", (WIDTH, HEIGHT), 77).save(few / "train" / "1_2_mask.tif")
    with pytest.raises(DataError, match=r"1_2_mask\.tif: is not binary, it holds the values 77"):
        read(few)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_truncated_tiff_is_refused(few):
    path = few / "train" / "1_2.tif"
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DataError, match=r"1_2\.tif: cannot be decoded"):
        read(few)


def test_folder_without_images_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no labelled images of the brachial set"):
        read(tmp_path)


def test_test_images_are_read_for_a_submission(few):
    (few / "test").mkdir()
    for number in (2, 10, 1):
        Image.new("L", (WIDTH, HEIGHT), number).save(few / "test" / f"{number}.tif", compression="tiff_lzw")
    images, ids = brachial.read_test(few, size=(42, 58))
    assert ids.tolist() == [1, 2, 10] and images.shape == (3, 42, 58, 1) and images[:, 0, 0, 0].tolist() == [1, 2, 10]


def test_set_without_test_images_says_so(few):
    with pytest.raises(DataError, match=r"holds no test/1\.tif"):
        brachial.read_test(few)


def test_simulated_pictures_without_their_note_are_refused(tmp_path):
    made = phantom.export("brachial", tmp_path / "set", subjects=1)
    dataset = data.load("brachial", root=made)
    assert dataset.source == "phantom" and dataset.provenance["data"] == "simulated"
    assert len(brachial.read_test(made)[1])
    (made / "SIMULATED.json").unlink()
    for call in (lambda: data.load("brachial", root=made), lambda: brachial.read_test(made)):
        with pytest.raises(DataError, match=r"tif is a simulated picture, but SIMULATED\.json does not lie beside"):
            call()


def test_loading_gives_the_common_shape_and_follows_a_changed_file(few):
    dataset = data.load("brachial", "real", root=few)
    assert dataset.provenance["data"] == "real"
    assert dataset.describe() == "5 real images of brachial (3 subjects), 256x256, grey"
    save(few, "1_1", np.zeros((HEIGHT, WIDTH), bool))
    assert dataset.masks[0].any() and not data.load("brachial", "real", root=few).masks[0].any()


def test_memory_stays_bounded_because_pictures_are_read_a_few_ahead():
    from nervekit.data import pairs

    begun = []
    results = pairs.ahead(lambda value: begun.append(value) or value, range(1000))
    assert next(results) == 0 and len(begun) <= pairs.AHEAD
    results.close()
