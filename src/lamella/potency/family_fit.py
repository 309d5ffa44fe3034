"""How well does one curve family describe these points? Estimates, errors and bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lamella.errors import FitError, nearest
from lamella.potency.collapse import Collapsed
from lamella.potency.families import Family
from lamella.potency.least_squares import Problem, covariance, minimise

__all__ = [
    "Constraints",
    "FamilyFit",
    "fit_curves",
    "fit_family",
    "least_squares_problem",
    "stacked",
]

F8 = NDArray[np.float64]
Effort = Literal["thorough", "quick"]

_STARTS = {"thorough": 12, "quick": 5}
_FINALISTS = {"thorough": 4, "quick": 2}
_WARM_UP = 12
_APART = 0.06
_AT_ONCE = 64  # curves: bounds the memory of the search over the grid


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
    effort: Effort = "thorough",
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
    fitted = fit_curves(family, [data], constraints=constraints, start=start, effort=effort)[0]
    if isinstance(fitted, FitError):
        raise fitted
    return fitted


def fit_curves(
    family: Family,
    curves: Sequence[Collapsed],
    *,
    constraints: Constraints | None = None,
    start: Mapping[str, float] | None = None,
    effort: Effort = "thorough",
) -> list[FamilyFit | FitError]:
    """`fit_family` of many curves, all starts of all curves in one search.

    A curve that cannot be fitted yields its error in place of a fit.

    Raises:
        FitError: A constrained parameter does not exist.
    """
    setups = [_setup(family, data, constraints or Constraints()) for data in curves]
    can = [i for i, data in enumerate(curves) if data.points >= setups[i].size]
    found: list[FamilyFit | FitError] = [
        _too_few(family, data, setup.size) for data, setup in zip(curves, setups, strict=True)
    ]
    for group in (can[i : i + _AT_ONCE] for i in range(0, len(can), _AT_ONCE)):
        chosen = [setups[i] for i in group]
        problem = stacked(family, [curves[i] for i in group])
        problem = replace(problem, bounds=_bounds(chosen))
        ways = list(_ways(family, problem, chosen, start, effort))
        for row, i in enumerate(group):
            found[i] = _best(family, curves[i], setups[i], [(way, row) for way in ways])
    return found


def stacked(family: Family, curves: Sequence[Collapsed]) -> Problem:
    """The curves as one problem a row; shorter ones are padded with points of no weight."""
    longest = max(data.x.size for data in curves)
    short = [longest - data.x.size for data in curves]
    # The padding repeats the last dose, where no family does anything that it did not do before.
    x = np.stack([np.pad(d.x, (0, k), mode="edge") for d, k in zip(curves, short, strict=True)])
    y = np.stack([np.pad(d.y, (0, k), mode="edge") for d, k in zip(curves, short, strict=True)])
    w = np.stack([np.pad(d.w, (0, k)) for d, k in zip(curves, short, strict=True)])
    p = len(family.nonlinear)
    free = np.full((len(curves), len(family.linear)), np.nan)
    return Problem(family.columns, x, y, np.sqrt(w), (np.zeros((1, p)), np.zeros((1, p))), free)


def _too_few(family: Family, data: Collapsed, size: int) -> FitError:
    return FitError(
        f"{data.points} points cannot carry the {size} parameters of '{family.name}'. "
        "Measure more doses or choose a smaller family."
    )


def _bounds(setups: Sequence[_Setup]) -> tuple[F8, F8]:
    return np.stack([s.bounds[0] for s in setups]), np.stack([s.bounds[1] for s in setups])


def _ways(
    family: Family,
    problem: Problem,
    setups: Sequence[_Setup],
    start: Mapping[str, float] | None,
    effort: Effort,
) -> Iterator[_Refined]:
    """The refined starts of every curve, once for each way of holding its linear parameters."""
    starts = None
    for held in setups[0].held:
        problem = replace(problem, held=np.tile(held, (len(setups), 1)))
        if starts is None:
            starts = _starts(family, problem, setups, start, effort)
        yield _refined(problem, starts, effort)


def _starts(
    family: Family,
    problem: Problem,
    setups: Sequence[_Setup],
    start: Mapping[str, float] | None,
    effort: Effort,
) -> F8:
    """Nonlinear parameters to start from, shape (C, T, p)."""
    if start is None:
        return _grid_starts(family, problem, setups, count=_STARTS[effort])
    given = np.array([start[q.name] for q in family.nonlinear])
    return np.stack([[given - setup.shift[: given.size]] for setup in setups])


def _refined(problem: Problem, starts: F8, effort: Effort) -> _Refined:
    """The best starts of each curve, refined: shapes (C, T, p), (C, T, k), (C, T), (C, T)."""
    warm = _minimised(problem, starts, iterations=_WARM_UP)
    order = np.argsort(warm.rss, axis=1, kind="stable")[:, : _FINALISTS[effort]]
    finalists = np.take_along_axis(warm.nonlinear, order[:, :, None], axis=1)
    return _minimised(problem, finalists, tolerance=1e-15 if effort == "thorough" else 1e-9)


def _minimised(
    problem: Problem, starts: F8, *, iterations: int = 300, tolerance: float = 1e-15
) -> _Refined:
    curves, tries, p = starts.shape
    each = problem.take(np.repeat(np.arange(curves), tries))
    nu = starts.reshape(curves * tries, p)
    found = minimise(each, nu, iterations=iterations, tolerance=tolerance)
    shape = (curves, tries)
    return _Refined(
        found.nonlinear.reshape(*shape, p),
        found.linear.reshape(*shape, problem.held.shape[1]),
        found.rss.reshape(shape),
        found.converged.reshape(shape),
    )


def _best(
    family: Family, data: Collapsed, setup: _Setup, ways: list[tuple[_Refined, int]]
) -> FamilyFit | FitError:
    """Best admissible solution of one curve."""
    best: FamilyFit | None = None
    for found, row in ways:
        rss = found.rss[row]
        for i in np.argsort(rss, kind="stable"):
            theta = np.concatenate([found.nonlinear[row, i], found.linear[row, i]])
            if setup.allows(theta) and family.accept(theta):
                total = float(rss[i]) + data.ss_pure
                if best is None or total < best.rss:
                    best = FamilyFit(
                        family=family,
                        data=data,
                        theta=theta,
                        free=setup.free,
                        rss=total,
                        df=data.points - setup.size,
                        at_bound=setup.touched(family, theta),
                        converged=bool(found.converged[row, i]),
                        starts_agree=float(np.mean(rss <= rss[i] * (1 + 1e-6) + 1e-300)),
                    )
                break
    if best is None:
        return FitError(f"family '{family.name}' has no solution within its constraints.")
    return best


def least_squares_problem(fit: FamilyFit) -> Problem:
    """The problem that this fit solved, with the same held parameters, for refits."""
    p = len(fit.family.nonlinear)
    low, high = (side.copy() for side in fit.family.box(fit.data.x_range))
    held = ~fit.free
    low[held[:p]] = high[held[:p]] = fit.theta[:p][held[:p]]
    linear = np.where(fit.free[p:], np.nan, fit.theta[p:])
    data = fit.data
    return Problem(fit.family.columns, data.x, data.y, np.sqrt(data.w), (low, high), linear)


@dataclass(frozen=True)
class _Setup:
    """What one curve asks of the search, in centred units."""

    bounds: tuple[F8, F8]
    grid: F8
    shift: F8
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
    grid = np.clip(family.grid(data.x_range), low, high)
    return _Setup((low, high), grid, shift, _held(limits), limits, free, int(free.sum()))


@dataclass(frozen=True)
class _Refined:
    """Optima of all curves (C) and their starts (T)."""

    nonlinear: F8  # (C, T, p)
    linear: F8  # (C, T, k)
    rss: F8  # (C, T)
    converged: NDArray[np.bool_]  # (C, T)


def _held(limits: F8) -> list[F8]:
    """Every way in which bounded linear parameters can rest on a bound, the free way first."""
    choices = [
        [np.nan] if np.isinf(ends).all() else [ends[0]] if ends[0] == ends[1] else [np.nan, *ends]
        for ends in limits
    ]
    ways = [np.array(way, dtype=np.float64) for way in product(*choices)]
    return [way for way in ways if not np.isinf(way).any()]


def _grid_starts(family: Family, problem: Problem, setups: Sequence[_Setup], *, count: int) -> F8:
    """Nodes of low RSS that lie apart from each other, shape (C, count, p)."""
    grid = np.stack([setup.grid for setup in setups])  # (C, G, p)
    curves, nodes, p = grid.shape
    if nodes == 1:
        return grid
    each = problem.take(np.repeat(np.arange(curves), nodes))
    rss = each.rss(grid.reshape(-1, p)).reshape(curves, nodes)
    order = np.argsort(rss, axis=1, kind="stable")
    np.put_along_axis(rss, order[:, 20 * count :], np.inf, axis=1)
    spread = np.maximum(np.ptp(grid, axis=1), 1e-12)[:, None]
    rows = np.arange(curves)
    chosen = np.tile(order[:, :1], (1, count))
    for j in range(count):
        node = rss.argmin(axis=1)
        left = np.isfinite(rss[rows, node])
        chosen[left, j] = node[left]
        near = np.abs((grid - grid[rows, node][:, None]) / spread).max(axis=2) < _APART
        rss[near] = np.inf
    return np.take_along_axis(grid, chosen[:, :, None], axis=1)
