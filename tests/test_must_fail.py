"""Models that must fail: what learnt nothing is refused by nervekit check, and an honest re-run passes.

Networks are really trained, on a task of seconds; expectations are made from five honest seeds as for a notebook.
"""

import json

import honest
import numpy as np
import pytest
from other_backend import OTHERS, run

from nervekit import baselines, cli, expected, metrics, record, training

NAME = "02_squares"


@pytest.fixture(scope="module")
def network():
    """One compiled network for all of this."""
    return honest.compiled()


def untrained(model, seed):
    training.reset(model, honest.build, seed=seed)
    return training.predict(model, honest.TEST.images) > 0.5


def shuffled(model, seed):
    return honest.trained(model, seed, honest.TRAIN.masks[np.roll(np.arange(len(honest.TRAIN)), 7)])


def background(model, seed):
    return np.zeros(honest.TEST.masks.shape, bool)


def leave(folder, predicted, seed=0, profile="smoke"):
    """The results of a run with these predictions, as a notebook leaves them; their content."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NERVEKIT_RUN_DIR", str(folder / profile))
        record.start(NAME, profile=profile, seed=seed)
        record.provenance(data="simulated")
        floor = metrics.dice(honest.TEST.masks, np.broadcast_to(baselines.mean_mask(honest.TRAIN.masks), honest.TEST.masks.shape)).mean()
        record.value("squares.images", len(honest.TEST))
        record.value("squares.dice_mean", metrics.dice(honest.TEST.masks, predicted).mean(), must_exceed=floor)
        path = record.finish()
    path.with_suffix(".ipynb").write_text("{}")
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def pinned(network, tmp_path_factory):
    """A folder with the expectations from five honest seeds."""
    folder = tmp_path_factory.mktemp("pinned")
    results = {seed: [leave(folder / str(seed), honest.trained(network, seed), seed)] for seed in range(5)}
    expected.write(expected.expectations("smoke", results), folder / "expected")
    return folder


@pytest.fixture
def check(pinned, tmp_path, monkeypatch, capsys):
    """Run ``nervekit check`` on what is in ``tmp_path / "smoke"``; its exit status and what it said."""
    (tmp_path / "notebooks" / "source").mkdir(parents=True)
    (tmp_path / "notebooks" / "source" / f"{NAME}.py").touch()
    monkeypatch.chdir(tmp_path)

    def check():
        status = cli.main(["check", "--runs", str(tmp_path), "--expected", str(pinned / "expected")])
        return status, capsys.readouterr().out

    return check


def test_an_honest_run_with_a_new_seed_passes(network, check, tmp_path):
    leave(tmp_path, honest.trained(network, 11), seed=11)
    status, said = check()
    assert status == 0, said
    assert "3/3" in said


@pytest.mark.parametrize("backend", OTHERS)
def test_an_honest_run_on_the_other_backend_passes(check, tmp_path, backend):
    run(backend, honest.__file__, tmp_path / "predicted.npy")
    leave(tmp_path, np.load(tmp_path / "predicted.npy"), seed=11)
    status, said = check()
    assert status == 0, said


@pytest.mark.parametrize("predict", [untrained, background, shuffled])
def test_a_model_that_learnt_nothing_is_refused(network, check, tmp_path, predict):
    leave(tmp_path, predict(network, 0))
    status, said = check()
    assert status == 1
    assert f"{NAME}: squares.dice_mean: " in said
    assert "does not exceed" in said and "what a model that learnt nothing reaches" in said


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda result: result["values"].pop("squares.dice_mean"), "squares.dice_mean: expected, but not recorded"),
        (lambda result: result["values"]["squares.dice_mean"].update(value=float("nan")), "nan is not a finite number"),
        (lambda result: result["values"]["squares.images"].update(value=13), "squares.images: 13 is not within 0 of 12"),
        (
            lambda result: result["values"].update(dice=result["values"].pop("squares.dice_mean")),
            "dice: recorded as",
        ),
        (lambda result: result["provenance"].update(profile="workshop"), "provenance: profile 'workshop' measured"),
        (lambda result: result["provenance"].update(data="real"), "measured on real data, expected values are from"),
    ],
)
def test_an_honest_run_whose_results_were_changed_is_refused(pinned, check, tmp_path, change, text):
    result = json.loads((pinned / "0" / "smoke" / f"{NAME}.json").read_text())
    change(result)
    (tmp_path / "smoke").mkdir()
    (tmp_path / "smoke" / f"{NAME}.json").write_text(json.dumps(result))
    (tmp_path / "smoke" / f"{NAME}.ipynb").write_text("{}")
    status, said = check()
    assert status == 1 and text in said, said


def test_the_run_of_another_profile_does_not_stand_in(network, check, tmp_path):
    leave(tmp_path, honest.TEST.masks, profile="workshop")
    status, said = check()
    assert status == 1 and "it has not run" in said
