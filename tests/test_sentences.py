"""Numbers in sentences and tables typed by hand are those of the committed results, and what is said of the code holds."""

import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from nervekit import papers, recipe, verdicts
from nervekit import seeds as seeds_module
from nervekit.intervals import text
from nervekit.results import committed

ROOT = Path(__file__).resolve().parents[1]


@cache
def words(path):
    """Without line breaks and the marks of comments, quotations and cells."""
    return re.sub(r"[\s#>]+", " ", (ROOT / path).read_text(encoding="utf-8"))


@cache
def read(path):
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


def seeds(profile, key, form=".3f"):
    spread = [format(value, form) for value in read(f"expected/{profile}.json")["keys"][key]["spread"]]
    return f"{', '.join(spread[:-1])} and {spread[-1]}"


def found(notebook, key, form=".3f", only=None):
    score = read(f"results/workshop/{notebook}.json")["values"][key]
    return format(score[only], form) if only else text(score, form)


def gain(notebook, key):
    return f"{found(notebook, key, '+.3f', 'value')} ({found(notebook, key, only='low')} to {found(notebook, key, only='high')})"


def shares():
    return " and ".join(
        ", ".join(
            found(FIRST, f"simulated_first.gain.simulated_images.share_{share}.pooled_iou", "+.3f", "value") for share in some
        )
        for some in ((10, 25, 50), (100,))
    )


def row(label, key, printed):
    spread = read("expected/workshop.json")["keys"][key]["spread"]
    each = ", ".join(f"{value:.3f}" for value in spread)
    return f"| {label} | {printed} | {each} | {np.mean(spread):.3f} ({np.std(spread, ddof=1):.3f}) |"


