"""The femoral scene: skin, fat, fascia, artery and vein, muscle, and the wedge between them that is the mask.

Coordinates are millimetres, x across scan lines and z along depth; the artery lies on the right until the picture
is mirrored. Levels are decibels.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import ndimage

from nervekit.phantom.acoustics import Probe
from nervekit.phantom.anatomy import ATTENUATION, DENSITY, check_whole, largest_parts, line, tissue
from nervekit.phantom.tissue import Texture, septa, specks

NATIVE = (  # chance, columns and rows of a hand-cropped picture
    (0.74, (500, 520), (222, 375)),
    (0.20, (790, 809), (300, 470)),
    (0.06, (438, 500), (230, 330)),
)


@dataclass(frozen=True)
class Subject:
    """What the frames of one person share.

    ``native_size`` is in pixels; ``artery`` is x, z, radius and flattening; ``vein`` half-axes and how much deeper it
    lies; ``wedge`` length, thickness, sharpness of its tip, bluntness of its base and gap to the artery;
    ``fascia`` the x and z of knots; ``bone`` x, z and radius; ``layers`` millimetres; ``levels`` decibels.
    """

    native_size: tuple
    width: float
    depth: float
    mirrored: bool
    mark: str
    probe: Probe
    artery: tuple
    vein: tuple | None
    wedge: tuple
    fascia: tuple
    bone: tuple | None
    layers: dict
    levels: dict
    textures: dict


@lru_cache(maxsize=8)
def subject(number, seed=0):
    """The person ``number`` of the simulated study ``seed``: a body and a scanner's style."""
    rng = np.random.default_rng([seed, number])
    draw = rng.uniform
    _, across, down = NATIVE[rng.choice(3, p=[chance for chance, _, _ in NATIVE])]
    columns, rows = round(draw(*across)), round(draw(*down))
    width = draw(36, 40)
    depth = width * rows / columns
    body = _vessels_and_wedge(draw, width, depth)
    radius = body["artery"][2]
    return Subject(
        native_size=(rows, columns), width=width, depth=depth, mirrored=bool(draw() < 0.5),
        mark=str(rng.choice(["dot", "tile"], p=[0.8, 0.2] if columns < 700 else [0.2, 0.8])),
        probe=Probe(
            frequency=draw(8.5, 12), cycles=draw(1.2, 1.9), f_number=draw(2.0, 3.8), focus=draw(0.15, 0.4) * depth,
            depth_of_field=draw(7, 12), gain=-draw(23, 35), time_gain=draw(0.32, 0.55), noise=-draw(40, 52),
            dynamic_range=draw(58, 68), curve=draw(1.4, 1.8), looks=int(rng.choice([2, 3, 4], p=[0.4, 0.4, 0.2])),
        ),
        **body,
        vein=(draw(0.7, 1.4) * radius, draw(0.25, 0.75) * radius, draw(0.1, 0.8) * radius) if draw() < 0.75 else None,
        bone=(draw(0.05, 0.9) * width, draw(0.86, 1.05) * depth, draw(9, 16)) if draw() < 0.35 else None,
        layers={"skin": draw(0.7, 1.5), "lata": draw(0.35, 0.75), "ripple": draw(0.1, 0.5), "wave": draw(0.05, 0.4), "pleats": draw(1.1, 1.9), "muscle": draw(4.5, 14),
                "tilt": draw(-0.3, 0.1), "shade": draw(0, 4)},
        levels={
            "tissue": np.array([-draw(2, 9), -draw(11, 19), -draw(9, 13), draw(-1.5, 1.5), -draw(15, 21),
                                -draw(7, 17), -draw(26, 38), -20], np.float32),
            "septa": draw(11, 20), "streak": draw(4, 7), "speck": draw(10, 20), "haze": draw(6, 18),
            "lata": draw(0.2, 1.0), "iliaca": draw(0.3, 1.0), "wall": draw(0.3, 1.5), "sheet": draw(0.4, 1.2), "thread": draw(0.2, 0.7),
        },
        textures={
            "fat": Texture.draw(rng, (draw(0.16, 0.34), draw(2, 5.5))),
            "streak": Texture.draw(rng, (draw(0.1, 0.17), draw(1.3, 4))),
            "bright": Texture.draw(rng, (draw(0.5, 1.0), draw(2, 5))),
            "fibre": Texture.draw(rng, (draw(0.1, 0.14), draw(0.5, 1.5))),
            "fascicle": Texture.draw(rng, (0.16, draw(0.7, 1.4))),
            "blotch": Texture.draw(rng, (1.4, 2.6)),
        },
    )


