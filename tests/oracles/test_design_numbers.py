"""Do the calculators give the numbers that were worked out by hand?

The figures are those of the protocol mathematics: constant vehicle, dose design, closure time,
imaging cycle, and the growth of SUIT-2 (doubling 38.2 h, PMID 3102439).
"""

from __future__ import annotations

import pytest

from lamella.design.doses import (
    bend_points_molar,
    compound_mass_mg,
    doses_around,
    serial_dilution,
    transfer_into_well,
)
from lamella.design.schedule import (
    closure_time_h,
    doublings,
    growth_fold,
    longest_interval_h,
    shortest_interval_h,
)
from lamella.errors import SettingsError


def test_ten_micromolar_at_a_thousandth_needs_a_ten_millimolar_stock():
    transfer = transfer_into_well(1000.0, solvent_percent=0.1)
    series = serial_dilution([10e-6], stock_molar=10e-3, transfer=transfer)
    assert series.tubes[0].tube_molar == pytest.approx(10e-3)
    assert (series.tubes[0].take_ul, series.tubes[0].solvent_ul) == (20.0, 0.0)
    with pytest.raises(
        SettingsError, match=r"5 mM is too weak.*10 µM at 0\.1 % solvent needs 10 mM"
    ):
        serial_dilution([10e-6], stock_molar=5e-3, transfer=transfer)


def test_half_log_doses_around_a_shallow_curve():
    # Slope 0.5: bends at 178 nM / 13.93 = 12.8 nM and x 13.93 = 2.48 µM; two doses beyond each.
    doses = doses_around(178e-9, slope=0.5)[::-1]
    assert [f"{dose * 1e6:.3g}" for dose in doses] == [
        "10", "3.16", "1", "0.316", "0.1", "0.0316", "0.01", "0.00316",
    ]  # fmt: skip


def test_a_half_log_tube_takes_6_3_of_20_microlitres():
    transfer = transfer_into_well(1000.0)
    first, second = serial_dilution([10e-6, 10**-5.5], stock_molar=10e-3, transfer=transfer).tubes
    assert first.take_ul == 20.0
    assert second.take_ul == pytest.approx(6.325, abs=5e-4)  # 20 / sqrt(10)
    assert second.solvent_ul == pytest.approx(13.675, abs=5e-4)


def test_a_96_well_needs_an_intermediate_plate():
    # 0.1 % of 100 µL is 0.1 µL, too little to pipette: 10x in medium with 1 % solvent instead.
    transfer = transfer_into_well(100.0, solvent_percent=0.1)
    assert (transfer.volume_ul, transfer.fold) == (10.0, 10.0)
    assert (transfer.intermediate_fold, transfer.solvent_percent) == (100.0, 1.0)


def test_bends_of_a_steep_curve_lie_2_41_fold_from_the_ic50():
    low, high = bend_points_molar(1e-6, slope=1.5)
    assert high / 1e-6 == pytest.approx(2.41, abs=0.005)
    assert 1e-6 / low == pytest.approx(2.41, abs=0.005)


def test_ten_millimolar_defactinib_as_base_and_as_hydrochloride():
    base = compound_mass_mg(1.0, stock_molar=10e-3, weight_g_per_mol=510.50)
    salt = compound_mass_mg(1.0, stock_molar=10e-3, weight_g_per_mol=510.50, salt_g_per_mol=546.96)
    assert base == pytest.approx(5.105, abs=5e-4)
    assert salt == pytest.approx(5.470, abs=5e-4)
    assert 1 - base / salt == pytest.approx(0.067, abs=5e-4)  # weighed as base: 6.7 % weak


@pytest.mark.parametrize(("speed", "hours"), [(4, 120), (8, 60), (12, 40), (16, 30)])
def test_a_p10_gap_closes_in_thirty_hours_to_five_days(speed, hours):
    closed_h = closure_time_h(964, edge_speed_um_per_h=speed)
    assert closed_h == pytest.approx(hours, abs=0.6)  # printed to whole hours, 12 µm/h as 40


@pytest.mark.parametrize(("wells", "fields", "minutes"), [(24, 3, 6.8), (96, 4, 35), (96, 1, 11)])
def test_the_microscope_keeps_up_with_these_intervals(wells, fields, minutes):
    interval_h = shortest_interval_h(wells, fields=fields, field_s=4.0, move_s=1.5)
    assert 60 * interval_h == pytest.approx(minutes, abs=0.06)


def test_a_gap_of_964_um_at_8_um_per_hour_wants_a_frame_every_7_5_hours():
    assert longest_interval_h(964, edge_speed_um_per_h=8) == pytest.approx(964 / 128)


def test_suit_2_grows_2_39_fold_in_48_hours():
    assert doublings(48, doubling_time_h=38.2) == pytest.approx(1.26, abs=0.005)
    assert growth_fold(48, doubling_time_h=38.2) == pytest.approx(2.39, abs=0.005)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: closure_time_h(0, edge_speed_um_per_h=4), "gap width is 0"),
        (lambda: closure_time_h(900, edge_speed_um_per_h=float("nan")), "edge speed is nan"),
        (lambda: growth_fold(-1, doubling_time_h=20), "duration is -1 h"),
        (lambda: doses_around(-1e-9), "expected IC50 is -1e-09"),
        (lambda: bend_points_molar(1e-9, slope=0), "slope is 0"),
        (lambda: transfer_into_well(0.5), "cannot receive 0.1 % solvent"),
        (lambda: transfer_into_well(100, solvent_percent=120), "more than 100 %"),
        (lambda: compound_mass_mg(1, stock_molar=1e-2, weight_g_per_mol=500, purity_percent=101),
         "more than 100 %"),
        (lambda: serial_dilution([-1e-6], stock_molar=1, transfer=transfer_into_well(1000)),
         "dose is negative"),
        (lambda: serial_dilution([1e-9], stock_molar=1e-2, transfer=transfer_into_well(1000)),
         r"needs 0\.002 µL in a tube of 20 µL"),
        (lambda: shortest_interval_h(96, fields=1, field_s=4, load=1.5), "between 0 and 1"),
    ],
)  # fmt: skip
def test_an_impossible_plan_is_refused_with_a_remedy(call, message):
    with pytest.raises(SettingsError, match=message):
        call()
