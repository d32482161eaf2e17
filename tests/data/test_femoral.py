"""The femoral reader, on a tiny set of its layout and on the real one."""

import csv

import numpy as np
import pytest
from PIL import Image

from nervekit import data
from nervekit.data import femoral, files
from nervekit.errors import DataError


def read(folder, **options):
    with files.open_source(folder) as source:
        return femoral.read(source, **options)


def save_mask(path, values, first=(0, 0, 0), second=(128, 0, 0)):
    picture = Image.fromarray(np.asarray(values, np.uint8))
    picture.putpalette([*first, *second] + [0] * 762)
    picture.save(path)


def test_images_are_ordered_by_number_not_by_name(tiny):
    assert read(tiny, size=(32, 48))["ids"].tolist() == [str(number) for number in range(1, 13)]


def test_resized_arrays_have_the_shape_that_was_asked_for(tiny):
    arrays = read(tiny, size=(32, 48), channels=3)
    assert arrays["images"].shape == (12, 32, 48, 3) and arrays["images"].dtype == np.uint8
    assert arrays["masks"].shape == (12, 32, 48) and arrays["masks"].dtype == bool


def test_native_masks_are_the_palette_index(tiny):
    arrays = read(tiny, size=None)
    assert [mask.sum() for mask in arrays["masks"]] == [10 * (10 + number) for number in range(1, 13)]
    assert all(image.shape == (*mask.shape, 1) for image, mask in zip(arrays["images"], arrays["masks"]))


def test_a_tenth_of_the_training_folder_is_drawn_for_development_and_the_test_folder_is_the_test_part(tiny):
    parts = read(tiny)["parts"]
    assert np.flatnonzero(parts == "test").tolist() == [1, 10]
    assert (parts == "development").sum() == 1 and (parts == "train").sum() == 9
    assert np.array_equal(parts, read(tiny)["parts"])


def test_development_images_are_drawn_all_over_the_training_folder():
    drawn = np.flatnonzero(femoral.published_parts(["train"] * 500) == "development")
    assert len(drawn) == 50 and drawn.min() < 50 and drawn.max() > 450


def test_groups_are_read_where_they_are_listed(tiny):
    rows = "".join(f"sample_{n},train,patient_{n % 3}\n" for n in range(1, 13))
    (tiny / "groups.csv").write_text("sample,split,group\n" + rows)
    assert read(tiny)["groups"].tolist() == [f"patient_{n % 3}" for n in range(1, 13)]


def test_missing_mask_is_named(tiny):
    (tiny / "trainset/masks/sample_7.png").unlink()
    with pytest.raises(DataError, match=r"sample_7\.jpg has no partner sample_7 in trainset/masks"):
        read(tiny)


def test_missing_image_is_named(tiny):
    (tiny / "testset/images/sample_2.jpg").unlink()
    with pytest.raises(DataError, match=r"sample_2\.png has no partner sample_2 in testset/images"):
        read(tiny)


def test_mask_of_another_size_is_refused(tiny):
    save_mask(tiny / "trainset/masks/sample_3.png", np.eye(30))
    with pytest.raises(DataError, match=r"sample_3\.png: is 30 x 30 .*sample_3\.jpg is 63 x 43"):
        read(tiny)


def test_truncated_image_is_refused(tiny):
    path = tiny / "trainset/images/sample_4.jpg"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"sample_4\.jpg: cannot be decoded .*truncated"):
        read(tiny)


def test_mask_with_a_third_class_is_refused(tiny):
    values = np.zeros((45, 65))
    values[5:9] = 2
    save_mask(tiny / "trainset/masks/sample_5.png", values)
    with pytest.raises(DataError, match=r"sample_5\.png: is not binary, it holds the values 0, 2"):
        read(tiny)


def test_mask_with_another_palette_is_refused(tiny):
    save_mask(tiny / "trainset/masks/sample_5.png", np.zeros((45, 65)), second=(0, 128, 0))
    with pytest.raises(DataError, match=r"sample_5\.png: has another palette"):
        read(tiny)


