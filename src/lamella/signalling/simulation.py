"""How does a network run over time, for one set of values or for thousands?"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamella.errors import MissingExtraError, SettingsError, nearest
from lamella.signalling import stiff_numpy
from lamella.signalling.compiled import Code, code_of
from lamella.signalling.network import Network
from lamella.signalling.steps import (
    DONE,
    FAILED_SIZE,
    FAILED_STEPS,
    Batch,
    Runs,
)

__all__ = [
    "ATOL",
    "RTOL",
    "Engine",
    "Ensemble",
    "Simulation",
    "fastest",
    "simulate",
    "simulate_many",
]

F8: TypeAlias = NDArray[np.float64]
Engine: TypeAlias = Literal["auto", "numba", "numpy"]

RTOL = 1e-6
ATOL = 1e-9
"""Absolute tolerance [µmol/L]: a femtomole per litre of a protein is none."""
_WORTH_COMPILING = 1000
"""Runs from which compiling a network, some seconds, costs less than it saves."""


@dataclass(frozen=True)
class Simulation:
    """One run.

    Attributes:
        times_s: Times [s], shape (T,).
        names: Species, then rules.
        values: Shape (T, names): species in µmol/L, rules in their unit; NaN after a failure.
        failure: Why the run ended early; None where it did not.
    """

    times_s: F8
    names: tuple[str, ...]
    values: F8
    failure: str | None

    def of(self, name: str) -> F8:
        """The course of a species or rule, shape (T,).

        Raises:
            SettingsError: There is none of that name.
        """
        return self.values[:, _place(name, self.names)]


@dataclass(frozen=True)
class Ensemble:
    """Many runs of one network.

    Attributes:
        times_s: Times [s], shape (T,).
        names: Species, then rules.
        values: Shape (B, T, names); NaN after a failure.
        failures: Why each run ended early; None where it did not.
        steps: Steps that each took, shape (B,).
    """

    times_s: F8
    names: tuple[str, ...]
    values: F8
    failures: tuple[str | None, ...]
    steps: NDArray[np.int64]

    def of(self, name: str) -> F8:
        """The courses of a species or rule, shape (B, T).

        Raises:
            SettingsError: There is none of that name.
        """
        return self.values[:, :, _place(name, self.names)]

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Which runs ended early, shape (B,)."""
        return np.array([failure is not None for failure in self.failures])


def simulate(
    network: Network,
    times_s: ArrayLike,
    *,
    rtol: float = RTOL,
    atol: float = ATOL,
    engine: Engine = "auto",
) -> Simulation:
    """One run of a network with its own values.

    A failed run is a value that says why; it raises nothing.

    Args:
        network: The model.
        times_s: Times at which values are wanted, rising from 0 or more [s].
        rtol: Relative tolerance of a step.
        atol: Absolute tolerance of a step [µmol/L].
        engine: See `simulate_many`.

    Raises:
        SettingsError: Times or tolerances make no sense.
        MissingExtraError: numba is asked for and not installed.
    """
    many = simulate_many(network, times_s, rtol=rtol, atol=atol, engine=engine)
    return Simulation(many.times_s, many.names, many.values[0], many.failures[0])


def simulate_many(
    network: Network,
    times_s: ArrayLike,
    *,
    sets: Mapping[str, ArrayLike] | None = None,
    rtol: float = RTOL,
    atol: float = ATOL,
    engine: Engine = "auto",
) -> Ensemble:
    """Runs of a network for many sets of values.

    Args:
        network: The model; what `sets` does not name has its values.
        times_s: Times at which values are wanted, rising from 0 or more [s].
        sets: Values by name of a parameter, or of a species for its start [µmol/L]; each of
            shape (B,) or one number.
        rtol: Relative tolerance of a step.
        atol: Absolute tolerance of a step [µmol/L].
        engine: `numba` (compiled, one core), `numpy` (needs nothing, the same steps), or `auto`.

    Raises:
        SettingsError: A name is not known, a value is negative or not finite, or times or
            tolerances make no sense.
        MissingExtraError: numba is asked for and not installed.
    """
    times = _times(times_s)
    if not (0 < rtol < 1 and 0 < atol < math.inf):
        raise SettingsError(
            f"tolerances are {rtol:g} and {atol:g}. Give for example 1e-6 and 1e-9."
        )
    start, parameters = _values(network, sets or {})
    code = code_of(network)
    batch = Batch(start, parameters, times, rtol, atol)
    runs = _engine(engine, code, len(start))(code, batch)
    values = np.concatenate([runs.values, _rules(network, code, (runs, parameters))], axis=2)
    names = (*network.species_ids, *(rule.id for rule in network.rules))
    return Ensemble(times, names, values, _failures(network, runs), runs.steps)


