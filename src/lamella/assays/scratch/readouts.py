"""Numbers of a field and of a well, from its course: speed, lag, times and mean closure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lamella.assays.scratch.course import Course, Window, crossing
from lamella.assays.scratch.frame_rows import closure_half_width
from lamella.assays.scratch.series import Author
from lamella.table.rows import Observation
from lamella.vision.kinetics import (
    Line,
    Reached,
    closing_time,
    fit_delayed,
    fit_line,
    mean_closure,
    time_to_reach,
)

__all__ = ["OF_A_FIELD", "Plan", "Read", "field_rows", "read_speed", "well_rows"]

Note = tuple[str, str]

# A gap is closed when this share of the first area is left.
_CLOSED_SHARE = 0.01
# The speed of one edge needs lines on which both edges can be seen.
_OPEN_LINES = 0.9


# Read-outs that every field and well has, if only to say why there is none.
OF_A_FIELD = (
    "edge_speed",
    "edge_speed_delayed",
    "lag",
    "closure",
    "t50",
    "closing_time",
    "mean_closure",
)

_WELL: dict[str, Any] = {
    "field": "",
    "value": None,
    "low": None,
    "high": None,
    "text": None,
    "flag": None,
    "reason": None,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What all fields of a plate share, so that their numbers can be compared.

    `closure_at` is the time of the read-out closure and `until` the end of the mean closure,
    both from the first frame; `level` is the closure [%] at which the window ends.
    """

    level: float
    closure_at: float
    until: float


@dataclass(frozen=True, slots=True)
class Read:
    """The edge speed of one field, and the window that it was read over."""

    line: Line | None
    window: Window
    note: Note | None


def read_speed(course: Course, window: Window, *, level: float) -> Read:
    """Least-squares speed of the front inside the window, linear between frames.

    A field that closes faster than the vehicle is read until its own closure of `level`
    percent. Where the window begins after that, or after the last frame, the next (or last)
    step between two frames is read. If the gap closes between the first two frames that are
    read, the speed is a lower bound and says so.
    """
    time = course.time
    if len(time) < 2:
        reason = "fewer than two frames have an area, so there is no speed"
        return Read(None, window, ("too_few_frames", reason))
    start = float(np.clip(window.start, time[0], time[-2]))
    end = min(window.end, crossing(time, course.closure, level), float(time[-1]))
    if not end > start:
        end = float(time[np.searchsorted(time, start, side="right")])
    note: Note | None = None
    inside = np.count_nonzero((time >= start) & (time <= end))
    if inside < 2 and course.closure[np.searchsorted(time, end)] > max(level, 95.0):
        note = (
            "closed_in_window",
            "the gap had closed by the last frame that is read: the speed is at least this. "
            "Image more often.",
        )
    line = fit_line(time, course.advance, window=(start, end), sd=course.advance_sd)
    return Read(line, Window(start, end, window.basis), note)


def field_rows(course: Course, read: Read, *, author: Author, plan: Plan) -> Iterator[Observation]:
    """Read-outs of one field: speeds, lag, times, closure at one time and mean closure."""
    yield _speed_row(course, read, author)
    yield from _side_rows(course, read, author)
    yield _delayed_row(course, author)
    yield _lag_row(course, read, author)
    yield from _time_rows(course, author, plan)


def well_rows(fields: Sequence[Observation]) -> Iterator[Observation]:
    """One row a read-out for the well: the mean of its fields.

    The interval combines those of the fields; what lies between fields is not in it.
    A time that some field did not reach has no mean: the row says how many did not.
    """
    by_metric: dict[str, list[Observation]] = {}
    for row in fields:
        by_metric.setdefault(row.metric, []).append(row)
    for metric, rows in by_metric.items():
        numbers = [row.value for row in rows if row.value is not None]
        whole = _WELL | {"n": len(numbers)}
        flagged = next((row for row in rows if row.flag), None)
        if flagged is not None:
            whole |= {"flag": flagged.flag, "reason": _reason(flagged, rows)}
        censored = [row for row in rows if row.value is None]
        if not numbers or (censored and metric in ("t50", "closing_time")):
            lows = [row.low for row in censored if row.low is not None]
            whole |= {"low": min(lows, default=None)}
            whole |= {"text": rows[0].text if len(rows) == 1 else None}
        else:
            low, high = _combined(rows)
            whole |= {"value": float(np.mean(numbers)), "low": low, "high": high}
            whole |= {"text": rows[0].text}
        yield replace(rows[0], **whole)


def _reason(flagged: Observation, rows: Sequence[Observation]) -> str:
    if len(rows) == 1:
        return flagged.reason or ""
    alike = sum(row.flag == flagged.flag for row in rows)
    return f"{alike} of {len(rows)} fields: {flagged.reason}"


def _combined(rows: Sequence[Observation]) -> tuple[float | None, float | None]:
    """Interval of a mean: half widths of independent fields add in squares."""
    having = [row for row in rows if row.value is not None]
    mean = sum(row.value or 0.0 for row in having) / len(having)
    below = [None if r.low is None else (r.value or 0.0) - r.low for r in having]
    above = [None if r.high is None else r.high - (r.value or 0.0) for r in having]
    ends = []
    for widths, sign in ((below, -1), (above, 1)):
        known = [width for width in widths if width is not None]
        whole = len(known) == len(having)
        ends.append(mean + sign * math.hypot(*known) / len(having) if whole else None)
    return ends[0], ends[1]


