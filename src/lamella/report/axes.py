"""Where does a value lie on a drawing, and which ticks, labels and unit does its axis carry?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lamella.report import svg
from lamella.report.typeset import bracketed, clipped, number
from lamella.units import dose_unit_scale

__all__ = [
    "Axis",
    "dose_axis",
    "draw_x",
    "draw_y",
    "hour_ticks",
    "linear_axis",
    "linear_ticks",
    "log_ticks",
]

GRID = "#e3e6ea"
AXIS = "#57606a"
_ZERO_SLOT = 60.0
_ROOM = 1.8  # between the outermost dose and the end of its axis, as a factor


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale between two places of a drawing, with its ticks.

    `ends` are the values at the two ends of `span_px`; all ticks lie between them. `zero_px`
    is the place of the dose 0 on a logarithmic axis, left of the break.
    """

    title: str
    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    ends: tuple[float, float]
    span_px: tuple[float, float]
    log: bool = False
    zero_px: float | None = None

    def px(self, value: float) -> float:
        """Where a value lies; 0 and below on a logarithmic axis lie left of the break."""
        start, end = self.span_px
        if self.log and value <= 0:
            return start if self.zero_px is None else self.zero_px
        low, high, here = *self.ends, value
        if self.log:
            low, high, here = math.log10(low), math.log10(high), math.log10(value)
        return start + (end - start) * (here - low) / (high - low)


def linear_ticks(low: float, high: float) -> tuple[float, ...]:
    """Round numbers, 3 to 8 of them, that cover the range.

    >>> linear_ticks(0, 24)
    (0.0, 5.0, 10.0, 15.0, 20.0, 25.0)
    """
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-290):
        pad = abs(low) / 10 or 1.0
        low, high = low - pad, high + pad
    power = math.floor(math.log10((high - low) / 10))
    for step in (float(f"{m}e{p}") for p in (power, power + 1) for m in (1, 2, 5)):
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first <= 6:
            break
    # 0.3, never 0.30000000000000004.
    return tuple(float(f"{index * step:.12g}") for index in range(first, last + 1))


def hour_ticks(low: float, high: float) -> tuple[float, ...]:
    """Ticks of a time axis [h], 3 to 8 of them, that cover the range: parts of a day.

    >>> hour_ticks(0, 24), hour_ticks(0, 46.5)
    ((0.0, 4.0, 8.0, 12.0, 16.0, 20.0, 24.0), (0.0, 12.0, 24.0, 36.0, 48.0))
    """
    for step in (1, 2, 3, 4, 6, 12, 24, 48):
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if 2 <= last - first <= 6:
            return tuple(float(step * index) for index in range(first, last + 1))
    return linear_ticks(low, high)


def log_ticks(low: float, high: float) -> tuple[float, ...]:
    """Ticks of a logarithmic axis, 3 to 8 of them, that cover a positive range.

    >>> log_ticks(3, 2000), log_ticks(90, 110)
    ((1.0, 10.0, 100.0, 1000.0, 10000.0), (50.0, 100.0, 200.0))
    """
    first, last = math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1
    decades = range(first, last + 1)
    fine = [float(f"{m}e{d}") for d in decades for m in (1, 2, 5)]
    ticks = _covering(fine, low, high)
    every = 1
    while len(ticks) > 8:
        start = first - first % every
        coarse = [float(f"1e{d}") for d in range(start, last + every, every)]
        ticks = _covering(coarse, low, high)
        every += 1
    return tuple(ticks)


def linear_axis(
    title: str, values: Sequence[float], *, unit: str, span_px: tuple[float, float]
) -> Axis:
    """An axis over values, with 0 on it; hours get ticks that divide a day."""
    low, high = min(0.0, *values), max(0.0, *values)
    ticks = hour_ticks(low, high) if unit == "h" else linear_ticks(low, high)
    ticks, ends = _trimmed(ticks, low, high)
    labels = tuple(number(tick, digits=4) for tick in ticks)
    return Axis(bracketed(title, unit), ticks, labels, ends, span_px)


def dose_axis(
    compound: str, doses: Sequence[float], *, unit: str, span_px: tuple[float, float]
) -> Axis:
    """A logarithmic axis of doses; dose 0 stands alone, left of a break.

    Ticks are printed in the unit given, or in its thousandth or thousandfold where that needs
    fewer zeros.
    """
    positive = [dose for dose in doses if dose > 0]
    start, end = span_px
    has_zero = len(positive) < len(doses)
    zero_px = start + 22 if has_zero else None
    if not positive:
        title = bracketed(f"Dose of {clipped(compound, 36)}", unit)
        return Axis(title, (), (), (1.0, 10.0), span_px, log=True, zero_px=zero_px)
    ticks = log_ticks(min(positive), max(positive))
    shown_unit, factor = _readable(unit, ticks)
    labels = tuple(number(float(f"{tick * factor:.6g}")) for tick in ticks)
    title = f"{bracketed(f'Dose of {clipped(compound, 36)}', shown_unit)}, logarithmic"
    span = (start + (_ZERO_SLOT if has_zero else 12), end - 12)
    ends = (max(ticks[0], min(positive) / _ROOM), min(ticks[-1], max(positive) * _ROOM))
    inside = [index for index, tick in enumerate(ticks) if ends[0] <= tick <= ends[1]]
    if len(inside) < 2:
        inside, ends = list(range(len(ticks))), (ticks[0], ticks[-1])
    return Axis(
        title,
        tuple(ticks[index] for index in inside),
        tuple(labels[index] for index in inside),
        ends,
        span,
        log=True,
        zero_px=zero_px,
    )


