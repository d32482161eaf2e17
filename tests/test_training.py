"""Training: it learns what can be learnt, is repeatable, and starts again from nothing."""

from dataclasses import dataclass
from functools import partial

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.metrics import jaccard_score
from squares import bright_squares

from nervekit import crossval, metrics, models, supervision, training
from nervekit.errors import ConfigurationError, RunError
from nervekit.losses import DiceLoss


@dataclass
class Blobs:
    """Images and masks with the few things that training asks of a dataset."""

    images: np.ndarray
    masks: np.ndarray
    key: str = "blobs"

    def __len__(self):
        return len(self.images)

    def subset(self, index):
        return Blobs(self.images[index], self.masks[index])


@pytest.fixture(scope="module")
def blobs():
    return Blobs(*bright_squares(24))


def build():
    return models.build("huang_unet", (32, 32, 1), width=8)


@pytest.fixture(scope="module", autouse=True)
def float32():
    training.set_precision("float32")


def test_training_fits_bright_squares(blobs):
    keras.utils.set_random_seed(0)
    model = training.compile_model(build(), optimizer=keras.optimizers.Adam(2e-3))
    history = training.fit(model, blobs, blobs.subset(slice(0, 4)), epochs=40, batch_size=8)
    predicted = training.predict(model, blobs.images) > 0.5
    assert jaccard_score(blobs.masks.ravel(), predicted.ravel()) > 0.9
    assert history.curves["val_pooled_iou"][-1] > 0.9 and len(history.curves["loss"]) == 40
    assert history.images_per_second > 0


def test_speed_leaves_out_the_first_epoch_which_compiles(blobs, monkeypatch):
    seconds = iter([0, 10, 10, 12, 12, 14])
    monkeypatch.setattr(training.time, "perf_counter", lambda: next(seconds))
    history = training.fit(training.compile_model(of_one_layer()), blobs, epochs=3, batch_size=12)
    assert history.seconds == 14 and history.images_per_second == 24 / 2


@pytest.mark.parametrize(
    ("short", "options", "shown"), [(0, {}, True), (3600, {}, False), (0, {"progress": False}, False)]
)
def test_a_training_that_takes_longer_than_a_moment_shows_its_epochs(blobs, monkeypatch, capsys, short, options, shown):
    monkeypatch.setattr(training, "SHORT_SECONDS", short)
    model = training.compile_model(of_one_layer())
    training.fit(model, blobs, epochs=2, batch_size=12, **options)
    said = capsys.readouterr().err
    assert (model.name in said and "0/2" in said) is shown


def test_the_seed_says_in_which_order_images_come(blobs):
    # Large steps: after small ones the losses of two orders would agree in all but their last digits.
    first, model = of_one_layer().get_weights(), training.compile_model(of_one_layer(), optimizer=keras.optimizers.Adam(0.1))
    losses = []
    for seed in (3, 3, 4):
        training.reset(model, of_one_layer, seed=0)
        model.set_weights(first)
        keras.utils.set_random_seed(len(losses))
        losses.append(training.fit(model, blobs, epochs=1, batch_size=8, seed=seed).curves["loss"][0])
    assert losses[0] == losses[1] != losses[2]


def test_two_masks_side_by_side_are_not_taken_for_one(blobs):
    model = training.compile_model(models.build("double_unet", (32, 32, 1), width=16, outputs="both"))
    for ask in (lambda: training.predict(model, blobs.images), lambda: training.fit(model, blobs, epochs=1)):
        with pytest.raises(ConfigurationError, match="gives 2 masks side by side; expected one"):
            ask()


def test_a_list_of_masks_is_refused():
    image = keras.Input((32, 32, 1))
    mask = keras.layers.Conv2D(1, 1, activation="sigmoid")(image)
    with pytest.raises(ConfigurationError, match="a list of 2 outputs; expected one mask"):
        training.predict(keras.Model(image, [mask, mask]), np.zeros((1, 32, 32, 1), "uint8"))


