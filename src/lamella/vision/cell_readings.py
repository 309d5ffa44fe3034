"""How many cells does one reading of a dye map find, and what do several equally fair ones say?

Where a cell ends, how wide a blob is, how deep a valley must be and how little dye is debris are
choices within which reason does not decide. Each reading takes other ones; their mean is what a
small change of the picture cannot move far.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.vision.cell_map import BLOB_PX, GRAIN_PX, DyeMap
from lamella.vision.cell_split import Catchments, Groups, Joins, catchments, grouped, joins

__all__ = [
    "CENTRE",
    "Bounds",
    "Read",
    "Reading",
    "blobs_of",
    "cells_after",
    "counts_of_readings",
    "read",
    "stained_mask",
]

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reading:
    """Choices that reason leaves open.

    Attributes:
        blob: Width of the blob filter over the usual one.
        ends: Density at which a cell ends, and which it must reach, over the usual ones.
        saddle: Share of the lower of two blobs at which the valley speaks for neither answer.
        least: Share of a typical cell below which something is debris; what is fainter than
            the usual cell must be larger by as much.
    """

    blob: float
    ends: float
    saddle: float
    least: float


CENTRE = Reading(1.0, 1.0, 0.65, 0.25)
# Half a factorial design: pairs of opposite corners, so that every number of pairs is balanced.
# Each choice is taken to be uncertain by about a tenth.
_STEP = Reading(0.1, 0.1, 0.05, 0.05)
_CORNERS = ((1, 1, 1, 1), (1, -1, -1, 1), (-1, 1, -1, 1), (-1, -1, 1, 1))
# Width of the finer of two blob filters over the usual one.
_FINE = 0.45
# Power with which faintness makes debris of what is large enough.
_FAINTNESS = 0.5
# A cell that the border cuts shows half of itself on average; what is cut may still be a whole
# pore, and half its area more.
_CUT_DYE, _CUT_AREA = 0.5, 0.75
# Chances even out by themselves where there are many cells; so many blobs [all readings] do.
_ENOUGH_BLOBS = 4000
_ROUNDS, _SETTLED = 6, 0.02


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a cell must be.

    Attributes:
        level: Typical density inside cells.
        ends_at, reaches: Density at which a cell ends, and which it must reach somewhere.
        floors: What both may not fall below.
        least_area: Area of the largest thing that is no cell [work px].
        by_dye: Whether the size of a cell is its dye, or its area.
    """

    level: float
    ends_at: float
    reaches: float
    floors: tuple[float, float]
    least_area: float
    by_dye: bool


@dataclass(frozen=True, slots=True)
class Read:
    """What one reading finds.

    Attributes:
        parts: The blobs.
        sizes, areas: Shape (n,), dye or area, and area, of each.
        needed: Shape (n,), size of the least cell that a blob may be part of.
        clear: Shape (n,), root of the height of each blob over that of a usual cell, at most
            1; 1 in fluorescence, where nuclei differ in brightness.
        rooms: Shape (n,), area of the least cell that a blob may be part of.
        joins: How they are put together.
        typical: Size of a typical cell.
    """

    parts: Catchments
    sizes: Floats
    areas: Floats
    needed: Floats
    clear: Floats
    rooms: Floats
    joins: Joins
    typical: float

    @property
    def count(self) -> int:
        """Cells after the joins that are more likely right than wrong."""
        return int(cells_after(self, self.joins.made)[1].sum())

    def after(self, count: int) -> int:
        """Joins that leave so many cells, as near as can be to those that are likely right."""
        off = np.abs(_cells_along(self) - count)
        nearest = np.flatnonzero(off == off.min())
        return int(nearest[np.argmin(np.abs(nearest - self.joins.made))])


def stained_mask(field: DyeMap, bounds: Bounds, *, hair: Mask | None, ends: float = 1.0) -> Mask:
    """Where cells may be, shape (h, w): hysteresis between two densities.

    Args:
        field: The dye map.
        bounds: The densities.
        hair: Shape (h, w), True on hair, where nothing is a cell.
        ends: A factor to both.
    """
    low = max(bounds.floors[0], ends * bounds.ends_at)
    high = max(bounds.floors[1], ends * bounds.reaches)
    count, patches = cv2.connectedComponents((field.smooth > low).view(np.uint8))
    strong = np.zeros(count, np.bool_)
    strong[np.unique(patches[field.smooth > high])] = True
    strong[0] = False
    mask = strong[patches]
    return np.asarray(mask if hair is None else mask & ~hair)


def blobs_of(
    field: DyeMap, mask: Mask, *, level: float, wide: float = 1.0, fine: float = 0.0
) -> Catchments:
    """Blobs inside a mask by Laplacians of Gaussians, each normalised for its scale.

    Args:
        field: The dye map.
        mask: Shape (h, w), where cells may be.
        level: Typical density inside cells.
        wide: Width of the filters over the usual one.
        fine: Weight of a second, finer filter: it finds shallow valleys, and the first one keeps
            a cell whole whose inside is flat.
    """
    surface = (1 - fine) * _curvature(field.dye, wide * BLOB_PX)
    if fine > 0:
        surface += fine * _curvature(field.dye, wide * _FINE * BLOB_PX)
    return catchments(np.asarray(surface / level, np.float32), mask)


