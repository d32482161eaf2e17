"""Batches for a network, in an order that depends on the seed and the epoch alone, the same on every backend.

On JAX and PyTorch images and masks lie on the device as a whole, and batches are gathered there. On TensorFlow they are
gathered on the processor and fetched ahead.

On TensorFlow, Keras' own path for arrays has two faults (seen with Keras 3.15.1 and TensorFlow 2.21, watching the order of
the images and the stack of a process that stood still). Under a seed it deals the same batches in every epoch. And tf.data
starts a thread to tune the pipeline, which sleeps longer each time; an iterator that ends waits for it to wake, so that after
an epoch of ten seconds up to ten more are slept through. Batches copied out of arrays leave nothing to tune.
"""

import keras
import numpy as np
from keras import ops


def training_batches(x, y, *, epochs, batch_size, seed):
    """Arguments of `keras.Model.fit` for arrays: each epoch all images once, in a new order.

    Parameters
    ----------
    x, y : ndarray, or tuple or dict of ndarrays
        Of one length N.
    epochs, batch_size, seed : int

    Returns
    -------
    dict

    Examples
    --------
    >>> images = np.arange(5)
    >>> fed = training_batches(images, images, epochs=2, batch_size=2, seed=0)
    >>> fed["steps_per_epoch"]
    3
    """
    count = len(keras.tree.flatten(y)[0])
    fed = _batches((x, y), orders(count, epochs, seed), batch_size)
    return {"x": fed, "steps_per_epoch": -(-count // batch_size), "shuffle": False, "epochs": epochs}


def orders(count, epochs, seed):
    """The order of the images in each epoch, (epochs, count) int.

    Examples
    --------
    >>> orders(5, 2, seed=0).tolist()
    [[2, 4, 3, 0, 1], [1, 4, 3, 0, 2]]
    """
    return np.stack([np.random.default_rng([seed, epoch]).permutation(count) for epoch in range(epochs)])


def in_order(x, y=None, *, batch_size):
    """Positional arguments of `evaluate` and `predict`, and ``validation_data`` of `fit`: images once, as they lie.

    Examples
    --------
    >>> double = keras.Sequential([keras.Input((1,)), keras.layers.Rescaling(2.0)])
    >>> images = np.array([[3.0], [1.0], [2.0]], "float32")
    >>> double.predict(*in_order(images, batch_size=2), verbose=0).astype(int).tolist()
    [[6], [2], [4]]
    """
    arrays = (x,) if y is None else (x, y)
    count = len(keras.tree.flatten(arrays)[0])
    return (_batches(arrays, np.arange(count)[None], batch_size),)


def _batches(arrays, indices, batch_size):
    if keras.config.backend() != "tensorflow":
        return _OnDevice(arrays, indices, batch_size)
    from nervekit import on_tensorflow

    return on_tensorflow.batches(arrays, indices, batch_size)


class _OnDevice(keras.utils.PyDataset):
    """Batches of arrays that were sent to the device once, and with them the numbers of each batch's images: a copy in every
    step would wait there for the step before."""

    def __init__(self, arrays, indices, batch_size):
        super().__init__()
        self.arrays = keras.tree.map_structure(ops.convert_to_tensor, arrays)
        starts = range(0, indices.shape[1], batch_size)
        self.chosen = [ops.convert_to_tensor(order[start : start + batch_size]) for order in indices for start in starts]

    def __len__(self):
        return len(self.chosen)

    def __getitem__(self, number):
        return keras.tree.map_structure(lambda array: ops.take(array, self.chosen[number], axis=0), self.arrays)
