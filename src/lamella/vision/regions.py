"""Which smooth pixels are a gap, and what lies inside it? Openings, islands, growth."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Regions", "open_regions"]

# In work units: narrower than this is a space between cells.
_OPENING = 3.0
# Share of the field below which an opening of the tissue is a hole, and the share of the
# largest gap that a further one must reach.
_SMALLEST_SHARE = 0.001
_SHARE_OF_LARGEST = 0.1
# An island larger than this share of the field is tissue that splits two gaps.
_LARGEST_ISLAND = 0.005


@dataclass(frozen=True, slots=True)
class Regions:
    """The gaps of one frame at work scale.

    Attributes:
        front: Shape (h, w), gaps with their islands filled.
        islands: Number of islands.
        island_area_px: Their work pixels.
    """

    front: NDArray[np.bool_]
    islands: int
    island_area_px: float


def open_regions(
    low: NDArray[np.bool_], *, where: NDArray[np.bool_], unit_px: float, growth_px: float
) -> Regions:
    """Gaps among the smooth pixels.

    Args:
        low: Smooth pixels, shape (h, w).
        where: Where a gap may lie, shape (h, w).
        unit_px: Length of one work unit.
        growth_px: How far the front lies beyond the smooth pixels: the texture window sees
            tissue that far away.
    """
    smooth = np.asarray(
        cv2.morphologyEx(low.astype(np.uint8), cv2.MORPH_OPEN, _disc(_OPENING * unit_px)), np.uint8
    )
    count, parts, stats, _ = cv2.connectedComponentsWithStats(smooth)
    areas = stats[1:, cv2.CC_STAT_AREA]
    keep = np.zeros(count, np.bool_)
    if areas.size:
        field = max(1, np.count_nonzero(where))
        least = max(_SHARE_OF_LARGEST * float(np.max(areas)), _SMALLEST_SHARE * field)
        keep[1:] = areas >= least
    gaps = keep[parts]
    islands, island_area, filled = _fill(gaps, where)
    grown = cv2.dilate(filled.astype(np.uint8), _disc(growth_px)) if growth_px > 0 else filled
    return Regions(np.asarray(grown, np.bool_) & where, islands, island_area)


def _fill(
    gaps: NDArray[np.bool_], where: NDArray[np.bool_]
) -> tuple[int, float, NDArray[np.bool_]]:
    rest = (~gaps).astype(np.uint8)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(rest, connectivity=4)
    small = np.zeros(count, np.bool_)
    small[1:] = stats[1:, cv2.CC_STAT_AREA] <= _LARGEST_ISLAND * np.count_nonzero(where)
    height, width = gaps.shape
    x, y = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_TOP]
    inside = (x > 0) & (y > 0)
    inside &= x + stats[:, cv2.CC_STAT_WIDTH] < width
    inside &= y + stats[:, cv2.CC_STAT_HEIGHT] < height
    islands = small & inside
    return int(islands.sum()), float(stats[islands, cv2.CC_STAT_AREA].sum()), gaps | small[parts]


def _disc(radius_px: float) -> NDArray[np.uint8]:
    side = 2 * max(1, round(radius_px)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
