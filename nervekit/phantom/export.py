"""Write a simulated set in the very layout and formats of the public one, so that the same readers take both."""

import csv
import json
import tempfile
from pathlib import Path

import numpy as np
import PIL
import scipy
from PIL import Image, ImageDraw
from tqdm.auto import tqdm

from nervekit.errors import ConfigurationError, DataError
from nervekit.phantom.acoustics import render
from nervekit.phantom.anatomy import find_scene, largest_part
from nervekit.phantom.version import VERSION

SCAN_LINES = 256
FRAMES = (1, 2, 3, 4, 5, 6, 7, 8)
FRAME_CHANCES = (0.12, 0.17, 0.2, 0.18, 0.13, 0.1, 0.06, 0.04)  # mean 3.7
TEST_SHARE = 62 / 562
MARKER = "SIMULATED.json"


def export(key, folder, *, subjects=40, seed=0, progress=False):
    """Write the simulated stand-in of ``key`` into ``folder``, whole or not at all.

    The layout is the public femoral set's: ``trainset/images/sample_N.jpg`` (RGB JPEG, sizes vary),
    ``trainset/masks/sample_N.png`` (palette PNG, indices 0 and 1), ``testset/images``, ``testset/masks_real``; and
    beside them ``groups.csv`` (which subject a sample shows) and ``SIMULATED.json``. Frames, not subjects, are
    drawn for the test part, so its split leaks as the public one does. Equal arguments give equal bytes with
    equal versions of NumPy, SciPy and Pillow.

    Parameters
    ----------
    key : str
        ``"femoral"``.
    folder : path
        Made by this call. Left as it is if it already holds this very set.
    subjects : int
        Simulated persons, with 1 to 8 frames each.
    seed : int
    progress : bool
        Show a progress bar.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ConfigurationError
        Unknown ``key``, or fewer than one subject, or a negative seed.
    DataError
        ``folder`` holds something else, or cannot be written.
    """
    find_scene(key)
    for name, value, least in (("subjects", subjects, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ConfigurationError(f"{name} is {value!r}; expected a whole number of at least {least}.")
    folder = Path(folder).expanduser().absolute()
    about = {
        "simulated": True, "key": key, "version": VERSION, "seed": int(seed), "subjects": int(subjects),
        "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "pillow": PIL.__version__},
    }
    if _is_complete(folder, about):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
            built = Path(temporary) / "set"
            _write(key, built, about, progress)
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
            built.rename(folder)
    except OSError as error:
        if _is_complete(folder, about):
            return folder
        raise DataError(
            f"The simulated {key} set could not be written to {folder}: {error}. "
            "Free some space there or name another folder; nothing half-written was left."
        ) from error
    return folder


def _is_complete(folder, about):
    """Whether ``folder`` holds this very set; DataError if it holds something else."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    advice = "Name another folder, or delete this one if you do not need it."
    if not (folder / MARKER).is_file():
        raise DataError(f"{folder} exists and is no simulated set (it has no {MARKER}); nothing was written. {advice}")
    try:
        found = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        found = {name: found.get(name) for name in ("key", "version", "seed", "subjects")}
    except (ValueError, AttributeError) as error:
        raise DataError(f"{folder / MARKER} is not readable as JSON ({error}). {advice}") from error
    wanted = {name: about[name] for name in found}
    if found != wanted:
        raise DataError(f"{folder} holds another simulated set: {found}, expected {wanted}. {advice}")
    return True


def _write(key, folder, about, progress):
    parts = {"train": ("trainset/images", "trainset/masks"), "test": ("testset/images", "testset/masks_real")}
    for images, masks in parts.values():
        (folder / images).mkdir(parents=True)
        (folder / masks).mkdir(parents=True)
    rng = np.random.default_rng([about["seed"], about["subjects"], 2**20])
    counts = rng.choice(FRAMES, size=about["subjects"], p=FRAME_CHANCES)
    frames = [(subject, frame) for subject, count in enumerate(counts) for frame in range(count)]
    tests = set(rng.choice(len(frames), size=round(TEST_SHARE * len(frames)), replace=False).tolist())
    rows = []
    for index, (subject, frame) in enumerate(tqdm(frames, desc=f"simulated {key}", unit="image", disable=not progress)):
        picture, mask = screenshot(key, subject, frame, seed=about["seed"])
        part = "test" if index in tests else "train"
        sample = f"sample_{index + 1}"
        images, masks = parts[part]
        picture.save(folder / images / f"{sample}.jpg", quality=92)
        mask.save(folder / masks / f"{sample}.png")
        rows.append((sample, part, subject))
    with open(folder / "groups.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("sample", "split", "group"))
        writer.writerows(rows)
    (folder / MARKER).write_text(json.dumps(about | {"images": len(frames)}, indent=2) + "\n", encoding="utf-8")


def screenshot(key, subject=0, frame=0, *, seed=0):
    """One frame as a scanner would save it: an RGB picture of native size with its mark, and a palette mask.

    Returns
    -------
    picture : PIL.Image.Image, mode RGB
    mask : PIL.Image.Image, mode P
        Indices 0 (background) and 1 (nerve) with the palette of the Pascal VOC challenge.
    """
    drawn = find_scene(key)
    size = drawn.subject(subject, seed).native_size
    maps = drawn.frame(subject, frame, seed=seed, shape=(size[0], SCAN_LINES))
    picture = Image.fromarray(render(maps)["image"]).resize(size[::-1], Image.Resampling.BICUBIC)
    smooth = Image.fromarray(maps["mask"].astype(np.float32)).resize(size[::-1], Image.Resampling.BILINEAR)
    mask = largest_part(np.asarray(smooth) > 0.5)

    rng = np.random.default_rng([seed, subject, 1 + frame, 2])
    left, top = (int(value) for value in rng.integers(0, 5, 2))
    canvas = Image.new("L", picture.size)
    canvas.paste(picture, (left, top))
    moved = np.zeros(mask.shape, np.uint8)
    moved[top:, left:] = mask[: mask.shape[0] - top, : mask.shape[1] - left]
    picture = canvas.convert("RGB")
    _draw_mark(picture, maps, left, top)
    labels = Image.fromarray(moved)
    labels.putpalette(voc_palette())
    return picture, labels


def _draw_mark(picture, maps, left, top):
    """The orientation mark that scanners burn in, and ticks every five millimetres of depth."""
    draw = ImageDraw.Draw(picture)
    width, height = picture.size
    if maps["mark"] == "tile":
        x, y, side = left + 2, top + 2, round(width / 31)
        draw.rectangle((x, y, x + side, y + side), fill=(35, 107, 158))
        inset = side // 4
        draw.ellipse((x + inset, y + inset, x + side - inset, y + side - inset), outline=(235, 240, 245), width=2)
    else:
        x = round((0.978 if maps["mirrored"] else 0.082) * width)
        y = top + 8
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill=(80, 163, 125))
    for tick in np.arange(0, height * maps["spacing"][0], 5) / maps["spacing"][0]:
        draw.line((width - 4, top + tick, width - 1, top + tick), fill=(110, 110, 110))


def voc_palette():
    """256 RGB triples as one flat list: bits of the index are spread over the colours from the top bit down.

    Examples
    --------
    >>> voc_palette()[:9]
    [0, 0, 0, 128, 0, 0, 0, 128, 0]
    """
    palette = []
    for index in range(256):
        for channel in range(3):
            palette.append(sum(((index >> (3 * bit + channel)) & 1) << (7 - bit) for bit in range(3)))
    return palette
