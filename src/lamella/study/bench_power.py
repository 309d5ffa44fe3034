"""What can the planned days and wells find, and how many would the wish of the study need?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lamella.errors import MeasurementError, StudyError
from lamella.potency.planning import (
    CurvePlan,
    IntervalPlan,
    batches_for_interval,
    interval_assurance,
    planned_spread,
)
from lamella.potency.power import (
    Layout,
    VarianceComponents,
    detectable_effect,
    nested_power,
    pilot_components,
    sample_size,
)
from lamella.study.model import STUDY_FILE, AssayEntry, StudyFile
from lamella.table.findings import Finding
from lamella.table.wells import Well
from lamella.units import Dose, parse_dose

__all__ = ["IntervalPower", "PowerPlan", "default_components", "power_plan"]

WELL_SD_LN_D = 0.36
"""Between wells of one plate, of ln D: PC-3, Jin 2016 (10.1016/j.jtbi.2015.10.040).

The speed of a front goes with the root of D, so the logarithm of a speed has half of it.
"""
_COUNT_WELL_SD, _COUNT_FIELD_SD = 0.08, 0.20
_BATCHES = (3, 4, 5, 6, 8)
_WELLS = (2, 3, 4, 6)


@dataclass(frozen=True, slots=True)
class IntervalPower:
    """What the planned doses say of the width of an IC50 interval."""

    expected_molar: float
    fold: float
    planned: float | None
    wanted: IntervalPlan


@dataclass(frozen=True, slots=True)
class PowerPlan:
    """What one assay can find.

    Attributes:
        kind: The assay.
        batches: Days of the plan.
        wells: Wells of a dose on one day.
        fields: Fields of a well.
        components: Scatter of the logarithm of the read-out.
        scatter: Where the scatter comes from.
        effect_percent: Inhibition that must be found [%].
        wanted: Probability with which it must be found.
        power: Probability that the plan finds it, at one dose named beforehand; None for one day.
        detectable_percent: Inhibition that the plan finds with that probability [%].
        needed: What the wish needs, in words.
        grid: Power for a number of batches (rows) and of wells (columns).
        interval: The same for the interval of the IC50; None where none is expected.
        findings: What is too little.
    """

    kind: str
    batches: int
    wells: int
    fields: int
    components: VarianceComponents
    scatter: str
    effect_percent: float
    wanted: float
    power: float | None
    detectable_percent: float | None
    needed: str
    grid: tuple[tuple[float, ...], ...]
    interval: IntervalPower | None
    findings: tuple[Finding, ...]

    grid_batches = _BATCHES
    grid_wells = _WELLS


def default_components(kind: str) -> tuple[VarianceComponents, str]:
    """Scatter of the logarithm of a read-out where no pilot is at hand, and its source.

    >>> default_components("scratch")[0].well
    0.18
    """
    if kind == "scratch":
        well, field = WELL_SD_LN_D / 2, 0.0
        told = "wells 0.36 in ln D, half of it in ln speed (PC-3)"
    else:
        well, field = _COUNT_WELL_SD, _COUNT_FIELD_SD
        told = "wells 0.08, fields 0.20 (working values)"
    scatter = f"documented defaults: days 0.15, effect between days 0.10, {told}"
    return VarianceComponents(0.15, 0.10, well, field), scatter


def power_plan(
    study: StudyFile, entry: AssayEntry, wells: Sequence[Well], folder: Path
) -> PowerPlan:
    """What the wells of the study can find of the effect and the interval it wishes for."""
    plan = study.plan
    findings: list[Finding] = []
    components, scatter = _components(study, entry, folder, findings)
    batches = len({well.batch for well in wells})
    per_dose = _wells_per_dose(wells)
    effect = math.log(1 - plan.effect_percent / 100)
    layout = Layout(max(batches, 2), wells=per_dose, fields=plan.fields)
    reached = detectable = None
    if batches > 1:
        reached = nested_power(effect, layout, components=components)
        smallest = detectable_effect(layout, components=components, power=plan.power)
        detectable = 100 * (1 - math.exp(-smallest))
    need = sample_size(effect, layout, components=components, power=plan.power)
    if reached is None or reached < plan.power:
        findings.append(_too_little(entry.kind, reached, plan.effect_percent, need.batches))
    return PowerPlan(
        kind=entry.kind,
        batches=batches,
        wells=per_dose,
        fields=plan.fields,
        components=components,
        scatter=scatter,
        effect_percent=plan.effect_percent,
        wanted=plan.power,
        power=reached,
        detectable_percent=detectable,
        needed=_needed(need.batches, per_dose, study),
        grid=_grid(effect, plan.fields, components),
        interval=_interval(study, wells, components, batches),
        findings=tuple(findings),
    )


def _grid(
    effect: float, fields: int, components: VarianceComponents
) -> tuple[tuple[float, ...], ...]:
    return tuple(
        tuple(
            nested_power(effect, Layout(n, wells=m, fields=fields), components=components)
            for m in _WELLS
        )
        for n in _BATCHES
    )


def _components(
    study: StudyFile, entry: AssayEntry, folder: Path, findings: list[Finding]
) -> tuple[VarianceComponents, str]:
    default, told = default_components(entry.kind)
    plan = study.plan
    if plan.pilot_study:
        try:
            return _from_study(folder / plan.pilot_study, entry.kind)
        except StudyError as error:
            place = f"{STUDY_FILE}, pilot_study"
            remedy = "Run the pilot first, or write its scatter in [plan.pilot]."
            findings.append(Finding("plan-pilot", "warning", place, str(error), remedy))
    pilot = plan.pilot
    if not pilot.model_fields_set:
        return default, told
    stated = VarianceComponents(
        batch=pilot.batch,
        batch_treatment=pilot.batch_treatment,
        well=default.well if pilot.well is None else pilot.well,
        field=default.field if pilot.field is None else pilot.field,
    )
    return stated, "the pilot stated in [plan.pilot]"


def _from_study(folder: Path, kind: str) -> tuple[VarianceComponents, str]:
    """Scatter of a finished study, on the scale of logarithms."""
    from lamella.study.running import load

    result = load(folder)
    found = next((item for item in result.assays if item.assay.name == kind), None)
    if found is None:
        raise StudyError(f"{folder} holds no result of {kind}.")
    rows = [
        (math.log(value), well)
        for place, value in found.wells.items()
        if (well := result.design.at(*place)) is not None and value > 0
        and well.role in ("vehicle", "test")
    ]  # fmt: skip
    components = pilot_components(
        np.array([value for value, _ in rows]),
        ["vehicle" if well.role == "vehicle" else str(well.dose) for _, well in rows],
        batch=[well.batch for _, well in rows],
        vehicle="vehicle",
        well=[f"{well.plate} {well.well}" for _, well in rows],
    )
    return components, f"the pilot {folder.name}: {len(rows)} wells, {found.readout.label.lower()}"


def _wells_per_dose(wells: Sequence[Well]) -> int:
    """Wells of a dose on one day: the fewest of any."""
    counts = Counter((w.batch, w.compound, w.dose) for w in wells if w.role == "test")
    return min(counts.values(), default=1)


def _too_little(kind: str, power: float | None, effect: float, batches: int | None) -> Finding:
    found = "One day" if power is None else f"Power {power:.2f}: the plan"
    need = f"{batches} independent days" if batches else "more than 200 days"
    return Finding(
        "plan-power",
        "warning",
        kind,
        f"{found} does not find an inhibition of {effect:g} % safely.",
        f"Plan {need}, or accept a larger effect.",
        "noncentral t of paired day means",
    )


def _needed(batches: int | None, wells: int, study: StudyFile) -> str:
    plan = study.plan
    if batches is None:
        return "No number of days up to 200 finds it at this scatter."
    return (
        f"{batches} days with {wells} wells of each dose find an inhibition of "
        f"{plan.effect_percent:g} % with power {plan.power:g} or more (two-sided, 5 %, one dose "
        "named beforehand)."
    )


def _interval(
    study: StudyFile, wells: Sequence[Well], components: VarianceComponents, batches: int
) -> IntervalPower | None:
    compound = study.study.compound
    told = parse_dose(compound.expected_ic50) if compound and compound.expected_ic50 else Dose(0.0)
    doses = tuple(
        sorted(
            {
                well.dose.amount
                for well in wells
                if well.role == "test" and well.dose and well.dose.dimension == "molar"
                and well.dose.amount > 0
            }
        )
    )  # fmt: skip
    if told.dimension != "molar" or told.amount == 0 or len(doses) < 4:
        return None
    day = wells[0].batch
    curve = CurvePlan(
        doses,
        wells=_wells_per_dose(wells),
        vehicle_wells=max(1, sum(w.role == "vehicle" and w.batch == day for w in wells)),
        ic50_molar=told.amount,
        slope=study.plan.expected_slope,
        well_sd_ln=math.hypot(components.well, components.field / math.sqrt(study.plan.fields)),
    )
    rng = np.random.default_rng(study.plan.seed)
    try:
        spread = planned_spread(curve, rng=rng, batch_sd_log10=study.plan.pilot.ic50_log10)
    except MeasurementError:
        return None
    fold = study.plan.ic50_fold
    planned = (
        interval_assurance(batches, spread=spread, fold=fold, rng=rng) if batches > 1 else None
    )
    wanted = batches_for_interval(fold, spread=spread, rng=rng, assurance=study.plan.power)
    return IntervalPower(told.amount, fold, planned, wanted)
