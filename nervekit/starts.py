"""What a network begins with: its first output, the memory of its batch normalisation, and new starts."""

import random
import threading
import warnings

import keras
import numpy as np

from nervekit.errors import ConfigurationError, is_whole


def set_batch_norm_momentum(model, momentum):
    """Let batch normalisation follow the batches faster or slower; the same model.

    Keras' 0.99 needs several hundred steps to forget where the running averages began. A shorter training that keeps it is
    good in training and blind in prediction. A network that was trained before is to be compiled again, see
    `training.compile_model`: on TensorFlow and JAX its step has the old momentum.

    Examples
    --------
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization()])
    >>> set_batch_norm_momentum(model, 0.9).layers[0].momentum
    0.9
    """
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = momentum
    return model


def begin_at_share(layer, masks):
    """Let the last convolution of a network begin about at the share of the region, by its bias alone.

    What the convolution makes of the features comes on top, pixel by pixel: its weights stay random. An untrained sigmoid says
    0.5 everywhere, and a nerve fills one pixel in a hundred. The first steps then push all outputs down, and a network may
    stay there.

    Parameters
    ----------
    layer : keras.layers.Conv2D
        Of one channel, before the sigmoid.
    masks : ndarray of bool
        Of the training images.

    Raises
    ------
    ConfigurationError
        No pixel, or every pixel, of the masks is of the region, or they are no bool array; or the convolution has no bias, or
        batch normalisation follows, which takes it away again.

    Examples
    --------
    >>> from nervekit import models
    >>> network = models.build("huang_unet", (32, 32, 1), width=2)
    >>> begin_at_share(network.get_layer("mask_logits"), np.arange(10) < 2)
    >>> round(float(network.get_layer("mask_logits").bias[0]), 3)  # the logarithm of 0.2 / 0.8
    -1.386
    """
    after = [node.operation for node in layer._outbound_nodes]
    if norms := [one.name for one in after if isinstance(one, keras.layers.BatchNormalization)]:
        raise ConfigurationError(
            f"{layer.name} is followed by {norms[0]}, a batch normalisation, which takes its bias away: the output cannot "
            "begin at a share. Train it without."
        )
    if layer.bias is None:
        raise ConfigurationError(f"{layer.name} has no bias, which is what begins at a share. Build it with use_bias=True.")
    if np.asarray(masks).dtype != bool:
        raise ConfigurationError(f"masks have the type {np.asarray(masks).dtype}; expected bool: write masks > 0.")
    share = np.mean(masks)
    if not 0 < share < 1:
        raise ConfigurationError(
            f"masks: {share:.0%} of their pixels are of the region; an output cannot begin there. Look whether the masks "
            "were read as they should, or leave the output as it is."
        )
    layer.bias.assign([np.log(share / (1 - share))])


_seeded = threading.Event()


def set_seed(seed):
    """Set the random states of Python, NumPy and the backend, and keep what TensorFlow compiled.

    ``keras.utils.set_random_seed`` does the same, but each ``tf.random.set_seed`` forgets every compiled step, which takes
    seconds to be made ready once more. So on TensorFlow it is called once a process. The networks here, and Keras' layers,
    draw from states of their own; what draws without (``tf.random.normal``, ``keras.random.normal`` without a seed) goes on
    in a second training, where it would have begun anew.

    Examples
    --------
    >>> drawn = []
    >>> for _ in range(2):
    ...     set_seed(3)
    ...     drawn.append(np.random.random())
    >>> drawn[0] == drawn[1]
    True
    """
    if keras.config.backend() == "tensorflow" and _seeded.is_set():
        random.seed(seed)
        np.random.seed(seed)
    else:
        keras.utils.set_random_seed(seed)
        _seeded.set()


