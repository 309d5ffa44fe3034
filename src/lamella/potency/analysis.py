"""From a dose-response table to what may be said: curves, potencies, verdicts, batches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtri

from lamella.potency.any_effect import any_effect
from lamella.potency.between import between_batches
from lamella.potency.collapse import Collapsed, collapse
from lamella.potency.dose_table import CurvePoints, DoseTable, curves_of
from lamella.potency.families import family_named
from lamella.potency.family_fit import FamilyFit, fit_family
from lamella.potency.outliers import far_off
from lamella.potency.profile import Interval, profile_absolute, profile_relative
from lamella.potency.quantities import change_in_range, crossing, half_change
from lamella.potency.result import Band, CurveResult, Parameters, Potency, PotencyResult
from lamella.potency.shape import lack_of_fit_p, turns_around
from lamella.potency.verdict import Evidence, Sought, bend_doses, potency_of, without_number
from lamella.units import dose_unit_scale

__all__ = ["fit"]

F8 = NDArray[np.float64]

_FEWEST_DOSES = 5
_SMALL_EFFECT = 0.3


def fit(
    table: DoseTable,
    *,
    model: str = "auto",
    dose_unit: str = "au",
    response_name: str = "response",
    interval: str = "profile",
) -> PotencyResult:
    """Fit every curve of a table and say what may be said of its potency.

    Args:
        table: Doses in `dose_unit`, responses and what they belong to.
        model: `auto`, or the name of a family (`lamella.potency.families`).
        dose_unit: Unit of every dose, for example `nM`; `au` where a source gives none.
        response_name: Name of the read-out, for messages and figures.
        interval: `profile`.

    Raises:
        FitError: The table cannot be fitted; the message names the row or column.
        UnitError: The dose unit is not known.

    >>> table = DoseTable([0, 0, 1, 3, 10, 30, 100, 300],
    ...                   [1.0, 1.02, 0.97, 0.9, 0.52, 0.11, 0.03, 0.01])
    >>> fit(table, dose_unit="nM").curves[0].verdict
    'closed'
    """
    dose_unit_scale(dose_unit)
    settings = _Settings(model, dose_unit, interval)
    curves = tuple(_analyse(points, settings) for points in curves_of(table))
    ids = {c.id for c in curves}
    per_batch = [c for c in curves if c.batch is not None]
    between = between_batches(per_batch, unit=dose_unit) if len(ids) == 1 else None
    return PotencyResult(dose_unit, response_name, curves, between)


@dataclass(frozen=True, slots=True)
class _Settings:
    model: str
    unit: str
    interval: str


def _analyse(points: CurvePoints, settings: _Settings) -> CurveResult:
    problem = _insufficient(points)
    if problem:
        return _unfitted(points, problem)
    data = collapse(points.dose, points.response, points.weight)
    family = family_named("4pl" if settings.model == "auto" else settings.model)
    fitted = fit_family(family, data)
    flags = [*points.flags, *_flags(points, fitted)]
    evidence = _evidence(fitted)
    relative = _relative(points, fitted)
    absolute = _absolute(points, fitted)
    has_vehicle = bool(points.vehicle.any())
    if relative.reason.startswith("the response changes by"):
        flags.append("small_effect")
    if not relative.enough and evidence.effect_p < 0.05:
        flags.append("plateau_extrapolated")
    rising = change_in_range(fitted) > 0 and evidence.effect_p < 0.05 and not relative.reason
    return CurveResult(
        id=points.id,
        batch=points.batch,
        model=family.name,
        runner_up=None,
        parameters=_parameters(fitted),
        se=_standard_errors(fitted),
        rss=fitted.rss,
        df=fitted.df,
        relative_ic50=potency_of(relative, evidence, fitted, unit=settings.unit),
        absolute_ic50=potency_of(absolute, evidence, fitted, unit=settings.unit)
        if has_vehicle or evidence.effect_p >= 0.05
        else _no_vehicle(),
        headline="absolute" if has_vehicle and not rising else "relative",
        flags=tuple(flags),
        doses=tuple(points.dose.tolist()),
        responses=tuple(points.response.tolist()),
        band=_band(fitted),
    )


def _insufficient(points: CurvePoints) -> str:
    doses = np.unique(points.dose[np.isfinite(points.dose)])
    if doses.size < _FEWEST_DOSES:
        return f"{doses.size} distinct doses; a curve needs {_FEWEST_DOSES}"
    if points.dose.size < _FEWEST_DOSES + 1:
        return f"{points.dose.size} points; a curve with four parameters and an error needs 6"
    return ""


def _unfitted(points: CurvePoints, problem: str) -> CurveResult:
    none = Parameters(None, None, None, None)
    potency = without_number("insufficient_design", f"no IC50: {problem}")
    return CurveResult(
        id=points.id,
        batch=points.batch,
        model="none",
        runner_up=None,
        parameters=none,
        se=none,
        rss=None,
        df=None,
        relative_ic50=potency,
        absolute_ic50=potency,
        headline="absolute" if points.vehicle.any() else "relative",
        flags=points.flags,
        doses=tuple(points.dose.tolist()),
        responses=tuple(points.response.tolist()),
        band=None,
    )


def _no_vehicle() -> Potency:
    return without_number("insufficient_design", "no absolute IC50: no vehicle wells")


def _evidence(fitted: FamilyFit) -> Evidence:
    p = lack_of_fit_p(fitted)
    return Evidence(
        effect_p=any_effect(fitted.data).p,
        turns=turns_around(fitted, falling=change_in_range(fitted) < 0),
        misfit=p is not None and p < 0.001,
    )


def _cut(fitted: FamilyFit) -> float:
    return fitted.rss * (1.0 + float(fdtri(1, fitted.df, 0.95)) / fitted.df)


def _relative(points: CurvePoints, fitted: FamilyFit) -> Sought:
    place = half_change(fitted)
    interval = profile_relative(fitted, cut=_cut(fitted))
    enough = place is not None and min(bend_doses(fitted, place)) >= 2
    return Sought("relative", place, interval, enough, _too_small(points, fitted))


def _too_small(points: CurvePoints, fitted: FamilyFit) -> str:
    if not points.vehicle.any():
        return ""
    vehicle = float(np.average(points.response[points.vehicle]))
    change = abs(change_in_range(fitted))
    if change >= _SMALL_EFFECT * abs(vehicle):
        return ""
    return (
        f"the response changes by {100 * change / abs(vehicle):.0f} % of vehicle, "
        f"less than {100 * _SMALL_EFFECT:.0f} %"
    )


def _absolute(points: CurvePoints, fitted: FamilyFit) -> Sought:
    nothing = Interval(None, None)
    if not points.vehicle.any():
        return Sought("absolute", None, nothing, False, "no vehicle wells")
    vehicle = points.vehicle
    level = float(np.average(points.response[vehicle], weights=points.weight[vehicle]))
    if change_in_range(fitted) >= 0:
        return Sought("absolute", None, nothing, False, "the response rises with dose")
    if level <= 0:
        return Sought("absolute", None, nothing, False, "the vehicle response is not positive")
    target = 0.5 * level
    place = crossing(fitted, target)
    interval = profile_absolute(fitted, cut=_cut(fitted), target=target, place=place)
    return Sought("absolute", place, interval, _absolute_bracketed(fitted, target))


def _absolute_bracketed(fitted: FamilyFit, target: float) -> bool:
    predicted = fitted.value(fitted.data.x)
    return bool((predicted > target).sum() >= 2 and (predicted < target).sum() >= 2)


def _flags(points: CurvePoints, fitted: FamilyFit) -> Iterable[str]:
    data = fitted.data
    p = lack_of_fit_p(fitted)
    if change_in_range(fitted) > 0:
        yield "rising"
    if data.df_pure == 0:
        yield "no_replicates"
    if fitted.at_bound:
        yield "at_bound"
    if p is not None and p < 0.001:
        yield "lack_of_fit"
    if data.self_normalised:
        yield "vehicle_without_variance"
    if points.batch is None and np.unique(points.batches).size > 1:
        yield "pooled_batches"
    if not _slope_identified(fitted):
        yield "slope_not_identified"
    misses = p is not None and p < 0.001
    at_points = fitted.value(_log_dose(points.dose, data))
    off = far_off(
        points.dose,
        points.response,
        points.weight,
        fitted=None if misses else at_points,
        size=fitted.size,
    )
    if off.size:
        yield "outlier"


def _slope_identified(fitted: FamilyFit) -> bool:
    se = _standard_errors(fitted).slope
    slope = _parameters(fitted).slope
    return slope is None or (se is not None and se < slope)


def _log_dose(dose: F8, data: Collapsed) -> F8:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log10(dose) - data.x0, dtype=np.float64)


def _parameters(fitted: FamilyFit) -> Parameters:
    zero, infinite = fitted.family.ends(fitted.theta)
    place = half_change(fitted)
    named = dict(zip(fitted.family.names, fitted.theta.tolist(), strict=True))
    slope = named.get(fitted.family.slope or "")
    return Parameters(
        log10_ec50=None if place is None else place + fitted.data.x0,
        slope=None if slope is None else float(np.exp(slope)),
        at_zero_dose=zero,
        at_infinite_dose=infinite,
    )


def _standard_errors(fitted: FamilyFit) -> Parameters:
    covariance = fitted.covariance()
    none = Parameters(None, None, None, None)
    if covariance is None:
        return none
    se = dict(zip(fitted.family.names, np.sqrt(np.diag(covariance)).tolist(), strict=True))
    slope = _parameters(fitted).slope
    return replace(
        none,
        log10_ec50=se.get(fitted.family.ec50 or ""),
        slope=None if slope is None else slope * se[fitted.family.slope or ""],
        at_zero_dose=se.get("at_zero_dose"),
        at_infinite_dose=se.get("at_infinite_dose"),
    )


def _band(fitted: FamilyFit) -> Band | None:
    low, high = fitted.data.x_range
    margin = 0.05 * (high - low)
    x = np.linspace(low - margin, high + margin, 120)
    value = fitted.value(x)
    covariance = fitted.covariance()
    half = np.zeros_like(value)
    if covariance is not None:
        jacobian = fitted.family.jacobian(x, fitted.theta)
        variance = np.einsum("mp,pr,mr->m", jacobian, covariance, jacobian)
        half = np.sqrt(np.maximum(variance, 0.0) * float(fdtri(1, fitted.df, 0.95)))
    dose = 10.0 ** (x + fitted.data.x0)
    return Band(*(tuple(v.tolist()) for v in (dose, value, value - half, value + half)))
