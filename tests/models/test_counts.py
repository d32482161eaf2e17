"""Parameter counts: totals, what is trained, stage by stage, and layer by layer."""

import csv
import math
from collections import Counter
from pathlib import Path

import pytest
from networks import NETWORKS, VARIANTS
from undrawn import undrawn  # noqa: F401

from nervekit import models

LEDGERS = {
    "A1_unet": ("belahsen_unet", {}),
    "A2_inception2head": ("inception_unet", {}),
    "A3_r2unet16": ("r2unet", {}),
    "A4_unetpp": ("unetpp", {}),
    "A5_attresunet": ("attention_resunet", {}),
    "B1_unet": ("melnic_unet", {}),
    "B2_lunet_bothBN": ("lunet", {}),
    "B3_dbunet": ("double_unet", {}),
    "B4_dlunet_vgg19": ("dl_unet", {}),
    "C1_keegil16": ("huang_unet", {}),
    "C2_keegil8": ("huang_unet", {"width": 8}),
    "D1_segnet": ("gulati_segnet", {}),
    "D3_sm_unet_resnet34": ("resnet34_unet", {}),
    "E1_manzatto": ("shrivastava_unet", {}),
}

STAGES = {
    "belahsen_unet": {
        "encoder_1": 9_568, "encoder_2": 55_424, "encoder_3": 221_440, "encoder_4": 885_248, "bottleneck": 3_539_968,
        "decoder_4": 524_544 + 1_769_984, "decoder_3": 131_200 + 442_624, "decoder_2": 32_832 + 110_720,
        "decoder_1": 8_224 + 27_712, "mask": 33,
    },
    "huang_unet": {
        "encoder_1": 2_480, "encoder_2": 13_888, "encoder_3": 55_424, "encoder_4": 221_440, "bottleneck": 885_248,
        "decoder_4": 131_200 + 442_624, "decoder_3": 32_832 + 110_720, "decoder_2": 8_224 + 27_712,
        "decoder_1": 2_064 + 6_944, "mask": 17,
    },
    "inception_unet": {
        "encoder_1": 1_764 + 9_376, "encoder_2": 8_068 + 37_184, "encoder_3": 31_176 + 148_096,
        "encoder_4": 122_512 + 591_104, "bottleneck": 485_664, "presence": 549, "decoder_4_refine": 66_816,
        "decoder_3_refine": 17_024, "decoder_2_refine": 4_416, "decoder_1_refine": 1_184,
        "decoder_4": 66_816 + 255_632, "decoder_3": 17_024 + 64_456, "decoder_2": 4_416 + 16_388,
        "decoder_1": 1_184 + 4_234, "mask": 33,
    },
    "r2unet": {
        "encoder_1": 13_952, "encoder_2": 56_032, "encoder_3": 223_680, "encoder_4": 893_824, "bottleneck": 3_573_504,
        "decoder_4": 934_784, "decoder_3": 233_920, "decoder_2": 58_592, "decoder_1": 14_704, "mask": 17,
    },
    "unetpp": {
        "unit_0_0": 9_568, "unit_1_0": 55_424, "unit_2_0": 221_440, "unit_3_0": 885_248, "unit_4_0": 3_539_968,
        "unit_0_1": 27_712 + 8_224, "unit_1_1": 110_720 + 32_832, "unit_2_1": 442_624 + 131_200,
        "unit_3_1": 1_769_984 + 524_544, "unit_0_2": 36_928 + 8_224, "unit_1_2": 147_584 + 32_832,
        "unit_2_2": 590_080 + 131_200, "unit_0_3": 46_144 + 8_224, "unit_1_3": 184_448 + 32_832,
        "unit_0_4": 55_360 + 8_224, "mask": 33,
    },
    "attention_resunet": {
        "encoder_1": 10_016, "encoder_2": 58_304, "encoder_3": 231_296, "encoder_4": 921_344, "bottleneck": 3_677_696,
        "decoder_4_gate": 132_352, "decoder_3_gate": 33_408, "decoder_2_gate": 8_512, "decoder_1_gate": 2_208,
        "decoder_4_attention": 985_345, "decoder_3_attention": 246_913, "decoder_2_attention": 62_017,
        "decoder_1_attention": 15_649, "decoder_4": 132_352 + 985_345 + 2_559_744,
        "decoder_3": 33_408 + 246_913 + 640_896, "decoder_2": 8_512 + 62_017 + 160_704,
        "decoder_1": 2_208 + 15_649 + 40_416, "mask": 37,
    },
    "melnic_unet": {
        "encoder_1": 9_824, "encoder_2": 55_936, "encoder_3": 222_464, "encoder_4": 887_296, "bottleneck": 3_544_064,
        "decoder_4": 2_361_856, "decoder_3": 591_104, "decoder_2": 148_096, "decoder_1": 37_184, "mask": 581,
    },
    "lunet": {
        "encoder_1": 9_824, "encoder_2": 55_936, "encoder_3": 222_464, "bottleneck": 887_296, "decoder_3": 591_104,
        "decoder_2": 148_096, "decoder_1": 37_184, "mask": 581,
    },
    "double_unet": {
        "first_encoder_1": 38_720, "first_encoder_2": 221_440, "first_encoder_3": 2_065_408,
        "first_encoder_4": 8_259_584, "first_encoder_5": 9_439_232, "first_aspp": 972_352,
        "first_decoder_4": 1_935_872, "first_decoder_3": 742_656, "first_decoder_2": 185_984,
        "first_decoder_1": 46_656, "output_1": 33, "second_encoder_1": 10_080, "second_encoder_2": 56_960,
        "second_encoder_3": 226_560, "second_encoder_4": 903_680, "second_aspp": 497_216,
        "second_decoder_4": 2_525_696, "second_decoder_3": 890_112, "second_decoder_2": 222_848,
        "second_decoder_1": 55_872, "output_2": 33,
    },
    "dl_unet": {
        "first_encoder": 10_585_152, "first_aspp": 972_352, "first_decoder_3": 521_472, "first_decoder_2": 185_984,
        "first_decoder_1": 46_656, "output_1": 581, "second_encoder_1": 10_080, "second_encoder_2": 56_960,
        "second_encoder_3": 226_560, "second_aspp": 259_648, "second_bottleneck": 739_840,
        "second_decoder_3": 890_112, "second_decoder_2": 222_848, "second_decoder_1": 55_872, "output_2": 581,
    },
    # Convolutions, and four numbers of batch normalisation for each of their feature maps.
    "gulati_segnet": {
        "encoder_1": 640 + 36_928 + 4 * 128, "encoder_2": 73_856 + 147_584 + 4 * 256,
        "encoder_3": 295_168 + 2 * 590_080 + 4 * 768, "encoder_4": 1_180_160 + 2 * 2_359_808 + 4 * 1536,
        "encoder_5": 3 * 2_359_808 + 4 * 1536, "encoder": 14_713_536 + 4 * 4_224,
        "decoder_5": 3 * 2_359_808 + 4 * 1536, "decoder_4": 2 * 2_359_808 + 1_179_904 + 4 * 1280,
        "decoder_3": 2 * 590_080 + 295_040 + 4 * 640, "decoder_2": 147_584 + 73_792 + 4 * 192,
        "decoder_1": 36_928 + 4 * 64, "mask": 577,
    },
    "gulati_unet": {
        "encoder_1": 9_568, "encoder_2": 55_424, "encoder_3": 221_440, "encoder_4": 885_248, "bottleneck": 3_539_968,
        "decoder_4": 524_544 + 1_769_984, "decoder_3": 131_200 + 442_624, "decoder_2": 32_832 + 110_720,
        "decoder_1": 8_224 + 27_712, "mask": 33,
    },
    # A unit is two convolutions, each behind batch normalisation; the first unit of a stage has a 1x1 shortcut, and
    # the normalisation before the next stage is counted to the stage whose result it takes.
    "resnet34_unet": {
        "encoder_1": 9 + 9_408 + 4 * 64, "encoder_2": 6 * 36_864 + 4_096 + 4 * 6 * 64 + 4 * 64,
        "encoder_3": 73_728 + 7 * 147_456 + 8_192 + 4 * 7 * 128 + 4 * 128,
        "encoder_4": 294_912 + 11 * 589_824 + 32_768 + 4 * 11 * 256 + 4 * 256,
        "encoder_5": 1_179_648 + 5 * 2_359_296 + 131_072 + 4 * 5 * 512 + 4 * 512,
        "decoder_5": 1_769_472 + 589_824 + 8 * 256, "decoder_4": 442_368 + 147_456 + 8 * 128,
        "decoder_3": 110_592 + 36_864 + 8 * 64, "decoder_2": 36_864 + 9_216 + 8 * 32,
        "decoder_1": 4_608 + 2_304 + 8 * 16, "mask": 145,
    },
    # Two convolutions without bias and two numbers of normalisation for each of their feature maps; on the way up
    # also the 2x2 transposed convolution with its bias.
    "nervekit_unet": {
        "encoder_1": 144 + 2_304 + 4 * 16, "encoder_2": 4_608 + 9_216 + 4 * 32, "encoder_3": 18_432 + 36_864 + 4 * 64,
        "encoder_4": 73_728 + 147_456 + 4 * 128, "bottleneck": 294_912 + 589_824 + 4 * 256,
        "decoder_4": 131_200 + 294_912 + 147_456 + 4 * 128, "decoder_3": 32_832 + 73_728 + 36_864 + 4 * 64,
        "decoder_2": 8_224 + 18_432 + 9_216 + 4 * 32, "decoder_1": 2_064 + 4_608 + 2_304 + 4 * 16, "mask": 17,
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def network():
    """Build each network at the paper's size once, on demand."""
    built = {}

    def build(name, input_shape=None, **options):
        key = (name, input_shape, *sorted(options.items()))
        if key not in built:
            built[key] = models.build(name, input_shape or NETWORKS[name][0], **options)
        return built[key]

    return build


def count(weights):
    return sum(math.prod(weight.shape) for weight in weights)


def test_every_network_is_listed():
    assert models.names() == sorted(NETWORKS)


@pytest.mark.parametrize("name", list(NETWORKS))
def test_the_paper_s_network_has_its_count(network, name):
    _, _, total, trainable = NETWORKS[name]
    model = network(name)
    assert model.count_params() == total
    assert count(model.trainable_weights) == trainable
    assert count(model.non_trainable_weights) == total - trainable


@pytest.mark.parametrize("name, input_shape, options, total, trainable", VARIANTS)
def test_each_variant_has_its_count(name, input_shape, options, total, trainable):
    model = models.build(name, input_shape, **options)
    assert model.count_params() == total
    assert trainable is None or count(model.trainable_weights) == trainable


@pytest.mark.parametrize("name", list(STAGES))
def test_each_stage_has_its_count(network, name):
    model = network(name)
    found = {
        stage: sum(layer.count_params() for layer in model.layers if f"{layer.name}_".startswith(f"{stage}_"))
        for stage in STAGES[name]
    }
    assert found == STAGES[name]


@pytest.mark.parametrize("name", ["gulati_segnet", "gulati_unet", "resnet34_unet", "nervekit_unet"])
def test_the_stages_are_the_whole_network(name):
    stages = {stage: number for stage, number in STAGES[name].items() if stage != "encoder"}
    assert sum(stages.values()) == NETWORKS[name][2]


def test_the_encoder_of_segnet_is_that_of_vgg16(network):
    """Without normalisation, for colour: 14,714,688, as in the published VGG16 without its dense layers."""
    model = network("gulati_segnet", (96, 96, 3), batch_norm=False)
    encoder = [layer for layer in model.layers if layer.name.startswith("encoder") and layer.weights]
    assert len(encoder) == 13 and sum(layer.count_params() for layer in encoder) == 14_714_688


@pytest.mark.parametrize("ledger", list(LEDGERS))
def test_layers_are_those_of_the_ledger(network, ledger):
    name, options = LEDGERS[ledger]
    with open(Path(__file__).parent / "ledgers" / f"{ledger}.tsv") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    expected = Counter((row["type"], row["out_shape"], row["kernel"], int(row["params"])) for row in rows)
    found = Counter(described(layer) for layer in network(name, **options).layers if layer.weights)
    assert found == expected
    assert sum(found.values()) == len(rows)


def described(layer):
    kernel = getattr(layer, "kernel", None)
    shape = layer.moving_mean.shape if kernel is None else kernel.shape
    shapes = ("x".join(map(str, shape)) for shape in (layer.output.shape[1:], shape))
    return type(layer).__name__, *shapes, layer.count_params()
