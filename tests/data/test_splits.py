"""Folds keep groups together, sessions are found, and leaks too."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nervekit.data import SegmentationDataset, catalog, files, similarity, splits
from nervekit.errors import ConfigurationError, DataError

groups_and_folds = st.lists(st.integers(0, 30), min_size=2, max_size=200).flatmap(
    lambda groups: st.tuples(st.just(groups), st.integers(2, max(2, len(set(groups)))), st.integers(0, 99))
)


@settings(max_examples=60)
@given(groups_and_folds)
def test_group_folds_test_every_image_once_and_never_split_a_group(drawn):
    groups, n_splits, seed = np.array(drawn[0]), drawn[1], drawn[2]
    if len(set(drawn[0])) < n_splits:
        with pytest.raises(ConfigurationError, match=f"n_splits={n_splits}"):
            splits.group_kfold(groups, n_splits, seed)
        return
    folds = splits.group_kfold(groups, n_splits, seed)
    assert sorted(np.concatenate([test for _, test in folds]).tolist()) == list(range(len(groups)))
    for train, test in folds:
        assert len(test) and not set(groups[train]) & set(groups[test])
        assert sorted([*train, *test]) == list(range(len(groups)))


@settings(max_examples=60)
@given(groups_and_folds)
def test_group_folds_differ_by_no_more_than_the_largest_group(drawn):
    groups, n_splits, seed = np.array(drawn[0]), drawn[1], drawn[2]
    if len(set(drawn[0])) >= n_splits:
        sizes = [len(test) for _, test in splits.group_kfold(groups, n_splits, seed)]
        assert max(sizes) - min(sizes) <= np.bincount(groups).max()


def test_group_folds_follow_the_seed():
    groups = np.repeat(np.arange(40), 3)
    first, again, other = (splits.group_kfold(groups, 5, seed)[0][1].tolist() for seed in (0, 0, 1))
    assert first == again != other


@settings(max_examples=60)
@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=60),
    st.lists(st.floats(0.01, 1), min_size=1, max_size=4).map(sorted),
    st.integers(0, 9),
)
def test_shares_are_whole_groups_one_within_the_next_and_no_group_more_than_needed(groups, shares, seed):
    before = set()
    for share, part in zip(shares, splits.group_shares(groups, shares, seed), strict=True):
        taken = {groups[place] for place in part}
        assert part.tolist() == [place for place, group in enumerate(groups) if group in taken] and before <= set(part)
        assert len(part) >= share * len(groups) - 1e-6
        assert len(part) - max(groups.count(group) for group in taken) < share * len(groups)
        before = set(part)
    assert splits.group_shares(groups, [1.0], seed)[0].tolist() == list(range(len(groups)))


@pytest.mark.parametrize("share", [0, -0.1, 1.01, float("nan")])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ConfigurationError, match="above 0 and at most 1"):
        splits.group_shares(["a", "b"], [0.5, share])


@pytest.mark.parametrize("unknown", [None, float("nan"), "", " \t"])
def test_images_of_unknown_groups_are_not_dealt(unknown):
    groups = np.array([1.0, unknown, 2.0, unknown], object)
    images, names = np.zeros((4, 8, 8, 1), np.uint8), np.arange(4).astype(str)
    dataset = SegmentationDataset("own", images, images[..., 0] > 0, names, groups)
    for deal in (
        lambda: splits.group_kfold(groups.tolist(), 2),
        lambda: splits.group_shares(groups.tolist(), [0.5]),
        lambda: splits.thinned(dataset, 1),
    ):
        with pytest.raises(DataError, match="groups hold 2 blank, None or NaN of 4"):
            deal()


@pytest.mark.parametrize("most", [-1, 0, 2.5, "few", None])
def test_a_number_of_images_that_is_none_thins_nothing(most):
    images, names = np.zeros((4, 8, 8, 1), np.uint8), np.arange(4).astype(str)
    dataset = SegmentationDataset("own", images, images[..., 0] > 0, names, names)
    with pytest.raises(ConfigurationError, match=f"most={most!r}: expected a whole number of images, 1 or more, or 'all'"):
        splits.thinned(dataset, most)


def test_kfold_tests_every_image_once():
    folds = splits.kfold(23, 5, random_state=3)
    assert sorted(np.concatenate([test for _, test in folds]).tolist()) == list(range(23))


def picture(seed, shift=(0, 0), size=96):
    """A smooth random picture seen through a window that can be moved."""
    random = np.random.default_rng(seed)
    large = Image.fromarray(random.integers(0, 255, (20, 20), np.uint8)).resize(
        (160, 160), Image.Resampling.BICUBIC
    )
    return np.asarray(large)[
        32 - shift[0] : 32 - shift[0] + size, 32 - shift[1] : 32 - shift[1] + size, np.newaxis
    ]


def test_a_copy_is_as_near_as_can_be_and_no_nearer():
    """The bars of a histogram end at 1, and rounding alone would put copies beyond."""
    images = np.random.default_rng(0).integers(0, 256, (20, 64, 64, 1), dtype=np.uint8)
    correlation = splits.nearest(images, images)[1]
    assert correlation.max() <= 1 and correlation.min() > 0.99999


def test_nearest_finds_the_moved_copy_and_its_shift():
    reference = np.stack([picture(seed) for seed in range(6)])
    query = np.stack([picture(4, (6, -3)), picture(1, (0, 9))])
    index, correlation, shift = splits.nearest(query, reference)
    assert index.tolist() == [4, 1] and (correlation > 0.9).all()
    assert np.abs(shift - [[6, -3], [0, 9]]).max() <= 1


def test_correlation_ignores_brightness_and_contrast():
    image = picture(0)
    darker = (image // 3 + 20).astype(np.uint8)
    _, correlation, shift = splits.nearest(darker[np.newaxis], image[np.newaxis])
    assert correlation[0] > 0.98 and shift.tolist() == [[0, 0]]


def test_pictures_without_structure_resemble_nothing():
    flat = np.full((1, 64, 64, 1), 7, np.uint8)
    assert splits.nearest(flat, flat)[1].tolist() == [0]


def test_correlation_without_shift_is_numpy_s():
    random = np.random.default_rng(0)
    one, other = random.normal(size=(2, 3, 8, 8)).astype(np.float32)
    best, _ = similarity.correlate(one, other, 0)
    expected = np.corrcoef(one.reshape(3, -1), other.reshape(3, -1))[:3, 3:]
    assert np.allclose(best, expected, atol=1e-5)


def test_moved_mask_agrees_with_numpy_roll():
    masks = np.zeros((2, 20, 30), bool)
    masks[1, 5:9, 10:14] = True
    moved = splits.transfer(masks, [1], [(3, -6)])
    assert np.array_equal(moved[0], np.roll(masks[1], (3, -6), (0, 1)))


def sessions_of_frames():
    """Four sessions of three moved frames each, and the session of each frame."""
    shifts = [(0, 0), (3, 2), (-2, 4)]
    images = np.stack([picture(session, shift) for session in range(4) for shift in shifts])
    return images, np.repeat(np.arange(4), 3)


def test_frames_of_one_session_are_joined_and_others_are_not():
    images, truth = sessions_of_frames()
    labels = splits.infer_sessions(images, np.arange(1, 13).astype(str))
    assert labels.tolist() == [f"session_{number + 1:03d}" for number in truth]


def test_sessions_do_not_depend_on_the_order_of_the_images():
    images, _ = sessions_of_frames()
    ids = np.arange(1, 13)
    order = np.random.default_rng(0).permutation(12)
    assert np.array_equal(
        splits.infer_sessions(images[order], ids[order]), splits.infer_sessions(images, ids)[order]
    )


@pytest.mark.parametrize("ids", [["left knee"], ["1_2"], ["1", "1_2"], [1.5], np.array([1.0]), [None], None, ["-1"], [""]])
def test_sessions_need_numbers(ids):
    with pytest.raises(ConfigurationError, match="inferred along numbers"):
        splits.infer_sessions(np.zeros((1, 8, 8), np.uint8), ids)


def test_leak_is_found_and_a_clean_split_is_clean():
    images, truth = sessions_of_frames()
    groups = truth.astype(str)
    dataset = SegmentationDataset("own", images, images[..., 0] > 99, np.arange(12).astype(str), groups)
    leaky = splits.leakage(dataset, train=[0, 1, 3, 4, 6], test=[2, 9])
    assert leaky.leaks and leaky.shared_groups == ("0",) and leaky.shared_images.tolist() == [2]
    assert leaky.pairs[:, 0].tolist() == [2] and leaky.pairs[0, 1] in (0, 1)
    clean = splits.leakage(dataset, train=np.arange(6), test=np.arange(6, 12))
    assert not clean.leaks and "0 of 6 test images" in clean.describe()


@pytest.mark.parametrize("side", ["train", "test"])
@pytest.mark.parametrize("wrong", [[], [3, 12], [-1], [0.5], [[0, 1]], ["0"], [True, False]])
def test_positions_that_are_none_are_refused(side, wrong):
    images, truth = sessions_of_frames()
    dataset = SegmentationDataset("own", images, images[..., 0] > 99, truth.astype(str), truth.astype(str))
    with pytest.raises(ConfigurationError, match=f"{side}: (is empty|holds)"):
        splits.leakage(dataset, **({"train": [0], "test": [1]} | {side: wrong}))


def test_positions_may_be_booleans():
    images, truth = sessions_of_frames()
    dataset = SegmentationDataset("own", images, images[..., 0] > 99, truth.astype(str), truth.astype(str))
    one = splits.leakage(dataset, truth != 2, truth == 2)
    other = splits.leakage(dataset, np.r_[:6, 9:12], np.r_[6:9])
    assert one.nearest.tolist() == other.nearest.tolist() and one.shared_groups == other.shared_groups == ()


def test_set_without_a_published_split_says_so():
    images, truth = sessions_of_frames()
    dataset = SegmentationDataset("own", images, images[..., 0] > 99, truth.astype(str), truth.astype(str))
    with pytest.raises(ConfigurationError, match="no published split"):
        splits.published(dataset)


def test_listed_set_without_a_published_split_says_so(monkeypatch):
    monkeypatch.setitem(catalog.ENTRIES, "fifth", replace(catalog.entry("median"), key="fifth"))
    monkeypatch.setattr(files, "read_manifest", lambda key: files.Manifest(key, {}))
    with pytest.raises(ConfigurationError, match="fifth: has no published split"):
        splits.published("fifth")
