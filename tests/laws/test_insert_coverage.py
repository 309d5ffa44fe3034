"""Do the intervals of insert densities and their ratios hold the truth? Short runs.

The long runs are `bench/coverage_insert_ratios.py`. Tolerances are three standard errors of a
share from the runs of this test below the nominal 95 %.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from lamella.potency.insert_ratios import (
    Arm,
    batch_index,
    batch_ratio,
    pooled_dispersion,
    ratio_over_batches,
)
from lamella.potency.inserts import sampled_density

RUNS = 400


def least(trials: int) -> float:
    return 0.95 - 3 * math.sqrt(0.95 * 0.05 / trials)


def counts(rng, mean, size, cv=0.14):
    return rng.poisson(mean * rng.gamma(1 / cv**2, cv**2, size)).astype(float)


@pytest.mark.parametrize("left", [0.5, 0.05])
def test_ratios_of_inserts_within_a_batch_hold_what_is_left(left):
    rng = np.random.default_rng(11)
    held = []
    for _ in range(RUNS):
        arms = [Arm(counts(rng, mean, 2), np.ones(2)) for mean in (100 * left, 100, 70, 30, 60, 80)]
        scatter = pooled_dispersion(arms)
        found = batch_ratio(arms[0], arms[1], dispersion=scatter)
        held.append(found.low <= left <= found.high)
    assert np.mean(held) >= least(RUNS)


def test_an_invasion_index_within_a_batch_holds_the_truth():
    rng = np.random.default_rng(12)
    held = []
    for _ in range(RUNS):
        arms = [Arm(counts(rng, mean, 2), np.ones(2)) for mean in (15, 60, 50, 100, 70, 40)]
        found = batch_index(
            (arms[0], arms[1], arms[2], arms[3]), dispersion=pooled_dispersion(arms)
        )
        held.append(found.low <= 0.5 <= found.high)
    assert np.mean(held) >= least(RUNS)


@pytest.mark.parametrize("batches", [3, 5])
def test_ratios_over_batches_hold_the_truth_however_far_days_differ(batches):
    rng = np.random.default_rng(13)
    day = 100 * np.exp(0.4 * rng.standard_normal((RUNS, batches)))
    treated = 0.5 * np.exp(0.1 * rng.standard_normal((RUNS, batches)))
    above, below = rng.poisson(3 * day * treated) / 3, rng.poisson(3 * day) / 3
    found = [ratio_over_batches(a, b) for a, b in zip(above, below, strict=True)]
    assert np.mean([one.low <= 0.5 <= one.high for one in found]) >= least(RUNS)


@pytest.mark.parametrize(("fields", "mean"), [(5, 40), (5, 4)])
def test_some_fields_of_a_membrane_tell_its_density(fields, mean):
    rng = np.random.default_rng(14)
    held = []
    for _ in range(RUNS):
        whole = counts(rng, mean, 40, cv=0.3)
        seen = rng.choice(whole, fields, replace=False)
        found = sampled_density(seen, np.ones(fields), membrane_area=40.0)
        held.append(found.low <= whole.mean() <= found.high)
    assert np.mean(held) >= least(RUNS)
