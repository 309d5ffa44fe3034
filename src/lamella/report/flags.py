"""Which wells carry a flag, and why? Nothing that was flagged stays unsaid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from lamella.report.arms import Place, arm_label, natural
from lamella.report.figure import wells_of
from lamella.report.typeset import counted, listed, words
from lamella.study.result import AssayResult, StudyResult
from lamella.table.rows import Observation, Rows
from lamella.table.store import flagged, rows_of

__all__ = ["FlagKind", "FlagLine", "flag_kinds", "flag_lines", "flagged_places", "limiting"]

_ABOUT_THE_WELL = ("quality", "input_problem", "measurement", "edit")


@dataclass(frozen=True, slots=True)
class FlagLine:
    """One flag of one well, with every row that carries it folded together."""

    plate: str
    well: str
    batch: str
    got: str
    flag: str
    reason: str
    where: str
    entered: str


@dataclass(frozen=True, slots=True)
class FlagKind:
    """One flag over all wells: how many carry it, how many of them entered the read-out."""

    flag: str
    wells: int
    entered: int
    example: str


def flagged_places(
    rows: Rows, *, metric: str = "", reasons: bool = False
) -> dict[Place, tuple[str, ...]]:
    """The flags of each well in words, of one metric or of all, with their reasons where asked."""
    found: dict[Place, dict[str, None]] = defaultdict(dict)
    for row in flagged(rows):
        if metric in ("", row.metric):
            told = f": {row.reason}" if reasons and row.reason else ""
            found[row.plate, row.well][words(row.flag or "") + told] = None
    return {place: tuple(told) for place, told in found.items()}


def flag_kinds(lines: Iterable[FlagLine]) -> list[FlagKind]:
    """Each flag with the wells that carry it, the most frequent first, and one of its reasons."""
    wells: dict[str, dict[Place, str]] = defaultdict(dict)
    kept: dict[str, set[Place]] = defaultdict(set)
    for line in lines:
        place = (line.plate, line.well)
        wells[line.flag].setdefault(place, line.reason)
        if line.entered == "yes":
            kept[line.flag].add(place)
    kinds = [
        FlagKind(flag, len(places), len(kept[flag]), next(iter(places.values())))
        for flag, places in wells.items()
    ]
    return sorted(kinds, key=lambda kind: (-kind.wells, kind.flag))


def limiting(result: AssayResult) -> AssayResult:
    """The result with those rows alone whose flags bear on its read-out.

    A t50 that was not reached, say, is a finding about t50 and no fault of an edge speed.
    """
    bearing = {result.readout.name, *_ABOUT_THE_WELL}
    return replace(result, rows=rows_of(result.rows, *bearing))


def flag_lines(result: AssayResult, study: StudyResult) -> list[FlagLine]:
    """Every flag of every well, and every well that has no read-out and no flag that says why."""
    grouped: dict[tuple[str, str, str, str], list[Observation]] = defaultdict(list)
    doubted = flagged(result.rows)
    for row in doubted:
        grouped[row.plate, row.well, row.flag or "", row.reason or ""].append(row)
    wells = {(well.plate, well.well): well for well in wells_of(result, study)}
    lines = []
    for (plate, well, flag, reason), rows in grouped.items():
        known = wells.get((plate, well))
        lines.append(
            FlagLine(
                plate,
                well,
                known.batch if known else rows[0].batch,
                arm_label(known) if known else "not in the plate map",
                words(flag),
                reason,
                _where(rows),
                _entered(result.wells, (plate, well)),
            )
        )
    told = {(row.plate, row.well) for row in doubted}
    for place in set(wells) - set(result.wells) - told:
        known = wells[place]
        if known.role != "blank":
            reason = f"no value of {result.readout.label.lower()} for this well"
            got = arm_label(known)
            lines.append(FlagLine(*place, known.batch, got, "no read-out", reason, "", "no"))
    return sorted(lines, key=_worst_first)


def _worst_first(line: FlagLine) -> tuple[object, ...]:
    return line.entered == "yes", natural(line.plate), natural(line.well), line.flag


def _where(rows: list[Observation]) -> str:
    """Which metrics, fields and frames a flag is about, in short."""
    metrics = list(dict.fromkeys(words(row.metric) for row in rows))
    fields = sorted({row.field for row in rows if row.field}, key=natural)
    frames = sorted({row.frame for row in rows if row.frame is not None})
    parts = [listed(metrics, most=3)]
    if fields:
        parts.append(f"field {listed(fields, most=4)}")
    if frames:
        run = frames[-1] - frames[0] + 1 == len(frames) > 2
        told = f"{frames[0]} to {frames[-1]}" if run else listed([str(f) for f in frames], most=6)
        parts.append(f"frame {told}")
    return f"{'; '.join(parts)} ({counted(len(rows), 'row')})"


def _entered(values: Mapping[Place, float], place: Place) -> str:
    return "yes" if place in values else "no"
