"""From measured parts to a finished assay: states, read-outs, potency. No pixel is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace

import polars as pl

from lamella.study.decisions import Decisions
from lamella.study.dose_response import (
    Group,
    dose_response,
    groups_of,
    readout_unit,
    readout_values,
)
from lamella.study.exclusions import mark_excluded
from lamella.study.parts import PartRecord, PartStore
from lamella.study.planned import Planned
from lamella.study.result import AssayResult, Preview
from lamella.table.rows import Metric, Rows
from lamella.table.store import Table, to_frame
from lamella.table.wells import Design

__all__ = ["Settled", "measured_rows", "settle"]


@dataclass(frozen=True)
class Settled:
    """One assay after `settle`: its complete rows, and a result for each group of wells."""

    rows: Table
    results: tuple[AssayResult, ...]


def measured_rows(
    records: Sequence[PartRecord], store: PartStore, *, study: str, design: Design
) -> Table:
    """The rows of all parts, each with its study, place, batch and hashes."""
    frame = store.read_table(records).frame
    return Table(frame.with_columns(_batches(frame, design), study=pl.lit(study)))


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
    settled = assay.settle(mark_excluded(measured, decisions), design, settings)
    rows = _placed(settled, assay.name, study, design)
    readout = assay.metric(planned.entry.readout or assay.readouts[0])
    methods = " ".join(_methods(planned, readout.name))
    shown = tuple(_with_states(previews, rows, planned))
    groups = groups_of(design)
    results = tuple(
        _result(planned, rows, group, readout=readout, previews=shown, methods=methods)
        for group in groups
    )
    return Settled(rows, results)


def _methods(planned: Planned, readout: str) -> Iterator[str]:
    """How pictures were measured, where there are any, and how tables were read."""
    of_tables = planned.assay.methods_of_tables.get(readout)
    if planned.calls or of_tables is None:
        yield planned.assay.methods_text(planned.settings)
    if of_tables is not None:
        yield of_tables


def _result(
    planned: Planned,
    rows: Table,
    group: Group,
    *,
    readout: Metric,
    previews: tuple[Preview, ...],
    methods: str,
) -> AssayResult:
    if group.label:
        places = {(well.plate, well.well) for well in group.wells}
        # Rows of a whole batch or study belong to no well, and say in `object` what they are of.
        rows = _within(rows, places)
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


def _with_states(previews: Iterable[Preview], rows: Table, planned: Planned) -> Iterator[Preview]:
    """The previews with the settled word that the contact sheet of the assay names."""
    named = {panel.metric for panel in planned.assay.panels if panel.kind == "contact_sheet"}
    told = rows.frame.filter(pl.col("metric").is_in(sorted(named)) & (pl.col("text") != ""))
    place = ("plate", "well", "field", "frame")
    words = {tuple(where): word for *where, word in told.select(*place, "text").iter_rows()}
    for preview in previews:
        where = (preview.plate, preview.well, preview.field, preview.frame)
        yield replace(preview, state=words.get(where) or preview.state)


def _placed(rows: Rows, assay: str, study: str, design: Design) -> Table:
    """The rows as `settle` made them, derived ones with the study and batch they belong to."""
    frame = to_frame(rows)
    known = (pl.col("assay") == assay) & (pl.col("study") == study) & (pl.col("batch") != "")
    batch = pl.when(known).then("batch").otherwise(_batches(frame, design))
    return Table(frame.with_columns(batch, assay=pl.lit(assay), study=pl.lit(study)))


def _batches(frame: pl.DataFrame, design: Design) -> pl.Series:
    """The batch of the well of each row; of rows of no well, the batch that they state."""
    wells = pl.DataFrame(
        [(well.plate, well.well, well.batch) for well in design.wells],
        schema={"plate": pl.String, "well": pl.String, "of_well": pl.String},
        orient="row",
    ).unique(["plate", "well"], keep="last")
    rows = frame.select("plate", "well", "batch")
    told = rows.join(wells, on=["plate", "well"], how="left", maintain_order="left")
    return told.select(pl.coalesce("of_well", "batch").alias("batch")).to_series()


def _within(rows: Table, places: Set[tuple[str, str]]) -> Table:
    """The rows of these wells and of no well."""
    wells = rows.frame.select("plate", "well").iter_rows()
    return Table(rows.frame.filter([not well or (plate, well) in places for plate, well in wells]))
