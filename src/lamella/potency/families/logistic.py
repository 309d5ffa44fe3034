"""Log-logistic curves with two to five parameters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lamella.potency.families.family import (
    LN10,
    SLOPE_BOX,
    Family,
    Parameter,
    constant_offset,
    log_ratio,
    sigmoid,
)

__all__ = ["FAMILIES", "LOGISTIC4", "centre_slope_box", "centre_slope_grid", "plateaus"]

F8 = NDArray[np.float64]

_REACH = 4.0  # decades beyond the tested doses in which an EC50 is looked for
_SLOPES = np.log([0.1, 0.3, 0.6, 1.0, 1.6, 2.6, 4.5, 8.0, 16.0, 50.0])


def centre_slope_box(x_range: tuple[float, float]) -> tuple[F8, F8]:
    """Bounds of (log10 centre, ln slope)."""
    low, high = x_range
    return (
        np.array([low - _REACH, SLOPE_BOX[0]]),
        np.array([high + _REACH, SLOPE_BOX[1]]),
    )


def centre_slope_grid(x_range: tuple[float, float]) -> F8:
    """Starts over (log10 centre, ln slope), dense inside the tested doses."""
    low, high = x_range
    outside = np.array([0.25, 0.7, 1.5, 3.0, 4.0])
    inside = np.linspace(low, high, 19)
    centres = np.concatenate([low - outside[::-1], inside, high + outside])
    return np.stack(np.meshgrid(centres, _SLOPES, indexing="ij"), axis=-1).reshape(-1, 2)


def plateaus(theta: F8) -> tuple[float | None, float | None]:
    """The last two parameters are the responses at zero and at infinite dose."""
    return float(theta[-2]), float(theta[-1])


def _columns4(x: F8, nu: F8) -> tuple[F8, F8]:
    centre, log_slope = nu[:, 0], nu[:, 1]
    t = log_ratio(x, centre, log_slope)
    s, rest = sigmoid(t)
    bump = s * rest
    by_centre = -bump * (np.exp(log_slope) * LN10)[:, None]
    by_slope = bump * t
    columns, slopes = np.empty((*t.shape, 2)), np.empty((*t.shape, 2, 2))
    columns[..., 0], columns[..., 1] = rest, s
    slopes[..., 1, 0], slopes[..., 1, 1] = by_centre, by_slope
    np.negative(slopes[..., 1, :], out=slopes[..., 0, :])
    return columns, slopes


def _columns5(x: F8, nu: F8) -> tuple[F8, F8]:
    centre, log_slope, asymmetry = nu[:, 0], nu[:, 1], np.exp(nu[:, 2])[:, None]
    t = log_ratio(x, centre, log_slope)
    softplus = np.logaddexp(0.0, t)
    rest = np.exp(-asymmetry * softplus)
    by_t = -asymmetry * sigmoid(t)[0] * rest
    by_centre = -by_t * (np.exp(log_slope) * LN10)[:, None]
    by_slope = by_t * t
    by_asymmetry = -asymmetry * softplus * rest
    of_rest = np.stack([by_centre, by_slope, by_asymmetry], axis=-1)
    columns = np.stack([rest, -np.expm1(-asymmetry * softplus)], axis=-1)
    return columns, np.stack([of_rest, -of_rest], axis=-2)


def _offset5(nu: F8, fraction: float) -> tuple[F8, F8]:
    share = -np.log1p(-fraction) / np.exp(nu[:, 2])
    slopes = np.zeros_like(nu)
    slopes[:, 2] = -share / (-np.expm1(-share)) / LN10
    return np.log10(np.expm1(share)), slopes


def _box5(x_range: tuple[float, float]) -> tuple[F8, F8]:
    low, high = centre_slope_box(x_range)
    return np.append(low, np.log(0.02)), np.append(high, np.log(50.0))


def _grid5(x_range: tuple[float, float]) -> F8:
    grid = centre_slope_grid(x_range)
    return np.concatenate([np.insert(grid, 2, np.log(g), axis=1) for g in (0.3, 1.0, 3.0)])


_NONLINEAR = (Parameter("log10_ec50", "log_dose"), Parameter("log_slope", "log"))
_LINEAR = (Parameter("at_zero_dose", "response"), Parameter("at_infinite_dose", "response"))

LOGISTIC4 = Family(
    name="4pl",
    label="four-parameter log-logistic",
    nonlinear=_NONLINEAR,
    linear=_LINEAR,
    columns=_columns4,
    box=centre_slope_box,
    grid=centre_slope_grid,
    ends=plateaus,
    slope="log_slope",
    ec50="log10_ec50",
    contains=("flat", "2pl", "3pl", "3pl_top"),
    offset=constant_offset(lambda fraction: float(np.log10(fraction / (1 - fraction)))),
)
_LOGISTIC3 = replace(
    LOGISTIC4,
    name="3pl",
    label="three-parameter log-logistic, 0 at infinite dose",
    fixed={"at_infinite_dose": 0.0},
    contains=("2pl",),
)
_LOGISTIC3_TOP = replace(
    LOGISTIC4,
    name="3pl_top",
    label="three-parameter log-logistic, 1 at zero dose",
    fixed={"at_zero_dose": 1.0},
    contains=("2pl",),
)
_LOGISTIC2 = replace(
    LOGISTIC4,
    name="2pl",
    label="two-parameter log-logistic, from 1 to 0",
    fixed={"at_zero_dose": 1.0, "at_infinite_dose": 0.0},
    contains=(),
)
_LOGISTIC5 = Family(
    name="5pl",
    label="five-parameter log-logistic",
    nonlinear=(
        Parameter("log10_centre", "log_dose"),
        Parameter("log_slope", "log"),
        Parameter("log_asymmetry", "log"),
    ),
    linear=_LINEAR,
    columns=_columns5,
    box=_box5,
    grid=_grid5,
    ends=plateaus,
    slope="log_slope",
    contains=("flat", "2pl", "3pl", "3pl_top", "4pl"),
    offset=_offset5,
)
FAMILIES = (LOGISTIC4, _LOGISTIC3, _LOGISTIC3_TOP, _LOGISTIC2, _LOGISTIC5)