BEYOND, SESSIONS, TWICE = "09_beyond_the_papers", "15_whole_sessions", "14_twice_the_time"
MEDIAN, FIRST, EMPTY = "12_median_by_recipe", "11_simulated_images_first", "13_is_there_a_nerve"
SAID = {
    "03, folds": lambda: (
        f"sum IoU by image {seeds('workshop', 'huang_2019.crossval.by_image.pooled_iou')}, by session "
        f"{seeds('workshop', 'huang_2019.crossval.by_session.pooled_iou')}; of images with other frames of their session in the "
        f"set it changes by {seeds('workshop', 'huang_2019.crossval.change.with_neighbours.pooled_iou', '+.3f')}, of those "
        f"without by {seeds('workshop', 'huang_2019.crossval.change.without_neighbours.pooled_iou', '+.3f')}."
    ),
    "02, at the paper's size": lambda: f"sum IoU on the test images is {seeds('paper', 'huang_2019.test.pooled_iou')}.",
    "02, number formats": lambda: (
        f"sum IoU on the test images {seeds('float32/workshop', 'huang_2019.test.pooled_iou')}, in bfloat16 "
        f"{seeds('workshop', 'huang_2019.test.pooled_iou')};"
    ),
    "07, U-Net": lambda: row("U-Net", "melnic.melnic_unet.dice_mean", "0.850"),
    "07, L-Unet": lambda: row("L-Unet", "melnic.lunet.dice_mean", "0.841"),
    "07, DB-Unet": lambda: row("DB-Unet", "melnic.double_unet.dice_mean", "0.884"),
    "07, DL-Unet": lambda: row("DL-Unet", "melnic.dl_unet.dice_mean", "0.903"),
    "09, three seeds": lambda: (
        f"sum IoU | {found(BEYOND, 'beyond.published.ours.pooled_iou')} | "
        f"{found(BEYOND, 'beyond.published.faithful.pooled_iou', only='value')}, network of Huang et al. | "
        f"{gain(BEYOND, 'beyond.published.gain.pooled_iou')} |"
    ),
    "09, averaged": lambda: (
        f"three networks averaged | {found(BEYOND, 'beyond.published.ours_together.pooled_iou')} | "
        f"{found(BEYOND, 'beyond.published.faithful_together.pooled_iou', only='value')}, theirs averaged |"
    ),
    "09, accuracy": lambda: (
        f"accuracy of 97 % ({found(BEYOND, 'beyond.published.ours.accuracy', '.1%', 'value').replace('%', ' %')}, averaged "
        f"{found(BEYOND, 'beyond.published.ours_together.accuracy', '.1%', 'value').replace('%', ' %')}:"
    ),
    "15, sum IoU": lambda: (
        f"36 epochs | {found(SESSIONS, 'whole_sessions.ours.pooled_iou')} | "
        f"{found(SESSIONS, 'whole_sessions.faithful.pooled_iou', only='value')}, network of Huang et al., after its 75 epochs | "
        f"{gain(SESSIONS, 'whole_sessions.gain.pooled_iou')} |"
    ),
    "15, accuracy": lambda: (
        f"IoU above 0.5 | {found(SESSIONS, 'whole_sessions.ours.accuracy')} | "
        f"{found(SESSIONS, 'whole_sessions.faithful.accuracy', only='value')}, network of Huang et al. |"
    ),
    "15, the same images": lambda: (
        f"published test images: sum IoU | {found(SESSIONS, 'whole_sessions.published_images.ours.pooled_iou')} | "
        f"{found(SESSIONS, 'whole_sessions.published_images.faithful.pooled_iou', only='value')}, network of Huang et al. | |"
    ),
    "15, published split": lambda: (
        f"one start: sum IoU | {found(SESSIONS, 'whole_sessions.published.ours.pooled_iou')} | "
        f"{found(SESSIONS, 'whole_sessions.published.faithful.pooled_iou', only='value')}, network of Huang et al. | "
        f"{gain(SESSIONS, 'whole_sessions.published.gain.pooled_iou')} |"
    ),
    "15, what the split adds": lambda: (
        f"split adds {found(SESSIONS, 'whole_sessions.split.faithful.pooled_iou')} to the sum IoU of the network of Huang et al., "
        f"and {found(SESSIONS, 'whole_sessions.split.ours.pooled_iou')} to ours** (Wilcoxon's test of the Dice, Holm over all twelve "
        f"comparisons: p {found(SESSIONS, 'whole_sessions.split.faithful.pooled_iou', '.4f', 'p_dice_holm')} and "
        f"{found(SESSIONS, 'whole_sessions.split.ours.pooled_iou', '.2f', 'p_dice_holm')})"
    ),
    "12, strip": lambda: (
        f"can hold a nerve | {found(MEDIAN, 'median_recipe.strip.dice_mean')} | "
        f"{found(MEDIAN, 'median_recipe.whole_image.dice_mean')}, smaller whole images | "
        f"{gain(MEDIAN, 'median_recipe.gain.dice_mean')} |"
    ),
    "12, both": lambda: f"both answers averaged | {found(MEDIAN, 'median_recipe.both_averaged.dice_mean')} |",
    "12, together": lambda: f"six networks averaged | {found(MEDIAN, 'median_recipe.both_averaged.together.dice_mean')} |",
    "11, shares": lambda: f"sum IoU changes by {shares()} with a tenth,",
    "13, presence": lambda: (
        f"is {found(EMPTY, 'empty_images.as_predicted.score', only='value')} with a presence head and "
        f"{found(EMPTY, 'empty_images.masks_alone.score', only='value')} without "
        f"({gain(EMPTY, 'empty_images.gain_over.masks_alone').replace(' (', ', ')}"
    ),
}  # fmt: skip
ABLATION = {
    "augmentation": "without augmentation (and flip averaging with it, {})",
    "unchanged_images": "without unchanged images among the changed ({})",
    "flip": "flips in training and at test time ({})",
    "dice_loss": "the Dice loss ({})",
    "our_network": "our network (with its normalisation and masks at several scales, {})",
}
TIME = {"more_pixels": "with 176x176 pixels", "wider": "with 24 channels", "longer": "with twice the epochs",
        "two_networks": "with two networks averaged"}  # fmt: skip


def without_the_split():
    """Ours minus theirs on the published test images, by networks that saw none of their sessions."""
    values = read(f"results/workshop/{SESSIONS}.json")["values"]
    return np.subtract(*(values[f"whole_sessions.published_images.{arm}.pooled_iou"]["value"] for arm in ("ours", "faithful")))


