"""Without an effect, one experiment in twenty is called different: no more, no fewer.

Runs and seeds are fixed; the long version with its results is `bench/coverage_replicates.py`.
"""

from __future__ import annotations

import numpy as np
import pytest

from lamella.potency.comparisons import compare_with_vehicle
from lamella.potency.mixed import nested_model

RUNS = 1_000
# Two and a half standard errors of 1,000 draws at 5 % are 1.7 points.
SLACK = 0.0172


def drawn(rng, *, batches, treatments, wells, icc, crossed):
    """Values of one experiment without effect; `wells` of each batch and treatment."""
    batch, drug = (axis.ravel() for axis in np.indices((batches, treatments)))
    batch, drug = np.repeat(batch, wells.ravel()), np.repeat(drug, wells.ravel())
    value = rng.normal(0, icc**0.5, batches)[batch]
    value += rng.normal(0, crossed**0.5, (batches, treatments))[batch, drug]
    value += rng.normal(0, (1 - icc - crossed) ** 0.5, batch.size)
    return value, drug, batch


def plan(batches, treatments, *, equal, seed):
    shape = (batches, treatments)
    return np.full(shape, 3) if equal else np.random.default_rng(seed).integers(2, 6, shape)


@pytest.mark.parametrize("icc", [0.0, 0.3])
@pytest.mark.parametrize(("batches", "equal"), [(3, True), (6, False)])
def test_two_treatments_differ_by_chance_in_one_experiment_of_twenty(batches, equal, icc):
    wells = plan(batches, 2, equal=equal, seed=batches)
    rng = np.random.default_rng(20 + batches)
    found = 0
    for _ in range(RUNS):
        value, drug, batch = drawn(
            rng, batches=batches, treatments=2, wells=wells, icc=icc, crossed=icc / 3
        )
        found += compare_with_vehicle(value, drug, batch=batch, vehicle="0").effects[0].p < 0.05
    assert found / RUNS == pytest.approx(0.05, abs=SLACK)


def test_a_whole_dunnett_family_keeps_five_percent():
    wells, rng = plan(4, 5, equal=True, seed=1), np.random.default_rng(5)
    found = 0
    for _ in range(RUNS):
        value, drug, batch = drawn(rng, batches=4, treatments=5, wells=wells, icc=0.2, crossed=0.1)
        out = compare_with_vehicle(value, drug, batch=batch, vehicle="0")
        found += min(effect.p_adjusted for effect in out.effects) < 0.05
    assert found / RUNS == pytest.approx(0.05, abs=SLACK)


def test_kenward_roger_keeps_five_percent_when_a_treatment_is_missing_in_a_batch():
    wells, rng = plan(4, 3, equal=True, seed=1), np.random.default_rng(6)
    wells[0, 2] = 0
    found = 0
    for _ in range(RUNS // 4):
        value, drug, batch = drawn(rng, batches=4, treatments=3, wells=wells, icc=0.3, crossed=0.1)
        found += nested_model(value, drug, batch=batch, vehicle="0").p < 0.05
    assert found / (RUNS // 4) == pytest.approx(0.05, abs=SLACK * 2)


def test_cells_as_n_call_more_than_a_third_of_empty_experiments_different():
    # Three batches a group of 50 cells, ICC 0.2 of the batch-by-treatment kind: 57 % published.
    rng, found = np.random.default_rng(7), 0
    for _ in range(200):
        value, drug, batch = drawn(
            rng, batches=3, treatments=2, wells=np.full((3, 2), 50), icc=0.0, crossed=0.2
        )
        out = compare_with_vehicle(value, drug, batch=batch, vehicle="0", unit_of_analysis="cell")
        found += out.effects[0].p < 0.05
    assert found / 200 > 0.35
