"""Which smooth pixels are a gap, how far does it reach, and what lies inside it?"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Regions", "open_regions"]

# Work units. A space narrower than `_CRACK` lies between two cells.
_CRACK = 3.0
# A gap must hold a disc of this radius (one cell diameter), or of this share of the largest
# disc where the whole gap is narrower; what hangs on it by a thinner neck is a hole of the
# tissue. `_MARGIN` lets the corners back in that the disc does not reach.
_DISC, _DISC_SHARE, _MARGIN = 10.0, 0.4, 4.0
# Shares of the field: smaller is no gap; a larger island is tissue between two gaps.
_SMALLEST, _LARGEST_ISLAND = 0.001, 0.005
# A further gap must reach this share of the largest.
_SHARE_OF_LARGEST = 0.1
# The outline is smoothed over this many work units.
_SMOOTHING = 2.0


@dataclass(frozen=True, slots=True)
class Regions:
    """The gaps of one frame on the energy map.

    Attributes:
        depth: Shape (h, w), > 0 inside the gaps with their islands filled: distance beyond
            the front in map pixels, smooth enough to be enlarged before it is cut at 0.
        smooth: Shape (h, w), the smooth pixels of the gaps from which the front was grown.
        growth_px: How far it was grown [map pixels].
    """

    depth: NDArray[np.float32]
    smooth: NDArray[np.bool_]
    growth_px: float

    @property
    def front(self) -> NDArray[np.bool_]:
        """Gaps with their islands filled, shape (h, w)."""
        return np.asarray(self.depth > 0, np.bool_)

    def islands(self) -> tuple[int, float]:
        """Number and area [map pixels] of cells and clumps that stand free inside the gaps."""
        solid = _distance(~self.smooth) > self.growth_px
        parts = _parts(solid)
        free = np.ones(parts.count, np.bool_)
        free[parts.labels[~self.front & ~_enclosed(self.front)]] = False
        free[0] = False
        return int(free.sum()), float(parts.areas()[free].sum())


def open_regions(
    smooth: NDArray[np.bool_], *, where: NDArray[np.bool_], unit_px: float, growth: float
) -> Regions:
    """Gaps among the smooth pixels.

    Args:
        smooth: Shape (h, w), pixels with the texture of the dish.
        where: Shape (h, w), where a gap may lie.
        unit_px: Map pixels of one work unit.
        growth: Work units by which the front lies beyond the smooth pixels, because the
            texture window sees tissue from afar.
    """
    field = int(np.count_nonzero(where))
    growth_px = growth * unit_px
    whole = _without_cracks(smooth & where, unit_px)
    filled = whole | _holes(whole, most_px=_LARGEST_ISLAND * field)
    body = _larger_than(_with_room_for_a_disc(filled, unit_px), _SMALLEST * field)
    if not body.any():
        return Regions(np.full(where.shape, -1.0, np.float32), body, growth_px)
    depth = growth_px - _distance(~body)
    depth = np.asarray(cv2.GaussianBlur(depth, (0, 0), _SMOOTHING * unit_px), np.float32)
    depth[_holes(depth > 0, most_px=_LARGEST_ISLAND * field)] = growth_px
    depth[~where] = -1.0
    return Regions(depth, whole & body, growth_px)


def _without_cracks(mask: NDArray[np.bool_], unit_px: float) -> NDArray[np.bool_]:
    reach = max(1, round(_CRACK * unit_px))
    across = np.arange(-reach, reach + 1)
    # OpenCV's own ellipse changes when it is turned by 90 degrees.
    disc = (np.hypot(across[:, None], across[None]) <= reach + 0.25).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_OPEN, disc) > 0)


def _with_room_for_a_disc(mask: NDArray[np.bool_], unit_px: float) -> NDArray[np.bool_]:
    room = _distance(mask)
    radius = min(_DISC * unit_px, _DISC_SHARE * float(room.max(initial=0.0)))
    core = _parts(room > radius)
    if core.count <= 1:
        return np.zeros_like(mask)
    areas = core.areas()
    areas[0] = 0
    kept = core.chosen(areas >= _SHARE_OF_LARGEST * float(areas.max()))
    return np.asarray(mask & (_distance(~kept) <= radius + _MARGIN * unit_px), np.bool_)


def _larger_than(mask: NDArray[np.bool_], least_px: float) -> NDArray[np.bool_]:
    parts = _parts(mask)
    return parts.chosen(parts.areas() >= least_px)


def _holes(mask: NDArray[np.bool_], *, most_px: float) -> NDArray[np.bool_]:
    """Parts outside the mask that are small: enclosed by it, or by it and the picture's edge."""
    parts = _parts(~mask, connectivity=4)
    return parts.chosen(parts.areas() <= most_px)


def _enclosed(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Parts outside the mask, of any size, that it surrounds on all sides."""
    parts = _parts(~mask, connectivity=4)
    inner = np.ones(parts.count, np.bool_)
    for edge in (parts.labels[[0, -1]], parts.labels[:, [0, -1]]):
        inner[edge.ravel()] = False
    return parts.chosen(inner)


@dataclass(frozen=True, slots=True)
class _Parts:
    """The connected parts of a mask: label of each pixel, 0 outside, below `count`."""

    labels: NDArray[np.int32]
    count: int

    def areas(self) -> NDArray[np.int64]:
        """Pixels of each part, that of the outside first."""
        # OpenCV's own statistics of the parts cost four times as much as their labels.
        if self.count <= 2:
            inside = np.count_nonzero(self.labels)
            return np.array([self.labels.size - inside, inside][: self.count], np.int64)
        return np.asarray(np.bincount(self.labels.ravel(), minlength=self.count), np.int64)

    def chosen(self, which: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Pixels of those parts; the outside (part 0) is never one of them."""
        if not which[1:].any():
            return np.zeros(self.labels.shape, np.bool_)
        if which[1:].all():
            return np.asarray(self.labels > 0, np.bool_)
        which = which.copy()
        which[0] = False
        return np.asarray(np.take(which, self.labels), np.bool_)


def _parts(mask: NDArray[np.bool_], *, connectivity: int = 8) -> _Parts:
    count, labels = cv2.connectedComponents(mask.view(np.uint8), connectivity=connectivity)
    return _Parts(np.asarray(labels, np.int32), int(count))


def _distance(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Distance of each pixel of the mask to the nearest pixel outside it."""
    if mask.all():
        return np.full(mask.shape, float(max(mask.shape)), np.float32)
    return np.asarray(cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, 5), np.float32)
