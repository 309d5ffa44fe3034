"""GR values, GRmax and area over the curve against the published R, Python and MATLAB tables."""

from __future__ import annotations

import csv
from collections import defaultdict

import numpy as np
import pytest

from lamella.potency.normalisation import (
    area_over_curve,
    growth_rate_inhibition,
    growth_rate_values,
    strongest_effect,
    trimmed_mean,
)

KEYS = ("cell_line", "agent", "perturbation", "replicate", "time")


def rows_of(path):
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


@pytest.fixture(scope="module")
def values(shared_data):
    return rows_of(shared_data("stats") / "gr" / "R_input1_GRvalues.tsv")


def test_every_published_gr_value_is_met(values):
    mine = growth_rate_values(
        [float(row["cell_count"]) for row in values],
        control=[float(row["cell_count__ctrl"]) for row in values],
        at_start=[float(row["cell_count__time0"]) for row in values],
    )
    assert len(values) == 720
    # The table prints 15 digits.
    assert mine == pytest.approx([float(row["GR"]) for row in values], abs=1e-12)


def test_grmax_and_area_over_the_curve_are_met_for_all_eighty_curves(values, shared_data):
    curves = defaultdict(list)
    for row in values:
        curves[tuple(row[key] for key in KEYS)].append(row)
    folder = shared_data("stats") / "gr"
    for name, area in (("R", "GR_AOC"), ("matlab", "GR_AOC"), ("python", "GR_AUC")):
        published = {
            tuple(row[key] for key in KEYS): row
            for row in rows_of(folder / f"{name}_input1_GRmetrics.tsv")
        }
        assert published.keys() == curves.keys()
        assert len(curves) == 80
        for key, rows in curves.items():
            dose = [float(row["concentration"]) for row in rows]
            gr = [float(row["GR"]) for row in rows]
            assert strongest_effect(dose, gr) == pytest.approx(
                float(published[key]["GRmax"]), abs=1e-9
            )
            assert area_over_curve(dose, gr) == pytest.approx(float(published[key][area]), abs=1e-9)


def test_the_control_is_the_mean_of_the_inner_half_of_the_vehicle_wells():
    # By hand: of eight wells two are cut at each end, (100 + 102 + 104 + 106) / 4 = 103.
    wells = [20.0, 98.0, 100.0, 102.0, 104.0, 106.0, 110.0, 900.0]
    assert trimmed_mean(wells) == 103.0
    out = growth_rate_inhibition([*wells, 103.0], ["vehicle"] * 8 + ["test"], at_start=50.0)
    assert out.value[-1] == pytest.approx(1.0, abs=1e-12)
    assert "quarter cut at each end" in out.method


def test_growth_that_is_not_defined_carries_its_reason():
    out = growth_rate_inhibition(
        [100.0, 200.0, -3.0, 300.0, 50.0],
        ["vehicle", "test", "test", "vehicle", "test"],
        at_start=[100.0, 100.0, 100.0, 100.0, 100.0],
        plate=["1", "1", "2", "2", "3"],
    )
    assert "did not grow (100 -> 100)" in out.reason[0]
    assert "-3 after the blank" in out.reason[2]
    assert out.value[3] == 1.0
    assert out.reason[4] == "plate 3 has no vehicle well with a value"
    assert np.isnan(out.value[[0, 1, 2, 4]]).all()
