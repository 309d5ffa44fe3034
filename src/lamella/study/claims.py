"""Puts what a study found beside what has been published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lamella.evidence import Claim, Comparison, compare
from lamella.study.result import AssayResult
from lamella.table.wells import Design
from lamella.units import dose_unit_scale

__all__ = ["claim_of", "comparisons"]


def comparisons(
    results: Sequence[AssayResult], design: Design, *, accession: str
) -> Iterator[Comparison]:
    """The IC50 of each result that has one between batches, beside the evidence base."""
    for result in results:
        claim = claim_of(result, design, accession=accession)
        if claim is not None:
            yield compare(claim)


def claim_of(result: AssayResult, design: Design, *, accession: str = "") -> Claim | None:
    """The claim that a result makes; None where it has no molar doses or one batch only."""
    between = result.potency.between_batches if result.potency else None
    if between is None or not result.dose_unit:
        return None
    dimension, factor = dose_unit_scale(result.dose_unit)
    tested = {
        (well.compound, well.cell_line)
        for well in design.wells
        if well.role == "test" and (well.plate, well.well) in result.wells
    }
    if dimension != "molar" or len(tested) != 1:
        return None
    compound, cell_line = tested.pop()
    return Claim(
        compound=compound,
        assay=result.assay.name,
        value_molar=_scaled(between.value, factor),
        low_molar=_scaled(between.low, factor),
        high_molar=_scaled(between.high, factor),
        cell_line=cell_line,
        accession=accession,
    )


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
