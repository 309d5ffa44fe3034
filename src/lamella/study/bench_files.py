"""Which tables and plate maps does a plan leave in the study folder?"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from lamella.design.worklist import Transfer, opentrons_protocol, picklist
from lamella.errors import SettingsError
from lamella.study.bench import Sheet
from lamella.study.bench_inserts import served
from lamella.study.bench_layout import map_text
from lamella.study.bench_plan import BenchPlan
from lamella.study.bench_schedule import clock
from lamella.study.plate_maps import PLATES
from lamella.units import Dose

__all__ = ["PLAN", "transfers_of", "write_plan_files"]

PLAN = "plan"


def write_plan_files(plan: BenchPlan) -> tuple[Path, ...]:
    """Write plate maps that were laid out, and the tables of the plan; returns their paths.

    A plate map goes to `plates/` where the study had none; no file of a person is overwritten.
    Tables go to `plan/`, which belongs to Lamella.
    """
    folder = plan.folder / PLAN
    folder.mkdir(parents=True, exist_ok=True)
    written = [*_maps(plan)]
    written.append(_write(folder / "dilution.csv", _dilution_rows(plan.sheets)))
    written.append(_write(folder / "schedule.csv", _schedule_rows(plan.sheets)))
    written.append(_write(folder / "power.csv", _power_rows(plan)))
    for sheet in plan.sheets:
        for plate in sheet.plates:
            try:
                written += _worklists(plan, sheet, plate)
            except SettingsError:  # more tubes than a robot has racks for: pipetted by hand
                continue
    return tuple(written)


def transfers_of(sheet: Sheet, plate: str) -> tuple[Transfer, ...]:
    """From which tube how much goes into each well of a plate, in the order of the tubes."""
    moves: list[Transfer] = []
    number = 0
    wells = [well for of_plate in sheet.plates.values() for well in of_plate]
    for one in sheet.dilutions:
        if one.plan is None or not one.plan.solutions:
            continue
        for solution in one.plan.solutions:
            number += 1
            dose = solution.dose_molar
            holds = f"{one.compound} {Dose(float(f'{dose:.4g}'))}" if dose else "vehicle"
            told = f"{holds}, {solution.portion}" if solution.portion else holds
            moves += [
                Transfer(number, told, plate, well.well, solution.per_well_ul)
                for well in served(solution, one.compound, wells)
                if well.plate == plate
            ]
    return tuple(moves)


def _worklists(plan: BenchPlan, sheet: Sheet, plate: str) -> list[Path]:
    """A picklist and, where the plate has no inserts, a protocol for a robot."""
    moves = transfers_of(sheet, plate)
    if not moves:
        return []
    folder = plan.folder / PLAN
    stem = re.sub(r"[^\w.-]+", "_", f"{sheet.protocol.id}-{plate}")
    picks = folder / f"picklist-{stem}.csv"
    picks.write_text(picklist(moves), encoding="utf-8")
    if sheet.vessel.insert:  # no robot of ours knows where an insert hangs
        return [picks]
    robot = folder / f"opentrons-{stem}.py"
    title = f"{plan.study.study.title}: {sheet.protocol.title}, plate {plate}"
    text = opentrons_protocol(moves, title=title, plate_wells=sheet.vessel.wells)
    robot.write_text(text, encoding="utf-8")
    return [picks, robot]


def _maps(plan: BenchPlan) -> Iterable[Path]:
    """The plate maps that were laid out, and the seeds that give them again."""
    if not plan.proposed:
        return
    places = plan.folder / PLATES
    places.mkdir(exist_ok=True)
    for one in plan.proposed:
        path = places / f"{one.layout.plate}.csv"
        with path.open("x", encoding="utf-8") as file:
            file.write(map_text(one.wells))
        yield path
    seeds = [
        {
            "plate": one.layout.plate,
            "batch": one.batch,
            "seed": one.layout.seed,
            "format": one.layout.format,
            "edge": one.layout.edge,
            "imaging_order": [well.well for well in one.wells],
            "block": list(one.layout.block),
        }
        for one in plan.proposed
    ]
    path = plan.folder / PLAN / "layout.json"
    document = {"schema": "lamella/layout", "version": 1, "seed": plan.study.plan.seed}
    path.write_text(json.dumps({**document, "plates": seeds}, indent=1), encoding="utf-8")
    yield path


def _dilution_rows(sheets: Sequence[Sheet]) -> Iterable[Sequence[object]]:
    yield (
        "assay", "batch", "compound", "kind", "name", "concentration_molar", "take_from",
        "take_ul", "add_ul", "total_ul", "wells", "per_well_ul",
    )  # fmt: skip
    for sheet in sheets:
        for one in sheet.dilutions:
            if one.plan is None:
                continue
            head = (sheet.protocol.id, sheet.batch, one.compound)
            above = "stock"
            tube_of: dict[float | None, str] = {}
            for index, tube in enumerate(one.plan.tubes, start=1):
                name = tube_of[tube.dose_molar] = f"T{index}"
                yield (
                    *head, "solvent", name, tube.tube_molar, above,
                    tube.take_ul, tube.solvent_ul, tube.total_ul, "", "",
                )  # fmt: skip
                above = name
            for made in one.plan.solutions:
                dose = made.dose_molar
                yield (
                    *head, made.portion or "medium", f"{dose:.4g} M" if dose else "vehicle", dose,
                    tube_of[dose] if dose else "solvent", made.take_ul, made.medium_ul,
                    made.total_ul, made.wells, made.per_well_ul,
                )  # fmt: skip


def _schedule_rows(sheets: Sequence[Sheet]) -> Iterable[Sequence[object]]:
    yield "assay", "batch", "step", "start_h", "until_h", "start", "then"
    for sheet in sheets:
        for row in sheet.schedule:
            start, until = round(row.start_h, 3), round(row.until_h, 3)
            told = clock(row.start_h)
            yield sheet.protocol.id, sheet.batch, row.what, start, until, told, row.wait


def _power_rows(plan: BenchPlan) -> Iterable[Sequence[object]]:
    yield "assay", "effect_percent", "days", "wells", "power"
    for power in plan.powers:
        for days, row in zip(power.grid_batches, power.grid, strict=True):
            for wells, value in zip(power.grid_wells, row, strict=True):
                yield power.kind, power.effect_percent, days, wells, round(value, 4)


def _write(path: Path, rows: Iterable[Sequence[object]]) -> Path:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for row in rows:
        writer.writerow([f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row])
    path.write_text(buffer.getvalue(), encoding="utf-8")
    return path
