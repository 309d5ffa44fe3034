"""How many cells came through a membrane, when only some fields of it were counted?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainccinv, gammaincinv, stdtrit

from lamella.errors import MeasurementError, nearest

__all__ = [
    "MEMBRANES_MM2",
    "SampledDensity",
    "membrane_area_mm2",
    "poisson_limits",
    "sampled_density",
]

F8 = NDArray[np.float64]

MEMBRANES_MM2: Mapping[str, float] = MappingProxyType(
    {
        "24-well 6.5 mm": 33.2,
        "12-well 12 mm": 112.0,
        "6-well 24 mm": 467.0,
        "96-well": 14.3,
    }
)
"""Membrane area of usual inserts [mm²], from their diameters; check the sheet of your product."""


@dataclass(frozen=True, slots=True)
class SampledDensity:
    """Density of a membrane estimated from some of its fields.

    Attributes:
        density: Cells per unit of area.
        low: Lower 95 % limit; None where one field leaves it open.
        high: Upper 95 % limit; None where one field leaves it open.
        se: Standard error by design; None for one field.
        n_fields: Fields that were counted.
        cells: Cells that were counted in them.
        area: Area that was looked at.
    """

    density: float
    low: float | None
    high: float | None
    se: float | None
    n_fields: int
    cells: float
    area: float


def membrane_area_mm2(product: str) -> float:
    """Area of the membrane of an insert [mm²].

    Raises:
        MeasurementError: The product is not in the list.

    >>> membrane_area_mm2("24-well 6.5 mm")
    33.2
    """
    if product not in MEMBRANES_MM2:
        raise MeasurementError(
            f"insert '{product}' is not in the list. {nearest(product, MEMBRANES_MM2)} "
            "Or state insert_area_cm2 in the protocol, from the sheet of your product."
        )
    return MEMBRANES_MM2[product]


def sampled_density(
    counts: Sequence[float] | F8,
    areas: Sequence[float] | F8,
    *,
    membrane_area: float | None = None,
) -> SampledDensity:
    """Density from fields chosen at random on one membrane, with its design-based interval.

    The ratio estimator (all cells over all area) with its t-interval; the part of the membrane
    that was looked at needs no estimating and narrows it. Where no cell was found, the upper
    limit is that of a Poisson count of 0.

    Args:
        counts: Cells of each field, shape (m,).
        areas: Area of each field, in one unit, shape (m,), each > 0.
        membrane_area: Area of the whole membrane in that unit; None where it is not known.

    Raises:
        MeasurementError: There is no field.

    References:
        Cochran 1977, Sampling Techniques, eq. 6.10 and 6.13 (ratio estimator).

    >>> found = sampled_density([10, 14, 12, 8, 16], [0.5] * 5)
    >>> found.density, round(found.low, 2), round(found.high, 2)
    (24.0, 16.15, 31.85)
    """
    count, area = np.asarray(counts, np.float64), np.asarray(areas, np.float64)
    if count.size == 0:
        raise MeasurementError("no field of this insert was counted, so it has no density.")
    total, looked_at = float(count.sum()), float(area.sum())
    density = total / looked_at
    unseen = 1.0 if not membrane_area else max(0.0, 1.0 - looked_at / membrane_area)
    if total == 0:
        high = poisson_limits(0.0)[1] / looked_at * unseen
        return SampledDensity(0.0, 0.0, high, None, count.size, 0.0, looked_at)
    if count.size == 1:
        return SampledDensity(density, None, None, None, 1, total, looked_at)
    m = count.size
    residual = count - density * area
    variance = unseen * m / (m - 1) * float(residual @ residual) / looked_at**2
    se = math.sqrt(variance)
    half = float(stdtrit(m - 1, 0.975)) * se
    # Those that were counted are there, whatever the fields in between hold.
    least = total / membrane_area if membrane_area else 0.0
    low = min(density, max(density - half, least))
    return SampledDensity(density, low, density + half, se, m, total, looked_at)


def poisson_limits(count: float) -> tuple[float, float]:
    """Exact 95 % limits of the mean of a Poisson count.

    References:
        Garwood 1936, Biometrika 28:437.

    >>> [round(limit, 3) for limit in poisson_limits(0)]
    [0.0, 3.689]
    >>> [round(limit, 3) for limit in poisson_limits(10)]
    [4.795, 18.39]
    """
    low = float(gammaincinv(count, 0.025)) if count > 0 else 0.0
    return low, float(gammainccinv(count + 1, 0.025))
