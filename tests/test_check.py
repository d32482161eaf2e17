"""Measured against expected, and how the expectations come about."""

import json
import math
from pathlib import Path

import pytest
from tiny_project import result

from nervekit import check, expected
from nervekit.errors import ConfigurationError, RunError
from nervekit.results import DIFFERENCE

ROOT = Path(__file__).resolve().parent.parent


def expectations(**keys):
    entries = {
        key: {"notebook": "02_tiny", "center": center, "tolerance": tolerance}
        for key, (center, tolerance) in keys.items()
    }
    return {"profile": "smoke", "data": {"02_tiny": "simulated"}, "keys": entries}


HONEST = {"dice": 0.81, "parameters": 1940817}
EXPECTED = expectations(dice=(0.8, 0.05), parameters=(1940817, 0))


def problems(measured, against=EXPECTED, profile="smoke"):
    checks = check.compare("02_tiny", profile, against, measured)
    return {one.key: one.problem for one in checks if one.problem}


def test_an_honest_result_passes_every_check():
    assert check.compare("02_tiny", "smoke", EXPECTED, result(HONEST)) == [
        check.Check("provenance"),
        check.Check("dice", 0.81, 0.8, 0.05),
        check.Check("parameters", 1940817, 1940817, 0),
    ]


@pytest.mark.parametrize(
    ("change", "key", "text"),
    [
        ({"dice": 0.74}, "dice", "0.74 is not within 0.05 of 0.8"),
        ({"dice": 0.86}, "dice", "0.86 is not within 0.05 of 0.8"),
        ({"parameters": 1940818}, "parameters", "is not within 0 of"),
        ({"dice": math.nan}, "dice", "nan is not a finite number"),
        ({"dice": math.inf}, "dice", "inf is not a finite number"),
        ({"dice": None}, "dice", "None is not a finite number"),
        ({"dice": "0.8"}, "dice", "'0.8' is not a finite number"),
        ({"iou": 0.7}, "iou", "recorded as 0.7, but not expected"),
    ],
)
def test_a_changed_value_fails(change, key, text):
    found = problems(result({**HONEST, **change}))
    assert list(found) == [key] and text in found[key]


def test_a_missing_key_fails():
    assert "expected, but not recorded" in problems(result({"parameters": 1940817}))["dice"]


def test_a_renamed_key_fails_twice():
    assert sorted(problems(result({"Dice": 0.81, "parameters": 1940817}))) == ["Dice", "dice"]


@pytest.mark.parametrize(
    "measured",
    [
        result(HONEST, profile="workshop"),
        result(HONEST, data="real"),
        result(HONEST, notebook="03_tiny"),
        {"notebook": "02_tiny", "values": result(HONEST)["values"]},
    ],
)
def test_a_run_of_another_profile_data_or_notebook_fails(measured):
    assert list(problems(measured)) == ["provenance"]


def test_expectations_of_another_profile_fail():
    assert list(problems(result(HONEST, profile="paper"), profile="paper")) == ["provenance"]


@pytest.mark.parametrize("side", ["run", "expectation"])
def test_a_value_no_better_than_a_model_that_learnt_nothing_fails(side):
    measured, wanted = result({"dice": 0.3}), expectations(dice=(0.5, 0.4))
    assert problems(measured, wanted) == {}
    (measured["values"] if side == "run" else wanted["keys"])["dice"]["must_exceed"] = 0.3
    assert "does not exceed 0.3" in problems(measured, wanted)["dice"]


def test_a_value_that_is_not_compared_must_be_there():
    wanted = expectations(speed=(None, None))
    assert problems(result({"speed": 55.0}), wanted) == {}
    assert list(problems(result({}), wanted)) == ["speed"]
    assert list(problems(result({"speed": math.nan}), wanted)) == ["speed"]


def place(folder, content, name="02_tiny"):
    (folder / "smoke").mkdir(exist_ok=True)
    (folder / "smoke" / f"{name}.json").write_text(json.dumps(content))
    (folder / "smoke" / f"{name}.ipynb").write_text("{}")


@pytest.mark.parametrize("ending", ["json", "failed.json"])
def test_a_result_that_a_power_cut_left_empty_is_named(tmp_path, ending):
    (tmp_path / "smoke").mkdir()
    for name in ("02_tiny.ipynb", f"02_tiny.{ending}"):
        (tmp_path / "smoke" / name).touch()
    (row,) = check.check("smoke", ["02_tiny"], runs=tmp_path, expected=EXPECTED)
    assert not row.good and f"02_tiny.{ending} holds no JSON" in row.problems[0] and "Run its notebook again" in row.problems[0]


