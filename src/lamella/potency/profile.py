"""Which doses are compatible with the data? Profile-likelihood intervals with open ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamella.potency.collapse import Collapsed
from lamella.potency.families import Family
from lamella.potency.family_fit import FamilyFit
from lamella.potency.least_squares import Problem, minimise

__all__ = ["Interval", "can_profile", "profile_absolute", "profile_relative"]

F8 = NDArray[np.float64]

_REACH = 4.0
_GRID = 20
_TOLERANCE = 1e-7


@dataclass(frozen=True, slots=True)
class Interval:
    """Ends in centred log10 dose; None where the data leave the end open."""

    low: float | None
    high: float | None


@dataclass(frozen=True)
class _Problem:
    """RSS of the best curve whose quantity of interest lies at a given log10 dose."""

    family: Family
    data: Collapsed
    held: F8
    grid: F8
    box: tuple[F8, F8]
    fraction: float | None  # of the change (relative), or None: absolute
    pinned: int | None = None  # which plateau is held, for absolute profiles

    def columns(self, nu: F8) -> tuple[F8, F8]:
        return self._relative(nu) if self.fraction is not None else self._absolute(nu)

    def _relative(self, nu: F8) -> tuple[F8, F8]:
        # nu = (place, shape ...): the centre follows from the place and the shape.
        assert self.family.offset is not None and self.fraction is not None
        offset, by_shape = self.family.offset(nu, self.fraction)
        slope = np.exp(nu[:, 1])
        inner = nu.copy()
        inner[:, 0] = nu[:, 0] - offset / slope
        columns, slopes = self.family.columns(self.data.x, inner)
        chain = -by_shape / slope[:, None]
        chain[:, 1] += offset / slope
        by_centre = slopes[..., 0].copy()
        slopes = slopes + by_centre[..., None] * chain[:, None, None, :]
        slopes[..., 0] = by_centre
        return columns, slopes

    def _absolute(self, nu: F8) -> tuple[F8, F8]:
        # nu = (place, nonlinear ...): target + change * (gone(x) - gone(place)).
        columns, slopes = self.family.columns(self.data.x, nu[:, 1:])
        at_place, slopes_at_place = self.family.columns(nu[:, :1], nu[:, 1:])
        if self.pinned is not None:
            return self._pinned((columns, slopes), (at_place, slopes_at_place))
        gone = columns[..., 1] - at_place[..., 1]
        out = np.stack([np.ones_like(gone), gone], axis=-1)
        by = np.zeros((*out.shape, nu.shape[1]))
        by[..., 1, 1:] = slopes[:, :, 1, :] - slopes_at_place[:, :, 1, :]
        return out, by

    def _pinned(self, curve: tuple[F8, F8], place: tuple[F8, F8]) -> tuple[F8, F8]:
        # held plateau + (target - held plateau) * share(x) / share(place): no plateau is free.
        assert self.pinned is not None
        other = 1 - self.pinned
        share, here = curve[0][..., other], np.maximum(place[0][..., other], 1e-300)
        ratio = share / here
        by = np.zeros((*ratio.shape, 2, self.box[0].size + 1))
        inner = curve[1][:, :, other, :] - ratio[..., None] * place[1][:, :, other, :]
        by[..., 1, 1:] = inner / here[..., None]
        return np.stack([np.ones_like(ratio), ratio], axis=-1), by

    def _least_squares(self, bounds: tuple[F8, F8]) -> Problem:
        return Problem(self.columns, self.data.y, np.sqrt(self.data.w), bounds, self.held)

    def rss(self, places: F8, starts: F8) -> tuple[F8, F8]:
        """Best RSS at each place (P,), from shape starts (P, T, q); and the best shapes."""
        count, tries, _ = starts.shape
        nu = np.concatenate([np.repeat(places[:, None, None], tries, axis=1), starts], axis=-1)
        nu = nu.reshape(count * tries, -1)
        low = np.column_stack([nu[:, 0], np.tile(self.box[0], (len(nu), 1))])
        high = np.column_stack([nu[:, 0], np.tile(self.box[1], (len(nu), 1))])
        found = minimise(self._least_squares((low, high)), nu, iterations=60, tolerance=1e-11)
        rss = found.rss.reshape(count, tries)
        best = rss.argmin(axis=1)
        shapes = found.nonlinear[:, 1:].reshape(count, tries, -1)
        rows = np.arange(count)
        return rss[rows, best] + self.data.ss_pure, shapes[rows, best]

    def shapes_for(self, places: F8) -> F8:
        """Shapes to start from at each place: the two best of the grid, (P, 2, q)."""
        nodes = self.grid
        nu = np.concatenate(
            [
                np.repeat(places, len(nodes))[:, None],
                np.tile(nodes, (len(places), 1)),
            ],
            axis=1,
        )
        rss = self._least_squares((nu, nu)).rss(nu).reshape(len(places), len(nodes))
        return np.asarray(nodes[np.argsort(rss, axis=1, kind="stable")[:, :2]])


def can_profile(fit: FamilyFit) -> bool:
    """Whether the curve has a centre, a free shape and a free plateau, as profiles need."""
    p = len(fit.family.nonlinear)
    return fit.family.offset is not None and bool(fit.free[:p].all() and fit.free[p:].any())


def profile_relative(fit: FamilyFit, *, cut: float, fraction: float = 0.5) -> Interval:
    """Interval of the log10 dose at which the fraction of the whole change is done.

    Args:
        fit: A fit of a family for which `can_profile` holds.
        cut: Largest RSS of a compatible curve: RSS (1 + F(0.95; 1, n-p) / (n-p)).
        fraction: 0.5 for the relative IC50.
    """
    p = len(fit.family.nonlinear)
    low, high = fit.family.box(fit.data.x_range)
    held = np.where(fit.free[p:], np.nan, fit.theta[p:])
    grid = np.unique(fit.family.grid(fit.data.x_range)[:, 1:], axis=0)
    problem = _Problem(fit.family, fit.data, held, grid, (low[1:], high[1:]), fraction)
    assert fit.family.offset is not None
    nu = fit.theta[None, :p]
    place = float(nu[0, 0] + fit.family.offset(nu, fraction)[0][0] / np.exp(nu[0, 1]))
    return _ends(problem, place, fit.theta[1:p], rss=fit.rss, cut=cut)


def profile_absolute(fit: FamilyFit, *, cut: float, target: float, place: float | None) -> Interval:
    """Interval of the log10 dose at which the curve passes the target response.

    Args:
        fit: A fit of a family with two plateaus, at most one of them held.
        cut: As in `profile_relative`.
        target: Response to be passed, taken as known.
        place: Where the best curve passes it; None where it never does, and then only a
            lower limit can exist.
    """
    p = len(fit.family.nonlinear)
    box = fit.family.box(fit.data.x_range)
    grid = fit.family.grid(fit.data.x_range)
    grid = grid[:: max(1, len(grid) // 150)]
    held, pinned = np.array([target, np.nan]), None
    for plateau in np.flatnonzero(~fit.free[p:]):
        pinned = int(plateau)
        level = float(fit.theta[p + pinned])
        held = np.array([level, target - level])
    problem = _Problem(fit.family, fit.data, held, grid, box, None, pinned)
    if place is None:
        return _lower_limit(problem, rss=fit.rss, cut=cut)
    return _ends(problem, place, fit.theta[:p], rss=fit.rss, cut=cut)


def _lower_limit(problem: _Problem, *, rss: float, cut: float) -> Interval:
    low, high = problem.data.x_range
    places = np.linspace(low - _REACH, high + _REACH, 2 * _GRID)
    found, shapes = problem.rss(places, problem.shapes_for(places))
    inside = np.flatnonzero(found <= cut)
    if inside.size == 0 or inside[0] == 0:
        return Interval(None, None)
    i = int(inside[0])
    ends = (places[i : i + 1], places[i - 1 : i])
    crossing = _crossings(problem, ends, (shapes[i : i + 1], shapes[i - 1 : i]), rss, cut)
    return Interval(float(crossing[0]), None)


def _ends(problem: _Problem, place: float, shape: F8, *, rss: float, cut: float) -> Interval:
    low, high = problem.data.x_range
    reach = _REACH + max(0.0, low - place, place - high)
    ends = np.array([low - reach, high + reach])
    steps = np.linspace(0, 1, _GRID + 1)[1:] ** 2.5  # dense near the estimate
    places = place + (ends - place)[:, None] * steps  # (2, _GRID)
    found, shapes = problem.rss(places.ravel(), problem.shapes_for(places.ravel()))
    excess = found.reshape(places.shape)
    shapes = shapes.reshape(*places.shape, -1)
    inner, outer, near, far = [], [], [], []
    closed = []
    for side in range(2):
        inside = np.flatnonzero(excess[side] <= cut)
        last = int(inside[-1]) if inside.size else -1
        closed.append(last < _GRID - 1)
        beyond = min(last + 1, _GRID - 1)
        inner.append(places[side, last] if last >= 0 else place)
        near.append(shapes[side, last] if last >= 0 else shape)
        outer.append(places[side, beyond])
        far.append(shapes[side, beyond])
    crossings = _crossings(
        problem, (np.array(inner), np.array(outer)), (np.array(near), np.array(far)), rss, cut
    )
    return Interval(
        *(float(c) if shut else None for c, shut in zip(crossings, closed, strict=True))
    )


def _crossings(
    problem: _Problem, ends: tuple[F8, F8], shapes: tuple[F8, F8], rss: float, cut: float
) -> F8:
    """Where the profile crosses the cut between compatible and incompatible places, (E,).

    Illinois steps on the square root of the excess, which is nearly straight in the place.
    """
    inner, outer = ends[0].copy(), ends[1].copy()
    near, far = shapes[0].copy(), shapes[1].copy()
    level = np.sqrt(max(cut - rss, 0.0))

    def height(places: F8) -> tuple[F8, F8]:
        value, at = problem.rss(places, np.stack([near, far], axis=1))
        return np.sqrt(np.maximum(value - rss, 0.0)) - level, at

    f_in, f_out = height(inner)[0], height(outer)[0]
    middle = 0.5 * (inner + outer)
    found = np.zeros(middle.size, bool)
    before = np.zeros(middle.size)
    for i in range(60):
        share = np.clip(f_in / np.where(f_in == f_out, 1.0, f_in - f_out), 0.0, 1.0)
        # Every eighth step halves, so that a kink in the profile cannot stall the search.
        share = np.full_like(share, 0.5) if i % 8 == 7 else share
        middle = np.where(found, middle, inner + (outer - inner) * share)
        f, at = height(middle)
        inside = f <= 0
        side = np.where(inside, 1.0, -1.0)
        kept = np.where(side == before, 0.5, 1.0)  # an end that stays twice loses weight
        f_out = np.where(inside, kept * f_out, f)
        f_in = np.where(inside, f, kept * f_in)
        before = side
        inner, outer = np.where(inside, middle, inner), np.where(inside, outer, middle)
        near, far = np.where(inside[:, None], at, near), np.where(inside[:, None], far, at)
        found |= (np.abs(f) < 1e-8 * level) | (np.abs(outer - inner) < _TOLERANCE)
        if found.all():
            break
    return np.asarray(middle, dtype=np.float64)
