"""Masks become annotations and back: exactly, or within half a pixel with fewer points."""

import base64
import io
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from scipy import ndimage

from nervekit.data import files, labelme, preannotate, shapes
from nervekit.errors import ConfigurationError, DataError, NervekitError

QUIET = settings(max_examples=60)


def blob(seed, side=60, smooth=4.0):
    noise = np.random.default_rng(seed).normal(size=(side, side))
    return ndimage.gaussian_filter(noise, smooth) > 0.02


def disc(radius=18):
    rows, columns = np.mgrid[:60, :60]
    return (rows - 30) ** 2 + (columns - 29) ** 2 <= radius**2


def distance_to_line(points, corners):
    """Of each point, to the nearest segment of a closed line."""
    starts, ends = np.asarray(corners), np.roll(corners, -1, axis=0)
    along = ends - starts
    share = ((points[:, None] - starts) * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-12)
    nearest = starts + np.clip(share, 0, 1)[..., None] * along
    return np.sqrt(((points[:, None] - nearest) ** 2).sum(-1)).min(axis=1)


@QUIET
@given(arrays(bool, (7, 9)))
def test_without_tolerance_every_pixel_comes_back(tmp_path, mask):
    path = preannotate.write(tmp_path / "a.json", {"nerve": mask}, "a.png", tolerance=0, overwrite=True)
    assert np.array_equal(labelme.read(path, ["nerve"]) > 0, mask)


@pytest.mark.parametrize("seed", range(8))
def test_polygons_stay_within_half_a_pixel_of_the_outermost_pixels(seed):
    mask = ndimage.binary_fill_holes(blob(seed))
    traced = shapes.trace(mask, 0.5)
    assert traced[0]["shape_type"] == "polygon" and len(traced[0]["points"]) > 4
    for drawn in traced:
        parts, _ = ndimage.label(mask, np.ones((3, 3)))
        x, y = map(int, np.rint(drawn["points"][0]))
        part = np.pad(parts == parts[y, x], 1)
        border = (part & ~ndimage.binary_erosion(part))[1:-1, 1:-1]
        if drawn["shape_type"] == "polygon":
            centres = np.argwhere(border)[:, ::-1].astype(float)
            assert distance_to_line(centres, np.array(drawn["points"])).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_deviation_is_the_distance_of_the_outermost_pixels_from_the_line(seed):
    mask = ndimage.binary_fill_holes(blob(seed))
    parts, _ = ndimage.label(mask, np.ones((3, 3)))
    mask = parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])
    drawn = shapes.trace(mask, 1.5)
    border = np.argwhere(mask & ~ndimage.binary_erosion(mask))[:, ::-1].astype(float)
    expected = distance_to_line(border, np.array(drawn[0]["points"])).max()
    assert 0.5 < expected <= 1.5 and shapes.deviation(mask, drawn) == pytest.approx(expected)


def test_deviation_without_shapes_or_without_a_mask():
    assert shapes.deviation(disc(), []) == np.inf and shapes.deviation(np.zeros((5, 5)), []) == 0
    ring = disc() & ~disc(9)
    assert shapes.deviation(ring, shapes.trace(ring)) == 0


def test_deviation_counts_a_part_that_lies_in_the_hole_of_another():
    ring, inner = disc() & ~disc(14), np.zeros((60, 60), bool)
    inner[28:31, 27:32] = True
    (hollow,) = shapes.trace(ring)
    assert hollow["shape_type"] == "mask" and shapes.deviation(ring | inner, [hollow]) == np.inf
    half_a_pixel_below = {"shape_type": "polygon", "points": [[27, 28], [31, 28], [31, 30.5], [27, 30.5]]}
    assert shapes.deviation(ring | inner, [hollow, half_a_pixel_below]) == 0.5


def test_tolerance_makes_fewer_points_and_hardly_changes_the_mask(tmp_path):
    exact, loose = shapes.trace(disc(), 0)[0]["points"], shapes.trace(disc(), 0.5)[0]["points"]
    assert len(loose) < len(exact) / 2
    path = preannotate.write(tmp_path / "a.json", {"nerve": disc()}, "a.png")
    back = labelme.read(path, ["nerve"]) > 0
    assert 2 * (back & disc()).sum() / (back.sum() + disc().sum()) > 0.98


