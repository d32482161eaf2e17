"""A small simulated study of each kind, and what methods without learning reach on it."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from nervekit import phantom


@dataclass(frozen=True)
class Study:
    """Frames of subjects, subject by subject: pictures and masks (N, 64, 64), groups (N,)."""

    pictures: np.ndarray
    masks: np.ndarray
    groups: np.ndarray

    def best_threshold(self):
        """Mean Dice over images with a nerve of the best threshold on brightness, chosen with the truth."""
        some = self.masks.any((1, 2))
        return max(dice(self.pictures[some] >= level, self.masks[some]).mean() for level in range(0, 256, 4))

    def mean_mask(self):
        """Mean Dice of the mean mask of seven in ten subjects on the others; images without a nerve left out."""
        some = self.masks.any((1, 2))
        seen = self.groups < 0.7 * (self.groups.max() + 1)
        mean = self.masks[seen & some].mean(0)
        levels = np.linspace(0.02, 0.9, 45)
        best = max(levels, key=lambda level: dice((mean > level)[None], self.masks[seen & some]).mean())
        return dice((mean > best)[None], self.masks[~seen & some]).mean()

    @property
    def correlation(self):
        """(N, N) correlation of pictures, -1 of a picture with itself."""
        flat = self.pictures.reshape(len(self.pictures), -1)
        flat = flat - flat.mean(1, keepdims=True)
        flat /= np.linalg.norm(flat, axis=1, keepdims=True)
        correlation = flat @ flat.T
        np.fill_diagonal(correlation, -1)
        return correlation

    @property
    def same(self):
        """(N, N): do two frames show one subject?"""
        return self.groups[:, None] == self.groups

    def copying(self, same):
        """Mean Dice, over images with a nerve, of the most similar picture's mask, of the same or other subjects."""
        allowed = np.where(self.same == same, self.correlation, -1)
        return dice(self.masks[allowed.argmax(1)], self.masks)[self.masks.any((1, 2))].mean()


def dice(one, other):
    total = one.sum((1, 2)) + other.sum((1, 2))
    return np.where(total > 0, 2 * (one & other).sum((1, 2)) / np.maximum(total, 1), 1.0)


def shrink(picture, size=64):
    """Mean over blocks, (size, size)."""
    step = picture.shape[0] // size
    return picture.reshape(size, step, size, step).mean((1, 3))


@cache
def draw_study(key, subjects, frames):
    pictures, masks, groups = [], [], []
    for subject in range(subjects):
        for frame in range(frames):
            maps = phantom.scene(key, subject, frame, shape=(128, 128))
            pictures.append(shrink(phantom.render(maps)["image"].astype(float)))
            masks.append(shrink(maps["mask"].astype(float)) >= 0.5)
            groups.append(subject)
    return Study(np.array(pictures), np.array(masks), np.array(groups))


@pytest.fixture(scope="session")
def make_study():
    """``make_study(key, subjects, frames)`` gives a `Study`, drawn once."""
    return draw_study


@pytest.fixture(scope="session")
def files_of():
    """``files_of(folder)`` gives the bytes of every file by its path."""
    return lambda folder: {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
