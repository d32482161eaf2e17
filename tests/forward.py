"""One forward pass of every network with weights drawn by NumPy: the same on every backend.

Run as a script it writes the outputs to a file: ``KERAS_BACKEND=jax python forward.py outputs.npz``.
"""

import sys

import numpy as np
from networks import NETWORKS

# name: the options with which it has a second output
PRESENCE = {"inception_unet": {}, "nervekit_unet": {"presence": True}}
# The pyramids of the double networks look 18 pixels far. Of the small input their map has 4x4 pixels at most, and
# only the middle of a dilated kernel sees one; here it has 20x20. Name of an output: its layer, one without a ReLU.
LARGE = {f"dl_unet 160x160 {layer}": layer for layer in ("first_aspp_conv", "second_aspp_conv", "output_2_conv")}


def outputs():
    """What comes before the last sigmoid, where nothing saturates, for two images; dict of name to array.

    A network that also says whether there is a region adds that probability as ``"<name> presence"``; those of `LARGE` follow.
    ``"<name> first"`` is the beginning of each weight of a new network under seed 0.
    """
    found = {}
    for name, (_, shape, *_) in NETWORKS.items():
        found |= forward(name, shape, **PRESENCE.get(name, {}))
    return found | forward("dl_unet", (160, 160, 1), LARGE, width=16)


def forward(name, shape, chosen=None, **options):
    import keras

    from nervekit import models

    random = np.random.default_rng(0)
    keras.utils.set_random_seed(0)
    model = models.build(name, shape, **options)
    first = np.concatenate([weight.ravel()[:100] for weight in model.get_weights()])
    for weight in model.weights:
        weight.assign(draw(weight, random))
    if chosen:
        wanted = {key: model.get_layer(layer).output for key, layer in chosen.items()}
    else:
        (logits,) = [layer for layer in model.layers if layer.name in ("mask_logits", "output_2_logits")]
        wanted = {name: logits.output}
        if name in PRESENCE:
            wanted[f"{name} presence"] = model.output["presence"]
    model = keras.Model(model.input, wanted)
    images = random.integers(0, 256, (2, *shape)).astype("float32")
    # operation by operation JAX compiles each shape of each; as a whole it compiles once
    result = model.predict(images, verbose=0) if keras.config.backend() == "jax" else model(images, training=False)
    return {key: keras.ops.convert_to_numpy(array) for key, array in result.items()} | {f"{name} first": first}


def draw(weight, random):
    if weight.path.endswith(("gamma", "variance")):
        return random.uniform(0.5, 1.5, weight.shape)
    if not weight.path.endswith("kernel"):
        return random.uniform(-0.1, 0.1, weight.shape) if "seed" not in weight.path else np.zeros(weight.shape)
    reach = np.sqrt(6 / np.prod(weight.shape[:-1]))
    return random.random(weight.shape, dtype="float32") * (2 * reach) - reach


if __name__ == "__main__":
    np.savez(sys.argv[1], **outputs())
