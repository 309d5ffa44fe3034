"""Puts a virtual experiment on disk as a study, and tells the truth of its read-out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from types import MappingProxyType

import numpy as np
import tifffile

from lamella.assays import scratch
from lamella.errors import SettingsError, nearest
from lamella.study.dose_response import dose_response, readout_values
from lamella.study.membrane_demo import write_membrane_study
from lamella.study.virtual_folder import Truth, VirtualFolder, truth_of, write_folder
from lamella.table.rows import Observation
from lamella.table.wells import Design, Well
from lamella.units import Dose
from lamella.virtual.membrane_study import invasion_study, transwell_study
from lamella.virtual.study import (
    ScratchStudy,
    VirtualWell,
    demo_study,
    nominal_gaps,
    plan_wells,
    render_field,
)

__all__ = ["DEMOS", "Truth", "true_potency", "write_demo", "write_study"]

_STOPS_MOLAR = 1e-3
_POSITIVES = 2
_CONTROLS = {"vehicle": ("DMSO", ""), "positive": ("cytochalasin D", "1 µM")}

_STUDY = """\
# A virtual experiment, rendered by Lamella: no cell has been harmed, and none has been seen.
[study]
title = "Virtual defactinib on wound closure (seed {seed})"
cell_line = "virtual epithelium"
cell_line_accession = "a line of our own, simulated"

[study.compound]
name = "defactinib"
form = "free base"
batch = "simulated"
purity_percent = 100
stock = "10 mM"
solvent = "DMSO"
expected_ic50 = "300 nM"

[study.cell_lines."virtual epithelium"]
organism = "none, simulated"
doubling_time_h = {doubling_h:.3g}
str_date = "has no genome"
passage = "simulated"
mycoplasma = "none, simulated"

[study.reporting]
n_is = "independent experiments, simulated with their own seeds"
randomisation = "wells of each plate at random, seed {seed}"
blinding = "analysis without knowledge of the truth"
exclusion = "none"
approach = "in silico"

[[assay]]
kind = "scratch"
images = "images/{{plate}}/{{well}}_{{field}}_{{time}}.tif"

[assay.protocol]
gap_tool = "rendered"
cells_per_cm2 = 100000
serum_percent = 1
solvent_percent = 0.1
proliferation_control = "mitomycin C 10 ug/mL 2 h"
duration_h = {duration_h:g}
substrate = "none, simulated"
modality = "phase contrast, simulated"

