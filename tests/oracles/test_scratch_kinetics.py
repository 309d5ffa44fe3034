"""Time courses with known answers: a measured one, straight ones, noisy ones."""

from __future__ import annotations

import csv
import json

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamella.assays.scratch import ASSAY, measure_masks
from lamella.errors import MeasurementError
from lamella.table.rows import Observation
from lamella.table.wells import Design
from lamella.vision.kinetics import (
    closing_time,
    closure_percent,
    fit_delayed,
    fit_line,
    front_advance,
    mean_closure,
    relative_wound_density,
    time_to_reach,
)


def test_the_open_area_of_a_real_series_gives_the_stated_kinetics(shared_data):
    root = shared_data("wound")
    stated = json.loads((root / "expected.json").read_text())["kinetics_open_area_slow"]
    with (root / "kinetics" / "open_area_slow.csv").open(encoding="utf-8") as lines:
        area = np.array([float(row["%Area1"]) for row in csv.DictReader(lines)])
    time = np.arange(len(area), dtype=float)
    closure = closure_percent(area)
    assert closure == pytest.approx(stated["closure_percent"], abs=1e-3)
    half = time_to_reach(time, closure, level=50)
    assert half.value == pytest.approx(stated["t50_intervals"], abs=1e-3)
    assert (half.low, half.high) == (10.0, 11.0)
    mean = mean_closure(time, closure)
    assert mean == pytest.approx(stated["auc_mean_closure_percent"], abs=1e-2)
    assert fit_line(time, closure).slope == pytest.approx(
        stated["ols_rate_percent_per_interval_all"], abs=1e-3
    )
    assert closing_time(time, area <= 0.01 * area[0]).side == "right"


def test_masks_of_barrier_wounds_give_their_closure_and_front_speed(shared_data):
    root = shared_data("wound")
    series = json.loads((root / "expected.json").read_text())["pc3_series"]
    assert len(series) == 5
    for name, stated in series.items():
        masks = [
            cv2.imread(str(root / "masks" / f"pc3_{name}_{hour}h.png"), cv2.IMREAD_GRAYSCALE) > 0
            for hour in (12, 30, 48)
        ]
        rows = measure_masks(masks, times_h=stated["time_h"], pixel_um=1.2245)
        frames = {row.frame: row for row in rows if row.metric == "closure" and row.field}
        closure = [frames[frame].value for frame in range(3)]
        assert closure == pytest.approx(stated["closure_percent"], abs=0.01), name
        advance = [row.value for row in rows if row.metric == "front_advance"]
        speeds = np.diff(advance) / np.diff(stated["time_h"])
        # The stated ones divide by the picture's width; sparse cells leave the tilt of the axis
        # open by some 10 degrees, which makes the scratch up to 3 % longer.
        assert speeds == pytest.approx(stated["front_velocity_um_per_h"], rel=0.035), name


def test_a_wound_with_no_area_has_no_closure():
    with pytest.raises(MeasurementError, match="no area"):
        closure_percent(np.array([0.0, 1.0]))


def test_a_gap_that_widens_keeps_its_negative_closure():
    assert closure_percent(np.array([100.0, 130.0]))[1] == -30.0


def test_density_inside_the_wound_may_exceed_that_outside():
    # By hand: 100 (90 - 10) / (70 - 10).
    density = relative_wound_density(np.array([10.0, 90.0]), np.array([95.0, 70.0]))
    assert density[1] == pytest.approx(100 * 80 / 60)


def test_density_is_undefined_where_nothing_grows_outside():
    assert np.isnan(relative_wound_density(np.array([50.0, 60.0]), np.array([90.0, 40.0]))[1])


def test_a_front_that_goes_back_has_a_negative_advance():
    advance = front_advance(np.array([100.0, 120.0]), np.array([10.0, 10.0]))
    assert advance.tolist() == [0.0, -2.0]


@pytest.mark.parametrize("lag", [0.0, 3.0, 7.5])
def test_a_delayed_closure_gives_back_its_lag_and_speed(lag):
    time = np.arange(0.0, 25.0, 1.5)
    advance = np.clip(8.0 * (time - lag), 0.0, 90.0)
    fit = fit_delayed(time, advance, full=90.0)
    assert fit.speed == pytest.approx(8.0, rel=0.01)
    assert fit.lag == pytest.approx(lag, abs=0.1)


def course(seed: int, *, frames: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """A front that advances in uneven steps, seen at uneven times."""
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.uniform(1, 4, frames)), np.cumsum(rng.uniform(0, 30, frames))


