"""Measurements beside shapes whose area, perimeter and axes are known in closed form."""

import numpy as np
import pytest
from scipy.special import ellipe

from nervekit import geometry
from nervekit.errors import ConfigurationError

ROWS, COLUMNS = np.mgrid[:200, :260]
TURNED = np.deg2rad([0, 17, 45, 63, 90, 140])


def along(angle, centre=(99.7, 130.4)):
    down, right = ROWS - centre[0], COLUMNS - centre[1]
    return right * np.cos(angle) + down * np.sin(angle), down * np.cos(angle) - right * np.sin(angle)


def ellipse(long, short, angle):
    """Mask, area, perimeter, ratio of axes of an ellipse of these half-axes."""
    one, other = along(angle)
    perimeter = 4 * long * ellipe(1 - (short / long) ** 2)
    return (one / long) ** 2 + (other / short) ** 2 <= 1, np.pi * long * short, perimeter, long / short


def rectangle(long, short, angle):
    one, other = along(angle)
    return (abs(one) <= long) & (abs(other) <= short), 4 * long * short, 4 * (long + short), long / short


@pytest.mark.parametrize("draw", [ellipse, rectangle])
@pytest.mark.parametrize("ratio", [1, 2, 3])
@pytest.mark.parametrize(
    ("diameter", "limits"),
    [(20, (0.055, 0.04, 0.085, 0.06)), (40, (0.025, 0.025, 0.035, 0.02)), (80, (0.015, 0.015, 0.025, 0.01))],
)
def test_errors_stay_below_what_the_docstring_says(draw, ratio, diameter, limits):
    for angle in TURNED:
        mask, area, perimeter, axes = draw(diameter / 2 * ratio**0.5, diameter / 2 / ratio**0.5, angle)
        found = geometry.measure(mask)
        pairs = (
            (found.area, area),
            (found.perimeter, perimeter),
            (found.circularity, 4 * np.pi * area / perimeter**2),
            (found.flattening_ratio, axes),
        )
        errors = [abs(value / true - 1) for value, true in pairs]
        assert all(error <= limit for error, limit in zip(errors, limits)), (np.rad2deg(angle), errors)


def test_large_disc_is_measured_within_two_percent_by_all():
    mask, area, perimeter, _ = ellipse(80, 80, 0)
    found = geometry.measure(mask)
    assert found.area == pytest.approx(area, rel=0.002) and found.perimeter == pytest.approx(perimeter, rel=0.015)
    assert found.circularity == pytest.approx(1, abs=0.03) and found.flattening_ratio == pytest.approx(1, abs=0.01)


def test_upright_rectangle_is_exact_in_width_height_area_and_axes():
    mask = np.zeros((50, 90), bool)
    mask[10:30, 5:65] = True
    found = geometry.measure(mask)
    assert (found.area, found.width, found.height, found.unit) == (1200, 60, 20, "pixel")
    assert found.flattening_ratio == pytest.approx(3, abs=1e-9)


def test_spacing_gives_millimetres_in_both_directions():
    mask, *_ = ellipse(40, 40, 0)
    squeezed = geometry.measure(mask, spacing=(0.05, 0.1))
    assert squeezed.unit == "mm"
    assert squeezed.area == pytest.approx(np.pi * 4 * 2, rel=0.005)
    assert squeezed.perimeter == pytest.approx(4 * 4 * ellipe(0.75), rel=0.015)
    assert squeezed.width == pytest.approx(8, abs=0.11) and squeezed.height == pytest.approx(4, abs=0.06)
    assert squeezed.flattening_ratio == pytest.approx(2, abs=0.01)


def test_flattening_ratio_does_not_depend_on_the_direction():
    ratios = [geometry.measure(ellipse(45, 15, angle)[0]).flattening_ratio for angle in TURNED]
    assert np.ptp(ratios) < 0.05


def test_bifid_nerve_has_two_parts_and_the_perimeter_of_both():
    mask = ((COLUMNS - 70) ** 2 + (ROWS - 100) ** 2 <= 400) | ((COLUMNS - 150) ** 2 + (ROWS - 100) ** 2 <= 400)
    found = geometry.measure(mask)
    assert found.parts == 2 and found.perimeter == pytest.approx(2 * 2 * np.pi * 20, rel=0.02)
    assert found.width == 121 and found.circularity < 0.6


def test_hole_lessens_the_area_but_not_the_perimeter():
    mask, *_ = ellipse(40, 40, 0)
    hollow = mask & ~ellipse(10, 10, 0)[0]
    assert geometry.measure(hollow).perimeter == geometry.measure(mask).perimeter
    assert geometry.measure(hollow).area == pytest.approx(np.pi * 1500, rel=0.01)


def test_empty_mask_has_no_area_and_no_shape():
    found = geometry.measure(np.zeros((5, 5)))
    assert found.area == 0 and found.parts == 0
    assert np.isnan([found.perimeter, found.circularity, found.flattening_ratio, found.width, found.height]).all()


def test_one_pixel_is_measured():
    mask = np.zeros((5, 5))
    mask[2, 2] = 1
    found = geometry.measure(mask, (0.1, 0.2))
    assert found.area == pytest.approx(0.02) and found.width == 0.2 and found.flattening_ratio == pytest.approx(2)


def test_outline_lies_around_the_mask_to_be_drawn():
    mask, *_ = ellipse(40, 20, 0.5)
    (line,) = geometry.outline(mask)
    assert np.array_equal(line[0], line[-1])
    assert np.allclose(line.mean(axis=0), (99.7, 130.4), atol=0.5)


@pytest.mark.parametrize("spacing", [(0, 1), (1,), "mm", (1, float("nan")), (-1, 1), 3])
def test_spacing_that_is_none_is_refused(spacing):
    with pytest.raises(ConfigurationError, match="spacing="):
        geometry.measure(np.ones((3, 3)), spacing)


def test_stack_of_masks_is_refused():
    with pytest.raises(ConfigurationError, match=r"shape \(2, 3, 3\)"):
        geometry.measure(np.ones((2, 3, 3)))
