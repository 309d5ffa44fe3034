"""Were a result and a published number obtained under the same conditions?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lamella.evidence.base import normal
from lamella.evidence.claim import Claim
from lamella.evidence.schema import Assertion
from lamella.units import Dose

__all__ = ["differences", "unstated"]

LIKE_EXPOSURE = 1.5
"""Exposures within this factor are alike."""
LIKE_SERUM_PERCENT = 2.0
"""Serum within so many percentage points is alike."""

_GAPS: Mapping[str, tuple[str, ...]] = {
    "scratch with a tip": ("tip", "needle", "scratch", "woundmaker"),
    "insert": ("insert", "exclusion", "stopper", "plug"),
    "pin tool": ("pin",),
}
_OF_GAPS = frozenset({"scratch", "exclusion gap"})
_OF_MATRIX = frozenset({"invasion", "tube formation", "spheroid", "matrix degradation"})


def differences(claim: Claim, row: Assertion, *, kind: str) -> Iterator[str]:
    """Conditions that both state and that are not alike, each as a reason not to compare."""
    published = row.value_molar
    low, high = claim.lowest_dose_molar, claim.highest_dose_molar
    if published is not None and low and high and not low <= published <= high:
        yield f"{Dose(published)} lies outside the doses tested here ({Dose(low)} to {Dose(high)})"
    ours, theirs = claim.exposure_h, row.exposure_h
    if ours and theirs and max(ours, theirs) > LIKE_EXPOSURE * min(ours, theirs):
        yield f"exposure was {theirs:g} h, not {ours:g} h"
    serum, other = claim.serum_percent, row.serum_percent
    if serum is not None and other is not None and abs(serum - other) > LIKE_SERUM_PERCENT:
        yield f"serum was {other:g} %, not {serum:g} %"
    if kind in _OF_MATRIX and claim.matrix and row.matrix:
        one, two = normal(claim.matrix), normal(row.matrix)
        if one not in two and two not in one:
            yield f"the matrix was {row.matrix}, not {claim.matrix}"
    if kind in _OF_GAPS and claim.gap_method and row.gap_method:
        one, two = _gap(claim.gap_method), _gap(row.gap_method)
        if one != two:
            yield f"the gap was made with {row.gap_method}, not {claim.gap_method}"


def unstated(claim: Claim, row: Assertion, *, kind: str) -> tuple[str, ...]:
    """Conditions that matter to this class of assay and that one of the two does not state."""
    known = {
        "dose range": bool(claim.lowest_dose_molar and claim.highest_dose_molar),
        "exposure": bool(claim.exposure_h and row.exposure_h),
        "serum": claim.serum_percent is not None and row.serum_percent is not None,
    }
    if kind in _OF_MATRIX:
        known["matrix"] = bool(claim.matrix and row.matrix)
    if kind in _OF_GAPS:
        known["gap method"] = bool(claim.gap_method and row.gap_method)
    return tuple(what for what, both in known.items() if not both)


def _gap(method: str) -> str:
    words = method.lower()
    return next((name for name, called in _GAPS.items() if any(w in words for w in called)), words)
