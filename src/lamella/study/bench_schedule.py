"""When does each step of a day begin, counted from time zero?"""

from __future__ import annotations

import math

from lamella.design.protocol import Step
from lamella.study.bench import Bench, ScheduleRow
from lamella.study.bench_cells import block_hours
from lamella.study.bench_steps import interval_h

__all__ = ["clock", "schedule_of"]

_MOST_FRAMES = 8
_IMAGED = frozenset({"scratch"})


def schedule_of(bench: Bench, plates: int) -> tuple[ScheduleRow, ...]:
    """Start and end of every step; waiting that has a range counts with its middle.

    Bench time grows with the number of plates; the wait for the assay itself is as planned.
    """
    rows: list[tuple[Step, float, float]] = []
    now = 0.0
    for step in bench.protocol.steps:
        until = now + step.minutes / 60 * plates
        rows.append((step, now, until))
        now = until + _wait_h(step, bench)
    zero = next(start for step, start, _ in rows if step.id == bench.protocol.zero)
    lines: list[ScheduleRow] = []
    for step, start, until in rows:
        lines.append(ScheduleRow(start - zero, until - zero, step.short, _told_wait(step, bench)))
        if step.id == bench.protocol.duration_step and bench.protocol.id in _IMAGED:
            lines[-1] = ScheduleRow(start - zero, until - zero, step.short, _frames(bench))
    return tuple(lines)


def clock(hours: float) -> str:
    """Hours from time zero as a person reads them.

    >>> clock(-22.5), clock(0), clock(26.25)
    ('\\u221222 h 30', '0 h', '1 d 2 h 15')
    """
    minutes = round(abs(hours) * 60)
    if 0 < minutes < 60:
        return ("\N{MINUS SIGN}" if hours < 0 else "") + f"{minutes} min"
    days, rest = divmod(minutes, 24 * 60)
    whole, left = divmod(rest, 60)
    parts = [f"{days} d" if days else "", f"{whole} h", f"{left:02d}" if left else ""]
    sign = "\N{MINUS SIGN}" if hours < 0 and minutes else ""
    return sign + " ".join(part for part in parts if part)


def _wait_h(step: Step, bench: Bench) -> float:
    if step.id == bench.protocol.duration_step and bench.facts.duration_h:
        return bench.facts.duration_h
    if step.id == "grow" and bench.plan.attach_h is not None:
        return bench.plan.attach_h
    exposure = block_hours(bench) if step.id == "block" else None
    if exposure is not None:
        return exposure
    return sum(step.wait_h) / 2


def _told_wait(step: Step, bench: Bench) -> str:
    low, high = step.wait_h
    if high == 0:
        return ""
    stated = _wait_h(step, bench)
    if not math.isclose(stated, (low + high) / 2):
        return f"then {_span(stated, stated)}"
    return f"then {_span(low, high)}"


def _span(low: float, high: float) -> str:
    if high < 1:
        low, high, unit = low * 60, high * 60, "min"
    else:
        unit = "h"
    return f"{low:.3g} {unit}" if math.isclose(low, high) else f"{low:.2g}-{high:.2g} {unit}"


def _frames(bench: Bench) -> str:
    every, last = interval_h(bench), bench.duration_h
    number = math.floor(last / every + 1e-9)
    times = [f"{every * k:g}" for k in range(1, number + 1)]
    if len(times) > _MOST_FRAMES:
        times = [*times[:3], "...", times[-1]]
    return f"frames at {', '.join(times)} h" if times else "one frame"
