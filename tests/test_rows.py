"""Cutting to the rows where a structure can be: nothing of it is lost, and answers come back to their place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nervekit import rows
from nervekit.data import SegmentationDataset
from nervekit.errors import ConfigurationError, DataError


@settings(max_examples=100)
@given(st.integers(16, 60), st.lists(st.integers(0, 15), min_size=1, max_size=4), st.integers(0, 9), st.sampled_from([1, 4, 16]))
def test_every_mask_and_its_margin_lie_in_the_rows(height, used, margin, multiple):
    masks = np.zeros((len(used), height, 3), bool)
    masks[np.arange(len(used)), used] = True
    low, high = max(min(used) - margin, 0), min(max(used) + margin + 1, height)
    if -(-(high - low) // multiple) * multiple > height:
        with pytest.raises(DataError, match="next multiple"):
            rows.reach(masks, margin=margin, multiple=multiple)
        return
    found = rows.reach(masks, margin=margin, multiple=multiple)
    assert 0 <= found.start <= low and high <= found.stop <= height
    assert (found.stop - found.start) % multiple == 0 and found.stop - found.start < high - low + multiple


def test_empty_masks_are_refused():
    with pytest.raises(DataError, match="none of the masks"):
        rows.reach(np.zeros((2, 8, 8), bool), margin=1)


def test_what_is_cut_is_pasted_back_to_its_place():
    images = np.arange(2 * 8 * 3, dtype=np.uint8).reshape(2, 8, 3, 1)
    names = np.array(["a", "b"])
    part = rows.cut(SegmentationDataset("few", images, images[..., 0] % 2 == 0, names, names), slice(2, 6))
    assert part.images.shape == (2, 4, 3, 1) and np.array_equal(part.masks, part.images[..., 0] % 2 == 0)
    back = rows.paste(part.images[..., 0], slice(2, 6), 8)
    assert np.array_equal(back[:, 2:6], images[:, 2:6, :, 0]) and not back[:, :2].any() and not back[:, 6:].any()


@pytest.mark.parametrize(("count", "height"), [(3, 8), (1, 8), (4, 5)])
def test_answers_about_other_rows_are_not_pasted(count, height):
    with pytest.raises(DataError, match=rf"shape \(2, {count}, 3\), and slice\(2, 6, None\) of {height} rows are"):
        rows.paste(np.ones((2, count, 3)), slice(2, 6), height)


@pytest.mark.parametrize("wrong", [{"margin": -1}, {"margin": 1, "multiple": 0}, {"margin": 1, "multiple": -16}])
def test_margins_and_multiples_out_of_range_are_refused(wrong):
    masks = np.zeros((1, 16, 8), bool)
    masks[0, 4:8] = True
    with pytest.raises(ConfigurationError, match="expected a margin of 0 rows or more, and a multiple of 1 or more"):
        rows.reach(masks, **wrong)


def test_images_of_native_sizes_are_refused_with_what_to_do():
    images = [np.zeros((size, 8, 1), np.uint8) for size in (8, 12)]
    masks, names = [image[..., 0] == 0 for image in images], np.array(["a", "b"])
    with pytest.raises(ConfigurationError, match=r"the images of few have native sizes.* size=\(96, 96\)"):
        rows.cut(SegmentationDataset("few", images, masks, names, names), slice(2, 6))
    with pytest.raises(ConfigurationError, match=r"the masks have native sizes.* size=\(96, 96\)"):
        rows.reach(masks, margin=1)
