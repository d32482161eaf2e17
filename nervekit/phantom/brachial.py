"""The brachial scene: dark round roots in the groove between the scalene muscles, or a frame without them.

Coordinates are millimetres, x across scan lines and z along depth; half of the subjects are mirrored. Levels
are decibels. Three frames in five have an empty mask: mostly the probe looks beside the plexus, sometimes the
roots are in view and nobody marked them, though a twin of the frame is marked.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from nervekit.phantom.acoustics import Probe
from nervekit.phantom.anatomy import (
    ATTENUATION,
    DENSITY,
    bone_surfaces,
    check_whole,
    largest_parts,
    line,
    oval,
    tissue,
)
from nervekit.phantom.tissue import Texture, septa, specks

NATIVE = (420, 580)  # rows and columns of every picture
MARKED = 2323 / 5635  # share of the public training images with a nerve
MISSED = 0.06  # share with the nerve in view and no mask
GOLDEN = 0.6180339887


@dataclass(frozen=True)
class Subject:
    """What the frames of one person share.

    ``roots`` are rows of x, z and radius along the groove, ``groove`` its middle x, z and direction (radians
    from straight down), ``vessels`` rows of x, z, half-axes, ``spots`` the same of lobules that are no nerve,
    one list a station of the probe (0 over the plexus, 1 and 2 beside it), ``stations`` how far it is moved.
    """

    width: float
    depth: float
    mirrored: bool
    offset: float
    probe: Probe
    roots: list
    groove: tuple
    vessels: list
    spots: list
    stations: tuple
    bones: list
    layers: dict
    levels: dict
    textures: dict


@lru_cache(maxsize=8)
def subject(number, seed=0):
    """The person ``number`` of the simulated study ``seed``: a neck and a scanner's style."""
    rng = np.random.default_rng([seed, number, 21])
    draw = rng.uniform
    width = draw(36, 42)
    return Subject(
        width=width, depth=width * NATIVE[0] / NATIVE[1], mirrored=bool(draw() < 0.5), offset=draw(),
        probe=Probe(
            frequency=draw(7.5, 10), cycles=draw(1.3, 1.9), f_number=draw(2.2, 3.2), focus=draw(9, 15),
            depth_of_field=draw(9, 14), gain=-draw(14, 23), time_gain=draw(0.4, 0.58), noise=-draw(44, 54),
            dynamic_range=draw(56, 66), curve=draw(1.1, 1.5), looks=2,
        ),
        **_neck(rng, width),
        levels={
            "tissue": np.array([-draw(0, 4), -draw(5, 9), -draw(4, 8), -draw(16, 22), -draw(13, 18),
                                -draw(10, 16), -draw(28, 36), -20, -draw(2, 6)], np.float32),
            "speck": draw(8, 15), "streak": draw(3, 5), "septa": draw(6, 11), "fascia": draw(0.3, 0.75),
            "groove": draw(2, 8),
            "rim": draw(1.5, 6), "sheath": draw(0, 4), "inside": draw(2, 5), "around": draw(0, 5),
            "scalene": draw(-3, 3),
        },
        textures={
            "streak": Texture.draw(rng, (draw(0.12, 0.18), draw(0.9, 2.2))),
            "fibre": Texture.draw(rng, (draw(0.14, 0.2), draw(0.7, 1.8))),
            "bright": Texture.draw(rng, (draw(0.6, 1.1), draw(1.6, 3.5))),
            "fat": Texture.draw(rng, (draw(0.25, 0.4), draw(1.5, 3.5))),
            "blotch": Texture.draw(rng, (draw(1.0, 1.8), draw(1.5, 3))),
        },
    )


