"""What makes a curve family: its columns, their derivatives, and where to start looking."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LN10",
    "SLOPE_BOX",
    "Family",
    "Kind",
    "Parameter",
    "constant_offset",
    "log_ratio",
    "sigmoid",
]

F8 = NDArray[np.float64]
Kind = Literal["log_dose", "log", "dose", "log_per_dose", "response", "response_per_dose"]

LN10 = float(np.log(10.0))
SLOPE_BOX = (float(np.log(0.05)), float(np.log(100.0)))
"""Natural logarithm of the shallowest and the steepest slope that is tried."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter and how it follows the dose unit (`log_dose` shifts, `dose` scales ...)."""

    name: str
    kind: Kind


@dataclass(frozen=True)
class Family:
    """One curve family: linear in some parameters, nonlinear in the others.

    Attributes:
        name: As given to `model=`.
        label: As printed.
        nonlinear, linear: Its parameters; a parameter vector lists the nonlinear ones first.
        columns: (x, nonlinear) -> columns and derivatives: x of shape (m,) or (S, m), nonlinear
            (S, p) -> (S, m, k) and (S, m, k, p). x is log10 dose around the middle of the design.
        box: Range of finite x -> lowest and highest nonlinear parameters.
        grid: Range of finite x -> starts, shape (G, p).
        ends: Parameter vector -> response at zero and at infinite dose, None where undefined.
        slope: Name of the parameter whose exponential is the slope, if any.
        ec50: Name of the parameter that is log10 EC50, if any.
        fixed: Parameters that this family holds, by name.
        contains: Families that are special cases of this one, for the extra-sum-of-squares F.
        monotone: The curve cannot turn around.
        offset: (nonlinear (S, p), fraction f) -> slope times the distance in log10 dose from the
            centre to the dose at which the fraction f of the change is done, shape (S,), and
            its derivatives (S, p); None where the family has no such centre.
        accept: Parameter vector -> False for a solution that is not this family in spirit.
    """

    name: str
    label: str
    nonlinear: tuple[Parameter, ...]
    linear: tuple[Parameter, ...]
    columns: Callable[[F8, F8], tuple[F8, F8]]
    box: Callable[[tuple[float, float]], tuple[F8, F8]]
    grid: Callable[[tuple[float, float]], F8]
    ends: Callable[[F8], tuple[float | None, float | None]]
    slope: str | None = None
    ec50: str | None = None
    fixed: Mapping[str, float] = field(default_factory=dict)
    contains: tuple[str, ...] = ()
    monotone: bool = True
    accept: Callable[[F8], bool] = lambda theta: True
    offset: Callable[[F8, float], tuple[F8, F8]] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all parameters, nonlinear first."""
        return tuple(p.name for p in (*self.nonlinear, *self.linear))

    @property
    def size(self) -> int:
        """Number of parameters that are estimated."""
        return len(self.names) - len(self.fixed)

    def value(self, x: F8, theta: F8) -> F8:
        """The curve at x, shape (m,)."""
        p = len(self.nonlinear)
        columns, _ = self.columns(x, theta[None, :p])
        return np.asarray(columns[0] @ theta[p:], dtype=np.float64)

    def jacobian(self, x: F8, theta: F8) -> F8:
        """Derivatives of the curve by all parameters, shape (m, p + k)."""
        p = len(self.nonlinear)
        columns, slopes = self.columns(x, theta[None, :p])
        by_nonlinear = np.einsum("mkp,k->mp", slopes[0], theta[p:])
        return np.concatenate([by_nonlinear, columns[0]], axis=1)

    def to_dose_unit(self, theta: F8, x0: float) -> F8:
        """Parameters in the user's dose unit, from those around the middle `x0`."""
        out = theta.copy()
        for i, parameter in enumerate((*self.nonlinear, *self.linear)):
            match parameter.kind:
                case "log_dose":
                    out[i] += x0
                case "dose":
                    out[i] *= 10.0**x0
                case "log_per_dose":
                    out[i] -= x0 * LN10
                case "response_per_dose":
                    out[i] /= 10.0**x0
        return out


def constant_offset(of_fraction: Callable[[float], float]) -> Callable[[F8, float], tuple[F8, F8]]:
    """The `offset` of a family whose shape has no further parameter."""

    def offset(nu: F8, fraction: float) -> tuple[F8, F8]:
        return np.full(len(nu), of_fraction(fraction)), np.zeros_like(nu)

    return offset


def log_ratio(x: F8, centre: F8, log_slope: F8) -> F8:
    """ln of (dose / centre)^slope, shape (S, m), held within +-700 so that nothing overflows."""
    with np.errstate(over="ignore"):
        t = (x - centre[:, None]) * (np.exp(log_slope)[:, None] * LN10)
    return np.minimum(np.maximum(t, -700.0), 700.0)


def sigmoid(t: F8) -> tuple[F8, F8]:
    """1/(1+exp(-t)) and its complement, both exact in their small tail."""
    small = np.exp(-np.abs(t))
    large = 1.0 / (1.0 + small)
    small = small * large
    return np.where(t >= 0, large, small), np.where(t >= 0, small, large)