def test_a_list_of_one_mask_is_that_mask(blobs):
    image = keras.Input((32, 32, 1))
    mask = keras.layers.Conv2D(1, 1, activation="sigmoid")(image)
    model = training.compile_model(keras.Model(inputs=[image], outputs=[mask]))
    curves = training.fit(model, blobs, blobs, epochs=1, batch_size=8, augment={"flip": 0.5}).curves
    assert set(curves) == {"loss", "pooled_iou", "val_loss", "val_pooled_iou"}
    assert training.predict(model, blobs.images).shape == blobs.masks.shape


def test_steps_at_once_that_would_run_into_the_next_epoch_are_refused(blobs):
    model = of_one_layer()
    model.compile("sgd", "binary_crossentropy", steps_per_execution=2)
    assert len(training.fit(model, blobs.subset(slice(0, 4)), epochs=3, batch_size=1).curves["loss"]) == 3
    assert int(model.optimizer.iterations) == 12
    with pytest.raises(ConfigurationError, match="steps_per_execution=2, which does not divide the 3 steps of an epoch"):
        training.fit(model, blobs.subset(slice(0, 3)), epochs=1, batch_size=1)


def test_a_metric_of_an_output_that_only_ends_in_mask_keeps_its_name():
    assert supervision.plain(["val_lesion_mask_pooled_iou", "val_mask_4_pooled_iou"]) == {
        "val_lesion_mask_pooled_iou": "val_lesion_mask_pooled_iou", "val_mask_4_pooled_iou": "val_pooled_iou"
    }  # fmt: skip


def test_metrics_of_several_masks_keep_their_names():
    assert supervision.plain(["mask_1_pooled_iou", "mask_2_pooled_iou", "val_mask_2_pooled_iou"]) == {
        "mask_1_pooled_iou": "mask_1_pooled_iou",
        "mask_2_pooled_iou": "mask_2_pooled_iou",
        "val_mask_2_pooled_iou": "val_pooled_iou",
    }


def test_a_network_of_several_masks_is_measured_by_its_last(blobs):
    model = training.compile_model(models.build("unetpp", (32, 32, 1), width=4, columns=2, deep_supervision=True))
    curves = training.fit(model, blobs.subset(slice(0, 8)), blobs.subset(slice(8, 12)), epochs=1, batch_size=8).curves
    found = training.answers(model, blobs.images[8:12])["mask_2"][..., 0] > 0.5
    expected = jaccard_score(blobs.masks[8:12].ravel(), found.ravel(), zero_division=0)
    assert curves["val_pooled_iou"][0] == pytest.approx(expected, abs=1e-3) and "pooled_iou" in curves


def test_pooled_iou_metric_agrees_with_scikit_learn():
    random = np.random.default_rng(1)
    truth, probability = random.random((5, 8, 8, 1)) > 0.7, random.random((5, 8, 8, 1)).astype("float32")
    metric = training.PooledIoU()
    metric.update_state(truth[:2], probability[:2])
    metric.update_state(truth[2:], probability[2:])
    assert float(metric.result()) == pytest.approx(jaccard_score(truth.ravel(), probability.ravel() > 0.5))


@pytest.mark.parametrize(
    ("weight", "expected"),
    [(None, 1 / 3), ([2, 1], 2 / 5), ([1, 0], 1 / 2), ([[2], [1]], 2 / 5), ([[[1, 3]], [[1, 1]]], 1 / 5)],
)
def test_pooled_iou_by_hand_where_images_or_pixels_have_weights(weight, expected):
    """One pixel of two is right in the first image; in the second the only one is missed."""
    truth = np.array([[1, 0], [1, 0]], bool).reshape(2, 1, 2, 1)
    probability = np.array([[0.9, 0.8], [0.1, 0.2]], "float32").reshape(truth.shape)
    metric = training.PooledIoU()
    metric.update_state(truth, probability, sample_weight=None if weight is None else np.array(weight, "float32"))
    assert float(metric.result()) == pytest.approx(expected)


