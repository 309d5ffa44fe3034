"""What limits a conclusion: each flag is one row with its size and a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamella.assays.scratch.course import Course, late_start
from lamella.assays.scratch.series import FieldSeries
from lamella.assays.scratch.states import EMPTY, FOCUS_LOSS, UNUSABLE, State
from lamella.table.wells import Design

__all__ = ["FLAGS", "Doubt", "field_doubts", "plate_doubts", "study_doubts"]

FLAGS: Mapping[str, str] = {
    "t0_missing": "the first frame has no wound to relate to, or is not of 0 h",
    "t0_unregistered": "frames do not show the place of the first frame",
    "out_of_focus": "sharpness falls by a factor of 4 in energy below that of the plate",
    "uneven_illumination": "the background varies by more than 60 % of its median",
    "drift": "the stage moved by more than 5 % of the field",
    "unequal_gaps": "initial gaps differ by more than 10 % CV between wells",
    "not_confluent": "less than 90 % of the field outside the wound is covered at the start",
    "tissue_thins": "cells outside the wound fell below 80 % of those at the start",
    "debris": "more than 5 % of the first gap is covered by islands",
    "closed_in_window": "the gap closed before the end of the window",
    "not_monotone": "the gap opened by more than its error and 5 % of the first area",
    "jump": "the area fell by more than a third of the first area between two frames, three "
    "times as much as between any others",
    "frames_lost": "frames without an area",
    "tissue_lost": "no cells are left in some frame",
    "proliferation": "cells may have divided: T / Td > 0.5 without a control",
}

_UNEVEN = 0.6
_DRIFT_OF_FIELD = 0.05
_BESIDE = 0.05  # of the field
_GAP_CV = 0.10
_CONFLUENT = 90.0
_DEBRIS = 0.05
_THINNED = 0.8
_RISE_OF_FIRST = 0.05
_JUMP_OF_FIRST = 1 / 3
_JUMP_RATIO = 3.0
_DOUBLINGS = 0.5
_UNCONTROLLED = frozenset({"", "none", "no", "not used"})


@dataclass(frozen=True, slots=True)
class Doubt:
    """One flag with its size; an empty well or field means the whole plate or well."""

    flag: str
    value: float | None
    reason: str
    plate: str
    well: str = ""
    field: str = ""


def field_doubts(
    series: FieldSeries, states: Sequence[State], course: Course | None
) -> Iterator[Doubt]:
    """Flags of one field that need nothing but its own rows."""

    def doubt(flag: str, value: float | None, reason: str) -> Doubt:
        return Doubt(flag, value, reason, series.plate, series.well, series.field)

    if course is None or course.t0 is not None:
        yield doubt("t0_missing", None, "no wound" if course is None else str(course.t0))
    elif late := late_start(course):
        yield doubt("t0_missing", float(series.time[0]), late)
    yield from (doubt(*found) for found in _of_frames(series, states))
    if course is None:
        return
    yield from (doubt(*found) for found in _of_start(series, course))
    yield from (doubt(*found) for found in _of_course(course))


Found = tuple[str, float | None, str]


def _of_frames(series: FieldSeries, states: Sequence[State]) -> Iterator[Found]:
    kept = ~series.excluded
    lost = [i for i, state in enumerate(states) if state.word == UNUSABLE and kept[i]]
    if lost:
        where = ", ".join(str(series.frames[i]) for i in lost[:8])
        yield "frames_lost", float(len(lost)), f"frames {where}: {states[lost[0]].reason}"
    gone = [i for i, state in enumerate(states) if state.word == EMPTY and kept[i]]
    if gone:
        yield "tissue_lost", float(len(gone)), f"from frame {series.frames[gone[0]]} on: no tissue"
    apart = np.flatnonzero(kept & _elsewhere(series))
    if apart.size:
        where = ", ".join(str(series.frames[i]) for i in apart[:8])
        reason = f"frames {where} show the gap beside the first wound: closure compares two places"
        yield "t0_unregistered", float(apart.size), reason
    drift, field = series.column("shift")[kept], series.column("valid_area")[kept]
    if np.isfinite(drift).any() and np.isfinite(field).any():
        share = float(np.nanmax(drift)) / float(np.sqrt(np.nanmax(field)))
        if share > _DRIFT_OF_FIELD:
            size = f"{np.nanmax(drift):.3g} {series.unit('shift')}"
            yield "drift", float(np.nanmax(drift)), f"the stage moved by {size}"
    uneven = series.column("unevenness")[kept]
    if np.isfinite(uneven).any() and np.nanmax(uneven) > _UNEVEN:
        worst = float(np.nanmax(uneven))
        reason = f"the background varies by {100 * worst:.0f} % of its median"
        yield "uneven_illumination", worst, reason


def _elsewhere(series: FieldSeries) -> NDArray[np.bool_]:
    """Frames of another place than the first wound, shape (T,).

    Cells move in from both sides, so a closing gap stays between its first fronts, and one that
    cells leave opens to both sides. Where one front went back while the other came in by more
    than that, the gap has been shifted as a whole, further than the frames could be registered.
    """
    apart = np.array([flag == "unregistered" for flag in series.flags("shift")])
    left, right = series.column("front_left"), series.column("front_right")
    seen = np.flatnonzero(np.isfinite(left + right) & ~series.excluded)
    if seen.size < 2:
        return apart
    advance = np.stack([left - left[seen[0]], right[seen[0]] - right])
    back = -advance.min(axis=0)
    side = np.sqrt(series.column("valid_area"))
    return np.asarray(apart | ((back > _BESIDE * side) & (advance.max(axis=0) > back)), np.bool_)


def _of_start(series: FieldSeries, course: Course) -> Iterator[Found]:
    i = int(course.index[0])
    covered = series.column("outside_confluence")[i]
    if np.isfinite(covered) and covered < _CONFLUENT:
        yield "not_confluent", float(covered), f"{covered:.0f} % covered outside the wound at first"
    here = course.index[~_elsewhere(series)[course.index]]
    later = series.column("outside_confluence")[here]
    left = float(np.nanmin(later) / covered) if np.isfinite(covered) and covered > 0 else 1.0
    if left < _THINNED:
        reason = f"{100 * left:.0f} % of the cells outside the wound are left: toxic, or washed off"
        yield "tissue_thins", left, reason
    islands = series.column("cells_in_gap_area")[i]
    if np.isfinite(islands) and islands > _DEBRIS * course.area[0]:
        share = float(islands / course.area[0])
        yield "debris", share, f"islands cover {100 * share:.0f} % of the first gap: wash again"


def _of_course(course: Course) -> Iterator[Found]:
    fall = -np.diff(course.area)
    if fall.size == 0:
        return
    error = np.nan_to_num(np.hypot(course.area_sd[1:], course.area_sd[:-1]))
    first = course.area[0]
    rise = -fall - 1.96 * error
    worst = int(np.argmax(rise))
    if rise[worst] > 0 and -fall[worst] > _RISE_OF_FIRST * first:
        share = float(-fall[worst] / first)
        at = course.series.frames[course.index[worst + 1]]
        yield "not_monotone", share, f"the gap grew by {100 * share:.0f} % of A0 at frame {at}"
    largest = int(np.argmax(fall))
    # A gap that has closed cannot fall again, so it tells nothing of the usual fall.
    still_open = np.delete(course.area[:-1] > _RISE_OF_FIRST * first, largest)
    others = np.delete(fall, largest)[still_open]
    usual = float(np.max(others)) if others.size >= 2 else np.inf
    if fall[largest] > _JUMP_OF_FIRST * first and fall[largest] > _JUMP_RATIO * max(usual, 0.0):
        share = float(fall[largest] / first)
        at = course.series.frames[course.index[largest + 1]]
        yield "jump", share, f"the gap lost {100 * share:.0f} % of A0 at frame {at} alone"


def plate_doubts(courses: Sequence[Course]) -> Iterator[Doubt]:
    """Flags that compare the fields of one plate: focus, and unequal gaps at the start."""
    yield from _focus(courses)
    widths: dict[str, list[float]] = {}
    for course in courses:
        width = course.series.column("gap_width_mean")[course.index[0]]
        if course.t0 is None and np.isfinite(width):
            widths.setdefault(course.series.well, []).append(float(width))
    means = {well: float(np.mean(values)) for well, values in widths.items()}
    if len(means) < 3:
        return
    values = np.array(list(means.values()))
    spread = float(values.std(ddof=1) / values.mean())
    if spread <= _GAP_CV:
        return
    plate, middle = courses[0].series.plate, float(np.median(values))
    reason = f"initial gap widths vary by {100 * spread:.0f} % CV between wells"
    yield Doubt("unequal_gaps", spread, reason, plate)
    for well, width in means.items():
        off = width / middle - 1
        if abs(off) > _GAP_CV:
            told = f"its first gap is {100 * off:+.0f} % off the median of the plate"
            yield Doubt("unequal_gaps", off, told, plate, well)


def _focus(courses: Sequence[Course]) -> Iterator[Doubt]:
    sharp = {
        id(course): course.series.column("focus")[~course.series.excluded] for course in courses
    }
    known = [values[np.isfinite(values)] for values in sharp.values()]
    everything = np.concatenate(known) if known else np.zeros(0)
    if everything.size < 3:
        return
    usual = float(np.median(everything))
    for course in courses:
        values = sharp[id(course)]
        if not np.isfinite(values).any():
            continue
        loss = usual - float(np.nanmin(values))
        if loss > FOCUS_LOSS:
            reason = f"the finest structure falls to 1/{np.exp(loss):.0f} of what the plate shows"
            series = course.series
            yield Doubt("out_of_focus", loss, reason, series.plate, series.well, series.field)


def study_doubts(
    courses: Sequence[Course], design: Design, *, doubling_time_h: float | None
) -> Iterator[Doubt]:
    """Growth: nothing held the cells back, and the assay lasted more than half a doubling."""
    control = str(design.protocol.get("proliferation_control") or "").strip().lower()
    timed = [course for course in courses if course.series.timed]
    if control not in _UNCONTROLLED or not design.wells or not timed:
        return
    doubling = doubling_time_h or _number(design.protocol.get("doubling_time_h"))
    lasted = max(float(course.time[-1]) for course in timed)
    if doubling is None:
        reason = f"{lasted:g} h without a control of proliferation; state doubling_time_h"
        yield Doubt("proliferation", None, reason, "")
    elif lasted / doubling > _DOUBLINGS:
        reason = f"{lasted:g} h are {lasted / doubling:.1f} doublings, with no control of growth"
        yield Doubt("proliferation", lasted / doubling, reason, "")


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and value > 0 else None
