"""Bootstrap intervals against closed forms, scipy and plain loops."""

import numpy as np
import pytest
from scipy import stats

from nervekit.errors import ConfigurationError, DataError
from nervekit.intervals import bootstrap, mean_of, quantile, ratio, summary


@pytest.fixture
def overlap():
    return np.random.default_rng(7).beta(6, 2, 120)


def median(values):
    return quantile(values, 0.5)


def test_standard_error_of_a_mean_of_independent_images_is_the_closed_form(overlap):
    interval = bootstrap(mean_of(overlap), np.arange(120), n_resamples=20000)
    assert interval.estimate == pytest.approx(overlap.mean())
    assert interval.standard_error == pytest.approx(overlap.std() / np.sqrt(120), rel=0.02)


def test_standard_error_of_equal_groups_is_that_of_their_means(overlap):
    groups = np.repeat(np.arange(24), 5)
    interval = bootstrap(mean_of(overlap), groups, n_resamples=20000)
    assert interval.standard_error == pytest.approx(overlap.reshape(24, 5).mean(1).std() / np.sqrt(24), rel=0.02)


def test_interval_agrees_with_scipy(overlap):
    theirs = stats.bootstrap((overlap,), np.mean, method="percentile", n_resamples=20000, random_state=1).confidence_interval
    ours = bootstrap(mean_of(overlap), np.arange(120), n_resamples=20000)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.002)


def test_duplicated_images_do_not_narrow_the_interval(overlap):
    once = bootstrap(mean_of(overlap), np.arange(120))
    copies = np.tile(overlap, 4)
    grouped = bootstrap(mean_of(copies), np.tile(np.arange(120), 4))
    fooled = bootstrap(mean_of(copies), np.arange(480))
    assert (grouped.low, grouped.high) == pytest.approx((once.low, once.high))
    assert fooled.standard_error == pytest.approx(once.standard_error / 2, rel=0.1)


@pytest.mark.parametrize("numpys, ours", [(np.mean, mean_of), (np.median, median)])
def test_weights_stand_for_repeated_images(overlap, numpys, ours):
    weights = np.random.default_rng(0).integers(0, 4, (50, 120))
    expected = [numpys(np.repeat(overlap, times)) for times in weights]
    assert ours(overlap)(weights) == pytest.approx(expected)


