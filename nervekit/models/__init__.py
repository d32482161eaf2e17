"""Networks of the papers and one of our own, each a function that returns a plain ``keras.Model``.

>>> build("huang_unet", (256, 256, 1), width=8).count_params()
485673
"""

import inspect
import zipfile
from importlib import import_module
from numbers import Real
from pathlib import Path

from nervekit.errors import ConfigurationError, DataError, MissingDataError
from nervekit.models import first_weights

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
    "nervekit_unet": "nervekit",
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
        An unknown name or option, an input that the network cannot take, or Keras set to images with their channels first.
    """
    import keras

    if keras.config.image_data_format() != "channels_last":
        raise ConfigurationError(
            "Keras is set to images with their channels first, and networks here take (height, width, channels). Call "
            'keras.config.set_image_data_format("channels_last"), or write it into ~/.keras/keras.json.'
        )
    if name not in _FAMILIES:
        raise ConfigurationError(f"There is no network {name!r}. Choose one of: {', '.join(names())}.")
    function = getattr(import_module(f"nervekit.models.{_FAMILIES[name]}"), name)
    known = [option for option in inspect.signature(function).parameters if option != "input_shape"]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ConfigurationError(f"{name} has no option {unknown[0]!r}. Its options are: {', '.join(known)}.")
    for option, value in options.items():
        default = inspect.signature(function).parameters[option].default
        if isinstance(default, bool) and value not in (True, False):
            raise ConfigurationError(f"{name}: {option}={value!r}. Expected True or False.")
        if option == "dropout" and isinstance(default, float) and not (isinstance(value, Real) and 0 <= value < 1):
            raise ConfigurationError(f"{name}: dropout={value!r}. Expected a share from 0 to less than 1.")
    model = function(input_shape, **options)
    return model if options.get("pretrained") else first_weights.draw(model)


def load(path):
    """Read a network that was saved as a ``.keras`` file, whatever layers of this package it has.

    Keras alone finds layers of this package, such as both normalisations, only after their module was imported.

    Parameters
    ----------
    path : path-like
        What ``model.save(path)`` of a network from :func:`build` wrote.

    Returns
    -------
    keras.Model
        Ready to predict, or for `nervekit.training.transfer`; compile it to train it.

    Raises
    ------
    MissingDataError
        There is no such file.
    DataError
        The file is not a saved network.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     build("gulati_segnet", (32, 32, 1), width=4).save(f"{folder}/segnet.keras")
    ...     load(f"{folder}/segnet.keras").name
    'gulati_segnet'
    """
    path = Path(path)
    if not path.is_file():
        raise MissingDataError(f"There is no file {path}. Give the path of a network saved with model.save(...).")
    for family in sorted(set(_FAMILIES.values())):
        import_module(f"nervekit.models.{family}")
    import keras

    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError, OSError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read as a saved network ({error}). Expected a .keras file written by "
                        "model.save(...).") from error  # fmt: skip
