"""What every network does: its output, its gradients, its first weights, its file, and its refusals."""

import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops
from networks import NETWORKS

from nervekit import models
from nervekit.errors import ConfigurationError

NAMES = list(NETWORKS)
WIDTH = dict.fromkeys(NAMES, "width") | {"r2unet": "features"}
# Their blocks weigh the channels by an eighth as many units with a ReLU: narrow ones by a single one, which may always be 0.
DOUBLE = {"double_unet", "dl_unet", "dl_unet_vgg16"}
UNBOUNDED = {"attention_resunet"}


@pytest.fixture(scope="module", params=NAMES)
def network(request):
    keras.utils.set_random_seed(1)
    options = {} if request.param in DOUBLE else {WIDTH[request.param]: 16}
    return models.build(request.param, NETWORKS[request.param][1], **options)


@pytest.fixture
def images(network):
    random = np.random.default_rng(0)
    return random.integers(0, 256, (2, *network.input_shape[1:])).astype("uint8")


def predict_mask(model, images):
    outputs = model(images, training=False)
    return ops.convert_to_numpy(outputs["mask"] if isinstance(outputs, dict) else outputs)


def test_the_output_is_a_probability_for_each_pixel(network, images):
    mask = predict_mask(network, images)
    assert mask.shape == images.shape and mask.dtype == np.float32
    assert np.isfinite(mask).all() and mask.min() >= 0 and np.ptp(mask) > 0
    assert mask.max() <= 1 or network.name in UNBOUNDED


def test_the_output_stays_float32_in_mixed_precision():
    names = ("huang_unet", "inception_unet", "attention_resunet", "lunet", "resnet34_unet", "nervekit_unet")
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        for name, options in ({name: {} for name in names} | {"double_unet": {"width": 16, "outputs": "both"}}).items():
            outputs = models.build(name, NETWORKS[name][1], **options).outputs
            assert {keras.backend.standardize_dtype(output.dtype) for output in outputs} == {"float32"}, name
    finally:
        keras.config.set_dtype_policy("float32")


def test_gradients_reach_every_trainable_weight(network, images):
    tensorflow = pytest.importorskip("tensorflow")
    if keras.config.backend() != "tensorflow":
        pytest.skip("the tape is TensorFlow's")
    with tensorflow.GradientTape() as tape:
        outputs = network(images, training=True)
        outputs = outputs.values() if isinstance(outputs, dict) else [outputs]
        loss = sum(ops.mean((output - 0.3) ** 2) for output in outputs)
    weights = network.trainable_weights
    gradients = tape.gradient(loss, weights)
    missing = [weight.path for weight, gradient in zip(weights, gradients, strict=True) if gradient is None]
    dead = [
        weight.path
        for weight, gradient in zip(weights, gradients, strict=True)
        if weight.path.endswith("kernel") and not np.abs(ops.convert_to_numpy(gradient)).max() > 0
    ]
    assert not missing and not dead


def test_no_two_layers_start_with_equal_kernels(network):
    kernels = [ops.convert_to_numpy(layer.kernel) for layer in network.layers if hasattr(layer, "kernel")]
    assert len({kernel.tobytes() for kernel in kernels}) == len(kernels)
    corners = [kernel.ravel()[:2].tobytes() for kernel in kernels if kernel.size > 2]
    assert len(set(corners)) == len(corners)


def test_a_saved_network_loads_in_safe_mode_with_the_same_outputs(network, images, tmp_path):
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)
    ours, theirs = (keras.tree.flatten(model(images, training=False)) for model in (network, loaded))
    assert len(ours) == len(network.outputs)
    assert all(np.array_equal(*map(ops.convert_to_numpy, pair)) for pair in zip(ours, theirs, strict=True))


def test_layer_names_tell_the_place(network):
    starts = ("encoder", "decoder", "bottleneck", "unit", "mask", "presence", "first", "second", "output", "multiply",
              "image", "standardize", "divide", "three_channels")  # fmt: skip
    assert [layer.name for layer in network.layers if not layer.name.startswith(starts)] == []


def test_a_wrong_size_is_refused_with_sizes_it_takes(network):
    height = network.input_shape[1]
    with pytest.raises(ConfigurationError, match=rf"{network.name}.*multiples of (8|16|32)"):
        models.build(network.name, (height + 1, height, 1))


@pytest.mark.parametrize("shape", [(64, 64), (64, 64, 1, 1), (0, 64, 1), (64, 64, None), 64, None, "64"])
def test_a_wrong_rank_is_refused(network, shape):
    with pytest.raises(ConfigurationError, match=r"\(height, width, channels\)"):
        models.build(network.name, shape)


