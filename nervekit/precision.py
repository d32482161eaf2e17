"""The number format that networks compute in, chosen by asking the hardware."""

import os

import keras

from nervekit import processor
from nervekit.errors import ConfigurationError
from nervekit.processor import PRECISIONS


def set_precision(choice="auto"):
    """Choose the number format that networks built from now on compute in.

    Weights, the loss and the sigmoid of the networks of `models` stay in float32 either way, and so do, in `training.fit`, all
    sums but one: a GPU of the Hopper generation adds bfloat16 natively, and by the source of XLA the gradients of biases are
    summed in it there with JAX, in a tree, which loses per cents (not measured). On a GPU of the Ampere generation or later the
    backends round the factors of float32 products to eleven bits (TF32).

    Parameters
    ----------
    choice : str
        ``"float32"``, ``"bfloat16"``, or ``"auto"``: bfloat16 where the hardware multiplies it natively, or what the
        environment variable ``NERVEKIT_PRECISION`` says (``make run-all PRECISION=float32`` sets it).

    Returns
    -------
    str
        ``"bfloat16"`` or ``"float32"``.

    Raises
    ------
    ConfigurationError
        Another choice, here or in ``NERVEKIT_PRECISION``.

    Examples
    --------
    >>> set_precision("float32")
    'float32'
    """
    if choice == "auto":
        choice = os.environ.get("NERVEKIT_PRECISION") or "auto"
    if choice not in PRECISIONS:
        raise ConfigurationError(f"There is no precision {choice!r}. Choose one of: {', '.join(PRECISIONS)}.")
    if choice == "auto":
        choice = "bfloat16" if has_bfloat16() else "float32"
    keras.config.set_dtype_policy("mixed_bfloat16" if choice == "bfloat16" else "float32")
    return choice


def has_bfloat16():
    """Whether the device that the backend trains on multiplies bfloat16 natively.

    On a processor the answer is its instruction set (JAX does not use it there), on a GPU its generation (Ampere or
    later). A TPU always does.
    """
    backend = keras.config.backend()
    if has_gpu():
        if backend == "torch":
            import torch

            return _device_of_torch() == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return _compute_capability() >= 8
    if has_tpu():
        return True
    return backend != "jax" and bool(processor.bfloat16_instructions())


def has_gpu():
    """Whether the backend computes on a GPU; of Keras on PyTorch that of an Apple or Intel processor is one, too."""
    if keras.config.backend() == "torch":
        return _device_of_torch() != "cpu"
    return _sees("gpu", "cuda")


def gpu_name():
    """Name of the GPU that the backend computes on; empty where it is none of NVIDIA's, or the backend does not say."""
    backend = keras.config.backend()
    if backend == "torch":
        import torch

        return torch.cuda.get_device_name() if _device_of_torch() == "cuda" else ""
    if backend == "jax":
        import jax

        return jax.devices()[0].device_kind
    from nervekit import on_tensorflow

    return on_tensorflow.gpu_details().get("device_name", "")


def has_tpu():
    """Whether the backend sees a TPU."""
    return keras.config.backend() != "torch" and _sees("tpu")


def sum_bias_gradients_in_float32():
    """Have biases in bfloat16 added by ``tf.add`` where the gradient of ``tf.nn.bias_add`` loses most of itself.

    On processors TensorFlow (2.20, 2.21) sums the gradient of the latter in bfloat16. A sum of so few digits stops growing
    after a few hundred pixels: of a batch of 32 images of 128x128 it reaches a five hundredth of its value. That of
    ``tf.add`` is summed in float32. In the graph that `training.fit` runs, oneDNN sums the gradient of a convolution's bias
    with that of its weights, rightly and at no cost; there only other layers, such as transposed convolutions, are mended.
    Nothing is done on a GPU or another backend (for JAX see :func:`set_precision`).

    Examples
    --------
    >>> sum_bias_gradients_in_float32()
    """
    if keras.config.backend() != "tensorflow" or has_gpu():
        return
    from nervekit import on_tensorflow

    on_tensorflow.sum_bias_gradients_in_float32()


def _device_of_torch():
    """The kind of device that Keras puts new tensors on, which is not every one that PyTorch finds."""
    return str(keras.ops.zeros(()).device).split(":")[0]


def _sees(*kinds):
    # Asked for GPUs by name, JAX raises an error where there are none.
    return any(device.lower().startswith(kinds) for device in keras.distribution.list_devices())


def _compute_capability():
    if keras.config.backend() == "jax":
        import jax

        try:
            return float(getattr(jax.devices()[0], "compute_capability", 0))
        except ValueError:  # AMD's names of a generation, such as gfx90a
            return 0
    from nervekit import on_tensorflow

    return on_tensorflow.gpu_details().get("compute_capability", (0,))[0]
