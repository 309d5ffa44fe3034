"""Which wells enter a dose-response, and what may be said of its potency."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lamella import potency
from lamella.errors import StudyError
from lamella.potency import DoseTable, PotencyResult
from lamella.potency.normalisation import percent_of_vehicle
from lamella.table.rows import Observation, Rows
from lamella.table.store import rows_of
from lamella.table.wells import Design, Well
from lamella.units import Dimension, dose_unit_scale

__all__ = ["DoseResponse", "Group", "dose_response", "groups_of", "readout_unit", "readout_values"]

_UNITS: Mapping[Dimension, tuple[str, ...]] = {
    "molar": ("pM", "nM", "µM", "mM", "M"),
    "g_per_l": ("pg/mL", "ng/mL", "µg/mL", "mg/mL"),
    "au": ("au",),
}


@dataclass(frozen=True)
class Group:
    """The wells that one curve family is fitted to: one compound on one cell line."""

    label: str
    wells: tuple[Well, ...]


@dataclass(frozen=True)
class DoseResponse:
    """The potency of one group, or the reason why there is none."""

    dose_unit: str
    potency: PotencyResult | None
    reason: str = ""


def groups_of(design: Design) -> tuple[Group, ...]:
    """One group a pair of compound and cell line; vehicle wells belong to all of their line.

    The label is empty where the study has a single pair.
    """
    pairs = sorted({(w.compound, w.cell_line) for w in design.wells if w.role == "test"})
    if len(pairs) <= 1:
        return (Group("", design.wells),)
    return tuple(Group(_label(*pair), tuple(_members(design, *pair))) for pair in pairs)


def readout_values(rows: Rows, metric: str) -> dict[tuple[str, str], float]:
    """Value of the read-out of each well that has one and was not excluded.

    Wells in another unit than most (pixels, where their files state no pixel size) are left
    out: they cannot be compared.
    """
    unit = readout_unit(rows, metric)
    return {
        (row.plate, row.well): row.value
        for row in _entered(rows, metric)
        if row.unit == unit and row.value is not None
    }


def readout_unit(rows: Rows, metric: str) -> str:
    """The unit in which most wells state the read-out; empty where no well does."""
    units = Counter(row.unit for row in _entered(rows, metric))
    return units.most_common(1)[0][0] if units else ""


def _entered(rows: Rows, metric: str) -> Iterator[Observation]:
    for row in rows_of(rows, metric):
        of_well = row.frame is None and not row.field
        if of_well and row.object is None and row.value is not None and row.flag != "excluded":
            yield row


def dose_response(
    wells: Sequence[Well], values: Mapping[tuple[str, str], float], *, name: str
) -> DoseResponse:
    """Fit the read-out, as percent of the vehicle of its plate and batch, against dose.

    Args:
        wells: The wells of one group.
        values: Read-out by (plate, well).
        name: What the response is called.
    """
    entered = [w for w in wells if (w.plate, w.well) in values and w.role in ("vehicle", "test")]
    dosed = [w for w in entered if w.role == "test" and w.dose is not None]
    dimensions = {w.dose.dimension for w in dosed if w.dose is not None and w.dose.amount > 0}
    if not dimensions:
        return DoseResponse("", None, "no test well with a dose has a read-out")
    if len(dimensions) > 1:
        told = " and ".join(sorted(dimensions))
        return DoseResponse("", None, f"doses are given in different dimensions ({told})")
    entered = [w for w in entered if w.role == "vehicle" or w.dose is not None]
    if not any(w.role == "vehicle" for w in entered):
        return DoseResponse("", None, "no vehicle well has a read-out to relate the doses to")
    unit, factor = _unit_for(dimensions.pop(), [w.dose.amount for w in dosed if w.dose])
    table = _table(entered, values, factor)
    if table is None:
        return DoseResponse(unit, None, "the vehicle wells do not migrate: there is no 100 %")
    try:
        fitted = potency.fit(table, dose_unit=unit, response_name=f"{name}, % of vehicle")
    except StudyError as error:
        return DoseResponse(unit, None, str(error))
    return DoseResponse(unit, fitted)


def _table(
    wells: Sequence[Well], values: Mapping[tuple[str, str], float], factor: float
) -> DoseTable | None:
    role = np.array([w.role for w in wells])
    batch = np.array([w.batch for w in wells])
    plate = np.array([w.plate for w in wells])
    value = np.array([values[w.plate, w.well] for w in wells])
    normal = percent_of_vehicle(value, role, plate=plate, batch=batch)
    kept = np.isfinite(normal.value)
    if not kept.any():
        return None
    dose = np.array(
        [0.0 if w.dose is None or w.role == "vehicle" else w.dose.amount for w in wells]
    )
    return DoseTable(
        dose=dose[kept] / factor,
        response=normal.value[kept],
        batch=batch[kept],
        role=role[kept],
    )


def _unit_for(dimension: Dimension, amounts: Sequence[float]) -> tuple[str, float]:
    """The unit in which the middle dose is a number of one to three digits."""
    positive = [amount for amount in amounts if amount > 0]
    middle = math.exp(sum(math.log(amount) for amount in positive) / len(positive))
    chosen = _UNITS[dimension][0], dose_unit_scale(_UNITS[dimension][0])[1]
    for unit in _UNITS[dimension]:
        factor = dose_unit_scale(unit)[1]
        if middle >= factor:
            chosen = unit, factor
    return chosen


def _members(design: Design, compound: str, cell_line: str) -> Iterator[Well]:
    for well in design.wells:
        same_line = well.cell_line == cell_line
        if same_line and (well.role != "test" or well.compound == compound):
            yield well


def _label(compound: str, cell_line: str) -> str:
    return " on ".join(part for part in (compound, cell_line) if part)
