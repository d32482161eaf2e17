"""Our rasteriser beside labelme's own, where labelme 6 is installed (pip install labelme)."""

import base64
import importlib.util
import io
import json
import os

import numpy as np
import pytest
from PIL import Image

from nervekit.data import labelme, preannotate, shapes

if importlib.util.find_spec("labelme") is None:
    pytest.skip("labelme is not installed: pip install labelme", allow_module_level=True)
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
peer = importlib.import_module("labelme.utils")  # an installed labelme that cannot be imported is an error, not a skip
label_file = pytest.importorskip("labelme._label_file", reason="this labelme is older than 6")
SIZE = (90, 120)


def drawn(kind, random):
    count = {"polygon": random.integers(3, 12), "linestrip": random.integers(2, 6)}.get(kind, shapes.COUNTS[kind][0])
    points = random.uniform(0, 1, (count, 2)) * SIZE[::-1]
    if random.random() < 0.3:
        points = np.rint(points)
    return {"label": "nerve", "points": points.tolist(), "shape_type": kind, "mask": None}


def test_mask_shapes_are_pasted_as_labelme_does(tmp_path):
    random = np.random.default_rng(0)
    for number in range(50):
        (left, right), (top, bottom) = (np.sort(random.integers(0, side - 1, 2)) for side in SIZE[::-1])
        pixels = random.random((bottom - top + 1, right - left + 1)) < 0.5
        stream = io.BytesIO()
        Image.fromarray(pixels * np.uint8(random.choice([1, 255]))).save(stream, "PNG")
        mask = base64.b64encode(stream.getvalue()).decode()
        corners = np.array([[left, top], [right, bottom]]) + random.uniform(0, 1) * (number % 2)
        drawn = {"label": "nerve", "points": corners.tolist(), "shape_type": "mask", "mask": mask}
        drawn |= {"group_id": None, "description": "", "flags": {}}
        content = {"version": "6.3.0", "flags": {}, "shapes": [drawn], "imagePath": "frame.png", "imageData": None}
        path = tmp_path / "frame.json"
        path.write_text(json.dumps(content | {"imageHeight": SIZE[0], "imageWidth": SIZE[1]}))
        Image.new("L", SIZE[::-1]).save(tmp_path / "frame.png")
        expected, _ = peer.shape.shapes_to_label(SIZE, label_file.read_label_file(str(path)).shapes, {"nerve": 1})
        assert np.array_equal(labelme.read(path, ["nerve"]), expected), corners


def test_points_have_no_area_where_labelme_refuses_to_draw_them():
    points = {"label": "nerve", "points": [[5.0, 5.0], [20.0, 30.0]], "shape_type": "points", "mask": None}
    picture = Image.new("I", SIZE[::-1])
    shapes.draw(picture, points, 1, "shape")
    assert not np.array(picture).any()
    with pytest.raises(ValueError, match="points.*not supported"):
        peer.shape_to_mask(SIZE, points["points"], "points")


@pytest.mark.parametrize("kind", [kind for kind in shapes.COUNTS if kind not in ("points", "mask")])
def test_every_pixel_is_labelme_s(kind):
    random = np.random.default_rng(len(kind))
    for _ in range(200):
        shape = drawn(kind, random)
        picture = Image.new("I", SIZE[::-1])
        shapes.draw(picture, shape, 1, "shape")
        expected = peer.shape_to_mask(SIZE, shape["points"], kind)
        assert np.array_equal(np.array(picture) > 0, expected), shape


def test_files_that_we_write_are_read_alike_by_labelme(tmp_path):
    mask = np.zeros(SIZE, bool)
    mask[20:50, 30:80] = True
    mask[30:35, 40:45] = False
    mask[60:80, 10:60] = True
    Image.new("L", SIZE[::-1]).save(tmp_path / "frame.png")
    path = preannotate.write(tmp_path / "frame.json", {"nerve": mask}, "frame.png")
    loaded = label_file.read_label_file(str(path)).shapes
    expected, _ = peer.shape.shapes_to_label(SIZE, loaded, {"nerve": 1})
    assert np.array_equal(labelme.read(path, ["nerve"]), expected)
    assert {shape["shape_type"] for shape in loaded} == {"polygon", "mask"}
