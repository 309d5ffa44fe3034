"""What is a figure? Drawings, a caption that states n, and the same points as rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from lamella.assays.contract import Panel
from lamella.report.typeset import words
from lamella.study.result import AssayResult, StudyResult
from lamella.table.rows import Metric
from lamella.table.store import rows_of
from lamella.table.wells import Well

__all__ = ["Cell", "Drawing", "Figure", "csv_text", "metric_of", "wells_of"]

Cell: TypeAlias = str | float | int | None


@dataclass(frozen=True, slots=True)
class Drawing:
    """One SVG of a figure and the keys of the pictures that it uses."""

    label: str
    svg: str
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the report.

    Attributes:
        title: The heading.
        caption: What is drawn, with n and what the band is.
        columns: Names of the columns of `rows`.
        rows: The points drawn, one a row.
        drawings: Shown one below the other, or one at a time where `choose` is set.
        choose: Word before the choice between drawings, for example `Batch`.
        more: Drawings behind a fold, under the words of `more_label`.
        pictures: Data URI of each picture that the drawings use, by key.
        notes: Sentences below the drawings, for example a verdict a batch.
        table: True where the rows themselves are what is shown.
        empty: Why nothing could be drawn; "" where something was.
    """

    title: str
    caption: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    drawings: tuple[Drawing, ...] = ()
    choose: str = ""
    more: tuple[Drawing, ...] = ()
    more_label: str = ""
    pictures: Mapping[str, str] = field(default_factory=dict)
    table: bool = False
    empty: str = ""


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Rows as CSV for a spreadsheet.

    A text that a spreadsheet would run as a formula gets an apostrophe in front.

    >>> csv_text(["well", "value"], [["=1+1", -2.5], ["B02", None]])
    "well,value\\n'=1+1,-2.5\\nB02,\\n"
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([_harmless(column) for column in columns])
    writer.writerows([[_harmless(cell) for cell in row] for row in rows])
    return buffer.getvalue()


def metric_of(result: AssayResult, panel: Panel) -> Metric:
    """The metric that a panel draws; the read-out where it names none.

    Its unit is the one that the rows carry: pixels, where nothing states the size of a pixel.
    """
    name = panel.metric or result.readout.name
    unit = next((row.unit for row in rows_of(result.rows, name) if row.unit), "")
    for metric in (result.readout, *result.assay.metrics):
        if metric.name == name:
            return replace(metric, unit=unit or metric.unit)
    return Metric(name, words(name).capitalize(), unit, "neither")


def wells_of(result: AssayResult, study: StudyResult) -> tuple[Well, ...]:
    """The wells that a result is about: those of its group, or all of the study."""
    if not result.group:
        return study.design.wells
    places = {(row.plate, row.well) for row in result.rows}
    return tuple(well for well in study.design.wells if (well.plate, well.well) in places)


def _harmless(cell: Cell) -> Cell:
    if isinstance(cell, str) and cell.lstrip()[:1] in {"=", "+", "@", "-", "\t"}:
        return "'" + cell
    return cell
