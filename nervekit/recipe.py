"""Our own training: what is known to work in medical segmentation, set as it was found to work, for any network.

Every part can be left out by an argument, so that an ablation is a call. Each image is brought to mean 0 and standard
deviation 1 by the network itself, see `models.nervekit.nervekit_unet`.
"""

import weakref

import keras
import numpy as np

from nervekit import suitable, supervision, training
from nervekit.augment import ULTRASOUND
from nervekit.errors import ConfigurationError
from nervekit.losses import CrossEntropyDiceLoss
from nervekit.optimizers import FlatAdam, FlatSGD

# The strengths of the trial that this recipe was chosen by, for a training of many epochs.
STRONG = {
    "flip": 0.5, "rotation": 20.0, "zoom": (0.7, 1.4), "aspect": (0.85, 1.18), "shear": 8.0, "shift": 0.15,
    "elastic": 0.02, "gamma": (0.6, 1.6), "brightness": 0.1, "contrast": (0.7, 1.4), "noise": 0.05, "blur": 1.0,
    "low_resolution": 2.0,
}  # fmt: skip
CHANGES = {"none": {}, "ultrasound": ULTRASOUND, "strong": STRONG}
# What the results of the recipe on real images were measured with; the strips of notebook 12 are turned less.
AUGMENT = {**STRONG, "share": 0.5}
SCALE_WEIGHTS = {"mask": 4 / 7, "decoder_2_mask": 2 / 7, "decoder_3_mask": 1 / 7}
PRESENCE_WEIGHT = 0.5
WEIGHT_DECAY, CLIP_NORM, DECAY_POWER = 3e-5, 12.0, 0.9


def fit(
    model, train, development=None, *, epochs, batch_size=10, seed=0, callbacks=(), augment=AUGMENT, loss=None,
    optimizer=None, learning_rate=None, momentum=None, presence_weight=PRESENCE_WEIGHT, begin_at_share=False, progress=True,
):  # fmt: skip
    """Train a network by the recipe; it is compiled here.

    - Cross-entropy plus one minus the Dice of the batch; of a network with masks at three scales 4/7, 2/7 and 1/7 of
      each, from fine to coarse. Of a presence head half of its cross-entropy is added.
    - Stochastic gradient descent with Nesterov momentum, weight decay 3e-5, gradients clipped to a norm of 12; the
      learning rate falls to 0 by (1 - step / steps) to the power of 0.9.
    - Random changes of one image in two, along with its mask, anew in every step.

    Parameters
    ----------
    model : keras.Model
        One mask as output, or ``nervekit_unet`` with ``deep_supervision=True`` or ``presence=True``.
    train, development : SegmentationDataset
        As in `training.fit`; the development set is only watched.
    epochs, batch_size, seed, callbacks, progress
        As in `training.fit`.
    augment : dict or None
        Options of `augment.transform`. The default, `AUGMENT`, changes one image in two, and strongly; `CHANGES` has two sets
        of strengths, and an empty one. None leaves the images as they are.
    loss, optimizer, learning_rate, momentum, presence_weight
        As in :func:`compile_model`.
    begin_at_share : bool
        Let every mask begin about at the region's share of the pixels, see `training.begin_at_share`.

    Returns
    -------
    training.History
        Its ``pooled_iou`` is that of the finest mask.

    Raises
    ------
    ConfigurationError
        As in `training.fit`, `training.begin_at_share` and :func:`compile_model`.

    References
    ----------
    Isensee et al. 2021, nnU-Net, Nature Methods 18, Methods: loss, optimizer, schedule, masks at several scales.

    Examples
    --------
    >>> from nervekit import models
    >>> from nervekit.data.dataset import SegmentationDataset
    >>> images = np.zeros((4, 16, 16, 1), "uint8")
    >>> images[:, 4:12, 4:12] = 200
    >>> train = SegmentationDataset("squares", images, images[..., 0] > 0, np.array(list("abcd")), np.array(list("abcd")))
    >>> network = models.build("nervekit_unet", (16, 16, 1), width=2, depth=2)
    >>> history = fit(network, train, epochs=2, batch_size=2, progress=False)
    >>> views(network, images).shape, predict(network, images, flips=True).shape
    ((2, 4, 16, 16), (4, 16, 16))
    """
    how = {"loss": loss, "optimizer": optimizer, "learning_rate": learning_rate, "momentum": momentum}
    compile_model(model, **how, presence_weight=presence_weight)
    if begin_at_share:
        suitable.check_data(model, train)
        for name in (_output_weights(model, presence_weight) or {"mask": 1.0}).keys() - {"presence"}:
            training.begin_at_share(_logits(model, name), train.masks)
    schedule = {"epochs": epochs, "batch_size": batch_size, "seed": seed, "callbacks": callbacks, "augment": augment}
    return training.fit(model, train, development, **schedule, progress=progress)


