"""At which dose is growth halved? The GR curve and its numbers, as published tools define them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc

from lamella.errors import FitError
from lamella.potency.collapse import Collapsed, collapse
from lamella.potency.families import family_named
from lamella.potency.family_fit import Constraints, FamilyFit, fit_family
from lamella.potency.intervals import profile_cut
from lamella.potency.profile import profile_absolute
from lamella.potency.quantities import crossing

__all__ = ["GrowthCurve", "fit_growth_curve"]

F8 = NDArray[np.float64]

_LEVEL = 0.05
_REACH = 2.0  # decades beyond the tested doses in which the published tools look for GEC50
_SLOPES = (0.1, 5.0)


@dataclass(frozen=True, slots=True)
class GrowthCurve:
    """Numbers of a growth-rate inhibition curve; doses in the unit of the input.

    Attributes:
        gr50: Dose at which the fit equals 0.5; `inf` where it never does or is flat.
        gr50_low, gr50_high: 95 % profile interval, None where open.
        gr_max: Lower GR of the two highest doses.
        gr_aoc: Area over the curve: trapezoid of 1 - GR over log10 dose, divided by the range.
        gec50, gr_inf, slope: Parameters of the fit; None where the flat fit is kept.
        p: F test of the curve against the mean.
        r2: Share of the variance around the mean that the curve explains.
        flat: The mean is kept since p is not below 0.05.
    """

    gr50: float
    gr50_low: float | None
    gr50_high: float | None
    gr_max: float
    gr_aoc: float
    gec50: float | None
    gr_inf: float | None
    slope: float | None
    p: float
    r2: float
    flat: bool


def fit_growth_curve(dose: F8, gr: F8) -> GrowthCurve:
    """Fit GRinf + (1 - GRinf)/(1 + (c/GEC50)^h) to GR values.

    GR is 1 at dose 0 by definition, so that plateau is held; GRinf lies in -1 ... 1, the
    slope in 0.1 ... 5 and GEC50 within two decades of the tested doses, as in the published
    programs. The F test has two numerator degrees of freedom, as theirs.

    Args:
        dose: Shape (n,), > 0.
        gr: GR values, shape (n,).

    Raises:
        FitError: A dose is not positive, or there are fewer than four doses.
    References:
        Hafner et al. 2016, Nature Methods 13:521; Clark et al. 2017, BMC Cancer 17:698.
    """
    dose, gr = np.asarray(dose, dtype=np.float64), np.asarray(gr, dtype=np.float64)
    if not (np.isfinite(dose).all() and (dose > 0).all() and np.isfinite(gr).all()):
        raise FitError("GR curves need positive doses and finite GR values; leave out vehicle.")
    data = collapse(dose, gr, np.ones(dose.size))
    if data.x.size < 4:
        raise FitError(f"{data.x.size} doses cannot carry a GR curve. Measure four or more.")
    fitted = _fit(data)
    flat_rss = float(((gr - gr.mean()) ** 2).sum())
    size = 3
    f = max(flat_rss - fitted.rss, 0.0) / (size - 1) / (fitted.rss / (gr.size - size))
    p = float(fdtrc(size - 1, gr.size - size, f))
    r2 = 1.0 - fitted.rss / flat_rss if flat_rss > 0 else 0.0
    top, area = _observed(data)
    if not p < _LEVEL:
        return GrowthCurve(np.inf, None, None, top, area, None, None, None, p, r2, True)
    place = crossing(fitted, 0.5)
    ends = profile_absolute(fitted, cut=profile_cut(fitted), target=0.5, place=place)
    named = fitted.in_user_units()
    return GrowthCurve(
        gr50=np.inf if place is None else float(10.0 ** (place + data.x0)),
        gr50_low=None if ends.low is None else float(10.0 ** (ends.low + data.x0)),
        gr50_high=None if ends.high is None else float(10.0 ** (ends.high + data.x0)),
        gr_max=top,
        gr_aoc=area,
        gec50=float(10.0 ** named["log10_ec50"]),
        gr_inf=named["at_infinite_dose"],
        slope=float(np.exp(named["log_slope"])),
        p=p,
        r2=r2,
        flat=False,
    )


def _fit(data: Collapsed) -> FamilyFit:
    low, high = (end + data.x0 for end in data.x_range)
    limits = Constraints(
        fixed={"at_zero_dose": 1.0},
        bounded={
            "log10_ec50": (low - _REACH, high + _REACH),
            "log_slope": (float(np.log(_SLOPES[0])), float(np.log(_SLOPES[1]))),
            "at_infinite_dose": (-1.0, 1.0),
        },
    )
    return fit_family(family_named("4pl"), data, constraints=limits)


def _observed(data: Collapsed) -> tuple[float, float]:
    top = float(data.y[-2:].min())
    steps = np.diff(data.x)
    middle = 0.5 * (data.y[1:] + data.y[:-1])
    return top, float(((1.0 - middle) * steps).sum() / steps.sum())
