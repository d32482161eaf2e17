"""Dealing slices: what must stay together stays together."""

import numpy as np
import pytest

from nervekit import data
from nervekit.data import ircadb, parts
from nervekit.errors import ConfigurationError, MissingDataError

TEN = np.repeat([f"{number}" for number in range(10)], 7)


@pytest.mark.parametrize("random_state", range(5))
def test_a_patient_is_never_on_two_sides(random_state):
    dealt = parts.by_patient(TEN, random_state=random_state)
    assert all(len(set(dealt[TEN == patient])) == 1 for patient in set(TEN))
    counts = {name: len(set(TEN[dealt == name])) for name in ("test", "development", "train")}
    assert counts == {"test": 3, "development": 1, "train": 6}


def test_the_state_decides_which_patients():
    first, again, other = (parts.by_patient(TEN, random_state=state) for state in (1, 1, 2))
    assert (first == again).all() and (first != other).any()


def test_of_three_patients_each_part_gets_one():
    dealt = parts.by_patient(np.repeat(["1", "2", "3"], 4))
    assert sorted(dealt[::4]) == ["development", "test", "train"] and np.array_equal(dealt, np.repeat(dealt[::4], 4))


def test_a_share_of_whole_patients_is_no_patient_more():
    assert (parts.by_patient(np.arange(100), test=0.07) == "test").sum() == 7  # though 0.07 * 100 is above 7 in binary


def test_two_patients_cannot_be_dealt():
    with pytest.raises(ConfigurationError, match="none for training.*by_block"):
        parts.by_patient(np.array(["1", "2"]))


@pytest.mark.parametrize(("slices", "gap"), [(119, 3), (74, 2), (45, 0)])
def test_training_slices_keep_their_distance_from_held_out_ones(slices, gap):
    dealt = parts.by_block(np.repeat("17", slices), gap=gap)
    train, held_out = np.flatnonzero(dealt == "train"), np.flatnonzero(np.isin(dealt, ("test", "development")))
    assert np.abs(train[:, None] - held_out).min() == gap + 1
    assert {"train", "test", "development"} <= set(dealt)


def test_blocks_are_those_of_each_patient():
    both = parts.by_block(np.repeat(["1", "2"], [27, 45]), gap=1)
    assert (both[:27] == parts.by_block(np.repeat("1", 27), gap=1)).all()
    assert (both[27:] == parts.by_block(np.repeat("2", 45), gap=1)).all()


@pytest.mark.parametrize("gap", [-1, 2])
def test_a_gap_that_does_not_fit_is_refused(gap):
    with pytest.raises(ConfigurationError, match="patient 17 has 36 slices.*gap"):
        parts.by_block(np.repeat("17", 36), gap=gap)


def test_slices_are_dealt_wherever_they_come_from():
    dealt = parts.by_slice(70)
    assert {name: int((dealt == name).sum()) for name in set(dealt)} == {"train": 56, "development": 7, "test": 7}
    assert len(set(TEN[dealt == "train"])) == 10


@pytest.mark.parametrize(
    ("count", "shares"),
    [
        (10, {"test": 0.9, "development": 0.5}),
        (10, {"test": 0.5, "development": 0.5}),
        (4, {}),
        (10, {"test": 1.0}),
        (10, {"test": -0.2}),
        (10, {"development": 0}),
        (10, {"development": float("nan")}),
    ],
)
def test_shares_that_leave_a_part_without_slices_are_refused(count, shares):
    with pytest.raises(ConfigurationError, match="by_slice: "):
        parts.by_slice(count, **shares)


def test_opened_gives_hounsfield_units_masks_and_distances_of_what_load_reads(tmp_path):
    from ct import save_patient

    save_patient(tmp_path / "3Dircadb1.5")
    (tmp_path / "SIMULATED.json").write_text("{}")
    with ircadb.opened("auto", root=tmp_path) as (files, patients):
        volume = patients[0]
        masks = [ircadb.read_mask(files, volume, "liver", place) for place in range(volume.shape[0])]
        assert ircadb.read_slice(files, volume, 3).max() == 30
    assert (volume.patient, volume.spacing) == ("5", (2.0, 0.5, 0.75))
    assert (np.stack(masks) == data.load("ircadb", root=tmp_path, size=(16, 16)).masks).all()


def test_opened_says_how_to_get_the_real_set(tmp_path, monkeypatch):
    monkeypatch.setenv("NERVEKIT_DATA", "")
    monkeypatch.setenv("NERVEKIT_CACHE", str(tmp_path))
    with pytest.raises(MissingDataError, match="nervekit fetch ircadb"), ircadb.opened("real"):
        pass