def test_two_parts_are_two_polygons_the_larger_first():
    mask = np.zeros((30, 30), bool)
    mask[2:5, 2:6] = mask[10:20, 10:25] = True
    first, second = shapes.trace(mask)
    assert first["shape_type"] == second["shape_type"] == "polygon"
    assert first["points"][0][0] >= 10 > second["points"][0][0]


@pytest.mark.parametrize("name", ["hole", "one pixel", "line"])
def test_what_no_polygon_can_say_is_kept_as_pixels(tmp_path, name):
    mask = np.zeros((20, 30), bool)
    if name == "hole":
        mask[3:12, 3:12] = True
        mask[6:8, 6:8] = False
    else:
        mask[5, 7 : 8 if name == "one pixel" else 20] = True
    path = preannotate.write(tmp_path / "a.json", {"nerve": mask}, "a.png")
    (drawn,) = json.loads(path.read_text())["shapes"]
    assert drawn["shape_type"] == "mask" and np.array_equal(labelme.read(path, ["nerve"]) > 0, mask)


def test_empty_mask_is_an_annotation_without_shapes(tmp_path):
    path = preannotate.write(tmp_path / "a.json", {"nerve": np.zeros((9, 8))}, "a.png")
    assert json.loads(path.read_text())["shapes"] == [] and labelme.read(path, []).shape == (9, 8)


def test_several_labels_keep_their_numbers(tmp_path):
    inner = np.zeros((60, 60), bool)
    inner[25:35, 25:35] = True
    path = preannotate.write(tmp_path / "a.json", {"nerve": disc(), "vein": inner}, "a.png", tolerance=0)
    image = labelme.read(path, {"vein": 7, "nerve": 3})
    assert np.array_equal(image == 7, inner) and np.array_equal(image == 3, disc() & ~inner)


def test_corrections_are_not_overwritten_unless_asked(tmp_path):
    path = preannotate.write(tmp_path / "a.json", {"nerve": disc()}, "a.png")
    with pytest.raises(DataError, match=r"a\.json: is there already, and may hold corrections"):
        preannotate.write(path, {"nerve": blob(1)}, "a.png")
    before = path.read_text()
    assert preannotate.write(path, {"nerve": blob(1)}, "a.png", overwrite=True).read_text() != before


def test_masks_of_different_sizes_are_refused(tmp_path):
    with pytest.raises(DataError, match="expected one or more of one"):
        preannotate.write(tmp_path / "a.json", {"a": np.zeros((2, 2)), "b": np.zeros((3, 2))}, "a.png")


def test_folder_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(DataError, match="cannot be written"):
        preannotate.write(tmp_path / "nowhere" / "a.json", {"nerve": disc()}, "a.png")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written"):
        preannotate.write_folder(tmp_path / "file", [np.zeros((60, 60), np.uint8)], [disc()], ["a"])


def test_predictions_go_out_and_come_back_as_a_dataset(tmp_path):
    images = np.random.default_rng(0).integers(0, 255, (3, 60, 60, 1), np.uint8)
    masks = np.stack([disc(), disc(8), np.zeros((60, 60), bool)])
    names = ["P1 a", "P10 ä", "P2"]
    preannotate.write_folder(tmp_path / "out", images, masks, names, tolerance=0)
    dataset = labelme.read_folder(tmp_path / "out", size=None, group_pattern=r"^(P\d+)")
    assert dataset.ids.tolist() == ["P1 a", "P2", "P10 ä"] and dataset.groups.tolist() == ["P1", "P2", "P10"]
    for position, source in enumerate((0, 2, 1)):
        assert np.array_equal(dataset.images[position], images[source])
        assert np.array_equal(dataset.masks[position], masks[source])


def test_annotations_of_simulated_images_stay_simulated(tmp_path):
    desk = tmp_path / "study" / "desk"
    preannotate.write_folder(desk, [np.zeros((60, 60), np.uint8)], [disc()], ["a"])
    assert labelme.read_folder(desk).provenance["data"] == labelme.read_folder(desk).source == "real"
    for place in (desk, tmp_path):
        (place / "SIMULATED.json").touch()
        dataset = labelme.read_folder(desk)
        assert dataset.source == "phantom" and dataset.provenance["data"] == "simulated"
        (place / "SIMULATED.json").unlink()