@pytest.mark.parametrize("seed", range(6))
def test_a_speed_in_a_window_is_that_of_the_course_drawn_through_the_frames(seed):
    time, advance = course(seed)
    ends = np.sort(np.random.default_rng(seed + 100).uniform(time[0], time[-1], 2))
    # The same by brute force: least squares on a quarter of a million points of the drawn line.
    fine = (np.arange(250_000) + 0.5) / 250_000 * (ends[1] - ends[0]) + ends[0]
    slope, intercept = np.polyfit(fine, np.interp(fine, time, advance), 1)
    line = fit_line(time, advance, window=tuple(ends))
    assert line.slope == pytest.approx(slope, rel=1e-6)
    assert line.intercept == pytest.approx(intercept, rel=1e-6)


@given(st.integers(0, 10_000), st.floats(0.2, 1.0), st.booleans())
@settings(max_examples=40)
def test_a_window_may_end_anywhere_and_the_speed_never_leaps(seed, share, at_a_frame):
    time, advance = course(seed)
    end = time[0] + share * (time[-1] - time[0])
    if at_a_frame:  # where a window of whole frames would take in one more
        end = float(time[max(np.searchsorted(time, end) - 1, 1)])
    before, after = (
        fit_line(time, advance, window=(float(time[0]), min(end + by, float(time[-1])))).slope
        for by in (-1e-6, 1e-6)
    )
    # No step of the course is steeper than 30 in 1, and no window shorter than 1.
    assert after == pytest.approx(before, abs=1e-3)


def test_frames_outside_the_window_leave_the_speed():
    time, advance = course(3)
    line = fit_line(time, advance, window=(float(time[2]), float(time[6])))
    advance[:2], advance[7:] = -500.0, 500.0
    assert fit_line(time, advance, window=(float(time[2]), float(time[6]))) == line
    assert line.n == 5


@pytest.mark.parametrize(("frames", "correlation"), [(3, 0), (5, 0), (8, 0), (12, 0), (12, 0.5)])
def test_the_interval_of_a_speed_holds_the_truth(frames, correlation):
    """Nominal 95 %; 400 series leave a binomial error of 1.1 points, hence the wide gate.

    The exact coverage over thousands of series stands in bench/results.
    """
    rng = np.random.default_rng(11)
    time = 2.0 * np.arange(frames)
    lag = np.abs(np.subtract.outer(np.arange(frames), np.arange(frames)))
    root = np.linalg.cholesky(correlation**lag if correlation else np.eye(frames))
    held = 0
    for _ in range(400):
        line = fit_line(time, 5.0 * time + root @ rng.normal(size=frames), sd=1.0)
        held += line.low <= 5.0 <= line.high
    assert (0.87 if correlation else 0.93) <= held / 400 <= 0.995


def noisy_series(rng: np.random.Generator, *, speed: float, sd: float) -> list[Observation]:
    """Rows of a straight gap of 400 µm that closes at a known speed, areas with known error."""
    width = np.zeros((40, 300), bool)
    width[:, 50:250] = True
    rows = measure_masks([width] * 10, times_h=[2.0 * i for i in range(10)], pixel_um=2.0)
    noisy = []
    for row in rows:
        if row.metric in ("gap_area", "gap_area_fraction") and row.frame is not None:
            area = 80.0 * (400.0 - 2 * speed * 2.0 * row.frame) + sd * rng.normal()
            scale = 1.0 if row.metric == "gap_area" else 1 / (40 * 300 * 4.0)
            low, high = (area - 1.96 * sd) * scale, (area + 1.96 * sd) * scale
            row = Observation(**{**fields_of(row), "value": area * scale, "low": low, "high": high})
        noisy.append(row)
    return noisy


def fields_of(row: Observation) -> dict:
    return {name: getattr(row, name) for name in Observation.__dataclass_fields__}


def test_a_known_speed_is_found_within_two_percent_and_inside_its_interval():
    rng = np.random.default_rng(5)
    held, speeds = 0, []
    for _ in range(60):
        rows = ASSAY.settle(noisy_series(rng, speed=8.0, sd=400.0), Design(), ASSAY.settings())
        row = next(row for row in rows if row.metric == "edge_speed" and row.field == "1")
        speeds.append(row.value)
        held += row.low <= 8.0 <= row.high
    assert np.mean(speeds) == pytest.approx(8.0, rel=0.02)
    assert held >= 53  # 60 at 95 %: fewer than 53 happen in 1 of 200 runs
