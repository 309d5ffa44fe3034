"""Which doses are compatible with the data? Profile-likelihood intervals with open ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lamella.potency.families import Family
from lamella.potency.family_fit import FamilyFit, stacked
from lamella.potency.least_squares import Problem, minimise
from lamella.potency.quantities import fraction_of_change

__all__ = [
    "Interval",
    "absolute_intervals",
    "can_profile",
    "profile_absolute",
    "profile_relative",
    "relative_intervals",
]

F8 = NDArray[np.float64]

_REACH = 4.0
_GRID = 20
_TOLERANCE = 1e-7
_AT_ONCE = 16  # curves: bounds the memory of the search over the grid


@dataclass(frozen=True, slots=True)
class Interval:
    """Ends in centred log10 dose; None where the data leave the end open."""

    low: float | None
    high: float | None


@dataclass(frozen=True)
class _Profiles:
    """RSS of the best curves (C of one family) whose place of interest is held.

    The nonlinear parameters of the search are the place, then the shape: all but the centre
    (relative, the centre follows), or all of the family (absolute).
    """

    family: Family
    curves: Problem  # x, y, root_w and the held plateaus of each curve
    ss_pure: F8  # (C,)
    grid: F8  # (C, G, q) shapes to start from
    box: tuple[F8, F8]  # (C, q) each
    x_range: F8  # (C, 2)
    fraction: float | None  # of the change (relative), or None: absolute
    pinned: int | None = None  # which plateau is held, for absolute profiles

    def columns(self, x: F8, nu: F8) -> tuple[F8, F8]:
        return self._relative(x, nu) if self.fraction is not None else self._absolute(x, nu)

    def _relative(self, x: F8, nu: F8) -> tuple[F8, F8]:
        # nu = (place, shape ...): the centre follows from the place and the shape.
        assert self.family.offset is not None and self.fraction is not None
        offset, by_shape = self.family.offset(nu, self.fraction)
        slope = np.exp(nu[:, 1])
        inner = nu.copy()
        inner[:, 0] = nu[:, 0] - offset / slope
        columns, slopes = self.family.columns(x, inner)
        chain = -by_shape / slope[:, None]
        chain[:, 1] += offset / slope
        by_centre = slopes[..., 0].copy()
        slopes = slopes + by_centre[..., None] * chain[:, None, None, :]
        slopes[..., 0] = by_centre
        return columns, slopes

    def _absolute(self, x: F8, nu: F8) -> tuple[F8, F8]:
        # nu = (place, nonlinear ...): target + change * (gone(x) - gone(place)).
        columns, slopes = self.family.columns(x, nu[:, 1:])
        at_place, slopes_at_place = self.family.columns(nu[:, :1], nu[:, 1:])
        if self.pinned is not None:
            return self._pinned(self.pinned, (columns, slopes), (at_place, slopes_at_place))
        gone = columns[..., 1] - at_place[..., 1]
        out = np.ones((*gone.shape, 2))
        out[..., 1] = gone
        by = np.zeros((*out.shape, nu.shape[1]))
        by[..., 1, 1:] = slopes[:, :, 1, :] - slopes_at_place[:, :, 1, :]
        return out, by

    def _pinned(self, pinned: int, curve: tuple[F8, F8], place: tuple[F8, F8]) -> tuple[F8, F8]:
        # held plateau + (target - held plateau) * share(x) / share(place): no plateau is free.
        other = 1 - pinned
        share, here = curve[0][..., other], np.maximum(place[0][..., other], 1e-300)
        ratio = share / here
        by = np.zeros((*ratio.shape, 2, self.box[0].shape[-1] + 1))
        inner = curve[1][:, :, other, :] - ratio[..., None] * place[1][:, :, other, :]
        by[..., 1, 1:] = inner / here[..., None]
        return np.stack([np.ones_like(ratio), ratio], axis=-1), by

    def take(self, curves: NDArray[np.intp]) -> _Profiles:
        """Some of the curves."""
        low, high = self.box
        return replace(
            self,
            curves=self.curves.take(curves),
            ss_pure=self.ss_pure[curves],
            grid=self.grid[curves],
            box=(low[curves], high[curves]),
            x_range=self.x_range[curves],
        )

    def rss(self, places: F8, starts: F8) -> tuple[F8, F8]:
        """Best RSS at each place (C, P), from shapes (C, P, T, q); and the best shapes."""
        curves, count, tries, q = starts.shape
        wide = (curves, count, tries, 1)
        nu = np.concatenate([np.broadcast_to(places[:, :, None, None], wide), starts], axis=-1)
        nu = nu.reshape(-1, q + 1)
        each = np.repeat(np.arange(curves), count * tries)
        low, high = (np.column_stack([nu[:, 0], side[each]]) for side in self.box)
        problem = replace(self.curves.take(each), columns=self.columns, bounds=(low, high))
        found = minimise(problem, nu, iterations=60, tolerance=1e-11)
        rss = found.rss.reshape(curves, count, tries)
        best = rss.argmin(axis=2)[:, :, None]
        shapes = found.nonlinear[:, 1:].reshape(starts.shape)
        lowest = np.take_along_axis(rss, best, axis=2)[:, :, 0]
        chosen = np.take_along_axis(shapes, best[..., None], axis=2)[:, :, 0]
        return lowest + self.ss_pure[:, None], chosen

    def shapes_for(self, places: F8) -> F8:
        """Shapes to start from at each place (C, P): the two best of the grid, (C, P, 2, q)."""
        straight = self.fraction is None and self.pinned is None
        rss = self._rss_of_lines(places) if straight else self._rss_of_grid(places)
        order = np.argsort(rss, axis=2, kind="stable")[:, :, :2, None]
        return np.asarray(np.take_along_axis(self.grid[:, None], order, axis=2))

    def _rss_of_grid(self, places: F8) -> F8:
        (curves, count), (_, nodes, q) = places.shape, self.grid.shape
        wide = (curves, count, nodes)
        at = np.broadcast_to(places[:, :, None], wide).reshape(-1, 1)
        shape = np.broadcast_to(self.grid[:, None], (*wide, q)).reshape(-1, q)
        nu = np.concatenate([at, shape], axis=1)
        each = np.repeat(np.arange(curves), count * nodes)
        problem = replace(self.curves.take(each), columns=self.columns, bounds=(nu, nu))
        return problem.rss(nu).reshape(wide)

    def _rss_of_lines(self, places: F8) -> F8:
        # Both plateaus free: each node is a line through (gone(place), target), and its RSS
        # follows from sums over the doses that no place enters. Good enough to rank starts.
        (curves, count), (_, nodes, q) = places.shape, self.grid.shape
        nu = self.grid.reshape(-1, q)
        x = np.repeat(self.curves.x, nodes, axis=0)
        at = np.repeat(places, nodes, axis=0)
        gone = self.family.columns(x, nu)[0][..., 1].reshape(curves, nodes, -1)
        here = self.family.columns(at, nu)[0][..., 1].reshape(curves, nodes, count)
        w = self.curves.root_w[:, None] ** 2
        off = self.curves.y[:, None] - self.curves.held[:, None, :1]
        sums = [(w * a).sum(axis=2)[:, :, None] for a in (gone**2, gone, off * gone, off, off**2)]
        total = w.sum(axis=2)[:, :, None]
        square = sums[0] - 2 * here * sums[1] + here**2 * total
        along = sums[2] - here * sums[3]
        rss = sums[4] - along**2 / np.maximum(square, 1e-300)
        return np.asarray(rss.transpose(0, 2, 1))


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
    return relative_intervals([fit], cuts=[cut], fraction=fraction)[0]


def relative_intervals(
    fits: Sequence[FamilyFit], *, cuts: Sequence[float], fraction: float = 0.5
) -> list[Interval]:
    """`profile_relative` of many fits of one family with the same free parameters."""
    found: list[Interval] = []
    for at in range(0, len(fits), _AT_ONCE):
        group, limits = fits[at : at + _AT_ONCE], np.array(cuts[at : at + _AT_ONCE])
        grids = [np.unique(f.family.grid(f.data.x_range)[:, 1:], axis=0) for f in group]
        boxes = [[side[1:] for side in f.family.box(f.data.x_range)] for f in group]
        held = [np.where(f.free[len(f.family.nonlinear) :], np.nan, _linear(f)) for f in group]
        problem = _profiles(group, grids, boxes, held, fraction)
        places = np.array([fraction_of_change(f, fraction) for f in group], np.float64)
        shapes = np.stack([f.theta[1 : len(f.family.nonlinear)] for f in group])
        rss = np.array([f.rss for f in group])
        found += _ends(problem, places, shapes, rss=rss, cut=limits)
    return found


def profile_absolute(fit: FamilyFit, *, cut: float, target: float, place: float | None) -> Interval:
    """Interval of the log10 dose at which the curve passes the target response.

    Args:
        fit: A fit of a family with two plateaus, at most one of them held.
        cut: As in `profile_relative`.
        target: Response to be passed, taken as known.
        place: Where the best curve passes it; None where it never does, and then only a
            lower limit can exist.
    """
    return absolute_intervals([fit], cuts=[cut], targets=[target], places=[place])[0]


def absolute_intervals(
    fits: Sequence[FamilyFit],
    *,
    cuts: Sequence[float],
    targets: Sequence[float],
    places: Sequence[float | None],
) -> list[Interval]:
    """`profile_absolute` of many fits of one family with the same free parameters."""
    found: list[Interval] = []
    for at in range(0, len(fits), _AT_ONCE):
        chosen = slice(at, at + _AT_ONCE)
        group, limits = fits[chosen], np.array(cuts[chosen])
        problem = _absolute_profiles(group, targets[chosen])
        rss = np.array([f.rss for f in group])
        somewhere = np.array([p is not None for p in places[chosen]])
        ends = np.full(len(group), None, dtype=object)
        inside, outside = np.flatnonzero(somewhere), np.flatnonzero(~somewhere)
        if inside.size:
            at_fit = np.array([p for p in places[chosen] if p is not None])
            thetas = np.stack([f.theta for f in group])
            shapes = thetas[inside, : problem.box[0].shape[1]]
            part = problem.take(inside)
            ends[inside] = _ends(part, at_fit, shapes, rss=rss[inside], cut=limits[inside])
        if outside.size:
            part = problem.take(outside)
            ends[outside] = _lower_limits(part, rss=rss[outside], cut=limits[outside])
        found += ends.tolist()
    return found


def _absolute_profiles(fits: Sequence[FamilyFit], targets: Sequence[float]) -> _Profiles:
    p = len(fits[0].family.nonlinear)
    grids = [f.family.grid(f.data.x_range) for f in fits]
    grids = [grid[:: max(1, len(grid) // 150)] for grid in grids]
    boxes = [list(f.family.box(f.data.x_range)) for f in fits]
    levels = np.flatnonzero(~fits[0].free[p:])
    if levels.size == 0:
        held = [np.array([target, np.nan]) for target in targets]
        return _profiles(fits, grids, boxes, held, None)
    pinned = int(levels[-1])
    at = [float(f.theta[p + pinned]) for f in fits]
    held = [np.array([a, target - a]) for a, target in zip(at, targets, strict=True)]
    return _profiles(fits, grids, boxes, held, None, pinned)


def _profiles(
    fits: Sequence[FamilyFit],
    grids: Sequence[F8],
    boxes: Sequence[list[F8]],
    held: Sequence[F8],
    fraction: float | None,
    pinned: int | None = None,
) -> _Profiles:
    data = [fit.data for fit in fits]
    return _Profiles(
        family=fits[0].family,
        curves=replace(stacked(fits[0].family, data), held=np.stack(held)).rows(len(fits)),
        ss_pure=np.array([d.ss_pure for d in data]),
        grid=np.stack(grids),
        box=(np.stack([low for low, _ in boxes]), np.stack([high for _, high in boxes])),
        x_range=np.array([d.x_range for d in data]),
        fraction=fraction,
        pinned=pinned,
    )


def _linear(fit: FamilyFit) -> F8:
    return fit.theta[len(fit.family.nonlinear) :]


def _lower_limits(problem: _Profiles, *, rss: F8, cut: F8) -> list[Interval]:
    low, high = problem.x_range[:, :1], problem.x_range[:, 1:]
    places = low - _REACH + (high - low + 2 * _REACH) * np.linspace(0, 1, 2 * _GRID)
    found, shapes = problem.rss(places, problem.shapes_for(places))
    inside = found <= cut[:, None]
    first = inside.argmax(axis=1)
    some = np.flatnonzero(inside.any(axis=1) & (first > 0))
    limits = [Interval(None, None)] * len(places)
    if some.size == 0:
        return limits
    i = first[some]
    ends = (places[some, i], places[some, i - 1])
    near = (shapes[some, i], shapes[some, i - 1])
    crossings = _crossings(problem.take(some), ends, near, rss=rss[some], cut=cut[some])
    for curve, crossing in zip(some, crossings, strict=True):
        limits[curve] = Interval(float(crossing), None)
    return limits


def _ends(problem: _Profiles, place: F8, shape: F8, *, rss: F8, cut: F8) -> list[Interval]:
    low, high = problem.x_range.T
    reach = _REACH + np.maximum(0.0, np.maximum(low - place, place - high))
    ends = np.stack([low - reach, high + reach], axis=1)  # (C, 2)
    steps = np.linspace(0, 1, _GRID + 1)[1:] ** 2.5  # dense near the estimate
    places = place[:, None, None] + (ends - place[:, None])[:, :, None] * steps  # (C, 2, _GRID)
    flat = places.reshape(len(place), -1)
    found, shapes = problem.rss(flat, problem.shapes_for(flat))
    inside = found.reshape(places.shape) <= cut[:, None, None]
    shapes = shapes.reshape(*places.shape, -1)
    last = np.where(inside.any(axis=2), _GRID - 1 - inside[:, :, ::-1].argmax(axis=2), -1)
    crossings = np.full(last.shape, None, dtype=object)
    curve, end = shut = np.nonzero(last < _GRID - 1)
    if curve.size:
        beyond, within, none = last[shut] + 1, np.maximum(last[shut], 0), last[shut] < 0
        inner = np.where(none, place[curve], places[curve, end, within])
        near = np.where(none[:, None], shape[curve], shapes[curve, end, within])
        outer, far = places[curve, end, beyond], shapes[curve, end, beyond]
        part = problem.take(curve)
        found = _crossings(part, (inner, outer), (near, far), rss=rss[curve], cut=cut[curve])
        crossings[shut] = found.tolist()
    return [Interval(*pair) for pair in crossings.tolist()]


def _crossings(
    problem: _Profiles, ends: tuple[F8, F8], shapes: tuple[F8, F8], *, rss: F8, cut: F8
) -> F8:
    """Where the profiles cross the cut between compatible and incompatible places, (C,).

    Illinois steps on the square root of the excess, which is nearly straight in the place. A
    crossing that has been found is not looked at again.
    """
    (inner, outer), (near, far) = ends, shapes
    level = np.sqrt(np.maximum(cut - rss, 0.0))
    on = np.arange(inner.size)

    def height(places: F8) -> tuple[F8, F8]:
        starts = np.stack([near, far], axis=1)[:, None]
        value, at = problem.take(on).rss(places[:, None], starts)
        return np.sqrt(np.maximum(value[:, 0] - rss[on], 0.0)) - level[on], at[:, 0]

    f_in, f_out = height(inner)[0], height(outer)[0]
    crossing = 0.5 * (inner + outer)
    before = np.zeros(inner.size)
    for i in range(60):
        share = np.clip(f_in / np.where(f_in == f_out, 1.0, f_in - f_out), 0.0, 1.0)
        # Every eighth step halves, so that a kink in the profile cannot stall the search.
        share = np.full_like(share, 0.5) if i % 8 == 7 else share
        middle = crossing[on] = inner + (outer - inner) * share
        f, at = height(middle)
        inside = f <= 0
        side = np.where(inside, 1.0, -1.0)
        kept = np.where(side == before, 0.5, 1.0)  # an end that stays twice loses weight
        f_out = np.where(inside, kept * f_out, f)
        f_in = np.where(inside, f, kept * f_in)
        inner, outer = np.where(inside, middle, inner), np.where(inside, outer, middle)
        near = np.where(inside[:, None], at, near)
        far = np.where(inside[:, None], far, at)
        going = (np.abs(f) >= 1e-8 * level[on]) & (np.abs(outer - inner) >= _TOLERANCE)
        on, before = on[going], side[going]
        if on.size == 0:
            break
        inner, outer, f_in, f_out = inner[going], outer[going], f_in[going], f_out[going]
        near, far = near[going], far[going]
    return np.asarray(crossing, dtype=np.float64)