def test_a_weighted_pooled_iou_is_that_of_the_images_that_count():
    image = keras.Input((32, 32, 1))
    model = keras.Model(image, keras.layers.Rescaling(1 / 255)(image))
    model.compile(loss=DiceLoss(), weighted_metrics=[training.PooledIoU()])
    images, masks = bright_squares(6)
    truth = np.stack([np.roll(mask, 2 * place, axis=1) for place, mask in enumerate(masks)])
    weight = np.array([1.0, 1.0, 0.0, 0.0, 1.0, 0.0])
    found = model.evaluate(images, truth[..., None], sample_weight=weight, verbose=0, return_dict=True)
    counted = weight > 0
    expected = jaccard_score(truth[counted].ravel(), (images[counted][..., 0] > 127.5).ravel())
    assert found["pooled_iou"] == pytest.approx(expected, abs=1e-5)


def test_pooled_iou_of_empty_masks_is_that_of_the_metrics():
    empty, metric = np.zeros((2, 8, 8, 1), bool), training.PooledIoU()
    metric.update_state(empty, 0.4 * np.ones(empty.shape, "float32"))
    assert float(metric.result()) == metrics.pooled_iou(empty[..., 0], empty[..., 0]) == 1
    metric.update_state(empty, np.ones(empty.shape, "float32"))
    assert float(metric.result()) == 0


def with_normalization():
    """No bias before the normalisation, which takes it away: a training would leave it where it began."""
    convolution = keras.layers.Conv2D(1, 3, padding="same", use_bias=False)
    layers = [convolution, keras.layers.BatchNormalization(), keras.layers.Activation("sigmoid")]
    return keras.Sequential([keras.Input((32, 32, 1)), keras.layers.Rescaling(1 / 255), *layers])


def test_reset_gives_the_weights_of_a_new_network_moving_means_included(blobs):
    model = training.compile_model(with_normalization())
    training.fit(model, blobs, epochs=1, batch_size=8)
    trained = model.get_weights()
    training.reset(model, with_normalization, seed=5)
    keras.utils.set_random_seed(5)
    new = with_normalization().get_weights()
    assert len(new) == 5 and all(np.array_equal(*pair) for pair in zip(model.get_weights(), new, strict=True))
    assert not any(np.array_equal(*pair) for pair in zip(trained, new, strict=True))


def test_a_reset_from_the_network_itself_is_refused():
    model = training.compile_model(with_normalization())
    with pytest.raises(ConfigurationError, match="build returned the network itself"):
        training.reset(model, lambda: model, seed=5)


def test_a_training_after_a_reset_ends_in_the_same_network(blobs):
    model = training.compile_model(with_normalization(), optimizer=keras.optimizers.Adam(0.02))
    training.reset(model, with_normalization, seed=5)
    training.fit(model, blobs, epochs=2, batch_size=8, seed=5)
    first = training.predict(model, blobs.images)
    training.reset(model, with_normalization, seed=6)
    training.fit(model, blobs, epochs=1, batch_size=8, seed=6)
    training.reset(model, with_normalization, seed=5)
    training.fit(model, blobs, epochs=2, batch_size=8, seed=5)
    assert np.allclose(first, training.predict(model, blobs.images), atol=1e-4)


