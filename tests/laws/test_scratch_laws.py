"""What must hold for any gap: turned, mirrored, magnified, told in another unit or order."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamella.assays.scratch import ASSAY, measure_masks, rows_of_masks
from lamella.table.wells import Design, Well
from lamella.units import Dose
from lamella.vision.front import fit_axis, measure_shape


@st.composite
def gaps(draw) -> np.ndarray:
    """A gap between two wavy fronts across a field of 120 x 160 px."""
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    left = 40 + draw(st.integers(-15, 15)) + np.cumsum(rng.normal(0, 0.8, 120))
    right = left + draw(st.integers(15, 60)) + np.cumsum(rng.normal(0, 0.8, 120))
    column = np.arange(160)
    return (column >= left[:, None]) & (column < right[:, None])


def compared(shape) -> tuple[float, ...]:
    return (
        shape.area_px,
        shape.width_mean_px,
        shape.width_median_px,
        shape.width_sd_px,
        shape.roughness_px,
        shape.perimeter_px,
    )


# Turned pictures are resampled along other pixels at their small tilt: about a tenth of a pixel.
TURN = {"rel": 0.01, "abs": 0.2}


@given(gaps())
def test_a_mirrored_gap_has_the_same_shape(gap):
    here, there = measure_shape(gap), measure_shape(np.ascontiguousarray(gap[:, ::-1]))
    assert compared(there) == pytest.approx(compared(here), **TURN)
    assert there.count == here.count


@given(gaps())
def test_a_gap_turned_by_90_degrees_has_the_same_shape(gap):
    here, there = measure_shape(gap), measure_shape(np.ascontiguousarray(np.rot90(gap)))
    assert compared(there) == pytest.approx(compared(here), **TURN)


@given(gaps())
def test_mirroring_exchanges_the_fronts(gap):
    here, there = measure_shape(gap), measure_shape(np.ascontiguousarray(gap[:, ::-1]))
    assert there.left_px == pytest.approx(-here.right_px, abs=0.3)
    assert there.right_px == pytest.approx(-here.left_px, abs=0.3)


@given(gaps())
def test_a_gap_magnified_twice_doubles_its_lengths(gap):
    here = measure_shape(gap)
    there = measure_shape(np.kron(gap, np.ones((2, 2), bool)))
    assert there.area_px == 4 * here.area_px
    assert there.width_mean_px == pytest.approx(2 * here.width_mean_px, rel=0.02)
    assert there.width_median_px == pytest.approx(2 * here.width_median_px, rel=0.02, abs=1)


@given(gaps())
def test_the_mean_width_is_area_over_axis_length(gap):
    axis = fit_axis(gap)
    shape = measure_shape(gap, axis=axis)
    assert shape.width_mean_px == shape.area_px / axis.length_px


def closing(speed: float, frames: int = 6) -> list[np.ndarray]:
    masks = []
    for i in range(frames):
        mask = np.zeros((80, 200), bool)
        half = max(0, round(60 - speed * i))
        mask[:, 100 - half : 100 + half] = True
        masks.append(mask)
    return masks


def numbers(rows, metric: str) -> list[float]:
    return [row.value for row in rows if row.metric == metric and row.value is not None]


@settings(max_examples=10)
@given(st.floats(0.3, 4.0), st.sampled_from([2.0, 5.0, 9.0]))
def test_a_pixel_size_scales_lengths_and_speeds_and_leaves_closure(factor, speed):
    masks, times = closing(speed), [2.0 * i for i in range(6)]
    here = measure_masks(masks, times_h=times, pixel_um=1.0)
    there = measure_masks(masks, times_h=times, pixel_um=factor)
    for metric, power in (("edge_speed", 1), ("gap_width_mean", 1), ("gap_area", 2), ("t50", 0)):
        expected = [factor**power * value for value in numbers(here, metric)]
        assert numbers(there, metric) == pytest.approx(expected)
    assert numbers(there, "closure") == pytest.approx(numbers(here, "closure"))


@settings(max_examples=10)
@given(st.floats(0.2, 10.0))
def test_slower_time_scales_speeds_and_times(factor):
    masks = closing(7.0)
    here = measure_masks(masks, times_h=[2.0 * i for i in range(6)], pixel_um=1.0)
    there = measure_masks(masks, times_h=[2.0 * i * factor for i in range(6)], pixel_um=1.0)
    speed = [value / factor for value in numbers(here, "edge_speed")]
    assert numbers(there, "edge_speed") == pytest.approx(speed)
    half = [value * factor for value in numbers(here, "t50")]
    assert numbers(there, "t50") == pytest.approx(half)


def plate(order: list[str]) -> tuple[list, Design]:
    rows = []
    for name in order:
        number = int(name[1:])
        rows += rows_of_masks(
            closing(9.0 - number),
            times_h=[2.0 * i for i in range(6)],
            pixel_um=1.0,
            place=("P1", name, "1"),
        )
    wells = [
        Well("P1", name, "1", "vehicle" if name == "B01" else "test", dose=Dose(int(name[1:])))
        for name in order
    ]
    return rows, Design(tuple(wells))


@settings(max_examples=10)
@given(st.permutations(["B01", "B02", "B03", "B04"]), st.integers(0, 99))
def test_the_order_of_wells_and_frames_changes_nothing(order, seed):
    rows, design = plate(["B01", "B02", "B03", "B04"])
    expected = ASSAY.settle(rows, design, ASSAY.settings())
    other_rows, other_design = plate(order)
    random.Random(seed).shuffle(other_rows)
    assert ASSAY.settle(other_rows, other_design, ASSAY.settings()) == expected


def test_all_wells_of_a_plate_are_read_over_the_window_of_the_vehicle():
    rows, design = plate(["B01", "B02", "B03", "B04"])
    settled = ASSAY.settle(rows, design, ASSAY.settings())
    told = {row.text for row in settled if row.metric == "edge_speed" and row.field == ""}
    # By hand: the vehicle half closes 8 px a frame of 60, so 80 % at 6 frames of 2 h: never.
    assert len(told) == 1
    assert "vehicle" in told.pop()
