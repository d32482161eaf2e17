"""The cases of an image, both error rates, and the least area that trades one for the other."""

import numpy as np
import pytest

from nervekit import detection
from nervekit.errors import ConfigurationError, DataError


def square(corner, size, shape=(10, 10)):
    mask = np.zeros(shape, bool)
    mask[corner : corner + size, corner : corner + size] = True
    return mask


EMPTY = np.zeros((10, 10), bool)


@pytest.fixture
def six():
    """Nerve found, missed, and looked for elsewhere; no nerve and none reported, a small one, a large one."""
    masks = np.stack([square(2, 3), square(2, 3), square(2, 3), EMPTY, EMPTY, EMPTY])
    predictions = np.stack([square(3, 3), EMPTY, square(6, 3), EMPTY, square(4, 1), square(4, 3)])
    return masks, predictions


def test_each_image_is_one_of_four_cases(six):
    assert detection.cases(*six).tolist() == [
        "true positive", "false negative", "false negative", "true negative", "false positive", "false positive",
    ]  # fmt: skip


def test_masks_in_a_list_are_those_of_the_array(six):
    masks, predictions = map(list, six)
    assert detection.cases(masks, predictions, 0.09).tolist() == [
        "true positive", "false negative", "false negative", "true negative", "true negative", "false positive",
    ]  # fmt: skip
    with pytest.raises(DataError, match="masks of different sizes"):
        detection.cases([*masks[:5], EMPTY[:9]], [*predictions[:5], EMPTY[:9]])


def test_a_region_that_touches_the_nerve_by_one_pixel_has_found_it():
    assert detection.cases(square(0, 5)[None], square(4, 5)[None]).tolist() == ["true positive"]
    assert detection.cases(square(0, 5)[None], square(5, 5)[None]).tolist() == ["false negative"]


def test_an_area_as_large_as_the_least_counts(six):
    masks, predictions = six
    assert detection.cases(masks, predictions, 0.09).tolist().count("false positive") == 1
    assert detection.cases(masks, predictions, 0.0901).tolist().count("false positive") == 0
    assert detection.cases(masks, predictions, 0.0901).tolist().count("true positive") == 0


def test_rates_are_shares_of_the_images_they_speak_of(six):
    found = detection.rates(*six, groups=["a", "b", "c", "a", "b", "c"])
    assert found["false_negative_rate"]["value"] == pytest.approx(2 / 3)
    assert found["false_positive_rate"]["value"] == pytest.approx(2 / 3)
    assert found["false_negative_rate"]["n"] == 3
    assert found["false_negative_rate"]["step"] == pytest.approx(1 / 3)
    assert 0 <= found["false_negative_rate"]["low"] < found["false_negative_rate"]["high"] <= 1


def test_a_blind_prediction_has_one_rate_of_one():
    masks = np.stack([square(2, 3), EMPTY])
    nothing, everything = np.zeros((2, 10, 10), bool), np.ones((2, 10, 10), bool)
    for prediction, expected in ((nothing, [1, 0]), (everything, [0, 1])):
        assert [rate["value"] for rate in detection.rates(masks, prediction, [0, 1]).values()] == expected


def test_a_larger_least_area_never_finds_more_nerves_and_never_gives_more_false_alarms():
    random = np.random.default_rng(0)
    masks = random.random((40, 12, 12)) > 0.9
    masks[::2] = False
    predictions = random.random((40, 12, 12)) > random.uniform(0.7, 1, (40, 1, 1))
    curve = detection.operating_curve(masks, predictions, np.linspace(0, 0.4, 15))
    assert (np.diff(curve["false_negative_rate"]) >= 0).all() and np.ptp(curve["false_negative_rate"]) > 0.5
    assert (np.diff(curve["false_positive_rate"]) <= 0).all() and np.ptp(curve["false_positive_rate"]) > 0.5


@pytest.mark.parametrize(("allowed", "area"), [(0.0, 0.1), (0.05, 0.2), (0.3, 0.4), (1.0, 0.4)])
def test_the_area_with_the_fewest_false_alarms_that_costs_no_more_than_allowed(allowed, area):
    curve = {
        "area": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5],
        "false_negative_rate": [0.2, 0.2, 0.25, 0.4, 0.5, 0.9],
        "false_positive_rate": [0.9, 0.8, 0.6, 0.3, 0.1, 0.1],
    }
    assert detection.choose_area(curve, allowed) == area
    backwards = {name: values[::-1] for name, values in curve.items()}
    assert detection.choose_area(backwards, allowed) == area


@pytest.mark.parametrize("count", range(1, 61))
def test_a_prediction_of_just_the_least_area_is_reported(count):
    mask = np.zeros((1, 7, 10), bool)
    mask.ravel()[:count] = True
    assert detection.cases(mask, mask, count / 70) == "true positive"
    assert detection.cases(mask, mask, (count + 1) / 70) == "false negative"


def test_rates_need_images_with_and_without_a_nerve():
    some = np.stack([square(2, 3)] * 2)
    with pytest.raises(DataError, match="none of 2 images is without a nerve"):
        detection.rates(some, some, ["a", "b"])
    with pytest.raises(DataError, match="none of 2 images is with a nerve"):
        detection.rates(np.zeros_like(some), some, ["a", "b"])


def test_strengths_out_of_range_are_refused(six):
    groups = np.arange(6)
    asked = (lambda: detection.cases(*six, 40), lambda: detection.rates(*six, groups, 40),
             lambda: detection.operating_curve(*six, [0, 40]))  # fmt: skip
    for ask in asked:
        with pytest.raises(ConfigurationError, match="least_area=40: expected a share"):
            ask()
    with pytest.raises(ConfigurationError, match="allowed=-0.1"):
        detection.choose_area({}, -0.1)


def test_rates_need_a_known_group_for_each_image(six):
    for wrong in ("abcab", "abcabca"):
        with pytest.raises(DataError, match=rf"groups have the shape \({len(wrong)},\) for 6 images"):
            detection.rates(*six, list(wrong))
    with pytest.raises(DataError, match="groups hold 1 blank, None or NaN of 6"):
        detection.rates(*six, ["a", "b", float("nan"), "a", "b", "c"])
