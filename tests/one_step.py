"""One step of plain gradient descent from weights drawn by NumPy: the same on every backend.

Run as a script it writes what the step changed to a file: ``KERAS_BACKEND=jax python one_step.py changes.npz``.
"""

import sys

import numpy as np
from forward import draw

# Between them: batch and instance normalisation, dilated kernels, pooling that remembers its places, steps up, LeakyReLU.
NETWORKS = {
    "dl_unet": ((48, 64, 1), {"width": 16}),
    "gulati_segnet": ((32, 32, 1), {"width": 4}),
    "nervekit_unet": ((32, 32, 1), {"width": 4, "depth": 2}),
}


SATURATED = (-200.0, -60.0, -20.0, 0.0, 20.0, 60.0)
NERVE = np.arange(16 * 16).reshape(1, 16, 16, 1) % 16 == 0


def changes():
    """For each network the change of each weight and moving mean, dict of ``"<network> <number>"`` to array, and its loss.

    As ``"logits <number>"`` also that of the last bias of a network whose logits are all that number, under plain cross-entropy.
    """
    import keras

    from nervekit import models, training
    from nervekit.losses import CrossEntropyDiceLoss

    found = {}
    for name, (shape, options) in NETWORKS.items():
        random = np.random.default_rng(0)
        model = models.build(name, shape, **options)
        for weight in model.weights:
            weight.assign(draw(weight, random))
        training.compile_model(model, loss=CrossEntropyDiceLoss(), optimizer=keras.optimizers.SGD(1.0), metrics=[])
        images = random.integers(0, 256, (4, *shape)).astype("uint8")
        before = model.get_weights()
        found[f"{name} loss"] = np.asarray(model.train_on_batch(images, images > 200))
        for number, (old, new) in enumerate(zip(before, model.get_weights(), strict=True)):
            found[f"{name} {number}"] = new - old
    model = models.build("huang_unet", (16, 16, 1), width=4)
    training.compile_model(model, optimizer=keras.optimizers.SGD(1.0), metrics=[])
    last = model.get_layer("mask_logits")
    for logits in SATURATED:
        # Its kernel at zero, the last layer hands no gradient down: all others stay as they are.
        last.set_weights([np.zeros_like(last.get_weights()[0]), np.array([logits], "float32")])
        model.train_on_batch(np.zeros((1, 16, 16, 1), "uint8"), NERVE)
        found[f"logits {logits}"] = last.get_weights()[1] - np.float32(logits)
    return found


if __name__ == "__main__":
    np.savez(sys.argv[1], **changes())
