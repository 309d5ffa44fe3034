"""What may be said of a potency? One verdict, decided in a fixed order, and its sentence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lamella.potency import wording
from lamella.potency.family_fit import FamilyFit
from lamella.potency.profile import Interval
from lamella.potency.result import Potency, Verdict

__all__ = ["Evidence", "Sought", "bend_doses", "potency_of", "without_number"]

_BEND = float(np.log10(3.73))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of the whole curve before one potency is judged.

    Attributes:
        effect_p: p of no effect of dose.
        turns: The dose means reverse significantly.
        misfit: Lack of fit at p < 0.001 and no monotone family that is better.
    """

    effect_p: float
    turns: bool
    misfit: bool


@dataclass(frozen=True, slots=True)
class Sought:
    """One IC50 in centred log10 dose, before its verdict.

    Attributes:
        kind: `relative` or `absolute`.
        place: Point estimate, None where the curve never gets there.
        interval: Profile interval; a missing end is open.
        enough: The doses bracket it as Sebaugh (2011) asks.
        reason: Why there can be none, for example a response that rises; else empty.
        above_top: With a reason: no tested dose comes near it, so that it lies above them.
    """

    kind: str
    place: float | None
    interval: Interval
    enough: bool
    reason: str = ""
    above_top: bool = False


def bend_doses(fit: FamilyFit, centre: float) -> tuple[int, int]:
    """Tested doses beyond the lower and the upper bend of the curve; dose 0 counts as one.

    The bends of a log-logistic curve lie at EC50 3.73^(-1/h) and EC50 3.73^(1/h).

    References:
        Sebaugh 2011, Pharmaceutical Statistics 10:128.
    """
    slope = float(np.exp(fit.theta[1]))
    x = fit.data.x
    low = int(np.count_nonzero(x < centre - _BEND / slope))
    return low, int(np.count_nonzero(x > centre + _BEND / slope))


def potency_of(sought: Sought, evidence: Evidence, fit: FamilyFit, *, unit: str) -> Potency:
    """The verdict in the order of the design page, with the interval and the sentence."""
    data = fit.data
    low, high = (_dose(end, data.x0) for end in (sought.interval.low, sought.interval.high))
    bottom, top = (float(10.0 ** (end + data.x0)) for end in data.x_range)
    verdict = _verdict(sought, evidence, data.x_range)
    match verdict:
        case "no_effect":
            text = f"no IC50: no effect of dose (p = {evidence.effect_p:.2g})"
            return Potency(None, None, None, verdict, text, top)
        case "non_monotone":
            return without_number(verdict, "no IC50: the response turns around with dose")
        case "lack_of_fit":
            text = "no IC50: the curve misses the dose means (lack of fit p < 0.001)"
            return without_number(verdict, text)
        case "below_range":
            text = wording.below(bottom, high, unit)
            return Potency(None, None, high, verdict, text, bottom)
        case "not_reached":
            return _not_reached(sought, fit, low, unit)
    value = _dose(sought.place, data.x0)
    assert value is not None
    text = wording.number(value, low, high, unit)
    if verdict == "closed_but_extrapolated":
        text += ", extrapolated"
    return Potency(value, low, high, verdict, text)


def without_number(verdict: Verdict, text: str) -> Potency:
    """A potency that the design of the experiment does not allow."""
    return Potency(None, None, None, verdict, text)


def _verdict(sought: Sought, evidence: Evidence, x_range: tuple[float, float]) -> Verdict:
    bottom, top = x_range
    low, high = sought.interval.low, sought.interval.high
    if evidence.effect_p >= 0.05:
        return "no_effect"
    if evidence.turns:
        return "non_monotone"
    if evidence.misfit:
        return "lack_of_fit"
    if sought.place is None or sought.reason:
        return "not_reached"
    if sought.place > top or (high is None and sought.kind == "relative"):
        return "not_reached"
    if sought.place < bottom or (low is None and sought.kind == "relative"):
        return "below_range"
    inside = low is not None and high is not None and bottom <= low and high <= top
    return "closed" if inside and sought.enough else "closed_but_extrapolated"


def _not_reached(sought: Sought, fit: FamilyFit, low: float | None, unit: str) -> Potency:
    end = fit.data.x_range[1]
    top = float(10.0 ** (end + fit.data.x0))
    bound: float | None = top
    if sought.reason:
        text = f"no {sought.kind} IC50: {sought.reason}"
        bound = top if sought.above_top else None
    elif low is not None and low >= top:
        text = wording.above(top, None, unit)
    elif sought.place is not None and sought.place <= end:
        limit = "" if low is None else f" (95 % lower limit {wording.dose_text(low, unit)})"
        text, bound = f"not bounded above{limit}", low
    else:
        text = wording.above(top, low, unit)
    return Potency(None, low, None, "not_reached", text, bound)


def _dose(place: float | None, x0: float) -> float | None:
    return None if place is None else float(10.0 ** (place + x0))
