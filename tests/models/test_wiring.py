"""Which layer takes what, and where normalisation stands: no count, no shape and no set of layers sees it. Typed from the
papers' code and texts, stage by stage, not from the networks; the names alone are ours."""

from collections import Counter
from functools import cache
from itertools import pairwise

import keras
import pytest
from networks import NETWORKS

from nervekit import models

LEVELS = (4, 3, 2, 1)


def parts(step):
    return [step] if isinstance(step, str) else list(step)


def last(steps):
    return parts(steps[-1])[0]


def row(*steps):
    """What each layer takes: the one before it, and a joint, written (layer, *others), the others behind that."""
    return {parts(step)[0]: [parts(before)[0], *parts(step)[1:]] for before, step in pairwise(steps)}


def units(*names, then=("norm", "relu")):
    """Convolutions one after the other, each with what follows it."""
    return [layer for name in names for layer in (name, *(f"{name}_{part}" for part in then))]


def two(*then):
    return lambda place: units(f"{place}_conv_1", f"{place}_conv_2", then=then)


def u_net(first, stage, *, levels=LEVELS, down=("pool",), skip="", head=()):
    """Stages down to the bottleneck, and on the way up each behind [up, skip]; a skip is what its stage ends in, or `skip`."""
    steps = ["image", first]
    for level in reversed(levels):
        steps += [*stage(f"encoder_{level}"), *(f"encoder_{level}_{part}" for part in down)]
    steps += stage("bottleneck")
    for level in levels:
        place = f"decoder_{level}"
        taken = skip.format(level) if skip else last(stage(f"encoder_{level}"))
        steps += [f"{place}_up", (f"{place}_skip", taken), *stage(place)]
    return row(*steps, *head, "mask_logits", "mask")


def entries(first, down):
    """What the nine stages of a U-Net take."""
    below = {f"encoder_{level + 1}" if level < 4 else "bottleneck": f"encoder_{level}_{down}" for level in LEVELS}
    return {"encoder_1": first, **below, **{f"decoder_{level}": f"decoder_{level}_skip" for level in LEVELS}}


def inception_unet():
    """I(d): its branches are joined in the order 1, 2, 3, 4. R(d): a tenth of the normalised 1x1 convolution, plus the skip."""

    def block(place):
        others = [f"{place}_branch_{end}" for end in ("2_conv_3", "3_conv_3", "4_conv")]
        steps = [f"{place}_branch_1_conv", (f"{place}_concat", *others), f"{place}_norm", f"{place}_elu"]
        return steps if place.startswith("encoder") else [*steps, f"{place}_dropout"]

    down = ("down", "down_norm", "down_elu", "dropout")
    wires = u_net("standardize", block, down=down, skip="decoder_{}_refine_elu")
    for place, entry in entries("standardize", "dropout").items():
        for branch in (2, 3):
            conv = f"{place}_branch_{branch}_conv"
            wires |= row(entry, f"{conv}_1", f"{conv}_1_elu", f"{conv}_2", f"{conv}_2_norm", f"{conv}_2_elu", f"{conv}_3")
        wires |= row(entry, f"{place}_branch_4_pool", f"{place}_branch_4_conv")
    for level in LEVELS:
        skip, refine = f"encoder_{level}_elu", f"decoder_{level}_refine"
        steps = [f"{refine}_conv", f"{refine}_conv_norm", f"{refine}_tenth", (f"{refine}_add", skip), f"{refine}_elu"]
        wires |= row(skip, *steps)
    return wires | row("bottleneck_dropout", "presence_conv", "presence_flatten", "presence_logits", "presence")


def recurrent(place):
    """RR(f): s is `match`; t is s at first, and the third result h in the repetition. Convolutions take t, h + t, h + t."""
    s, h = f"{place}_match", f"{place}_conv_3_relu"
    steps = [s]
    for t, (first, *others) in ((s, (1, 2, 3)), (h, (4, 5, 6))):
        steps += units(f"{place}_conv_{first}")
        for number in others:
            steps += [(f"{place}_conv_{number}_feed", t), *units(f"{place}_conv_{number}")]
    return [*steps, (f"{place}_residual", s)]


def unetpp():
    """X(i, j) is unit_i_j. It takes [X(i + 1, j - 1) after its transposed convolution, X(i, 0), ..., X(i, j - 1)]."""

    def unit(i, j):
        return [f"unit_{i}_{j}_{part}" for part in ("conv_1", "dropout_1", "conv_2", "dropout_2")]

    wires = row("image", "standardize", *unit(0, 0)) | row(last(unit(0, 4)), "mask_logits", "mask")
    for i in range(1, 5):
        wires |= row(last(unit(i - 1, 0)), f"unit_{i - 1}_0_pool", *unit(i, 0))
        for j in range(1, 6 - i):
            level, before = f"unit_{i - 1}_{j}", [last(unit(i - 1, k)) for k in range(j)]
            wires |= row(last(unit(i, j - 1)), f"{level}_up", (f"{level}_skip", *before), *unit(i - 1, j))
    return wires


