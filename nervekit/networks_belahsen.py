"""The five networks of Belahsen & El Manouzi as their Table I trains them: built, compiled, trained and asked alike."""

import gc
from dataclasses import dataclass

import keras
import numpy as np

from nervekit import models, training
from nervekit.losses import CrossEntropyDiceLoss, DiceLoss
from nervekit.optimizers import FlatAdam

# Option of the builder: how the name of its setting ends.
OPTIONS = {"width": "width", "features": "width", "dropout": "dropout", "batch_norm": "batch_norm"}
FEW, LARGE = 300, 128  # images


@dataclass(frozen=True)
class Network:
    """A row of Table I: its label, the name of its builder, and which of the builder's options are settings."""

    label: str
    builder: str
    options: tuple


NETWORKS = {
    "unet": Network("U-Net", "belahsen_unet", ("width",)),
    "inception": Network("U-Net inception", "inception_unet", ("width", "dropout")),
    "r2unet": Network("R2U-Net", "r2unet", ("features", "batch_norm")),
    "unetpp": Network("U-Net++", "unetpp", ("width", "dropout")),
    "attention": Network("Attention ResU-Net", "attention_resunet", ("width", "dropout")),
}


def options(name, settings):
    """Options of a network's builder under the settings of a run.

    Examples
    --------
    >>> options("unet", {"unet_width": 16})
    {'width': 16}
    """
    return {option: settings[f"{name}_{OPTIONS[option]}"] for option in NETWORKS[name].options}


def size(name, settings):
    """(height, width) that a network takes under the settings of a run."""
    return settings["inception_image_size" if name == "inception" else "image_size"]


def compiled(name, settings, train, *, optimizer=None, seed=0, **changed):
    """Build a network for a training set and compile it with its loss.

    Images are standardised by the mean and standard deviation of the training set, and batch normalisation follows its
    batches with ``settings["norm_momentum"]``. A network with cross-entropy in its loss says the share of nerve pixels
    everywhere before it learns, unless ``settings["first_output"]`` is 0.5: one that begins with 0.5 learns first of all to
    say 0, and may not come back from there. The two-headed network adds the cross-entropy of its presence head, times
    ``settings["presence_weight"]``.

    Parameters
    ----------
    name : str
        One of `NETWORKS`.
    settings : dict
        From `nervekit.papers.settings`.
    train : SegmentationDataset
    optimizer : keras.optimizers.Optimizer, optional
        Adam with the network's learning rate if not given.
    seed : int
    **changed
        Options of the builder that differ from the settings, such as ``head="sigmoid"``.

    Returns
    -------
    keras.Model
    """
    training.set_seed(seed)
    statistics = {"mean": float(train.images.mean()), "deviation": float(train.images.std())}
    network = models.build(
        NETWORKS[name].builder, train.images.shape[1:], **options(name, settings) | statistics | changed
    )
    training.set_batch_norm_momentum(network, settings["norm_momentum"])
    optimizer = optimizer or FlatAdam(settings[f"{name}_learning_rate"])
    loss = settings.get(f"{name}_loss", settings["loss"])
    mask_loss = CrossEntropyDiceLoss(smooth=1.0) if "cross-entropy" in loss else DiceLoss(offset=0.0)
    if "cross-entropy" in loss and settings.get("first_output", 0.5) != 0.5:
        training.begin_at_share(network.get_layer("mask_logits"), train.masks)
    if name != "inception":
        return training.compile_model(network, loss=mask_loss, optimizer=optimizer)
    losses = {"mask": mask_loss, "presence": "binary_crossentropy"}
    weights = {"mask": 1.0, "presence": settings["presence_weight"]}
    return training.compile_model(network, loss=losses, loss_weights=weights, optimizer=optimizer)


def train(network, train, development, *, epochs, batch_size, patience, seed=0, callbacks=()):
    """Train until the development loss has not fallen for `patience` epochs, and keep the best weights.

    Returns
    -------
    nervekit.training.History
        With ``pooled_iou`` and ``val_pooled_iou`` for the two-headed network too.
    """
    stop = keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True)
    return training.fit(
        network, train, development, epochs=epochs, batch_size=batch_size, seed=seed, callbacks=[stop, *callbacks]
    )  # fmt: skip


def outputs(network, images):
    """What a network says of images: pixels (N, H, W) float32, and presence (N,) of the two-headed one, else None."""
    # On TensorFlow compiling a graph takes longer than answering for a few hundred images without one, in few large batches.
    # Without one JAX compiles each operation by itself, and PyTorch keeps what a gradient would need.
    if len(images) > FEW or keras.config.backend() != "tensorflow":
        found = training.answers(network, images)
    else:
        batches = [network(images[i : i + LARGE], training=False) for i in range(0, len(images), LARGE)]
        found = keras.tree.map_structure(lambda *parts: np.concatenate([_array(part) for part in parts]), *batches)
    if isinstance(found, dict):
        return found["mask"][..., 0], found["presence"][:, 0]
    return found[..., 0], None


def _array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def parameters(name, **changed):
    """Parameters of a network as the paper trains it, counted in a network built for that and let go.

    Examples
    --------
    >>> parameters("inception")
    1865676
    """
    shape = (80, 112, 1) if name == "inception" else (96, 96, 1)
    count = models.build(NETWORKS[name].builder, shape, **changed).count_params()
    gc.collect()
    return count
