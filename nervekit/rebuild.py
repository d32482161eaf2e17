"""A trained network again, in another number format or for images of another size."""

import re

import keras

from nervekit import models, recipe, suitable
from nervekit.errors import ConfigurationError
from nervekit.precision import set_precision

# What may be otherwise in a copy: its number format, a factor up to the size of the image, and what training alone uses.
FREE = re.compile(r"name|dtype|trainable|size|seed|momentum|.*_(initializer|regularizer|constraint)")


def rebuild(network, name, *, size=None, precision="float32", **options):
    """The same weights in another number format or for images of another size, with the finest mask as only output.

    Parameters
    ----------
    network : keras.Model
        From ``models.build(name, ..., **options)``, trained.
    name : str
    size : (int, int), optional
        Height and width; those of the network if omitted. What it learnt belongs to the size it was trained at.
    precision : str
        As in `precision.set_precision`, which is left as it was.
    **options
        Those it was built with, and ``columns`` of a network from `models.belahsen_nested.prune`. ``deep_supervision``,
        ``presence`` and ``dropout`` change nothing here, and may be left out.

    Returns
    -------
    keras.Model

    Raises
    ------
    ConfigurationError
        A size that the network cannot take, an unknown precision, or options of another network: other layers lead to its
        finest mask, or they do something else; or two masks side by side, as ``outputs="both"`` of `double_unet` gives them.

    Examples
    --------
    >>> trained = models.build("nervekit_unet", (32, 32, 1), width=2, deep_supervision=True)
    >>> rebuild(trained, "nervekit_unet", size=(64, 48), width=2).output.shape
    (None, 64, 48, 1)
    """
    height, width, channels = network.input_shape[1:]
    policy = keras.config.dtype_policy()
    set_precision(precision)
    try:
        copy = recipe.finest(models.build(name, (*(size or (height, width)), channels), **options))
    finally:
        keras.config.set_dtype_policy(policy)
    suitable.check_one_mask(copy)
    ours, theirs = _answering(copy), _answering(recipe.finest(network))
    _check_layers(network.name, ours, theirs)
    for one, layer in ours.items():
        layer.set_weights(theirs[one].get_weights())
    return copy


def _answering(network):
    """Layers that an answer depends on, by name; the head of a column of U-Net++ by that of a network with one mask."""
    layers = [layer for layer in network.layers if not isinstance(layer, (keras.layers.InputLayer, keras.layers.Dropout))]
    return {re.sub(r"^mask_\d+", "mask", layer.name): layer for layer in layers}


def _check_layers(name, ours, theirs):
    """Refuse a copy whose layers are not those of the network, or do something else."""
    given = "Give the options it was built with"
    if absent := [one for one in ours if one not in theirs]:
        raise ConfigurationError(f"rebuild: {name} has no layer {absent[0]!r}, and the copy has. {given}.")
    for one, layer in ours.items():
        here, there = ([weight.shape for weight in each.weights] for each in (layer, theirs[one]))
        if here != there:
            raise ConfigurationError(f"rebuild: weights of layer {one!r} have the shapes {there} in {name}, and {here} in the "
                                     f"copy. {given}, such as width and depth.")  # fmt: skip
    if lacking := [one for one in theirs if one not in ours]:
        raise ConfigurationError(f"rebuild: the copy has no layer {lacking[0]!r}, and {name} has. {given}; for fewer columns "
                                 "of a U-Net++ take models.belahsen_nested.prune first.")  # fmt: skip
    for one, layer in ours.items():
        found = _settings(theirs[one])
        for key, value in _settings(layer).items():
            if found.get(key) != value:
                raise ConfigurationError(f"rebuild: layer {one!r} has {key}={found.get(key)!r} in {name}, and {value!r} in the "
                                         f"copy. {given}.")  # fmt: skip


def _settings(layer):
    """What a layer does, whatever the size of the images and the number format."""
    return {key: value for key, value in layer.get_config().items() if not FREE.fullmatch(key)}
