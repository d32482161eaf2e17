"""The scatterers that frames of a subject share move along with its tissue, mirrored or not."""

import numpy as np
import pytest

from nervekit import phantom

REACH = 50


def moved(first, second):
    """Columns by which the second picture of tissue lies to the right of the first, and how well they agree there."""
    first, second = (picture - picture.mean(axis=1, keepdims=True) for picture in (first, second))
    inside = np.s_[:, REACH:-REACH]
    agree = {by: np.corrcoef(np.roll(first, by, axis=1)[inside].ravel(), second[inside].ravel())[0, 1] for by in range(-REACH, REACH + 1)}
    return max(agree.items(), key=lambda item: item[1])


@pytest.mark.parametrize("key", ["femoral", "median", "brachial"])
def test_shared_scatterers_move_with_the_tissue(key):
    seen = {True: [], False: []}
    for number in range(16):
        scenes = [phantom.scene(key, number, frame, shape=(64, 256)) for frame in range(4)]
        for scene in scenes[1:]:
            by, agreement = moved(scenes[0]["echogenicity"], scene["echogenicity"])
            told = scene["speckle"]["shift"][1] - scenes[0]["speckle"]["shift"][1]
            if agreement > 0.5:
                seen[scene["mirrored"]].append((by, told))
    for mirrored, pairs in seen.items():
        assert len(pairs) >= 3, mirrored
        by, told = np.transpose(pairs)
        assert np.abs(told).max() >= 3 and np.abs(by - told).max() < 0.4 * np.abs(told).max(), mirrored
