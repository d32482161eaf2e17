"""Images of your own: paired by name, grouped by a pattern or a list."""

import io
import struct
import tempfile
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nervekit import phantom
from nervekit.data import files, folder
from nervekit.errors import ConfigurationError, DataError, NervekitError


@pytest.fixture
def own(tmp_path):
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
    for name in ("P1 a", "P10 ä", "P2 b"):
        Image.new("RGB", (30, 20), (50, 60, 70)).save(tmp_path / "images" / f"{name}.jpg")
        mask = np.zeros((20, 30), np.uint8)
        mask[5:9, 4:12] = 255
        Image.fromarray(mask).save(tmp_path / "masks" / f"{name}.png")
    return tmp_path


def test_pairs_are_read_in_the_order_of_their_numbers(own):
    dataset = folder.read(own, size=None)
    assert dataset.ids.tolist() == ["P1 a", "P2 b", "P10 ä"]
    assert [int(mask.sum()) for mask in dataset.masks] == [32, 32, 32]
    assert dataset.images[0].shape == (20, 30, 1) and dataset.source == "real"


def test_masks_of_zero_and_one_or_of_three_equal_channels_are_the_same(own):
    path = own / "masks" / "P1 a.png"
    before = folder.read(own).masks[0]
    values = np.asarray(Image.open(path))
    Image.fromarray(values // 255).save(path)
    assert np.array_equal(folder.read(own).masks[0], before)
    Image.fromarray(np.stack([values] * 3, axis=-1)).save(path)
    assert np.array_equal(folder.read(own).masks[0], before)


def test_groups_come_from_a_pattern_or_a_list_or_the_names(own):
    assert folder.read(own, group_pattern=r"^(P\d+)").groups.tolist() == ["P1", "P2", "P10"]
    assert folder.read(own).groups.tolist() == ["P1 a", "P2 b", "P10 ä"]
    (own / "groups.csv").write_text("sample,group\nP1 a,x\nP2 b,x\nP10 ä,y\n", encoding="utf-8")
    assert folder.read(own).groups.tolist() == ["x", "x", "y"]


def test_blanks_around_a_group_do_not_make_another_one(own):
    (own / "groups.csv").write_text("sample,group\nP1 a, x\nP2 b ,x\nP10 ä,y \n", encoding="utf-8")
    assert folder.read(own).groups.tolist() == ["x", "x", "y"]


def stored_upside_down(own):
    """A picture with a bright part, what is saved of it, and the EXIF data that say so."""
    values = np.zeros((20, 30), np.uint8)
    values[5:9, 4:12] = 255
    turned = Image.fromarray(values[::-1, ::-1])
    exif = turned.getexif()
    exif[0x0112] = 3
    turned.save(own / "images" / "P1 a.jpg", exif=exif, quality=95)
    return values, turned, exif


def test_a_picture_is_turned_as_its_camera_says(own):
    stored_upside_down(own)
    dataset = folder.read(own, size=None)
    assert dataset.images[0][dataset.masks[0]].mean() > 200


@pytest.mark.parametrize("kind", ["grey", "palette"])
def test_a_mask_is_turned_as_its_image_is(own, kind):
    values, turned, exif = stored_upside_down(own)
    mask = turned if kind == "grey" else palette(values[::-1, ::-1] // 255, (0, 0, 0), (128, 0, 0))
    mask.save(own / "masks" / "P1 a.png", exif=exif)
    dataset = folder.read(own, size=None)
    assert np.array_equal(dataset.masks[0], values > 0) and dataset.images[0][dataset.masks[0]].mean() > 200


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_a_mask_with_transparency_is_read_only_where_it_cannot_be_misread(own, mode):
    path = own / "masks" / "P1 a.png"
    drawn = Image.open(path).copy()
    Image.merge("LA", [Image.new("L", drawn.size, 255), drawn]).convert(mode).save(path)
    with pytest.raises(DataError, match="P1 a.png: a mask with transparent pixels that are not black"):
        folder.read(own)
    Image.merge("LA", [drawn, drawn]).convert(mode).save(path)
    assert folder.read(own, size=None).masks[0].sum() == 32


def palette(values, *colours):
    picture = Image.fromarray(values)
    picture.putpalette([level for colour in colours for level in colour])
    return picture


def test_a_palette_mask_is_read_by_its_index_unless_that_would_be_inside_out(own):
    path, gif = own / "masks" / "P1 a.png", own / "masks" / "P1 a.gif"
    drawn = Image.open(path).copy()
    index = np.asarray(drawn) // 255
    for colours in (((0, 0, 0), (128, 0, 0)), ((0, 0, 0), (255, 255, 255)), ((9, 9, 9), (9, 9, 9)), ((0, 0, 0),)):
        palette(index, *colours).save(path)
        assert folder.read(own, size=None).masks[0].sum() == 32
    drawn.save(gif)
    path.unlink()
    assert folder.read(own, size=None).masks[0].sum() == 32
    turned = palette(1 - index, (255, 255, 255), (0, 0, 0))  # as programs save it that put the rarer colour first
    all_white = Image.new("RGB", drawn.size, "white")
    for picture in (drawn.convert("RGB"), turned, palette(index, (200, 200, 0), (0, 0, 200)), all_white):
        picture.save(gif)
        with pytest.raises(DataError, match=r"P1 a\.gif: its palette has the brighter colour at index 0.*grey PNG"):
            folder.read(own)


@pytest.mark.parametrize("ending", ["tif", "gif", "webp", "png"])
@pytest.mark.parametrize("part", ["images", "masks"])
def test_a_file_of_several_pictures_is_refused(own, part, ending):
    (own / part / f"P1 a.{'jpg' if part == 'images' else 'png'}").unlink()
    one, other = (Image.new("L", (30, 20), grey) for grey in (0, 255))
    one.save(own / part / f"P1 a.{ending}", save_all=True, append_images=[other, one])
    with pytest.raises(DataError, match=rf"P1 a\.{ending}: holds 3 pictures, and only one can be read"):
        folder.read(own)


def test_a_photograph_with_its_preview_is_one_picture(own):
    one, other = (Image.new("RGB", (30, 20), (grey,) * 3) for grey in (50, 90))
    one.save(own / "images" / "P1 a.jpg", "MPO", save_all=True, append_images=[other])
    assert abs(int(folder.read(own).images[0].mean()) - 50) <= 1


def test_a_tiff_mask_that_stores_white_as_zero_is_refused(own):
    path = own / "masks" / "P1 a.tif"
    Image.open(own / "masks" / "P1 a.png").save(path)
    (own / "masks" / "P1 a.png").unlink()
    assert folder.read(own, size=None).masks[0].sum() == 32
    content, black_as_zero = path.read_bytes(), struct.pack("<HHIHH", 262, 3, 1, 1, 0)
    assert content.count(black_as_zero) == 1
    for tag, value in ((262, 0), (40_000, 1)):  # said, and left unsaid
        path.write_bytes(content.replace(black_as_zero, struct.pack("<HHIHH", tag, 3, 1, value, 0)))
        assert (np.asarray(Image.open(path)) == 0).sum() == 32
        with pytest.raises(DataError, match=r"P1 a\.tif: stores white as 0 .TIFF tag 262.*grey PNG, 0 background"):
            folder.read(own)


def test_a_mask_of_16_bits_is_refused_with_what_to_do(own):
    values = np.asarray(Image.open(own / "masks" / "P1 a.png")).astype(np.uint16) * 257
    Image.fromarray(values).save(own / "masks" / "P1 a.png")
    with pytest.raises(DataError, match=r"holds the values 0, 65535; .*Export it with 8 bits, 0 and 255\.$"):
        folder.read(own)


def png_of_48_bits(values):
    """A PNG of three channels of 16 bits, which Pillow reads and does not write."""
    height, width = values.shape
    rows = np.repeat(values.astype(">u2")[..., None], 3, axis=2).reshape(height, -1).view(np.uint8)
    parts = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0),
        b"IDAT": zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows)),
        b"IEND": b"",
    }
    chunks = (struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts.items())
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("part", ["images", "masks"])
def test_16_bits_a_channel_in_colour_are_refused(own, part):
    """Pillow keeps the upper byte: a mask of 0 and 255 would be empty."""
    (own / "images" / "P1 a.jpg").unlink()
    for folder_of in ("images", "masks"):
        Image.new("L", (30, 20)).save(own / folder_of / "P1 a.png")
    place = own / part / "P1 a.png"
    place.write_bytes(png_of_48_bits(255 * np.eye(20, 30)))
    assert Image.open(place).mode == "RGB"
    with pytest.raises(DataError, match=r"P1 a\.png: has 16 bits a channel.*Export it with 8 bits"):
        folder.read(own)


