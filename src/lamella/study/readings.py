"""Tables of a plate reader: what do they add to the wells of a study, and what is off?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lamella.assays import ASSAYS
from lamella.errors import PlateMapError
from lamella.inputs.plates.readings import Reading, read_readings
from lamella.potency.elution import (
    ELUTED,
    OD_COLUMN,
    STANDARD_COLUMN,
    eluted_rows,
    plate_elutions,
)
from lamella.study.model import STUDY_FILE, AssayEntry, StudyFile
from lamella.table.findings import Finding
from lamella.table.wells import Design, Well

__all__ = ["ReadTables", "read_tables", "with_readouts_of_tables"]

_KINDS = tuple(assay.name for assay in ASSAYS if ELUTED[0] in assay.readouts)


@dataclass(frozen=True)
class ReadTables:
    """The wells with their optical densities, the tables that state them, and all problems."""

    design: Design
    paths: tuple[Path, ...] = ()
    findings: tuple[Finding, ...] = ()


def with_readouts_of_tables(study: StudyFile) -> StudyFile:
    """The same study; an assay without pictures reads eluted dye where it does not say so."""
    assays = tuple(
        entry
        if entry.images or entry.readout is not None
        else entry.model_copy(update={"readout": ELUTED[0]})
        for entry in study.assay
    )
    return study.model_copy(update={"assay": assays})


def read_tables(folder: Path, study: StudyFile, design: Design) -> ReadTables:
    """The design with the readings of all tables that the study names; nothing is raised.

    Wells that state a number of cells and are not in a plate map are standards; other wells
    without a line in a plate map are told and left out.
    """
    paths: list[Path] = []
    findings: list[Finding] = []
    for entry in study.assay:
        if entry.readouts and entry.kind in _KINDS:
            found = _of_assay(folder, entry, design)
            design = found.design
            paths += found.paths
            findings += found.findings
    return ReadTables(design, tuple(dict.fromkeys(paths)), tuple(dict.fromkeys(findings)))


def _of_assay(folder: Path, entry: AssayEntry, design: Design) -> ReadTables:
    paths = tuple(sorted(path for path in _named(folder, entry.readouts) if path.is_file()))
    findings: list[Finding] = []
    if not paths:
        message = f"readouts = '{entry.readouts}' names no file."
        remedy = "Put the tables of the plate reader there, one a plate, or correct the pattern."
        findings.append(Finding("no-readings", "error", STUDY_FILE, message, remedy))
    readings: list[Reading] = []
    for path in paths:
        try:
            found = read_readings(path)
        except PlateMapError as error:
            remedy = "Export the table as CSV, or move the file elsewhere."
            findings.append(Finding("readings", "error", path.name, str(error), remedy))
        else:
            readings += found.readings
            findings += found.findings
    findings += _repeated(readings)
    merged = _merged(design, readings)
    findings += [*_mismatches(design, readings), *_doubts(merged, entry)]
    return ReadTables(merged, paths, tuple(findings))


def _named(folder: Path, pattern: str) -> Iterable[Path]:
    place = folder / pattern
    if place.is_dir():
        return place.glob("[!.]*")
    inside = pattern.replace("{plate}", "*")
    return [] if Path(inside).is_absolute() or not inside else folder.glob(inside)


def _merged(design: Design, readings: Sequence[Reading]) -> Design:
    told = {(one.plate, one.well): one for one in readings}
    wells = tuple(_with_reading(well, told.get((well.plate, well.well))) for well in design.wells)
    known = {(well.plate, well.well) for well in (*design.wells, *design.standards)}
    standards = tuple(
        _with_reading(Well(one.plate, one.well, "", "blank"), one)
        for place, one in sorted(told.items())
        if one.standard_cells is not None and place not in known
    )
    return replace(design, wells=wells, standards=(*design.standards, *standards))


def _with_reading(well: Well, reading: Reading | None) -> Well:
    if reading is None:
        return well
    factors = {**well.factors, OD_COLUMN: repr(reading.od)}
    if reading.standard_cells is not None:
        factors[STANDARD_COLUMN] = repr(reading.standard_cells)
    return replace(well, factors=factors)


def _repeated(readings: Sequence[Reading]) -> Iterator[Finding]:
    first: dict[tuple[str, str], Reading] = {}
    for one in readings:
        before = first.setdefault((one.plate, one.well), one)
        if before is not one:
            message = f"well {one.well} of plate '{one.plate}' was read already at {before.place}."
            remedy = "Keep one of the tables, or correct the name of its plate."
            yield Finding("duplicated-well", "error", one.place, message, remedy)


def _mismatches(design: Design, readings: Sequence[Reading]) -> Iterator[Finding]:
    read = {(one.plate, one.well) for one in readings}
    for one in readings:
        well = design.at(one.plate, one.well)
        stated = well.factors.get(OD_COLUMN, "").strip() if well else ""
        if stated and stated != repr(one.od):
            message = f"the plate map states the OD {stated}, the table {one.od:g}."
            remedy = "Keep one of them; until then the table counts."
            yield Finding("od-stated-twice", "warning", one.place, message, remedy)
        if well is None and one.standard_cells is None:
            message = "has an OD and no row in the plate map; it enters nothing."
            remedy = (
                "Add the well to the plate map, correct the name of its plate (column 'plate', or "
                "the name of the table), or state standard_cells if it is a standard."
            )
            yield Finding("well-without-map", "warning", one.place, message, remedy)
    for well in design.wells:
        place = well.plate, well.well
        if read and place not in read and not well.factors.get(OD_COLUMN, "").strip():
            message = "is in the plate map and has no OD."
            remedy = "Add its reading, or take the well out of the plate map."
            yield Finding("well-without-reading", "warning", " ".join(place), message, remedy)


def _doubts(design: Design, entry: AssayEntry) -> Iterator[Finding]:
    """What blanks, standards and their range make of the readings."""
    elutions = plate_elutions(design)
    counted = entry.readout == "eluted_cells"
    for plate in sorted({well.plate for well in design.wells} & set(elutions)):
        found = elutions[plate]
        blanks = [w for w in design.wells if w.plate == plate and w.role == "blank"]
        if found.blank is None and blanks:
            message = "has blank inserts and no OD of any: nothing can be subtracted."
            remedy = "Read the eluate of its stained blank, too."
            yield Finding("no-blank-reading", "error", f"plate {plate}", message, remedy)
        if found.curve is None and (found.standards or counted):
            level = "error" if counted else "warning"
            message = f"{found.problem.rstrip('.')}."
            remedy = "Without a curve there are ODs and no cells, and no range to hold them to."
            yield Finding("standard-curve", level, f"plate {plate}", message, remedy)  # type: ignore[arg-type]
    wells = [well for well in design.wells if not well.factors.get(STANDARD_COLUMN)]
    for row in eluted_rows(design, assay=entry.kind, wells=wells):
        well = design.at(row.plate, row.well)
        blank = well is not None and well.role == "blank"
        if row.metric == "eluted_od" and row.flag in ("below_blank", "above_range") and not blank:
            remedy = "Elute longer or count pictures: these inserts hold hardly any dye."
            if row.flag == "above_range":
                remedy = "Dilute these eluates, the blank and the standards alike, and read again."
            place, message = f"{row.plate} {row.well}", f"{row.reason}."
            yield Finding(row.flag.replace("_", "-"), "warning", place, message, remedy)
