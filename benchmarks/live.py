"""Frames a second of our network in each runtime, and live: answered, outlined, encoded and handed on one by one.

The network has the size of notebook 09 and random weights, on which speed does not depend; the frames are a simulated cine.

    python benchmarks/live.py --size 256
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

SIZE = {"width": 16, "depth": 4}


def runtimes(size, folder):
    """Functions from images to probabilities by name, those of ONNX and LiteRT where they can be written."""
    import keras

    from nervekit import deploy, models, training

    formats = dict.fromkeys(("float32", training.set_precision("auto")))
    network = models.build("nervekit_unet", (size, size, 1), deep_supervision=True, **SIZE)
    networks = {one: deploy.rebuild(network, "nervekit_unet", size=(size, size), precision=one, **SIZE) for one in formats}
    found = {f"Keras, {one}": lambda images, net=net: net.predict_on_batch(images)[..., 0] for one, net in networks.items()}
    if not deploy.missing_for_onnx():
        deploy.to_onnx(networks["float32"], folder / "network.onnx")
        found["ONNX Runtime"] = deploy.open_onnx(folder / "network.onnx")
    if keras.config.backend() == "tensorflow":
        deploy.to_litert(networks["float32"], folder / "network.tflite")
        found["LiteRT"] = deploy.open_litert(folder / "network.tflite")
    return found


def main():
    from nervekit import deploy, live, phantom, record

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--frames", type=int, default=60)
    given = parser.parse_args()
    scenes = [phantom.scene("femoral", frame=number, shape=(given.size, given.size)) for number in range(given.frames)]
    cine = np.stack([phantom.render(scene)["image"] for scene in scenes])[..., None]
    print(f"nervekit_unet, {given.size} x {given.size}, one frame at a time, {record.hardware()}")
    with tempfile.TemporaryDirectory() as folder:
        for name, answer in runtimes(given.size, Path(folder)).items():
            alone = deploy.frames_per_second(answer, cine)
            _, seconds = live.loop(cine, answer, lambda picture, text: None)
            print(f"{name:18}{alone:6.1f} frames a second, live {1 / np.median(seconds[:, 1]):6.1f}")


if __name__ == "__main__":
    main()
