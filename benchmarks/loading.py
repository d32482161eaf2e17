"""Images a second and peak memory of loading Kaggle's set, and seconds of a leak report, beside their targets.

The simulated stand-in of a few subjects is made once and linked under new names to a set of the public one's size (47
subjects, 5,635 images). It is then read in a process of its own on one core, wall time: what ``nervekit.data.load``
does the first time (every byte hashed, every picture decoded, checked against the table and resized), and what it does
when the arrays are in the cache.

The leak report is ``nervekit.data.splits.leakage`` on 562 femoral images, split at random: the public ones where
NERVEKIT_DATA names them, else the simulated set repeated to that number (the work does not depend on what they show).

    python benchmarks/loading.py --folder /tmp/kaggle
"""

import argparse
import csv
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

SUBJECTS, IMAGES = 47, 5635
RATE, MEMORY = 150, 1024  # images a second on one core, MiB
LEAK_IMAGES, LEAK_TEST, LEAK_SECONDS = 562, 62, 20  # on two cores


def build(folder, subjects, images, seed=0):
    """Write a simulated set, and a large one whose files are links to it; the folder of the large one."""
    from nervekit import phantom
    from nervekit.data import brachial, files

    small, large = folder / "small", folder / f"large-{subjects}-{images}"
    phantom.export("brachial", small, seed=seed)
    if (large / "SIMULATED.json").is_file():
        return large
    shutil.rmtree(large, ignore_errors=True)
    with files.open_source(small) as source:
        pairs, codes = brachial.pair(source), brachial.table(source)
    names = list(pairs)
    (large / "train").mkdir(parents=True)
    with open(large / "train_masks.csv", "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("subject", "img", "pixels"))
        for index in range(images):
            subject, number = index % subjects + 1, index // subjects + 1
            name = names[index % len(names)]
            for path, ending in zip(pairs[name], ("", "_mask")):
                os.link(small / path, large / "train" / f"{subject}_{number}{ending}.tif")
            writer.writerow((subject, number, codes[name]))
    (large / "SIMULATED.json").write_text((small / "SIMULATED.json").read_text(encoding="utf-8"), encoding="utf-8")
    return large


def measure(folder, side, core):
    """Load twice in this process, on one core; seconds of both by the clock and the processor, images, peak MiB."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    from nervekit import data

    seconds, busy = [], []
    for _ in range(2):
        began, worked = time.perf_counter(), time.process_time()
        dataset = data.load("brachial", root=folder, source="phantom", size=(side, side))
        seconds.append(time.perf_counter() - began)
        busy.append(time.process_time() - worked)
    unit = 1024**2 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return {"images": len(dataset), "seconds": seconds, "busy": busy, "mib": peak}


def report_leaks():
    """Seconds of a leak report on 562 images, and whether they are real."""
    import numpy as np

    from nervekit import data
    from nervekit.data import splits

    dataset = data.load("femoral", "auto" if os.environ.get("NERVEKIT_DATA") else "phantom")
    if len(dataset) != LEAK_IMAGES:
        dataset = dataset.subset(np.arange(LEAK_IMAGES) % len(dataset))
    order = np.random.default_rng(0).permutation(LEAK_IMAGES)
    began = time.perf_counter()
    splits.leakage(dataset, order[LEAK_TEST:], order[:LEAK_TEST])
    return time.perf_counter() - began, dataset.provenance["data"]


def main():
    """Build, measure in a fresh process with a cache of its own, and print the ratios to the targets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where the sets are written, about 60 MB")
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.folder, options.size, options.core)))
        return
    folder = build(options.folder.absolute(), SUBJECTS, options.images)
    cache = options.folder.absolute() / f"cache-{time.time_ns()}"
    command = [sys.executable, __file__, "--measure", "--folder", str(folder)]
    command += ["--size", str(options.size), "--core", str(options.core)]
    environment = {**os.environ, "NERVEKIT_CACHE": str(cache)}
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    found = json.loads(answer.stdout.splitlines()[-1])
    first, again = (found["images"] / seconds for seconds in found["seconds"])
    print(f"{found['images']} images at {options.size} x {options.size} on one core")
    print(f"first time: {first:.0f} images a second, {first / RATE:.2f} times the target of {RATE}")
    share = found["busy"][0] / found["seconds"][0]
    if share < 0.9:
        alone = found["images"] / found["busy"][0]
        print(f"  the process had its core for {share:.0%} of the time; alone on it, at most {alone:.0f} a second")
    print(f"from the cache: {again:.0f} images a second")
    print(f"peak memory {found['mib']:.0f} MiB, {found['mib'] / MEMORY:.2f} of the limit of {MEMORY}")
    seconds, kind = report_leaks()
    print(f"leak report on {LEAK_IMAGES} {kind} images: {seconds:.1f} s with {os.cpu_count()} cores, "
          f"{seconds / LEAK_SECONDS:.2f} of the limit of {LEAK_SECONDS} s on 2")


if __name__ == "__main__":
    main()
