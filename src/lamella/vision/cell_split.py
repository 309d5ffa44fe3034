"""Which parts of a stained patch belong to one cell?

A patch is first cut into the catchments of its blobs. Two neighbours are then one cell or two
by the odds of two facts: how deep the valley between them is, and which of the two answers gives
sizes more like those of the other cells of the field.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Catchments", "Groups", "Joins", "catchments", "grouped", "joins"]

Labels = NDArray[np.int32]
Floats = NDArray[np.float64]

# Log-normal spread of the sizes of single cells of one line.
_SIZE_SPREAD = 0.45
# The odds change by e for every sixth of the lower of two blobs that the saddle loses.
_SADDLE_WEIGHT = 6.0
# Log odds beyond which no doubt is left.
_SURE = 8.0
# Pairs that are so much more likely two cells (log odds) are never tried as one.
_NEVER = 2.0
# Blobs fainter than this share of a cell have no valley worth the name.
_FAINTEST = 0.02
_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))


@dataclass(frozen=True, slots=True)
class Catchments:
    """The blobs of a field and how they touch.

    Attributes:
        labels: Shape (H, W), 0 outside, 1..n.
        peaks: Shape (n, 2), row and column of the top of each.
        heights: Shape (n,), the surface there.
        first, second: Shape (m,), neighbours, as indices from 0.
        saddles: Shape (m,), the highest point of the border between them.
    """

    labels: Labels
    peaks: NDArray[np.int64]
    heights: Floats
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    saddles: Floats

    def total(self, values: NDArray[np.float32]) -> Floats:
        """Sum of `values`, shape (H, W), over each catchment, shape (n,)."""
        labels = self.labels.ravel()
        sums = np.bincount(labels, weights=values.ravel(), minlength=len(self.heights) + 1)
        return np.asarray(sums[1:], np.float64)


@dataclass(frozen=True, slots=True)
class Joins:
    """In which order catchments are put together, the surest pair first.

    Attributes:
        pairs: Shape (m, 2), indices of groups; the second becomes part of the first.
        made: How many of them are more likely one cell than two.
        doubt: Variance of the number of groups, from decisions that were nearly even.
    """

    pairs: NDArray[np.int64]
    made: int
    doubt: float


@dataclass(frozen=True, slots=True)
class Groups:
    """Catchments put together to cells.

    Attributes:
        of: Shape (n,), for each catchment the index of its group, 0..k-1.
        sizes: Shape (k,).
    """

    of: NDArray[np.int64]
    sizes: Floats


def catchments(surface: NDArray[np.float32], mask: NDArray[np.bool_]) -> Catchments:
    """Cut the mask along the valleys of the surface: every pixel climbs to its summit.

    Args:
        surface: Shape (H, W), finite.
        mask: Shape (H, W), what is to be cut.

    References:
        Watershed by steepest ascent without flooding (Meyer 1994, topographic distance).

    >>> hills = np.array([[0, 3, 1, 2, 0]], np.float32)
    >>> parts = catchments(hills, hills > 0)
    >>> parts.labels.tolist(), parts.saddles.tolist()
    ([[0, 1, 1, 2, 0]], [1.0])
    """
    height, width = surface.shape
    padded = np.full((height + 2, width + 2), -np.inf, np.float32)
    padded[1:-1, 1:-1][mask] = surface[mask]
    flat, stride = padded.ravel(), width + 2
    inside = np.flatnonzero(flat > -np.inf)
    summit = _summits(flat, inside, stride)
    number = np.zeros(flat.size, np.int32)
    number[summit] = 1
    tops = np.flatnonzero(number)
    number[tops] = np.arange(1, tops.size + 1)
    labels = np.zeros(flat.shape, np.int32)
    labels[inside] = number[summit]
    labels = np.ascontiguousarray(labels.reshape(padded.shape)[1:-1, 1:-1])
    first, second, saddles = _borders(surface, labels, len(tops))
    peaks = np.stack(np.divmod(tops, stride), axis=1) - 1
    return Catchments(labels, peaks, flat[tops].astype(np.float64), first, second, saddles)


def joins(
    parts: Catchments, sizes: Floats, *, typical: float, even: float, further: bool = False
) -> Joins:
    """Which catchments are put together, by the odds that two are one cell.

    Args:
        parts: The catchments.
        sizes: Shape (n,), dye or area of each.
        typical: That of a single cell.
        even: Saddle that speaks for neither answer, as a share of the lower blob.
        further: Also list what would be joined next, though it is more likely two cells.
    """
    pool = _Pool(parts, sizes / max(typical, 1e-30), even)
    pairs, doubt = pool.merge(0.0)
    made = len(pairs)
    if further:
        pairs += pool.merge(_NEVER)[0]
    return Joins(np.array(pairs, np.int64).reshape(-1, 2), made, doubt)


def grouped(sizes: Floats, pairs: NDArray[np.int64]) -> Groups:
    """Groups after some joins.

    Args:
        sizes: Shape (n,), of each catchment.
        pairs: Shape (m, 2), the joins that are made.

    >>> grouped(np.array([1.0, 2.0, 4.0]), np.array([[2, 0]])).sizes.tolist()
    [2.0, 5.0]
    """
    parent = list(range(len(sizes)))
    for kept, joined in pairs.tolist():
        parent[joined] = kept
    roots = np.array(parent, np.int64)
    while not np.array_equal(roots, roots[roots]):
        roots = roots[roots]
    kept, of = np.unique(roots, return_inverse=True)
    total = np.bincount(of, weights=sizes, minlength=len(kept))
    return Groups(of.astype(np.int64), total.astype(np.float64))


class _Pool:
    """Groups while they grow: a heap of pairs, renewed where a group has changed."""

    def __init__(self, parts: Catchments, sizes: Floats, even: float) -> None:
        count = len(sizes)
        self.even = even
        self.height = [max(h, _FAINTEST) for h in parts.heights.tolist()]
        self.size = [max(s, 1e-9) for s in sizes.tolist()]
        self.alone = [_size_log(s) for s in self.size]
        self.turn = [0] * count
        self.near: list[dict[int, float]] = [{} for _ in range(count)]
        rows = zip(parts.first.tolist(), parts.second.tolist(), parts.saddles.tolist(), strict=True)
        self.heap: list[tuple[float, int, int, int, int]] = []
        for a, b, saddle in rows:
            self.near[a][b] = self.near[b][a] = saddle
            self._offer(a, b, saddle)

    def merge(self, against: float) -> tuple[list[tuple[int, int]], float]:
        """Join what is no less likely one cell than log odds of -`against`.

        Returns:
            The pairs, and the variance of all decisions, of those left open as well.
        """
        pairs, doubt = [], 0.0
        while self.heap and self.heap[0][0] < against:
            odds, a, b, turn_a, turn_b = heapq.heappop(self.heap)
            if self.turn[a] == turn_a and self.turn[b] == turn_b:
                doubt += _variance(odds)
                pairs.append((a, b))
                self._join(a, b)
        turn = self.turn
        left = [row[0] for row in self.heap if turn[row[1]] == row[3] and turn[row[2]] == row[4]]
        return pairs, doubt + sum(_variance(odds) for odds in left if odds < _SURE)

    def _offer(self, a: int, b: int, saddle: float) -> None:
        """Note the log odds that two groups are two cells."""
        share = saddle / min(self.height[a], self.height[b])
        share = -1.0 if share < -1.0 else min(share, 1.0)
        both = math.log(self.size[a] + self.size[b]) / _SIZE_SPREAD
        apart = self.alone[a] + self.alone[b] + 0.5 * both * both
        odds = apart + _SADDLE_WEIGHT * (self.even - share)
        heapq.heappush(self.heap, (odds, a, b, self.turn[a], self.turn[b]))

    def _join(self, a: int, b: int) -> None:
        self.turn[a] += 1
        self.turn[b] = -1
        self.size[a] += self.size[b]
        self.alone[a] = _size_log(self.size[a])
        self.height[a] = max(self.height[a], self.height[b])
        mine = self.near[a]
        for c, saddle in self.near[b].items():
            if c == a:
                continue
            theirs = self.near[c]
            del theirs[b]
            theirs[a] = mine[c] = max(mine.get(c, -math.inf), saddle)
        mine.pop(b, None)
        self.near[b] = {}
        for c, saddle in mine.items():
            self._offer(min(a, c), max(a, c), saddle)


def _size_log(size: float) -> float:
    scaled = math.log(size) / _SIZE_SPREAD
    return -0.5 * scaled * scaled


def _variance(odds: float) -> float:
    chance = 1 / (1 + math.exp(min(abs(odds), 30.0)))
    return chance * (1 - chance)


def _summits(
    flat: NDArray[np.float32], inside: NDArray[np.int64], stride: int
) -> NDArray[np.int64]:
    """The summit that each inner pixel climbs to, as its place in the padded picture."""
    place = np.zeros(flat.size, np.int32)
    place[inside] = np.arange(inside.size, dtype=np.int32)
    best, to = flat[inside], inside.copy()
    for step in (-stride - 1, -stride, -stride + 1, -1, 1, stride - 1, stride, stride + 1):
        value = flat[inside + step]
        # Among equals the later pixel wins, so that no two pixels climb to each other.
        higher = value > best
        even = np.flatnonzero(value == best)
        higher[even] = inside[even] + step > to[even]
        climbs = np.flatnonzero(higher)
        best[climbs], to[climbs] = value[climbs], inside[climbs] + step
    summit = place[to]
    while True:
        further = summit[summit]
        if np.array_equal(further, summit):
            return inside[summit]
        summit = further


def _borders(
    surface: NDArray[np.float32], labels: Labels, count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Neighbouring catchments and the saddle between them."""
    keys, levels = [], []
    height, width = labels.shape
    for down, right in _NEIGHBOURS:
        rows = (slice(0, height - down), slice(down, height))
        columns = (
            slice(max(0, -right), width - max(0, right)),
            slice(max(0, right), width - max(0, -right)),
        )
        one, other = labels[rows[0], columns[0]], labels[rows[1], columns[1]]
        touch = (one != other) & (one > 0) & (other > 0)
        a, b = one[touch].astype(np.int64), other[touch].astype(np.int64)
        keys.append(np.minimum(a, b) * (count + 1) + np.maximum(a, b))
        low = np.minimum(surface[rows[0], columns[0]], surface[rows[1], columns[1]])
        levels.append(low[touch])
    pairs, place = np.unique(np.concatenate(keys), return_inverse=True)
    saddles = np.full(len(pairs), -np.inf)
    np.maximum.at(saddles, place, np.concatenate(levels).astype(np.float64))
    first, second = np.divmod(pairs, count + 1)
    return first - 1, second - 1, saddles