def png(size):
    stream = io.BytesIO()
    Image.new("L", size).save(stream, "PNG")
    return stream.getvalue()


side = st.none() | st.integers(-1, 12) | st.just(10**30) | st.floats() | st.text(max_size=2)
written = st.fixed_dictionaries(
    {"shapes": st.just([]) | st.just([{"label": "nerve", "points": [[1, 1], [6, 1], [6, 5]]}])},
    optional={
        "imagePath": st.sampled_from(["a.png", "b c.png", "ä.png", "sub\\a.png", "..", "a.json", "", "loop.png"])
        | st.none()
        | st.just("\ud800.png")
        | st.text(st.characters(), max_size=6),
        "imageData": st.none() | st.text(max_size=8) | st.just(base64.b64encode(png((9, 7))).decode()),
        "imageHeight": st.just(7) | side,
        "imageWidth": st.just(9) | side,
    },
).map(lambda content: json.dumps(content).encode())


@settings(max_examples=120)
@given(
    st.dictionaries(st.sampled_from(["a", "b c", "ä"]), written | st.binary(max_size=30), max_size=3),
    st.dictionaries(
        st.sampled_from(["a.png", "b c.png", "ä.png"]),
        st.sampled_from([png((9, 7)), png((8, 7))]) | st.binary(max_size=40),
        max_size=3,
    ),
    st.sampled_from([None, (8, 8), (0, 0), "x", (8.5, 9), (8,)]),
    st.none() | st.sampled_from(["(.)", "(a)?", "(", "a"]),
    st.sampled_from([1, 3, 2]),
)
def test_any_folder_of_annotations_gives_a_dataset_or_an_error_of_ours(annotations, images, size, pattern, channels):
    with tempfile.TemporaryDirectory() as name:
        for stem, content in annotations.items():
            (Path(name) / f"{stem}.json").write_bytes(content)
        for image, content in images.items():
            (Path(name) / image).write_bytes(content)
        (Path(name) / "loop.png").symlink_to("loop.png")
        try:
            dataset = labelme.read_folder(name, size=size, group_pattern=pattern, channels=channels)
            assert len(dataset) == len(annotations) > 0
        except NervekitError:
            pass


def test_folder_of_annotations_is_resized_like_any_other(tmp_path):
    Image.new("RGB", (60, 60), (9, 9, 9)).save(tmp_path / "a.jpg")
    Image.new("L", (60, 60)).save(tmp_path / "nobody has seen this.png")
    preannotate.write(tmp_path / "a.json", {"nerve": disc()}, "a.jpg")
    dataset = labelme.read_folder(tmp_path, size=(30, 20), channels=3)
    assert dataset.images.shape == (1, 30, 20, 3) and dataset.masks.shape == (1, 30, 20)


def test_annotation_of_another_image_is_refused(tmp_path):
    Image.new("L", (50, 60)).save(tmp_path / "a.png")
    preannotate.write(tmp_path / "a.json", {"nerve": disc()}, "a.png")
    with pytest.raises(DataError, match=r"a\.json: imageWidth and imageHeight are 60 x 60 .* is 50 x 60"):
        labelme.read_folder(tmp_path)


def test_folder_without_annotations_says_how_to_make_them(tmp_path):
    with pytest.raises(DataError, match="holds no annotations.*labelme .* --labels nerve"):
        labelme.read_folder(tmp_path)


@pytest.mark.parametrize("names", [["../a"], [""], ["a", "b"], ["a\0"], ["a\udcfc"]])
def test_names_that_are_no_file_names_are_refused(tmp_path, names):
    with pytest.raises(ConfigurationError):
        preannotate.write_folder(tmp_path, [np.zeros((60, 60), np.uint8)], [disc()], names)
    assert list(tmp_path.iterdir()) == []


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_picture_of_the_user_is_kept_unless_asked(tmp_path):
    frame = np.random.default_rng(0).integers(0, 255, (60, 60, 3), np.uint8)
    Image.fromarray(frame).save(tmp_path / "b.png", compress_level=0)
    before = contents(tmp_path)
    other = [np.zeros((60, 60), np.uint8), frame[::-1]]
    with pytest.raises(DataError, match=r"b\.png: is there already, and is not the image that was to be written"):
        preannotate.write_folder(tmp_path, other, [disc(), disc()], ["a", "b"])
    assert contents(tmp_path) == before
    preannotate.write_folder(tmp_path, [other[0], frame], [disc(), disc()], ["a", "b"])
    assert set(contents(tmp_path)) == {"a.json", "a.png", "b.json", "b.png"}
    assert contents(tmp_path)["b.png"] == before["b.png"]
    preannotate.write_folder(tmp_path, other, [disc(), disc()], ["a", "b"], overwrite=True)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "b.png")), frame[::-1])


