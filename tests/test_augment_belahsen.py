"""The six augmentation functions and the augmented set, against turns and mirrorings by index."""

import numpy as np
import pytest

from nervekit import augment_belahsen as six
from nervekit.data import SegmentationDataset


@pytest.fixture
def dataset():
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (20, 12, 16, 1), dtype=np.uint8)
    ids = np.array([f"{i // 4 + 1}_{i % 4 + 1}" for i in range(20)])
    groups = np.array([name.split("_")[0] for name in ids])
    return SegmentationDataset("brachial", images, images[..., 0] > 180, ids, groups)


def same(stack):
    """Position of each image among those that it may come from, by its sorted pixels."""
    return [tuple(np.sort(image.ravel())) for image in stack]


def test_vertical_flip_is_a_turn_by_180_degrees(dataset):
    images, masks = six.vertical_flip(dataset.images, dataset.masks)
    assert np.array_equal(images, np.rot90(dataset.images, 2, axes=(1, 2)))
    assert np.array_equal(masks, np.rot90(dataset.masks, 2, axes=(1, 2)))


def test_random_flip_permutes_pairs_and_mirrors_half_top_to_bottom(dataset):
    images, masks = six.random_flip(dataset.images, dataset.masks, np.random.default_rng(1))
    assert sorted(same(images)) == sorted(same(dataset.images)) and same(images) != same(dataset.images)
    originals = {tuple(np.sort(image.ravel())): place for place, image in enumerate(dataset.images)}
    mirrored = 0
    for image, mask in zip(images, masks, strict=True):
        place = originals[tuple(np.sort(image.ravel()))]
        upright = np.array_equal(image, dataset.images[place])
        mirrored += not upright
        assert upright or np.array_equal(image, dataset.images[place][::-1])
        assert np.array_equal(mask, dataset.masks[place] if upright else dataset.masks[place][::-1])
    assert mirrored == 10


def test_random_horizontal_flip_mirrors_half_left_to_right(dataset):
    images, masks = six.random_horizontal_flip(dataset.images, dataset.masks, np.random.default_rng(1))
    moved = [not np.array_equal(*pair) for pair in zip(images, dataset.images, strict=True)]
    assert sum(moved) == 10
    assert np.array_equal(images[moved], dataset.images[moved][:, :, ::-1])
    assert np.array_equal(masks[moved], dataset.masks[moved][:, :, ::-1])


def test_random_rotate90_of_square_images_is_rot90(dataset):
    images, masks = dataset.images[:, :12, :12], dataset.masks[:, :12, :12]
    turned, turned_masks = six.random_rotate90(images, masks, np.random.default_rng(1))
    quarters = np.random.default_rng(1).integers(0, 4, len(images))
    assert set(quarters.tolist()) == {0, 1, 2, 3}
    for place, quarter in enumerate(quarters):
        assert np.array_equal(turned[place], np.rot90(images[place], quarter))
        assert np.array_equal(turned_masks[place], np.rot90(masks[place], quarter))


def test_random_rotate_stays_within_its_angle_and_keeps_masks_binary(dataset):
    still, _ = six.random_rotate(dataset.images, dataset.masks, np.random.default_rng(1), intensity=0.0)
    assert np.array_equal(still, dataset.images)
    disc = np.hypot(*np.mgrid[-20:21, -20:21]) < 9
    images = np.repeat((disc * 200).astype(np.uint8)[None, ..., None], 4, axis=0)
    turned, masks = six.random_rotate(images, images[..., 0] > 0, np.random.default_rng(1))
    assert masks.dtype == bool and turned.dtype == np.uint8
    assert abs(masks.sum(axis=(1, 2)) - disc.sum()).max() < 0.06 * disc.sum()
    bars = np.zeros((64, 41, 41, 1), np.uint8)
    bars[:, 20, 20:] = 200
    turned, _ = six.random_rotate(bars, bars[..., 0] > 0, np.random.default_rng(1))
    rows = np.flatnonzero((turned > 100).any(axis=(0, 2, 3)))
    assert 9 <= rows.min() <= 12 and 28 <= rows.max() <= 31  # the end of 20 pixels, turned by at most 30 degrees


def test_vertical_flip_cv2_lies_one_pixel_off(dataset):
    images, masks = six.vertical_flip_cv2(dataset.images, dataset.masks)
    straight, _ = six.vertical_flip(dataset.images, dataset.masks)
    assert np.array_equal(images[:, 1:, 1:], straight[:, :-1, :-1])
    assert not images[:, 0].any() and not images[:, :, 0].any() and not masks[:, 0].any()


def test_augmented_set_is_originals_then_one_copy_of_each(dataset):
    both, origin, kind = six.augmented_set(dataset, seed=2)
    assert len(both) == 40 and sorted(origin[20:]) == list(range(20))
    assert np.array_equal(both.images[:20], dataset.images) and set(kind[:20]) == {"original"}
    turns = {"turned": np.s_[::-1, ::-1], "mirrored": np.s_[:, ::-1]}
    for place in range(20, 40):
        assert np.array_equal(both.images[place], dataset.images[origin[place]][turns[kind[place]]])
        assert np.array_equal(both.masks[place], dataset.masks[origin[place]][turns[kind[place]]])
        assert both.groups[place] == dataset.groups[origin[place]]
    assert (kind == "turned").sum() == (kind == "mirrored").sum() == 10


def test_broken_pairs_keep_the_images_and_lose_the_masks(dataset):
    whole, _, _ = six.augmented_set(dataset, seed=2)
    broken, _, _ = six.augmented_set(dataset, seed=2, paired=False)
    assert np.array_equal(whole.images, broken.images)
    right = [np.array_equal(*pair) for pair in zip(whole.masks, broken.masks, strict=True)]
    assert all(right[:20]) and sum(right[20:]) < 12


def test_the_tail_of_the_augmented_set_holds_copies_of_training_images_only(dataset):
    both, origin, kind = six.augmented_set(dataset, seed=2)
    train, validation = six.tail_split(len(both))
    assert (len(train), len(validation)) == (32, 8)
    assert set(kind[validation]) <= {"turned", "mirrored"}
    assert np.isin(origin[validation], origin[train][kind[train] == "original"]).all()


def test_of_11_270_images_9_016_train():
    """The paper's numbers."""
    assert [len(part) for part in six.tail_split(2 * 5635)] == [9016, 2254]
