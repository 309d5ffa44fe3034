"""Does the response turn around, and does the curve miss the dose means?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc, stdtr

from lamella.potency.collapse import Collapsed
from lamella.potency.family_fit import FamilyFit

__all__ = ["lack_of_fit_p", "reversal", "turns_around"]

F8 = NDArray[np.float64]

_LEVEL = 0.001
_SHARE = 0.2
_ROUNDING = 1e-14  # of a response, some 50 units in the last place of float64


def lack_of_fit_p(fit: FamilyFit) -> float | None:
    """p of the curve against the dose means, None where replicates cannot tell.

    F = ((RSS - SSpe)/(doses - p)) / (SSpe/(points - doses)). Vehicle wells that were divided
    by themselves give no degrees of freedom. A curve that is exact to the rounding of its
    responses fits: there is no noise that could be compared.
    """
    data = fit.data
    between = data.x.size - fit.size
    if between < 1 or data.df_pure < 1 or data.ss_pure <= 0:
        return None
    if fit.rss <= float(data.w @ data.y**2) * _ROUNDING**2:
        return 1.0
    f = max(fit.rss - data.ss_pure, 0.0) / between / (data.ss_pure / data.df_pure)
    return float(fdtrc(between, data.df_pure, f))


def reversal(data: Collapsed, *, falling: bool, variance: float, df: int) -> tuple[float, float]:
    """Largest step against the direction of the curve: (size, p by Bonferroni over all pairs).

    Args:
        data: Dose means in order of dose.
        falling: Direction of the curve.
        variance: Variance of a point of weight 1, with `df` degrees of freedom.
    """
    y = data.y if falling else -data.y
    rise = y[None, :] - y[:, None]
    later = np.triu(np.ones_like(rise, dtype=bool), 1)
    error = np.sqrt(variance * (1 / data.w[None, :] + 1 / data.w[:, None]))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(later & (rise > 0), rise / error, 0.0)
    worst = np.unravel_index(int(np.argmax(t)), t.shape)
    p = float(stdtr(df, -t[worst])) * int(later.sum())
    return float(max(rise[worst], 0.0)) if t[worst] > 0 else 0.0, min(p, 1.0)


def turns_around(fit: FamilyFit, *, falling: bool) -> bool:
    """The dose means reverse by a fifth of the whole change or more, at p < 0.001.

    The noise is that of the replicates; without any it is that of the saturated curve's
    neighbours, which the fit itself estimates.
    """
    data = fit.data
    if data.df_pure >= 3 and data.ss_pure > 0:
        variance, df = data.ss_pure / data.df_pure, data.df_pure
    elif fit.df >= 1 and fit.rss > 0:
        variance, df = fit.rss / fit.df, fit.df
    else:
        return False
    size, p = reversal(data, falling=falling, variance=variance, df=df)
    span = float(np.ptp(data.y))
    return p < _LEVEL and size >= _SHARE * span
