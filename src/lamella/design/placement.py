"""How are treatments spread over the wells of a block, at random and evenly?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Field", "arrange", "quadrant_misfit", "uneven"]

_ROUNDS = 30
_PARTNERS = 12  # tried for a well that is in the right quadrant but shares a row or column
_QUADRANT, _LINE = 100, 1


@dataclass(frozen=True, slots=True)
class Field:
    """The used wells of a plate in imaging order: row, column and quadrant of each."""

    row: tuple[int, ...]
    column: tuple[int, ...]
    quadrant: tuple[int, ...]

    @classmethod
    def of(cls, places: Sequence[tuple[int, int]], size: tuple[int, int]) -> Field:
        """From rows and columns on a plate of that size."""
        quadrants = [2 * (2 * row >= size[0]) + (2 * col >= size[1]) for row, col in places]
        return cls(
            tuple(row for row, _ in places), tuple(col for _, col in places), tuple(quadrants)
        )


def quadrant_misfit(found: Sequence[int], wells: int, sizes: Sequence[int]) -> int:
    """Wells of a treatment that lie in too full quadrants, or lack in too empty ones.

    A quadrant with a share of the used wells may hold that share of a treatment, rounded up
    or down.

    >>> quadrant_misfit((2, 1, 0, 0), 3, (6, 6, 6, 6))
    1
    """
    total = sum(sizes)
    misfit = 0
    for count, size in zip(found, sizes, strict=True):
        share = wells * size / total
        misfit += max(0, count - math.ceil(share - 1e-9)) + max(0, math.floor(share) - count)
    return misfit


def uneven(field: Field, index: Sequence[int]) -> int:
    """The misfit of all treatments together; 0 where each is spread over the quadrants."""
    sizes = [field.quadrant.count(q) for q in range(4)]
    found: dict[int, list[int]] = {}
    for well, treatment in enumerate(index):
        found.setdefault(treatment, [0, 0, 0, 0])[field.quadrant[well]] += 1
    return sum(quadrant_misfit(counts, sum(counts), sizes) for counts in found.values())


def arrange(
    field: Field, blocks: Sequence[Sequence[int]], *, rng: np.random.Generator
) -> list[int]:
    """Treatment of each well: shuffled within its block, then exchanged until it is even.

    Only wells of one block change places, so the balance over the imaging order stays.

    Args:
        field: The wells.
        blocks: The treatments of each block; their lengths cut the wells.
        rng: Source of chance.
    """
    bounds: list[tuple[int, int]] = []
    begin = 0
    for block in blocks:
        bounds.append((begin, begin + len(block)))
        begin += len(block)
    search = _Search(field, [one for block in blocks for one in block])
    for low, high in bounds:
        search.index[low:high] = rng.permutation(search.index[low:high]).tolist()
    search.count()
    for _ in range(_ROUNDS):
        improved = False
        for low, high in bounds:
            improved |= search.improve(low, high, rng)
        if not improved:
            break
    return search.index


class _Search:
    """Exchanges of wells and what each costs; costs of unaffected treatments never change."""

    def __init__(self, field: Field, index: list[int]) -> None:
        """Wells and their treatments."""
        self.field = field
        self.index = index
        self.sizes = [field.quadrant.count(q) for q in range(4)]
        self.wells: list[list[int]] = []
        self.cost: list[int] = []

    def count(self) -> None:
        """Find the wells and the cost of every treatment."""
        self.wells = [[] for _ in range(1 + max(self.index))]
        for well, treatment in enumerate(self.index):
            self.wells[treatment].append(well)
        self.cost = [self._cost(wells) for wells in self.wells]

    def improve(self, low: int, high: int, rng: np.random.Generator) -> bool:
        """Try to exchange each badly placed well of a block with a random other of it."""
        improved = False
        order = rng.permutation(high - low) + low
        for a in order.tolist():
            if self.cost[self.index[a]] == 0:
                continue
            partners = (rng.permutation(high - low) + low).tolist()
            if self.cost[self.index[a]] < _QUADRANT:
                del partners[_PARTNERS:]
            for b in partners:
                if self.index[a] != self.index[b] and self._exchange(a, b):
                    improved = True
                    break
        return improved

    def _exchange(self, a: int, b: int) -> bool:
        one, other = self.index[a], self.index[b]
        ones = [b if well == a else well for well in self.wells[one]]
        others = [a if well == b else well for well in self.wells[other]]
        costs = self._cost(ones), self._cost(others)
        if sum(costs) >= self.cost[one] + self.cost[other]:
            return False
        self.index[a], self.index[b] = other, one
        self.wells[one], self.wells[other] = ones, others
        self.cost[one], self.cost[other] = costs
        return True

    def _cost(self, wells: Sequence[int]) -> int:
        """Quadrants first, then wells of a treatment in one row or column."""
        if len(wells) < 2:
            return 0
        field = self.field
        found = [0, 0, 0, 0]
        for well in wells:
            found[field.quadrant[well]] += 1
        lines = 2 * len(wells)
        lines -= len({field.row[well] for well in wells})
        lines -= len({field.column[well] for well in wells})
        return _QUADRANT * quadrant_misfit(found, len(wells), self.sizes) + _LINE * lines
