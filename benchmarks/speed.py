"""Images a second of nervekit's networks beside the same written plainly in PyTorch, MONAI's and medic-ai's.

Every candidate runs in a process of its own, one after the other and round by round, on the same pixels. Ours goes through
``training.fit`` and ``training.predict``, data and metric included. A peer whose package is not installed beside nervekit
is left out by name; all of them come with ``pip install torch monai medicai``.

    python benchmarks/speed.py --only huang_unet --size 128
    python benchmarks/speed.py --only melnic_unet --size 96x128 --batch 32
"""

import argparse
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

# For each network of ours its width, which the peers take over; the smallest encoder of medic-ai has 64 feature maps.
WIDTHS = {"huang_unet": 16, "melnic_unet": 32}
PEERS = {"torch": "the same in PyTorch", "basic_unet": "MONAI's BasicUNet", "unet": "MONAI's UNet",
         "medicai": "medic-ai's UNet (ResNet-18)"}  # fmt: skip
PACKAGES = {"nervekit": "nervekit", "torch": "torch", "basic_unet": "monai", "unet": "monai", "medicai": "medicai"}
PRECISIONS = ("float32", "bfloat16")


def measure(who, network, precision, size, batch, batches, epochs):
    """One candidate in this process: parameters, operations, images a second in training and forward, peak MiB."""
    if who == "product":
        import torch_unets

        return {"product": torch_unets.product_rate(precision)}
    if who == "convolutions":
        return {"train": convolution_rate(network, precision, size, batch)}
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (batch * batches, *size, 1), dtype=np.uint8)
    masks = random.random(images.shape[:3]) > 0.97
    if who in ("nervekit", "medicai"):
        found = keras_rates(who, network, precision, images, masks, batch, epochs)
    else:
        import torch_unets

        model = torch_unets.build(network if who == "torch" else who, WIDTHS[network])
        found = torch_unets.rates(model, precision, images, masks, batch, epochs)
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return {**found, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit}


def keras_rates(who, network, precision, images, masks, batch, epochs):
    """The same for a Keras network, ours or medic-ai's."""
    from nervekit import models, training

    training.set_precision(precision)
    shape = images.shape[1:]
    if who == "medicai":
        from medicai.models import UNet

        model = UNet(input_shape=shape, encoder_name="resnet18", num_classes=1, classifier_activation="sigmoid")
    else:
        model = models.build(network, shape, width=WIDTHS[network])
    training.compile_model(model)
    noise = Noise(images, masks)
    history = training.fit(model, noise, epochs=epochs, batch_size=batch)
    training.predict(model, images[:batch], batch_size=batch)
    began = time.perf_counter()
    training.predict(model, images, batch_size=batch)
    forward = len(images) / (time.perf_counter() - began)
    rates = {"train": history.images_per_second, "forward": forward}
    return {"parameters": model.count_params(), "operations": operations(model), **rates}


@dataclass(frozen=True)
class Noise:
    """What ``training.fit`` asks of a dataset."""

    images: np.ndarray
    masks: np.ndarray
    key: str = "noise"

    def __len__(self):
        return len(self.images)


def operations(model):
    """Multiplications and additions of the convolutions in one forward pass over one image."""
    from keras import layers

    total = 0
    for layer in model._flatten_layers(include_self=False):
        if isinstance(layer, (layers.Conv2D, layers.Conv2DTranspose)):
            places = layer.input.shape if isinstance(layer, layers.Conv2DTranspose) else layer.output.shape
            total += 2 * int(np.prod(layer.kernel.shape)) * places[1] * places[2]
    return total


def convolution_rate(network, precision, size, batch):
    """Images a second if a training step were nothing but the convolutions and their gradients, one after the other.

    A yardstick of what the rest of a step costs, not a bound: a graph may run two of them side by side, each on one core.
    """
    import tensorflow as tf
    from keras import layers

    from nervekit import models

    def seconds(operation, **given):
        compiled = tf.function(lambda: operation(**given), autograph=False)
        compiled()
        times = []
        for _ in range(9):
            began = time.perf_counter()
            compiled()
            times.append(time.perf_counter() - began)
        return statistics.median(times)

    raw, total = tf.raw_ops, 0
    for layer in models.build(network, (*size, 1), width=WIDTHS[network])._flatten_layers(include_self=False):
        if not isinstance(layer, (layers.Conv2D, layers.Conv2DTranspose)):
            continue
        # A transposed convolution is the gradient of a convolution from its output to its input.
        ends = [(batch, *side.shape[1:]) for side in (layer.input, layer.output)]
        if isinstance(layer, layers.Conv2DTranspose):
            ends.reverse()
        fine, coarse, kernel = (tf.cast(tf.random.normal(shape), precision) for shape in (*ends, layer.kernel.shape))
        how = {"strides": [1, *layer.strides, 1], "padding": layer.padding.upper()}
        total += seconds(raw.Conv2D, input=fine, filter=kernel, **how)
        total += seconds(raw.Conv2DBackpropFilter, input=fine, filter_sizes=kernel.shape, out_backprop=coarse, **how)
        if fine.shape[-1] > 1:  # of the image itself nobody asks for the gradient
            total += seconds(raw.Conv2DBackpropInput, input_sizes=fine.shape, filter=kernel, out_backprop=coarse, **how)
    return batch / total


