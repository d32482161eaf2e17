"""Building and training alike: losses, weights and outputs of the five networks at a tiny size."""

import numpy as np
import pytest

from nervekit import models, networks_belahsen
from nervekit.data import SegmentationDataset
from nervekit.errors import ConfigurationError
from nervekit.losses import CrossEntropyDiceLoss, DiceLoss

SETTINGS = {
    "image_size": (32, 32), "inception_image_size": (32, 32), "loss": "negative Dice of the batch", "presence_weight": 0.5,
    "norm_momentum": 0.9,
    "inception_width": 16, "inception_dropout": 0.0, "inception_learning_rate": 0.01,
}  # fmt: skip


@pytest.fixture(scope="module")
def dataset():
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 1), dtype=np.uint8)
    masks = np.zeros((8, 32, 32), bool)
    masks[:4, 8:20, 8:20] = True
    return SegmentationDataset("own", images, masks, np.arange(8).astype(str), np.array(list("aabbccdd")))


def test_two_headed_network_trains_on_masks_and_presence(dataset):
    network = networks_belahsen.compiled("inception", SETTINGS, dataset)
    network.run_eagerly = True  # one step; compiling it would take longer
    layer = network.get_layer("standardize")
    assert np.isclose(layer.scale, 1 / dataset.images.std()) and np.isclose(layer.offset, -dataset.images.mean() / dataset.images.std())
    history = networks_belahsen.train(network, dataset, dataset, epochs=1, batch_size=8, patience=1)
    assert {"loss", "val_loss", "pooled_iou", "val_pooled_iou"} <= set(history.curves)
    masks, head = networks_belahsen.outputs(network, dataset.images)
    assert masks.shape == (8, 32, 32) and head.shape == (8,)
    assert 0 <= min(masks.min(), head.min()) and max(masks.max(), head.max()) <= 1


def test_loss_is_negative_dice_plus_half_the_cross_entropy(dataset):
    network = networks_belahsen.compiled("inception", SETTINGS, dataset)
    network.run_eagerly = True
    masks, head = networks_belahsen.outputs(network, dataset.images)
    truth = dataset.masks.any(axis=(1, 2))
    dice = (2 * masks[dataset.masks].sum() + 1) / (dataset.masks.sum() + masks.sum() + 1)
    cross_entropy = -np.mean(np.log(np.where(truth, head, 1 - head)))
    compared = {"mask": dataset.masks[..., None], "presence": truth[:, None]}
    found = network.evaluate(dataset.images, compared, batch_size=8, verbose=0, return_dict=True)["loss"]
    assert found == pytest.approx(-dice + 0.5 * cross_entropy, abs=2e-3)


@pytest.mark.parametrize(
    ("changed", "kind"), [({}, DiceLoss), ({"unet_loss": "cross-entropy + Dice"}, CrossEntropyDiceLoss)]
)
def test_a_loss_that_a_profile_changes_is_taken(dataset, changed, kind):
    settings = SETTINGS | {"unet_width": 4, "unet_learning_rate": 0.001} | changed
    assert isinstance(networks_belahsen.compiled("unet", settings, dataset).loss, kind)


def test_batch_normalization_follows_the_training_images_as_fast_as_the_settings_say(dataset):
    network = networks_belahsen.compiled("inception", SETTINGS | {"norm_momentum": 0.8}, dataset)
    assert {layer.momentum for layer in network.layers if "norm" in layer.name} == {0.8}


@pytest.mark.parametrize(("first", "bias"), [("share", np.log(576 / (8 * 32 * 32 - 576))), (0.5, 0.0)])
def test_a_network_with_cross_entropy_begins_at_the_share_of_the_nerve(dataset, first, bias):
    changed = {"unet_width": 4, "unet_learning_rate": 0.001, "unet_loss": "cross-entropy + Dice", "first_output": first}
    network = networks_belahsen.compiled("unet", SETTINGS | changed, dataset)
    assert float(network.get_layer("mask_logits").bias[0]) == pytest.approx(bias, abs=1e-4)


def test_training_stops_where_it_gets_no_better_and_keeps_its_best_weights(dataset):
    """A learning rate that ruins the network after its first steps."""
    settings = SETTINGS | {"unet_width": 4, "unet_learning_rate": 0.02, "unet_loss": "cross-entropy + Dice"}
    network = networks_belahsen.compiled("unet", settings, dataset)
    found = networks_belahsen.train(network, dataset, dataset, epochs=40, batch_size=4, patience=1).curves["val_loss"]
    assert len(found) < 40 and found[-1] > min(found)
    kept = network.evaluate(dataset.images, dataset.masks[..., None], batch_size=4, verbose=0, return_dict=True)["loss"]
    assert kept == pytest.approx(min(found), abs=1e-3)


def test_outputs_do_not_depend_on_how_images_are_dealt_to_batches(dataset, monkeypatch):
    network = networks_belahsen.compiled("inception", SETTINGS, dataset)
    # A new network says nearly the same of any noise; answers that went to other images would not show.
    layer = network.get_layer("presence_logits")
    kernel, bias = layer.get_weights()
    _, head = networks_belahsen.outputs(network, dataset.images)
    logits = np.log(head / (1 - head))
    layer.set_weights([0.2 / logits.std() * kernel, 0.2 / logits.std() * (bias - logits.mean())])
    whole = networks_belahsen.outputs(network, dataset.images)
    assert np.ptp(whole[1]) > 0.05
    monkeypatch.setattr(networks_belahsen, "LARGE", 3)
    for dealt, at_once in zip(networks_belahsen.outputs(network, dataset.images), whole, strict=True):
        np.testing.assert_allclose(dealt, at_once, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "full"), [("inception_unet", 1_865_645), ("unetpp", 9_041_601), ("attention_resunet", 9_786_857)]
)
def test_half_the_width_has_about_a_quarter_of_the_parameters(name, full):
    """`full` is the count at 32 x 32 pixels, where the presence head weighs 4 places in place of 35."""
    assert 0.24 < models.build(name, (32, 32, 1), width=16).count_params() / full < 0.27


def test_inception_width_is_a_multiple_of_16():
    with pytest.raises(ConfigurationError, match="multiple of 16"):
        models.build("inception_unet", (32, 32, 1), width=24)
