"""The same weights give the same output on every backend that is installed beside the one in use."""

import json

import forward
import numpy as np
import one_step
import pytest
import repeatable
from networks import NETWORKS
from other_backend import OTHERS, TESTS, run

MADE_OF = [TESTS / f"test_{part}.py" for part in ("augment", "feeding", "losses", "optimizers")]


@pytest.fixture(scope="module")
def ours():
    return forward.outputs()


@pytest.fixture(scope="module", params=OTHERS)
def theirs(request, tmp_path_factory):
    path = tmp_path_factory.mktemp(request.param) / "outputs.npz"
    run(request.param, forward.__file__, path)
    return np.load(path)


@pytest.mark.parametrize("backend", OTHERS)
def test_a_step_of_training_agrees_with_the_other_backend(backend, tmp_path):
    """Gradients and moving means. Rounding decides a ReLU at zero, which is worth half a per cent of the gradient here, and is all
    that a bias before a normalisation has."""
    run(backend, one_step.__file__, tmp_path / "changes.npz")
    ours, theirs = one_step.changes(), np.load(tmp_path / "changes.npz")
    assert ours.keys() == set(theirs)
    for name in one_step.NETWORKS:
        keys = [key for key in ours if key.startswith(name)]
        largest = max(np.linalg.norm(ours[key]) for key in keys)
        for key in keys:
            error = np.linalg.norm(ours[key] - theirs[key])
            assert error < 0.02 * np.linalg.norm(ours[key]) + 1e-5 * largest, key
    for logits in one_step.SATURATED:  # the gradient of cross-entropy by a logit is the probability minus the truth
        expected = one_step.NERVE.mean() - 1 / (1 + np.exp(-logits))
        for found in (ours, theirs):
            assert found[f"logits {logits}"] == pytest.approx(expected, rel=1e-3, abs=1e-5), logits


@pytest.mark.parametrize("backend", OTHERS)
def test_a_network_trains_on_the_other_backend(backend):
    """The precision that the hardware offers: plain, with random changes and our batch normalisation, by the recipe."""
    code = """
import keras
from nervekit import metrics, models, optimizers, recipe, training
from squares import bright_squares
training.set_precision("auto")
images, masks = bright_squares(16)
data = type("Data", (), {"images": images, "masks": masks, "key": "squares", "__len__": lambda self: 16})()
keras.utils.set_random_seed(0)  # one start in eight finds nothing
plain = training.compile_model(models.build("nervekit_unet", (32, 32, 1), width=4, depth=3), optimizer=optimizers.FlatAdam(0.01))
training.fit(plain, data, epochs=8, batch_size=4)
changed = training.compile_model(models.build("lunet", (32, 32, 1), width=4), optimizer=optimizers.FlatRMSprop(0.01))
training.set_batch_norm_momentum(changed, 0.8)
training.fit(changed, data, data, epochs=8, batch_size=4, augment={"flip": 0.5, "rotation": 20, "gamma": (0.7, 1.5)})
ours = models.build("nervekit_unet", (32, 32, 1), width=4, depth=3, deep_supervision=True)
recipe.fit(ours, data, data, epochs=16, batch_size=4, momentum=0.9)
for found in (training.predict(plain, images), training.predict(changed, images), recipe.predict(ours, images, flips=True)):
    print("sum IoU", metrics.pooled_iou(masks, found > 0.5))
"""
    found = [float(line.split()[-1]) for line in run(backend, "-c", code).splitlines() if line.startswith("sum IoU")]
    assert len(found) == 3 and min(found) > 0.6


@pytest.mark.skipif("jax" not in OTHERS, reason="this is JAX")
def test_a_training_or_prediction_that_was_interrupted_leaves_the_network_on_jax():
    """There Keras takes the weights out of the network meanwhile."""
    code = """
import numpy as np
from squares import bright_squares
from nervekit import models, training
images, masks = bright_squares(4)
data = type("Data", (), {"images": images, "masks": masks, "key": "squares", "__len__": lambda self: 4})()
network = training.compile_model(models.build("huang_unet", (32, 32, 1), width=2))
before = training.predict(network, images)
def interrupted(*_):
    raise KeyboardInterrupt
works = {"predict_function": lambda: training.predict(network, images),
         "train_function": lambda: training.fit(network, data, epochs=1, progress=False)}
for function, work in works.items():
    setattr(network, function, interrupted)
    try:
        work()
    except KeyboardInterrupt:
        setattr(network, function, None)
        print(function, "interrupted, and the same:", np.array_equal(training.predict(network, images), before))
training.fit(network, data, epochs=1, progress=False)
print("and it goes on:", not np.array_equal(training.predict(network, images), before))
"""
    said = run("jax", "-c", code)
    assert said.count("interrupted, and the same: True") == 2 and "and it goes on: True" in said


@pytest.mark.parametrize("backend", OTHERS)
def test_what_a_training_is_made_of_passes_its_tests_on_the_other_backend(backend):
    """Random changes, batches, losses and optimizers: all tests of each, once more."""
    if "pytest" not in run(backend, "-c", "from importlib import util; print(*filter(util.find_spec, ('pytest', 'hypothesis')))"):
        pytest.skip(f"the environment of {backend} has no pytest")
    said = run(backend, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *MADE_OF)
    assert " passed" in said


@pytest.mark.parametrize("backend", OTHERS)
def test_the_same_seed_gives_the_same_network_on_the_other_backend(backend):
    """Two processes, weights and curves equal bit by bit, with random changes of the images."""
    options = json.dumps({"augment": {"flip": 0.5, "rotation": 20.0, "noise": 0.03}})
    first, again = (run(backend, repeatable.__file__, options, threads=None).split()[-1] for _ in range(2))
    assert first == again


@pytest.mark.parametrize("name", NETWORKS)
def test_a_seed_is_the_same_start_on_the_other_backend(theirs, ours, name):
    np.testing.assert_array_equal(ours[f"{name} first"], theirs[f"{name} first"])


@pytest.mark.parametrize("name", [*NETWORKS, *(f"{name} presence" for name in forward.PRESENCE), *forward.LARGE])
def test_a_forward_pass_agrees_with_the_other_backend(theirs, ours, name):
    error = np.abs(ours[name] - theirs[name]).max() / np.abs(ours[name]).max()
    assert ours[name].std() > 1e-3 * np.abs(ours[name]).max()
    assert error < 1e-4
