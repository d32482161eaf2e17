"""Kaggle's run-length code: there and back, and what is said about a code that is wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from nervekit.data import rle
from nervekit.errors import DataError, NervekitError


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12)))
def test_decoding_undoes_encoding(mask):
    assert np.array_equal(rle.decode(rle.encode(mask), mask.shape), mask)


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=8)))
def test_code_names_the_pixels_one_by_one_down_the_columns(mask):
    height, width = mask.shape
    expected = [column * height + row + 1 for column in range(width) for row in range(height) if mask[row, column]]
    numbers = [int(word) for word in rle.encode(mask).split()]
    named = [n for start, length in zip(numbers[::2], numbers[1::2]) for n in range(start, start + length)]
    assert named == expected
    assert all(a + n < b for a, n, b in zip(numbers[::2], numbers[1::2], numbers[2::2]))


def test_empty_mask_is_an_empty_string_and_a_full_one_is_one_run():
    assert rle.encode(np.zeros((3, 4))) == "" and rle.encode(np.ones((420, 580))) == "1 243600"
    assert not rle.decode("", (3, 4)).any() and rle.decode("1 12", (3, 4)).all()


def test_runs_may_come_in_any_order():
    assert np.array_equal(rle.decode("5 1 1 2", (2, 3)), rle.decode("1 2 5 1", (2, 3)))


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("1 2 3", "3 numbers; expected pairs"),
        ("1 2 2 1", "runs '1 2' and '2 1' overlap"),
        ("0 2", "run '0 2' is not within pixels 1 to 12"),
        ("12 2", "run '12 2' is not within"),
        ("4 0", "run '4 0' is not within"),
        ("1 two", "'two' is not a whole number"),
        ("-1 2", "'-1' is not a whole number"),
        ("1.0 2", "is not a whole number"),
        (float("nan"), "nan, not a string. With pandas"),
        ("1 ٣", "is not a whole number"),
        ("1 99999999999999999999", "is not a whole number"),
    ],
)
def test_wrong_codes_are_refused(code, text):
    with pytest.raises(DataError, match=f"row 7: .*{text}"):
        rle.decode(code, (3, 4), "row 7")


def test_stack_of_masks_is_refused():
    with pytest.raises(DataError, match=r"shape \(1, 3, 4\)"):
        rle.encode(np.zeros((1, 3, 4)))


@given(st.text(alphabet="0123456789 -.\n\tx", max_size=40) | st.text(max_size=20) | st.floats())
def test_any_code_gives_a_mask_or_an_error_of_ours(code):
    try:
        assert rle.decode(code, (5, 7)).shape == (5, 7)
    except NervekitError:
        pass


def test_a_folder_is_no_submission(tmp_path):
    with pytest.raises(DataError, match="cannot be read .*Check that it is a file"):
        rle.read_submission(tmp_path)


def test_submission_is_read_as_it_was_written(tmp_path):
    masks = {number: np.random.default_rng(number).random((6, 5)) > 0.5 for number in (1, 2, 10)}
    masks[3] = np.zeros((6, 5), bool)
    path = rle.write_submission(tmp_path / "submission.csv", masks, (6, 5))
    assert path.read_text().startswith("img,pixels\n1,") and path.read_text().endswith("\n3,\n")
    read = rle.read_submission(path, (6, 5))
    assert list(read) == ["1", "2", "10", "3"]
    assert all(np.array_equal(read[str(number)], mask) for number, mask in masks.items())


def test_a_submission_is_read_mask_by_mask(tmp_path):
    (tmp_path / "submission.csv").write_text("img,pixels\n1,2 3\n1,\n")
    masks = rle.each_of_submission(tmp_path / "submission.csv", (3, 4))
    name, mask = next(masks)
    assert name == "1" and mask.sum() == 3
    with pytest.raises(DataError, match="line 3 names the image '1' again"):
        next(masks)


@pytest.mark.parametrize("shape", [(42, 58), (580, 420), (1, 420, 580)])
def test_a_mask_of_another_size_is_not_submitted(tmp_path, shape):
    masks = {7: np.zeros((420, 580), bool), 8: np.zeros(shape, bool)}
    with pytest.raises(DataError, match=r"image 8: has the shape \([\d, ]+\); expected \(420, 580\).*full_size"):
        rle.write_submission(tmp_path / "submission.csv", masks)
    assert not list(tmp_path.iterdir())


def test_a_speckled_mask_is_read_as_it_was_written(tmp_path):
    mask = np.random.default_rng(0).random((420, 580)) > 0.5
    path = rle.write_submission(tmp_path / "submission.csv", {1: mask})
    assert np.array_equal(rle.read_submission(path, mask.shape)["1"], mask)


@pytest.mark.parametrize("name", ["nowhere/submission.csv", "file/submission.csv", "x" * 250])
def test_submission_to_a_place_that_does_not_exist_is_refused(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        rle.write_submission(tmp_path / name, {})
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"img\n1\n", "has the columns img; expected img, pixels"),
        (b"", "has the columns none"),
        (b"img,pixels\n1,1 2\n1,\n", "line 3 names the image '1' again"),
        (b"img,pixels\n1,1 2 3\n", "line 2: holds 3 numbers"),
        (b"img,pixels\n1\n", "line 2 is cut off"),
        (b"img,pixels\n1,1 2\n2,1 2,3 1\n", "line 3 has more fields than there are columns"),
        (b"\xff\xfe\x00", "not a CSV file in UTF-8"),
    ],
)
def test_wrong_submissions_are_refused(tmp_path, content, text):
    (tmp_path / "submission.csv").write_bytes(content)
    with pytest.raises(DataError, match=rf"submission\.csv: .*{text}"):
        rle.read_submission(tmp_path / "submission.csv")


def test_blank_fields_behind_the_last_column_are_passed_over(tmp_path):
    (tmp_path / "submission.csv").write_text("img,pixels\n1,2 3,, \n")
    assert rle.read_submission(tmp_path / "submission.csv", (3, 4))["1"].sum() == 3


@settings(max_examples=60)
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: f"img,pixels\n{text}".encode()))
def test_any_file_gives_masks_or_an_error_of_ours(tmp_path, content):
    (tmp_path / "any.csv").write_bytes(content)
    try:
        assert isinstance(rle.read_submission(tmp_path / "any.csv", (3, 4)), dict)
    except NervekitError:
        pass
