"""The claims of each paper, and the rule that judges them."""

import re
from importlib import resources

import pytest

from nervekit import papers
from nervekit.errors import ConfigurationError

REAL, SIMULATED = {"data": "real"}, {"data": "simulated"}


@pytest.fixture
def huang():
    return papers.load("huang_2019")


def verdict(paper, key, value, provenance=REAL, **interval):
    rows = papers.compare(paper, {key: {"value": value, **interval}}, provenance, prefix=key)
    assert len(rows) == 1
    return rows[0].verdict


def test_printed_value_inside_our_interval_is_reproduced(huang):
    assert verdict(huang, "huang_2019.test.pooled_iou", 0.66, low=0.60, high=0.70) == "reproduced"


def test_interval_above_a_printed_score_is_better(huang):
    assert verdict(huang, "huang_2019.test.pooled_iou", 0.75, low=0.70, high=0.80) == "better"


def test_interval_below_a_printed_score_is_not_reproduced(huang):
    assert verdict(huang, "huang_2019.test.pooled_iou", 0.55, low=0.50, high=0.60) == "not reproduced"


@pytest.mark.parametrize(("low", "high", "found"), [
    (0.612, 0.65, "reproduced"), (0.58, 0.606, "reproduced"),  # the printed 0.61 was 0.605 to 0.615
    (0.617, 0.65, "better"), (0.58, 0.603, "not reproduced"),
])  # fmt: skip
def test_two_decimals_stand_for_all_that_rounds_to_them(low, high, found):
    key = "gulati_chhabra.gulati_segnet.at_random.iou"
    assert verdict(papers.load("gulati_chhabra"), key, (low + high) / 2, low=low, high=high) == found


def test_digits_are_said_of_every_score_of_a_paper_that_has_two_and_of_no_other():
    for name in papers.names():
        for claim in papers.load(name).claims:
            if claim.kind in ("score", "fit"):
                few = name == "gulati_chhabra" or claim.key.endswith("accuracy") and name == "shrivastava_2020"
                assert claim.digits == (2 if few else None), claim


def test_fitting_the_training_set_harder_is_not_better(huang):
    assert verdict(huang, "huang_2019.train.pooled_iou", 0.86, low=0.85, high=0.87) == "not reproduced"


def test_simulated_data_never_gets_a_number_beside_a_claim(huang):
    rows = papers.compare(huang, {c.key: {"value": c.value, "low": 0, "high": 9} for c in huang.claims}, SIMULATED)
    assert {row.verdict for row in rows} == {"not run", "cannot be"}
    assert all(row.ours is None for row in rows)


def test_what_needs_no_data_is_judged_on_any():
    paper, key = papers.load("belahsen_2020"), "belahsen_2020.unetpp.parameters_in_text"
    row = papers.compare(paper, {key: {"value": 9041601}}, SIMULATED, prefix=key)[0]
    assert (row.verdict, row.ours) == ("not reproduced", 9041601)  # the text has 9,041,610
    assert all(claim.kind == "count" for name in papers.names() for claim in papers.load(name).claims if not claim.needs_data)


def test_counts_must_be_equal(huang):
    assert verdict(huang, "huang_2019.data.test", 62) == "reproduced"
    assert verdict(huang, "huang_2019.data.test", 61) == "not reproduced"


def test_a_claim_without_a_result_is_not_run(huang):
    rows = papers.compare(huang, {}, REAL, prefix="huang_2019.test.pooled_iou")
    assert rows[0].verdict == "not run"


def test_claim_keys_are_unique(huang):
    keys = [claim.key for claim in huang.claims]
    assert len(keys) == len(set(keys))


