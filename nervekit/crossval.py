"""Cross-validation: every image is predicted once, by a network that was not trained on it."""

from contextlib import closing
from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from nervekit import metrics
from nervekit.data.dataset import positions
from nervekit.errors import ConfigurationError, DataError, is_whole
from nervekit.trainings import Training, Trainings

SIDES = ("training", "held out")


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
    build, dataset, folds, *, epochs=None, batch_size=None, augment=None, seed=0, fit=None, predict=None, progress=True,
    executor=None,
):  # fmt: skip
    """Train one network a fold, from new weights, and predict the images held out.

    Each fold starts from weights of its own (``seed`` plus the fold's number), knows of no other, and gives the same
    result here and on workers that compute as this process does, with as many threads. In this process the network is
    compiled once for all folds, with an executor once a worker; a ``fit`` of your own compiles each anew. In a notebook that
    ``nervekit run`` runs, finished folds are kept until it is done: stopped and run again, it trains the others
    (`nervekit.kept`).

    Parameters
    ----------
    build : callable
        Returns an untrained network, such as ``lambda: models.build("huang_unet", (128, 128, 1))``, which is trained with Adam
        and cross-entropy, or one that is compiled, such as ``lambda: recipe.compile_model(models.build(...))``.
    dataset : SegmentationDataset
    folds : list of (ndarray of int, ndarray of int)
        Training and held-out indices, or booleans for all images, from ``splits.kfold`` or ``splits.group_kfold``. No image
        is held out twice: folds that are dealt anew are another run.
    epochs : int
        Of `training.fit`.
    batch_size : int, optional
        Of `training.fit`; 32 if not given.
    augment : dict, optional
        Of `training.fit`; none if not given, for a network compiled by the recipe, too.
    seed : int or sequence of int
        With several, every fold is trained with each; they lie as far apart as there are folds, so that no two trainings
        begin alike.
    fit : callable, optional
        Trains in place of `training.fit`: ``fit(model, train, seed=, progress=)`` compiles and trains a new network and returns
        a `training.History`, such as ``functools.partial(recipe.fit, epochs=36, begin_at_share=True)``. ``epochs``,
        ``batch_size`` and ``augment`` are its own.
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
        Three executors in a row were lost before any fold finished, or a cluster gave a fold up. Or a training diverged: its
        network gives probabilities that are not finite, or, for a ``predict`` of your own, has such weights.
    ConfigurationError
        An image is held out by two folds, or in training while it is held out, a worker has another Keras backend than this
        process, ``build`` returns one network twice, one that is not compiled gives several masks or outputs, the images have
        native sizes, ``epochs`` are missing, or given beside ``fit``, seeds lie too close or are no whole numbers, or
        ``predict`` gives something other than (..., n, H, W).

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
    if (fit is None) == (epochs is None) or (fit is not None and (batch_size is not None or augment is not None)):
        raise ConfigurationError(
            "crossval.run: expected epochs, or a fit of your own that knows its epochs, batch size and changes of the images, "
            "such as fit=functools.partial(recipe.fit, epochs=36)."
        )
    if not all(is_whole(one) for one in np.atleast_1d(seed)):
        raise ConfigurationError(f"crossval.run: seed={seed}. Expected a whole number of 0 or more, or several of them.")
    seeds = [int(one) for one in np.atleast_1d(seed)]
    if not seeds or np.diff(sorted(seeds)).min(initial=len(folds)) < len(folds):
        raise ConfigurationError(
            f"crossval.run: seed={seed}. The first fold begins with the seed, the second with the next: expected one seed, or "
            f"several that lie {len(folds)} apart, such as {[number * 1000 for number in range(3)]}."
        )
    folds = [
        tuple(positions(f"crossval.run, fold {number}, {side}", values, len(dataset)) for side, values in zip(SIDES, fold, strict=True))
        for number, fold in enumerate(folds)
    ]
    _check_folds(folds)
    schedule = {} if fit else {"epochs": epochs, "batch_size": 32 if batch_size is None else batch_size, "augment": augment}
    how = Training(build, fit, predict, schedule)
    work = Trainings(how, dataset, folds, seeds, progress)
    finished = work.finished(executor)
    predictions, fold_of_image, rates = None, np.full(len(dataset), -1), []
    with closing(finished):  # after an error no worker begins another fold
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


def _check_folds(folds):
    """Every image is predicted once at most, by a network that did not learn from it."""
    if not len(folds):
        raise ConfigurationError("crossval.run: there is no fold. Give folds, such as splits.group_kfold(dataset.groups, 10).")
    for number, (train, held_out) in enumerate(folds):
        if both := np.intersect1d(train, held_out).size:
            raise ConfigurationError(
                f"crossval.run: fold {number} (counted from 0) trains on {both} of the images that it holds out. Deal both apart, "
                "as splits.kfold does."
            )
    places, times = np.unique(np.concatenate([held_out for _, held_out in folds]), return_counts=True)
    if (times > 1).any():
        place = places[times > 1][0]
        both = [number for number, (_, held_out) in enumerate(folds) for _ in range(np.sum(held_out == place))]
        raise ConfigurationError(
            f"crossval.run: image {place} is held out by the folds {both[0]} and {both[1]} (counted from 0). Expected "
            "each image once; run folds that were dealt anew by themselves."
        )


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
