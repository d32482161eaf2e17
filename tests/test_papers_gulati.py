"""The claims of Gulati & Chhabra against the text, and the arithmetic that its audit rests on."""

import re
from math import ceil

import pytest

from nervekit import papers

TABLE_1 = {  # accuracy, loss, Dice, IoU, typed from the paper
    "gulati_segnet": (0.99, -0.76, 0.76, 0.61),
    "gulati_unet": (0.98, -0.74, 0.74, 0.59),
    "resnet34_unet": (0.99, -0.74, 0.74, 0.59),
}
TEXT = {
    "data.train": 8224, "data.test": 2057, "gulati_segnet.encoder_convolutions": 13, "gulati_segnet.decoder_convolutions": 13,
    "gulati_segnet.millions_with_dense": 134, "gulati_segnet.millions_encoder": 147,  # "from 134M to 147M"
}  # fmt: skip


@pytest.fixture
def paper():
    return papers.load("gulati_chhabra")


@pytest.fixture
def claims(paper):
    return {claim.key.removeprefix("gulati_chhabra."): claim for claim in paper.claims}


@pytest.mark.parametrize("network", TABLE_1)
def test_table_1_is_complete(claims, network):
    found = [claims[f"{network}.at_random.{metric}"] for metric in ("accuracy", "loss", "dice_of_outputs", "iou")]
    assert tuple(claim.value for claim in found) == TABLE_1[network]
    assert {claim.where for claim in found} == {"Table 1"}


def test_every_number_outside_the_table_stands_under_its_key(claims):
    assert {key: claim.value for key, claim in claims.items() if "at_random" not in key} == TEXT
    assert len(claims) == len(TEXT) + 12


def test_keys_are_unique_and_every_claim_says_where(paper):
    assert len({claim.key for claim in paper.claims}) == len(paper.claims)
    assert all(re.match("Section|Table", claim.where) and claim.kind in papers.KINDS for claim in paper.claims)


def test_counts_follow_from_counting_every_nerve_three_times(claims):
    images, nerves = 5635, 2323
    total = images + 2 * nerves
    assert total == claims["data.train"].value + claims["data.test"].value
    assert ceil(0.2 * total) == claims["data.test"].value


@pytest.mark.parametrize("network", TABLE_1)
def test_printed_iou_follows_from_printed_dice(claims, network):
    loss, dice, iou = (claims[f"{network}.at_random.{name}"].value for name in ("loss", "dice_of_outputs", "iou"))
    assert loss == -dice
    assert round(dice / (2 - dice), 2) == iou


def test_a_loss_is_no_achievement(claims):
    assert {claim.kind for key, claim in claims.items() if key.endswith("loss")} == {"fit"}


def test_paper_profile_departs_in_what_is_set_aside_alone(paper):
    chosen = papers.settings(paper, "paper")
    stated = {name: entry["value"] for name, entry in paper.setup.items()}
    stated |= {name: tuple(value) for name, value in stated.items() if isinstance(value, list)}
    assert {name for name, value in stated.items() if chosen[name] != value} == {"development_share", "split"}
