"""Do the calculators of the bench give the numbers that were worked out by hand?

The figures are those of the protocol mathematics: dilution, seeding, matrix, inserts, growth block,
imaging, tracks, counts. Areas are arithmetic (pi r^2), lots and volumes examples worked on paper.
"""

from __future__ import annotations

import math

import pytest

from lamella.design.dilution import Pipetting, plan_dilution, premix
from lamella.design.doses import stock_molar, transfer_into_well
from lamella.design.growth_block import block_dose_holds, growth_block
from lamella.design.inserts import (
    checkerboard,
    count_cv,
    gradient,
    level_difference_mm,
    membrane_area_cm2,
    share_of_membrane,
)
from lamella.design.matrix import coat_kind, matrix_coat, surface_ug_per_cm2, target_ug_per_ml
from lamella.design.schedule import (
    closure_percent,
    imaging,
    nearest_neighbour_um,
    stop_rule,
    tracking_interval_h,
)
from lamella.design.seeding import seeding_density_per_cm2, suspension
from lamella.design.vessels import vessel, vessel_of
from lamella.errors import SettingsError, UnitError
from lamella.units import parse_volume_ul

HALF_LOGS = {10 ** (step / 2 - 9): 3 for step in range(1, 9)}  # 3.16 nM to 10 µM


@pytest.mark.parametrize(
    ("lot_mg_per_ml", "stock_ul"), [(8, 66.0), (9.5, 55.6), (12, 44.0)]
)  # 2,640 µL at 200 µg/mL
def test_24_coats_take_this_much_of_the_lot(lot_mg_per_ml, stock_ul):
    coat = matrix_coat(
        200, inserts=24, per_insert_ul=100, area_cm2=0.332, lot_ug_per_ml=1000 * lot_mg_per_ml
    )
    assert coat.total_ul == pytest.approx(2640)
    assert coat.stock_ul == pytest.approx(stock_ul, abs=0.05)
    assert coat.kind == "coat"


@pytest.mark.parametrize(("volume_ul", "surface"), [(50, 30), (100, 60)])
def test_200_micrograms_per_ml_is_this_much_on_the_membrane(volume_ul, surface):
    found = surface_ug_per_cm2(200, volume_ul=volume_ul, area_cm2=membrane_area_cm2(6.5))
    assert found == pytest.approx(surface, abs=0.5)  # printed to whole µg/cm²
    back = target_ug_per_ml(found, volume_ul=volume_ul, area_cm2=membrane_area_cm2(6.5))
    assert back == pytest.approx(200)


def test_a_thin_coat_is_not_called_a_gel():
    assert [coat_kind(ug) for ug in (200, 999, 1000, 3000, 3001)] == [
        "coat", "coat", "neither", "neither", "gel",
    ]  # fmt: skip


def test_the_membrane_of_a_24_well_insert_and_the_liquid_above_it():
    assert membrane_area_cm2(6.5) == pytest.approx(0.332, abs=5e-4)
    # 100 µL on 0.332 cm² stand 3.0 mm high; outside, 600 µL in a ring of 1.4 cm² from a floor
    # 0.9 mm below the membrane: (0.6 - 0.09 * 1.9) / 1.4 cm = 3.06 mm.
    inside_alone = 100 / membrane_area_cm2(6.5) / 100
    assert inside_alone == pytest.approx(3.0, abs=0.05)
    found = level_difference_mm(
        upper_ul=100, upper_cm2=0.332, lower_ul=600, well_cm2=1.9, outer_cm2=0.5, membrane_mm=0.9
    )
    assert found == pytest.approx(3.012 - 3.064, abs=0.01)


def test_the_guide_seeds_three_times_1e5_cells_on_a_square_centimetre():
    per_cm2 = 1e5 / membrane_area_cm2(6.5)
    assert per_cm2 == pytest.approx(3.0e5, rel=0.01)
    assert per_cm2 / 1.26e5 == pytest.approx(2.4, abs=0.05)  # a confluent HeLa layer


def test_five_fields_at_20x_see_a_fifteenth_of_the_membrane():
    share = share_of_membrane(5, field_mm2=0.442, membrane_cm2=0.332)
    assert 100 * share == pytest.approx(6.7, abs=0.05)
    assert 1 / share == pytest.approx(15.0, abs=0.05)


@pytest.mark.parametrize(("fields", "percent"), [(5, (16.7, 14.6, 13.9)), (20, (8.4, 7.3, 7.0))])
def test_more_fields_beat_more_cells(fields, percent):
    found = [100 * count_cv(fields, cells_per_field=cells) for cells in (20, 60, 150)]
    assert found == pytest.approx(percent, abs=0.06)  # printed to 0.1 %


