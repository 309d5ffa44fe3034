"""Weibull curves (asymmetric in log dose) and the Gompertz curve (double exponential in dose)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lamella.potency.families.family import LN10, Family, Parameter, constant_offset, log_ratio
from lamella.potency.families.logistic import centre_slope_box, centre_slope_grid, plateaus

__all__ = ["FAMILIES"]

F8 = NDArray[np.float64]


def _columns1(x: F8, nu: F8) -> tuple[F8, F8]:
    t = log_ratio(x, nu[:, 0], nu[:, 1])
    u = np.exp(t)
    rest = np.exp(-u)
    by_centre = rest * u * (np.exp(nu[:, 1]) * LN10)[:, None]
    return _both(rest, -np.expm1(-u), by_centre, -rest * u * t)


def _columns2(x: F8, nu: F8) -> tuple[F8, F8]:
    t = log_ratio(x, nu[:, 0], nu[:, 1])
    v = np.exp(-t)
    gone = np.exp(-v)
    by_centre = gone * v * (np.exp(nu[:, 1]) * LN10)[:, None]
    return _both(-np.expm1(-v), gone, by_centre, -gone * v * t)


def _columns_gompertz(x: F8, nu: F8) -> tuple[F8, F8]:
    dose = 10.0 ** np.minimum(x, 300.0)
    rate = np.exp(nu[:, 1])[:, None]
    with np.errstate(over="ignore"):
        t = np.clip(rate * (dose - nu[:, 0, None]), -700.0, 700.0)
    u = np.exp(t)
    rest = np.exp(-u)
    return _both(rest, -np.expm1(-u), rest * u * rate, -rest * u * t)


def _both(rest: F8, gone: F8, by_first: F8, by_second: F8) -> tuple[F8, F8]:
    of_rest = np.stack([by_first, by_second], axis=-1)
    return np.stack([rest, gone], axis=-1), np.stack([of_rest, -of_rest], axis=-2)


def _gompertz_box(x_range: tuple[float, float]) -> tuple[F8, F8]:
    top = 10.0 ** x_range[1]
    return np.array([-30.0 * top, np.log(0.01 / top)]), np.array([30.0 * top, np.log(1e4 / top)])


def _gompertz_grid(x_range: tuple[float, float]) -> F8:
    doses = 10.0 ** np.linspace(x_range[0], x_range[1] + 0.3, 15)
    middles = np.concatenate([[-doses[-1], 0.0], doses])
    rates = np.log(np.array([0.1, 0.5, 2.0, 8.0, 40.0, 200.0]) / doses[-1])
    return np.stack(np.meshgrid(middles, rates, indexing="ij"), axis=-1).reshape(-1, 2)


def _gompertz_ends(theta: F8) -> tuple[float | None, float | None]:
    left = np.exp(-np.exp(np.clip(-np.exp(theta[1]) * theta[0], -700, 700)))
    return float(theta[3] + (theta[2] - theta[3]) * left), float(theta[3])


_LINEAR = (Parameter("at_zero_dose", "response"), Parameter("at_infinite_dose", "response"))
_CENTRE = (Parameter("log10_centre", "log_dose"), Parameter("log_slope", "log"))

FAMILIES = (
    Family(
        name="weibull1",
        label="Weibull 1",
        nonlinear=_CENTRE,
        linear=_LINEAR,
        columns=_columns1,
        box=centre_slope_box,
        grid=centre_slope_grid,
        ends=plateaus,
        slope="log_slope",
        contains=("flat",),
        offset=constant_offset(lambda fraction: float(np.log10(-np.log1p(-fraction)))),
    ),
    Family(
        name="weibull2",
        label="Weibull 2",
        nonlinear=_CENTRE,
        linear=_LINEAR,
        columns=_columns2,
        box=centre_slope_box,
        grid=centre_slope_grid,
        ends=plateaus,
        slope="log_slope",
        contains=("flat",),
        offset=constant_offset(lambda fraction: float(-np.log10(-np.log(fraction)))),
    ),
    Family(
        name="gompertz",
        label="Gompertz in dose",
        nonlinear=(Parameter("middle_dose", "dose"), Parameter("log_rate", "log_per_dose")),
        linear=(Parameter("lower_asymptote", "response"), _LINEAR[1]),
        columns=_columns_gompertz,
        box=_gompertz_box,
        grid=_gompertz_grid,
        ends=_gompertz_ends,
        contains=("flat",),
    ),
)
