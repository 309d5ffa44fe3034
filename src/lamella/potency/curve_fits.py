"""Which curve describes the points of each table, beside which others, within which limits?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lamella.potency import intervals, quantities
from lamella.potency.dose_table import CurvePoints
from lamella.potency.families import family_named
from lamella.potency.family_fit import FamilyFit
from lamella.potency.profile import (
    Interval,
    absolute_intervals,
    can_profile,
    relative_intervals,
)
from lamella.potency.reweighting import fit_points, sandwich
from lamella.potency.selection import Ranking, rank_families
from lamella.potency.settings import FitSettings, IntervalMethod
from lamella.potency.shape import lack_of_fit_p

__all__ = ["Choices", "FittedCurve", "fitted_curves"]

F8 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user asked of every curve of a table."""

    model: str
    unit: str
    interval: IntervalMethod
    settings: FitSettings


@dataclass(frozen=True)
class FittedCurve:
    """One fitted curve with what the judgements share.

    Attributes:
        points: What was fitted.
        fitted: The reported family.
        choices: What the user asked for.
        covariance: Of all parameters, None where the data leave it open.
        misfit_p: p of the lack-of-fit test, None without replicates.
        ranking: The other families, None where nothing was compared.
        relative: Profile interval of the relative IC50, None where another method is used.
        absolute: The same of the absolute IC50.
    """

    points: CurvePoints
    fitted: FamilyFit
    choices: Choices
    covariance: F8 | None
    misfit_p: float | None
    ranking: Ranking | None
    relative: Interval | None = None
    absolute: Interval | None = None

    @property
    def falling(self) -> bool:
        """The response at the top dose lies below that at dose 0."""
        return quantities.change_in_range(self.fitted) < 0

    @property
    def vehicle_mean(self) -> float | None:
        """Weighted mean response of the vehicle wells, None without any."""
        vehicle = self.points.vehicle
        if not vehicle.any():
            return None
        return float(np.average(self.points.response[vehicle], weights=self.points.weight[vehicle]))

    @property
    def method(self) -> IntervalMethod:
        """How its intervals are made: families without a profile fall back to Wald."""
        if self.choices.interval == "profile" and not can_profile(self.fitted):
            return "wald"
        return self.choices.interval

    @property
    def no_absolute(self) -> str:
        """Why no absolute IC50 can exist; empty where one can."""
        level = self.vehicle_mean
        if level is None:
            return "no vehicle wells"
        if not self.falling:
            return "the response rises with dose"
        return "" if level > 0 else "the vehicle response is not positive"

    @property
    def target(self) -> float | None:
        """The response that the absolute IC50 looks for, None without vehicle wells."""
        level = self.vehicle_mean
        return None if level is None else self.choices.settings.target * level


def fitted_curves(points: Sequence[CurvePoints], choices: Choices) -> list[FittedCurve]:
    """Fit all curves together, compare families and draw the profiles."""
    if not points:
        return []
    settings = choices.settings
    family = family_named("4pl" if choices.model in ("auto", "best") else choices.model)
    fits = fit_points(points, family, settings)
    wanted = settings.compare and settings.loss == "squares"
    rankings: list[Ranking | None] = [*rank_families(fits)] if wanted else [None] * len(fits)
    if choices.model == "best":
        fits, rankings = _best_of_all(points, fits, rankings, settings)
    curves = [
        _with_errors(FittedCurve(p, fit, choices, None, lack_of_fit_p(fit), ranking))
        for p, fit, ranking in zip(points, fits, rankings, strict=True)
    ]
    return _with_profiles(curves)


def _best_of_all(
    points: Sequence[CurvePoints],
    fits: list[FamilyFit],
    rankings: list[Ranking | None],
    settings: FitSettings,
) -> tuple[list[FamilyFit], list[Ranking | None]]:
    for i, ranking in enumerate(rankings):
        best = None if ranking is None else ranking.runner_up
        if best is not None and best.aicc < fits[i].aicc:
            fits[i] = fit_points([points[i]], best.family, settings)[0]
            rankings[i] = rank_families([fits[i]])[0]
    return fits, rankings


def _with_errors(curve: FittedCurve) -> FittedCurve:
    robust = curve.choices.settings.loss != "squares"
    fitted = curve.fitted
    covariance = sandwich(fitted, curve.points) if robust else fitted.covariance()
    return replace(curve, covariance=covariance)


def _with_profiles(curves: list[FittedCurve]) -> list[FittedCurve]:
    """Profile intervals of the curves that ask for them, alike families together."""
    alike: dict[tuple[str, tuple[bool, ...]], list[int]] = {}
    for i, curve in enumerate(curves):
        if curve.method == "profile":
            key = (curve.fitted.family.name, tuple(curve.fitted.free.tolist()))
            alike.setdefault(key, []).append(i)
    curves = list(curves)
    for rows in alike.values():
        fits = [curves[i].fitted for i in rows]
        found = relative_intervals(fits, cuts=[intervals.profile_cut(fit) for fit in fits])
        for i, interval in zip(rows, found, strict=True):
            curves[i] = replace(curves[i], relative=interval)
        falling = [i for i in rows if not curves[i].no_absolute]
        for i, interval in zip(falling, _absolute([curves[i] for i in falling]), strict=True):
            curves[i] = replace(curves[i], absolute=interval)
    return curves


def _absolute(curves: list[FittedCurve]) -> list[Interval]:
    if not curves:
        return []
    fits = [curve.fitted for curve in curves]
    targets = [curve.target or 0.0 for curve in curves]
    return absolute_intervals(
        fits,
        cuts=[intervals.profile_cut(fit) for fit in fits],
        targets=targets,
        places=[quantities.crossing(fit, t) for fit, t in zip(fits, targets, strict=True)],
    )
