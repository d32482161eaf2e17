"""The organs of a simulated abdomen, painted slice by slice; ``level`` runs from 0 (kidneys) to 1 (heart)."""

import numpy as np

from nervekit.phantom.canvas import section

FAT = -100
PERIOD = 0.28  # levels from one vertebra to the next


def soft_organs(canvas, body, level, a, b, cavity):
    """Bowel, stomach, pancreas, spleen, kidneys and the muscles beside the spine, inside the ``cavity``."""
    units = body.units
    for *loop, content in body.loops:
        cut = section(loop, level)
        if cut:
            x, y, wide, tall = cut
            canvas.ellipse(x, y, wide, tall, 60, within=cavity)
            if min(wide, tall) > 5:
                canvas.ellipse(x, y, wide - 3, tall - 3, content, within=cavity)
    spine = body.spine
    for side in (-1, 1):
        psoas = side * (spine["wide"] + 9), spine["y"] + 5, 13, 17 * (1.1 - level)
        canvas.ellipse(*psoas, units["muscle"], within=cavity)
        kidney = section((side * 0.5 * a, 0.4 * b, 0.12 + 0.05 * side, 29, 25, 0.42), level)
        if kidney:
            x, y, wide, tall = kidney
            canvas.ellipse(x, y, wide, tall, units["kidney"], side * 0.7, cavity)
            canvas.ellipse(x - side * 3, y, wide * 0.62, tall * 0.55, units["medulla"], side * 0.7, cavity)
            canvas.ellipse(x - side * 7, y, wide * 0.35, tall * 0.25, FAT, side * 0.7, cavity)
    bile = section(gallbladder(body), level)
    if bile:
        canvas.ellipse(*bile, 14, 0, cavity)
    pancreas = section((0.12 * a, -0.02 * b, 0.38, 0.3 * a, 13, 0.16), level)
    if pancreas:
        canvas.ellipse(*pancreas, units["pancreas"], -0.25, cavity)
    stomach = section((0.4 * a, -0.3 * b, 0.58, 0.34 * a, 0.34 * b, 0.34), level)
    if stomach:
        x, y, wide, tall = stomach
        canvas.ellipse(x, y, wide, tall, 62, 0.6, cavity)
        if min(wide, tall) > 8:
            canvas.ellipse(x, y, wide - 5, tall - 5, units["stomach"], 0.6, cavity)
            canvas.ellipse(x - 4, y - 0.5 * tall, 0.5 * wide, 0.25 * tall, -900, 0, cavity)
    spleen = section((0.68 * a, 0.34 * b, 0.62, 0.24 * a, 0.46 * b, 0.36), level)
    if spleen:
        canvas.ellipse(*spleen, units["spleen"], 0.35, cavity)


def gallbladder(body):
    """An ellipsoid at the lower edge of the right lobe."""
    x, y, _, wide, tall, _ = body.lobes[0]
    return x + 0.35 * wide, y - 0.45 * tall, 0.28, 15, 19, 0.16


def back_muscles(canvas, body, within):
    """The long muscles on both sides of the spinous processes."""
    spine = body.spine
    for side in (-1, 1):
        place = side * 30, spine["y"] + spine["tall"] + 17
        canvas.ellipse(*place, 29, 17, body.units["muscle"] - 4, side * 0.15, within)


def great_vessels(canvas, body, level, a):
    """Aorta before the spine, and the inferior vena cava to its right."""
    front = body.spine["y"] - body.spine["tall"]
    canvas.ellipse(0.05 * a, front - 11, 10.5, 10.5, body.units["aorta"])
    canvas.ellipse(*vena_cava(body, level, a), body.units["vein"])
    if 0.15 < level < 0.6:
        canvas.ellipse(-0.1 * a + 20 * (0.4 - level), front - 34, 9, 6.5, body.units["vein"], 0.5)


def vena_cava(body, level, a):
    """An ellipse to the right of the spine's front."""
    return -0.2 * a, body.spine["y"] - body.spine["tall"] - 9 - 10 * level, 14, 10


