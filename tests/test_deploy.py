"""A network in use: the same answers in float32 and as a file, and a clock that counts what it should."""

import logging
import sys
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops

from nervekit import deploy, models, training
from nervekit.errors import ConfigurationError, DataError, MissingDataError
from nervekit.models.belahsen_nested import prune

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 1)).astype("uint8")
writers = pytest.mark.parametrize(("write", "name"), [(deploy.to_litert, "network.tflite"), (deploy.to_onnx, "network.onnx")])
# What another backend says is the test after these.
on_tensorflow = pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="files are written by converters for TensorFlow")


@pytest.fixture(params=["float32", "bfloat16"])
def network(request):
    training.set_precision(request.param)
    keras.utils.set_random_seed(0)
    yield models.build("nervekit_unet", (32, 32, 1), width=4, deep_supervision=True)
    training.set_precision("float32")


def test_the_copy_in_float32_has_the_same_weights_and_one_mask(network):
    copy = deploy.rebuild(network, "nervekit_unet", width=4)
    policy = keras.config.dtype_policy().name
    assert {layer.compute_dtype for layer in copy.layers} == {"float32"} and policy == network.dtype_policy.name
    expected = ops.convert_to_numpy(network(IMAGES)["mask"])
    tolerance = 1e-6 if policy == "float32" else 0.05
    assert np.allclose(ops.convert_to_numpy(copy(IMAGES)), expected, atol=tolerance)
    for layer in copy.layers:
        for ours, theirs in zip(layer.get_weights(), network.get_layer(layer.name).get_weights(), strict=True):
            assert np.array_equal(ours, theirs)


def test_a_copy_for_another_size_answers_there_and_leaves_the_precision_as_it_was(network):
    policy = keras.config.dtype_policy().name
    copy = deploy.rebuild(network, "nervekit_unet", size=(64, 48), precision="bfloat16", width=4)
    assert keras.config.dtype_policy().name == policy and copy.dtype_policy.name == "mixed_bfloat16"
    assert training.predict(copy, np.zeros((1, 64, 48, 1), "uint8")).shape == (1, 64, 48)
    with pytest.raises(ConfigurationError, match="multiples of 16"):
        deploy.rebuild(network, "nervekit_unet", size=(60, 48), width=4)
    assert keras.config.dtype_policy().name == policy


def test_a_copy_of_a_network_with_a_presence_head_has_the_mask_alone():
    network = models.build("nervekit_unet", (32, 32, 1), width=4, presence=True)
    copy = deploy.rebuild(network, "nervekit_unet", width=4, presence=True)
    assert np.allclose(training.predict(copy, IMAGES), ops.convert_to_numpy(network(IMAGES)["mask"])[..., 0], atol=1e-6)


def test_the_finest_mask_of_a_nested_network_is_copied_and_a_coarser_one_once_it_is_pruned():
    network = models.build("unetpp", (32, 32, 1), width=2, deep_supervision=True)
    masks = {name: ops.convert_to_numpy(mask) for name, mask in network(IMAGES).items()}
    for options in ({}, {"deep_supervision": True}):
        copy = deploy.rebuild(network, "unetpp", width=2, **options)
        assert np.allclose(ops.convert_to_numpy(copy(IMAGES)), masks["mask_4"], atol=1e-6)
    with pytest.raises(ConfigurationError, match="fewer columns of a U-Net.. take models.belahsen_nested.prune first"):
        deploy.rebuild(network, "unetpp", width=2, columns=2)
    copy = deploy.rebuild(prune(network, 2), "unetpp", width=2, columns=2)
    assert np.allclose(ops.convert_to_numpy(copy(IMAGES)), masks["mask_2"], atol=1e-6)
    assert not np.allclose(masks["mask_2"], masks["mask_4"], atol=1e-4)


@pytest.mark.parametrize(
    ("name", "options", "forgotten"),
    [
        ("r2unet", {"features": 2}, {"batch_norm": True}),
        ("shrivastava_unet", {"width": 2, "batch_norm": False}, {"batch_norm": True}),
        ("lunet", {"width": 2, "batch_norm": "first"}, {"batch_norm": "both"}),
        ("belahsen_unet", {"width": 2}, {"mean": 90.0}),
        ("belahsen_unet", {"width": 2}, {"deviation": 50.0}),
        ("attention_resunet", {"width": 2}, {"head": "sigmoid"}),
        ("gulati_segnet", {"width": 2}, {"unpooling": "nearest"}),
        ("gulati_segnet", {"width": 2, "unpooling": "nearest"}, {"unpooling": "indices"}),
        ("resnet34_unet", {"width": 4, "units": (1, 1, 1, 1)}, {"grey": "convolution"}),
    ],
)
def test_a_copy_without_an_option_that_the_network_was_built_with_is_refused(name, options, forgotten):
    network = models.build(name, (32, 32, 1), **options | forgotten)
    with pytest.raises(ConfigurationError, match="rebuild: .* Give the options it was built with"):
        deploy.rebuild(network, name, **options)
    copy = deploy.rebuild(network, name, size=(64, 32), **options | forgotten)
    assert all(np.array_equal(*pair) for pair in zip(copy.get_weights(), network.get_weights(), strict=True))


