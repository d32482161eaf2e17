"""What the loss sees: masks changed along with their images, at each scale that a network answers in."""

import inspect
import math
import operator
import re
from collections import Counter
from types import SimpleNamespace

import keras
import numpy as np
from keras import ops

from nervekit.augment import transform
from nervekit.errors import ConfigurationError
from nervekit.losses import at_size


def outputs(model):
    """What a network gives, by name where it gives several things; None where only a call would tell."""
    found = getattr(model, "output", None)
    # A Sequential that was never called has a list of one.
    found = (getattr(model, "outputs", None) or [None])[0] if found is None else found
    # Model(outputs=[mask]) says so here, too, but answers with the mask itself.
    return found[0] if isinstance(found, (list, tuple)) and len(found) == 1 else found


def finest(answers):
    """The name of the output that is measured, of a network with several: ``mask``, or the largest, as the last of U-Net++.

    Examples
    --------
    >>> finest({"half": np.zeros((1, 4, 4, 1)), "full": np.zeros((1, 8, 8, 1)), "presence": np.zeros((1, 1))})
    'full'
    """
    if "mask" in answers:
        return "mask"
    pixels = {name: math.prod(side or 0 for side in answer.shape[1:3]) for name, answer in answers.items() if len(answer.shape) == 4}
    # Of masks of one size the last, and so of a network for images of any size.
    return max(reversed(pixels), key=pixels.get) if pixels else list(answers)[-1]


def plain(names):
    """Names of metrics without those of outputs, by name; as they are where two would share one.

    Examples
    --------
    >>> plain(["loss", "val_mask_pooled_iou"])
    {'loss': 'loss', 'val_mask_pooled_iou': 'val_pooled_iou'}
    """
    short = {name: re.sub(r"^(val_)?mask(_\d+)?_pooled_iou$", r"\1pooled_iou", name) for name in names}
    taken = Counter(short.values())
    return {name: one if taken[one] == 1 else name for name, one in short.items()}


def at_each_scale(masks, answers):
    """What each output of a network is compared with: the masks at its size, or whether they have a pixel at all.

    Parameters
    ----------
    masks : tensor (N, H, W, 1)
    answers : tensor, or dict of str to tensor
        What the network gives: masks (N, height, width, 1), or one number an image (N, 1).

    Returns
    -------
    tensor or dict of str to tensor of bool
        The masks themselves for a single output, else by name: masks as from `losses.at_size`, presence (N, 1).

    Examples
    --------
    >>> mask = np.arange(16).reshape(1, 4, 4, 1) % 4 < 2
    >>> scaled = at_each_scale(mask, {"half": np.zeros((1, 2, 2, 1)), "presence": np.zeros((1, 1))})
    >>> ops.convert_to_numpy(scaled["half"])[0, ..., 0].tolist(), ops.convert_to_numpy(scaled["presence"]).tolist()
    ([[True, False], [True, False]], [[True]])
    """
    if not isinstance(answers, dict):
        return masks
    return {
        name: ops.any(masks, axis=(1, 2)) if len(answer.shape) == 2 else at_size(masks, *answer.shape[1:3])
        for name, answer in answers.items()
    }


def augmenting(model, options, seed):
    """A compiled model that changes images and masks at random and trains the network with them.

    It is made once for a network as it was compiled, so that its step, too, is compiled once for all folds.

    Parameters
    ----------
    model : keras.Model
        Compiled; it is trained in place.
    options : dict
        Of `augment.transform`.
    seed : int

    Returns
    -------
    keras.Model
        Takes (images, masks) and compares with the masks as they were changed.

    Raises
    ------
    ConfigurationError
        A metric of the network cannot be copied, or an option is unknown or out of its range.
    """
    changes = list(inspect.signature(transform).parameters)[3:]
    if unknown := [option for option in options if option not in changes]:
        raise ConfigurationError(f"augment has no change {unknown[0]!r}. Its changes are: {', '.join(changes)}.")
    # Compiling makes a new tracker of the loss, the first of the metrics.
    how = repr(options), model.run_eagerly, model.steps_per_execution, model.jit_compile
    made_of = [model.optimizer, *model.metrics[:1], *model.trainable_variables]
    known = getattr(model, "_nervekit_augmenting", None)
    if known and known.how == how and len(known.made_of) == len(made_of) and all(map(operator.is_, known.made_of, made_of)):
        known.trained.begin_draws(seed)
        return known.trained
    # Tried on a tiny image: an error in the graph of a training comes with a page of Keras' own.
    transform(np.zeros((1, 8, 8, 1), "uint8"), np.zeros((1, 8, 8), bool), 0, **options)
    trained = _Augmenting(model, options)
    trained.begin_draws(seed)
    compiled = model.get_compile_config()
    try:
        metrics, weighted = (keras.saving.deserialize_keras_object(compiled[name]) for name in ("metrics", "weighted_metrics"))
    except (TypeError, ValueError) as error:  # ValueError: a lambda
        raise ConfigurationError(
            f"{model.name}: training with augment copies its metrics, and Keras does not know one of them. Write it "
            "as a function with a name, and put @keras.saving.register_keras_serializable() above its definition."
        ) from error
    trained.compile(
        optimizer=model.optimizer,
        loss=model.loss,
        loss_weights=compiled.get("loss_weights"),
        metrics=metrics,
        weighted_metrics=weighted,
        run_eagerly=model.run_eagerly,
        steps_per_execution=model.steps_per_execution,
        jit_compile=model.jit_compile and not model.run_eagerly,
    )
    # In a box, since Keras takes a model in an attribute for a part of the network.
    model._nervekit_augmenting = SimpleNamespace(trained=trained, how=how, made_of=made_of)
    return trained


class _Augmenting(keras.Model):
    """A network behind random changes of images and masks; the loss compares with the masks as they were changed."""

    def __init__(self, network, options):
        # The network has its own precision.
        super().__init__(name=f"augmenting_{network.name}", dtype="float32")
        self.network, self.options = network, options
        self.seeds = keras.random.SeedGenerator(0)

    def begin_draws(self, seed):
        if keras.config.backend() == "torch":
            # There Keras adds the number of the draw to the seed: neighbouring seeds would draw the same, in turn.
            seed = int(np.random.SeedSequence(seed).generate_state(1)[0] >> 1)
        self.seeds.state.assign(keras.random.SeedGenerator(seed).state)

    def save(self, *given, **named):
        """What a callback saves is the network; this model is of use in training alone."""
        return self.network.save(*given, **named)

    def save_weights(self, *given, **named):
        return self.network.save_weights(*given, **named)

    def call(self, inputs, training=False):
        images, masks = inputs
        if training:
            images, masks = transform(images, masks, self.seeds, **self.options)
        return self.network(images, training=training), masks

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        prediction, masks = y_pred
        return super().compute_loss(x, at_each_scale(masks, prediction), prediction, sample_weight, training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        prediction, masks = y_pred
        return super().compute_metrics(x, at_each_scale(masks, prediction), prediction, sample_weight)