def attention_resunet():
    """Q(f): two convolutions and dropout, plus the shortcut. Gate and up-sampling take the coarser map x, theta the skip s."""

    def unit(place):
        return [*two("norm", "relu")(place), f"{place}_dropout", (f"{place}_residual", f"{place}_shortcut_norm")]

    wires = u_net("standardize", unit, skip="decoder_{}_attention_conv_norm")
    for place, entry in entries("standardize", "pool").items():
        wires |= row(entry, f"{place}_shortcut", f"{place}_shortcut_norm")
    for level in LEVELS:
        x = "bottleneck_residual" if level == 4 else f"decoder_{level + 1}_residual"
        s, place = f"encoder_{level}_residual", f"decoder_{level}_attention"
        steps = [*units(f"decoder_{level}_gate"), f"{place}_phi", f"{place}_phi_spread", (f"{place}_add", f"{place}_theta")]
        steps += [f"{place}_relu", f"{place}_weight", f"{place}_up", (f"{place}_multiply", s)]
        wires |= row(x, *steps, f"{place}_conv", f"{place}_conv_norm") | row(s, f"{place}_theta")
    return wires | row("mask_logits", "mask_norm", "mask")


def gulati_segnet():
    """Each un-pooling takes [what comes from below, the places that the pooling of its level found]."""
    wires, steps = {}, ["image", "standardize"]
    for level, count in ((1, 2), (2, 2), (3, 3), (4, 3), (5, 3)):
        stage = units(*(f"encoder_{level}_conv_{number}" for number in range(1, count + 1)))
        steps += [*stage, f"encoder_{level}_pool"]
        wires |= row(last(stage), f"encoder_{level}_places")
    for level, count in ((5, 3), (4, 3), (3, 3), (2, 2), (1, 1)):
        stage = units(*(f"decoder_{level}_conv_{number}" for number in range(1, count + 1)))
        steps += [(f"decoder_{level}_unpool", f"encoder_{level}_places"), *stage]
    return wires | row(*steps, "mask_logits", "mask")


def resnet34_unet():
    """The library's stages 1 to 4 are encoder_2 to encoder_5. The first BN of a stage that halves is named after the stage
    before, and gives that one's skip: encoder_4_norm_relu has 1/16 of the size."""
    wires = {"three_channels": ["image"] * 3}
    steps = ["three_channels", "encoder_1_norm_1", "encoder_1_conv_1_pad", "encoder_1_conv_1"]
    steps += ["encoder_1_norm_2", "encoder_1_norm_2_relu", "encoder_1_pool_pad", "encoder_1_pool"]
    for stage, count in ((2, 3), (3, 4), (4, 6), (5, 3)):
        for number in range(1, count + 1):
            unit = f"encoder_{stage}_unit_{number}"
            norm = f"encoder_{stage - 1}_norm" if stage > 2 and number == 1 else f"{unit}_norm_1"
            # of the first BN-ReLU in the first block of every stage, else what the block takes
            shortcut = f"{unit}_shortcut" if number == 1 else f"encoder_{stage}_unit_{number - 1}_residual"
            wires |= row(f"{norm}_relu", shortcut) if number == 1 else {}
            steps += [norm, f"{norm}_relu", f"{unit}_conv_1_pad", f"{unit}_conv_1", f"{unit}_norm_2", f"{unit}_norm_2_relu"]
            steps += [f"{unit}_conv_2_pad", f"{unit}_conv_2", (f"{unit}_residual", shortcut)]
    steps += ["encoder_5_norm", "encoder_5_norm_relu"]
    for level, skip in ((5, "4_norm_relu"), (4, "3_norm_relu"), (3, "2_norm_relu"), (2, "1_norm_2_relu")):
        place = f"decoder_{level}"
        steps += [f"{place}_up", (f"{place}_skip", f"encoder_{skip}"), *two("norm", "relu")(place)]
    return wires | row(*steps, "decoder_1_up", *two("norm", "relu")("decoder_1"), "mask_logits", "mask")


