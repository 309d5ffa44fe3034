"""How large may the largest of several correlated t statistics be by chance alone?"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["LargestT", "largest_t"]

_TOP = 12.0  # beyond 12 SD the inclusion-exclusion ratio no longer moves in double precision
_NODES = 40
_SCALES = 300
_LATTICE = 1021  # prime: number of lattice points for a general correlation


class LargestT:
    """Distribution of max |T_j| for jointly t-distributed T with a common variance estimate.

    The tail of max |Z| (normal) is worked out once on a grid as its ratio to the sum of the
    single tails, which is smooth and keeps small p-values relatively exact. Correlations of
    product form (one-way and balanced block designs, whatever the group sizes) are integrated
    in one dimension to about 1e-10; others by a fixed lattice rule, to about 1e-4 relative,
    without random numbers, so results repeat.

    Args:
        correlation: Shape (m, m), positive definite.
        df: Degrees of freedom of the variance, may be fractional or infinite.

    References:
        Dunnett 1955, JASA 50:1096; Genz and Bretz 2009, Computation of multivariate normal and
        t probabilities, chapter 4 (separation of variables).

    >>> two_of_three = LargestT(np.array([[1.0, 0.5], [0.5, 1.0]]), df=10.0)
    >>> round(two_of_three.critical(0.95), 2)   # Dunnett's table: 2 groups, 10 df
    2.57
    """

    def __init__(self, correlation: NDArray[np.float64], *, df: float) -> None:
        if df <= 0:
            raise ValueError(f"df is {df}, not above 0")
        self.df = df
        self.size = correlation.shape[0]
        self._known: dict[float, float] = {}
        loading = _product_loading(correlation)
        nodes = np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)
        at = _TOP * (1 + nodes) / 2
        if self.size == 1:
            tail = 2 * special.ndtr(-at)
        elif loading is not None:
            tail = np.array([_product_tail(a, loading) for a in at])
        else:
            tail = _lattice_tail(at, correlation)
        ratio = tail / (2 * self.size * special.ndtr(-at))
        self._fit = np.polynomial.chebyshev.Chebyshev.fit(at, ratio, _NODES - 1, domain=[0, _TOP])

    def tail(self, t: float) -> float:
        """P(max |T| >= t): the adjusted p-value of a statistic of size `t`.

        >>> round(LargestT(np.eye(1), df=4.0).tail(2.776445), 6)
        0.05
        """
        size = abs(t)
        if math.isinf(size):
            return 0.0
        if self.size == 1:
            return float(2 * special.stdtr(self.df, -size))
        scale, weight = _scale_nodes(self.df, size)
        at = size * scale
        ratio = np.where(at < _TOP, self._fit(np.minimum(at, _TOP)), self._fit(_TOP))
        single = 2 * self.size * special.ndtr(-at)
        return float(min(1.0, np.sum(weight * ratio * single)))

    def critical(self, confidence: float = 0.95) -> float:
        """The size that max |T| stays below with this probability.

        >>> round(LargestT(np.eye(1), df=4.0).critical(0.95), 4)
        2.7764
        """
        if confidence not in self._known:
            self._known[confidence] = self._search(1 - confidence)
        return self._known[confidence]

    def _search(self, alpha: float) -> float:
        low = float(special.stdtrit(self.df, 1 - alpha / 2))
        high = float(special.stdtrit(self.df, 1 - alpha / (2 * self.size))) * (1 + 1e-9)
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (middle, high) if self.tail(middle) > alpha else (low, middle)
            if high - low < 1e-12 * high:
                break
        return (low + high) / 2


def largest_t(correlation: NDArray[np.float64], *, df: float) -> LargestT:
    """`LargestT` of a design; worked out once, because screens repeat one design many times.

    >>> one = largest_t(np.eye(2), df=8.0)
    >>> one is largest_t(np.eye(2), df=8.0)
    True
    """
    rows = tuple(tuple(row) for row in correlation.round(12).tolist())
    return _of_design(rows, df)


@lru_cache(maxsize=256)
def _of_design(rows: tuple[tuple[float, ...], ...], df: float) -> LargestT:
    return LargestT(np.array(rows), df=df)


def _scale_nodes(df: float, t: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes and weights for the mean over s = sqrt(chi2(df) / df) of a normal tail at t s."""
    if math.isinf(df):
        return np.ones(1), np.ones(1)
    # The integrand peaks at s^2 = df / (df + t^2) and falls off like exp(df log s) to the left.
    peak = -0.5 * math.log1p(t * t / df)
    log_s = np.linspace(
        peak - 40 / df - 9 / math.sqrt(df), math.log1p(9 / math.sqrt(df)) + 0.5, _SCALES
    )
    constant = math.log(2) + df / 2 * math.log(df / 2) - special.gammaln(df / 2)
    weight = np.exp(constant + df * log_s - df * np.exp(2 * log_s) / 2)
    return np.exp(log_s), weight * (log_s[1] - log_s[0])