def test_a_resample_takes_every_image_of_a_drawn_group():
    groups = np.array(["a", "b", "b", "c", "c", "c"])
    seen = []
    bootstrap(lambda weights: seen.append(weights) or weights[:, 0], groups, n_resamples=200)
    weights = seen[1]
    assert (weights[:, 1] == weights[:, 2]).all() and (weights[:, 3:] == weights[:, 3:4]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_pooled_overlap_is_a_ratio_of_sums():
    intersection, union, groups = np.array([30, 5, 0, 80]), np.array([60, 20, 0, 90]), np.array([0, 0, 1, 2])
    interval = bootstrap(ratio(intersection, union), groups, n_resamples=5000)
    assert interval.estimate == pytest.approx(115 / 170)
    assert interval.low == pytest.approx(35 / 80) and interval.high == 1.0


def test_a_difference_of_two_statistics_is_a_statistic(overlap):
    first, second = mean_of(overlap), mean_of(overlap - 0.1)
    interval = bootstrap(lambda weights: first(weights) - second(weights), np.repeat(np.arange(40), 3))
    assert (interval.low, interval.high) == pytest.approx((0.1, 0.1))


def test_the_same_seed_gives_the_same_interval_and_another_a_similar_one(overlap):
    groups = np.repeat(np.arange(40), 3)
    first, again, other = (bootstrap(median(overlap), groups, random_state=seed) for seed in (3, 3, 4))
    assert first == again != other
    assert first.low == pytest.approx(other.low, abs=0.02)


def test_higher_confidence_widens_the_interval(overlap):
    narrow, wide = (bootstrap(mean_of(overlap), np.arange(120), confidence=c) for c in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_one_group_has_no_interval(overlap):
    interval = bootstrap(mean_of(overlap), np.zeros(120))
    assert interval.estimate == pytest.approx(overlap.mean())
    assert np.isnan([interval.low, interval.high, interval.standard_error]).all()


def test_all_resamples_of_a_published_test_set_are_computed_at_once():
    """After the estimate, of every image once."""
    asked = []
    bootstrap(lambda weights: asked.append(weights.shape) or weights[:, 0], np.arange(562) % 149)
    assert asked == [(1, 562), (2000, 562)]


def test_summary_is_numpys_and_the_interval_of_the_mean(overlap):
    groups = np.repeat(np.arange(40), 3)
    result = summary(overlap, groups)
    interval = bootstrap(mean_of(overlap), groups)
    assert (result.n, result.n_nan, result.n_groups) == (120, 0, 40)
    assert result.sd == pytest.approx(overlap.std(ddof=1))
    assert [result.q1, result.median, result.q3] == pytest.approx(np.quantile(overlap, [0.25, 0.5, 0.75]))
    assert (result.mean, result.low, result.high) == pytest.approx((interval.estimate, interval.low, interval.high))


def test_unknown_distances_are_left_out_and_counted(overlap):
    groups = np.arange(120)
    with_nan, known = np.append(overlap, [np.nan] * 3), summary(overlap, groups)
    result = summary(with_nan, np.arange(123))
    assert (result.n, result.n_nan) == (120, 3)
    assert (result.mean, result.low) == (known.mean, known.low)


def test_only_unknown_values_have_no_mean():
    result = summary([np.nan, np.nan], ["a", "b"])
    assert (result.n, result.n_nan) == (0, 2) and np.isnan([result.mean, result.low, result.median]).all()


@pytest.mark.parametrize("build", [mean_of, median])
@pytest.mark.parametrize("n", [119, 121])
def test_groups_of_another_length_are_refused(overlap, build, n):
    with pytest.raises(DataError, match=f"{n} groups"):
        bootstrap(build(overlap), np.arange(n))


def test_wrong_arguments_are_refused(overlap):
    with pytest.raises(ConfigurationError, match="confidence=95"):
        bootstrap(mean_of(overlap), np.arange(120), confidence=95)
    with pytest.raises(ConfigurationError, match="n_resamples=0"):
        bootstrap(mean_of(overlap), np.arange(120), n_resamples=0)
    with pytest.raises(DataError, match="groups"):
        summary(overlap, np.arange(119))
    with pytest.raises(DataError, match="NaN"):
        median([0.1, np.nan])
    with pytest.raises(DataError, match="NaN"):
        ratio([0.1, np.nan], [1, 1])
    with pytest.raises(DataError, match="images"):
        summary([], [])


@pytest.mark.parametrize(
    ("groups", "unknown"),
    [
        (["a", None, "b"], 1),
        (["a", float("nan"), "b"], 1),
        ([float("nan"), 1.0, float("nan")], 2),
        (np.array([1, None, None], object), 2),
    ],
)
def test_images_of_unknown_patients_are_refused_and_counted(groups, unknown):
    """All together they would pass for one patient, or for a patient called nan."""
    for ask in (lambda: bootstrap(mean_of([0.1, 0.2, 0.3]), groups), lambda: summary([0.1, 0.2, 0.3], groups)):
        with pytest.raises(DataError, match=f"groups hold {unknown} blank, None or NaN of 3.* a group of its own, or leave it out"):
            ask()


@pytest.mark.parametrize("share", [25, -0.1, float("nan")])
def test_a_share_that_is_no_quantile_is_refused(overlap, share):
    with pytest.raises(ConfigurationError, match=f"share={share}: expected 0 to 1"):
        quantile(overlap, share)


def test_the_outermost_quantiles_are_the_least_and_the_largest_value(overlap):
    once = np.ones((1, 120), int)
    assert [quantile(overlap, share)(once)[0] for share in (0, 1)] == [overlap.min(), overlap.max()]
