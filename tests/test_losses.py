"""Losses against their closed forms in NumPy, and what Keras does with them."""

import keras
import numpy as np
import pytest
from keras import ops

from nervekit import metrics
from nervekit.errors import DataError
from nervekit.losses import CrossEntropyDiceLoss, DiceLoss, at_size, dice_coefficient


@pytest.fixture
def batch():
    random = np.random.default_rng(0)
    return random.random((3, 6, 5, 1)) < 0.3, random.uniform(0.02, 0.98, (3, 6, 5, 1)).astype("float32")


def closed_dice(y_true, y_pred, smooth):
    return (2 * (y_true * y_pred).sum() + smooth) / (y_true.sum() + y_pred.sum() + smooth)


def closed_cross_entropy(y_true, y_pred):
    return -np.mean(np.where(y_true, np.log(y_pred), np.log(1 - y_pred)))


def number(tensor):
    return float(ops.convert_to_numpy(tensor))


@pytest.mark.parametrize("smooth", [1.0, 1e-7, 10.0])
def test_dice_loss_is_the_closed_form_over_the_whole_batch(batch, smooth):
    expected = closed_dice(*batch, smooth)
    assert number(dice_coefficient(*batch, smooth)) == pytest.approx(expected, rel=1e-6)
    assert number(DiceLoss(smooth)(*batch)) == pytest.approx(1 - expected, rel=1e-6)
    assert number(DiceLoss(smooth, offset=0.0)(*batch)) == pytest.approx(-expected, rel=1e-6)


def test_cross_entropy_dice_loss_is_the_sum_of_both(batch):
    expected = closed_cross_entropy(*batch) + 1 - closed_dice(*batch, 1e-7)
    assert number(CrossEntropyDiceLoss()(*batch)) == pytest.approx(expected, rel=1e-5)


def test_dice_of_binary_masks_is_the_pooled_metric(batch):
    y_true, y_pred = batch[0][..., 0], batch[1][..., 0] > 0.5
    assert number(dice_coefficient(y_true, y_pred, 0.0)) == pytest.approx(metrics.pooled_dice(y_true, y_pred))


def test_empty_masks_have_no_loss():
    empty = np.zeros((2, 4, 4, 1), "float32")
    assert number(DiceLoss()(empty, empty)) == 0
    assert number(CrossEntropyDiceLoss()(empty, empty)) == pytest.approx(0, abs=1e-6)


def test_masks_with_and_without_a_channel_axis_agree(batch):
    y_true, y_pred = batch
    assert number(DiceLoss()(y_true[..., 0], y_pred)) == number(DiceLoss()(y_true, y_pred))
    assert number(CrossEntropyDiceLoss()(y_true[..., 0], y_pred)) == number(CrossEntropyDiceLoss()(y_true, y_pred))


@pytest.mark.parametrize("loss", [DiceLoss(), CrossEntropyDiceLoss()])
def test_sums_are_taken_in_float32_for_half_precision_predictions(loss):
    y_true = np.ones((4, 200, 200, 1), bool)
    y_pred = ops.full((4, 200, 200, 1), 0.5, dtype="float16")  # the sum, 80,000, is above float16's largest
    expected = number(loss(y_true, np.full(y_true.shape, 0.5, "float32")))
    assert number(loss(y_true, y_pred)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("loss", [DiceLoss(), CrossEntropyDiceLoss()])
def test_an_image_of_weight_zero_is_left_out_of_dice_and_counts_as_zero_in_the_mean_of_the_cross_entropy(batch, loss):
    y_true, y_pred = batch
    weighted = number(loss(y_true, y_pred, sample_weight=np.array([1, 1, 0])))
    dice = closed_dice(y_true[:2], y_pred[:2], loss.smooth)
    cross_entropy = closed_cross_entropy(y_true[:2], y_pred[:2]) * 2 / 3 if loss.smooth < 1 else 0
    assert weighted == pytest.approx(1 - dice + cross_entropy, rel=1e-5)


@pytest.mark.parametrize("loss", [DiceLoss(0.5, offset=0.0), CrossEntropyDiceLoss(0.25)])
def test_losses_survive_serialisation(batch, loss):
    restored = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(restored) is type(loss) and restored.get_config() == loss.get_config()
    assert number(restored(*batch)) == number(loss(*batch))


@pytest.mark.parametrize("loss", [DiceLoss(), CrossEntropyDiceLoss()])
def test_training_on_a_loss_lowers_it_and_the_saved_model_keeps_it(tmp_path, loss):
    keras.utils.set_random_seed(0)
    images = np.random.default_rng(0).normal(size=(4, 8, 8, 1)).astype("float32")
    masks = images > 0
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(1, 1, activation="sigmoid")])
    model.compile("sgd", loss)
    model.optimizer.learning_rate = 0.5
    history = model.fit(images, masks, epochs=20, batch_size=4, verbose=0).history["loss"]
    assert history[-1] < 0.8 * history[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.loss.get_config() == loss.get_config()


def test_a_coarse_pixel_belongs_to_the_region_if_half_of_it_does():
    mask = np.zeros((1, 4, 4, 1), bool)
    mask[0, 0, :2] = mask[0, 2, 0] = True
    mask[0, :, 3] = True
    halved = ops.convert_to_numpy(at_size(mask, 2, 2))
    assert halved.dtype == bool and halved[0, ..., 0].tolist() == [[True, True], [False, True]]
    assert ops.convert_to_numpy(at_size(mask, 1, 1)).item() is False  # 7 of 16


def test_masks_at_a_coarser_scale_are_the_closed_form():
    masks = np.random.default_rng(3).random((3, 12, 8, 1)) < 0.5
    shares = masks.reshape(3, 4, 3, 4, 2).mean(axis=(2, 4))
    assert np.array_equal(ops.convert_to_numpy(at_size(masks, 4, 4))[..., 0], shares >= 0.5)
    assert np.array_equal(ops.convert_to_numpy(at_size(masks, 12, 8)), masks)


def test_masks_of_255_are_masks_at_every_scale():
    mask = np.array([[255, 0], [0, 0]], "uint8")[None, :, :, None]
    assert ops.convert_to_numpy(at_size(mask, 1, 1)).item() is False  # a quarter
    assert ops.convert_to_numpy(at_size(mask, 1, 2)).ravel().tolist() == [True, False]


def test_a_scale_that_does_not_divide_the_masks_is_refused():
    with pytest.raises(DataError, match="whole multiples of 3 and 4"):
        at_size(np.zeros((1, 8, 8, 1)), 3, 4)
    with pytest.raises(DataError, match="whole multiples of 5 and 8"):
        at_size(np.zeros((1, 8, 8, 1)), 5, 8)