def test_a_structure_that_vanishes_is_told(own):
    mask = np.zeros((64, 64), np.uint8)
    mask[1:3, 1:3] = 255
    for part in ("images", "masks"):
        Image.fromarray(mask).save(own / part / "P3 small.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert folder.read(own, size=(64, 64)).masks[2].sum() == 4
    with pytest.warns(UserWarning, match=r"P3 small\.png: at 8 x 8 pixels nothing is left of the structure"):
        assert not folder.read(own, size=(8, 8)).masks[2].any()


def test_images_that_nobody_annotated_are_read_as_the_others(own):
    annotated = folder.read(own, size=(16, 24))
    images, names, native = folder.read_images(own / "images", (16, 24))
    assert np.array_equal(images, annotated.images) and names == annotated.ids.tolist()
    assert native == [pixels.shape[:2] for pixels in folder.read(own, size=None).images]
    Image.new("L", (30, 20)).save(own / "beside.png")
    with pytest.raises(DataError, match=r"pictures lie in subfolders such as images"):
        folder.read_images(own)
    (own / "empty").mkdir()
    with pytest.raises(DataError, match="no pictures in it"):
        folder.read_images(own / "empty")


@pytest.mark.parametrize("kind", ["grey", "16 bits", "palette"])
def test_a_label_map_is_called_one_with_what_to_do(own, kind):
    values = np.zeros((20, 30), np.uint16 if kind == "16 bits" else np.uint8)
    values[5:9] = 2
    if kind == "palette":
        made = palette(values, (0, 0, 0), (128, 0, 0), (0, 128, 0))
    else:
        values[12:14] = 1
        made = Image.fromarray(values)
    made.save(own / "masks" / "P1 a.png")
    with pytest.raises(DataError, match=r"label map of several structures: write one mask for each, `values == 2`\.$"):
        folder.read(own)


def test_few_values_of_a_lossy_format_or_of_smoothing_are_no_sure_label_map(own):
    Image.new("L", (30, 20), 100).save(own / "masks" / "P1 a.jpg")
    drawn = Image.open(own / "masks" / "P1 a.png").copy()
    (own / "masks" / "P1 a.png").unlink()
    with pytest.raises(DataError, match="expected .* A mask saved as JPEG or resized with smoothing"):
        folder.read(own)
    (own / "masks" / "P1 a.jpg").unlink()
    values = np.asarray(drawn).copy()
    values[5] = 64
    Image.fromarray(values).save(own / "masks" / "P1 a.png")
    with pytest.raises(DataError, match="label map .* Or it was resized with smoothing: export it again"):
        folder.read(own)


def test_fingerprint_is_of_the_files_that_are_used(own):
    (own / "groups.csv").write_text("sample,group\nP1 a,x\nP2 b,x\nP10 ä,y\n", encoding="utf-8")
    first = folder.read(own).provenance
    (own / "clip.mp4").write_bytes(b"beside the images")
    assert folder.read(own).provenance == first and first["groups"] == "groups.csv"
    by_pattern = folder.read(own, group_pattern=r"^(P\d+)").provenance
    (own / "groups.csv").unlink()
    assert folder.read(own, group_pattern=r"^(P\d+)").provenance == by_pattern and by_pattern["groups"] == "pattern"
    alone = folder.read(own).provenance
    assert alone["groups"] == "each image by itself" and alone["fingerprint"] == by_pattern["fingerprint"]
    assert alone["fingerprint"] != first["fingerprint"]
    Image.new("L", (30, 20)).save(own / "masks" / "P1 a.png")
    assert folder.read(own).provenance["fingerprint"] != alone["fingerprint"]


def test_linked_folders_are_entered_but_no_folder_twice(own, tmp_path_factory):
    linked = tmp_path_factory.mktemp("linked")
    for part in ("images", "masks"):
        (linked / part).symlink_to(own / part)
    names = folder.read(own).ids.tolist()
    (own / "images" / "back").symlink_to(linked)
    dataset = folder.read(linked)
    assert dataset.ids.tolist() == names and dataset.source == "real"
    with files.open_source(linked) as source:
        assert len(source.sizes) == 6


def test_link_that_leads_nowhere_is_named_where_its_file_is_needed(own):
    (own / "clip.mp4").symlink_to("nowhere")
    (own / "images" / ".#P1 a.jpg").symlink_to("somebody edits this")
    assert len(folder.read(own)) == 3
    for path in (own / "images" / "P1 a.jpg", own / "masks" / "P1 a.png"):
        path.unlink()
        path.symlink_to("../.git/annex/objects/not fetched")
    with pytest.raises(DataError, match=r"images/P1 a\.jpg: is a link that leads nowhere\. Fetch .*git annex get.*dvc pull"):
        folder.read(own)


def test_list_of_groups_that_is_a_link_to_nowhere_is_not_passed_over(own):
    (own / "groups.csv").symlink_to("not fetched")
    with pytest.raises(DataError, match=r"groups\.csv: is a link that leads nowhere"):
        folder.read(own)


@pytest.mark.parametrize("of", ["folders", "files"])
def test_links_into_a_simulated_set_are_simulated(own, tmp_path_factory, of):
    linked = tmp_path_factory.mktemp("linked")
    for part in ("images", "masks"):
        if of == "folders":
            (linked / part).symlink_to(own / part)
            continue
        (linked / part).mkdir()
        for path in (own / part).iterdir():
            (linked / part / path.name).symlink_to(path)
    assert folder.read(linked).source == "real"
    (own / "SIMULATED.json").touch()
    assert folder.read(linked).source == "phantom"


def test_archive_with_backslashes_in_its_names_is_read(own, tmp_path_factory):
    archive = tmp_path_factory.mktemp("windows") / "study.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for path in own.rglob("*"):
            name = "study\\" + str(path.relative_to(own)).replace("/", "\\")
            opened.writestr(f"{name}\\" if path.is_dir() else name, b"" if path.is_dir() else path.read_bytes())
    assert np.array_equal(folder.read(archive).masks, folder.read(own).masks)


def test_folder_that_says_so_holds_simulated_images(own):
    (own / "SIMULATED.json").touch()
    assert folder.read(own).describe().startswith("3 simulated images of own")


def test_part_of_a_simulated_set_is_simulated_wherever_the_folder_is_named(tmp_path, monkeypatch):
    made = phantom.export("femoral", tmp_path / "set", subjects=1)
    (tmp_path / "elsewhere").symlink_to(made / "trainset")
    monkeypatch.chdir(made / "trainset")
    for path in (made / "trainset", tmp_path / "elsewhere", ".", "../trainset"):
        dataset = folder.read(path)
        assert dataset.source == "phantom" and dataset.provenance["data"] == "simulated"
    (made / "SIMULATED.json").unlink()
    assert folder.read(".").provenance["data"] == "real"


@pytest.mark.parametrize("pattern", [r"^(Q\d+)", r"^P\d+", "(", r"^(P1)?", r"^(Q?)", "(a{99999999999999})", 5, b"(P)"])
def test_pattern_that_names_no_group_is_refused(own, pattern):
    with pytest.raises(ConfigurationError, match="group_pattern"):
        folder.read(own, group_pattern=pattern)


@pytest.mark.parametrize("ending", ["bmp", "tif", "tga", "pgm", "webp", "gif", "JPEG"])
def test_images_of_any_format_of_pillow_are_read(own, ending):
    picture = Image.open(own / "images" / "P2 b.jpg").convert("L")
    (own / "images" / "P2 b.jpg").unlink()
    picture.save(own / "images" / f"P2 b.{ending}")
    assert abs(int(folder.read(own, size=None).images[1].mean()) - 59) <= 1


def test_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="no pictures in images/"):
        folder.read(tmp_path)


