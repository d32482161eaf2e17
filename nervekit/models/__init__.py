"""Networks of the papers, each a function that returns a plain ``keras.Model``.

>>> build("huang_unet", (256, 256, 1), width=8).count_params()
485673
"""

import inspect
from importlib import import_module

from nervekit.errors import ConfigurationError

_FAMILIES = {
    "huang_unet": "huang",
    "belahsen_unet": "belahsen",
    "inception_unet": "belahsen",
    "r2unet": "belahsen_recurrent",
    "attention_resunet": "belahsen_recurrent",
    "unetpp": "belahsen_nested",
    "gulati_segnet": "gulati",
    "gulati_unet": "gulati",
    "resnet34_unet": "gulati_residual",
    "melnic_unet": "melnic",
    "lunet": "melnic",
    "double_unet": "melnic_double",
    "dl_unet": "melnic_double",
    "dl_unet_vgg16": "melnic_double",
    "shrivastava_unet": "shrivastava",
}


def names():
    """Names that :func:`build` takes."""
    return sorted(_FAMILIES)


def build(name, input_shape, **options):
    """Build a network by name.

    Parameters
    ----------
    name : str
        One of :func:`names`.
    input_shape : tuple of int
        (height, width, channels).
    **options
        Options of the network's own function, such as ``width`` of ``huang_unet``.

    Returns
    -------
    keras.Model

    Raises
    ------
    ConfigurationError
        An unknown name or option, or an input that the network cannot take.
    """
    if name not in _FAMILIES:
        raise ConfigurationError(f"There is no network {name!r}. Choose one of: {', '.join(names())}.")
    function = getattr(import_module(f"nervekit.models.{_FAMILIES[name]}"), name)
    known = [option for option in inspect.signature(function).parameters if option != "input_shape"]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ConfigurationError(f"{name} has no option {unknown[0]!r}. Its options are: {', '.join(known)}.")
    return function(input_shape, **options)