def of_one_layer(dropout=0.0):
    layers = [keras.Input((32, 32, 1)), keras.layers.Rescaling(1 / 255), keras.layers.Dropout(dropout)]
    return keras.Sequential([*layers, keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")])


@pytest.mark.parametrize("optimizer", ["nadam", "adagrad", "sgd"])
def test_reset_starts_every_optimizer_where_a_new_one_starts(blobs, optimizer):
    def losses(before):
        model = training.compile_model(of_one_layer(), optimizer=optimizer)
        for seed in (*before, 5):
            training.reset(model, of_one_layer, seed=seed)
            history = training.fit(model, blobs, epochs=2, batch_size=8, seed=seed)
        return history.curves["loss"]

    assert losses([]) == pytest.approx(losses([6]), rel=1e-4)


def test_reset_starts_dropout_anew(blobs):
    model = training.compile_model(of_one_layer(dropout=0.5))
    losses = []
    for seed in (1, 2, 1):
        training.reset(model, partial(of_one_layer, dropout=0.5), seed=seed)
        losses.append(training.fit(model, blobs, epochs=1, batch_size=8, seed=seed).curves["loss"][0])
    assert losses[0] == losses[2] != losses[1]


def test_reset_keeps_a_learning_rate_that_was_changed(blobs):
    model = training.compile_model(of_one_layer(), optimizer=keras.optimizers.Adam(0.02))
    training.fit(model, blobs, epochs=1, batch_size=8)
    model.optimizer.learning_rate = 0.005
    training.reset(model, of_one_layer, seed=1)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.005)
    assert int(model.optimizer.iterations) == 0


def test_images_of_another_size_are_refused(blobs):
    model = training.compile_model(models.build("huang_unet", (16, 16, 1), width=4))
    with pytest.raises(ConfigurationError, match=r"size=\(16, 16\)"):
        training.fit(model, blobs, epochs=1)
    model = training.compile_model(build())
    wrong = Blobs(np.zeros((2, 48, 48, 1), "uint8"), np.zeros((2, 48, 48), bool))
    before = model.get_weights()
    with pytest.raises(ConfigurationError, match=r"size=\(32, 32\)"):
        training.fit(model, blobs, wrong, epochs=1)
    assert all(np.array_equal(one, other) for one, other in zip(before, model.get_weights(), strict=True))


class OneOf(keras.initializers.Initializer):
    """A 1x1 convolution that answers 1 where the picture is bright, and 0 elsewhere."""

    def __call__(self, shape, dtype=None):
        return keras.ops.full(shape, 60.0, dtype)


def brightness_network():
    """Knows the answer and learns nothing, so that its loss shows whether masks and pictures belong together."""
    image = keras.Input((32, 32, 1))
    x = keras.layers.Rescaling(1 / 255, offset=-0.5)(image)
    head = keras.layers.Conv2D(1, 1, activation="sigmoid", kernel_initializer=OneOf())
    model = keras.Model(image, head(x))
    return training.compile_model(model, optimizer=keras.optimizers.SGD(0.0))


def left_halves():
    masks = np.zeros((8, 32, 32), bool)
    masks[:, :, :16] = True
    return Blobs((masks[..., None] * 255).astype(np.uint8), masks)


def test_augmented_masks_move_with_their_images():
    data = left_halves()
    augment = {"flip": 0.5, "rotation": (40.0, 50.0), "shift": 0.2}
    curves = training.fit(brightness_network(), data, data, epochs=2, batch_size=4, augment=augment).curves
    assert curves["pooled_iou"][-1] > 0.97 and curves["loss"][-1] < 0.2
    assert curves["val_pooled_iou"][-1] == 1


def test_training_images_are_augmented_and_development_images_are_not():
    data = left_halves()
    image = keras.Input((32, 32, 1))
    place = keras.layers.Conv2D(1, 1, activation="sigmoid", kernel_initializer=OneOf())
    model = keras.Model(image, place(keras.layers.Lambda(lambda x: 0 * x + (data.masks[:1, ..., None] - 0.5))(image)))
    training.compile_model(model, optimizer=keras.optimizers.SGD(0.0))
    curves = training.fit(model, data, data, epochs=1, batch_size=8, augment={"flip": 1.0}).curves
    assert curves["pooled_iou"] == [0] and curves["val_pooled_iou"] == [1]


def test_augmented_training_takes_a_loss_that_keras_does_not_know(blobs):
    def brier(truth, found):
        return keras.ops.mean((keras.ops.cast(truth, "float32") - found) ** 2)

    model = training.compile_model(of_one_layer(), loss=brier)
    losses = training.fit(model, blobs, epochs=3, batch_size=8, augment={"flip": 0.5}).curves["loss"]
    assert losses[-1] < losses[0]


def test_augmented_training_keeps_all_that_the_network_was_compiled_with(blobs):
    model = build()
    how = {"run_eagerly": True, "steps_per_execution": 2}
    model.compile("sgd", "binary_crossentropy", **how)
    trained = supervision.augmenting(model, {"flip": 0.5}, seed=0)
    assert {name: getattr(trained, name) for name in how} == how
    model.compile("sgd", "binary_crossentropy", weighted_metrics=[training.PooledIoU()], run_eagerly=True)
    curves = training.fit(model, blobs.subset(slice(0, 4)), epochs=1, batch_size=4, augment={"flip": 0.5}).curves
    assert set(curves) == {"loss", "pooled_iou"}


def test_augmented_training_says_which_metrics_it_cannot_copy(blobs):
    def own_metric(truth, found):
        return keras.ops.mean(found)

    for metric in (own_metric, lambda truth, found: keras.ops.mean(found)):
        model = training.compile_model(build(), metrics=[metric])
        with pytest.raises(ConfigurationError, match="register_keras_serializable"):
            training.fit(model, blobs, epochs=1, batch_size=8, augment={"flip": 0.5})


@pytest.mark.parametrize(
    ("augment", "words"),
    [
        ({"rotate": 20}, "^augment has no change 'rotate'. Its changes are: flip, flip_vertical, rotation, "),
        ({"flip": 2.0}, "^flip=2.0: expected a probability"),
    ],
)
def test_changes_that_cannot_be_made_are_refused_before_training_begins(blobs, augment, words):
    model = training.compile_model(build())
    with pytest.raises(ConfigurationError, match=words):
        training.fit(model, blobs, epochs=1, batch_size=8, augment=augment)


def test_what_cannot_be_trained_is_refused(blobs):
    network = build()
    with pytest.raises(ConfigurationError, match="not compiled. Call training.compile_model"):
        training.fit(network, blobs, epochs=1)
    training.compile_model(network)
    with pytest.raises(ConfigurationError, match="epochs=0: expected 1 or more"):
        training.fit(network, blobs, epochs=0)
    with pytest.raises(ConfigurationError, match="blobs holds no image"):
        training.fit(network, blobs.subset([]), epochs=1)
    with pytest.raises(ConfigurationError, match="blobs: its images are float64; expected an array of uint8 from 0 to 255"):
        training.fit(network, Blobs(blobs.images / 255, blobs.masks), epochs=1)
    with pytest.raises(ConfigurationError, match="blobs: its masks are uint8; expected bool"):
        training.fit(network, Blobs(blobs.images, 255 * blobs.masks.astype("uint8")), epochs=1)
    with pytest.raises(ConfigurationError, match="asked about no image"):
        training.predict(network, blobs.images[:0])
    for batch_size in (0, -1):
        for ask in (partial(training.fit, network, blobs, epochs=1), partial(training.predict, network, blobs.images)):
            with pytest.raises(ConfigurationError, match=f"batch_size={batch_size}: expected 1 or more"):
                ask(batch_size=batch_size)


@pytest.mark.parametrize(("images", "found"), [(np.ones((1, 32, 32, 1)), "float64"), ([np.ones((32, 32, 1), "uint8")], "list")])
def test_images_that_training_refuses_are_refused_in_prediction(images, found):
    """A network divides by 255 itself: images from 0 to 1 would all be black to it."""
    for ask in (training.predict, training.answers):
        with pytest.raises(ConfigurationError, match=f"images are {found}; expected an array of uint8 from 0 to 255"):
            ask(build(), images)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((2, 48, 48, 1), r"images of shape \(32, 32, 1\), and the array given holds images of shape \(48, 48, 1\)"),
        ((2, 32, 32, 3), r"holds images of shape \(32, 32, 3\)\. Load it with .*channels=1"),
        ((2, 32, 32), r"holds images of shape \(32, 32\)"),
        ((32, 32, 1), r"takes several images, each of shape \(32, 32, 1\).* one of shape \(32, 32, 1\)\. Write image\[None\]"),
    ],
)
def test_images_of_another_shape_are_refused_in_prediction(shape, words):
    for ask in (training.predict, training.answers):
        with pytest.raises(ConfigurationError, match=words):
            ask(build(), np.zeros(shape, "uint8"))