def test_a_confluent_well_at_24_hours_is_seeded_at_half_the_density():
    # One doubling on the way: 1.4e5 / 2; on 0.32 cm² that is 22,400 cells.
    density = seeding_density_per_cm2(1.4e5, attach_h=24, doubling_time_h=24)
    assert density == pytest.approx(7e4)
    assert density * vessel_of(96).area_cm2 == pytest.approx(22_400)
    poor = seeding_density_per_cm2(1.4e5, fraction=0.9, plating_percent=80)
    assert poor == pytest.approx(0.9 * 1.4e5 / 0.8)


def test_a_million_cells_per_ml_is_1e5_in_100_microlitres():
    made = suspension(1e5, wells=24, well_ul=100, counted_per_ml=4e6, viability_percent=90)
    assert made.cells_per_ml == pytest.approx(1e6)
    assert made.total_ul == pytest.approx(2640)
    assert made.total_cells == pytest.approx(2.64e6)
    assert made.stock_ul == pytest.approx(2.64e6 / (4e6 * 0.9) * 1000)


def test_the_serum_of_a_gradient_and_of_its_controls():
    made = gradient(10, upper_percent=0.5)
    assert made.difference_percent == pytest.approx(9.5)
    assert (made.random.upper_percent, made.random.lower_percent) == (0.5, 0.5)
    assert (made.chemokinesis.upper_percent, made.chemokinesis.lower_percent) == (10, 10)
    assert len(checkerboard((0, 1, 10))) == 9


def test_ten_micrograms_of_mitomycin_are_thirty_micromolar():
    block = growth_block(10, hours=2, wells=27, well_ul=100)
    assert block.molar == pytest.approx(10e-3 / 334.33)
    assert block.total_ul == pytest.approx(2970)
    assert block.stock_ul == pytest.approx(59.4)  # 1 in 50 of 0.5 mg/mL
    assert block_dose_holds(cells_end_over_start=1.05, viability_percent=95)
    assert not block_dose_holds(cells_end_over_start=1.05, viability_percent=85)


@pytest.mark.parametrize(
    ("wells", "fields", "cycle", "shortest"), [(24, 3, 5.4, 6.8), (96, 4, 28, 35), (96, 1, 8.8, 11)]
)
def test_a_microscope_keeps_up_only_above_its_cycle(wells, fields, cycle, shortest):
    asked = imaging(wells, fields=fields, field_s=4.0, interval_min=shortest + 0.1)
    assert asked.cycle_min == pytest.approx(cycle, abs=0.06)
    assert asked.shortest_min == pytest.approx(shortest, abs=0.1)
    assert asked.feasible
    assert not imaging(wells, fields=fields, field_s=4.0, interval_min=cycle).feasible


def test_a_cell_is_told_from_its_neighbour_by_a_third_of_their_distance():
    # 1e4 cells/cm² lie 50 µm apart; at 30 µm/h a step of 0.3 * 50 µm takes half an hour.
    assert nearest_neighbour_um(1e4) == pytest.approx(50.0)
    assert tracking_interval_h(1e4, speed_um_per_h=30) == pytest.approx(0.5)
    # The guide's two hours would need cells ten times as far apart as a confluent layer's.
    assert tracking_interval_h(1e5, speed_um_per_h=30) < 2


def test_a_gap_a_fifth_narrower_shows_a_quarter_more_closure():
    wide = closure_percent(800, edge_speed_um_per_h=8, time_h=12)
    narrow = closure_percent(640, edge_speed_um_per_h=8, time_h=12)
    assert narrow / wide == pytest.approx(1.25)


def test_the_guides_two_days_end_before_a_tip_wide_gap_has_closed():
    stop = stop_rule(48, gap_um=964, edge_speeds_um_per_h=(4, 8), doubling_time_h=38.2)
    assert stop.control_closed_h == pytest.approx(120.5)
    assert stop.doublings == pytest.approx(1.26, abs=0.005)
    assert "still open" in stop.text[0]
    assert "proliferation control" in stop.text[1]


def test_a_half_log_series_for_a_96_well_plate_by_hand():
    # 3 wells x 100 µL + 10 % = 330 µL; 1 µL of a 1000x tube needs 1 mL of medium.
    plan = plan_dilution({0.0: 5, **HALF_LOGS}, stock_molar=10e-3, transfer=premix(100.0))
    assert [one.wells for one in plan.solutions] == [3] * 8 + [5]
    assert all(one.take_ul == pytest.approx(1.0) for one in plan.solutions)
    assert all(one.total_ul == pytest.approx(1000.0) for one in plan.solutions)
    # Tubes of 20 µL: 20 / sqrt(10) = 6.3 µL from the tube before.
    last = plan.tubes[-1]
    assert (last.take_ul, last.solvent_ul) == pytest.approx((6.325, 13.675), abs=5e-4)
    assert last.tube_molar == pytest.approx(10**-5.5)


