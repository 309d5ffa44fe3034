"""Weights that follow the fitted curve, and points that may be far off: iterated fits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lamella.errors import FitError
from lamella.potency.collapse import collapse
from lamella.potency.dose_table import CurvePoints
from lamella.potency.families import Family
from lamella.potency.family_fit import FamilyFit, fit_curves, fit_family
from lamella.potency.settings import FitSettings

__all__ = ["fit_points", "fitted_at", "sandwich"]

F8 = NDArray[np.float64]

_ROUNDS = 50
_SETTLED = 1e-8
_TUKEY = 4.685  # 95 % efficiency under normal noise


def fit_points(
    curves: Sequence[CurvePoints], family: Family, settings: FitSettings
) -> list[FamilyFit]:
    """Fit a family to each curve with the weights and the loss that the settings ask for.

    With weights by the fitted curve or Tukey's loss the fit is repeated until the curve moves
    by less than 1e-8 of its range. Weights are scaled to a mean of 1, so that the residual
    variance keeps its meaning.

    Raises:
        FitError: A curve has fewer points than the family has parameters.

    References:
        Iterated weights by the fitted curve: Carroll and Ruppert 1988, chapter 2.
        Tukey's biweight with the scale from the median absolute residual: Huber 1981.
    """
    data = [collapse(c.dose, c.response, c.weight) for c in curves]
    found = fit_curves(family, data, constraints=settings.constraints)
    fitted = [_fit_or_raise(fit) for fit in found]
    if settings.weighting is None and settings.loss == "squares":
        return fitted
    return [_reweighted(c, fit, settings) for c, fit in zip(curves, fitted, strict=True)]


def _fit_or_raise(found: FamilyFit | FitError) -> FamilyFit:
    if isinstance(found, FitError):
        raise found
    return found


def _reweighted(points: CurvePoints, fitted: FamilyFit, settings: FitSettings) -> FamilyFit:
    family, data = fitted.family, fitted.data
    now = fitted_at(fitted, points.dose)
    scale = _scale(points.response - now, fitted.size)
    for _ in range(_ROUNDS):
        weight = points.weight * _by_curve(now, settings)
        if settings.loss == "tukey":
            residual = np.sqrt(weight) * (points.response - now)
            scale = _scale(residual, fitted.size)
            weight = weight * _biweight(residual, scale)
        data = collapse(points.dose, points.response, weight)
        fitted = fit_family(family, data, constraints=settings.constraints, effort="quick")
        before, now = now, fitted_at(fitted, points.dose)
        if np.abs(now - before).max() <= _SETTLED * max(float(np.ptp(now)), 1e-300):
            break
    return fit_family(family, data, constraints=settings.constraints)


def fitted_at(fitted: FamilyFit, dose: F8) -> F8:
    """The curve at doses in the user's unit, shape (n,)."""
    with np.errstate(divide="ignore"):
        x = np.log10(dose) - fitted.data.x0
    return fitted.value(np.asarray(x, dtype=np.float64))


def sandwich(fitted: FamilyFit, points: CurvePoints, weight: F8 | None = None) -> F8 | None:
    """Covariance of the parameters that allows any variance at each point (HC0).

    Args:
        fitted: Fit of the points.
        points: The points themselves, not their means.
        weight: Weights that were used, shape (n,); None for those of the points.
    References:
        White 1980, Econometrica 48:817; Zeileis 2006, J. Statistical Software 16(9).
    """
    w = points.weight if weight is None else weight
    with np.errstate(divide="ignore"):
        x = np.asarray(np.log10(points.dose) - fitted.data.x0, dtype=np.float64)
    jacobian = fitted.family.jacobian(x, fitted.theta)[:, fitted.free]
    q, upper = np.linalg.qr(jacobian * np.sqrt(w)[:, None])
    if np.abs(np.diag(upper)).min() <= 1e-14 * np.abs(np.diag(upper)).max():
        return None
    residual = np.sqrt(w) * (points.response - fitted_at(fitted, points.dose))
    half = np.linalg.solve(upper, (q * residual[:, None]).T)
    full = np.zeros((fitted.theta.size, fitted.theta.size))
    full[np.ix_(fitted.free, fitted.free)] = half @ half.T
    return full


def _by_curve(curve: F8, settings: FitSettings) -> F8:
    if settings.weighting is None:
        return np.ones_like(curve)
    size = np.abs(curve)
    # A curve that passes zero would claim perfect points: nothing weighs more than at 1 %.
    size = np.maximum(size, 0.01 * size.max())
    weight = size ** (-2.0 * settings.weighting.power)
    return np.asarray(weight / weight.mean(), dtype=np.float64)


def _scale(residual: F8, size: int) -> float:
    ordered = np.sort(np.abs(residual))
    return float(np.median(ordered[size - 1 :]) / 0.6745)


def _biweight(residual: F8, scale: float) -> F8:
    if scale <= 0:
        return np.ones_like(residual)
    weight = np.clip(1.0 - (residual / (_TUKEY * scale)) ** 2, 0.0, None) ** 2
    return np.maximum(weight, 1e-6)
