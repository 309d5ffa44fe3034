"""Which laws hold for every plan of doses?"""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamella.design.doses import (
    bend_points_molar,
    doses_around,
    serial_dilution,
    transfer_into_well,
)

ic50s = st.floats(-10, -4).map(lambda log: 10**log)
slopes = st.floats(0.5, 4)


@given(ic50s, slopes, st.integers(1, 4), st.integers(1, 4))
def test_enough_doses_lie_beyond_each_bend_and_no_more(ic50, slope, beyond, per_decade):
    doses = doses_around(ic50, slope=slope, beyond=beyond, doses_per_decade=per_decade)
    low, high = bend_points_molar(ic50, slope=slope)
    # A dose within rounding of a bend may count for either side.
    assert sum(dose < low * (1 - 1e-6) for dose in doses) <= beyond
    assert sum(dose < low * (1 + 1e-6) for dose in doses) >= beyond
    assert sum(dose > high * (1 + 1e-6) for dose in doses) <= beyond
    assert sum(dose > high * (1 - 1e-6) for dose in doses) >= beyond


@given(ic50s, st.integers(1, 4))
def test_doses_are_evenly_spaced_and_shift_by_decades_with_the_ic50(ic50, per_decade):
    doses = doses_around(ic50, doses_per_decade=per_decade)
    steps = [math.log10(b / a) for a, b in pairwise(doses)]
    assert steps == pytest.approx([1 / per_decade] * len(steps))
    assert doses_around(10 * ic50, doses_per_decade=per_decade) == pytest.approx(
        [10 * dose for dose in doses]
    )


@given(st.floats(20, 5000), st.floats(0.01, 1), ic50s.filter(lambda ic50: ic50 < 1e-6))
def test_compound_is_conserved_from_the_stock_to_the_well(well_ul, solvent_percent, ic50):
    transfer = transfer_into_well(well_ul, solvent_percent=solvent_percent, smallest_ul=0.5)
    doses = doses_around(ic50)
    fold = transfer.fold * transfer.intermediate_fold
    series = serial_dilution(doses, stock_molar=2 * doses[-1] * fold, transfer=transfer)
    above = 2 * doses[-1] * fold
    for tube, dose in zip(series.tubes, sorted(doses, reverse=True), strict=True):
        assert tube.take_ul >= 0
        assert tube.solvent_ul >= 0
        mixed = above * tube.take_ul / (tube.take_ul + tube.solvent_ul)  # C1 V1 = C2 V2
        assert mixed == pytest.approx(tube.tube_molar)
        pipetted = tube.tube_molar / transfer.intermediate_fold
        assert pipetted * transfer.volume_ul / well_ul == pytest.approx(dose)
        above = tube.tube_molar
    # Every well gets the same solvent, and the amount that was asked for.
    assert transfer.solvent_percent * transfer.volume_ul / well_ul == pytest.approx(solvent_percent)
