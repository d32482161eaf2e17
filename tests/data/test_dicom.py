"""One slice from its bytes, whatever bytes they are."""

import ct
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nervekit.data import dicom
from nervekit.errors import DataError, NervekitError

WHOLE = ct.content(ct.hounsfield(3), 3)


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=150)
@given(
    st.lists(st.tuples(st.integers(128, len(WHOLE) - 1), st.integers(0, 255)), max_size=6),
    st.just(len(WHOLE)) | st.integers(0, len(WHOLE)),
)
def test_any_bytes_give_a_slice_or_an_error_of_ours(changes, end):
    content = bytearray(WHOLE)
    for position, value in changes:
        content[position] = value
    for function in (dicom.read_header, dicom.read_pixels):
        try:
            function(bytes(content[:end]), "slice")
        except NervekitError:
            pass


def test_a_thickness_of_zero_is_none():
    assert dicom.read_header(ct.content(ct.hounsfield(3), 3, SliceThickness=0), "slice").thickness is None
    between = {"SliceThickness": 0, "SpacingBetweenSlices": 2.5}
    assert dicom.read_header(ct.content(ct.hounsfield(3), 3, **between), "slice").thickness == 2.5


@pytest.mark.parametrize("largest", [32_768, 65_535])
def test_stored_values_that_int16_does_not_hold_are_refused(largest):
    values = np.full((8, 8), 7, np.uint16)
    values[2, 3] = largest
    with pytest.raises(DataError, match=f"slice: holds values from 7 to {largest}, .* expected -32768 to 32767"):
        dicom.read_pixels(ct.content(values, 3), "slice")
    assert dicom.read_pixels(ct.content(values, 3, intercept=-32_768), "slice")[2, 3] == largest - 32_768


def test_padding_beyond_int16_is_its_least_value_and_the_picture_stays():
    values = ct.hounsfield(5)
    values[0, 0] = -32_768
    units = dicom.read_pixels(ct.content(values, 5, intercept=-1024), "slice")
    assert units[0, 0] == -32_768 and units[4, 4] == 50 - 1024
