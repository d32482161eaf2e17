"""Random textures of tissue: smooth noise, and what thresholds and level lines of it look like."""

from dataclasses import dataclass

import numpy as np
from scipy import fft


def smooth_noise(rng, shape, length):
    """Periodic Gaussian noise of mean 0 and standard deviation 1, correlated over ``length`` samples an axis.

    Examples
    --------
    >>> noise = smooth_noise(np.random.default_rng(0), (64, 64), (2, 8))
    >>> noise.shape, round(float(noise.std()), 3)
    ((64, 64), 1.0)
    """
    spectrum = fft.rfft2(rng.standard_normal(shape, dtype=np.float32))
    rows = np.exp(-0.5 * (2 * np.pi * length[0] * np.fft.fftfreq(shape[0])) ** 2)
    columns = np.exp(-0.5 * (2 * np.pi * length[1] * np.fft.rfftfreq(shape[1])) ** 2)
    spectrum *= np.outer(rows, columns).astype(np.float32)
    spectrum[0, 0] = 0
    noise = fft.irfft2(spectrum, s=shape)
    return noise / noise.std()


@dataclass(frozen=True)
class Texture:
    """A tile of noise; blends of it with itself from far away are neighbouring slices through the same tissue."""

    tile: np.ndarray
    spacing: tuple  # mm a sample, across and along the layer

    @classmethod
    def draw(cls, rng, length, shape=(256, 256), spacing=(0.06, 0.16)):
        """A new tile, its sides powers of two, correlated over ``length`` = (across, along) millimetres."""
        samples = [wanted / step for wanted, step in zip(length, spacing, strict=True)]
        return cls(smooth_noise(rng, shape, samples), spacing)

    def at(self, across, along, phase=0.0):
        """Noise at millimetre coordinates (broadcast together), ``phase`` radians out of the first slice."""
        rows, columns = self.tile.shape
        far = np.roll(self.tile, (rows // 2, columns // 2), axis=(0, 1))
        tile = np.float32(np.cos(phase)) * self.tile + np.float32(np.sin(phase)) * far
        row = np.floor(across * np.float32(1 / self.spacing[0])).astype(np.int32) & (rows - 1)
        column = np.floor(along * np.float32(1 / self.spacing[1])).astype(np.int32) & (columns - 1)
        return tile.ravel().take(row * columns + column)


def septa(noise, width):
    """Thin wavy sheets, 0 to 1: the level lines of smooth noise, as connective tissue lies between fat lobules."""
    return np.exp(-0.5 * (noise / width) ** 2)


def specks(noise, level, softness=0.3):
    """Short bright fibres, 0 to 1: where noise is above a level."""
    return np.clip((noise - level) / softness, 0, 1)