@pytest.mark.parametrize(("part", "other"), [("images", "frames"), ("masks", "labels")])
def test_a_folder_of_another_name_is_asked_for(own, part, other):
    (own / part).rename(own / other)
    with pytest.raises(DataError, match=rf"no pictures in {part}/\. .* another name, give it as {part}=\.$"):
        folder.read(own)
    assert len(folder.read(own, **{part: other})) == 3


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("part", ["images", "masks"])
def test_pictures_in_subfolders_are_refused_with_how_to_put_them(own, tmp_path_factory, part, packed):
    (own / part / ".ipynb_checkpoints").mkdir()
    (own / part / "P07" / "left").mkdir(parents=True)
    for name in (".ipynb_checkpoints/a.png", "P07/notes.txt"):
        (own / part / name).write_bytes(b"")
    assert len(folder.read(own)) == 3
    Image.new("L", (30, 20)).save(own / part / "P07" / "left" / "a.PNG")
    place = own
    if packed:
        place = tmp_path_factory.mktemp("packed") / "own.zip"
        with zipfile.ZipFile(place, "w") as opened:
            for path in own.rglob("*"):
                opened.write(path, path.relative_to(own).as_posix())
    text = rf"subfolders such as {part}/P07/left, which are not read.*names such as P07_left_a\.PNG, and give group_pattern"
    with pytest.raises(DataError, match=text):
        folder.read(place)
    for path in (own / part).iterdir():
        if path.is_file():
            path.unlink()
    with pytest.raises(DataError, match=text):
        folder.read(own)


