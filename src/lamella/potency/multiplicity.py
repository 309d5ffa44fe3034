"""How small is a p-value after several questions were asked?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lamella.potency.groups import Numbers, numbers

__all__ = ["benjamini_hochberg", "holm"]


def holm(p: Numbers) -> NDArray[np.float64]:
    """Holm-adjusted p-values, for the endpoints of one experiment.

    Args:
        p: Shape (n,); NaN where a test could not be made, which stays NaN and is not counted.

    References:
        Holm 1979, Scand J Stat 6:65.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    return _adjust(p, lambda size: size - np.arange(size, dtype=float), step_up=False)


def benjamini_hochberg(p: Numbers) -> NDArray[np.float64]:
    """Benjamini-Hochberg adjusted p-values (false discovery rate), for screens.

    Args:
        p: Shape (n,); NaN where a test could not be made, which stays NaN and is not counted.

    References:
        Benjamini and Hochberg 1995, J R Stat Soc B 57:289.

    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    return _adjust(p, lambda size: size / (1.0 + np.arange(size)), step_up=True)


def _adjust(
    p: Numbers, factor: Callable[[int], NDArray[np.float64]], *, step_up: bool
) -> NDArray[np.float64]:
    array = numbers(p)
    known = np.isfinite(array)
    if np.any((array[known] < 0) | (array[known] > 1)):
        raise ValueError("a p-value lies outside 0 ... 1")
    order = np.argsort(array[known], kind="stable")
    scaled = array[known][order] * factor(order.size)
    if step_up:
        monotone = np.minimum.accumulate(scaled[::-1])[::-1]
    else:
        monotone = np.maximum.accumulate(scaled)
    adjusted = np.empty(order.size)
    adjusted[order] = np.minimum(monotone, 1.0)
    out = np.full(array.size, np.nan)
    out[known] = adjusted
    return out