def in_process(arguments, job):
    """:func:`measure` in a new process; None, with the reason on the screen, if it cannot run here."""
    measures = (arguments.size, arguments.batch, arguments.batches, arguments.epochs)
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
    command = [sys.executable, str(Path(__file__)), "--job", json.dumps([*job, *measures])]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if answer.returncode:
        print(f"{' '.join(job)}: not measured, {(answer.stderr.strip().splitlines() or ['?'])[-1]}")
        return None
    return json.loads(answer.stdout.splitlines()[-1])


def size_of(text):
    """Height and width from ``"96x128"``, or from ``"128"`` for both."""
    sides = [int(side) for side in text.split("x")]
    if len(sides) > 2 or any(side < 16 or side % 16 for side in sides):
        raise argparse.ArgumentTypeError(f"{text!r}: expected HEIGHTxWIDTH, multiples of 16, such as 96x128")
    return sides * (3 - len(sides))


def main():
    """Measure every candidate in rounds, and print rates and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=size_of, default=[128, 128])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--batches", type=int, default=6, help="an epoch")
    parser.add_argument("--epochs", type=int, default=4, help="the first, which compiles, is left out")
    parser.add_argument("--rounds", type=int, default=3, help="each goes through all candidates; the median counts")
    parser.add_argument("--only", choices=WIDTHS, help="this network of ours and its peers alone")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        print(json.dumps(measure(*json.loads(arguments.job))))
        return
    networks = [arguments.only] if arguments.only else list(WIDTHS)
    absent = sorted({package for package in PACKAGES.values() if importlib.util.find_spec(package) is None})
    for package in absent:
        print(f"{package} is not installed here ({sys.prefix}): left out")
    known = [who for who, package in PACKAGES.items() if package not in absent]
    jobs = [(who, network, precision) for network in networks for who in known for precision in PRECISIONS]
    jobs += [("convolutions", network, precision) for network in networks for precision in PRECISIONS]
    jobs += [("product", "", precision) for precision in PRECISIONS if "torch" not in absent]
    # Round by round, so that a slow minute of the machine falls on all candidates and not on one.
    rounds = []
    for number in range(arguments.rounds):
        rounds.append({job: in_process(arguments, job) for job in tqdm(jobs, desc=f"round {number + 1}")})
    found = {job: median([results[job] for results in rounds if results[job]]) for job in jobs}
    print(f"{arguments.size[0]} x {arguments.size[1]}, batches of {arguments.batch}, median of {arguments.rounds}")
    print_rates(found)
    for network in networks:
        for peer in PEERS:
            print_ratios(network, peer, rounds)
        print_shares(network, found)


def median(results):
    """The median of each quantity over rounds; None without results."""
    return {name: statistics.median(result[name] for result in results) for name in results[0]} if results else None


def print_rates(found):
    """One line a candidate."""
    print(f"{'':58}{'parameters':>12}{'GFLOP':>8}{'train':>8}{'forward':>9}{'MiB':>7}   (images a second)")
    for (who, network, precision), rates in found.items():
        if rates and who == "product":
            print(f"matrix product {precision}: {rates['product']:.0f} billion operations a second")
        elif rates and who == "convolutions":
            print(f"{network} {precision}, its convolutions alone:{'':29}{rates['train']:8.1f}")
        elif rates:
            name = f"nervekit {network}" if who == "nervekit" else f"beside {network}: {PEERS[who]}"
            size = f"{rates['parameters']:>12,}{rates['operations'] / 1e9:8.2f}"
            print(f"{name + ' ' + precision:58}{size}{rates['train']:8.1f}{rates['forward']:9.1f}{rates['mib']:7.0f}")


def print_ratios(network, peer, rounds):
    """Ours over the peer's, training and forward, in every pair of precisions: median and range over the rounds."""
    for ours in PRECISIONS:
        for theirs in PRECISIONS:
            keys = ("nervekit", network, ours), (peer, network, theirs)
            both = [[results.get(key) for key in keys] for results in rounds]
            both = [pair for pair in both if all(pair)]
            if both:
                shown = []
                for quantity in ("train", "forward"):
                    ratios = [a[quantity] / b[quantity] for a, b in both]
                    shown.append(f"{quantity} {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
                print(f"{network}: nervekit {ours} over {PEERS[peer]} {theirs}: {', '.join(shown)}")


def print_shares(network, found):
    """Share of what the machine could do that our training reaches; a step costs three forward passes."""
    for precision in PRECISIONS:
        mine, product = (found.get(job) for job in (("nervekit", network, precision), ("product", "", precision)))
        if mine and product:
            share = 3 * mine["operations"] * mine["train"] / 1e9 / product["product"]
            print(f"{network}: training in {precision} reaches {share:.0%} of the matrix-product rate")
        alone = found.get(("convolutions", network, precision))
        if mine and alone:
            print(f"{network}: training in {precision} reaches {mine['train'] / alone['train']:.0%} of its convolutions' rate")


if __name__ == "__main__":
    main()
