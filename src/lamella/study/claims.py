"""Puts what a study found beside what has been published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lamella.evidence import Claim, Comparison, Toxicity, compare
from lamella.evidence.base import normal
from lamella.study.model import StudyFile
from lamella.study.protocol import Protocol
from lamella.study.result import AssayResult
from lamella.table.store import last_time_h
from lamella.table.wells import Design
from lamella.units import dose_unit_scale

__all__ = ["claim_of", "comparisons"]


def comparisons(
    results: Sequence[AssayResult], design: Design, study: StudyFile
) -> Iterator[Comparison]:
    """The IC50 of each result that has one between batches, beside the evidence base."""
    for result in results:
        claim = claim_of(result, design, study)
        if claim is not None:
            toxicity = _toxicity(results, design, study, claim)
            engaged = any(_shows_fak(other, design, study, claim) for other in results)
            yield compare(replace(claim, toxicity=toxicity, engagement_shown=engaged))


def claim_of(result: AssayResult, design: Design, study: StudyFile) -> Claim | None:
    """The claim that a result makes; None where it has no molar doses or one batch only."""
    between = result.potency.between_batches if result.potency else None
    tested = _tested(result, design)
    if between is None or tested is None:
        return None
    compound, cell_line, doses_molar = tested
    factor = dose_unit_scale(result.dose_unit)[1]
    entries = [entry for entry in study.assay if entry.kind == result.assay.name]
    protocol = entries[0].protocol if entries else Protocol()
    lasted_h = last_time_h(result.rows)
    return Claim(
        compound=compound,
        assay=result.assay.name,
        value_molar=_scaled(between.value, factor),
        low_molar=_scaled(between.low, factor),
        high_molar=_scaled(between.high, factor),
        cell_line=cell_line,
        accession=_accession(study, cell_line),
        lowest_dose_molar=min(doses_molar),
        highest_dose_molar=max(doses_molar),
        exposure_h=lasted_h if lasted_h and lasted_h > 0 else protocol.duration_h,
        serum_percent=protocol.serum_percent,
        matrix=protocol.substrate if result.assay.name in {"tube", "invasion"} else "",
        gap_method=protocol.gap_tool,
    )


def _tested(result: AssayResult, design: Design) -> tuple[str, str, list[float]] | None:
    """Compound, cells and doses [mol/L] of a result; None where there is more than one of them."""
    if not result.dose_unit or dose_unit_scale(result.dose_unit)[0] != "molar":
        return None
    wells = [
        well
        for well in design.wells
        if well.role == "test" and (well.plate, well.well) in result.wells
    ]
    doses = [well.dose.amount for well in wells if well.dose is not None and well.dose.amount > 0]
    pairs = {(well.compound, well.cell_line) for well in wells}
    return (*pairs.pop(), doses) if len(pairs) == 1 and doses else None


def _toxicity(
    results: Sequence[AssayResult], design: Design, study: StudyFile, claim: Claim
) -> Toxicity | None:
    """Viability of the same compound, in the same cells where they were tested."""
    found = []
    for result in results:
        other = claim_of(result, design, study) if result.assay.name == "viability" else None
        if other is not None and other.compound == claim.compound:
            above = other.highest_dose_molar if other.value_molar is None else None
            found.append(Toxicity(other.cell_line, other.value_molar, above))
    found.sort(key=lambda one: one.cell_line != claim.cell_line)
    return found[0] if found else None


def _shows_fak(result: AssayResult, design: Design, study: StudyFile, claim: Claim) -> bool:
    """Whether a result is a blot of FAK under the same compound in the same cells."""
    targets = [entry.protocol.target.lower() for entry in study.assay if entry.kind == "blot"]
    if result.assay.name != "blot" or not any("fak" in target for target in targets):
        return False
    tested = _tested(result, design)
    return tested is not None and tested[:2] == (claim.compound, claim.cell_line)


def _accession(study: StudyFile, cell_line: str) -> str:
    entry = study.study
    of_the_only_line = not entry.cell_line or normal(entry.cell_line) == normal(cell_line)
    stated = entry.cell_line_facts(cell_line).accession
    return stated or (entry.cell_line_accession if of_the_only_line else "")


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
