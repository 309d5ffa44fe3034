"""How the gap of one field closed: closure, front advance and the window that is read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamella.assays.scratch.series import FieldSeries
from lamella.assays.scratch.states import COUNTED, OPEN, State
from lamella.vision.kinetics import closure_percent, fit_delayed, front_advance

__all__ = [
    "Course",
    "Window",
    "course_of",
    "crossing",
    "late_start",
    "own_window",
    "vehicle_window",
]

Floats = NDArray[np.float64]

# Of the valid field: a smaller gap at time zero is no wound to relate to.
_SMALLEST_FIRST = 0.02
# Of the usual frame interval, and at most so many hours: a first frame that is later leaves room
# for one that is not there.
_LATE, _LATE_H = 0.5, 2.0
# A lag is believed when it explains this much more of the residuals (F) and is not shorter than
# a quarter of the frame interval.
_LAG_F = 4.0
_LAG_LEAST = 0.25
_LAG_FRAMES = 5


@dataclass(frozen=True, slots=True)
class Course:
    """The frames of a field that have an area, in time order.

    Attributes:
        series: Where they come from.
        states: State of every frame of the series.
        index: Position of each usable frame in the series, shape (T,).
        time: Since the first frame of the series, shape (T,), rising; in `unit` of the series.
        area: Gap area, shape (T,), 0 where closed.
        area_sd: Its standard error, shape (T,), NaN where unknown.
        front: Length of front that moves: 2 x scratch length, or the perimeter.
        advance: Front advance since the first usable frame, shape (T,).
        closure: In percent of the first usable frame, shape (T,).
        t0: None where the first frame of the series is a wound; else why it is not.
    """

    series: FieldSeries
    states: tuple[State, ...]
    index: NDArray[np.int_]
    time: Floats
    area: Floats
    area_sd: Floats
    front: Floats
    advance: Floats
    closure: Floats
    t0: str | None

    @property
    def full(self) -> float:
        """Advance at which the gap is closed."""
        return (
            2 * float(self.area[0] / self.front[0])
            if self.round
            else float(self.area[0] / self.front[0])
        )

    @property
    def round(self) -> bool:
        """Whether the gap has no axis."""
        return bool(np.isnan(self.series.column("scratch_length")).all())

    @property
    def advance_sd(self) -> float | None:
        """Standard error of one front position from that of the areas; None where unknown."""
        known = np.isfinite(self.area_sd) & (self.front > 0)
        if not known.any():
            return None
        return float(np.mean(self.area_sd[known] / self.front[known]))


@dataclass(frozen=True, slots=True)
class Window:
    """Stretch of a series that is read for the edge speed, in time from the first frame."""

    start: float
    end: float
    basis: str


def course_of(series: FieldSeries, states: Sequence[State]) -> Course | None:
    """The usable frames of a field; None where fewer than one has an area to start from."""
    area, known = series.column("gap_area"), []
    zero_of = np.array([state.word == "closed" for state in states])
    area = np.where(zero_of, 0.0, area)
    last = -math.inf
    for i, state in enumerate(states):
        counts = state.word in COUNTED and not series.excluded[i] and np.isfinite(area[i])
        if counts and series.time[i] > last:
            known.append(i)
            last = float(series.time[i])
    index = np.array(known, np.int_)
    if index.size == 0 or not area[index[0]] > 0:
        return None
    front = _front_length(series)[index]
    kept = area[index]
    return Course(
        series=series,
        states=tuple(states),
        index=index,
        time=series.time[index] - series.time[0],
        area=kept,
        area_sd=series.error("gap_area")[index],
        front=front,
        advance=front_advance(kept, front),
        closure=closure_percent(kept),
        t0=_missing_start(series, states, int(index[0])),
    )


def crossing(time: Floats, closure: Floats, level: float) -> float:
    """First time at which closure reaches a level, linear between frames; infinite if never."""
    above = np.flatnonzero(closure >= level)
    if above.size == 0:
        return math.inf
    i = int(above[0])
    if i == 0:
        return float(time[0])
    share = (level - closure[i - 1]) / (closure[i] - closure[i - 1])
    return float(time[i - 1] + share * (time[i] - time[i - 1]))


def vehicle_window(vehicles: Sequence[Course], *, level: float) -> Window:
    """From the end of the lag of the vehicle to its closure of `level` percent.

    The lag is that of all vehicle fields together; it is 0 unless it explains their first
    frames clearly better than a straight line does. The end is the median over fields.
    """
    end = float(np.median([crossing(c.time, c.closure, level) for c in vehicles]))
    if math.isinf(end):
        end = max(float(course.time[-1]) for course in vehicles)
    return Window(_common_lag(vehicles, end), end, "vehicle")


def own_window(course: Course, *, level: float) -> Window:
    """The same from the field alone, where a plate has no vehicle."""
    end = crossing(course.time, course.closure, level)
    end = float(course.time[-1]) if math.isinf(end) else end
    return Window(_common_lag([course], end), end, "own")


def late_start(course: Course) -> str | None:
    """Why the first frame does not stand for 0 h; None where it does, or no times are known."""
    start, time = float(course.series.time[0]), course.series.time
    usual = float(np.median(np.diff(time))) if len(time) > 1 else 0.0
    if not course.series.timed or start <= min(_LATE * usual, _LATE_H):
        return None
    return f"the first frame is at {start:g} h: closure counts from there"


def _common_lag(courses: Sequence[Course], end: float) -> float:
    lags, plain, delayed, points, steps = [], 0.0, 0.0, 0, []
    for course in courses:
        inside = course.time <= end + 1e-9
        if inside.sum() < _LAG_FRAMES:
            continue
        time, advance = course.time[inside], course.advance[inside]
        fit = fit_delayed(time, advance, full=course.full)
        straight = fit_delayed(time, advance, full=course.full, lag=0.0)
        lags.append(fit.lag)
        plain, delayed = plain + straight.rss, delayed + fit.rss
        points += len(time) - 2
        steps.append(float(np.median(np.diff(time))))
    if not lags or plain <= 0:
        return 0.0
    lag = float(np.median(lags))
    # One further parameter a field; a perfect fit with a lag is believed.
    better = (
        (plain - delayed) / len(lags) / max(delayed / max(points - len(lags), 1), 1e-12 * plain)
    )
    return lag if better > _LAG_F and lag > _LAG_LEAST * float(np.median(steps)) else 0.0


def _front_length(series: FieldSeries) -> Floats:
    length = series.column("scratch_length")
    if np.isfinite(length).any():
        axis = float(length[np.isfinite(length)][0])
        return np.full(len(length), 2 * axis)
    return np.nan_to_num(series.column("front_perimeter"))


def _missing_start(series: FieldSeries, states: Sequence[State], first: int) -> str | None:
    if first > 0:
        word = "excluded" if series.excluded[0] else states[0].word
        return f"the first frame has no wound to relate to (it is {word})"
    fraction = float(series.column("gap_area_fraction")[0])
    if states[0].word != OPEN or fraction < _SMALLEST_FIRST:
        return f"the gap of the first frame is {100 * fraction:.2g} % of the field, less than 2 %"
    return None
