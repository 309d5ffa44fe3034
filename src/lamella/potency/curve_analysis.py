"""What may be said of one curve: its fit, both potencies, and everything that limits them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtri

from lamella.potency import intervals, quantities, wording
from lamella.potency.any_effect import any_effect
from lamella.potency.curve_fits import Choices, FittedCurve, fitted_curves
from lamella.potency.dose_table import CurvePoints
from lamella.potency.family_fit import FamilyFit
from lamella.potency.isotonic import fit_isotonic
from lamella.potency.outliers import far_off
from lamella.potency.profile import Interval
from lamella.potency.result import Band, CurveResult, Parameters, Quantity
from lamella.potency.reweighting import fitted_at
from lamella.potency.selection import Ranking
from lamella.potency.shape import turns_around
from lamella.potency.verdict import Evidence, Sought, bend_doses, potency_of, without_number

__all__ = ["analyse"]

F8 = NDArray[np.float64]

_FEWEST_DOSES = 5
_MISFIT = 0.001
_CONTROL_ERROR = 0.05
_SEED = 20_260_101
_OPEN = Interval(None, None)


def analyse(points: Sequence[CurvePoints], choices: Choices) -> tuple[CurveResult, ...]:
    """Fit and judge curves; a design that cannot carry a curve becomes a verdict."""
    problems = [_insufficient(p) for p in points]
    able = [p for p, problem in zip(points, problems, strict=True) if not problem]
    fitted = iter(fitted_curves(able, choices))
    return tuple(
        _unfitted(p, problem) if problem else _judged(next(fitted))
        for p, problem in zip(points, problems, strict=True)
    )


def _judged(curve: FittedCurve) -> CurveResult:
    points = curve.points
    fitted, unit = curve.fitted, curve.choices.unit
    evidence = _evidence(curve)
    relative, absolute = _relative(curve), _absolute(curve)
    effect = evidence.effect_p < 0.05
    rising = not curve.falling and effect and not relative.reason
    has_vehicle = curve.vehicle_mean is not None
    off = _outliers(curve)
    return CurveResult(
        id=points.id,
        batch=points.batch,
        model=fitted.family.name,
        runner_up=_runner_up(curve.ranking),
        parameters=_parameters(fitted),
        se=_standard_errors(fitted, curve.covariance),
        rss=fitted.rss,
        df=fitted.df,
        relative_ic50=potency_of(relative, evidence, fitted, unit=unit),
        absolute_ic50=potency_of(absolute, evidence, fitted, unit=unit)
        if has_vehicle or not effect
        else without_number("insufficient_design", "no absolute IC50: no vehicle wells"),
        headline="absolute" if has_vehicle and not rising else "relative",
        flags=(*points.flags, *_flags(curve, relative, effect=effect, outliers=off.size)),
        doses=tuple(points.dose.tolist()),
        responses=tuple(points.response.tolist()),
        band=_band(fitted, curve.covariance),
        quantities=tuple(_quantities(curve)),
        outliers=tuple(off.tolist()),
        interval=curve.method,
        lack_of_fit_p=curve.misfit_p,
        effect_p=evidence.effect_p,
        aicc=_criteria(curve.ranking),
    )


def _insufficient(points: CurvePoints) -> str:
    doses = np.unique(points.dose[np.isfinite(points.dose)])
    if doses.size < _FEWEST_DOSES:
        number = "1 distinct dose" if doses.size == 1 else f"{doses.size} distinct doses"
        return f"{number}; a curve needs at least {_FEWEST_DOSES}, dose 0 included"
    if points.dose.size < _FEWEST_DOSES + 1:
        return f"{points.dose.size} points; four parameters and an error need at least 6"
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


def _evidence(curve: FittedCurve) -> Evidence:
    ranking = curve.ranking
    misfit = curve.misfit_p is not None and curve.misfit_p < _MISFIT
    prefers_hump = ranking is not None and ranking.hormesis is not None
    turns = turns_around(curve.fitted, falling=curve.falling)
    # Where no dose moves the response by much, no shape of the curve could yield an IC50.
    matters = not _never_moves(curve)
    return Evidence(
        effect_p=any_effect(curve.fitted.data).p,
        turns=matters and curve.fitted.family.monotone and (turns or prefers_hump),
        misfit=matters and misfit and (ranking is None or ranking.better is None),
    )


def _never_moves(curve: FittedCurve) -> bool:
    level, share = curve.vehicle_mean, curve.choices.settings.small_effect
    if level is None:
        return False
    return float(np.abs(curve.fitted.data.y - level).max()) < share * abs(level)


def _relative(curve: FittedCurve) -> Sought:
    fitted = curve.fitted
    place = quantities.half_change(fitted)
    if place is None:
        reason = f"'{fitted.family.name}' has no half-way dose"
        return Sought("relative", None, _OPEN, False, reason)
    interval = _interval(curve, place, quantities.half_change, profiled=curve.relative)
    enough = fitted.family.offset is None or min(bend_doses(fitted, place)) >= 2
    return Sought("relative", place, interval, enough, _too_small(curve))


def _too_small(curve: FittedCurve) -> str:
    level, share = curve.vehicle_mean, curve.choices.settings.small_effect
    change = abs(quantities.change_in_range(curve.fitted))
    if level is None or change >= share * abs(level):
        return ""
    return (
        f"the response changes by {100 * change / abs(level):.0f} % of vehicle, "
        f"less than {100 * share:.0f} %"
    )


def _absolute(curve: FittedCurve) -> Sought:
    fitted, target = curve.fitted, curve.target
    if curve.no_absolute or target is None:
        rises = target is not None and target > 0
        return Sought("absolute", None, _OPEN, False, curve.no_absolute, above_top=rises)
    place = quantities.crossing(fitted, target)
    interval = _interval(
        curve, place, lambda fit: quantities.crossing(fit, target), profiled=curve.absolute
    )
    return Sought("absolute", place, interval, _crossed(fitted, target))


def _crossed(fitted: FamilyFit, target: float) -> bool:
    """Sebaugh's rule: two doses or more predicted on either side of the target."""
    predicted = fitted.value(fitted.data.x)
    return bool((predicted > target).sum() >= 2 and (predicted < target).sum() >= 2)


