"""How many cells does the dye that was eluted from an insert stand for?"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from lamella.errors import MeasurementError
from lamella.table.rows import Metric, Observation
from lamella.table.wells import Design, Well

__all__ = [
    "ELUTED",
    "ELUTION_METHODS",
    "ELUTION_METRICS",
    "OD_COLUMN",
    "STANDARD_COLUMN",
    "PlateElution",
    "StandardCurve",
    "eluted_rows",
    "plate_elutions",
    "standard_curve",
    "standard_rows",
]

OD_COLUMN = "eluted_od"
"""Column of the plate map: optical density of the eluted dye at 560 to 590 nm."""
STANDARD_COLUMN = "standard_cells"
"""Column of the plate map: cells that were stained and eluted in a well of the standard curve."""

F8 = NDArray[np.float64]

_NO_OD = f"no OD: add the column {OD_COLUMN} to the plate map, or a table of readings"
_NO_BLANK = (
    "no stained blank insert (role blank) with an OD: the membrane itself binds dye, so this "
    "plate has nothing to subtract"
)
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
    Metric("measured_od", "OD as read", "OD", "neither", "as the plate reader gave it"),
    Metric(
        "blank_od",
        "OD of the stained blanks",
        "OD",
        "neither",
        "mean over the blank inserts of a plate, which were stained without cells",
    ),
    Metric("standard_cells", "Cells of a standard", "cells", "neither", "as stated"),
    Metric("standard_od", "OD of a standard", "OD", "neither", "OD less the standards of 0 cells"),
    Metric(
        "standard_slope",
        "Slope of the standard curve",
        "OD/cell",
        "neither",
        "least squares of a line through 0 over the levels of its linear range",
    ),
    Metric(
        "standard_range",
        "Linear range of the standard curve",
        "cells",
        "neither",
        "highest level that lies within 10 % of the line through the levels below it",
    ),
    Metric(
        "eluted_percent_of_vehicle",
        "Eluted dye, of vehicle",
        "%",
        "higher",
        "100 x mean OD less blank / that of the vehicle inserts of the batch",
    ),
)
ELUTED = ("eluted_od", "eluted_cells")
"""The read-outs among them."""

_LESS_BLANK = (
    "Dye was eluted from the inserts and its optical density read; the mean of the stained blank "
    "inserts of the plate (without cells) was subtracted. Arms are given in percent of the "
    "vehicle inserts of their batch; over batches these ratios are geometric means with "
    "t-intervals, n = batches."
)
ELUTION_METHODS: Mapping[str, str] = {
    "eluted_od": _LESS_BLANK,
    "eluted_cells": f"{_LESS_BLANK} Cells were read off a line through 0, fitted by least squares "
    "to the standards over the levels that stay within 10 % of it; nothing was read above that "
    "range.",
}
"""Sentences for the methods section, by read-out."""


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
    """OD as read, OD less blank, and cells of each of the wells; what is missing is said."""
    plates = plate_elutions(design)
    for well in wells:
        od = _number(well.factors.get(OD_COLUMN, ""))
        place = Observation(
            "measured_od", plate=well.plate, well=well.well, batch=well.batch, assay=assay
        )
        found = plates.get(well.plate, PlateElution())
        yield replace(place, value=od, unit="OD", flag=None if od is not None else "not_stated")
        for row in _read(od, found):
            yield replace(row, plate=well.plate, well=well.well, batch=well.batch, assay=assay)


def standard_rows(design: Design, *, assay: str) -> Iterator[Observation]:
    """Blank and standard curve of each plate, as rows of no well; `object` names the plate."""
    for plate, found in sorted(plate_elutions(design).items()):
        place = Observation("", plate=plate, assay=assay, object=plate)
        if found.blank is not None:
            told = f"{found.blank:.3g}, mean of {_counted(found.blanks, 'stained blank insert')}"
            yield replace(
                place, metric="blank_od", value=found.blank, unit="OD", n=found.blanks, text=told
            )
        if found.standard_plate != plate:
            continue
        yield from _line(found, place)
        for number, (cells, od) in enumerate(found.standards, start=1):
            of_one = replace(place, object=f"{plate}, standard {number}")
            yield replace(of_one, metric="standard_cells", value=cells, unit="cells")
            beyond = found.curve is not None and cells > found.curve.linear_to_cells
            one = replace(of_one, metric="standard_od", value=od, unit="OD")
            yield replace(one, text="above the linear range") if beyond else one


def _line(found: PlateElution, place: Observation) -> Iterator[Observation]:
    slope = replace(place, metric="standard_slope", unit="OD/cell")
    if found.curve is None:
        yield replace(slope, flag="no_standard", reason=found.problem)
        return
    levels, top = found.curve.levels, found.curve.linear_to_cells
    told = f"line through 0 over {levels} levels, linear to {top:,.0f} cells"
    yield replace(slope, value=found.curve.od_per_cell, n=levels, text=told)
    yield replace(place, metric="standard_range", value=top, unit="cells", n=levels)


@dataclass(frozen=True, slots=True)
class PlateElution:
    """What the ODs of one plate are read against.

    Attributes:
        blank: Mean OD of its stained blank inserts; None where it has none.
        blanks: Their number.
        curve: Its standard curve, or the only one of the study; None where there is none.
        problem: Why there is none.
        standard_plate: The plate that the standards stand on.
        standards: Cells of each standard and its OD less that of no cells, in order.
    """

    blank: float | None = None
    blanks: int = 0
    curve: StandardCurve | None = None
    problem: str = f"no standard curve: add the column {STANDARD_COLUMN} and its wells"
    standard_plate: str = ""
    standards: tuple[tuple[float, float], ...] = ()


def plate_elutions(design: Design) -> dict[str, PlateElution]:
    """Blank and standard curve of each plate that has an OD; standards may stand on their own.

    A plate without standards is read against those of the only plate that has some.
    """
    blanks = _blanks(design)
    points = _standards(design)
    own = {plate: _curve(pairs, blanks.get(plate, [])) for plate, pairs in points.items()}
    shared = next(iter(own)) if len(own) == 1 else ""
    every = {well.plate for well in (*design.wells, *design.standards) if _has_od(well)}
    found = {}
    for plate in every:
        mine = blanks.get(plate, [])
        blank = fmean(mine) if mine else None
        source = plate if plate in own else shared
        read = PlateElution(blank, len(mine))
        if source:
            curve, problem, pairs = own[source]
            read = PlateElution(blank, len(mine), curve, problem, source, pairs)
        found[plate] = read
    return found


def _read(od: float | None, found: PlateElution) -> Iterator[Observation]:
    """OD less blank, and cells."""
    net, cells = Observation("eluted_od", unit="OD"), Observation("eluted_cells", unit="cells")
    if od is None:
        yield from (replace(row, flag="not_stated", reason=_NO_OD) for row in (net, cells))
        return
    if found.blank is None:
        yield from (replace(row, flag="no_blank", reason=_NO_BLANK) for row in (net, cells))
        return
    corrected, curve = od - found.blank, found.curve
    told = f"{od:.3g} read, less {found.blank:.3g} of {_counted(found.blanks, 'stained blank')}"
    flag: str | None = None
    reason: str | None = None
    if corrected < 0:
        flag = "below_blank"
        reason = f"OD {od:.3g} lies below that of the stained blank, {found.blank:.3g}"
    elif curve is not None and corrected > curve.linear_to_od:
        flag = "above_range"
        reason = (
            f"OD {corrected:.3g} lies above the linear range of the standard curve "
            f"({curve.linear_to_od:.3g}, {curve.linear_to_cells:.3g} cells): dilute and read again"
        )
    yield replace(net, value=corrected, text=told, flag=flag, reason=reason)
    if curve is None:
        yield replace(cells, flag="no_standard", reason=found.problem)
    elif flag == "above_range":
        yield replace(cells, flag=flag, reason=reason)
    else:
        count = max(corrected, 0.0) / curve.od_per_cell
        yield replace(cells, value=count, flag=flag, reason=reason)


def _blanks(design: Design) -> dict[str, list[float]]:
    """ODs of the stained blank inserts of each plate."""
    found: dict[str, list[float]] = defaultdict(list)
    for well in design.wells:
        od = _number(well.factors.get(OD_COLUMN, ""))
        if well.role == "blank" and od is not None and not well.factors.get(STANDARD_COLUMN):
            found[well.plate].append(od)
    return found


def _standards(design: Design) -> dict[str, list[tuple[float, float]]]:
    """Cells and OD of the standards of each plate."""
    points: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for well in (*design.wells, *design.standards):
        cells = _number(well.factors.get(STANDARD_COLUMN, ""))
        od = _number(well.factors.get(OD_COLUMN, ""))
        if cells is not None and od is not None:
            points[well.plate].append((cells, od))
    return points


def _curve(
    pairs: Sequence[tuple[float, float]], blanks: Sequence[float]
) -> tuple[StandardCurve | None, str, tuple[tuple[float, float], ...]]:
    """The curve, or why there is none, and its points less the OD of no cells."""
    empty = [od for cells, od in pairs if cells == 0] or list(blanks)
    if not empty:
        problem = (
            "the standards have no level of 0 cells and their plate no stained blank, so nothing "
            "can be subtracted. Add a standard of 0 cells."
        )
        return None, problem, tuple(sorted(pairs))
    net = tuple(sorted((cells, od - fmean(empty)) for cells, od in pairs))
    try:
        return standard_curve([x for x, _ in net], [y for _, y in net]), "", net
    except MeasurementError as error:
        return None, str(error), net


def _has_od(well: Well) -> bool:
    return _number(well.factors.get(OD_COLUMN, "")) is not None


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", ".").strip())
    except ValueError:
        return None
    return value if math.isfinite(value) else None
