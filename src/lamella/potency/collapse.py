"""What do replicates leave behind? Dose means that carry the fit, and pure error beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Collapsed", "collapse"]

F8 = NDArray[np.float64]


@dataclass(frozen=True)
class Collapsed:
    """Replicates of each dose in one mean; the fit to the means is the fit to all points.

    Attributes:
        x: log10 dose minus `x0`, shape (m,), ascending; -inf at dose 0, +inf for a plateau.
        x0: Middle of the finite log10 doses: makes every fit blind to the dose unit.
        y: Weighted mean response, shape (m,).
        w: Sum of the weights, shape (m,).
        n: Points of each dose, shape (m,).
        ss_pure: Weighted sum of squares around the dose means.
        df_pure: Degrees of freedom of `ss_pure`.
        self_normalised: The vehicle wells are identical to the last bit while others vary:
            they were divided by themselves and say nothing about noise.
    """

    x: F8
    x0: float
    y: F8
    w: F8
    n: NDArray[np.int64]
    ss_pure: float
    df_pure: int
    self_normalised: bool

    @property
    def points(self) -> int:
        """All points before the collapse."""
        return int(self.n.sum())

    @property
    def x_range(self) -> tuple[float, float]:
        """Lowest and highest finite x."""
        finite = self.x[np.isfinite(self.x)]
        return float(finite[0]), float(finite[-1])


def collapse(dose: F8, response: F8, weight: F8) -> Collapsed:
    """Dose means and pure error of one curve; arrays of shape (n,).

    The weighted residual sum of squares of any curve is that of the means (weights `w`) plus
    `ss_pure`, so the estimates are identical and a lack-of-fit test comes for nothing.

    >>> c = collapse(np.array([0.0, 1, 1]), np.array([4.0, 1, 3]), np.ones(3))
    >>> c.y.tolist(), c.ss_pure, c.df_pure
    ([4.0, 2.0], 2.0, 1)
    """
    unique, group = np.unique(dose, return_inverse=True)
    w = np.bincount(group, weight).astype(np.float64)
    n = np.bincount(group).astype(np.int64)
    # Deviations from one response keep the digits of data on a high pedestal.
    pedestal = response[0] if response.size else 0.0
    y = pedestal + np.bincount(group, weight * (response - pedestal)) / w
    within = np.bincount(group, weight * (response - y[group]) ** 2)
    with np.errstate(divide="ignore"):
        x = np.log10(unique)
    finite = np.isfinite(x)
    x0 = float(x[finite].mean()) if finite.any() else 0.0
    vehicle = response[group == 0]
    identical = bool(unique[0] == 0 and n[0] > 1 and (vehicle == vehicle[0]).all())
    degenerate = identical and bool(within[1:].any())
    return Collapsed(
        x=x - x0,
        x0=x0,
        y=y,
        w=w,
        n=n,
        ss_pure=float(within.sum()),
        df_pure=int((n - 1).sum()) - (int(n[0]) - 1 if degenerate else 0),
        self_normalised=degenerate,
    )
