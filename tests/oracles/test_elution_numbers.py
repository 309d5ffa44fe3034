"""Dye eluted from inserts by hand: blank, standard curve, its range, and cells."""

from __future__ import annotations

import pytest

from lamella.assays import transwell
from lamella.errors import MeasurementError
from lamella.potency.elution import standard_curve
from lamella.table.rows import Observation
from lamella.table.wells import Design, Well
from lamella.units import Dose

STANDARD = {10_000: 0.15, 20_000: 0.25, 40_000: 0.45, 80_000: 0.65}  # blank 0.05; 8e4 is bent


def well(name: str, role: str, od: float, *, dose: float = 0.0, cells: float | None = None) -> Well:
    factors = {"eluted_od": f"{od:g}"}
    if cells is not None:
        factors["standard_cells"] = f"{cells:g}"
    given = Dose(dose) if dose else None
    return Well("P1", name, "1", role, "", "defactinib" if dose else "", given, factors)  # type: ignore[arg-type]


def settled(*wells: Well) -> list[Observation]:
    standards = [
        well(f"D{k:02d}", "untreated", od, cells=cells)
        for k, (cells, od) in enumerate(STANDARD.items(), start=1)
    ]
    design = Design((*wells, *standards))
    return list(transwell.ASSAY.settle([], design, transwell.TranswellSettings()))


def found(rows: list[Observation], metric: str, name: str) -> Observation:
    return next(row for row in rows if (row.metric, row.well) == (metric, name))


def test_the_blank_is_taken_off_and_the_rest_read_from_the_line():
    rows = settled(
        well("A01", "vehicle", 0.35), well("A02", "blank", 0.04), well("A03", "blank", 0.06)
    )
    # 0.35 less 0.05 are 0.30, at 1e-5 a cell 30,000 cells.
    assert found(rows, "eluted_od", "A01").value == pytest.approx(0.30)
    assert found(rows, "eluted_cells", "A01").value == pytest.approx(30_000)


def test_above_the_straight_part_there_are_no_cells():
    rows = settled(well("A01", "vehicle", 0.60), well("A02", "blank", 0.05))
    row = found(rows, "eluted_cells", "A01")
    assert (row.value, row.flag) == (None, "above_range")
    assert "dilute" in row.reason
    assert found(rows, "eluted_od", "A01").value == pytest.approx(0.55)


def test_without_a_stained_blank_nothing_is_said_of_the_cells():
    rows = settled(well("A01", "vehicle", 0.35))
    row = found(rows, "eluted_od", "A01")
    assert (row.value, row.flag) == (None, "no_blank")


def test_a_dose_keeps_its_own_read_out_and_standards_stay_out_of_it():
    rows = settled(
        well("A01", "vehicle", 0.35),
        well("A02", "test", 0.20, dose=1e-8),
        well("A03", "blank", 0.05),
    )
    entered = {r.well for r in rows if r.metric == "eluted_od" and r.object is None}
    assert entered == {"A01", "A02"}


def test_the_range_ends_where_a_level_leaves_the_line():
    curve = standard_curve([1e4, 1e4, 2e4, 4e4, 8e4], [0.09, 0.11, 0.2, 0.4, 0.6])
    assert (curve.linear_to_cells, curve.levels) == (4e4, 3)
    assert curve.od_per_cell == pytest.approx(1e-5)
    assert curve.linear_to_od == pytest.approx(0.4)


def test_two_levels_make_no_curve():
    with pytest.raises(MeasurementError, match="at least 3 are needed"):
        standard_curve([1e4, 2e4], [0.1, 0.2])


def test_a_curve_that_is_bent_from_the_start_is_refused():
    with pytest.raises(MeasurementError, match="does not rise in a line"):
        standard_curve([1e4, 2e4, 4e4], [0.4, 0.5, 0.55])