[plan]
attach_h = 24
gap_um = {gap_um:g}
interval_h = {interval_h:g}
stocks = {{ "cytochalasin D" = "1 mM" }}
"""


def write_demo(assay: str, folder: Path, *, seed: int = 1, workers: int = 1) -> Truth:
    """Render the demonstration study of an assay into `folder`, if it is not there yet.

    Raises:
        SettingsError: The assay has no demonstration.
        StudyError: The folder holds something else.
    """
    if assay not in DEMOS:
        raise SettingsError(f"assay '{assay}' has no demonstration. {nearest(assay, DEMOS)}")
    return DEMOS[assay](folder, seed=seed, workers=workers)


def write_study(
    study: ScratchStudy,
    folder: Path,
    *,
    workers: int = 1,
    positives: int = 0,
    randomised: bool = False,
) -> Truth:
    """Write a virtual experiment as a study folder that `run` reads as any other.

    Args:
        study: What is simulated.
        folder: Where; new, or a virtual study of before.
        workers: Processes that render.
        positives: Wells a plate with a compound that stops the cells, where the study has one.
        randomised: Spread the treatments of each plate at random over its positions.
    """
    wells = (*plan_wells(study), *_positive_wells(study, positives))
    if randomised:
        wells = _randomised(wells, seed=study.seed)
    virtual = VirtualFolder(
        text=_STUDY.format(
            seed=study.seed,
            duration_h=study.times_h[-1] - study.times_h[0],
            interval_h=study.times_h[1] - study.times_h[0],
            gap_um=study.gap_um,
            doubling_h=math.log(2) / study.migration.growth_per_h,
        ),
        described=repr(study),
        maps=_maps(wells),
        truth=true_potency(study),
    )
    write_folder(virtual, folder, partial(_write_well, study, folder), wells=wells, workers=workers)
    return virtual.truth


def true_potency(study: ScratchStudy) -> Truth:
    """Fit the read-out of the noise-free masks: every dose once, no spread."""
    doses = (0.0, *study.doses_molar)
    wells = tuple(
        Well("truth", f"B{i + 2:02d}", "1", "test" if dose else "vehicle", dose=Dose(dose))
        for i, dose in enumerate(doses)
    )
    rows: list[Observation] = []
    for well, dose in zip(wells, doses, strict=True):
        rows += scratch.rows_of_masks(
            list(nominal_gaps(study, dose_molar=dose)),
            times_h=study.times_h,
            pixel_um=study.scene.camera.pixel_um,
            place=(well.plate, well.well, "1"),
        )
    settled = scratch.ASSAY.settle(rows, Design(wells), scratch.ASSAY.settings())
    values = readout_values(settled, scratch.ASSAY.readouts[0])
    found = dose_response(wells, values, name="Edge speed")
    return truth_of(found)


def _positive_wells(study: ScratchStudy, count: int) -> Iterator[VirtualWell]:
    """Wells in the column after the last dose, where hardly any motility is left."""
    column = len(study.doses_molar) + 1
    for batch, replicate in product(range(study.batches), range(count)):
        yield VirtualWell(
            plate=f"P{batch + 1}",
            well=f"{chr(ord('B') + replicate)}{column + 2:02d}",
            batch=str(batch + 1),
            role="positive",
            dose_molar=_STOPS_MOLAR,
            key=(batch, column, replicate),
        )


def _randomised(wells: Sequence[VirtualWell], *, seed: int) -> tuple[VirtualWell, ...]:
    """The same wells, each plate's treatments spread at random over its positions."""
    rng = np.random.default_rng(seed)
    placed: list[VirtualWell] = []
    for plate in dict.fromkeys(well.plate for well in wells):
        mine = [well for well in wells if well.plate == plate]
        names = [mine[index].well for index in rng.permutation(len(mine))]
        placed += [replace(well, well=name) for well, name in zip(mine, names, strict=True)]
    return tuple(sorted(placed, key=lambda well: (well.plate, well.well)))


def _write_well(study: ScratchStudy, folder: Path, well: VirtualWell) -> None:
    place = folder / "images" / well.plate
    place.mkdir(parents=True, exist_ok=True)
    for number in range(study.fields):
        series = render_field(study, well, number)
        per_cm = 1e4 / series.pixel_um
        for frame, time_h in zip(series.frames, series.times_h, strict=True):
            tifffile.imwrite(
                place / f"{well.well}_f{number + 1}_{time_h:02.0f}h.tif",
                frame,
                compression="zlib",
                compressionargs={"level": 1},
                resolution=(per_cm, per_cm),
                resolutionunit="CENTIMETER",
            )


def _maps(wells: Sequence[VirtualWell]) -> dict[str, list[str]]:
    maps: dict[str, list[str]] = {}
    for well in wells:
        lines = maps.setdefault(well.plate, ["plate,well,batch,role,compound,dose"])
        compound, dose = _CONTROLS.get(well.role) or (
            # Nine digits: the doses are what was simulated, not a rounded label.
            ("defactinib", f"{well.dose_molar * 1e9:.9g} nM")
        )
        lines.append(f"{well.plate},{well.well},{well.batch},{well.role},{compound},{dose}")
    return maps


def _scratch(folder: Path, *, seed: int, workers: int) -> Truth:
    """Eight half-log doses, 3.16 nM to 10 µM: two below the lower bend, two above the upper."""
    doses = tuple(float(f"{10 ** (half_logs / 2 - 9):.3g}") for half_logs in range(1, 9))
    study = demo_study(seed=seed, size_px=448)
    times = tuple(float(hour) for hour in range(0, 25, 4))
    study = replace(study, doses_molar=doses, times_h=times)
    return write_study(study, folder, workers=workers, positives=_POSITIVES, randomised=True)


def _transwell(folder: Path, *, seed: int, workers: int) -> Truth:
    study = replace(transwell_study(seed=seed), positives=_POSITIVES)
    return write_membrane_study(study, folder, workers=workers)


def _invasion(folder: Path, *, seed: int, workers: int) -> Truth:
    study = replace(invasion_study(seed=seed), positives=_POSITIVES)
    return write_membrane_study(study, folder, workers=workers)


DEMOS: Mapping[str, Callable[..., Truth]] = MappingProxyType(
    {"scratch": _scratch, "transwell": _transwell, "invasion": _invasion}
)