def test_masks_may_lie_in_a_folder_inside_that_of_the_images(own):
    (own / "masks").rename(own / "images" / "masks")
    assert len(folder.read(own, masks="images/masks")) == 3


def test_folder_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        folder.read(tmp_path / "nowhere")


def test_missing_mask_is_named(own):
    (own / "masks" / "P2 b.png").unlink()
    with pytest.raises(DataError, match=r"images/P2 b\.jpg has no partner P2 b\.\* in masks/"):
        folder.read(own)


def test_a_pair_of_two_names_is_to_be_renamed(own):
    (own / "masks" / "P2 b.png").rename(own / "masks" / "P2 b_mask.png")
    with pytest.raises(DataError, match=r"shares its name but for the ending: rename one \(such as a_mask\.png to a\.png\)"):
        folder.read(own)
    (own / "masks" / "P2 b_mask.png").rename(own / "masks" / "P2 b.png")
    assert len(folder.read(own)) == 3


def test_two_images_of_one_name_are_refused(own):
    Image.new("L", (30, 20)).save(own / "images" / "P1 a.png")
    with pytest.raises(DataError, match="have one name"):
        folder.read(own)


def test_two_masks_of_one_name_are_refused(own):
    Image.new("L", (30, 20)).save(own / "masks" / "P1 a.bmp")
    with pytest.raises(DataError, match=r"masks/P1 a\.bmp and masks/P1 a\.png have one name"):
        folder.read(own)


