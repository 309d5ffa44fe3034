"""Which dose inhibits by 10, 25 or 90 percent? ICxx of a curve with its interval."""

from __future__ import annotations

from typing import Literal

import numpy as np

from lamella.errors import FitError
from lamella.potency import wording
from lamella.potency.collapse import Collapsed, collapse
from lamella.potency.dose_table import CurvePoints
from lamella.potency.families import family_named
from lamella.potency.family_fit import fit_family
from lamella.potency.intervals import profile_cut
from lamella.potency.profile import Interval, profile_absolute, profile_relative
from lamella.potency.quantities import crossing, fraction_of_change
from lamella.potency.result import Quantity

__all__ = ["inhibitory_dose"]


def inhibitory_dose(
    points: CurvePoints,
    percent: float,
    *,
    kind: Literal["relative", "absolute"] = "relative",
    dose_unit: str = "au",
    model: str = "4pl",
) -> Quantity:
    """Dose that inhibits by a percentage, with its 95 % profile interval.

    Args:
        points: One curve, see `lamella.potency.dose_table.points_of`.
        percent: Above 0 and below 100.
        kind: `relative`: of the whole change between the plateaus; `absolute`: of the mean
            vehicle response.
        dose_unit: Unit of the doses.
        model: A family with a centre: `4pl`, `3pl`, `5pl`, `weibull1`, `weibull2`.

    Raises:
        FitError: No such percentage, no vehicle, or a family without a centre.

    A dose outside the tested range has no value: the text then states the bound.

    >>> from lamella.potency.dose_table import points_of
    >>> dose = [0, 0, 1, 3, 10, 30, 100, 300]
    >>> points = points_of(dose, [1.0, 1.02, 0.97, 0.9, 0.52, 0.11, 0.03, 0.01])
    >>> inhibitory_dose(points, 90, dose_unit="nM").text
    '32.9 nM (95 % CI 25.4 to 43.4)'
    """
    if not 0 < percent < 100:
        raise FitError(f"IC{percent:g} does not exist: give a percentage between 0 and 100.")
    fit = fit_family(family_named(model), collapse(points.dose, points.response, points.weight))
    cut = profile_cut(fit)
    if fit.family.offset is None:
        raise FitError(f"'{model}' has no centre for ICxx. Choose for example '4pl'.")
    if kind == "relative":
        place = fraction_of_change(fit, percent / 100)
        ends = profile_relative(fit, cut=cut, fraction=percent / 100)
    else:
        if not points.vehicle.any():
            raise FitError(f"{points.place}: an absolute IC{percent:g} needs vehicle wells.")
        vehicle = points.vehicle
        level = np.average(points.response[vehicle], weights=points.weight[vehicle])
        target = float(level) * (1 - percent / 100)
        place = crossing(fit, target)
        ends = profile_absolute(fit, cut=cut, target=target, place=place)
    return _stated(f"{kind}_ic{percent:g}", place, ends, fit.data, unit=dose_unit)


def _stated(
    name: str, place: float | None, ends: Interval, data: Collapsed, *, unit: str
) -> Quantity:
    low, high = (None if end is None else float(10.0 ** (end + data.x0)) for end in _both(ends))
    bottom, top = (float(10.0 ** (end + data.x0)) for end in data.x_range)
    if place is None or place > data.x_range[1]:
        return Quantity(name, None, low, None, unit, wording.above(top, low, unit))
    if place < data.x_range[0]:
        return Quantity(name, None, None, high, unit, wording.below(bottom, high, unit))
    value = float(10.0 ** (place + data.x0))
    return Quantity(name, value, low, high, unit, wording.number(value, low, high, unit))


def _both(ends: Interval) -> tuple[float | None, float | None]:
    return ends.low, ends.high