CLOSINGS = {
    BEYOND: lambda: (
        f"ours had a sum IoU of {found(BEYOND, 'beyond.published.ours.pooled_iou', only='value')} and the paper's network, as the "
        f"paper trained it, {found(BEYOND, 'beyond.published.faithful.pooled_iou', only='value')}: "
        f"{gain(BEYOND, 'beyond.published.gain.pooled_iou')}."
    ),
    FIRST: lambda: (
        f"the sum IoU changed by {shares()} with a tenth, a quarter, a half and all of the sessions, each with an interval "
        "that includes zero."
    ),
    MEDIAN: lambda: (
        f"the strip had a mean Dice of {found(MEDIAN, 'median_recipe.strip.dice_mean', only='value')}, and "
        f"{found(MEDIAN, 'median_recipe.both_averaged.together.dice_mean', only='value')} with six networks averaged, short of "
        f"the {papers.load(papers.MEDIAN_RECIPE).claims[0].value} that we had set out to reach; strip minus whole image was "
        f"{gain(MEDIAN, 'median_recipe.gain.dice_mean')}, a gain that is not shown."
    ),
    EMPTY: lambda: (
        f"its score was that of the network as predicted, {found(EMPTY, 'empty_images.learnt.score', only='value')}, which is "
        f"{gain(EMPTY, 'empty_images.gain_over.formula')} above the formula's; the network without a head had "
        f"{found(EMPTY, 'empty_images.masks_alone.score', only='value')}."
    ),
    TWICE: lambda: (
        f"more pixels brought {found(TWICE, 'twice_the_time.gain.more_pixels_held_out.pooled_iou', '+.3f', 'value')} of sum "
        "IoU on sessions held out, another start "
        f"{found(TWICE, 'twice_the_time.gain.another_start_held_out.pooled_iou', '+.3f', 'value')}, and Holm's p of the Dice was "
        f"{found(TWICE, 'twice_the_time.gain.more_pixels_held_out.pooled_iou', '.2f', 'p_dice_holm')}:"
    ),
    SESSIONS: lambda: (
        f"published split gave {found(SESSIONS, 'whole_sessions.split.faithful.pooled_iou')[:-1]}; p of the Dice by Holm "
        f"{found(SESSIONS, 'whole_sessions.split.faithful.pooled_iou', '.4f', 'p_dice_holm')}) of sum IoU to the paper's network "
        f"and {found(SESSIONS, 'whole_sessions.split.ours.pooled_iou')[:-1]}; p "
        f"{found(SESSIONS, 'whole_sessions.split.ours.pooled_iou', '.2f', 'p_dice_holm')}, so that it is not shown after the "
        "correction) to ours; ours minus theirs was "
        f"{gain(SESSIONS, 'whole_sessions.published.gain.pooled_iou')} there and {without_the_split():+.3f} with sessions held out. "
        "Whether these differ was not tested. - Ask in how many of the sessions a mean has risen, and "
        "look at those where it fell. In our `workshop` run "
        f"ours had {gain(SESSIONS, 'whole_sessions.gain.pooled_iou')} of sum IoU, and the higher mean Dice in "
        f"{found(SESSIONS, 'whole_sessions.gain.share_of_sessions', '.0%', 'value').replace('%', ' %')} of "
        f"{found(SESSIONS, 'whole_sessions.gain.share_of_sessions', 'd', 'n')} sessions."
    ),
}  # fmt: skip
NOT_SHOWN = [(MEDIAN, "median_recipe.gain.dice_mean")]
NOT_SHOWN += [(FIRST, f"simulated_first.gain.simulated_images.share_{share}.pooled_iou") for share in (10, 25, 50, 100)]


@pytest.mark.parametrize("name", SAID)
def test_what_was_measured(name):
    assert SAID[name]() in words("results/README.md")


@pytest.mark.parametrize("ingredient", ABLATION)
def test_what_an_ingredient_is_worth(ingredient):
    said = found(SESSIONS, f"whole_sessions.ablation.without_{ingredient}.dice_mean", "+.3f", "value")
    assert ABLATION[ingredient].format(said) in words("results/README.md")


@pytest.mark.parametrize("way", TIME)
def test_what_twice_the_time_is_worth(way):
    said = gain(TWICE, f"twice_the_time.gain.{way}_held_out.pooled_iou")
    assert f"{said} {TIME[way]}" in words("results/README.md")


@pytest.mark.parametrize("notebook", CLOSINGS)
def test_what_a_notebook_closes_with(notebook):
    text_of_notebook = words(f"notebooks/source/{notebook}.py")
    assert re.search("[Ii]n our `workshop` run|`workshop`, three seeds", text_of_notebook) and CLOSINGS[notebook]() in text_of_notebook


