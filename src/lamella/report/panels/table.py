"""One line a well: what it got, its read-out, and its flags."""

from __future__ import annotations

from lamella.assays.contract import Panel
from lamella.report.arms import arm_label, well_values
from lamella.report.figure import Cell, Figure, metric_of, wells_of
from lamella.report.flags import flagged_places
from lamella.report.typeset import bracketed, counted
from lamella.study.result import AssayResult, StudyResult
from lamella.table.wells import Well

__all__ = ["draw"]


def draw(result: AssayResult, study: StudyResult, panel: Panel) -> Figure:
    """The table of all wells; wells without a read-out stay in it."""
    wells = wells_of(result, study)
    if not wells:
        return Figure(panel.title, empty="The plate map has no wells.")
    metric = metric_of(result, panel)
    extra = {
        place: next((v for t, v in series if t is None), series[-1][1])
        for place, series in well_values(result.rows, metric.name).items()
        if metric.name != result.readout.name
    }
    flags = flagged_places(result.rows)
    columns = [
        "Plate",
        "Well",
        "Batch",
        "Got",
        bracketed(result.readout.label, result.readout.unit),
    ]
    if metric.name != result.readout.name:
        columns.append(bracketed(metric.label, metric.unit))

    def line(well: Well) -> tuple[Cell, ...]:
        place = (well.plate, well.well)
        got = arm_label(well, compound=True)
        shown: list[Cell] = [well.plate, well.well, well.batch, got, result.wells.get(place)]
        if metric.name != result.readout.name:
            shown.append(extra.get(place))
        return (*shown, "; ".join(flags.get(place, ())))

    entered = sum((well.plate, well.well) in result.wells for well in wells)
    return Figure(
        panel.title,
        f"{counted(len(wells), 'well')}, {entered} with a read-out.",
        (*columns, "Flags"),
        tuple(line(well) for well in wells),
        table=True,
    )
