"""Which laws hold for everything that is pipetted?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamella.design.dilution import Pipetting, plan_dilution, premix
from lamella.design.doses import compound_mass_mg, stock_molar, transfer_into_well
from lamella.design.growth_block import growth_block
from lamella.design.inserts import count_cv, fields_for_cv
from lamella.design.matrix import matrix_coat, surface_ug_per_cm2, target_ug_per_ml
from lamella.design.schedule import nearest_neighbour_um, tracking_interval_h
from lamella.design.seeding import seeding_density_per_cm2, suspension
from lamella.units import format_volume, parse_volume_ul

positive = st.floats(1e-3, 1e3)
percent = st.floats(1, 100)
doses = st.dictionaries(
    st.floats(-9.5, -5).map(lambda log: 10**log), st.integers(1, 40), min_size=1, max_size=10
)
transfers = st.one_of(
    st.floats(20, 3000).map(premix),
    st.floats(20, 3000).map(lambda well_ul: transfer_into_well(well_ul, smallest_ul=0.5)),
)


@given(doses, st.integers(0, 20), transfers, st.floats(1, 30))
def test_compound_and_solvent_are_conserved_from_stock_to_every_well(
    wells, vehicles, transfer, strength
):
    fold = transfer.fold * transfer.intermediate_fold
    stock = strength * max(wells) * fold
    limits = Pipetting(smallest_ul=0.5)
    plan = plan_dilution(
        {0.0: vehicles, **wells}, stock_molar=stock, transfer=transfer, pipetting=limits
    )
    above = stock
    for tube in plan.tubes:
        assert min(tube.take_ul, tube.solvent_ul, tube.used_ul, tube.passed_ul) >= 0
        assert tube.take_ul * above == pytest.approx(tube.total_ul * tube.tube_molar)  # C1V1
        assert tube.used_ul + tube.passed_ul <= tube.total_ul * (1 + 1e-9)  # enough is made
        assert tube.take_ul >= limits.smallest_ul * (1 - 1e-9)
        # What is not pipetted at all needs no pipette: rounding residues of an undiluted stock.
        assert tube.solvent_ul >= limits.smallest_ul * (1 - 1e-6) or tube.solvent_ul < 1e-6
        above = tube.tube_molar
    served = {tube.dose_molar: tube for tube in plan.tubes if tube.dose_molar is not None}
    assert sorted(served) == sorted(wells)
    for one in plan.solutions:
        assert min(one.take_ul, one.medium_ul) >= 0
        assert one.wells * one.per_well_ul <= one.total_ul
        assert one.take_ul >= limits.smallest_ul * (1 - 1e-9)
        tube_molar = served[one.dose_molar].tube_molar if one.dose_molar else 0.0
        in_well = tube_molar * one.take_ul / one.total_ul / transfer.fold
        assert in_well == pytest.approx(one.dose_molar)
        # The vehicle gets exactly the solvent of every dose.
        assert one.take_ul / one.total_ul == pytest.approx(1 / transfer.intermediate_fold)


@given(doses, transfers)
def test_one_more_well_never_needs_less(wells, transfer):
    stock = 2 * max(wells) * transfer.fold * transfer.intermediate_fold
    dose = min(wells)
    before = plan_dilution(wells, stock_molar=stock, transfer=transfer)
    after = plan_dilution(wells | {dose: wells[dose] + 1}, stock_molar=stock, transfer=transfer)
    assert after.stock_ul >= before.stock_ul
    assert after.medium_ul >= before.medium_ul


@given(positive, positive, percent, st.integers(1, 96))
def test_a_suspension_holds_the_cells_of_all_wells(cells, well_ul, viability, wells):
    counted = 3 * cells / well_ul * 1000 / (viability / 100)
    made = suspension(
        cells, wells=wells, well_ul=well_ul, counted_per_ml=counted, viability_percent=viability
    )
    assert min(made.stock_ul, made.medium_ul) >= 0
    assert made.stock_ul + made.medium_ul == pytest.approx(made.total_ul)
    living = made.stock_ul / 1000 * counted * viability / 100
    assert living == pytest.approx(made.total_cells)
    assert made.total_cells >= wells * cells


@given(st.floats(10, 8000), st.floats(20, 500), st.floats(0.1, 5), st.integers(1, 96))
def test_protein_is_conserved_between_lot_and_membrane(target, volume_ul, area, inserts):
    coat = matrix_coat(
        target, inserts=inserts, per_insert_ul=volume_ul, area_cm2=area, lot_ug_per_ml=9000
    )
    assert min(coat.stock_ul, coat.medium_ul) >= 0
    assert coat.stock_ul * 9000 == pytest.approx(coat.total_ul * target)
    back = target_ug_per_ml(coat.surface_ug_per_cm2, volume_ul=volume_ul, area_cm2=area)
    assert back == pytest.approx(target)
    halved = surface_ug_per_cm2(target, volume_ul=volume_ul, area_cm2=2 * area)
    assert halved == pytest.approx(coat.surface_ug_per_cm2 / 2)


@given(positive, st.floats(1e-4, 0.1), st.floats(100, 1000), percent)
def test_what_is_weighed_gives_the_stock_that_was_wanted(volume_ml, wanted, weight, purity):
    mass = compound_mass_mg(
        volume_ml,
        stock_molar=wanted,
        weight_g_per_mol=400,
        salt_g_per_mol=weight,
        purity_percent=purity,
    )
    found = stock_molar(mass, volume_ml=volume_ml, weighed_g_per_mol=weight, purity_percent=purity)
    assert found == pytest.approx(wanted)


@given(st.floats(1, 50), st.integers(1, 96), st.floats(10, 3000))
def test_a_growth_block_is_the_dose_that_was_asked_for(dose, wells, well_ul):
    block = growth_block(dose, hours=2, wells=wells, well_ul=well_ul)
    assert block.stock_ul * 500 == pytest.approx(block.total_ul * dose)  # 0.5 mg/mL
    assert block.medium_ul >= 0


@given(st.floats(0.02, 0.5), st.floats(5, 500))
def test_the_fields_that_were_computed_are_enough_and_one_less_is_not(wanted, cells):
    fields = fields_for_cv(wanted, cells_per_field=cells)
    assert count_cv(fields, cells_per_field=cells) <= wanted * (1 + 1e-6)
    if fields > 1:
        assert count_cv(fields - 1, cells_per_field=cells) > wanted * (1 - 1e-6)


@given(st.floats(1e2, 1e6), st.floats(1, 200))
def test_denser_and_faster_cells_need_more_frames(density, speed):
    step = tracking_interval_h(density, speed_um_per_h=speed) * speed
    assert step / nearest_neighbour_um(density) == pytest.approx(0.3)
    denser = tracking_interval_h(4 * density, speed_um_per_h=speed)
    assert denser * speed == pytest.approx(step / 2)


@given(st.floats(1e3, 1e6), st.floats(0.1, 2), st.floats(0, 96), st.floats(10, 100))
def test_seeded_cells_grow_to_the_density_that_was_wanted(confluent, share, attach_h, doubling):
    seeded = seeding_density_per_cm2(
        confluent, fraction=share, attach_h=attach_h, doubling_time_h=doubling, plating_percent=80
    )
    assert seeded * 0.8 * 2 ** (attach_h / doubling) == pytest.approx(share * confluent)


@given(st.floats(0.5, 5e6))
def test_a_printed_volume_reads_back_within_its_last_digit(volume_ul):
    back = parse_volume_ul(format_volume(volume_ul))
    # The coarsest step is 0.1 of 1 µL, 10 %, below that finer.
    assert back == pytest.approx(volume_ul, abs=0.051, rel=0.006)