def test_the_table_says_what_passed_moved_failed_and_never_ran(tmp_path):
    place(tmp_path, result(HONEST))
    place(tmp_path, result({}, notebook="03_b"), "03_b")
    failure = {"status": "not run", "reason": "no data", "seconds": 2.0, "peak_memory_mib": 90}
    (tmp_path / "smoke" / "04_c.failed.json").write_text(json.dumps(failure))
    place(tmp_path, result(HONEST), "04_c")
    wanted = expectations(dice=(0.8, 0.05), parameters=(1940817, 0), iou=(0.7, 0.1))
    wanted["keys"]["iou"]["notebook"] = "03_b"
    rows = check.check("smoke", ["02_tiny", "03_b", "04_c", "05_d"], expected=wanted, runs=tmp_path)
    assert [row.status for row in rows] == ["passed", "moved", "not run", "missing"]
    assert [row.good for row in rows] == [True, False, False, False]
    text = check.table(rows)
    assert "02_tiny   passed   0:01  100 MiB      3/3" in text
    assert "03_b: iou: expected, but not recorded" in text
    assert "04_c: no data" in text
    assert text.endswith("1 of 4 notebooks are as they should be.")


@pytest.mark.parametrize("dice", [0.81, 0.74])
def test_values_that_moved_in_another_number_format_are_told_with_it(tmp_path, dice):
    measured = result({**HONEST, "dice": dice})
    measured["provenance"] |= {"precision": "float32", "backend": "tensorflow"}
    place(tmp_path, measured)
    wanted = EXPECTED | {"precision": {"02_tiny": "bfloat16"}, "backend": {"02_tiny": "tensorflow"}}
    (row,) = check.check("smoke", ["02_tiny"], expected=wanted, runs=tmp_path)
    assert row.good == (dice == 0.81) and len(row.problems) == (0 if row.good else 2)
    if not row.good:
        assert row.problems[0].startswith("computed with float32 where the pins are from bfloat16; of what may miss then,")
    (as_pinned,) = check.check("smoke", ["02_tiny"], expected=EXPECTED, runs=tmp_path)
    assert len(as_pinned.problems) == (0 if row.good else 1)


def test_without_expectations_a_notebook_need_only_have_run(tmp_path):
    place(tmp_path, result(HONEST))
    assert [row.status for row in check.check("smoke", ["02_tiny", "03_b"], runs=tmp_path)] == ["unchecked", "missing"]


@pytest.mark.parametrize("wanted", [None, {"profile": "smoke", "keys": {}, "data": {"02_tiny": "real"}}])
def test_what_learnt_nothing_is_found_without_expectations_too(tmp_path, wanted):
    for score, status in ((0.5, "unchecked"), (0.2, "moved"), (math.nan, "moved")):
        content = result({"dice": score, "parameters": 3})
        content["values"]["dice"]["must_exceed"] = 0.3
        place(tmp_path, content)
        (row,) = check.check("smoke", ["02_tiny"], expected=wanted, runs=tmp_path)
        assert row.status == status and len(row.checks) == 1
    assert "nan is not a finite number" in row.problems[-1]


def test_simulated_data_are_never_compared_with_real_ones(tmp_path):
    place(tmp_path, result({"dice": 0.1}))
    (row,) = check.check("smoke", ["02_tiny"], expected=EXPECTED | {"data": {"02_tiny": "real"}}, runs=tmp_path)
    assert row.status == "unchecked" and "simulated data, expected values are from real data" in row.problems[0]
    assert "02_tiny: not compared" in check.table([row])


def test_only_smoke_has_expectations_of_every_notebook(tmp_path):
    place(tmp_path, result(HONEST, notebook="03_b"), "03_b")
    assert check.check("smoke", ["03_b"], expected=EXPECTED, runs=tmp_path)[0].status == "moved"
    (tmp_path / "smoke").rename(tmp_path / "workshop")
    (row,) = check.check("workshop", ["03_b"], expected=EXPECTED | {"profile": "workshop"}, runs=tmp_path)
    assert row.status == "unchecked" and "no expected values" in row.problems[0]