def _neck(rng, width):
    """Groove, roots, muscles, vessels and bones, placed so that they fit each other."""
    draw = rng.uniform
    x = width * float(np.clip(0.5 + 0.12 * rng.standard_normal(), 0.27, 0.73))
    z = float(np.clip(13.5 + 2.2 * rng.standard_normal(), 9.5, 18))
    lean = draw(-0.9, 0.5)
    count = int(rng.choice([2, 3, 4], p=[0.25, 0.55, 0.2]))
    radii = [draw(1.05, 1.65) * (1.2 if count == 2 else 1) for _ in range(count)]
    steps = [one + other + draw(0.1, 0.5) for one, other in pairwise(radii)]
    along = np.cumsum([0, *steps])
    along -= along.mean()
    across, down = (x + np.sin(lean) * along).tolist(), (z + np.cos(lean) * along).tolist()
    roots = list(zip(across, down, radii, strict=True))
    top = min(height - radius for _, height, radius in roots)
    cover = max(top - draw(0.6, 1.6), 4.5)
    medial, wide = x - draw(9, 14), draw(2.2, 3.4)
    artery = (medial, z + draw(-4, 1), wide, wide * draw(0.85, 1))
    vein = (medial + draw(2, 4), cover - draw(0.4, 1.2), draw(2, 4), draw(0.6, 1.4))
    vessels = [artery, vein][: int(rng.choice([0, 1, 2], p=[0.25, 0.2, 0.55]))]

    def beside():
        return x + int(rng.choice([-1, 1])) * draw(4.5, 14)

    def spot():
        return (beside(), z + draw(-6, 8), draw(0.8, 2.4), draw(0.6, 1.5))

    spots = [[spot() for _ in range(rng.integers(2, 5))] for _ in range(3)]
    bones = [(beside(), z + draw(7, 12), draw(3, 6), draw(2, 3.5)) for _ in range(rng.integers(0, 3))]
    layers = {
        "skin": draw(0.8, 1.4), "fat": draw(0.35, 0.6) * cover, "cover": cover, "slope": draw(-0.12, 0.12),
        "bow": draw(0.004, 0.014), "tilt": draw(-0.35, 0.35), "floor": z + draw(6, 10), "gap": draw(0.3, 0.6),
        "shade": draw(2, 9),
    }
    return {
        "roots": roots, "groove": (x, z, lean), "vessels": vessels, "spots": spots, "bones": bones,
        "stations": (0.0, draw(2.5, 6), -draw(2.5, 6)), "layers": layers,
    }


def view(number, frame, seed=0):
    """Where the probe is in a frame (station, 0 over the plexus), whether the nerve is marked, and its twin.

    The twin is the marked frame that an unmarked frame over the plexus repeats, else the frame itself.

    Examples
    --------
    >>> [view(0, frame)[1] for frame in range(100)].count(True)
    41
    """
    def place(one):
        return (subject(number, seed).offset + one * GOLDEN) % 1

    if place(frame) < MARKED:
        return 0, True, frame
    if place(frame) < MARKED + MISSED:
        return 0, False, next(one for one in range(20) if place(one) < MARKED)
    return 1 + int(place(frame) < (1 + MARKED + MISSED) / 2), False, frame


