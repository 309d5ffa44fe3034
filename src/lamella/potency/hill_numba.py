"""The bulk solver of four-parameter curves, compiled: the steps of `hill_numpy`, curve by curve.

Imported only when the numba engine is chosen; needs the extra `model`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from lamella.potency.families.family import LN10
from lamella.potency.hill_numpy import FINE, ROUGH, RSS_ONLY, Design, bounds, start_grid

__all__ = ["profile", "solve"]

F8 = NDArray[np.float64]
Function = TypeVar("Function", bound=Callable[..., Any])

_STARTS = 3
_ITERATIONS = 120
_LN10 = LN10
_ROUGH, _FINE, _RSS_ONLY = ROUGH, FINE, RSS_ONLY


def _compiled(function: Function) -> Function:
    return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def solve(data: Design) -> tuple[F8, F8, F8]:
    """As `hill_numpy.solve`."""
    centres, slopes = start_grid(data.x)
    low, high = bounds(data.x)
    return _solve_all(data.x, data.y, data.w, (centres, slopes, _curves(data.x)), (low, high))


def profile(data: Design, nu: F8, rss: F8, cut: F8) -> tuple[F8, F8]:
    """As `hill_numpy.profile`."""
    centres, slopes = start_grid(data.x)
    grid = (centres, slopes, _curves(data.x))
    return _profile_all(data.x, data.y, data.w, grid, bounds(data.x), (nu, rss, cut))


def _curves(x: F8) -> F8:
    centres, slopes = start_grid(x)
    nodes = np.stack(np.meshgrid(centres, slopes, indexing="ij"), -1).reshape(-1, 2)
    t = np.clip((x - nodes[:, :1]) * (np.exp(nodes[:, 1:]) * LN10), -700.0, 700.0)
    return np.asarray(1.0 / (1.0 + np.exp(-t)), dtype=np.float64)


@_compiled
def _sigmoids(x: F8, y: F8, w: F8, at: tuple[float, float], work: F8) -> Any:
    """Fill rows 0-2 of `work` (sigmoid, its bump, t); (total weight, mean sigmoid, mean y)."""
    centre, slope = at
    total = sum_s = sum_y = 0.0
    for j in range(x.size):
        t = (x[j] - centre) * (slope * _LN10)
        t = min(max(t, -700.0), 700.0)
        small = np.exp(-abs(t))
        large = 1.0 / (1.0 + small)
        small = small * large
        s = large if t >= 0 else small
        work[0, j], work[1, j], work[2, j] = s, small * large, t
        total += w[j]
        sum_s += w[j] * s
        sum_y += w[j] * y[j]
    return total, sum_s / total, sum_y / total


@_compiled
def _state(x: F8, y: F8, w: F8, centre: float, log_slope: float, work: F8) -> Any:
    """(rss, zero, change, g1, g2, n11, n12, n22) at one (centre, ln slope)."""
    m = x.size
    slope = np.exp(log_slope)
    total, mean_s, mean_y = _sigmoids(x, y, w, (centre, slope), work)
    ss = sy = 0.0
    for j in range(m):
        ds = work[0, j] - mean_s
        ss += w[j] * ds * ds
        sy += w[j] * ds * (y[j] - mean_y)
    safe = ss > 1e-26 * total
    change = sy / ss if safe else 0.0
    divisor = ss if safe else 1.0
    mean_c = mean_h = cross_c = cross_h = 0.0
    for j in range(m):
        by_c = -work[1, j] * change * slope * _LN10
        by_h = work[1, j] * work[2, j] * change
        ds = work[0, j] - mean_s
        work[3, j], work[4, j] = by_c, by_h
        mean_c += w[j] * by_c
        mean_h += w[j] * by_h
        cross_c += w[j] * ds * by_c
        cross_h += w[j] * ds * by_h
    mean_c, mean_h = mean_c / total, mean_h / total
    cross_c, cross_h = cross_c / divisor, cross_h / divisor
    rss = g_c = g_h = n_cc = n_ch = n_hh = 0.0
    for j in range(m):
        ds = work[0, j] - mean_s
        residual = y[j] - mean_y - change * ds
        by_c = work[3, j] - mean_c - cross_c * ds
        by_h = work[4, j] - mean_h - cross_h * ds
        rss += w[j] * residual * residual
        g_c += w[j] * residual * by_c
        g_h += w[j] * residual * by_h
        n_cc += w[j] * by_c * by_c
        n_ch += w[j] * by_c * by_h
        n_hh += w[j] * by_h * by_h
    return rss, mean_y - change * mean_s, change, g_c, g_h, n_cc, n_ch, n_hh


@_compiled
def _descend(x: F8, y: F8, w: F8, start: tuple[float, float], box: Any, work: F8) -> Any:
    """(centre, ln slope, rss, zero, change) of the local optimum from one start."""
    low, high, small, short = box
    c = min(max(start[0], low[0]), high[0])
    h = min(max(start[1], low[1]), high[1])
    fixed = low[0] == high[0]
    damping = 1e-3
    rss, zero, change, g_c, g_h, n_cc, n_ch, n_hh = _state(x, y, w, c, h, work)
    for _ in range(_ITERATIONS):
        hold_c = fixed or (c <= low[0] and g_c < 0) or (c >= high[0] and g_c > 0)
        hold_h = (h <= low[1] and g_h < 0) or (h >= high[1] and g_h > 0)
        a, d = n_cc * (1 + damping), n_hh * (1 + damping)
        det = a * d - n_ch * n_ch
        if not hold_c and not hold_h and det > 0 and det > 1e-14 * a * d:
            step_c = (d * g_c - n_ch * g_h) / det
            step_h = (a * g_h - n_ch * g_c) / det
        else:
            step_c = 0.0 if hold_c else g_c / (a if a > 0 else 1.0)
            step_h = 0.0 if hold_h else g_h / (d if d > 0 else 1.0)
        new_c = min(max(c + step_c, low[0]), high[0])
        new_h = min(max(h + step_h, low[1]), high[1])
        moved = max(abs(new_c - c), abs(new_h - h))
        fresh = _state(x, y, w, new_c, new_h, work)
        gain = rss - fresh[0]
        rest = moved < 1e-10 or (abs(gain) <= small * rss and moved < short)
        rest = rest or damping > 1e10
        if gain >= -1e-15 * rss:
            c, h = new_c, new_h
            rss, zero, change, g_c, g_h, n_cc, n_ch, n_hh = fresh
            damping = max(damping * 0.2, 1e-9)
        else:
            damping *= 5.0
        if rest:
            break
    return c, h, rss, zero, change


@_compiled
def _explained(y: F8, w: F8, curves: F8, out: F8) -> Any:
    """Fill what each node of the grid explains; returns the sum of squares around the mean."""
    m = y.size
    total = mean = 0.0
    for j in range(m):
        total += w[j]
        mean += w[j] * y[j]
    mean /= total
    flat = 0.0
    for j in range(m):
        flat += w[j] * (y[j] - mean) ** 2
    for g in range(len(curves)):
        along = first = second = 0.0
        for j in range(m):
            s = curves[g, j]
            along += w[j] * (y[j] - mean) * s
            first += w[j] * s
            second += w[j] * s * s
        length = second - first * first / total
        out[g] = along * along / length if length > 1e-12 * total else 0.0
    return flat


@_compiled
def _peaks(table: F8, chosen: NDArray[np.int64]) -> int:
    """Nodes of the highest local maxima of the (centre, slope) table, best first."""
    rows, columns = table.shape
    count = 0
    for i in range(rows):
        for j in range(columns):
            v = table[i, j]
            if i > 0 and v < table[i - 1, j]:
                continue
            if i < rows - 1 and v <= table[i + 1, j]:
                continue
            if j > 0 and v < table[i, j - 1]:
                continue
            if j < columns - 1 and v <= table[i, j + 1]:
                continue
            place = count
            while place > 0 and v > table.flat[chosen[place - 1]]:
                place -= 1
            if place < _STARTS:
                for k in range(min(count, _STARTS - 1), place, -1):
                    chosen[k] = chosen[k - 1]
                chosen[place] = i * columns + j
                count = min(count + 1, _STARTS)
    return count


@_compiled
def _solve_all(
    x: F8, y: F8, w: F8, grid: tuple[F8, F8, F8], box: tuple[F8, F8]
) -> tuple[F8, F8, F8]:
    centres, slopes, curves = grid
    n = len(y)
    nu, plateaus, rss = np.empty((n, 2)), np.empty((n, 2)), np.full(n, np.inf)
    work = np.empty((5, x.size))
    explained = np.empty(len(curves))
    chosen = np.zeros(_STARTS, np.int64)
    rough = (box[0], box[1], _ROUGH[0], _ROUGH[1])
    fine = (box[0], box[1], _FINE[0], _FINE[1])
    for k in range(n):
        _explained(y[k], w[k], curves, explained)
        found = _peaks(explained.reshape(centres.size, slopes.size), chosen)
        for i in range(max(found, 1)):
            node = chosen[i]
            start = (centres[node // slopes.size], slopes[node % slopes.size])
            c, h, value, _, _ = _descend(x, y[k], w[k], start, rough, work)
            if value < rss[k]:
                nu[k, 0], nu[k, 1], rss[k] = c, h, value
        start = (nu[k, 0], nu[k, 1])
        c, h, value, zero, change = _descend(x, y[k], w[k], start, fine, work)
        nu[k, 0], nu[k, 1], rss[k] = c, h, value
        plateaus[k, 0], plateaus[k, 1] = zero, zero + change
    return nu, plateaus, rss


@_compiled
def _best_at(x: F8, y: F8, w: F8, place: float, slopes: tuple[float, float], box: Any) -> Any:
    """(rss, ln slope) with the EC50 held at a place, from two starting slopes."""
    low, high, work = box
    low[0] = high[0] = place
    limits = (low, high, _RSS_ONLY[0], _RSS_ONLY[1])
    best, best_h = np.inf, slopes[0]
    for start in slopes:
        _, h, rss, _, _ = _descend(x, y, w, (place, start), limits, work)
        if rss < best:
            best, best_h = rss, h
    return best, best_h


@_compiled
def _crossing(x: F8, y: F8, w: F8, ends: Any, target: tuple[float, float], box: Any) -> Any:
    """Root of sqrt(profile - rss) - level between an allowed and an excluded place."""
    inner, outer, near, far, f_out = ends
    rss, level = target
    value, _ = _best_at(x, y, w, inner, (near, near), box)
    f_in = np.sqrt(max(value - rss, 0.0)) - level
    f_out = np.sqrt(max(f_out - rss, 0.0)) - level
    place, before = inner, 0
    for i in range(40):
        gap = f_in - f_out
        share = min(max(f_in / gap, 0.0), 1.0) if gap != 0 else 0.0
        if i % 8 == 7:
            share = 0.5
        place = inner + (outer - inner) * share
        value, slope = _best_at(x, y, w, place, (near, far), box)
        f = np.sqrt(max(value - rss, 0.0)) - level
        if f <= 0:
            inner, near, f_in = place, slope, f
            f_out *= 0.5 if before == 1 else 1.0
            before = 1
        else:
            outer, far, f_out = place, slope, f
            f_in *= 0.5 if before == -1 else 1.0
            before = -1
        if abs(f) <= 1e-7 * level or abs(outer - inner) <= 1e-7:
            break
    return place


@_compiled
def _side(x: F8, y: F8, w: F8, best: Any, grid: Any, box: Any) -> Any:
    """Crossing of the cut in the direction of `sign`; NaN where the end is open."""
    c, h, rss, cut, sign = best
    centres, table, steepness = grid
    count = centres.size
    inner, near = c, h
    node = -1
    for i in range(count):
        j = i if sign > 0 else count - 1 - i
        if sign * (centres[j] - c) > 0:
            if node < 0:
                node = i
            if table[j] <= cut:
                inner, near, node = centres[j], steepness[j], i + 1
    if node < 0:
        node = count - 1
    while node < count:
        j = node if sign > 0 else count - 1 - node
        value, slope = _best_at(x, y, w, centres[j], (near, steepness[j]), box)
        if value > cut:
            ends = (inner, centres[j], near, slope, value)
            return _crossing(x, y, w, ends, (rss, np.sqrt(max(cut - rss, 0.0))), box)
        inner, near = centres[j], slope
        node += 1
    return np.nan


@_compiled
def _profile_all(x: F8, y: F8, w: F8, grid: Any, bounds: Any, best: Any) -> tuple[F8, F8]:
    centres, slopes, curves = grid
    nu, rss, cut = best
    n = len(y)
    low, high = np.full(n, -np.inf), np.full(n, np.inf)
    box = (bounds[0].copy(), bounds[1].copy(), np.empty((5, x.size)))
    explained = np.empty(len(curves))
    table, steepness = np.empty(centres.size), np.empty(centres.size)
    for k in range(n):
        flat = _explained(y[k], w[k], curves, explained)
        for i in range(centres.size):
            top = i * slopes.size
            for j in range(slopes.size):
                if explained[i * slopes.size + j] > explained[top]:
                    top = i * slopes.size + j
            table[i], steepness[i] = max(flat - explained[top], 0.0), slopes[top % slopes.size]
        for sign in (-1.0, 1.0):
            start = (nu[k, 0], nu[k, 1], rss[k], cut[k], sign)
            end = _side(x, y[k], w[k], start, (centres, table, steepness), box)
            if not np.isnan(end):
                if sign < 0:
                    low[k] = end
                else:
                    high[k] = end
    return low, high
