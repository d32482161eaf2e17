"""What a trained network says of images; `nervekit.training` hands both functions on."""

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
    ndarray or dict of str to ndarray
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
    # On JAX Keras takes the weights out of the network while it predicts, and leaves it empty if that fails or is interrupted.
    kept = [np.array(one) for one in model.variables] if keras.config.backend() == "jax" else []
    try:
        return model.predict(*feeding.in_order(images, batch_size=batch_size), batch_size=batch_size, verbose=0)
    except BaseException:
        for variable, value in zip(model.variables, kept, strict=False):
            variable.assign(value)
        raise