def _vessels_and_wedge(draw, width, depth):
    """Artery, wedge and fascia, placed so that they fit each other."""
    radius = min(draw(2.7, 3.9), 0.24 * depth)
    artery_x, artery_z = draw(0.58, 0.93) * width, max(draw(0.36, 0.6) * depth, radius + 4.2)
    area = np.clip(0.027 * np.exp(0.4 * (draw(-1, 1) + draw(-1, 1))), 0.013, 0.05) * width * depth
    length = float(np.clip(np.sqrt(area / (0.58 * draw(0.36, 0.6))), 5, 15))
    thickness = min(area / (0.58 * length), 0.3 * depth)
    gap = draw(0.7, 1.6)
    base_x, base_z = artery_x - radius - gap, artery_z - draw(0.1, 0.9) * radius
    tip_x, tip_z = base_x - length, max(base_z - length * draw(0.08, 0.4), 3.6)
    crest_x, crest_z = tip_x - draw(5, 11), max(tip_z - draw(0, 1.8), 3.2)
    top = max(artery_z - radius - draw(0.4, 1.2), 2.8)
    knots = [(-25, crest_z + draw(0, 3)), (crest_x, crest_z), (tip_x, tip_z), (base_x, base_z),
             (artery_x - 0.3 * radius, top), (artery_x + 0.8 * radius, top),
             (artery_x + 3 * radius, top + draw(0, 2)), (80, top + 2)]
    return {
        "artery": (artery_x, artery_z, radius, draw(0.9, 1.1)),
        "wedge": (length, thickness, draw(0.7, 1.0), draw(4, 8), gap),
        "fascia": tuple(np.array(knots).T),
    }


