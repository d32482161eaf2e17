"""What a trained network says of images; `nervekit.training` hands `predict` and `answers` on."""

import contextlib

import keras
import numpy as np

from nervekit import feeding, suitable
from nervekit.errors import ConfigurationError, RunError


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

    Raises
    ------
    ConfigurationError
        The network has several outputs or gives several masks side by side, there is no image, images are not uint8 or not of
        the shape that the network takes, or a batch would be empty.
    RunError
        A probability is not finite: above 0.5 is a plain no of it, and a network that diverged would find nothing.
    """
    suitable.check_one_mask(model)
    probabilities = answers(model, images, batch_size=batch_size)[..., 0]
    if not np.isfinite(probabilities).all():
        raise RunError(
            f"{model.name} answers with probabilities that are not finite: its training diverged. Lower the learning rate, or take "
            "another seed."
        )
    return probabilities


def answers(model, images, *, batch_size=32):
    """Everything that a network says of images: an array, or a dict of arrays where it has several outputs.

    Parameters
    ----------
    model : keras.Model
    images : ndarray of uint8, shape (N, H, W, C)

    Returns
    -------
    ndarray of float32, or dict of str to such arrays
        Of each output, with N as its first axis: masks (N, H, W, channels), presence (N, 1).

    Raises
    ------
    ConfigurationError
        There is no image, images are not uint8 or not of the shape that the network takes, or a batch would be empty.
    """
    if not len(images):
        raise ConfigurationError(f"{model.name} was asked about no image. Look at the split that the images were taken from.")
    suitable.check_counts(batch_size=batch_size)
    suitable.check_images(images)
    suitable.check_shape(model, images)
    with kept_whole(model, model.variables):
        found = model.predict(*feeding.in_order(images, batch_size=batch_size), batch_size=batch_size, verbose=0)
    # A network of the user's own may answer in bfloat16, whose means are rounded to three digits.
    return keras.tree.map_structure(lambda one: np.asarray(one, "float32"), found)


@contextlib.contextmanager
def kept_whole(model, variables):
    """Work that may fail or be interrupted without leaving a network empty.

    On JAX Keras takes the weights out of a network while it trains or predicts, and what stops it in a step may leave them out.
    If any is missing then, all go back to what they were before.
    """
    kept = [np.array(one) for one in variables] if keras.config.backend() == "jax" else []
    try:
        yield
    except BaseException:
        if kept and any(_is_gone(one) for one in variables):
            model._jax_state = None  # of the step that was broken off: later Keras would put it over these
            for variable, value in zip(variables, kept, strict=True):
                variable.assign(value)
        raise


def _is_gone(variable):
    value = variable._value
    return value is None or (hasattr(value, "is_deleted") and value.is_deleted())
