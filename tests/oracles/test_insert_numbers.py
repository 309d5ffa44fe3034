"""Numbers of inserts by hand: densities, cells per insert, invasion, indices, corrections."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lamella.assays import invasion, transwell
from lamella.errors import DecisionError, MeasurementError
from lamella.potency.insert_ratios import Arm, Dispersion, batch_ratio, pooled_dispersion
from lamella.potency.inserts import membrane_area_mm2, poisson_limits, sampled_density
from lamella.table.edits import Edit, Target
from lamella.table.rows import Observation, Rows
from lamella.table.wells import Design, Well
from lamella.units import Dose
from lamella.vision.point_edits import corrected

AREA_MM2 = 0.5
NM = 1e-9


def field_rows(
    assay: str, well: str, batch: str, cells: list[float], *, plate: str = ""
) -> list[Observation]:
    """What `measure` yields, as far as `settle` reads it: one row a field and metric."""
    rows = []
    for number, count in enumerate(cells, start=1):
        place = {
            "plate": plate or f"P{batch}",
            "well": well,
            "batch": batch,
            "field": str(number),
            "frame": 0,
            "assay": assay,
        }
        rows += [
            Observation("cell_count", count, "cells", **place),
            Observation("cells_inside", count, "cells", **place),
            Observation("field_area", AREA_MM2, "mm²", **place),
            Observation("stained_area_fraction", count / 1000, **place),
        ]
    return rows


def well(name: str, batch: str, role: str, *, dose: float = 0.0, **factors: str) -> Well:
    given = Dose(dose * NM) if dose else None
    compound = "defactinib" if dose else ""
    return Well(f"P{batch}", name, batch, role, "", compound, given, factors)  # type: ignore[arg-type]


def value(rows: Rows, metric: str, **place: object) -> Observation:
    found = [
        row
        for row in rows
        if row.metric == metric and all(getattr(row, key) == want for key, want in place.items())
    ]
    assert len(found) == 1, (metric, place, found)
    return found[0]


class TestOneInsert:
    def test_density_is_all_cells_over_all_area(self):
        found = sampled_density([10, 20, 30], [0.5, 0.5, 1.0])
        assert found.density == 30.0  # 60 cells on 2 mm²

    def test_interval_is_that_of_the_ratio_estimator(self):
        # Equal areas: the mean 12 with SD 3.162, m = 5, t(4) = 2.776, over 0.5 mm².
        found = sampled_density([10, 14, 12, 8, 16], [0.5] * 5)
        half = 2.7764451 * math.sqrt(10 / 5) / 0.5
        assert found.high == pytest.approx(24 + half, rel=1e-6)

    def test_fields_that_are_the_whole_membrane_leave_no_doubt(self):
        found = sampled_density([10, 14], [0.5, 0.5], membrane_area=1.0)
        assert found.low == found.high == found.density == 24.0

    def test_five_fields_of_twenty_five_narrow_it_by_the_root_of_four_fifths(self):
        part = sampled_density([10, 14, 12, 8, 16], [0.5] * 5, membrane_area=12.5)
        free = sampled_density([10, 14, 12, 8, 16], [0.5] * 5)
        assert part.se == pytest.approx(free.se * math.sqrt(0.8))

    def test_no_cell_in_five_fields_is_no_proof_of_none(self):
        found = sampled_density([0] * 5, [0.5] * 5)
        assert (found.density, found.low) == (0.0, 0.0)
        assert found.high == pytest.approx(3.6889 / 2.5, rel=1e-4)  # Garwood 1936

    def test_limits_of_poisson_counts_are_those_of_the_table(self):
        # Pearson and Hartley, Biometrika Tables vol. 1, table 40.
        for count, low, high in ((0, 0, 3.689), (1, 0.0253, 5.572), (20, 12.217, 30.888)):
            assert poisson_limits(count) == pytest.approx((low, high), abs=5e-4)

    def test_one_field_has_a_density_and_no_interval(self):
        found = sampled_density([10], [0.5])
        assert (found.density, found.low, found.high) == (20.0, None, None)

    def test_an_unknown_insert_names_the_nearest(self):
        with pytest.raises(MeasurementError, match=r"24-well 6\.5 mm"):
            membrane_area_mm2("24 well 6.5mm")


class TestTranswell:
    def settled(self, rows, design, **settings):
        return transwell.ASSAY.settle(rows, design, transwell.TranswellSettings(**settings))

    def test_cells_per_insert_and_percent_of_the_seeded(self):
        design = Design((well("A01", "1", "vehicle"),), {"cells_per_insert": 100_000.0})
        rows = field_rows("transwell", "A01", "1", [100, 120, 80, 100, 100])
        settled = self.settled(rows, design, insert="24-well 6.5 mm")
        # 500 cells on 2.5 mm² are 200 a mm²; 33.2 mm² hold 6640; 6.64 % of 1e5.
        assert value(settled, "insert_density").value == 200.0
        assert value(settled, "cells_per_insert").value == pytest.approx(6640)
        assert value(settled, "percent_of_seeded").value == pytest.approx(6.64)

    def test_area_of_the_protocol_serves_where_no_product_is_named(self):
        design = Design((well("A01", "1", "vehicle"),), {"insert_area_cm2": 0.3})
        rows = field_rows("transwell", "A01", "1", [100, 100])
        assert value(self.settled(rows, design), "cells_per_insert").value == pytest.approx(6000)

    def test_what_was_not_stated_is_not_made_up(self):
        rows = field_rows("transwell", "A01", "1", [100, 100])
        settled = self.settled(rows, Design((well("A01", "1", "vehicle"),)))
        for metric in ("cells_per_insert", "percent_of_seeded"):
            row = value(settled, metric)
            assert (row.value, row.flag) == (None, "not_stated")

    def test_controls_without_attractant_enter_the_index_and_not_the_curve(self):
        design = Design(
            (
                well("A01", "1", "vehicle", attractant="FBS"),
                well("A02", "1", "vehicle", attractant="none"),
                well("A03", "1", "test", dose=10, attractant="FBS"),
            )
        )
        rows = (
            field_rows("transwell", "A01", "1", [80, 120])
            + field_rows("transwell", "A02", "1", [20, 30])
            + field_rows("transwell", "A03", "1", [40, 60])
        )
        settled = self.settled(rows, design)
        assert value(settled, "migrated_density", well="A02").flag == "control"
        assert value(settled, "insert_density", well="A02").value == 50.0
        assert value(settled, "chemotaxis_index", object="vehicle").value == pytest.approx(4.0)
        assert value(settled, "percent_of_vehicle", object="10 nM").value == pytest.approx(50.0)

    def test_count_over_viability_at_the_same_dose(self):
        design = Design(
            (
                well("A01", "1", "vehicle", viability_percent="95"),
                well("A02", "1", "test", dose=10, viability_percent="47.5 %"),
            )
        )
        rows = field_rows("transwell", "A01", "1", [100, 100]) + field_rows(
            "transwell", "A02", "1", [40, 40]
        )
        settled = self.settled(rows, design)
        # Migration fell to 40 %, viability to 50 %: 80 % of the vehicle's motility is left.
        assert value(settled, "migrated_density", well="A02").value == 80.0
        assert value(settled, "viability_corrected_density", well="A02").value == 160.0
        corrected = value(settled, "percent_of_vehicle_corrected", object="10 nM")
        assert corrected.value == pytest.approx(80.0)

    def test_an_excluded_field_does_not_count(self):
        from dataclasses import replace

        rows = field_rows("transwell", "A01", "1", [100, 100, 900])
        rows = [replace(r, flag="excluded", reason="hair") if r.field == "3" else r for r in rows]
        settled = self.settled(rows, Design((well("A01", "1", "vehicle"),)))
        assert value(settled, "insert_density").value == 200.0

    def test_fields_are_never_n(self):
        """Ten times the fields must not narrow the interval over batches."""

        def interval(fields: int) -> tuple[float, float]:
            wells, rows = [], []
            for batch, (vehicle, test) in enumerate(((100, 50), (120, 66), (90, 40)), start=1):
                wells += [
                    well("A01", str(batch), "vehicle"),
                    well("A02", str(batch), "test", dose=10),
                ]
                rows += field_rows("transwell", "A01", str(batch), [vehicle] * fields)
                rows += field_rows("transwell", "A02", str(batch), [test] * fields)
            settled = self.settled(rows, Design(tuple(wells)))
            row = value(settled, "percent_of_vehicle", object="10 nM", batch="")
            assert row.n == 3
            return row.low, row.high

        assert interval(2) == pytest.approx(interval(20))

    def test_ratio_over_batches_is_the_t_interval_of_logs(self):
        # By hand: ln(.5), ln(.55), ln(.4444) have mean -0.7006 and SD 0.1068; t(2) = 4.3027.
        wells, rows = [], []
        for batch, (vehicle, test) in enumerate(((100, 50), (120, 66), (90, 40)), start=1):
            wells += [well("A01", str(batch), "vehicle"), well("A02", str(batch), "test", dose=10)]
            rows += field_rows("transwell", "A01", str(batch), [vehicle] * 2)
            rows += field_rows("transwell", "A02", str(batch), [test] * 2)
        row = value(self.settled(rows, Design(tuple(wells))), "percent_of_vehicle", object="10 nM")
        assert (row.value, row.low, row.high) == pytest.approx((49.63, 38.06, 64.71), abs=0.02)


class TestInvasion:
    def study(self) -> tuple[list[Observation], Design]:
        """Two batches: coated and uncoated, vehicle and 10 nM, two inserts each."""
        density = {("vehicle", True): 60, ("vehicle", False): 120}
        density |= {("test", True): 12, ("test", False): 60}
        wells, rows = [], []
        for batch in ("1", "2"):
            names = iter(f"A{n:02d}" for n in range(1, 9))
            for (role, coated), cells in density.items():
                for shift in (-2, 2):
                    name = next(names)
                    coat = "Matrigel" if coated else "uncoated"
                    dose = 10 if role == "test" else 0
                    wells.append(well(name, batch, role, dose=dose, coating=coat))
                    rows += field_rows("invasion", name, batch, [cells + shift] * 3)
        return rows, Design(tuple(wells))

    def settled(self) -> Rows:
        rows, design = self.study()
        return invasion.ASSAY.settle(rows, design, invasion.InvasionSettings())

    def test_percent_invasion_is_coated_over_uncoated(self):
        settled = self.settled()
        for label, percent in (("vehicle", 50.0), ("10 nM", 20.0)):
            row = value(settled, "percent_invasion", object=f"{label}, batch 1")
            assert row.value == pytest.approx(percent)
            assert row.low < percent < row.high

    def test_invasion_index_is_invasion_over_that_of_the_vehicle(self):
        settled = self.settled()
        assert value(settled, "invasion_index", object="10 nM, batch 1").value == pytest.approx(0.4)
        over = value(settled, "invasion_index", object="10 nM", batch="")
        assert (over.value, over.n) == (pytest.approx(0.4), 2)

    def test_uncoated_inserts_stay_out_of_the_curve(self):
        settled = self.settled()
        silent = [r for r in settled if r.metric == "invaded_density" and r.flag == "control"]
        assert {row.well for row in silent} == {"A03", "A04", "A07", "A08"}
        bare = value(settled, "uncoated_percent_of_vehicle", object="10 nM", batch="")
        assert bare.value == pytest.approx(50.0)

    def test_a_compound_may_raise_invasion(self):
        wells, rows = [], []
        for batch in ("1", "2", "3"):
            for name, role, coat, cells in (
                ("A01", "vehicle", "Matrigel", 40),
                ("A02", "vehicle", "none", 100),
                ("A03", "test", "Matrigel", 70),
                ("A04", "test", "none", 50),
            ):
                dose = 10 if role == "test" else 0
                wells.append(well(name, batch, role, dose=dose, coating=coat))
                rows += field_rows("invasion", name, batch, [cells + 2 * int(batch)] * 3)
        settled = invasion.ASSAY.settle(rows, Design(tuple(wells)), invasion.InvasionSettings())
        assert value(settled, "invasion_index", object="10 nM", batch="").value > 3
        assert value(settled, "uncoated_percent_of_vehicle", object="10 nM", batch="").value < 60


class TestScatter:
    def test_dispersion_of_identical_inserts_is_none_at_all(self):
        arms = [Arm(np.array([50.0, 50.0]), np.ones(2))]
        assert pooled_dispersion(arms) == Dispersion(0.0, 1)

    def test_without_replicates_there_is_no_interval_within_a_batch(self):
        one = Arm(np.array([50.0]), np.ones(1))
        found = batch_ratio(one, one, dispersion=pooled_dispersion([one]), scale=100)
        assert (found.value, found.low, found.high) == (100.0, None, None)

    def test_a_denominator_without_cells_gives_no_ratio(self):
        none, some = (Arm(np.array([n, n]), np.ones(2)) for n in (0.0, 9.0))
        found = batch_ratio(some, none, dispersion=Dispersion(0.0, 2))
        assert found.value is None

    def test_no_cell_at_the_top_dose_has_an_upper_limit(self):
        none, some = (Arm(np.array([n, n]), np.ones(2)) for n in (0.0, 100.0))
        found = batch_ratio(none, some, dispersion=Dispersion(0.0, 20), scale=100)
        # 3.689 cells on two inserts beside 200 on two: about 1.8 %.
        assert found.low == 0.0
        assert found.high == pytest.approx(100 * 3.689 / 200, rel=0.05)


class TestCorrections:
    found = np.array([[10.0, 10.0], [50.0, 50.0], [90.0, 10.0]])

    def edited(self, **data: object):
        return corrected(self.found, [Edit("e1", "points", Target(), data=data)], reach_px=8)

    def test_one_added_one_removed_one_split_in_three(self):
        new = self.edited(
            add=[[30, 30]],
            remove=[[11, 12]],
            split=[{"at": [50, 51], "into": [[45, 50], [50, 50], [55, 50]]}],
        )
        assert (len(new.points_px), new.added, new.removed) == (5, 4, 2)

    def test_removing_where_nothing_lies_is_refused(self):
        with pytest.raises(DecisionError, match="no counted object lies within 8 px"):
            self.edited(remove=[[30, 30]])

    def test_a_word_that_is_not_known_is_refused(self):
        with pytest.raises(DecisionError, match="'add', 'remove' and 'split', not move"):
            self.edited(move=[[1, 1]])

    def test_a_point_needs_two_numbers(self):
        with pytest.raises(DecisionError, match="no point"):
            self.edited(add=[[1]])
