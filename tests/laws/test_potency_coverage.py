"""Do the intervals hold the truth, and does the any-effect test keep its size? Short runs.

The long runs are `bench/coverage_potency.py`; the tolerances here are three standard errors of
a share from the runs of this test around the nominal value.
"""

from __future__ import annotations

import numpy as np
import pytest

from lamella.potency import fit_many, profile_many
from lamella.potency.any_effect import any_effect_batch

RUNS = 1500


def intervals(ec50, seed):
    """Cells that fall from 1 to 0.1 with slope 1.2, eight doses over four decades, noise 0.05."""
    dose = np.repeat(10.0 ** np.linspace(0, 4, 8), 3)
    rng = np.random.default_rng(seed)
    clean = 0.1 + 0.9 / (1 + (dose / ec50) ** 1.2)
    response = clean + rng.normal(0, 0.05, (RUNS, dose.size))
    return profile_many(dose, response, fit_many(dose, response))


def test_the_profile_interval_of_a_bracketed_ec50_covers_it():
    ends = intervals(100.0, 1)
    covered = np.mean((ends.low <= 2) & (ends.high >= 2))
    assert 0.95 - 3 * 0.0056 <= covered <= 0.97 + 3 * 0.0056


@pytest.mark.parametrize("ec50", [1e4, 3e4])
def test_an_ec50_at_or_beyond_the_top_dose_leaves_the_interval_open(ec50):
    ends = intervals(ec50, 2)
    assert np.isinf(ends.high).mean() >= 0.9
    covered = np.mean((ends.low <= np.log10(ec50)) & (ends.high >= np.log10(ec50)))
    assert covered >= 0.95 - 3 * 0.0056


@pytest.mark.parametrize(("doses", "replicates"), [(8, 1), (8, 3), (10, 3)])
def test_the_any_effect_test_errs_in_five_percent_of_flat_tables(doses, replicates):
    rng = np.random.default_rng(3)
    y = rng.normal(0, 1, (20_000, doses, replicates))
    means = y.mean(axis=2)
    pure = ((y - means[:, :, None]) ** 2).sum(axis=(1, 2))
    n = doses * replicates
    x, w = np.linspace(0, 4, doses), np.full(doses, float(replicates))
    _, p = any_effect_batch(means, pure, x=x, w=w, df_pure=n - doses, df=n - 4)
    assert 0.044 <= np.mean(p < 0.05) <= 0.056
