"""The trainings of a cross-validation, one after the other in this process or side by side on an executor."""

import random
import threading
import time
import uuid
import warnings
from concurrent.futures import BrokenExecutor, CancelledError, Executor, as_completed
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from functools import cached_property

import joblib
import keras
import numpy as np
from keras import ops

from nervekit import machine, recipe, suitable, training
from nervekit.errors import ConfigurationError, RunError
from nervekit.kept import Kept

ATTEMPTS = 3
MEMORY = "Look for what ends the workers, such as too little memory: fewer workers, or smaller batches."


@dataclass(frozen=True)
class Training:
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
        if model.compiled:
            return model
        suitable.check_one_mask(model)
        return training.compile_model(model, metrics=[])

    def train(self, model, train, images, fold, seed, progress=False):
        if self.fit:
            training.set_seed(seed)
            model = self.build()
        else:
            training.reset(model, self.build, seed=seed)
        history = (self.fit or training.fit)(model, train, **self.schedule, seed=seed, progress=progress)
        # An answer of one's own may be of bool, in which NaN is a plain no.
        if not all(np.isfinite(values).all() for values in model.get_weights()):
            raise RunError(
                f"Fold {fold} (counted from 0) with seed {seed - fold}: the training diverged, its network has weights that are "
                "not finite. Lower the learning rate, or take another seed."
            )
        if self.predict:
            answer = self.predict(model, images)
        else:
            answer = recipe.predict(model, images, batch_size=self.schedule.get("batch_size", 32))
        answer = answer if isinstance(answer, np.ndarray) else ops.convert_to_numpy(answer)
        return (answer if self.predict else answer > 0.5), history.images_per_second


@dataclass(frozen=True)
class Trainings:
    """Every fold with every seed, to be trained here or elsewhere; both ways yield (number, predictions, images a second).

    A training's number is that of its fold, of the second seed counted on from the last fold of the first.
    """

    how: Training
    dataset: object
    folds: list
    seeds: list
    progress: bool
    token: str = field(default_factory=lambda: uuid.uuid4().hex)

    def all(self):
        return range(len(self.seeds) * len(self.folds))

    def finished(self, executor):
        """All of them, those kept from a run that was stopped first."""
        kept, waiting = Kept(self._decides), []
        for number in self.all():
            found = kept.read(number)
            if found is None:
                waiting.append(number)
            else:
                yield number, *found
        began = time.perf_counter()
        with closing(self.here(waiting) if executor is None else self.elsewhere(executor, waiting)) as trained:
            for number, predicted, rate in trained:
                # Of trainings side by side, the time since the one that ended before.
                kept.write(number, predicted, rate, time.perf_counter() - began)
                began = time.perf_counter()
                yield number, predicted, rate

    def here(self, numbers):
        model = self.how.compiled() if numbers else None
        for number in numbers:
            fold = number % len(self.folds)
            yield number, *self.how.train(model, *self._part(fold), fold, self._seed(number), progress=self.progress)

    def elsewhere(self, executor, numbers):
        waiting, losses = set(numbers), 0
        while waiting:
            given = isinstance(executor, Executor)
            before = len(waiting)
            try:
                with (
                    nullcontext(executor) if given else executor() as pool,
                    closing(self._submit(pool, sorted(waiting))) as finished,
                ):
                    for number, predicted, rate in finished:
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
                    f"Workers were lost {ATTEMPTS} times in a row before any of the {self._named(waiting)} finished. {MEMORY}"
                )

    def _submit(self, pool, numbers):
        """Yield what finishes; folds of lost workers are left out."""
        common = (self.token, joblib.wrap_non_picklable_objects(self.how))
        context = (keras.config.backend(), keras.config.dtype_policy().name)
        parts = {fold: (*self._part(fold), fold) for fold in {number % len(self.folds) for number in numbers}}
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
                except Exception as error:
                    if type(error).__name__ == "KilledWorker":  # of dask.distributed, which need not be installed
                        raise RunError(f"The cluster gave up {self._named([number])}. {MEMORY} ({error})") from error
                    raise
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

    def _decides(self, number):
        """What a training depends on beside the functions that a notebook's source defines."""
        train, images = self._part(number % len(self.folds))
        numbers = keras.config.dtype_policy().name, keras.config.floatx(), keras.config.epsilon()
        about = (self._seed(number), self.how.schedule, keras.config.backend(), *numbers, self._hardware)
        return train.images, train.masks, images, *about

    @cached_property
    def _hardware(self):
        return machine.hardware()

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