def test_a_copy_by_another_network_of_the_same_names_and_shapes_is_refused():
    network = models.build("huang_unet", (32, 32, 1), width=2)
    with pytest.raises(ConfigurationError, match="huang_unet has no layer 'standardize'"):
        deploy.rebuild(network, "gulati_unet", width=2)


def test_a_copy_that_does_something_else_with_the_same_weights_is_refused():
    trained = models.build("huang_unet", (32, 32, 1), width=2)
    trained.get_layer("mask_logits").activation = keras.activations.tanh
    with pytest.raises(ConfigurationError, match="layer 'mask_logits' has activation='tanh' in huang_unet, and 'linear' in the"):
        deploy.rebuild(trained, "huang_unet", width=2)


def test_two_masks_side_by_side_are_refused():
    options = {"width": 16, "outputs": "both"}
    network = models.build("double_unet", (32, 32, 1), **options)
    with pytest.raises(ConfigurationError, match="double_unet gives 2 masks side by side; expected one mask.*outputs='second'"):
        deploy.rebuild(network, "double_unet", **options)


def test_what_follows_from_the_size_of_the_image_and_what_trains_alone_may_differ():
    """The pooled map of a pyramid is enlarged to the size of the others; dropout does nothing in use."""
    pyramid = models.build("dl_unet", (32, 32, 1), width=16)
    assert deploy.rebuild(pyramid, "dl_unet", size=(48, 32), width=16).output.shape == (None, 48, 32, 1)
    network = models.build("huang_unet", (32, 32, 1), width=2, dropout=True)
    copy = deploy.rebuild(network, "huang_unet", width=2)
    assert np.allclose(*(ops.convert_to_numpy(one(IMAGES)) for one in (copy, network)), atol=1e-6)


@pytest.mark.parametrize("options", [{"width": 2, "depth": 3}, {"width": 4, "depth": 2}])
def test_a_copy_of_another_size_is_refused(options):
    network = models.build("nervekit_unet", (32, 32, 1), width=4, depth=3)
    with pytest.raises(ConfigurationError, match="weights of layer .* have the shapes .* such as width and depth"):
        deploy.rebuild(network, "nervekit_unet", **options)


@on_tensorflow
def test_litert_gives_what_keras_gives_image_by_image_and_its_writer_is_silent(tmp_path, monkeypatch, caplog, recwarn, capfd):
    network = models.build("nervekit_unet", (32, 32, 1), width=4)
    monkeypatch.setattr(logging.getLogger("tensorflow"), "filters", [])  # record.start in this process adds one
    level = logging.getLogger("tensorflow").level
    with caplog.at_level(logging.INFO):
        deploy.to_litert(network, tmp_path / "network.tflite")
    said = [record for record in caplog.records if record.name == "tensorflow"]
    assert not said and not recwarn and logging.getLogger("tensorflow").level == level and not capfd.readouterr().out
    answer = deploy.open_litert(tmp_path / "network.tflite")
    expected = training.predict(network, IMAGES)
    assert np.ptp(expected) > 0.01 and np.abs(answer(IMAGES) - expected).max() < 1e-4
    assert np.array_equal(answer(IMAGES[1:2])[0], answer(IMAGES)[1])


@pytest.mark.parametrize(("write", "file"), [(deploy.to_litert, "A LiteRT"), (deploy.to_onnx, "An ONNX")])
def test_another_backend_cannot_write_a_file_and_says_what_to_do(write, file, monkeypatch, tmp_path):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(ConfigurationError, match=f"{file} file .* runs on jax.*KERAS_BACKEND=tensorflow"):
        write(None, tmp_path / "network")
    assert list(tmp_path.iterdir()) == []


def test_without_a_runtime_a_litert_file_is_refused_with_its_package(monkeypatch, tmp_path):
    monkeypatch.setattr(deploy, "find_spec", lambda package: None)
    with pytest.raises(ConfigurationError, match="ai-edge-litert.*pip install"):
        deploy.open_litert(tmp_path / "network.tflite")