def _interval(
    curve: FittedCurve,
    place: float | None,
    quantity: Callable[[FamilyFit], float | None],
    *,
    profiled: Interval | None,
) -> Interval:
    fitted, method = curve.fitted, curve.method
    if profiled is not None:
        return profiled
    if place is None:
        return _OPEN
    if method in ("bootstrap", "wild_bootstrap"):
        rng = np.random.default_rng(_SEED)
        wild = method == "wild_bootstrap"
        return intervals.bootstrap(fitted, curve.points, quantity, rng=rng, wild=wild)
    se = intervals.standard_error(fitted, quantity, curve.covariance)
    make = intervals.delta_dose if method == "delta" else intervals.wald
    return make(place, se, fitted.df)


def _outliers(curve: FittedCurve) -> NDArray[np.intp]:
    misses = curve.misfit_p is not None and curve.misfit_p < _MISFIT
    points = curve.points
    at_points = None if misses else fitted_at(curve.fitted, points.dose)
    return far_off(
        points.dose, points.response, points.weight, fitted=at_points, size=curve.fitted.size
    )


def _flags(curve: FittedCurve, relative: Sought, *, effect: bool, outliers: int) -> Iterable[str]:
    fitted, points, ranking = curve.fitted, curve.points, curve.ranking
    data = fitted.data
    se = _standard_errors(fitted, curve.covariance).slope
    slope = _parameters(fitted).slope
    raised = {
        "rising": not curve.falling and effect,
        "no_replicates": data.df_pure == 0,
        "at_bound": bool(fitted.at_bound),
        "not_converged": not fitted.converged and not fitted.at_bound and effect,
        "lack_of_fit": curve.misfit_p is not None and curve.misfit_p < _MISFIT,
        "vehicle_without_variance": data.self_normalised,
        "pooled_batches": points.batch is None and np.unique(points.batches).size > 1,
        "slope_not_identified": slope is not None and (se is None or se >= slope),
        "outlier": outliers > 0,
        "small_effect": relative.reason.startswith("the response changes by"),
        "plateau_extrapolated": effect and (not relative.enough or _reaches_out(relative, fitted)),
        "control_uncertain": _control_error(curve) > _CONTROL_ERROR,
    }
    yield from (name for name, is_raised in raised.items() if is_raised)
    if ranking is not None and ranking.better is not None:
        yield f"better_family:{ranking.better.family.name}"
    if ranking is not None and ranking.hormesis is not None:
        yield f"hormesis:{ranking.hormesis.family.name}"
    yield from curve.choices.settings.printed


def _reaches_out(relative: Sought, fitted: FamilyFit) -> bool:
    bottom, top = fitted.data.x_range
    low, high = relative.interval.low, relative.interval.high
    return low is None or high is None or low < bottom or high > top


