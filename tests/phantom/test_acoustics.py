"""The pictures obey the textbook: Rayleigh speckle, beam width, attenuation, posterior enhancement, compression."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from nervekit.phantom import Probe, acoustics

RAYLEIGH_RATIO = np.sqrt(np.pi / (4 - np.pi))  # mean over standard deviation, 1.913
QUIET = Probe(noise=-200.0, time_gain=0.0)


def uniform(shape=(400, 400), spacing=(0.1, 0.1), probe=QUIET, density=1.0, attenuation=0.0):
    return {
        "echogenicity": np.zeros(shape, np.float32),
        "density": np.full(shape, density, np.float32),
        "reflector": np.zeros(shape, np.float32),
        "attenuation": np.full(shape, attenuation, np.float32),
        "spacing": spacing,
        "probe": probe,
        "speckle": {"subject": [1, 2, 3], "frame": [1, 2, 3, 4], "share": 0.4, "shift": (0, 0)},
    }


def level(envelope):
    """Mean power of each depth in dB."""
    return 10 * np.log10(np.mean(envelope.astype(float) ** 2, axis=1))


def test_fully_developed_speckle_has_a_rayleigh_envelope():
    envelope = acoustics.render(uniform(spacing=(0.3, 0.6)))["envelope"]
    assert envelope.mean() / envelope.std() == pytest.approx(RAYLEIGH_RATIO, abs=0.03)
    far_apart = envelope[::4, ::4].ravel()
    distance = stats.kstest(far_apart, stats.rayleigh(scale=np.sqrt(np.mean(far_apart**2) / 2)).cdf).statistic
    assert distance < 0.02


def test_few_scatterers_make_speckle_more_variable():
    envelope = acoustics.render(uniform(density=0.02))["envelope"]
    assert envelope.mean() / envelope.std() < 1.6


def test_few_scatterers_send_back_the_same_power():
    dense, sparse = (acoustics.render(uniform(density=density))["envelope"] for density in (1.0, 0.1))
    assert np.mean(sparse**2) == pytest.approx(np.mean(dense**2), rel=0.05)


def test_four_looks_double_the_ratio_of_mean_to_spread():
    envelope = acoustics.render(uniform(probe=replace(QUIET, looks=4)))["envelope"]
    assert envelope.mean() / envelope.std() == pytest.approx(2 * RAYLEIGH_RATIO, rel=0.05)


@pytest.mark.parametrize("depth", [6.0, 20.0, 36.0])
def test_correlation_across_scan_lines_is_that_of_the_beam(depth):
    probe = replace(QUIET, f_number=3.0, focus=6.0, depth_of_field=10.0)
    signal = acoustics.render(uniform((400, 2000), (0.1, 0.1), probe))["signal"]
    rows = signal[int(depth / 0.1) - 15 : int(depth / 0.1) + 15]
    lag = 5
    measured = np.abs(np.mean(rows[:, lag:] * rows[:, :-lag].conj())) / np.mean(np.abs(rows) ** 2)
    width_at_focus = 1.54 / 10 * 3.0 / 2.355
    width = width_at_focus * np.hypot(1, (depth - 6.0) / 10.0)
    assert measured == pytest.approx(np.exp(-((lag * 0.1) ** 2) / (4 * width**2)), abs=0.06)


def test_speckle_grows_wider_but_not_taller_with_depth():
    signal = acoustics.render(uniform((400, 1000), probe=replace(QUIET, focus=5.0)))["signal"]

    def correlation(rows, axis):
        one, other = (rows[3:], rows[:-3]) if axis == 0 else (rows[:, 3:], rows[:, :-3])
        return np.abs(np.mean(one * other.conj())) / np.mean(np.abs(rows) ** 2)

    near, far = signal[30:80], signal[320:370]
    assert correlation(far, 1) > correlation(near, 1) + 0.2
    assert correlation(far, 0) == pytest.approx(correlation(near, 0), abs=0.1)


def test_point_spread_keeps_the_power_at_every_depth():
    power = level(acoustics.render(uniform((400, 2000)))["envelope"]).reshape(4, 100).mean(1)
    np.testing.assert_allclose(power, 0, atol=0.3)


def test_echoes_fade_by_twice_attenuation_times_frequency():
    scene = uniform((400, 1000), attenuation=0.5, probe=replace(QUIET, frequency=8.0))
    slope = np.polyfit(np.arange(400) * 0.01, level(acoustics.render(scene)["envelope"]), 1)[0]  # dB a centimetre
    assert slope == pytest.approx(-2 * 0.5 * 8.0, rel=0.02)


def test_time_gain_of_the_same_slope_cancels_attenuation():
    scene = uniform((400, 1000), attenuation=0.5, probe=replace(QUIET, time_gain=0.5))
    slope = np.polyfit(np.arange(400) * 0.01, level(acoustics.render(scene)["envelope"]), 1)[0]
    assert abs(slope) < 0.3


def test_tissue_behind_blood_is_brighter_by_what_blood_spared():
    scene = uniform((300, 1200), attenuation=0.6)
    scene["attenuation"][100:170, :600] = 0.1  # seven millimetres of blood
    behind = acoustics.render(scene)["envelope"][200:260]
    gain = 20 * np.log10(np.sqrt(np.mean(behind[:, :580] ** 2) / np.mean(behind[:, 620:] ** 2)))
    assert gain == pytest.approx(2 * 10 * (0.6 - 0.1) * 0.7, abs=0.5)


def test_noise_of_the_electronics_is_amplified_with_depth():
    scene = uniform((400, 1000), probe=Probe(noise=-30.0, time_gain=0.5))
    scene["echogenicity"] -= 200
    power = level(acoustics.render(scene)["envelope"])
    assert np.polyfit(np.arange(400) * 0.01, power, 1)[0] == pytest.approx(2 * 0.5 * 10, rel=0.03)


def test_log_compression_spreads_the_dynamic_range_over_the_greys():
    levels = np.arange(-60, 1)
    greys = acoustics.log_compress(10 ** (levels / 20), dynamic_range=60.0)
    np.testing.assert_allclose(greys, (levels + 60) * 255 / 60, atol=0.51)
    assert acoustics.log_compress(np.array([0.0, 1e-4, 10.0]), 60.0).tolist() == [0, 0, 255]


def test_grey_map_darkens_the_middle_and_keeps_the_ends():
    amplitude = 10 ** (np.array([-60, -30, 0]) / 20)
    assert acoustics.log_compress(amplitude, 60.0, curve=2.0).tolist() == [0, 64, 255]


def test_smooth_interfaces_reflect_without_speckle():
    scene = uniform((200, 600))
    scene["reflector"][100] = 50.0
    row = acoustics.render(scene)["envelope"][100]
    assert row.mean() / row.std() > 20
