"""Where does a fitted curve pass a response, and how far does it fall?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lamella.potency.family_fit import FamilyFit

__all__ = [
    "area_under_curve",
    "change_in_range",
    "crossing",
    "fraction_of_change",
    "half_change",
    "inhibition_at_top",
    "value_at_zero_dose",
]

F8 = NDArray[np.float64]

_REACH = 4.0


def value_at_zero_dose(fit: FamilyFit) -> float:
    """The curve at dose 0."""
    return float(fit.value(np.array([-np.inf]))[0])


def change_in_range(fit: FamilyFit) -> float:
    """The curve at the highest tested dose minus the curve at dose 0."""
    return float(fit.value(np.array([fit.data.x_range[1]]))[0]) - value_at_zero_dose(fit)


def crossing(fit: FamilyFit, target: float) -> float | None:
    """Centred log10 dose at which a curve that starts above the target first falls below it.

    Looked for up to four decades beyond the tested doses; None where it never happens.
    """
    low, high = fit.data.x_range
    if fit.family.offset is not None:
        zero, infinite = fit.family.ends(fit.theta)
        if zero is None or infinite is None or not infinite < target < zero:
            return None
        place = fraction_of_change(fit, (zero - target) / (zero - infinite))
        return None if place is None or place > high + _REACH else max(place, low - _REACH)
    grid = np.linspace(low - _REACH, high + _REACH, 2001)
    above = fit.value(grid) > target
    if value_at_zero_dose(fit) <= target or above.all():
        return None
    i = int(np.argmin(above))
    if i == 0:
        return float(grid[0])
    a, b = float(grid[i - 1]), float(grid[i])
    for _ in range(60):
        middle = 0.5 * (a + b)
        if fit.value(np.array([middle]))[0] > target:
            a = middle
        else:
            b = middle
    return 0.5 * (a + b)


def half_change(fit: FamilyFit) -> float | None:
    """Centred log10 dose at half of the change between zero and infinite dose."""
    return fraction_of_change(fit, 0.5)


def fraction_of_change(fit: FamilyFit, fraction: float) -> float | None:
    """Centred log10 dose at which this fraction of the whole change is done (ICxx)."""
    family = fit.family
    if family.offset is not None:
        nu = fit.theta[None, : len(family.nonlinear)]
        return float(nu[0, 0] + family.offset(nu, fraction)[0][0] / np.exp(nu[0, 1]))
    zero, infinite = family.ends(fit.theta)
    if zero is None or infinite is None or zero <= infinite:
        return None
    return crossing(fit, zero + fraction * (infinite - zero))


def inhibition_at_top(fit: FamilyFit) -> float | None:
    """Percent of the response at dose 0 that is lost at the highest tested dose (Emax)."""
    zero = value_at_zero_dose(fit)
    return None if zero <= 0 else -100.0 * change_in_range(fit) / zero


def area_under_curve(fit: FamilyFit) -> float | None:
    """Mean of the curve over log dose from the lowest to the highest tested dose.

    As a share of the response at dose 0: 1 where nothing happens, 0 where all is lost from
    the lowest dose on.
    """
    zero = value_at_zero_dose(fit)
    if zero <= 0:
        return None
    value = fit.value(np.linspace(*fit.data.x_range, 401))
    weights = np.full(value.size, 1.0)
    weights[1:-1:2], weights[2:-1:2] = 4.0, 2.0  # Simpson
    return float(value @ weights / weights.sum() / zero)
