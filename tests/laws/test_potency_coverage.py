"""Do the intervals hold the truth, and does the any-effect test keep its size? Short runs.

The long runs are `bench/coverage_potency.py`; the tolerances here are three standard errors of
a share from the runs of this test around the nominal value.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import f as f_distribution

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


def test_how_often_the_upper_end_is_open_follows_from_the_likelihood_alone():
    # Slope 1 and no lower plateau: the case with the fewest open ends, 90 in 100. Whether the
    # end of one curve is open is decided again here by searching 1,500 slopes by hand.
    dose = np.repeat(10.0 ** np.linspace(0, 4, 8), 3)
    rng = np.random.default_rng(4)
    response = 1 / (1 + dose / 1e4) + rng.normal(0, 0.05, (200, dose.size))
    fits = fit_many(dose, response)
    open_above = np.isinf(profile_many(dose, response, fits).high)
    farthest = 4 + 4  # four decades above the top dose
    slopes = np.geomspace(0.05, 100, 1500)
    distance = np.minimum(slopes[:, None] * (farthest - np.log10(dose)), 300)
    gone = 1 / (1 + 10**distance)
    gone -= gone.mean(axis=1, keepdims=True)
    centred = response - response.mean(axis=1, keepdims=True)
    length = np.sqrt((gone**2).sum(axis=1))
    seen = length > 1e-12  # steeper ones do not bend within the doses
    explained = ((centred @ (gone[seen] / length[seen, None]).T) ** 2).max(axis=1)
    df = dose.size - 4
    cut = fits.rss * (1 + f_distribution.ppf(0.95, 1, df) / df)
    compatible = (centred**2).sum(axis=1) - explained <= cut
    assert (compatible == open_above).mean() >= 0.99  # 1,500 slopes are not all slopes
    assert 0.8 <= open_above.mean() <= 0.97


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
