"""Adam, RMSprop and gradient descent over one vector against Keras' own, and that they serve in training."""

from functools import partial

import keras
import numpy as np
import pytest
from keras import ops

from nervekit import training
from nervekit.errors import ConfigurationError
from nervekit.optimizers import FlatAdam, FlatRMSprop, FlatSGD

SHAPES = [(3, 3, 1, 4), (4,), (2, 5), ()]


def drawn(random):
    return [random.normal(size=shape).astype("float32") for shape in SHAPES]


@pytest.mark.parametrize(
    ("theirs", "ours", "options"),
    [
        (keras.optimizers.Adam, FlatAdam, {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-3}),
        (keras.optimizers.Adam, FlatAdam, {"global_clipnorm": 2.0, "weight_decay": 0.1}),
        (keras.optimizers.RMSprop, FlatRMSprop, {"rho": 0.7, "epsilon": 1e-3}),
        (partial(keras.optimizers.SGD, nesterov=True), FlatSGD, {"momentum": 0.8}),
        (partial(keras.optimizers.SGD, nesterov=True), FlatSGD, {"momentum": 0.8, "global_clipnorm": 2.0, "weight_decay": 0.1}),
        (partial(keras.optimizers.SGD, nesterov=True), FlatSGD, {"momentum": 0.8, "global_clipnorm": 1e9}),
    ],
)
def test_steps_are_those_of_keras(theirs, ours, options):
    random = np.random.default_rng(0)
    start = drawn(random)
    falling = keras.optimizers.schedules.PolynomialDecay(0.03, 6, end_learning_rate=0.0, power=0.9)
    pairs = [
        ([keras.Variable(value) for value in start], optimizer)
        for optimizer in (theirs(falling, **options), ours(0.03, fall=0.9, **options))
    ]
    pairs[1][1].build(pairs[1][0])
    pairs[1][1].fall_over(6)
    for _ in range(5):
        gradients = [ops.convert_to_tensor(gradient) for gradient in drawn(random)]
        for weights, optimizer in pairs:
            optimizer.apply(gradients, weights)
    for wanted, found in zip(pairs[0][0], pairs[1][0], strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(found), ops.convert_to_numpy(wanted), rtol=1e-6, atol=1e-7)


def test_the_rate_falls_over_each_training_anew_and_stays_at_the_end():
    weight = keras.Variable([0.0])
    optimizer = FlatSGD(0.5, momentum=0.0, fall=2.0)
    moved = []
    for steps in (0, 4, 2):
        optimizer.build([weight])
        if steps:
            optimizer.fall_over(steps)
        for _ in range(steps + 1):
            before = float(weight[0])
            optimizer.apply([ops.ones(1)], [weight])
            moved.append(before - float(weight[0]))
    # Told of no steps, of four and of two; one more than it was told moves nothing.
    shares = [1, 1, 9 / 16, 1 / 4, 1 / 16, 0, 1, 1 / 4, 0]
    assert moved == pytest.approx([0.5 * share for share in shares], abs=1e-6)


@pytest.mark.parametrize("option", [{"clipvalue": 0.1}, {"clipnorm": 1.0}, {"use_ema": True}])
def test_what_it_does_not_do_is_refused(option):
    with pytest.raises(ConfigurationError, match=f"FlatAdam does not do {next(iter(option))}"):
        FlatAdam(0.1, **option).build([keras.Variable([1.0])])


@pytest.mark.parametrize("make", [FlatAdam, FlatRMSprop])
def test_weights_with_a_constraint_are_refused_by_name(make):
    free, bound = keras.layers.Dense(1, name="free"), keras.layers.Dense(1, kernel_constraint="non_neg", name="bound")
    network = keras.Sequential([keras.Input((1,)), free, bound])
    with pytest.raises(ConfigurationError, match=rf"{make.__name__} does not do constraints, which \S*bound/kernel have"):
        make(0.1).build(network.trainable_variables)


def test_weights_named_as_without_decay_keep_their_size():
    weights = [keras.Variable([1.0], name=name) for name in ("kernel", "bias")]
    optimizer = FlatSGD(0.5, weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.apply([ops.zeros(1), ops.zeros(1)], weights)
    assert [float(ops.convert_to_numpy(weight)[0]) for weight in weights] == pytest.approx([0.95, 1.0])


def test_weights_without_a_gradient_stay_as_they_are():
    weights = [keras.Variable([1.0, 2.0]), keras.Variable(3.0)]
    FlatAdam(0.1).apply([ops.ones(2), None], weights)
    assert float(weights[1]) == 3.0
    np.testing.assert_allclose(ops.convert_to_numpy(weights[0]), [0.9, 1.9], rtol=1e-5)


def test_other_weights_than_it_was_built_for_are_refused():
    first, second = keras.Variable([1.0], name="first"), keras.Variable([1.0], name="second")
    optimizer = FlatAdam()
    optimizer.build([first, second])
    with pytest.raises(ConfigurationError, match="built for 2 weights and is given 1"):
        optimizer.apply([ops.ones(1)], [second])
    of_another_network = [keras.Variable([1.0], name=name) for name in ("first", "second")]
    with pytest.raises(ConfigurationError, match="an optimizer for each network"):
        optimizer.apply([ops.ones(1), ops.ones(1)], of_another_network)


@pytest.mark.parametrize("make", [partial(FlatAdam, epsilon=1e-3), FlatRMSprop, partial(FlatSGD, momentum=0.3)])
def test_it_is_saved_and_read_with_its_options(make):
    optimizer = make(0.25, fall=0.9, global_clipnorm=12.0)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert type(again) is type(optimizer) and again.get_config() == optimizer.get_config()


def test_a_network_trains_with_it_and_starts_again():
    def build():
        return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])

    x = np.linspace(-1, 1, 32, dtype="float32")[:, None]
    model = training.compile_model(build(), loss="mse", optimizer=FlatAdam(0.1), metrics=[])
    losses = []
    for _ in range(2):
        training.reset(model, build, seed=0)
        losses.append(model.fit(x, 3 * x + 1, epochs=20, batch_size=8, shuffle=False, verbose=0).history["loss"])
    assert losses[0][-1] < 0.05 * losses[0][0]
    assert losses[0] == losses[1]
