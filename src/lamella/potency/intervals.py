"""How sure is a number? Wald, delta, Fieller and bootstrap intervals beside the profile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtri, stdtrit

from lamella.potency.dose_table import CurvePoints
from lamella.potency.family_fit import FamilyFit, least_squares_problem
from lamella.potency.least_squares import minimise
from lamella.potency.profile import Interval
from lamella.potency.reweighting import fitted_at

__all__ = [
    "bootstrap",
    "delta_dose",
    "fieller",
    "profile_cut",
    "ratio_delta",
    "standard_error",
    "wald",
]

F8 = NDArray[np.float64]
Quantity = Callable[[FamilyFit], float | None]


def profile_cut(fit: FamilyFit, *, level: float = 0.95) -> float:
    """Largest RSS of a compatible curve: RSS (1 + F(level; 1, n - p) / (n - p))."""
    return fit.rss * (1.0 + float(fdtri(1, fit.df, level)) / fit.df)


def standard_error(fit: FamilyFit, quantity: Quantity, covariance: F8 | None) -> float | None:
    """Standard error of any quantity of a curve by the delta method; None where undefined."""
    if covariance is None:
        return None
    gradient = np.zeros(fit.theta.size)
    for i in np.flatnonzero(fit.free):
        step = 1e-5 * max(1.0, abs(fit.theta[i]))
        ends = [quantity(_moved(fit, int(i), side * step)) for side in (1.0, -1.0)]
        if ends[0] is None or ends[1] is None:
            return None
        gradient[i] = (ends[0] - ends[1]) / (2 * step)
    variance = float(gradient @ covariance @ gradient)
    return float(np.sqrt(variance)) if np.isfinite(variance) and variance >= 0 else None


def wald(place: float, se: float | None, df: int) -> Interval:
    """Symmetric in log10 dose: place -+ t SE."""
    if se is None or df < 1:
        return Interval(None, None)
    half = float(stdtrit(df, 0.975)) * se
    return Interval(place - half, place + half)


def delta_dose(place: float, se: float | None, df: int) -> Interval:
    """Symmetric in dose: D (1 -+ t SE ln 10); an end at or below dose 0 is open.

    Kept for comparison with programs that print nothing else; its coverage is poor when the
    EC50 lies near the top dose.
    """
    if se is None or df < 1:
        return Interval(None, None)
    half = float(stdtrit(df, 0.975)) * se * float(np.log(10.0))
    low = place + float(np.log10(1.0 - half)) if half < 1 else None
    return Interval(low, place + float(np.log10(1.0 + half)))


def fieller(a: float, b: float, *, covariance: F8, t: float) -> tuple[float | None, float | None]:
    """Interval of a / b from two estimates and their covariance, shape (2, 2).

    None for both ends where b is not different from 0, so that the set is not an interval.

    References:
        Fieller 1954, J. Royal Statistical Society B 16:175.

    >>> ends = fieller(28.64, 66.93, covariance=np.diag([2.043**2, 5.979**2]), t=1.999)
    >>> [round(end, 2) for end in ends]
    [0.34, 0.54]
    """
    v_aa, v_ab, v_bb = covariance[0, 0], covariance[0, 1], covariance[1, 1]
    quadratic = b**2 - t**2 * v_bb
    if quadratic <= 0:
        return None, None
    linear = a * b - t**2 * v_ab
    root = float(np.sqrt(max(linear**2 - quadratic * (a**2 - t**2 * v_aa), 0.0)))
    return float((linear - root) / quadratic), float((linear + root) / quadratic)


def ratio_delta(a: float, b: float, *, covariance: F8, t: float) -> tuple[float, float]:
    """Interval of a / b, symmetric on the raw ratio: for comparison with other programs."""
    gradient = np.array([1 / b, -a / b**2])
    half = t * float(np.sqrt(gradient @ covariance @ gradient))
    return a / b - half, a / b + half


def bootstrap(
    fit: FamilyFit,
    points: CurvePoints,
    quantity: Quantity,
    *,
    rng: np.random.Generator,
    wild: bool = False,
    runs: int = 1000,
) -> Interval:
    """Percentile interval from simulated responses; an end is open where curves never get there.

    Args:
        fit: The fitted curve.
        points: Its points.
        quantity: log10 dose of interest of a fit, None where it does not exist.
        rng: Source of chance.
        wild: Keep each point's own residual and flip its sign (noise may differ between
            doses); otherwise normal noise of the residual SD (parametric).
        runs: Simulated curves.
    References:
        Davidson and Flachaire 2008, J. Econometrics 146:162 (Rademacher signs).
    """
    curve = fitted_at(fit, points.dose)
    root_w = np.sqrt(points.weight)
    shape = (runs, points.dose.size)
    if wild:
        residual = (points.response - curve) * np.sqrt(points.dose.size / max(fit.df, 1))
        noise = residual * rng.choice([-1.0, 1.0], shape)
    else:
        noise = rng.standard_normal(shape) * (fit.sigma / root_w)
    _, group = np.unique(points.dose, return_inverse=True)
    total = np.bincount(group, points.weight)
    means = np.stack([np.bincount(group, points.weight * (curve + row)) for row in noise]) / total
    places = _refitted(fit, means, quantity)
    # A curve that never gets there lies above every dose.
    places = np.sort(np.where(np.isnan(places), np.inf, places))
    low, high = places[int(0.025 * (runs - 1))], places[int(np.ceil(0.975 * (runs - 1)))]
    reach = 4.0
    bottom, top = fit.data.x_range
    return Interval(
        float(low) if bottom - reach < low < np.inf else None,
        float(high) if high < top + reach else None,
    )


def _refitted(fit: FamilyFit, means: F8, quantity: Quantity) -> F8:
    p = len(fit.family.nonlinear)
    problem = replace(least_squares_problem(fit), y=means)
    found = minimise(
        problem, np.tile(fit.theta[:p], (len(means), 1)), iterations=60, tolerance=1e-10
    )
    thetas = np.concatenate([found.nonlinear, found.linear], axis=1)
    places = [quantity(replace(fit, theta=theta)) for theta in thetas]
    return np.array([np.nan if place is None else place for place in places])


def _moved(fit: FamilyFit, i: int, step: float) -> FamilyFit:
    theta = fit.theta.copy()
    theta[i] += step
    return replace(fit, theta=theta)
