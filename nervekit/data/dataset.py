"""One shape for every set: images, masks, and where each of them comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from nervekit.errors import ConfigurationError, DataError

KINDS = {"real": "real", "phantom": "simulated"}
PARTS = ("train", "development", "test")


def positions(name: str, values: Sequence[int] | np.ndarray, count: int) -> np.ndarray:
    """Return positions of images as integers, from such or from `count` booleans.

    Raises
    ------
    nervekit.errors.ConfigurationError
        If they are neither, or not all from 0 to ``count - 1``; `name` says of what.

    Examples
    --------
    >>> positions("train", [True, False, True], 3).tolist()
    [0, 2]
    """
    values = np.asarray(values)
    if values.dtype == bool and values.shape == (count,):
        return np.flatnonzero(values)
    if values.shape == (0,):  # of an empty list, which NumPy takes for numbers with a point
        return values.astype(int)
    if values.ndim != 1 or values.dtype.kind not in "iu" or values.min() < 0 or values.max() >= count:
        raise ConfigurationError(
            f"{name}: holds {values.dtype} values of the shape {values.shape}; expected positions from 0 to {count - 1}, "
            f"or {count} booleans."
        )
    return values


@dataclass(frozen=True)
class SegmentationDataset:
    """Images with one binary mask each, ordered by id.

    Parameters
    ----------
    key : str
        Name of the set, such as ``"femoral"``.
    images : (N, H, W, C) uint8 array, or a list of (H, W, C) arrays of native sizes
        Grey values 0..255; C is 1 (grey) or 3 (RGB).
    masks : (N, H, W) bool array, or a list of (H, W) arrays
        True inside the structure.
    ids : (N,) str array
        Name of each image in its set.
    groups : (N,) str array
        Patient, subject or session of each image: images of one group must not be split.
    parts : (N,) str array or None
        ``"train"``, ``"development"`` or ``"test"`` of the published split, where there is one.
    spacing : (N, 2) float array or None
        Millimetres a pixel, vertical and horizontal, where known.
    source : {"real", "phantom"}
        Public images, or simulated ones.
    citation : str
        What to cite.
    provenance : mapping
        Whether the data is ``"real"`` or ``"simulated"``, where the files were read, the fingerprint of those that were
        used, how groups were found.

    Examples
    --------
    >>> images = np.zeros((2, 8, 8, 1), np.uint8)
    >>> dataset = SegmentationDataset("own", images, images[..., 0] > 0, np.array(["a", "b"]), np.array(["p", "q"]))
    >>> dataset.describe()
    '2 real images of own (2 groups), 8x8, grey'
    """

    key: str
    images: np.ndarray | Sequence[np.ndarray]
    masks: np.ndarray | Sequence[np.ndarray]
    ids: np.ndarray
    groups: np.ndarray
    parts: np.ndarray | None = None
    spacing: np.ndarray | None = None
    source: str = "real"
    citation: str = ""
    provenance: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        counts = {"masks": len(self.masks), "ids": len(self.ids), "groups": len(self.groups)}
        for name in ("parts", "spacing"):
            if getattr(self, name) is not None:
                counts[name] = len(getattr(self, name))
        for name, count in counts.items():
            if count != len(self.images):
                raise DataError(
                    f"{self.key}: {len(self.images)} images but {count} {name}; expected one each."
                )
        for index, (image, mask) in enumerate(zip(self.images, self.masks)):
            if image.shape[:2] != mask.shape:
                raise DataError(
                    f"{self.key} {self.ids[index]}: its image is {image.shape[:2]}, its mask {mask.shape} (height, width); "
                    "expected one size. Resize both alike, the mask to the nearest pixel."
                )

    def __len__(self) -> int:
        return len(self.images)

    def subset(self, indices: Sequence[int] | np.ndarray) -> SegmentationDataset:
        """Return the dataset of these positions (integers from 0, or a boolean of length N), in this order.

        Raises
        ------
        nervekit.errors.ConfigurationError
            If they are something else, or not of this dataset.
        """
        indices = positions("indices", indices, len(self))

        def pick(values):
            if values is None or isinstance(values, np.ndarray):
                return values if values is None else values[indices]
            return [values[index] for index in indices]

        names = ("images", "masks", "ids", "groups", "parts", "spacing")
        return replace(self, **{name: pick(getattr(self, name)) for name in names})

    def part(self, name: str) -> SegmentationDataset:
        """Return one part of the published split.

        Raises
        ------
        nervekit.errors.ConfigurationError
            If the set has no published split, or `name` is none of its parts.
        """
        if self.parts is None:
            raise ConfigurationError(
                f"{self.key}: has no published split. Use nervekit.data.splits.group_kfold."
            )
        if name not in PARTS:
            raise ConfigurationError(f"part {name!r}: expected one of {', '.join(PARTS)}.")
        return self.subset(self.parts == name)

    def describe(self) -> str:
        """Say in one line what this is: how many images, real or simulated, of how many groups, which size."""
        group = self.provenance.get("group", "group")
        sizes = {image.shape[:2] for image in self.images}
        size = "{}x{}".format(*next(iter(sizes))) if len(sizes) == 1 else f"{len(sizes)} sizes"
        colour = "RGB" if len(self) and self.images[0].shape[-1] == 3 else "grey"
        count = len(set(self.groups.tolist()))
        plural = "" if count == 1 else "s"
        kind = KINDS.get(self.source, self.source)
        return f"{len(self)} {kind} images of {self.key} ({count} {group}{plural}), {size}, {colour}"
