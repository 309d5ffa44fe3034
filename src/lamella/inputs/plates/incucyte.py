"""The Incucyte plate map: an XML file of wells with compounds, cells and growth conditions."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from lamella.errors import PlateMapError
from lamella.inputs.plates.platemap import Entry, PlateContext, PlateMap, check_entries
from lamella.inputs.plates.solvents import names_solvent
from lamella.inputs.plates.spreadsheet import read_text
from lamella.inputs.safe_xml import XmlError, attribute, children, parse_xml
from lamella.inputs.well_names import well_at
from lamella.table.findings import Finding

__all__ = ["IncucyteForm"]

_COLUMN_OF = {"CellType": "cell_line", "GrowthCondition": "growth_condition"}
_MOST_ROWS = 32


class IncucyteForm:
    """`.PlateMap`, as the Incucyte software exports it."""

    name = "Incucyte PlateMap"

    @staticmethod
    def sniff(path: Path, head: str) -> bool:
        """True where the file begins as the XML of a plate map."""
        return "<plateMap" in head

    @staticmethod
    def read(path: Path, context: PlateContext) -> PlateMap:
        """Wells and findings of the file; roles are proposed, and the findings say so.

        Raises:
            PlateMapError: The XML is damaged or hostile.
        """
        try:
            # Encoded anew, so that an encoding stated inside cannot contradict the text.
            text = re.sub(r"^\s*<\?xml[^>]*\?>", "", read_text(path).lstrip("\ufeff"))
            wells = list(_wells(parse_xml(text), path.name))
        except (XmlError, ValueError) as error:
            raise PlateMapError(
                f"{path} cannot be read: {error}. Export the plate map again."
            ) from error
        checked = check_entries([entry for entry in wells if len(entry.values) > 1], context)
        return PlateMap(checked.wells, (*_proposals(path), *checked.findings))


def _wells(root: Element, name: str) -> Iterator[Entry]:
    for well in children(root, "wellStore", "wells", "well"):
        row, column = int(attribute(well, "row", "-1")), int(attribute(well, "col", "-1"))
        if not (0 <= row < _MOST_ROWS and 0 <= column < 99):
            raise ValueError(f"there is no well in row {row}, column {column} (from 0)")
        values = _values(children(well, "items", "wellItem"))
        yield Entry(name, {"well": well_at(row, column), **values})


def _values(items: list[Element]) -> dict[str, str]:
    """Columns of one well; empty where nothing was put into it."""
    found: dict[str, list[str]] = defaultdict(list)
    doses: list[str] = []
    for item in items:
        kind = attribute(item, "type")
        names = [attribute(each, "description") for each in children(item, "referenceItem")]
        found[_COLUMN_OF.get(kind, kind.lower())] += names[:1]
        if kind == "Compound":
            amount = attribute(item, "concentration")
            doses.append(f"{amount} {attribute(item, 'concentrationUnits')}".strip())
    values = {column: ", ".join(names) for column, names in found.items() if column != "compound"}
    compounds = list(zip(found["compound"], doses, strict=True))
    solvents = [each for each in compounds if names_solvent(each[0]) or each[1].endswith("%")]
    actives = [each for each in compounds if each not in solvents]
    if solvents:
        values["vehicle"] = ", ".join(f"{name} {dose}".strip() for name, dose in solvents)
    for number, (name, dose) in enumerate(actives or solvents[:1]):
        suffix = "" if number == 0 else f"_{number + 1}"
        values |= {f"compound{suffix}": name, f"dose{suffix}": dose if actives else ""}
    if values:
        values["role"] = "test" if actives else "vehicle" if solvents else "untreated"
    return values


def _proposals(path: Path) -> tuple[Finding, Finding]:
    return (
        Finding(
            "role-proposed",
            "warning",
            path.name,
            "the file stores no roles: wells with a compound are taken for 'test', with solvent "
            "alone for 'vehicle', with neither for 'untreated'.",
            "Check the roles; write a tidy plate map if one is wrong.",
        ),
        Finding(
            "batch-missing",
            "warning",
            path.name,
            "the file stores no batch, so all wells count as one experiment (n = 1).",
            "Write a tidy plate map with the column 'batch'.",
        ),
    )
