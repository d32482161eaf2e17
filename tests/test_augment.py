"""The joint warp against NumPy and scipy, its alignment, and the changes of grey values. Runs on every backend."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import ndimage

from nervekit import supervision
from nervekit.augment import ULTRASOUND, inverse_affine, transform, warp
from nervekit.errors import ConfigurationError, DataError

SIZE = (40, 48)
GEOMETRY = {
    "flip": {"flip": 0.5, "flip_vertical": 0.5},
    "rotation": {"rotation": 40.0},
    "zoom": {"zoom": (0.6, 1.6)},
    "aspect": {"aspect": (0.6, 1.6)},
    "shear": {"shear": 20.0},
    "shift": {"shift": 0.2},
    "elastic": {"elastic": 0.03},
    "all": {"flip": 0.5, "rotation": 30.0, "zoom": (0.7, 1.3), "shear": 10.0, "shift": (0.1, 0.2), "elastic": 0.02},
}


def smooth(n, size=SIZE, sigma=4):
    noise = np.random.default_rng(0).normal(size=(n, *size))
    return np.stack([ndimage.gaussian_filter(image, sigma) for image in noise])


@pytest.fixture(scope="module")
def batch():
    """Grey blobs as uint8 images (8, 40, 48, 1), and as masks what is brighter than the middle."""
    values = smooth(8)
    images = np.clip(128 + 90 * values / values.std(), 0, 255).astype("uint8")
    return images[..., None], images > 128


def changed(images, masks, seed=0, **options):
    return [ops.convert_to_numpy(tensor) for tensor in transform(images, masks, seed, **options)]


def affine(images, masks, angle=0.0, shear=0.0, stretch=(1.0, 1.0), shift=(0.0, 0.0), **options):
    column = [ops.full((len(images),), value, dtype="float32") for value in (angle, shear, *stretch, *shift)]
    matrices = inverse_affine(*column[:2], column[2:4], column[4:])
    return [ops.convert_to_numpy(t) for t in warp(ops.array(images), ops.array(masks), matrices, **options)]


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_the_defaults_change_nothing_to_the_bit(batch, dtype):
    images, masks = batch[0].astype(dtype), batch[1]
    new_images, new_masks = changed(images, masks)
    assert new_images.dtype == images.dtype and new_masks.dtype == bool
    assert np.array_equal(new_images, images) and np.array_equal(new_masks, masks)


def test_the_identity_warp_changes_nothing_to_the_bit(batch):
    images, masks = affine(*batch)
    assert np.array_equal(images, batch[0]) and np.array_equal(masks, batch[1])


@pytest.mark.parametrize("options, axes", [({"flip": 1.0}, 2), ({"flip_vertical": 1.0}, 1),
                                           ({"flip": 1.0, "flip_vertical": 1.0}, (1, 2))])  # fmt: skip
def test_mirrors_are_numpys_flips(batch, options, axes):
    images, masks = changed(*batch, **options)
    assert np.array_equal(images, np.flip(batch[0], axes)) and np.array_equal(masks, np.flip(batch[1], axes))


def test_the_share_that_is_not_changed_stays_as_it_is_to_the_bit(batch):
    images, masks = (np.repeat(one, 50, axis=0) for one in batch)
    some, theirs = changed(images, masks, **ULTRASOUND, share=0.3)
    all_of_them, their_masks = changed(images, masks, **ULTRASOUND)
    new = (some != images).any(axis=(1, 2, 3))
    assert 0.2 < new.mean() < 0.4
    assert np.array_equal(some[new], all_of_them[new]) and np.array_equal(theirs[new], their_masks[new])
    assert np.array_equal(some[~new], images[~new]) and np.array_equal(theirs[~new], masks[~new])
    none, unmoved = changed(images, masks, **ULTRASOUND, share=0.0)
    assert np.array_equal(none, images) and np.array_equal(unmoved, masks)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns_are_numpys_rot90(batch, turns):
    images, masks = batch[0][:, :, 4:44], batch[1][:, :, 4:44]
    new_images, new_masks = changed(images, masks, rotation=(90 * turns, 90 * turns))
    assert np.array_equal(new_images, np.rot90(images, turns, axes=(1, 2)))
    assert np.array_equal(new_masks, np.rot90(masks, turns, axes=(1, 2)))


@pytest.mark.parametrize("rows, columns", [(3, 0), (0, -5), (-7, 4)])
def test_whole_pixel_shifts_move_image_and_mask_exactly(batch, rows, columns):
    images, masks = affine(*batch, shift=(rows, columns), fill="constant")
    for new, old in ((images[..., 0], batch[0][..., 0]), (masks, batch[1])):
        expected = np.stack([ndimage.shift(picture, (rows, columns), order=0) for picture in old])
        assert np.array_equal(new, expected)


@pytest.mark.parametrize("fill", ["nearest", "constant"])
@pytest.mark.parametrize(
    "angle, shear, stretch, shift",
    [
        (0, 15, (1, 1), (0, 0)),
        (0, 0, (1.31, 1.31), (0, 0)),
        (0, 0, (0.7, 1.2), (0, 0)),
        (25, 0, (1, 1), (0, 0)),
        (-35, 10, (0.8, -1.1), (3.3, -4.6)),
    ],
)
def test_affine_maps_are_scipys(batch, angle, shear, stretch, shift, fill):
    images = batch[0].astype("float32")
    turn = np.deg2rad(angle)
    forward = (
        np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        @ np.array([[1, 0], [np.tan(np.deg2rad(shear)), 1]])
        @ np.diag(stretch)
    )
    inverse, centre = np.linalg.inv(forward), (np.array(SIZE) - 1) / 2
    offset = centre - inverse @ (centre + shift)
    ours, our_masks = affine(images, batch[1], turn, np.deg2rad(shear), stretch, shift, fill=fill)
    for i in range(len(images)):
        theirs = ndimage.affine_transform(images[i, ..., 0], inverse, offset, order=1, mode=fill)
        known = ndimage.affine_transform(np.ones(SIZE), inverse, offset, order=0) > 0
        edge = ndimage.binary_dilation(~known, iterations=2) if fill == "constant" else np.zeros(SIZE, bool)
        assert np.abs(ours[i, ..., 0] - theirs)[~edge].max() < 0.02
        their_mask = ndimage.affine_transform(batch[1][i].astype("uint8"), inverse, offset, order=0, mode=fill) > 0
        assert (our_masks[i] != their_mask)[~edge].mean() < 0.002


@pytest.mark.parametrize("options", list(GEOMETRY.values()), ids=list(GEOMETRY))
@pytest.mark.parametrize("fill", ["nearest", "constant"])
def test_a_binary_picture_and_its_mask_move_alike(batch, options, fill):
    masks = batch[1]
    images, new_masks = changed((masks[..., None] * 255).astype("uint8"), masks, fill=fill, **options)
    pictured = images[..., 0] >= 128
    grown = [ndimage.binary_dilation(mask, np.ones((3, 3))) for mask in new_masks]
    shrunk = [ndimage.binary_erosion(mask, np.ones((3, 3)), border_value=1) for mask in new_masks]
    assert not (pictured & ~np.array(grown)).any() and not (np.array(shrunk) & ~pictured).any()
    assert pictured.sum() == pytest.approx(new_masks.sum(), rel=0.01)
    assert not np.array_equal(new_masks, masks)
    if "flip" in options and len(options) == 2:
        assert np.array_equal(pictured, new_masks)


@pytest.mark.parametrize("axis", [0, 1], ids=["rows", "columns"])
@pytest.mark.parametrize("options", [*GEOMETRY.values(), {"elastic": ULTRASOUND["elastic"]}], ids=[*GEOMETRY, "usual elastic"])
@pytest.mark.parametrize("fill", ["nearest", "constant"])
def test_a_label_is_that_of_the_pixel_nearest_to_where_the_image_was_sampled(axis, options, fill):
    """Pixels hold their own place, from 1 since 0 fills: a linear sample then says where it lies, and a label must round it."""
    labels = np.broadcast_to(np.indices(SIZE, "int32")[axis] + 1, (8, *SIZE))
    images, found = changed(labels[..., None].astype("float32"), labels, fill=fill, **options)
    places = images[..., 0]
    tie = np.abs(places % 1 - 0.5) < 1e-3  # rounding may go either way
    assert np.array_equal(found[~tie], np.floor(places + 0.5)[~tie]) and tie.mean() < 0.2


def test_masks_gain_no_new_label(batch):
    labels = (batch[1] * 7 + 2).astype("int32")
    _, with_axis = changed(batch[0], labels[..., None], **GEOMETRY["all"])
    _, without = changed(batch[0], labels, **GEOMETRY["all"])
    assert set(np.unique(with_axis)) == {2, 9}
    assert np.array_equal(with_axis[..., 0], without)


@pytest.mark.parametrize("axis, name", list(enumerate(["rows", "columns"])))
def test_shifts_are_uniform_up_to_their_share(axis, name):
    n, share, half = 400, 0.25, (SIZE[axis] - 1) / 2
    picture = np.broadcast_to(np.indices(SIZE, "float32")[axis] - half, (n, *SIZE))[..., None]
    shift = (share, 0.0) if name == "rows" else (0.0, share)
    images, _ = changed(picture, np.zeros((n, *SIZE), bool), shift=shift)
    moved = -images[:, SIZE[0] // 2, SIZE[1] // 2, 0] + 0.5
    reach = share * SIZE[axis]
    assert np.abs(moved).max() <= reach + 1e-3
    assert moved.mean() == pytest.approx(0, abs=4 * reach / np.sqrt(3 * n))
    assert moved.std() == pytest.approx(reach / np.sqrt(3), rel=0.1)


def test_elastic_displacements_have_the_spread_asked_for_at_every_pixel():
    n, strength = 600, 0.02
    places = np.indices(SIZE, "float32").transpose(1, 2, 0)
    images, _ = changed(np.broadcast_to(places, (n, *SIZE, 2)), np.zeros((n, *SIZE), bool), elastic=strength)
    moved = (images - places)[:, 6:-6, 6:-6]
    expected = strength * min(SIZE)
    assert np.abs(moved.mean(axis=0)).max() < 5 * expected / np.sqrt(n)
    assert moved.std(axis=0) == pytest.approx(np.full(moved.shape[1:], expected), rel=0.2)
    assert moved.std() == pytest.approx(expected, rel=0.03)


def test_every_image_changes_in_its_own_way(batch):
    same = np.repeat(batch[0][:1], 8, axis=0)
    images, _ = changed(same, batch[1], rotation=30.0, noise=0.1)
    assert len({image.tobytes() for image in images}) == 8


def test_an_int_seed_repeats_and_a_generator_moves_on(batch):
    options = GEOMETRY["all"] | {"noise": 0.05, "contrast": (0.8, 1.2)}
    first, again, other = (changed(*batch, seed=seed, **options) for seed in (1, 1, 2))
    assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])
    generator = keras.random.SeedGenerator(3)
    assert not np.array_equal(*(changed(*batch, seed=generator, **options)[0] for _ in range(2)))


def test_it_runs_inside_a_graph_and_draws_anew_at_each_call(batch):
    class Augmented(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.seed = keras.random.SeedGenerator(0)

        def call(self, images):
            return transform(images, images[..., 0] > 128, self.seed, **ULTRASOUND)[0]

    inputs = keras.Input((*SIZE, 1), dtype="uint8")
    model = keras.Model(inputs, keras.layers.Rescaling(1 / 255)(Augmented()(inputs)))
    once, twice = (model.predict(batch[0], batch_size=3, verbose=0) for _ in range(2))
    assert once.shape == (8, *SIZE, 1) and not np.array_equal(once, twice)


def grey(images, seed=0, **options):
    return changed(images, np.zeros(images.shape[:3], bool), seed, **options)[0]


@pytest.mark.parametrize(
    "options",
    [{"gamma": (0.5, 2.0)}, {"brightness": 0.2}, {"contrast": (0.5, 1.5)}, {"noise": 0.1}, {"blur": 2.0},
     {"low_resolution": 3.0}],
    ids=lambda options: next(iter(options)),
)  # fmt: skip
def test_grey_values_change_and_masks_do_not(batch, options):
    images, masks = changed(*batch, **options)
    assert images.dtype == np.uint8 and not np.array_equal(images, batch[0])
    assert np.array_equal(masks, batch[1])


def test_gamma_contrast_and_brightness_are_their_formulas():
    images = np.random.default_rng(0).uniform(0.3, 0.7, (2, 6, 6, 1)).astype("float32")
    mean = images.mean(axis=(1, 2, 3), keepdims=True)
    assert grey(images, gamma=(2.0, 2.0)) == pytest.approx(images**2, rel=1e-5)
    assert grey(images, contrast=(1.5, 1.5)) == pytest.approx(mean + 1.5 * (images - mean), rel=1e-5)
    added = grey(images, brightness=0.2) - images
    assert np.ptp(added, axis=(1, 2, 3)) == pytest.approx([0, 0], abs=1e-6)
    assert (np.abs(added) <= 0.2).all() and added[0, 0, 0, 0] != added[1, 0, 0, 0]


def test_noise_has_up_to_the_standard_deviation_asked_for():
    images = np.full((300, 30, 30, 1), 0.5, "float32")
    spread = grey(images, noise=0.1).std(axis=(1, 2, 3))
    assert spread.min() < 0.01 and 0.09 < spread.max() < 0.11
    assert spread.mean() == pytest.approx(0.05, rel=0.1)


def test_blur_is_gaussian_and_keeps_a_flat_picture():
    point = np.zeros((200, 41, 41, 1), "float32")
    point[:, 20, 20] = 1.0
    blurred = grey(point, blur=3.0)[..., 0]
    offsets = np.arange(41) - 20
    sigma = np.sqrt((blurred * offsets**2).sum(axis=(1, 2)) / blurred.sum(axis=(1, 2)))
    assert blurred.sum(axis=(1, 2)) == pytest.approx(1, rel=1e-3)
    assert 2.7 < sigma.max() < 3.05
    widest = sigma.argmax()
    expected = ndimage.gaussian_filter(point[0, ..., 0], sigma[widest], truncate=6)
    assert blurred[widest] == pytest.approx(expected, abs=2e-4)
    flat = np.full((2, 10, 12, 3), 77, "uint8")
    assert np.array_equal(grey(flat, blur=3.0, low_resolution=4.0), flat)


def test_low_resolution_removes_detail_and_keeps_the_place():
    fine = np.tile([0.0, 1.0], (64, 64, 32))[..., None].astype("float32")
    coarse = np.broadcast_to(smooth(1, (64, 64), 8)[..., None], (64, 64, 64, 1)).astype("float32")
    coarse = (coarse - coarse.min()) / np.ptp(coarse)
    changes = [np.abs(grey(picture, low_resolution=4.0) - picture).mean() for picture in (fine, coarse)]
    assert changes[0] > 0.2 and changes[1] < 0.05
    assert (grey(coarse, low_resolution=4.0) - coarse).mean() == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("axis", [0, 1], ids=["rows", "columns"])
def test_low_resolution_leaves_a_ramp_where_it_is(axis):
    """The pixel nearest to a sample lies up to half a pixel beside it, now on one side and now on the other."""
    places = np.indices((64, 64), "float32")[axis]
    ramps = np.broadcast_to(places / 63, (200, 64, 64))[..., None]
    off = (63 * grey(ramps, low_resolution=4.0)[..., 0] - places)[:, 6:-6, 6:-6]
    assert np.abs(off).max() < 0.55 and abs(off.mean()) < 0.05


def test_trainings_with_neighbouring_seeds_change_images_otherwise_in_every_step(batch):
    """On PyTorch Keras adds the number of the draw to the seed."""
    image = keras.Input((*SIZE, 1))
    network = keras.Model(image, keras.layers.Conv2D(1, 1, kernel_initializer="ones")(image))
    network.compile("sgd", "mse")
    seen = []
    for seed in range(3):
        model = supervision.augmenting(network, {"noise": 0.2}, seed)
        seen += [ops.convert_to_numpy(model(batch, training=True)[0]).tobytes() for _ in range(3)]
    assert len(set(seen)) == 9


def test_results_stay_in_the_value_range(batch):
    images = grey(batch[0].astype("float32"), value_range=(0, 255), contrast=(3, 3), noise=0.5)
    assert images.min() == 0 and images.max() == 255


@pytest.mark.parametrize(
    "options, message",
    [
        ({"zoom": 1.2}, "zoom"),
        ({"zoom": (1.2, 0.8)}, "zoom"),
        ({"aspect": (0, 1)}, "aspect"),
        ({"rotation": (10, -10)}, "rotation"),
        ({"flip": 2}, "flip=2.*probability"),
        ({"share": 1.5}, "share=1.5.*probability"),
        ({"elastic": -0.1}, "elastic"),
        ({"shift": (-0.1, 0.1)}, "shift"),
        ({"fill": "reflect"}, "reflect"),
        ({"gamma": (1.5, 0.5)}, "gamma"),
        ({"blur": -1.0}, "blur"),
        ({"low_resolution": 0.5}, "low_resolution"),
        ({"shift": (0.1,)}, r"shift=\(0.1,\): expected a share"),
        ({"shift": np.array([0.1, 0.1])}, "shift=array.*expected a share"),
        ({"rotation": (10,)}, r"rotation=\(10,\): expected degrees"),
        ({"rotation": "20"}, "rotation='20': expected degrees"),
        ({"shear": None}, "shear=None: expected degrees"),
        ({"zoom": ("a", 2)}, "zoom=.*expected .low, high."),
        ({"flip": "yes"}, "flip='yes': expected a probability"),
        ({"elastic": float("nan")}, "elastic=nan: expected a number"),
        ({"gamma": ("a", "b")}, "gamma=.*expected .low, high."),
        ({"gamma": np.array([0.7, 1.5])}, "gamma=array.*expected .low, high."),
        ({"noise": "0.1"}, "noise='0.1': expected a number"),
        ({"brightness": None}, "brightness=None: expected a number"),
        ({"noise": 0.1, "value_range": (0, 0)}, r"value_range=\(0, 0\): expected .black, white., black below white"),
        ({"noise": 0.1, "value_range": (255, 0)}, "value_range=.*black below white"),
        ({"noise": 0.1, "value_range": 255}, "value_range=255: expected .black, white."),
    ],
)
def test_strengths_out_of_range_are_refused(batch, options, message):
    with pytest.raises(ConfigurationError, match=message):
        transform(*batch, 0, **options)


def test_shapes_that_do_not_fit_are_refused(batch):
    with pytest.raises(DataError, match="masks have the shape"):
        transform(batch[0], batch[1][:, :-1], 0)
    with pytest.raises(DataError, match="images have the shape"):
        transform(batch[0][..., 0], batch[1], 0)
    for count in (4, 1):
        with pytest.raises(DataError, match=rf"masks have the shape \({count}, 40, 48\), images \(8, 40, 48, 1\)"):
            transform(batch[0], batch[1][:count], 0)
