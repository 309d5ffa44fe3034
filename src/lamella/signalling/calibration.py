"""Which rates of a network fit measured phosphorylation best? Multi-start maximum a posteriori.

The data are log-normal with one unknown spread; rates are searched as log10 between bounds. The
kernel is the package's own: many parameter sets and doses run as one batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc

from lamella.errors import FitError, SettingsError
from lamella.signalling.network import Network, Prior
from lamella.signalling.simulation import fastest, simulate_many

__all__ = [
    "BestFit",
    "Estimated",
    "Measurements",
    "Problem",
    "Pull",
    "fit",
    "lack_of_fit",
    "search",
]

F8: TypeAlias = NDArray[np.float64]

_RTOL = 1e-7
_STEP = 3e-3
_SETTLED = 1e-3
_ITERATIONS = 60


@dataclass(frozen=True, slots=True)
class Estimated:
    """A quantity to estimate: a parameter of the network, or `scale`, between bounds."""

    name: str
    low: float
    high: float
    prior: Prior | None = None


@dataclass(frozen=True)
class Measurements:
    """Values of one observable, one entry a measurement.

    Attributes:
        dose: In the unit of the network's dose [µmol/L], shape (N,).
        time_s: Time since the dose [s], shape (N,).
        value: Positive, in any unit, shape (N,).
    """

    dose: F8
    time_s: F8
    value: F8

    def __post_init__(self) -> None:
        """Check that they can be fitted."""
        sizes = {np.shape(self.dose), np.shape(self.time_s), np.shape(self.value)}
        if len(sizes) != 1 or np.ndim(self.value) != 1 or np.size(self.value) < 3:
            raise FitError("measurements need one dose, time and value each, three or more.")
        if not bool(np.all(np.isfinite(self.value) & (np.asarray(self.value) > 0))):
            raise FitError("a measured value is not positive. Subtract no more than the blank.")
        if not bool(np.all(np.isfinite(self.dose) & (np.asarray(self.dose) >= 0))):
            raise FitError("a dose is negative or not finite. Give doses of 0 or more [µmol/L].")


@dataclass(frozen=True)
class Problem:
    """A network, what was measured, and what is to be estimated.

    Attributes:
        network: The model; its own values hold for what is not estimated.
        observable: Species or rule that was measured.
        data: The measurements.
        estimated: What is searched for.
        dose: Name of the parameter that is the dose.
        relative: `scale`: values are a free factor times the observable; `vehicle`: they are
            folds of vehicle at the same time.
    """

    network: Network
    observable: str
    data: Measurements
    estimated: tuple[Estimated, ...]
    dose: str = "dose"
    relative: Literal["scale", "vehicle"] = "scale"
    doses: F8 = field(init=False, repr=False)
    times_s: F8 = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check names and bounds; gather the doses and times that differ."""
        known = {*self.network.values, "scale"}
        for one in self.estimated:
            if one.name not in known:
                raise SettingsError(f"'{one.name}' cannot be estimated: the model has none.")
            if not 0 < one.low < one.high < np.inf:
                raise SettingsError(f"bounds of '{one.name}' are not 0 < low < high.")
        doses = np.unique(np.append(self.data.dose, 0.0 if self.relative == "vehicle" else []))
        object.__setattr__(self, "doses", doses)
        object.__setattr__(self, "times_s", np.unique(self.data.time_s))

    @property
    def box(self) -> tuple[F8, F8]:
        """Bounds as log10, each of shape (q,)."""
        low = np.log10([one.low for one in self.estimated])
        high = np.log10([one.high for one in self.estimated])
        return low, high

    def courses(self, points: F8, doses: F8, times_s: F8, *, rtol: float = _RTOL) -> F8:
        """The observable without scale, shape (K, doses, times), for points (K, q) as log10."""
        sets: dict[str, F8] = {
            one.name: np.repeat(10 ** points[:, i], doses.size)
            for i, one in enumerate(self.estimated)
            if one.name != "scale"
        }
        sets[self.dose] = np.tile(doses, len(points))
        runs = simulate_many(
            self.network, times_s, sets=sets, rtol=rtol, atol=1e-4 * rtol, engine=fastest()
        )
        return runs.of(self.observable).reshape(len(points), doses.size, times_s.size)

    def predicted(self, points: F8, *, rtol: float = _RTOL) -> F8:
        """log10 of what the measurements should be, shape (K, N); NaN where a run failed."""
        value = self.courses(points, self.doses, self.times_s, rtol=rtol)
        if self.relative == "vehicle":
            value = value / value[:, self.doses == 0]
        at = np.searchsorted(self.doses, self.data.dose)
        when = np.searchsorted(self.times_s, self.data.time_s)
        with np.errstate(all="ignore"):
            told = np.log10(value[:, at, when])
        for i, one in enumerate(self.estimated):
            if one.name == "scale":
                told = told + points[:, i : i + 1]
        return np.asarray(told, np.float64)


@dataclass(frozen=True)
class Pull:
    """What a search is pulled to: the value that a prediction should have.

    `of` takes points (K, q) as log10 and gives the prediction of each, (K,).
    """

    of: Callable[[F8], F8]
    at: float
    slack: float = 2e-3


@dataclass(frozen=True)
class BestFit:
    """The best point found.

    Attributes:
        names: Of what was estimated.
        point: log10 of the estimates, shape (q,).
        rss: Sum of squares of log10 residuals.
        objective: N ln(rss) plus what the priors add.
        sigma: Spread of the measurements [log10].
        starts: How many of the starts ended within 0.01 of the objective.
    """

    names: tuple[str, ...]
    point: F8
    rss: float
    objective: float
    sigma: float
    starts: int