def test_an_unknown_option_is_refused_with_those_there_are(network):
    with pytest.raises(ConfigurationError, match="no option 'levels'. Its options are"):
        models.build(network.name, network.input_shape[1:], levels=3)


@pytest.mark.parametrize(
    "name, options",
    [
        ("unetpp", {"columns": 5}),
        ("attention_resunet", {"head": "softmax"}),
        ("gulati_segnet", {"unpooling": "bilinear"}),
        ("resnet34_unet", {"grey": "colour"}),
        ("lunet", {"batch_norm": "none"}),
        ("double_unet", {"outputs": "first"}),
        ("dl_unet", {"batch_norm": True}),
        ("dl_unet_vgg16", {"batch_norm": "neither"}),
    ],
)
def test_an_unknown_choice_is_refused_with_those_there_are(name, options):
    with pytest.raises(ConfigurationError, match=f"{name}: {next(iter(options))}=.*Choose one of"):
        models.build(name, (64, 64, 1), **options)


@pytest.mark.parametrize("width", [0, -16, 16.0, "16", None])
@pytest.mark.parametrize("name", NAMES)
def test_feature_maps_that_make_no_network_are_refused_before_anything_is_built(monkeypatch, name, width):
    monkeypatch.setattr(keras, "Input", None)
    option = WIDTH[name]
    with pytest.raises(ConfigurationError, match=f"{name}: {option}={width!r}. Expected a (whole number|multiple of)"):
        models.build(name, NETWORKS[name][1], **{option: width})


@pytest.mark.parametrize("name", ["resnet34_unet", "double_unet", "dl_unet", "dl_unet_vgg16"])
def test_channels_it_has_no_answer_for_are_refused(name):
    with pytest.raises(ConfigurationError, match="2 channels. Expected 1 or 3"):
        models.build(name, (64, 64, 2))


@pytest.mark.parametrize("name", ["double_unet", "dl_unet"])
def test_a_double_network_of_half_the_width_has_half_the_feature_maps(name):
    wide, narrow = (models.build(name, (32, 32, 1), width=width) for width in (32, 16))
    by_image = ("image", "standardize_each", "three_channels", "multiply", "output_1", "output_2")
    for one, other in zip(wide.layers, narrow.layers, strict=True):
        if not one.name.startswith(by_image):
            assert one.output.shape[-1] == 2 * other.output.shape[-1], one.name
    with pytest.raises(ConfigurationError, match="width=24. Expected a multiple of 16"):
        models.build(name, (32, 32, 1), width=24)


@pytest.mark.parametrize(
    ("name", "option", "value", "text"),
    [
        ("huang_unet", "dropout", 0.3, "dropout=0.3. Expected True or False"),
        ("shrivastava_unet", "batch_norm", "first", "batch_norm='first'. Expected True or False"),
        ("lunet", "dropout", 20, "dropout=20. Expected a share from 0 to less than 1"),
        ("lunet", "dropout", None, "dropout=None. Expected a share from 0 to less than 1"),
        ("unetpp", "dropout", "0.3", "dropout='0.3'. Expected a share from 0 to less than 1"),
        ("nervekit_unet", "depth", 2.5, "depth=2.5. Expected a whole number"),
        ("resnet34_unet", "units", 3, "units=3. Expected one unit or more for each of four stages"),
    ],
)
def test_an_option_that_would_be_taken_for_something_else_is_refused(name, option, value, text):
    with pytest.raises(ConfigurationError, match=text):
        models.build(name, (32, 32, 1), **{option: value})


def test_a_size_from_numpy_is_taken():
    assert models.build("huang_unet", (*np.array([32, 48]), 1), width=2).output.shape == (None, 32, 48, 1)


def test_images_with_their_channels_first_are_refused():
    keras.config.set_image_data_format("channels_first")
    try:
        with pytest.raises(ConfigurationError, match="networks here take .height, width, channels.*config.set_image_data_format"):
            models.build("huang_unet", (32, 32, 1))
    finally:
        keras.config.set_image_data_format("channels_last")


def test_importing_the_catalogue_of_networks_loads_no_deep_learning_library():
    code = "import sys, nervekit.models; print([m for m in ('keras', 'tensorflow', 'torch', 'jax') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.strip() == "[]"


def test_tensorflow_is_named_in_one_place():
    package = Path(models.__file__).parents[1]
    naming = [path.name for path in package.rglob("*.py") if re.search(r"^\s*(import|from) tensorflow", path.read_text(), re.MULTILINE)]
    assert naming == ["on_tensorflow.py"]
