"""Read-outs of gaps whose size and speed are known by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lamella.assays.scratch import measure_masks
from lamella.errors import MeasurementError


def band(width: int, *, shape: tuple[int, int] = (200, 400)) -> np.ndarray:
    mask = np.zeros(shape, bool)
    start = (shape[1] - width) // 2
    mask[:, start : start + width] = True
    return mask


def disc(radius: float) -> np.ndarray:
    y, x = np.mgrid[0:400, 0:400]
    return np.hypot(x - 199.5, y - 199.5) < radius


def value_of(rows, metric: str, *, frame: int | None = None, field: str = "1"):
    return next(row for row in rows if (row.metric, row.frame, row.field) == (metric, frame, field))


def test_a_straight_gap_closes_at_the_speed_of_its_two_edges():
    # By hand: 100 px of 2 µm close by 10 px an hour, so each edge runs 5 px = 10 µm an hour.
    masks = [band(100 - 10 * hour) for hour in range(9)]
    rows = measure_masks(masks, times_h=list(range(9)), pixel_um=2.0)
    speed = value_of(rows, "edge_speed")
    assert (speed.value, speed.unit) == (pytest.approx(10.0), "µm/h")
    assert value_of(rows, "edge_speed_left").value == pytest.approx(10.0)
    assert value_of(rows, "edge_speed_right").value == pytest.approx(10.0)
    assert value_of(rows, "t50").value == pytest.approx(5.0)
    assert value_of(rows, "gap_area", frame=2).value == pytest.approx(80 * 200 * 4.0)
    assert value_of(rows, "gap_width_mean", frame=2).value == pytest.approx(160.0)
    assert value_of(rows, "closure", frame=2).value == pytest.approx(20.0)
    assert value_of(rows, "lag").value == pytest.approx(0.0, abs=1e-9)


def test_a_round_gap_closes_at_the_speed_of_its_rim():
    # Radius 150 px, 10 px an hour; pixel discs and their outlines agree to 1 %.
    masks = [disc(150 - 10 * hour) for hour in range(6)]
    rows = measure_masks(masks, times_h=list(range(6)), pixel_um=1.0)
    assert value_of(rows, "edge_speed").value == pytest.approx(10.0, rel=0.01)
    assert value_of(rows, "gap_width_mean", frame=0).value == pytest.approx(300.0, rel=0.005)
    outline = value_of(rows, "front_perimeter", frame=0).value
    assert outline == pytest.approx(2 * math.pi * 150, rel=0.01)


def test_without_a_pixel_size_nothing_pretends_to_be_micrometres():
    rows = measure_masks([band(100), band(80)], times_h=[0.0, 1.0], pixel_um=None)
    assert not [row for row in rows if "µm" in row.unit]
    speed = value_of(rows, "edge_speed")
    assert (speed.value, speed.unit, speed.flag) == (10.0, "px/h", "pixel_size_unknown")


def test_without_times_speeds_are_per_frame():
    rows = measure_masks([band(100), band(80), band(60)], times_h=None, pixel_um=1.0)
    speed = value_of(rows, "edge_speed")
    assert (speed.value, speed.unit) == (pytest.approx(10.0), "µm/frame")
    assert value_of(rows, "t50").unit == "frames"


def test_a_gap_that_does_not_reach_half_closure_has_no_t50():
    rows = measure_masks([band(100), band(90), band(70)], times_h=[0, 12, 24], pixel_um=1.0)
    t50 = value_of(rows, "t50")
    assert (t50.value, t50.low, t50.high, t50.text) == (None, 24.0, None, "> 24 h")


def test_masks_without_their_times_are_refused():
    with pytest.raises(MeasurementError, match="2 masks, but 1 times"):
        measure_masks([band(100), band(80)], times_h=[0.0], pixel_um=1.0)
