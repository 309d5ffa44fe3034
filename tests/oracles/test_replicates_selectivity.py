"""Ratios of IC50s against R drc, and the rules for calling an effect anti-migratory."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from scipy import optimize, stats

from lamella.errors import MeasurementError
from lamella.potency.equivalence import equivalence_to_vehicle
from lamella.potency.result import Potency
from lamella.potency.selectivity import (
    fieller_ratio,
    ratio_of_batches,
    ratio_of_potencies,
    selectivity,
)


def closed(value, low, high):
    return Potency(value, low, high, "closed", f"{value}")


@pytest.fixture(scope="module")
def two_herbicides(shared_data):
    """Two curves with shared plateaus, fitted here so that their covariance is known."""
    folder = shared_data("stats")
    with (folder / "dose_response" / "s_alba_two_curves.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    dose = np.array([float(row["dose"]) for row in rows])
    seen = np.array([float(row["response"]) for row in rows])
    second = np.array([row["curve"] == "Glyphosate" for row in rows])

    def model(x):
        slope, ec50 = np.where(second, x[1], x[0]), np.where(second, x[5], x[4])
        return x[2] + (x[3] - x[2]) / (1 + (dose / ec50) ** slope)

    fit = optimize.least_squares(
        lambda x: model(x) - seen, [5.0, 2.5, 0.7, 3.8, 28.0, 66.0], x_scale="jac", xtol=1e-14
    )
    df = seen.size - 6
    covariance = np.linalg.inv(fit.jac.T @ fit.jac) * 2 * fit.cost / df
    return fit.x[4:], covariance[4:, 4:], df


def test_fieller_of_two_herbicides_agrees_with_drc(two_herbicides, shared_data):
    path = shared_data("stats") / "expected" / "r_models.json"
    expected = json.loads(path.read_text())["s_alba"]["EDcomp_fieller"]
    expected = expected["Bentazone/Glyphosate:50/50"]
    (bentazone, glyphosate), covariance, df = two_herbicides
    mine = fieller_ratio(bentazone, glyphosate, covariance=covariance, df=df)
    # Finite-difference Jacobian here, numeric derivatives there.
    assert mine.value == pytest.approx(expected["Estimate"], rel=1e-4)
    assert mine.low == pytest.approx(expected["Lower"], rel=5e-4)
    assert mine.high == pytest.approx(expected["Upper"], rel=5e-4)


def test_a_denominator_that_may_be_zero_leaves_the_ratio_open():
    mine = fieller_ratio(10.0, 1.0, covariance=np.eye(2), df=5)
    assert (mine.low, mine.high) == (None, None)
    assert "open" in mine.text


def test_paired_batches_give_the_t_interval_of_the_log_ratio():
    viability, migration = np.array([1.1, 1.4, 0.9]), np.array([0.2, 0.3, 0.1])
    mine = ratio_of_batches(
        viability, migration[::-1], viability_batch="abc", migration_batch="cba"
    )
    limits = stats.ttest_rel(viability, migration).confidence_interval(0.95)
    assert (mine.low, mine.high) == pytest.approx(tuple(10 ** np.array(limits)), rel=1e-9)
    assert mine.n == 3


def test_batches_without_a_partner_are_compared_by_welch():
    viability, migration = [1.1, 1.4, 0.9], [0.2, 0.8]
    mine = ratio_of_batches(viability, migration, viability_batch="abc", migration_batch="de")
    peer = stats.ttest_ind(viability, migration, equal_var=False)
    limits = peer.confidence_interval(0.95)
    assert (mine.low, mine.high) == pytest.approx(tuple(10 ** np.array(limits)), rel=1e-9)
    partly = ratio_of_batches(
        viability, [0.2, 0.3, 0.4], viability_batch="abc", migration_batch="abx"
    )
    assert partly.n == 2
    assert "2 batches with one of the two assays left out" in partly.method


def test_a_viability_ic50_that_is_not_reached_leaves_the_ratio_open_above():
    mine = ratio_of_batches([2.0, 2.0, 2.0], [0.1, 0.2, 0.15], viability_is_bound=[True] * 3)
    assert (mine.value, mine.high) == (None, None)
    assert mine.low > 1
    assert selectivity(mine).claim == "anti_migratory"
    with pytest.raises(MeasurementError, match="never dropped silently"):
        ratio_of_batches([float("nan"), 1.0], [0.0, 0.1])


def test_skewed_and_open_profile_limits_are_combined_on_their_own_side():
    # By hand: each side adds squares of decades: 0.3 and 0.4 below give 0.5.
    viability = closed(100.0, 100.0 / 10**0.3, None)
    migration = closed(1.0, 0.9, 10**0.4)
    mine = ratio_of_potencies(viability, migration)
    assert mine.value == pytest.approx(100.0)
    assert mine.low == pytest.approx(100 / 10**0.5, rel=1e-12)
    assert mine.high is None
    unreached = Potency(None, 50.0, None, "not_reached", "> 50 µM")
    bound = ratio_of_potencies(unreached, migration)
    assert bound.value is None
    assert bound.low == pytest.approx(50 / 10**0.4, rel=1e-12)
    nothing = ratio_of_potencies(viability, unreached)
    assert (nothing.value, nothing.low) == (None, None)
    assert "migration has no IC50 (> 50 µM)" in nothing.text


def test_anti_migratory_needs_an_interval_above_one_or_unharmed_cells():
    apart = ratio_of_potencies(closed(100.0, 80.0, 120.0), closed(1.0, 0.8, 1.2))
    same = ratio_of_potencies(closed(1.1, 0.5, 2.5), closed(1.0, 0.5, 2.0))
    toxic = ratio_of_potencies(closed(0.3, 0.25, 0.35), closed(1.0, 0.8, 1.2))
    days = [1, 1, 2, 2, 3, 3]
    unharmed = equivalence_to_vehicle(
        [100.0, 99.0, 100.0, 102.0, 100.0, 98.0], ["v", "d"] * 3, batch=days, vehicle="v"
    )[0]
    unclear = equivalence_to_vehicle(
        [100.0, 70.0, 100.0, 120.0, 100.0, 95.0], ["v", "d"] * 3, batch=days, vehicle="v"
    )[0]
    assert selectivity(apart).claim == "anti_migratory"
    assert selectivity(same).claim == "not_separable"
    assert selectivity(same, viability_at_ic50=unclear).claim == "not_separable"
    rescued = selectivity(same, viability_at_ic50=unharmed)
    assert (rescued.claim, rescued.basis) == ("anti_migratory", "equivalence")
    # Cells that die at a lower dose are never migration, whatever one viability dose says.
    assert selectivity(toxic, viability_at_ic50=unharmed).claim == "toxic_at_lower_dose"
    assert "no viability of the same cells was given" in selectivity(None).message
