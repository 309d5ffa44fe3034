"""Dose-response of counts: curves fitted by binomial or negative-binomial likelihood."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from lamella.errors import FitError
from lamella.potency.dose_table import CurvePoints
from lamella.potency.families import family_named
from lamella.potency.least_squares import covariance
from lamella.potency.system import CurveSystem

__all__ = ["CountFit", "fit_counts", "fit_fractions"]

F8 = NDArray[np.float64]

_ROUNDS = 200


@dataclass(frozen=True)
class CountFit:
    """Maximum-likelihood curve of counts.

    Attributes:
        names: Name of each parameter: `name` if shared, else `name:curve`.
        estimate: log10 for doses, ln for slopes, shape (q,).
        se: Standard errors from the Fisher information, shape (q,); NaN where singular.
        log_likelihood: With all constants, so that it can be compared with other software.
        dispersion: a of Var = mu + a mu^2; 0 for binomial and Poisson counts.
        converged: The deviance settled.
    """

    names: tuple[str, ...]
    estimate: F8
    se: F8
    log_likelihood: float
    dispersion: float
    converged: bool

    def __getitem__(self, name: str) -> float:
        return float(self.estimate[self.names.index(name)])

    @property
    def aic(self) -> float:
        """Akaike's criterion; the dispersion counts as a parameter where it is estimated."""
        return 2.0 * (len(self.names) + (self.dispersion > 0)) - 2.0 * self.log_likelihood


@dataclass(frozen=True)
class _Noise:
    """Variance of a single observation, and the log-likelihood of the dose means."""

    variance: Callable[[F8], F8]
    likelihood: Callable[[F8], float]
    inside: tuple[float, float]


def fit_fractions(
    curves: Sequence[CurvePoints],
    *,
    shared: Collection[str] = (),
    fixed: Mapping[str, float] | None = None,
    model: str = "4pl",
) -> CountFit:
    """Curves of k successes in n trials: response = k / n, weight = n of each point.

    Args:
        curves: Points with responses in 0 ... 1 and trials as weights.
        shared, fixed, model: As in `lamella.potency.joint.fit_joint`.

    Raises:
        FitError: A response is not a fraction.
    """
    for points in curves:
        if ((points.response < 0) | (points.response > 1)).any():
            raise FitError(f"{points.place}: fractions must lie between 0 and 1.")
    system = CurveSystem.of(family_named(model), curves, frozenset(shared), dict(fixed or {}))
    y, trials = system.y, system.root_w**2
    # The coefficient does not move the optimum; with it the number is that of other software.
    each = [(p.weight, p.response * p.weight) for p in curves]
    constant = sum(
        float((gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)).sum()) for n, k in each
    )

    def likelihood(mu: F8) -> float:
        return constant + float((trials * (y * np.log(mu) + (1 - y) * np.log1p(-mu))).sum())

    noise = _Noise(lambda mu: mu * (1 - mu), likelihood, (1e-9, 1 - 1e-9))
    return _scored(system, noise, 0.0)


def fit_counts(
    curves: Sequence[CurvePoints],
    *,
    shared: Collection[str] = (),
    fixed: Mapping[str, float] | None = None,
    model: str = "4pl",
    noise: Literal["poisson", "negative_binomial"] = "negative_binomial",
) -> CountFit:
    """Curves of counts with Var = mu + a mu^2; weights are exposures (fields, area).

    The response is the count per unit of exposure times 1; a count over several fields is
    given as count / fields with the number of fields as weight.

    References:
        McCullagh and Nelder 1989; Lawless 1987, Canadian J. Statistics 15:209.
    """
    for points in curves:
        if (points.response < 0).any():
            raise FitError(f"{points.place}: a count is negative.")
    system = CurveSystem.of(family_named(model), curves, frozenset(shared), dict(fixed or {}))
    exposure = np.concatenate([p.weight for p in curves])
    count = np.concatenate([p.response * p.weight for p in curves])
    rows = _rows(system, curves)

    def at(a: float) -> CountFit:
        def likelihood(mu: F8) -> float:
            return _negative_binomial(count, mu[rows] * exposure, a)

        return _scored(system, _Noise(lambda mu: mu + a * mu**2, likelihood, (1e-9, np.inf)), a)

    if noise == "poisson":
        return at(0.0)
    logs = np.linspace(-9.0, 3.0, 25)
    heights = [at(float(np.exp(v))).log_likelihood for v in logs]
    best = int(np.argmax(heights))
    low, high = float(logs[max(best - 1, 0)]), float(logs[min(best + 1, logs.size - 1)])
    ratio = 0.5 * (5**0.5 - 1)
    for _ in range(40):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if at(float(np.exp(left))).log_likelihood > at(float(np.exp(right))).log_likelihood:
            high = right
        else:
            low = left
    return at(float(np.exp(0.5 * (low + high))))


def _rows(system: CurveSystem, curves: Sequence[CurvePoints]) -> NDArray[np.intp]:
    """Row of the stacked dose means to which each point belongs."""
    found, before = [], 0
    for points, fit in zip(curves, system.fits, strict=True):
        _, group = np.unique(points.dose, return_inverse=True)
        found.append(group + before)
        before += fit.data.x.size
    return np.concatenate(found)


def _negative_binomial(count: F8, mu: F8, a: float) -> float:
    if a == 0:
        return float((count * np.log(mu) - mu - gammaln(count + 1)).sum())
    size = 1.0 / a
    inner = gammaln(count + size) - gammaln(size) - gammaln(count + 1)
    return float((inner + count * np.log(a * mu / (1 + a * mu)) - size * np.log1p(a * mu)).sum())


def _scored(system: CurveSystem, noise: _Noise, dispersion: float) -> CountFit:
    """Fisher scoring with step halving, from the least-squares fit."""
    estimate = system.solve()[0]
    n = system.root_w**2

    def value(at: F8) -> float:
        return noise.likelihood(np.clip(system.means(at)[0], *noise.inside))

    height, converged = value(estimate), False
    for _ in range(_ROUNDS):
        mu, jacobian = system.means(estimate)
        mu = np.clip(mu, *noise.inside)
        root = np.sqrt(n / noise.variance(mu))
        scale = np.sqrt(((jacobian * root[:, None]) ** 2).sum(axis=0))
        scale = np.where(scale > 0, scale, 1.0)
        scaled = jacobian * root[:, None] / scale
        step = np.linalg.lstsq(scaled, root * (system.y - mu), rcond=1e-10)[0] / scale
        for _ in range(40):
            trial = np.clip(estimate + step, *system.box)
            fresh = value(trial)
            if fresh >= height:
                break
            step = 0.5 * step
        else:
            converged = True
            break
        gain, estimate, height = fresh - height, trial, fresh
        if gain <= 1e-11 * (1 + abs(height)) and np.abs(step).max() < 1e-7:
            converged = True
            break
    mu, jacobian = system.means(estimate)
    root = np.sqrt(n / noise.variance(np.clip(mu, *noise.inside)))
    inner = covariance(jacobian * root[:, None])
    se = np.full(estimate.size, np.nan) if inner is None else np.sqrt(np.diag(inner))
    return CountFit(system.names, estimate, se, height, dispersion, converged)
