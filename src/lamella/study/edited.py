"""Which decisions of a person concern which unit?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lamella.inputs.images.series import Example, Unit
from lamella.study.decisions import DECISIONS_FILE, Decisions, edits_of
from lamella.table.edits import Edit, Target
from lamella.table.findings import Finding

__all__ = ["edited_units"]


def edited_units(
    units: Sequence[Unit], decisions: Decisions, *, assay: str
) -> tuple[tuple[Unit, ...], tuple[Finding, ...]]:
    """The units with the edits made to them, and with the strokes drawn on any of them.

    Strokes teach a class of pixels, so those on one field count for all fields of the assay.
    Strokes on a picture that is not among the units are told as a finding.
    """
    strokes = [e for e in decisions.standing if e.kind == "strokes" and _of(e.target, assay)]
    examples: list[Example] = []
    findings: list[Finding] = []
    for edit in strokes:
        found = next(_frames(edit, units), None)
        if found is None:
            message = (
                f"the strokes '{edit.id}' were drawn on a picture that is not among the images."
            )
            remedy = "Measure that picture too: the strokes are learnt from its pixels."
            findings.append(Finding("decisions", "warning", DECISIONS_FILE, message, remedy))
        else:
            examples.append(found)
    edited = tuple(
        replace(
            unit,
            edits=edits_of(decisions, assay, unit.plate, unit.well),
            examples=tuple(examples),
        )
        for unit in units
    )
    return edited, tuple(findings)


def _frames(edit: Edit, units: Sequence[Unit]) -> Iterator[Example]:
    """The frames that a target means; strokes are drawn on the first of them."""
    target = edit.target
    for unit in units:
        if target.plate not in ("", unit.plate) or target.well not in ("", unit.well):
            continue
        for series in unit.series:
            if target.field in ("", series.field):
                for frame in series.frames:
                    if target.frame in (None, frame.index):
                        yield Example(edit, frame, series.pixel_um)


def _of(target: Target, assay: str) -> bool:
    return target.assay in ("", assay)
