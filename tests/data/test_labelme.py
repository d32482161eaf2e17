"""Annotations become class images; whatever else is in the file is a DataError."""

import base64
import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nervekit.data import labelme, shapes
from nervekit.errors import ConfigurationError, DataError


@pytest.fixture
def annotate(tmp_path):
    """A function that writes an annotation of a 40 x 60 image and returns its path."""

    def write(*shapes, **fields):
        fields = {"imagePath": "frame.jpg", "imageData": None, "imageHeight": 40, "imageWidth": 60} | fields
        path = tmp_path / "frame.json"
        path.write_text(json.dumps({"version": "6.3.0", "flags": {}, "shapes": list(shapes), **fields}))
        return path

    return write


def shape(kind, points, label="nerve", **fields):
    return {"label": label, "points": points, "shape_type": kind, "group_id": None, "flags": {}, **fields}


def png(mask):
    stream = io.BytesIO()
    Image.fromarray(mask).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def test_rectangle_includes_its_corners_in_any_order(annotate):
    image = labelme.read(annotate(shape("rectangle", [[20, 9], [10, 5]])), ["nerve"])
    expected = np.zeros((40, 60))
    expected[5:10, 10:21] = 1
    assert np.array_equal(image, expected)


def test_polygon_includes_its_outline(annotate):
    image = labelme.read(annotate(shape("polygon", [[10, 5], [20, 5], [20, 9], [10, 9]])), ["nerve"])
    assert image.sum() == 11 * 5 and image[5, 10] == image[9, 20] == 1


def test_oriented_rectangle_is_its_four_corners(annotate):
    image = labelme.read(annotate(shape("oriented_rectangle", [[30, 10], [40, 20], [30, 30], [20, 20]])), ["nerve"])
    rows, columns = np.mgrid[:40, :60]
    assert np.array_equal(image > 0, abs(rows - 20) + abs(columns - 30) <= 10)


def test_shape_without_a_type_is_a_polygon(annotate):
    assert labelme.read(annotate(shape(None, [[0, 0], [9, 0], [0, 9]])), ["nerve"]).sum() == 55


def test_circle_has_the_area_of_its_radius(annotate):
    area = labelme.read(annotate(shape("circle", [[30, 20], [30, 32]])), ["nerve"]).sum()
    assert abs(area - np.pi * 12.5**2) < 15


def test_line_and_linestrip_are_ten_pixels_wide(annotate):
    for kind in ("line", "linestrip"):
        image = labelme.read(annotate(shape(kind, [[10, 20], [50, 20]])), ["nerve"])
        assert image[:, 30].sum() == 10


def test_point_is_a_disc_and_points_have_no_area(annotate):
    assert labelme.read(annotate(shape("point", [[30, 20]])), ["nerve"])[20, 25:36].tolist() == [1] * 11
    assert labelme.read(annotate(shape("points", [[30, 20], [1, 1]])), ["nerve"]).sum() == 0


def test_mask_is_pasted_at_its_box(annotate):
    mask = np.eye(3, dtype=np.uint8) * 255
    image = labelme.read(annotate(shape("mask", [[7, 4], [9, 6]], mask=png(mask))), ["nerve"])
    expected = np.zeros((40, 60))
    expected[4:7, 7:10] = np.eye(3)
    assert np.array_equal(image, expected)


def test_later_shapes_cover_earlier_ones_and_numbers_come_from_the_caller(annotate):
    path = annotate(shape("rectangle", [[0, 0], [9, 9]]), shape("rectangle", [[5, 5], [9, 9]], "vein"))
    image = labelme.read(path, {"vein": 300, "nerve": 7})
    assert image[0, 0] == 7 and image[6, 6] == 300 and set(np.unique(image)) == {0, 7, 300}


def test_size_comes_from_the_image_where_the_file_does_not_say(annotate, tmp_path):
    (tmp_path / "in").mkdir()
    Image.new("L", (33, 22)).save(tmp_path / "in" / "frame.png")
    path = annotate(imagePath="in\\frame.png", imageHeight=None, imageWidth=None)
    assert labelme.read(path, ["nerve"]).shape == (22, 33)
    assert labelme.read_folder(tmp_path, size=None).images[0].shape == (22, 33, 1)


def test_size_comes_from_embedded_data(annotate):
    path = annotate(imageData=png(np.zeros((5, 8), np.uint8)), imageHeight=None, imageWidth=None)
    assert labelme.read(path, []).shape == (5, 8)


@pytest.mark.parametrize(
    "given",
    ["../secret.png", "in/../../secret.png", "..\\secret.png", "/etc/passwd", "C:\\x.png", "", None, "a\0b", "\ud800.png"],
)
def test_image_path_must_stay_beside_the_annotation(annotate, given):
    with pytest.raises(DataError, match="imagePath"):
        labelme.read_folder(annotate(imagePath=given).parent)


