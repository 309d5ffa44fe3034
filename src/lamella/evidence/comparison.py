"""How does a result of one's own stand beside what has been published?"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from lamella.evidence.base import normal, parts
from lamella.evidence.query import assay_class, cell_line, contradicting, find, studies
from lamella.evidence.schema import TIERS, Assertion
from lamella.units import Dose

__all__ = ["BETWEEN_LABORATORIES_SD", "Claim", "Comparison", "Neighbour", "compare"]

BETWEEN_LABORATORIES_SD = 0.4
"""Standard deviation of log10 potency between laboratories; 0.3 to 0.5 is usual."""

NEAR_FOLD, FAR_FOLD = 3.0, 10.0
SPECIFIC_UP_TO_MOLAR = 3e-6
"""30 times 100 nM, the upper end of pFAK IC50s of ATP-site FAK inhibitors in cells."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One result of a study, as far as it can be compared.

    Attributes:
        compound: Name or synonym.
        assay: Kind of assay, for example `scratch`.
        endpoint: What the number is, for example `IC50`.
        value_molar: The number [mol/L]; None where the verdict allows none.
        low_molar: Lower end of its 95 % interval [mol/L].
        high_molar: Upper end [mol/L].
        cell_line: Name of the cells.
        accession: Cellosaurus accession, where the study states it.
        engagement_shown: Whether the same cells show that the target is hit (pFAK measured).
    """

    compound: str
    assay: str
    endpoint: str = "IC50"
    value_molar: float | None = None
    low_molar: float | None = None
    high_molar: float | None = None
    cell_line: str = ""
    accession: str = ""
    engagement_shown: bool = False


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One published assertion beside the claim.

    Attributes:
        assertion: What was published.
        reasons: Why the two cannot be compared; empty when they can.
        log10_ratio: log10 of claim / published.
        log10_low: Lower end of its 95 % interval, from the claim's interval and the spread
            between laboratories.
        log10_high: Upper end.
        cells: `same line`, `same tissue` or `other cells`.
    """

    assertion: Assertion
    reasons: tuple[str, ...] = ()
    log10_ratio: float | None = None
    log10_low: float | None = None
    log10_high: float | None = None
    cells: str = "other cells"

    @property
    def fold(self) -> float | None:
        """How many times apart the two are, 1 or more."""
        return None if self.log10_ratio is None else float(10 ** abs(self.log10_ratio))

    @property
    def distance(self) -> str:
        """How far apart, in the words that a report prints; empty when not comparable."""
        if self.fold is None:
            return ""
        if self.fold <= NEAR_FOLD:
            return "within 3-fold"
        return "3- to 10-fold apart" if self.fold <= FAR_FOLD else "more than 10-fold apart"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A claim beside what has been published; `messages` is what may be said, most needed first.

    `comparable` and `others` are the published numbers and statements on this compound,
    `contradicting` says the opposite of one of the comparable ones.
    """

    claim: Claim
    comparable: tuple[Neighbour, ...]
    others: tuple[Neighbour, ...]
    contradicting: tuple[Assertion, ...]
    messages: tuple[str, ...]

    @property
    def studies(self) -> tuple[str, ...]:
        """Independent studies behind the comparable numbers."""
        return studies(neighbour.assertion for neighbour in self.comparable)


def compare(
    claim: Claim, *, between_laboratories_sd: float = BETWEEN_LABORATORIES_SD
) -> Comparison:
    """The claim beside every assertion on its compound; not comparable is the default.

    Compared are only numbers of the same class of assay and the same endpoint.

    Args:
        claim: The result.
        between_laboratories_sd: Standard deviation of log10 potency between laboratories,
            used because published values rarely carry an interval.

    Raises:
        SettingsError: The assay of the claim is no class of assay.

    >>> result = compare(Claim("defactinib", "scratch", value_molar=200e-9))
    >>> result.comparable
    ()
    >>> result.messages[0]
    'Not comparable: the evidence base holds no number for the IC50 of defactinib in a scratch
    assay.'
    >>> result.messages[1]
    'Its numbers are of tube formation and viability, which ask another question.'
    """
    kind = assay_class(claim.assay)
    neighbours = [
        _neighbour(claim, row, kind=kind, spread=between_laboratories_sd)
        for row in find(claim.compound)
    ]
    comparable = sorted(
        (neighbour for neighbour in neighbours if not neighbour.reasons),
        key=lambda neighbour: (_CELLS.index(neighbour.cells), abs(neighbour.log10_ratio or 0.0)),
    )
    rows = [neighbour.assertion for neighbour in comparable]
    return Comparison(
        claim,
        tuple(comparable),
        tuple(neighbour for neighbour in neighbours if neighbour.reasons),
        contradicting(rows),
        tuple(_messages(claim, kind, comparable)),
    )


_CELLS = ("same line", "same tissue", "other cells")


def _neighbour(claim: Claim, row: Assertion, *, kind: str, spread: float) -> Neighbour:
    reasons = tuple(_reasons(claim, row, kind))
    cells = _cells(claim, row)
    published = row.value_molar
    if reasons or published is None or claim.value_molar is None:
        return Neighbour(row, reasons, cells=cells)
    ratio = math.log10(claim.value_molar / published)
    half = 1.96 * math.hypot(_log10_se(claim), spread)
    return Neighbour(row, (), ratio, ratio - half, ratio + half, cells)


def _reasons(claim: Claim, row: Assertion, kind: str) -> Iterable[str]:
    if claim.value_molar is None:
        yield "the study gives no number"
    if kind not in parts(row.assay):
        yield f"the assay is {row.assay}, not {kind}"
    if normal(claim.endpoint) not in map(normal, parts(row.endpoint)):
        yield f"the endpoint is {row.endpoint}, not {claim.endpoint}"
    elif row.value_molar is None:
        yield (
            "no number was published" if row.relation == "qualitative" else "only a limit is known"
        )


def _cells(claim: Claim, row: Assertion) -> str:
    if not claim.cell_line:
        return "other cells"
    lines = parts(row.cell_line)
    if normal(claim.cell_line) in map(normal, lines):
        return "same line"
    own = cell_line(claim.cell_line, accession=claim.accession)
    known = [line for line in map(cell_line, lines) if line is not None]
    tissues = {line.tissue.split(",")[0] for line in known if line.tissue}
    if own is not None and own.tissue.split(",")[0] in tissues:
        return "same tissue"
    return "other cells"


def _log10_se(claim: Claim) -> float:
    if not claim.low_molar or not claim.high_molar:
        return 0.0
    return math.log10(claim.high_molar / claim.low_molar) / (2 * 1.96)


def _messages(claim: Claim, kind: str, comparable: list[Neighbour]) -> Iterable[str]:
    what = f"{claim.endpoint} of {claim.compound} in a {kind} assay"
    if claim.value_molar is None:
        yield "Not comparable: the study gives no number, only a verdict."
    elif not comparable:
        yield f"Not comparable: the evidence base holds no number for the {what}."
        yield from _elsewhere(claim)
    else:
        if not any(neighbour.assertion.verified for neighbour in comparable):
            tiers = sorted({neighbour.assertion.tier for neighbour in comparable})
            known = "; ".join(f"tier {tier}: {TIERS[tier]}" for tier in tiers)
            yield f"No verified value exists of the {what} ({known})."
        yield from map(_distance, comparable)
        count = len(studies(neighbour.assertion for neighbour in comparable))
        yield f"These rest on {count} independent {'study' if count == 1 else 'studies'}."
        against = contradicting(neighbour.assertion for neighbour in comparable)
        if against:
            yield "Contradicted by: " + "; ".join(map(_told, against)) + "."
    yield from _specificity(claim)


def _elsewhere(claim: Claim) -> Iterable[str]:
    rows = find(claim.compound, endpoint=claim.endpoint)
    classes = sorted({row.assay for row in rows if row.value_molar is not None})
    if classes:
        yield f"Its numbers are of {' and '.join(classes)}, which ask another question."


def _distance(neighbour: Neighbour) -> str:
    row = neighbour.assertion
    low, high = 10 ** (neighbour.log10_low or 0.0), 10 ** (neighbour.log10_high or 0.0)
    ratio = 10 ** (neighbour.log10_ratio or 0.0)
    return (
        f"{neighbour.distance.capitalize()}: {ratio:.2g} times ({low:.2g} to {high:.2g}) "
        f"{row.as_printed} in {row.cell_line} ({neighbour.cells}; {row.source.label}, "
        f"tier {row.tier})."
    )


def _told(row: Assertion) -> str:
    return f"{row.compound}, {row.cell_line}: {row.endpoint} {row.as_printed} ({row.source.label})"


def _specificity(claim: Claim) -> Iterable[str]:
    if claim.engagement_shown or not find(claim.compound):
        return
    if claim.value_molar is not None and claim.value_molar > SPECIFIC_UP_TO_MOLAR:
        yield (
            f"Specificity is not shown: {Dose(claim.value_molar)} is more than 30 times the doses "
            "at which compounds of this class stop FAK phosphorylation in cells (5 - 100 nM)."
        )
    else:
        yield "Specificity is not shown: no FAK phosphorylation was measured in the same cells."