def test_names_that_look_the_same_are_the_same_however_accents_are_stored(own):
    (own / "masks" / "P10 ä.png").rename(own / "masks" / "P10 a\u0308.png")
    assert folder.read(own).ids.tolist() == ["P1 a", "P2 b", "P10 ä"]
    (own / "groups.csv").write_text("sample,group\nP1 a,x\nP2 b,x\nP10 a\u0308,y\n", encoding="utf-8")
    assert folder.read(own).groups.tolist() == ["x", "x", "y"]
    Image.new("L", (30, 20)).save(own / "images" / "P10 a\u0308.png")
    with pytest.raises(DataError, match="have one name"):
        folder.read(own)


def test_name_that_is_no_utf_8_is_read(own):
    try:
        for part, ending in (("images", "jpg"), ("masks", "png")):
            (own / part / f"P2 b.{ending}").rename(own / part / f"P2 \udcfc.{ending}")
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    assert len(folder.read(own)) == 3


def test_what_file_managers_leave_behind_is_passed_over(own, tmp_path_factory):
    (own / ".DS_Store").write_bytes(b"litter")
    (own / "images" / "Thumbs.db").write_bytes(b"litter")
    (own / "images" / "._P1 a.jpg").write_bytes(b"litter")
    with files.open_source(own) as source:
        assert len(source.sizes) == 6
    assert len(folder.read(own)) == 3
    archive = tmp_path_factory.mktemp("name with spaces and ü") / "my study.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for path in own.rglob("*"):
            opened.write(path, f"my study/{path.relative_to(own).as_posix()}")
        opened.writestr("__MACOSX/my study/images/._P1 a.jpg", b"litter")
    assert np.array_equal(folder.read(archive).masks, folder.read(own).masks)


def test_mask_with_grey_values_is_refused(own):
    Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30).astype(np.uint8)).save(
        own / "masks" / "P2 b.png"
    )
    with pytest.raises(DataError, match=r"P2 b\.png: is not binary"):
        folder.read(own)


def test_coloured_mask_is_refused(own):
    Image.new("RGB", (30, 20), (255, 0, 0)).save(own / "masks" / "P2 b.png")
    with pytest.raises(DataError, match=r"P2 b\.png: a mask with colours"):
        folder.read(own)


def test_list_of_groups_without_an_image_is_refused(own):
    (own / "groups.csv").write_text("sample,group\nP1 a,x\nP2 b.jpg,x\n")
    with pytest.raises(DataError, match="groups.csv has no row for P2 b .and 1 more.*without their ending"):
        folder.read(own)


