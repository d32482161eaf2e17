"""Our recipe: what it compiles, that it learns, that it is repeatable, and what its flips do."""

import functools

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.metrics import jaccard_score
from squares import bright_squares

from nervekit import losses, models, papers, recipe, supervision, training
from nervekit.augment import transform
from nervekit.data.dataset import SegmentationDataset
from nervekit.errors import ConfigurationError
from nervekit.optimizers import FlatAdam

# Typed by hand: the weights from the finest mask to the coarsest, and how strongly images were changed for the results.
SCALE_WEIGHTS = {"mask": 4 / 7, "decoder_2_mask": 2 / 7, "decoder_3_mask": 1 / 7}
STRONG = {
    "flip": 0.5, "rotation": 20.0, "zoom": (0.7, 1.4), "aspect": (0.85, 1.18), "shear": 8.0, "shift": 0.15,
    "elastic": 0.02, "gamma": (0.6, 1.6), "brightness": 0.1, "contrast": (0.7, 1.4), "noise": 0.05, "blur": 1.0,
    "low_resolution": 2.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def squares():
    images, masks = bright_squares(24)
    names = np.arange(24).astype(str)
    return SegmentationDataset("squares", images, masks, names, names)


@pytest.fixture(scope="module", autouse=True)
def float32():
    training.set_precision("float32")


def build(**options):
    keras.utils.set_random_seed(0)
    return models.build("nervekit_unet", (32, 32, 1), width=4, **{"deep_supervision": True, "depth": 3, **options})


@pytest.fixture
def eagerly(monkeypatch):
    """Trainings of a step or a few; compiling them would take longer."""
    compiled = training.compile_model

    def compile_model(model, **how):
        compiled(model, **how).run_eagerly = True
        return model

    monkeypatch.setattr(training, "compile_model", compile_model)


@pytest.fixture(scope="module")
def trained(squares):
    model = build()
    development = squares.subset(np.arange(4))
    return model, recipe.fit(model, squares, development, epochs=40, momentum=0.9, augment={"flip": 0.5, "gamma": (0.8, 1.2)})


def test_the_recipe_learns_bright_squares(trained, squares):
    model, history = trained
    predicted = recipe.predict(model, squares.images) > 0.5
    assert predicted.shape == squares.masks.shape
    assert jaccard_score(squares.masks.ravel(), predicted.ravel()) > 0.9
    assert history.curves["val_pooled_iou"][-1] > 0.9 and len(history.curves["pooled_iou"]) == 40


def test_the_optimizer_is_that_of_the_recipe(trained):
    optimizer = trained[0].optimizer
    assert optimizer.momentum == 0.9 and optimizer.global_clipnorm == 12
    assert optimizer.weight_decay == pytest.approx(3e-4)
    assert float(optimizer.learning_rate) == pytest.approx(0.01) and optimizer.fall == 0.9
    assert float(optimizer.steps) == 40 * 3  # 24 images in batches of 10


def test_a_function_in_place_of_the_optimizer_makes_one_for_this_network(squares, eagerly):
    model = build(deep_supervision=False, depth=1)
    recipe.fit(model, squares, epochs=2, augment=None, optimizer=functools.partial(recipe.adam, 0.002))
    assert isinstance(model.optimizer, FlatAdam) and model.optimizer.global_clipnorm == 12 and model.optimizer.fall == 0.9
    assert float(model.optimizer.learning_rate) == pytest.approx(0.002)
    assert float(model.optimizer.steps) == 2 * 3  # 24 images in batches of 10


def test_a_network_compiled_once_is_trained_as_one_compiled_anew(squares, monkeypatch):
    """Of another length and on other images, too, and its step is traced once."""
    traced, change = [], supervision.transform
    counts = functools.wraps(change)(lambda *given, **named: traced.append(1) or change(*given, **named))
    plans = [(squares, 2, 0), (squares.subset(np.arange(11)), 3, 1)]

    def start(seed):
        training.set_seed(seed)
        return models.build("nervekit_unet", (32, 32, 1), width=2, depth=2)

    images, epochs, seed = plans[-1]
    anew = start(seed)
    recipe.fit(anew, images, epochs=epochs, batch_size=5, seed=seed, progress=False)
    once = recipe.compile_model(start(0))
    monkeypatch.setattr(supervision, "transform", counts)
    for images, epochs, seed in plans:
        training.reset(once, functools.partial(start, seed), seed=seed)
        training.fit(once, images, epochs=epochs, batch_size=5, seed=seed, augment=recipe.AUGMENT, progress=False)
    assert np.array_equal(recipe.predict(once, squares.images), recipe.predict(anew, squares.images))
    if keras.config.backend() == "tensorflow":
        in_graph = len(traced) - 1  # one was tried on a tiny image
        assert in_graph == 1


def test_a_checkpoint_of_a_training_that_changes_images_holds_the_network(squares, eagerly, tmp_path):
    model, place = build(depth=1, deep_supervision=False), tmp_path / "best.keras"
    saving = [keras.callbacks.ModelCheckpoint(place), keras.callbacks.ModelCheckpoint(tmp_path / "best.weights.h5", save_weights_only=True)]
    recipe.fit(model, squares, epochs=1, augment={"flip": 0.5}, callbacks=saving, progress=False)
    expected = recipe.predict(model, squares.images)
    assert np.array_equal(recipe.predict(models.load(place), squares.images), expected)
    again = build(depth=1, deep_supervision=False)
    again.load_weights(tmp_path / "best.weights.h5")
    assert np.array_equal(recipe.predict(again, squares.images), expected)


@pytest.mark.parametrize("option", ["learning_rate", "momentum"])
def test_a_rate_beside_an_optimizer_is_refused(option):
    with pytest.raises(ConfigurationError, match=f"{option} beside an optimizer, which has its own"):
        recipe.compile_model(build(), optimizer=recipe.adam, **{option: 0.1})


def test_the_rate_falls_behind_a_loss_that_is_scaled_too(squares, eagerly):
    """As Keras does it in float16."""
    model = build(deep_supervision=False, depth=1)
    recipe.compile_model(model, optimizer=lambda: keras.optimizers.LossScaleOptimizer(recipe.adam(0.001)))
    training.fit(model, squares, epochs=2, batch_size=10, progress=False)
    assert float(model.optimizer.inner_optimizer.steps) == 2 * 3


def test_a_network_compiled_again_is_trained_as_it_was_compiled(squares, eagerly):
    model = build(deep_supervision=False, depth=1)
    how = {"epochs": 1, "augment": {"flip": 0.5}, "progress": False}
    layer = model.get_layer("mask_logits")
    for loss in ("mae", "mse"):
        training.compile_model(model, loss=loss, optimizer=keras.optimizers.SGD(0.0))
        found = training.fit(model, squares, squares, **how).curves["val_loss"][0]
        wrong = recipe.predict(model, squares.images) - squares.masks
        assert found == pytest.approx((np.abs(wrong) if loss == "mae" else wrong**2).mean(), rel=1e-4)
    for trainable in (True, False):
        layer.trainable = trainable
        recipe.compile_model(model)
        before = layer.get_weights()
        training.fit(model, squares, **how)
        assert all(map(np.array_equal, before, layer.get_weights())) != trainable


def test_weight_decay_beside_the_momentum_is_that_inside_it():
    """Without a gradient of its own, a weight must fall as it does when the decay is added to the gradient."""
    weight = keras.Variable([1.0])
    optimizer = recipe.stochastic_gradient_descent(momentum=0.9)  # its rate falls in a training alone
    inside, speed = 1.0, 0.0
    for _ in range(1000):
        optimizer.apply([ops.zeros((1,))], [weight])
        gradient = 3e-5 * inside
        speed = 0.9 * speed - 0.01 * gradient
        inside += 0.9 * speed - 0.01 * gradient
    assert 1 - float(ops.convert_to_numpy(weight)[0]) == pytest.approx(1 - inside, rel=0.02)


def test_momentum_is_a_share_of_the_last_step():
    with pytest.raises(ConfigurationError, match=r"momentum=1: expected 0 or more, and less than 1"):
        recipe.stochastic_gradient_descent(momentum=1)
    assert recipe.stochastic_gradient_descent(momentum=0).weight_decay == pytest.approx(3e-5)


def test_the_weights_of_the_scales_and_the_strengths_of_the_changes_are_those_typed_here():
    assert recipe.SCALE_WEIGHTS == SCALE_WEIGHTS
    assert recipe.CHANGES["strong"] == recipe.STRONG == STRONG
    assert recipe.AUGMENT == {**STRONG, "share": 0.5}


def test_the_loss_is_the_weighted_sum_over_scales(squares, eagerly):
    model = build()
    masks = model(squares.images)
    expected = 0
    for (name, share), factor in zip(SCALE_WEIGHTS.items(), (1, 2, 4), strict=True):
        n, size = len(squares), 32 // factor
        truth = squares.masks.reshape(n, size, factor, size, factor).mean(axis=(2, 4)) >= 0.5
        expected += share * float(losses.CrossEntropyDiceLoss()(truth[..., None], masks[name]))
    found = recipe.fit(model, squares, epochs=1, learning_rate=0.0, batch_size=24, augment=None).curves["loss"][0]
    assert found == pytest.approx(expected, rel=1e-4)


def test_masks_at_every_scale_move_with_the_image(squares, eagerly):
    """Training on mirror images is training on images that were mirrored before; development images stay as they are."""
    once = {"epochs": 1, "learning_rate": 0.0, "batch_size": 24}
    turned = recipe.fit(build(), squares, squares, augment={"flip": 1.0}, **once).curves
    mirrored = SegmentationDataset("squares", squares.images[:, :, ::-1], squares.masks[:, :, ::-1], squares.ids, squares.groups)
    expected = recipe.fit(build(), mirrored, squares, augment=None, **once).curves
    assert turned.keys() == expected.keys() >= {"loss", "mask_loss", "decoder_2_mask_loss", "decoder_3_mask_loss", "val_pooled_iou"}
    for name, values in expected.items():
        assert turned[name] == pytest.approx(values, rel=1e-4), name
    assert turned["loss"] != pytest.approx(turned["val_loss"], rel=1e-6)


class Counted(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.before = self.count()

    def on_train_end(self, logs=None):
        self.after = self.count()

    def count(self):
        return len(self.model.metrics_variables), len(self.model.optimizer.variables)


def test_the_first_step_makes_no_variable(squares, monkeypatch):
    """A step that makes one is traced again, which takes seconds."""
    traced, change, counted = [], supervision.transform, Counted()
    counts = functools.wraps(change)(lambda *given, **named: traced.append(1) or change(*given, **named))
    monkeypatch.setattr(supervision, "transform", counts)
    monkeypatch.setattr(counted, "on_epoch_begin", lambda epoch, logs=None: traced.clear() if epoch == 0 else None)
    recipe.fit(build(), squares, epochs=2, augment={"flip": 0.5}, callbacks=[counted], progress=False)
    assert counted.after == counted.before and min(counted.after) > 0
    if keras.config.backend() == "tensorflow":
        assert len(traced) == 1


def test_the_same_seed_gives_the_same_network(squares):
    found = []
    for _ in range(2):
        model = build(deep_supervision=False, depth=1)
        recipe.fit(model, squares, epochs=1, seed=3, augment={"flip": 0.5, "noise": 0.05})
        found.append(recipe.predict(model, squares.images))
    assert np.array_equal(*found)


def test_each_ingredient_can_be_left_out(squares, eagerly):
    model = build(deep_supervision=False)
    recipe.fit(model, squares, epochs=1, augment=None, loss="binary_crossentropy", optimizer="adam")
    assert isinstance(model.optimizer, keras.optimizers.Adam) and model.loss == "binary_crossentropy"
    other = models.build("huang_unet", (32, 32, 1), width=4)
    assert "pooled_iou" in recipe.fit(other, squares, epochs=1).curves


@pytest.mark.parametrize("scales", [True, False])
def test_every_mask_can_begin_at_the_share_of_the_region(squares, eagerly, scales):
    model = build(deep_supervision=scales)
    recipe.fit(model, squares, epochs=1, learning_rate=0.0, begin_at_share=True, progress=False)
    share = squares.masks.mean()
    outputs = SCALE_WEIGHTS if scales else ["mask"]
    for name in outputs:
        assert float(model.get_layer(f"{name}_logits").bias[0]) == pytest.approx(np.log(share / (1 - share)), abs=1e-5)

    def said():
        answers = model(squares.images)
        return {name: ops.convert_to_numpy(answers[name] if scales else answers) for name in outputs}

    for name, answer in said().items():
        kernel = model.get_layer(f"{name}_logits").kernel
        # Behind instance normalisation and LeakyReLU the mean of an absolute feature is 0.505 at most. A sigmoid falls no
        # faster than exp, and its slope is a quarter at most.
        on_top = 0.505 * np.abs(ops.convert_to_numpy(kernel)).sum()
        assert share * np.exp(-on_top) <= answer.mean() <= share + on_top / 4
        kernel.assign(np.zeros(kernel.shape))
    for answer in said().values():
        assert answer == pytest.approx(np.full(answer.shape, share), abs=1e-5)


def test_where_a_mask_begins_must_be_known(squares):
    image = keras.Input((32, 32, 1))
    model = keras.Model(image, keras.layers.Conv2D(1, 1, activation="sigmoid", name="answer")(image), name="own")
    with pytest.raises(ConfigurationError, match="own has no layer mask_logits. .* one of: .*answer"):
        recipe.fit(model, squares, epochs=1, begin_at_share=True)


def test_an_output_behind_batch_normalization_cannot_begin_at_a_share(squares):
    model = models.build("attention_resunet", (32, 32, 1), width=2)
    with pytest.raises(ConfigurationError, match="mask_logits is followed by mask_norm, a batch normalisation"):
        recipe.fit(model, squares, epochs=1, begin_at_share=True)
    assert float(model.get_layer("mask_logits").bias[0]) == 0


def test_no_image_no_epoch_and_no_batch_are_refused_as_in_training_fit(squares):
    model = models.build("nervekit_unet", squares.images.shape[1:], width=2, depth=2)
    with pytest.raises(ConfigurationError, match="epochs=0"):
        recipe.fit(model, squares, epochs=0, augment=None)
    with pytest.raises(ConfigurationError, match="no image"):
        recipe.fit(model, squares.subset([]), epochs=1, augment=None)
    with pytest.raises(ConfigurationError, match="batch_size"):
        recipe.fit(model, squares, epochs=1, batch_size=0, augment=None)


def test_a_network_with_other_outputs_is_refused(squares):
    image = keras.Input((32, 32, 1))
    network = keras.Model(image, {"mask": image, "area": keras.layers.GlobalAveragePooling2D()(image)}, name="own")
    with pytest.raises(ConfigurationError, match="own has the outputs mask, area"):
        recipe.fit(network, squares, epochs=1)


@pytest.fixture(scope="module")
def half_empty():
    """Bright squares, and as many images without one."""
    images, masks = bright_squares(24)
    images[1::2], masks[1::2] = np.minimum(images[1::2], 120), False
    names = np.arange(24).astype(str)
    return SegmentationDataset("squares", images, masks, names, names)


def test_a_presence_head_learns_which_images_are_empty(half_empty):
    model = build(presence=True, depth=4)
    recipe.fit(model, half_empty, epochs=25, momentum=0.9, augment={"flip": 0.5})
    told = recipe.presence(model, half_empty.images)
    assert told.shape == (24,) and told[::2].min() > told[1::2].max()
    sides = [recipe.presence(model, half_empty.images[:, :, ::step]) for step in (1, -1)]
    both = recipe.presence(model, half_empty.images, flips=True)
    assert np.allclose(both, np.mean(sides, axis=0), atol=1e-6) and not np.allclose(both, told, atol=1e-6)


@pytest.mark.parametrize("scales", [True, False])
def test_half_of_the_cross_entropy_of_presence_is_added_to_the_loss_of_the_masks(half_empty, eagerly, scales):
    model = build(presence=True, deep_supervision=scales)
    once = {"epochs": 1, "learning_rate": 0.0, "batch_size": 24, "augment": None}
    found = recipe.fit(model, half_empty, **once).curves
    truth = half_empty.masks.any(axis=(1, 2))
    told = np.where(truth, *(side * recipe.presence(model, half_empty.images) + (1 - side) / 2 for side in (1, -1)))
    assert found["presence_loss"][0] == pytest.approx(-np.log(told).mean(), rel=1e-4)
    weights = SCALE_WEIGHTS if scales else {"mask": 1}
    masks = sum(weight * found[f"{name}_loss"][0] for name, weight in weights.items())
    assert found["loss"][0] == pytest.approx(masks + 0.5 * found["presence_loss"][0], rel=1e-4)


def test_presence_is_asked_of_the_masks_that_the_loss_sees():
    masks = np.zeros((3, 4, 4, 1), bool)
    masks[0, 0, 0] = True
    outputs = {"mask": keras.KerasTensor((None, 4, 4, 1)), "presence": keras.KerasTensor((None, 1))}
    found = supervision.at_each_scale(masks, outputs)
    assert np.array_equal(found["mask"], masks) and np.asarray(found["presence"]).tolist() == [[True], [False], [False]]


def test_without_a_presence_head_there_is_no_such_answer(squares):
    with pytest.raises(ConfigurationError, match="nervekit_unet has no presence head"):
        recipe.presence(build(), squares.images)


def test_one_image_is_refused_in_place_of_several_by_every_answer(squares):
    model, image = build(presence=True), squares.images[0]
    for ask in (recipe.predict, recipe.presence):
        for flips in (False, True):
            for one in (image, image[..., 0]):
                with pytest.raises(ConfigurationError, match=r"nervekit_unet .*shape \(32, 32, 1\)"):
                    ask(model, one, flips=flips)


def test_the_finest_mask_of_a_nested_network_is_its_last(squares):
    nested = models.build("unetpp", (32, 32, 1), width=2, deep_supervision=True)
    finest = recipe.finest(nested)
    everything = training.answers(nested, squares.images[:2])
    assert np.array_equal(training.predict(finest, squares.images[:2]), everything["mask_4"][..., 0])


def test_the_finest_mask_alone_is_the_same_network(trained, squares):
    model, _ = trained
    alone = recipe.finest(model)
    expected = model(squares.images[:2])["mask"]
    assert np.allclose(ops.convert_to_numpy(alone(squares.images[:2])), ops.convert_to_numpy(expected), atol=1e-6)
    assert recipe.finest(alone) is alone


class Left(keras.layers.Layer):
    """Answers 0.8 in the left half and 0 elsewhere, whatever the image."""

    def call(self, image):
        column = ops.arange(image.shape[2]) < image.shape[2] // 2
        return ops.zeros_like(image) + 0.8 * ops.cast(column, "float32")[None, None, :, None]


def test_a_network_is_cut_once(trained):
    network, _ = trained
    assert recipe.finest(network) is recipe.finest(network) is not network


def test_flips_average_the_answer_and_the_mirrored_answer_to_the_mirror_image():
    image = keras.Input((4, 6, 1))
    model = keras.Model(image, Left()(image))
    pictures = np.zeros((2, 4, 6, 1), "uint8")
    straight, mirrored = recipe.views(model, pictures)
    assert np.allclose(straight[:, :, :3], 0.8) and not straight[:, :, 3:].any()
    assert np.array_equal(mirrored, straight[:, :, ::-1])
    assert np.allclose(recipe.predict(model, pictures, flips=True), 0.4)
    assert np.array_equal(recipe.predict(model, pictures), straight)


def test_flips_change_nothing_for_a_network_that_does_not_tell_left_from_right(squares):
    image = keras.Input((32, 32, 1))
    brightness = keras.layers.Conv2D(1, 1, activation="sigmoid")(keras.layers.Rescaling(1 / 255)(image))
    straight, mirrored = recipe.views(keras.Model(image, brightness), squares.images)
    assert np.allclose(straight, mirrored, atol=1e-6)


def test_changes_that_are_not_named_are_those_of_the_results_on_real_images(squares, monkeypatch):
    setup = papers.load(papers.OURS).setup
    measured = {**recipe.CHANGES[setup["augmentation"]["value"]], "share": setup["changed_share"]["value"]}
    assert recipe.AUGMENT == measured
    asked = {}
    monkeypatch.setattr(training, "fit", lambda *given, **options: asked.update(options))
    recipe.fit(build(), squares, epochs=1, seed=4)
    assert asked["augment"] == measured and asked["seed"] == 4


def test_the_empty_set_of_changes_changes_nothing(squares):
    images, masks = transform(squares.images, squares.masks[..., None], seed=0, **recipe.CHANGES["none"], share=0.5)
    assert np.array_equal(ops.convert_to_numpy(images), squares.images)
    assert np.array_equal(ops.convert_to_numpy(masks)[..., 0] > 0.5, squares.masks)
