"""Cross-validation: every image is predicted once, by a network that was not trained on it."""

import random
import threading
import uuid
import warnings
from concurrent.futures import BrokenExecutor, CancelledError, Executor, as_completed
from contextlib import nullcontext
from dataclasses import dataclass, field

import joblib
import keras
import numpy as np
from tqdm.auto import tqdm

from nervekit import metrics, suitable, training
from nervekit.errors import ConfigurationError, RunError

ATTEMPTS = 3


@dataclass(frozen=True)
class CrossValidation:
    """Out-of-fold predictions.

    Attributes
    ----------
    predictions : ndarray of bool, shape (N, H, W)
        Probability above 0.5, each image by the network of the fold that held it out.
    fold : ndarray of int, shape (N,)
        The fold that held the image out; -1 for an image of none, whose prediction is empty.
    images_per_second : float
        Training images, median over the folds.
    """

    predictions: np.ndarray
    fold: np.ndarray
    images_per_second: float


def run(build, dataset, folds, *, epochs, batch_size=32, seed=0, progress=True, executor=None):
    """Train one network a fold, from new weights, and predict the images held out.

    Each fold starts from weights of its own (``seed`` plus the fold's number), knows of no other, and gives the same
    result wherever it is trained. In this process the network is compiled once for all folds, with an executor once
    a worker.

    Parameters
    ----------
    build : callable
        Returns an untrained network, such as ``lambda: models.build("huang_unet", (128, 128, 1))``.
    dataset : SegmentationDataset
    folds : list of (ndarray of int, ndarray of int)
        Training and held-out indices, from ``splits.kfold`` or ``splits.group_kfold``.
    epochs, batch_size : int
    seed : int
    progress : bool
        Show a bar over the folds, and one over the epochs of each that is trained in this process.
    executor : concurrent.futures.Executor or callable, optional
        Trains the folds side by side: a ``ProcessPoolExecutor`` with the start method "spawn", ``client.get_executor()``
        of a dask.distributed client, or any other; or a function without arguments that makes one. If a worker is
        lost, its fold is trained again, on a new executor of the function, or in this process if the executor given
        can work no more; a fold that has finished is not. (Threads take turns, since the random state is shared. Workers that
        share a GPU need ``TF_FORCE_GPU_ALLOW_GROWTH=true`` or ``XLA_PYTHON_CLIENT_PREALLOCATE=false``.)

    Returns
    -------
    CrossValidation

    Raises
    ------
    RunError
        Three executors in a row were lost before any fold finished.
    ConfigurationError
        A worker has another Keras backend than this process, the network gives several masks or outputs, or the images
        have native sizes.

    Examples
    --------
    Two processes on this machine::

        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            result = crossval.run(build, dataset, folds, epochs=20, executor=pool)
    """
    if isinstance(dataset.images, list):
        raise ConfigurationError(
            f"crossval.run: the images of {dataset.key} have native sizes. Load them with one size, such as size=(96, 96)."
        )
    work = _Work(build, dataset, folds, {"epochs": epochs, "batch_size": batch_size}, seed, progress)
    finished = work.here(range(len(folds))) if executor is None else work.elsewhere(executor)
    predictions = np.zeros(dataset.masks.shape, bool)
    fold_of_image = np.full(len(dataset), -1)
    rates = []
    for number, predicted, rate in tqdm(finished, desc="fold", total=len(folds), disable=not progress):
        held_out = folds[number][1]
        predictions[held_out], fold_of_image[held_out] = predicted, number
        rates.append(rate)
    return CrossValidation(predictions, fold_of_image, float(np.median(rates)))