@pytest.mark.parametrize("notebook, key", NOT_SHOWN)
def test_a_gain_that_is_said_not_to_be_shown_has_an_interval_with_zero(notebook, key):
    score = read(f"results/workshop/{notebook}.json")["values"][key]
    assert score["low"] < 0 < score["high"]


def test_the_learnt_rule_emptied_nothing():
    values = read(f"results/workshop/{EMPTY}.json")["values"]
    assert [values["empty_images.gain_over.as_predicted"][name] for name in ("value", "low", "high")] == [0, 0, 0]
    assert len({values[f"empty_images.{rule}.dice_with_nerve"]["value"] for rule in ("learnt", "as_predicted")}) == 1


@pytest.mark.parametrize("name", [name for name in papers.OWN if name != papers.OURS])
def test_what_is_said_to_be_as_in_notebook_09_is(name):
    study, ours = papers.load(name), papers.load(papers.OURS)
    profiles = {"as notebook 09": papers.PROFILES, "as notebook 09's paper profile": ("paper",)}
    for setting in study.setup.keys() & ours.setup.keys():
        for profile in profiles.get(study.setup[setting]["where"], ()):
            here, there = (papers.settings(one, profile)[setting] for one in (study, ours))
            assert here == there, f"{setting}, {profile}"


def test_what_broken_pairs_cost_on_new_subjects():
    keys = read("expected/smoke.json")["keys"]
    broken, whole = (np.array(keys[f"belahsen_2020.augmented.{pairs}.held_out.dice"]["spread"]) for pairs in ("broken", "whole"))
    lost = whole - broken
    assert len(lost) == 5 and lost.min() > 0
    said = f"In `smoke`, over five seeds, broken pairs lowered the Dice on new subjects each time, by {lost.min():.2f} to {lost.max():.2f}:"
    assert said in words("notebooks/source/05_brachial_augmentation.py")


def test_what_07_closes_with():
    keys, said = read("expected/workshop.json")["keys"], words("notebooks/source/07_median_dlunet.py")
    networks = {"DL-Unet": "dl_unet", "L-Unet": "lunet", "DB-Unet": "double_unet", "U-Net": "melnic_unet"}
    dice = np.array([keys[f"melnic.{name}.dice_mean"]["spread"] for name in networks.values()])
    first, *others = (f"{mean:.3f}" for mean in dice.mean(axis=1))
    assert dice.shape == (4, 5) and (np.diff(dice.mean(axis=1)) < 0).all()
    assert f"DL-Unet had the highest mean Dice, {first} beside {others[0]}, {others[1]} and {others[2]} of L-Unet, DB-Unet and" in said
    assert np.bincount(dice.argmax(axis=0), minlength=4).tolist() == [1, 2, 1, 1] and "was best with one of the seeds, L-Unet with two" in said
    assert f"output 1 had a mean Dice of {seeds('workshop', 'melnic.outputs.output_1.dice_mean')}," in said
    printed = [claim.value for claim in papers.load("melnic").claims if claim.quantity.startswith("Dice of output 1")]
    assert len(printed) == 3 and f"prints {min(printed):.2f} to {max(printed):.2f} for three samples" in said
    limits = keys["melnic.clinical.dl_unet.area_limits"]["spread"]
    assert f"were {100 * min(limits):.0f} to {100 * max(limits):.0f} % of the spread between images" in said


def test_what_02_and_03_close_with():
    copied = read("expected/paper.json")["keys"]["huang_2019.baseline.copy_the_nearest.pooled_iou"]["spread"][0]
    test = seeds("paper", "huang_2019.test.pooled_iou")
    assert (f"(seeds 0 to 2), the U-Net had a sum IoU of {test} on the test set, where 0.638 is printed; copying the nearest "
            f"had {copied:.3f}.") in words("notebooks/source/02_unet_femoral.py")  # fmt: skip
    said, keys = words("notebooks/source/03_cross_validation.py"), read("expected/workshop.json")["keys"]
    assert f"the sum IoU was {seeds('workshop', 'huang_2019.crossval.gap.pooled_iou')} higher by image than by session" in said
    low, high = (keys[f"huang_2019.crossval.pooled_iou_{quartile}"]["spread"] for quartile in ("q1", "q3"))
    assert f"quartiles of the folds lay between {min(low):.3f} and {max(high):.3f}." in said


