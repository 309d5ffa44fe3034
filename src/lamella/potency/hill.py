"""Many four-parameter curves at once: estimates, errors and profile intervals in bulk.

The model is y = Z + (I - Z) / (1 + 10^(-h (x - c))) with x = log10 dose: Z at dose 0, I at
infinite dose, c = log10 EC50, h > 0. The plateaus are linear and are eliminated at every
step, so the search runs over (c, ln h) alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtri

from lamella.errors import FitError, MissingExtraError
from lamella.potency import hill_numpy

__all__ = ["Engine", "HillFits", "HillProfiles", "fit_many", "profile_many"]

F8 = NDArray[np.float64]
Engine = Literal["auto", "numpy", "numba"]

_WORTH_COMPILING = 5_000
_CHUNK = 4_096


@dataclass(frozen=True)
class HillFits:
    """Fits of K curves on one design of m doses.

    Attributes:
        log10_ec50, slope, at_zero_dose, at_infinite_dose: Estimates, shape (K,).
        se: Standard errors in that order, shape (K, 4); NaN where singular.
        rss: Residual sum of squares of all points, shape (K,).
        df: Points minus 4, shape (K,).
        at_bound: EC50 or slope rests on a search bound, shape (K,).
        engine: `numpy` or `numba`.
    """

    log10_ec50: F8
    slope: F8
    at_zero_dose: F8
    at_infinite_dose: F8
    se: F8
    rss: F8
    df: NDArray[np.int64]
    at_bound: NDArray[np.bool_]
    engine: str


@dataclass(frozen=True)
class HillProfiles:
    """Profile-likelihood intervals of log10 EC50, shape (K,); -inf or inf where open."""

    low: F8
    high: F8


def fit_many(
    dose: F8, response: F8, *, weight: F8 | None = None, engine: Engine = "auto"
) -> HillFits:
    """Fit the four-parameter curve to many wells-by-dose tables of one design.

    Args:
        dose: Dose of each point, shape (n,), zero exact; replicates repeat their dose.
        response: Shape (K, n); NaN where missing.
        weight: Weights of the squared residuals, shape (n,) or (K, n).
        engine: `numba` needs the extra `model`; `auto` takes it for large K where installed.

    Raises:
        FitError: Fewer than four doses, or a curve with fewer than five points.
    """
    data = hill_numpy.collapse_many(*_checked(dose, response, weight))
    chosen = _engine(engine, len(response))
    solve = hill_numpy.solve
    if chosen == "numba":
        from lamella.potency import hill_numba

        solve = hill_numba.solve
    parts = [solve(data.rows(i, i + _CHUNK)) for i in range(0, len(response), _CHUNK)]
    nu, plateaus, rss = (np.concatenate(column) for column in zip(*parts, strict=True))
    total = rss + data.ss_pure
    df = data.points - 4
    low, high = hill_numpy.bounds(data.x)
    edge = np.asarray(((nu <= low + 1e-6) | (nu >= high - 1e-6)).any(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        sigma = np.sqrt(total / df)
    se = hill_numpy.standard_errors(data, nu, plateaus) * sigma[:, None]
    return HillFits(
        log10_ec50=nu[:, 0] + data.x0,
        slope=np.exp(nu[:, 1]),
        at_zero_dose=plateaus[:, 0],
        at_infinite_dose=plateaus[:, 1],
        se=se,
        rss=total,
        df=df,
        at_bound=edge,
        engine=chosen,
    )


def profile_many(
    dose: F8,
    response: F8,
    fits: HillFits,
    *,
    weight: F8 | None = None,
    level: float = 0.95,
    engine: Engine = "auto",
) -> HillProfiles:
    """Profile intervals of log10 EC50 of curves that `fit_many` fitted to the same points.

    An end is open (infinite) where every EC50 up to four decades beyond the tested doses is
    compatible with the data.
    """
    data = hill_numpy.collapse_many(*_checked(dose, response, weight))
    cut = fits.rss * (1.0 + fdtri(1.0, fits.df, level) / fits.df) - data.ss_pure
    nu = np.column_stack([fits.log10_ec50 - data.x0, np.log(fits.slope)])
    rss = np.maximum(fits.rss - data.ss_pure, 0.0)
    ends = hill_numpy.profile
    if _engine(engine, len(response)) == "numba":
        from lamella.potency import hill_numba

        ends = hill_numba.profile
    parts = [
        ends(data.rows(i, i + _CHUNK), nu[i : i + _CHUNK], rss[i : i + _CHUNK], cut[i : i + _CHUNK])
        for i in range(0, len(response), _CHUNK)
    ]
    low, high = (np.concatenate(side) for side in zip(*parts, strict=True))
    return HillProfiles(low + data.x0, high + data.x0)


def _checked(dose: F8, response: F8, weight: F8 | None) -> tuple[F8, F8, F8]:
    dose = np.asarray(dose, dtype=np.float64)
    response = np.asarray(response, dtype=np.float64)
    if response.ndim != 2 or response.shape[1] != dose.size:
        raise FitError(
            f"responses have shape {response.shape} for {dose.size} doses. "
            "Give one row a curve and one column a point."
        )
    if not (np.isfinite(dose).all() and (dose >= 0).all()) or np.isinf(response).any():
        raise FitError("doses must be finite and not negative, responses not infinite.")
    if np.unique(dose[dose > 0]).size < 3 or np.unique(dose).size < 4:
        raise FitError("four parameters need four doses or more, dose 0 included.")
    present = np.isfinite(response)
    few = np.flatnonzero(present.sum(axis=1) < 5)
    if few.size:
        raise FitError(f"curve {few[0]} has fewer than 5 points. Leave it out.")
    full = np.ones_like(response) if weight is None else np.broadcast_to(weight, response.shape)
    return dose, response, np.where(present, full, 0.0)


def _engine(engine: Engine, curves: int) -> str:
    installed = find_spec("numba") is not None
    if engine == "numba" and not installed:
        raise MissingExtraError(
            "engine 'numba' is not installed. Run: pip install 'lamella[model]'"
        )
    if engine == "auto":
        return "numba" if installed and curves >= _WORTH_COMPILING else "numpy"
    return engine
