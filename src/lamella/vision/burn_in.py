"""Which pixels were written into the picture: text, scale bars, clocks?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.vision.ranks import percentiles
from lamella.vision.work_scale import WorkPicture

__all__ = ["burnt_in"]

# Writing sits at the very end of the picture's range.
_PLATEAU = 0.04
# More end-of-range pixels than this share, or than this many groups, are saturated tissue.
_MOST_SHARE = 0.02
_MOST_GROUPS = 12
# Every so many pixels are enough for the middle of the range.
_STEP = 6
# Fewer are the brightest specks that any picture has.
_FEWEST_PX = 40
# Writing among saturated tissue: gap between letters, shortest line, least share of ink in it.
_SPACING, _LEAST_WIDTH, _LEAST_INK = 16.0, 30.0, 0.25
# The soft edge of a stroke that is masked with it. All in work units.
_RIM = 4.0


def burnt_in(work: WorkPicture, *, field: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels under writing and its rim, shape (h, w).

    Args:
        work: The picture at work scale.
        field: Its field of view, shape (h, w).
    """
    written = np.zeros(field.shape, np.bool_)
    sample = work.values[::_STEP, ::_STEP][field[::_STEP, ::_STEP]]
    if sample.size == 0:
        return written
    (middle,) = percentiles(sample, 50.0)
    low, high, _, _ = cv2.minMaxLoc(work.values, mask=field.view(np.uint8))
    for sign, top in ((1.0, high), (-1.0, low)):
        level = top - _PLATEAU * (top - middle)
        end = work.values >= level if sign > 0 else work.values <= level
        written |= _writing_among(end & field, work.unit_px)
    return written


def _writing_among(end_of_range: NDArray[np.bool_], unit_px: float) -> NDArray[np.bool_]:
    nothing = np.zeros(end_of_range.shape, np.bool_)
    pixels = np.count_nonzero(end_of_range)
    if not _FEWEST_PX <= pixels <= _MOST_SHARE * end_of_range.size:
        return nothing
    small = cv2.dilate(end_of_range.view(np.uint8), np.ones((4, 4), np.uint8))[::4, ::4]
    joined = cv2.dilate(small, _disc(round(2 * unit_px)))
    groups, _ = cv2.connectedComponents(joined)
    if groups - 1 > _MOST_GROUPS:
        end_of_range = _lines_of_writing(end_of_range, unit_px)
        if not end_of_range.any():
            return nothing
    grown = cv2.dilate(end_of_range.view(np.uint8), _disc(round(_RIM * unit_px)))
    return np.asarray(grown, np.uint8).view(np.bool_)


def _lines_of_writing(end_of_range: NDArray[np.bool_], unit_px: float) -> NDArray[np.bool_]:
    """Those pixels among saturated tissue that stand in dense horizontal lines, as letters do."""
    spacing = np.ones((1, 2 * max(1, round(_SPACING / 2 * unit_px)) + 1), np.uint8)
    lines = cv2.morphologyEx(end_of_range.view(np.uint8), cv2.MORPH_CLOSE, spacing)
    outlines, _ = cv2.findContours(lines, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    written = np.zeros(end_of_range.shape, np.uint8)
    for outline in _wide(outlines, least_px=_LEAST_WIDTH * unit_px):
        left, top, width, height = cv2.boundingRect(outline)
        if width < 3 * height:
            continue
        inked = np.count_nonzero(end_of_range[top : top + height, left : left + width])
        if inked >= _LEAST_INK * width * height:
            cv2.drawContours(written, [outline], 0, 1, cv2.FILLED)
    return end_of_range & written.view(np.bool_)


def _wide(
    outlines: Sequence[cv2.typing.MatLike], *, least_px: float
) -> Iterator[cv2.typing.MatLike]:
    """The outlines that are at least so wide; all of them are looked at in one go."""
    if not outlines:
        return
    ends = np.cumsum([len(outline) for outline in outlines])
    starts, x = np.concatenate(([0], ends[:-1])), np.concatenate(outlines)[:, 0, 0]
    widths = np.maximum.reduceat(x, starts) - np.minimum.reduceat(x, starts) + 1
    for place in np.flatnonzero(widths >= least_px).tolist():
        yield outlines[place]


def _disc(radius_px: int) -> NDArray[np.uint8]:
    side = 2 * max(radius_px, 1) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
