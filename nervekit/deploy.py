"""A trained network in use: as a file of ONNX or LiteRT, and how fast it answers."""

import logging
import os
import tempfile
import time
import warnings
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np

from nervekit import processor, recipe, suitable
from nervekit.errors import ConfigurationError, DataError, MissingDataError, command
from nervekit.rebuild import rebuild
from nervekit.whole import HOST

__all__ = ["frames_per_second", "missing_for_onnx", "open_litert", "open_onnx", "rebuild", "runtimes", "to_litert", "to_onnx"]

ONNX_PACKAGES = ("tf2onnx", "onnxruntime")


def missing_for_onnx():
    """Packages that an ONNX file needs beside TensorFlow, and that are not there; an empty list where all are."""
    return [package for package in ONNX_PACKAGES if not find_spec(package)]


def to_onnx(network, path):
    """Write a network as an ONNX file.

    The file is whole or not there.

    Parameters
    ----------
    network : keras.Model
        In float32, for images of one size, see `rebuild.rebuild`. Of several outputs the finest mask is written.
    path : path-like

    Raises
    ------
    ConfigurationError
        A package is missing, or Keras runs on another backend than TensorFlow. (On JAX and PyTorch Keras 3.15 exports with
        other packages, and does not take images in batches of any size.) Or the network gives several masks side by side,
        takes images of any size, or computes in another format.
    DataError
        The file cannot be written.
    """
    _check_backend("An ONNX")
    missing = missing_for_onnx()
    if missing:
        how = command("pip install 'nervekit[onnx]'")
        raise ConfigurationError(f"An ONNX file needs {', '.join(missing)}. Install with: {how}")
    network = _for_a_file(network)
    with _whole(path) as partial, _quietly():
        network.export(str(partial), format="onnx", verbose=False)


def open_onnx(path):
    """A function from images (N, H, W, C) to probabilities (N, H, W), computed by ONNX Runtime on the processor.

    Raises
    ------
    ConfigurationError
        ONNX Runtime is not installed.
    MissingDataError
        There is no such file.
    DataError
        The file is not in this format, or takes or gives more than one array.
    """
    if not find_spec("onnxruntime"):
        how = command("pip install 'nervekit[onnx]'")
        raise ConfigurationError(f"An ONNX file needs onnxruntime to be run. Install with: {how}")
    _check_file(path, "to_onnx")
    import onnxruntime

    with _reading(path, "to_onnx"):
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        taken, _ = _one_each(session.get_inputs(), session.get_outputs())

    def answer(images):
        return session.run(None, {taken.name: np.asarray(images, "float32")})[0][..., 0]

    return answer


def to_litert(network, path):
    """Write a network as a LiteRT file (.tflite), which phones and small boards run; it takes one image at a time.

    The file is whole or not there.

    Parameters
    ----------
    network : keras.Model
        In float32, for images of one size, see `rebuild.rebuild`. Of several outputs the finest mask is written.
    path : path-like
        Ends in ``.tflite``.

    Raises
    ------
    ConfigurationError
        Keras runs on another backend than TensorFlow, whose converter is used, or the path has another ending. Or the network
        gives several masks side by side, takes images of any size, or computes in another format.
    DataError
        The file cannot be written.
    """
    _check_backend("A LiteRT")
    if Path(path).suffix != ".tflite":
        raise ConfigurationError(f"{path}: a LiteRT file ends in .tflite. Name it so, such as network.tflite.")
    network = _for_a_file(network)
    signature = [keras.InputSpec(shape=(1, *network.input_shape[1:]), dtype="float32")]
    with _whole(path) as partial, _quietly():
        network.export(str(partial), format="litert", verbose=False, input_signature=signature)


def open_litert(path, threads=None):
    """A function from images (N, H, W, C) to probabilities (N, H, W), computed by LiteRT on the processor.

    The package ``ai-edge-litert`` is used where it is installed, else the interpreter that TensorFlow brings.

    Parameters
    ----------
    path : path-like
    threads : int, optional
        The cores open to this process if omitted.

    Raises
    ------
    ConfigurationError
        Neither is installed.
    MissingDataError
        There is no such file.
    DataError
        The file is not in this format, or takes or gives more than one array.
    """
    if find_spec("ai_edge_litert"):
        from ai_edge_litert.interpreter import Interpreter
    elif find_spec("tensorflow"):
        from nervekit.on_tensorflow import litert_interpreter as Interpreter
    else:
        how = command("pip install 'nervekit[litert]'")
        raise ConfigurationError(f"A LiteRT file needs ai-edge-litert to be run. Install with: {how}")

    _check_file(path, "to_litert")
    with _reading(path, "to_litert"), _quietly():
        interpreter = Interpreter(model_path=str(path), num_threads=threads or processor.threads())
        interpreter.allocate_tensors()
        taken, given = _one_each(interpreter.get_input_details(), interpreter.get_output_details())

    def answer(images):
        masks = []
        for image in np.asarray(images, "float32"):
            interpreter.set_tensor(taken["index"], image[None])
            interpreter.invoke()
            masks.append(interpreter.get_tensor(given["index"])[0, ..., 0].copy())
        return np.stack(masks)

    return answer


