"""Every network can learn four images by heart. Slow: ``make slow`` takes all, a plain run a light one."""

import keras
import numpy as np
import pytest
from keras import ops
from networks import NETWORKS
from scipy import ndimage
from shortened import SLOW

from nervekit import metrics, models
from nervekit.losses import CrossEntropyDiceLoss, DiceLoss

LIGHT = ("huang_unet",)


@pytest.fixture
def four_images():
    """Textured 32 x 32 pictures, each with a brighter ellipse, and the ellipses as masks."""

    def draw(size):
        random = np.random.default_rng(0)
        row, column = np.mgrid[: size[0], : size[1]]
        centre = random.uniform(0.35, 0.65, (4, 2, 1, 1)) * np.reshape(size, (2, 1, 1))
        masks = ((row - centre[:, 0]) / (0.22 * size[0])) ** 2 + ((column - centre[:, 1]) / (0.28 * size[1])) ** 2 < 1
        texture = ndimage.gaussian_filter(random.normal(size=masks.shape), (0, 1, 1))
        images = 60 + 40 * texture / texture.std() + 60 * masks
        return np.clip(images, 0, 255).astype("uint8")[..., None], masks

    return draw


@pytest.mark.parametrize("name", list(NETWORKS))
def test_a_network_learns_four_images_by_heart(four_images, name):
    if name not in LIGHT and not SLOW:
        pytest.skip("slow: make slow")
    keras.utils.set_random_seed(0)
    model = models.build(name, NETWORKS[name][1])
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.8  # so that the running averages follow within the few steps of this test
    images, masks = four_images(NETWORKS[name][1][:2])
    targets = masks[..., None].astype("float32")
    loss = DiceLoss() if name == "attention_resunet" else CrossEntropyDiceLoss()
    if isinstance(model.output, dict):
        loss = {"mask": loss, "presence": "binary_crossentropy"}
        targets = {"mask": targets, "presence": np.ones((4, 1))}
    model.compile(keras.optimizers.Adam(1e-3), loss, jit_compile=False)
    untrained = dice(model, images, masks)
    for _ in range(20):
        model.fit(images, targets, batch_size=4, epochs=20, verbose=0)
        if dice(model, images, masks) > 0.95:
            break
    assert untrained < 0.8
    assert dice(model, images, masks) > 0.95


def dice(model, images, masks):
    outputs = model(images, training=False)
    mask = ops.convert_to_numpy(outputs["mask"] if isinstance(outputs, dict) else outputs)[..., 0]
    return metrics.pooled_dice(masks, mask > 0.5)