def test_image_may_be_a_link_out_of_the_folder(annotate, tmp_path, tmp_path_factory):
    stored = tmp_path_factory.mktemp("annex") / "object"
    Image.new("L", (60, 40), 7).save(stored, "PNG")
    (tmp_path / "frame.jpg").symlink_to(stored)
    path = annotate(shape("rectangle", [[2, 3], [9, 12]]))
    dataset = labelme.read_folder(tmp_path, size=None)
    assert (dataset.images[0] == 7).all() and dataset.masks[0].sum() == 80 and dataset.source == "real"
    (stored.parent / "SIMULATED.json").touch()
    assert labelme.read_folder(tmp_path).source == "phantom"
    stored.unlink()
    with pytest.raises(DataError, match=r"its image .*frame\.jpg: is a link that leads nowhere\. Fetch .*git annex get"):
        labelme.read_folder(tmp_path)
    path.unlink()
    path.symlink_to("not fetched")
    with pytest.raises(DataError, match=r"frame\.json: is a link that leads nowhere"):
        labelme.read_folder(tmp_path)


@pytest.mark.parametrize("given", ["frame.jpg", "./frame.jpg", "in\\..\\frame.jpg"])
def test_two_annotations_of_one_image_are_refused(annotate, tmp_path, given):
    Image.new("L", (60, 40)).save(tmp_path / "frame.jpg")
    (tmp_path / "frame (copy).json").write_text(annotate(imagePath=given).read_text())
    annotate()
    with pytest.raises(DataError, match=r"frame \(copy\)\.json: its image frame\.jpg is that of .*frame\.json too"):
        labelme.read_folder(tmp_path)


def test_annotations_in_subfolders_are_refused(annotate, tmp_path):
    text = annotate(imageData=png(np.zeros((40, 60), np.uint8))).read_text()
    for name in ("P01", ".trash", "settings"):
        (tmp_path / name).mkdir()
    (tmp_path / ".trash" / "frame.json").write_text(text)
    (tmp_path / "settings" / "colours.json").write_text("{}")
    assert len(labelme.read_folder(tmp_path)) == 1
    (tmp_path / "P01" / "frame.json").write_text(text)
    for _ in range(2):
        with pytest.raises(DataError, match="annotations lie in subfolders such as P01, which are not read.*side by side"):
            labelme.read_folder(tmp_path)
        (tmp_path / "frame.json").unlink(missing_ok=True)


def test_image_path_that_is_a_link_to_itself_is_refused(annotate, tmp_path):
    (tmp_path / "loop.png").symlink_to("loop.png")
    with pytest.raises(DataError, match="loop"):
        labelme.read_folder(annotate(imagePath="loop.png").parent)


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (shape("polygon", [[0, 0], [1, 1], [2, 0]], "artery"), "label 'artery', which nobody asked for"),
        (shape("polygon", [[0, 0], [1, 1], [2, 0]], ["nerve"]), "nobody asked for"),
        (shape("spline", [[0, 0]]), "unknown type 'spline'"),
        (shape("polygon", [[0, 0], [1, 1]]), "polygon of 2 points; expected at least 3"),
        (shape("circle", [[0, 0]]), "circle of 1 points; expected 2"),
        (shape("line", [[0, float("nan")], [1, 1]]), "not a finite number"),
        (shape("line", ["a", "b"]), "pairs of numbers"),
        (shape("line", 5), "pairs of numbers"),
        (shape("mask", [[0, 0], [3, 3]], mask=png(np.zeros((2, 2), np.uint8))), "its mask is"),
        (shape("mask", [[0, 0], [3, 3]], mask="?"), "not base64"),
        (shape("mask", [[0, 0], [3, 3]]), "not base64"),
        ("nerve", "not an object"),
        (shape("polygon", [[3, 3], [5, 5], [9, 9]]), "polygon without area: its points lie on one line"),
        (shape("polygon", [[3, 3], [3, 3], [3, 3]]), "polygon without area"),
        (shape("oriented_rectangle", [[1, 1], [2, 2], [3, 3], [4, 4]]), "oriented_rectangle without area"),
        (shape("oriented_rectangle", [[1, 1], [2, 2], [3, 3]]), "of 3 points; expected 4"),
        (shape("polygon", [[0, 0], [70, 0], [0, 9]]), r"has the point \(70.0, 0.0\), outside the image of 60 x 40"),
        (shape("point", [[5, -9]]), "outside the image"),
    ],
)
def test_shapes_that_cannot_be_drawn_are_refused(annotate, bad, text):
    with pytest.raises(DataError, match=f"shape 0.*{text}"):
        labelme.read(annotate(bad), ["nerve"])


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"shapes": 5}', "\x00"])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(DataError, match=r"a\.json"):
        labelme.read(tmp_path / "a.json", ["nerve"])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
