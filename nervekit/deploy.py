"""A trained network in use: in float32, as an ONNX file, and how fast it answers."""

import time
from importlib.util import find_spec

import keras
import numpy as np

from nervekit import models
from nervekit.errors import ConfigurationError

ONNX_PACKAGES = {
    "tensorflow": ("tf2onnx", "onnxruntime"),
    "jax": ("tensorflow", "tf2onnx", "onnxruntime"),
    "torch": ("onnxscript", "onnxruntime"),
}


def in_float32(network, name, **options):
    """The same network in float32, whatever it was trained in, with its finest mask as only output.

    Parameters
    ----------
    network : keras.Model
        From ``models.build(name, ..., **options)``, trained.
    name : str
    **options
        Those it was built with, without ``deep_supervision``.

    Returns
    -------
    keras.Model

    Examples
    --------
    >>> trained = models.build("nervekit_unet", (32, 32, 1), width=2, deep_supervision=True)
    >>> in_float32(trained, "nervekit_unet", width=2).output.shape
    (None, 32, 32, 1)
    """
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        copy = models.build(name, network.input_shape[1:], **options)
    finally:
        keras.config.set_dtype_policy(policy)
    for layer in copy.layers:
        layer.set_weights(network.get_layer(layer.name).get_weights())
    return copy


def missing_for_onnx():
    """Packages that the backend needs for an ONNX file, and does not find; an empty list where all are there."""
    return [package for package in ONNX_PACKAGES[keras.config.backend()] if not find_spec(package)]


def to_onnx(network, path):
    """Write a network as an ONNX file.

    Parameters
    ----------
    network : keras.Model
        In float32, see :func:`in_float32`.
    path : path-like

    Raises
    ------
    ConfigurationError
        A package is missing.
    """
    missing = missing_for_onnx()
    if missing:
        raise ConfigurationError(f"An ONNX file needs {', '.join(missing)}. Install with: pip install 'nervekit[onnx]'")
    network(np.zeros((1, *network.input_shape[1:]), "float32"))  # Keras exports only what was called
    network.export(str(path), format="onnx", verbose=False)


def open_onnx(path):
    """A function from images (N, H, W, C) to probabilities (N, H, W), computed by ONNX Runtime on the processor."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()

    def answer(images):
        return session.run(None, {taken.name: np.asarray(images, "float32")})[0][..., 0]

    return answer


def frames_per_second(answer, frames, *, warm=2):
    """How many single frames a second a function answers, by the median time of a frame.

    Parameters
    ----------
    answer : callable
        Takes images (1, H, W, C).
    frames : ndarray, shape (N, H, W, C)
    warm : int
        Frames answered before the clock starts: the first ones compile.

    Returns
    -------
    float
    """
    for frame in frames[:warm]:
        answer(frame[None])
    seconds = []
    for frame in frames:
        began = time.perf_counter()
        answer(frame[None])
        seconds.append(time.perf_counter() - began)
    return float(1 / np.median(seconds))
