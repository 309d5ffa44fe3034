"""What the results of a finished study add to the facts that its rules need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import fmean

import polars as pl

from lamella.design.facts import Arm, AssayFacts, CurveFacts, Facts, Place, arm
from lamella.evidence import Comparison
from lamella.study.facts import cited_rows
from lamella.study.result import AssayResult
from lamella.table.rows import Rows
from lamella.table.store import Table, concat, to_frame
from lamella.table.wells import Well

__all__ = ["with_results"]


def with_results(
    facts: Facts, results: Sequence[AssayResult], comparisons: Sequence[Comparison] = ()
) -> Facts:
    """The same facts with what was measured, fitted and compared."""
    assays = []
    for item in facts.assays:
        mine = [result for result in results if result.assay.name == item.kind]
        assays.append(_measured(item, mine, facts.wells) if mine else item)
    rows = {one.assertion.id: one.assertion for c in comparisons for one in c.comparable}
    known = {row.id for row in facts.cited}
    new = cited_rows(row for id, row in rows.items() if id not in known)
    return replace(facts, assays=tuple(assays), cited=(*facts.cited, *new))


def _measured(
    facts: AssayFacts, results: Sequence[AssayResult], wells: Sequence[Well]
) -> AssayFacts:
    rows = _telling([result.rows for result in results], tracks=facts.kind == "tracks")
    vehicles = {(well.plate, well.well) for well in wells if well.role == "vehicle"}
    quality = [row for row in rows if row.metric == "quality"]
    counted = [
        result.potency.between_batches.n
        for result in results
        if result.potency and result.potency.between_batches
    ]
    values = {place: value for result in results for place, value in result.wells.items()}
    return replace(
        facts,
        gap_width_um=_at_start(rows, "gap_width_mean", unit="µm"),
        confluence_percent=_at_start(rows, "outside_confluence", unit="%"),
        unregistered=tuple(
            dict.fromkeys(
                (row.plate, row.well, row.field) for row in quality if row.flag == "t0_unregistered"
            )
        ),
        closed_in_window=tuple(
            dict.fromkeys(
                (row.plate, row.well) for row in quality if row.flag == "closed_in_window"
            )
        ),
        vehicle_closed_h=_first_closed(rows, vehicles),
        track_frames=_track_frames(rows) if facts.kind == "tracks" else {},
        response_percent=_percent_of_vehicle(wells, values),
        n_counted=max(counted, default=None),
        curves=tuple(_curves(results)),
        blot=replace(facts.blot, saturated=facts.blot.saturated or _saturated(rows)),
    )


def _telling(tables: Iterable[Rows], *, tracks: bool) -> Rows:
    """The rows that a fact is taken from, without excluded ones; the others are not even made."""
    metric, flag = pl.col("metric"), pl.col("flag")
    wanted = (metric == "quality") | flag.eq_missing("saturated")
    wanted |= metric.is_in(["gap_width_mean", "outside_confluence"]) & (pl.col("frame") == 0)
    wanted |= (metric == "gap_state") & (pl.col("text") == "closed")
    wanted = wanted.fill_null(False) | tracks
    frames = (to_frame(rows).filter(wanted & flag.ne_missing("excluded")) for rows in tables)
    return concat(Table(frame) for frame in frames)


def _saturated(rows: Rows) -> int:
    """Bands that a blot calls saturated."""
    return len(
        {
            (row.plate, row.well, row.field, row.object)
            for row in rows
            if row.flag == "saturated" or (row.metric == "quality" and row.text == "saturated")
        }
    )


def _at_start(rows: Rows, metric: str, *, unit: str) -> dict[Place, float]:
    found: dict[Place, list[float]] = defaultdict(list)
    for row in rows:
        at_start = row.metric == metric and row.frame == 0 and row.unit == unit
        if at_start and row.object is None and row.value is not None:
            found[row.plate, row.well].append(row.value)
    return {place: fmean(values) for place, values in found.items()}


def _first_closed(rows: Rows, vehicles: set[Place]) -> float | None:
    times = [
        row.time_h
        for row in rows
        if row.metric == "gap_state"
        and row.text == "closed"
        and row.time_h is not None
        and (row.plate, row.well) in vehicles
    ]
    return min(times, default=None)


def _track_frames(rows: Rows) -> dict[str, tuple[int, ...]]:
    """Frames of each track in the order of its rows, one row a frame."""
    found: dict[str, list[int]] = defaultdict(list)
    metric = ""
    for row in rows:
        if row.object is None or row.frame is None:
            continue
        metric = metric or row.metric
        if row.metric == metric:
            where = " ".join(part for part in (row.plate, row.well, row.field) if part)
            found[f"{row.object} of {where}"].append(row.frame)
    return {name: tuple(frames) for name, frames in found.items()}


def _percent_of_vehicle(wells: Sequence[Well], values: Mapping[Place, float]) -> dict[Arm, float]:
    """Mean read-out of each treatment [% of the vehicle of its plate and cells]."""
    vehicle: dict[tuple[str, str], list[float]] = defaultdict(list)
    for well in wells:
        if well.role == "vehicle" and (well.plate, well.well) in values:
            vehicle[well.plate, well.cell_line].append(values[well.plate, well.well])
    found: dict[Arm, list[float]] = defaultdict(list)
    for well in wells:
        beside = vehicle.get((well.plate, well.cell_line))
        value = values.get((well.plate, well.well))
        if beside and value is not None and well.role == "test" and fmean(beside) > 0:
            found[arm(well)].append(100 * value / fmean(beside))
    return {key: fmean(percents) for key, percents in found.items()}


def _curves(results: Iterable[AssayResult]) -> Iterator[CurveFacts]:
    for result in results:
        for curve in result.potency.curves if result.potency else ():
            batch = f"batch {curve.batch}" if curve.batch else "all batches"
            yield CurveFacts(
                ", ".join(part for part in (result.group, curve.id, batch) if part),
                curve.doses,
                curve.potency.value,
                curve.parameters.slope,
                result.dose_unit,
            )
