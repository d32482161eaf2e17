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

from nervekit import metrics, recipe, suitable, training
from nervekit.errors import ConfigurationError, DataError, RunError

ATTEMPTS = 3


@dataclass(frozen=True)
class CrossValidation:
    """Out-of-fold predictions.

    Attributes
    ----------
    predictions : ndarray of bool, shape (N, H, W)
        Probability above 0.5, each image by the network of the fold that held it out. With several seeds
        (seeds, N, H, W). With a ``predict`` of your own it has the type of its answers, and the axes that they have before N.
    fold : ndarray of int, shape (N,)
        The fold that held the image out; -1 for an image of none, whose prediction is empty.
    images_per_second : float
        Training images, median over the folds.
    """

    predictions: np.ndarray
    fold: np.ndarray
    images_per_second: float


def run(
    build, dataset, folds, *, epochs=None, batch_size=None, seed=0, fit=None, predict=None, progress=True, executor=None
):  # fmt: skip
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
    epochs : int
        Of `training.fit`, with Adam and cross-entropy.
    batch_size : int, optional
        Of `training.fit`; 32 if not given.
    seed : int or sequence of int
        With several, every fold is trained with each; they lie as far apart as there are folds, so that no two trainings
        begin alike.
    fit : callable, optional
        Trains in place of `training.fit`: ``fit(model, train, seed=, progress=)`` compiles and trains a new network and returns
        a `training.History`, such as ``functools.partial(recipe.fit, epochs=36)``. ``epochs`` and ``batch_size`` are its own.
    predict : callable, optional
        ``predict(model, images)`` answers the images held out, shape (..., n, H, W), such as
        ``lambda model, images: recipe.views(model, images)``. If not given: probability of the finest mask above 0.5.
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
        A worker has another Keras backend than this process, the network gives several masks or outputs that
        `training.fit` has no loss for, the images have native sizes, ``epochs`` are missing, or given beside ``fit``, seeds lie
        too close, or ``predict`` gives something other than (..., n, H, W).

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
    if (fit is None) == (epochs is None) or (fit is not None and batch_size is not None):
        raise ConfigurationError(
            "crossval.run: expected epochs, or a fit of your own that knows its epochs and batch size, such as "
            "fit=functools.partial(recipe.fit, epochs=36)."
        )
    seeds = [int(one) for one in np.atleast_1d(seed)]
    if not seeds or np.diff(sorted(seeds)).min(initial=len(folds)) < len(folds):
        raise ConfigurationError(
            f"crossval.run: seed={seed}. Fold 1 begins with the seed, fold 2 with the next, and so on: expected one seed, or "
            f"several that lie {len(folds)} apart, such as {[number * 1000 for number in range(3)]}."
        )
    how = _How(build, fit, predict, {} if fit else {"epochs": epochs, "batch_size": 32 if batch_size is None else batch_size})
    work = _Work(how, dataset, folds, seeds, progress)
    finished = work.here(work.all()) if executor is None else work.elsewhere(executor)
    predictions, fold_of_image, rates = None, np.full(len(dataset), -1), []
    for number, predicted, rate in tqdm(finished, desc="fold", total=len(work.all()), disable=not progress):
        which, fold = divmod(number, len(folds))
        held_out = folds[fold][1]
        if np.shape(predicted)[-3:] != (len(held_out), *dataset.masks.shape[1:]):
            raise ConfigurationError(
                f"crossval.run: predict gives the shape {np.shape(predicted)} for {len(held_out)} images; expected "
                f"(..., {', '.join(map(str, (len(held_out), *dataset.masks.shape[1:])))})."
            )
        if predictions is None:
            predictions = np.zeros((len(seeds), *predicted.shape[:-3], *dataset.masks.shape), predicted.dtype)
        predictions[which][..., held_out, :, :], fold_of_image[held_out] = predicted, fold
        rates.append(rate)
    return CrossValidation(predictions[0] if np.ndim(seed) == 0 else predictions, fold_of_image, float(np.median(rates)))


@dataclass(frozen=True)
class _How:
    """How one network is trained and asked; what a worker is told."""

    build: object
    fit: object
    predict: object
    schedule: dict

    def compiled(self):
        """The network that serves all folds; None where ``fit`` compiles each anew."""
        if self.fit:
            return None
        model = self.build()
        suitable.check_one_mask(model)
        return training.compile_model(model, metrics=[])

    def _mask(self, model, images):
        return recipe.predict(model, images, batch_size=self.schedule.get("batch_size", 32)) > 0.5

    def train(self, model, train, images, seed, progress=False):
        if self.fit:
            keras.utils.set_random_seed(seed)
            model = self.build()
        else:
            training.reset(model, self.build, seed=seed)
        history = (self.fit or training.fit)(model, train, **self.schedule, seed=seed, progress=progress)
        return (self.predict or self._mask)(model, images), history.images_per_second


