"""Fits a second of four-parameter curves, 8 doses x 3 replicates, beside scipy's curve_fit."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.optimize import curve_fit, least_squares

from lamella.potency import fit_many, profile_many

SD = 0.05


def simulated(curves, *, seed=7):
    """EC50 inside and outside the tested range, one curve in ten flat; shape (curves, 24)."""
    rng = np.random.default_rng(seed)
    dose = np.repeat(10.0 ** np.linspace(0, 4, 8), 3)
    centre, slope = rng.uniform(-0.5, 4.8, curves), np.exp(rng.normal(0, 0.5, curves))
    bottom = np.where(rng.random(curves) < 0.1, 1.0, rng.uniform(0, 0.5, curves))
    x = np.log10(dose)
    fall = 1 / (1 + 10 ** (slope[:, None] * (x - centre[:, None])))
    clean = bottom[:, None] + (1 - bottom[:, None]) * fall
    return dose, clean + rng.normal(0, SD, clean.shape)


def best_of_21_starts(dose, response):
    """Smallest RSS that MINPACK finds from 7 centres x 3 slopes, inside our bounds."""
    x = np.log10(dose)

    def residual(nu):
        t = np.clip(np.exp(nu[1]) * np.log(10) * (x - nu[0]), -500, 500)
        s = 1 / (1 + np.exp(-t))
        columns = np.column_stack([1 - s, s])
        return response - columns @ np.linalg.lstsq(columns, response, rcond=1e-12)[0]

    best = np.inf
    for centre in np.linspace(x[0] - 1, x[-1] + 1, 7):
        for slope in (0.5, 1.5, 5.0):
            start = [centre, np.log(slope)]
            found = least_squares(residual, start, method="lm", xtol=1e-12, ftol=1e-14)
            inside = x[0] - 4 <= found.x[0] <= x[-1] + 4
            if inside and np.log(0.05) <= found.x[1] <= np.log(100):
                best = min(best, 2 * found.cost)
    return best


def share_at_the_optimum(curves, engine, *, seed=7):
    dose, response = simulated(curves, seed=seed)
    mine = fit_many(dose, response, engine=engine).rss
    reference = np.array([best_of_21_starts(dose, row) for row in response])
    return float(np.mean(mine <= reference * (1 + 1e-6)))


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_curves_reach_the_best_of_21_starts(engine):
    # 40 curves keep the test short; `python bench/coverage_potency.py` runs all 1,000.
    if engine == "numba":
        pytest.importorskip("numba")
    assert share_at_the_optimum(40, engine) == 1.0


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_fits_of_8_doses_in_triplicate(benchmark, engine):
    if engine == "numba":
        pytest.importorskip("numba")
    dose, response = simulated(4_000 if benchmark.enabled else 50)
    fit_many(dose, response[:2], engine=engine)
    fits = benchmark(lambda: fit_many(dose, response, engine=engine))
    assert fits.engine == engine
    assert (fits.rss <= ((response - response.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)).all()


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_profile_intervals_of_8_doses_in_triplicate(benchmark, engine):
    if engine == "numba":
        pytest.importorskip("numba")
    dose, response = simulated(1_000 if benchmark.enabled else 50)
    fits = fit_many(dose, response, engine=engine)
    profile_many(dose, response[:2], fit_many(dose, response[:2], engine=engine), engine=engine)
    ends = benchmark(lambda: profile_many(dose, response, fits, engine=engine))
    assert (ends.low <= fits.log10_ec50).all()
    assert (ends.high >= fits.log10_ec50).all()


def test_scipy_curve_fit_in_a_loop(benchmark):
    dose, response = simulated(100 if benchmark.enabled else 5)
    x = np.log10(dose)

    def logistic(at, centre, slope, top, bottom):
        return bottom + (top - bottom) / (1 + 10 ** (slope * (at - centre)))

    def loop():
        rss = []
        for row in response:
            start = [x.mean(), 1.0, row.max(), row.min()]
            try:
                with np.errstate(all="ignore"):
                    found, _ = curve_fit(logistic, x, row, p0=start, maxfev=20_000)
            except RuntimeError:
                rss.append(np.inf)
                continue
            # Outside our bounds a runaway fit may undercut every sensible curve by a hair.
            inside = abs(found[0] - x.mean()) <= 4 + np.ptp(x) / 2 and 0.05 <= abs(found[1]) <= 100
            rss.append(float(((row - logistic(x, *found)) ** 2).sum()) if inside else np.inf)
        return np.array(rss)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # curve_fit warns of covariances that it cannot estimate
        theirs = benchmark(loop)
    mine = fit_many(dose, response, engine="numpy").rss
    assert (mine <= theirs * (1 + 1e-6)).mean() >= 0.99


def test_curve_curator_in_a_loop(benchmark):
    """Where it can be imported. It demands pytest < 8, so install it beside the environment:

    `pip install --no-deps --target /tmp/peers curve-curator==0.6.0`, `PYTHONPATH=/tmp/peers`.
    """
    models = pytest.importorskip("curve_curator.models", reason="curve-curator is not installed")
    dose, response = simulated(100 if benchmark.enabled else 5)
    x = np.log10(dose)

    def loop():
        rss = []
        for row in response:
            model = models.LogisticModel()
            model.set_boundaries(x)
            model.efficiently_fit_ols(x, row, noise=SD)
            rss.append(model.calculate_sum_squared_residuals(x, row))
        return np.array(rss)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # overflow and covariance warnings of its solver
        theirs = benchmark(loop)
    mine = fit_many(dose, response, engine="numpy").rss
    assert (mine <= theirs * (1 + 1e-6)).mean() >= 0.99
    benchmark.extra_info["theirs_within_1e-6_of_ours"] = float(np.mean(theirs <= mine * (1 + 1e-6)))