def fastest() -> Engine:
    """The engine for many small batches: compiled where numba is there."""
    return "numba" if _has_numba() else "numpy"


@cache
def _has_numba() -> bool:
    return importlib.util.find_spec("numba") is not None


def _engine(engine: Engine, code: Code, runs: int) -> Callable[[Code, Batch], Runs]:
    if engine not in ("auto", "numba", "numpy"):
        raise SettingsError(f"engine '{engine}': {nearest(engine, ['auto', 'numba', 'numpy'])}")
    if engine == "numba" and not _has_numba():
        raise MissingExtraError(
            "the compiled engine needs numba: pip install 'lamella[model]'. "
            "Engine 'numpy' gives the same numbers without it."
        )
    if engine == "numpy" or not _has_numba():
        return stiff_numpy.integrate
    from lamella.signalling import stiff_numba

    if engine == "auto" and runs < _WORTH_COMPILING and not stiff_numba.is_ready(code):
        return stiff_numpy.integrate
    return stiff_numba.integrate


def _times(times_s: ArrayLike) -> F8:
    times = np.atleast_1d(np.asarray(times_s, np.float64))
    sound = times.ndim == 1 and times.size > 0 and bool(np.all(np.isfinite(times)))
    if not (sound and times[0] >= 0 and bool(np.all(np.diff(times) > 0))):
        raise SettingsError("times do not rise from 0 or more. Give them in seconds, in order.")
    return times


def _values(network: Network, sets: Mapping[str, ArrayLike]) -> tuple[F8, F8]:
    """Starts and parameters of all runs."""
    given = {name: np.atleast_1d(np.asarray(value, np.float64)) for name, value in sets.items()}
    sizes = {value.size for value in given.values()} - {1}
    if len(sizes) > 1 or any(value.ndim != 1 or value.size == 0 for value in given.values()):
        raise SettingsError("sets of values differ in length. Give each one value a run.")
    count = sizes.pop() if sizes else 1
    start = np.tile([species.initial for species in network.species], (count, 1))
    parameters = np.tile(np.array([p.value for p in network.parameters], np.float64), (count, 1))
    ids = [parameter.id for parameter in network.parameters]
    for name, value in given.items():
        if not bool(np.all((value >= 0) & np.isfinite(value))):
            bad = value[~((value >= 0) & np.isfinite(value))][0]
            raise SettingsError(
                f"'{name}' is {bad:g}. Concentrations and rate constants are 0 or more, and finite."
            )
        if name in ids:
            parameters[:, ids.index(name)] = value
        elif name in network.species_ids:
            start[:, network.place_of(name)] = value
        else:
            known = nearest(name, [*ids, *network.species_ids])
            raise SettingsError(f"model '{network.id}' has no '{name}' to set. {known}")
    return np.ascontiguousarray(start, np.float64), parameters


def _rules(network: Network, code: Code, results: tuple[Runs, F8]) -> F8:
    """Rules at all times of all runs, shape (B, T, rules)."""
    runs, parameters = results
    out = np.empty((len(network.rules), *runs.values.shape[:2]))
    with np.errstate(all="ignore"):
        code.outputs(np.moveaxis(runs.values, 2, 0), parameters.T[:, :, None], out)
    return np.moveaxis(out, 0, 2)


def _failures(network: Network, runs: Runs) -> tuple[str | None, ...]:
    told: list[str | None] = []
    ends = (runs.status, runs.reached_s, runs.worst, runs.steps)
    for status, reached, worst, steps in zip(*ends, strict=True):
        if status == DONE:
            told.append(None)
            continue
        species = network.species_ids[worst]
        after = f"after {reached:.6g} s and {steps} steps"
        if status == FAILED_SIZE:
            why = f"{species} changes faster than a step can follow; it may grow without bound"
        elif status == FAILED_STEPS:
            why = f"{species} keeps the steps too small for the time asked for"
        else:
            why = f"the rate of change of {species} is not a number"
        told.append(f"integration of '{network.id}' ended {after}: {why}.")
    return tuple(told)


def _place(name: str, names: tuple[str, ...]) -> int:
    if name not in names:
        raise SettingsError(f"no species or rule is called '{name}'. {nearest(name, names)}")
    return names.index(name)
