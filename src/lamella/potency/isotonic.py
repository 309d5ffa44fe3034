"""What do the doses say without any model? The best monotone curve through the dose means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamella.errors import FitError
from lamella.potency.collapse import Collapsed

__all__ = ["Isotonic", "fit_isotonic"]

F8 = NDArray[np.float64]


@dataclass(frozen=True)
class Isotonic:
    """Monotone dose means, straight in log dose between them.

    Attributes:
        x: Centred log10 doses, shape (m,), -inf at dose 0.
        y: Monotone means, shape (m,).
        falling: Direction.
        rss: Weighted sum of squares of all points.
        levels: Number of different levels, the parameters of the curve.
    """

    x: F8
    y: F8
    falling: bool
    rss: float
    levels: int

    def crossing(self, target: float) -> float | None:
        """Centred log10 dose at which the curve passes the target; None outside the doses.

        Linear interpolation in log dose between tested positive doses: nothing is
        extrapolated, and a passage between dose 0 and the lowest dose has no place.
        """
        sign = 1.0 if self.falling else -1.0
        beyond = np.flatnonzero(sign * (self.y - target) <= 0)
        if beyond.size == 0 or beyond[0] == 0 or not np.isfinite(self.x[beyond[0] - 1]):
            return None
        i = int(beyond[0])
        share = (self.y[i - 1] - target) / (self.y[i - 1] - self.y[i])
        return float(self.x[i - 1] + share * (self.x[i] - self.x[i - 1]))


def fit_isotonic(data: Collapsed, *, falling: bool | None = None) -> Isotonic:
    """Weighted least-squares monotone curve (pool adjacent violators).

    Args:
        data: The dose means.
        falling: Direction; None takes the one that fits better.
    References:
        Barlow et al. 1972, Statistical Inference under Order Restrictions.

    >>> from lamella.potency.collapse import collapse
    >>> doses, ones = np.array([0.0, 1, 2, 4]), np.ones(4)
    >>> fit_isotonic(collapse(doses, np.array([4.0, 1, 3, 0]), ones)).y.tolist()
    [4.0, 2.0, 2.0, 0.0]
    """
    if data.x.size < 2:
        raise FitError("one dose has no direction. Measure two doses or more.")
    if falling is None:
        both = [fit_isotonic(data, falling=side) for side in (True, False)]
        return min(both, key=lambda curve: curve.rss)
    sign = -1.0 if falling else 1.0
    blocks: list[tuple[float, float, int]] = []  # mean, weight, doses
    for mean, weight in zip(sign * data.y, data.w, strict=True):
        block = (float(mean), float(weight), 1)
        while blocks and blocks[-1][0] > block[0]:
            before = blocks.pop()
            total = before[1] + block[1]
            joined = (before[0] * before[1] + block[0] * block[1]) / total
            block = (joined, total, before[2] + block[2])
        blocks.append(block)
    y = sign * np.repeat([b[0] for b in blocks], [b[2] for b in blocks])
    rss = float(data.w @ (data.y - y) ** 2) + data.ss_pure
    return Isotonic(data.x, y, falling, rss, len({b[0] for b in blocks}))