def reset(model, build, *, seed):
    """Start a compiled network again, with the weights that ``build()`` draws under ``seed``.

    The compiled step is kept, so that ten folds compile once. Dropout, too, begins anew, whatever was drawn before. A
    learning rate that was changed stays as it is. The random states of Python, NumPy and the backend are set
    (:func:`set_seed`): what is drawn from ``np.random`` afterwards is the same each time.

    Parameters
    ----------
    model : keras.Model
        Compiled.
    build : callable
        Returns another network of the same structure, such as ``lambda: models.build("huang_unet", (128, 128, 1))``.
    seed : int

    Raises
    ------
    ConfigurationError
        ``build()`` returned the network itself.

    Examples
    --------
    >>> from nervekit import models, training
    >>> def build():
    ...     return models.build("huang_unet", (16, 16, 1), width=2)
    >>> network = training.compile_model(build())
    >>> starts = []
    >>> for seed in (1, 2, 1):
    ...     reset(network, build, seed=seed)
    ...     starts.append(network.get_layer("mask_logits").get_weights()[0])
    >>> np.array_equal(starts[0], starts[2]), np.array_equal(starts[0], starts[1])
    (True, False)
    """
    set_seed(seed)
    new = build()
    if new is model:
        raise ConfigurationError(
            "reset: build returned the network itself, which would go on from the weights that it has. Give a function that "
            "builds a new one each time, such as lambda: models.build(...)."
        )
    model.set_weights(new.get_weights())
    if model.optimizer.built:
        fresh = type(model.optimizer).from_config(model.optimizer.get_config())
        fresh.build(model.trainable_variables)
        for variable, start in zip(model.optimizer.variables, fresh.variables, strict=True):
            variable.assign(start)
    states = [variable for variable in model.variables if variable.name == "seed_generator_state"]
    for number, state in enumerate(states):
        # Keras counts the second number up at each draw: neighbouring numbers would give two layers the same draws in turn.
        drawn = np.random.SeedSequence([seed, number]).generate_state(2) >> 1
        state.assign(drawn.astype(state.dtype))


def until_alive(attempt, seed, *, starts=3):
    """Train again, from other weights, a network that finds nothing on the development images.

    Behind a ReLU that is zero everywhere nothing flows back, and an output that went to nothing stays there. Such a dead
    start is known by its development images alone; it is not a choice among good ones. What counts is the epoch with the
    lowest development loss, whose weights `attempt` restores: the first epochs often mark some pixels before a network dies.

    Parameters
    ----------
    attempt : callable
        From a seed to a trained network and its `training.History`, with a development set. The network has the weights of the
        epoch with the lowest development loss, as ``keras.callbacks.EarlyStopping(restore_best_weights=True)`` leaves it.
    seed : int
        Of the first start; each further one adds 100.
    starts : int
        How many there are at most.

    Returns
    -------
    network : keras.Model
    history : History
    start : int
        Which one it is, from 1.

    Raises
    ------
    ConfigurationError
        `starts` is no whole number of 1 or more, or a history has no ``val_loss`` or no ``val_pooled_iou``.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> def attempt(seed):
    ...     found = [0.1, 0.4 if seed > 5 else 0.0]
    ...     return f"network {seed}", SimpleNamespace(curves={"val_loss": [0.9, 0.7], "val_pooled_iou": found})
    >>> until_alive(attempt, 5)[::2]
    ('network 105', 2)
    """
    if not is_whole(starts, 1):
        raise ConfigurationError(f"starts={starts!r}: expected a whole number, 1 or more.")
    for start in range(1, starts + 1):
        network, history = attempt(seed + 100 * (start - 1))
        if missing := [name for name in ("val_loss", "val_pooled_iou") if name not in history.curves]:
            raise ConfigurationError(
                f"until_alive: the history has no {' and no '.join(missing)}, only {', '.join(history.curves)}. Train with a "
                "development set, and with the metrics that training.compile_model sets."
            )
        kept = int(np.argmin(np.nan_to_num(history.curves["val_loss"], nan=np.inf)))
        if history.curves["val_pooled_iou"][kept] > 0:
            return network, history, start
    said = f"none of {starts} starts finds anything on the development images: the last is returned, and its scores say nothing"
    warnings.warn(f"{said} of this network. A smaller learning rate or more epochs may help.", RuntimeWarning, stacklevel=2)
    return network, history, start
