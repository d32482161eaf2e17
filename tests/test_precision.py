"""In bfloat16 the gradients are those of float32, to rounding."""

import inspect
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from nervekit import models, precision, processor, training
from nervekit.data import SegmentationDataset

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.skipif(
    keras.config.backend() != "tensorflow" or precision.has_gpu(), reason="only TensorFlow on processors is mended"
)


@pytest.fixture(autouse=True)
def bfloat16():
    precision.set_precision("bfloat16")
    precision.sum_bias_gradients_in_float32()
    yield
    precision.set_precision("float32")


@pytest.mark.parametrize(("shape", "data_format"), [((8, 64, 64, 3), None), ((8, 3, 64, 64), "NCHW"), ((9000, 3), "NHWC")])
def test_the_gradient_of_a_bias_is_the_sum_over_pixels(shape, data_format):
    bias = tf.Variable([1.0, 2.0, 3.0])
    # every pixel adds 1/64, which no longer changes a sum in bfloat16 that has reached 4
    with tf.GradientTape() as tape:
        added = tf.nn.bias_add(tf.zeros(shape, "bfloat16"), tf.cast(bias, "bfloat16"), data_format=data_format)
        loss = tf.reduce_sum(tf.cast(added, "float32")) / 64
    expected = np.prod(shape) / 3 / 64
    np.testing.assert_allclose(tape.gradient(loss, bias), expected, rtol=0.01)
    axis = 1 if data_format == "NCHW" else -1
    assert np.moveaxis(np.array(tf.cast(added, "float32")), axis, -1).reshape(-1, 3)[0].tolist() == [1, 2, 3]


def gradients(network, images, masks, graph):
    def of_loss(images, masks):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(keras.losses.binary_crossentropy(masks, network(images, training=True)))
        return tape.gradient(loss, [weight.value for weight in network.trainable_variables])

    return [np.array(one) for one in (tf.function(of_loss) if graph else of_loss)(images, masks)]


@pytest.mark.parametrize(("name", "graph"), [("huang_unet", True), ("huang_unet", False), ("belahsen_unet", True)])
def test_gradients_of_a_network_agree_with_those_of_float32(name, graph):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (4, 96, 96, 1), "uint8")
    masks = (random.random((4, 96, 96, 1)) < 0.1).astype("float32")
    options = {"width": 8} if name == "huang_unet" else {}
    keras.utils.set_random_seed(0)
    network = models.build(name, (96, 96, 1), **options)
    precision.set_precision("float32")
    exact = models.build(name, (96, 96, 1), **options)
    exact.set_weights(network.get_weights())
    both = (gradients(model, images, masks, graph) for model in (network, exact))
    found = zip(exact.trainable_variables, *both, strict=True)
    off = {weight.path: np.linalg.norm(one - other) / np.linalg.norm(other) for weight, one, other in found}
    # rounding moves the deepest layers by up to 0.15; sums in bfloat16 take 0.9 off a bias of the finest
    assert max(off.values()) < 0.3, max(off, key=off.get)


def test_training_mends_the_gradients_of_a_network_that_computes_in_bfloat16_by_whatever_choice(monkeypatch):
    """Workers of a cross-validation take over the policy of Keras, without a call of set_precision."""
    monkeypatch.setattr(tf.nn, "bias_add", tf.nn.bias_add.__wrapped__)
    assert not hasattr(tf.nn.bias_add, "sums_in_float32")
    images = np.zeros((2, 16, 16, 1), "uint8")
    dataset = SegmentationDataset("black", images, images[..., 0] > 0, ["a", "b"], ["a", "b"])
    network = training.compile_model(keras.Sequential([keras.Input((16, 16, 1)), keras.layers.Conv2D(1, 1, dtype="float32")]))
    training.fit(network, dataset, epochs=1, batch_size=2)
    assert tf.nn.bias_add.sums_in_float32


def bias_is_off():
    """How far the gradient of a convolution's bias is from right, in a graph and without; each of 2**15 pixels adds 1 to it."""
    precision.set_precision("bfloat16")
    precision.sum_bias_gradients_in_float32()
    layer = keras.layers.Conv2D(8, 3, padding="same")
    images = tf.ones((2, 128, 128, 4))
    layer.build(images.shape)
    slope = tf.ones((2, 128, 128, 8))

    def change():
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(tf.cast(layer(images), "float32") * slope)
        return tape.gradient(total, [weight.value for weight in layer.trainable_weights])

    return max(abs(run()[1][0] / 2**15 - 1) for run in (change, tf.function(change))).numpy()


@pytest.mark.parametrize("onednn", ["1", "0"])
def test_gradients_are_mended_whether_or_not_onednn_sums_them_with_the_weights(onednn):
    # Told nothing, TensorFlow uses oneDNN on a processor that multiplies bfloat16. Once imported, it keeps to its choice.
    here = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1" if processor.bfloat16_instructions() else "")
    if here == onednn:
        assert bias_is_off() < 0.01
        return
    imports = "import keras, tensorflow as tf\nfrom nervekit import precision\n"
    code = f"{imports}{inspect.getsource(bias_is_off)}print(bias_is_off())"
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": onednn}
    answer = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert float(answer.stdout) < 0.01
