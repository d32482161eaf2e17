"""Both normalisations beside Keras' own in float32: maps, gradients, running averages."""

import keras
import numpy as np
import pytest
from keras import ops

from nervekit.models.normalization import BatchNormalization, InstanceNormalization

on_tensorflow = pytest.mark.skipif(
    keras.config.backend() != "tensorflow", reason="the other backends take Keras' own in any precision"
)


def maps_and_gradients(layer, values, weights, direction, **how):
    """What a layer makes of values, and the gradients of a weighted sum of it: of the values, then of the weights."""
    import tensorflow as tf

    layer.build(values.shape)
    layer.set_weights(weights)
    with tf.GradientTape() as tape:
        tape.watch(values)
        maps = tf.cast(layer(values, **how), "float32")
        total = tf.reduce_sum(maps * direction)
    gradients = tape.gradient(total, [values, *(weight.value for weight in layer.trainable_weights)])
    return [np.asarray(ops.cast(array, "float32")) for array in (maps, *gradients)]


@on_tensorflow
@pytest.mark.parametrize(("precision", "error"), [("float32", 1e-4), ("mixed_bfloat16", 0.01)])
def test_instances_have_maps_and_gradients_of_keras_in_float32(precision, error):
    random = np.random.default_rng(0)
    values = ops.cast(random.normal(3, 2, (3, 6, 10, 4)), "float32" if precision == "float32" else "bfloat16")
    weights = [random.uniform(0.5, 2, 4), random.normal(size=4)]
    direction = random.normal(size=(3, 6, 10, 4))
    layers = (
        InstanceNormalization(epsilon=1e-5, dtype=precision),
        keras.layers.GroupNormalization(groups=-1, epsilon=1e-5, dtype="float32"),
    )
    found = [maps_and_gradients(layer, values, weights, direction) for layer in layers]
    for fused, plain in zip(*found, strict=True):
        assert np.abs(fused - plain).max() < error * np.abs(plain).max()


@on_tensorflow
def test_instances_in_float32_keep_their_contrast_far_from_zero():
    values = np.random.default_rng(0).normal(1000, 0.5, (2, 64, 64, 3)).astype("float32")
    found = ops.convert_to_numpy(InstanceNormalization(dtype="float32")(values))
    exact = values.astype("float64") - values.mean((1, 2), dtype="float64", keepdims=True)
    assert np.abs(found - exact / np.sqrt((exact**2).mean((1, 2), keepdims=True) + 1e-5)).max() < 0.01


@on_tensorflow
@pytest.mark.parametrize(
    ("shape", "options"),
    [((2, 3, 3, 3), {"axis": 1}), ((2, 3, 3, 3), {"center": False}), ((2, 3, 3, 3), {"scale": False}), ((2, 6, 3), {})],
)
def test_instances_that_the_kernel_does_not_take_are_normalised_all_the_same(shape, options):
    values = ops.cast(np.random.default_rng(0).normal(3, 2, shape), "bfloat16")
    found = np.asarray(ops.cast(InstanceNormalization(dtype="mixed_bfloat16", **options)(values), "float32"))
    values = np.asarray(ops.cast(values, "float32"))
    inside = tuple({*range(1, len(shape))} - {options.get("axis", len(shape) - 1)})
    expected = (values - values.mean(inside, keepdims=True)) / np.sqrt(values.var(inside, keepdims=True) + 1e-5)
    assert np.abs(found - expected).max() < 0.02


@on_tensorflow
def test_instances_of_a_size_that_the_graph_does_not_know_are_normalised():
    import tensorflow as tf

    layer = InstanceNormalization(dtype="mixed_bfloat16")
    layer.build((None, None, None, 1))

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 1), "bfloat16")])
    def graph(maps):
        return layer(maps)

    found = graph(ops.cast(np.array([1.0, 3.0, 10.0, 50.0]).reshape(2, 1, 2, 1), "bfloat16"))
    assert np.asarray(ops.cast(found, "float32")).ravel().tolist() == pytest.approx([-1, 1, -1, 1], abs=0.01)