def compile_model(
    model, *, loss=None, optimizer=None, learning_rate=None, momentum=None, presence_weight=PRESENCE_WEIGHT
):  # fmt: skip
    """Compile a network as :func:`fit` does, for several trainings by `training.fit` or for `crossval.run`.

    Batches of 10 images and the changes of `AUGMENT` are no part of it: give both to these, as
    ``crossval.run(build, dataset, folds, epochs=36, batch_size=10, augment=recipe.AUGMENT)``.

    Parameters
    ----------
    model : keras.Model
        As in :func:`fit`.
    loss : str or object, optional
        In place of cross-entropy and Dice, of every mask.
    optimizer : str, object or callable, optional
        In place of stochastic gradient descent; a function, such as `adam`, is called for it. A learning rate that falls does
        so over each training of `training.fit`, however long that is.
    learning_rate, momentum : float, optional
        Of stochastic gradient descent, 0.01 and 0.99 if not given; an `optimizer` of your own has its own.
    presence_weight : float
        Of the cross-entropy of a presence head, where there is one.

    Returns
    -------
    keras.Model
        The same model.

    Raises
    ------
    ConfigurationError
        The network gives something other than masks at the recipe's scales, the momentum is no share, or it or a learning
        rate is given beside an optimizer.

    Notes
    -----
    Weight decay of 3e-5 is meant as nnU-Net has it: added to the gradient, so that momentum multiplies its effect by
    1 / (1 - momentum). Keras' optimizer shrinks the weights beside the momentum, and is given the product.

    Examples
    --------
    >>> from nervekit import models
    >>> network = models.build("nervekit_unet", (16, 16, 1), width=2, depth=2)
    >>> compile_model(network, optimizer=adam).optimizer.fall
    0.9
    """
    weights = _output_weights(model, presence_weight)
    descent = {name: one for name, one in (("learning_rate", learning_rate), ("momentum", momentum)) if one is not None}
    if descent and optimizer is not None:
        raise ConfigurationError(
            f"{' and '.join(descent)} beside an optimizer, which has its own. Give it to the optimizer, such as "
            "optimizer=functools.partial(recipe.adam, learning_rate=1e-4)."
        )
    if optimizer is None:
        optimizer = stochastic_gradient_descent(**descent)
    elif callable(optimizer) and not isinstance(optimizer, type):
        optimizer = optimizer()
    loss = CrossEntropyDiceLoss() if loss is None else loss
    losses = {name: "binary_crossentropy" if name == "presence" else loss for name in weights} if weights else loss
    return training.compile_model(model, loss=losses, optimizer=optimizer, loss_weights=weights)


def stochastic_gradient_descent(learning_rate=0.01, momentum=0.99):
    """Gradient descent with Nesterov's momentum, as :func:`fit` has it.

    Examples
    --------
    >>> optimizer = stochastic_gradient_descent()
    >>> optimizer.momentum, round(optimizer.weight_decay, 6)
    (0.99, 0.003)
    """
    if not 0 <= momentum < 1:
        raise ConfigurationError(f"momentum={momentum}: expected 0 or more, and less than 1.")
    decay = WEIGHT_DECAY / (1 - momentum)
    return FlatSGD(float(learning_rate), momentum=momentum, fall=DECAY_POWER, weight_decay=decay, global_clipnorm=CLIP_NORM)


def adam(learning_rate=0.001):
    """Adam, whose learning rate falls and whose gradients are clipped as in :func:`fit`.

    Examples
    --------
    >>> optimizer = adam()
    >>> round(float(optimizer.learning_rate), 6), optimizer.fall, optimizer.global_clipnorm, optimizer.weight_decay
    (0.001, 0.9, 12.0, None)
    """
    return FlatAdam(float(learning_rate), fall=DECAY_POWER, global_clipnorm=CLIP_NORM)


