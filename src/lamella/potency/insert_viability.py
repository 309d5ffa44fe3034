"""Do fewer cells move, or are there fewer cells? Counts over viability at the same dose."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from lamella.potency.insert_ratios import batch_ratio, ratio_over_batches
from lamella.potency.insert_rows import Study
from lamella.potency.insert_table import Treatment
from lamella.potency.selectivity import Ratio
from lamella.table.rows import Observation
from lamella.table.wells import Design

__all__ = ["COLUMN", "corrected_pairs", "relative_viabilities"]

COLUMN = "viability_percent"
"""Column of the plate map: viability of cells that got the same dose for the same time [%]."""


def relative_viabilities(
    design: Design, treatment: Mapping[tuple[str, str], Treatment]
) -> dict[tuple[str, Treatment], float]:
    """Viability of each arm over that of the vehicle, by batch; only what is stated and above 0.

    >>> from lamella.potency.insert_table import treatments_of
    >>> from lamella.table.wells import Well
    >>> wells = (Well("P", "A01", "1", "vehicle", factors={COLUMN: "96"}),
    ...          Well("P", "A02", "1", "test", factors={COLUMN: "48"}))
    >>> design = Design(wells)
    >>> list(relative_viabilities(design, treatments_of(design)).values())
    [1.0, 0.5]
    """
    values: dict[tuple[str, Treatment], list[float]] = defaultdict(list)
    vehicle: dict[tuple[str, str], list[float]] = defaultdict(list)
    for well in design.wells:
        number = _number(well.factors.get(COLUMN, ""))
        if number is not None:
            values[well.batch, treatment[well.plate, well.well]].append(number)
            if well.role == "vehicle":
                vehicle[well.batch, well.cell_line].append(number)
    found: dict[tuple[str, Treatment], float] = {}
    for (batch, arm), numbers in values.items():
        base = vehicle.get((batch, arm.cell_line))
        if base and fmean(base) > 0 and fmean(numbers) > 0:
            found[batch, arm] = fmean(numbers) / fmean(base)
    return found


def corrected_pairs(
    study: Study,
    metric: str,
    pairs: Sequence[tuple[str, Treatment, Treatment]],
    *,
    viability: Mapping[tuple[str, Treatment], float],
) -> Iterator[Observation]:
    """Percent of vehicle over relative viability, of each batch and over the batches.

    The viability enters as a number: the interval is that of the counts alone.
    """
    for label, above, below in pairs:
        sides: list[tuple[float, float]] = []
        for batch in study.batches_of(above, below):
            relative = viability.get((batch, above))
            if relative is None:
                continue
            arms = study.arms[batch, above], study.arms[batch, below]
            found = batch_ratio(*arms, dispersion=study.dispersion, scale=100)
            yield study.row(metric, _divided(found, relative), label=label, batch=batch)
            sides.append((arms[0].density / relative, arms[1].density))
        if sides:
            over = ratio_over_batches([a for a, _ in sides], [b for _, b in sides], scale=100)
            yield study.row(metric, over, label=label, batch=None)


def _divided(found: Ratio, relative: float) -> Ratio:
    ends = (found.value, found.low, found.high)
    value, low, high = (None if v is None else v / relative for v in ends)
    told = found.text
    if value is not None:
        told = f"{value:.3g} at {100 * relative:.3g} % of the vehicle's viability"
    return replace(found, value=value, low=low, high=high, text=told)


def _number(text: str) -> float | None:
    try:
        value = float(text.replace("%", "").replace(",", ".").strip())
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
