"""The bulk solver of four-parameter curves in plain NumPy: every step for all curves at once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lamella.potency.families.family import LN10, SLOPE_BOX

__all__ = [
    "FINE",
    "ROUGH",
    "RSS_ONLY",
    "Design",
    "bounds",
    "collapse_many",
    "profile",
    "solve",
    "standard_errors",
    "start_grid",
]

F8 = NDArray[np.float64]

_REACH = 4.0
_STARTS = 3
_ITERATIONS = 120
# (share of the RSS that a step may still gain, step that may still be made) when a search rests:
# to tell the starts apart, to state the estimate, to state an RSS on the profile.
ROUGH, FINE, RSS_ONLY = (1e-7, 1e-2), (1e-14, 1e-10), (1e-12, 1e-5)
_SLOPES = np.log([0.1, 0.3, 0.6, 1.0, 1.8, 3.2, 6.0, 14.0, 50.0])


@dataclass(frozen=True)
class Design:
    """Dose means of K curves on m doses.

    Attributes:
        x: log10 dose around `x0`, shape (m,), -inf at dose 0.
        x0: Middle of the finite log10 doses.
        y, w: Weighted mean and sum of weights, shape (K, m); weight 0 where missing.
        ss_pure, points: Sum of squares around the means and number of points, shape (K,).
    """

    x: F8
    x0: float
    y: F8
    w: F8
    ss_pure: F8
    points: NDArray[np.int64]

    def rows(self, start: int, stop: int) -> Design:
        """Some of the curves."""
        part = slice(start, stop)
        return Design(
            self.x, self.x0, self.y[part], self.w[part], self.ss_pure[part], self.points[part]
        )


def collapse_many(dose: F8, response: F8, weight: F8) -> Design:
    """Replicates of each dose in one mean; shapes (n,), (K, n), (K, n), weight 0 = missing."""
    unique, group = np.unique(dose, return_inverse=True)
    y = np.empty((len(response), unique.size))
    w = np.empty_like(y)
    ss_pure = np.zeros(len(response))
    known = np.where(weight > 0, response, 0.0)
    for j in range(unique.size):
        mine = np.flatnonzero(group == j)
        w[:, j] = weight[:, mine].sum(axis=1)
        total = (weight[:, mine] * known[:, mine]).sum(axis=1)
        y[:, j] = total / np.where(w[:, j] > 0, w[:, j], 1.0)
        ss_pure += (weight[:, mine] * (known[:, mine] - y[:, j, None]) ** 2).sum(axis=1)
    with np.errstate(divide="ignore"):
        x = np.log10(unique)
    x0 = float(x[np.isfinite(x)].mean())
    points = np.count_nonzero(weight > 0, axis=1).astype(np.int64)
    return Design(x - x0, x0, y, w, ss_pure, points)


def bounds(x: F8) -> tuple[F8, F8]:
    """Lowest and highest (log10 EC50, ln slope) that are tried."""
    finite = x[np.isfinite(x)]
    return (
        np.array([finite[0] - _REACH, SLOPE_BOX[0]]),
        np.array([finite[-1] + _REACH, SLOPE_BOX[1]]),
    )


def start_grid(x: F8) -> tuple[F8, F8]:
    """Centres (C,) and ln slopes (H,) of the start grid: four centres between two doses."""
    finite = x[np.isfinite(x)]
    between = [np.linspace(a, b, 4, endpoint=False) for a, b in pairwise(finite)]
    outside = np.array([0.25, 0.7, 1.5, 3.0, 4.0])
    low, high = finite[:1] - outside[::-1], finite[-1:] + np.append(0.0, outside)
    return np.concatenate([low, *between, high]), _SLOPES


def _t(x: F8, centre: F8, log_slope: F8) -> F8:
    t = (x - centre[:, None]) * (np.exp(log_slope) * LN10)[:, None]
    return np.clip(t, -700.0, 700.0, out=t)


def _explained(data: Design, nodes: F8) -> tuple[F8, F8, F8]:
    """Total weight, sum of squares around the mean, and what each node explains: (K, G)."""
    s = 1.0 / (1.0 + np.exp(-_t(data.x, nodes[:, 0], nodes[:, 1])))
    total = data.w.sum(axis=1)
    centred = data.y - ((data.w * data.y).sum(axis=1) / total)[:, None]
    flat = np.einsum("km,km,km->k", data.w, centred, centred)
    along = (data.w * centred) @ s.T
    # Curves of one design share their lengths: those of the first are enough.
    w = data.w[:1] if (data.w == data.w[0]).all() else data.w
    length = w @ (s**2).T - (w @ s.T) ** 2 / w.sum(axis=1)[:, None]
    sound = length > 1e-12 * w.sum(axis=1)[:, None]
    along *= along
    along *= np.where(sound, 1.0 / np.maximum(length, 1e-300), 0.0)
    return total, flat, along


def _starts(data: Design) -> F8:
    """The best local maxima of the grid for every curve, shape (K, T, 2)."""
    centres, slopes = start_grid(data.x)
    nodes = np.stack(np.meshgrid(centres, slopes, indexing="ij"), -1).reshape(-1, 2)
    table = _explained(data, nodes)[2].reshape(-1, centres.size, slopes.size)
    peak = np.ones(table.shape, bool)
    peak[:, 1:] &= table[:, 1:] >= table[:, :-1]
    peak[:, :-1] &= table[:, :-1] > table[:, 1:]
    peak[:, :, 1:] &= table[:, :, 1:] >= table[:, :, :-1]
    peak[:, :, :-1] &= table[:, :, :-1] > table[:, :, 1:]
    ranked = np.where(peak, table, -1.0).reshape(len(table), -1)
    best = np.argpartition(-ranked, _STARTS - 1, axis=1)[:, :_STARTS]
    return np.asarray(nodes[best], dtype=np.float64)


def solve(data: Design) -> tuple[F8, F8, F8]:
    """Best (log10 EC50, ln slope), plateaus and RSS of the means: (K, 2), (K, 2), (K,)."""
    starts = _starts(data)
    count, tries, _ = starts.shape
    y, w = np.repeat(data.y, tries, axis=0), np.repeat(data.w, tries, axis=0)
    free = np.array([True, True])
    nu, rss = _descend(data.x, y, w, nu=starts.reshape(-1, 2), free=free, rest_at=ROUGH)
    best = rss.reshape(count, tries).argmin(axis=1)
    nu = nu.reshape(count, tries, 2)[np.arange(count), best]
    nu, _ = _descend(data.x, data.y, data.w, nu=nu, free=free, rest_at=FINE)
    state = _state(data.x, data.y, data.w, nu)
    return nu, np.column_stack([state.zero, state.zero + state.change]), state.rss


@dataclass
class _State:
    rss: F8
    zero: F8
    change: F8
    gradient: F8
    normal: F8  # (11, 12, 22)

    def updated(self, fresh: _State, better: NDArray[np.bool_]) -> _State:
        """The fresh state where it is better."""
        wide = better[:, None]
        return _State(
            np.where(better, fresh.rss, self.rss),
            np.where(better, fresh.zero, self.zero),
            np.where(better, fresh.change, self.change),
            np.where(wide, fresh.gradient, self.gradient),
            np.where(wide, fresh.normal, self.normal),
        )

    def rows(self, stay: NDArray[np.bool_]) -> _State:
        """The states of some rows."""
        return _State(
            self.rss[stay],
            self.zero[stay],
            self.change[stay],
            self.gradient[stay],
            self.normal[stay],
        )


def _state(x: F8, y: F8, w: F8, nu: F8) -> _State:
    slope = np.exp(nu[:, 1])
    t = _t(x, nu[:, 0], nu[:, 1])
    small = np.exp(-np.abs(t))
    large = 1.0 / (1.0 + small)
    small *= large
    s = np.where(t >= 0, large, small)
    total = w.sum(axis=1)
    # Around the weighted means the intercept drops out.
    ds = s - (np.einsum("km,km->k", w, s) / total)[:, None]
    mean_y = np.einsum("km,km->k", w, y) / total
    dy = y - mean_y[:, None]
    ws = w * ds
    ss = np.einsum("km,km->k", ws, ds)
    safe = ss > 1e-26 * total
    change = np.where(safe, np.einsum("km,km->k", ws, dy) / np.where(safe, ss, 1.0), 0.0)
    residual = dy - change[:, None] * ds
    wr = w * residual
    bump = small * large
    by_centre = bump * (-(change * slope) * LN10)[:, None]
    by_slope = bump * t * change[:, None]
    for column in (by_centre, by_slope):
        # What the plateaus can imitate is taken out of the column.
        column -= (np.einsum("km,km->k", w, column) / total)[:, None]
        share = np.einsum("km,km->k", ws, column) / np.where(safe, ss, 1.0)
        column -= ds * share[:, None]
    wc = w * by_centre
    gradient = np.stack(
        [np.einsum("km,km->k", wr, by_centre), np.einsum("km,km->k", wr, by_slope)], axis=1
    )
    normal = np.stack(
        [
            np.einsum("km,km->k", wc, by_centre),
            np.einsum("km,km->k", wc, by_slope),
            np.einsum("km,km,km->k", w, by_slope, by_slope),
        ],
        axis=1,
    )
    zero = mean_y - change * (s - ds)[:, 0]
    return _State(np.einsum("km,km->k", wr, residual), zero, change, gradient, normal)


def _descend(
    x: F8,
    y: F8,
    w: F8,
    *,
    nu: F8,
    free: NDArray[np.bool_],
    rest_at: tuple[float, float],
) -> tuple[F8, F8]:
    """Clamped Levenberg-Marquardt for every row; rows leave the batch as they converge."""
    low, high = bounds(x)
    small, short = rest_at
    out, out_rss = np.clip(nu, low, high), np.empty(len(nu))
    at = np.arange(len(nu))
    now = out.copy()
    damping = np.full(len(nu), 1e-3)
    state = _state(x, y, w, now)
    for _ in range(_ITERATIONS):
        step = _step(state, now, (low, high), damping, free)
        trial = np.clip(now + step, low, high)
        fresh = _state(x, y, w, trial)
        gain = state.rss - fresh.rss
        better = gain >= -1e-15 * state.rss  # rounding must not stop a sound step
        moved = np.abs(trial - now).max(axis=1)
        rest = (moved < 1e-10) | ((np.abs(gain) <= small * state.rss) & (moved < short))
        rest |= damping > 1e10
        now = np.where(better[:, None], trial, now)
        state = state.updated(fresh, better)
        damping = np.where(better, np.maximum(damping * 0.2, 1e-9), damping * 5.0)
        if rest.any():
            done, stay = at[rest], ~rest
            out[done], out_rss[done] = now[rest], state.rss[rest]
            at, now, damping, y, w = at[stay], now[stay], damping[stay], y[stay], w[stay]
            state = state.rows(stay)
        if at.size == 0:
            break
    out[at], out_rss[at] = now, state.rss
    return out, out_rss


def _step(state: _State, nu: F8, box: tuple[F8, F8], damping: F8, free: NDArray[np.bool_]) -> F8:
    low, high = box
    gradient = state.gradient
    hold = ((nu <= low) & (gradient < 0)) | ((nu >= high) & (gradient > 0)) | ~free
    a = state.normal[:, 0] * (1 + damping)
    b = state.normal[:, 1]
    d = state.normal[:, 2] * (1 + damping)
    a_only = gradient[:, 0] / np.where(a > 0, a, 1.0)
    d_only = gradient[:, 1] / np.where(d > 0, d, 1.0)
    both = ~hold[:, 0] & ~hold[:, 1]
    det = a * d - b * b
    sound = both & (det > 1e-14 * a * d) & (det > 0)
    divisor = np.where(sound, det, 1.0)
    first = np.where(sound, (d * gradient[:, 0] - b * gradient[:, 1]) / divisor, a_only)
    second = np.where(sound, (a * gradient[:, 1] - b * gradient[:, 0]) / divisor, d_only)
    return np.where(hold, 0.0, np.column_stack([first, second]))


def standard_errors(data: Design, nu: F8, plateaus: F8) -> F8:
    """SE of (log10 EC50, slope, zero, infinite) for a residual SD of 1, shape (K, 4)."""
    slope = np.exp(nu[:, 1])
    t = _t(data.x, nu[:, 0], nu[:, 1])
    small = np.exp(-np.abs(t))
    large = 1.0 / (1.0 + small)
    bump = small * large**2
    s = np.where(t >= 0, large, small * large)
    change = (plateaus[:, 1] - plateaus[:, 0])[:, None]
    jacobian = np.stack(
        [-bump * change * slope[:, None] * LN10, bump * change * t / slope[:, None], 1 - s, s], -1
    )
    jacobian *= np.sqrt(data.w)[:, :, None]
    scale = np.sqrt((jacobian**2).sum(axis=1))
    sound = (scale > 1e-150).all(axis=1)
    scaled = jacobian / np.where(sound[:, None], scale, 1.0)[:, None, :]
    upper: F8 = np.asarray(np.linalg.qr(scaled, mode="r"), dtype=np.float64)
    diagonal = np.abs(np.diagonal(upper, axis1=1, axis2=2))
    sound &= diagonal.min(axis=1) > 1e-14 * diagonal.max(axis=1)
    upper = np.where(sound[:, None, None], upper, np.eye(4))
    inverse = np.linalg.inv(upper)
    se = np.sqrt((inverse**2).sum(axis=2)) / np.where(scale > 0, scale, 1.0)
    return np.where(sound[:, None], se, np.nan)


def profile(data: Design, nu: F8, rss: F8, cut: F8) -> tuple[F8, F8]:
    """Outermost EC50 on either side that the data allow, (K,) and (K,); infinite where open.

    Args:
        data: The dose means.
        nu: Best (log10 EC50, ln slope), shape (K, 2).
        rss: RSS of the means at `nu`, shape (K,).
        cut: Largest allowed RSS of the means, shape (K,).
    """
    centres, slopes = start_grid(data.x)
    table, steepness = _table(data, centres, slopes)
    low = _side(data, (nu, rss, cut), (centres[::-1], table[:, ::-1], steepness[:, ::-1]))
    high = _side(data, (nu, rss, cut), (centres, table, steepness))
    return np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)


def _table(data: Design, centres: F8, slopes: F8) -> tuple[F8, F8]:
    """Smallest RSS of the grid at every centre, and the ln slope that gives it, (K, C)."""
    nodes = np.stack(np.meshgrid(centres, slopes, indexing="ij"), -1).reshape(-1, 2)
    total, flat, explained = _explained(data, nodes)
    rss = np.maximum(flat[:, None] - explained, 0.0).reshape(len(total), centres.size, -1)
    best = rss.argmin(axis=2)
    return np.take_along_axis(rss, best[..., None], axis=2)[..., 0], slopes[best]


def _side(data: Design, best: tuple[F8, F8, F8], grid: tuple[F8, F8, F8]) -> F8:
    """Crossing of the cut in the direction in which `centres` run; NaN where there is none."""
    nu, rss, cut = best
    centres, table, steepness = grid
    rows = np.arange(len(nu))
    sign = 1.0 if centres[-1] > centres[0] else -1.0
    beyond = sign * (centres - nu[:, :1]) > 0
    allowed = beyond & (table <= cut[:, None])
    last = np.where(allowed.any(axis=1), centres.size - 1 - allowed[:, ::-1].argmax(axis=1), -1)
    first = np.where(beyond.any(axis=1), beyond.argmax(axis=1), centres.size - 1)
    inner = np.where(last >= 0, centres[last], nu[:, 0])
    inner_slope = np.where(last >= 0, steepness[rows, last], nu[:, 1])
    node = np.where(last >= 0, last + 1, first)
    crossing = np.full(len(nu), np.nan)
    outer, outer_slope = np.empty(len(nu)), np.empty(len(nu))
    seeking = node < centres.size
    while seeking.any():  # the true profile lies below the grid's: walk outwards until it is cut
        at = np.flatnonzero(seeking)
        place = centres[node[at]]
        value, slope = _best_at(data, at, place, (inner_slope[at], steepness[at, node[at]]))
        outside = value > cut[at]
        outer[at[outside]], outer_slope[at[outside]] = place[outside], slope[outside]
        crossing[at[outside]] = 0.0
        inside = at[~outside]
        inner[inside], inner_slope[inside] = place[~outside], slope[~outside]
        node[inside] += 1
        seeking[at[outside]] = False
        seeking &= node < centres.size
    shut = np.flatnonzero(crossing == 0.0)
    level = np.sqrt(np.maximum(cut - rss, 0.0))
    crossing[shut] = _illinois(
        data,
        shut,
        (inner[shut], outer[shut]),
        (inner_slope[shut], outer_slope[shut]),
        (rss[shut], level[shut]),
    )
    return crossing


def _illinois(
    data: Design,
    rows: NDArray[np.intp],
    ends: tuple[F8, F8],
    slopes: tuple[F8, F8],
    target: tuple[F8, F8],
) -> F8:
    """Root of sqrt(profile - rss) - level between an allowed and an excluded place."""
    inner, outer = ends[0].copy(), ends[1].copy()
    near, far = slopes[0].copy(), slopes[1].copy()
    rss, level = target

    def height(at: NDArray[np.intp], places: F8) -> tuple[F8, F8]:
        value, slope = _best_at(data, rows[at], places, (near[at], far[at]))
        return np.sqrt(np.maximum(value - rss[at], 0.0)) - level[at], slope

    everything = np.arange(rows.size)
    f_in, f_out = height(everything, inner)[0], height(everything, outer)[0]
    result = inner.copy()
    active, before = np.ones(rows.size, bool), np.zeros(rows.size)
    for i in range(40):
        at = np.flatnonzero(active)
        if at.size == 0:
            break
        gap = f_in[at] - f_out[at]
        share = np.clip(f_in[at] / np.where(gap == 0, 1.0, gap), 0.0, 1.0)
        share = np.full_like(share, 0.5) if i % 8 == 7 else share
        place = inner[at] + (outer[at] - inner[at]) * share
        f, slope = height(at, place)
        inside = f <= 0
        result[at] = place
        side = np.where(inside, 1.0, -1.0)
        kept = np.where(side == before[at], 0.5, 1.0)  # an end that stays twice loses weight
        f_out[at] = np.where(inside, kept * f_out[at], f)
        f_in[at] = np.where(inside, f, kept * f_in[at])
        before[at] = side
        near[at], far[at] = np.where(inside, slope, near[at]), np.where(inside, far[at], slope)
        inner[at] = np.where(inside, place, inner[at])
        outer[at] = np.where(inside, outer[at], place)
        width = np.abs(outer[at] - inner[at])
        active[at] = (np.abs(f) > 1e-7 * level[at]) & (width > 1e-7)
    return result


def _best_at(
    data: Design, rows: NDArray[np.intp], place: F8, slopes: tuple[F8, F8]
) -> tuple[F8, F8]:
    """Smallest RSS with the EC50 held at a place, from two starting slopes: (R,), (R,)."""
    count = rows.size
    y, w = data.y[rows], data.w[rows]
    held = np.array([False, True])
    nu = np.column_stack([np.tile(place, 2), np.concatenate(slopes)])
    both, rss = _descend(
        data.x, np.tile(y, (2, 1)), np.tile(w, (2, 1)), nu=nu, free=held, rest_at=RSS_ONLY
    )
    second = rss[count:] < rss[:count]
    return (
        np.where(second, rss[count:], rss[:count]),
        np.where(second, both[count:, 1], both[:count, 1]),
    )
