"""Where does a fitted curve pass a response, and how far does it fall?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lamella.potency.family_fit import FamilyFit

__all__ = ["change_in_range", "crossing", "half_change", "value_at_zero_dose"]

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
    family = fit.family
    if family.offset is not None:
        nu = fit.theta[None, : len(family.nonlinear)]
        return float(nu[0, 0] + family.offset(nu, 0.5)[0][0] / np.exp(nu[0, 1]))
    zero, infinite = family.ends(fit.theta)
    if zero is None or infinite is None or zero <= infinite:
        return None
    return crossing(fit, 0.5 * (zero + infinite))