def liver(canvas, body, level, x, y, inner, a):
    """Millimetres outside the liver: two lobes joined, less fissure, hilum, gallbladder, vena cava, spine, and fat between.

    ``x`` and ``y`` are warped with the tissue; what is painted unwarped is taken out where it is painted.
    """
    lobes = [section(lobe, level) for lobe in body.lobes]
    outside = np.full(inner.shape, 99, np.float32)
    soft = 7.0
    if any(lobes):
        near = np.float32(0)
        for cut, angle in zip(lobes, (0.25, -0.2), strict=True):
            if cut:
                centre_x, centre_y, wide, tall = cut
                across, down = x - centre_x, y - centre_y
                cos, sin = float(np.cos(angle)), float(np.sin(angle))
                far = np.hypot((cos * across + sin * down) / wide, (cos * down - sin * across) / tall) - 1
                near = near + np.exp(np.minimum(-far * (min(wide, tall) / soft), 30))
        outside = -soft * np.log(np.maximum(near, np.float32(1e-12)))
    right, left = body.lobes
    edge_x, edge_y = (right[0] + left[0]) / 2 + 0.2 * right[3], left[1]
    holes = [(edge_x, edge_y - 0.25 * left[4], 0.45, 3.5, 0.7 * left[4], 0.3),
             (edge_x - 8, edge_y + 0.9 * left[4], 0.5, 14, 9, 0.18),
             gallbladder(body)]
    spine = body.spine
    cuts = [(cut, x, y) for cut in (section(hole, level) for hole in holes) if cut]
    cava = vena_cava(body, level, a)
    between = 0.5 * cava[0], 0.5 * (cava[1] + spine["y"]), 16, 15
    bone = 0, spine["y"], spine["wide"] + 3, spine["tall"] + 3
    cuts += [(cut, canvas.x, canvas.y) for cut in (cava, between, bone)]
    for (centre_x, centre_y, wide, tall), across, down in cuts:
        far = (np.hypot((across - centre_x) / wide, (down - centre_y) / tall) - 1) * min(wide, tall)
        outside = np.maximum(outside, -far)
    return np.maximum(outside, inner + 1.5)


def bones(canvas, body, level):
    """Paint spine and ribs over everything; their mask, the canal and discs left out."""
    mask = np.zeros(canvas.units.shape, bool)
    cortex, marrow = body.units["cortex"], body.units["marrow"]

    def bone(x, y, wide, tall, angle, rim, core):
        window, share = canvas.ellipse(x, y, wide, tall, cortex, angle)
        if min(wide, tall) > rim + 0.5:
            canvas.ellipse(x, y, wide - rim, tall - rim, core, angle)
        mask[window] |= share > 0.5

    spine = body.spine
    wide, tall, y = spine["wide"], spine["tall"], spine["y"]
    place = (level / PERIOD + spine["phase"]) % 1
    for side in (-1, 1):
        bone(side * 16, y + tall + 8, 9, 5, side * 0.5, 2, marrow)
        if place < 0.6:
            bone(side * 29, y + tall + 6, 11, 3.5, side * 0.3, 1.5, marrow)
    bone(0, y + tall + 25, 3.2, 13 if place < 0.7 else 6, 0, 1.4, marrow)
    bone(0, y + tall + 8, 13, 12.5, 0, 2, marrow)
    if place < 0.86:
        bone(0, y, wide, tall, 0, 1.8, marrow)
    else:
        window, share = canvas.ellipse(0, y, wide, tall, 85)
        mask[window] &= share < 0.5
    window, share = canvas.ellipse(0, y + tall + 7, 9, 8, 25)
    mask[window] &= share < 0.5

    outer_wide, outer_tall = body.body[0] - body.body[2] - 5, body.body[1] - body.body[2] - 5
    ribs = body.ribs
    for side in (-1, 1):
        for index in range(ribs["count"]):
            around = (index + ribs["phase"] - ribs["slope"] * level * 2) % ribs["count"] / ribs["count"]
            angle = 0.35 + 2.5 * around
            if angle > 0.9 + 2.2 * level:
                continue
            x, y = side * outer_wide * np.sin(angle), outer_tall * np.cos(angle)
            along = np.arctan2(-outer_tall * np.sin(angle), side * outer_wide * np.cos(angle))
            bone(float(x), float(y), 9, 4.2, float(along), 1.7, marrow - 40)
    return mask