def test_grey_mask_is_refused(tiny):
    Image.fromarray(np.zeros((45, 65), np.uint8)).save(tiny / "trainset/masks/sample_5.png")
    with pytest.raises(DataError, match=r"sample_5\.png: has a picture of mode L"):
        read(tiny)


def test_folder_without_images_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no images of the femoral set"):
        read(tmp_path)


def test_image_in_both_parts_is_refused(tiny):
    for old, new in (("images", "images"), ("masks", "masks_real")):
        ending = "jpg" if old == "images" else "png"
        content = (tiny / f"trainset/{old}/sample_1.{ending}").read_bytes()
        (tiny / f"testset/{new}/sample_1.{ending}").write_bytes(content)
    with pytest.raises(DataError, match="sample_1 is in trainset and in testset"):
        read(tiny)


@pytest.fixture(scope="module")
def real(real_set, tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("NERVEKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield data.load("femoral", "real", root=real_set("femoral"))
    patch.undo()


def test_real_set_is_562_images_in_the_published_parts(real):
    assert len(real) == 562 and real.ids[0] == "1" and real.ids[-1] == "562"
    assert [len(real.part(name)) for name in ("train", "development", "test")] == [450, 50, 62]


def test_real_masks_cover_what_the_paper_s_set_covers(real):
    share = real.masks.mean(axis=(1, 2))
    assert 0.008 < share.min() and share.max() < 0.06 and abs(np.median(share) - 0.023) < 0.001


def test_real_sessions_agree_with_an_independent_grouping(real, real_data):
    from sklearn.metrics import adjusted_rand_score

    if not (real_data / "femoral_groups.csv").is_file():
        pytest.skip("the independent grouping is not published with the set")
    with open(real_data / "femoral_groups.csv", encoding="utf-8") as stream:
        groups = {row["sample"].removeprefix("sample_"): row["group"] for row in csv.DictReader(stream)}
    assert adjusted_rand_score([groups[name] for name in real.ids.tolist()], real.groups) > 0.93
    assert 130 <= len(set(real.groups.tolist())) <= 170


def test_real_sessions_are_as_uneven_as_README_says(real):
    """The first of ten folds, in which ingredients are left out; a tenth of the images; 14's development images."""
    from nervekit.data import splits

    inside, outside = splits.group_kfold(real.groups, 10, random_state=0)[0]
    sizes = np.sort(np.unique(real.groups[outside], return_counts=True)[1])
    assert (len(outside), len(sizes), sizes[-5:].sum()) == (56, 15, 41)
    drawn = np.random.default_rng(0).permuted(np.tile(inside, (200, 1)), axis=1)[:, : len(inside) // 10]
    reached = np.mean([len(set(real.groups[tenth].tolist())) for tenth in drawn]) / len(set(real.groups[inside].tolist()))
    assert abs(reached - 0.28) < 0.01
    training, development = (np.flatnonzero(real.parts == name) for name in ("train", "development"))
    four_folds, _ = splits.group_kfold(real.groups[training], 5, random_state=0)[0]
    assert np.isin(real.groups[development], real.groups[training[four_folds]]).sum() == 28


def test_copying_the_nearest_training_mask_scores_as_high_as_the_paper_s_network(real):
    from nervekit.data import splits

    test = np.flatnonzero(real.parts == "test")
    train = np.flatnonzero(real.parts != "test")
    index, _, shift = splits.nearest(real.images[test], real.images[train])
    copied = splits.transfer(real.masks[train], index, shift)
    shared = (copied & real.masks[test]).sum(axis=(1, 2))
    union = (copied | real.masks[test]).sum(axis=(1, 2))
    assert abs(np.median(shared / union) - 0.695) < 0.03
    assert abs(np.mean(shared / union) - 0.626) < 0.02
    assert abs(shared.sum() / union.sum() - 0.583) < 0.03


def test_published_split_of_the_real_set_leaks(real):
    from nervekit.data import splits

    split = splits.published(real)
    report = splits.leakage(real, np.concatenate([split.train, split.development]), split.test)
    assert report.leaks and len(report.shared_images) > 40 and len(report.pairs) > 30
