"""Are the cells of a field round?

Round cells do not break into parts, so a finer filter may look for the valleys between them;
spindles and stars would fall apart under it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["roundness"]

# What is assumed of a field before a cell is seen, and how many cells outweigh it.
_SPREAD, _WEIGHT = 0.55, 3.0


def roundness(labels: NDArray[np.int32]) -> float:
    """Median over cells of short by long axis, less what an ellipse of these axes leaves empty.

    The axes are those of the second moments, so that the grain of an outline does not matter.
    Cells that the border cuts do not count; a field with few cells is taken to hold spread ones.

    Args:
        labels: Shape (h, w), 0 outside, 1..n inside cells.

    Returns:
        1 for a disc, and less for what is long, bent or starred.

    >>> y, x = np.mgrid[:60, :400]
    >>> place = np.where((x % 40 != 0) & (y > 1) & (y < 58), x // 40 + 1, 0)
    >>> discs = np.where(np.hypot(x % 40 - 20, y - 30) < 12, place, 0)
    >>> rods = np.where((abs(x % 40 - 20) < 4) & (abs(y - 30) < 22), place, 0)
    >>> roundness(discs.astype(np.int32)) > 0.85 > 0.4 > roundness(rods.astype(np.int32))
    True
    """
    count, width = int(labels.max()), labels.shape[1]
    inside = np.flatnonzero(labels)
    cell = labels.ravel()[inside]
    y, x = np.divmod(inside, width)
    area = np.bincount(cell, minlength=count + 1).astype(np.float64)

    def mean(values: NDArray[np.integer]) -> NDArray[np.float64]:
        return np.asarray(np.bincount(cell, values, count + 1) / np.maximum(area, 1))

    # A pixel is a square: its own second moment is a twelfth.
    xx = mean(x * x) - mean(x) ** 2 + 1 / 12
    yy = mean(y * y) - mean(y) ** 2 + 1 / 12
    across = mean(x * y) - mean(x) * mean(y)
    middle, apart = (xx + yy) / 2, np.hypot((xx - yy) / 2, across)
    short, long = np.sqrt(np.maximum(middle - apart, 1e-9)), np.sqrt(middle + apart)
    shape = short / long * np.minimum(area / (4 * math.pi * short * long), 1.0)
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    whole = np.setdiff1d(np.unique(cell), border)
    if not whole.size:
        return _SPREAD
    share = whole.size / (whole.size + _WEIGHT)
    return float(share * np.median(shape[whole]) + (1 - share) * _SPREAD)