def double(depths, taps, *, second=("norm", "relu"), bottleneck=False, head=()):
    """VGG of these depths, tapped after these convolutions; the image times the first mask; K(f) ends in the excitation."""
    levels = range(len(taps), 0, -1)

    def convolutions(place):
        return [*units(f"{place}_conv_1"), *units(f"{place}_conv_2", then=second)]

    def block(place):
        steps = convolutions(place)
        return [*steps, f"{place}_squeeze", f"{place}_excite_1", f"{place}_excite_2", (f"{place}_excite", last(steps))]

    def pyramid(place):
        others = [f"{place}_conv_{far}_relu" for far in (1, 6, 12, 18)]
        mean = [f"{place}_mean", *units(f"{place}_mean_conv"), f"{place}_mean_up"]
        return [*mean, (f"{place}_concat", *others), *units(f"{place}_conv")]

    vgg = [[f"first_encoder_{number}_conv_{i}" for i in range(1, depth + 1)] for number, depth in enumerate(depths, 1)]
    skips = {level: f"first_encoder_{level}_conv_{tap}" for level, tap in enumerate(taps, 1)}
    steps = ["image", "standardize_each", ("three_channels", *["standardize_each"] * 2), *vgg[0]]
    for number, convs in enumerate(vgg[1:], 1):
        steps += [f"first_encoder_{number}_pool", *convs]
    steps += pyramid("first_aspp")
    for level in levels:
        place = f"first_decoder_{level}"
        steps += [f"{place}_up", (f"{place}_skip", skips[level]), *block(place)]
    steps += [*(f"output_1_{part}" for part in head), "output_1_logits", "output_1", ("multiply", "standardize_each")]
    for level in reversed(levels):
        steps += [*block(f"second_encoder_{level}"), f"second_encoder_{level}_pool"]
    steps += [*pyramid("second_aspp"), *(convolutions("second_bottleneck") if bottleneck else [])]
    for level in levels:
        place = f"second_decoder_{level}"
        steps += [f"{place}_up", (f"{place}_skip", skips[level], f"second_encoder_{level}_excite"), *block(place)]
    wires = row(*steps, *(f"output_2_{part}" for part in head), "output_2_logits", "output_2")
    for place, entry in (("first_aspp", last(vgg[-1])), ("second_aspp", f"second_encoder_{len(taps)}_pool")):
        for far in (1, 6, 12, 18):
            wires |= row(entry, *units(f"{place}_conv_{far}"))
    return wires


def light(place):
    return [*two("norm", "relu")(place), *(["bottleneck_dropout"] if place == "bottleneck" else [])]


WIRES = {
    "huang_unet": u_net("divide_by_255", two()),
    "belahsen_unet": u_net("standardize", two()),
    "inception_unet": inception_unet(),
    "r2unet": u_net("standardize", recurrent),
    "unetpp": unetpp(),
    "attention_resunet": attention_resunet(),
    "gulati_segnet": gulati_segnet(),
    "gulati_unet": u_net("standardize", two()),
    "resnet34_unet": resnet34_unet(),
    "melnic_unet": u_net("standardize_each", two("norm", "relu"), head=("mask_conv", "mask_conv_relu")),
    "lunet": u_net("standardize_each", light, levels=(3, 2, 1), head=("mask_conv", "mask_conv_relu")),
    "double_unet": double((2, 2, 4, 4, 4), (2, 2, 4, 4)),
    "dl_unet": double((2, 2, 4, 4), (2, 2, 4), bottleneck=True, head=("conv", "conv_relu")),
    "dl_unet_vgg16": double((2, 2, 4, 3), (2, 2, 3), second=("relu",), bottleneck=True, head=("conv", "conv_relu")),
    "shrivastava_unet": u_net("divide_by_255", two("norm", "relu")),
    "nervekit_unet": u_net("standardize_each", two("norm", "relu")),
}

# What the name of a joint ends in: its layer.
JOINTS = {
    "skip": "Concatenate", "concat": "Concatenate", "channels": "Concatenate", "feed": "Add", "residual": "Add", "add": "Add",
    "multiply": "Multiply", "excite": "Multiply", "unpool": "Unpooling",
}  # fmt: skip

