"""How often would shuffled labels give as large a difference, and how small can p get at all?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from lamella.errors import MeasurementError
from lamella.potency.groups import Labels, Numbers, level_means

__all__ = ["PermutationTest", "permutation_test"]

_EXACT_UP_TO = 200_000
_SAMPLED = 100_000


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """A permutation test of two treatments on batch means.

    Attributes:
        difference: Treatment less vehicle, mean over batches, in the unit of the values.
        p: Two-sided; counts the arrangement that was observed.
        floor: The smallest p that this number of batches can give.
        arrangements: How many were looked at.
        exact: All arrangements, not a sample of them.
        paired: Labels were exchanged within batches.
        n: Batches (pairs), or batches of the smaller group.
        text: The sentence that may be printed, with the floor.
    """

    difference: float
    p: float
    floor: float
    arrangements: int
    exact: bool
    paired: bool
    n: int
    text: str


def permutation_test(
    value: Numbers,
    treatment: Labels,
    *,
    batch: Labels,
    vehicle: str,
    rng: np.random.Generator | None = None,
) -> PermutationTest:
    """Permutation test of one treatment against the vehicle with batch as n.

    Rows are averaged per batch and treatment. Batches that hold both treatments exchange
    labels within themselves (sign changes of the differences); where no batch does, labels
    are exchanged between whole batches. All arrangements are counted up to 200,000.

    Args:
        value: Shape (n,), any unit; rows that are not finite are left out.
        treatment: Shape (n,), two different names.
        batch: Shape (n,).
        vehicle: One of the two names.
        rng: Needed only above 200,000 arrangements, where 100,000 are drawn.

    Raises:
        MeasurementError: Not exactly two treatments, or only some batches hold both.

    >>> speed, drug = [10.0, 12.0, 11.0, 8.0, 7.0, 9.0], ["v", "v", "v", "d", "d", "d"]
    >>> permutation_test(speed, drug, batch=["1", "2", "3"] * 2, vehicle="v").text
    'p = 0.25, exact over 8 arrangements of 3 pairs; the smallest possible p is 0.25'
    >>> permutation_test(speed, drug, batch=list("123456"), vehicle="v").floor
    0.1
    """
    means, keys, _ = level_means(value, treatment, batch)
    names = list(dict.fromkeys(name for name, _ in keys))
    if len(names) != 2 or vehicle not in names:
        raise MeasurementError(
            f"a permutation test compares two treatments, one of them '{vehicle}'; "
            f"the rows hold {', '.join(repr(name) for name in names) or 'none'}."
        )
    groups = [
        {day: mean for (name, day), mean in zip(keys, means, strict=True) if name == one}
        for one in (vehicle, *(name for name in names if name != vehicle))
    ]
    shared = [day for day in groups[0] if day in groups[1]]
    if not shared:
        return _unpaired(
            np.array(list(groups[0].values())), np.array(list(groups[1].values())), rng
        )
    alone = sorted(set(groups[0]) ^ set(groups[1]))
    if alone:
        raise MeasurementError(
            f"batch '{alone[0]}' holds one of the two treatments and others hold both. "
            "Leave incomplete batches out, or use the nested model."
        )
    return _paired(np.array([groups[1][day] - groups[0][day] for day in shared]), rng)


def _paired(difference: NDArray[np.float64], rng: np.random.Generator | None) -> PermutationTest:
    n = difference.size
    total = 2**n
    if total <= _EXACT_UP_TO:
        signs = 1 - 2 * ((np.arange(total)[:, None] >> np.arange(n)) & 1)
    else:
        signs = 1 - 2 * _generator(rng, total).integers(0, 2, (_SAMPLED, n))
    mean = signs @ difference / n
    return _result(float(np.mean(difference)), mean, total, n, paired=True)


def _unpaired(
    vehicle: NDArray[np.float64], other: NDArray[np.float64], rng: np.random.Generator | None
) -> PermutationTest:
    pooled = np.concatenate([other, vehicle])
    total = math.comb(pooled.size, other.size)
    if total <= _EXACT_UP_TO:
        picks = np.array(list(combinations(range(pooled.size), other.size)))
    else:
        generator = _generator(rng, total)
        order = np.argsort(generator.random((_SAMPLED, pooled.size)), axis=1)
        picks = order[:, : other.size]
    inside = pooled[picks].sum(axis=1)
    mean = inside / other.size - (pooled.sum() - inside) / vehicle.size
    observed = float(np.mean(other) - np.mean(vehicle))
    return _result(observed, mean, total, min(vehicle.size, other.size), paired=False)


def _result(
    observed: float, mean: NDArray[np.float64], total: int, n: int, *, paired: bool
) -> PermutationTest:
    exact = mean.size == total
    slack = 1e-9 * float(np.max(np.abs(mean)))
    extreme = int(np.sum(np.abs(mean) >= abs(observed) - slack))
    p = extreme / total if exact else (extreme + 1) / (mean.size + 1)
    # Exchanging the two groups whole gives the same |difference| when they are equally large.
    mirrored = paired or math.isclose(float(mean.max()), -float(mean.min()), rel_tol=1e-9)
    floor = (2 if mirrored else 1) / total if exact else 1 / (mean.size + 1)
    what = "pairs" if paired else "or more batches a group"
    how = f"exact over {total} arrangements" if exact else f"{mean.size} sampled arrangements"
    text = f"p = {p:.2g}, {how} of {n} {what}; the smallest possible p is {floor:.2g}"
    return PermutationTest(observed, p, floor, mean.size, exact, paired, n, text)


def _generator(rng: np.random.Generator | None, total: int) -> np.random.Generator:
    if rng is None:
        raise ValueError(f"{total} arrangements are too many to count: pass rng to sample them")
    return rng
