"""Which wells do the plate maps of a study tell, and are they sound?"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from lamella.errors import PlateMapError
from lamella.inputs.plates import PlateContext, read_plate_map
from lamella.study.model import StudyFile
from lamella.table.findings import Finding
from lamella.table.wells import Design, Well

__all__ = ["PLATES", "read_design"]

PLATES = "plates"


def read_design(folder: Path, study: StudyFile) -> tuple[Design, list[Finding]]:
    """The wells of all plate maps of the study, and their problems."""
    wells: list[Well] = []
    findings: list[Finding] = []
    paths = sorted(path for path in (folder / PLATES).glob("[!.]*") if path.is_file())
    if not paths:
        message = f"no plate map in {PLATES}/: nothing tells which well got which dose."
        remedy = f"Write {PLATES}/<plate>.csv with the columns plate,well,batch,role,dose."
        findings.append(Finding("plate-map", "warning", f"{PLATES}/", message, remedy))
    context = PlateContext(factors=study.study.factors, dose_unit=study.study.dose_unit)
    for path in paths:
        try:
            plate_map = read_plate_map(path, context)
        except PlateMapError as error:
            place = f"{PLATES}/{path.name}"
            remedy = "Mend the file, or move it out of the folder."
            findings.append(Finding("plate-map", "error", place, str(error), remedy))
        else:
            wells += plate_map.wells
            findings += plate_map.findings
    name = study.study.compound.name if study.study.compound else ""
    named = tuple(_named(well, study.study.cell_line, name) for well in wells)
    for (plate, well), count in Counter((w.plate, w.well) for w in named).items():
        if count > 1 and not any(f.rule == "duplicated-well" for f in findings):
            message = f"well {well} of plate {plate} stands in more than one plate map."
            remedy = "Give each plate its own name."
            findings.append(Finding("duplicated-well", "error", f"{PLATES}/", message, remedy))
    return Design(named, _protocol(study)), findings


def _named(well: Well, cell_line: str, compound: str) -> Well:
    return replace(well, cell_line=well.cell_line or cell_line, compound=well.compound or compound)


def _protocol(study: StudyFile) -> dict[str, object]:
    merged: dict[str, object] = {}
    for entry in study.assay:
        merged |= entry.protocol.model_dump(exclude_defaults=True)
    return merged