class Own(keras.Model):
    """Layers in a row, in a class of its own: Keras knows no shapes of it."""

    def __init__(self, own):
        super().__init__()
        self.own = own

    def call(self, x):
        for layer in self.own:
            x = layer(x)
        return x


@pytest.mark.parametrize("make", [keras.Sequential, Own])
def test_a_network_without_weights_is_refused_and_is_trained_once_it_was_called(blobs, make):
    layers = [keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(1, 1, activation="sigmoid")]
    model = training.compile_model(make(layers))
    with pytest.raises(ConfigurationError, match="has no weights yet.*or call it once"):
        training.fit(model, blobs, epochs=1)
    model(blobs.images[:1])
    assert len(training.fit(model, blobs, epochs=1, batch_size=12).curves["loss"]) == 1


def any_size():
    image = keras.Input((None, None, 1))
    return image, keras.layers.Conv2D(1, 1, activation="sigmoid")(keras.layers.Rescaling(1 / 255)(image))


def test_a_network_for_images_of_any_size_is_trained(blobs):
    model = training.compile_model(keras.Model(*any_size()))
    assert len(training.fit(model, blobs, blobs, epochs=1, batch_size=12).curves["val_loss"]) == 1
    assert training.predict(model, blobs.images[:2]).shape == (2, 32, 32)
    with pytest.raises(ConfigurationError, match=r"one of shape \(32, 32, 1\)\. Write image\[None\]"):
        training.predict(model, blobs.images[0])
    colour = Blobs(np.repeat(blobs.images, 3, axis=-1), blobs.masks)
    with pytest.raises(ConfigurationError, match=r"\(None, None, 1\), .* \(32, 32, 3\)\. Load it with one size.* channels=1"):
        training.fit(model, colour, epochs=1)


