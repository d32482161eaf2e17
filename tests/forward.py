"""One forward pass of every network with weights drawn by NumPy: the same on every backend.

Run as a script it writes the outputs to a file: ``KERAS_BACKEND=jax python forward.py outputs.npz``.
"""

import sys

import numpy as np
from networks import NETWORKS

# name: the options with which it has a second output
PRESENCE = {"inception_unet": {}, "nervekit_unet": {"presence": True}}


def outputs(names=tuple(NETWORKS)):
    """What comes before the last sigmoid, where nothing saturates, for two images; dict of name to array.

    A network that also says whether there is a region adds that probability as ``"<name> presence"``.
    """
    return {key: array for name in names for key, array in forward(name).items()}


def forward(name):
    import keras

    from nervekit import models

    random = np.random.default_rng(0)
    model = models.build(name, NETWORKS[name][1], **PRESENCE.get(name, {}))
    for weight in model.weights:
        weight.assign(draw(weight, random))
    (logits,) = [layer for layer in model.layers if layer.name in ("mask_logits", "output_2_logits")]
    wanted = {name: logits.output}
    if name in PRESENCE:
        wanted[f"{name} presence"] = model.output["presence"]
    model = keras.Model(model.input, wanted)
    images = random.integers(0, 256, (2, *NETWORKS[name][1])).astype("float32")
    # operation by operation JAX compiles each shape of each; as a whole it compiles once
    result = model.predict(images, verbose=0) if keras.config.backend() == "jax" else model(images, training=False)
    return {key: keras.ops.convert_to_numpy(array) for key, array in result.items()}


def draw(weight, random):
    if weight.path.endswith(("gamma", "variance")):
        return random.uniform(0.5, 1.5, weight.shape)
    if not weight.path.endswith("kernel"):
        return random.uniform(-0.1, 0.1, weight.shape) if "seed" not in weight.path else np.zeros(weight.shape)
    reach = np.sqrt(6 / np.prod(weight.shape[:-1]))
    return random.random(weight.shape, dtype="float32") * (2 * reach) - reach


if __name__ == "__main__":
    np.savez(sys.argv[1], **outputs())
