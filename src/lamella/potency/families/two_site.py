"""Two sites: a fall in two steps, each with its own EC50 and slope."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lamella.potency.families.family import LN10, Family, Parameter, log_ratio, sigmoid

__all__ = ["FAMILIES"]

F8 = NDArray[np.float64]


def _columns(x: F8, nu: F8) -> tuple[F8, F8]:
    parts, slopes = [], []
    for i in (0, 2):
        t = log_ratio(x, nu[:, i], nu[:, i + 1])
        s, rest = sigmoid(t)
        by_centre = -s * rest * (np.exp(nu[:, i + 1]) * LN10)[:, None]
        parts.append(s)
        slopes.append(np.stack([by_centre, s * rest * t], axis=-1))
    none = np.zeros_like(slopes[0])
    columns = np.stack([np.ones_like(parts[0]), *parts], axis=-1)
    rows = [
        np.concatenate([none, none], -1),
        np.concatenate([slopes[0], none], -1),
        np.concatenate([none, slopes[1]], -1),
    ]
    return columns, np.stack(rows, axis=-2)


def _box(x_range: tuple[float, float]) -> tuple[F8, F8]:
    low, high = x_range
    lowest, highest = np.log(0.2), np.log(20.0)
    return (
        np.array([low - 1, lowest, low - 1, lowest]),
        np.array([high + 1, highest, high + 1, highest]),
    )


def _grid(x_range: tuple[float, float]) -> F8:
    centres = np.linspace(*x_range, 10)
    slopes = np.log([1.0, 3.0])
    pairs = [(a, b) for a in centres for b in centres if b > a]
    return np.array([[a, g, b, k] for a, b in pairs for g in slopes for k in slopes])


def _same_direction(theta: F8) -> bool:
    return bool(theta[5] * theta[6] > 0 and theta[0] < theta[2])


FAMILIES = (
    Family(
        name="two_site",
        label="two sites",
        nonlinear=(
            Parameter("log10_first", "log_dose"),
            Parameter("log_first_slope", "log"),
            Parameter("log10_second", "log_dose"),
            Parameter("log_second_slope", "log"),
        ),
        linear=(
            Parameter("at_zero_dose", "response"),
            Parameter("first_step", "response"),
            Parameter("second_step", "response"),
        ),
        columns=_columns,
        box=_box,
        grid=_grid,
        ends=lambda theta: (float(theta[4]), float(theta[4] + theta[5] + theta[6])),
        contains=("flat",),
        accept=_same_direction,
    ),
)
