"""Targets of our own recipe: reached, or short by how much; never on simulated data."""

import pytest

from nervekit import modelcard, papers, targets
from nervekit.errors import ConfigurationError

OURS = papers.load(papers.OURS)
KEY = "beyond.published.ours.pooled_iou"


def row(value, low=0.0, high=1.0, data="real", **facts):
    lines = targets.table(OURS, {KEY: {"value": value, "low": low, "high": high, **facts}}, {"data": data}).splitlines()
    assert len(lines) == 2 + len(OURS.claims)
    return lines[2]


def test_a_target_is_reached_or_short_by_how_much():
    assert "reached; the interval is not all above" in row(0.76, low=0.72)
    assert "reached, and so is the whole interval" in row(0.80, low=0.76)
    assert "short by 0.020" in row(0.73) and "one image" not in row(0.73, step=1 / 62)
    assert "short by 0.010, by less than one image" in row(0.74, step=1 / 62)


def test_of_a_single_group_there_is_no_interval():
    found = {OURS.claims[0].key: {"value": OURS.claims[0].value + 0.01}}
    line = targets.table(OURS, found, {"data": "real"}).splitlines()[2]
    assert "reached; there is no interval" in line and " to " not in line.split("|")[3]


def test_simulated_data_is_never_held_against_a_target():
    assert "0.990" not in row(0.99, data="simulated") and "simulated data" in row(0.99, data="simulated")


def test_what_was_not_measured_is_not_run():
    assert targets.table(OURS, {}, {"data": "real"}).count("no result of it in this run") == len(OURS.claims)


def test_our_recipe_is_no_paper():
    assert papers.OURS not in papers.names()


@pytest.mark.parametrize("profile", papers.PROFILES)
def test_every_profile_has_settings(profile):
    assert papers.settings(OURS, profile)["seeds"] >= 1
    sessions = papers.load(papers.WHOLE_SESSIONS)
    chosen = papers.settings(sessions, profile)
    assert 1 <= chosen["ablation_folds"] <= chosen["folds"]
    assert set(chosen["ablation"]) <= set(sessions.setup["ablation"]["value"])


def test_a_card_without_limits_is_refused():
    parts = dict.fromkeys(modelcard.PARTS, "Something.")
    assert "## Limits\n\nSomething." in modelcard.text("network", parts)
    with pytest.raises(ConfigurationError, match="missing: .'limits'"):
        modelcard.text("network", parts | {"limits": " "})
    with pytest.raises(ConfigurationError, match="missing: .., given: .*'licence'"):
        modelcard.text("network", parts | {"licence": "Something."})
