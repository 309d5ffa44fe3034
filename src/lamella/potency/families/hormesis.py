"""Curves that rise before they fall: Brain-Cousens, Cedergreen, bell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lamella.potency.families.family import LN10, Family, Parameter, log_ratio, sigmoid
from lamella.potency.families.logistic import centre_slope_box, centre_slope_grid

__all__ = ["FAMILIES"]

F8 = NDArray[np.float64]


def _stimulated(stimulus: Callable[[F8], F8]) -> Callable[[F8, F8], tuple[F8, F8]]:
    def columns(x: F8, nu: F8) -> tuple[F8, F8]:
        t = log_ratio(x, nu[:, 0], nu[:, 1])
        s, rest = sigmoid(t)
        bump = s * rest
        by_centre = bump * (np.exp(nu[:, 1]) * LN10)[:, None]
        of_rest = np.stack([by_centre, -bump * t], axis=-1)
        extra = np.broadcast_to(stimulus(x), s.shape)
        stacked = np.stack([rest, s, extra * rest], axis=-1)
        return stacked, np.stack([of_rest, -of_rest, extra[..., None] * of_rest], axis=-2)

    return columns


def _dose(x: F8) -> F8:
    return np.where(x < 300, 10.0 ** np.minimum(x, 300.0), 0.0)


def _saturating(power: float) -> Callable[[F8], F8]:
    def stimulus(x: F8) -> F8:
        return np.exp(-(10.0 ** np.clip(-power * x, -300.0, 3.0)))

    return stimulus


def _hormesis_box(x_range: tuple[float, float]) -> tuple[F8, F8]:
    low, high = centre_slope_box(x_range)
    return np.array([low[0], np.log(1.001)]), np.array([high[0], np.log(30.0)])


def _three_ends(theta: F8) -> tuple[float | None, float | None]:
    return float(theta[2]), float(theta[3])


def _bell_columns(x: F8, nu: F8) -> tuple[F8, F8]:
    up, down = log_ratio(x, nu[:, 0], nu[:, 1]), log_ratio(x, nu[:, 2], nu[:, 3])
    gain, not_gain = sigmoid(up)
    loss, not_loss = sigmoid(down)
    bump_up, bump_down = gain * not_gain * not_loss, -loss * not_loss * gain
    slope_up, slope_down = (np.exp(nu[:, i]) * LN10 for i in (1, 3))
    of_bell = np.stack(
        [
            -bump_up * slope_up[:, None],
            bump_up * up,
            -bump_down * slope_down[:, None],
            bump_down * down,
        ],
        axis=-1,
    )
    columns = np.stack([np.ones_like(gain), gain * not_loss], axis=-1)
    return columns, np.stack([np.zeros_like(of_bell), of_bell], axis=-2)


def _bell_box(x_range: tuple[float, float]) -> tuple[F8, F8]:
    low, high = x_range
    lowest, highest = np.log(0.2), np.log(20.0)
    return np.array([low - 1, lowest, low, lowest]), np.array([high, highest, high + 1, highest])


def _bell_grid(x_range: tuple[float, float]) -> F8:
    centres = np.linspace(*x_range, 9)
    pairs = [(a, b) for a in centres for b in centres if b > a]
    slopes = np.log([1.0, 3.0])
    return np.array([[a, g, b, k] for a, b in pairs for g in slopes for k in slopes])


def _bell_ends(theta: F8) -> tuple[float | None, float | None]:
    return float(theta[4]), float(theta[4])


_CENTRE = (Parameter("log10_centre", "log_dose"), Parameter("log_slope", "log"))
_PLATEAUS = (Parameter("at_zero_dose", "response"), Parameter("at_infinite_dose", "response"))


def _cedergreen(power: float) -> Family:
    return Family(
        name=f"cedergreen_{power:g}",
        label=f"Cedergreen hormesis, a = {power:g}",
        nonlinear=_CENTRE,
        linear=(*_PLATEAUS, Parameter("stimulation", "response")),
        columns=_stimulated(_saturating(power)),
        box=centre_slope_box,
        grid=centre_slope_grid,
        ends=_three_ends,
        slope="log_slope",
        contains=("flat", "3pl", "4pl"),
        monotone=False,
    )


_BRAIN_COUSENS = Family(
    name="brain_cousens",
    label="Brain-Cousens hormesis",
    nonlinear=_CENTRE,
    linear=(*_PLATEAUS, Parameter("stimulation", "response_per_dose")),
    columns=_stimulated(_dose),
    box=_hormesis_box,
    grid=centre_slope_grid,
    ends=_three_ends,
    slope="log_slope",
    contains=("flat", "3pl", "4pl", "brain_cousens4"),
    monotone=False,
)

FAMILIES = (
    _BRAIN_COUSENS,
    replace(
        _BRAIN_COUSENS,
        name="brain_cousens4",
        label="Brain-Cousens hormesis, 0 at infinite dose",
        fixed={"at_infinite_dose": 0.0},
        contains=("3pl",),
    ),
    *(_cedergreen(power) for power in (1.0, 0.5, 0.25)),
    Family(
        name="bell",
        label="bell: gain and loss",
        nonlinear=(
            Parameter("log10_gain", "log_dose"),
            Parameter("log_gain_slope", "log"),
            Parameter("log10_loss", "log_dose"),
            Parameter("log_loss_slope", "log"),
        ),
        linear=(Parameter("at_zero_dose", "response"), Parameter("height", "response")),
        columns=_bell_columns,
        box=_bell_box,
        grid=_bell_grid,
        ends=_bell_ends,
        contains=("flat",),
        monotone=False,
    ),
)
