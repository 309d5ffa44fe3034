"""How well does one curve family describe these points? Estimates, errors and bounds."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lamella.errors import FitError, nearest
from lamella.potency.collapse import Collapsed
from lamella.potency.families import Family
from lamella.potency.least_squares import Optimum, Problem, covariance, minimise

__all__ = ["Constraints", "FamilyFit", "fit_family", "least_squares_problem"]

F8 = NDArray[np.float64]

_STARTS = {"thorough": 12, "quick": 5}
_FINALISTS = {"thorough": 4, "quick": 2}
_WARM_UP = 12


@dataclass(frozen=True)
class Constraints:
    """Limits that the user puts on parameters, by name, in the user's units.

    Attributes:
        fixed: Values that are held, for example `{"at_infinite_dose": 0.0}`.
        bounded: Lowest and highest allowed values (`None` for one side open).
    """

    fixed: Mapping[str, float] = field(default_factory=dict)
    bounded: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)

    @property
    def printed(self) -> tuple[str, ...]:
        """Every constraint in words, for results and reports."""
        held = [f"fixed:{name}={value:g}" for name, value in sorted(self.fixed.items())]
        limits = [
            f"bounded:{name}=[{'' if low is None else f'{low:g}'},"
            f"{'' if high is None else f'{high:g}'}]"
            for name, (low, high) in sorted(self.bounded.items())
        ]
        return (*held, *limits)


@dataclass(frozen=True)
class FamilyFit:
    """One family fitted to one curve.

    Attributes:
        family: What was fitted.
        data: The collapsed points.
        theta: Parameters around the middle of the design, nonlinear first; see `in_user_units`.
        free: True for estimated parameters, shape (p + k,).
        rss: Weighted residual sum of squares of all points.
        df: Points minus estimated parameters.
        at_bound: Names of parameters that rest on a search bound.
        converged: The solver met its tolerance.
        starts_agree: Share of the refined starts that ended at this optimum (1e-6 in RSS).
    """

    family: Family
    data: Collapsed
    theta: F8
    free: NDArray[np.bool_]
    rss: float
    df: int
    at_bound: tuple[str, ...]
    converged: bool
    starts_agree: float

    @property
    def size(self) -> int:
        """Number of estimated parameters."""
        return int(self.free.sum())

    @property
    def sigma(self) -> float:
        """Residual standard deviation; NaN without degrees of freedom."""
        return float(np.sqrt(self.rss / self.df)) if self.df > 0 else float("nan")

    @property
    def aicc(self) -> float:
        """Akaike's criterion with the small-sample term; infinite where undefined."""
        n, k = self.data.points, self.size + 1
        if n - k - 1 <= 0 or self.rss <= 0:
            return float("inf")
        return n * float(np.log(self.rss / n)) + 2 * k + 2 * k * (k + 1) / (n - k - 1)

    def covariance(self) -> F8 | None:
        """Covariance of all parameters (zero for held ones), shape (p + k, p + k), or None."""
        if self.df <= 0:
            return None
        jacobian = self.family.jacobian(self.data.x, self.theta) * np.sqrt(self.data.w)[:, None]
        inner = covariance(jacobian[:, self.free])
        if inner is None:
            return None
        full = np.zeros((self.theta.size, self.theta.size))
        full[np.ix_(self.free, self.free)] = inner * self.sigma**2
        return full

    def value(self, x: F8) -> F8:
        """The curve at centred log10 doses x, shape (m,)."""
        return self.family.value(x, self.theta)

    def in_user_units(self) -> dict[str, float]:
        """Parameters by name in the user's dose unit."""
        theta = self.family.to_dose_unit(self.theta, self.data.x0)
        return dict(zip(self.family.names, theta.tolist(), strict=True))


def fit_family(
    family: Family,
    data: Collapsed,
    *,
    constraints: Constraints | None = None,
    start: Mapping[str, float] | None = None,
    effort: Literal["thorough", "quick"] = "thorough",
) -> FamilyFit:
    """Global least-squares fit of one family to one curve.

    Args:
        family: From `lamella.potency.families`.
        data: From `collapse`.
        constraints: Fixed and bounded parameters, None for those of the family alone.
        start: Nonlinear parameters to start from, by name, in place of the grid.
        effort: `quick` refines fewer starts, for families that are only compared.

    Raises:
        FitError: A constrained parameter does not exist, or the points are fewer than the
            parameters.
    """
    setup = _setup(family, data, constraints or Constraints())
    if data.points < setup.size:
        raise FitError(
            f"{data.points} points cannot carry the {setup.size} parameters of '{family.name}'. "
            "Measure more doses or choose a smaller family."
        )
    problem = _problem(family, data, setup.bounds, setup.held[0])
    if start is None:
        starts = _grid_starts(family, data, problem, count=_STARTS[effort])
    else:
        starts = _given(family, data, start)
    ways = [_refined(replace(problem, held=held), starts, effort) for held in setup.held]
    theta, rss, converged, agree = _best(family, setup, ways)
    return FamilyFit(
        family=family,
        data=data,
        theta=theta,
        free=setup.free,
        rss=rss + data.ss_pure,
        df=data.points - setup.size,
        at_bound=setup.touched(family, theta),
        converged=converged,
        starts_agree=agree,
    )


