"""How does a plan become sheets to print and tape to the hood?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from lamella import __version__
from lamella.design.protocol import GUIDE, Parameter, Step, hazards
from lamella.report.plate_layout import plate_svg
from lamella.report.templating import environment, static_file, write_file
from lamella.report.typeset import counted, file_stem, number
from lamella.report.workflow import workflow_svg
from lamella.study.bench import Dilution, Sheet
from lamella.study.bench_inserts import served
from lamella.study.bench_plan import BenchPlan
from lamella.study.bench_schedule import clock
from lamella.table.findings import Finding
from lamella.table.plates import PLATE_FORMATS, smallest_format, well_place
from lamella.table.wells import Well
from lamella.units import Dose, format_volume

__all__ = ["RESEARCH_USE", "bench_drawings", "render_bench"]

RESEARCH_USE = (
    "For research use only. Not for diagnosis, therapy or any clinical decision. Without "
    "warranty: check every protocol, volume and hazard against your own set-up and safety sheets."
)


@dataclass(frozen=True)
class _Mixed:
    """One tube or working solution as a line to tick."""

    name: str
    holds: str
    take: str
    add: str
    total: str
    then: str
    portion: str = ""


@dataclass(frozen=True)
class _Plate:
    """One plate: its picture and what each treatment's wells are."""

    name: str
    picture: Markup
    arms: tuple[tuple[str, str, str], ...]


def render_bench(plan: BenchPlan, *, out: Path) -> Path:
    """Write the bench sheets of a plan as one HTML file that prints and needs no network.

    The diagrams and plates are also written as SVG, to `plan/` beside the page.

    Args:
        plan: What was planned.
        out: The page to write.

    Returns:
        `out`.
    """
    drawings = bench_drawings(plan)
    page = (
        environment(percent=_percent, number=number, dose=_dose)
        .get_template("bench.html")
        .render(
            plan=plan,
            study=plan.study.study,
            notice=RESEARCH_USE,
            guide=GUIDE,
            version=__version__,
            facts=list(_facts(plan)),
            titles={sheet.protocol.id: sheet.protocol.title for sheet in plan.sheets},
            workflows=[Markup(drawings[_workflow(sheet)]) for sheet in _first_sheets(plan)],
            sheets=[_sheet(sheet, drawings) for sheet in plan.sheets],
            open_count=sum(finding.rule == "plan-open" for finding in plan.findings),
            findings=_worst_first(plan),
            style=Markup(static_file("bench.css")),
        )
    )
    folder = out.parent / "plan"
    folder.mkdir(parents=True, exist_ok=True)
    for name, drawn in drawings.items():
        write_file(
            folder / f"{name}.svg", '<?xml version="1.0" encoding="UTF-8"?>\n' + drawn + "\n"
        )
    return write_file(out, page)


def bench_drawings(plan: BenchPlan) -> dict[str, str]:
    """Every diagram and plate of a plan as SVG, by the stem of its file."""
    drawn = {}
    for sheet in plan.sheets:
        waiting = {
            s.step.id
            for s in sheet.steps
            if any(not d.answer for d in s.decisions) or any(q.missing for q in s.quantities)
        }
        drawn[_workflow(sheet)] = workflow_svg(sheet.protocol, undecided=frozenset(waiting))
        for name, wells in sheet.plates.items():
            drawn[f"plate-{file_stem(name)}"] = plate_svg(wells, plate_format=_format(sheet, wells))
    return drawn


def _workflow(sheet: Sheet) -> str:
    return f"workflow-{sheet.protocol.id}"


def _first_sheets(plan: BenchPlan) -> list[Sheet]:
    """One sheet of each assay."""
    return list({sheet.protocol.id: sheet for sheet in reversed(plan.sheets)}.values())[::-1]


def _format(sheet: Sheet, wells: Sequence[Well]) -> int:
    least = smallest_format([well.well for well in wells])
    return max(least, sheet.vessel.wells) if sheet.vessel.wells in PLATE_FORMATS else least


def _facts(plan: BenchPlan) -> Iterator[tuple[str, str]]:
    told = plan.study.study
    if told.compound is not None:
        form = f", {told.compound.form}" if told.compound.form else ""
        yield "Compound", told.compound.name + form
        if told.compound.stock:
            yield "Stock", f"{told.compound.stock} in {told.compound.solvent or '?'}"
        yield "Lot", told.compound.batch or "not stated"
    yield "Cells", told.cell_line or "as on the plate map"
    days = len({sheet.batch for sheet in plan.sheets})
    plates = {name for sheet in plan.sheets for name in sheet.plates}
    wells = {(w.plate, w.well) for s in plan.sheets for ws in s.plates.values() for w in ws}
    yield "Size", f"{counted(days, 'day')}, {counted(len(plates), 'plate')}, {len(wells)} wells"


def _worst_first(plan: BenchPlan) -> list[Finding]:
    order = {"error": 0, "warning": 1, "note": 2}
    return sorted(plan.findings, key=lambda finding: order[finding.level])


