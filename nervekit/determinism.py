"""The same seed, machine and backend: the same network, to the last bit, as far as the backend has a form for it."""

import os

import keras

from nervekit.precision import has_gpu


def switch_on():
    """Have the backend add numbers up in a fixed order, for the rest of this process; `training.fit` calls it.

    On a processor it costs no time (TensorFlow 2.21, two cores, three networks).

    Notes
    -----
    Without a fixed order:

    - On a GPU, through XLA (JAX, and TensorFlow as `training.compile_model` sets it): the gradient of max pooling, in every
      network with pooling. Asked for a fixed order XLA refuses to compile it, so that it is not asked.
    - On a GPU, PyTorch: an operation that has no such form runs as it is and is named in a warning.
    - JAX on a processor has nothing to switch.

    Once TensorFlow is switched, its random operations (``tf.random.normal``) want a seed: ``tf.random.set_seed``.

    References
    ----------
    Documentation of ``tf.config.experimental.enable_op_determinism`` and ``torch.use_deterministic_algorithms``; for XLA
    the issues tensorflow 69417 and flax 4233.

    Examples
    --------
    >>> switch_on()
    """
    backend = keras.config.backend()
    if backend == "torch":
        import torch

        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
        # Memory that is about to be written needs no values of its own.
        torch.utils.deterministic.fill_uninitialized_memory = False
    elif backend == "tensorflow" and not has_gpu():
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