def test_a_network_for_images_of_any_size_with_several_outputs_is_refused(blobs):
    image, mask = any_size()
    outputs = {"mask": mask, "presence": keras.layers.GlobalMaxPooling2D()(mask)}
    model = training.compile_model(keras.Model(image, outputs), loss="binary_crossentropy")
    with pytest.raises(ConfigurationError, match=r"several outputs and takes images of any size.*shape \(32, 32, 1\)"):
        training.fit(model, blobs, epochs=1)


def test_a_network_with_several_outputs_is_refused_where_one_mask_is_expected_before_it_is_trained(blobs):
    def several():
        return models.build("nervekit_unet", (32, 32, 1), width=2, depth=2, presence=True)

    with pytest.raises(ConfigurationError, match="outputs mask, presence; expected one mask"):
        training.predict(several(), blobs.images)
    folds, trained = [(np.arange(8), np.arange(8, 24))], []
    with pytest.raises(ConfigurationError, match="outputs mask, presence; expected one mask"):
        crossval.run(several, type("Watched", (Blobs,), {"subset": trained.append})(blobs.images, blobs.masks), folds, epochs=1)
    assert not trained


def test_augmented_training_trains_the_network_itself(blobs):
    model = training.compile_model(of_one_layer())
    before = [weight.copy() for weight in model.get_weights()]
    training.fit(model, blobs, epochs=1, batch_size=8, augment={"flip": 0.5})
    assert not any(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True) if a.ndim == 4)
    assert int(model.optimizer.iterations) == 3


def test_a_network_with_two_outputs_is_compared_with_masks_and_presence(blobs):
    image = keras.Input((32, 32, 1))
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(keras.layers.Rescaling(1 / 255)(image))
    mask = keras.layers.Conv2D(1, 1, activation="sigmoid", name="mask")(x)
    present = keras.layers.Dense(1, activation="sigmoid", name="present")(keras.layers.GlobalMaxPooling2D()(x))
    model = keras.Model(image, {"mask": mask, "present": present})
    model.compile("adam", {"mask": "binary_crossentropy", "present": "binary_crossentropy"})
    curves = training.fit(model, blobs, blobs, epochs=2, batch_size=8).curves
    assert curves["present_loss"][1] < curves["present_loss"][0] and "val_mask_loss" in curves
    compared = {"mask": blobs.masks[..., None], "present": blobs.masks.any(axis=(1, 2))[:, None]}
    found = model.evaluate(blobs.images, compared, batch_size=8, verbose=0, return_dict=True)
    assert found["present_loss"] == pytest.approx(curves["val_present_loss"][-1], rel=1e-4)


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="other backends do not trace twice")
def test_a_step_is_traced_once(blobs):
    class Counting(keras.layers.Layer):
        calls = 0

        def call(self, x):
            Counting.calls += 1
            return ops.cast(x, "float32") / 255

    image = keras.Input((32, 32, 1))
    x = Counting()(image)
    mask = keras.layers.Conv2D(1, 1, activation="sigmoid", name="mask")(x)
    present = keras.layers.Dense(1, activation="sigmoid", name="present")(keras.layers.GlobalMaxPooling2D()(x))
    model = keras.Model(image, {"mask": mask, "present": present})
    model.compile("adam", {"mask": "binary_crossentropy", "present": "binary_crossentropy"}, jit_compile=False)
    Counting.calls = 0
    training.fit(model, blobs, epochs=2, batch_size=8)
    assert Counting.calls == 1


