"""Which pixels show the dish, and which only the frame of the microscope?"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.vision.ranks import percentiles
from lamella.vision.work_scale import WorkPicture

__all__ = ["field_of_view"]

# Share of the picture's range within which a border counts as one grey level.
_BORDER_TOLERANCE = 0.04
# A microscope border leaves a convex field; the edge of a wound is never that smooth.
_LEAST_SOLIDITY = 0.975
_LEAST_BORDER_SHARE = 0.002


def field_of_view(work: WorkPicture) -> NDArray[np.bool_]:
    """Pixels of the field, shape (h, w): False on dark borders and where no number is.

    A border is dark, of one level, starts in a corner of the picture, and what it leaves is
    convex: a circle, a rectangle or a turned rectangle. A dark wound that runs into a corner
    fails at the last point, because its front is ragged.
    """
    dark = _dark_from_corners(work.values, work.known)
    if dark is None:
        return work.known.copy()
    field = ~dark & work.known
    share = np.count_nonzero(dark) / dark.size
    if not _LEAST_BORDER_SHARE < share < 0.9 or _solidity(field) < _LEAST_SOLIDITY:
        return work.known.copy()
    return field


def _dark_from_corners(
    values: NDArray[np.float32], known: NDArray[np.bool_]
) -> NDArray[np.bool_] | None:
    height, width = values.shape
    if min(height, width) < 16 or not known.all():
        return None
    corners = ((0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1))
    level = min(float(values[y, x]) for x, y in corners)
    darkest, brightest = percentiles(values[::4, ::4], 2.0, 98.0)
    span = brightest - darkest
    tolerance = _BORDER_TOLERANCE * max(span, 1e-6)
    if level > darkest + tolerance:
        return None
    near = np.ascontiguousarray(values <= level + tolerance).view(np.uint8)
    for corner in corners:
        if near[corner[::-1]] == 1:
            cv2.floodFill(near, None, corner, 2, flags=4)
    dark = near == 2
    if not dark.any():
        return None
    # Camera noise leaves specks in the border.
    specks = np.ones((5, 5), np.uint8)
    closed = cv2.morphologyEx(dark.view(np.uint8), cv2.MORPH_CLOSE, specks)
    return np.asarray(closed, np.uint8).view(np.bool_)


def _solidity(field: NDArray[np.bool_]) -> float:
    outlines, _ = cv2.findContours(
        field.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    if not outlines:
        return 0.0
    largest = max(outlines, key=cv2.contourArea)
    hull = cv2.contourArea(cv2.convexHull(largest))
    return float(cv2.contourArea(largest) / hull) if hull > 0 else 0.0
