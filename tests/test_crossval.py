"""Cross-validation on executors: the same results as here, a lost worker's fold again, a finished fold never."""

import itertools
import random
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from threading import Thread
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops
from shortened import slow
from squares import bright_squares

from nervekit import crossval, kept, machine, models, recipe, training, trainings
from nervekit.data.dataset import SegmentationDataset
from nervekit.errors import ConfigurationError, DataError, RunError

SEED = 1000
FOLDS = [(np.setdiff1d(np.arange(18), held_out), held_out) for held_out in np.arange(18).reshape(3, 6)]


@pytest.fixture(scope="module", autouse=True)
def float32():
    training.set_precision("float32")


@pytest.fixture(scope="module")
def dataset():
    images, masks = bright_squares(18)
    names = np.array([f"{number:02d}" for number in range(18)])
    return SegmentationDataset("blobs", images, masks, names, names)


def network():
    """The smallest network with a random layer, so that a fold that knew of another would show; quick to compile."""
    from keras import Sequential, layers

    return Sequential([
        layers.Input((32, 32, 1)),
        layers.Rescaling(1 / 255),
        layers.Conv2D(4, 3, padding="same", activation="relu"),
        layers.Dropout(0.5),
        layers.Conv2D(1, 3, padding="same", activation="sigmoid"),
    ])  # fmt: skip


@pytest.fixture
def trained(monkeypatch):
    """The seeds of the folds that were trained in this process."""
    seeds, fit = [], training.fit

    def noting(*arguments, seed, **options):
        seeds.append(seed)
        return fit(*arguments, seed=seed, **options)

    monkeypatch.setattr(training, "fit", noting)
    return seeds


@pytest.fixture
def log(tmp_path):
    """A build function that writes the seed of each network it builds and the process, and what was written.

    Defined here, it is pickled by its code, like one in a notebook.
    """
    path, make = tmp_path / "built", network

    def build(path=str(path), die_at=None):
        import os
        import signal
        import time
        from pathlib import Path

        import numpy

        seed = numpy.random.get_state()[1][0]
        with open(path, "a") as file:
            file.write(f"{seed} {os.getpid()}\n")
        if seed == die_at and not Path(path + ".died").exists():
            Path(path + ".died").touch()
            time.sleep(2)  # until what this worker found has been fetched
            os.kill(os.getpid(), signal.SIGKILL)
        return make()

    def draws():
        lines = [tuple(int(part) for part in line.split()) for line in path.read_text().splitlines()]
        return sorted((seed, process) for seed, process in lines if SEED <= seed < SEED + len(FOLDS))

    return build, draws


def run(build, dataset, executor=None):
    return crossval.run(build, dataset, FOLDS, epochs=2, batch_size=4, seed=SEED, progress=False, executor=executor)


@pytest.fixture(scope="module")
def serial(dataset):
    """What one process finds, fold after fold."""
    return run(network, dataset)


def assert_same(result, serial):
    assert 0 < serial.predictions.mean() < 1
    assert np.array_equal(result.predictions, serial.predictions)
    assert np.array_equal(result.fold, serial.fold)


def test_threads_take_turns_and_find_the_same(dataset, serial, trained):
    with ThreadPoolExecutor(3) as threads:
        assert_same(run(network, dataset, threads), serial)
    assert sorted(trained) == [SEED, SEED + 1, SEED + 2]


def network_that_seeds_itself():
    keras.utils.set_random_seed(5)
    return network()


@pytest.mark.parametrize("make", [network, network_that_seeds_itself])
def test_first_weights_are_those_of_the_seed_though_another_thread_draws_random_numbers(make):
    drawn, shared = [], (random.randint, random.seed)

    def draw():
        drawn.append((random.random(), random.randint(a=1, b=6)))

    def build():
        other = Thread(target=draw)
        other.start()
        other.join()
        return make()

    keras.utils.set_random_seed(SEED)
    expected = make().get_weights()
    for mine, theirs in zip(trainings._undisturbed(build, SEED).get_weights(), expected, strict=True):
        assert np.array_equal(mine, theirs)
    assert len(drawn) == 1 and (random.randint, random.seed) == shared


