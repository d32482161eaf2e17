"""Reliability, disagreement, and risk against coverage, by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from nervekit import calibration
from nervekit.errors import ConfigurationError, DataError


@pytest.fixture
def case():
    random = np.random.default_rng(0)
    probability = random.random((3, 20, 20))
    return random.random(probability.shape) < probability**2, probability


def test_bins_agree_with_scikit_learn(case):
    masks, probability = case
    found = calibration.reliability(masks, probability, bins=8)
    observed, predicted = calibration_curve(masks.ravel(), probability.ravel(), n_bins=8)
    assert found.observed == pytest.approx(observed) and found.predicted == pytest.approx(predicted)
    assert found.count.sum() == masks.size and len(found.edges) == 9


def test_the_expected_error_by_hand():
    """Three pixels at 0.2, none true; one at 0.6, true: (3 * 0.2 + 1 * 0.4) / 4."""
    masks, probability = np.array([0, 0, 0, 1], bool), np.array([0.2, 0.2, 0.2, 0.6])
    assert calibration.reliability(masks, probability).error == pytest.approx(0.25)


def test_probabilities_that_come_true_have_no_error():
    masks = np.array([True] * 3 + [False])
    assert calibration.reliability(masks, np.full(4, 0.75)).error == pytest.approx(0)
    assert calibration.reliability(masks, masks.astype(float)).error == 0


def test_decided_pixels_can_be_left_out(case):
    masks, probability = case
    found = calibration.reliability(masks, probability, undecided=0.2)
    inside = (probability >= 0.2) & (probability <= 0.8)
    alone = calibration.reliability(masks[inside], probability[inside])
    assert found.count.sum() == inside.sum() and found.error == alone.error
    assert found.count[[0, 1, 8, 9]].sum() == 0 and np.isnan(found.observed[0])


def test_no_pixel_left_is_no_error():
    assert calibration.reliability(np.zeros(3, bool), np.zeros(3), undecided=0.1).error == 0


def test_masks_of_255_are_refused():
    with pytest.raises(DataError, match="type uint8; masks are boolean"):
        calibration.reliability(np.array([0, 255], "uint8"), np.array([0.2, 0.8]))
    with pytest.raises(DataError, match="masks holds 1 NaN of 2 values"):
        calibration.reliability(np.array([0.0, np.nan]), np.array([0.2, 0.8]))


def test_what_is_no_probability_is_refused():
    with pytest.raises(DataError, match="1 of 2 probabilities are NaN or not between 0 and 1"):
        calibration.reliability(np.zeros(2, bool), np.array([0.5, 1.5]))
    with pytest.raises(DataError, match="same shape"):
        calibration.reliability(np.zeros(2, bool), np.zeros(3))
    with pytest.raises(ConfigurationError, match="bins=0"):
        calibration.reliability(np.zeros(2, bool), np.zeros(2), bins=0)
    with pytest.raises(ConfigurationError, match="undecided=0.5: .*less than 0.5"):
        calibration.reliability(np.zeros(2, bool), np.zeros(2), undecided=0.5)


def test_views_that_agree_leave_no_doubt_and_views_apart_all_of_it():
    views = np.zeros((2, 3, 4, 4))
    views[:, 0, :2] = 1
    views[0, 1, :2], views[1, 1, 2:] = 1, 1
    assert calibration.disagreement(views).tolist() == [0, 1, 0]
    with pytest.raises(DataError, match="two or more"):
        calibration.disagreement(views[:1])


@pytest.mark.parametrize(
    ("views", "found"),
    [(np.full((2, 3, 4, 4), np.nan), r"\(2, 3, 4, 4\) and 96 NaN"), (np.zeros((2, 4, 4)), r"\(2, 4, 4\) and 0 NaN"),
     (np.zeros((2, 3, 4, 4, 1)), r"\(2, 3, 4, 4, 1\) and 0 NaN")],
)  # fmt: skip
def test_views_that_are_no_numbers_or_of_another_shape_are_not_without_doubt(views, found):
    with pytest.raises(DataError, match=f"{found}; expected .views, images, height, width. of two or more views"):
        calibration.disagreement(views)


def test_disagreement_of_three_views_by_hand():
    """Masks of 1, 2 and 3 pixels, one inside the next: pairs share 1 + 1 + 2 of 2 + 3 + 3 pixels."""
    views = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 1]], float).reshape(3, 1, 1, 3)
    assert calibration.disagreement(views).tolist() == [0.5]


def test_doubt_that_knows_the_risk_lowers_it_at_every_coverage():
    risk = np.array([0.4, 0.1, 0.3, 0.2])
    coverage, kept, area = calibration.risk_coverage(risk, doubt=risk)
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1]
    assert kept == pytest.approx([0.1, 0.15, 0.2, 0.25])
    assert area == pytest.approx(0.175)
    assert calibration.risk_coverage(risk, doubt=-risk)[2] == pytest.approx((0.4 + 0.35 + 0.3 + 0.25) / 4)


def test_equal_doubt_says_nothing():
    risk = np.array([0.4, 0.1, 0.3, 0.2])
    coverage, kept, area = calibration.risk_coverage(risk, np.ones(4))
    assert coverage.tolist() == [1] and kept == area == pytest.approx(0.25)


def test_risk_without_a_doubt_for_each_image_is_refused():
    with pytest.raises(DataError, match="one number of both"):
        calibration.risk_coverage(np.zeros(3), np.zeros(2))
