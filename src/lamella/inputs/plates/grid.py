"""The grid plate map: a block of rows and columns for each factor, as the plate lies."""

from __future__ import annotations

import re
from pathlib import Path

from lamella.inputs.plates.platemap import Entry, PlateContext, PlateMap, check_columns
from lamella.inputs.plates.platemap import check_entries as check
from lamella.inputs.plates.spreadsheet import Line, find_separator, read_lines
from lamella.table.findings import Finding

__all__ = ["GridForm"]

_ROW = re.compile(r"[A-Za-z]{1,2}")


class GridForm:
    """Blocks with the factor's name in the corner, columns across and rows down."""

    name = "grid"

    @staticmethod
    def sniff(path: Path, head: str) -> bool:
        """True where the first line that is not empty counts 1, 2, 3 ... after its corner."""
        mark = find_separator(head)
        cells = [
            [cell.strip(' "\ufeff') for cell in line.split(mark)] for line in head.splitlines()
        ]
        return _is_header(next((tuple(line) for line in cells if any(line)), ()))

    @staticmethod
    def read(path: Path, context: PlateContext) -> PlateMap:
        """Wells and findings of the file; a well is there where any block writes in it.

        Raises:
            PlateMapError: The file is missing or is not a text table.
        """
        wells: dict[str, dict[str, str]] = {}
        findings: list[Finding] = []
        places: dict[str, str] = {}
        factor = ""
        columns: tuple[str, ...] = ()
        names: list[str] = []
        for line in read_lines(path):
            place = f"{path.name}, line {line.number}"
            if _is_header(line.cells):
                factor, columns = _factor(line.cells[0]), line.cells[1:]
                names.append(factor)
                findings += check_columns([factor], context, place)
            elif line.cells and _ROW.fullmatch(line.cells[0]) and factor:
                for column, cell in zip(columns, line.cells[1:], strict=False):
                    if cell and column:
                        well = f"{line.cells[0]}{column}"
                        wells.setdefault(well, {})[factor] = cell
                        places.setdefault(well, place)
            elif not line.empty:
                findings.append(_stray(place, line))
        findings += _without_blocks(path, names)
        entries = [
            Entry(places[well], {"well": well, **dict.fromkeys(names, ""), **values})
            for well, values in wells.items()
        ]
        checked = check(entries, context)
        return PlateMap(checked.wells, (*findings, *checked.findings))


def _is_header(cells: tuple[str, ...]) -> bool:
    numbers = [cell for cell in cells[1:] if cell]
    counted = [str(number) for number in range(1, len(numbers) + 1)]
    return len(numbers) >= 2 and [cell.lstrip("0") for cell in numbers] == counted


def _factor(corner: str) -> str:
    return corner.strip().lower().replace(" ", "_")


def _stray(place: str, line: Line) -> Finding:
    return Finding(
        "line-outside-blocks",
        "error",
        place,
        f"'{' '.join(cell for cell in line.cells if cell)[:60]}' belongs to no block.",
        "Begin each block with the factor's name and 1, 2, 3 ... beside it, and each of its "
        "lines with the letter of the row.",
    )


def _without_blocks(path: Path, names: list[str]) -> list[Finding]:
    findings = []
    if "role" not in names:
        findings.append(
            Finding(
                "column-missing",
                "error",
                path.name,
                "there is no block 'role'.",
                "Add a block with 'role' in its corner.",
            )
        )
    if "batch" not in names:
        findings.append(
            Finding(
                "batch-missing",
                "warning",
                path.name,
                "there is no block 'batch', so all wells count as one experiment (n = 1).",
                "Add a block with 'batch' in its corner: one name an independent experiment.",
            )
        )
    return findings