@pytest.mark.parametrize("fault", ["annotated", "size", "twice", "capitals"])
def test_nothing_is_written_if_one_of_several_is_wrong(tmp_path, fault):
    if fault == "annotated":
        preannotate.write(tmp_path / "b.json", {"nerve": disc()}, "b.png")
    before = contents(tmp_path)
    images, masks = [np.zeros((60, 60), np.uint8)] * 2, [disc(), disc()[:50] if fault == "size" else disc()]
    with pytest.raises(NervekitError, match="corrections|expected one size|comes twice"):
        preannotate.write_folder(tmp_path, images, masks, ["a", {"twice": "a", "capitals": "A"}.get(fault, "b")])
    assert contents(tmp_path) == before


def test_disk_that_is_full_leaves_no_half_picture(tmp_path, monkeypatch):
    def full(stream, *_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(DataError, match=r"a\.png: cannot be written .No space left on device"):
        preannotate.write_folder(tmp_path, [np.zeros((60, 60), np.uint8)], [disc()], ["a"])
    assert list(tmp_path.iterdir()) == []


def test_images_that_are_not_uint8_are_refused_before_anything_is_written(tmp_path):
    images = [np.zeros((60, 60), np.uint8), np.zeros((60, 60), np.float32)]
    with pytest.raises(DataError, match="b: its image has the type float32; expected uint8"):
        preannotate.write_folder(tmp_path / "new", images, [disc()] * 2, ["a", "b"], overwrite=True)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("shape", [(60, 60, 5), (60, 60, 0), (60, 60, 3, 1)])
def test_images_of_other_channels_are_refused_before_anything_is_written(tmp_path, shape):
    images = [np.zeros((60, 60), np.uint8), np.zeros(shape, np.uint8)]
    with pytest.raises(DataError, match=r"b: its image is \(60, 60, .*; expected .* 1 to 4 channels"):
        preannotate.write_folder(tmp_path / "new", images, [disc()] * 2, ["a", "b"], overwrite=True)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_images_of_one_to_four_channels_are_written_as_they_are(tmp_path, channels):
    image = np.random.default_rng(0).integers(0, 255, (60, 60, channels), np.uint8)
    preannotate.write_folder(tmp_path, [image], [disc()], ["a"])
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")).reshape(image.shape), image)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"tolerence": 1}, TypeError),
        ({"tolerance": None}, ConfigurationError),
        ({"tolerance": -0.5}, ConfigurationError),
        ({"tolerance": float("nan")}, ConfigurationError),
        ({"label": None}, ConfigurationError),
        ({"label": "nerve\udcfc"}, ConfigurationError),
    ],
)
def test_options_that_are_none_are_refused_before_anything_is_written(tmp_path, options, error):
    with pytest.raises(error, match=next(iter(options))):
        preannotate.write_folder(tmp_path / "new", [np.zeros((60, 60), np.uint8)], [disc()], ["a"], **options)
    assert not (tmp_path / "new").exists()


def test_name_that_is_no_unicode_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds a name that is no Unicode"):
        preannotate.write(tmp_path / "a.json", {"nerve": disc()}, "a\udcfc.png")


@QUIET
@given(st.lists(st.tuples(st.floats(-5, 70), st.floats(-5, 70)), max_size=6))
def test_lines_and_single_points_enclose_nothing(points):
    line = [(3 * t, 2 * t + 1) for t, _ in points]
    assert not shapes.encloses(line) and not shapes.encloses(points[:1])
    with np.errstate(all="raise"):
        assert not shapes.encloses([(0, 0), (0, 0), (1e-200, 0)])
