"""Puts a virtual experiment on inserts on disk as a study, with the truth of every field."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import tifffile

from lamella.study.dose_response import dose_response
from lamella.study.virtual_folder import Truth, VirtualFolder, truth_of, write_folder
from lamella.table.wells import Well
from lamella.units import Dose
from lamella.virtual.membrane import RenderedMembrane
from lamella.virtual.membrane_study import (
    MembraneStudy,
    VirtualInsert,
    nominal_density,
    plan_inserts,
    render_insert,
)

__all__ = ["TRUTH_CELLS", "TRUTH_FIELDS", "true_membrane_potency", "write_membrane_study"]

TRUTH_FIELDS = "truth_fields.csv"
"""One line a picture: what was put into its insert, and how many cells it shows."""
TRUTH_CELLS = "truth_cells.csv"
"""One line a cell: the picture, and its middle in pixels."""

_STUDY = """\
# A virtual experiment, rendered by Lamella: no cell has been harmed, and none has been seen.
[study]
title = "Virtual defactinib on {what} (seed {seed})"
cell_line = "virtual epithelium"
cell_line_accession = "a line of our own, simulated"

[study.compound]
name = "defactinib"
form = "free base"
batch = "simulated"
purity_percent = 100
solvent = "DMSO"

[study.cell_lines."virtual epithelium"]
organism = "none, simulated"
str_date = "has no genome"
passage = "simulated"
mycoplasma = "none, simulated"

[study.reporting]
n_is = "independent experiments, simulated with their own seeds"
randomisation = "inserts of each plate at random, seed {seed}"
blinding = "analysis without knowledge of the truth"
exclusion = "none"
approach = "in silico"

[[assay]]
kind = "{kind}"
images = "images/{{plate}}/{{well}}_{{field}}.tif"

[assay.protocol]
solvent_percent = 0.1
duration_h = {hours}
cells_per_insert = 30000
insert_area_cm2 = 0.332
confluent_per_cm2 = 126000
inhibitor_side = "both"
preincubation_h = 1
claim = "chemotaxis"
field_choice = "random"
viability_correction = "none: the simulated compound kills nothing"
substrate = "membrane with 8 um pores, simulated"
modality = "bright field, crystal violet, simulated"
{matrix}"""

_MATRIX = """\
matrix_mg_per_ml = 0.2
matrix_lot = "simulated"
matrix_ul_per_insert = 50
matrix_form = "coat"
"""
_HEADER = "plate,well,batch,role,compound,dose,coating,attractant"
_CONTROLS = {"vehicle": ("DMSO", ""), "positive": ("cytochalasin D", "1 µM"), "blank": ("", "")}


def write_membrane_study(study: MembraneStudy, folder: Path, *, workers: int = 1) -> Truth:
    """Write a virtual experiment as a study folder that `run` reads as any other."""
    inserts = plan_inserts(study)
    coated = study.through_coat is not None
    text = _STUDY.format(
        seed=study.seed,
        what="Matrigel invasion" if coated else "Transwell migration",
        kind="invasion" if coated else "transwell",
        hours=24 if coated else 16,
        matrix=_MATRIX if coated else "",
    )
    truth = true_membrane_potency(study)
    virtual = VirtualFolder(text, repr(study), _maps(inserts, coated=coated), truth)
    work = partial(_write_insert, study, folder)
    shown = write_folder(virtual, folder, work, wells=inserts, workers=workers)
    fields = [field for of_insert in shown for field in of_insert]
    _write_csv(folder / TRUTH_FIELDS, _FIELD_COLUMNS, (field.line for field in fields))
    cells = ((field.line[0], *cell) for field in fields for cell in field.cells)
    _write_csv(folder / TRUTH_CELLS, _CELL_COLUMNS, cells)
    return truth


def true_membrane_potency(study: MembraneStudy) -> Truth:
    """Fit the densities that were simulated: every dose once, no spread."""
    doses = (0.0, *study.doses_molar)
    wells = tuple(
        Well("truth", f"B{i + 2:02d}", "1", "test" if dose else "vehicle", dose=Dose(dose))
        for i, dose in enumerate(doses)
    )
    values = {
        (well.plate, well.well): nominal_density(study, dose_molar=dose)
        for well, dose in zip(wells, doses, strict=True)
    }
    return truth_of(dose_response(wells, values, name="Density"))


_FIELD_COLUMNS = (
    "image",
    "plate",
    "well",
    "field",
    "batch",
    "role",
    "dose_molar",
    "coated",
    "attracted",
    "cells",
    "cells_inside",
    "area_mm2",
)
_CELL_COLUMNS = ("image", "x_px", "y_px", "inside")


@dataclass(frozen=True, slots=True)
class _FieldTruth:
    """The line of one picture, and the lines of its cells without its name."""

    line: tuple[object, ...]
    cells: tuple[tuple[object, ...], ...]


def _write_insert(study: MembraneStudy, folder: Path, insert: VirtualInsert) -> list[_FieldTruth]:
    place = folder / "images" / insert.plate
    place.mkdir(parents=True, exist_ok=True)
    shown = []
    for number, field in enumerate(render_insert(study, insert), start=1):
        per_cm = 1e4 / field.pixel_um
        path = place / f"{insert.well}_f{number}.tif"
        shown.append(_truth(insert, field, path.relative_to(folder).as_posix(), f"f{number}"))
        tifffile.imwrite(
            path,
            field.image,
            photometric="rgb",
            compression="zlib",
            compressionargs={"level": 1},
            resolution=(per_cm, per_cm),
            resolutionunit="CENTIMETER",
        )
    return shown


def _truth(insert: VirtualInsert, shown: RenderedMembrane, image: str, field: str) -> _FieldTruth:
    height, width = shown.image.shape[:2]
    told = (insert.plate, insert.well, field, insert.batch, insert.role)
    dose = f"{insert.dose_molar:.9g}" if insert.role == "test" else ""
    count = (shown.count, shown.inside, f"{height * width * (shown.pixel_um * 1e-3) ** 2:.6g}")
    line = (image, *told, dose, insert.coated, insert.attracted, *count)
    cells = zip(shown.points_px.round(2).tolist(), shown.belongs.tolist(), strict=True)
    return _FieldTruth(line, tuple((x, y, inside) for (x, y), inside in cells))


def _write_csv(path: Path, columns: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(lines)


def _maps(inserts: Sequence[VirtualInsert], *, coated: bool) -> dict[str, list[str]]:
    maps: dict[str, list[str]] = {}
    for insert in inserts:
        lines = maps.setdefault(insert.plate, [_HEADER])
        compound, dose = _CONTROLS.get(insert.role) or (
            # Nine digits: the doses are what was simulated, not a rounded label.
            ("defactinib", f"{insert.dose_molar * 1e9:.9g} nM")
        )
        coat = ("Matrigel" if insert.coated else "none") if coated else ""
        attractant = "10 % FBS" if insert.attracted else "none"
        cells = (insert.plate, insert.well, insert.batch, insert.role, compound, dose)
        lines.append(",".join((*cells, coat, attractant)))
    return maps