def read(
    field: DyeMap,
    parts: Catchments,
    *,
    bounds: Bounds,
    reading: Reading | None = None,
    typical: float = math.inf,
    further: bool = False,
) -> Read:
    """One reading of the blobs of a field, with a typical size that agrees with its cells.

    Args:
        field: The dye map.
        parts: Its blobs, one at least.
        bounds: What a cell must be.
        reading: The choices; None takes the centre.
        typical: A first guess of the size of a cell.
        further: Also list joins that are more likely wrong.
    """
    reading = reading or CENTRE
    areas = parts.total(np.ones_like(field.dye))
    sizes = parts.total(np.maximum(field.dye, 0)) if bounds.by_dye else areas
    size = min(typical, _middle(sizes) if math.isinf(typical) else float(sizes.max()))
    for _ in range(_ROUNDS):
        order = joins(parts, sizes, typical=size, even=reading.saddle, further=further)
        groups = grouped(sizes, order.pairs[: order.made])
        now = _middle(groups.sizes[groups.sizes >= reading.least * size])
        if abs(math.log(now / size)) < _SETTLED:
            break
        size = now
    least = reading.least * size
    cut = _cut(parts)
    clear = np.ones(len(sizes))
    if bounds.by_dye:
        usual = float(np.median(_highest(parts.heights, groups)[groups.sizes >= least]))
        clear = np.clip(parts.heights / max(usual, 1e-9), 0.0, 1.0) ** _FAINTNESS
    needed = np.where(cut, _CUT_DYE, 1.0) * least
    rooms = np.where(cut, _CUT_AREA, 1.0) * bounds.least_area
    return Read(parts, sizes, areas, needed, clear, rooms, order, size)


def cells_after(found: Read, made: int) -> tuple[NDArray[np.int64], Mask]:
    """Group of each blob after so many joins, and which groups are cells."""
    groups = grouped(found.sizes, found.joins.pairs[:made])
    area = np.bincount(groups.of, weights=found.areas)
    needed, room = (_lowest(values, groups) for values in (found.needed, found.rooms))
    clear = _highest(found.clear, groups)
    large = (groups.sizes * clear >= needed) & (area >= room)
    return groups.of, np.asarray(large)


def counts_of_readings(
    field: DyeMap, bounds: Bounds, *, hair: Mask | None, fine: float, first: Read
) -> Floats:
    """Counts of readings around the first, in pairs of opposite ones.

    Args:
        field: The dye map.
        bounds: What a cell must be.
        hair: Shape (h, w), True on hair.
        fine: Weight of the finer blob filter.
        first: The reading in the centre.
    """
    pairs = round(_ENOUGH_BLOBS / (2 * max(len(first.sizes), 1)))
    corners = _CORNERS[: min(pairs, len(_CORNERS))]
    both = [tuple(side * c for c in corner) for corner in corners for side in (1, -1)]
    blobs: dict[tuple[float, float], Catchments] = {}
    counts = []
    for reading in (_at(corner) for corner in both):
        key = (reading.ends, reading.blob)
        if key not in blobs:
            mask = stained_mask(field, bounds, ends=reading.ends, hair=hair)
            wide = reading.blob
            blobs[key] = blobs_of(field, mask, level=bounds.level, wide=wide, fine=fine)
        if len(blobs[key].heights) == 0:
            counts.append(0)
            continue
        found = read(field, blobs[key], bounds=bounds, reading=reading, typical=first.typical)
        counts.append(found.count)
    return np.asarray(counts, np.float64)


def _at(corner: tuple[int, ...]) -> Reading:
    return Reading(
        CENTRE.blob + corner[0] * _STEP.blob,
        CENTRE.ends + corner[1] * _STEP.ends,
        CENTRE.saddle + corner[2] * _STEP.saddle,
        CENTRE.least + corner[3] * _STEP.least,
    )


def _curvature(dye: Image, sigma: float) -> Image:
    """Minus the Laplacian of a Gaussian of this width, what smoothed the light included."""
    rest = math.sqrt(sigma**2 - GRAIN_PX**2)
    laplacian = cv2.Laplacian(cv2.GaussianBlur(dye, (0, 0), rest), cv2.CV_32F)
    return np.asarray(laplacian * np.float32(-(sigma**2)), np.float32)


def _middle(sizes: Floats) -> float:
    """Median weighted by the root of the size: between debris, which is many, and clusters."""
    ordered = np.sort(np.maximum(sizes, 1e-12))
    weight = np.cumsum(np.sqrt(ordered))
    return float(ordered[np.searchsorted(weight, weight[-1] / 2)])


def _highest(values: Floats, groups: Groups) -> Floats:
    """The highest value of the blobs of each group, shape (k,)."""
    highest = np.zeros(len(groups.sizes))
    np.maximum.at(highest, groups.of, values)
    return highest


def _lowest(values: Floats, groups: Groups) -> Floats:
    """The lowest value of the blobs of each group, shape (k,)."""
    lowest = np.full(len(groups.sizes), np.inf)
    np.minimum.at(lowest, groups.of, values)
    return lowest


def _cut(parts: Catchments) -> Mask:
    """Which blobs the border cuts: shape (n,)."""
    labels = parts.labels
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    cut = np.zeros(len(parts.heights) + 1, np.bool_)
    cut[border] = True
    return np.asarray(cut[1:])


def _cells_along(found: Read) -> NDArray[np.int64]:
    """How many groups are cells after each join, shape (joins + 1,)."""
    size, area = found.sizes.tolist(), found.areas.tolist()
    needed, clear, room = found.needed.tolist(), found.clear.tolist(), found.rooms.tolist()

    def cell(k: int) -> bool:
        return bool(size[k] * clear[k] >= needed[k] and area[k] >= room[k])

    count = sum(cell(k) for k in range(len(size)))
    counts = [count]
    for a, b in found.joins.pairs.tolist():
        count -= cell(a) + cell(b)
        size[a] += size[b]
        area[a] += area[b]
        needed[a] = min(needed[a], needed[b])
        room[a] = min(room[a], room[b])
        clear[a] = max(clear[a], clear[b])
        count += cell(a)
        counts.append(count)
    return np.array(counts, np.int64)