def frame(number=0, frame=0, *, seed=0, shape=(256, 256)):
    """Maps of one frame; see :func:`nervekit.phantom.scene`."""
    check_whole("frame", frame)
    body = subject(number, seed)
    rng = np.random.default_rng([seed, number, 1 + frame])

    def vary(scale):
        return scale * float(np.clip(rng.standard_normal(), -2, 2))

    spacing = (body.depth / shape[0], body.width / shape[1])
    shift, slice_angle = vary(0.9), vary(0.35)
    x = (np.arange(shape[1], dtype=np.float32) + 0.5) * spacing[1]
    z = (np.arange(shape[0], dtype=np.float32) + 0.5)[:, None] * spacing[0]
    if body.mirrored:
        x = body.width - x
    x = (x - body.width / 2) * (1 + vary(0.02)) + body.width / 2 + shift
    bend = vary(0.02) * (x - body.width / 2) + vary(0.25) * np.sin(x / 5 + vary(3))
    z = z * (1 + vary(0.03)) + bend

    artery_x, artery_z, radius, flat = body.artery
    radius *= 1 + vary(0.04)
    length, thickness, sharp, blunt, gap = body.wedge
    thickness *= 1 + vary(0.07)
    base = artery_x - radius - gap
    grid = np.arange(-10, body.width + 10, 0.1)
    iliaca_line = ndimage.gaussian_filter1d(np.interp(grid, *body.fascia), 11)
    along = np.clip((grid - base + length) / length, 0, 1)
    profile = along**sharp * np.sqrt(1 - along**blunt)
    profile *= thickness / profile.max() * (1 + 0.08 * np.sin(grid * 1.1 + body.layers["ripple"] * 20 + vary(0.3)))
    muscle_line = iliaca_line + np.maximum.accumulate(profile) + 0.7 * np.maximum(grid - base, 0)
    muscle_line = np.minimum(muscle_line, artery_z + radius * flat + 1.6 + 0.1 * np.abs(grid - artery_x))
    iliaca, profile, muscle_top = (np.interp(x, grid, edge).astype(np.float32) for edge in (iliaca_line, profile, muscle_line))
    below = z - iliaca
    nerve = (below > 0.15) & (below < profile - 0.1)

    look, level = body.textures, body.levels
    lata = body.layers["lata"] * iliaca + body.layers["ripple"] * np.sin(x / 3.1)
    height = z / iliaca * np.float32(body.layers["pleats"] * np.mean(iliaca_line))
    blotch = look["blotch"].at(z, x, slice_angle)
    bright = look["bright"].at(height, x, slice_angle)
    wave = body.layers["wave"] * bright
    fat = look["fat"].at(height + wave, x, slice_angle)
    streak = look["streak"].at(height + 0.3 * fat + wave, x, slice_angle)
    fibre = look["fibre"].at(z - body.layers["tilt"] * x, x, slice_angle)
    fascicle = look["fascicle"].at(below - 0.25 * x, x, slice_angle)

    kind = np.where(z < muscle_top, tissue("connective"), tissue("muscle")).astype(np.uint8)
    kind[z > muscle_top + body.layers["muscle"] + 1.5 * blotch] = tissue("deep")
    kind[below < 0] = tissue("fat")
    kind[nerve] = tissue("nerve")
    kind[z < body.layers["skin"]] = tissue("skin")
    vessels = [_ellipse(x, z, artery_x, artery_z, radius, radius * flat, 0.04 * blotch)]
    if body.vein:
        wide, tall, drop = body.vein
        vessels.append(_ellipse(x, z, artery_x + radius + wide + 0.4, artery_z + drop, wide, tall, 0.05 * blotch))
    for distance, _, _ in vessels:
        kind[distance < 1] = tissue("blood")
    if body.bone:
        bone_x, bone_z, bone_r = body.bone
        to_bone = np.hypot(x - bone_x, z - bone_z - bone_r) - bone_r
        kind[to_bone < 0] = tissue("bone")

    soft = (kind == tissue("fat")) | (kind == tissue("connective")) | (kind == tissue("skin"))
    flesh = (kind == tissue("muscle")) | (kind == tissue("deep"))
    fibres = septa(streak, 0.2) * np.clip(0.5 + 0.8 * bright, 0, 1.5)
    echo = level["tissue"][kind] + 1.2 * blotch + 2 * look["blotch"].at(np.float32(7), 0.6 * x)
    deep_in = np.clip(0.7 * (z - muscle_top) - 0.3, 0, 1)
    loose = soft * np.where(kind == tissue("connective"), np.float32(0.5), np.float32(1))
    echo += loose * (level["streak"] * (0.5 * streak + 1.6 * fibres) + 2.5 * bright)
    echo += (kind == tissue("fat")) * (level["septa"] * septa(fat, 0.18) * np.clip(0.7 + 0.5 * bright, 0, 1.3) + 3 * (z > lata))
    echo += (kind == tissue("nerve")) * (4 * fascicle)
    echo += flesh * (level["speck"] * specks(fibre, 1.4) * np.clip(0.6 + 0.6 * bright, 0, 1.4) * deep_in + 2 * fibre + 2 * bright)
    echo += (kind == tissue("deep")) * (4 * blotch + 3 * streak)
    echo -= body.layers["shade"] * (2 * (x - body.width / 2) / body.width) ** 4

    steep = (np.cos(np.arctan(np.gradient(iliaca, x))) ** 12).astype(np.float32)
    reflector = loose * (level["sheet"] * septa(fat, 0.16) * np.clip(0.5 + 0.7 * bright, 0, 1.6) + level["thread"] * fibres)
    reflector += level["lata"] * line(z - lata, 0.1) * np.clip(0.5 + 0.6 * bright, 0, 1.5)
    reflector *= steep
    seen = np.clip((base - x) / 2 + 1, 0, 1)
    reflector += level["iliaca"] * steep * seen * line(below - 0.15 * wave, 0.1) * np.clip(0.5 + 0.6 * bright, 0, 1.5)
    for distance, size, up in vessels:
        from_wall = (distance - 1) * size
        top, bottom = np.clip(-up, 0, 1), np.clip(up, 0, 1.2)
        facing = 0.3 * top**2 * top**2 * top**2 + bottom**2 * bottom**2 * bottom**2
        reflector += level["wall"] * line(from_wall, 0.13) * np.clip(0.7 + 0.5 * blotch, 0, 1.5) * facing
        echo += (distance < 1) * level["haze"] * (top**2 + 0.5 * line(from_wall, 0.5))
        behind = (distance > 1) * line(from_wall - 0.6, 0.6) * facing * (up > 0)
        echo += behind * (min(size / 3, 1) * (8 + 2 * blotch) + 2 * streak)
    if body.bone:
        facing = np.clip((bone_z + bone_r - z) / bone_r, 0, 1) ** 2
        echo += line(to_bone, 0.35) * facing * facing * facing * (34 + 2 * blotch + 2 * streak)

    return {
        "echogenicity": echo.astype(np.float32),
        "density": DENSITY[kind],
        "reflector": (reflector * np.sqrt(spacing[0] * spacing[1]) / 0.1).astype(np.float32),
        "attenuation": ATTENUATION[kind],
        "tissue": kind,
        "mask": largest_parts(kind == tissue("nerve")),
        "spacing": spacing,
        "probe": body.probe,
        "mirrored": body.mirrored,
        "mark": body.mark,
        "speckle": {"subject": [seed, number, 0], "frame": [seed, number, 1 + frame, 1], "share": 0.4,
                    "shift": (0, round((shift if body.mirrored else -shift) / spacing[1]))},
    }


def _ellipse(x, z, centre_x, centre_z, wide, tall, wobble):
    """Relative distance from a vessel's centre (1 on its wall), its size, and how far up (-1) or down (1) one is."""
    up = (z - centre_z) / tall
    return np.hypot((x - centre_x) / wide, up) + wobble, min(wide, tall), up
