"""How does a study become bench sheets: wells, volumes, schedule and power in one plan?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lamella import evidence
from lamella.design.dilution import plan_dilution, premix
from lamella.design.doses import Transfer, compound_mass_mg, transfer_into_well
from lamella.design.protocol import protocol
from lamella.design.vessels import Vessel, vessel, vessel_of
from lamella.errors import SettingsError, StudyError
from lamella.study.bench import Bench, BenchStep, Dilution, Quantity, Sheet
from lamella.study.bench_decisions import decisions_of
from lamella.study.bench_inserts import portions
from lamella.study.bench_layout import Proposed, proposed_layouts
from lamella.study.bench_power import PowerPlan, power_plan
from lamella.study.bench_schedule import schedule_of
from lamella.study.bench_steps import quantities_of
from lamella.study.model import STUDY_FILE, AssayEntry, StudyFile, read_study_file
from lamella.study.plate_maps import PLATES, read_design
from lamella.table.findings import Finding
from lamella.table.plates import smallest_format
from lamella.table.wells import Well
from lamella.units import format_volume, parse_dose

__all__ = ["BenchPlan", "make_bench_plan"]

_WELL = re.compile(r"[A-Z]{1,2}\d{2}")
_INSERT_KINDS = frozenset({"transwell", "invasion"})


@dataclass(frozen=True)
class BenchPlan:
    """A study as it will be done: one sheet an assay and day.

    Attributes:
        folder: The study.
        study: What it states.
        sheets: Bench sheets, assay by assay and day by day.
        proposed: Plates that were laid out, where the study had no plate map.
        powers: What each assay can find.
        findings: Everything that is wrong or open.
    """

    folder: Path
    study: StudyFile
    sheets: tuple[Sheet, ...]
    proposed: tuple[Proposed, ...]
    powers: tuple[PowerPlan, ...]
    findings: tuple[Finding, ...]


def make_bench_plan(folder: Path) -> BenchPlan:
    """Plan the study in `folder` from `study.toml` and its plate maps; reads no image.

    A study without plate maps gets randomised ones from the table `[plan]`.

    Raises:
        StudyError: `study.toml` is missing or not valid.
    """
    folder = folder.resolve()
    study, findings = read_study_file(folder)
    if study is None:
        told = " ".join(f"{one.place}: {one.message} {one.remedy}" for one in findings)
        raise StudyError(told)
    design, of_plates = read_design(folder, study)
    wells = tuple(map(_same_doses, design.wells))
    proposed: tuple[Proposed, ...] = ()
    if not wells and not any(one.level == "error" for one in of_plates):
        of_plates = []
        try:
            proposed = proposed_layouts(study)
        except StudyError as error:
            of_plates = [_open(f"{PLATES}/", str(error))]
        wells = tuple(well for one in proposed for well in one.wells)
    findings += of_plates
    sheets = tuple(_sheets(study, wells, findings)) if wells else ()
    planned = {sheet.protocol.id for sheet in sheets}
    powers = tuple(
        power_plan(study, entry, wells, folder) for entry in study.assay if entry.kind in planned
    )
    findings += [one for power in powers for one in power.findings]
    return BenchPlan(folder, study, sheets, proposed, powers, tuple(findings))


def _same_doses(well: Well) -> Well:
    """The well with its dose to twelve digits, so that 0.1 µM and 100 nM are one dose."""
    if well.dose is None:
        return well
    return replace(well, dose=replace(well.dose, amount=float(f"{well.dose.amount:.12g}")))


def _sheets(study: StudyFile, wells: Sequence[Well], findings: list[Finding]) -> Iterator[Sheet]:
    batches = list(dict.fromkeys(well.batch for well in wells))
    for entry in study.assay:
        mine: list[Sheet] = []
        for batch in batches:
            of_day = tuple(well for well in wells if well.batch == batch)
            try:
                mine.append(_sheet(study, entry, of_day, len(batches)))
            except SettingsError as error:
                findings.append(_open(f"{entry.kind}, batch {batch}", str(error)))
                break
        place = f"{STUDY_FILE}, {entry.kind}"
        lacking = dict.fromkeys(text for sheet in mine for text in sheet.missing)
        findings += [_open(place, text) for text in lacking]
        gaps = dict.fromkeys(gap for sheet in mine for gap in sheet.undecided)
        findings += [
            Finding(
                "plan-open", "warning", place, gap.asks, f"State {gap.key}. {gap.advice}".strip()
            )
            for gap in gaps
            # What a volume lacks is asked for once, with the volume.
            if not any(gap.key.rpartition(".")[2] in text for text in lacking)
        ]
        yield from mine


def _open(place: str, text: str) -> Finding:
    """What keeps a volume, or a plate, from being computed."""
    said = text[:1].upper() + text[1:]
    sentences = said.replace(". ", ".\n", 1).split("\n")
    remedy = sentences[1] if len(sentences) > 1 else "State it in study.toml."
    return Finding("plan-open", "error", place, sentences[0], remedy)


def _sheet(study: StudyFile, entry: AssayEntry, wells: tuple[Well, ...], batches: int) -> Sheet:
    strange = next((well.well for well in wells if not _WELL.fullmatch(well.well)), None)
    if strange is not None:
        raise SettingsError(
            f"'{strange}' is no well of a plate. A bench sheet needs the plates that are treated, "
            "as plates/<plate>.csv with wells such as B02."
        )
    steps = protocol(entry.kind)
    used, note = _vessel(study, entry, wells)
    bench = Bench(
        protocol=steps,
        entry=entry,
        plan=study.plan,
        compound=study.study.compound,
        wells=wells,
        vessel=used,
        batches=batches,
        doubling_time_h=_doubling_h(study, entry, wells),
    )
    bench = _with_dilutions(bench)
    plates = list(dict.fromkeys(well.plate for well in wells))
    return Sheet(
        protocol=steps,
        batch=wells[0].batch,
        plates={name: tuple(well for well in wells if well.plate == name) for name in plates},
        vessel=used,
        vessel_note=note,
        dilutions=bench.dilutions,
        steps=tuple(
            BenchStep(step, number, tuple(quantities_of(step, bench)), decisions_of(step, bench))
            for number, step in enumerate(steps.steps, start=1)
        ),
        totals=tuple(_totals(bench)),
        schedule=schedule_of(bench, len(plates)),
    )


def _vessel(study: StudyFile, entry: AssayEntry, wells: Sequence[Well]) -> tuple[Vessel, str]:
    if study.plan.plate:
        used, told = vessel(study.plan.plate), "stated in [plan]"
    else:
        wells_of_plate = smallest_format([well.well for well in wells])
        used = vessel_of(wells_of_plate, insert=entry.kind in _INSERT_KINDS)
        told = "the smallest that has all wells of the map; state plate in [plan] if it is another"
    low, high = used.area_range_cm2
    area = study.plan.growth_area_cm2
    if area is not None:
        return used, f"{told}; growth area {area:g} cm² as stated"
    span = f"{low:g}-{high:g} cm²" if low < high else f"{low:g} cm²"
    return used, f"{told}; growth area {used.area_cm2:g} cm² ({span}: {used.status})"


def _doubling_h(study: StudyFile, entry: AssayEntry, wells: Sequence[Well]) -> float | None:
    if entry.protocol.doubling_time_h is not None:
        return entry.protocol.doubling_time_h
    lines = {well.cell_line for well in wells if well.cell_line} or {study.study.cell_line}
    stated = [study.study.cell_lines[name] for name in lines if name in study.study.cell_lines]
    times = [one.doubling_time_h for one in stated if one.doubling_time_h is not None]
    return min(times, default=None)


def _with_dilutions(bench: Bench) -> Bench:
    needs: dict[str, dict[float, int]] = {}
    problems: dict[str, str] = {}
    for well in bench.wells:
        if well.role in ("test", "positive"):
            name = well.compound or "the compound"
            problem = _unplanned(well, name)
            if problem:
                problems.setdefault(name, problem)
            amount = well.dose.amount if well.dose is not None else 0.0
            if amount > 0:
                needs.setdefault(name, {}).setdefault(amount, 0)
                needs[name][amount] += 1
    vehicles = sum(well.role == "vehicle" for well in bench.wells)
    if needs:
        first = next((name for name in needs if _is_main(name, bench)), next(iter(needs)))
        needs[first][0.0] = vehicles
    names = dict.fromkeys((*needs, *problems))
    made = [_dilution(name, needs.get(name, {}), bench, problems.get(name, "")) for name in names]
    return replace(bench, dilutions=tuple(made))


def _unplanned(well: Well, name: str) -> str:
    """Why the dose of a well cannot be diluted; empty where it can."""
    second = well.factors.get("compound_2", "")
    if second:
        return (
            f"{name} is combined with {second}, and combinations are not diluted here. Mix both at "
            "twice their dose and halve the volumes, by hand."
        )
    if well.dose is None:
        return f"{name} has no dose in well {well.well}. Write it in the plate map, with its unit."
    if well.dose.dimension != "molar":
        return (
            f"doses of {name} are no amounts in mol/L. Write them in nM or µM, so that they can be "
            "diluted from the stock."
        )
    return ""


def _is_main(name: str, bench: Bench) -> bool:
    """Whether that is the compound of the study, whatever its capitals."""
    return bench.compound is not None and name.lower() == bench.compound.name.lower()


def _dilution(name: str, doses: Mapping[float, int], bench: Bench, problem: str) -> Dilution:
    stock = bench.plan.stocks.get(name, "")
    if not stock and bench.compound is not None and _is_main(name, bench):
        stock = bench.compound.stock
    if not stock:
        where = f"stocks = {{ '{name}' = '10 mM' }} in [plan]"
        if _is_main(name, bench):
            where = "stock = '10 mM' of the compound in [study]"
        problem = problem or f"the stock of {name} is not stated. Write {where}."
    if not problem and parse_dose(stock).dimension != "molar":
        problem = (
            f"the stock of {name}, {stock}, is no amount in mol/L. Divide by its molar mass and "
            "write it in mM."
        )
    if problem:
        return Dilution(name, None, problem)
    try:
        plan = plan_dilution(
            doses,
            stock_molar=parse_dose(stock).amount,
            transfer=_transfer(bench),
            pipetting=bench.pipetting,
            portions=portions(bench, doses, name) if bench.vessel.insert else (),
        )
    except SettingsError as error:
        return Dilution(name, None, f"{name}: {error}")
    return Dilution(name, plan)


def _transfer(bench: Bench) -> Transfer:
    if bench.protocol.delivery == "spike":
        return transfer_into_well(
            bench.well_ul,
            solvent_percent=bench.solvent_percent,
            smallest_ul=bench.pipetting.smallest_ul,
        )
    return premix(bench.well_ul, solvent_percent=bench.solvent_percent)


def _totals(bench: Bench) -> Iterator[Quantity]:
    made = [(one.compound, one.plan) for one in bench.dilutions if one.plan is not None]
    for name, plan in made:
        how = _weighed(bench) if _is_main(name, bench) else ""
        yield Quantity(f"{name} stock", format_volume(plan.stock_ul), how)
    solvent = sum(plan.solvent_ul for _, plan in made)
    if solvent:
        name = (bench.compound.solvent if bench.compound else "") or "solvent"
        yield Quantity(f"pure {name}", format_volume(solvent), "for the series and vehicle")
    medium = sum(plan.medium_ul for _, plan in made)
    if medium:
        yield Quantity("medium for working solutions", format_volume(medium))
    plain = sum(well.role in ("untreated", "blank") for well in bench.wells)
    if plain:
        volume = bench.more(plain * (bench.well_ul + bench.lower_ul))
        yield Quantity("plain medium", format_volume(volume), "for untreated and blank wells")


def _weighed(bench: Bench) -> str:
    """What to weigh for 1 mL of the stock, where the molar mass is known."""
    told = bench.compound
    known = evidence.compound(told.name) if told and told.stock else None
    if told is None or known is None or known.molar_mass is None:
        return ""
    stock = parse_dose(told.stock)
    if stock.dimension != "molar":
        return ""
    salt = evidence.compound(f"{told.name} {told.form}") if told.form else None
    form = salt if salt is not None and salt.molar_mass else known
    mass = compound_mass_mg(
        1.0,
        stock_molar=stock.amount,
        weight_g_per_mol=known.molar_mass,
        salt_g_per_mol=form.molar_mass,
        purity_percent=told.purity_percent or 100.0,
    )
    purity = f"{told.purity_percent:g} % pure" if told.purity_percent else "purity not stated"
    return f"1 mL of {stock}: weigh {mass:.3f} mg ({form.molar_mass:g} g/mol, {purity})"
