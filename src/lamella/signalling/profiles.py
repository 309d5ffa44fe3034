"""What do the data say about one rate or one prediction, and what do they leave open?

The profile likelihood: one quantity is moved, all others are fitted again. An end that is not
closed inside the bounds is open, and a quantity with an open end is not identifiable: no point is
given for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from lamella.errors import SettingsError, nearest
from lamella.signalling.calibration import BestFit, Problem, Pull, search

__all__ = ["Profile", "ic50_of", "profile", "profile_of"]

F8: TypeAlias = NDArray[np.float64]
NOT_IDENTIFIABLE = "not identifiable"

_DOSES_A_DECADE = 5
_FIRST, _SMALLEST, _LARGEST = 0.05, 0.004, 0.6
_MOST = 40
_NEAR = 0.01
"""Closer than this to a bound [decades] is on it; five times that for the end itself."""


@dataclass(frozen=True)
class Profile:
    """The profile of one quantity.

    Attributes:
        name: Of the quantity.
        value: The best estimate; None where it is not identifiable.
        low: Lower end of the interval; None where it is open.
        high: Upper end; None where it is open.
        level: Of the interval.
        at: Values at which the profile was computed, rising.
        excess: What the objective rises by at each of them.
        cut: Rise at which the interval ends.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    level: float
    at: F8
    excess: F8
    cut: float

    @property
    def identifiable(self) -> bool:
        """Whether both ends are closed."""
        return self.low is not None and self.high is not None

    @property
    def text(self) -> str:
        """The result in words."""
        if self.low is not None and self.high is not None:
            return f"{self.value:.3g} ({100 * self.level:g} % {self.low:.3g} to {self.high:.3g})"
        if self.low is not None:
            return f"{NOT_IDENTIFIABLE}: above {self.low:.3g}, no upper end"
        if self.high is not None:
            return f"{NOT_IDENTIFIABLE}: below {self.high:.3g}, no lower end"
        return f"{NOT_IDENTIFIABLE}: open on both sides"


def profile(problem: Problem, best: BestFit, name: str, *, level: float = 0.95) -> Profile:
    """The profile of one estimated rate.

    Raises:
        SettingsError: Nothing of that name was estimated.
    """
    if name not in best.names:
        raise SettingsError(f"'{name}' was not estimated. {nearest(name, best.names)}")
    place = best.names.index(name)
    low, high = (float(end[place]) for end in problem.box)

    def refit(at: float, start: F8) -> tuple[F8, float]:
        held = start.copy()
        held[place] = at
        point, _, objective = search(problem, held, hold=place)
        return point, objective

    def bounded(point: F8) -> bool:
        edge = (point - problem.box[0] < _NEAR) | (problem.box[1] - point < _NEAR)
        return bool(np.delete(edge, place).any())

    quantity = (name, float(best.point[place]), low, high)
    return _walked(problem, best, quantity, (refit, bounded), level)


def profile_of(
    problem: Problem,
    best: BestFit,
    name: str,
    *,
    of: Callable[[F8], F8],
    level: float = 0.95,
) -> Profile:
    """The profile of a prediction: log10 of it as a function of points (K, q) -> (K,)."""
    centre = float(of(best.point[None])[0])
    if not np.isfinite(centre):
        nothing = np.empty(0)
        return Profile(name, None, None, None, level, nothing, nothing, _cut(problem, level))

    def refit(at: float, start: F8) -> tuple[F8, float]:
        point, _, objective = search(problem, start, pull=Pull(of, at))
        # The pull has some slack: what counts is where the prediction came to lie.
        return point, objective if abs(float(of(point[None])[0]) - at) < 0.02 else np.inf

    quantity = (name, centre, centre - 3, centre + 3)
    return _walked(problem, best, quantity, (refit, lambda _: False), level)


