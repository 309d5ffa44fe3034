"""Curves for little or partial data: flat, and linear in log dose from a threshold on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lamella.potency.families.family import Family, Parameter

__all__ = ["FAMILIES"]

F8 = NDArray[np.float64]


def _flat_columns(x: F8, nu: F8) -> tuple[F8, F8]:
    return np.ones((len(nu), x.shape[-1], 1)), np.zeros((len(nu), x.shape[-1], 1, 0))


def _ramp_columns(x: F8, nu: F8) -> tuple[F8, F8]:
    beyond = np.clip(x - nu, 0.0, 300.0)
    columns = np.stack([np.ones_like(beyond), beyond], axis=-1)
    slopes = np.zeros((*columns.shape, 1))
    slopes[..., 1, 0] = np.where(beyond > 0, -1.0, 0.0)
    return columns, slopes


def _ramp_box(x_range: tuple[float, float]) -> tuple[F8, F8]:
    low, high = x_range
    return np.array([low - 2.0]), np.array([high - 0.01 * (high - low)])


def _ramp_grid(x_range: tuple[float, float]) -> F8:
    low, high = x_range
    return np.linspace(low - 2.0, high - 0.01 * (high - low), 60)[:, None]


def _nothing(x_range: tuple[float, float]) -> tuple[F8, F8]:
    return np.zeros(0), np.zeros(0)


FAMILIES = (
    Family(
        name="flat",
        label="no effect of dose",
        nonlinear=(),
        linear=(Parameter("at_zero_dose", "response"),),
        columns=_flat_columns,
        box=_nothing,
        grid=lambda x_range: np.zeros((1, 0)),
        ends=lambda theta: (float(theta[0]), float(theta[0])),
    ),
    Family(
        name="log_linear",
        label="linear in log dose from a threshold on",
        nonlinear=(Parameter("log10_threshold", "log_dose"),),
        linear=(Parameter("at_zero_dose", "response"), Parameter("per_decade", "response")),
        columns=_ramp_columns,
        box=_ramp_box,
        grid=_ramp_grid,
        ends=lambda theta: (float(theta[1]), None),
        contains=("flat",),
    ),
)
