"""Which points lie far off? Flagged for a person to look at, never removed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

__all__ = ["far_off"]

F8 = NDArray[np.float64]

_LEVEL = 0.01


def far_off(
    dose: F8, response: F8, weight: F8, *, fitted: F8 | None, size: int
) -> NDArray[np.intp]:
    """Rows whose deletion residual is significant at 1 % over all points (Bonferroni).

    Each point is judged against its own replicates (doses with three or more), and, where a
    curve describes the dose means, against the curve.

    Args:
        dose, response, weight: Shape (n,).
        fitted: The curve at each point, or None where it misses the dose means.
        size: Number of parameters of the curve.
    References:
        Externally studentised residuals: Cook and Weisberg 1982, chapter 2.
    """
    root = np.sqrt(weight)
    _, group = np.unique(dose, return_inverse=True)
    total = np.bincount(group, weight)
    mean = (np.bincount(group, weight * response) / total)[group]
    many = (np.bincount(group) >= 3)[group]
    doses = int(group.max()) + 1
    found = _deletion(root * (response - mean), weight / total[group], doses)
    rows = many & found
    if fitted is not None:
        leverage = np.full(dose.size, size / dose.size)
        rows |= _deletion(root * (response - fitted), leverage, size)
    return np.flatnonzero(rows)


def _deletion(residual: F8, leverage: F8, size: int) -> NDArray[np.bool_]:
    n = residual.size
    df = n - size - 1
    free = np.maximum(1.0 - leverage, 0.0)
    if df < 2:
        return np.zeros(n, bool)
    rss = float(residual @ residual)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(free > 1e-9, residual**2 / free, 0.0)
        t = np.sqrt(share / (np.maximum(rss - share, 0.0) / df))
    p = 2.0 * stdtr(df, -np.nan_to_num(t, nan=0.0, posinf=1e300)) * n
    return np.asarray((p < _LEVEL) & (share > 0))
