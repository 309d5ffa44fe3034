"""Are the cells of a field round?

Round cells do not break into parts, so a finer filter may look for the valleys between them;
spindles and stars would fall apart under it.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["roundness"]

# What is assumed of a field before a cell is seen, and how many cells outweigh it.
_SPREAD, _WEIGHT = 0.7, 3.0


def roundness(mask: NDArray[np.bool_], *, least_px: float) -> float:
    """Median of 4 pi area / perimeter^2 of patches that may be single cells, 0..1.

    Clusters (more than twice the median area) and patches on the border do not count; a field
    with few patches is taken to hold spread cells.

    Args:
        mask: Shape (h, w), what is stained.
        least_px: Smaller patches are no cells [px].

    >>> discs, rods = np.zeros((2, 60, 400), np.uint8)
    >>> for x in range(30, 400, 40):
    ...     _ = cv2.circle(discs, (x, 30), 12, 1, -1)
    ...     _ = cv2.rectangle(rods, (x - 3, 8), (x + 3, 52), 1, -1)
    >>> roundness(discs > 0, least_px=50) > 0.8 > roundness(rods > 0, least_px=50)
    True
    """
    height, width = mask.shape
    outlines, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    shapes = []
    for outline in outlines:
        x, y, w, h = cv2.boundingRect(outline)
        if x == 0 or y == 0 or x + w == width or y + h == height:
            continue
        length = cv2.arcLength(outline, True)
        # The outline runs through the middles of the outermost pixels.
        area = cv2.contourArea(outline) + length / 2 + 1
        if area >= least_px:
            shapes.append((4 * math.pi * area / max(length, 1.0) ** 2, area))
    if not shapes:
        return _SPREAD
    round_, area = np.array(shapes).T
    single = round_[area <= 2 * np.median(area)]
    share = len(single) / (len(single) + _WEIGHT)
    return float(share * min(np.median(single), 1.0) + (1 - share) * _SPREAD)
