"""Frames a second of our network in each runtime, and in the live loop: answered, outlined and encoded one by one.

The network has the size of notebook 09 and random weights, on which speed does not depend; the frames are a simulated cine.
No picture is handed on, since a script has no browser that would take it; notebook 09 measures that too.

    python benchmarks/live.py --size 256
"""

import argparse

import numpy as np

SIZE = {"width": 16, "depth": 4}


def main():
    from nervekit import deploy, live, models, phantom, record, training

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--frames", type=int, default=60)
    given = parser.parse_args()
    scenes = [phantom.scene("femoral", frame=number, shape=(given.size, given.size)) for number in range(given.frames)]
    cine = np.stack([phantom.render(scene)["image"] for scene in scenes])[..., None]
    print(f"nervekit_unet, {given.size} x {given.size}, one frame at a time, {record.hardware()}")
    network = models.build("nervekit_unet", (given.size, given.size, 1), deep_supervision=True, **SIZE)
    for name, answer in deploy.runtimes(network, "nervekit_unet", precision=training.set_precision("auto"), **SIZE).items():
        alone = deploy.frames_per_second(answer, cine)
        _, seconds = live.loop(cine, answer, lambda picture, text: None)
        print(f"{name:18}{alone:6.1f} frames a second, live {1 / np.median(seconds[:, 1]):6.1f}")


if __name__ == "__main__":
    main()
