"""Weights of one network as the start of another: transfer learning, with a report of what was taken over."""

from dataclasses import dataclass

from keras import ops

from nervekit.errors import ConfigurationError


@dataclass(frozen=True)
class Transfer:
    """What `transfer` did, by layer name of the receiving network, and what of the giving one was not used.

    Attributes
    ----------
    copied : tuple of str
        Layers that took over their weights.
    left : dict of str to str
        Layers that kept their own, and why.
    frozen : tuple of str
        Layers with weights that this call froze; what was frozen before stays so and is not counted.
    unused : tuple of str
        Layers with weights that the giving network alone has.
    """

    copied: tuple
    left: dict
    frozen: tuple
    unused: tuple

    def __str__(self):
        first = f"{len(self.copied)} layers copied, {len(self.left)} left, {len(self.frozen)} frozen by this call"
        lines = [first + (f", {len(self.unused)} unused" if self.unused else "")]
        lines += [f"  {name}: {reason}" for name, reason in self.left.items()]
        return "\n".join(lines + [f"  {name}: unused, in the giving network alone" for name in self.unused])


def transfer(from_model, to_model, *, freeze=()):
    """Copy the weights of every layer that both networks have under the same name and of the same shapes.

    Parameters
    ----------
    from_model : keras.Model
        Trained; not changed.
    to_model : keras.Model
        Changed in place. Compile it afterwards: what is frozen is fixed then.
    freeze : bool, str or sequence of str
        Layers not to train: all that were copied, or those of them whose names start so, such as ``("encoder",
        "bottleneck")``. Other layers stay as they are: trained, unless they were frozen before.

    Returns
    -------
    Transfer
        Print it to see what was copied and what was not.

    Raises
    ------
    ConfigurationError
        No layer fits, or a beginning in `freeze` fits no layer that would be copied. Nothing is changed then.

    Examples
    --------
    >>> from nervekit import models
    >>> bone, liver = (models.build("huang_unet", (32, 32, channels), width=4) for channels in (1, 3))
    >>> print(transfer(bone, liver, freeze=["bottleneck"]))
    22 layers copied, 1 left, 2 frozen by this call
      encoder_1_conv_1: other shapes, (3, 3, 1, 4) for (3, 3, 3, 4)
    """
    source = {layer.name: layer for layer in from_model.layers if layer.weights}
    layers = [layer for layer in to_model.layers if layer.weights]
    copied, left = [], {}
    for layer in layers:
        if layer.name not in source:
            left[layer.name] = f"not in {from_model.name}"
            continue
        found, expected = ([weight.shape for weight in model.weights] for model in (source[layer.name], layer))
        if found != expected:
            theirs, ours = next((a, b) for a, b in _pairs(found, expected) if a != b)
            left[layer.name] = f"other shapes, {theirs} for {ours}"
        else:
            copied.append(layer)
    if not copied:
        raise ConfigurationError(f"transfer: no layer of {to_model.name} has the name and the shapes of one of "
                                 f"{from_model.name}; there is nothing to take over.")  # fmt: skip
    freeze = [freeze] if isinstance(freeze, str) else freeze or ()
    named = copied if freeze is True else [layer for layer in copied if layer.name.startswith(tuple(freeze))]
    chosen = [layer for layer in named if layer.trainable]
    unknown = [] if freeze is True else [start for start in freeze if not any(la.name.startswith(start) for la in copied)]
    if unknown:
        raise ConfigurationError(f"transfer: freeze={unknown[0]!r} fits no layer of {to_model.name} that takes over weights; "
                                 f"those are {', '.join(layer.name for layer in copied)}.")  # fmt: skip
    for layer in copied:
        layer.set_weights([ops.convert_to_numpy(weight) for weight in source[layer.name].weights])
    for layer in chosen:
        layer.trainable = False
    taking = {layer.name for layer in layers}
    unused = tuple(name for name in source if name not in taking)
    return Transfer(tuple(layer.name for layer in copied), left, tuple(layer.name for layer in chosen), unused)


def _pairs(found, expected):
    length = max(len(found), len(expected))
    return zip(*(shapes + [()] * (length - len(shapes)) for shapes in (found, expected)), strict=True)