def test_results_without_their_executed_notebook_are_missing(tmp_path):
    place(tmp_path, result(HONEST))
    (tmp_path / "smoke" / "02_tiny.ipynb").unlink()
    assert check.check("smoke", ["02_tiny"], expected=EXPECTED, runs=tmp_path)[0].status == "missing"


def test_the_expectations_must_exist_and_be_of_their_profile(tmp_path):
    with pytest.raises(ConfigurationError, match="nothing to check against.*make expected PROFILE=smoke"):
        check.read_expected("smoke", tmp_path)
    with pytest.raises(ConfigurationError, match="no profile 'huge'"):
        check.read_expected("huge", tmp_path)
    (tmp_path / "paper.json").write_text(json.dumps(EXPECTED))
    with pytest.raises(ConfigurationError, match="for the profile 'smoke', not 'paper'"):
        check.read_expected("paper", tmp_path)


@pytest.mark.parametrize(
    ("values", "center", "width"),
    [
        ([7, 7, 7, 7, 7], 7, 0),
        ([7.5, 7.5, 7.5, 7.5, 7.5], 7.5, 0.01),
        ([0.5, 0.5, 0.5, 0.5, 0.501], 0.5002, 0.01),
        ([1, 2, 3, 4, 5], 3, 4 * math.sqrt(2.5)),
        ([0, 0, 0, 0, 0, 0, 0, 0, 0, 100], 10, 135),
    ],
)
def test_tolerance_follows_its_rule(values, center, width):
    assert expected.tolerance(values) == pytest.approx((center, width))


def seeds(*values, **context):
    entry = [{"dice": {"value": value, **context}} for value in values]
    return {seed: [result(one, seed=seed)] for seed, one in enumerate(entry)}


SCORES = (0.80, 0.82, 0.81, 0.79, 0.78)


def test_a_share_of_images_may_change_by_two_images():
    assert expected.tolerance([1.0, 1.0, 1.0, 1.0, 1.0], step=1 / 18) == (1.0, 2 / 18)


def test_every_seed_passes_the_expectations_made_from_it(tmp_path):
    content = expected.expectations("smoke", seeds(*SCORES, must_exceed=0.5))
    assert content["data"] == {"02_tiny": "simulated"} and content["seeds"] == {"02_tiny": [0, 1, 2, 3, 4]}
    assert content["seconds"] == {"02_tiny": 1.5}
    assert content["keys"]["dice"]["spread"] == list(SCORES) and content["keys"]["dice"]["must_exceed"] == 0.5
    expected.write(content, tmp_path)
    read = check.read_expected("smoke", tmp_path)
    for value in SCORES:
        assert problems(result({"dice": value}), read) == {}
    assert list(tmp_path.iterdir()) == [tmp_path / "smoke.json"]


@pytest.mark.parametrize("scale", [1, 20_000])
def test_every_seed_passes_whatever_the_unit(scale):
    """Seeds that agree have the smallest tolerance, 0.01; a centre of six digits would miss it from about 10,000 on."""
    values = [scale * 0.6172835 for _ in SCORES]
    content = expected.expectations("smoke", seeds(*values))
    assert content["keys"]["dice"]["tolerance"] == 0.01
    assert problems(result({"dice": values[0]}), content) == {}


def test_a_key_of_two_notebooks_is_refused(tmp_path):
    both = {seed: [one, one | {"notebook": "03_b"}] for seed, (one,) in seeds(*SCORES).items()}
    with pytest.raises(RunError, match="dice: recorded by 02_tiny and by 03_b. Give each number a key of its own"):
        expected.expectations("smoke", both)
    old = expected.expectations("smoke", seeds(*SCORES))
    expected.write(old, tmp_path)
    other = json.loads(json.dumps(old).replace("02_tiny", "03_b"))
    with pytest.raises(RunError, match="dice: recorded by 02_tiny and by 03_b"):
        expected.merge(other, tmp_path)


def test_expectations_say_at_which_commit_each_seed_ran():
    results = seeds(*SCORES)
    for seed, (one,) in results.items():
        one["provenance"]["commit"] = f"c{seed}"
    assert expected.expectations("smoke", results)["commits"] == {"02_tiny": ["c0", "c1", "c2", "c3", "c4"]}


def later(*values, **context):
    return {seed + 10: [result({"dice": {"value": value, **context}}, seed=seed + 10)] for seed, value in enumerate(values)}


