"""The six augmentation functions of Belahsen & El Manouzi, and the augmented set of their Table II.

The functions do what the authors' code does, which is not always what their names say. Each takes images
(N, H, W, C) of uint8 and masks (N, H, W) of bool, and gives changed copies of both; masks stay binary.
"""

from dataclasses import replace

import numpy as np

TURN = 30.0  # degrees of random_rotate at intensity 1
KINDS = ("original", "turned", "mirrored")


def random_rotate(images, masks, random, intensity=1.0):
    """Turn each pair by a random angle of up to 30 degrees times `intensity`; what comes in is black.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W, C)
    masks : ndarray of bool, shape (N, H, W)
    random : numpy.random.Generator
    intensity : float

    Returns
    -------
    images, masks : ndarrays of the shapes and types given
    """
    angles = random.uniform(-TURN * intensity, TURN * intensity, len(images))
    return _turn(images, masks, angles)


def vertical_flip(images, masks):
    """Turn each pair by 180 degrees: in spite of its name this is no mirroring.

    Examples
    --------
    >>> images = np.arange(4, dtype=np.uint8).reshape(1, 2, 2, 1)
    >>> vertical_flip(images, images[..., 0] > 2)[0][0, ..., 0].tolist()
    [[3, 2], [1, 0]]
    """
    return images[:, ::-1, ::-1].copy(), masks[:, ::-1, ::-1].copy()


def random_flip(images, masks, random):
    """Reverse the order of a random half of the pairs, then mirror another random half top to bottom.

    Their code mirrors "up and down" along the first axis of the stack, and that axis is the number of the image: pairs
    stay whole, only their places change. Its "left and right" is the second axis, the rows.
    """
    source, mirrored = flip_plan(len(images), random)
    return _flip(images, source, mirrored), _flip(masks, source, mirrored)


def random_rotate90(images, masks, random):
    """Turn each pair by 0, 90, 180 or 270 degrees at random; a picture that is not square is cut off and padded black."""
    return _turn(images, masks, 90.0 * random.integers(0, 4, len(images)))


def random_horizontal_flip(images, masks, random):
    """Mirror a random half of the pairs left to right."""
    chosen = _half(len(images), random)
    return _where(images, chosen, images[:, :, ::-1]), _where(masks, chosen, masks[:, :, ::-1])


def vertical_flip_cv2(images, masks):
    """Turn by 180 degrees about half the width and height: the result lies one pixel to the lower right, edged black.

    As published it takes stacks without a channel axis alone, and so none of the authors'.

    Examples
    --------
    >>> images = np.arange(1, 5, dtype=np.uint8).reshape(1, 2, 2, 1)
    >>> vertical_flip_cv2(images, images[..., 0] > 4)[0][0, ..., 0].tolist()
    [[0, 0], [0, 4]]
    """
    turned = []
    for stack in (images, masks):
        moved = np.zeros_like(stack)
        moved[:, 1:, 1:] = stack[:, :0:-1, :0:-1]
        turned.append(moved)
    return tuple(turned)


def flip_plan(n, random):
    """What `random_flip` draws for `n` pairs: where each comes from (N,) int, and which are mirrored (N,) bool."""
    chosen = random.permutation(n)[: n // 2]
    source = np.arange(n)
    source[chosen] = chosen[::-1]
    return source, _half(n, random)


def augmented_set(dataset, seed=0, *, paired=True):
    """The training set of Table II: the originals, then one changed copy of each.

    The copies pass `random_flip` and `vertical_flip`. Half of them end up turned by 180 degrees; the other half, mirrored
    top to bottom and then turned, are mirrored left to right.

    Parameters
    ----------
    dataset : SegmentationDataset
        N images of one size.
    seed : int
    paired : bool
        False draws the flips of images and masks separately, so that most copies get the mask of another image. The
        published code does not do this; see notebook 05.

    Returns
    -------
    dataset : SegmentationDataset
        2 N images; copies carry the subject of their original, and ``ids`` such as ``"1_2 turned"``.
    origin : ndarray of int, shape (2 N,)
        Position of the original of each image.
    kind : ndarray of str, shape (2 N,)
        ``"original"``, ``"turned"`` or ``"mirrored"``.
    """
    n, random = len(dataset), np.random.default_rng(seed)
    source, mirrored = flip_plan(n, random)
    mask_source, mask_mirrored = (source, mirrored) if paired else flip_plan(n, random)
    images, _ = vertical_flip(_flip(dataset.images, source, mirrored), dataset.masks)
    _, masks = vertical_flip(dataset.images, _flip(dataset.masks, mask_source, mask_mirrored))
    origin = np.concatenate([np.arange(n), source])
    kind = np.concatenate([np.full(n, KINDS[0]), np.where(mirrored, KINDS[2], KINDS[1])])
    ids = np.concatenate([dataset.ids, [f"{dataset.ids[i]} {name}" for i, name in zip(source, kind[n:], strict=True)]])
    both = replace(
        dataset,
        images=np.concatenate([dataset.images, images]),
        masks=np.concatenate([dataset.masks, masks]),
        ids=ids,
        groups=np.asarray(dataset.groups)[origin],
        parts=None,
        spacing=None if dataset.spacing is None else dataset.spacing[origin],
    )
    return both, origin, kind


def tail_split(n, share=0.2):
    """Their split: the first 80 % of a list for training, the rest for validation, nothing shuffled.

    Returns
    -------
    train, validation : ndarrays of int
        Positions.

    Examples
    --------
    >>> [len(part) for part in tail_split(5635)], [len(part) for part in tail_split(2 * 5635)]
    ([4508, 1127], [9016, 2254])
    """
    cut = int(n * (1 - share))
    return np.arange(cut), np.arange(cut, n)


def _half(n, random):
    chosen = np.zeros(n, bool)
    chosen[random.permutation(n)[: n // 2]] = True
    return chosen


def _flip(stack, source, mirrored):
    moved = stack[source]
    return _where(moved, mirrored, moved[:, ::-1])


def _where(stack, chosen, changed):
    return np.where(chosen.reshape((-1, *[1] * (stack.ndim - 1))), changed, stack)


def _turn(images, masks, angles):
    from skimage.transform import rotate

    turned = np.empty_like(images), np.empty_like(masks)
    for place, angle in enumerate(angles):
        # Linear interpolation leaves values just below whole numbers; a hundredth of a grey value brings them back.
        turned[0][place] = rotate(images[place], angle, order=1, mode="constant", preserve_range=True) + 0.01
        turned[1][place] = rotate(masks[place].astype(float), angle, order=1, mode="constant") > 0.5
    return turned
