"""What is the answer, in words, how many batches does it rest on, and what limits it?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lamella.potency.result import CurveResult, PotencyResult, Verdict
from lamella.report.arms import Place, batches_of, natural
from lamella.report.figure import wells_of
from lamella.report.flags import flagged_places
from lamella.report.typeset import counted, listed, number, words
from lamella.study.result import AssayResult, StudyResult
from lamella.table.wells import Design

__all__ = ["PLAIN_VERDICT", "Answer", "answer", "curve_lines"]

PLAIN_VERDICT: dict[Verdict, str] = {
    "insufficient_design": "The design does not allow an IC50: too few doses, wells or controls.",
    "no_effect": "No effect of the dose could be shown, so there is no IC50.",
    "non_monotone": "The response does not follow the dose in one direction, so there is no IC50.",
    "lack_of_fit": "No curve describes the response well enough to state an IC50.",
    "below_range": "The lowest dose already halves the response: the IC50 lies below the doses "
    "tested.",
    "not_reached": "The highest dose does not halve the response: the IC50 lies above the doses "
    "tested.",
    "closed_but_extrapolated": "The interval is closed, but the estimate rests on a part of the "
    "curve that no dose covers.",
    "closed": "The IC50 lies within the doses tested, and its interval is closed at both ends.",
}


_HALF_OF = {"absolute": "the vehicle", "relative": "the curve's own span"}


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of the section of one assay.

    `basis` says what n is; `limits` are sentences about what the number does not tell.
    """

    subject: str
    sentence: str
    verdict: str
    basis: str
    limits: tuple[str, ...]


def answer(result: AssayResult, study: StudyResult) -> Answer:
    """What may be said of the potency, most important first."""
    subject = f"{result.assay.title}: {result.readout.label.lower()}"
    if result.group:
        subject += f", {result.group}"
    potency = result.potency
    limits = tuple(dict.fromkeys(_limits(result, study)))
    if potency is None or not potency.curves:
        reason = result.reason or "the study has no doses"
        sentence = f"No IC50: {reason}."
        return Answer(subject, sentence, "", _no_potency_basis(result), limits)
    between = potency.between_batches
    batches = _fitted_batches(potency)
    if between is not None and batches > 1:
        basis = f"n = {counted(between.n, 'batch')}. Method between batches: {between.method}."
        return Answer(subject, between.text, PLAIN_VERDICT[between.verdict], basis, limits)
    curve = _chief(potency)
    basis = (
        "n = 1 batch: technical replicates only. The interval holds variation between wells; it "
        "says nothing about an independent repetition."
        if batches <= 1
        else f"{counted(batches, 'batch')}, but no estimate between them."
    )
    return Answer(subject, curve.potency.text, PLAIN_VERDICT[curve.verdict], basis, limits)


def curve_lines(potency: PotencyResult) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and lines of the table of fitted curves."""
    several = len({curve.id for curve in potency.curves}) > 1
    head: tuple[str, ...] = (
        "Batch",
        "Points",
        "Model",
        "IC50",
        "Half of",
        "Verdict",
        "Slope",
        "Flags",
    )
    lines: list[tuple[str, ...]] = []
    for curve in sorted(potency.curves, key=_in_order):
        batch = curve.batch if curve.batch is not None else "all wells"
        flags = "; ".join(words(flag) for flag in curve.flags)
        line = (
            batch,
            str(len(curve.doses)),
            curve.model,
            curve.potency.text,
            _HALF_OF[curve.headline],
            words(curve.verdict),
            number(curve.parameters.slope),
            flags or "–",
        )
        lines.append((curve.id, *line) if several else line)
    if several:
        head = ("Curve", *head)
    return head, lines


def _limits(result: AssayResult, study: StudyResult) -> Iterator[str]:
    potency = result.potency
    wells = wells_of(result, study)
    batches = batches_of(Design(wells))
    if potency is not None:
        for flag in potency.flags:
            yield words(flag)
        for curve in potency.curves:
            for flag in curve.flags:
                yield f"{_named(curve)}: {words(flag)}"
    if len(batches) == 2:
        yield "Two batches give a wide interval between batches; three are the usual least."
    silent = [w for w in wells if w.role != "blank" and (w.plate, w.well) not in result.wells]
    if silent:
        named = listed([_place((w.plate, w.well)) for w in silent], most=6)
        yield f"{counted(len(silent), 'well')} of {len(wells)} gave no read-out: {named}."
    flagged = [place for place in flagged_places(result.rows) if place in result.wells]
    if flagged:
        named = listed([_place(place) for place in flagged], most=6)
        yield f"{counted(len(flagged), 'well')} with a flag entered the read-out: {named}."


def _in_order(curve: CurveResult) -> tuple[object, ...]:
    return curve.id, curve.batch is None, natural(curve.batch or "")


def _named(curve: CurveResult) -> str:
    return "Curve over all wells" if curve.batch is None else f"Batch {curve.batch}"


def _place(place: Place) -> str:
    return " ".join(part for part in place if part)


def _fitted_batches(potency: PotencyResult) -> int:
    return len({curve.batch for curve in potency.curves if curve.batch is not None})


def _chief(potency: PotencyResult) -> CurveResult:
    pooled = [curve for curve in potency.curves if curve.batch is None]
    return (pooled or list(potency.curves))[0]


def _no_potency_basis(result: AssayResult) -> str:
    if result.wells:
        return f"{counted(len(result.wells), 'well')} gave a read-out."
    return "No well gave a read-out: see flagged wells."
