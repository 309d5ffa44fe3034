"""The tidy plate map: a text table with one line a well."""

from __future__ import annotations

from pathlib import Path

from lamella.inputs.plates.platemap import Entry, PlateContext, PlateMap, check_columns
from lamella.inputs.plates.platemap import check_entries as check
from lamella.inputs.plates.spreadsheet import Line, read_lines
from lamella.table.findings import Finding

__all__ = ["TidyForm"]


class TidyForm:
    """`plate,well,batch,role,cell_line,compound,dose,...`, one line a well."""

    name = "tidy"

    @staticmethod
    def sniff(path: Path, head: str) -> bool:
        """True where the first line that is not empty has a column for wells or rows."""
        first = next((line for line in head.splitlines() if line.strip(" \t,;\ufeff")), "")
        names = {_column(cell) for cell in first.replace(";", ",").replace("\t", ",").split(",")}
        return "well" in names or {"row", "column"} <= names or {"role", "dose"} <= names

    @staticmethod
    def read(path: Path, context: PlateContext) -> PlateMap:
        """Wells and findings of the file.

        Raises:
            PlateMapError: The file is missing or is not a text table.
        """
        lines = [line for line in read_lines(path) if not line.empty]
        if len(lines) < 2:
            empty = Finding(
                "empty-plate-map",
                "error",
                str(path),
                "the plate map has no wells.",
                "Write one line a well under the names of the columns.",
            )
            return PlateMap((), (empty,))
        header, body = lines[0], lines[1:]
        columns = [_column(cell) for cell in header.cells]
        place = f"{path.name}, line {header.number}"
        findings = check_columns(_named(columns), context, place)
        findings += _missing(columns, place)
        if any(finding.rule == "column-missing" for finding in findings):
            return PlateMap((), tuple(findings))
        checked = check((_entry(path, columns, line) for line in body), context)
        findings += [_one_batch(place)] if "batch" not in columns else []
        return PlateMap(checked.wells, (*findings, *checked.findings))


def _column(cell: str) -> str:
    name = cell.strip().strip('"\ufeff').strip().lower().replace(" ", "_")
    return {"col": "column"}.get(name, name)


def _named(columns: list[str]) -> list[str]:
    place_columns = ("row", "column") if "well" not in columns else ()
    return [column for column in columns if column and column not in place_columns]


def _missing(columns: list[str], place: str) -> list[Finding]:
    lacking = [] if "role" in columns else ["role"]
    if "well" not in columns and not {"row", "column"} <= set(columns):
        lacking.insert(0, "well")
    return [
        Finding(
            "column-missing",
            "error",
            place,
            f"there is no column '{name}'.",
            f"Add the column '{name}' to the first line of the table.",
        )
        for name in lacking
    ]


def _one_batch(place: str) -> Finding:
    return Finding(
        "batch-missing",
        "warning",
        place,
        "there is no column 'batch', so all wells count as one experiment (n = 1).",
        "Add the column 'batch': one name an independent experiment (day, passage, thaw).",
    )


def _entry(path: Path, columns: list[str], line: Line) -> Entry:
    values = {
        column: cell for column, cell in zip(columns, line.cells, strict=False) if column.strip()
    }
    if "well" not in columns:
        values["well"] = values.pop("row", "") + values.pop("column", "")
    return Entry(f"{path.name}, line {line.number}", values)
