"""How does a result of one's own stand beside what has been published?"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from lamella.evidence.base import normal, parts
from lamella.evidence.claim import Claim, Toxicity
from lamella.evidence.conditions import differences, unstated
from lamella.evidence.query import (
    assay_class,
    cell_line,
    compound,
    contradicting,
    find,
    studies,
    supporting,
)
from lamella.evidence.schema import TIERS, Assertion
from lamella.units import Dose

__all__ = ["BETWEEN_LABORATORIES_SD", "Claim", "Comparison", "Neighbour", "Toxicity", "compare"]

BETWEEN_LABORATORIES_SD = 0.4
"""Standard deviation of log10 potency between laboratories; 0.3 to 0.5 is usual."""

NEAR_FOLD, FAR_FOLD = 3.0, 10.0
SPECIFIC_UP_TO_MOLAR = 3e-6
"""30 times 100 nM, the upper end of pFAK IC50s of ATP-site FAK inhibitors in cells."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One published assertion beside the claim.

    Attributes:
        assertion: What was published.
        reasons: Why the two cannot be compared; empty when they can.
        unstated: Conditions that one of the two does not state: the distance holds only if
            they were alike.
        log10_ratio: log10 of claim / published.
        log10_low: Lower end of its 95 % interval, from the claim's interval and the spread
            between laboratories.
        log10_high: Upper end.
        cells: `same line`, `same tissue` or `other cells`.
    """

    assertion: Assertion
    reasons: tuple[str, ...] = ()
    unstated: tuple[str, ...] = ()
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
    `supporting` says the same as one of the comparable ones, `contradicting` the opposite.
    """

    claim: Claim
    comparable: tuple[Neighbour, ...]
    others: tuple[Neighbour, ...]
    supporting: tuple[Assertion, ...]
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

    A distance is given only to numbers of the same class of assay and the same endpoint, of
    which no stated condition (dose range, exposure, serum, matrix, gap method) differs.

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
    others = tuple(neighbour for neighbour in neighbours if neighbour.reasons)
    rows = [neighbour.assertion for neighbour in comparable]
    return Comparison(
        claim,
        tuple(comparable),
        others,
        supporting(rows),
        contradicting(rows),
        tuple(_messages(claim, kind, comparable, others)),
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
    open_ = unstated(claim, row, kind=kind)
    return Neighbour(row, (), open_, ratio, ratio - half, ratio + half, cells)


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
    yield from differences(claim, row, kind=kind)


def _cells(claim: Claim, row: Assertion) -> str:
    if not claim.cell_line:
        return "other cells"
    lines = parts(row.cell_line)
    own = cell_line(claim.cell_line, accession=claim.accession)
    shared = own is not None and own.homonyms and not own.accession
    if normal(claim.cell_line) in map(normal, lines) and not shared:
        return "same line"
    known = [line for line in map(cell_line, lines) if line is not None]
    tissues = {line.tissue.split(",")[0] for line in known if line.tissue}
    if own is not None and own.tissue and own.tissue.split(",")[0] in tissues:
        return "same tissue"
    return "other cells"


def _log10_se(claim: Claim) -> float:
    if not claim.low_molar or not claim.high_molar:
        return 0.0
    return math.log10(claim.high_molar / claim.low_molar) / (2 * 1.96)


def _messages(
    claim: Claim, kind: str, comparable: list[Neighbour], others: tuple[Neighbour, ...]
) -> Iterable[str]:
    what = f"{claim.endpoint} of {claim.compound} in a {kind} assay"
    if claim.value_molar is None:
        yield "Not comparable: the study gives no number, only a verdict."
    elif not comparable:
        yield from _not_comparable(claim, what, kind, others)
    else:
        yield from _beside(what, comparable)
    yield from _selectivity(claim)
    yield from _specificity(claim)


def _not_comparable(
    claim: Claim, what: str, kind: str, others: tuple[Neighbour, ...]
) -> Iterable[str]:
    near = [
        other
        for other in others
        if kind in parts(other.assertion.assay) and other.assertion.value_molar is not None
    ]
    if near:
        why = "; ".join(
            f"{_printed(other.assertion)}: {', '.join(other.reasons)}" for other in near
        )
        yield f"Not comparable because conditions differ from those of {why}."
        return
    yield f"Not comparable: the evidence base holds no number for the {what}."
    rows = find(claim.compound, endpoint=claim.endpoint)
    classes = sorted({row.assay for row in rows if row.value_molar is not None})
    if classes:
        yield f"Its numbers are of {' and '.join(classes)}, which ask another question."


def _beside(what: str, comparable: list[Neighbour]) -> Iterable[str]:
    if not any(neighbour.assertion.verified for neighbour in comparable):
        tiers = sorted({neighbour.assertion.tier for neighbour in comparable})
        known = "; ".join(f"tier {tier}: {TIERS[tier]}" for tier in tiers)
        yield f"No verified value exists of the {what} ({known})."
    open_ = list(dict.fromkeys(word for neighbour in comparable for word in neighbour.unstated))
    if open_:
        yield (
            f"Not shown to be comparable: {_listed(open_)} {'is' if len(open_) == 1 else 'are'} "
            "not stated on both sides, so a distance holds only if alike."
        )
    yield from map(_distance, comparable)
    rows = [neighbour.assertion for neighbour in comparable]
    count = len(studies(rows))
    yield f"These rest on {count} independent {'study' if count == 1 else 'studies'}."
    for word, found in (("Supported", supporting(rows)), ("Contradicted", contradicting(rows))):
        if found:
            yield f"{word} by: {'; '.join(map(_told, found))}."


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


def _printed(row: Assertion) -> str:
    return f"{row.as_printed} in {row.cell_line} ({row.source.label})"


def _selectivity(claim: Claim) -> Iterable[str]:
    """Viability IC50 over migration IC50, in the same cells alone."""
    other = claim.toxicity
    if other is None or claim.value_molar is None or assay_class(claim.assay) == "viability":
        return
    if normal(other.cell_line) != normal(claim.cell_line):
        yield (
            f"Selectivity is not judged: viability was measured in {other.cell_line or 'cells'}, "
            f"migration in {claim.cell_line or 'others'}; a ratio across lines says nothing."
        )
        return
    bound = other.value_molar if other.value_molar is not None else other.above_molar
    if bound is None:
        return
    ratio = bound / claim.value_molar
    sign = "" if other.value_molar is not None else "more than "
    told = f"viability falls at {sign}{ratio:.2g} times the dose that halves migration"
    if sign and ratio < FAR_FOLD:
        yield f"Selectivity is open: {told}; test higher doses on viability."
    elif ratio >= FAR_FOLD:
        yield f"The effects are separable: {told} in the same cells."
    elif ratio < NEAR_FOLD:
        yield f"The effect on migration may be toxicity: {told} in the same cells."
    else:
        yield f"The effects are separated in part: {told} in the same cells (10 would be clear)."


def _specificity(claim: Claim) -> Iterable[str]:
    form = compound(claim.compound)
    if form is None or "FAK" not in form.targets:
        return
    if claim.value_molar is not None and claim.value_molar > SPECIFIC_UP_TO_MOLAR:
        yield (
            f"Specificity is not shown: {Dose(claim.value_molar)} is more than 30 times the doses "
            "at which compounds of this class stop FAK phosphorylation in cells (5 - 100 nM)."
        )
    elif not claim.engagement_shown:
        yield "Specificity is not shown: no FAK phosphorylation was measured in the same cells."


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
