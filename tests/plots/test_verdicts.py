"""Figures of the report."""

import pytest

from nervekit import papers, verdicts
from nervekit.plots.verdicts import printed_and_ours, verdict_bars


def test_each_verdict_is_a_piece_as_long_as_its_count_one_after_the_other():
    counts = {"A": dict(zip(verdicts.VERDICTS, (14, 1, 7, 0, 1), strict=True)), "B": dict.fromkeys(verdicts.VERDICTS, 2)}
    axis = verdict_bars(counts, "title").axes[0]
    pieces = [(bar.get_x(), bar.get_width()) for bar in axis.patches[:10]]
    assert pieces == [(0, 14), (14, 1), (15, 7), (22, 0), (22, 1), (0, 2), (2, 2), (4, 2), (6, 2), (8, 2)]
    assert [text.get_text() for text in axis.get_yticklabels()] == ["A", "B"]
    assert "14" in [text.get_text() for text in axis.texts]


def test_a_single_claim_of_the_longest_bar_has_its_number_too():
    counts = {"A": dict(zip(verdicts.VERDICTS, (30, 0, 20, 7, 1), strict=True))}
    assert [text.get_text() for text in verdict_bars(counts, "title").axes[0].texts] == ["30", "20", "7", "1"]


def test_a_score_is_a_point_with_its_interval_in_the_panel_of_its_paper():
    huang = papers.load("huang_2019")
    values = {"huang_2019.test.pooled_iou": {"value": 0.60, "low": 0.55, "high": 0.62}}
    rows = [row for row in papers.compare(huang, values, {"data": "real"}) if row.ours is not None]
    figure = printed_and_ours({"Huang": rows, "Other": rows}, "title")
    assert [axis.get_title(loc="left") for axis in figure.axes] == ["Huang", "Other"]
    (bar,) = figure.axes[0].containers
    assert bar.lines[0].get_xydata().tolist() == [[0.638, 0.60]]
    assert bar.lines[2][0].get_segments()[0][:, 1].tolist() == pytest.approx([0.55, 0.62])
    low, high = figure.axes[0].get_ylim()
    assert low <= 0.55 and high >= 0.638
    values["huang_2019.test.pooled_iou"]["value"] = 0.83  # a median may lie outside its interval
    rows = [row for row in papers.compare(huang, values, {"data": "real"}) if row.ours is not None]
    assert printed_and_ours({"Huang": rows}, "title").axes[0].get_ylim()[1] > 0.83
