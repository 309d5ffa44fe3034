"""What follows a dose? Cells rest with vehicle for a day, then get each dose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamella.errors import SettingsError
from lamella.signalling.network import Network
from lamella.signalling.simulation import Ensemble, simulate_many

__all__ = ["REST_S", "dosed"]

F8: TypeAlias = NDArray[np.float64]

REST_S = 86_400.0
"""Time with vehicle before the dose [s]."""


def dosed(
    network: Network, dose_molar: ArrayLike, times_s: ArrayLike, *, sets: Mapping[str, ArrayLike]
) -> tuple[Ensemble, tuple[str, ...]]:
    """Runs of every set of values at every dose, and why each set failed ("" where it did not).

    Args:
        network: A model with a parameter `dose` [µmol/L].
        dose_molar: Doses, shape (D,) [mol/L].
        times_s: Times since the dose [s].
        sets: Values by name, each of shape (K,) or one number.

    Returns:
        Runs of shape (K x D, ...), all doses of the first set first; reasons, (K,).

    Raises:
        SettingsError: The network has no dose, or a dose or value cannot be.
    """
    if "dose" not in network.values:
        raise SettingsError(f"model '{network.id}' has no parameter 'dose'.")
    doses = 1e6 * np.atleast_1d(np.asarray(dose_molar, np.float64))
    given = {name: np.atleast_1d(np.asarray(value, np.float64)) for name, value in sets.items()}
    count = max((value.size for value in given.values()), default=1)
    given = {name: np.broadcast_to(value, (count,)) for name, value in given.items()}
    rest = simulate_many(network, [REST_S], sets={**given, "dose": np.zeros(count)})
    # The integrator may end a hair below zero; nothing can start there.
    start = {
        name: np.maximum(np.nan_to_num(rest.of(name)[:, -1]), 0.0) for name in network.species_ids
    }
    many = {name: np.repeat(value, doses.size) for name, value in {**given, **start}.items()}
    runs = simulate_many(network, times_s, sets={**many, "dose": np.tile(doses, count)})
    reasons = []
    for one in range(count):
        own = runs.failures[one * doses.size : (one + 1) * doses.size]
        reasons.append(next((why for why in (rest.failures[one], *own) if why), ""))
    return runs, tuple(reasons)
