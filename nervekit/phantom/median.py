"""The median scene: a shallow honeycomb oval under the retinaculum, over bright tendons and the carpal bones.

Coordinates are millimetres, x across scan lines and z along depth; half of the subjects are mirrored. Levels
are decibels.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from nervekit.phantom import anatomy
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
from nervekit.phantom.tissue import Texture, septa

NATIVE = (468, 606)  # rows and columns of every picture
BIFID_EVERY = 20  # one subject in this many has a nerve in two parts
SIDES = ("DX", "SN", "SX", "")
SIDE_CHANCES = (0.5, 0.37, 0.06, 0.07)


@dataclass(frozen=True)
class Subject:
    """What the frames of one person share.

    ``nerve`` holds one or two ovals (x, z, half-length, half-height, tilt), ``tendons`` rows of x, z,
    half-axes and level, ``dark`` the same of hypoechoic lobules that are no nerve, ``bones`` x, z of the top,
    radius and half-width, ``artery`` x, z and radius; ``focus_marks`` are in pixels of the picture.
    """

    width: float
    depth: float
    mirrored: bool
    side: str
    focus_marks: tuple
    probe: Probe
    nerve: tuple
    tendons: list
    dark: list
    bones: list
    artery: tuple
    layers: dict
    levels: dict
    textures: dict


def is_bifid(number, seed=0):
    """Whether the nerve of this person lies in two parts.

    Examples
    --------
    >>> sum(is_bifid(number, seed=3) for number in range(100))
    5
    """
    return (number + 7 * seed) % BIFID_EVERY == 13


@lru_cache(maxsize=8)
def subject(number, seed=0):
    """The person ``number`` of the simulated study ``seed``: a wrist and a scanner's style."""
    rng = np.random.default_rng([seed, number, 11])
    draw = rng.uniform
    width = draw(31, 35)
    depth = width * NATIVE[0] / NATIVE[1]
    wrist = _wrist(rng, width, depth, is_bifid(number, seed))
    near = round(draw(58, 118))
    return Subject(
        width=width, depth=depth, mirrored=bool(draw() < 0.5), side=str(rng.choice(SIDES, p=SIDE_CHANCES)),
        focus_marks=(near, near + round(draw(105, 150))) if draw() < 0.7 else (near,),
        probe=Probe(
            # Hardly any time gain: the real pictures grow dark with depth.
            frequency=draw(10.5, 12.5), cycles=draw(1.4, 1.9), f_number=draw(2.4, 3.4), focus=draw(4, 9),
            depth_of_field=draw(6, 9), gain=-draw(11, 18), time_gain=draw(-0.12, 0.06), noise=-draw(48, 58),
            dynamic_range=draw(56, 64), curve=draw(1.1, 1.35), looks=2,
        ),
        **wrist,
        layers={"skin": draw(0.9, 1.5), "line": draw(0.28, 0.42), "shade": draw(2, 12), "uneven": draw(-5, 5),
                "beside": draw(4, 9), "floor": draw(1, 3)},
        levels={
            "tissue": np.array([draw(3, 6), draw(-4, 0), -draw(5, 8), -draw(14, 19), -draw(14, 18),
                                -draw(13, 18), -draw(26, 34), -20, -draw(2, 6)], np.float32),
            "honeycomb": draw(8, 13), "rim": draw(7, 12), "streak": draw(2.5, 4.5), "sheet": draw(0.3, 0.8),
            "fibril": draw(3, 6), "cortex": draw(26, 33),
        },
        textures={
            "streak": Texture.draw(rng, (draw(0.09, 0.14), draw(0.5, 1.1))),
            "sheet": Texture.draw(rng, (draw(0.22, 0.34), draw(1.5, 3))),
            "bright": Texture.draw(rng, (draw(0.4, 0.7), draw(1.2, 2.5))),
            "comb": Texture.draw(rng, (draw(0.15, 0.2), draw(0.24, 0.4))),
            "fibril": Texture.draw(rng, (0.1, draw(0.3, 0.55))),
            "blotch": Texture.draw(rng, (draw(0.7, 1.2), draw(1.2, 2.4))),
        },
    )