# (what a normalisation takes, what takes it): how many. Networks that are not named have none.
NORMALISED = {
    # two of each of nine blocks and four steps down; the joint of each block; four refined skips
    "inception_unet": {("Conv2D", "elu"): 2 * 9 + 4, ("Concatenate", "elu"): 9, ("Conv2D", "Rescaling"): 4},
    # nine blocks of six
    "r2unet": {("Conv2D", "relu"): 54},
    # nine units of two, four gates, the head; nine shortcuts; four attended skips
    "attention_resunet": {("Conv2D", "relu"): 18 + 4 + 1, ("Conv2D", "Add"): 9, ("Conv2D", "Concatenate"): 4},
    # all convolutions but the last
    "gulati_segnet": {("Conv2D", "relu"): 25},
    # the image; the first of the first block; the first of fifteen blocks and the last of the encoder; the stem, the second of
    # sixteen blocks and two of five decoder stages
    "resnet34_unet": {
        ("Concatenate", "ZeroPadding2D"): 1, ("MaxPooling2D", "relu"): 1, ("Add", "relu"): 15 + 1,
        ("Conv2D", "relu"): 1 + 16 + 10,
    },
    # nine and seven stages of two
    "melnic_unet": {("Conv2D", "relu"): 18},
    "lunet": {("Conv2D", "relu"): 14},
    # two pyramids of six; twelve blocks of two; nine blocks and a bottleneck of two, or of one
    "double_unet": {("Conv2D", "relu"): 12 + 24},
    "dl_unet": {("Conv2D", "relu"): 12 + 18 + 2},
    "dl_unet_vgg16": {("Conv2D", "relu"): 12 + 9 + 1},
    "shrivastava_unet": {("Conv2D", "relu"): 18},
    "nervekit_unet": {("Conv2D", "LeakyReLU"): 18},
}  # fmt: skip


@pytest.fixture(scope="module")
def network():
    """Build each narrow network of the small input once; the recurrent one with normalisation, so that its place shows."""

    @cache
    def build(name):
        options = {"features": 16, "batch_norm": True} if name == "r2unet" else {"width": 16}
        return models.build(name, NETWORKS[name][1], **options)

    return build


def wiring(model):
    """Names of the layers whose outputs each layer takes, in their order."""
    return {
        layer.name: [tensor._keras_history.operation.name for tensor in keras.tree.flatten(layer.input)]
        for layer in model.layers
        if not isinstance(layer, keras.layers.InputLayer)
    }


def kind(layer):
    """The activation that a layer is or ends in, else its type."""
    activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return type(layer).__name__ if activation == "linear" else activation


@pytest.mark.parametrize("name", list(NETWORKS))
def test_each_layer_takes_what_it_takes_in_the_source(network, name):
    model = network(name)
    kinds = {layer.name: type(layer).__name__ for layer in model.layers}

    def comparable(wires):  # a sum and a product have no order
        return {layer: sorted(taken) if kinds.get(layer) in ("Add", "Multiply") else taken for layer, taken in wires.items()}

    found = wiring(model)
    assert comparable(found) == comparable(WIRES[name])
    joints = {(layer.rsplit("_", 1)[-1], kinds[layer]) for layer, taken in found.items() if len(taken) > 1}
    assert joints <= set(JOINTS.items())


@pytest.mark.parametrize("name", list(NETWORKS))
def test_normalisation_stands_between_a_convolution_and_its_activation_or_where_the_source_has_it(network, name):
    model = network(name)
    layers = {layer.name: layer for layer in model.layers}
    normalisations = (keras.layers.BatchNormalization, keras.layers.GroupNormalization)
    wires = wiring(model)
    found = Counter(
        (kind(layers[wires[taken][0]]), kind(layers[layer]))
        for layer, sources in wires.items()
        for taken in sources
        if isinstance(layers[taken], normalisations)
    )
    assert found == NORMALISED.get(name, {})


def test_the_residual_encoder_pads_all_four_sides_alike_before_it_halves(network):
    """A convolution of stride 2 with `same` pads an even size below and on the right more than above and on the left."""
    encoder = [layer for layer in network("resnet34_unet").layers if layer.name.startswith("encoder")]
    convolutions = {layer.name: layer for layer in encoder if isinstance(layer, keras.layers.Conv2D)}
    first_blocks = {f"encoder_{stage}_unit_1_{part}" for stage in (3, 4, 5) for part in ("conv_1", "shortcut")}
    halving = {"encoder_1_conv_1", *first_blocks}
    assert {name: layer.strides for name, layer in convolutions.items()} == {
        name: (2, 2) if name in halving else (1, 1) for name in convolutions
    }
    (pool,) = [layer for layer in encoder if isinstance(layer, keras.layers.MaxPooling2D)]
    assert (pool.pool_size, pool.strides) == ((3, 3), (2, 2))
    assert {layer.padding for layer in (pool, *convolutions.values())} == {"valid"}
    pads = {layer.name: layer.padding for layer in encoder if isinstance(layer, keras.layers.ZeroPadding2D)}
    assert pads == {name: ((3, 3), (3, 3)) if name == "encoder_1_conv_1_pad" else ((1, 1), (1, 1)) for name in pads}