def _check_backend(file):
    if keras.config.backend() != "tensorflow":
        raise ConfigurationError(
            f"{file} file is written by a converter for TensorFlow, and Keras runs on {keras.config.backend()}. Save the "
            "network, and load it in a process with KERAS_BACKEND=tensorflow."
        )


def _for_a_file(network):
    """The network with its finest mask as only output, called once: Keras exports only what was called."""
    network = recipe.finest(network)
    suitable.check_one_mask(network)
    shape = network.input_shape[1:]
    if None in shape:
        raise ConfigurationError(
            f"{network.name} takes images of shape {shape}, and a file those of one size. Build it for that size, and give it "
            "the weights: copy.set_weights(network.get_weights())."
        )
    # An input computes nothing; its format is that of the process at the time.
    computing = [layer for layer in network.layers if not isinstance(layer, keras.layers.InputLayer)]
    if other := [layer for layer in computing if layer.compute_dtype != "float32"]:
        raise ConfigurationError(
            f"{network.name} computes in {other[0].compute_dtype} (layer {other[0].name}), and a file in float32. Take "
            "rebuild.rebuild first."
        )
    network(np.zeros((1, *shape), "float32"))
    return network


@contextmanager
def _whole(path):
    """A name beside a file, of the same ending, for an exporter to write to; the file is replaced once that is whole."""
    path = Path(path)
    partial = path.parent / f".part-{HOST}-{os.getpid()}-{path.name}"
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be written ({error.strerror or error}). Free some space, or name another folder."
        ) from error
    finally:  # an interrupt leaves nothing either
        with suppress(OSError):
            partial.unlink()


def _check_file(path, writer):
    if not Path(path).is_file():
        raise MissingDataError(f"There is no file {path}. Give the path of one that {writer} wrote.")


@contextmanager
def _reading(path, writer):
    try:
        yield
    except Exception as error:  # each runtime has kinds of its own
        raise DataError(f"{path} cannot be opened ({error}). Expected a file that {writer} wrote.") from error


def _one_each(taken, given):
    if len(taken) != 1 or len(given) != 1:
        raise ValueError(f"arrays taken: {len(taken)}, given: {len(given)}; expected one of each")
    return taken[0], given[0]


@contextmanager
def _quietly():
    """Without what exporters say of their own temporary folders and of later releases; errors still come."""
    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def runtimes(network, name, *, size=None, precision="float32", **options):
    """The ways to run a network here, each a function from images to probabilities, for images of one size.

    Parameters
    ----------
    network, name, size, **options
        As in `rebuild.rebuild`.
    precision : str
        Of a second network in Keras, beside that in float32; files are in float32.

    Returns
    -------
    dict of str to callable
        ``"Keras, float32"`` and the like; where the backend is TensorFlow ``"LiteRT"``, and ``"ONNX Runtime"`` if its packages
        are installed.
    """
    formats = dict.fromkeys(("float32", precision))
    networks = {one: rebuild(network, name, size=size, precision=one, **options) for one in formats}
    found = {f"Keras, {one}": lambda images, net=net: net.predict_on_batch(images)[..., 0] for one, net in networks.items()}
    if keras.config.backend() != "tensorflow":
        return found
    with tempfile.TemporaryDirectory() as folder:
        if not missing_for_onnx():
            to_onnx(networks["float32"], Path(folder) / "network.onnx")
            found["ONNX Runtime"] = open_onnx(Path(folder) / "network.onnx")
        to_litert(networks["float32"], Path(folder) / "network.tflite")
        found["LiteRT"] = open_litert(Path(folder) / "network.tflite")
    return found


def frames_per_second(answer, frames, *, warm=2):
    """How many single frames a second a function answers, by the median time of a frame.

    Parameters
    ----------
    answer : callable
        Takes images (1, H, W, C). What it gives is read within the time: JAX and GPUs may still compute after it returned.
    frames : ndarray, shape (N, H, W, C)
    warm : int
        Frames answered before the clock starts: the first ones compile.

    Returns
    -------
    float

    Examples
    --------
    >>> frames_per_second(lambda frame: frame.mean(), np.zeros((3, 8, 8, 1))) > 0
    True
    """
    seconds = []
    for frame in [*frames[:warm], *frames]:
        began = time.perf_counter()
        keras.ops.convert_to_numpy(answer(frame[None]))
        seconds.append(time.perf_counter() - began)
    return float(1 / np.median(seconds[-len(frames) :]))