def test_more_seeds_are_counted_beside_those_before():
    at_once = seeds(*SCORES, low=0.6, high=0.9, must_exceed=0.5) | later(0.70, 0.71, low=0.5, high=0.8, must_exceed=0.55)
    before = expected.expectations("smoke", {seed: at_once[seed] for seed in range(5)})
    more = expected.expectations("smoke", {seed: at_once[seed] for seed in (10, 11)}, before=json.loads(json.dumps(before)))
    assert more == expected.expectations("smoke", at_once)
    assert more["seeds"] == {"02_tiny": [0, 1, 2, 3, 4, 10, 11]} and more["keys"]["dice"]["must_exceed"] == 0.55
    assert problems(result({"dice": 0.70}), more) == {} != problems(result({"dice": 0.70}), before)


def test_pins_that_do_not_say_at_which_commits_their_seeds_ran_can_be_added_to():
    before = expected.expectations("smoke", seeds(*SCORES))
    del before["commits"]
    more = expected.expectations("smoke", later(0.8), before=before)
    assert more["commits"] == {"02_tiny": [None] * 6} and more["seeds"] == {"02_tiny": [0, 1, 2, 3, 4, 10]}


def test_a_notebook_of_enough_seeds_keeps_its_tolerances_beside_one_of_few():
    few = {seed: [one, one | {"notebook": "03_b", "values": {"iou": {"value": 0.5}}}] for seed, (one,) in seeds(*SCORES).items()}
    before = expected.expectations("smoke", few)
    before["seeds"]["03_b"] = [0]
    before["keys"]["iou"]["spread"] = before["keys"]["iou"]["spread"][:1]
    before["commits"]["03_b"] = [None]
    new = {seed: [one, one | {"notebook": "03_b", "values": {"iou": {"value": 0.6}}}] for seed, (one,) in later(0.8).items()}
    more = expected.expectations("smoke", new, before=before, provisional=True)
    assert more["keys"]["dice"]["tolerance"] > 0 and more["keys"]["iou"]["tolerance"] is None


def test_more_seeds_of_what_has_changed_are_refused():
    before = expected.expectations("smoke", seeds(*SCORES))
    for again, told in (
        (seeds(0.8), r"seeds \[0\] are pinned already, with the same values"),
        ({10: [result({"iou": 0.8}, seed=10)]}, r"\['dice', 'iou'\] are not in both"),
    ):
        with pytest.raises(RunError, match=told):
            expected.expectations("smoke", again, before=before)
    real = later(0.8)
    real[10][0]["provenance"]["data"] = "real"
    with pytest.raises(RunError, match="data 'simulated' is pinned, and now 'real'. Run the seeds with the same data, or"):
        expected.expectations("smoke", real, before=before)
    other = json.loads(json.dumps(before).replace("02_tiny", "03_b"))
    with pytest.raises(ConfigurationError, match="at least 5 seeds; there are 2"):
        expected.expectations("smoke", later(0.8, 0.8), before=other)


def test_a_seed_no_better_than_a_model_that_learnt_nothing_is_refused():
    with pytest.raises(RunError, match=r"dice: \[0.78\] of the seeds .* do not exceed .* reaches \(0.785\)"):
        expected.expectations("smoke", seeds(*SCORES, must_exceed=0.785))


def test_a_pin_that_a_model_that_learnt_nothing_passes_is_refused():
    with pytest.raises(RunError, match="dice: 0.8 with tolerance 0.0632.* would pass a model that learnt nothing"):
        expected.expectations("smoke", seeds(*SCORES, must_exceed=0.74))


def test_a_key_that_is_not_pinned_is_still_held_above_its_floor(tmp_path):
    scores = seeds(*SCORES, must_exceed=0.74)
    expected.write(expected.expectations("smoke", scores, not_pinned=["dice"]), tmp_path)
    read = check.read_expected("smoke", tmp_path)
    assert read["keys"]["dice"]["center"] is None and problems(result({"dice": 0.9}), read) == {}
    assert "does not exceed 0.74" in str(problems(result({"dice": 0.73}), read))
    with pytest.raises(RunError, match="of the seeds"):
        expected.expectations("smoke", seeds(*SCORES, must_exceed=0.785), not_pinned=["dice"])