def test_without_its_packages_an_onnx_file_is_refused_with_their_names(monkeypatch, tmp_path):
    monkeypatch.setattr(deploy, "find_spec", lambda package: None)
    monkeypatch.setattr(keras.config, "backend", lambda: "tensorflow")
    assert "onnxruntime" in deploy.missing_for_onnx()
    with pytest.raises(ConfigurationError, match="onnxruntime.*pip install"):
        deploy.to_onnx(None, tmp_path / "network.onnx")


def test_without_its_runtime_an_onnx_file_is_not_opened_and_its_package_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(deploy, "find_spec", lambda package: None)
    with pytest.raises(ConfigurationError, match=r"needs onnxruntime to be run.*pip install 'nervekit\[onnx\]'"):
        deploy.open_onnx(tmp_path / "network.onnx")


@on_tensorflow
@pytest.mark.parametrize(("read", "name"), [(deploy.open_litert, "text.tflite"), (deploy.open_onnx, "text.onnx")])
def test_a_file_that_is_not_there_or_is_none_is_not_opened(read, name, tmp_path):
    if read is deploy.open_onnx and deploy.missing_for_onnx():
        pytest.skip(f"not installed: {', '.join(deploy.missing_for_onnx())}")
    with pytest.raises(MissingDataError, match=f"There is no file .*{name}"):
        read(tmp_path / name)
    (tmp_path / name).write_text(99 * "not a network ")
    with pytest.raises(DataError, match=f"(?s){name} cannot be opened .*Expected a file that to_.* wrote"):
        read(tmp_path / name)


class Exporter:
    """A network of which an exporter writes these bytes, and then stops with an error if there is one."""

    input_shape, layers = (None, 8, 8, 1), ()

    def __init__(self, content, error=None):
        self.content, self.error = content, error

    def __call__(self, images):
        return images

    def export(self, path, **options):
        self.ending = Path(path).suffix
        Path(path).write_bytes(self.content)
        if self.error:
            raise self.error


@writers
def test_a_file_is_replaced_by_a_whole_one_or_left_as_it_was(write, name, monkeypatch, tmp_path):
    monkeypatch.setattr(keras.config, "backend", lambda: "tensorflow")
    monkeypatch.setattr(deploy, "missing_for_onnx", list)
    path, stopping, whole = tmp_path / name, Exporter(b"half", RuntimeError("stopped")), Exporter(b"new")
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError, match="stopped"):
        write(stopping, path)
    assert list(tmp_path.iterdir()) == [path] and path.read_bytes() == b"old" and stopping.ending == path.suffix
    write(whole, path)
    assert list(tmp_path.iterdir()) == [path] and path.read_bytes() == b"new"
    with pytest.raises(DataError, match=f"absent.{name}: cannot be written"):
        write(whole, tmp_path / "absent" / name)


@writers
def test_of_several_outputs_the_finest_mask_alone_is_written(write, name, monkeypatch, tmp_path):
    """By name the coarse mask comes first, as it did in a file."""
    inputs = keras.Input((8, 8, 1))
    mask = keras.layers.Conv2D(1, 3, activation="sigmoid", padding="same", name="mask")(inputs)
    coarse = keras.layers.AveragePooling2D(2, name="decoder_2_mask")(mask)
    presence = keras.layers.GlobalAveragePooling2D(name="presence")(mask)
    network = keras.Model(inputs, {"decoder_2_mask": coarse, "mask": mask, "presence": presence})
    exported = []

    def export(model, path, **options):
        exported.append(model)
        Path(path).write_bytes(b"file")

    monkeypatch.setattr(keras.config, "backend", lambda: "tensorflow")
    monkeypatch.setattr(deploy, "missing_for_onnx", list)
    monkeypatch.setattr(keras.Model, "export", export)
    write(network, tmp_path / name)
    (alone,) = exported
    images = np.random.default_rng(0).random((2, 8, 8, 1), "float32")
    expected = ops.convert_to_numpy(network(images)["mask"])
    assert np.ptp(expected) > 0.01 and np.allclose(ops.convert_to_numpy(alone(images)), expected, atol=1e-6)


