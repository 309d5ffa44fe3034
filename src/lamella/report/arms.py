"""Which wells belong together in a figure, and what are their means? All averaging is here.

Fields are averaged within a well, wells within a batch, batches within an arm: for the eye
alone. No interval, test or estimate comes from these means.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

from lamella.potency.insert_table import is_none
from lamella.report.palette import VEHICLE, dose_colour
from lamella.table.rows import Observation, Rows
from lamella.table.store import rows_of
from lamella.table.wells import Design, Well
from lamella.units import format_dose

__all__ = [
    "Arm",
    "Course",
    "Place",
    "TimePoint",
    "arm_label",
    "arms_of",
    "batches_of",
    "counts",
    "courses",
    "natural",
    "well_values",
]

Place = tuple[str, str]
_ORDER = {"vehicle": 0, "untreated": 1, "test": 2, "positive": 3, "blank": 4}
_LEFT_OUT = {"coating": ", uncoated", "attractant": ", no attractant"}
_GREYS = {"vehicle": VEHICLE, "untreated": "#6e7781", "positive": "#0b6e4f", "blank": "#8c959f"}


@dataclass(frozen=True, slots=True)
class Arm:
    """The wells that got the same treatment, over all batches."""

    label: str
    role: str
    colour: str
    wells: tuple[Well, ...]


@dataclass(frozen=True, slots=True)
class TimePoint:
    """A mean at one time, over `n` wells of a batch or over `n` batches of an arm."""

    time: float
    value: float
    n: int


@dataclass(frozen=True, slots=True)
class Course:
    """A metric over time in one batch of an arm, or over all its batches (`batch` None)."""

    arm: Arm
    batch: str | None
    points: tuple[TimePoint, ...]


def counts(row: Observation) -> bool:
    """Whether a row carries a number that nobody excluded."""
    return row.value is not None and row.flag != "excluded"


def natural(text: str) -> list[tuple[int, int, str]]:
    """A key that sorts `A2` before `A10`.

    >>> sorted(["P10", "P2", "P1"], key=natural)
    ['P1', 'P2', 'P10']
    """
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    return [(0, int(p), "") if p[0] in "0123456789" else (1, 0, p) for p in parts]


def batches_of(design: Design) -> tuple[str, ...]:
    """The batches of a study, in natural order."""
    return tuple(sorted({well.batch for well in design.wells}, key=natural))


def arms_of(design: Design) -> tuple[Arm, ...]:
    """The arms of a study: vehicle, untreated, doses from low to high, controls."""
    cells = len({well.cell_line for well in design.wells}) > 1
    tested = {w.compound for w in design.wells if w.role in ("test", "positive") and w.compound}
    members: dict[tuple[int, str, str, str, float], list[Well]] = defaultdict(list)
    for well in design.wells:
        # 0.1 µM and 100 nM may differ in the last bit, and are one dose.
        amount = float(f"{well.dose.amount:.9g}") if well.dose else 0.0
        compound = "" if well.role in ("vehicle", "untreated") else well.compound
        line = well.cell_line if cells else ""
        members[_ORDER[well.role], compound, line, _left_out(well), amount].append(well)
    keys = sorted(members)
    doses = sorted({key[-1] for key in keys if key[0] == _ORDER["test"]})
    return tuple(
        Arm(
            label=arm_label(members[key][0], compound=len(tested) > 1, cells=cells),
            role=members[key][0].role,
            colour=_GREYS.get(members[key][0].role)
            or dose_colour(doses.index(key[-1]), len(doses)),
            wells=tuple(members[key]),
        )
        for key in keys
    )


def arm_label(well: Well, *, compound: bool = False, cells: bool = False) -> str:
    """What a well got, in words; compound and cell line only where the study has several."""
    what: str = well.role
    if well.role in ("test", "positive"):
        dose = format_dose(well.dose, digits=3) if well.dose else ""
        named = well.compound if compound or well.role == "positive" else ""
        what = " ".join(part for part in (named, dose) if part) or "no dose stated"
        if well.role == "positive":
            what = f"positive control {what}"
    what += _left_out(well)
    return f"{well.cell_line}: {what}" if cells and well.cell_line else what


def _left_out(well: Well) -> str:
    """What the plate map says was left out, for the label; empty where nothing was."""
    told = ""
    for column, words in _LEFT_OUT.items():
        stated = well.factors.get(column, "").strip()
        told += words if stated and is_none(stated) else ""
    return told


def well_values(rows: Rows, metric: str) -> dict[Place, list[tuple[float | None, float]]]:
    """The values of a metric in each well as (time, value), averaged over the fields.

    Rows of a whole well (`field` empty) stand for themselves where there are any. The time is
    the frame number where no time is known, and None for a value of the whole series, which
    comes first.
    """
    whole: dict[Place, dict[float | None, list[float]]] = defaultdict(lambda: defaultdict(list))
    fields: dict[Place, dict[float | None, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows_of(rows, metric):
        if counts(row) and row.value is not None:
            time = row.time_h if row.time_h is not None else row.frame
            table = fields if row.field else whole
            table[row.plate, row.well][time].append(row.value)
    merged = {**fields, **whole}
    return {
        place: [(time, fmean(values)) for time, values in sorted(times.items(), key=_by_time)]
        for place, times in merged.items()
    }


def courses(
    arms: Sequence[Arm], values: Mapping[Place, list[tuple[float | None, float]]]
) -> tuple[Course, ...]:
    """Courses of every batch of every arm, each arm followed by its mean over batches.

    Times that differ by less than a quarter of the usual interval are one time. The mean over
    batches is given only where all batches of the arm have a value, so that it never jumps
    because a batch ended.
    """
    times = sorted({t for series in values.values() for t, _ in series if t is not None})
    bins = _bins(times)
    found: list[Course] = []
    for arm in arms:
        batches: dict[str, dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
        for well in arm.wells:
            for time, value in values.get((well.plate, well.well), []):
                if time is not None:
                    batches[well.batch][bins[time]].append(value)
        own = [
            Course(arm, batch, tuple(_point(t, v) for t, v in sorted(batches[batch].items())))
            for batch in sorted(batches, key=natural)
        ]
        found += own
        if own:
            found.append(Course(arm, None, _over_batches(own)))
    return tuple(found)


def _over_batches(own: Iterable[Course]) -> tuple[TimePoint, ...]:
    means: dict[float, list[float]] = defaultdict(list)
    batches = 0
    for course in own:
        batches += 1
        for point in course.points:
            means[point.time].append(point.value)
    return tuple(_point(t, v) for t, v in sorted(means.items()) if len(v) == batches)


def _point(time: float, values: Sequence[float]) -> TimePoint:
    return TimePoint(time, fmean(values), len(values))


def _bins(times: Sequence[float]) -> dict[float, float]:
    steps = [b - a for a, b in pairwise(times)]
    # Jitter makes many tiny steps: the usual interval is that of the steps that are not tiny.
    large = [step for step in steps if step > max(steps) / 10] if steps else []
    near = median(large) / 4 if large else 0.0
    bins: dict[float, float] = {}
    members: list[float] = []
    for time in times:
        if members and time - members[0] > near:
            bins.update(dict.fromkeys(members, fmean(members)))
            members = []
        members.append(time)
    bins.update(dict.fromkeys(members, fmean(members) if members else 0.0))
    return bins


def _by_time(item: tuple[float | None, list[float]]) -> float:
    return float("-inf") if item[0] is None else item[0]