def _wrist(rng, width, depth, bifid):
    """Nerve, tendons, bones and artery, placed so that they fit each other."""
    draw = rng.uniform

    def either():
        return int(rng.choice([-1, 1]))

    def normal(centre, spread, least, most):
        return float(np.clip(centre * np.exp(spread * rng.standard_normal()), least, most))

    area = normal(0.0097, 0.33, 0.0064, 0.024) * width * depth
    tall = float(np.clip(np.sqrt(area / np.pi / normal(3.1, 0.24, 1.8, 4.8)), 0.6, 1.7))
    long = area / np.pi / tall
    x = width * float(np.clip(0.5 + 0.13 * rng.standard_normal(), 0.24, 0.76))
    z = normal(3.9, 0.16, tall + 2.4, 6.6 - tall)
    tilt = draw(-0.16, 0.16)
    nerve = ((x, z, long, tall, tilt),)
    if bifid:
        half, apart, high = long * draw(0.5, 0.62), draw(0.5, 1.0) / 2, 1.1 * tall
        nerve = ((x - half - apart, z, half, high, tilt),
                 (x + half + apart, z + draw(-0.2, 0.2), half, high, -tilt))
    tendons = []
    for row, below in enumerate((1.5, 4.0)):
        place = x - draw(6.5, 9)
        while place < x + 8:
            wide, centre = draw(1.3, 2.4), z + tall + below + draw(-0.25, 0.25)
            tendons.append((place + wide, centre, wide, draw(0.9, 1.4), draw(-8, 3) - 2 * row))
            place += 2 * wide + draw(0.1, 0.7)
    side, away = either(), long + 2.5
    beside = x - side * (long + draw(3, 6))
    tendons.append((beside, z + draw(-0.8, 0.6), draw(1.4, 2.3), draw(0.7, 1.1), draw(-3, 2)))
    if draw() < 0.6:
        above = z - tall - draw(1.0, 1.4)
        tendons.append((x + draw(-4, 4), above, draw(1.0, 1.8), draw(0.3, 0.45), draw(-1, 3)))
    dark = []
    for _ in range(rng.integers(2, 5)):
        centre = x + either() * (away + draw(0, 6))
        dark.append((centre, z + draw(-1.0, 2.5), draw(1.0, 3.2), draw(0.4, 1.0), -draw(5, 9)))
    low = z + tall + draw(6, 9)
    bones = [(x + draw(-3.5, 3.5), low, draw(4, 8), draw(2.5, 4.5)),
             (x + draw(5, 9) * either(), low + draw(0.4, 2), draw(6, 14), draw(2, 5))]
    for place in (draw(0.0, 0.1) * width, draw(0.91, 1.02) * width):
        if draw() < 0.7:
            bones.append((place, z + draw(0.5, 5), draw(3, 5), draw(1.5, 2.5)))
    artery = (x + side * (away + draw(2.5, 6)), z + draw(-0.4, 1.6), draw(0.6, 1.2))
    return {"nerve": nerve, "tendons": tendons, "dark": dark, "bones": bones, "artery": artery}


