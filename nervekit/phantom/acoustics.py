"""Ultrasound as physics in a few lines: scatterers, point-spread function, attenuation, envelope, compression.

Depth runs down the rows and the scan lines are the columns. Lengths are millimetres, levels decibels.

References
----------
Burckhardt 1978, "Speckle in ultrasound B-mode scans", IEEE Trans. Sonics Ultrason. 25(1).
Wagner, Smith, Sandrik & Lopez 1983, "Statistics of speckle in ultrasound B-scans", same journal 30(3).
Meunier & Bertrand 1995, "Ultrasonic texture motion analysis: theory and simulation", IEEE Trans. Med.
Imaging 14(2): an image as a convolution of scatterers with a point-spread function.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import fft, ndimage

from nervekit.errors import ConfigurationError

SOUND_SPEED = 1.54  # mm per microsecond, soft tissue


@dataclass(frozen=True)
class Probe:
    """A linear probe and the knobs of its scanner.

    ``cycles`` counts those of ``frequency`` within half the height of the pulse's power; its amplitude is the square
    root of two wider. ``dynamic_range`` is what the picture shows from black to white. ``f_number`` is depth over
    aperture at the focus, ``depth_of_field`` the distance from the focus at which the beam is the square root of two
    wider. ``gain`` lifts the whole picture, ``time_gain`` is the attenuation the scanner expects, ``noise`` the level
    of its electronics at the skin, ``curve`` the grey map (see :func:`log_compress`). ``looks`` pictures from
    different angles are averaged (spatial compounding), which halves the variance of speckle at two.
    """

    frequency: float = 10.0  # MHz
    cycles: float = 1.6
    f_number: float = 2.5
    focus: float = 6.0  # mm
    depth_of_field: float = 10.0  # mm
    gain: float = 0.0  # dB
    time_gain: float = 0.55  # dB / (cm MHz)
    noise: float = -55.0  # dB
    dynamic_range: float = 60.0  # dB
    curve: float = 1.0
    looks: int = 1

    @property
    def wavelength(self):
        """Millimetres; 0.154 at 10 MHz."""
        return SOUND_SPEED / self.frequency

    @property
    def pulse_width(self):
        """Standard deviation of the pulse envelope along depth, in millimetres (two-way travel halves it)."""
        return self.cycles * self.wavelength / 2 / 2.355 * 1.4

    def beam_width(self, depth):
        """Standard deviation of the beam across scan lines at each depth (millimetres): it grows off focus."""
        at_focus = self.wavelength * self.f_number / 2.355
        return at_focus * np.sqrt(1 + ((np.asarray(depth) - self.focus) / self.depth_of_field) ** 2)


def decibels(level):
    """Amplitude, float32, of a level in dB."""
    return np.exp(np.asarray(level, np.float32) * np.float32(np.log(10) / 20))


def complex_noise(shape, rng):
    """Circular complex Gaussian numbers of mean square one, complex64: many echoes of random phase, summed."""
    parts = rng.standard_normal((*shape, 2), dtype=np.float32)
    parts *= np.float32(np.sqrt(0.5))
    return parts.view(np.complex64)[..., 0]


def draw_scatterers(echogenicity, density, rng, shift=(0, 0)):
    """Amplitudes of random scatterers whose mean power is the echogenicity, whatever their density.

    Multiplied by :func:`complex_noise`, one random phase and strength a scatterer, they are what the probe sees.

    Parameters
    ----------
    echogenicity : (H, W) array
        Mean backscattered power in dB.
    density : (H, W) array
        Chance that a grid sample holds a scatterer at all, 0 to 1. At one, a resolution cell holds many
        scatterers and speckle is fully developed (Burckhardt 1978); far below one single echoes stand out.
    rng : numpy.random.Generator
    shift : pair of int
        Rows and columns by which the scatterers moved since they were drawn.

    Returns
    -------
    (H, W) float32 array

    Examples
    --------
    >>> drawn = draw_scatterers(np.full((200, 200), 20.0), np.full((200, 200), 0.5), np.random.default_rng(0))
    >>> round(10 * np.log10(np.mean(drawn**2)))
    20
    """
    density = np.maximum(np.asarray(density, np.float32), np.float32(1e-3))
    kept = np.roll(rng.random(density.shape, dtype=np.float32), shift, axis=(0, 1)) < density
    return decibels(echogenicity) * kept / np.sqrt(density)


def pulse_spread(field, spacing, probe):
    """Blur (H, W) complex numbers along depth as the pulse does, keeping their power."""
    pulse = max(probe.pulse_width / spacing[0], 0.6)
    reach = int(np.ceil(3 * pulse))
    kernel = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * pulse**2))
    kernel = (kernel / np.sqrt(np.sum(kernel**2))).astype(np.float32)
    parts = np.ascontiguousarray(field, np.complex64).view(np.float32)
    return ndimage.convolve1d(parts, kernel, axis=0, mode="reflect").view(np.complex64)


def point_spread(scatterers, spacing, probe):
    """Blur scatterers as the pulse (along depth) and the beam (across scan lines, wider off focus) do.

    The kernels keep the power of independent scatterers, so echogenicity stays comparable over depth.

    Parameters
    ----------
    scatterers : (H, W) complex array
    spacing : (row, column) distance of samples in millimetres
    probe : Probe

    Returns
    -------
    (H, W) complex64 array, the demodulated radio-frequency signal.
    """
    height, width = scatterers.shape
    field = pulse_spread(scatterers, spacing, probe)
    padded = fft.next_fast_len(width + 16)
    margin = (padded - width) // 2
    field = np.pad(field, ((0, 0), (margin, padded - width - margin)), mode="reflect")
    transfer = _beam_transfer(height, padded, spacing, probe)
    field = fft.ifft(fft.fft(field, axis=1) * transfer, axis=1, overwrite_x=True)
    return field[:, margin : margin + width]


@lru_cache(maxsize=4)
def _beam_transfer(height, width, spacing, probe):
    """What each lateral frequency keeps at each depth: the transform of a Gaussian beam of unit power."""
    beam = probe.beam_width((np.arange(height) + 0.5) * spacing[0])[:, None] / spacing[1]
    frequency = 2 * np.pi * np.fft.fftfreq(width)[None, :]
    return np.float32(np.sqrt(2 * beam * np.sqrt(np.pi)) * np.exp(-0.5 * (frequency * beam) ** 2))


def attenuation_loss(attenuation, spacing, probe):
    """Decibels lost on the way to each sample and back, the sum of what lies above it on its scan line.

    ``attenuation`` is (H, W) in dB/(cm MHz); blood takes little, so tissue behind a vessel looks brighter
    (posterior enhancement), and bone takes much, so a shadow lies behind it.

    Examples
    --------
    >>> loss = attenuation_loss(np.full((101, 1), 0.5), (0.1, 0.1), Probe(frequency=10.0))
    >>> round(float(loss[100, 0]), 2)
    10.05
    """
    per_sample = np.asarray(attenuation, np.float32) * np.float32(2 * probe.frequency * spacing[0] / 10)
    return np.cumsum(per_sample, axis=0) - per_sample / 2


def time_gain(height, spacing, probe):
    """Decibels of amplification at each of ``height`` depths (time-gain compensation): it expects one tissue."""
    depth = (np.arange(height) + 0.5) * spacing[0]
    return 2 * probe.frequency * probe.time_gain * depth / 10


def envelope(field):
    """Magnitude of the complex signal; Rayleigh distributed in fully developed speckle (Wagner et al. 1983)."""
    return np.abs(field)


def log_compress(amplitude, dynamic_range=60.0, gain=0.0, curve=1.0):
    """Map 20 log10(amplitude) + gain, from -dynamic_range to 0 dB, to 0..255 (uint8); what is beyond is clipped.

    ``curve`` is the scanner's grey map: brightness, 0 to 1, is raised to this power, so that weak echoes stay dark.

    Examples
    --------
    >>> log_compress(np.array([1.0, 10 ** -1.5, 10 ** -3.0]), dynamic_range=60.0).tolist()
    [255, 128, 0]
    """
    level = np.log(np.maximum(amplitude, np.float32(1e-9))) * np.float32(20 / np.log(10)) + np.float32(gain)
    brightness = np.clip(1 + level / np.float32(dynamic_range), 0, 1) ** np.float32(curve)
    return np.rint(255 * brightness).astype(np.uint8)


def render(scene):
    """Picture a scene, and keep every stage on the way.

    Parameters
    ----------
    scene : dict
        As :func:`nervekit.phantom.scene` returns: ``echogenicity``, ``density``, ``reflector`` (coherent echo of
        smooth interfaces, linear amplitude), ``attenuation``, ``spacing``, ``probe`` and ``speckle``
        (the seeds ``subject`` and ``frame`` of the scatterers that the subject's frames share and of this frame's own, the
        ``share`` of their power that is shared, and the ``shift`` in rows and columns of the shared ones).

    Returns
    -------
    dict
        ``scatterers`` and ``signal`` (complex64, first look), ``gain`` (dB on each sample: time gain less
        attenuation), ``envelope`` (float32, mean of the looks) and ``image`` (uint8), each (H, W).

    Raises
    ------
    ConfigurationError
        The scene is a CT slice, which no ultrasound pictures, or lacks a map.

    Notes
    -----
    Scatterers much smaller than the wavelength send back echoes of random phase (``scatterers``). The probe cannot
    tell those apart that share a pulse and a beam: it sums them, some amplify and some cancel, and what remains is
    speckle, a pattern of the probe as much as of the tissue (``signal``). Depth weakens echoes and time gain lifts
    them again, with the noise (``gain``). The magnitude (``envelope``) spans too many decades for a screen, so its
    logarithm is shown (``image``).
    """
    needed = ("echogenicity", "density", "reflector", "attenuation", "spacing", "probe", "speckle")
    lacking = [name for name in needed if name not in scene]
    if lacking:
        advice = "Give what nervekit.phantom.scene returns."
        if "hounsfield" in scene:
            advice = "It is a CT slice: nervekit.phantom.ircadb.scan(scene) gives it in Hounsfield units, noise included."
        raise ConfigurationError(f"scene: lacks {', '.join(lacking)}, so ultrasound cannot picture it. {advice}")
    probe, spacing, speckle = scene["probe"], scene["spacing"], scene["speckle"]
    shape = scene["echogenicity"].shape
    of_subject = np.random.default_rng(speckle["subject"])
    of_frame = np.random.default_rng(speckle["frame"])
    amplified = time_gain(shape[0], spacing, probe)[:, None].astype(np.float32)
    gain = amplified - attenuation_loss(scene["attenuation"], spacing, probe)
    loudness, hiss = decibels(gain), decibels(amplified + probe.noise)
    strength = draw_scatterers(scene["echogenicity"], scene["density"], of_subject, speckle["shift"])
    shared = np.roll(complex_noise(shape, of_subject), speckle["shift"], axis=(0, 1))
    own = complex_noise(shape, of_frame)
    phases = np.float32(np.sqrt(speckle["share"])) * shared + np.float32(np.sqrt(1 - speckle["share"])) * own
    electronics = pulse_spread(own[::-1, ::-1], spacing, probe)
    stages = {}
    total = np.zeros(shape, np.float32)
    for look in range(probe.looks):
        far = (look * shape[0] // probe.looks, look * shape[1] // probe.looks)
        scatterers = strength * np.roll(phases, far, axis=(0, 1)) + scene["reflector"]
        signal = point_spread(scatterers, spacing, probe) * loudness
        signal += np.roll(electronics, far, axis=(0, 1)) * hiss
        stages.setdefault("scatterers", scatterers)
        stages.setdefault("signal", signal)
        total += envelope(signal)
    total /= probe.looks
    stages |= {"gain": gain, "envelope": total}
    stages["image"] = log_compress(total, probe.dynamic_range, probe.gain, probe.curve)
    return stages
