"""The CT scene: slices of an upper abdomen in Hounsfield units, with liver, tumours and bones as masks.

Lengths are millimetres from the middle of the slice: x to the right of the picture (the patient's left), y to
the back. ``level`` runs from 0 (lowest slice, kidneys) to 1 (highest, heart and lungs).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from nervekit.errors import ConfigurationError, is_whole
from nervekit.phantom import abdomen
from nervekit.phantom.canvas import Canvas, blend, rounded, section
from nervekit.phantom.tissue import smooth_noise

NATIVE = (512, 512)
TILE = 256  # samples a side of the noise tiles


@dataclass(frozen=True)
class Subject:
    """One patient: what all slices share.

    ``slices`` are ``thickness`` apart; pixels have ``pixel`` a side. ``body`` holds half-axes, thickness of
    fat and of the wall; ``units`` Hounsfield units by organ; ``noise`` their standard deviation. Ellipsoids are
    x, y, level, half-axes and half-height (in levels): ``lobes`` and ``tumours``; those of ``loops`` have their
    content too, those of ``vessels`` how far they lean over a level.
    """

    slices: int
    thickness: float
    pixel: float
    intercept: int
    body: tuple
    units: dict
    noise: float
    lobes: list
    tumours: list
    loops: list
    vessels: list
    spine: dict
    ribs: dict
    warp: np.ndarray
    grain: np.ndarray


@lru_cache(maxsize=4)
def subject(number, seed=0):
    """The patient ``number`` of the simulated study ``seed``."""
    rng = np.random.default_rng([seed, number, 31])
    draw = rng.uniform
    thickness = float(rng.choice([3.0, 3.5, 4.0]))
    slices = int(np.clip(round(draw(88, 112) / thickness), 24, 40))
    wide, tall = draw(145, 172), draw(104, 128)
    fat, wall = draw(9, 22), draw(9, 13)
    a, b = wide - fat - wall, tall - fat - wall
    lobes = [
        (-draw(0.36, 0.44) * a, draw(-0.12, 0.02) * b, draw(0.5, 0.58), draw(0.5, 0.58) * a,
         draw(0.72, 0.85) * b, draw(0.46, 0.54)),
        (draw(-0.12, 0.02) * a, -draw(0.4, 0.5) * b, draw(0.58, 0.66), draw(0.36, 0.5) * a,
         draw(0.3, 0.42) * b, draw(0.22, 0.3)),
    ]
    x, y, z, long, broad, _ = lobes[0]
    tumours, vessels, loops = [], [], []
    for _ in range(0 if (number + seed) % 4 == 3 else rng.integers(1, 3)):
        size, angle, off = draw(8, 20), draw(0, 2 * np.pi), draw(0.1, 0.5)
        tumours.append((x + off * long * float(np.cos(angle)), y + off * broad * float(np.sin(angle)),
                        z + draw(-0.25, 0.25), size, size * draw(0.75, 1.2), size / (slices * thickness)))
    for _ in range(18):
        vessels.append((x + draw(-0.6, 0.75) * long, y + draw(-0.6, 0.6) * broad, draw(0.15, 0.95),
                        draw(2, 5), draw(2, 4), draw(0.1, 0.25), draw(-90, 90), draw(-60, 60)))
    for _ in range(30):
        content = float(rng.choice([-900, 35, 70, 95, 115], p=[0.2, 0.2, 0.2, 0.25, 0.15]))
        loops.append((draw(-0.75, 0.88) * a, draw(-0.8, 0.3) * b, draw(-0.2, 0.5), draw(9, 22),
                      draw(8, 16), draw(0.12, 0.3), content))
    return Subject(
        slices=slices, thickness=thickness, pixel=round((wide + draw(12, 25)) * 2 / NATIVE[1], 3),
        intercept=-1024 * (number % 2), body=(wide, tall, fat, wall), noise=draw(19, 27),
        units={
            "liver": draw(88, 118), "tumour": draw(40, 65), "spleen": draw(98, 128), "kidney": draw(150, 185),
            "medulla": draw(105, 150), "aorta": draw(140, 190), "vein": draw(135, 165), "muscle": draw(48, 64),
            "heart": draw(110, 150), "stomach": draw(15, 50), "pancreas": draw(75, 105),
            "marrow": draw(162, 215), "cortex": draw(420, 620),
        },
        lobes=lobes, tumours=tumours, loops=loops, vessels=vessels,
        spine={"y": draw(0.52, 0.6) * b, "wide": draw(19, 24), "tall": draw(15, 18), "phase": draw()},
        ribs={"count": int(rng.integers(6, 8)), "phase": draw(), "slope": draw(0.5, 0.9)},
        warp=np.stack([smooth_noise(rng, (TILE, TILE), (14, 14)) for _ in range(4)]),
        grain=smooth_noise(rng, (TILE, TILE), (0.6, 0.6)),
    )


def frame(number=0, frame=0, *, seed=0, shape=NATIVE):
    """Maps of one slice, before any noise.

    Parameters
    ----------
    number, frame, seed : int
        Patient, slice from the lowest, and study.
    shape : (rows, columns)
        Pixels, as many rows as columns; the field of view stays the same.

    Returns
    -------
    dict
        ``hounsfield`` (float32), ``organs`` (bool masks, named as the folders of the public set), ``mask``
        (liver), each of ``shape``; ``spacing`` (mm), ``thickness`` (mm between slices), ``noise`` (standard
        deviation), ``subject`` and ``grain`` (seeds of the noise).

    Raises
    ------
    ConfigurationError
        The patient has no such slice, or the shape is not square.

    Examples
    --------
    >>> maps = frame(0, 12, shape=(128, 128))
    >>> maps["hounsfield"].shape, sorted(maps["organs"])[:2], scan(maps).dtype
    ((128, 128), ['bone', 'liver'], dtype('int16'))
    """
    body = subject(number, seed)
    if not is_whole(frame) or frame >= body.slices:
        last = body.slices - 1
        raise ConfigurationError(f"frame={frame}: simulated patient {number} has the slices 0 to {last}; choose one of these.")
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ConfigurationError(f"shape={shape}: the field of view is square; expected as many rows as columns.")
    level = frame / (body.slices - 1)
    canvas = Canvas(shape, body.pixel * NATIVE[1] / shape[1])
    wide, tall, fat, wall = body.body
    a, b = wide - fat - wall, tall - fat - wall
    warp_x, warp_y = (blend(body.warp[pair : pair + 2], level, shape) for pair in (0, 2))
    x, y = canvas.x + 4 * warp_x, canvas.y + 4 * warp_y
    units = body.units
    skin = rounded(canvas.x + warp_x, canvas.y + warp_y, wide, tall)
    inner = rounded(x * 0.5 + canvas.x * 0.5, y * 0.5 + canvas.y * 0.5, a, b)
    table = np.abs(canvas.y - np.float32(tall + 5) + np.float32(0.0012) * canvas.x**2) - 0.8
    canvas.paint(60, canvas.cover(np.maximum(table, np.abs(canvas.x) - 0.7 * wide)))
    canvas.paint(20, canvas.cover(skin))
    canvas.paint(abdomen.FAT, canvas.cover(skin + 2))
    canvas.paint(units["muscle"], canvas.cover(inner - wall))
    canvas.paint(abdomen.FAT, canvas.cover(inner))
    cavity = canvas.cover(inner)
    abdomen.back_muscles(canvas, body, canvas.cover(skin + 0.6 * fat))
    abdomen.soft_organs(canvas, body, level, a, b, cavity)

    dome = 0.58 + 0.46 * np.exp(-((canvas.x + 0.35 * a) ** 2 + (canvas.y + 0.1 * b) ** 2) / (0.5 * a) ** 2)
    dome = np.maximum(dome, 0.56 + 0.3 * np.exp(-((canvas.x - 0.45 * a) ** 2 + canvas.y**2) / (0.5 * a) ** 2))
    lung = cavity * np.clip((level - dome) * 40, 0, 1)
    canvas.paint(-860 + 25 * warp_x, lung)
    if level > 0.72:
        grown = min((level - 0.72) / 0.15, 1) ** 0.5
        canvas.ellipse(0.14 * a, -0.32 * b, 0.42 * a * grown, 0.5 * b * grown, units["heart"], 0.5, cavity)
    abdomen.great_vessels(canvas, body, level, a)
    liver = abdomen.liver(canvas, body, level, x, y, inner, a)
    share = canvas.cover(liver)
    canvas.paint(units["liver"], share)
    for place_x, place_y, centre, one, other, high, lean_x, lean_y in body.vessels:
        if abs(level - centre) < high:
            off = level - centre
            place = place_x + lean_x * off, place_y + lean_y * off
            lying = float(np.arctan2(lean_y, lean_x))
            canvas.ellipse(*place, max(one, other), min(one, other), units["vein"], lying, share)
    organs = {"liver": share > 0.5}
    for index, tumour in enumerate(body.tumours):
        mask = np.zeros(shape, bool)
        cut = section(tumour, level)
        if cut:
            window, inside = canvas.ellipse(*cut, units["tumour"], 0.4, share)
            mask[window] = inside > 0.5
        organs[f"livertumor{index + 1}"] = mask & organs["liver"]
    organs["bone"] = abdomen.bones(canvas, body, level)
    organs = {name: mask & ~organs["bone"] if name != "bone" else mask for name, mask in organs.items()}  # bone lies on top
    return {
        "hounsfield": canvas.units, "organs": organs, "mask": organs["liver"], "spacing": (canvas.pixel,) * 2,
        "thickness": body.thickness, "noise": body.noise, "subject": (number, seed),
        "grain": [seed, number, 1 + frame, 32],
    }


def scan(maps):
    """The slice as the scanner measures it: with its noise, in whole Hounsfield units (int16)."""
    body = subject(*maps["subject"])
    rng = np.random.default_rng(maps["grain"])
    shape = maps["hounsfield"].shape
    grain = np.zeros(shape, np.float32)
    for _ in range(2):
        moved = np.roll(body.grain, rng.integers(0, TILE, 2), axis=(0, 1))
        grain += np.tile(moved, (-(-shape[0] // TILE), -(-shape[1] // TILE)))[: shape[0], : shape[1]]
    noisy = maps["hounsfield"] + maps["noise"] / np.sqrt(2) * grain
    return np.clip(np.rint(noisy), -1024, 1500).astype(np.int16)
