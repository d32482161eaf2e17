"""Paired comparisons: against published examples, SciPy and closed forms."""

import numpy as np
import pytest
from scipy import stats

from nervekit import comparison, evaluation, metrics
from nervekit.errors import DataError


# What R's p.adjust(..., "holm") and statsmodels give, as Pingouin's and stdlib's documentation print it.
@pytest.mark.parametrize(
    ("p_values", "expected"),
    [
        ([0.50, 0.003, 0.32, 0.054, 0.0003], [0.64, 0.012, 0.64, 0.162, 0.0015]),
        ([0.319, 0.201, 0.4, 0.374, 0.113], [0.957, 0.804, 0.957, 0.957, 0.565]),
        ([0.01], [0.01]),
        ([], []),
    ],
)
def test_holm_gives_published_values(p_values, expected):
    assert comparison.holm(p_values) == pytest.approx(expected)


def test_holm_rejects_what_the_step_down_rule_rejects():
    random = np.random.default_rng(0)
    for p_values in random.random((50, 6)) ** 4:
        rejected = np.zeros(6, bool)
        for step, place in enumerate(np.argsort(p_values)):
            if p_values[place] > 0.05 / (6 - step):
                break
            rejected[place] = True
        assert np.array_equal(comparison.holm(p_values) <= 0.05, rejected)


@pytest.mark.parametrize("p_values", [[0.5, 1.2], [np.nan], [[0.1]]])
def test_what_is_no_probability_is_refused(p_values):
    with pytest.raises(DataError, match="from 0 to 1"):
        comparison.holm(p_values)


def test_wilcoxon_is_that_of_the_means_of_groups():
    random = np.random.default_rng(1)
    groups = np.repeat(np.arange(9), [1, 2, 3, 4, 5, 1, 2, 3, 4])
    gain = random.normal(0.3, 1, len(groups))
    means = [gain[groups == group].mean() for group in range(9)]
    assert comparison.wilcoxon(gain, groups) == stats.wilcoxon(means).pvalue


def test_wilcoxon_of_six_gains_by_hand():
    """All six groups gain: 2 of the 64 patterns of signs are as extreme."""
    assert comparison.wilcoxon([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], np.arange(6)) == pytest.approx(2 / 64)


def test_more_images_of_the_same_groups_are_no_more_evidence():
    gain, groups = np.array([0.1, 0.2, 0.3, -0.1]), np.arange(4)
    assert comparison.wilcoxon(np.tile(gain, 10), np.tile(groups, 10)) == comparison.wilcoxon(gain, groups)


def test_no_difference_at_all_has_a_p_of_one():
    assert comparison.wilcoxon(np.zeros(5), np.arange(5)) == 1


def test_differences_without_a_group_are_refused():
    with pytest.raises(DataError, match="one number and one group"):
        comparison.wilcoxon([0.1, 0.2], [1])


@pytest.mark.parametrize("unknown", [None, float("nan")])
def test_differences_of_an_unknown_group_are_refused(unknown):
    with pytest.raises(DataError, match="groups hold 2 blank, None or NaN of 4"):
        comparison.wilcoxon([0.1, 0.2, 0.3, 0.4], [1.0, unknown, 2.0, unknown])


@pytest.fixture
def case():
    random = np.random.default_rng(2)
    masks = random.random((12, 10, 10)) < 0.4
    first, second = (masks ^ (random.random((2, *masks.shape)) < noise) for noise in (0.1, 0.3))
    return masks, first, second, np.repeat(np.arange(4), 3)


def test_a_paired_difference_is_the_difference_of_the_scores(case):
    masks, first, second, groups = case
    found = comparison.paired(masks, first[0], second[0], groups)
    expected = metrics.pooled_iou(masks, first[0]) - metrics.pooled_iou(masks, second[0])
    assert found["pooled_iou"]["value"] == pytest.approx(expected)
    assert found["pooled_iou"] == evaluation.difference(masks, first[0], second[0], groups)
    gain = metrics.dice(masks, first[0]) - metrics.dice(masks, second[0])
    assert found["dice_mean"]["value"] == pytest.approx(gain.mean())
    assert found["p"] == comparison.wilcoxon(gain, groups) and found["groups"] == 4


def test_seeds_are_averaged(case):
    masks, first, second, groups = case
    found = comparison.paired(masks, first, second, groups)
    single = [comparison.paired(masks, one, other, groups) for one, other in zip(first, second, strict=True)]
    for key in ("pooled_iou", "dice_mean"):
        assert found[key]["value"] == pytest.approx(np.mean([pair[key]["value"] for pair in single]))


def test_scores_of_one_seed_are_those_of_the_evaluation_and_of_several_their_mean(case):
    masks, first, _, groups = case
    found = comparison.scores(masks, first, groups)
    single = [evaluation.scores(masks, one, groups) for one in first]
    assert comparison.scores(masks, first[0], groups) == {name: single[0][name] for name in found}
    assert found["accuracy"]["step"] == 1 / 24  # two seeds, twelve images
    for name, score in found.items():
        assert score["value"] == pytest.approx(np.mean([one[name]["value"] for one in single]))


def test_a_network_against_itself_is_no_difference(case):
    masks, first, _, groups = case
    found = comparison.paired(masks, first, first, groups)
    assert found["p"] == 1 and found["dice_mean"]["value"] == found["pooled_iou"]["low"] == 0


def test_the_table_adjusts_over_its_rows():
    score = {"value": 0.1, "low": 0.05, "high": 0.15, "n": 62}
    rows = {name: {"pooled_iou": score, "dice_mean": score, "p": p, "groups": 9} for name, p in (("a", 0.01), ("b", 0.04))}
    lines = comparison.table(rows).splitlines()
    assert lines[2] == "| a | 62 | 9 | +0.100 (+0.050 to +0.150) | +0.100 (+0.050 to +0.150) | 0.01 | 0.02 |"
    assert lines[3].endswith("| 0.04 | 0.04 |")