def _logits(model, name):
    try:
        return model.get_layer(f"{name}_logits")
    except ValueError:
        raise ConfigurationError(
            f"begin_at_share: {model.name} has no layer {name}_logits. Leave it out, and call training.begin_at_share with "
            f"the last convolution of the network, one of: {', '.join(layer.name for layer in model.layers[-5:])}."
        ) from None


def _output_weights(model, presence_weight):
    answers = supervision.outputs(model)
    if not isinstance(answers, dict):
        return None
    masks = set(answers) - {"presence"}
    if masks not in ({"mask"}, set(SCALE_WEIGHTS)):
        raise ConfigurationError(
            f"{model.name} has the outputs {', '.join(answers)}. The recipe trains one mask, or "
            f"{', '.join(SCALE_WEIGHTS)} as nervekit_unet(..., deep_supervision=True) gives them, either with or without "
            "a presence head."
        )
    weights = {"mask": 1.0} if masks == {"mask"} else dict(SCALE_WEIGHTS)
    return weights | {"presence": presence_weight} if "presence" in answers else weights


def finest(model):
    """The network with its finest mask as only output; the same layers and weights.

    Examples
    --------
    >>> from nervekit import models
    >>> network = models.build("nervekit_unet", (16, 16, 1), width=2, depth=2, presence=True)
    >>> sorted(network.output), finest(network).output.shape
    (['mask', 'presence'], (None, 16, 16, 1))
    """
    answers = supervision.outputs(model)
    return _cut(model, supervision.finest(answers)) if isinstance(answers, dict) else model


# A network that is cut anew is compiled anew.
_cut_before = weakref.WeakKeyDictionary()


def _cut(model, output):
    known = _cut_before.setdefault(model, {})
    if output not in known:
        known[output] = keras.Model(model.input, model.output[output], name=model.name)
    return known[output]


def views(model, images, *, batch_size=32):
    """The answer to each image as it is, and the answer to its mirror image, mirrored back.

    Parameters
    ----------
    model : keras.Model
    images : ndarray of uint8, shape (N, H, W, C)

    Returns
    -------
    ndarray of float32, shape (2, N, H, W)
        Probabilities. Their mean is the average over flips; how far they differ says where the network is unsure.

    Raises
    ------
    ConfigurationError
        As in `training.predict`.
    """
    network = finest(model)
    straight = training.predict(network, images, batch_size=batch_size)
    mirrored = training.predict(network, np.ascontiguousarray(images[:, :, ::-1]), batch_size=batch_size)
    return np.stack([straight, mirrored[:, :, ::-1]])


def predict(model, images, *, batch_size=32, flips=False):
    """Probability of the region at each pixel, of the finest mask.

    Parameters
    ----------
    model : keras.Model
    images : ndarray of uint8, shape (N, H, W, C)
    flips : bool
        Average over the image and its mirror image. A network that was not trained with flips may lose by it.

    Returns
    -------
    ndarray of float32, shape (N, H, W)

    Raises
    ------
    ConfigurationError
        As in `training.predict`.
    """
    if flips:
        return views(model, images, batch_size=batch_size).mean(axis=0)
    return training.predict(finest(model), images, batch_size=batch_size)


def presence(model, images, *, batch_size=32, flips=False):
    """Probability that there is a region at all, from the presence head.

    Parameters
    ----------
    model : keras.Model
        ``nervekit_unet`` with ``presence=True``.
    images : ndarray of uint8, shape (N, H, W, C)
    flips : bool
        Average over the image and its mirror image.

    Returns
    -------
    ndarray of float32, shape (N,)

    Raises
    ------
    ConfigurationError
        The network has no presence head, or does not take the images, as in `training.predict`.
    """
    answers = supervision.outputs(model)
    if not isinstance(answers, dict) or "presence" not in answers:
        raise ConfigurationError(f"{model.name} has no presence head. Build nervekit_unet(..., presence=True).")
    head = _cut(model, "presence")
    sides = [training.answers(head, images, batch_size=batch_size)]
    if flips:
        sides.append(training.answers(head, np.ascontiguousarray(images[:, :, ::-1]), batch_size=batch_size))
    return np.mean([side[:, 0] for side in sides], axis=0)