def test_a_step_too_large_for_one_tube_gets_a_tube_between():
    plan = plan_dilution({1e-5: 3, 1e-9: 3}, stock_molar=10e-3, transfer=premix(500.0))
    bridges = [tube for tube in plan.tubes if tube.dose_molar is None]
    assert [tube.tube_molar for tube in bridges] == pytest.approx([1e-4])  # 1e-2 to 1e-6
    assert max(tube.total_ul for tube in plan.tubes) <= Pipetting().largest_tube_ul


def test_a_weak_weighing_gives_the_stock_that_the_balance_allows():
    # 5.105 mg of the hydrochloride (546.96 g/mol) in 1 mL is 9.33 mM, at 98 % purity 9.15 mM.
    assert stock_molar(5.105, volume_ml=1, weighed_g_per_mol=546.96) == pytest.approx(
        9.333e-3, rel=1e-3
    )
    impure = stock_molar(5.105, volume_ml=1, weighed_g_per_mol=546.96, purity_percent=98)
    assert impure == pytest.approx(0.98 * 9.333e-3, rel=1e-3)


def test_growth_areas_lie_within_what_vendors_print():
    # The 15.6 mm well of a 24-well plate.
    assert vessel("24-well").area_cm2 == pytest.approx(math.pi * 0.78**2, abs=0.02)
    wide = vessel("48-well").area_range_cm2
    assert wide[1] / wide[0] == pytest.approx(1.57, abs=0.005)


BAD = {
    "a lot without a concentration": (
        lambda: matrix_coat(200, inserts=4, per_insert_ul=50, area_cm2=0.33, lot_ug_per_ml=None),
        "missing.*certificate of the lot",
    ),
    "a target above the lot": (
        lambda: matrix_coat(9e3, inserts=4, per_insert_ul=50, area_cm2=0.33, lot_ug_per_ml=8e3),
        "8 mg/mL, less than the 9 mg/mL wanted.*stronger lot",
    ),
    "a stock too weak": (
        lambda: plan_dilution({1e-5: 3}, stock_molar=1e-3, transfer=premix(500.0)),
        r"1 mM is too weak.*needs 10 mM.*at most 1 µM",
    ),
    "a negative number of wells": (
        lambda: plan_dilution({1e-5: -3}, stock_molar=1e-2, transfer=premix(500.0)),
        "number of wells is negative",
    ),
    "cells too thin": (
        lambda: suspension(1e5, wells=6, well_ul=100, counted_per_ml=5e5),
        "too thin.*Spin down",
    ),
    "a negative volume": (
        lambda: suspension(1e5, wells=6, well_ul=-100, counted_per_ml=5e6),
        "well volume is -100. Give a positive",
    ),
    "more than all cells alive": (
        lambda: suspension(1e5, wells=6, well_ul=100, counted_per_ml=5e6, viability_percent=120),
        "viability is 120 %",
    ),
    "a negative overage": (
        lambda: Pipetting(overage_percent=-1),
        "overage percent is -1. Give 0 or",
    ),
    "a gradient without a difference": (lambda: gradient(1, upper_percent=1), "attract nothing"),
    "a board of one level": (lambda: checkerboard((10,)), "two or more levels"),
    "more fields than membrane": (
        lambda: share_of_membrane(90, field_mm2=0.442, membrane_cm2=0.332),
        "larger than the membrane",
    ),
    "a mitomycin stock too weak": (
        lambda: growth_block(1000, hours=2, wells=6, well_ul=500),
        "too weak for 1000 µg/mL",
    ),
    "an unknown plate": (lambda: vessel("23-well"), "Did you mean '24-well'"),
    "more solvent than well": (lambda: premix(100, solvent_percent=101), "more than 100 %"),
    "an insert as wide as its well": (
        lambda: level_difference_mm(
            upper_ul=100, upper_cm2=0.3, lower_ul=600, well_cm2=1, outer_cm2=1, membrane_mm=1
        ),
        "as wide as its well",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_pipetted_is_refused_with_a_remedy(case):
    call, message = BAD[case]
    with pytest.raises(SettingsError, match=message):
        call()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("500", "has no unit"),
        ("500 ul", "unknown unit 'ul'. Did you mean 'uL'"),
        ("-5 uL", "negative. Write 0"),
        ("much", "not a number with a unit"),
    ],
)
def test_a_volume_needs_a_number_and_a_unit(text, message):
    with pytest.raises(UnitError, match=message):
        parse_volume_ul(text)


def test_a_96_well_spike_goes_through_an_intermediate_plate():
    transfer = transfer_into_well(100.0)
    plan = plan_dilution({0.0: 4, **HALF_LOGS}, stock_molar=10e-3, transfer=transfer)
    solution = plan.solutions[0]
    assert solution.per_well_ul == 10.0  # 10x in medium, 1 % DMSO
    assert solution.take_ul / solution.total_ul == pytest.approx(0.01)
