"""What settling says of every frame: its state, closure and front, written as columns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lamella.assays.scratch.course import Course, late_start
from lamella.assays.scratch.metrics import NAME
from lamella.assays.scratch.series import EXCLUDED, ORIGIN, FieldSeries
from lamella.assays.scratch.states import State
from lamella.table.store import SCHEMA, Table
from lamella.vision.kinetics import relative_wound_density

__all__ = ["Line", "closure_half_width", "course_lines", "state_lines", "table_of"]

Floats = NDArray[np.float64]


class Line(NamedTuple):
    """A derived row of one frame; `frame` is its position in the series.

    A study has tens of thousands, all with the place and hashes of their field: those are
    written once, by `table_of`.
    """

    frame: int
    metric: str
    value: float | None = None
    unit: str = ""
    text: str | None = None
    low: float | None = None
    high: float | None = None
    flag: str | None = None
    reason: str | None = None


def state_lines(series: FieldSeries, states: Sequence[State]) -> Iterator[Line]:
    """State of every frame, and what it was decided from."""
    told = series.reasons("gap_alone")
    for i, state in enumerate(states):
        flag, reason = state.flag, state.reason
        if series.excluded[i]:
            flag, reason = EXCLUDED, told[i]
        yield Line(i, "gap_state", text=state.word, flag=flag, reason=reason)
        yield Line(i, "state_basis", text=state.basis, flag=flag, reason=reason)


def course_lines(course: Course) -> Iterator[Line]:
    """Closure, relative wound density and front advance of each usable frame."""
    late = late_start(course)
    flag = None if late is None else "t0_late"
    unit = course.series.unit("front_advance")
    columns = (course.index, course.advance, course.closure, closure_half_width(course))
    values = zip(*(c.tolist() for c in (*columns, _density(course))), strict=True)
    for i, advance, closure, half, density in values:
        yield Line(i, "front_advance", advance, unit)
        if course.t0 is not None:
            yield Line(i, "closure", unit="%", flag="t0_missing", reason=course.t0)
            continue
        if math.isfinite(density):
            yield Line(i, "relative_wound_density", density, "%")
        low, high = (None, None) if math.isnan(half) else (closure - half, closure + half)
        yield Line(i, "closure", closure, "%", None, low, high, flag, late)


def closure_half_width(course: Course) -> Floats:
    """Half of the 95 % interval of the closure of each usable frame, NaN where unknown."""
    start = course.area[0]
    share = course.area / start
    # The first frame is 0 by definition; NaN stays where an error is unknown.
    spread = np.hypot(course.area_sd, share * course.area_sd[0]) * 1.96 * 100 / start
    return np.where(np.arange(len(share)) == 0, np.where(np.isnan(spread), np.nan, 0.0), spread)


def table_of(found: Sequence[tuple[FieldSeries, Sequence[Line]]]) -> Table:
    """The lines of several fields as rows, each with the place and hashes of its field."""
    lines = [line for _, mine in found for line in mine]
    if not lines:
        return Table(pl.DataFrame(schema=SCHEMA))
    columns = dict(zip(Line._fields, map(list, zip(*lines, strict=True)), strict=True))
    for name in ORIGIN:
        columns[name] = [
            text for s, mine in found for text in [getattr(s.origin, name)] * len(mine)
        ]
    columns["time_h"] = [
        time for series, mine in found for time in _times_h(series, [line.frame for line in mine])
    ]
    columns["frame"] = [series.frames[line.frame] for series, mine in found for line in mine]
    columns |= {name: [None] * len(lines) for name in ("n", "object")}
    columns["assay"] = [NAME] * len(lines)
    return Table(pl.DataFrame({name: columns[name] for name in SCHEMA}, schema=SCHEMA))


def _times_h(series: FieldSeries, frames: Sequence[int]) -> Sequence[float | None]:
    if not series.timed:
        return [None] * len(frames)
    times: list[float] = series.time[frames].tolist()
    return times


def _density(course: Course) -> Floats:
    """Relative wound density of each usable frame, NaN where it is not defined."""
    inside = course.series.column("wound_cover")[course.index]
    if not np.isfinite(inside[0]):  # masks that are known have no texture
        inside = course.series.column("wound_confluence")[course.index]
    outside = course.series.column("outside_confluence")[course.index]
    closed = course.area == 0
    inside = np.where(closed & ~np.isfinite(inside), 100.0, inside)
    outside = np.where(closed & ~np.isfinite(outside), 100.0, outside)
    return relative_wound_density(inside, outside)