def _control_error(curve: FittedCurve) -> float:
    """Standard error of the vehicle mean as a share of it (Sebaugh: below 5 %)."""
    response = curve.points.response[curve.points.vehicle]
    if response.size < 2 or response.mean() == 0:
        return 0.0
    return float(response.std(ddof=1) / np.sqrt(response.size) / abs(response.mean()))


def _runner_up(ranking: Ranking | None) -> str | None:
    return None if ranking is None or ranking.runner_up is None else ranking.runner_up.family.name


def _criteria(ranking: Ranking | None) -> tuple[tuple[str, float], ...]:
    if ranking is None:
        return ()
    known = [(name, value) for name, value in ranking.aicc.items() if np.isfinite(value)]
    return tuple(sorted(known, key=lambda pair: pair[1]))


def _parameters(fitted: FamilyFit) -> Parameters:
    zero, infinite = fitted.family.ends(fitted.theta)
    place = quantities.half_change(fitted)
    named = dict(zip(fitted.family.names, fitted.theta.tolist(), strict=True))
    slope = named.get(fitted.family.slope or "")
    return Parameters(
        log10_ec50=None if place is None else place + fitted.data.x0,
        slope=None if slope is None else float(np.exp(slope)),
        at_zero_dose=zero,
        at_infinite_dose=infinite,
    )


def _standard_errors(fitted: FamilyFit, covariance: F8 | None) -> Parameters:
    if covariance is None:
        return Parameters(None, None, None, None)
    root = np.sqrt(np.maximum(np.diag(covariance), 0.0)).tolist()
    se = dict(zip(fitted.family.names, root, strict=True))
    slope = _parameters(fitted).slope
    place = se.get(fitted.family.ec50 or "")
    if fitted.family.ec50 is None:
        place = intervals.standard_error(fitted, quantities.half_change, covariance)
    return Parameters(
        log10_ec50=place,
        slope=None if slope is None else slope * se[fitted.family.slope or ""],
        at_zero_dose=se.get("at_zero_dose"),
        at_infinite_dose=se.get("at_infinite_dose"),
    )


def _quantities(curve: FittedCurve) -> Iterable[Quantity]:
    fitted = curve.fitted
    wanted = (
        ("inhibition_at_top", quantities.inhibition_at_top, "%", "{:.3g} %"),
        ("area_under_curve", quantities.area_under_curve, "of zero dose", "{:.3g}"),
    )
    for name, quantity, unit, form in wanted:
        value = quantity(fitted)
        if value is None:
            yield Quantity(name, None, None, None, unit, "not defined")
            continue
        se = intervals.standard_error(fitted, quantity, curve.covariance)
        ends = intervals.wald(value, se, fitted.df)
        text = form.format(value)
        if ends.low is not None and ends.high is not None:
            text += f" (95 % CI {ends.low:.3g} to {ends.high:.3g})"
        yield Quantity(name, value, ends.low, ends.high, unit, text)
    yield _without_model(curve)


def _without_model(curve: FittedCurve) -> Quantity:
    """The absolute IC50 of monotone dose means, straight in log dose between doses."""
    level, data = curve.vehicle_mean, curve.fitted.data
    place = None
    if level is not None and level > 0:
        target = curve.choices.settings.target * level
        place = fit_isotonic(data, falling=True).crossing(target)
    if place is None:
        return Quantity("isotonic_ic50", None, None, None, curve.choices.unit, "not passed")
    dose = float(10.0 ** (place + data.x0))
    text = f"{wording.dose_text(dose, curve.choices.unit)} (no model, no interval)"
    return Quantity("isotonic_ic50", dose, None, None, curve.choices.unit, text)


def _band(fitted: FamilyFit, covariance: F8 | None) -> Band:
    low, high = fitted.data.x_range
    margin = 0.05 * (high - low)
    x = np.linspace(low - margin, high + margin, 120)
    value = fitted.value(x)
    half = np.zeros_like(value)
    if covariance is not None:
        jacobian = fitted.family.jacobian(x, fitted.theta)
        variance = np.einsum("mp,pr,mr->m", jacobian, covariance, jacobian)
        half = np.sqrt(np.maximum(variance, 0.0) * float(fdtri(1, fitted.df, 0.95)))
    dose = 10.0 ** (x + fitted.data.x0)
    return Band(*(tuple(v.tolist()) for v in (dose, value, value - half, value + half)))
