"""Bright squares on dark noise: the smallest task that a segmentation network must solve."""

import numpy as np


def bright_squares(count, *, seed=0, corners=(2, 18), brightness=150):
    """Images (count, 32, 32, 1) uint8 and masks (count, 32, 32) bool; upper left corners from and below `corners`."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 60, (count, 32, 32, 1), dtype=np.uint8)
    masks = np.zeros((count, 32, 32), bool)
    for image, mask in zip(images, masks, strict=True):
        row, column = random.integers(*corners, 2)
        mask[row : row + 12, column : column + 12] = True
        image[mask] += brightness
    return images, masks