@writers
@pytest.mark.parametrize(
    ("shape", "masks", "policy", "text"),
    [
        ((8, 8, 1), 2, "float32", "gives 2 masks side by side; expected one mask"),
        ((None, None, 1), 1, "float32", r"takes images of shape \(None, None, 1\), and a file those of one size"),
        ((8, 8, 1), 1, "mixed_bfloat16", r"computes in bfloat16 \(layer mask\), and a file in float32. Take rebuild.rebuild"),
    ],
)
def test_a_network_that_a_file_cannot_hold_is_refused(write, name, shape, masks, policy, text, monkeypatch, tmp_path):
    inputs = keras.Input(shape)
    network = keras.Model(inputs, keras.layers.Conv2D(masks, 1, dtype=policy, name="mask")(inputs))
    monkeypatch.setattr(keras.config, "backend", lambda: "tensorflow")
    monkeypatch.setattr(deploy, "missing_for_onnx", list)
    with pytest.raises(ConfigurationError, match=text):
        write(network, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_litert_file_of_another_ending_is_refused_by_the_name_that_was_given(monkeypatch, tmp_path):
    monkeypatch.setattr(keras.config, "backend", lambda: "tensorflow")
    with pytest.raises(ConfigurationError, match=r"/net.lite: a LiteRT file ends in .tflite. Name it so"):
        deploy.to_litert(Exporter(b"new"), tmp_path / "net.lite")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("read", [deploy.open_litert, deploy.open_onnx])
@pytest.mark.parametrize(("taken", "given"), [(1, 2), (2, 1)])
def test_a_file_that_takes_or_gives_several_arrays_is_not_opened(read, taken, given, monkeypatch, tmp_path):
    def runtime(*arguments, **options):
        inputs, outputs = [{"index": 0}] * taken, [{"index": 1}] * given
        return SimpleNamespace(
            get_inputs=lambda: inputs, get_outputs=lambda: outputs, allocate_tensors=lambda: None,
            get_input_details=lambda: inputs, get_output_details=lambda: outputs,
        )  # fmt: skip

    monkeypatch.setattr(deploy, "find_spec", lambda package: package != "ai_edge_litert")
    monkeypatch.setitem(sys.modules, "onnxruntime", SimpleNamespace(InferenceSession=runtime))
    monkeypatch.setitem(sys.modules, "nervekit.on_tensorflow", SimpleNamespace(litert_interpreter=runtime))
    (tmp_path / "file").write_bytes(b"file")
    with pytest.raises(DataError, match=f"file cannot be opened .arrays taken: {taken}, given: {given}; expected one of each"):
        read(tmp_path / "file")


def test_a_single_slow_frame_does_not_change_the_speed(monkeypatch):
    clock = iter([0, 1, 1, 2, 2, 12])
    monkeypatch.setattr(deploy.time, "perf_counter", lambda: next(clock))
    assert deploy.frames_per_second(lambda image: None, IMAGES[:3], warm=0) == 1


def test_single_frames_are_answered_and_the_first_are_not_timed(monkeypatch):
    asked, clock = [], iter(np.arange(0, 100, 0.25))
    monkeypatch.setattr(deploy.time, "perf_counter", lambda: next(clock))
    speed = deploy.frames_per_second(lambda image: asked.append(image.shape), IMAGES, warm=2)
    assert asked == [(1, 32, 32, 1)] * 5 and speed == 4


def test_the_clock_runs_until_the_answer_is_there(monkeypatch):
    """JAX returns at once and computes until its answer is read."""
    now = [0.0]

    class Promise:
        def __init__(self):
            self.asked = now[0]

        def __array__(self, dtype=None, copy=None):
            now[0] = self.asked + 0.5
            return np.zeros((1, 32, 32))

    monkeypatch.setattr(deploy.time, "perf_counter", lambda: now[0])
    assert deploy.frames_per_second(lambda image: Promise(), IMAGES, warm=1) == 2


def test_every_runtime_gives_what_keras_gives_at_another_size_and_no_writer_prints(capfd):
    network = models.build("nervekit_unet", (16, 16, 1), width=2, depth=3, deep_supervision=True)
    found = deploy.runtimes(network, "nervekit_unet", size=(32, 24), precision="bfloat16", width=2, depth=3)
    assert not capfd.readouterr().out
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 24, 1), dtype=np.uint8)
    answers = {name: answer(images) for name, answer in found.items()}
    there = keras.config.backend() == "tensorflow"
    assert ("LiteRT" in found) == there and ("ONNX Runtime" in found) == (there and not deploy.missing_for_onnx())
    exact = answers["Keras, float32"]
    assert 0 < np.abs(answers.pop("Keras, bfloat16") - exact).max() < 0.05
    for answer in answers.values():
        assert answer.shape == (2, 32, 24) and np.abs(answer - exact).max() < 1e-4
