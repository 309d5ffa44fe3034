"""Which smooth pixels are a gap, how far does it reach, and what lies inside it?"""

from __future__ import annotations

import math
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
        box = _Box.around(self.front, margin_px=1)
        front = self.front[box.place]
        parts = _parts(_distance(~self.smooth[box.place]) > self.growth_px)
        free = np.ones(parts.count, np.bool_)
        free[parts.labels[~front & ~_enclosed(front)]] = False
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
    least_px, most_px = (share * np.count_nonzero(where) for share in (_SMALLEST, _LARGEST_ISLAND))
    growth_px = growth * unit_px
    whole = _without_cracks(smooth & where, unit_px)
    filled = whole | _holes(whole, most_px=most_px)
    cores, radius_px = _with_room_for_a_disc(filled, unit_px)
    reach_px = radius_px + _MARGIN * unit_px
    # Nothing of a gap lies farther from its cores than this; the rest of the map is left out.
    box = _Box.around(cores, margin_px=reach_px + growth_px + (3 * _SMOOTHING + 2) * unit_px)
    body = filled[box.place] & (_distance(~cores[box.place]) <= reach_px)
    body = _larger_than(body, least_px)
    depth = np.full(where.shape, -1.0, np.float32)
    smooth = np.zeros(where.shape, np.bool_)
    if body.any():
        near = growth_px - _distance(~body)
        near = np.asarray(cv2.GaussianBlur(near, (0, 0), _SMOOTHING * unit_px), np.float32)
        near[_holes(near > 0, most_px=most_px, box=box)] = growth_px
        depth[box.place] = np.where(where[box.place], near, np.float32(-1.0))
        smooth[box.place] = whole[box.place] & body
    return Regions(depth, smooth, growth_px)


@dataclass(frozen=True, slots=True)
class _Box:
    """A part of the map; `cut` are those of its edges that are not edges of the map."""

    place: tuple[slice, slice]
    cut: tuple[tuple[slice | int, ...], ...]

    @classmethod
    def around(cls, mask: NDArray[np.bool_], *, margin_px: float) -> _Box:
        """The smallest part that holds the mask and a margin."""
        x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
        margin = math.ceil(margin_px)
        rows, columns = mask.shape
        top, bottom = max(y - margin, 0), min(y + height + margin, rows)
        left, right = max(x - margin, 0), min(x + width + margin, columns)
        every = slice(None)
        edges: tuple[tuple[tuple[slice | int, ...], bool], ...] = (
            ((0, every), top > 0),
            ((-1, every), bottom < rows),
            ((every, 0), left > 0),
            ((every, -1), right < columns),
        )
        cut = tuple(edge for edge, is_cut in edges if is_cut)
        return cls((slice(top, bottom), slice(left, right)), cut)


def _without_cracks(mask: NDArray[np.bool_], unit_px: float) -> NDArray[np.bool_]:
    reach = max(1, round(_CRACK * unit_px))
    across = np.arange(-reach, reach + 1)
    # OpenCV's own ellipse changes when it is turned by 90 degrees.
    disc = (np.hypot(across[:, None], across[None]) <= reach + 0.25).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_OPEN, disc) > 0)


def _with_room_for_a_disc(
    mask: NDArray[np.bool_], unit_px: float
) -> tuple[NDArray[np.bool_], float]:
    """Centres of the discs that fit into the mask, and their radius."""
    room = _distance(mask)
    radius_px = min(_DISC * unit_px, _DISC_SHARE * float(room.max(initial=0.0)))
    cores = _parts(room > radius_px)
    areas = cores.areas()
    areas[0] = 0
    return cores.chosen(areas >= _SHARE_OF_LARGEST * float(areas.max())), radius_px


def _larger_than(mask: NDArray[np.bool_], least_px: float) -> NDArray[np.bool_]:
    parts = _parts(mask)
    return parts.chosen(parts.areas() >= least_px)


def _holes(
    mask: NDArray[np.bool_], *, most_px: float, box: _Box | None = None
) -> NDArray[np.bool_]:
    """Parts outside the mask that are small: enclosed by it, or by it and the picture's edge."""
    parts = _parts(~mask, connectivity=4)
    small = parts.areas() <= most_px
    for edge in () if box is None else box.cut:
        small[parts.labels[edge]] = False
    return parts.chosen(small)


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