def test_empty_rows_at_the_end_of_a_list_of_groups_are_passed_over(own):
    (own / "groups.csv").write_text("sample,group\nP1 a,x\nP2 b,x\nP10 ä,y\n,\n , \n", encoding="utf-8")
    assert folder.read(own).groups.tolist() == ["x", "x", "y"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("group,sample\nx\n", "line 2 is cut off"),
        ("sample,group\nP1 a,x,y\n", "line 2 has more fields than there are columns"),
        ("sample\nP1 a\n", "has the columns sample; expected sample, group"),
        ("sample,group\nP1 a, \n", "line 2 gives P1 a no group"),
        ("sample,group\nP1 a,x\nP1 a,y\n", "line 3 gives P1 a a second group, 'y'"),
    ],
)
def test_list_of_groups_that_cannot_be_used_is_refused(own, content, text):
    (own / "groups.csv").write_text(content)
    with pytest.raises(DataError, match=f"groups.csv: {text}"):
        folder.read(own)


@pytest.mark.parametrize("size", [(0, 0), (7, 8), (8, 5000), "x", "xy", (8.5, 9), (8,), 8, (8, 8, 8)])
def test_size_that_is_none_is_refused(own, size):
    with pytest.raises(ConfigurationError, match="size=.*: expected"):
        folder.read(own, size)


@pytest.mark.parametrize("size", [(8, 10), [8, 10], np.array([8, 10])])
def test_size_may_be_any_pair(own, size):
    assert folder.read(own, size).images.shape == (3, 8, 10, 1)


@pytest.mark.parametrize("channels", [0, 2, 3.0, None, "3"])
def test_number_of_channels_that_is_none_is_refused(own, channels):
    with pytest.raises(ConfigurationError, match="channels=.*: expected 1 .grey. or 3"):
        folder.read(own, channels=channels)


def picture(mode, size, ending):
    stream = io.BytesIO()
    Image.new(mode, size).save(stream, ending)
    return stream.getvalue()


PICTURES = [
    picture(mode, size, ending)
    for mode, size, ending in (
        ("L", (9, 7), "PNG"),
        ("1", (9, 7), "PNG"),
        ("P", (9, 7), "GIF"),
        ("RGBA", (9, 7), "PNG"),
        ("LA", (9, 7), "PNG"),
        ("I;16", (9, 7), "PNG"),
        ("F", (9, 7), "TIFF"),
        ("CMYK", (9, 7), "JPEG"),
        ("L", (8, 7), "BMP"),
    )
]
contents = st.sampled_from(PICTURES) | st.binary(max_size=80)
contents = contents | st.sampled_from(PICTURES).flatmap(
    lambda whole: st.integers(0, len(whole)).map(lambda end: whole[:end])
)
files_of_one = st.lists(
    st.tuples(st.sampled_from(["images", "masks"]), st.sampled_from([".png", ".tif", ".BMP", ".txt"]), contents),
    min_size=1,
    max_size=3,
) | st.tuples(st.just(("images", ".png", PICTURES[0])), contents.map(lambda content: ("masks", ".png", content)))
stems = st.sampled_from(["a", "a b", "ä", "10", "2", "²", "٣", ".hidden"])


cells = st.sampled_from(["sample", "group", "a", "10", "ä", "x", "", '"']) | st.text(max_size=3)
tables = st.none() | st.binary(max_size=30) | st.lists(st.lists(cells, max_size=3), max_size=4).map(
    lambda rows: [["group", "sample"], *rows[1:]] if len(rows) % 2 else rows
).map(lambda rows: "\n".join(map(",".join, rows)).encode("utf-8", "replace"))
sizes = st.sampled_from([None, (8, 8), (8, 8), (0, 0), "x", (8.5, 9), (8,), [9, 8]])
patterns = st.none() | st.sampled_from(["(.)", "(a)?", "(1|a)", "(", "a", "()", r"(\d+)?"])
patterns = patterns | st.text("ab(|)?.^$[]1", max_size=6)


@settings(max_examples=300)
@given(st.dictionaries(stems, files_of_one, max_size=3), tables, sizes, patterns, st.sampled_from([1, 3, 2, None]))
def test_any_folder_gives_a_dataset_or_an_error_of_ours(written, table, size, pattern, channels):
    with tempfile.TemporaryDirectory() as name:
        for stem, made in written.items():
            for part, ending, content in made:
                (Path(name) / part).mkdir(exist_ok=True)
                (Path(name) / part / f"{stem}{ending}").write_bytes(content)
        if table is not None:
            (Path(name) / "groups.csv").write_bytes(table)
        try:
            dataset = folder.read(name, size, group_pattern=pattern, channels=channels)
            assert len(dataset) > 0 and all(isinstance(group, str) and group for group in dataset.groups.tolist())
        except NervekitError:
            pass
