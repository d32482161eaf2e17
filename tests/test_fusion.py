"""Emptying masks by learnt evidence: the threshold beside brute force, the weights beside their closed form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nervekit import fusion, presence
from nervekit.errors import DataError


@pytest.fixture
def random():
    return np.random.default_rng(0)


@given(dice=st.floats(0, 1), probability=st.floats(0, 1))
def test_a_mask_stays_where_it_is_expected_to_score_more_than_an_empty_one(dice, probability):
    kept, emptied = probability * dice, 1 - probability
    least = fusion.least_probability(dice)
    assert 0.5 <= least <= 1
    if abs(kept - emptied) > 1e-9:
        assert (kept > emptied) == (probability > least)


def test_the_threshold_gives_the_best_score_of_all_where_probabilities_are_true(random):
    """Twenty thousand images whose masks score 0.6 where there is a nerve."""
    probability = random.uniform(size=20_000)
    nerve = random.uniform(size=20_000) < probability
    thresholds = np.linspace(0, 1, 201)
    scores = [np.where(probability >= one, 0.6 * nerve, ~nerve).mean() for one in thresholds]
    assert thresholds[np.argmax(scores)] == pytest.approx(1 / 1.6, abs=0.06)
    assert fusion.least_probability(0.6) == 1 / 1.6


def test_learnt_odds_are_those_that_made_the_data(random):
    head, area = random.uniform(0.01, 0.99, 40_000), random.uniform(0, 9000, 40_000)
    odds = 0.8 * np.log(head / (1 - head)) + 0.5 * np.log1p(area) - 4
    truth = 1 / (1 + np.exp(-odds))
    seen = fusion.evidence(head, area)
    found = fusion.fit(seen, random.uniform(size=40_000) < truth).predict_proba(seen)[:, 1]
    assert np.abs(found - truth).max() < 0.03


def test_weights_are_drawn_to_zero_as_the_penalty_says():
    """Where the sum of the log losses and half the squared weight is least, its slope is zero."""
    draws = np.random.default_rng(1)
    seen = draws.normal(3, 2, (60, 1))
    present = draws.uniform(size=60) < 1 / (1 + np.exp(3 - seen[:, 0]))
    found = fusion.fit(seen, present)
    column = (seen[:, 0] - seen.mean()) / seen.std()
    too_high = found.predict_proba(seen)[:, 1] - present
    weight = found[-1].coef_.item()
    assert weight > 0.5 and too_high.sum() == pytest.approx(0, abs=0.02)
    assert too_high @ column == pytest.approx(-weight, abs=0.02)


def test_images_without_a_mask_do_not_teach_what_the_size_of_a_mask_means(random):
    area = np.where(random.uniform(size=40_000) < 0.6, 0, random.uniform(500, 9000, 40_000))
    truth = np.where(area > 0, 1 / (1 + np.exp(-2 * (np.log1p(area) - 8))), 0.02)
    seen = fusion.evidence(area=area)
    found = fusion.fit(seen, random.uniform(size=40_000) < truth).predict_proba(seen)[:, 1]
    assert np.abs(found - truth).max() < 0.03


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 250_000)), min_size=1, max_size=20))
def test_evidence_is_finite_and_grows_with_head_and_area(pairs):
    head, area = map(np.array, zip(*pairs, strict=True))
    columns = fusion.evidence(head, area)
    assert columns.shape == (len(pairs), 3) and np.isfinite(columns).all()
    for column, values in zip(columns.T, (head, area, area), strict=True):
        order = np.argsort(values)
        assert (np.diff(column[order]) >= 0).all()


def test_masks_are_emptied_below_the_threshold_and_left_as_they_are_above(random):
    masks = random.uniform(size=(3, 5, 4)) > 0.5
    found = fusion.emptied(masks, np.array([0.2, 0.6, 0.7]), 0.6)
    assert not found[0].any() and np.array_equal(found[1:], masks[1:]) and masks[0].any()


def test_what_is_left_empty_wins_the_score_and_what_is_kept_its_dice():
    masks = np.zeros((2, 4, 4), bool)
    masks[0, :2] = True
    predicted = np.ones_like(masks)
    kept = fusion.emptied(predicted, np.array([0.9, 0.1]), fusion.least_probability(2 / 3))
    assert presence.kaggle_score(masks, kept, ["a", "b"])["value"] == pytest.approx((2 / 3 + 1) / 2)


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda: fusion.evidence(), r"have \[\] values"),
        (lambda: fusion.evidence([0.5], [1, 2]), r"have \[1, 2\] values"),
        (lambda: fusion.evidence(head=np.full((3, 1), 0.5)), r"head has the shape \(3, 1\).* take \[:, 0\]"),
        (lambda: fusion.evidence([0.5, 0.5, 0.5], np.ones((3, 1))), r"area has the shape \(3, 1\)"),
        (lambda: fusion.evidence(area=7), r"area has the shape \(\)"),
        (lambda: fusion.evidence(head=[1.5]), "expected probabilities"),
        (lambda: fusion.evidence(head=[float("nan")]), "expected probabilities"),
        (lambda: fusion.evidence(area=[-1]), "expected pixels"),
        (lambda: fusion.fit(np.zeros((3, 1)), np.ones(3, bool)), "all of 3 images show a nerve"),
        (lambda: fusion.fit(np.zeros((3, 1)), np.zeros(3, bool)), "none of 3 images show a nerve"),
        (lambda: fusion.emptied(np.zeros((2, 4, 4), bool), np.zeros(3), 0.5), "for 2 masks"),
        (lambda: fusion.emptied(np.ones((2, 4, 4), bool), np.array([0.9, np.nan]), 0.5), "1 NaN for 2 masks"),
        (lambda: fusion.emptied(np.full((2, 4, 4), 255, "uint8"), np.ones(2), 0.5), "type uint8; masks are boolean"),
        (lambda: fusion.emptied(np.full((2, 4, 4), 0.3), np.ones(2), 0.5), "type float64; masks are boolean"),
        (lambda: fusion.emptied(np.ones((2, 4, 4, 1), bool), np.ones(2), 0.5), r"shape \(2, 4, 4, 1\), expected"),
    ],
)
def test_evidence_that_cannot_be_weighed_is_refused(call, problem):
    with pytest.raises(DataError, match=problem):
        call()


@pytest.mark.parametrize("dice", [-1, -0.01, 1.01, 80, float("nan")])
def test_what_is_no_dice_has_no_threshold(dice):
    with pytest.raises(DataError, match=f"dice={dice}: expected .* from 0 to 1"):
        fusion.least_probability(dice)
