"""The median-nerve paper: its claims are its tables, typed here once more, and its audit is arithmetic that holds."""

import numpy as np
import pytest

from nervekit import models, papers
from nervekit.data import splits

# Tables II and III as printed; precision and recall of Table III in the order of Table II.
ROWS = {
    "melnic_unet": (0.8500, 0.083, 0.7370, 0.8039, 0.8543, 7_858_405),
    "lunet": (0.8409, 0.096, 0.7340, 0.8460, 0.8344, 1_952_485),
    "double_unet": (0.8837, 0.082, 0.7916, 0.8971, 0.8554, 29_296_994),
    "dl_unet": (0.9027, 0.060, 0.8145, 0.9460, 0.8499, 14_774_698),
    "dl_unet_vgg16": (0.8953, 0.047, 0.7592, 0.8821, 0.8598, 12_411_178),
}
COLUMNS = ("dice_mean", "dice_sd", "iou_mean", "precision", "recall", "parameters")
SAMPLES = ((0.8900, 0.9273, 3.73), (0.8783, 0.9438, 6.55), (0.9063, 0.9280, 2.17))


@pytest.fixture(scope="module")
def paper():
    return papers.load("melnic")


@pytest.fixture(scope="module")
def printed(paper):
    return {claim.key: claim.value for claim in paper.claims}


@pytest.mark.parametrize("network", ROWS)
def test_tables_of_networks_are_the_printed_ones(printed, network):
    assert tuple(printed[f"melnic.{network}.{column}"] for column in COLUMNS) == ROWS[network]


@pytest.mark.parametrize("number, sample", list(enumerate(SAMPLES, start=1)))
def test_table_of_outputs_is_the_printed_one(printed, number, sample):
    found = [printed[f"melnic.outputs.sample_{number}.{name}"] for name in ("output_1", "output_2", "difference")]
    assert found == pytest.approx([sample[0], sample[1], sample[2] / 100])
    assert found[2] == pytest.approx(found[1] - found[0], abs=5e-5)


def test_differences_in_the_text_are_those_of_the_table(printed):
    for row, (above, below) in {"lunet_below_unet": ("melnic_unet", "lunet"),
                                "double_above_unet": ("double_unet", "melnic_unet")}.items():  # fmt: skip
        for metric, column in (("dice", 0), ("iou", 2)):
            difference = ROWS[above][column] - ROWS[below][column]
            assert printed[f"melnic.difference.{row}.{metric}"] == pytest.approx(difference, abs=1e-9)


def test_counts_of_images_are_those_of_the_published_split(printed):
    split = splits.published("median")
    sizes = {name: len(getattr(split, name)) for name in ("train", "development", "test")}
    assert {name: printed[f"melnic.data.{name}"] for name in sizes} == sizes
    assert printed["melnic.data.images"] == sum(sizes.values()) == printed["melnic.data.files"] / 2


def test_every_claim_is_there_once_says_where_and_has_a_known_kind(paper):
    keys = [claim.key for claim in paper.claims]
    assert len(keys) == len(set(keys)) == 6 + 5 * 6 + 4 + 9
    for claim in paper.claims:
        assert any(place in claim.where for place in ("Abstract", "Table", "Section")), claim
        assert claim.kind in papers.KINDS and (claim.kind == "unpublished") == bool(claim.reason)


def test_names_of_networks_are_those_that_can_be_built():
    assert set(ROWS) <= set(models.names())


def test_paper_profile_is_the_paper_but_for_binary_masks_dead_starts_and_weights_that_may_be_missing(paper):
    chosen, own = papers.settings(paper, "paper"), {name: entry["value"] for name, entry in paper.setup.items()}
    differs = {name for name in own if chosen[name] != (tuple(own[name]) if isinstance(own[name], list) else own[name])}
    assert differs == {"pretrained", "resizing", "starts"}
    assert (chosen["image_size"], chosen["batch_size"], chosen["epochs"]) == ((288, 384), 8, 100)


@pytest.mark.parametrize("profile", papers.PROFILES)
def test_every_profile_fits_the_networks_and_looks_at_epochs_that_come(paper, profile):
    chosen = papers.settings(paper, profile)
    assert all(size % 16 == 0 for size in (*chosen["image_size"], chosen["vgg_width"]))
    assert max(chosen["looked_at_epochs"]) <= chosen["epochs"] and len(chosen["looked_at_epochs"]) == 3


def least_iou(dice, spread):
    """Of images with this mean and standard deviation of the Dice; the rounding of the printed digits is given away."""
    dice, spread = dice - 5e-5, spread - 5e-4
    return dice / (2 - dice - spread**2 / dice)


def test_least_iou_is_reached_by_equal_images_and_never_undercut_by_others():
    random = np.random.default_rng(0)
    for _ in range(200):
        dice = random.beta(*random.uniform(0.5, 20, 2), 44)
        assert np.mean(dice / (2 - dice)) >= least_iou(dice.mean(), dice.std())
    assert least_iou(0.8, 5e-4) == pytest.approx(0.8 / 1.2, abs=1e-4)


def test_rows_whose_printed_iou_does_not_fit_the_dice_are_those_of_the_audit(paper):
    impossible = {name for name, (dice, spread, iou, *_) in ROWS.items() if iou + 5e-5 < least_iou(dice, spread)}
    assert impossible == {"melnic_unet", "double_unet", "dl_unet", "dl_unet_vgg16"}
    all_images = {"melnic_unet": (0.8393, 0.109), "dl_unet_vgg16": (0.8749, 0.107)}
    assert {name for name, found in all_images.items() if ROWS[name][2] < least_iou(*found)} == {"dl_unet_vgg16"}
    finding = next(entry["finding"] for entry in paper.audit if "convex" in entry["finding"])
    told = (ROWS["double_unet"][:2], ROWS["dl_unet"][:2], all_images["dl_unet_vgg16"], ROWS["melnic_unet"][:2])
    assert all(f"{dice / (2 - dice - spread**2 / dice):.4f}" in finding for dice, spread in told)
