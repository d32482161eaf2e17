"""Weights of published encoders: found or fetched, checked, and put into the layers they belong to."""

import hashlib
import os
from pathlib import Path

import h5py
import keras
import numpy as np

from nervekit.errors import ConfigurationError, DataError, MissingDataError
from nervekit.models import first_weights

KERAS = "https://storage.googleapis.com/tensorflow/keras-applications"
IMAGENET = {  # address, MD5 as published
    "vgg16": (f"{KERAS}/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", "6d6bbae143d832006294945121d1f1fc"),
    "vgg19": (f"{KERAS}/vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5", "253f8cb515780f3b799900260a226db6"),
    "resnet34": (
        "https://github.com/qubvel/classification_models/releases/download/0.0.1/resnet34_imagenet_1000_no_top.h5",
        "8caaa0ad39d927cb8ba5385bf945d582",
    ),
}


def check_choice(network, pretrained):
    """Refuse what names no weights, such as True or False, before anything is built.

    Parameters
    ----------
    network : str
        Name for the error text.
    pretrained : None, "imagenet" or path

    Raises
    ------
    ConfigurationError
        Neither None nor text nor a path.
    """
    if pretrained is not None and not isinstance(pretrained, str | os.PathLike):
        raise ConfigurationError(f"{network}: pretrained={pretrained!r}. Choose None for random weights, 'imagenet', or the "
                                 "path of a .h5 or .keras file.")  # fmt: skip


def load_encoder(model, backbone, pretrained, published_names):
    """Put published weights into the encoder of a network.

    Parameters
    ----------
    model : keras.Model
        Changed in place.
    backbone : str
        ``"vgg16"``, ``"vgg19"`` or ``"resnet34"``.
    pretrained : None, "imagenet" or path
        Nothing; ImageNet weights, from Keras' cache folder or the network; or a file: ``.h5`` in the published layout,
        or ``.keras`` saved from a network of this package with the same layer names.
    published_names : dict of str to str
        The published name of each layer of the encoder.

    Raises
    ------
    MissingDataError
        The file is not here and cannot be fetched; the text names it, its address and its hash.
    DataError
        The file lacks a layer, or a weight has another shape. No weight is changed then.
    ConfigurationError
        A file of another kind.
    """
    if pretrained is None:
        return
    path = find_imagenet(backbone) if pretrained == "imagenet" else Path(pretrained)
    if not path.is_file():
        raise MissingDataError(f"pretrained={str(pretrained)!r}: there is no file {path}. Give the path of a .h5 or "
                               ".keras file, 'imagenet', or pretrained=None for random weights.")  # fmt: skip
    if path.suffix == ".keras":
        from nervekit import models

        source = models.load(path)
        stored = {layer.name: layer.get_weights() for layer in source.layers}
        names = {name: name for name in published_names}
    elif path.suffix == ".h5":
        stored, names = read_published(path), published_names
    else:
        raise ConfigurationError(f"pretrained={str(path)!r}: expected a file that ends in .h5 or .keras.")
    wanted = {name: layer.get_weights() for name in names if (layer := model.get_layer(name)).weights}
    for name, weights in wanted.items():
        found = [np.shape(weight) for weight in stored.get(names[name], [])]
        expected = [np.shape(weight) for weight in weights]
        if found != expected:
            raise DataError(f"{path.name}: the layer {names[name]!r} has weights of the shapes {found}, {model.name} "
                            f"expects {expected} in {name!r}. Is it a file of {backbone}, or of a network of this package, of the same width? "
                            "Choose pretrained=None for random weights.")  # fmt: skip
    first_weights.draw(model)
    for name in wanted:
        model.get_layer(name).set_weights(stored[names[name]])


def cached_imagenet(backbone):
    """Path of a backbone's ImageNet weights in Keras' cache folder, or None; nothing is fetched.

    Raises
    ------
    DataError
        The file there is not the published one.

    Examples
    --------
    >>> path = cached_imagenet("vgg19")
    >>> path is None or path.name.startswith("vgg19_weights")
    True
    """
    folder = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
    address, md5 = IMAGENET[backbone]
    path = folder / address.rsplit("/", 1)[1]
    if not path.is_file():
        return None
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "md5").hexdigest()
    if found != md5:
        raise DataError(f"{path}: its MD5 is {found}, that of the published file {md5}. Remove it, or fetch it anew from {address}.")
    return path


def find_imagenet(backbone):
    """Path of a backbone's ImageNet weights in Keras' cache folder; fetched and checked if they are not there."""
    address, md5 = IMAGENET[backbone]
    name = address.rsplit("/", 1)[1]
    try:
        return Path(keras.utils.get_file(name, address, cache_subdir="models", file_hash=md5))
    except Exception as error:
        folder = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
        raise MissingDataError(
            f"The ImageNet weights of {backbone} are not on this machine and could not be fetched ({error}). Fetch "
            f"{name} from {address} (MD5 {md5}) and put it into {folder}, pass its path as pretrained=, or choose "
            "pretrained=None for random weights."
        ) from error


def read_published(path):
    """Weights of each layer in an HDF5 file of Keras 2; dict of layer name to list of arrays."""
    try:
        with h5py.File(path) as file:
            root = file.get("model_weights", file)
            return {
                _text(layer): [np.asarray(root[layer][weight]) for weight in root[layer].attrs["weight_names"]]
                for layer in root.attrs["layer_names"]
            }
    except (OSError, KeyError) as error:
        raise DataError(f"{path} is not an HDF5 weight file in the published layout ({error}). Fetch it again, or "
                        "choose pretrained=None for random weights.") from error  # fmt: skip


def _text(name):
    return name.decode() if isinstance(name, bytes) else str(name)
