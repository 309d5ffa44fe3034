"""Which rows belong together: labels of plate, batch or treatment as integer codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Labels", "Numbers", "codes", "joint_codes", "level_means", "numbers"]

Numbers: TypeAlias = Sequence[float] | NDArray[Any]
Labels: TypeAlias = Sequence[Any] | NDArray[Any]


def numbers(value: Numbers) -> NDArray[np.float64]:
    """The values as a new float64 array, shape (n,).

    >>> numbers([1, 2])
    array([1., 2.])
    """
    array = np.array(value, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"expected one value a row, got an array of shape {array.shape}")
    return array


def codes(labels: Labels | None, length: int) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Names in order of first appearance, and the index of each row's name.

    Args:
        labels: Shape (n,), anything that prints; None puts every row into one group "".
        length: The n that is expected.

    >>> codes(["b", "a", "b"], 3)
    (('b', 'a'), array([0, 1, 0]))
    """
    if labels is None:
        return ("",), np.zeros(length, dtype=np.intp)
    if len(labels) != length:
        raise ValueError(f"{len(labels)} labels for {length} values")
    index: dict[str, int] = {}
    rows = [index.setdefault(str(label), len(index)) for label in labels]
    return tuple(index), np.array(rows, dtype=np.intp)


def joint_codes(
    *labels: Labels | None, length: int
) -> tuple[tuple[tuple[str, ...], ...], NDArray[np.intp]]:
    """The same for combinations of labels, for example batch and plate.

    >>> joint_codes(["b1", "b1", "b2"], [1, 2, 1], length=3)[0]
    (('b1', '1'), ('b1', '2'), ('b2', '1'))
    """
    parts = [codes(one, length) for one in labels]
    index: dict[tuple[str, ...], int] = {}
    rows = np.empty(length, dtype=np.intp)
    for row in range(length):
        key = tuple(names[code[row]] for names, code in parts)
        rows[row] = index.setdefault(key, len(index))
    return tuple(index), rows


def level_means(
    value: Numbers, *labels: Labels
) -> tuple[NDArray[np.float64], tuple[tuple[str, ...], ...], NDArray[np.intp]]:
    """Mean of each combination of labels: fields to wells, wells to batches.

    Rows that are not finite are left out; a combination without a finite row is absent.

    Args:
        value: Shape (n,), any unit.
        labels: Arrays of shape (n,), for example treatment, batch, well.

    Returns:
        Means of shape (m,), their labels, and the number of rows in each, shape (m,).

    >>> means, keys, n = level_means([1.0, 3.0, 5.0], ["a", "a", "b"])
    >>> means.tolist(), keys, n.tolist()
    ([2.0, 5.0], (('a',), ('b',)), [2, 1])
    """
    array = numbers(value)
    keep = np.isfinite(array)
    kept = [[label for label, use in zip(one, keep, strict=True) if use] for one in labels]
    keys, row = joint_codes(*kept, length=int(keep.sum()))
    count = np.bincount(row, minlength=len(keys))
    # Subtracting a typical value first keeps the digits of data such as 1e12 + 0.3.
    shift = float(array[keep][0]) if keep.any() else 0.0
    total = np.bincount(row, weights=array[keep] - shift, minlength=len(keys))
    return shift + total / np.maximum(count, 1), keys, count