def fit(problem: Problem, *, rng: np.random.Generator, starts: int = 8) -> BestFit:
    """The best of several searches from points spread over the bounds.

    Args:
        problem: What is to be fitted.
        rng: For the starting points.
        starts: How many searches.

    Raises:
        FitError: No start could be integrated.
    """
    low, high = problem.box
    cells = np.array([rng.permutation(starts) for _ in low]).T
    points = low + (high - low) * (cells + rng.random(cells.shape)) / starts
    found = [search(problem, point) for point in points]
    ends = np.array([objective for _, _, objective in found])
    if not np.isfinite(ends).any():
        raise FitError("no parameter set could be integrated. Narrow the bounds.")
    best = int(np.nanargmin(ends))
    point, rss, objective = found[best]
    names = tuple(one.name for one in problem.estimated)
    sigma = float(np.sqrt(rss / max(problem.data.value.size - len(names), 1)))
    near = int((ends < objective + 0.01).sum())
    return BestFit(names, point, rss, objective, sigma, near)


def lack_of_fit(problem: Problem, best: BestFit) -> float | None:
    """Chance of residuals like these if the model held, from replicates; None without any."""
    data = problem.data
    groups = [
        np.log10(data.value[(data.dose == dose) & (data.time_s == time)])
        for dose, time in {*zip(data.dose.tolist(), data.time_s.tolist(), strict=True)}
    ]
    pure = sum(float(((group - group.mean()) ** 2).sum()) for group in groups)
    inside, across = data.value.size - len(groups), len(groups) - len(best.names)
    if inside < 1 or across < 1 or pure <= 0:
        return None
    ratio = max(best.rss - pure, 0.0) / across / (pure / inside)
    return float(fdtrc(across, inside, ratio))


def search(
    problem: Problem, start: F8, *, hold: int | None = None, pull: Pull | None = None
) -> tuple[F8, float, float]:
    """Levenberg-Marquardt from one point; (point, rss, objective), infinite where it failed.

    Args:
        problem: What is to be fitted.
        start: log10 of what is estimated, shape (q,).
        hold: Place of an estimate that keeps its value.
        pull: A prediction that is to have a given value.
    """
    box = problem.box
    here = _Place.of(problem, np.clip(start, *box), pull)
    damping = 1e-2
    for _ in range(_ITERATIONS):
        if not np.isfinite(here.cost):
            break
        step = _step(here, damping, box, hold)
        there = _Place.of(problem, np.clip(here.point + step, *box), pull)
        gain = here.cost - there.cost
        moved = float(np.abs(there.point - here.point).max())
        if gain >= 0:
            here = there
            damping = max(damping / 8, 1e-9)
            if gain < _SETTLED:
                break
        else:
            damping *= 8
            if damping > 1e6 or moved < 1e-5:
                break
    return here.point, here.rss, here.objective


@dataclass(frozen=True)
class _Place:
    """A point, its residuals in units of their spread, their slopes, and what they cost."""

    point: F8
    residual: F8
    jacobian: F8
    rss: float
    objective: float
    cost: float

    @staticmethod
    def of(problem: Problem, point: F8, pull: Pull | None) -> _Place:
        # Steps lead inwards, so that no difference leaves the bounds.
        inward = np.where(point + _STEP > problem.box[1], -_STEP, _STEP)
        points = np.vstack([point, point + np.diag(inward)])
        told = problem.predicted(points)
        off = told[0] - np.log10(problem.data.value)
        rss = float(off @ off)
        if not np.isfinite(told).all():
            empty = np.zeros((1, point.size))
            return _Place(point, np.zeros(1), empty, np.inf, np.inf, np.inf)
        sigma = np.sqrt(max(rss, 1e-300) / off.size)
        residual, rows = [off / sigma], [(told[1:] - told[0]).T / inward / sigma]
        beside, slopes = _prior_residuals(problem, point)
        objective = off.size * np.log(max(rss, 1e-300)) + float(beside @ beside)
        cost = objective
        if pull is not None:
            value = pull.of(points)
            if not np.isfinite(value).all():
                empty = np.zeros((1, point.size))
                return _Place(point, np.zeros(1), empty, rss, np.inf, np.inf)
            away = (value[0] - pull.at) / pull.slack
            cost += away**2
            residual.append(np.array([away]))
            rows.append(((value[1:] - value[0]) / inward / pull.slack)[None])
        stacked = np.concatenate([*residual, beside]), np.vstack([*rows, slopes])
        return _Place(point, *stacked, rss, objective, cost if np.isfinite(cost) else np.inf)


def _prior_residuals(problem: Problem, point: F8) -> tuple[F8, F8]:
    """How far a point lies from the priors, in their spreads, and the slopes of that."""
    right, rows = [0.0], [np.zeros(point.size)]
    for i, one in enumerate(problem.estimated):
        if one.prior is not None:
            right.append(float(point[i] - np.log10(one.prior.median)) / one.prior.log10_sd)
            rows.append(np.eye(point.size)[i] / one.prior.log10_sd)
    return np.array(right), np.array(rows)


def _step(here: _Place, damping: float, box: tuple[F8, F8], hold: int | None) -> F8:
    """The damped step; what lies on a bound and would leave it stays."""
    gradient = here.jacobian.T @ here.residual
    low, high = box
    free = ~(((here.point <= low) & (gradient > 0)) | ((here.point >= high) & (gradient < 0)))
    if hold is not None:
        free[hold] = False
    step = np.zeros(here.point.size)
    if free.any():
        jacobian = here.jacobian[:, free]
        normal = jacobian.T @ jacobian
        normal += damping * np.diag(np.diag(normal) + 1e-9)
        step[free] = -np.linalg.solve(normal, gradient[free])
    return np.clip(step, -1.0, 1.0)