def _row(
    course: Course, author: Author, metric: str, value: float | None = None, **more: Any
) -> Observation:
    return author.row(metric, value, unit=course.series.unit(metric), **more)


def _speed_row(course: Course, read: Read, author: Author) -> Observation:
    flag, reason = read.note or _unit_note(course) or (None, None)
    if read.line is None:
        return _row(course, author, "edge_speed", flag=flag, reason=reason)
    line, window = read.line, read.window
    unit = "h" if course.series.timed else "frames"
    text = f"{window.start:.3g} to {window.end:.3g} {unit} ({window.basis}), {line.n} frames"
    bound = flag == "closed_in_window"
    return _row(
        course,
        author,
        "edge_speed",
        line.slope,
        low=line.low,
        high=None if bound else line.high,
        n=line.n,
        text=text,
        flag=flag,
        reason=reason,
    )


def _unit_note(course: Course) -> Note | None:
    if not course.series.calibrated:
        return "pixel_size_unknown", "no pixel size: the speed is in pixels. State pixel_um."
    if not course.series.timed:
        return "times_unknown", "no times: the speed is per frame. State interval_h."
    return None


def _side_rows(course: Course, read: Read, author: Author) -> Iterator[Observation]:
    lines = course.series.column("open_lines")[course.index]
    for metric, source, sign in (
        ("edge_speed_left", "front_left", 1.0),
        ("edge_speed_right", "front_right", -1.0),
    ):
        position = sign * course.series.column(source)[course.index]
        seen = np.isfinite(position) & (lines >= _OPEN_LINES)
        time = course.time[seen]
        if len(time) < 2:
            continue
        window = (max(read.window.start, float(time[0])), min(read.window.end, float(time[-1])))
        if not window[0] < window[1]:
            continue
        line = fit_line(time, position[seen], window=window)
        ends = {"low": line.low, "high": line.high, "n": line.n}
        yield _row(course, author, metric, line.slope, **ends)


def _delayed_row(course: Course, author: Author) -> Observation:
    metric = "edge_speed_delayed"
    if len(course.time) < 3:
        reason = "lag and speed need three frames with an area"
        return _row(course, author, metric, flag="too_few_frames", reason=reason)
    fit = fit_delayed(course.time - course.time[0], course.advance, full=course.full)
    return _row(course, author, metric, fit.speed, n=len(course.time))


def _lag_row(course: Course, read: Read, author: Author) -> Observation:
    line = read.line
    if line is None or line.crossing is None or line.crossing_low is None:
        reason = "the front does not move clearly enough to say when it started"
        return _row(course, author, "lag", flag="not_determined", reason=reason)
    low, high = max(line.crossing_low, 0.0), max(line.crossing_high or 0.0, 0.0)
    if line.n < 3 or high - low > 0.5 * float(course.time[-1]):
        reason = "its interval covers more than half of the series, or it rests on two frames"
        return _row(course, author, "lag", flag="not_determined", reason=reason)
    return _row(course, author, "lag", max(line.crossing, 0.0), low=low, high=high, n=line.n)


def _time_rows(course: Course, author: Author, plan: Plan) -> Iterator[Observation]:
    if course.t0 is not None:
        for metric in ("closure", "t50", "closing_time", "mean_closure"):
            yield _row(course, author, metric, flag="t0_missing", reason=course.t0)
        return
    yield _closure_at(course, author, plan.closure_at)
    yield _reached(course, author, "t50", time_to_reach(course.time, course.closure, level=50.0))
    closed = course.area <= _CLOSED_SHARE * course.area[0]
    yield _reached(course, author, "closing_time", closing_time(course.time, closed))
    inside = course.time < plan.until
    if inside.sum() >= 1 and 0 < plan.until <= course.time[-1] + 1e-9:
        time = np.append(course.time[inside], plan.until)
        closure = np.interp(time, course.time, course.closure)
        yield _row(course, author, "mean_closure", mean_closure(time, closure))
    else:
        reason = "the series does not last as long as those it is compared with"
        yield _row(course, author, "mean_closure", flag="no_frame", reason=reason)


def _closure_at(course: Course, author: Author, time: float) -> Observation:
    """Closure at the stated time, linear between frames."""
    stated = time + float(course.series.time[0])
    unit = "h" if course.series.timed else "frames"
    at = {"time_h": stated if course.series.timed else None}
    if time > course.time[-1] + 1e-9:
        reason = f"no frame with an area at {stated:.4g} {unit} or later"
        return _row(course, author, "closure", flag="no_frame", reason=reason, **at)
    value = float(np.interp(time, course.time, course.closure))
    half = float(np.interp(time, course.time, closure_half_width(course)))
    low, high = (None, None) if math.isnan(half) else (value - half, value + half)
    text = f"at {stated:.4g} {unit}"
    return _row(course, author, "closure", value, low=low, high=high, text=text, **at)


def _reached(course: Course, author: Author, metric: str, found: Reached) -> Observation:
    told: dict[str, Any] = {"low": found.low, "high": found.high}
    unit = course.series.unit(metric)
    if found.side == "right":
        told |= {"text": f"> {found.low:.4g} {unit}", "flag": "not_reached"}
        told |= {"reason": "not reached by the last frame"}
    if found.side == "left":
        told |= {"text": f"< {found.high:.4g} {unit}", "flag": "reached_before"}
        told |= {"reason": "reached before the first frame after 0"}
    return _row(course, author, metric, found.value, **told)