def test_claims_hold_every_number_of_the_printed_results(huang):
    """The abstract's results, typed from the paper, against the claims."""
    printed = {
        "data.images": 562, "data.collected": 673, "data.development": 50, "data.test": 62,
        "train.pooled_iou": 0.713, "train.iou_median": 0.722, "train.iou_q1": 0.647, "train.iou_q3": 0.789,
        "development.pooled_iou": 0.633, "development.iou_median": 0.653, "development.iou_q1": 0.586,
        "development.iou_q3": 0.703,
        "test.pooled_iou": 0.638, "test.iou_median": 0.644, "test.iou_q1": 0.555, "test.iou_q3": 0.735, "test.accuracy": 0.839,
        "crossval.pooled_iou_median": 0.656, "crossval.pooled_iou_q1": 0.628, "crossval.pooled_iou_q3": 0.672,
        "crossval.accuracy_median": 0.884, "crossval.accuracy_q1": 0.821, "crossval.accuracy_q3": 0.907,
    }  # fmt: skip
    assert {claim.key.removeprefix("huang_2019."): claim.value for claim in huang.claims} == printed


def test_every_score_is_a_share():
    scores = [claim for name in papers.names() for claim in papers.load(name).claims if claim.kind == "score"]
    assert scores and all(0 <= claim.value <= 1 for claim in scores)


def test_every_claim_says_where_it_is_printed(huang):
    for claim in huang.claims:
        assert re.search("Abstract|Results|Figure", claim.where), claim


@pytest.mark.parametrize("name", papers.names())
def test_every_paper_has_each_claim_once_and_reasons_where_it_cannot_be_checked(name):
    paper = papers.load(name)
    assert paper.key == name and paper.audit and set(paper.profiles) == set(papers.PROFILES)
    assert len({claim.key for claim in paper.claims}) == len(paper.claims)
    for claim in paper.claims:
        assert claim.key.startswith(f"{name}.") and claim.where and claim.quantity, claim
        assert bool(claim.reason) == (claim.kind == "unpublished"), claim


@pytest.mark.parametrize(("old", "new", "said"), [
    ('kind = "score"', 'kind = "scores"', "of the kind scores. Choose one of: count"),
    ("crossval_epochs = 16", "crossval_epoch = 16", "sets crossval_epoch, which"),
])  # fmt: skip
def test_a_slip_in_a_paper_s_file_is_named(old, new, said, tmp_path, monkeypatch):
    text = (resources.files("nervekit.papers") / "huang_2019.toml").read_text("utf-8")
    (tmp_path / "huang_2019.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    monkeypatch.setattr(papers.resources, "files", lambda name: tmp_path)
    with pytest.raises(ConfigurationError, match=rf"huang_2019\.toml: .*{said}"):
        papers.load("huang_2019")


def test_paper_profile_is_the_paper(huang):
    chosen = papers.settings(huang, "paper")
    assert {name: chosen[name] for name in ("image_size", "batch_size", "epochs", "folds", "width")} == {
        "image_size": (256, 256), "batch_size": 32, "epochs": 75, "folds": 10, "width": 16,
    }  # fmt: skip


def test_setup_table_marks_what_differs(huang):
    table = papers.setup_table(huang, papers.settings(huang, "smoke"))
    assert "**64 x 64**" in table and "**simulated**" in table and "| 32 | **8** |" in table
    assert "**" not in papers.setup_table(huang, papers.settings(huang, "paper"))


def test_setup_table_says_in_words_where_data_is_from_and_leaves_other_settings_called_auto():
    ours = papers.load(papers.OURS)
    lines = papers.setup_table(ours, papers.settings(ours, "workshop")).splitlines()
    found = {line.split(" | ")[0].removeprefix("| "): line.split(" | ")[1:3] for line in lines}
    assert found["data"] == ["real", "**real if present, else simulated**"] and found["precision"] == ["auto", "auto"]
    sessions = papers.load(papers.WHOLE_SESSIONS)
    short = papers.setup_table(sessions, papers.settings(sessions, "smoke"))
    assert found["image size"][:1] == ["256 x 256"] and "| **augmentation, scales** |" in short


@pytest.mark.parametrize("profile", ["fast", "", None])
def test_unknown_profile_names_the_known_ones(huang, profile):
    with pytest.raises(ConfigurationError, match="smoke, workshop, paper"):
        papers.settings(huang, profile)


def test_unknown_paper_and_data_source(huang):
    with pytest.raises(ConfigurationError, match="huang_2019"):
        papers.load("huang_2020")
    with pytest.raises(ConfigurationError, match="auto, real or phantom"):
        papers.settings(huang, "smoke", data="fake")
