"""What was found one by one in a frame (cells, tracks, bands): columns, as rows are too many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Objects"]


@dataclass(frozen=True, slots=True, eq=False)
class Objects:
    """The objects of one frame.

    Attributes:
        field: The field that they were found in.
        frame: Its place in the series.
        columns: By name, shape (n,) each, unit in the name (`x_um`): numbers, truth values or
            text. NaN and None are no value. All frames of an assay have the same columns.
        time_h: Time of the frame since time zero [h], where it is known.

    Raises:
        ValueError: The columns differ in length.

    >>> len(Objects("f1", 0, {"x_px": np.array([1.5, 7.0]), "accepted": np.array([True, False])}))
    2
    """

    field: str
    frame: int
    columns: Mapping[str, NDArray[Any]]
    time_h: float | None = None

    def __post_init__(self) -> None:
        """Refuse columns that do not belong together."""
        lengths = {name: np.shape(column) for name, column in self.columns.items()}
        if len(set(lengths.values())) > 1 or any(len(shape) != 1 for shape in lengths.values()):
            raise ValueError(f"columns of objects have shapes that differ: {lengths}")

    def __len__(self) -> int:
        """How many objects there are."""
        return len(next(iter(self.columns.values()), ()))