drawings = st.fixed_dictionaries(
    {},
    optional={
        "label": st.just("nerve") | json_values,
        "shape_type": st.sampled_from([*shapes.COUNTS, None]) | json_values,
        "points": st.lists(st.lists(st.floats() | st.integers(-50, 90), min_size=2, max_size=2), max_size=4)
        | json_values,
        "mask": json_values,
    },
)


@settings(max_examples=150)
@given(st.lists(drawings, max_size=3), json_values)
def test_any_content_gives_an_image_or_a_data_error(annotate, drawn, side):
    for fields in ({}, {"imageHeight": side}):
        try:
            assert labelme.read(annotate(*drawn, **fields), ["nerve"]).ndim == 2
        except DataError:
            pass


def test_one_label_needs_no_list(annotate):
    path = annotate(shape("rectangle", [[2, 3], [9, 12]]), imageData=png(np.zeros((40, 60), np.uint8)))
    assert np.array_equal(labelme.read(path, "nerve"), labelme.read(path, ["nerve"]))
    dataset = labelme.read_folder(path.parent, "nerve", size=None)
    assert dataset.masks[0].sum() == 80 and dataset.provenance["labels"] == ["nerve"]


NUMBERS = [{"nerve": "1"}, {"nerve": -1}, {"nerve": 1.0}, {"nerve": True}, {"nerve": None}, {"nerve": 2**31}]


@pytest.mark.parametrize("labels", [*NUMBERS, ["nerve", "vein", "nerve"], [5], None, 3])
def test_labels_that_are_none_are_refused(annotate, labels):
    path = annotate(shape("rectangle", [[2, 3], [9, 12]]), imageData=png(np.zeros((40, 60), np.uint8)))
    with pytest.raises(ConfigurationError, match="labels"):
        labelme.read(path, labels)
    with pytest.raises(ConfigurationError, match="labels"):
        labelme.read_folder(path.parent, labels)


def test_numbers_of_labels_may_be_any_whole_ones(annotate):
    path = annotate(shape("rectangle", [[2, 3], [9, 12]]))
    assert np.unique(labelme.read(path, {"nerve": np.int64(70_000), "vein": 0})).tolist() == [0, 70_000]


def test_provenance_says_labels_groups_and_which_files(annotate, tmp_path):
    Image.new("L", (60, 40)).save(tmp_path / "frame.jpg")
    path = annotate(shape("rectangle", [[2, 3], [9, 12]]))
    first = labelme.read_folder(tmp_path, {"nerve": 1, "vein": 0}).provenance
    assert first["labels"] == {"nerve": 1, "vein": 0} and first["groups"] == "each image by itself"
    assert labelme.read_folder(tmp_path, group_pattern="(f)").provenance["groups"] == "pattern"
    (tmp_path / "nobody has seen this.png").write_bytes(b"")
    assert labelme.read_folder(tmp_path).provenance["fingerprint"] == first["fingerprint"]
    path.write_text(path.read_text() + " ")
    changed = labelme.read_folder(tmp_path).provenance["fingerprint"]
    Image.new("L", (60, 40), 9).save(tmp_path / "frame.jpg")
    assert len({first["fingerprint"], changed, labelme.read_folder(tmp_path).provenance["fingerprint"]}) == 3


def test_what_macos_leaves_beside_an_annotation_is_passed_over(annotate, tmp_path):
    annotate(imageData=png(np.zeros((40, 60), np.uint8)))
    (tmp_path / "._frame.json").write_bytes(b"\0\5\x16\7")
    assert labelme.read_folder(tmp_path).ids.tolist() == ["frame"]


def test_what_is_no_folder_is_named(annotate, tmp_path):
    with pytest.raises(DataError, match="nowhere: there is no such folder"):
        labelme.read_folder(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"frame\.json: is no folder, and archives are not read here: unpack it"):
        labelme.read_folder(annotate())


def test_linked_annotations_of_simulated_images_are_simulated(annotate, tmp_path):
    path = annotate(imageData=png(np.zeros((40, 60), np.uint8)))
    linked = tmp_path / "a" / "b" / "linked"
    linked.mkdir(parents=True)
    (linked / "frame.json").symlink_to(path)
    assert labelme.read_folder(linked).source == "real"
    (tmp_path / "SIMULATED.json").touch()
    assert labelme.read_folder(linked).source == "phantom"


def test_a_list_of_groups_keeps_patients_together(annotate, tmp_path):
    text = annotate(shape("rectangle", [[2, 3], [9, 12]])).read_text()
    for name in ("frame", "f2", "f3"):
        Image.new("L", (60, 40)).save(tmp_path / f"{name}.jpg")
        (tmp_path / f"{name}.json").write_text(text.replace("frame.jpg", f"{name}.jpg"))
    (tmp_path / "groups.csv").write_text("sample,group\nframe,p\nf2,p\nf3,q\n")
    dataset = labelme.read_folder(tmp_path, size=None)
    assert dict(zip(dataset.ids, dataset.groups)) == {"frame": "p", "f2": "p", "f3": "q"}
