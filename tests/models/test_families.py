"""What is particular to some networks."""

import keras
import numpy as np
import pytest
from keras import ops

from nervekit import models
from nervekit.errors import ConfigurationError, DataError, MissingDataError
from nervekit.models.belahsen_nested import prune
from nervekit.models.gulati import PoolingPlaces, Unpooling


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (2, 32, 32, 1)).astype("uint8")


def predict(model, images):
    outputs = model(images, training=False)
    if isinstance(outputs, dict):
        return {name: ops.convert_to_numpy(output) for name, output in outputs.items()}
    return ops.convert_to_numpy(outputs)


def layer_output(model, name, images):
    return predict(keras.Model(model.input, model.get_layer(name).output), images)


def test_unpooling_puts_values_back_where_pooling_found_them():
    x = np.random.default_rng(0).normal(size=(2, 6, 8, 3)).astype("float32")
    places = PoolingPlaces()(x)
    pooled = ops.max_pool(x, 2)
    restored = ops.convert_to_numpy(Unpooling()([pooled, places]))
    windows = x.reshape(2, 3, 2, 4, 2, 3).max(axis=(2, 4))
    largest = np.repeat(np.repeat(windows, 2, axis=1), 2, axis=2)
    assert np.array_equal(restored, np.where(x == largest, x, 0))


def test_unpooling_of_equal_values_fills_one_place():
    places = PoolingPlaces()(np.zeros((1, 2, 2, 1), "float32"))
    restored = Unpooling()([np.ones((1, 1, 1, 1), "float32"), places])
    assert ops.convert_to_numpy(restored)[0, ..., 0].tolist() == [[1, 0], [0, 0]]


def test_segnet_loads_in_a_process_that_has_not_built_it(tmp_path, images):
    import os
    import subprocess
    import sys

    model = models.build("gulati_segnet", (32, 32, 1), width=8)
    model.save(tmp_path / "segnet.keras")
    np.save(tmp_path / "images.npy", images)
    code = (
        "import sys, numpy; from nervekit import models; assert 'keras' not in sys.modules;"
        "model = models.load('segnet.keras');"
        "numpy.save('mask.npy', model.predict(numpy.load('images.npy'), verbose=0))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, env=dict(os.environ))
    assert np.allclose(np.load(tmp_path / "mask.npy"), predict(model, images), atol=1e-6)


def test_a_file_that_is_no_network_is_refused(tmp_path):
    with pytest.raises(MissingDataError, match="no file .*absent.keras"):
        models.load(tmp_path / "absent.keras")
    (tmp_path / "text.keras").write_text("not a network")
    with pytest.raises(DataError, match="text.keras cannot be read as a saved network"):
        models.load(tmp_path / "text.keras")


@pytest.mark.parametrize("name", ["gulati_segnet", "resnet34_unet"])
def test_every_convolution_of_a_narrower_network_is_in_proportion(name):
    wide, narrow = (models.build(name, (32, 32, 1), width=width) for width in (64, 16))
    pairs = [(one, other) for one, other in zip(wide.layers, narrow.layers, strict=True) if hasattr(one, "kernel")]
    assert pairs[-1][0].name == "mask_logits"
    assert all(one.name == other.name and one.filters == 4 * other.filters for one, other in pairs[:-1])


@pytest.mark.parametrize("width", [0, 6])
def test_a_width_that_resnet34_cannot_halve_is_refused(width):
    with pytest.raises(ConfigurationError, match=f"width={width}. Expected a multiple of 4"):
        models.build("resnet34_unet", (32, 32, 1), width=width)


@pytest.mark.parametrize("options", [{"width": 32}, {"units": (2, 2, 2, 2)}])
def test_imagenet_weights_fit_resnet34_alone(options):
    with pytest.raises(ConfigurationError, match=r"fit width=64 and units=\(3, 4, 6, 3\), not"):
        models.build("resnet34_unet", (32, 32, 3), pretrained="imagenet", **options)


@pytest.mark.parametrize("name", ["double_unet", "dl_unet", "dl_unet_vgg16"])
def test_imagenet_weights_fit_vgg_of_the_published_width_alone(name):
    with pytest.raises(ConfigurationError, match="ImageNet weights fit width=64, not 16"):
        models.build(name, (32, 32, 1), width=16, pretrained="imagenet")


def test_units_of_resnet34_can_be_fewer():
    model = models.build("resnet34_unet", (32, 32, 3), units=(1, 1, 1, 1))
    second = [layer.name for layer in model.layers if "_unit_2" in layer.name]
    assert not second and model.get_layer("encoder_5_norm").output.shape[1:] == (1, 1, 512)
    with pytest.raises(ConfigurationError, match=r"units=\(1, 1, 0, 1\). Expected one unit or more"):
        models.build("resnet34_unet", (32, 32, 3), units=(1, 1, 0, 1))


def test_pruned_unetpp_gives_the_output_it_had_in_the_whole(images):
    whole = models.build("unetpp", (32, 32, 1), deep_supervision=True)
    masks = predict(whole, images)
    assert list(masks) == ["mask_1", "mask_2", "mask_3", "mask_4"]
    for columns in (1, 3):
        pruned = prune(whole, columns)
        assert np.allclose(predict(pruned, images), masks[f"mask_{columns}"], atol=1e-6)
        same_size = models.build("unetpp", (32, 32, 1), columns=columns)
        assert pruned.count_params() == same_size.count_params()


def test_an_output_that_is_not_there_cannot_be_pruned_to():
    with pytest.raises(ConfigurationError, match="deep_supervision=True"):
        prune(models.build("unetpp", (32, 32, 1)), 2)


def test_unetpp_adds_its_penalty_on_kernels():
    model = models.build("unetpp", (32, 32, 1))
    penalised = [layer.kernel for layer in model.layers if getattr(layer, "kernel_regularizer", None)]
    assert len(penalised) == 31
    expected = 1e-4 * sum(np.sum(ops.convert_to_numpy(kernel) ** 2) for kernel in penalised)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-4)


