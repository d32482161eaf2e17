"""Taking weights over from one network to another."""

import numpy as np
import pytest

from nervekit import models
from nervekit.errors import ConfigurationError
from nervekit.transfer import transfer


@pytest.fixture
def bone():
    return models.build("shrivastava_unet", (32, 32, 1), width=2)


def weights(model, name):
    return model.get_layer(name).get_weights()


def equal(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_network_of_the_same_kind_gives_the_same_output_afterwards(bone):
    liver = models.build("shrivastava_unet", (64, 64, 1), width=2)
    report = transfer(bone, liver)
    assert equal(bone.get_weights(), liver.get_weights())
    assert len(report.copied) == 41 and not report.left and not report.frozen
    assert len(liver.trainable_weights) == len(bone.trainable_weights)


def test_what_differs_is_left_and_said_with_its_reason(bone):
    other = models.build("shrivastava_unet", (32, 32, 3), width=2, batch_norm=False)
    before = weights(other, "encoder_1_conv_1")
    report = transfer(bone, other)
    assert report.left == {"encoder_1_conv_1": "other shapes, (3, 3, 1, 2) for (3, 3, 3, 2)"}
    assert equal(weights(other, "encoder_1_conv_1"), before)
    assert equal(weights(other, "encoder_2_conv_1"), weights(bone, "encoder_2_conv_1"))
    assert "encoder_1_conv_1: other shapes" in str(report)
    back = transfer(other, bone)
    assert back.left["encoder_1_conv_1_norm"] == "not in shrivastava_unet" and not back.unused


def test_layers_that_only_the_giving_network_has_are_said_too(bone):
    """Two of batch normalisation in each of nine stages."""
    plain = models.build("shrivastava_unet", (32, 32, 1), width=2, batch_norm=False)
    report = transfer(bone, plain)
    assert report.unused == tuple(layer.name for layer in bone.layers if layer.name.endswith("_norm"))
    lines = str(report).splitlines()
    assert lines[0] == "23 layers copied, 0 left, 0 frozen by this call, 18 unused" and len(lines) == 19
    assert "  encoder_1_conv_1_norm: unused, in the giving network alone" in lines
    assert str(transfer(plain, plain)) == "23 layers copied, 0 left, 0 frozen by this call"


def test_frozen_layers_do_not_change_in_training_and_others_do(bone):
    liver = models.build("shrivastava_unet", (32, 32, 1), width=2)
    report = transfer(bone, liver, freeze=["encoder", "bottleneck"])
    assert len(report.frozen) == 20
    liver.compile("sgd", "binary_crossentropy", run_eagerly=True)
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 1))
    liver.fit(images, images > 128, verbose=0)
    assert equal(weights(liver, "encoder_1_conv_1"), weights(bone, "encoder_1_conv_1"))
    assert equal(weights(liver, "encoder_1_conv_1_norm"), weights(bone, "encoder_1_conv_1_norm"))
    assert not equal(weights(liver, "decoder_1_conv_1"), weights(bone, "decoder_1_conv_1"))


def test_nothing_is_frozen_where_that_is_asked_for(bone):
    assert not transfer(bone, models.build("shrivastava_unet", (32, 32, 1), width=2), freeze=False).frozen


def test_what_a_call_before_froze_stays_frozen_and_is_not_said_to_be_of_this_one(bone):
    liver = models.build("shrivastava_unet", (32, 32, 1), width=2)
    assert str(transfer(bone, liver, freeze=True)) == "41 layers copied, 0 left, 41 frozen by this call"
    for freeze in ((), True, "encoder"):
        assert str(transfer(bone, liver, freeze=freeze)) == "41 layers copied, 0 left, 0 frozen by this call"
    assert not liver.trainable_weights


def test_everything_copied_can_be_frozen(bone):
    liver = models.build("shrivastava_unet", (32, 32, 3), width=2)
    report = transfer(bone, liver, freeze=True)
    assert report.frozen == report.copied
    assert [weight.path for weight in liver.trainable_weights] == [
        "encoder_1_conv_1/kernel", "encoder_1_conv_1/bias",
    ]  # fmt: skip


def test_what_was_not_copied_is_never_frozen(bone):
    liver = models.build("shrivastava_unet", (32, 32, 3), width=2)
    report = transfer(bone, liver, freeze="encoder")
    assert "encoder_1_conv_1" in report.left and "encoder_1_conv_1" not in report.frozen
    assert liver.get_layer("encoder_1_conv_1").trainable and not liver.get_layer("encoder_1_conv_2").trainable


def test_networks_without_a_common_layer_are_refused(bone):
    nested = models.build("unetpp", (32, 32, 1), columns=1, deep_supervision=True)
    with pytest.raises(ConfigurationError, match="nothing to take over"):
        transfer(bone, nested)


def test_a_single_beginning_may_be_given_alone(bone):
    one, other = (models.build("shrivastava_unet", (32, 32, 1), width=2) for _ in range(2))
    assert transfer(bone, one, freeze="encoder").frozen == transfer(bone, other, freeze=["encoder"]).frozen != ()


def test_freezing_only_what_could_not_be_copied_is_refused(bone):
    liver = models.build("huang_unet", (32, 32, 3), width=bone.get_layer("encoder_1_conv_1").filters)
    assert transfer(bone, liver).left.keys() == {"encoder_1_conv_1"}
    with pytest.raises(ConfigurationError, match="'encoder_1_conv_1' fits no layer of huang_unet that takes over weights"):
        transfer(bone, liver, freeze="encoder_1_conv_1")


def test_an_unknown_layer_to_freeze_is_refused_before_anything_changes(bone):
    liver = models.build("shrivastava_unet", (32, 32, 1), width=2)
    before = liver.get_weights()
    with pytest.raises(ConfigurationError, match="'coder' fits no layer"):
        transfer(bone, liver, freeze=["encoder", "coder"])
    assert equal(before, liver.get_weights()) and liver.get_layer("encoder_1_conv_1").trainable
