"""Cross-entropy of a saturated sigmoid; that it teaches on every backend is tested in tests/models/test_backends.py."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import expit

from nervekit import models, saturation, training
from nervekit.errors import ConfigurationError

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
    network = models.build("huang_unet", (16, 16, 1), width=1)
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    training.compile_model(network)
    head = network.get_layer("mask")
    assert head.activation is saturation.sigmoid and head.get_config()["activation"] == "sigmoid"


def test_the_cross_entropy_by_name_is_ours_where_keras_does_not_see_logits(monkeypatch):
    network = models.build("nervekit_unet", (16, 16, 1), width=1, depth=2, presence=True)
    heads = [network.get_layer(name) for name in ("mask", "presence")]
    assert saturation.keep_teaching(network, "binary_crossentropy") == "binary_crossentropy"
    monkeypatch.setattr(keras.config, "backend", lambda: "torch")
    found = saturation.keep_teaching(network, {"mask": "mse", "presence": "bce"})
    assert found == {"mask": "mse", "presence": saturation.binary_crossentropy}
    assert [head.activation for head in heads] == [keras.activations.sigmoid, saturation.sigmoid]
    both = saturation.keep_teaching(network, "binary_crossentropy")
    assert both == dict.fromkeys(("mask", "presence"), saturation.binary_crossentropy)


def test_a_sequential_network_that_was_never_called_is_looked_at_too(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(1, 1, activation="sigmoid")])
    assert saturation.keep_teaching(network, "binary_crossentropy") is saturation.binary_crossentropy


@pytest.mark.parametrize("end", ["relu", "linear", None])
def test_an_output_that_ends_in_no_sigmoid_keeps_the_cross_entropy_of_keras(end, monkeypatch):
    """Of an answer above 1 or below 0 the slopes would not cancel: one over 1e-30 each."""
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    if end:
        network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(1, 1, activation=end)])
    else:
        network = models.build("attention_resunet", (16, 16, 1), width=2)
    assert saturation.keep_teaching(network, "binary_crossentropy") == "binary_crossentropy"


def test_a_sigmoid_in_bfloat16_still_learns_where_its_answer_is_exactly_one():
    """A false positive by a logit of 20: the gradient of a bias is the mean over pixels of the probability, 1, minus the truth."""
    head = keras.layers.Conv2D(1, 1, activation="sigmoid", dtype="mixed_bfloat16", bias_initializer=keras.initializers.Constant(20))
    network = keras.Sequential([keras.Input((8, 8, 1)), head])
    training.compile_model(network, optimizer=keras.optimizers.SGD(1.0), metrics=[])
    network.train_on_batch(np.zeros((2, 8, 8, 1), "uint8"), np.zeros((2, 8, 8, 1), bool))
    assert float(ops.convert_to_numpy(head.bias)[0]) == pytest.approx(19, abs=1e-3)


@pytest.mark.parametrize("form", [list, tuple])
def test_each_output_of_a_list_is_looked_at(form, monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    inputs = keras.Input((2,))
    outputs = form(keras.layers.Dense(1, activation)(inputs) for activation in ("sigmoid", "relu"))
    expected = [saturation.binary_crossentropy, "binary_crossentropy"]
    assert saturation.keep_teaching(keras.Model(inputs, outputs), "binary_crossentropy") == expected


def test_shapes_that_differ_are_not_stretched_to_one_another():
    with pytest.raises(ConfigurationError, match=r"shape \(4, 8, 8, 1\) and the answer \(4, 1\)"):
        saturation.binary_crossentropy(np.zeros((4, 8, 8, 1)), np.full((4, 1), 0.5))
