"""Baselines without learning."""

import numpy as np

from nervekit import baselines, metrics


def test_mean_mask_keeps_what_most_masks_share():
    masks = np.zeros((5, 6, 6), bool)
    masks[:, 2:4, 2:4] = True
    masks[0, 0, 0] = True
    expected = np.zeros((6, 6), bool)
    expected[2:4, 2:4] = True
    assert np.array_equal(baselines.mean_mask(masks), expected)


def test_mean_mask_is_the_best_level_on_training_data():
    random = np.random.default_rng(0)
    masks = random.random((8, 10, 10)) < random.random((10, 10))
    chosen = metrics.pooled_iou(masks, np.repeat(baselines.mean_mask(masks)[None], 8, axis=0))
    share = masks.mean(axis=0)
    rest = [metrics.pooled_iou(masks, np.repeat((share >= n / 8)[None], 8, axis=0)) for n in range(1, 9)]
    assert chosen == max(rest)


def test_many_levels_are_tried_in_steps_that_lose_little():
    rows, columns = np.mgrid[:24, :24]
    middles = np.random.default_rng(0).normal(12, 3, (60, 2))
    masks = np.array([np.hypot(rows - y, columns - x) < 6 for y, x in middles])
    share = masks.mean(axis=0)
    every = [metrics.pooled_iou(masks, np.repeat((share >= level)[None], 60, axis=0)) for level in np.unique(share)]
    chosen = metrics.pooled_iou(masks, np.repeat(baselines.mean_mask(masks)[None], 60, axis=0))
    assert len(np.unique(share)) > 50 and max(every) - 0.01 < chosen <= max(every)


def test_mean_of_empty_masks_is_empty():
    assert not baselines.mean_mask(np.zeros((3, 4, 4), bool)).any()


def test_copying_finds_the_shifted_twin_and_moves_its_mask():
    random = np.random.default_rng(1)
    train = np.kron(random.integers(0, 256, (6, 16, 16)), np.ones((4, 4))).astype(np.uint8)[..., None]
    masks = np.zeros((6, 64, 64), bool)
    masks[4, 20:40, 24:44] = True
    query = np.roll(train[4:5], (4, -4), axis=(1, 2))
    predicted, correlation = baselines.copy_nearest(query, train, masks)
    assert metrics.iou(np.roll(masks[4:5], (4, -4), axis=(1, 2)), predicted)[0] > 0.95
    assert correlation[0] > 0.9
