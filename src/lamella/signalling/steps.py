"""What goes into the integrator and comes out of it, whichever engine takes the steps?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "DONE",
    "FAILED_SIZE",
    "FAILED_STEPS",
    "FAILED_VALUE",
    "LARGEST",
    "MOST_STEPS",
    "SMALLEST",
    "Batch",
    "Runs",
]

DONE, FAILED_SIZE, FAILED_STEPS, FAILED_VALUE = 0, 1, 2, 3
"""How a run ended: at the last time, with too small a step, too many steps, a value not finite."""
SMALLEST: Final = 1e-13
"""Smallest step, relative to the time reached or to the first time that is asked for."""
LARGEST: Final = 1e15
"""A concentration above this [µmol/L] is a blow-up."""
MOST_STEPS: Final = 20_000


@dataclass(frozen=True)
class Batch:
    """Runs of one network: shapes (B, species), (B, parameters) and (T,), times from 0 on [s]."""

    start: NDArray[np.float64]
    parameters: NDArray[np.float64]
    times_s: NDArray[np.float64]
    rtol: float
    atol: float


@dataclass(frozen=True)
class Runs:
    """What the engine gives back.

    Attributes:
        values: Concentrations, shape (B, T, species); NaN after a failure.
        status: `DONE` or how it failed, shape (B,).
        reached_s: Time reached, shape (B,).
        worst: Place of the species that limited the last step, shape (B,).
        steps: Steps taken, shape (B,).
    """

    values: NDArray[np.float64]
    status: NDArray[np.int64]
    reached_s: NDArray[np.float64]
    worst: NDArray[np.int64]
    steps: NDArray[np.int64]
