"""First weights are drawn by the rules that Keras has, and by NumPy."""

import keras
import numpy as np
import pytest
from keras import ops
from networks import NETWORKS
from scipy.stats import ks_2samp

from nervekit import models
from nervekit.models import first_weights


@pytest.mark.parametrize("layer", [keras.layers.Conv2D(64, 3), keras.layers.Conv2DTranspose(32, 2), keras.layers.Dense(128)])
@pytest.mark.parametrize("initializer", ["he_normal", "he_uniform", "glorot_uniform", "glorot_normal", "lecun_normal"])
def test_the_values_are_spread_as_those_of_keras(layer, initializer):
    keras.utils.set_random_seed(0)
    layer = type(layer).from_config(layer.get_config() | {"kernel_initializer": initializer})
    network = keras.Sequential([keras.Input((4, 4, 48)), layer])
    theirs = layer.get_weights()[0]
    first_weights.draw(network)
    ours = layer.get_weights()[0]
    assert not np.isclose(ours, theirs).all() and ours.dtype == np.float32
    assert ours.std() == pytest.approx(theirs.std(), rel=0.03)
    assert abs(ours).max() == pytest.approx(abs(theirs).max(), rel=0.02)
    assert ks_2samp(ours.ravel(), theirs.ravel()).pvalue > 1e-4


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_that_the_backend_drew_is_left(name, monkeypatch):
    def nothing(shape, *others, dtype=None, **named):
        return keras.ops.zeros(shape, dtype)

    for kind in ("truncated_normal", "normal", "uniform"):
        monkeypatch.setattr(keras.src.initializers.random_initializers.random, kind, nothing)
    network = models.build(name, NETWORKS[name][1])
    assert all(np.ptp(ops.convert_to_numpy(weight)) > 0 for weight in network.weights if weight.path.endswith("kernel"))