def _sheet(sheet: Sheet, drawings: dict[str, str]) -> dict[str, object]:
    return {
        "sheet": sheet,
        "plates": [_plate(name, wells, drawings) for name, wells in sheet.plates.items()],
        "dilutions": [_dilution(one, sheet) for one in sheet.dilutions],
        "steps": [
            {
                "bench": item,
                "step": item.step,
                "at": clock(row.start_h),
                "takes": f"{item.step.minutes * len(sheet.plates):.0f} min",
                "wait": row.wait,
                "parameters": [_parameter(p) for p in item.step.parameters],
                "hazards": [name.replace("_", " ") for name in item.step.hazards],
                "source": _source(item.step),
            }
            for item, row in zip(sheet.steps, sheet.schedule, strict=True)
        ],
        "hazards": list(_hazards(sheet)),
        "schedule": [
            (clock(row.start_h), clock(row.until_h), row.what, row.wait) for row in sheet.schedule
        ],
    }


def _hazards(sheet: Sheet) -> Iterator[str]:
    """What to mind in any step of the sheet, once each."""
    for name in dict.fromkeys(name for item in sheet.steps for name in item.step.hazards):
        yield hazards()[name]


def _source(step: Step) -> str:
    if not step.guide:
        return step.source
    assay, _, place = step.guide.partition(" ")
    name = {"matrigel_invasion": "Matrigel", "transwell_migration": "Transwell"}.get(
        assay, "wound healing"
    )
    ref = f"its reference {step.ref}" if step.ref else "without a reference"
    return f"guide, {name}, step {place}, {ref}"


def _parameter(parameter: Parameter) -> dict[str, object]:
    return {
        "key": parameter.key,
        "label": parameter.label,
        "says": re.sub(r"\d{5,}", _grouped, parameter.says.replace(" uL", " µL")),
        "gap": parameter.gap,
    }


def _grouped(digits: re.Match[str]) -> str:
    return f"{int(digits[0]):,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _plate(name: str, wells: Sequence[Well], drawings: dict[str, str]) -> _Plate:
    return _Plate(name, Markup(drawings[f"plate-{file_stem(name)}"]), tuple(_arms(wells)))


def _arms(wells: Sequence[Well]) -> Iterator[tuple[str, str, str]]:
    """Treatment, number of wells and their names, vehicle first, then rising doses."""
    roles = ("vehicle", "untreated", "test", "positive", "blank")
    groups: dict[tuple[int, str, Dose, str], list[Well]] = {}
    usual = _commonest([_factors(well) for well in wells])
    for well in wells:
        dose = well.dose if well.dose is not None else Dose(0.0)
        compound = well.compound if well.role in ("test", "positive") else ""
        other = ", ".join(sorted(_factors(well) - usual))
        groups.setdefault((roles.index(well.role), compound, dose, other), []).append(well)
    for (role, compound, dose, other), mine in sorted(groups.items(), key=lambda item: item[0]):
        names = [w.well for w in sorted(mine, key=lambda w: well_place(w.well))]
        told = f"{compound} {dose}" if compound else roles[role]
        if roles[role] == "positive":
            told = f"positive: {told}"
        yield f"{told}; {other}" if other else told, str(len(names)), ", ".join(names)


def _factors(well: Well) -> frozenset[str]:
    return frozenset(f"{name} {text}" for name, text in well.factors.items() if text)


def _commonest(found: Sequence[frozenset[str]]) -> frozenset[str]:
    return max(found, key=found.count, default=frozenset())


def _dilution(one: Dilution, sheet: Sheet) -> dict[str, object]:
    wells = [well for plate in sheet.plates.values() for well in plate]
    solvent = "solvent"
    return {
        "compound": one.compound,
        "problem": one.problem,
        "tubes": list(_tubes(one)),
        "solutions": list(_solutions(one, wells, several=len(sheet.plates) > 1)),
        "solvent": solvent,
    }


def _tubes(one: Dilution) -> Iterator[_Mixed]:
    if one.plan is None:
        return
    above = f"stock, {Dose(one.plan.stock_molar)}"
    for index, tube in enumerate(one.plan.tubes, start=1):
        neat = tube.solvent_ul < 1e-6
        yield _Mixed(
            f"T{index}",
            str(Dose(float(f"{tube.tube_molar:.4g}"))),
            f"{format_volume(tube.take_ul)} of {above}",
            "none: undiluted" if neat else format_volume(tube.solvent_ul),
            format_volume(tube.total_ul),
            f"for {_dose(tube.dose_molar)}" if tube.dose_molar else "leads to the next tube",
        )
        above = f"T{index}"


def _solutions(one: Dilution, wells: Sequence[Well], *, several: bool) -> Iterator[_Mixed]:
    if one.plan is None:
        return
    tube_of = {t.dose_molar: f"T{i}" for i, t in enumerate(one.plan.tubes, start=1)}
    for solution in one.plan.solutions:
        dose = solution.dose_molar
        names = [
            f"{well.plate} {well.well}" if several else well.well
            for well in served(solution, one.compound, wells)
        ]
        yield _Mixed(
            _dose(dose) if dose else "vehicle",
            ", ".join(names),
            f"{format_volume(solution.take_ul)} of {tube_of.get(dose, 'pure solvent')}",
            format_volume(solution.medium_ul),
            format_volume(solution.total_ul),
            f"{solution.wells} × {format_volume(solution.per_well_ul)}",
            solution.portion,
        )


def _dose(molar: float | None) -> str:
    return str(Dose(float(f"{molar:.4g}"))) if molar else "vehicle"


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"
