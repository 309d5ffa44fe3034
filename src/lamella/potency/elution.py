"""How many cells does the dye that was eluted from an insert stand for?"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from lamella.errors import MeasurementError
from lamella.table.rows import Metric, Observation
from lamella.table.wells import Design, Well

__all__ = [
    "ELUTION_METRICS",
    "OD_COLUMN",
    "STANDARD_COLUMN",
    "StandardCurve",
    "eluted_rows",
    "standard_curve",
]

OD_COLUMN = "eluted_od"
"""Column of the plate map: optical density of the eluted dye at 560 to 590 nm."""
STANDARD_COLUMN = "standard_cells"
"""Column of the plate map: cells that were stained and eluted in a well of the standard curve."""

F8 = NDArray[np.float64]

_LEAST_LEVELS = 3
_BENT = 0.10  # a level further than this off the line of those below it lies beyond the range

ELUTION_METRICS: tuple[Metric, ...] = (
    Metric(
        "eluted_od",
        "Eluted dye",
        "OD",
        "higher",
        "OD of the eluate less that of the stained blank inserts of its plate",
        "elution of crystal violet in 10 to 33 % acetic acid or methanol",
    ),
    Metric(
        "eluted_cells",
        "Cells from eluted dye",
        "cells",
        "higher",
        "eluted_od over the slope of the standard curve of its plate, inside its linear range",
    ),
)


@dataclass(frozen=True, slots=True)
class StandardCurve:
    """OD over cells: a line through 0, as far as it is one.

    Attributes:
        od_per_cell: Slope.
        linear_to_cells: Highest level that lies on the line.
        linear_to_od: Its OD.
        levels: Levels in the linear range.
        sd: Scatter of OD about the line in that range; None with too few levels.
    """

    od_per_cell: float
    linear_to_cells: float
    linear_to_od: float
    levels: int
    sd: float | None


def standard_curve(cells: Sequence[float] | F8, od: Sequence[float] | F8) -> StandardCurve:
    """The line through 0 and its range: levels are added from below while they stay on it.

    Args:
        cells: Cells of each standard, shape (n,), at or above 0.
        od: Their OD less the blank, shape (n,).

    Raises:
        MeasurementError: Fewer than three levels with cells lie on a rising line.

    >>> curve = standard_curve([1e4, 2e4, 4e4, 8e4], [0.1, 0.2, 0.4, 0.5])
    >>> curve.linear_to_cells, round(curve.od_per_cell * 1e4, 6)
    (40000.0, 0.1)
    """
    x, y = np.asarray(cells, np.float64), np.asarray(od, np.float64)
    known = np.isfinite(x) & np.isfinite(y) & (x > 0)
    levels = np.unique(x[known])
    if len(levels) < _LEAST_LEVELS:
        raise MeasurementError(
            f"the standard curve has {len(levels)} levels of cells; at least {_LEAST_LEVELS} are "
            "needed to see whether it is straight. Add levels around the densities expected."
        )
    mean = np.array([y[known & (x == level)].mean() for level in levels])
    inside = 2
    while inside < len(levels):
        slope = float(levels[:inside] @ mean[:inside] / (levels[:inside] @ levels[:inside]))
        if slope <= 0 or abs(mean[inside] / (slope * levels[inside]) - 1) > _BENT:
            break
        inside += 1
    slope = float(levels[:inside] @ mean[:inside] / (levels[:inside] @ levels[:inside]))
    if slope <= 0 or inside < _LEAST_LEVELS:
        raise MeasurementError(
            "the standard curve does not rise in a line over its three lowest levels: its range "
            "is exceeded, or the blank is wrong. Dilute, and add lower levels."
        )
    use = known & (x <= levels[inside - 1])
    left = y[use] - slope * x[use]
    sd = math.sqrt(float(left @ left) / (use.sum() - 1)) if use.sum() > 1 else None
    top = float(levels[inside - 1])
    return StandardCurve(slope, top, slope * top, inside, sd)


def eluted_rows(design: Design, *, assay: str, wells: Sequence[Well]) -> Iterator[Observation]:
    """OD less blank, and cells, of each of the wells; what is missing is said."""
    blanks = _blanks(design)
    curves = _curves(design, blanks)
    for well in wells:
        od = _number(well.factors.get(OD_COLUMN, ""))
        for metric in ELUTION_METRICS:
            row = _row(metric.name, od, well, blanks=blanks, curves=curves)
            yield Observation(
                metric=metric.name,
                value=row[0],
                unit=metric.unit,
                flag=row[1],
                reason=row[2],
                plate=well.plate,
                well=well.well,
                batch=well.batch,
                assay=assay,
            )


Told = tuple[float | None, str | None, str | None]


def _row(
    metric: str,
    od: float | None,
    well: Well,
    *,
    blanks: Mapping[str, float],
    curves: Mapping[str, StandardCurve | str],
) -> Told:
    if od is None:
        return None, "not_stated", f"no OD: add the column {OD_COLUMN} to the plate map"
    if well.plate not in blanks:
        reason = "no stained blank insert (role blank) with an OD: the membrane itself binds dye"
        return None, "no_blank", f"{reason}, so plate {well.plate} has nothing to subtract"
    corrected = od - blanks[well.plate]
    if metric == "eluted_od":
        return corrected, None, None
    curve = curves.get(well.plate)
    if not isinstance(curve, StandardCurve):
        reason = curve or f"no standard curve: add the column {STANDARD_COLUMN} and its wells"
        return None, "no_standard", reason
    if corrected > curve.linear_to_od:
        reason = (
            f"OD {corrected:.3g} lies above the linear range of the standard curve "
            f"({curve.linear_to_od:.3g}, {curve.linear_to_cells:.3g} cells): dilute and read again"
        )
        return None, "above_range", reason
    return max(corrected, 0.0) / curve.od_per_cell, None, None


def _blanks(design: Design) -> dict[str, float]:
    """Mean OD of the stained blank inserts of each plate."""
    found: dict[str, list[float]] = defaultdict(list)
    for well in design.wells:
        od = _number(well.factors.get(OD_COLUMN, ""))
        if well.role == "blank" and od is not None and not well.factors.get(STANDARD_COLUMN):
            found[well.plate].append(od)
    return {plate: fmean(values) for plate, values in found.items()}


def _curves(design: Design, blanks: Mapping[str, float]) -> dict[str, StandardCurve | str]:
    """Standard curve of each plate, or why it has none; standards of 0 cells are its blank."""
    points: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for well in design.wells:
        cells = _number(well.factors.get(STANDARD_COLUMN, ""))
        od = _number(well.factors.get(OD_COLUMN, ""))
        if cells is not None and od is not None:
            points[well.plate].append((cells, od))
    found: dict[str, StandardCurve | str] = {}
    for plate, pairs in points.items():
        empty = [od for cells, od in pairs if cells == 0] or [blanks.get(plate, 0.0)]
        try:
            found[plate] = standard_curve(
                [cells for cells, _ in pairs], [od - fmean(empty) for _, od in pairs]
            )
        except MeasurementError as error:
            found[plate] = str(error)
    return found


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", ".").strip())
    except ValueError:
        return None
    return value if math.isfinite(value) else None