def draw_x(axis: Axis, *, top: float, bottom: float, zero: str = "") -> str:
    """The axis along the bottom of a plot, grid lines up to `top`."""
    parts = []
    for tick, label in zip(axis.ticks, axis.labels, strict=True):
        x = axis.px(tick)
        parts.append(svg.line((x, top), (x, bottom), stroke=GRID))
        parts.append(svg.line((x, bottom), (x, bottom + 5), stroke=AXIS))
        parts.append(svg.text(label, (x, bottom + 20), text_anchor="middle"))
    start, end = axis.span_px
    if axis.zero_px is None:
        low, high = (start - 12, end + 12) if axis.log else (start, end)
        parts.append(svg.line((low, bottom), (high, bottom), stroke=AXIS))
    else:
        x, gap = axis.zero_px, start - 14
        parts.append(svg.line((x, bottom), (x, bottom + 5), stroke=AXIS))
        parts.append(svg.text(zero, (x, bottom + 20), text_anchor="middle"))
        parts.append(svg.line((x - 18, bottom), (gap - 3, bottom), stroke=AXIS))
        parts.append(svg.line((gap + 3, bottom), (end + 12, bottom), stroke=AXIS))
        for slash in (gap - 3, gap + 3):
            parts.append(svg.line((slash - 3, bottom + 6), (slash + 3, bottom - 6), stroke=AXIS))
    middle = (start + end) / 2
    parts.append(svg.text(axis.title, (middle, bottom + 42), text_anchor="middle", class_="axis"))
    return svg.group(parts)


def draw_y(axis: Axis, *, left: float, right: float) -> str:
    """The axis along the left of a plot, grid lines up to `right`."""
    parts = []
    for tick, label in zip(axis.ticks, axis.labels, strict=True):
        y = axis.px(tick)
        zero = tick == 0
        parts.append(svg.line((left, y), (right, y), stroke="#b4bac2" if zero else GRID))
        parts.append(svg.text(label, (left - 8, y + 4.5), text_anchor="end"))
    start, end = axis.span_px
    parts.append(svg.line((left, start), (left, end), stroke=AXIS))
    turn = f"translate({svg.px(left - 56)} {svg.px((start + end) / 2)}) rotate(-90)"
    parts.append(svg.text(axis.title, (0, 0), transform=turn, text_anchor="middle", class_="axis"))
    return svg.group(parts)


def _trimmed(
    ticks: tuple[float, ...], low: float, high: float
) -> tuple[tuple[float, ...], tuple[float, float]]:
    """Ticks and ends of an axis without the outer halves of steps that no value reaches."""
    step = ticks[1] - ticks[0]
    ends = [ticks[0], ticks[-1]]
    if 0.45 * step < low - ticks[0] < step and len(ticks) > 3:
        ends[0], ticks = low - 0.1 * step, ticks[1:]
    if 0.45 * step < ticks[-1] - high < step and len(ticks) > 3:
        ends[1], ticks = high + 0.1 * step, ticks[:-1]
    return ticks, (ends[0], ends[1])


def _covering(ticks: list[float], low: float, high: float) -> list[float]:
    first = max(index for index, tick in enumerate(ticks) if tick <= low * (1 + 1e-9))
    last = min(index for index, tick in enumerate(ticks) if tick >= high * (1 - 1e-9))
    while last - first < 2:
        first, last = (first - 1, last) if first > 0 else (first, last + 1)
    return ticks[first : last + 1]


def _readable(unit: str, ticks: tuple[float, ...]) -> tuple[str, float]:
    """The unit that needs few zeros, and the factor into it; the given one where it will do."""
    if (ticks[0] >= 1e-3 and ticks[-1] <= 1e5) or unit == "au":
        return unit, 1.0
    middle = math.sqrt(ticks[0] * ticks[-1])
    dimension, factor = dose_unit_scale(unit)
    ladder = {
        "molar": ("M", "mM", "µM", "nM", "pM"),
        "g_per_l": ("mg/mL", "µg/mL", "ng/mL", "pg/mL"),
        "au": ("au",),
    }[dimension]
    for choice in ladder:
        scale = factor / dose_unit_scale(choice)[1]
        if middle * scale >= 1:
            break
    return choice, scale