def test_a_key_that_is_not_compared_has_no_centre():
    entry = expected.expectations("smoke", seeds(*SCORES, compare=False))["keys"]["dice"]
    assert entry["center"] is None and entry["tolerance"] is None


@pytest.mark.parametrize(
    ("values", "pinned"),
    [
        ((0.95, 0.91, 0.43, 0.89, 0.77), False),  # any share is within the tolerance
        ((0.95, 0.91, 0.63, 0.89, 0.77), True),
        ((1.05, 0.91, 0.43, 0.89, 0.77), True),
        ((0, 0, 0, 0, 1), True),  # a count, of which 2 would be too many
    ],
)
def test_a_share_that_could_be_anything_is_not_pinned(values, pinned):
    entry = expected.expectations("smoke", seeds(*values))["keys"]["dice"]
    assert (entry["center"] is not None) == (entry["tolerance"] is not None) == pinned and entry["spread"] == list(values)


def broken(change):
    results = seeds(*SCORES)
    change(results[2][0])
    return results


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda one: one["values"].clear(), "recorded for some seeds only: dice"),
        (lambda one: one["provenance"].update(profile="paper"), "not all 'smoke'"),
        (lambda one: one["provenance"].update(data="real"), "data .* differ between seeds"),
        (lambda one: one["provenance"].update(precision="float32"), "precision .* differ between seeds"),
        (lambda one: one["provenance"].update(backend="torch"), "backend .* differ between seeds"),
        (lambda one: one["provenance"].update(seed=0), r"recorded the seeds \[0, 1, 0, 3, 4\]"),
        (lambda one: one["values"]["dice"].update(value=math.nan), "not all finite"),
        (lambda one: one.update(notebook="03_b"), "02_tiny: no results for the seeds"),
    ],
)
def test_seeds_that_do_not_belong_together_are_refused(change, text):
    with pytest.raises(RunError, match=text):
        expected.expectations("smoke", broken(change))


def test_a_key_that_nobody_recorded_cannot_be_left_unpinned():
    with pytest.raises(RunError, match="dise: --not-pinned names it, but no notebook recorded it"):
        expected.expectations("smoke", seeds(*SCORES), not_pinned=["dise"])


def test_fewer_than_five_seeds_are_refused():
    with pytest.raises(ConfigurationError, match="at least 5 seeds; there are 4"):
        expected.expectations("smoke", seeds(*SCORES[:4]))


def test_provisional_expectations_have_no_tolerance_but_still_refuse_what_learnt_nothing(tmp_path):
    content = expected.expectations("smoke", seeds(SCORES[0], must_exceed=0.5), provisional=True)
    assert content["keys"]["dice"]["center"] is None
    assert problems(result({"dice": 0.55}), content) == {}
    assert "does not exceed 0.5" in problems(result({"dice": 0.45}), content)["dice"]
    assert "dice" in problems(result({"renamed": 0.55}), content)
    folder = tmp_path / "smoke"
    folder.mkdir()
    (folder / "02_tiny.ipynb").write_text("{}")
    facts = {"seconds": 1, "peak_memory_mib": 1}
    (folder / "02_tiny.json").write_text(json.dumps(result({"dice": 0.55}) | facts))
    (row,) = check.check("smoke", ["02_tiny"], expected=content, runs=tmp_path)
    assert row.status == "provisional" and row.good


def test_expectations_of_other_notebooks_are_kept_and_stale_keys_are_not(tmp_path):
    old = expected.expectations("smoke", seeds(*SCORES))
    old["keys"]["stale"] = dict(old["keys"]["dice"])
    old["keys"]["other"] = {**old["keys"]["dice"], "notebook": "03_b"}
    expected.write(old, tmp_path)
    merged = expected.merge(expected.expectations("smoke", seeds(*SCORES)), tmp_path)
    assert list(merged["keys"]) == ["dice", "other"]


@pytest.mark.parametrize("path", sorted((ROOT / "expected").rglob("*.json")), ids=lambda path: path.stem)
def test_no_committed_pin_lets_a_model_pass_that_learnt_nothing(path):
    for key, entry in json.loads(path.read_text())["keys"].items():
        floor = entry.get("must_exceed")
        if floor is None:
            continue
        assert min(entry["spread"]) > floor, key
        assert floor > 0 or DIFFERENCE.search(key), f"{key}: empty masks reach 0, the mean mask more"
        assert entry["center"] is None or entry["center"] - entry["tolerance"] > floor, key
