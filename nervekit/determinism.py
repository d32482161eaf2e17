"""The same seed, machine and backend: the same network, to the last bit, as far as the backend has a form for it."""

import os

import keras

from nervekit.precision import has_gpu


def switch_on():
    """Have the backend add numbers up in a fixed order, for the rest of this process; `training.fit` calls it.

    On a processor it costs no time (TensorFlow 2.21, two cores, three networks).

    Notes
    -----
    JAX on a processor needs no switch. Without a fixed order:

    - On a GPU, through XLA (JAX, and TensorFlow as `training.compile_model` sets it): nothing is switched. Which kernel
      multiplies or convolves is chosen by speed at each start, and the sums of convolutions, of scattering and of overlapping
      pools may come in any order. Asked for a fixed order, XLA of 2024 refused to compile the gradient of max pooling; later
      ones may compile it, slowly (not tried). (With
      TensorFlow, ``tf.config.experimental.enable_op_determinism()`` before `compile_model` gives one: Keras then leaves XLA
      off, which is slower. Not tried on a GPU.)
    - On a GPU, PyTorch: an operation that has no such form runs as it is and is named in a warning; linear steps up take
      another, slower way.

    Once TensorFlow is switched, its random operations (``tf.random.normal``) want a seed: ``tf.random.set_seed``.

    References
    ----------
    Documentation of ``tf.config.experimental.enable_op_determinism`` and ``torch.use_deterministic_algorithms``; for XLA
    its page on determinism, and the issues tensorflow 69417 and flax 4233.

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
        from nervekit import on_tensorflow

        on_tensorflow.add_up_in_a_fixed_order()