def _product_loading(correlation: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Loadings l with correlation l_i l_j off the diagonal, or None where there are none."""
    m = correlation.shape[0]
    if m == 1:
        return None
    if m == 2:
        root = math.sqrt(abs(correlation[0, 1]))
        return np.array([root, math.copysign(root, correlation[0, 1])])
    loading = np.empty(m)
    for i in range(m):
        j, k = (other for other in range(3) if other != i) if i < 3 else (0, 1)
        if correlation[j, k] <= 0:
            return None
        loading[i] = math.sqrt(max(0.0, correlation[i, j] * correlation[i, k] / correlation[j, k]))
    off = np.outer(loading, loading) - correlation
    np.fill_diagonal(off, 0.0)
    fits = np.abs(off).max() < 1e-9 and loading.max() < 1 - 1e-6
    return loading if fits else None


def _product_tail(a: float, loading: NDArray[np.float64]) -> float:
    step = 0.02
    u = np.arange(-a - 9, a + 9 + step, step)[:, None]
    rest = np.sqrt(1 - loading**2)
    outside = special.ndtr((-a - loading * u) / rest) + special.ndtr((-a + loading * u) / rest)
    any_outside = -np.expm1(np.log1p(-np.minimum(outside, 1 - 1e-16)).sum(axis=1))
    density = np.exp(-(u[:, 0] ** 2) / 2) / math.sqrt(2 * math.pi)
    return float(step * np.sum(any_outside * density))


def _lattice_tail(at: NDArray[np.float64], correlation: NDArray[np.float64]) -> NDArray[np.float64]:
    """P(max |Z| >= a) as the sum over j of P(|Z_j| >= a and |Z_i| < a for all i < j)."""
    m = correlation.shape[0]
    generator = np.sqrt(_first_primes(m))
    points = (np.arange(1, _LATTICE + 1)[:, None] * generator) % 1.0
    points = np.abs(2 * points - 1)  # the tent makes the integrand periodic
    tail = np.zeros(at.size)
    for j in range(m):
        order = [j, *range(j)]
        root = np.linalg.cholesky(correlation[np.ix_(order, order)])
        for place, a in enumerate(at):
            tail[place] += 2 * special.ndtr(-a) * _others_inside(a, root, points)
    return tail


def _others_inside(a: float, root: NDArray[np.floating[Any]], points: NDArray[np.float64]) -> float:
    """P(|Z_i| < a for i > 0 | Z_0 >= a), Z = root @ normal, one variable after the other."""
    z = np.empty((points.shape[0], root.shape[0]))
    z[:, 0] = -special.ndtri(special.ndtr(-a) * (1 - points[:, 0] * (1 - 1e-15)))
    inside = np.ones(points.shape[0])
    for i in range(1, root.shape[0]):
        shift = z[:, :i] @ root[i, :i]
        low = special.ndtr((-a - shift) / root[i, i])
        part = np.maximum(special.ndtr((a - shift) / root[i, i]) - low, 0.0)
        inside *= part
        z[:, i] = special.ndtri(np.clip(low + points[:, i] * part, 1e-300, 1 - 1e-16))
    return float(np.mean(inside))


def _first_primes(count: int) -> NDArray[np.float64]:
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % prime for prime in found):
            found.append(number)
        number += 1
    return np.array(found, dtype=np.float64)