def frame(number=0, frame=0, *, seed=0, shape=(256, 256)):
    """Maps of one frame; see :func:`nervekit.phantom.scene`.

    ``mask`` is empty where nobody marked the nerve; ``in_view`` says whether the roots are in the picture.
    """
    check_whole("frame", frame)
    body = subject(number, seed)
    station, marked, twin = view(number, frame, seed)
    rng = np.random.default_rng([seed, number, 1 + twin, 21])

    def vary(scale):
        return scale * float(np.clip(rng.standard_normal(), -2, 2))

    spacing = (body.depth / shape[0], body.width / shape[1])
    shift, slice_angle = vary(0.4) + body.stations[station], vary(0.25) + 1.2 * station
    x = (np.arange(shape[1], dtype=np.float32) + 0.5) * np.float32(spacing[1])
    deep = (np.arange(shape[0], dtype=np.float32) + 0.5)[:, None] * np.float32(spacing[0])
    if body.mirrored:
        x = np.float32(body.width) - x
    x = (x - body.width / 2) * (1 + vary(0.015)) + body.width / 2 + shift
    look, level, layers = body.textures, body.levels, body.layers
    blotch = look["blotch"].at(deep, x, slice_angle)
    off, lean = x - body.groove[0], body.groove[2]
    z = deep * (1 + vary(0.02)) + vary(0.01) * off + vary(0.15) * np.sin(x / 6 + vary(3))
    bright = look["bright"].at(z, x, slice_angle)
    warped_x = x + 0.25 * blotch + 0.16 * bright
    warped_z = z + 0.15 * np.roll(blotch, 80, 1) + 0.1 * np.roll(bright, 50, 1)

    fat_line = layers["fat"] + 0.3 * np.sin(x / 4 + 2 * layers["gap"]) - 0.2 * layers["slope"] * off
    cover_line = layers["cover"] + layers["slope"] * off - layers["bow"] * off**2
    cover_line = np.maximum(cover_line, fat_line + 0.4)
    to_groove = float(np.cos(lean)) * off - float(np.sin(lean)) * (warped_z - body.groove[1])
    under = warped_z - cover_line
    kind = np.full(shape, tissue("muscle"), np.uint8)
    kind[z < fat_line] = tissue("fat")
    kind[deep < layers["skin"] + 0.1 * blotch] = tissue("skin")
    kind[warped_z > layers["floor"] + 1.2 * blotch] = tissue("deep")
    muscle = kind == tissue("muscle")

    streak = look["streak"].at(z, x, slice_angle)
    fibre = look["fibre"].at(z - layers["tilt"] * np.sign(to_groove) * off * (under > 0), x, slice_angle)
    fat = look["fat"].at(z + 0.1 * bright, x, slice_angle)
    echo = 1.5 * blotch + 1.5 * bright + level["streak"] * streak
    echo += muscle * (level["speck"] * specks(fibre, 1.2) * np.clip(0.6 + 0.6 * bright, 0, 1.4))
    echo += np.float32(level["scalene"]) * (muscle & (under > 0) & (to_groove > 0))
    echo += level["septa"] * septa(fat, 0.25) * (kind == tissue("fat"))
    echo += (kind == tissue("deep")) * (3 * blotch + 2 * fat)
    for spot in body.spots[station]:
        echo -= 8 * np.clip((1.2 - oval(warped_x, warped_z, *spot)) * 3, 0, 1)
    uneven = np.clip(0.6 + 0.8 * bright, 0, 1.6)
    nerve = np.zeros(shape, bool)
    fascia = line(z - fat_line, 0.13) + line(under, 0.13)
    below = np.clip(under, 0, 1) * np.clip((layers["floor"] + 2 - warped_z) / 2, 0, 1)
    groove = below * line(to_groove + 0.3 * blotch, 0.35)
    if station == 0:
        sheath = _envelope(warped_x, warped_z, body.roots)
        nerve = largest_parts((sheath < layers["gap"]) & (kind != tissue("fat")))
        inside = np.clip((layers["gap"] + 0.4 - sheath) / 0.5, 0, 1)
        fascia *= 1 - inside
        groove *= 1 - inside
        echo *= 1 - 0.5 * inside
        kind[nerve] = tissue("connective")
        echo += level["around"] * line(sheath - layers["gap"], 0.7)
        echo += level["sheath"] * line(sheath - layers["gap"], 0.2) * uneven
        for root_x, root_z, radius in body.roots:
            from_root = oval(warped_x, warped_z, root_x, root_z, radius, radius * 0.92)
            root = from_root < 1
            kind[root] = tissue("nerve")
            echo[root] = (0.6 * level["inside"] * (streak + bright) + 2 * blotch)[root]
            echo += level["rim"] * line((from_root - 1.1) * radius, 0.15) * uneven
    for vessel_x, vessel_z, wide, high in body.vessels:
        wide, high = wide * (1 + vary(0.05)), high * (1 + vary(0.08))
        distance = oval(warped_x, warped_z, vessel_x, vessel_z, wide, high)
        blood = (distance < 1) & ~nerve
        kind[blood] = tissue("blood")
        echo[blood] = 2 * streak[blood]
        echo += 7 * line((distance - 1.06) * high, 0.2) * ~nerve
    echo += level["tissue"][kind] + level["groove"] * groove * uneven

    cortex, shadow = bone_surfaces(warped_x, warped_z, body.bones, 0.2)
    kind[shadow > 0.5] = tissue("bone")
    echo += 26 * cortex * np.clip(0.8 + 0.3 * bright, 0, 1.1) - 10 * shadow
    echo -= layers["shade"] * (2 * (x - shift - body.width / 2) / body.width) ** 4
    echo += 7 * fascia * np.clip(0.4 + 0.8 * streak, 0, 1.5)

    reflector = level["fascia"] * fascia * np.clip(0.3 + 0.7 * bright, 0, 1.4) + 3 * line(deep - 0.3, 0.15)
    return {
        "echogenicity": echo.astype(np.float32),
        "density": DENSITY[kind],
        "reflector": (reflector * np.sqrt(spacing[0] * spacing[1]) / 0.1).astype(np.float32),
        "attenuation": ATTENUATION[kind] * (kind != tissue("bone")) + shadow,
        "tissue": kind,
        "mask": nerve if marked else np.zeros(shape, bool),
        "in_view": station == 0,
        "spacing": spacing,
        "probe": body.probe,
        "mirrored": body.mirrored,
        "mark": "",
        "speckle": {"subject": [seed, number, 21, station], "frame": [seed, number, 1 + frame, 22],
                    "share": 0.6 if twin == frame else 0.95, "shift": (0, round((shift if body.mirrored else -shift) / spacing[1]))},
    }


def _envelope(x, z, roots):
    """Millimetres outside the hose around the roots, which runs from each to the next."""
    nearest = np.float32(np.inf)
    for (x0, z0, r0), (x1, z1, r1) in pairwise(roots):
        length = (x1 - x0) ** 2 + (z1 - z0) ** 2
        along = np.clip(((x - x0) * (x1 - x0) + (z - z0) * (z1 - z0)) / length, 0, 1)
        far = np.hypot(x - x0 - along * (x1 - x0), z - z0 - along * (z1 - z0)) - (r0 + along * (r1 - r0))
        nearest = np.minimum(nearest, far)
    return nearest
