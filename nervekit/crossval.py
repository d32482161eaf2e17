"""Cross-validation: every image is predicted once, by a network that was not trained on it."""

from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from nervekit import metrics, training


@dataclass(frozen=True)
class CrossValidation:
    """Out-of-fold predictions.

    Attributes
    ----------
    predictions : ndarray of bool, shape (N, H, W)
        Probability above 0.5, each image by the network of the fold that held it out.
    fold : ndarray of int, shape (N,)
        The fold that held the image out.
    images_per_second : float
        Training images, median over the folds.
    """

    predictions: np.ndarray
    fold: np.ndarray
    images_per_second: float


def run(build, dataset, folds, *, epochs, batch_size=32, seed=0, progress=True):
    """Train one network a fold, from new weights, and predict the images held out.

    The network is compiled once; each fold starts from weights of its own (``seed`` plus the fold's number).

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
        Show a bar over the folds.

    Returns
    -------
    CrossValidation
    """
    model = training.compile_model(build(), metrics=[])
    predictions = np.zeros(dataset.masks.shape, bool)
    fold_of_image = np.full(len(dataset), -1)
    rates = []
    for number, (train, held_out) in enumerate(tqdm(folds, desc="fold", disable=not progress)):
        training.reset(model, build, seed=seed + number)
        history = training.fit(model, dataset.subset(train), epochs=epochs, batch_size=batch_size, seed=seed + number)
        rates.append(history.images_per_second)
        predictions[held_out] = training.predict(model, dataset.images[held_out], batch_size=batch_size) > 0.5
        fold_of_image[held_out] = number
    return CrossValidation(predictions, fold_of_image, float(np.median(rates)))


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
