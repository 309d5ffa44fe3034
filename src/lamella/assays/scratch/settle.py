"""The plate-wide step: from measured rows to states, read-outs and doubts, without a pixel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import polars as pl

from lamella.assays.scratch.course import (
    Course,
    Window,
    course_of,
    own_window,
    vehicle_window,
)
from lamella.assays.scratch.frame_rows import Line, course_lines, state_lines, table_of
from lamella.assays.scratch.quality import Doubt, field_doubts, plate_doubts, study_doubts
from lamella.assays.scratch.readouts import (
    OF_A_FIELD,
    Plan,
    Read,
    field_rows,
    read_speed,
    well_rows,
)
from lamella.assays.scratch.series import EXCLUDED, Author, FieldSeries, Sheet, gather
from lamella.assays.scratch.settings import ScratchSettings
from lamella.assays.scratch.states import CLOSED, State, decide_states
from lamella.table.rows import Observation, Rows
from lamella.table.store import Table, concat
from lamella.table.wells import Design

__all__ = ["settle"]


def settle(rows: Rows, design: Design, settings: ScratchSettings) -> Rows:
    """All measured rows, with states, closure, read-outs and quality of the whole study.

    Derived rows that come in are made anew, so settling twice gives the same table, in any
    order of the rows.
    """
    sheet = gather(rows)
    plates: dict[str, list[FieldSeries]] = {}
    for series in sheet.fields:
        plates.setdefault(series.plate, []).append(series)
    decided: list[State] = []
    derived: list[Rows] = []
    courses: list[Course] = []
    for plate in plates.values():
        states = decide_states(plate)
        decided += chain.from_iterable(states)
        reading = _read_plate(plate, states, design=design, settings=settings)
        courses += reading.courses
        derived.append(reading.rows)
    doubts = study_doubts(courses, design, doubling_time_h=settings.doubling_time_h)
    author = Author(Observation("", study=sheet.fields[0].origin.study if sheet.fields else ""))
    derived.append([_doubt_row(doubt, author) for doubt in doubts])
    return concat([_with_closed(sheet, decided), *derived])


@dataclass(frozen=True, slots=True)
class _Reading:
    rows: Table
    courses: list[Course]


def _read_plate(
    plate: Sequence[FieldSeries],
    states: Sequence[Sequence[State]],
    *,
    design: Design,
    settings: ScratchSettings,
) -> _Reading:
    courses = [course_of(series, found) for series, found in zip(plate, states, strict=True)]
    usable = [course for course in courses if course is not None]
    windows = _windows(usable, design, settings.window_closure_percent)
    plan = _plan(usable, windows, settings)
    rows: list[Observation] = []
    lines: list[tuple[FieldSeries, list[Line]]] = []
    doubts = list(plate_doubts(usable)) if usable else []
    by_well: dict[str, list[Observation]] = {}
    for series, found, course in zip(plate, states, courses, strict=True):
        author = series.author()
        lines.append((series, list(state_lines(series, found))))
        doubts += field_doubts(series, found, course)
        mine = by_well.setdefault(series.well, [])
        if course is None:
            mine += _nothing_read(series, author)
            continue
        read = read_speed(course, windows[_key(series)], level=plan.level)
        lines[-1][1].extend(course_lines(course))
        mine += field_rows(course, read, author=author, plan=plan)
        doubts += _closed_early(course, read)
    for well in by_well.values():
        rows += [row for row in well if row.field]
        rows += well_rows(well)
    rows += [_doubt_row(doubt, plate[0].author()) for doubt in doubts]
    return _Reading(concat([table_of(lines), rows]), usable)


def _windows(
    courses: Sequence[Course], design: Design, level: float
) -> dict[tuple[str, str, str], Window]:
    """The window of each field: that of the vehicle of its cell line, else of the plate."""

    def line_of(course: Course) -> str:
        well = design.at(course.series.plate, course.series.well)
        return "" if well is None else well.cell_line

    def is_vehicle(course: Course) -> bool:
        well = design.at(course.series.plate, course.series.well)
        return well is not None and well.role == "vehicle" and len(course.time) > 1

    vehicles = [course for course in courses if is_vehicle(course)]
    found: dict[tuple[str, str, str], Window] = {}
    shared: dict[str, Window] = {}
    for course in courses:
        line = line_of(course)
        if not vehicles:
            found[_key(course.series)] = own_window(course, level=level)
            continue
        if line not in shared:
            alike = [vehicle for vehicle in vehicles if line_of(vehicle) == line]
            shared[line] = vehicle_window(alike or vehicles, level=level)
        found[_key(course.series)] = shared[line]
    return found


def _plan(
    courses: Sequence[Course],
    windows: dict[tuple[str, str, str], Window],
    settings: ScratchSettings,
) -> Plan:
    """Times that all fields of the plate are compared at."""
    level = settings.window_closure_percent
    if not courses:
        return Plan(level, 0.0, 0.0)
    until = float(np.median([course.time[-1] for course in courses]))
    if settings.closure_at_h is not None:
        start = float(np.median([course.series.time[0] for course in courses]))
        return Plan(level, settings.closure_at_h - start, until)
    ends = [window.end for window in windows.values() if window.basis == "vehicle"]
    if not ends:
        return Plan(level, until, until)
    times = np.unique(np.concatenate([course.time for course in courses]))
    before = times[(times <= max(ends) + 1e-9) & (times > 0)]
    return Plan(level, float(before[-1]) if before.size else until, until)


def _nothing_read(series: FieldSeries, author: Author) -> Iterator[Observation]:
    """The read-outs of a field without a wound: no number, and why."""
    if series.excluded.all():
        flag, reason = EXCLUDED, "every frame was excluded"
    else:
        flag, reason = "no_wound", "no frame shows an open gap to start from"
    for metric in OF_A_FIELD:
        yield author.row(metric, unit=series.unit(metric), flag=flag, reason=reason)


def _closed_early(course: Course, read: Read) -> Iterator[Doubt]:
    if read.note is not None and read.note[0] == "closed_in_window":
        series = course.series
        yield Doubt(*read.note[:1], None, read.note[1], series.plate, series.well, series.field)


def _doubt_row(doubt: Doubt, author: Author) -> Observation:
    return author.row(
        "quality",
        doubt.value,
        text=doubt.flag,
        flag=doubt.flag,
        reason=doubt.reason,
        object=doubt.flag,
        plate=doubt.plate,
        well=doubt.well,
        field=doubt.field,
    )


_OF_CLOSED = ("gap_area", "gap_area_fraction", "gap_count", "gap_width_mean")


def _with_closed(sheet: Sheet, states: Sequence[State]) -> Table:
    """The measured rows; the numbers of fields settled to be closed are 0.

    Args:
        sheet: The measured rows.
        states: Of every frame of every field, in the order of the fields.
    """
    words = chain.from_iterable(series.words("gap_alone") for series in sheet.fields)
    closed = [
        state.word == CLOSED and word == "one_class"
        for state, word in zip(states, words, strict=True)
    ]
    here = pl.Series(np.array([*closed, False])[sheet.place], dtype=pl.Boolean)
    here &= sheet.table["metric"].is_in(_OF_CLOSED)
    told = here & sheet.table["flag"].ne_missing(EXCLUDED)
    changed = sheet.table.with_columns(
        value=pl.when(here).then(0.0).otherwise("value"),
        flag=pl.when(told).then(pl.lit("closed")).otherwise("flag"),
        reason=pl.when(told).then(pl.lit("one texture in the whole field")).otherwise("reason"),
    )
    return Table(changed)


def _key(series: FieldSeries) -> tuple[str, str, str]:
    return series.plate, series.well, series.field
