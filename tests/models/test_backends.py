"""The same weights give the same output on every backend that is installed beside the one in use."""

import json

import forward
import numpy as np
import pytest
import repeatable
from networks import NETWORKS
from other_backend import OTHERS, TESTS, run


@pytest.fixture(scope="module")
def ours():
    return forward.outputs()


@pytest.fixture(scope="module", params=OTHERS)
def theirs(request, tmp_path_factory):
    path = tmp_path_factory.mktemp(request.param) / "outputs.npz"
    run(request.param, forward.__file__, path)
    return np.load(path)


@pytest.mark.parametrize("backend", OTHERS)
def test_a_network_trains_on_the_other_backend(backend):
    """The precision that the hardware offers, an epoch plain, one with random changes, one of the recipe, predictions."""
    code = """
import numpy as np
from nervekit import models, recipe, training
training.set_precision("auto")
images = np.zeros((4, 16, 16, 1), np.uint8)
data = type("Data", (), {"images": images, "masks": images[..., 0] > 0, "key": "dark", "__len__": lambda self: 4})()
model = training.compile_model(models.build("huang_unet", (16, 16, 1), width=2))
training.fit(model, data, data, epochs=1, batch_size=2)
training.fit(model, data, data, epochs=1, batch_size=2, augment={"flip": 0.5, "rotation": 20, "gamma": (0.7, 1.5)})
ours = models.build("nervekit_unet", (16, 16, 1), width=2, depth=3, deep_supervision=True)
recipe.fit(ours, data, data, epochs=1, batch_size=2)
assert recipe.predict(ours, images, flips=True).shape == (4, 16, 16)
print("shape", training.predict(model, images).shape)
"""
    assert "shape (4, 16, 16)" in run(backend, "-c", code)


@pytest.mark.parametrize("tests", ["test_augment.py", "test_feeding.py"])
@pytest.mark.parametrize("backend", OTHERS)
def test_batches_and_random_changes_keep_image_and_mask_together_on_the_other_backend(backend, tests):
    """All tests of both, once more."""
    if "pytest" not in run(backend, "-c", "from importlib import util; print(*filter(util.find_spec, ('pytest', 'hypothesis')))"):
        pytest.skip(f"the environment of {backend} has no pytest")
    said = run(backend, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", TESTS / tests)
    assert " passed" in said


@pytest.mark.parametrize("backend", OTHERS)
def test_the_same_seed_gives_the_same_network_on_the_other_backend(backend):
    """Two processes, weights and curves equal bit by bit, with random changes of the images."""
    options = json.dumps({"augment": {"flip": 0.5, "rotation": 20.0, "noise": 0.03}})
    first, again = (run(backend, repeatable.__file__, options).split()[-1] for _ in range(2))
    assert first == again


@pytest.mark.parametrize("name", [*NETWORKS, *(f"{name} presence" for name in forward.PRESENCE), *forward.LARGE])
def test_a_forward_pass_agrees_with_the_other_backend(ours, theirs, name):
    error = np.abs(ours[name] - theirs[name]).max() / np.abs(ours[name]).max()
    assert ours[name].std() > 1e-3 * np.abs(ours[name]).max()
    assert error < 1e-4
