"""Which blobs of dye are cells, and how many do three ways of counting find?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamella.vision.cell_interval import count_interval
from lamella.vision.cell_map import BLOB_PX, DyeMap, without_haze
from lamella.vision.cell_readings import (
    Bounds,
    Read,
    blobs_of,
    cells_after,
    counts_of_readings,
    read,
    stained_mask,
)
from lamella.vision.cell_shape import roundness
from lamella.vision.cell_split import Catchments

__all__ = ["CellPieces", "find_pieces"]

Image = NDArray[np.float32]
Labels = NDArray[np.int32]
Floats = NDArray[np.float64]

# A cell ends at a third of the typical density and must somewhere reach half of it.
_ENDS_AT, _REACHES = 1 / 3, 1 / 2
# Spreads of the bare ground where a cell ends and which it must somewhere reach; the same in
# optical density.
_NOISE, _NOISE_REACHED = 3.0, 6.0
_LEAST_DENSITY, _LEAST_REACHED = 0.12, 0.2
# What is no larger than a pore is debris.
_LEAST_AREA = 4 * BLOB_PX**2
# In fluorescence there are no pores, and nuclei differ in brightness.
_NUCLEUS_AREA, _NUCLEUS_ENDS_AT = 1.5 * BLOB_PX**2, 0.2
# Between these roundnesses the finer blob filter gains this weight: round cells stay whole. The
# shape of cells is first looked at half-way.
_SPREAD_TO_ROUND, _FINEST = (0.6, 0.7), 0.75


@dataclass(frozen=True, slots=True)
class CellPieces:
    """The cells of one field at work scale.

    Attributes:
        labels: Shape (h, w), 0 outside, 1..n.
        middles: Shape (n, 2), row and column of each cell.
        areas, dyes: Shape (n,), pixels and summed dye.
        by_area, by_dye: Counts from clusters' area and dye over those of a lone cell.
        low, high: Count interval.
        level: Typical density of the dye inside cells; None where there is no cell.
        threshold: Density at which a cell ends.
        lone_area, lone_dye: Of a single cell; None where there is none.
        small: Spots of dye that are too small for a cell.
    """

    labels: Labels
    middles: Floats
    areas: Floats
    dyes: Floats
    by_area: float
    by_dye: float
    low: float
    high: float
    level: float | None
    threshold: float
    lone_area: float | None
    lone_dye: float | None
    small: int


def find_pieces(field: DyeMap, *, hair: NDArray[np.bool_] | None = None) -> CellPieces:
    """Cells among the blobs of a dye map.

    Args:
        field: The dye map.
        hair: Shape (h, w), True on hair, where nothing is a cell.
    """
    stained = field.stain is not None
    floor = max(_NOISE * field.noise, _LEAST_DENSITY if stained else 0.0)
    level = _typical_density(field.smooth, floor)
    if level is None:
        return _nothing(field, floor)
    if stained:
        field = without_haze(field, _ENDS_AT * level)
        level = _typical_density(field.smooth, floor) or level
    ends_at = max(floor, level * (_ENDS_AT if stained else _NUCLEUS_ENDS_AT))
    least = max(_NOISE_REACHED * field.noise, _LEAST_REACHED if stained else 0.0)
    reaches = max(least, level * (_REACHES if stained else 1.5 * _NUCLEUS_ENDS_AT))
    smallest = _LEAST_AREA if stained else _NUCLEUS_AREA
    bounds = Bounds(level, ends_at, reaches, (floor, least), smallest, stained)
    mask = stained_mask(field, bounds, hair=hair)
    if not mask.any():
        return _nothing(field, ends_at)
    fine, first = _fitted(field, mask, bounds)
    if first.count == 0:
        return _nothing(field, ends_at)
    counts = counts_of_readings(field, bounds, hair=hair, fine=fine, first=first)
    counts = np.append(counts, first.count)
    made = first.after(max(1, round(float(counts.mean()))))
    return _counted(field, first, made=made, spread=float(counts.var()), bounds=bounds)


def _fitted(field: DyeMap, mask: NDArray[np.bool_], bounds: Bounds) -> tuple[float, Read]:
    """Weight of the finer blob filter that suits the shape of the cells, and what it finds."""
    typical, fine = math.inf, 0.0
    if bounds.by_dye:
        parts = blobs_of(field, mask, level=bounds.level, fine=_FINEST / 2)
        half = read(field, parts, bounds=bounds)
        low, high = _SPREAD_TO_ROUND
        labels = _labels(parts, *cells_after(half, half.joins.made))
        fine = _FINEST * min(max((roundness(labels) - low) / (high - low), 0.0), 1.0)
        typical = half.typical
    parts = blobs_of(field, mask, level=bounds.level, fine=fine)
    return fine, read(field, parts, bounds=bounds, typical=typical, further=True)


def _typical_density(smooth: Image, floor: float) -> float | None:
    """The density around which half of the squared dye lies: haze and halos hardly count."""
    values = np.sort(smooth[smooth > floor])
    if values.size == 0:
        return None
    weight = np.cumsum(values.astype(np.float64) ** 2)
    return float(values[np.searchsorted(weight, weight[-1] / 2)])


def _labels(parts: Catchments, of: NDArray[np.int64], kept: NDArray[np.bool_]) -> Labels:
    """Number of the cell at each pixel, in the order of its first blob; 0 outside."""
    number = np.zeros(len(kept), np.int64)
    number[kept] = np.arange(1, int(kept.sum()) + 1)
    return np.asarray(np.r_[0, number[of]][parts.labels], np.int32)


def _counted(field: DyeMap, found: Read, *, made: int, spread: float, bounds: Bounds) -> CellPieces:
    of, kept = cells_after(found, made)
    labels = _labels(found.parts, of, kept)
    count = int(kept.sum())
    areas = np.asarray(np.bincount(labels.ravel(), minlength=count + 1)[1:], np.float64)
    dyes = np.asarray(
        np.bincount(labels.ravel(), weights=np.maximum(field.dye, 0).ravel())[1:], np.float64
    )
    told = count_interval(labels, areas=areas, dyes=dyes, doubt=found.joins.doubt + spread)
    return CellPieces(
        labels=labels,
        middles=_middles(found.parts, labels, field.dye),
        areas=areas,
        dyes=dyes,
        by_area=told.by_area,
        by_dye=told.by_dye,
        low=told.low,
        high=told.high,
        level=bounds.level,
        threshold=bounds.ends_at,
        lone_area=told.lone_area,
        lone_dye=told.lone_dye,
        small=int(np.count_nonzero(~kept)),
    )


def _middles(parts: Catchments, labels: Labels, dye: Image) -> Floats:
    """Centre of mass of each cell; the top of its highest blob where that lies outside it."""
    count = int(labels.max())
    number = labels[parts.peaks[:, 0], parts.peaks[:, 1]]
    order = np.argsort(parts.heights, kind="stable")
    top = np.zeros(count + 1, np.int64)
    top[number[order]] = order
    inside = np.flatnonzero(labels)
    cell, weight = labels.ravel()[inside], np.maximum(dye.ravel()[inside], 1e-9)
    mass = np.bincount(cell, weights=weight, minlength=count + 1)[1:]
    at = np.stack(np.divmod(inside, labels.shape[1]), axis=1)
    sums = [np.bincount(cell, weights=weight * at[:, k], minlength=count + 1)[1:] for k in (0, 1)]
    middle = np.stack(sums, axis=1) / mass[:, None]
    row, column = np.rint(middle).astype(int).T
    strayed = labels[row, column] != np.arange(1, count + 1)
    middle[strayed] = parts.peaks[top[1:]][strayed]
    return np.asarray(middle, np.float64)


def _nothing(field: DyeMap, ends_at: float) -> CellPieces:
    none = np.zeros(0)
    labels = np.zeros(field.dye.shape, np.int32)
    middles = np.zeros((0, 2))
    return CellPieces(labels, middles, none, none, 0.0, 0.0, 0.0, 0.0, None, ends_at, None, None, 0)