def test_the_published_head_of_attention_resunet_is_unbounded_and_can_die(images):
    model = models.build("attention_resunet", (32, 32, 1))
    norm = model.get_layer("mask_norm")
    gamma, beta = norm.gamma, norm.beta
    beta.assign([5.0])
    assert predict(model, images).max() > 1
    gamma.assign([0.1])
    beta.assign([-5.0])
    assert not predict(model, images).any()
    model.compile(keras.optimizers.SGD(1.0), "mean_squared_error", run_eagerly=True)
    before = [weight.copy() for weight in model.get_weights()]
    masks = np.ones((2, 32, 32, 1))
    model.fit(images, masks, verbose=0)
    trained = [np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    names = [weight.path for weight in model.weights]
    assert all(same for same, name in zip(trained, names, strict=True) if "moving" not in name and "seed" not in name)


def test_its_sigmoid_head_learns_from_the_same_start(images):
    model = models.build("attention_resunet", (32, 32, 1), head="sigmoid")
    model.get_layer("mask_norm").beta.assign([-5.0])
    before = ops.convert_to_numpy(model.get_layer("mask_norm").beta).copy()
    model.compile(keras.optimizers.SGD(1.0), "binary_crossentropy", run_eagerly=True)
    model.fit(images, np.ones((2, 32, 32, 1)), verbose=0)
    assert ops.convert_to_numpy(model.get_layer("mask_norm").beta) > before


def test_presence_follows_the_bottleneck_and_both_outputs_have_names(images):
    model = models.build("inception_unet", (32, 32, 1))
    outputs = predict(model, images)
    assert outputs["mask"].shape == (2, 32, 32, 1) and outputs["presence"].shape == (2, 1)
    model.compile("sgd", loss={"mask": "binary_crossentropy", "presence": "binary_crossentropy"},
                  loss_weights={"mask": 1.0, "presence": 0.5}, run_eagerly=True)  # fmt: skip
    history = model.fit(images, {"mask": images > 99, "presence": np.ones((2, 1))}, verbose=0).history
    assert {"mask_loss", "presence_loss"} <= set(history)


@pytest.mark.parametrize("name", ["double_unet", "dl_unet", "dl_unet_vgg16"])
def test_the_inner_tensors_of_the_double_networks_can_be_looked_at(images, name):
    model = models.build(name, (32, 32, 1))
    first, product, second = (layer_output(model, inner, images) for inner in ("output_1", "multiply", "output_2"))
    standardized = layer_output(model, "standardize_each", images)
    assert np.allclose(product, standardized * first, atol=1e-5)
    assert np.array_equal(second, predict(model, images))


def test_both_outputs_of_the_double_network_side_by_side(images):
    model = models.build("double_unet", (32, 32, 1), outputs="both")
    expected = [layer_output(model, name, images)[..., 0] for name in ("output_1", "output_2")]
    assert np.allclose(np.moveaxis(predict(model, images), -1, 0), expected, atol=1e-6)


def test_the_published_vgg16_is_a_vgg19_whose_skip_is_one_convolution_early():
    published, real = (models.build("dl_unet_vgg16", (32, 32, 1), faithful=choice) for choice in (True, False))
    convolutions = [
        sorted(layer.name for layer in model.layers if layer.name.startswith("first_encoder_3_conv"))
        for model in (published, real)
    ]
    assert [len(names) for names in convolutions] == [4, 3]
    skip = published.get_layer("first_decoder_3_skip")
    assert skip.input[1] is published.get_layer("first_encoder_3_conv_3").output


@pytest.mark.parametrize("name", ["melnic_unet", "lunet", "dl_unet"])
def test_brightness_and_contrast_of_an_image_do_not_matter_to_melnics_networks(images, name):
    model = models.build(name, (32, 32, 1))
    darker = images.astype("float32") * 0.4 + 10
    ours, theirs = (predict(model, pictures) for pictures in (images, darker))
    assert np.allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize("deviation", [0, "57", None])
def test_a_deviation_that_is_not_above_zero_is_refused(deviation):
    with pytest.raises(ConfigurationError, match=f"deviation={deviation!r}: expected the standard deviation"):
        models.build("belahsen_unet", (32, 32, 1), deviation=deviation)


@pytest.mark.parametrize("mean", ["90", None])
def test_a_mean_that_is_no_number_is_refused(mean):
    with pytest.raises(ConfigurationError, match=f"mean={mean!r}: expected the mean of the grey values"):
        models.build("belahsen_unet", (32, 32, 1), mean=mean)