def _refined(problem: Problem, starts: F8, effort: Literal["thorough", "quick"]) -> Optimum:
    warm = minimise(problem, starts, iterations=_WARM_UP)
    order = np.argsort(warm.rss, kind="stable")[: _FINALISTS[effort]]
    tolerance = 1e-15 if effort == "thorough" else 1e-9
    return minimise(problem, warm.nonlinear[order], tolerance=tolerance)


def _best(family: Family, setup: _Setup, ways: list[Optimum]) -> tuple[F8, float, bool, float]:
    """Best admissible solution: (parameters, RSS of the means, converged, starts agreeing)."""
    best: tuple[F8, float, bool, float] | None = None
    for found in ways:
        for i in np.argsort(found.rss, kind="stable"):
            rss = float(found.rss[i])
            theta = np.concatenate([found.nonlinear[i], found.linear[i]])
            if setup.allows(theta) and family.accept(theta):
                if best is None or rss < best[1]:
                    agree = float(np.mean(found.rss <= rss * (1 + 1e-6) + 1e-300))
                    best = (theta, rss, bool(found.converged[i]), agree)
                break
    if best is None:
        raise FitError(f"family '{family.name}' has no solution within its constraints.")
    return best


def least_squares_problem(fit: FamilyFit) -> Problem:
    """The problem that this fit solved, with the same held parameters, for refits."""
    p = len(fit.family.nonlinear)
    low, high = (side.copy() for side in fit.family.box(fit.data.x_range))
    held = ~fit.free
    low[held[:p]] = high[held[:p]] = fit.theta[:p][held[:p]]
    linear = np.where(fit.free[p:], np.nan, fit.theta[p:])
    return _problem(fit.family, fit.data, (low, high), linear)


@dataclass(frozen=True)
class _Setup:
    """The optimisation problem in centred units."""

    bounds: tuple[F8, F8]
    held: list[F8]
    limits: F8
    free: NDArray[np.bool_]
    size: int

    def allows(self, theta: F8) -> bool:
        linear = theta[-len(self.limits) :]
        slack = 1e-9 * (1 + np.abs(linear))
        return bool(
            ((linear >= self.limits[:, 0] - slack) & (linear <= self.limits[:, 1] + slack)).all()
        )

    def touched(self, family: Family, theta: F8) -> tuple[str, ...]:
        low, high = self.bounds
        names = family.names
        p = low.size
        tolerance = 1e-6
        nonlinear = [
            names[i]
            for i in range(p)
            if self.free[i] and not low[i] + tolerance < theta[i] < high[i] - tolerance
        ]
        linear = [
            names[p + i]
            for i, (floor, top) in enumerate(self.limits)
            if self.free[p + i] and theta[p + i] in (floor, top)
        ]
        return (*nonlinear, *linear)


def _setup(family: Family, data: Collapsed, constraints: Constraints) -> _Setup:
    fixed = {**family.fixed, **constraints.fixed}
    for name in (*fixed, *constraints.bounded):
        if name not in family.names:
            raise FitError(
                f"'{family.name}' has no parameter '{name}' to constrain. "
                f"{nearest(name, family.names)}"
            )
    p = len(family.nonlinear)
    low, high = (side.copy() for side in family.box(data.x_range))
    limits = np.tile([-np.inf, np.inf], (len(family.linear), 1))
    shift = family.to_dose_unit(np.zeros(len(family.names)), data.x0)
    free = np.array([name not in fixed for name in family.names])
    for i, name in enumerate(family.names):
        lowest, highest = constraints.bounded.get(name, (None, None))
        ends = [-np.inf if lowest is None else lowest, np.inf if highest is None else highest]
        if name in fixed:
            ends = [fixed[name], fixed[name]]
        if i < p:
            ends = [end - shift[i] for end in ends]
            low[i], high[i] = np.clip(ends, low[i], high[i]) if name not in fixed else ends
        else:
            limits[i - p] = ends
    return _Setup((low, high), _held(limits), limits, free, int(free.sum()))


def _held(limits: F8) -> list[F8]:
    """Every way in which bounded linear parameters can rest on a bound, the free way first."""
    choices = [
        [np.nan] if np.isinf(ends).all() else [ends[0]] if ends[0] == ends[1] else [np.nan, *ends]
        for ends in limits
    ]
    ways = [np.array(way, dtype=np.float64) for way in product(*choices)]
    return [way for way in ways if not np.isinf(way).any()]


def _given(family: Family, data: Collapsed, start: Mapping[str, float]) -> F8:
    shift = family.to_dose_unit(np.zeros(len(family.names)), data.x0)
    return np.array([[start[q.name] - shift[i] for i, q in enumerate(family.nonlinear)]])


def _problem(family: Family, data: Collapsed, bounds: tuple[F8, F8], held: F8) -> Problem:
    basis = functools.partial(family.columns, data.x)
    return Problem(basis, data.y, np.sqrt(data.w), bounds, held)


def _grid_starts(family: Family, data: Collapsed, problem: Problem, *, count: int) -> F8:
    grid = np.clip(family.grid(data.x_range), *problem.bounds)
    if len(grid) == 1:
        return grid
    order = np.argsort(problem.rss(grid), kind="stable")
    chosen: list[int] = []
    spread = np.maximum(np.ptp(grid, axis=0), 1e-12)
    for node in order[: 20 * count]:
        near = [np.abs((grid[node] - grid[other]) / spread).max() < 0.06 for other in chosen]
        if not any(near):
            chosen.append(int(node))
        if len(chosen) == count:
            break
    return np.asarray(grid[chosen], dtype=np.float64)
