"""Published encoder weights: put where they belong, or a refusal that says what to do."""

import h5py
import keras
import numpy as np
import pytest
from keras import ops

from nervekit import models
from nervekit.errors import ConfigurationError, DataError, MissingDataError
from nervekit.models import pretrained

SIZE = (32, 32, 1)


def write_published(path, layers):
    """An HDF5 file in the layout of Keras 2, from a dict of layer name to arrays."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in layers]
        for name, weights in layers.items():
            group = file.create_group(name)
            group.attrs["weight_names"] = [f"{name}/weight_{i}:0".encode() for i in range(len(weights))]
            for i, weight in enumerate(weights):
                group[f"{name}/weight_{i}:0"] = weight
    return path


@pytest.fixture(scope="module")
def vgg19():
    return keras.applications.VGG19(include_top=False, weights=None, input_shape=(32, 32, 3))


@pytest.fixture(scope="module")
def vgg19_file(vgg19, tmp_path_factory):
    layers = {layer.name: layer.get_weights() for layer in vgg19.layers}
    return write_published(tmp_path_factory.mktemp("weights") / "vgg19.h5", layers)


@pytest.mark.parametrize("name, last", [("double_unet", "block5_conv4"), ("dl_unet", "block4_conv4")])
def test_the_encoder_of_the_double_networks_is_keras_vgg19(vgg19, vgg19_file, name, last):
    model = models.build(name, SIZE, pretrained=vgg19_file)
    images = np.random.default_rng(0).integers(0, 256, (2, *SIZE))
    standardized = keras.Model(model.input, model.get_layer("three_channels").output)(images)
    block, number = last[5], last[-1]
    ours = keras.Model(model.input, model.get_layer(f"first_encoder_{block}_conv_{number}").output)(images)
    theirs = keras.Model(vgg19.input, vgg19.get_layer(last).output)(standardized)
    assert np.allclose(ops.convert_to_numpy(ours), ops.convert_to_numpy(theirs), atol=1e-5)


def test_the_real_vgg16_takes_the_file_of_keras_vgg16(tmp_path):
    vgg16 = keras.applications.VGG16(include_top=False, weights=None, input_shape=(32, 32, 3))
    path = write_published(tmp_path / "vgg16.h5", {layer.name: layer.get_weights() for layer in vgg16.layers})
    model = models.build("dl_unet_vgg16", SIZE, faithful=False, pretrained=path)
    kernel = model.get_layer("first_encoder_4_conv_3").kernel
    assert np.array_equal(ops.convert_to_numpy(kernel), vgg16.get_layer("block4_conv3").get_weights()[0])
    with pytest.raises(DataError, match="block3_conv4"):
        models.build("dl_unet_vgg16", SIZE, faithful=True, pretrained=path)


def test_resnet34_takes_the_published_layout(tmp_path):
    model = models.build("resnet34_unet", (32, 32, 3))
    random = np.random.default_rng(0)
    published = {}
    for layer in model.layers:
        if layer.name.startswith("encoder") and layer.weights:
            published[published_name(layer.name)] = [random.random(weight.shape) for weight in layer.weights]
    assert {"bn_data", "conv0", "bn0", "stage1_unit1_bn1", "stage2_unit1_sc", "stage4_unit3_conv2", "bn1"} <= set(published)
    path = write_published(tmp_path / "resnet34.h5", published)
    loaded = models.build("resnet34_unet", (32, 32, 1), pretrained=path)
    for layer in loaded.layers:
        if layer.name.startswith("encoder") and layer.weights:
            expected = published[published_name(layer.name)]
            assert all(np.allclose(a, b) for a, b in zip(layer.get_weights(), expected, strict=True))


def published_name(name):
    fixed = {
        "encoder_1_norm_1": "bn_data", "encoder_1_conv_1": "conv0", "encoder_1_norm_2": "bn0", "encoder_5_norm": "bn1",
        "encoder_2_norm": "stage2_unit1_bn1", "encoder_3_norm": "stage3_unit1_bn1", "encoder_4_norm": "stage4_unit1_bn1",
    }  # fmt: skip
    if name in fixed:
        return fixed[name]
    _, stage, _, unit, *part = name.split("_")
    part = {"shortcut": "sc"}.get(part[0], f"{part[0]}{part[-1]}").replace("norm", "bn")
    return f"stage{int(stage) - 1}_unit{unit}_{part}"


def test_a_keras_file_of_the_same_network_works_too(tmp_path):
    first = models.build("dl_unet", SIZE)
    first.save(tmp_path / "first.keras")
    second = models.build("dl_unet", SIZE, pretrained=tmp_path / "first.keras")
    kernels = [ops.convert_to_numpy(model.get_layer("first_encoder_3_conv_2").kernel) for model in (first, second)]
    assert np.array_equal(*kernels)


def test_a_keras_file_of_a_network_for_grey_images_works_too(tmp_path):
    small = {"width": 16, "units": (1, 1, 1, 1), "grey": "native"}
    first = models.build("resnet34_unet", SIZE, **small)
    first.save(tmp_path / "first.keras")
    second = models.build("resnet34_unet", SIZE, **small, pretrained=tmp_path / "first.keras")
    kernels = [ops.convert_to_numpy(model.get_layer("encoder_1_conv_1").kernel) for model in (first, second)]
    assert np.array_equal(*kernels)


@pytest.mark.parametrize(
    "name, options, file, md5",
    [
        ("double_unet", {}, "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5", "253f8cb515780f3b799900260a226db6"),
        ("dl_unet_vgg16", {"faithful": False}, "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
         "6d6bbae143d832006294945121d1f1fc"),
        ("resnet34_unet", {}, "resnet34_imagenet_1000_no_top.h5", "8caaa0ad39d927cb8ba5385bf945d582"),
    ],
)  # fmt: skip
def test_offline_without_weights_is_an_error_with_file_address_hash_and_choice(monkeypatch, name, options, file, md5):
    def offline(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr(keras.utils, "get_file", offline)
    with pytest.raises(MissingDataError) as caught:
        models.build(name, SIZE, pretrained="imagenet", **options)
    for part in (file, f"https://{address_of(file)}", md5, "pretrained=None", "no route to host"):
        assert part in str(caught.value)


def test_a_file_in_the_cache_that_is_not_the_published_one_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert pretrained.cached_imagenet("vgg19") is None
    address, _ = pretrained.IMAGENET["vgg19"]
    path = tmp_path / "models" / address.rsplit("/", 1)[1]
    path.parent.mkdir()
    path.write_bytes(b"abc")
    with pytest.raises(DataError, match="its MD5 is 900150983cd24fb0d6963f7d28e17f72, that of the published file 253f8cb5"):
        pretrained.cached_imagenet("vgg19")
    monkeypatch.setitem(pretrained.IMAGENET, "vgg19", (address, "900150983cd24fb0d6963f7d28e17f72"))
    assert pretrained.cached_imagenet("vgg19") == path


def address_of(file):
    return next(address for address, _ in pretrained.IMAGENET.values() if file in address).removeprefix("https://")


def test_the_hashes_are_those_of_keras():
    from inspect import getsource

    for backbone in ("vgg16", "vgg19"):
        address, md5 = pretrained.IMAGENET[backbone]
        source = getsource(getattr(keras.applications, backbone).__dict__[backbone.upper()])
        assert md5 in source and address.rsplit("/", 1)[1] in source


def test_wrong_files_are_refused_and_nothing_is_loaded(tmp_path, vgg19_file):
    with pytest.raises(MissingDataError, match="there is no file.*pretrained=None"):
        models.build("dl_unet", SIZE, pretrained=tmp_path / "absent.h5")
    (tmp_path / "weights.npz").write_bytes(b"")
    with pytest.raises(ConfigurationError, match=r"\.h5 or \.keras"):
        models.build("dl_unet", SIZE, pretrained=tmp_path / "weights.npz")
    (tmp_path / "broken.h5").write_bytes(b"not HDF5")
    with pytest.raises(DataError, match="broken.h5 is not an HDF5 weight file"):
        models.build("dl_unet", SIZE, pretrained=tmp_path / "broken.h5")
    (tmp_path / "broken.keras").write_bytes(b"not a network")
    with pytest.raises(DataError, match="broken.keras cannot be read as a saved network"):
        models.build("dl_unet", SIZE, pretrained=tmp_path / "broken.keras")
    with pytest.raises(DataError, match="'bn_data'.*resnet34"):
        models.build("resnet34_unet", SIZE, pretrained=vgg19_file)


@pytest.mark.parametrize("name", ["double_unet", "dl_unet", "dl_unet_vgg16", "resnet34_unet"])
@pytest.mark.parametrize("choice", [False, True, 1, b"weights.h5"])
def test_what_names_no_weights_is_refused_before_anything_is_built(monkeypatch, name, choice):
    def built(*args, **kwargs):
        raise AssertionError("a network was begun")

    monkeypatch.setattr(keras, "Input", built)
    with pytest.raises(ConfigurationError, match=f"{name}: pretrained={choice!r}. Choose None .*'imagenet'.*path"):
        models.build(name, SIZE, pretrained=choice)


def test_weights_for_three_channels_are_refused_for_one(tmp_path):
    with pytest.raises(ConfigurationError, match="grey='replicate'"):
        models.build("resnet34_unet", SIZE, grey="native", pretrained="imagenet")
