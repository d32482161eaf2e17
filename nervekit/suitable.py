"""Whether a network and data suit training and prediction; what does not is refused with what to do."""

import numpy as np

from nervekit import supervision
from nervekit.errors import ConfigurationError, is_whole


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


def check_counts(**counts):
    """Refuse what is no whole number of 1 or more, such as of epochs, or of the images of a batch."""
    for name, count in counts.items():
        if not is_whole(count, 1):
            raise ConfigurationError(f"{name}={count}: expected 1 or more, as a whole number.")


def check_images(images, name="images"):
    """Refuse images of another type than uint8: grey values from 0 to 1 would be divided by 255 once more."""
    found = getattr(images, "dtype", type(images).__name__)
    if found != "uint8":
        raise ConfigurationError(
            f"{name} are {found}; expected an array of uint8 from 0 to 255. Write (255 * images).astype('uint8') for images "
            "from 0 to 1."
        )


def check_shape(model, images, name="the array given"):
    """Refuse images of another shape than the network was built for, of native sizes, and one image in place of several."""
    expected = tuple(getattr(model, "input_shape", (None,) * 4))[1:]
    native = isinstance(images, list)
    if not native and _fits(np.shape(images)[1:], expected):
        return
    if not native and _fits(np.shape(images), expected):
        raise ConfigurationError(
            f"{model.name} takes several images, each of shape {expected}, and {name} is one of shape {np.shape(images)}. "
            "Write image[None]."
        )
    holds = "native sizes" if native else f"images of shape {np.shape(images)[1:]}"
    size = "one size=(height, width)" if None in expected[:2] else f"size={expected[:2]}"
    channels = f" and channels={expected[2]}" if len(expected) == 3 and expected[2] else ""
    raise ConfigurationError(
        f"{model.name} was built for images of shape {expected}, and {name} holds {holds}. Load it with {size}{channels}, or "
        "build the network for that shape."
    )


def check_data(model, dataset):
    """Refuse data that the network was not built for: no image, another size, another type."""
    if not len(dataset):
        raise ConfigurationError(f"{dataset.key} holds no image. Look at the split that it was taken from.")
    if not model.built:
        raise ConfigurationError(
            f"{model.name} has no weights yet, since it was not told the shape of its images. Begin it with "
            "keras.Input((height, width, channels)), or call it once: model(dataset.images[:1])."
        )
    check_shape(model, dataset.images, dataset.key)
    outputs = supervision.outputs(model)
    if isinstance(outputs, dict) and any(None in answer.shape[1:] for answer in outputs.values()):
        raise ConfigurationError(
            f"{model.name} has several outputs and takes images of any size; masks are made for each output at its size. Build "
            f"it for images of shape {np.shape(dataset.images)[1:]}."
        )
    check_images(dataset.images, f"{dataset.key}: its images")
    if dataset.masks.dtype != "bool":
        raise ConfigurationError(f"{dataset.key}: its masks are {dataset.masks.dtype}; expected bool. Write masks > 0.")


def _fits(found, expected):
    """Whether a shape is the expected one, of which None stands for any size."""
    return len(found) == len(expected) and all(size in (None, given) for size, given in zip(expected, found))