def ic50_of(problem: Problem, *, time_s: float, half: float = 0.5) -> Callable[[F8], F8]:
    """A prediction: log10 of the dose at which the observable is half that of vehicle.

    Args:
        problem: Gives the network, the observable and the estimated rates.
        time_s: Time since the dose [s].
        half: Share of vehicle at which the dose is read.
    """
    known = problem.data.dose[problem.data.dose > 0]
    ends = np.log10([known.min() / 10, known.max() * 10])
    grid = np.linspace(
        float(ends[0]), float(ends[1]), round((ends[1] - ends[0]) * _DOSES_A_DECADE) + 1
    )
    doses = np.append(0.0, 10**grid)

    def of(points: F8) -> F8:
        courses = problem.courses(points, doses, np.array([time_s]), rtol=1e-6)[:, :, 0]
        with np.errstate(all="ignore"):
            share = courses[:, 1:] / courses[:, :1]
            # The logit of a saturating curve is nearly straight in log dose.
            logit = np.log(share / (1 - share)) - np.log(half / (1 - half))
        return np.array([_crossing(grid, row) for row in logit])

    return of


def _crossing(grid: F8, logit: F8) -> float:
    below = np.flatnonzero((logit[1:] <= 0) & (logit[:-1] > 0))
    if not below.size:
        return float("nan")
    i = int(below[0])
    at = slice(max(i - 1, 0), min(i + 3, grid.size))
    if not np.isfinite(logit[at]).all() or not (np.diff(logit[at]) < 0).all():
        at = slice(i, i + 2)
    return _lagrange(logit[at], grid[at])


def _lagrange(x: F8, y: F8) -> float:
    """The polynomial through all points, at 0."""
    total = 0.0
    for i in range(x.size):
        others = np.delete(x, i)
        total += float(y[i] * np.prod(others / (others - x[i])))
    return total


def _cut(problem: Problem, level: float) -> float:
    """Rise of N ln(rss) that ends an interval, with the t of the residual freedom."""
    size, free = problem.data.value.size, max(problem.data.value.size - len(problem.estimated), 1)
    t = float(stdtrit(free, 0.5 + level / 2))
    return float(size * np.log1p(t**2 / free))


def _walked(
    problem: Problem,
    best: BestFit,
    quantity: tuple[str, float, float, float],
    ways: tuple[Callable[[float, F8], tuple[F8, float]], Callable[[F8], bool]],
    level: float,
) -> Profile:
    name, centre, low, high = quantity
    cut = _cut(problem, level)
    sides = [_side(best, (centre, end, cut), ways) for end in (low, high)]
    at = np.array([*sides[0][0][::-1], centre, *sides[1][0]])
    excess = np.array([*sides[0][1][::-1], 0.0, *sides[1][1]])
    ends = [None if end is None else float(10**end) for _, _, end in sides]
    whole = all(end is not None for end in ends)
    found = Profile(name, None, ends[0], ends[1], level, 10**at, excess, cut)
    return replace(found, value=float(10**centre)) if whole else found


def _side(
    best: BestFit,
    range_: tuple[float, float, float],
    ways: tuple[Callable[[float, F8], tuple[F8, float]], Callable[[F8], bool]],
) -> tuple[list[float], list[float], float | None]:
    """Walk from the centre to a bound or to the cut; (places, rises, end or None).

    An end that is there only because another rate has reached its own bound is none: wider
    bounds would move it, so it says nothing about the data.
    """
    centre, bound, cut = range_
    refit, bounded = ways
    sign = np.sign(bound - centre)
    at: list[float] = []
    rise: list[float] = []
    here, point, before, width = centre, best.point, 0.0, _FIRST
    for _ in range(_MOST):
        if abs(bound - here) < 1e-9:
            return at, rise, None
        there = here + sign * min(width, abs(bound - here))
        moved, objective = refit(there, point)
        excess = objective - best.objective
        if excess > cut + 3 and width > _SMALLEST:
            width /= 3
            continue
        if not np.isfinite(excess):
            return at, rise, None  # the model does not reach further between its bounds
        at.append(there)
        rise.append(min(excess, 1e9))
        if excess >= cut:
            share = (cut - before) / (excess - before)
            end = float(here + share * (there - here))
            near = abs(bound - end) < 5 * _NEAR
            return at, rise, None if near or bounded(moved) else end
        width *= 2.0 if excess - before < cut / 6 else 1.2 if excess - before < cut / 3 else 0.7
        width = min(max(width, _SMALLEST), _LARGEST)
        here, point, before = there, moved, max(excess, 0.0)
    return at, rise, None
