"""What has been published on the same compound, and may the result be set beside it?"""

from __future__ import annotations

from dataclasses import dataclass

from lamella.evidence import Comparison, Neighbour
from lamella.report.typeset import number

__all__ = ["COLUMNS", "Beside", "beside"]

COLUMNS = ("Published", "Cells", "Assay", "Ours / published", "Tier", "Source", "To know")


@dataclass(frozen=True, slots=True)
class Beside:
    """One result beside the literature: what may be said, and the lines it rests on."""

    subject: str
    messages: tuple[str, ...]
    comparable: tuple[tuple[str, ...], ...]
    others: tuple[tuple[str, ...], ...]


def beside(comparison: Comparison) -> Beside:
    """The comparison as text and table lines; nothing is judged here."""
    claim = comparison.claim
    cells = f" on {claim.cell_line}" if claim.cell_line else ""
    return Beside(
        f"{claim.endpoint} of {claim.compound}{cells}, {claim.assay}",
        comparison.messages,
        tuple(_line(neighbour) for neighbour in comparison.comparable),
        tuple(_line(neighbour) for neighbour in comparison.others),
    )


def _line(neighbour: Neighbour) -> tuple[str, ...]:
    row = neighbour.assertion
    source = ", ".join(part for part in (row.source.label, row.source.identifier) if part)
    known = "; ".join((*neighbour.reasons, *row.flags))
    cells = f"{row.cell_line} ({neighbour.cells})"
    return (row.as_printed, cells, row.assay, _ratio(neighbour), row.tier, source, known)


def _ratio(neighbour: Neighbour) -> str:
    if neighbour.log10_ratio is None:
        return "–"
    ratio = f"{number(10.0**neighbour.log10_ratio)}, {neighbour.distance}"
    if neighbour.log10_low is None or neighbour.log10_high is None:
        return ratio
    low, high = number(10.0**neighbour.log10_low), number(10.0**neighbour.log10_high)
    return f"{ratio} ({low} to {high})"
