"""How much of the scatter lies between groups, and how much within them?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from lamella.errors import MeasurementError
from lamella.potency.groups import Labels, Numbers, codes, numbers

__all__ = ["OneWay", "f_tail", "one_way"]


@dataclass(frozen=True, slots=True)
class OneWay:
    """One-way analysis of variance; sums of squares in the squared unit of the values."""

    ss_between: float
    df_between: int
    ss_within: float
    df_within: int
    f: float
    p: float

    @property
    def ms_between(self) -> float:
        """Mean square between groups."""
        return self.ss_between / self.df_between

    @property
    def ms_within(self) -> float:
        """Mean square within groups, the pooled variance."""
        return self.ss_within / self.df_within


def one_way(value: Numbers, group: Labels) -> OneWay:
    """One-way analysis of variance, accurate for data with many constant leading digits.

    Args:
        value: Shape (n,), any unit; rows that are not finite are left out.
        group: Shape (n,), the name of each row's group.

    Raises:
        MeasurementError: Fewer than two groups, or no group with two values.

    References:
        NIST StRD, analysis of variance, for the certified tables that this is tested on.

    >>> table = one_way([1.0, 2.0, 3.0, 4.0], ["a", "a", "b", "b"])
    >>> table.f, round(table.p, 4)
    (8.0, 0.1056)
    """
    array = numbers(value)
    names, row = codes(group, array.size)
    keep = np.isfinite(array)
    array, row = array[keep], row[keep]
    present = [index for index in range(len(names)) if np.any(row == index)]
    if len(present) < 2 or array.size <= len(present):
        raise MeasurementError(
            f"{array.size} values in {len(present)} groups: a comparison needs two groups "
            "and at least one group with two values."
        )
    # Differences to one value of the data are exact where leading digits agree; fsum rounds once.
    centred = array - array[0]
    members = [centred[row == index] for index in present]
    grand = math.fsum(centred) / centred.size
    means = [math.fsum(part) / part.size for part in members]
    between = math.fsum(
        part.size * (m - grand) ** 2 for part, m in zip(members, means, strict=True)
    )
    within = math.fsum(
        residual**2 for part, m in zip(members, means, strict=True) for residual in part - m
    )
    df1, df2 = len(present) - 1, array.size - len(present)
    f = math.inf if between > 0 else 0.0
    if within > 0:
        f = (between / df1) / (within / df2)
    return OneWay(between, df1, within, df2, f, f_tail(f, df1, df2))


def f_tail(f: float, df1: float, df2: float) -> float:
    """Probability that F with (df1, df2) degrees of freedom is at least `f`.

    >>> round(f_tail(161.4476, 1, 1), 4)
    0.05
    """
    if math.isinf(f):
        return 0.0
    return float(special.fdtrc(df1, df2, f)) if f > 0 else 1.0