# A sum in bfloat16 stops growing after a few hundred terms: the maps must be larger than that to show it.
@on_tensorflow
@pytest.mark.parametrize("shape", [(8, 64, 64, 3), (1, 2, 3, 4)])
@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}, {"momentum": 0.5, "epsilon": 2e-5}])
@pytest.mark.parametrize(("precision", "error"), [("float32", 1e-4), ("mixed_bfloat16", 0.01)])
def test_batches_have_maps_gradients_and_running_averages_of_keras_in_float32(precision, error, options, shape):
    random = np.random.default_rng(0)
    values = ops.cast(ops.cast(random.normal(3, 2, shape), "bfloat16"), "float32")
    count = 2 + options.get("scale", True) + options.get("center", True)
    weights = [random.uniform(0.5, 2, shape[-1]) for _ in range(count)]
    direction = random.uniform(0, 1, shape) * (ops.convert_to_numpy(values) > 3)
    ours = BatchNormalization(dtype=precision, **options)
    keras_own = keras.layers.BatchNormalization(dtype="float32", **options)
    found = [maps_and_gradients(layer, values, weights, direction, training=True) for layer in (ours, keras_own)]
    for fused, plain in zip(*found, strict=True):
        assert np.abs(fused - plain).max() < error * np.abs(plain).max()
    for name in ("moving_mean", "moving_variance"):
        averages = [ops.convert_to_numpy(getattr(layer, name)) for layer in (ours, keras_own)]
        assert averages[0] == pytest.approx(averages[1], rel=error)
        assert not np.allclose(averages[0], weights[-2 if name == "moving_mean" else -1], rtol=1e-3)


@on_tensorflow
@pytest.mark.parametrize(("precision", "error"), [("float32", 1e-5), ("mixed_bfloat16", 0.01)])
@pytest.mark.parametrize(("trainable", "training"), [(True, False), (False, True)])
def test_gradients_through_running_averages_are_those_of_keras_in_float32(trainable, training, precision, error):
    random = np.random.default_rng(0)
    values = ops.cast(ops.cast(random.normal(3, 2, (4, 16, 16, 3)), "bfloat16"), "float32")
    weights = [random.uniform(0.5, 2, 3) for _ in range(4)]
    direction = random.uniform(0, 1, values.shape)
    ours, keras_own = BatchNormalization(dtype=precision), keras.layers.BatchNormalization(dtype="float32")
    ours.trainable = keras_own.trainable = trainable
    found = [maps_and_gradients(layer, values, weights, direction, training=training) for layer in (ours, keras_own)]
    assert len(found[0]) == (4 if trainable else 2)
    for fused, plain in zip(*found, strict=True):
        assert np.abs(fused - plain).max() < error * np.abs(plain).max()
    assert np.allclose(ours.get_weights(), weights)


@pytest.mark.parametrize("how", [{"training": False}, {"trainable": False, "training": True}])
def test_prediction_and_a_frozen_layer_take_the_running_averages_and_leave_them(how):
    layer = BatchNormalization(epsilon=0, trainable=how.get("trainable", True))
    layer.build((None, 2, 2, 1))
    layer.set_weights([np.array([3.0]), np.array([1.0]), np.array([10.0]), np.array([4.0])])
    answer = layer(np.array([10.0, 12.0, 14.0, 6.0], "float32").reshape(1, 2, 2, 1), training=how["training"])
    assert ops.convert_to_numpy(answer).ravel().tolist() == pytest.approx([1, 4, 7, -5])
    assert [float(weight[0]) for weight in layer.get_weights()] == [3, 1, 10, 4]


@pytest.mark.parametrize(("shape", "options"), [((6, 3), {}), ((2, 3, 4, 5), {"axis": 1})])
def test_what_the_kernel_does_not_take_is_left_to_keras(shape, options):
    values = np.random.default_rng(0).normal(3, 2, shape).astype("float32")
    both = [layer(**options) for layer in (BatchNormalization, keras.layers.BatchNormalization)]
    ours, theirs = (ops.convert_to_numpy(layer(values, training=True)) for layer in both)
    assert np.array_equal(ours, theirs) and abs(ours.mean()) < 1e-3


@pytest.mark.parametrize(
    ("layer", "kept"),
    [
        (InstanceNormalization(epsilon=1e-5, name="norm"), {"groups": -1, "epsilon": 1e-5}),
        (BatchNormalization(epsilon=2e-5, momentum=0.9, name="norm"), {"momentum": 0.9, "epsilon": 2e-5}),
    ],
)
def test_a_normalisation_is_saved_and_loaded_with_what_it_was_made_with(layer, kept):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer) and {name: getattr(again, name) for name in kept} == kept