@dataclass(frozen=True)
class _Work:
    """The folds, to be trained here or elsewhere; both ways yield (number, predictions, images a second)."""

    build: object
    dataset: object
    folds: list
    schedule: dict
    seed: int
    progress: bool
    token: str = field(default_factory=lambda: uuid.uuid4().hex)

    def here(self, numbers):
        model = _compiled_network(self.build)
        for number in numbers:
            yield number, *_train(model, self.build, *self._job(number), progress=self.progress)

    def elsewhere(self, executor):
        waiting, losses = set(range(len(self.folds))), 0
        while waiting:
            given = isinstance(executor, Executor)
            before = len(waiting)
            try:
                with nullcontext(executor) if given else executor() as pool:
                    for number, predicted, rate in self._submit(pool, sorted(waiting)):
                        waiting.remove(number)
                        yield number, predicted, rate
            except BrokenExecutor:
                if given:
                    warnings.warn(f"The executor broke; folds {sorted(waiting)} are trained in this process.", stacklevel=3)
                    yield from self.here(sorted(waiting))
                    return
            losses = 0 if len(waiting) < before else losses + 1
            if losses == ATTEMPTS:
                raise RunError(
                    f"Workers were lost {ATTEMPTS} times in a row before any of the folds {sorted(waiting)} finished. "
                    "Look for what ends them, such as too little memory: fewer workers, or smaller batches."
                )

    def _submit(self, pool, numbers):
        """Yield what finishes; folds of lost workers are left out."""
        common = (self.token, joblib.wrap_non_picklable_objects(self.build))
        context = (keras.config.backend(), keras.config.dtype_policy().name)
        futures = {pool.submit(_in_worker, *common, *context, *self._job(number)): number for number in numbers}
        broken = None
        try:
            for future in as_completed(futures):
                try:
                    result = future.result()
                except (BrokenExecutor, CancelledError) as error:
                    broken = error if isinstance(error, BrokenExecutor) else broken
                else:
                    yield futures[future], *result
        finally:
            for future in futures:
                future.cancel()
        if broken:
            raise broken

    def _job(self, number):
        train, held_out = self.folds[number]
        return self.dataset.subset(train), self.dataset.images[held_out], self.schedule, self.seed + number


def _compiled_network(build):
    model = build()
    suitable.check_one_mask(model)
    return training.compile_model(model, metrics=[])


def _train(model, build, train, images, schedule, seed, progress=False):
    training.reset(model, build, seed=seed)
    history = training.fit(model, train, **schedule, seed=seed, progress=progress)
    predicted = training.predict(model, images, batch_size=schedule["batch_size"]) > 0.5
    return predicted, history.images_per_second


# In a worker: the network of the run that it works for, compiled once, and who may use it.
_compiled = {}
_turn = threading.Lock()


def _in_worker(token, build, backend, policy, *job):
    if keras.config.backend() != backend:
        raise ConfigurationError(
            f"This worker computes with {keras.config.backend()}, the process that sent the fold with {backend}. "
            f"Start workers with KERAS_BACKEND={backend}."
        )
    with _turn:
        keras.config.set_dtype_policy(policy)
        if _compiled.get("token") != token:
            _compiled.update(token=token, model=_compiled_network(build))
        return _train(_compiled["model"], _undisturbed(build, job[-1]), *job)


def _undisturbed(build, seed):
    """Build from random numbers that no other thread draws from.

    Keras draws the seed of each layer with ``random.randint``, whose state all threads of a process share. Other threads of a
    worker draw from it too, as dask's do at every heartbeat. A `build` that seeds itself seeds its own numbers.
    """

    def drawn():
        own, here = random.Random(seed), threading.get_ident()
        shared = {name: getattr(random, name) for name in ("randint", "seed")}

        def taking(name):
            return lambda *given, **named: (getattr(own, name) if threading.get_ident() == here else shared[name])(*given, **named)

        for name in shared:
            setattr(random, name, taking(name))
        try:
            return build()
        finally:
            for name, function in shared.items():
                setattr(random, name, function)

    return drawn


def fold_scores(masks, result):
    """Sum IoU and accuracy of each fold, as in Figure 5 of Huang et al. 2019.

    Parameters
    ----------
    masks : ndarray of bool, shape (N, H, W)
    result : CrossValidation

    Returns
    -------
    dict of str to ndarray
        ``pooled_iou`` and ``accuracy`` (share of images with IoU above 0.5), one value a fold.
    """
    scores = {"pooled_iou": [], "accuracy": []}
    for number in np.unique(result.fold[result.fold >= 0]):
        held_out = result.fold == number
        truth, prediction = masks[held_out], result.predictions[held_out]
        scores["pooled_iou"].append(metrics.pooled_iou(truth, prediction))
        scores["accuracy"].append(metrics.accuracy_at(metrics.iou(truth, prediction), 0.5))
    return {name: np.array(numbers) for name, numbers in scores.items()}
