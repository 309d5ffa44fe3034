"""From a dose-response table to what may be said: curves, potencies, verdicts, batches."""

from __future__ import annotations

from typing import Literal, get_args

from lamella.errors import SettingsError, nearest
from lamella.potency.between import between_batches
from lamella.potency.curve_analysis import analyse
from lamella.potency.curve_fits import Choices
from lamella.potency.dose_table import DoseTable, curves_of
from lamella.potency.families import family_named
from lamella.potency.result import BetweenBatches, CurveResult, PotencyResult
from lamella.potency.settings import FitSettings, IntervalMethod
from lamella.units import dose_unit_scale

__all__ = ["fit"]


def fit(
    table: DoseTable,
    *,
    model: str = "auto",
    dose_unit: str = "au",
    response_name: str = "response",
    interval: IntervalMethod = "profile",
    settings: FitSettings | None = None,
) -> PotencyResult:
    """Fit every curve of a table and say what may be said of its potency.

    One curve for each curve name and batch, then one over all batches, which is for drawing:
    the estimate with an interval for other experiments is `between_batches`. Nothing is
    normalised here.

    Args:
        table: Doses in `dose_unit`, responses and what they belong to.
        model: `auto` reports the four-parameter logistic and compares all other families with
            it; `best` reports the family with the lowest AICc; or the name of a family, see
            `lamella.potency.families`.
        dose_unit: Unit of every dose, for example `nM`; `au` where a source gives none.
        response_name: Name of the read-out, for figures.
        interval: `profile`, or by choice `wald` (log dose), `delta` (dose), `bootstrap`,
            `wild_bootstrap`. Families without a profile fall back to `wald`; every curve
            states what it got.
        settings: Constraints, weights, loss and thresholds.

    Raises:
        FitError: The table cannot be fitted; the message names the row or column.
        UnitError: The dose unit is not known.

    >>> table = DoseTable([0, 0, 1, 3, 10, 30, 100, 300],
    ...                   [1.0, 1.02, 0.97, 0.9, 0.52, 0.11, 0.03, 0.01])
    >>> fit(table, dose_unit="nM").curves[0].verdict
    'closed'
    """
    dose_unit_scale(dose_unit)
    if interval not in get_args(IntervalMethod):
        known = nearest(interval, get_args(IntervalMethod))
        raise SettingsError(f"interval '{interval}' is not known. {known}")
    if model not in ("auto", "best"):
        family_named(model)
    settings = settings or FitSettings()
    choices = Choices(model, dose_unit, interval, settings)
    points = list(curves_of(table, positive_is_plateau=settings.positive_is_plateau))
    curves = analyse(points, choices)
    by_curve = _between(curves, unit=dose_unit)
    single = by_curve[0][1] if len({c.id for c in curves}) == 1 and by_curve else None
    flags = () if by_curve else ("technical_replicates_only",)
    return PotencyResult(dose_unit, response_name, curves, single, flags, by_curve)


def _between(
    curves: tuple[CurveResult, ...], *, unit: str
) -> tuple[tuple[str, BetweenBatches], ...]:
    found = []
    for name in dict.fromkeys(c.id for c in curves):
        mine = [c for c in curves if c.id == name]
        batches = [c for c in mine if c.batch is not None]
        # The curve over all batches decides which IC50 is meant: one batch alone may be noise.
        kind: Literal["relative", "absolute"] = mine[-1].headline
        between = between_batches(batches, unit=unit, kind=kind)
        if between is not None and between.n > 0:
            found.append((name, between))
    return tuple(found)