def frame(number=0, frame=0, *, seed=0, shape=(256, 256)):
    """Maps of one frame; see :func:`nervekit.phantom.scene`. ``parts`` counts the components of the mask."""
    check_whole("frame", frame)
    body = subject(number, seed)
    rng = np.random.default_rng([seed, number, 1 + frame, 11])

    def vary(scale):
        return scale * float(np.clip(rng.standard_normal(), -2, 2))

    spacing = (body.depth / shape[0], body.width / shape[1])
    shift, slice_angle, press = vary(0.8), vary(0.35), 1 + vary(0.025)
    x = (np.arange(shape[1], dtype=np.float32) + 0.5) * np.float32(spacing[1])
    deep = (np.arange(shape[0], dtype=np.float32) + 0.5)[:, None] * np.float32(spacing[0])
    if body.mirrored:
        x = np.float32(body.width) - x
    x = (x - body.width / 2) * (1 + vary(0.02)) + body.width / 2 + shift
    look, level = body.textures, body.levels
    blotch = look["blotch"].at(deep, x, slice_angle)
    middle, roof = body.nerve[0][0], min(part[1] - part[3] for part in body.nerve)
    bend = vary(0.012) * (x - middle) + vary(0.12) * np.sin(x / 4 + vary(3))
    z = deep * press + np.clip(deep - 0.5, 0, 2) * bend / 2
    warped_x, warped_z = x + 0.12 * blotch, z + 0.06 * np.roll(blotch, 60, 1)
    retinaculum = roof - 0.35 + 0.006 * (x - middle) ** 2 + 0.1 * np.sin(x / 2.3)
    floor = np.minimum.reduce([anatomy.arc(np.abs(x - bone[0]), *bone[1:3]) for bone in body.bones[:2]])
    under = z - retinaculum
    kind = np.where(under < 0, tissue("fat"), tissue("connective")).astype(np.uint8)
    kind[(under > 0) & (z > floor)] = tissue("deep")
    kind[deep < body.layers["skin"] + 0.1 * blotch] = tissue("skin")

    bright, streak = look["bright"].at(z, x, slice_angle), look["streak"].at(z, x, slice_angle)
    sheet = look["sheet"].at(z + 0.1 * bright, x, slice_angle)
    echo = 1.6 * blotch + 1.5 * bright + level["streak"] * streak
    strength, edge = np.zeros(shape, np.float32), np.full(shape, 9, np.float32)
    fibril = look["fibril"].at(z, x, slice_angle)
    for centre, height, wide, high, louder in body.tendons:
        far_off = oval(warped_x, warped_z, centre, height, wide, high)
        inside = (far_off < 1) & (kind != tissue("skin"))
        kind[inside] = tissue("tendon")
        strength[inside] = louder + vary(2.5)
        np.minimum(edge, np.abs(far_off - 1) * high, out=edge)
    for centre, height, wide, high, louder in body.dark:
        far_off = oval(warped_x + 0.2 * streak, warped_z, centre, height, wide, high)
        strength += (louder + vary(1)) * np.clip((1.15 - far_off) * 4, 0, 1)
    tendon = kind == tissue("tendon")
    echo += strength + tendon * (level["fibril"] * fibril)
    beside = np.clip((np.abs(x - middle) - 8.5 + 1.2 * blotch) / 4, 0, 1) * np.clip((under + 0.3) / 1.5, 0, 1)
    echo -= body.layers["beside"] * beside
    echo -= 7 * line(edge, 0.16) * (kind != tissue("fat"))

    from_nerve = np.minimum.reduce([oval(warped_x, warped_z, *part) for part in body.nerve])
    near = np.clip((from_nerve - 1) * 3, 0, 1)
    echo *= near + (1 - near) * np.float32(0.5)
    mask = largest_parts(from_nerve < 1, len(body.nerve))
    kind[mask] = tissue("nerve")
    comb = septa(look["comb"].at(z, x, slice_angle), 0.3)
    echo[mask] = (level["honeycomb"] * (comb - 0.2) + 1.5 * blotch + 2 * streak)[mask]
    rim = line((from_nerve - 1.08) * body.nerve[0][3], 0.12)
    echo += level["rim"] * rim * np.clip(0.7 + 0.5 * bright, 0, 1.3)

    centre, height, radius = body.artery
    radius *= 1 + vary(0.08)
    from_artery = oval(warped_x, warped_z, centre, height, radius, radius * 0.9)
    kind[from_artery < 1] = tissue("blood")
    echo[from_artery < 1] = 2 * streak[from_artery < 1]
    echo += 6 * line((from_artery - 1.1) * radius, 0.12)
    echo += level["tissue"][kind]
    cortex, shadow = bone_surfaces(x + 0.3 * streak[:1], warped_z, body.bones, 0.13)
    kind[shadow > 0.5] = tissue("bone")
    echo += level["cortex"] * cortex * np.clip(0.7 + 0.3 * bright, 0, 1) - 14 * shadow
    echo -= body.layers["floor"] * np.clip(z - floor + blotch, 0, 9) + body.layers["uneven"] * x / body.width
    echo -= body.layers["shade"] * (2 * (x - body.width / 2) / body.width) ** 4

    reflector = level["sheet"] * septa(sheet, 0.15) * (under < 0) * np.clip(0.4 + 0.7 * bright, 0, 1.5)
    reflector += level["sheet"] * line(under, 0.1) * np.clip(0.5 + 0.6 * bright, 0, 1.4)
    reflector += 4 * line(deep - body.layers["line"], 0.1)
    return {
        "echogenicity": echo.astype(np.float32),
        "density": DENSITY[kind],
        "reflector": (reflector * np.sqrt(spacing[0] * spacing[1]) / 0.1).astype(np.float32),
        "attenuation": ATTENUATION[kind] * (kind != tissue("bone")) + shadow,
        "tissue": kind,
        "mask": mask,
        "parts": len(body.nerve),
        "spacing": spacing,
        "probe": body.probe,
        "mirrored": body.mirrored,
        "mark": body.side,
        "speckle": {"subject": [seed, number, 11, 0], "frame": [seed, number, 1 + frame, 12], "share": 0.4,
                    "shift": (0, round((shift if body.mirrored else -shift) / spacing[1]))},
    }
