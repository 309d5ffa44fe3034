"""Which sets of rates are compatible with the data and the priors? An ensemble of draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from lamella.errors import FitError
from lamella.signalling.calibration import BestFit, Problem
from lamella.signalling.network import Network

__all__ = ["Draws", "prior_draws", "sample"]

F8: TypeAlias = NDArray[np.float64]

_WALKERS = 40
_BURN_IN = 100
_EVERY = 3
_RTOL = 1e-5
_STRETCH = 2.0


@dataclass(frozen=True)
class Draws:
    """Draws from the posterior.

    Attributes:
        names: Of what was estimated.
        points: log10 of each draw, shape (K, q).
        accepted: Share of moves that were accepted.
    """

    names: tuple[str, ...]
    points: F8
    accepted: float


def sample(
    problem: Problem, best: BestFit, *, rng: np.random.Generator, count: int = 1000
) -> Draws:
    """Draws by the affine-invariant ensemble sampler.

    The spread of the measurements is integrated out with a prior 1/sigma; rates have a flat prior
    in log10 between their bounds, times their own prior where they have one.

    Args:
        problem: What is fitted.
        best: Where the walkers start around.
        rng: For the moves.
        count: Draws wanted, 100 or more.

    Raises:
        FitError: Fewer than 100 draws are asked for.

    References:
        Goodman and Weare 2010, 10.2140/camcos.2010.5.65.
    """
    if count < 100:
        raise FitError(f"{count} draws are too few for an interval. Ask for 100 or more.")
    low, high = problem.box
    spread = np.minimum(0.3, (high - low) / 8)
    walkers = best.point + spread * rng.normal(size=(_WALKERS, low.size))
    walkers = np.clip(walkers, low + 1e-6, high - 1e-6)
    known = _log_posterior(problem, walkers)
    kept: list[F8] = []
    moves = taken = 0
    half = _WALKERS // 2
    for step in range(_BURN_IN + _EVERY * -(-count // _WALKERS)):
        for first in (True, False):
            mine, other = (slice(0, half), slice(half, None))[:: 1 if first else -1]
            stretch = ((_STRETCH - 1) * rng.random(half) + 1) ** 2 / _STRETCH
            partner = walkers[other][rng.integers(half, size=half)]
            trial = partner + stretch[:, None] * (walkers[mine] - partner)
            fresh = _log_posterior(problem, trial)
            odds = (low.size - 1) * np.log(stretch) + fresh - known[mine]
            good = np.log(rng.random(half)) < odds
            walkers[mine] = np.where(good[:, None], trial, walkers[mine])
            known[mine] = np.where(good, fresh, known[mine])
            moves, taken = moves + half, taken + int(good.sum())
        if step >= _BURN_IN and (step - _BURN_IN) % _EVERY == _EVERY - 1:
            kept.append(walkers.copy())
    names = tuple(one.name for one in problem.estimated)
    return Draws(names, np.concatenate(kept)[:count], taken / moves)


def prior_draws(network: Network, *, rng: np.random.Generator, count: int = 1000) -> dict[str, F8]:
    """Draws of every parameter that has a prior, log-normal, each of shape (count,)."""
    return {
        parameter.id: parameter.prior.median * 10 ** rng.normal(0, parameter.prior.log10_sd, count)
        for parameter in network.parameters
        if parameter.prior is not None
    }


def _log_posterior(problem: Problem, points: F8) -> F8:
    low, high = problem.box
    inside = ((points >= low) & (points <= high)).all(axis=1)
    found = np.full(len(points), -np.inf)
    if inside.any():
        told = problem.predicted(points[inside], rtol=_RTOL)
        rss = ((told - np.log10(problem.data.value)) ** 2).sum(axis=1)
        value = -0.5 * told.shape[1] * np.log(np.maximum(rss, 1e-300))
        for i, one in enumerate(problem.estimated):
            if one.prior is not None:
                away = points[inside, i] - np.log10(one.prior.median)
                value = value - 0.5 * (away / one.prior.log10_sd) ** 2
        found[inside] = np.where(np.isfinite(value), value, -np.inf)
    return found
