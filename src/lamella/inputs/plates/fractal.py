"""The Fractal condition table: `row,column` and free columns, a line a condition of a well."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from lamella.inputs.plates.platemap import COLUMNS, Entry, PlateContext, PlateMap, check_entries
from lamella.inputs.plates.solvents import names_solvent
from lamella.inputs.plates.spreadsheet import Line, find_separator, read_lines
from lamella.table.findings import Finding

__all__ = ["FractalForm"]

_PLACE = frozenset({"row", "column", "col"})
_OURS = frozenset({"well", "role"})
_CALLED = {
    "drug": "compound",
    "treatment": "compound",
    "concentration": "dose",
    "conc": "dose",
    "cellline": "cell_line",
    "cells": "cell_line",
    "replicate_batch": "batch",
}
_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none"})
_MOST_CONDITIONS = 2


class FractalForm:
    """A CSV as the Fractal converters attach it to the wells of an OME-Zarr plate.

    It has `row`, `column` (or `col`), perhaps `acquisition`, and columns of any name. Several
    lines of one well are several compounds in it.
    """

    name = "Fractal condition table"

    @staticmethod
    def sniff(path: Path, head: str) -> bool:
        """True where there are a row and a column, and neither wells nor roles."""
        mark = find_separator(head)
        first = next((line for line in head.splitlines() if line.strip(" \t,;\ufeff")), "")
        names = {_named(cell) for cell in first.split(mark)}
        return "row" in names and bool(names & {"column", "col"}) and not names & _OURS

    @staticmethod
    def read(path: Path, context: PlateContext) -> PlateMap:
        """Wells and findings of the file; roles are proposed, and the findings say so.

        Raises:
            PlateMapError: The file is missing or is not a text table.
        """
        lines = [line for line in read_lines(path) if not line.empty]
        columns = [_named(cell) for cell in lines[0].cells]
        findings = [*_proposals(path), *_free_columns(path, columns, context)]
        wells: dict[tuple[str, str], list[Line]] = defaultdict(list)
        for line in lines[1:]:
            said = dict(zip(columns, line.cells, strict=False))
            place = (said.get("row", ""), said.get("column") or said.get("col", ""))
            wells[place].append(line)
        entries = []
        for (row, column), mine in wells.items():
            at = f"{path.name}, line {mine[0].number}"
            conditions = _distinct(columns, mine)
            if len(conditions) > _MOST_CONDITIONS:
                findings.append(_too_many(at, f"{row}{column}", len(conditions)))
            entries.append(Entry(at, {"well": f"{row}{column}", **_values(conditions)}))
        checked = check_entries(entries, context)
        return PlateMap(checked.wells, (*findings, *checked.findings))


def _named(cell: str) -> str:
    name = cell.strip().strip('"\ufeff').strip().lower().replace(" ", "_")
    return _CALLED.get(name, name)


def _distinct(columns: Sequence[str], lines: Iterable[Line]) -> list[dict[str, str]]:
    """The conditions of a well; acquisitions that repeat one are one."""
    found: list[dict[str, str]] = []
    for line in lines:
        said = {
            column: "" if cell.lower() in _MISSING else cell
            for column, cell in zip(columns, line.cells, strict=False)
            if column and column not in _PLACE and column != "acquisition"
        }
        if said not in found:
            found.append(said)
    return found


def _values(conditions: Sequence[dict[str, str]]) -> dict[str, str]:
    """Columns of one well: its compounds in turn, solvents apart, and what else is said."""
    values: dict[str, str] = {}
    for condition in reversed(conditions):
        values |= {key: text for key, text in condition.items() if text}
    actives = [
        one for one in conditions if one.get("compound") and not names_solvent(one["compound"])
    ]
    for key in ("compound", "dose"):
        values.pop(key, None)
    for number, one in enumerate(actives[:_MOST_CONDITIONS]):
        suffix = "" if number == 0 else f"_{number + 1}"
        values |= {f"compound{suffix}": one["compound"], f"dose{suffix}": one.get("dose", "")}
    if not actives:
        solvent = next((one["compound"] for one in conditions if one.get("compound")), "")
        values["compound"] = solvent
        values["role"] = "vehicle" if solvent else "untreated"
    else:
        values["role"] = "test"
    return values


def _proposals(path: Path) -> tuple[Finding, ...]:
    message = (
        "a condition table stores no roles: wells with a compound are taken for 'test', with "
        "solvent alone for 'vehicle', with neither for 'untreated'."
    )
    remedy = "Check the roles; write a tidy plate map if one is wrong."
    return (Finding("role-proposed", "warning", path.name, message, remedy),)


def _free_columns(path: Path, columns: Sequence[str], context: PlateContext) -> Iterable[Finding]:
    """Such a table may have any column: those that mean nothing here are kept and told."""
    known = {*COLUMNS, *context.factors, *_PLACE, "acquisition"}
    free = [column for column in columns if column and column not in known]
    if free:
        message = f"kept as factors: {', '.join(free)}."
        remedy = f"Nothing, or declare them: factors = {free}."
        yield Finding("free-columns", "note", path.name, message, remedy)
    if "batch" not in columns:
        yield Finding(
            "batch-missing",
            "warning",
            path.name,
            "there is no column 'batch', so all wells count as one experiment (n = 1).",
            "Add the column 'batch': one name an independent experiment (day, passage, thaw).",
        )


def _too_many(place: str, well: str, count: int) -> Finding:
    message = f"well {well} has {count} conditions; a plate map holds two compounds."
    return Finding("conditions", "error", place, message, "Keep the two that were tested together.")
