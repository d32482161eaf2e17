"""Diagrams say what the network is."""

import matplotlib
import matplotlib.pyplot as plt
import pytest
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from nervekit import models
from nervekit.plots.architecture import architecture, stages

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_stages_of_a_unet_are_its_levels_with_size_channels_and_skips():
    found = stages(models.build("belahsen_unet", (96, 64, 1)))
    assert [(name, *stage.size, stage.channels) for name, stage in found.items()] == [
        ("image", 96, 64, 1), ("encoder_1", 96, 64, 32), ("encoder_2", 48, 32, 64), ("encoder_3", 24, 16, 128),
        ("encoder_4", 12, 8, 256), ("bottleneck", 6, 4, 512), ("decoder_4", 12, 8, 256), ("decoder_3", 24, 16, 128),
        ("decoder_2", 48, 32, 64), ("decoder_1", 96, 64, 32), ("mask", 96, 64, 1),
    ]  # fmt: skip
    assert found["decoder_2"].inputs == {"decoder_3", "encoder_2"}
    assert found["encoder_1"].parameters == 9_568 and found["bottleneck"].column == 1


def test_masks_at_several_scales_are_stages_of_their_own():
    plain, deep = (stages(models.build("nervekit_unet", (64, 64, 1), deep_supervision=deep)) for deep in (False, True))
    assert {name: deep[name].channels for name in plain} == {name: stage.channels for name, stage in plain.items()}
    assert {(*deep[name].size, deep[name].channels) for name in set(deep) - set(plain)} == {(32, 32, 1), (16, 16, 1)}


@pytest.mark.parametrize(
    "name, stage, inputs, size",
    [
        ("inception_unet", "refine_2", {"encoder_2"}, (16, 16)),
        ("inception_unet", "presence", {"bottleneck"}, (1, 1)),
        ("attention_resunet", "attention_3", {"encoder_3", "decoder_4"}, (8, 8)),
        ("unetpp", "unit_0_2", {"unit_0_0", "unit_0_1", "unit_1_1"}, (32, 32)),
        ("resnet34_unet", "decoder_3", {"encoder_2", "decoder_4"}, (8, 8)),
        ("dl_unet", "second_decoder_2", {"second_decoder_3", "first_encoder_2", "second_encoder_2"}, (16, 16)),
        ("dl_unet", "multiply", {"image", "output_1"}, (32, 32)),
    ],
)
def test_stages_know_what_feeds_them(name, stage, inputs, size):
    found = stages(models.build(name, (32, 32, 1)))[stage]
    assert (found.inputs, found.size) == (inputs, size)


@pytest.mark.parametrize("name", ["huang_unet", "unetpp", "gulati_segnet"])
def test_the_figure_has_a_box_a_stage_and_an_arrow_a_connection(name):
    model = models.build(name, (32, 32, 1))
    found = stages(model)
    axis = architecture(model).axes[0]
    patches = axis.patches
    assert sum(isinstance(patch, FancyBboxPatch) for patch in patches) == len(found) == len(axis.texts)
    assert sum(isinstance(patch, FancyArrowPatch) for patch in patches) == sum(len(s.inputs) for s in found.values())
    assert f"{model.count_params():,}" in axis.get_title(loc="left")
    assert sum(stage.parameters for stage in found.values()) == model.count_params()


def test_boxes_do_not_overlap():
    found = stages(models.build("unetpp", (32, 32, 1)))
    places = [(stage.column, stage.size) for stage in found.values()]
    assert len(set(places)) == len(places)
