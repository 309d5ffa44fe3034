"""Which doses are compatible with the data? Profile-likelihood intervals with open ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamella.potency.collapse import Collapsed
from lamella.potency.families import Family
from lamella.potency.family_fit import FamilyFit
from lamella.potency.least_squares import minimise

__all__ = ["Interval", "can_profile", "profile_absolute", "profile_relative"]

F8 = NDArray[np.float64]

_REACH = 4.0
_GRID = 48
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
    starts: F8
    box: tuple[F8, F8]
    fraction: float | None  # of the change (relative), or None: absolute

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
        rows = np.broadcast_to(self.data.x, (len(nu), self.data.x.size))
        columns, slopes = self.family.columns(self.data.x, nu[:, 1:])
        here = [self.family.columns(nu[i, :1], nu[i : i + 1, 1:]) for i in range(len(nu))]
        at_place = np.concatenate([c for c, _ in here])
        slopes_at_place = np.concatenate([s for _, s in here])
        gone = columns[..., 1] - at_place[..., 1]
        out = np.stack([np.ones_like(rows), gone], axis=-1)
        by = np.zeros((*out.shape, nu.shape[1]))
        by[..., 1, 1:] = slopes[:, :, 1, :] - slopes_at_place[:, :, 1, :]
        return out, by

    def rss(self, places: F8, starts: F8) -> tuple[F8, F8]:
        """Best RSS at each place (P,), from shape starts (P, T, q); and the best shapes."""
        count, tries, _ = starts.shape
        nu = np.concatenate([np.repeat(places[:, None, None], tries, axis=1), starts], axis=-1)
        nu = nu.reshape(count * tries, -1)
        low = np.column_stack([nu[:, 0], np.tile(self.box[0], (len(nu), 1))])
        high = np.column_stack([nu[:, 0], np.tile(self.box[1], (len(nu), 1))])
        found = minimise(
            self.columns,
            self.data.y,
            root_w=np.sqrt(self.data.w),
            starts=nu,
            bounds=(low, high),
            held=self.held,
            iterations=80,
        )
        rss = found.rss.reshape(count, tries)
        best = rss.argmin(axis=1)
        shapes = found.nonlinear[:, 1:].reshape(count, tries, -1)
        rows = np.arange(count)
        return rss[rows, best] + self.data.ss_pure, shapes[rows, best]


def can_profile(family: Family) -> bool:
    """Whether the family has two plateaus and a centre, as profiles need."""
    return family.offset is not None


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
    problem = _Problem(
        fit.family, fit.data, held, _shape_starts(fit, 1), (low[1:], high[1:]), fraction
    )
    assert fit.family.offset is not None
    nu = fit.theta[None, :p]
    place = float(nu[0, 0] + fit.family.offset(nu, fraction)[0][0] / np.exp(nu[0, 1]))
    return _ends(problem, place, fit.theta[1:p], cut)


def profile_absolute(fit: FamilyFit, *, cut: float, target: float, place: float | None) -> Interval:
    """Interval of the log10 dose at which the curve passes the target response.

    Args:
        fit: A fit of a family with two free plateaus.
        cut: As in `profile_relative`.
        target: Response to be passed, taken as known.
        place: Where the best curve passes it; None where it never does, and then only a
            lower limit can exist.
    """
    p = len(fit.family.nonlinear)
    box = fit.family.box(fit.data.x_range)
    problem = _Problem(
        fit.family, fit.data, np.array([target, np.nan]), _shape_starts(fit, 0), box, None
    )
    if place is None:
        return _lower_limit(problem, cut)
    return _ends(problem, place, fit.theta[:p], cut)


def _lower_limit(problem: _Problem, cut: float) -> Interval:
    low, high = problem.data.x_range
    places = np.linspace(high + _REACH, low - _REACH, 2 * _GRID)
    rss, shapes = problem.rss(places, np.tile(problem.starts, (len(places), 1, 1)))
    inside = np.flatnonzero(rss <= cut)
    if inside.size == 0:
        return Interval(None, None)
    first = int(inside[0])
    found = (rss[first + 1 :], shapes[first + 1 :])
    return Interval(_end(problem, places[first:], found, shapes[first], cut), None)


def _shape_starts(fit: FamilyFit, skip: int) -> F8:
    p = len(fit.family.nonlinear)
    best = fit.theta[skip:p]
    slope_at = 1 - skip
    tries = np.tile(best, (6, 1))
    tries[1:, slope_at] = np.log([0.3, 0.8, 2.0, 6.0, 40.0])
    return tries


def _ends(problem: _Problem, place: float, shape: F8, cut: float) -> Interval:
    low, high = problem.data.x_range
    reach = _REACH + max(0.0, low - place, place - high)
    below = place - _outward(place - (low - reach), high - low)
    above = place + _outward((high + reach) - place, high - low)
    places = np.concatenate([below, above])
    starts = np.tile(problem.starts, (len(places), 1, 1))
    rss, shapes = problem.rss(places, starts)
    half = len(below)
    return Interval(
        _end(problem, np.append(place, below), (rss[:half], shapes[:half]), shape, cut),
        _end(problem, np.append(place, above), (rss[half:], shapes[half:]), shape, cut),
    )


def _outward(distance: float, width: float) -> F8:
    """Distances from the estimate, dense near it: shape (`_GRID`,), the last is the reach."""
    return np.asarray(distance * np.linspace(0, 1, _GRID + 1)[1:] ** 2.5, dtype=np.float64)


def _end(
    problem: _Problem, places: F8, found: tuple[F8, F8], shape: F8, cut: float
) -> float | None:
    """Outermost crossing of the cut on one side; None where the far end is still compatible."""
    rss, shapes = found
    inside = np.flatnonzero(rss <= cut)
    last = int(inside[-1]) + 1 if inside.size else 0  # index into places, 0 = the estimate
    if last == len(places) - 1:
        return None  # the far end is still compatible: open
    a, b = places[last], places[last + 1]
    near = shapes[last - 1] if last else shape
    far = shapes[last]
    for _ in range(60):
        if abs(b - a) < _TOLERANCE:
            break
        middle = np.array([(a + b) / 2])
        value, at = problem.rss(middle, np.stack([near, far])[None])
        if value[0] <= cut:
            a, near = middle[0], at[0]
        else:
            b, far = middle[0], at[0]
    return float((a + b) / 2)
