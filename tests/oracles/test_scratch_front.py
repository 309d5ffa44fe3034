"""Geometry of gaps that can be worked out by hand, or that others have measured."""

from __future__ import annotations

import csv
import math

import cv2
import numpy as np
import pytest

from lamella.vision.front import fit_axis, measure_shape

# Tilt and width that the acceptance asks for: 0.5 degree and 1 %.
TILT_DEG, WIDTH = 0.5, 0.01


def stripe(tilt_deg: float, *, width: float = 200.0, offset: float = 30.0) -> np.ndarray:
    """A straight gap at a tilt from the vertical, across a field of 900 x 1100 px."""
    y, x = np.mgrid[0:900, 0:1100]
    angle = math.radians(tilt_deg)
    across = (x - 549.5) * math.cos(angle) - (y - 449.5) * math.sin(angle)
    return np.abs(across - offset) < width / 2


def disc(radius: float) -> np.ndarray:
    y, x = np.mgrid[0:900, 0:1100]
    return np.hypot(x - 500, y - 400) < radius


@pytest.mark.parametrize("tilt", [0, 1, 7, 20, 44, 50, 70, 90, -3, -20, -70])
def test_a_tilted_scratch_keeps_its_width_and_shows_its_tilt(tilt):
    gap = stripe(tilt)
    axis = fit_axis(gap)
    shape = measure_shape(gap, axis=axis)
    assert not axis.round
    assert axis.tilt_deg == pytest.approx(tilt, abs=TILT_DEG)
    assert shape.width_median_px == pytest.approx(200, rel=WIDTH)
    # Straight edges: what is left is the grid of pixels, at most one of them.
    assert shape.roughness_px < 1.1
    assert shape.open_lines == 1.0


@pytest.mark.parametrize("tilt", [0, 7, 20, -20, 70, 90])
def test_the_mean_width_is_the_area_over_the_length(tilt):
    shape = measure_shape(stripe(tilt))
    assert shape.width_mean_px == pytest.approx(200, rel=WIDTH)


@pytest.mark.parametrize("radius", [40, 50, 200, 350])
def test_a_round_gap_has_no_axis_but_a_diameter(radius):
    gap = disc(radius)
    axis, shape = fit_axis(gap), measure_shape(gap)
    assert axis.round
    assert shape.width_mean_px == pytest.approx(2 * radius, rel=WIDTH)
    # Smoothing by 6 px shortens the outline of a disc of 40 px by 6^2 / (2 40^2) = 1.1 %.
    assert shape.perimeter_px == pytest.approx(2 * math.pi * radius, rel=0.02)


def test_the_border_of_the_picture_is_no_front():
    # By hand: two fronts of 900 px; the gap ends at the upper and lower border.
    assert measure_shape(stripe(0)).perimeter_px == pytest.approx(1800, rel=1e-4)


def test_the_border_of_a_round_field_of_view_is_no_front():
    valid = disc(380)
    shape = measure_shape(stripe(0, offset=-50.0), valid=valid)
    # By hand: chords at 0 +- 100 px from the centre of a disc of radius 380.
    assert shape.perimeter_px == pytest.approx(2 * 2 * math.sqrt(380**2 - 100**2), rel=0.03)
    assert shape.fraction == pytest.approx(0.332, abs=0.005)


def test_several_gaps_are_counted_and_their_widths_added():
    gap = np.zeros((400, 600), bool)
    gap[:, 100:130] = gap[:, 300:340] = True
    shape = measure_shape(gap)
    assert (shape.count, shape.width_median_px, shape.area_px) == (2, 70.0, 400 * 70.0)


def test_specks_are_not_counted_as_gaps():
    gap = np.zeros((400, 600), bool)
    gap[:, 100:130] = True
    gap[10:14, 500:504] = True  # 16 px: less than 0.1 % of the field
    assert measure_shape(gap).count == 1


def test_lines_that_have_closed_count_as_zero_width():
    start = np.zeros((100, 200), bool)
    start[:, 80:120] = True
    later = start.copy()
    later[50:, :] = False
    shape = measure_shape(later, axis=fit_axis(start))
    assert shape.open_lines == 0.5
    assert shape.width_mean_px == 20.0
    # By hand: half of the lines 40, half 0; SD = 20 sqrt(100 / 99).
    assert shape.width_sd_px == pytest.approx(20 * math.sqrt(100 / 99))


def test_a_closed_field_has_no_width_and_no_front():
    start = np.zeros((100, 200), bool)
    start[:, 80:120] = True
    shape = measure_shape(np.zeros_like(start), axis=fit_axis(start))
    assert (shape.area_px, shape.count, shape.width_mean_px, shape.open_lines) == (0, 0, 0, 0)
    assert shape.left_px is None


def test_each_front_is_followed_by_itself():
    start, later = np.zeros((100, 200), bool), np.zeros((100, 200), bool)
    start[:, 80:120], later[:, 90:118] = True, True
    axis = fit_axis(start)
    first, second = measure_shape(start, axis=axis), measure_shape(later, axis=axis)
    assert second.left_px - first.left_px == pytest.approx(10)
    assert first.right_px - second.right_px == pytest.approx(2)


def test_reference_masks_have_their_published_widths(shared_data):
    root = shared_data("wound")
    with (root / "images.csv").open(encoding="utf-8") as lines:
        table = [row for row in csv.DictReader(lines) if row["mask"] and row["width_mean_px"]]
    checked = 0
    for row in table:
        if row["source"] == "pc3" or float(row["open_line_fraction"]) < 1:
            continue  # there the reference reads rows of the picture that lie outside the wound
        gap = cv2.imread(str(root / row["mask"]), cv2.IMREAD_GRAYSCALE) > 0
        shape = measure_shape(gap)
        # The reference reads along pixel rows: a tilt of 3 degrees makes widths 0.2 % larger,
        # and other lines enter the SD.
        mean = float(row["width_mean_px"])
        assert shape.width_mean_px == pytest.approx(mean, rel=0.005), row["id"]
        assert shape.width_median_px == pytest.approx(
            float(row["width_median_px"]), abs=0.01 * mean + 3
        ), row["id"]
        assert shape.width_sd_px == pytest.approx(float(row["width_sd_px"]), abs=0.012 * mean)
        assert shape.count == int(row["n_gaps"]), row["id"]
        checked += 1
    assert checked >= 12
