"""From measured parts to a finished assay: states, read-outs, potency. No pixel is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from lamella.study.decisions import Decisions, mark_excluded
from lamella.study.dose_response import (
    Group,
    dose_response,
    groups_of,
    readout_unit,
    readout_values,
)
from lamella.study.parts import PartRecord, PartStore
from lamella.study.planned import Planned
from lamella.study.result import AssayResult, Preview
from lamella.table.rows import Metric, Observation, Rows
from lamella.table.wells import Design

__all__ = ["Settled", "measured_rows", "settle"]


@dataclass(frozen=True)
class Settled:
    """One assay after `settle`: its complete rows, and a result for each group of wells."""

    rows: Rows
    results: tuple[AssayResult, ...]


def measured_rows(
    records: Sequence[PartRecord], store: PartStore, *, study: str, design: Design
) -> list[Observation]:
    """The rows of all parts, each with its place, batch and hashes."""
    rows: list[Observation] = []
    for record in records:
        well = design.at(record.plate, record.well)
        rows += store.read_rows(record, study=study, batch=well.batch if well else "")
    return rows


def settle(
    planned: Planned,
    measured: Rows,
    design: Design,
    *,
    decisions: Decisions,
    previews: Sequence[Preview] = (),
    study: str = "",
) -> Settled:
    """Settle the measured rows of one assay and fit the read-out of each group."""
    assay, settings = planned.assay, planned.settings
    rows = assay.settle(mark_excluded(measured, decisions), design, settings)
    rows = [_placed(row, assay.name, study, design) for row in rows]
    readout = assay.metric(planned.entry.readout or assay.readouts[0])
    methods = assay.methods_text(settings)
    shown = tuple(_with_states(previews, rows, planned))
    groups = groups_of(design)
    results = tuple(
        _result(planned, rows, group, readout=readout, previews=shown, methods=methods)
        for group in groups
    )
    return Settled(rows, results)


def _result(
    planned: Planned,
    rows: Rows,
    group: Group,
    *,
    readout: Metric,
    previews: tuple[Preview, ...],
    methods: str,
) -> AssayResult:
    if group.label:
        places = {(well.plate, well.well) for well in group.wells}
        # Rows of a whole batch or study belong to no well, and say in `object` what they are of.
        rows = [row for row in rows if not row.well or (row.plate, row.well) in places]
        previews = tuple(p for p in previews if (p.plate, p.well) in places)
    values = readout_values(rows, readout.name)
    unit = readout_unit(rows, readout.name)
    fitted = dose_response(group.wells, values, name=readout.label)
    return AssayResult(
        assay=planned.assay,
        rows=rows,
        readout=replace(readout, unit=unit or readout.unit),
        dose_unit=fitted.dose_unit,
        wells=values,
        potency=fitted.potency,
        reason=fitted.reason,
        previews=previews,
        methods=methods,
        group=group.label,
    )


def _with_states(previews: Iterable[Preview], rows: Rows, planned: Planned) -> Iterator[Preview]:
    """The previews with the settled word that the contact sheet of the assay names."""
    named = {panel.metric for panel in planned.assay.panels if panel.kind == "contact_sheet"}
    words = {
        (row.plate, row.well, row.field, row.frame): row.text
        for row in rows
        if row.metric in named and row.text
    }
    for preview in previews:
        place = (preview.plate, preview.well, preview.field, preview.frame)
        yield replace(preview, state=words.get(place) or preview.state)


def _placed(row: Observation, assay: str, study: str, design: Design) -> Observation:
    """A derived row as `settle` made it, with the study and batch that it belongs to."""
    if row.assay == assay and row.study == study and row.batch:
        return row
    well = design.at(row.plate, row.well)
    return replace(row, assay=assay, study=study, batch=well.batch if well else row.batch)
