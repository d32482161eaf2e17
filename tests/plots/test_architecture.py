"""Diagrams say what the network is."""

from itertools import combinations

import keras
import matplotlib
import pytest
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from networks import NETWORKS
from undrawn import undrawn  # noqa: F401

from nervekit import models
from nervekit.errors import ConfigurationError
from nervekit.plots.architecture import architecture, stages

matplotlib.use("Agg")


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


@pytest.mark.parametrize("name", list(NETWORKS))
def test_the_figure_has_a_box_a_stage_each_with_a_label_of_its_own_and_an_arrow_a_connection(name):
    model = models.build(name, NETWORKS[name][1])
    found = stages(model)
    axis = architecture(model).axes[0]
    boxes, arrows = ([one for one in axis.patches if isinstance(one, kind)] for kind in (FancyBboxPatch, FancyArrowPatch))
    assert len(boxes) == len(found) == len(axis.texts)
    assert len(arrows) == sum(len(stage.inputs) for stage in found.values())
    assert f"{model.count_params():,}" in axis.get_title(loc="left")
    assert sum(stage.parameters for stage in found.values()) == model.count_params()
    assert len({text.get_text().rsplit("\n", 2)[0] for text in axis.texts}) == len(found)
    axis.figure.draw_without_rendering()
    for box, text in zip(boxes, axis.texts, strict=True):
        outer, inner = box.get_window_extent(), text.get_window_extent()
        assert outer.x0 < inner.x0 and inner.x1 < outer.x1 and outer.y0 < inner.y0 and inner.y1 < outer.y1, text


def test_the_two_halves_of_a_double_network_are_told_apart():
    axis = architecture(models.build("dl_unet", (32, 32, 1))).axes[0]
    found = {text.get_text().rsplit("\n", 2)[0] for text in axis.texts}
    assert {"U-Net 1\nencoder 1", "U-Net 2\nencoder 1", "U-Net 2\nbottleneck", "output 1"} <= found


@pytest.mark.parametrize("unpooling, dotted", [("indices", 4), ("nearest", 0)])
def test_pooling_indices_do_not_look_like_skip_connections(unpooling, dotted):
    """The coarsest decoder stage gets the encoder's map as well: nothing of it is dotted."""
    model = models.build("gulati_segnet", (32, 32, 1), width=1, unpooling=unpooling)
    found = stages(model)
    assert {name: stage.indices for name, stage in found.items() if stage.indices} == {
        f"decoder_{level}": {f"encoder_{level}"} for level in range(1, dotted + 1)
    }
    figure = architecture(model)
    arrows = [patch for patch in figure.axes[0].patches if isinstance(patch, FancyArrowPatch)]
    assert sum(arrow.get_linestyle() == "dotted" for arrow in arrows) == dotted
    legends = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert legends == ["pooling indices, no feature maps"] * (dotted > 0)


def shared(image):
    twice = keras.layers.Conv2D(1, 1, name="twice")
    return twice(twice(image))


def nested(image):
    return keras.Sequential([keras.layers.Conv2D(1, 1)], name="inner")(image)


def operation(image):
    return keras.ops.square(keras.layers.Conv2D(1, 1)(image))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (shared, "twice is used more than once"),
        (nested, "inner is a model or operation inside it"),
        (operation, "is a model or operation inside it"),
    ],
)
def test_what_boxes_and_arrows_cannot_show_is_refused(make, words):
    image = keras.Input((8, 8, 1))
    with pytest.raises(ConfigurationError, match=f"own: .*{words}"):
        architecture(keras.Model(image, make(image), name="own"))


def test_a_model_that_is_no_graph_is_refused_and_one_of_own_names_is_drawn():
    layers = [keras.layers.Conv2D(2, 1, name="first_own"), keras.layers.Conv2D(1, 1, name="second_own")]
    with pytest.raises(ConfigurationError, match="own is no graph of layers"):
        architecture(keras.Sequential(layers, name="own"))
    drawn = keras.Sequential([keras.Input((8, 8, 1), name="image")], name="own")
    for layer in layers:
        drawn.add(layer)
    assert list(stages(drawn)) == ["image", "first_own", "second_own"]


@pytest.mark.parametrize(
    ("name", "options"),
    [("unetpp", {"width": 2, "deep_supervision": True}), ("dl_unet", {"width": 16}), ("gulati_segnet", {"width": 1})],
)
def test_boxes_do_not_overlap(name, options):
    figure = architecture(models.build(name, (32, 32, 1), **options))
    figure.canvas.draw()
    boxes = [patch.get_window_extent() for patch in figure.axes[0].patches if isinstance(patch, FancyBboxPatch)]
    assert len(boxes) > 10 and not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_arrows_are_dashed_where_they_pass_other_stages_alone():
    """The attention network's skips run level past nothing; the nested network's long ones pass its columns."""
    drawn = {
        name: {arrow.get_linestyle() for arrow in architecture(models.build(name, (96, 96, 1))).axes[0].patches
               if isinstance(arrow, FancyArrowPatch)}
        for name in ("attention_resunet", "unetpp")
    }  # fmt: skip
    assert drawn["attention_resunet"] == {"solid"} and drawn["unetpp"] == {"solid", "dashed"}
