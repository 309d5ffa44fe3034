"""Which inserts does a study have, what was put into each, and what was counted on it?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from lamella.potency.insert_ratios import Arm
from lamella.table.rows import Observation, Rows
from lamella.table.wells import Design, Well
from lamella.units import format_dose

__all__ = ["Insert", "Treatment", "arm_of", "gather_inserts", "is_none", "treatments_of"]

_NOTHING = frozenset(
    {"", "-", "0", "none", "no", "without", "uncoated", "no attractant", "serum-free", "false"}
)


def is_none(text: str) -> bool:
    """Whether a cell of the plate map says that something was left out.

    >>> is_none("None"), is_none("uncoated"), is_none("10 % FBS")
    (True, True, False)
    """
    return text.strip().lower() in _NOTHING


@dataclass(frozen=True, slots=True, order=True)
class Treatment:
    """What the inserts of one arm got; two inserts of one batch with the same are replicates.

    `coated` and `attracted` are None where the plate map has no such column.
    """

    cell_line: str
    role: str
    compound: str
    dose: float
    label: str
    coated: bool | None = None
    attracted: bool | None = None

    @property
    def migrates(self) -> bool:
        """Cells that are meant to come through: neither a blank nor without attractant."""
        return self.attracted is not False and self.role != "blank"


@dataclass(frozen=True, slots=True)
class Insert:
    """One membrane: its place, what it got, and the cells of each field that was counted.

    Attributes:
        plate, well, batch: Its place.
        well_of: Its line of the plate map; None where it has none.
        cells: Cells of each counted field.
        areas: Area of each [mm²], or 1 each where the pixel size is not known.
        calibrated: Whether areas are in mm².
        stained: Stained share of each field.
        lost: Fields that were not counted, with their reasons.
    """

    plate: str
    well: str
    batch: str
    well_of: Well | None
    cells: tuple[float, ...]
    areas: tuple[float, ...]
    calibrated: bool
    stained: tuple[float, ...]
    lost: tuple[str, ...]

    @property
    def excluded(self) -> bool:
        """Whether no field was counted at all."""
        return not self.cells


def treatments_of(design: Design) -> dict[tuple[str, str], Treatment]:
    """The arm that each well of a study belongs to, by plate and well."""
    wells = [well for well in design.wells if well.role != "blank"] or design.wells
    told = {c: any(w.factors.get(c, "").strip() for w in wells) for c in ("coating", "attractant")}
    several = len({w.compound for w in wells if w.role == "test"}) > 1
    lines = len({w.cell_line for w in wells}) > 1
    return {
        (well.plate, well.well): replace(
            _named(well, compound=several, cell_line=lines),
            coated=_has(well, "coating") if told["coating"] else None,
            attracted=_has(well, "attractant") if told["attractant"] else None,
        )
        for well in design.wells
    }


def _named(well: Well, *, compound: bool, cell_line: bool) -> Treatment:
    dosed = well.role in ("test", "positive")
    # 0.1 µM and 100 nM may differ in the last bit, and are one dose.
    amount = float(f"{well.dose.amount:.9g}") if dosed and well.dose else 0.0
    label: str = well.role
    if dosed:
        dose = format_dose(well.dose, digits=3) if well.dose else ""
        named = well.compound if compound or well.role == "positive" else ""
        label = " ".join(part for part in (named, dose) if part) or well.role
    if cell_line and well.cell_line:
        label = f"{well.cell_line}: {label}"
    return Treatment(well.cell_line, well.role, well.compound if dosed else "", amount, label)


def _has(well: Well, column: str) -> bool:
    return not is_none(well.factors.get(column, ""))


def gather_inserts(rows: Rows, design: Design) -> tuple[Insert, ...]:
    """The inserts of all measured rows, in order of plate and well; excluded fields left out.

    Of a field with several frames the last one that was counted speaks.
    """
    fields: dict[tuple[str, str], dict[str, dict[int, dict[str, Observation]]]] = defaultdict(dict)
    for row in rows:
        if row.field and row.object is None and row.metric in _USED:
            frames = fields[row.plate, row.well].setdefault(row.field, {})
            frames.setdefault(row.frame or 0, {})[row.metric] = row
    return tuple(
        _insert(place, fields[place], design) for place in sorted(fields) if any(fields[place])
    )


def arm_of(inserts: Iterable[Insert]) -> Arm:
    """The inserts of one arm and batch as counts and areas; those without a field left out."""
    used = [insert for insert in inserts if not insert.excluded]
    return Arm(
        cells=np.array([sum(insert.cells) for insert in used]),
        area=np.array([sum(insert.areas) for insert in used]),
    )


_USED = ("cells_inside", "field_area", "stained_area_fraction")


def _insert(
    place: tuple[str, str], fields: dict[str, dict[int, dict[str, Observation]]], design: Design
) -> Insert:
    well = design.at(*place)
    counted: list[tuple[float, float | None, float]] = []
    lost: list[str] = []
    batch = ""
    for name in sorted(fields):
        frames = [fields[name][index] for index in sorted(fields[name])]
        some = [frame for frame in frames if _counts(frame)]
        batch = batch or next((row.batch for frame in frames for row in frame.values()), "")
        if not some:
            told = frames[-1].get("cells_inside")
            lost.append(f"field {name}: {told.reason if told else 'not counted'}")
            continue
        chosen = some[-1]
        area, stained = chosen.get("field_area"), chosen.get("stained_area_fraction")
        counted.append(
            (
                chosen["cells_inside"].value or 0.0,
                None if area is None else area.value,
                stained.value or 0.0 if stained is not None else 0.0,
            )
        )
    areas = [area for _, area, _ in counted if area is not None]
    calibrated = bool(counted) and len(areas) == len(counted)
    return Insert(
        plate=place[0],
        well=place[1],
        batch=well.batch if well else batch,
        well_of=well,
        cells=tuple(cells for cells, _, _ in counted),
        areas=tuple(areas) if calibrated else (1.0,) * len(counted),
        calibrated=calibrated,
        stained=tuple(stained for _, _, stained in counted),
        lost=tuple(lost),
    )


def _counts(frame: dict[str, Observation]) -> bool:
    row = frame.get("cells_inside")
    return row is not None and row.value is not None and row.flag != "excluded"