def test_how_many_starts_of_dl_unet_are_dead_in_smoke():
    """All starts but the last of each pinned run found nothing."""
    starts = read("expected/smoke.json")["keys"]["melnic.dl_unet.starts"]["spread"]
    assert (len(starts), sum(starts) - len(starts), sum(starts)) == (6, 3, 9)
    assert "three of nine starts of DL-Unet were dead (six runs)" in words("notebooks/source/07_median_dlunet.py")


def test_how_far_the_strips_are_turned():
    usual, small = (recipe.CHANGES[name]["rotation"] for name in ("strong", "ultrasound"))
    least = papers.load(papers.MEDIAN_RECIPE).setup["rotation"]["value"]
    said = f"turned by {least:.0f} degrees at most, not {usual:.0f} ({small:.0f} in `smoke`)"
    assert said in words(f"notebooks/source/{MEDIAN}.py")


def test_flips_of_a_network_trained_without():
    lost, low, high = (-read(f"results/workshop/{BEYOND}.json")["values"]["beyond.flips.faithful.dice_mean"][name]
                       for name in ("value", "high", "low"))  # fmt: skip
    said = f"flips averaged the network trained without them lost {lost:.3f} of mean Dice ({low:.3f} to {high:.3f})"
    assert said in words("notebooks/source/09_beyond_the_papers.py")


def test_no_start_ranks_the_brachial_networks():
    assert ("U-Net++ had the highest Jaccard of the nerve five times, was second and third once each, and the fourth of five four times"
            in words("notebooks/source/04_brachial_unets.py"))  # fmt: skip
    keys = {key.split(".")[1]: entry["spread"] for key, entry in read("expected/smoke.json")["keys"].items()
            if entry["notebook"] == "04_brachial_unets" and key.endswith(".validation.true_jaccard")}  # fmt: skip
    scores = np.array(list(keys.values()))
    assert scores.shape == (5, 11)
    ours = list(keys).index("unetpp")
    assert sorted((scores > scores[ours]).sum(axis=0)) == [0] * 5 + [1, 2] + [3] * 4


def test_what_a_smoke_run_of_the_recipe_need_not_show():
    gains = read("expected/smoke.json")["keys"]["beyond.published.gain.pooled_iou"]["spread"]
    said = f"over its five seeds this difference went from {min(gains):+.3f} to {max(gains):+.3f} there"
    assert len(gains) == 5 and said in words(f"notebooks/source/{BEYOND}.py")


def test_what_our_network_knows_of_its_failures():
    area = read(f"results/workshop/{BEYOND}.json")["values"]["beyond.risk.ours.area"]
    said = f"a mean risk over all coverages of {area['value']:.3f} (same run, first seed), {area['no_order']:.3f} in no order and "
    assert f"{said}{area['best_order']:.3f} in the best one" in words(f"notebooks/source/{BEYOND}.py")


def test_what_fewer_images_cost():
    values = read(f"results/workshop/{FIRST}.json")["values"]
    of = [values[f"simulated_first.random_weights.share_{share}.pooled_iou"] for share in (10, 25, 50, 100)]
    images, brought = ([str(one["images"]) for one in of], [f"{one['value']:.3f}" for one in of])
    said = f"{', '.join(images[:3])} and {images[3]} images brought a sum IoU of {', '.join(brought[:3])} and {brought[3]}"
    assert f"{said}, in one training each;" in words(f"notebooks/source/{FIRST}.py")


def test_one_start_does_not_say_what_an_earlier_task_is_worth():
    gains = read("expected/smoke.json")["keys"]["gulati_chhabra.resnet34_unet.gain_over_start.pooled_iou"]["spread"]
    assert min(gains) < 0 < max(gains) and len(gains) == 9
    said = f"over nine runs, the first difference went from {min(gains):+.3f} to {max(gains):+.3f}"
    assert said in words("notebooks/source/06_brachial_transfer.py")