class Breaking(Executor):
    """Works here until `after` folds are done, then loses every other one with the error given."""

    def __init__(self, after, error):
        self.after, self.error = after, error

    def submit(self, function, /, *arguments):
        future = Future()
        if self.after > 0:
            self.after -= 1
            try:
                future.set_result(function(*arguments))
            except ValueError as error:
                future.set_exception(error)
        else:
            future.set_exception(self.error)
        return future


def forgiving(executor):
    """Submit to an executor that works again after it has lost two folds."""
    submit, calls = executor.submit, []

    def again(function, /, *arguments):
        calls.append(1)
        executor.after = 1 if len(calls) in (1, 4, 5) else 0
        return submit(function, *arguments)

    return again


def test_when_the_executor_given_breaks_the_rest_is_trained_here(dataset, serial, trained):
    with pytest.warns(UserWarning, match=r"folds \[2\] are trained in this process"):
        assert_same(run(network, dataset, Breaking(2, BrokenExecutor())), serial)
    assert trained == [SEED, SEED + 1, SEED + 2]


def test_folds_that_an_executor_gave_back_are_submitted_again_and_no_others(dataset, serial, trained):
    executor = Breaking(1, CancelledError())
    executor.submit = forgiving(executor)
    assert_same(run(network, dataset, executor), serial)
    assert trained == [SEED, SEED + 1, SEED + 2]


def test_executors_that_never_finish_a_fold_are_given_up(dataset):
    made = []

    def make():
        made.append(1)
        return Breaking(0, BrokenExecutor())

    with pytest.raises(RunError, match=r"lost 3 times in a row before any of the folds \[0, 1, 2\]"):
        run(network, dataset, make)
    assert len(made) == 3


def test_an_error_of_the_fold_itself_is_raised_and_nothing_is_tried_again(dataset):
    calls = []

    def build():
        calls.append(1)
        raise ValueError("no such network")

    with pytest.raises(ValueError, match="no such network"):
        run(build, dataset, Breaking(3, None))
    assert len(calls) == len(FOLDS), "each once, and none again"


def test_a_fold_that_a_cluster_gives_up_is_an_error_that_says_what_to_do(dataset):
    distributed = pytest.importorskip("distributed", reason="the extra nervekit[cluster] is not installed")
    lost = distributed.KilledWorker("fold", SimpleNamespace(address="tcp://worker"), 3)
    with pytest.raises(RunError, match=r"The cluster gave up folds \[[012]\].*too little memory"):
        run(network, dataset, Breaking(0, lost))


@pytest.mark.parametrize(
    ("folds", "text"),
    [
        ([], "there is no fold. Give folds, such as"),
        ([*FOLDS, FOLDS[1]], r"image 6 is held out by the folds 1 and 3 \(counted from 0\).*run folds that were dealt anew by"),
        ([FOLDS[0], (np.arange(9), np.arange(6, 12))], r"fold 1 \(counted from 0\) trains on 3 of the images that it holds out"),
    ],
)
def test_folds_that_hold_an_image_out_twice_or_train_on_it_are_refused(dataset, folds, text):
    with pytest.raises(ConfigurationError, match=text):
        crossval.run(network, dataset, folds, epochs=1)


def test_images_of_native_sizes_are_refused(dataset):
    native = SegmentationDataset("own", list(dataset.images), list(dataset.masks), dataset.ids, dataset.groups)
    with pytest.raises(ConfigurationError, match="images of own have native sizes"):
        crossval.run(network, native, FOLDS, epochs=1)


def test_a_worker_with_another_backend_is_refused():
    with pytest.raises(ConfigurationError, match="Start workers with KERAS_BACKEND=theano"):
        trainings._in_worker("token", None, "theano", "float32")


