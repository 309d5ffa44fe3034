"""Ratios of mean counts on inserts: how sure are % of vehicle, % invasion and their indices?

Within a batch, inserts scatter as negative-binomial counts, and that scatter is pooled over all
arms. Between batches each batch gives one number for each side of the ratio, and the batches are
the n. Fields of an insert are never n.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from lamella.potency.inserts import poisson_limits
from lamella.potency.selectivity import Ratio, fieller_ratio

__all__ = [
    "Arm",
    "Dispersion",
    "batch_index",
    "batch_ratio",
    "pooled_dispersion",
    "ratio_over_batches",
]

F8 = NDArray[np.float64]

_NO_SCATTER = "no arm has two inserts, so nothing tells how inserts scatter within a batch"


@dataclass(frozen=True, slots=True)
class Arm:
    """The inserts of one arm of one batch.

    Attributes:
        cells: Cells counted on each insert, over all its fields, shape (n,).
        area: Area that was looked at on each, shape (n,), in one unit.
    """

    cells: F8
    area: F8

    @property
    def density(self) -> float:
        """Cells per unit of area."""
        return float(self.cells.sum() / self.area.sum())


@dataclass(frozen=True, slots=True)
class Dispersion:
    """How inserts of one arm and batch scatter: Var = mean + phi mean², with its freedom."""

    phi: float
    df: int


def pooled_dispersion(arms: Sequence[Arm]) -> Dispersion | None:
    """Extra-Poisson scatter of inserts, pooled over all arms; None where no arm has two.

    References:
        Breslow 1984, Applied Statistics 33:38 (phi such that Pearson's statistic equals its
        degrees of freedom).

    >>> arms = [Arm(np.array([90.0, 110.0, 130.0]), np.ones(3)), Arm(np.array([8.0]), np.ones(1))]
    >>> round(pooled_dispersion(arms).phi, 4), pooled_dispersion(arms).df
    (0.024, 2)
    """
    used = [arm for arm in arms if arm.cells.size > 1 and arm.cells.sum() > 0]
    df = sum(arm.cells.size - 1 for arm in used)
    if df == 0:
        return None
    cells = np.concatenate([arm.cells for arm in used])
    mean = np.concatenate([arm.density * arm.area for arm in used])

    def excess(phi: float) -> float:
        return float(((cells - mean) ** 2 / (mean + phi * mean**2)).sum()) - df

    if excess(0.0) <= 0:
        return Dispersion(0.0, df)
    low, high = 0.0, 1.0
    while excess(high) > 0:
        low, high = high, 4 * high
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return Dispersion(0.5 * (low + high), df)


def batch_ratio(
    numerator: Arm, denominator: Arm, *, dispersion: Dispersion | None, scale: float = 1.0
) -> Ratio:
    """Ratio of two mean densities of one batch, with Fieller's interval.

    Args:
        numerator: Inserts above.
        denominator: Inserts below, same unit of area.
        dispersion: Of all inserts of the study.
        scale: 100 for percent.

    >>> test = Arm(np.array([48.0, 50.0, 52.0]), np.ones(3))
    >>> vehicle = Arm(np.array([98.0, 100.0, 102.0]), np.ones(3))
    >>> ratio = batch_ratio(test, vehicle, dispersion=Dispersion(0.0, 10), scale=100)
    >>> ratio.value, round(ratio.low), round(ratio.high)
    (50.0, 40, 62)
    """
    if denominator.cells.sum() == 0:
        return _none("no cell in the denominator, so there is no ratio")
    value = scale * numerator.density / denominator.density
    if dispersion is None:
        return Ratio(value, None, None, None, _NO_SCATTER, f"{value:.3g}; {_NO_SCATTER}")
    covariance = np.diag([_variance(arm, dispersion) for arm in (numerator, denominator)])
    found = fieller_ratio(
        numerator.density, denominator.density, covariance=covariance, df=dispersion.df
    )
    return _scaled(found, scale, None)


def batch_index(arms: tuple[Arm, Arm, Arm, Arm], *, dispersion: Dispersion | None) -> Ratio:
    """(a / b) / (c / d) of one batch with its interval on the log scale.

    Args:
        arms: Coated and uncoated test inserts, then coated and uncoated controls.
        dispersion: Of all inserts of the study.
    """
    a, b, c, d = arms
    if min(arm.cells.sum() for arm in (b, c, d)) == 0:
        return _none("no cell in a denominator, so there is no index")
    value = a.density / b.density / (c.density / d.density)
    if dispersion is None or value == 0:
        why = _NO_SCATTER if dispersion is None else "no cell on the coated test inserts"
        return Ratio(value, None, None, None, why, f"{value:.3g}; {why}")
    variance = sum(_variance(arm, dispersion) / arm.density**2 for arm in arms)
    half = float(stdtrit(dispersion.df, 0.975)) * math.sqrt(variance)
    low, high = value * math.exp(-half), value * math.exp(half)
    method = "log-mean model, negative-binomial inserts"
    return Ratio(value, low, high, None, method, _said(value, low, high, None))


def ratio_over_batches(
    numerator: Sequence[float] | F8, denominator: Sequence[float] | F8, *, scale: float = 1.0
) -> Ratio:
    """Ratio over batches, one number of each side a batch; the batches are the n.

    The geometric mean of the ratios of the batches with the t-interval of their logarithms:
    what makes a whole batch migrate more cancels. A batch without cells above has no logarithm;
    then the ratio of the means with Fieller's paired interval, open where the denominator may
    be zero. One batch leaves both ends open.

    Args:
        numerator: One value a batch, shape (n,).
        denominator: Of the same batches, shape (n,).
        scale: 100 for percent.

    >>> found = ratio_over_batches([50, 66, 40], [100, 120, 90], scale=100)
    >>> round(found.value, 1), round(found.low, 1), round(found.high, 1), found.n
    (49.6, 38.1, 64.7, 3)
    >>> ratio_over_batches([50, 66, 0], [100, 120, 90], scale=100).method
    'Fieller, 95 % on pairs of batches'
    """
    above, below = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    n = above.size
    if n == 0 or below.min() <= 0:
        return _none("a batch has no cell in the denominator" if n else "no batch has both sides")
    if n == 1:
        value, why = scale * float(above[0] / below[0]), "one batch: technical replicates only"
        return Ratio(value, None, None, 1, why, f"{value:.3g}, {why}")
    if above.min() > 0:
        logs = np.log(above / below)
        half = float(stdtrit(n - 1, 0.975)) * float(logs.std(ddof=1)) / math.sqrt(n)
        value, low, high = (scale * math.exp(logs.mean() + end) for end in (0.0, -half, half))
        method = "t-interval on log ratios of batches"
        return Ratio(value, low, high, n, method, _said(value, low, high, n))
    covariance = np.cov(np.stack([above, below])) / n
    found = fieller_ratio(float(above.mean()), float(below.mean()), covariance=covariance, df=n - 1)
    return _scaled(found, scale, n)


def _variance(arm: Arm, dispersion: Dispersion) -> float:
    """Of the mean density of an arm; a count of 0 varies as its exact upper limit says."""
    total, area = float(arm.cells.sum()), float(arm.area.sum())
    if total == 0:
        return (poisson_limits(0.0)[1] / area / float(stdtrit(dispersion.df, 0.975))) ** 2
    # One cell more: the variance of a small count is known no better than the count itself.
    mean = (total + 1) / area * arm.area
    return float((mean + dispersion.phi * mean**2).sum()) / area**2


def _scaled(found: Ratio, scale: float, n: int | None) -> Ratio:
    value, low, high = (
        None if v is None else scale * v for v in (found.value, found.low, found.high)
    )
    low = None if low is None else max(low, 0.0)  # counts are never negative
    method = found.method + (" on pairs of batches" if n else ", negative-binomial inserts")
    assert value is not None
    return Ratio(value, low, high, n, method, _said(value, low, high, n))


def _said(value: float, low: float | None, high: float | None, n: int | None) -> str:
    ends = "interval open" if low is None or high is None else f"95 % CI {low:.3g} to {high:.3g}"
    return f"{value:.3g} ({ends})" + (f", n = {n} batches" if n else "")


def _none(why: str) -> Ratio:
    return Ratio(None, None, None, None, why, why)
