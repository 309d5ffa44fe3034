"""Laws of axes: ticks are few, round, and leave no value outside."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lamella.report.axes import (
    dose_axis,
    hour_ticks,
    linear_axis,
    linear_ticks,
    log_ticks,
)
from lamella.report.legend import spread

finite = st.floats(-1e6, 1e6, allow_nan=False)


@given(finite, finite)
def test_linear_ticks_cover_the_values_with_three_to_eight_round_numbers(one, other):
    low, high = sorted((one, other))
    assume(high - low > 1e-6 * max(abs(low), abs(high)))
    ticks = linear_ticks(low, high)
    slack = 1e-6 * (high - low)
    assert 3 <= len(ticks) <= 8
    assert ticks[0] <= low + slack and ticks[-1] >= high - slack
    step = ticks[1] - ticks[0]
    mantissa = float(f"{step:.6e}".split("e")[0])
    assert mantissa in (1.0, 2.0, 5.0)


@given(st.floats(-1e6, 1e6))
def test_a_single_value_still_gets_an_axis(value):
    ticks = linear_ticks(value, value)
    assert 3 <= len(ticks) <= 8
    assert ticks[0] <= value <= ticks[-1]


@given(st.floats(-12, 12), st.floats(0, 24))
def test_logarithmic_ticks_cover_the_doses_with_three_to_eight(power, decades):
    low, high = 10**power, 10 ** (power + decades)
    ticks = log_ticks(low, high)
    assert 3 <= len(ticks) <= 8
    assert ticks[0] <= low * (1 + 1e-6) and ticks[-1] >= high * (1 - 1e-6)
    assert list(ticks) == sorted(ticks)


@given(st.floats(0.05, 2000))
def test_time_ticks_cover_the_experiment_with_three_to_eight(hours):
    ticks = hour_ticks(0, hours)
    assert 3 <= len(ticks) <= 8
    assert ticks[0] == 0 and ticks[-1] >= hours * (1 - 1e-6)


@given(st.lists(finite, min_size=1, max_size=40))
def test_every_value_lies_inside_its_axis(values):
    axis = linear_axis("Closure", values, unit="%", span_px=(400, 20))
    places = [axis.px(value) for value in values]
    assert all(20 - 1e-6 <= place <= 400 + 1e-6 for place in places)
    assert all(20 - 1e-6 <= axis.px(tick) <= 400 + 1e-6 for tick in axis.ticks)
    assert len(axis.ticks) >= 3 and len(axis.ticks) == len(axis.labels)


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=40), st.booleans())
def test_doses_keep_their_order_and_vehicle_stands_left_of_the_break(powers, vehicle):
    doses = sorted(10**power for power in powers) + ([0.0] if vehicle else [])
    axis = dose_axis("X", doses, unit="nM", span_px=(100, 700))
    places = [axis.px(dose) for dose in doses if dose > 0]
    assert places == sorted(places)
    assert all(100 <= place <= 700 for place in places)
    if vehicle:
        assert axis.px(0.0) < axis.span_px[0] - 20
    assert (axis.zero_px is not None) == vehicle


@given(st.lists(st.floats(0, 300), min_size=1, max_size=20))
def test_labels_beside_lines_never_overlap_and_keep_their_order(places):
    moved = spread(places, gap=15.0, low=0, high=300)
    by_place = sorted(range(len(places)), key=lambda index: places[index])
    ordered = [moved[index] for index in by_place]
    assert all(b - a >= 15 - 1e-9 for a, b in pairwise(ordered))
    assert ordered[0] >= -1e-9 and ordered[-1] <= 300 + 1e-9


@pytest.mark.parametrize(
    ("doses", "unit", "shown"),
    [
        ((0, 10, 100, 1000), "nM", "[nM]"),
        ((1e-8, 1e-6), "M", "[nM]"),
        ((1, 16), "au", "[au]"),
        ((20000, 500000), "ng/mL", "[µg/mL]"),
    ],
)
def test_doses_are_printed_in_a_unit_that_needs_few_zeros(doses, unit, shown):
    axis = dose_axis("X", doses, unit=unit, span_px=(0, 600))
    assert shown in axis.title
    assert all(len(label) <= 7 for label in axis.labels)
