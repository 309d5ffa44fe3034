"""Fills the facts that the rules of `lamella.design` need, from a plan or a finished study."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lamella import evidence
from lamella.design.facts import AssayFacts, CellFacts, CompoundFacts, CurveFacts, Facts
from lamella.study.model import AssayEntry, StudyFile
from lamella.study.planned import Planned
from lamella.study.result import AssayResult
from lamella.table.rows import Rows
from lamella.table.wells import Design

__all__ = ["facts_of_plan", "with_results"]


def facts_of_plan(study: StudyFile, design: Design, planned: Sequence[Planned]) -> Facts:
    """What the study states before anything is measured."""
    lines = {well.cell_line for well in design.wells if well.cell_line}
    accession = study.study.cell_line_accession if len(lines) <= 1 else ""
    compound = study.study.compound
    return Facts(
        wells=design.wells,
        assays=tuple(_assay_facts(item) for item in planned),
        cells=tuple(_cell_facts(line, accession) for line in sorted(lines)),
        compound=None
        if compound is None
        else CompoundFacts(compound.name, compound.form, compound.batch, compound.purity_percent),
    )


def with_results(facts: Facts, results: Sequence[AssayResult]) -> Facts:
    """The same facts with what was measured: gap widths, closed controls, curves."""
    vehicles = {(well.plate, well.well) for well in facts.wells if well.role == "vehicle"}
    assays = []
    for item in facts.assays:
        mine = [result for result in results if result.assay.name == item.kind]
        rows = [row for result in mine for row in result.rows if row.flag != "excluded"]
        assays.append(
            replace(
                item,
                gap_width_um=_first_widths(rows),
                vehicle_closed_h=_first_closed(rows, vehicles),
                curves=tuple(_curves(mine)),
            )
        )
    return replace(facts, assays=tuple(assays))


def _cell_facts(line: str, accession: str) -> CellFacts:
    """What is known of the line; a name that several lines share settles nothing by itself."""
    known = evidence.cell_line(line, accession=accession)
    if known is None:
        return CellFacts(line, accession)
    settled = known.accession if known.homonyms else accession or known.accession
    return CellFacts(line, settled, known.homonyms, misidentified_as=known.misidentified_as)


def _assay_facts(planned: Planned) -> AssayFacts:
    entry: AssayEntry = planned.entry
    series = [(call.unit, s) for call in planned.calls for s in call.unit.series]
    times = {frame.time_h for _, s in series for frame in s.frames if frame.time_h is not None}
    first = {
        (unit.plate, unit.well, s.field): time
        for unit, s in series
        if s.frames and (time := s.frames[0].time_h) is not None
    }
    sizes = [s.pixel_um for _, s in series]
    return AssayFacts(
        kind=entry.kind,
        readout=entry.readout or planned.assay.readouts[0],
        gap_tool=entry.protocol.gap_tool,
        serum_percent=entry.protocol.serum_percent,
        proliferation_control=entry.protocol.proliferation_control,
        doubling_time_h=entry.protocol.doubling_time_h,
        solvent_percent=entry.protocol.solvent_percent,
        positive_control=entry.protocol.positive_control,
        # One field without a pixel size is enough to keep µm from the whole assay.
        pixel_um=None if not sizes or None in sizes else sizes[0],
        times_h=tuple(sorted(times)),
        first_frame_h=first,
    )


def _first_widths(rows: Rows) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        at_start = row.metric == "gap_width_mean" and row.frame == 0 and row.unit == "µm"
        if at_start and row.value is not None:
            found.setdefault((row.plate, row.well), []).append(row.value)
    return {place: sum(widths) / len(widths) for place, widths in found.items()}


def _first_closed(rows: Rows, vehicles: set[tuple[str, str]]) -> float | None:
    times = [
        row.time_h
        for row in rows
        if row.metric == "gap_state"
        and row.text == "closed"
        and row.time_h is not None
        and (row.plate, row.well) in vehicles
    ]
    return min(times, default=None)


def _curves(results: Iterable[AssayResult]) -> Iterable[CurveFacts]:
    for result in results:
        for curve in result.potency.curves if result.potency else ():
            name = ", ".join(part for part in (result.group, curve.id, curve.batch) if part)
            yield CurveFacts(name, curve.doses, curve.potency.value, curve.parameters.slope)
