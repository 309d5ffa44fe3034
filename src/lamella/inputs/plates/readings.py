"""Which optical density did the plate reader give for each well, and is its table sound?"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lamella.errors import nearest
from lamella.inputs.plates.spreadsheet import Line, read_lines
from lamella.inputs.well_names import well_name
from lamella.table.findings import Finding

__all__ = ["READING_COLUMNS", "Reading", "Readings", "read_readings"]

READING_COLUMNS = ("plate", "well", "od", "standard_cells", "replicate", "wavelength_nm", "note")
"""Columns of a table of readings; `well` and `od` are needed."""

_CALLED = {
    "absorbance": "od",
    "abs": "od",
    "eluted_od": "od",
    "cells": "standard_cells",
    "wavelength": "wavelength_nm",
    "nm": "wavelength_nm",
}
_OD_AT = re.compile(r"(?:od|abs|absorbance|a)_?\(?(\d{3})(?:_?nm)?\)?")
_CORNERS = frozenset({"", "<>", "od", "eluted_od", "absorbance", "abs"})
_ROW = re.compile(r"[A-Za-z]{1,2}")
_CRYSTAL_VIOLET_NM = (560.0, 590.0)
_MOST_OD = 4.0  # plate readers end here or before


@dataclass(frozen=True, slots=True)
class Reading:
    """One eluate: its well, its OD as read (the mean of its replicates), and where that stands.

    `standard_cells` is None but for wells of a standard curve.
    """

    plate: str
    well: str
    od: float
    standard_cells: float | None
    place: str


@dataclass(frozen=True, slots=True)
class Readings:
    """The sound readings of a table, and everything that is wrong with it."""

    readings: tuple[Reading, ...]
    findings: tuple[Finding, ...] = ()


def read_readings(path: Path, *, plate: str = "") -> Readings:
    """The readings of a table with one line a well, or of blocks as the plate lies.

    Args:
        path: Text or workbook. Tidy: `well,od` and, where they apply, `plate`,
            `standard_cells`, `replicate`, `wavelength_nm`. Blocks: 1, 2, 3 ... across, letters
            down, in the corner `od` (or nothing) and `standard_cells`.
        plate: Name of the plate where the table names none; empty: the name of the file.

    Raises:
        PlateMapError: The file is missing or is not a text table.
    """
    lines = [line for line in read_lines(path) if not line.empty]
    gathered = _Gathered(path.name, plate or path.stem)
    if not lines:
        gathered.error("empty-readings", path.name, "the table is empty.", "Export it again.")
    elif _is_header(lines[0].cells):
        gathered.blocks(lines)
    else:
        gathered.tidy(lines[0], lines[1:])
    return gathered.result()


@dataclass
class _Gathered:
    """Readings and findings over the lines of one table."""

    file: str
    plate: str
    findings: list[Finding] = field(default_factory=list)
    found: dict[tuple[str, str], list[tuple[str, Reading]]] = field(default_factory=dict)

    def error(self, rule: str, place: str, message: str, remedy: str) -> None:
        self.findings.append(Finding(rule, "error", place, message, remedy))

    def tidy(self, header: Line, body: Sequence[Line]) -> None:
        place = f"{self.file}, line {header.number}"
        columns = [self._column(cell, place) for cell in header.cells]
        lacking = [name for name in ("well", "od") if name not in columns]
        for name in lacking:
            message = f"there is no column '{name}'."
            self.error("column-missing", place, message, f"Add the column '{name}'.")
        if not lacking:
            for line in body:
                values = dict(zip(columns, line.cells, strict=False))
                self._add(values, f"{self.file}, line {line.number}")

    def blocks(self, lines: Sequence[Line]) -> None:
        name = ""
        across: tuple[str, ...] = ()
        wells: dict[str, dict[str, str]] = {}
        places: dict[str, str] = {}
        for line in lines:
            place = f"{self.file}, line {line.number}"
            if _is_header(line.cells):
                corner = _named(line.cells[0])
                name = "od" if corner in _CORNERS or _OD_AT.fullmatch(corner) else corner
                across = line.cells[1:]
                if name not in ("od", "standard_cells"):
                    message = f"a block '{name}' is not known."
                    remedy = nearest(name, ("od", "standard_cells"))
                    self.error("unknown-column", place, message, remedy)
            elif line.cells and _ROW.fullmatch(line.cells[0]):
                for column, cell in zip(across, line.cells[1:], strict=False):
                    if cell and column:
                        well = f"{line.cells[0]}{column}"
                        wells.setdefault(well, {"well": well})[name] = cell
                        places.setdefault(well, place)
            else:
                said = " ".join(cell for cell in line.cells if cell)[:60]
                message = f"'{said}' belongs to no block."
                remedy = "Keep the blocks alone: 1, 2, 3 ... across and the letter of each row."
                self.error("line-outside-blocks", place, message, remedy)
        for well, values in wells.items():
            if "od" in values:
                self._add(values, places[well])

    def result(self) -> Readings:
        readings = []
        for entries in self.found.values():
            first = entries[0][1]
            mean = sum(reading.od for _, reading in entries) / len(entries)
            readings.append(
                Reading(first.plate, first.well, mean, first.standard_cells, first.place)
            )
        if not readings and not self.findings:
            self.error("empty-readings", self.file, "no well has an OD.", "Export it again.")
        return Readings(tuple(readings), tuple(self.findings))

    def _column(self, cell: str, place: str) -> str:
        name = _named(cell)
        if at := _OD_AT.fullmatch(name):
            self._wavelength(at[1], place)
            return "od"
        name = _CALLED.get(name, name)
        if name and name not in READING_COLUMNS:
            message = f"column '{cell}' is not known. {nearest(name, READING_COLUMNS)}"
            self.error("unknown-column", place, message, "Correct its name, or take it out.")
        return name

    def _wavelength(self, text: str, place: str) -> None:
        value = _number(text)
        low, high = _CRYSTAL_VIOLET_NM
        if value is None or not low <= value <= high:
            message = f"read at {text} nm; eluted crystal violet is read at {low:g} to {high:g} nm."
            remedy = "Read at 590 nm (560 to 590), or correct the wavelength."
            finding = Finding("wavelength", "warning", place, message, remedy)
            if finding.message not in {one.message for one in self.findings}:
                self.findings.append(finding)

    def _add(self, values: dict[str, str], place: str) -> None:
        well = well_name(values.get("well", ""))
        if well is None:
            said = values.get("well", "")
            message = f"'{said}' is not the name of a well."
            self.error("well-name", place, message, "Write row letter and column number, B2.")
            return
        place = f"{place}, well {well}"
        faults = len(self.findings)
        od = self._od(values.get("od", ""), place)
        cells = self._cells(values.get("standard_cells", ""), place)
        key = values.get("plate") or self.plate, well
        replicate = values.get("replicate", "")
        before = self.found.get(key, [])
        if any(replicate == other for other, _ in before):
            message = (
                f"well {well} of plate '{key[0]}' stands twice; first at {before[0][1].place}."
            )
            remedy = "Delete the line that is wrong, or number readings of one eluate in a column "
            self.error(
                "duplicated-well", place, message, remedy + "'replicate': they are averaged."
            )
        if od is not None and len(self.findings) == faults:
            self.found.setdefault(key, []).append((replicate, Reading(*key, od, cells, place)))
        if values.get("wavelength_nm"):
            self._wavelength(values["wavelength_nm"], place)

    def _od(self, text: str, place: str) -> float | None:
        value = _number(text)
        if value is None:
            said = f"'{text}' is no number" if text else "the OD is empty"
            remedy = (
                "Dilute and read again where the reader was out of range, or take the line out."
            )
            self.error("od-unreadable", place, f"{said}.", remedy)
        elif value < 0:
            message = f"OD {text} is negative, so something was subtracted already."
            self.error("od-negative", place, message, "Export the values as read.")
        elif value >= _MOST_OD:
            message = f"OD {text} lies beyond what a plate reader can tell ({_MOST_OD:g})."
            self.error("od-beyond", place, message, "Dilute the eluate and read again.")
        return value

    def _cells(self, text: str, place: str) -> float | None:
        value = _number(text)
        if text and (value is None or value < 0):
            message = f"standard_cells '{text}' is no number of cells."
            self.error("standard-unreadable", place, message, "Write for example 20000.")
        return value


def _named(cell: str) -> str:
    return cell.strip().lower().replace(" ", "_")


def _is_header(cells: tuple[str, ...]) -> bool:
    numbers = [cell.lstrip("0") for cell in cells[1:] if cell]
    return len(numbers) >= 2 and numbers == [str(k) for k in range(1, len(numbers) + 1)]


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", ".").replace("\N{NO-BREAK SPACE}", "").strip())
    except ValueError:
        return None
    return value if math.isfinite(value) else None
