"""Cross-entropy of a saturated sigmoid; that it teaches on every backend is tested in tests/models/test_backends.py."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import expit

from nervekit import models, saturation, training

LOGITS = np.linspace(-80, 80, 33, dtype="float32")


def test_the_sigmoid_is_the_logistic_function():
    found = ops.convert_to_numpy(saturation.sigmoid(ops.convert_to_tensor(LOGITS)))
    np.testing.assert_allclose(found, expit(LOGITS.astype(float)), rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize("truth", [0.0, 0.3, 1.0])
def test_the_loss_is_the_cross_entropy_of_the_logits(truth):
    """Up to logits of 16; beyond, float32 holds no probability between that and 1, but those near 0 go on."""
    logits = LOGITS[(LOGITS > -68) & (LOGITS < 16)] if truth else LOGITS[LOGITS < 16]
    expected = np.logaddexp(0, logits.astype(float)) - truth * logits
    found = saturation.binary_crossentropy(np.full((len(logits), 1), truth), expit(logits)[:, None])
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, rtol=0.05, atol=1e-6)


def test_a_network_is_saved_with_the_sigmoid_of_keras(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    head = models.build("huang_unet", (16, 16, 1), width=1).get_layer("mask")
    assert head.activation is saturation.sigmoid and head.get_config()["activation"] == "sigmoid"


def test_the_cross_entropy_by_name_is_ours_where_keras_does_not_see_logits(monkeypatch):
    network = models.build("huang_unet", (16, 16, 1), width=1)
    assert training.compile_model(network).loss == "binary_crossentropy"
    monkeypatch.setattr(keras.config, "backend", lambda: "torch")
    assert saturation.of_this_backend("binary_crossentropy") is saturation.binary_crossentropy
    found = saturation.of_this_backend({"mask": "mse", "presence": "binary_crossentropy"})
    assert found == {"mask": "mse", "presence": saturation.binary_crossentropy}
