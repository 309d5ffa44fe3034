"""Settles a study on membranes: inserts, read-out, ratios to vehicle, doubts. No pixels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from lamella.potency.elution import ELUTED, OD_COLUMN, STANDARD_COLUMN, eluted_rows, standard_rows
from lamella.potency.insert_doubts import doubts
from lamella.potency.insert_ratios import ratio_over_batches
from lamella.potency.insert_rows import Membrane, Study, effect_rows, insert_rows, ratio_rows
from lamella.potency.insert_table import Insert, Treatment, gather_inserts
from lamella.potency.insert_viability import corrected_pairs, relative_viabilities
from lamella.table.rows import Metric, Observation, Rows
from lamella.table.wells import Design

__all__ = ["Plan", "measured_rows", "settle_inserts", "vehicle_pairs"]


@dataclass(frozen=True)
class Plan:
    """What tells one membrane assay from another.

    Attributes:
        assay: Its name.
        readout: Metric of the density that enters the dose-response.
        entered: Which treatments enter it.
        why_not: What is said of an insert that does not enter.
        metrics: All metrics of the assay.
        membrane: Area and seeded cells.
    """

    assay: str
    readout: str
    entered: Callable[[Treatment], bool]
    why_not: str
    metrics: Sequence[Metric]
    membrane: Membrane


def measured_rows(rows: Rows, derived: Sequence[Metric]) -> list[Observation]:
    """The rows that `measure` yielded, in the order of their places."""
    made = {metric.name for metric in derived}
    kept = [
        row for row in rows if row.metric not in made and (row.metric != "quality" or row.field)
    ]
    return sorted(kept, key=_place)


def settle_inserts(rows: Rows, design: Design, plan: Plan) -> tuple[Study, list[Observation]]:
    """The study of all inserts, and the rows of inserts, read-out, vehicle ratios and doubts."""
    # Pictures without a study: nothing says that they are of one insert.
    inserts = tuple(insert for insert in gather_inserts(rows, design) if insert.well)
    units = {metric.name: metric.unit for metric in plan.metrics}
    study = Study(plan.assay, inserts, design, units)
    viability = relative_viabilities(design, study.treatment)
    derived: list[Observation] = []
    for insert in inserts:
        mine = list(insert_rows(insert, plan.membrane, assay=plan.assay))
        derived += _kept_from_curve(mine, insert, study, plan)
        derived += _readouts(insert, mine[0], plan, study=study, viability=viability)
    derived += _eluted(study, plan)
    pairs = vehicle_pairs(study, plan.entered)
    derived += ratio_rows(study, "percent_of_vehicle", pairs)
    derived += corrected_pairs(study, "percent_of_vehicle_corrected", pairs, viability=viability)
    derived += chemotaxis_rows(study)
    derived += effect_rows(study, plan.entered)
    derived += doubts(study, rows)
    return study, derived


def vehicle_pairs(
    study: Study, entered: Callable[[Treatment], bool]
) -> list[tuple[str, Treatment, Treatment]]:
    """Each treatment that entered, beside the vehicle that it is compared with."""
    treatments = [treatment for treatment in study.treatments() if entered(treatment)]
    return [(above.label, above, below) for above, below in _beside_vehicle(treatments)]


def _beside_vehicle(treatments: Collection[Treatment]) -> Iterator[tuple[Treatment, Treatment]]:
    for above in sorted(treatments):
        if above.role not in ("test", "positive", "untreated"):
            continue
        for below in sorted(treatments):
            alike = (above.cell_line, above.coated, above.attracted)
            if below.role == "vehicle" and alike == (
                below.cell_line,
                below.coated,
                below.attracted,
            ):
                yield above, below


def chemotaxis_rows(study: Study) -> Iterator[Observation]:
    """With over without attractant, wherever a batch has both; coated inserts where there are."""
    pairs = []
    for above in study.treatments():
        below = replace(above, attracted=False)
        if above.attracted and above.coated is not False and below in study.treatments():
            pairs.append((above.label, above, below))
    yield from ratio_rows(study, "chemotaxis_index", pairs)


def _readouts(
    insert: Insert,
    density: Observation,
    plan: Plan,
    *,
    study: Study,
    viability: Mapping[tuple[str, Treatment], float],
) -> Iterator[Observation]:
    """The density as read-out of the wells that enter the curve, and corrected for viability."""
    corrected = "viability_corrected_density"
    treatment = study.treatment.get((insert.plate, insert.well))
    if treatment is not None and not plan.entered(treatment):
        for metric in (plan.readout, corrected) if viability else (plan.readout,):
            yield _silent(density, metric, ("control", plan.why_not))
        return
    yield replace(density, metric=plan.readout)
    if not viability:
        return  # no well of the study states any
    relative = None if treatment is None else viability.get((insert.batch, treatment))
    if density.value is None:
        yield replace(density, metric=corrected)
    elif relative is None:
        lacking = "no viability_percent of this arm, or of the vehicle, in the plate map"
        yield _silent(density, corrected, ("not_stated", lacking))
    else:
        ends = [None if v is None else v / relative for v in (density.low, density.high)]
        value = density.value / relative
        yield replace(density, metric=corrected, value=value, low=ends[0], high=ends[1])


def _eluted(study: Study, plan: Plan) -> Iterator[Observation]:
    """Dye eluted from each insert that has an OD; controls named as such; ratios to vehicle."""
    every = sorted(study.design.wells, key=lambda well: (well.plate, well.well))
    wells = [well for well in every if well.factors.get(OD_COLUMN, "").strip()]
    entered: dict[tuple[Treatment, str], list[float]] = defaultdict(list)
    for row in eluted_rows(study.design, assay=plan.assay, wells=wells):
        treatment = study.treatment[row.plate, row.well]
        standard = study.design.at(row.plate, row.well)
        apart = standard is not None and standard.factors.get(STANDARD_COLUMN, "").strip()
        control = apart or not plan.entered(treatment)
        if row.metric == "eluted_od" and row.value is not None and not control:
            entered[treatment, row.batch].append(row.value)
        yield _apart(row, entered=not control)
    yield from standard_rows(study.design, assay=plan.assay)
    yield from _eluted_ratios(study, plan, entered)


def _apart(row: Observation, *, entered: bool) -> Observation:
    """A row of an eluate; of a control it names that, and its read-outs say why."""
    if entered:
        return row
    named = replace(row, object="control")
    if row.metric not in ELUTED or row.flag is not None:
        return named
    reason = "a control without attractant or coat, a blank or a standard: no part of the curve"
    return replace(named, flag="control", reason=reason)


def _eluted_ratios(
    study: Study, plan: Plan, entered: Mapping[tuple[Treatment, str], Sequence[float]]
) -> Iterator[Observation]:
    """Eluted dye of each arm over that of its vehicle; within a batch no interval is claimed."""
    metric = "eluted_percent_of_vehicle"
    for above, below in _beside_vehicle({treatment for treatment, _ in entered}):
        sides: list[tuple[float, float]] = []
        for batch in sorted({batch for treatment, batch in entered if treatment == above}):
            ours, theirs = entered[above, batch], entered.get((below, batch), ())
            if theirs and fmean(theirs) > 0:
                sides.append((fmean(ours), fmean(theirs)))
                wells = f"{len(ours)} of {len(theirs)} vehicle inserts"
                value = 100 * sides[-1][0] / sides[-1][1]
                told = f"{value:.3g} % ({wells}; within a batch no interval)"
                row = Observation(metric, value, "%", told, n=len(ours), assay=plan.assay)
                yield replace(row, batch=batch, object=f"{above.label}, batch {batch}")
        if sides:
            tops, grounds = [one for one, _ in sides], [one for _, one in sides]
            over = ratio_over_batches(tops, grounds, scale=100.0)
            yield study.row(metric, over, label=above.label, batch=None)


def _kept_from_curve(
    rows: Sequence[Observation], insert: Insert, study: Study, plan: Plan
) -> Iterator[Observation]:
    """The rows of an insert; those that may be read-outs name a control that must not enter."""
    treatment = study.treatment.get((insert.plate, insert.well))
    control = treatment is not None and not plan.entered(treatment)
    for row in rows:
        of_control = control and row.metric != "insert_density"
        yield replace(row, object="control") if of_control else row


def _silent(row: Observation, metric: str, note: tuple[str, str]) -> Observation:
    blank = replace(row, metric=metric, value=None, low=None, high=None, n=None)
    return replace(blank, flag=row.flag or note[0], reason=row.reason or note[1])


def _place(row: Observation) -> tuple[str, str, str, int, str, str]:
    frame = -1 if row.frame is None else row.frame
    return row.plate, row.well, row.field, frame, row.metric, row.object or ""
