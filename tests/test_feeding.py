"""Every image once an epoch, in an order of its own, with its own mask."""

import keras
import numpy as np
import pytest
from keras import ops

from nervekit import feeding

ON_TENSORFLOW = keras.config.backend() == "tensorflow"
IMAGES = np.arange(11)
FED = {"epochs": 3, "batch_size": 4, "seed": 5}


def batches(fed):
    """What a network is fed, as arrays."""
    given = fed if ON_TENSORFLOW else (fed[number] for number in range(len(fed)))
    return [keras.tree.map_structure(ops.convert_to_numpy, batch) for batch in given]


def test_orders_are_permutations_that_seed_and_epoch_alone_decide():
    found = feeding.orders(11, 4, 5)
    assert np.array_equal(np.sort(found), np.tile(IMAGES, (4, 1)))
    assert len({tuple(order) for order in found}) == 4
    assert np.array_equal(found[:2], feeding.orders(11, 2, 5))
    assert not np.array_equal(found, feeding.orders(11, 4, 6))


def test_batches_hold_the_images_in_these_orders_each_with_its_targets():
    targets = {"mask": IMAGES * 2, "presence": IMAGES * 3}
    fed = batches(feeding.training_batches((IMAGES, IMAGES + 100), targets, **FED)["x"])
    assert [len(first) for (first, _), _ in fed] == [4, 4, 3] * 3
    seen = np.concatenate([first for (first, _), _ in fed])
    assert np.array_equal(seen.reshape(3, 11), feeding.orders(11, 3, 5))
    for (first, second), target in fed:
        assert np.array_equal(second, first + 100)
        assert np.array_equal(target["mask"], first * 2) and np.array_equal(target["presence"], first * 3)


def test_batches_keep_the_small_types_of_images_and_masks():
    ((image, mask),) = batches(feeding.in_order(np.zeros((2, 4, 4, 1), np.uint8), np.ones((2, 4, 4, 1), bool), batch_size=4)[0])
    assert (image.dtype, mask.dtype) == ("uint8", "bool")


def test_fit_shows_a_network_each_image_once_an_epoch():
    """A regression on one number that keeps what it was shown."""
    seen = []

    class Watching(keras.Model):
        def train_step(self, *given):
            seen.append(ops.convert_to_numpy(given[-1][0]))
            logs = {"loss": 0.0}
            return (logs, given[0]) if keras.config.backend() == "jax" else logs

    network = Watching(inputs := keras.Input((1,)), keras.layers.Dense(1)(inputs))
    network.compile(loss="mse", run_eagerly=True)
    network.fit(**feeding.training_batches(IMAGES[:, None], IMAGES, **FED), verbose=0)
    assert np.array_equal(np.concatenate(seen).reshape(3, 11), feeding.orders(11, 3, 5))


def test_evaluation_and_prediction_take_every_image_as_they_lie():
    network = keras.Sequential([keras.Input((1,)), keras.layers.Rescaling(2.0)])
    network.compile(loss="mse")
    images = IMAGES[:, None].astype("float32")
    assert np.array_equal(network.predict(*feeding.in_order(images, batch_size=4), verbose=0), images * 2)
    (fed,) = feeding.in_order(images, images * 2 + 1, batch_size=4)
    assert np.isclose(network.evaluate(fed, verbose=0), 1)
    given, masks = (np.concatenate(parts) for parts in zip(*batches(fed), strict=True))
    assert np.array_equal(given, images) and np.array_equal(masks, images * 2 + 1)


@pytest.mark.skipif(not ON_TENSORFLOW, reason="tf.data feeds TensorFlow alone")
def test_no_thread_tunes_batches_and_their_number_is_known():
    """A tuning thread is waited for at the end of each epoch, for as long again as the epoch took."""
    for fed, count in ((feeding.training_batches(IMAGES, IMAGES, **FED)["x"], 9),
                       (feeding.in_order(IMAGES, batch_size=4)[0], 3)):  # fmt: skip
        assert fed.options().autotune.enabled is False
        assert int(fed.cardinality()) == count


@pytest.mark.skipif(ON_TENSORFLOW, reason="on TensorFlow batches are gathered on the processor")
def test_images_are_sent_to_the_device_once_and_batches_gathered_there():
    fed = feeding.training_batches(IMAGES, {"mask": IMAGES * 2}, **FED)["x"]
    sent = keras.tree.flatten(fed.arrays)
    assert all(map(ops.is_tensor, sent)) and [len(array) for array in sent] == [11, 11]
    assert all(map(ops.is_tensor, keras.tree.flatten([fed[number] for number in range(len(fed))])))
