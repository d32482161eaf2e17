"""Training: precision, one fit function, prediction, and the reset that lets one compiled model serve all folds."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import ops

from nervekit.errors import ConfigurationError
from nervekit.transfer import transfer

__all__ = ["History", "PooledIoU", "compile_model", "fit", "predict", "reset", "set_precision", "transfer"]

PRECISIONS = ("auto", "bfloat16", "float32")


def set_precision(choice="auto"):
    """Choose the number format that networks built from now on compute in.

    Weights, the sigmoid, the loss and all sums stay in float32 either way.

    Parameters
    ----------
    choice : str
        ``"float32"``, ``"bfloat16"``, or ``"auto"``: bfloat16 where the hardware multiplies it natively.

    Returns
    -------
    str
        ``"bfloat16"`` or ``"float32"``.

    Raises
    ------
    ConfigurationError
        Another choice.

    Examples
    --------
    >>> set_precision("float32")
    'float32'
    """
    if choice not in PRECISIONS:
        raise ConfigurationError(f"There is no precision {choice!r}. Choose one of: {', '.join(PRECISIONS)}.")
    if choice == "auto":
        choice = "bfloat16" if has_bfloat16() else "float32"
    keras.config.set_dtype_policy("mixed_bfloat16" if choice == "bfloat16" else "float32")
    return choice


def has_bfloat16():
    """Whether the device that the backend trains on multiplies bfloat16 natively.

    On a processor the answer is its instruction set (JAX does not use it there), on a GPU its generation (Ampere or
    later).
    """
    backend = keras.config.backend()
    if has_gpu():
        if backend == "torch":
            import torch

            return torch.cuda.is_bf16_supported(including_emulation=False)
        return _compute_capability() >= 8
    processor = Path("/proc/cpuinfo")
    flags = processor.read_text() if processor.exists() else ""
    return backend != "jax" and ("avx512_bf16" in flags or "amx_bf16" in flags)


def has_gpu():
    """Whether the backend sees a GPU."""
    if keras.config.backend() == "torch":
        import torch

        return torch.cuda.is_available()
    # Asked for GPUs by name, JAX raises an error where there are none.
    return any(device.lower().startswith(("gpu", "cuda")) for device in keras.distribution.list_devices())


def _compute_capability():
    if keras.config.backend() == "jax":
        import jax

        return float(getattr(jax.devices()[0], "compute_capability", 0))
    details = sys.modules["tensorflow"].config
    gpu = details.list_physical_devices("GPU")[0]
    return details.experimental.get_device_details(gpu).get("compute_capability", (0,))[0]


@keras.saving.register_keras_serializable(package="nervekit")
class PooledIoU(keras.metrics.Metric):
    """The "sum IoU": intersection over union, both summed over all images, at probability 0.5."""

    def __init__(self, name="pooled_iou", **options):
        super().__init__(name=name, **options)
        self.intersection = self.add_weight(name="intersection", initializer="zeros")
        self.union = self.add_weight(name="union", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        truth = ops.cast(y_true, "bool")
        prediction = ops.greater(y_pred, 0.5)
        self.intersection.assign_add(ops.sum(ops.cast(ops.logical_and(truth, prediction), "float32")))
        self.union.assign_add(ops.sum(ops.cast(ops.logical_or(truth, prediction), "float32")))

    def result(self):
        return ops.divide_no_nan(self.intersection, self.union)


def compile_model(model, *, loss="binary_crossentropy", optimizer="adam", metrics=None):
    """Compile a network for segmentation.

    XLA is left off on a processor, where it is slower than TensorFlow's own kernels.

    Parameters
    ----------
    model : keras.Model
    loss, optimizer : str or object
        As in ``keras.Model.compile``. The default is what Huang et al. used: Adam with its default settings.
    metrics : list, optional
        The pooled IoU if omitted.

    Returns
    -------
    keras.Model
        The same model.
    """
    plain = keras.config.backend() == "tensorflow" and not has_gpu()
    metrics = [PooledIoU()] if metrics is None else metrics
    model.compile(optimizer=optimizer, loss=loss, metrics=metrics, jit_compile=False if plain else "auto")
    return model


@dataclass(frozen=True)
class History:
    """What a training left: one value an epoch for each quantity, and how fast it went.

    Attributes
    ----------
    curves : dict of str to list of float
        ``loss``, ``pooled_iou`` and, with a development set, the same with ``val_`` before.
    seconds : float
        Wall time of the whole training.
    images_per_second : float
        Training images, without the first epoch, which also compiles.
    """

    curves: dict
    seconds: float
    images_per_second: float


def fit(model, train, development=None, *, epochs, batch_size=32, seed=0, callbacks=()):
    """Train a compiled network.

    Images go to the device as uint8 and masks as bool; everything else happens in the graph.

    Parameters
    ----------
    model : keras.Model
        Compiled, see :func:`compile_model`.
    train, development : SegmentationDataset
        Equal-sized images (N, H, W, C) and masks (N, H, W). The development set is only watched.
    epochs, batch_size : int
    seed : int
        Of the order of the images and of dropout.
    callbacks : sequence of keras.callbacks.Callback
        Such as ``plots.live_curves(epochs)``.

    Returns
    -------
    History

    Raises
    ------
    ConfigurationError
        The images do not have the size that the network takes.
    """
    check_sizes(model, train)
    keras.utils.set_random_seed(seed)
    clock = _Clock()
    result = model.fit(
        train.images,
        train.masks[..., None],
        validation_data=(development.images, development.masks[..., None]) if development is not None else None,
        epochs=epochs,
        batch_size=batch_size,
        verbose=0,
        callbacks=[clock, *callbacks],
    )
    curves = {name: [float(number) for number in numbers] for name, numbers in result.history.items()}
    steady = clock.seconds[1:] or clock.seconds
    return History(curves, sum(clock.seconds), len(train) * len(steady) / sum(steady))


class _Clock(keras.callbacks.Callback):
    """Seconds of each epoch, its pass over the development set included."""

    def on_train_begin(self, logs=None):
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.began)


def predict(model, images, *, batch_size=32):
    """Probability of the region at each pixel.

    Parameters
    ----------
    model : keras.Model
        With one output of one channel.
    images : ndarray of uint8, shape (N, H, W, C)

    Returns
    -------
    ndarray of float32, shape (N, H, W)
    """
    return model.predict(images, batch_size=batch_size, verbose=0)[..., 0]


def reset(model, build, *, seed):
    """Start a compiled network again, with the weights that ``build()`` draws under ``seed``.

    The compiled step is kept, so that ten folds compile once.

    Parameters
    ----------
    model : keras.Model
        Compiled.
    build : callable
        Returns a network of the same structure, such as ``lambda: models.build("huang_unet", (128, 128, 1))``.
    seed : int
    """
    keras.utils.set_random_seed(seed)
    model.set_weights(build().get_weights())
    for variable in model.optimizer.variables:
        if variable is not getattr(model.optimizer, "_learning_rate", None):
            variable.assign(ops.zeros_like(variable))


def check_sizes(model, dataset):
    """Refuse data whose images are not of the size that the network was built for."""
    expected = model.input_shape[1:]
    found = dataset.images[0].shape if isinstance(dataset.images, list) else np.shape(dataset.images)[1:]
    if isinstance(dataset.images, list) or tuple(found) != tuple(expected):
        size = "native sizes" if isinstance(dataset.images, list) else f"images of shape {tuple(found)}"
        raise ConfigurationError(
            f"{model.name} was built for images of shape {tuple(expected)}, and {dataset.key} holds {size}. "
            f"Load it with size={tuple(expected[:2])} and channels={expected[2]}, or build the network for that shape."
        )