@pytest.mark.parametrize(("workers", "die_at"), [(2, SEED + 1), pytest.param(1, SEED + 2, marks=slow)])
def test_a_dask_cluster_that_loses_a_worker_trains_its_fold_again_and_no_finished_one(dataset, serial, log, workers, die_at):
    distributed = pytest.importorskip("distributed", reason="the extra nervekit[cluster] is not installed")
    build, draws = log
    with (
        distributed.LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        result = run(lambda: build(die_at=die_at), dataset, client.get_executor())
    assert_same(result, serial)
    assert [seed for seed, _ in draws()] == sorted([SEED, SEED + 1, SEED + 2, die_at])


def spawned():
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


@pytest.fixture(scope="module")
def worker():
    """One process for two tests, of which the second kills it: each would import TensorFlow for seconds."""
    with spawned() as pool:
        yield pool


def test_a_training_and_an_answer_of_ones_own_here_and_in_a_worker(dataset, worker):
    make = network

    def by_adam(model, train, *, seed, progress):
        import random

        from nervekit import training

        training.compile_model(model, metrics=[])
        model.layers[-1].bias.assign([random.random() - 0.5])
        return training.fit(model, train, epochs=2, batch_size=4, seed=seed, progress=progress)

    def both_ways(model, images):
        from nervekit import recipe

        return recipe.views(model, images)

    # Not SEED, which would stay NumPy's in the worker: the next test counts what it builds under SEED and those that follow.
    options = {"fit": by_adam, "predict": both_ways, "seed": 7, "progress": False}
    here = crossval.run(lambda: make(), dataset, FOLDS, **options)
    there = crossval.run(lambda: make(), dataset, FOLDS, **options, executor=worker)
    assert here.predictions.shape == (2, *dataset.masks.shape) and here.predictions.dtype == np.float32
    assert np.array_equal(here.predictions, there.predictions)
    assert not np.array_equal(here.predictions[0], here.predictions[1])
    for number, (_, held_out) in enumerate(FOLDS):
        assert np.array_equal(here.fold[held_out], [number] * len(held_out))


def test_a_process_that_is_killed_loses_one_fold_which_is_trained_again_to_the_same_result(dataset, serial, log, worker):
    build, draws = log
    pools = iter((worker,))

    def pool():
        return next(pools, None) or spawned()

    result = run(lambda: build(die_at=SEED + 1), dataset, pool)
    assert_same(result, serial)
    assert [seed for seed, _ in draws()] == [SEED, SEED + 1, SEED + 1, SEED + 2]


def test_the_recipe_trains_the_folds_of_a_network_with_masks_at_three_scales(dataset):
    """Compiled once for all folds as compiled anew for each."""

    def build():
        return models.build("nervekit_unet", (32, 32, 1), width=2, depth=3, deep_supervision=True)

    schedule = {"epochs": 2, "batch_size": 4, "augment": {"flip": 0.5, "noise": 0.05}}
    options = {"predict": lambda model, images: recipe.predict(model, images), "progress": False}
    anew = crossval.run(build, dataset, FOLDS[:2], fit=partial(recipe.fit, **schedule, learning_rate=0.05), **options)
    built = []

    def compiled():
        built.append(recipe.compile_model(build(), learning_rate=0.05))
        return built[-1]

    once = crossval.run(compiled, dataset, FOLDS[:2], **schedule, **options)
    assert once.predictions.shape == dataset.masks.shape and once.predictions.dtype == np.float32
    assert np.array_equal(once.predictions, anew.predictions)
    assert [network.optimizer.built for network in built] == [True, False, False]  # the others lend their first weights


def test_positions_from_the_end_would_hide_a_leak(dataset):
    with pytest.raises(ConfigurationError, match="crossval.run, fold 0, held out: holds .*expected positions from 0"):
        crossval.run(network, dataset, [(np.arange(len(dataset)), [-1])], epochs=1, progress=False)


def test_folds_may_be_booleans(dataset, serial):
    chosen = [[np.isin(np.arange(len(dataset)), side) for side in fold] for fold in FOLDS]
    result = crossval.run(network, dataset, chosen, epochs=2, batch_size=4, seed=SEED, progress=False)
    assert np.array_equal(result.predictions, serial.predictions) and np.array_equal(result.fold, serial.fold)


def test_several_seeds_are_several_runs_in_one(dataset, serial):
    with ThreadPoolExecutor(2) as threads:
        both = crossval.run(network, dataset, FOLDS, epochs=2, batch_size=4, seed=[SEED, 7], progress=False, executor=threads)
    other = crossval.run(network, dataset, FOLDS, epochs=2, batch_size=4, seed=7, progress=False)
    assert both.predictions.shape == (2, *dataset.masks.shape)
    assert np.array_equal(both.predictions[0], serial.predictions)
    assert np.array_equal(both.predictions[1], other.predictions) and not np.array_equal(*both.predictions)
    with pytest.raises(DataError, match="expected one prediction for each mask"):
        crossval.fold_scores(dataset.masks, both)
    first = crossval.fold_scores(dataset.masks, replace(both, predictions=both.predictions[0]))
    assert np.array_equal(first["pooled_iou"], crossval.fold_scores(dataset.masks, serial)["pooled_iou"])
    assert np.array_equal(both.fold, serial.fold)


def test_the_fold_that_is_lost_is_named_with_its_seed(dataset, serial):
    executor = Breaking(4, BrokenExecutor())
    with pytest.warns(UserWarning, match=r"folds 1 of seed 7, 2 of seed 7 are trained in this process"):
        crossval.run(network, dataset, FOLDS, epochs=1, seed=[SEED, 7], progress=False, executor=executor)


@pytest.mark.parametrize("seed", [[], [0, 2], range(5)])
def test_seeds_whose_folds_would_begin_alike_are_refused(dataset, seed):
    with pytest.raises(ConfigurationError, match="several that lie 3 apart"):
        crossval.run(network, dataset, FOLDS, epochs=1, seed=seed)


@pytest.mark.parametrize("seed", [1.9, 2.0, [0, 3.5], True, -1, "5"])
def test_a_seed_that_is_no_whole_number_is_refused(dataset, seed):
    with pytest.raises(ConfigurationError, match="Expected a whole number of 0 or more, or several of them"):
        crossval.run(network, dataset, FOLDS, epochs=1, seed=seed)


@pytest.mark.parametrize("answer", [lambda _, images: images, lambda _, images: images[0, :, :, 0] > 9])
def test_an_answer_that_is_not_one_mask_an_image_is_refused(dataset, answer):
    with pytest.raises(ConfigurationError, match=r"for 6 images; expected \(\.\.\., 6, 32, 32\)"):
        crossval.run(network, dataset, FOLDS[:1], epochs=1, predict=answer, progress=False)


def untrained(model, train, *, seed, progress):
    """A training of one's own that changes nothing, but loses the bias of the second fold."""
    training.compile_model(model, metrics=[])
    if seed == SEED + 1:
        model.layers[-1].bias.assign([np.nan])
    return training.History({"loss": [1.0]}, 1.0, 1.0)


@pytest.mark.parametrize("predict", [None, lambda _, images: np.zeros(images.shape[:3], bool)], ids=["ours", "own"])
@pytest.mark.parametrize("executor", [None, ThreadPoolExecutor], ids=["here", "in a worker"])
def test_a_training_that_diverged_is_no_empty_mask(dataset, predict, executor):
    text = rf"Fold 1 \(counted from 0\) with seed {SEED}: the training diverged, its network has weights that are not finite"
    with pytest.raises(RunError, match=text):
        crossval.run(network, dataset, FOLDS[:2], fit=untrained, predict=predict, seed=SEED, progress=False,
                     executor=executor and partial(executor, 1))  # fmt: skip


@pytest.mark.parametrize(
    "form", [lambda masks: list(masks), lambda masks: masks.tolist(), ops.convert_to_tensor], ids=["arrays", "list", "tensor"]
)
def test_an_answer_of_ones_own_may_be_a_list_or_a_tensor(dataset, form):
    def bright(model, images):
        return form(images[..., 0] > 100)

    result = crossval.run(network, dataset, FOLDS[:1], fit=untrained, predict=bright, progress=False)
    assert isinstance(result.predictions, np.ndarray) and result.predictions.dtype == bool
    assert np.array_equal(result.predictions[:6], dataset.images[:6, ..., 0] > 100) and not result.predictions[6:].any()


@pytest.fixture
def keeping(tmp_path, monkeypatch):
    """As in a notebook that the runner runs; called, it stands for the kernel of another run."""
    monkeypatch.setenv(kept.VARIABLE, str(tmp_path / "kept"))

    def another_kernel():
        monkeypatch.setattr(kept, "_calls", itertools.count())
        monkeypatch.setattr(kept, "_taken", [])

    return another_kernel


def test_a_run_that_was_stopped_trains_only_what_is_missing(dataset, serial, trained, keeping, monkeypatch):
    class Stopped(BaseException):
        pass

    def until(*arguments, seed, **options):
        if seed == SEED + 2:
            raise Stopped
        return fit(*arguments, seed=seed, **options)

    keeping()
    fit = training.fit
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(training, "fit", until)
        run(network, dataset)
    assert trained == [SEED, SEED + 1] and kept.taken() == {"trainings": 0, "seconds": 0}
    for again in range(2):
        keeping()
        result = run(network, dataset)
        assert trained == [SEED, SEED + 1, SEED + 2], again
        assert kept.taken()["trainings"] == 2 + again and kept.taken()["seconds"] > 0
        assert_same(result, serial)
        assert np.array_equal(result.fold, serial.fold) and result.images_per_second > 0


def test_other_images_another_call_a_spoilt_file_or_another_machine_are_trained(
    dataset, serial, trained, keeping, tmp_path, monkeypatch
):
    keeping()
    run(network, dataset)
    run(network, dataset)
    assert len(trained) == 6
    keeping()
    first = next((tmp_path / "kept").glob("0_1_*.npz"))
    first.write_bytes(first.read_bytes()[:100])
    assert_same(run(network, dataset), serial)
    assert trained[6:] == [SEED + 1]
    keeping()
    run(network, replace(dataset, images=255 - dataset.images))
    assert len(trained) == 10
    keeping()
    monkeypatch.setattr(machine, "hardware", lambda: "Imaginary GPU")
    run(network, dataset)
    assert len(trained) == 13


def test_folds_of_workers_are_kept_too(dataset, serial, trained, keeping):
    keeping()
    with ThreadPoolExecutor(2) as threads:
        run(network, dataset, threads)
        keeping()
        assert_same(run(network, dataset, threads), serial)
    keeping()
    assert_same(run(network, dataset), serial)
    assert len(trained) == 3


def test_without_a_runner_nothing_is_kept(dataset, trained, monkeypatch):
    monkeypatch.delenv(kept.VARIABLE, raising=False)
    for _ in range(2):
        run(network, dataset)
    assert len(trained) == 6


def test_after_an_error_no_worker_begins_another_fold(dataset):
    begun = []

    def fit(model, train, *, seed, progress):
        begun.append(seed)
        training.compile_model(model)
        return training.fit(model, train, epochs=1, seed=seed, progress=progress)

    with ThreadPoolExecutor(1) as threads, pytest.raises(ConfigurationError, match="predict gives the shape"):
        crossval.run(network, dataset, FOLDS, fit=fit, predict=lambda _, images: images, seed=[0, 9, 18], progress=False,
                     executor=threads)  # fmt: skip
    assert len(begun) <= 2  # of nine


@pytest.mark.parametrize("options", [{}, *({name: 4, "fit": recipe.fit} for name in ("epochs", "batch_size", "augment"))])
def test_who_knows_the_epochs_must_be_clear(dataset, options):
    with pytest.raises(ConfigurationError, match="expected epochs, or a fit of your own"):
        crossval.run(network, dataset, FOLDS, **options)


def test_workers_get_the_precision_of_this_process(dataset):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        seen = []

        def build():
            seen.append(keras.config.dtype_policy().name)
            return network()

        with ThreadPoolExecutor(1) as threads:
            crossval.run(build, dataset, FOLDS[:1], epochs=1, batch_size=4, progress=False, executor=threads)
    finally:
        training.set_precision("float32")
    assert set(seen) == {"mixed_bfloat16"}
