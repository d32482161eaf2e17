"""One slice from its bytes, whatever bytes they are."""

import ct
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nervekit.data import dicom
from nervekit.errors import NervekitError

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
