"""What is the answer, in words, how many batches does it rest on, and what limits it?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from lamella.potency.result import BetweenBatches, CurveResult, PotencyResult, Verdict
from lamella.report.arms import Place, batches_of, natural
from lamella.report.figure import wells_of
from lamella.report.flags import flag_kinds, flag_lines, limiting
from lamella.report.typeset import counted, listed, number, words
from lamella.study.result import AssayResult, StudyResult
from lamella.table.store import rows_of
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


FLAG_TEXT = {
    "rising": "the response rises with dose",
    "no_replicates": "one well a dose, so a misfit of the curve cannot be tested",
    "at_bound": "the fit ended at a bound of its parameters",
    "not_converged": "the fit had not settled when it was stopped",
    "control_uncertain": "the mean of the vehicle wells is uncertain, and with it the IC50",
    "better_family": "another curve describes the response better",
    "hormesis": "low doses may stimulate: a curve with a hump describes the response better",
    "lack_of_fit": "the curve misses the dose means (p < 0.001)",
    "vehicle_without_variance": "the vehicle wells were normalised to themselves, so they tell "
    "nothing about noise",
    "pooled_batches": "wells of several batches count as one sample, so the interval is too "
    "narrow for a claim beyond them",
    "slope_not_identified": "these doses do not determine the slope",
    "outlier": "a well lies far off the curve; it was kept",
    "small_effect": "the effect is small",
    "plateau_extrapolated": "the doses do not cover both plateaus of the curve",
    "left_out": "wells of this role are not part of the curve",
    "missing": "wells without a number",
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
    name = result.group or study.compound
    if name:
        subject += f", {name}"
    potency = result.potency
    limits = tuple(dict.fromkeys(_limits(result, study)))
    if potency is None or not potency.curves:
        reason = result.reason or "the study has no doses"
        return Answer(subject, f"No IC50: {reason}.", "", _no_potency_basis(result), limits)
    between = potency.between_batches
    own = [curve for curve in potency.curves if curve.batch is not None]
    if between is not None and len(own) > 1:
        basis = f"n = {counted(between.n, 'batch')} (independent experiments); {between.method}."
        return Answer(subject, _sentence(between.text), _verdict(between, own), basis, limits)
    chief = (own or list(potency.curves))[0]
    basis = (
        "n = 1 batch: technical replicates only. The interval holds variation between wells; it "
        "says nothing about an independent repetition."
        if len(own) <= 1
        else f"{counted(len(own), 'batch')}, but no estimate between them."
    )
    return Answer(
        subject, _sentence(chief.potency.text), PLAIN_VERDICT[chief.verdict], basis, limits
    )


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
        "Inhibition at top dose",
        "Flags",
    )
    lines: list[tuple[str, ...]] = []
    for curve in sorted(potency.curves, key=_in_order):
        batch = curve.batch if curve.batch is not None else "all wells"
        flags = "; ".join(_flag_text(flag) for flag in curve.flags)
        line = (
            batch,
            str(len(curve.doses)),
            curve.model,
            curve.potency.text,
            _HALF_OF[curve.headline],
            words(curve.verdict),
            number(curve.parameters.slope),
            _at_top(curve),
            flags or "–",
        )
        lines.append((curve.id, *line) if several else line)
    if several:
        head = ("Curve", *head)
    return head, lines


def _at_top(curve: CurveResult) -> str:
    found = (quantity for quantity in curve.quantities if quantity.name == "inhibition_at_top")
    return next((quantity.text for quantity in found), "–")


def _in_order(curve: CurveResult) -> tuple[object, ...]:
    return curve.id, curve.batch is None, natural(curve.batch or "")


def _sentence(text: str) -> str:
    """The text of a potency as a sentence that can stand alone."""
    if "IC50" not in text and text[:1] in "0123456789<>":
        return f"IC50 {text}"
    return text[:1].upper() + text[1:]


def _verdict(between: BetweenBatches, own: list[CurveResult]) -> str:
    """The verdict between batches in words; where the batches differ, that of each."""
    verdicts = {curve.verdict for curve in own}
    if verdicts == {between.verdict}:
        return PLAIN_VERDICT[between.verdict]
    told = [f"batch {curve.batch}: {words(curve.verdict)}" for curve in sorted(own, key=_in_order)]
    said = f"The verdicts of the batches: {listed(told)}."
    return said if between.value is not None else f"{said} No number is given for all of them."


def _limits(result: AssayResult, study: StudyResult) -> Iterator[str]:
    wells = wells_of(result, study)
    if result.potency is not None:
        yield from _flags(result.potency)
    if len(batches_of(Design(wells))) == 2:
        yield "Two batches give a wide interval between batches; three are the usual least."
    # Controls are named by the assay: they were never meant to enter.
    meant = {
        (row.plate, row.well)
        for row in rows_of(result.rows, result.readout.name)
        if "control" in (row.flag, row.object)
    }
    silent = [
        w for w in wells if w.role != "blank" and (w.plate, w.well) not in {*result.wells, *meant}
    ]
    if silent:
        named = listed([_place((w.plate, w.well)) for w in silent], most=6)
        yield f"{counted(len(silent), 'well')} of {len(wells)} gave no read-out: {named}."
    kinds = [kind for kind in flag_kinds(flag_lines(limiting(result), study)) if kind.entered]
    if kinds:
        named = listed([f"{kind.flag} ({kind.entered})" for kind in kinds], most=6)
        yield f"Flags of wells that entered the read-out, with their number: {named}."


def _flags(potency: PotencyResult) -> Iterator[str]:
    """Each flag once, with the curves that carry it."""
    for flag in potency.flags:
        yield f"{_flag_text(flag)}."
    carriers: dict[str, list[str]] = defaultdict(list)
    for curve in sorted(potency.curves, key=_in_order):
        for flag in curve.flags:
            carriers[flag].append("all wells" if curve.batch is None else curve.batch)
    for flag, batches in carriers.items():
        if len(batches) == len(potency.curves) > 1:
            yield f"Every curve: {_flag_text(flag)}."
        else:
            yield f"{_carriers(batches)}: {_flag_text(flag)}."


def _carriers(batches: list[str]) -> str:
    """Which curves: of one batch, of several, and the one over all wells."""
    own = [batch for batch in batches if batch != "all wells"]
    of_batches = f"Batch{'' if len(own) == 1 else 'es'} {listed(own)}"
    if len(own) == len(batches):
        return of_batches
    return f"{of_batches}, and the curve over all wells" if own else "Curve over all wells"


def _flag_text(flag: str) -> str:
    code, _, detail = flag.partition(":")
    text = FLAG_TEXT.get(code, words(code))
    return f"{text} ({detail.strip()})" if detail else text


def _place(place: Place) -> str:
    return " ".join(part for part in place if part)


def _no_potency_basis(result: AssayResult) -> str:
    if result.wells:
        return f"{counted(len(result.wells), 'well')} gave a read-out."
    return "No well gave a read-out: see flagged wells."
