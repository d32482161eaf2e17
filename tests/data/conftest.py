"""A tiny set in the layout of the public femoral one, and a cache of its own for each test."""

import hashlib
import zipfile

import numpy as np
import pytest
from PIL import Image

from nervekit.data import files

PALETTE = [0, 0, 0, 128, 0, 0] + [0] * 762


def save_mask(path, values, palette=PALETTE):
    picture = Image.fromarray(values.astype(np.uint8))
    picture.putpalette(palette)
    picture.save(path)


def save_pair(folder, number, images="trainset/images", masks="trainset/masks", seed=None):
    random = np.random.default_rng(number if seed is None else seed)
    height, width = 40 + number, 60 + number
    coarse = Image.fromarray(random.integers(0, 255, (8, 12), np.uint8)).resize((width, height))
    (folder / images).mkdir(parents=True, exist_ok=True)
    (folder / masks).mkdir(parents=True, exist_ok=True)
    coarse.convert("RGB").save(folder / images / f"sample_{number}.jpg", quality=90)
    mask = np.zeros((height, width))
    mask[10:20, 15 : 25 + number] = 1
    save_mask(folder / masks / f"sample_{number}.png", mask)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NERVEKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("NERVEKIT_DATA", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def tiny(tmp_path):
    """Ten training and two test images, numbered 1 to 12; 2 and 11 are in the test folder."""
    folder = tmp_path / "tiny"
    for number in range(1, 13):
        parts = ("testset/images", "testset/masks_real") if number in (2, 11) else ()
        save_pair(folder, number, *parts)
    return folder


@pytest.fixture
def listed(tiny, monkeypatch):
    """The tiny set, with a manifest that makes it count as the public one."""
    paths = [path for path in tiny.rglob("*") if path.is_file()]
    entries = {
        path.relative_to(tiny).as_posix(): (
            path.stat().st_size,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in paths
    }
    monkeypatch.setattr(files, "read_manifest", lambda key: files.Manifest(key, entries))
    return tiny


@pytest.fixture
def pack(tmp_path):
    """A function that packs a folder into an archive, below one top folder, with extra members."""

    def make(folder, name="femoral.zip", extra=()):
        path = tmp_path / "archives" / name
        path.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            for item in folder.rglob("*"):
                if item.is_file():
                    archive.write(item, f"femoral-top/{item.relative_to(folder).as_posix()}")
            for member in extra:
                archive.writestr(member, b"harm")
        return path

    return make
