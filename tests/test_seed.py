"""A second training of one process begins as the first did, and finds its step as TensorFlow compiled it."""

import random

import keras
import numpy as np

from nervekit import training


def test_python_and_numpy_draw_the_same_again():
    drawn = []
    for seed in (5, 6, 5):
        training.set_seed(seed)
        drawn.append((random.random(), np.random.random()))
    assert drawn[0] == drawn[2] and drawn[0] != drawn[1]


def test_dropout_begins_anew_without_a_new_seed_of_the_backend():
    def build():
        return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Dropout(0.5), keras.layers.Conv2D(1, 1)])

    network = keras.Sequential([build()])
    network.compile("sgd", "mse")
    losses = []
    for seed in (1, 2, 1):
        training.reset(network, lambda: keras.Sequential([build()]), seed=seed)
        losses.append(network.train_on_batch(np.ones((4, 8, 8, 1), "float32"), np.zeros((4, 8, 8, 1), "float32")))
    assert losses[0] == losses[2] and losses[0] != losses[1]


def test_tensorflow_is_seeded_once_a_process_and_other_backends_each_time(monkeypatch):
    training.set_seed(1)
    seeds = []
    monkeypatch.setattr(keras.utils, "set_random_seed", seeds.append)
    training.set_seed(2)
    assert seeds == ([] if keras.config.backend() == "tensorflow" else [2])
