"""Whether a network and data suit training and prediction; what does not is refused with what to do."""

import numpy as np

from nervekit import supervision
from nervekit.errors import ConfigurationError


def check_one_mask(model):
    """Refuse a network with several outputs, or several masks side by side, where one mask is expected."""
    found = supervision.outputs(model)
    if isinstance(found, dict):
        raise ConfigurationError(
            f"{model.name} has the outputs {', '.join(found)}; expected one mask. Take recipe.finest(model) or "
            "training.answers, or build it without them."
        )
    several = isinstance(found, (list, tuple))
    if several or (found is not None and found.shape[-1] != 1):
        gives = f"a list of {len(found)} outputs" if several else f"{found.shape[-1]} masks side by side"
        raise ConfigurationError(
            f"{model.name} gives {gives}; expected one mask of one channel. End it in a convolution of one channel and a sigmoid "
            "(double_unet: outputs='second'). training.answers gives all that a network says."
        )


def check_data(model, dataset):
    """Refuse data that the network was not built for: no image, another size, another type."""
    if not len(dataset):
        raise ConfigurationError(f"{dataset.key} holds no image. Look at the split that it was taken from.")
    expected = model.input_shape[1:]
    found = dataset.images[0].shape if isinstance(dataset.images, list) else np.shape(dataset.images)[1:]
    if isinstance(dataset.images, list) or tuple(found) != tuple(expected):
        size = "native sizes" if isinstance(dataset.images, list) else f"images of shape {tuple(found)}"
        raise ConfigurationError(
            f"{model.name} was built for images of shape {tuple(expected)}, and {dataset.key} holds {size}. "
            f"Load it with size={tuple(expected[:2])} and channels={expected[2]}, or build the network for that shape."
        )
    types = dataset.images.dtype, dataset.masks.dtype
    if types != ("uint8", "bool"):
        raise ConfigurationError(
            f"{dataset.key}: its images are {types[0]}, its masks {types[1]}; expected uint8 from 0 to 255, and bool. Write "
            "(255 * images).astype('uint8') for images from 0 to 1, and masks > 0."
        )
