"""How sure is a count of outlined cells: what do their clusters hold by area and by dye?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["CountInterval", "count_interval"]

Labels = NDArray[np.int32]
Floats = NDArray[np.float64]

# Lone cells that are enough to know the size of one.
_ENOUGH_LONE = 8
# Relative standard deviation of a count that no look at the picture can see: what is a cell at
# all is a matter of definition, on which people differ by about this.
_DEFINITION = 0.03
# The same for cells that hide under their neighbours, of those in clusters, and for slivers at
# the border that one person counts and another does not, of those on it.
_HIDDEN, _SLIVERS = 0.05, 0.25
# Of any count, in cells.
_ONE_CELL = 0.5
_Z95 = 1.96


@dataclass(frozen=True, slots=True)
class CountInterval:
    """What the clusters of a field say of its count.

    Attributes:
        low, high: From the smaller to the larger of the count and that of the clusters, widened
            to 95 %.
        by_area, by_dye: Counts from the area and the dye of clusters over those of a lone cell.
        lone_area, lone_dye: Of a single cell.
        sized: Whether enough cells stand alone to know the size of one; the other figures rest
            on all cells where not.
    """

    low: float
    high: float
    by_area: float
    by_dye: float
    lone_area: float
    lone_dye: float
    sized: bool


def count_interval(
    labels: Labels, *, areas: Floats, dyes: Floats, doubt: float = 0.0
) -> CountInterval:
    """Count the clusters again by area and by dye.

    Args:
        labels: Shape (h, w), 0 outside, 1..n inside cells; one cell at least.
        areas, dyes: Shape (n,), pixels and summed dye of each.
        doubt: Further variance of the count [cells squared].
    """
    count = len(areas)
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    lone, cluster = _lone(labels, count, border)
    lone_area, lone_dye = _single(areas, lone), _single(dyes, lone)
    by_area, by_dye = _by(areas, lone_area, cluster), _by(dyes, lone_dye, cluster)
    crowded = count - int(np.count_nonzero(np.bincount(cluster) == 1))
    on_border = len(np.setdiff1d(border, [0]))
    unseen = (_DEFINITION * count, _HIDDEN * crowded, _SLIVERS * on_border)
    half = _Z95 * math.sqrt(_ONE_CELL**2 + doubt + sum(part**2 for part in unseen))
    other = (by_area + by_dye) / 2
    return CountInterval(
        low=max(0.0, min(count, other) - half),
        high=max(count, other) + half,
        by_area=by_area,
        by_dye=by_dye,
        lone_area=lone_area,
        lone_dye=lone_dye,
        sized=bool(lone.sum() >= _ENOUGH_LONE),
    )


def _lone(
    labels: Labels, count: int, border: Labels
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which cells touch no other and no border, and the cluster that each lies in."""
    clusters, patches = cv2.connectedComponents((labels > 0).view(np.uint8))
    cluster = np.zeros(count + 1, np.int64)
    cluster[labels.ravel()] = patches.ravel()
    members = np.bincount(cluster[1:], minlength=clusters)
    lone = members[cluster] == 1
    lone[border] = False
    return lone[1:], cluster[1:]


def _single(sizes: Floats, lone: NDArray[np.bool_]) -> float:
    """Mean size of a cell without the extreme fifths: of the lone ones where they suffice."""
    chosen = np.sort(sizes[lone] if lone.sum() >= _ENOUGH_LONE else sizes)
    cut = len(chosen) // 5
    return float(chosen[cut : len(chosen) - cut].mean())


def _by(sizes: Floats, single: float, cluster: NDArray[np.int64]) -> float:
    """Count in which a cluster holds as many cells as its size is that of single ones."""
    whole, members = np.bincount(cluster, weights=sizes), np.bincount(cluster)
    return float(np.where(members > 1, whole / max(single, 1e-9), members).sum())
