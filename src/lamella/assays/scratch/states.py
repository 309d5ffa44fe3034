"""Open, nearly closed, closed, empty or unusable: decided with the whole plate in view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lamella.assays.scratch.rows import KNOWN, SERIES
from lamella.assays.scratch.series import FieldSeries

__all__ = [
    "CLOSED",
    "COUNTED",
    "EMPTY",
    "FOCUS_LOSS",
    "NEARLY",
    "OPEN",
    "UNUSABLE",
    "State",
    "decide_states",
]

OPEN, NEARLY, CLOSED, EMPTY, UNUSABLE = "open", "nearly_closed", "closed", "empty", "unusable"
# States that have an area.
COUNTED = (OPEN, NEARLY, CLOSED)

_NEARLY_OF_FIELD = 0.02
_NEARLY_OF_FIRST = 0.05
# A field of one texture is closed when it lies nearer to the tissue than to the gap.
_HALF_WAY = 0.5
# Alone, a field is taken for tissue when its texture stands so far above its flattest parts
# [ln energy]; structureless pictures vary less.
_ALONE = 1.5
_FIELDS_FOR_PLATE = 2
# Fine structure, relative to coarse, may fall by this much [ln energy] before a frame counts as
# out of focus; frames in focus of one plate stay within 0.5.
FOCUS_LOSS = float(np.log(4.0))
_FRAMES_FOR_FOCUS = 3


@dataclass(frozen=True, slots=True)
class State:
    """State of one frame, what it was decided from, and why it may be doubted."""

    word: str
    basis: str
    flag: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Reference:
    """Texture of tissue and of gap at the start, to compare a field of one texture with."""

    tissue: float
    gap: float
    basis: str

    def position(self, level: float) -> float:
        """0 as smooth as the gap, 1 as structured as the tissue."""
        return (level - self.gap) / (self.tissue - self.gap)


def decide_states(plate: Sequence[FieldSeries]) -> list[list[State]]:
    """State of every frame of the series of one plate, in their order."""
    own = [_start_levels(series) for series in plate]
    levels = [pair for pair in own if pair is not None]
    shared = None
    if len(levels) >= _FIELDS_FOR_PLATE:
        tissue, gap = np.median(np.array(levels), axis=0)
        shared = _Reference(float(tissue), float(gap), "plate") if tissue > gap else None
    sharp = _usual_sharpness(plate)
    decided = []
    for series, pair in zip(plate, own, strict=True):
        reference = shared
        if reference is None and pair is not None and pair[0] > pair[1]:
            reference = _Reference(*pair, "series")
        decided.append(_of_series(series, reference, sharpest=sharp))
    return decided


def _usual_sharpness(plate: Sequence[FieldSeries]) -> float:
    values = np.concatenate([series.column("focus")[~series.excluded] for series in plate])
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size >= _FRAMES_FOR_FOCUS else float("nan")


def _start_levels(series: FieldSeries) -> tuple[float, float] | None:
    """Texture of tissue and gap in the first open frame that counts."""
    tissue, gap = series.column("tissue_level"), series.column("gap_level")
    for i, alone in enumerate(series.words("gap_alone")):
        if alone == "open" and not series.excluded[i]:
            pair = float(tissue[i]), float(gap[i])
            return pair if np.isfinite(pair).all() else None
    return None


def _of_series(
    series: FieldSeries, reference: _Reference | None, *, sharpest: float
) -> list[State]:
    fraction, image = series.column("gap_area_fraction"), series.column("image_level")
    noise, focus = series.column("noise_level"), series.column("focus")
    basis = "frame" if reference is None else reference.basis
    first = next((f for f in fraction[~series.excluded] if f > 0), None)
    states = []
    reasons = series.reasons("gap_alone")
    for i, alone in enumerate(series.words("gap_alone")):
        if alone in ("open", KNOWN, SERIES) and np.isfinite(fraction[i]):
            by = "series" if alone == SERIES and basis == "frame" else basis
            states.append(State(_of_fraction(float(fraction[i]), first), by))
        elif alone == "one_class" and sharpest - focus[i] > FOCUS_LOSS:
            states.append(State(UNUSABLE, basis, "out_of_focus", "the frame is out of focus"))
        elif alone == "one_class" and np.isfinite(image[i]):
            states.append(_of_one_texture(float(image[i]), float(noise[i]), reference))
        else:
            reason = reasons[i] or "no gap was measured"
            states.append(State(UNUSABLE, "frame", "unusable", reason))
    return states


def _of_fraction(fraction: float, first: float | None) -> str:
    if fraction == 0:
        return CLOSED
    near = _NEARLY_OF_FIELD if first is None else max(_NEARLY_OF_FIELD, _NEARLY_OF_FIRST * first)
    return NEARLY if fraction < near else OPEN


def _of_one_texture(image: float, noise: float, reference: _Reference | None) -> State:
    if reference is not None:
        if reference.position(image) > _HALF_WAY:
            return State(CLOSED, reference.basis)
        reason = "the whole field is as smooth as the gap at the start: no cells are left"
        return State(EMPTY, reference.basis, "empty", reason)
    word = CLOSED if image - noise > _ALONE else EMPTY
    reason = (
        f"one texture in the whole field, and no other frame or well to compare with: "
        f"taken for {word} from its own texture"
    )
    return State(word, "frame", "state_from_frame_alone", reason)