@dataclass(frozen=True)
class _Work:
    """The trainings, to be done here or elsewhere; both ways yield (number, predictions, images a second).

    A training's number is that of its fold, of the second seed counted on from the last fold of the first.
    """

    how: _How
    dataset: object
    folds: list
    seeds: list
    progress: bool
    token: str = field(default_factory=lambda: uuid.uuid4().hex)

    def all(self):
        return range(len(self.seeds) * len(self.folds))

    def here(self, numbers):
        model = self.how.compiled()
        for number in numbers:
            part = self._part(number % len(self.folds))
            yield number, *self.how.train(model, *part, self._seed(number), progress=self.progress)

    def elsewhere(self, executor):
        waiting, losses = set(self.all()), 0
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
                    warnings.warn(f"The executor broke; {self._named(waiting)} are trained in this process.", stacklevel=3)
                    yield from self.here(sorted(waiting))
                    return
            losses = 0 if len(waiting) < before else losses + 1
            if losses == ATTEMPTS:
                raise RunError(
                    f"Workers were lost {ATTEMPTS} times in a row before any of the {self._named(waiting)} finished. "
                    "Look for what ends them, such as too little memory: fewer workers, or smaller batches."
                )

    def _submit(self, pool, numbers):
        """Yield what finishes; folds of lost workers are left out."""
        common = (self.token, joblib.wrap_non_picklable_objects(self.how))
        context = (keras.config.backend(), keras.config.dtype_policy().name)
        parts = {fold: self._part(fold) for fold in {number % len(self.folds) for number in numbers}}
        futures = {
            pool.submit(_in_worker, *common, *context, *parts[number % len(self.folds)], self._seed(number)): number
            for number in numbers
        }
        broken = None
        try:
            for future in as_completed(set(futures)):
                # A cluster trains again whatever a lost worker held, as long as somebody holds its future.
                number = futures.pop(future)
                try:
                    result = future.result()
                except (BrokenExecutor, CancelledError) as error:
                    broken = error if isinstance(error, BrokenExecutor) else broken
                else:
                    del future
                    yield number, *result
        finally:
            for future in futures:
                future.cancel()
        if broken:
            raise broken

    def _part(self, fold):
        train, held_out = self.folds[fold]
        return self.dataset.subset(train), self.dataset.images[held_out]

    def _seed(self, number):
        which, fold = divmod(number, len(self.folds))
        return self.seeds[which] + fold

    def _named(self, numbers):
        if len(self.seeds) == 1:
            return f"folds {sorted(numbers)}"
        pairs = (divmod(number, len(self.folds)) for number in sorted(numbers))
        return f"folds {', '.join(f'{fold} of seed {self.seeds[which]}' for which, fold in pairs)}"


# In a worker: the network of the run that it works for, compiled once, and who may use it.
_compiled = {}
_turn = threading.Lock()


def _in_worker(token, how, backend, policy, *job):
    if keras.config.backend() != backend:
        raise ConfigurationError(
            f"This worker computes with {keras.config.backend()}, the process that sent the fold with {backend}. "
            f"Start workers with KERAS_BACKEND={backend}."
        )
    with _turn:
        keras.config.set_dtype_policy(policy)
        if _compiled.get("token") != token:
            _compiled.update(token=token, model=how.compiled())
        return _undisturbed(lambda: how.train(_compiled["model"], *job), job[-1])


def _undisturbed(task, seed):
    """Do a task with random numbers that no other thread draws from.

    Keras draws the seed of each layer from Python's ``random``, whose state all threads of a process share. Other threads of a
    worker draw from it too, as dask's do at every heartbeat. A task that seeds itself seeds its own numbers.
    """
    own, here = random.Random(seed), threading.get_ident()
    shared = {name: one for name, one in vars(random).items() if hasattr(random.Random, name) and callable(one)}

    def taking(name):
        return lambda *given, **named: (getattr(own, name) if threading.get_ident() == here else shared[name])(*given, **named)

    for name in shared:
        setattr(random, name, taking(name))
    try:
        return task()
    finally:
        for name, function in shared.items():
            setattr(random, name, function)


def fold_scores(masks, result):
    """Sum IoU and accuracy of each fold, as in Figure 5 of Huang et al. 2019.

    Parameters
    ----------
    masks : ndarray of bool, shape (N, H, W)
    result : CrossValidation
        Of one seed; of several, ``dataclasses.replace(result, predictions=result.predictions[0])`` is that of the first.

    Returns
    -------
    dict of str to ndarray
        ``pooled_iou`` and ``accuracy`` (share of images with IoU above 0.5), one value a fold.

    Raises
    ------
    DataError
        Not one prediction for each mask.
    """
    if np.shape(result.predictions) != np.shape(masks):
        raise DataError(f"masks have the shape {np.shape(masks)}, predictions {np.shape(result.predictions)}: expected one "
                        "prediction for each mask. Of several seeds or answers, give one.")  # fmt: skip
    scores = {"pooled_iou": [], "accuracy": []}
    for number in np.unique(result.fold[result.fold >= 0]):
        held_out = result.fold == number
        truth, prediction = masks[held_out], result.predictions[held_out]
        scores["pooled_iou"].append(metrics.pooled_iou(truth, prediction))
        scores["accuracy"].append(metrics.accuracy_at(metrics.iou(truth, prediction), 0.5))
    return {name: np.array(numbers) for name, numbers in scores.items()}
