"""The page of claims and README's table."""

import json
from pathlib import Path

import pytest
from tiny_project import result

from nervekit import papers, report
from nervekit.errors import ConfigurationError

ROOT = Path(__file__).resolve().parent.parent
HUANG = papers.load("huang_2019")
POOLED = {"value": 0.690, "low": 0.650, "high": 0.730}


def real(values, notebook="02_unet_femoral"):
    return result(values, notebook=notebook, profile="workshop", data="real")


def row(results, key):
    return next(row for row in report.comparisons(HUANG, results) if row.claim.key == key)


def test_a_claim_is_judged_by_the_notebook_that_measured_it_on_real_data():
    results = [
        real({"huang_2019.data.images": 562}, "01_data_preparation"),
        real({"huang_2019.test.pooled_iou": POOLED}),
        result({"huang_2019.test.accuracy": 0.9}, notebook="03_cross_validation"),
    ]
    assert row(results, "huang_2019.data.images").verdict == "reproduced"
    assert row(results, "huang_2019.test.pooled_iou").verdict == "better"
    simulated = row(results, "huang_2019.test.accuracy")
    assert (simulated.verdict, simulated.reason, simulated.ours) == ("not run", "simulated data", None)
    assert row(results, "huang_2019.train.pooled_iou").reason == "no result of it in this run"
    assert row(results, "huang_2019.data.collected").verdict == "cannot be"


def test_the_page_has_every_claim_once_and_where_the_results_come_from():
    page = report.page("workshop", [real({"huang_2019.test.pooled_iou": POOLED})])
    for claim in HUANG.claims:
        assert page.count(f"| {claim.quantity} |") == 1
    assert "| 02_unet_femoral | real | 0 | 0:01 | 100 MiB |" in page
    assert "1 better" in page and "0.690 (0.650 to 0.730)" in page


def commit(folder, profile="workshop"):
    (folder / profile).mkdir(parents=True)
    content = real({"huang_2019.test.pooled_iou": POOLED})
    (folder / profile / "02_unet_femoral.json").write_text(json.dumps(content))


def test_the_page_is_written_from_committed_results_before_those_of_a_run(tmp_path):
    commit(tmp_path / "results")
    path = report.write_page("workshop", runs=tmp_path / "runs", results=tmp_path / "results")
    assert path == tmp_path / "runs" / "workshop" / "report.md" and "1 better" in path.read_text()
    commit(tmp_path / "runs", "paper")
    assert "1 better" in report.write_page("paper", runs=tmp_path / "runs", results=tmp_path / "results").read_text()
    with pytest.raises(ConfigurationError, match="no results in .*smoke"):
        report.write_page("smoke", runs=tmp_path / "runs", results=tmp_path / "results")


def test_readme_changes_only_between_its_marks(tmp_path):
    commit(tmp_path / "results")
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{report.BEGIN}\nstale table\n{report.END}\nafter\n")
    assert report.update_readme(readme, tmp_path / "results")
    text = readme.read_text()
    assert text.startswith(f"before\n{report.BEGIN}\n") and text.endswith(f"\n{report.END}\nafter\n")
    assert "stale table" not in text and "| Sum IoU, test set | 0.638 | 0.690" in text
    assert not report.update_readme(readme, tmp_path / "results")


@pytest.mark.parametrize("text", ["no marks", f"{report.END}{report.BEGIN}", report.BEGIN * 2 + report.END])
def test_readme_without_its_marks_is_refused(tmp_path, text):
    commit(tmp_path / "results")
    with pytest.raises(ConfigurationError, match="README must have the line"):
        report.readme_text(text, tmp_path / "results")


def test_readme_is_up_to_date():
    if not (ROOT / "README.md").exists() or not list((ROOT / "results").glob("*/*.json")):
        pytest.skip("no README or no committed results yet")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert report.readme_text(text, ROOT / "results") == text, "make report brings it up to date"
