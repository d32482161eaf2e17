"""Images a second of nervekit's networks beside the same written plainly in PyTorch, MONAI's and medic-ai's.

Every candidate runs in a process of its own, one after the other and round by round, on the same pixels. Ours goes through
``training.fit`` and ``training.predict``, data and metric included. Needs ``nervekit[tensorflow,torch]``; MONAI and
medic-ai are measured where they are installed.

    python benchmarks/speed.py --size 128 --batch 32 --only huang_unet
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from tqdm import tqdm

CANDIDATES = (
    ("nervekit", "huang_unet"),
    ("torch", "huang_unet"),
    ("torch", "monai_basic_unet"),
    ("torch", "monai_unet"),
    ("medicai", "unet"),
    ("nervekit", "melnic_unet"),
    ("torch", "melnic_unet"),
)
PRECISIONS = ("float32", "bfloat16")


def measure(library, network, precision, size, batch, batches, epochs):
    """One candidate in this process: parameters, images a second in training and forward, peak MiB."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (batch * batches, size, size, 1), dtype=np.uint8)
    masks = random.random(images.shape[:3]) > 0.97
    if library == "torch":
        import torch_unets

        if network == "product":
            return {"product": torch_unets.product_rate(precision)}
        found = torch_unets.rates(network, precision, images, masks, batch, epochs)
    else:
        found = _keras_rates(library, network, precision, images, masks, batch, epochs)
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return {**found, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit}


def _keras_rates(library, network, precision, images, masks, batch, epochs):
    import time

    from nervekit import models, training

    training.set_precision(precision)
    shape = images.shape[1:]
    if library == "medicai":
        from medicai.models import UNet

        model = UNet(input_shape=shape, encoder_name="resnet18", num_classes=1, classifier_activation="sigmoid")
    else:
        model = models.build(network, shape)
    training.compile_model(model)
    data = SimpleNamespace(images=images, masks=masks, key="noise")
    data = type("Noise", (SimpleNamespace,), {"__len__": lambda self: len(self.images)})(**vars(data))
    history = training.fit(model, data, epochs=epochs, batch_size=batch)
    training.predict(model, images[:batch], batch_size=batch)
    began = time.perf_counter()
    training.predict(model, images, batch_size=batch)
    forward = len(images) / (time.perf_counter() - began)
    rates = {"train": history.images_per_second, "forward": forward}
    return {"parameters": model.count_params(), "operations": operations(model), **rates}


def operations(model):
    """Multiplications and additions of the convolutions in one forward pass over one image."""
    from keras import layers

    total = 0
    for layer in model.layers:
        if isinstance(layer, (layers.Conv2D, layers.Conv2DTranspose)):
            places = layer.input.shape if isinstance(layer, layers.Conv2DTranspose) else layer.output.shape
            total += 2 * int(np.prod(layer.kernel.shape)) * places[1] * places[2]
    return total


def in_process(arguments, library, network, precision):
    """:func:`measure` in a new process; None, with the reason on the screen, if it cannot run here."""
    job = json.dumps([library, network, precision, arguments.size, arguments.batch, arguments.batches, arguments.epochs])
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
    command = [sys.executable, str(Path(__file__)), "--job", job]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if answer.returncode:
        print(f"{library} {network} {precision}: not measured, {(answer.stderr.strip().splitlines() or ['?'])[-1]}")
        return None
    return json.loads(answer.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--batches", type=int, default=6, help="an epoch")
    parser.add_argument("--epochs", type=int, default=4, help="the first, which compiles, is left out")
    parser.add_argument("--rounds", type=int, default=3, help="each goes through all candidates; the median counts")
    parser.add_argument("--only", help="leave out the networks whose name does not hold this")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        print(json.dumps(measure(*json.loads(arguments.job))))
        return
    jobs = [
        (library, network, precision)
        for library, network in CANDIDATES
        if (arguments.only or "") in network
        for precision in PRECISIONS
    ]
    jobs += [("torch", "product", precision) for precision in PRECISIONS]
    # Round by round, so that a slow minute of the machine falls on all candidates and not on one.
    rounds = []
    for number in range(arguments.rounds):
        rounds.append({job: in_process(arguments, *job) for job in tqdm(jobs, desc=f"round {number + 1}")})
    found = {job: median([results[job] for results in rounds if results[job]]) for job in jobs}
    products = {precision: found.pop(("torch", "product", precision)) for precision in PRECISIONS}
    for precision, product in products.items():
        if product:
            print(f"matrix product {precision}: {product['product']:.0f} billion operations a second")
    print(f"{'':34}{'parameters':>12}{'train':>8}{'forward':>9}{'MiB':>7}   images a second, median of {arguments.rounds}")
    for (library, network, precision), rates in found.items():
        if rates:
            name = f"{library} {network} {precision}"
            print(f"{name:34}{rates['parameters']:>12,}{rates['train']:8.1f}{rates['forward']:9.1f}{rates['mib']:7.0f}")
    for network in ("huang_unet", "melnic_unet"):
        print_ratios(network, rounds)
        print_shares(network, found, products)


def median(results):
    """The median of each quantity over rounds; None without results."""
    return {name: statistics.median(result[name] for result in results) for name in results[0]} if results else None


def print_ratios(network, rounds):
    """Ours over PyTorch's, training and forward, in every pair of precisions: median and range over the rounds."""
    for ours in PRECISIONS:
        for theirs in PRECISIONS:
            mine, peer = ("nervekit", network, ours), ("torch", network, theirs)
            both = [(results[mine], results[peer]) for results in rounds if results.get(mine) and results.get(peer)]
            if both:
                shown = []
                for quantity in ("train", "forward"):
                    ratios = [a[quantity] / b[quantity] for a, b in both]
                    shown.append(f"{quantity} {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
                print(f"{network}: nervekit {ours} over PyTorch {theirs}: {', '.join(shown)}")


def print_shares(network, results, products):
    """Share of the matrix-product rate that our training reaches; a step costs three forward passes."""
    for precision in PRECISIONS:
        mine, product = results.get(("nervekit", network, precision)), products[precision]
        if mine and product:
            share = 3 * mine["operations"] * mine["train"] / 1e9 / product["product"]
            print(f"{network}: training in {precision} reaches {share:.0%} of the matrix-product rate")


if __name__ == "__main__":
    main()