def test_unknown_precision():
    with pytest.raises(ConfigurationError, match="auto, bfloat16, float32"):
        training.set_precision("float16")


@pytest.fixture
def float32_again():
    yield
    training.set_precision("float32")


@pytest.mark.parametrize("asked", ["float32", "bfloat16"])
def test_the_surroundings_say_what_auto_means(monkeypatch, float32_again, asked):
    other = "bfloat16" if asked == "float32" else "float32"
    monkeypatch.setenv("NERVEKIT_PRECISION", asked)
    assert training.set_precision("auto") == asked
    assert training.set_precision(other) == other
    monkeypatch.setenv("NERVEKIT_PRECISION", "float16")
    with pytest.raises(ConfigurationError, match="no precision 'float16'"):
        training.set_precision("auto")


def test_cross_validation_predicts_each_image_once_with_a_network_that_never_saw_it(blobs):
    trained_on = []

    class Watched(Blobs):
        def subset(self, index):
            trained_on.append(index)
            return super().subset(index)

    folds = [(np.setdiff1d(np.arange(24), held_out), held_out) for held_out in np.arange(24).reshape(3, 8)]
    result = crossval.run(of_one_layer, Watched(blobs.images, blobs.masks), folds, epochs=1, batch_size=8, progress=False)
    assert all(np.array_equal(index, inside) for index, (inside, _) in zip(trained_on, folds, strict=True))
    assert np.array_equal(np.bincount(result.fold), [8, 8, 8])
    for number, (_, held_out) in enumerate(folds):
        assert (result.fold[held_out] == number).all()
    scores = crossval.fold_scores(blobs.masks, result)
    assert scores["pooled_iou"].shape == (3,)
    expected = jaccard_score(blobs.masks[:8].ravel(), result.predictions[:8].ravel(), zero_division=1)
    assert scores["pooled_iou"][0] == pytest.approx(expected)


def test_after_a_reset_two_layers_of_dropout_never_draw_the_same():
    def build():
        image = keras.Input((64,))
        first, second = keras.layers.Dropout(0.5)(image), keras.layers.Dropout(0.5)(image)
        weighted = keras.layers.Dense(1)(keras.layers.Concatenate()([first, second]))
        return keras.Model(image, [first, second, weighted])

    model = build()
    model.compile("adam", "mse")
    training.reset(model, build, seed=3)
    drawn = [[np.asarray(keras.ops.convert_to_numpy(one)) for one in model(np.ones((1, 64)), training=True)[:2]] for _ in range(4)]
    patterns = [tuple(one.ravel() > 0) for step in drawn for one in step]
    assert len(set(patterns)) == 8


def test_an_output_cannot_begin_at_a_share_of_masks_of_255():
    network = models.build("huang_unet", (16, 16, 1), width=2)
    with pytest.raises(ConfigurationError, match="masks have the type uint8; expected bool"):
        training.begin_at_share(network.get_layer("mask_logits"), np.array([0, 255], "uint8"))


@pytest.mark.parametrize("mask", [np.zeros((2, 4, 4), bool), np.ones((2, 4, 4), bool)])
def test_output_cannot_begin_at_no_share_or_all(mask):
    network = models.build("huang_unet", (16, 16, 1), width=2)
    with pytest.raises(ConfigurationError, match="an output cannot begin there"):
        training.begin_at_share(network.get_layer("mask_logits"), mask)
    assert float(network.get_layer("mask_logits").bias[0]) == 0


def test_an_output_behind_batch_normalization_cannot_begin_at_a_share():
    layers = [keras.layers.Conv2D(1, 1, name="last"), keras.layers.BatchNormalization(name="norm")]
    keras.Sequential([keras.Input((4, 4, 1)), *layers])
    with pytest.raises(ConfigurationError, match="last is followed by norm, a batch normalisation"):
        training.begin_at_share(layers[0], np.arange(10) < 2)
    assert float(layers[0].bias[0]) == 0


