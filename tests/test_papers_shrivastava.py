"""The claims of the liver-CT report, and the arithmetic of its audit."""

import pytest

from nervekit import papers
from nervekit.data import parts


@pytest.fixture(scope="module")
def report():
    return papers.load("shrivastava_2020")


def test_claims_hold_every_number_of_the_printed_results(report):
    """Typed from the slides against the claims."""
    printed = {
        "data.patients": 20, "data.women": 10, "data.men": 10, "data.tumour_share": 0.75, "data.train_slices": 1622,
        "by_slice.scratch_all.accuracy": 0.95, "by_slice.transferred_quarter.accuracy": 0.97,
        "comparison.dice_average": 0.8144681777006599, "comparison.dice_of_a_slice": 1.0,
        "by_slice.final.dice_all": 0.9133515400766639, "final.dice_of_a_slice": 0.92679747786030,
        "variation.first": 0.776348956, "variation.second": 0.8603815214,
    }  # fmt: skip
    assert {claim.key.removeprefix("shrivastava_2020."): claim.value for claim in report.claims} == printed


def test_every_claim_says_where_it_is_printed_and_why_it_cannot_be_checked(report):
    assert len({claim.key for claim in report.claims}) == len(report.claims)
    for claim in report.claims:
        assert claim.key.startswith("shrivastava_2020.") and claim.kind in papers.KINDS
        assert claim.where.startswith(("Data Set", "Results")), claim
        assert bool(claim.reason) == (claim.kind == "unpublished"), claim


def test_one_real_patient_or_simulated_ones_answer_no_claim(report):
    """Their keys are not those of claims, so that they cannot be taken for the report's set."""
    arms = ("scratch_all", "scratch_quarter", "transferred_quarter", "frozen_quarter", "final")
    values = {
        f"shrivastava_2020.{study}.{arm}.{metric}": {"value": 0.9, "low": 0.0, "high": 1.0}
        for study in ("real", "simulated")
        for arm in arms
        for metric in ("dice_all", "accuracy")
    }
    verdicts = {row.verdict for row in papers.compare(report, values, {"data": "real"})}
    assert verdicts == {"not run", "cannot be"}


def test_all_patients_dealt_by_slice_answer_accuracy_and_average_dice(report):
    values = {
        "shrivastava_2020.by_slice.scratch_all.accuracy": {"value": 0.96, "low": 0.94, "high": 0.98},
        "shrivastava_2020.by_slice.transferred_quarter.accuracy": {"value": 0.985, "low": 0.98, "high": 0.99},
        "shrivastava_2020.by_slice.final.dice_all": {"value": 0.85, "low": 0.80, "high": 0.90},
    }
    rows = {row.claim.key: row.verdict for row in papers.compare(report, values, {"data": "real"})}
    assert [rows[key] for key in values] == ["reproduced", "better", "not reproduced"]


def test_paper_profile_is_the_report(report):
    chosen = papers.settings(report, "paper")
    stated = {"image_size": (512, 512), "batch_size": 16, "epochs": 100, "transfer_epochs": 10, "share": 0.25}
    assert {name: chosen[name] for name in stated} == stated
    assert chosen["data"] == "real"


def test_1622_samples_are_four_fifths_of_2028_slices_and_of_no_known_count():
    counts = {count for count in range(1622, 2824) if (parts.by_slice(count) == "train").sum() == 1622}
    assert 2028 in counts and not counts & {2823, 2074}


def test_accuracy_of_97_percent_leaves_the_range_of_dice_that_the_audit_states(report):
    """Per 10,000 pixels 700 are liver and 300 wrong: all of them missed, or all of them too many."""
    missed, extra = 2 * 400 / (400 + 700), 2 * 700 / (700 + 1000)
    assert f"from {missed:.2f} to {extra:.2f}" in " ".join(entry["finding"] for entry in report.audit)
