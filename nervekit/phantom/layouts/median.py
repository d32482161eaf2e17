"""The files of the simulated median set: RGB BMP of 606x468 in ``Dataset/Images`` and ``Dataset/Masks``.

They are called ``PzPPP-III.bmp``: PPP is the patient and III the image, both from 001. Masks have three equal
channels of {0, 255}.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from nervekit.phantom import median
from nervekit.phantom.layouts import frames

FRAMES = (1, 2, 3, 4, 5, 6, 7, 8)
FRAME_CHANCES = tuple(count / 103 for count in (21, 57, 11, 2, 7, 1, 3, 1))  # as in the real set


def write(folder, subjects, seed, progress=False):
    """Write the set into ``folder``; how many images it has."""
    places = folder / "Dataset" / "Images", folder / "Dataset" / "Masks"
    for place in places:
        place.mkdir(parents=True)
    rng = np.random.default_rng([seed, subjects, 2**20])
    numbers = frames.numbered(subjects, FRAMES, FRAME_CHANCES, rng)
    for subject, frame in frames.bar(numbers, "median", progress):
        for place, image in zip(places, screenshot(subject, frame, seed=seed), strict=True):
            image.save(place / f"Pz{subject + 1:03d}-{frame + 1:03d}.bmp")
    return len(numbers)


def screenshot(subject=0, frame=0, *, seed=0):
    """An RGB picture with the scanner's marks, and an RGB mask of {0, 255}."""
    _, picture, mask = frames.picture(median, subject, frame, seed, median.NATIVE)
    picture = picture.convert("RGB")
    body = median.subject(subject, seed)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((10, 7, 19, 16), outline=(200, 0, 0), width=2)
    draw.line((11, 12, 18, 12), fill=(200, 0, 0))
    for depth in body.focus_marks:
        draw.polygon([(583, depth), (590, depth - 3), (590, depth + 3)], fill=(0, 255, 0))
    letters = Image.new("L", (14, 8))
    for place, letter in zip((1, 8), body.side, strict=False):
        ImageDraw.Draw(letters).text((place, -2), letter, fill=255, font=ImageFont.load_default_imagefont())
    picture.paste((255, 255, 255), (19, 377), letters.resize((28, 16), Image.Resampling.BICUBIC))
    return picture, Image.fromarray(mask.astype(np.uint8) * 255).convert("RGB")