def test_head_or_area_is_not_settled():
    head, area = (found(EMPTY, f"empty_images.auc.{one}_alone", only="value") for one in ("head", "area"))
    keys = read("expected/smoke.json")["keys"]
    ahead = np.subtract(*(keys[f"empty_images.auc.{one}_alone"]["spread"] for one in ("area", "head")))
    text_of_notebook = words(f"notebooks/source/{EMPTY}.py")
    assert f"the head had an area under the curve of {head} there and the mask's area {area}," in text_of_notebook
    *area_ahead, other = sorted(ahead, reverse=True)
    assert len(area_ahead) == 4 and min(area_ahead) > 0 > other
    assert (f"the area was ahead four times, by {min(area_ahead):.3f} to {max(area_ahead):.3f}, and the head once, by "
            f"{-other:.3f}.") in text_of_notebook  # fmt: skip
    by_score = np.subtract(*(keys[f"empty_images.{one}_alone.score"]["spread"] for one in ("head", "area")))
    assert (by_score > 0).all() and "the head was ahead in all five." in text_of_notebook


def test_what_the_ablation_shows():
    values = read(f"results/workshop/{SESSIONS}.json")["values"]
    costs = {key.split(".")[2].removeprefix("without_"): one for key, one in values.items() if ".ablation." in key}
    tested = [one["p_dice_holm"] for one in values.values() if "p_dice_holm" in one]
    assert len(costs) == 7 and len(tested) == 12
    assert [name for name, one in costs.items() if one["p_dice_holm"] < 0.05] == ["unchanged_images"]
    kept, adam = costs["unchanged_images"], costs["our_optimizer"]
    assert adam["value"] > 0 and costs["scales"]["low"] < 0 < costs["scales"]["high"]
    said = words(f"notebooks/source/{SESSIONS}.py")
    assert f"({kept['value']:.3f} of mean Dice without them, p {kept['p_dice_holm']:.3f})" in said
    assert f"higher by {text(adam)[:-1]}; p {adam['p_dice_holm']:.2f})" in said
    assert f"alone stay under 0.05 (p {kept['p_dice_holm']:.3f})" in words("results/README.md")
    assert f"*rises* by {adam['value']:.3f} with Adam" in words("results/README.md")


def test_readme_says_the_same():
    averaged, one = (found(MEDIAN, f"median_recipe.{way}.dice_mean", only="value") for way in ("both_averaged.together", "strip"))
    ours, theirs = (found(BEYOND, f"beyond.published.{arm}.pooled_iou", only="value") for arm in ("ours", "faithful"))
    sessions, beside = (found(SESSIONS, f"whole_sessions.{arm}.pooled_iou", only="value") for arm in ("ours", "faithful"))
    assert f"sum IoU {ours} beside {theirs} on the femoral test images (09), {sessions} beside {beside} on" in words("README.md")
    adds = [found(SESSIONS, f"whole_sessions.split.{arm}.pooled_iou", only="value") for arm in ("faithful", "ours")]
    assert f"in place of sessions is worth {adds[0]} to theirs and {adds[1]} to ours" in words("README.md")
    assert f"by the published split and {without_the_split():+.3f} with sessions held out" in words("results/README.md")
    assert f"its mean Dice is {one}, and {averaged} if six networks are averaged" in words("README.md")


def test_readme_counts_what_the_page_counts():
    results = committed(ROOT / "results")
    rows = [row for name in papers.names() for row in verdicts.comparisons(papers.load(name), results, ROOT / "expected")]
    reproduced = [row for row in rows if row.verdict == "reproduced"]
    counted = [row for row in reproduced if row.low is None]
    assert f"show all {len(rows)} claims" in words("README.md")
    assert f"{len(counted)} of the {len(reproduced)} reproduced, some from a smoke run" in words("README.md")


def test_the_figure_of_readme_holds_all_three_seeds():
    """The images with neighbours and those without share no session: squares of the distances to the bounds add up."""
    keys = read("expected/workshop.json")["keys"]
    changes = []
    for which in ("with", "without"):
        entry = keys[f"huang_2019.crossval.change.{which}_neighbours.pooled_iou"]
        changes.append(seeds_module.interval(entry["spread"], *zip(*entry["intervals"], strict=True)))
    (change, low, high), (other, other_low, other_high) = changes
    apart = change - other
    down, up = np.hypot(change - low, other_high - other), np.hypot(high - change, other - other_low)
    said = [text(dict(zip(("value", "low", "high"), found, strict=True)))
            for found in (*changes, (apart, apart - down, apart + up))]  # fmt: skip
    alone = read("results/workshop/03_cross_validation.json")["values"]["huang_2019.crossval.change.without_neighbours.pooled_iou"]
    assert f"changes by {said[0]}, that of the {alone['n']} images without by {said[1]}; the difference of both is {said[2]}." in words("README.md")
