"""Which pixels were written into the picture: text, scale bars, clocks?"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.vision.work_scale import WorkPicture

__all__ = ["burnt_in"]

# Writing sits at the very end of the picture's range.
_PLATEAU = 0.04
# More than this share of end-of-range pixels, or more groups of them, is saturated tissue.
_MOST_SHARE = 0.02
_MOST_GROUPS = 12


def burnt_in(work: WorkPicture, *, field: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels under writing and its rim, shape (h, w).

    Args:
        work: The picture at work scale.
        field: Its field of view, shape (h, w).
    """
    written = np.zeros(field.shape, np.bool_)
    if not field.any():
        return written
    inside = work.values[field]
    middle = float(np.median(inside[:: max(1, inside.size // 50_000)]))
    for sign in (1.0, -1.0):
        top = float((sign * inside).max())
        level = top - _PLATEAU * (top - sign * middle)
        written |= _few_groups((sign * work.values >= level) & field, work.unit_px)
    return written


def _few_groups(end_of_range: NDArray[np.bool_], unit_px: float) -> NDArray[np.bool_]:
    nothing = np.zeros(end_of_range.shape, np.bool_)
    if not 0 < end_of_range.mean() <= _MOST_SHARE:
        return nothing
    joined = cv2.dilate(end_of_range.astype(np.uint8), _disc(round(8 * unit_px)))
    groups, _ = cv2.connectedComponents(joined)
    if groups - 1 > _MOST_GROUPS:
        return nothing
    return cv2.dilate(end_of_range.astype(np.uint8), _disc(round(3 * unit_px))) > 0


def _disc(radius_px: int) -> NDArray[np.uint8]:
    side = 2 * max(radius_px, 1) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
