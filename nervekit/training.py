"""Training: one fit function, prediction, and the reset that lets one compiled model serve all folds."""

import math
import time
from dataclasses import dataclass

import keras
from keras import ops
from tqdm.auto import tqdm

from nervekit import determinism, feeding, saturation, suitable, supervision
from nervekit.errors import ConfigurationError
from nervekit.precision import has_gpu, set_precision, sum_bias_gradients_in_float32
from nervekit.prediction import answers, kept_whole, predict
from nervekit.starts import begin_at_share, reset, set_batch_norm_momentum, set_seed, until_alive
from nervekit.transfer import transfer

__all__ = ["History", "PooledIoU", "answers", "begin_at_share", "compile_model", "fit", "predict", "reset",
           "set_batch_norm_momentum", "set_precision", "set_seed", "transfer", "until_alive"]  # fmt: skip


# A training that is over sooner shows no bar.
SHORT_SECONDS = 3
TOLD = ("loss", "pooled_iou", "val_pooled_iou")


@keras.saving.register_keras_serializable(package="nervekit")
class PooledIoU(keras.metrics.Metric):
    """The "sum IoU": intersection over union, both summed over all images, at probability 0.5; 1 where all are empty, as in
    `metrics.pooled_iou`. A ``sample_weight`` multiplies the pixels of its image in both sums."""

    def __init__(self, name="pooled_iou", **options):
        super().__init__(name=name, **options)
        self.intersection = self.add_weight(name="intersection", initializer="zeros")
        self.union = self.add_weight(name="union", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        truth = ops.cast(y_true, "bool")
        prediction = ops.greater(y_pred, 0.5)
        self.intersection.assign_add(_pixels(ops.logical_and(truth, prediction), sample_weight))
        self.union.assign_add(_pixels(ops.logical_or(truth, prediction), sample_weight))

    def result(self):
        return ops.where(ops.greater(self.union, 0), ops.divide_no_nan(self.intersection, self.union), 1.0)


def _pixels(masks, weight):
    """How many pixels masks have; `weight` is one for each image, or one for each pixel."""
    counted = ops.cast(masks, "float32")
    if weight is not None:
        weight = ops.cast(weight, "float32")
        counted = counted * ops.reshape(weight, (*ops.shape(weight), *[1] * (len(masks.shape) - len(weight.shape))))
    return ops.sum(counted)


def compile_model(model, *, loss="binary_crossentropy", optimizer="adam", metrics=None, loss_weights=None):
    """Compile a network for segmentation.

    XLA is left off on a processor, where it is slower than TensorFlow's own kernels.

    Parameters
    ----------
    model : keras.Model
    loss, optimizer : str or object
        As in ``keras.Model.compile``. The default optimizer is what Huang et al. used, Adam with its default settings; they
        state no loss, and the default is that of the kernel they cite. ``"binary_crossentropy"`` follows the logits of a
        network whose last layer is one of Keras with a sigmoid, on every backend, see `nervekit.saturation`; a network that
        was saved compiled and is loaded is compiled here again for that.
    metrics : list, optional
        The pooled IoU if omitted; of a network with several outputs that of the output ``mask``, or of its largest.
    loss_weights : dict, optional
        Weight of each output of a network with several.

    Returns
    -------
    keras.Model
        The same model.
    """
    plain = keras.config.backend() == "tensorflow" and not has_gpu()
    if metrics is None:
        outputs = supervision.outputs(model)
        metrics = {supervision.finest(outputs): [PooledIoU()]} if isinstance(outputs, dict) else [PooledIoU()]
    jit = False if plain else "auto"
    loss = saturation.keep_teaching(model, loss)
    model.compile(optimizer=optimizer, loss=loss, loss_weights=loss_weights, metrics=metrics, jit_compile=jit)
    return model


@dataclass(frozen=True)
class History:
    """What a training left: one value an epoch for each quantity, and how fast it went.

    Attributes
    ----------
    curves : dict of str to list of float
        ``loss``, ``pooled_iou`` and, with a development set, the same with ``val_`` before.
    seconds : float
        Wall time of all epochs, their passes over the development set included; what other callbacks do at the end of an
        epoch is not.
    images_per_second : float
        Training images over the time of an epoch, its pass over the development set included; without the first epoch, which
        also compiles, unless it is the only one.
    """

    curves: dict
    seconds: float
    images_per_second: float


def fit(
    model, train, development=None, *, epochs, batch_size=32, seed=0, callbacks=(), augment=None, progress=True
):  # fmt: skip
    """Train a compiled network.

    A network with several outputs is compared with the masks at the size of each, and with whether there is a mask at all
    where it answers with one number an image.

    Images go to the device as uint8 and masks as bool; everything else happens in the graph. The same seed gives the same
    network on the same machine and backend, as far as `determinism.switch_on` says. For this the random states of Python,
    NumPy and the backend are set (:func:`set_seed`): what is drawn from ``np.random`` afterwards is the same each time. A
    generator of your own, ``np.random.default_rng()``, is left alone.

    Parameters
    ----------
    model : keras.Model
        Compiled, see :func:`compile_model`.
    train, development : SegmentationDataset
        Equal-sized images (N, H, W, C) and masks (N, H, W). The development set is only watched.
    epochs, batch_size : int
    seed : int
        Of the order of the images, which is new in each epoch, and of the changes of `augment`. Dropout goes on from where
        the network was built or :func:`reset`; on PyTorch it draws from the backend's own random numbers, which begin here,
        and from which passes over a development set take some, too.
    callbacks : sequence of keras.callbacks.Callback
        Such as ``plots.live_curves(epochs)``. Of a network with several outputs they see the metric with the name of its
        output, such as ``mask_pooled_iou`` and ``val_mask_pooled_iou``, of U-Net++ ``mask_4_pooled_iou``.
    augment : dict, optional
        Options of `augment.transform`, such as ``{"rotation": 20, "flip": 0.5}``; training images and their masks are
        changed anew in every step, development images never. Callbacks then see a model that wraps the network; what it saves
        is the network.
    progress : bool
        Show a bar over the epochs, gone when they are over, of a training that takes longer than a moment.

    Returns
    -------
    History

    Raises
    ------
    ConfigurationError
        The network is not compiled, has no weights yet or gives two masks side by side, its `steps_per_execution` does not
        divide the steps of an epoch, there is no epoch or no image, a batch would be empty, the images are not uint8 or not
        of the size that the network takes, the masks are not bool, or `augment` has an unknown change or one out of its
        range.

    Examples
    --------
    >>> import numpy as np
    >>> from nervekit import models
    >>> from nervekit.data.dataset import SegmentationDataset
    >>> images = np.zeros((4, 16, 16, 1), "uint8")
    >>> images[:, 4:12, 4:12] = 200
    >>> train = SegmentationDataset("squares", images, images[..., 0] > 0, np.array(list("abcd")), np.array(list("abcd")))
    >>> network = compile_model(models.build("huang_unet", (16, 16, 1), width=2))
    >>> history = fit(network, train, epochs=2, batch_size=2, augment={"flip": 0.5}, progress=False)
    >>> sorted(history.curves), len(history.curves["loss"])
    (['loss', 'pooled_iou'], 2)
    >>> predict(network, images).shape
    (4, 16, 16)
    """
    if not model.compiled:
        raise ConfigurationError(f"{model.name} is not compiled. Call training.compile_model first.")
    suitable.check_counts(epochs=epochs, batch_size=batch_size)
    if not isinstance(supervision.outputs(model), dict):
        suitable.check_one_mask(model)
    for dataset in (train, development):
        if dataset is not None:
            suitable.check_data(model, dataset)
    steps = math.ceil(len(train) / batch_size)
    if steps % model.steps_per_execution:
        raise ConfigurationError(
            f"{model.name} was compiled with steps_per_execution={model.steps_per_execution}, which does not divide the {steps} "
            "steps of an epoch: some would belong to the next one. Compile it with 1."
        )
    sum_bias_gradients_in_float32()
    determinism.switch_on()
    set_seed(seed)
    pairs = [_pair(model, dataset, augment) for dataset in (train, development) if dataset is not None]
    trained = supervision.augmenting(model, augment, seed) if augment else model
    _make_state(trained, model, train.masks[:1, ..., None])
    optimizer = getattr(trained.optimizer, "inner_optimizer", trained.optimizer)  # Keras wraps it for float16
    if hasattr(optimizer, "fall_over"):
        optimizer.fall_over(epochs * steps)
    watched = feeding.in_order(*pairs[1], batch_size=batch_size) if development is not None else None
    fed = feeding.training_batches(*pairs[0], epochs=epochs, batch_size=batch_size, seed=seed)
    bar = {"desc": model.name, "unit": "epoch", "leave": False, "delay": SHORT_SECONDS, "disable": not progress}
    with tqdm(total=epochs, **bar) as shown, kept_whole(trained, [*trained.variables, *trained.optimizer.variables]):
        clock = _Clock(shown)
        result = trained.fit(**fed, validation_data=watched, verbose=0, callbacks=[clock, *callbacks])
    names = supervision.plain(result.history)
    curves = {names[name]: [float(number) for number in numbers] for name, numbers in result.history.items()}
    steady = clock.seconds[1:] or clock.seconds
    return History(curves, sum(clock.seconds), len(train) * len(steady) / sum(steady))


def _pair(model, dataset, augment):
    masks = dataset.masks[..., None]
    if augment:
        return (dataset.images, masks), masks
    scaled = supervision.at_each_scale(masks, supervision.outputs(model))
    return dataset.images, scaled if scaled is masks else {name: ops.convert_to_numpy(mask) for name, mask in scaled.items()}


def _make_state(trained, network, mask):
    """Make what training would make in its first step: a step that makes variables is traced twice."""
    if not trained.optimizer.built:
        trained.optimizer.build(trained.trainable_variables)
    if isinstance(outputs := supervision.outputs(network), dict):
        mask = ops.convert_to_tensor(mask)
        guess = {name: ops.zeros((1, *output.shape[1:])) for name, output in outputs.items()}
        truth = supervision.at_each_scale(mask, guess)
        if trained is not network:
            guess = (guess, mask)  # a network behind random changes hands on the masks as they were changed
        trained.compute_loss(None, truth, guess)
        trained.compute_metrics(None, truth, guess)
        trained.reset_metrics()


class _Clock(keras.callbacks.Callback):
    """Seconds of each epoch, its pass over the development set included; moves a bar."""

    def __init__(self, bar):
        super().__init__()
        self.bar = bar

    def on_train_begin(self, logs=None):
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.began)
        names = supervision.plain(logs or {})
        told = {names[name]: f"{number:.3f}" for name, number in (logs or {}).items() if names[name] in TOLD}
        self.bar.set_postfix(told, refresh=False)
        self.bar.update()

    def on_train_end(self, logs=None):
        # A bar that ends early is taken for an error; a training that a callback stopped is none.
        self.bar.total = self.bar.n
