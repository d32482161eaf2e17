"""Intervals over seeds against simulations and closed forms."""

import numpy as np
import pytest
from scipy import stats

from nervekit import seeds
from nervekit.errors import DataError


@pytest.mark.parametrize("number", [2, 3, 5])
@pytest.mark.parametrize("start", [0.0, 0.5, 1.0, 5.0])
def test_an_interval_over_seeds_holds_the_true_value_where_that_of_one_run_does_not(number, start):
    """Groups move all seeds of a study together, the start each by itself; the true value is 0."""
    random = np.random.default_rng(0)
    held = one = 0
    for _ in range(2000):
        values = random.normal() + start * random.normal(size=number)
        bounds = values - 1.96, values + 1.96
        _, low, high = seeds.interval(values, *bounds)
        held += low <= 0 <= high
        one += bounds[0][0] <= 0 <= bounds[1][0]
    assert 0.935 <= held / 2000 <= 0.995
    assert start < 1 or one / 2000 < 0.87


def test_seeds_that_agree_leave_the_interval_over_groups_and_groups_that_agree_that_of_the_mean():
    assert seeds.interval([0.8] * 3, [0.7] * 3, [0.85] * 3) == pytest.approx((0.8, 0.7, 0.85))
    values = [0.80, 0.84, 0.85, 0.79]
    student = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert seeds.interval(values, values, values)[1:] == pytest.approx(student)
    assert seeds.interval(values, values, values, 0.9)[1:] == pytest.approx(stats.t.interval(0.9, 3, np.mean(values), stats.sem(values)))


@pytest.mark.parametrize("given", [([0.8], [0.7], [0.9]), ([0.8, 0.9], [0.7], [0.9, 1.0]), ([0.8, 0.9], [0.7, 0.8], [0.9])])
def test_one_seed_or_bounds_of_another_number_are_refused(given):
    with pytest.raises(DataError, match="two seeds at least"):
        seeds.interval(*given)


def test_a_run_is_one_of_the_seeds_only_if_all_its_scores_are():
    """A share of few images comes again by chance, and one score alone would be taken for the mean of other runs."""
    about = {"notebook": "02_tiny", "seeds": [0, 1], "precision": "bfloat16", "backend": "tensorflow"}
    bounds = [[0.4, 0.9]] * 2
    several = {("workshop", "a"): {**about, "spread": [0.5, 0.6], "intervals": bounds},
               ("workshop", "b"): {**about, "spread": [0.7, 0.8], "intervals": bounds},
               ("workshop", "count"): {**about, "spread": [3, 4]},
               ("paper", "b"): {**about, "spread": [0.1, 0.2], "intervals": bounds}}  # fmt: skip

    def beside(a, b, **other):
        run = {"profile": "workshop", "seed": 1, "precision": "bfloat16", "backend": "tensorflow", **other}
        values = {"a": {"value": a}, "b": {"value": b}, "count": {"value": 5}}
        return seeds.beside({"notebook": "02_tiny", "provenance": run, "values": values}, several)

    assert beside(0.6, 0.8) == {key: several["workshop", key] for key in "ab"}
    assert beside(0.6, 0.81) == beside(0.5, 0.7) == beside(0.6, 0.8, precision="float32") == beside(0.6, 0.8, profile="smoke") == {}
