"""What has been published on the same compound, and may the result be set beside it?"""

from __future__ import annotations

from dataclasses import dataclass

from lamella.evidence import Comparison, Neighbour
from lamella.report.figure import Figure
from lamella.report.forest import forest
from lamella.report.typeset import number

__all__ = ["COLUMNS", "OTHERS", "Beside", "beside"]

COLUMNS = ("Published", "Cells", "Assay", "Ours / published", "Tier", "Source", "To know")
OTHERS = ("Published", "Cells", "Assay", "Why not", "Tier", "Source", "To know")


@dataclass(frozen=True, slots=True)
class Beside:
    """One result beside the literature: what may be said, and the lines it rests on.

    `figure` shows it among all published potencies of the compound.
    """

    subject: str
    messages: tuple[str, ...]
    figure: Figure
    comparable: tuple[tuple[str, ...], ...]
    others: tuple[tuple[str, ...], ...]


def beside(comparison: Comparison) -> Beside:
    """The comparison as text and table lines; nothing is judged here."""
    claim = comparison.claim
    cells = f" on {claim.cell_line}" if claim.cell_line else ""
    published = [one.assertion for one in (*comparison.comparable, *comparison.others)]
    return Beside(
        f"{claim.endpoint} of {claim.compound}{cells}, {claim.assay}",
        comparison.messages,
        forest(published, claim=claim),
        tuple(_line(neighbour) for neighbour in comparison.comparable),
        tuple(_line(neighbour) for neighbour in comparison.others),
    )


def _line(neighbour: Neighbour) -> tuple[str, ...]:
    row = neighbour.assertion
    source = ", ".join(part for part in (row.source.label, row.source.identifier) if part)
    open_ = [f"{what} not stated on both sides" for what in neighbour.unstated]
    known = "; ".join((*open_, *row.flags))
    cells = f"{row.cell_line} ({neighbour.cells})"
    beside = "; ".join(neighbour.reasons) or _ratio(neighbour)
    return (row.as_printed, cells, row.assay, beside, row.tier, source, known)


def _ratio(neighbour: Neighbour) -> str:
    if neighbour.log10_ratio is None:
        return "–"
    ratio = f"{number(10.0**neighbour.log10_ratio)}, {neighbour.distance}"
    if neighbour.log10_low is None or neighbour.log10_high is None:
        return ratio
    low, high = number(10.0**neighbour.log10_low), number(10.0**neighbour.log10_high)
    return f"{ratio} ({low} to {high})"
