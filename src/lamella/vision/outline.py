"""The outlines of a mask as polygons, for overlays and for editing."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Polygon", "polygons"]

Polygon = tuple[tuple[float, float], ...]

# Points closer to the line than this many pixels of the drawing are left out.
_TOLERANCE_PX = 0.5


def polygons(mask: NDArray[np.bool_], *, scale: float = 1.0) -> tuple[Polygon, ...]:
    """Closed outlines, the longest first; the outlines of holes are among them.

    Args:
        mask: Shape (H, W).
        scale: Pixels of the drawing per pixel of the mask.

    Returns:
        Polygons of (x, y) in pixels of the drawing, pixel centres at whole numbers times
        `scale`; the first point is not repeated.

    >>> square = np.zeros((9, 9), np.bool_)
    >>> square[2:6, 3:8] = True
    >>> sorted(polygons(square)[0])
    [(3.0, 2.0), (3.0, 5.0), (7.0, 2.0), (7.0, 5.0)]
    """
    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    simple = [cv2.approxPolyDP(line, _TOLERANCE_PX / scale, True)[:, 0, :] for line in found]
    simple = sorted((line for line in simple if len(line) >= 3), key=len, reverse=True)
    return tuple(tuple((float(x) * scale, float(y) * scale) for x, y in line) for line in simple)