def test_a_network_that_rightly_finds_nothing_is_not_dead():
    metric = training.PooledIoU()
    metric.update_state(np.zeros((1, 4, 4, 1), bool), np.zeros((1, 4, 4, 1), "float32"))

    def attempt(seed):
        return seed, training.History({"val_loss": [0.1], "val_pooled_iou": [float(metric.result())]}, 1.0, 1.0)

    assert training.until_alive(attempt, 7)[::2] == (7, 1)


def test_a_network_that_stays_dead_is_given_up_after_its_starts_and_says_so():
    seeds = []

    def attempt(seed):
        seeds.append(seed)
        return seed, training.History({"val_loss": [0.7, 0.7], "val_pooled_iou": [0.0, 0.0]}, 1.0, 1.0)

    with pytest.warns(RuntimeWarning, match="none of 3 starts"):
        network, _, start = training.until_alive(attempt, 7, starts=3)
    assert seeds == [7, 107, 207] and (network, start) == (207, 3)


def test_a_loss_that_becomes_nan_after_its_best_epoch_kills_no_network():
    def attempt(seed):
        return seed, training.History({"val_loss": [0.9, 0.5, np.nan], "val_pooled_iou": [0.1, 0.4, 0.0]}, 1.0, 1.0)

    assert training.until_alive(attempt, 7)[::2] == (7, 1)


def test_a_network_that_dies_after_its_first_epoch_is_dead():
    def attempt(seed):
        alive = [0.02, 0.3, 0.2] if seed == 107 else [0.02, 0.0, 0.0]
        return seed, training.History({"val_loss": [0.9, 0.5, 0.6], "val_pooled_iou": alive}, 1.0, 1.0)

    assert training.until_alive(attempt, 7)[::2] == (107, 2)


@pytest.mark.parametrize(
    ("curves", "missing"),
    [
        ({"loss": [0.5], "pooled_iou": [0.4]}, "no val_loss and no val_pooled_iou, only loss, pooled_iou"),
        ({"val_loss": [0.5], "val_dice": [0.4]}, "no val_pooled_iou, only val_loss, val_dice"),
    ],
)
def test_a_start_is_not_judged_without_its_development_images(curves, missing):
    with pytest.raises(ConfigurationError, match=f"the history has {missing}. Train with a development set"):
        training.until_alive(lambda seed: (seed, training.History(curves, 1.0, 1.0)), 7)


@pytest.mark.parametrize("starts", [0, -1, 1.5, None])
def test_a_number_of_starts_that_is_none_is_refused(starts):
    with pytest.raises(ConfigurationError, match=f"starts={starts}: expected a whole number, 1 or more"):
        training.until_alive(None, 7, starts=starts)


def test_an_output_without_a_bias_cannot_begin_at_a_share():
    layer = keras.layers.Conv2D(1, 1, use_bias=False, name="last")
    keras.Sequential([keras.Input((4, 4, 1)), layer])
    with pytest.raises(ConfigurationError, match="last has no bias"):
        training.begin_at_share(layer, np.arange(10) < 2)


def test_an_answer_that_is_not_finite_is_no_empty_mask():
    network = models.build("huang_unet", (16, 16, 1), width=2)
    network.get_layer("mask_logits").bias.assign([np.nan])
    with pytest.raises(RunError, match="huang_unet answers with probabilities that are not finite"):
        training.predict(network, np.zeros((1, 16, 16, 1), "uint8"))


def test_without_an_output_called_mask_the_largest_is_measured():
    """Whatever their order, and never whether there is a mask at all."""
    image = keras.Input((16, 16, 1))
    full = keras.layers.Conv2D(1, 1, name="full")(image)
    half = keras.layers.AveragePooling2D(2, name="half")(full)
    there = keras.layers.GlobalMaxPooling2D(name="there")(full)
    for names in (("full", "half", "there"), ("there", "half", "full")):
        outputs = {"full": full, "half": half, "there": there}
        assert supervision.finest(keras.Model(image, {name: outputs[name] for name in names}).output) == "full"
