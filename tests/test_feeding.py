"""Every image once an epoch, in an order of its own, with its own mask."""

import keras
import numpy as np
import pytest

from nervekit import feeding

on_tensorflow = pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="tf.data feeds TensorFlow alone")
IMAGES = np.arange(11)
FED = {"epochs": 3, "batch_size": 4, "seed": 5}


def test_orders_are_permutations_that_seed_and_epoch_alone_decide():
    found = feeding.orders(11, 4, 5)
    assert np.array_equal(np.sort(found), np.tile(IMAGES, (4, 1)))
    assert len({tuple(order) for order in found}) == 4
    assert np.array_equal(found[:2], feeding.orders(11, 2, 5))
    assert not np.array_equal(found, feeding.orders(11, 4, 6))


@on_tensorflow
def test_batches_hold_the_images_in_these_orders_each_with_its_targets():
    targets = {"mask": IMAGES * 2, "presence": IMAGES * 3}
    fed = feeding.training_batches((IMAGES, IMAGES + 100), targets, **FED)
    batches = list(fed["x"].as_numpy_iterator())
    assert [len(first) for (first, _), _ in batches] == [4, 4, 3] * 3
    seen = np.concatenate([first for (first, _), _ in batches])
    assert np.array_equal(seen.reshape(3, 11), feeding.orders(11, 3, 5))
    for (first, second), target in batches:
        assert np.array_equal(second, first + 100)
        assert np.array_equal(target["mask"], first * 2) and np.array_equal(target["presence"], first * 3)


@on_tensorflow
def test_fit_shows_a_network_each_image_once_an_epoch():
    """A regression on one number that keeps what it was shown."""
    seen = []

    class Watching(keras.Model):
        def train_step(self, data):
            seen.append(data[0].numpy())
            return {"loss": 0.0}

    network = Watching(inputs := keras.Input((1,)), keras.layers.Dense(1)(inputs))
    network.compile(loss="mse", run_eagerly=True)
    network.fit(**feeding.training_batches(IMAGES[:, None], IMAGES, **FED), verbose=0)
    assert np.array_equal(np.concatenate(seen).reshape(3, 11), feeding.orders(11, 3, 5))


@on_tensorflow
def test_no_thread_tunes_batches_and_their_number_is_known():
    """A tuning thread is waited for at the end of each epoch, for as long again as the epoch took."""
    for fed, count in ((feeding.training_batches(IMAGES, IMAGES, **FED)["x"], 9),
                       (feeding.in_order(IMAGES, batch_size=4)[0], 3)):  # fmt: skip
        assert fed.options().autotune.enabled is False
        assert int(fed.cardinality()) == count


@on_tensorflow
def test_prediction_takes_the_images_as_they_lie():
    (fed,) = feeding.in_order(IMAGES, IMAGES * 2, batch_size=4)
    images, masks = (np.concatenate(parts) for parts in zip(*fed.as_numpy_iterator(), strict=True))
    assert np.array_equal(images, IMAGES) and np.array_equal(masks, IMAGES * 2)


def test_other_backends_take_the_arrays_themselves(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    fed = feeding.training_batches(IMAGES, IMAGES * 2, **FED)
    assert fed["x"] is IMAGES and np.array_equal(fed["y"], IMAGES * 2)
    assert fed["batch_size"] == 4 and fed["epochs"] == 3
    (given,) = feeding.in_order(IMAGES, batch_size=4)
    assert given is IMAGES
