"""How fast does an open area close: closure, speed, lag and times, from numbers over time?

All functions take plain series: times in any unit, areas in any unit, NaN nowhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lamella.errors import MeasurementError

__all__ = [
    "Delayed",
    "Line",
    "Reached",
    "closing_time",
    "closure_percent",
    "fit_delayed",
    "fit_line",
    "front_advance",
    "mean_closure",
    "relative_wound_density",
    "time_to_reach",
]

Floats = NDArray[np.float64]

# Correlations of the residuals of neighbouring frames that an interval allows for, with their
# weights before the data speak.
_CORRELATIONS = ((0.0, 1.0), (0.2, 0.8), (0.4, 0.7), (0.6, 0.5), (0.8, 0.2))
_FRAMES_FOR_CORRELATION = 4
# How many residuals the stated error of the positions is worth, by number of frames.
_BORROWED = {2: 12.0, 3: 10.0, 4: 6.0, 5: 3.0}
_BORROWED_LATER = 0.5


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line through a series, with 95 % intervals.

    `crossing` is where the line is 0 (the end of the lag for a front advance), None with its
    interval where the slope cannot be told from 0.
    """

    slope: float
    low: float | None
    high: float | None
    intercept: float
    n: int
    r2: float
    crossing: float | None = None
    crossing_low: float | None = None
    crossing_high: float | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """When a series reached a level: between the frames `low` and `high`.

    `value` is interpolated between these frames. `side` is `right` where the level was not
    reached by `low` (the last time), `left` where it was reached by `high` (the first frame
    after the start); then there is no value.
    """

    value: float | None
    low: float | None
    high: float | None
    side: str = ""


@dataclass(frozen=True, slots=True)
class Delayed:
    """Nothing until `lag`, then straight at `speed`, then closed: fitted to all frames."""

    speed: float
    lag: float
    rss: float


def closure_percent(area: Floats, *, reference: float | None = None) -> Floats:
    """Closure relative to the first frame, in percent; negative where the gap opened.

    Args:
        area: Cell-free area in any unit, shape (T,).
        reference: Area at time zero in the same unit; None for `area[0]`.

    Raises:
        MeasurementError: The area at time zero is 0, so there is no wound to relate to.

    References:
        The scratch protocol, data analysis: 100 (A0 - At) / A0.

    >>> closure_percent(np.array([200.0, 150.0, 0.0, 210.0])).tolist()
    [0.0, 25.0, 100.0, -5.0]
    """
    start = float(area[0]) if reference is None else reference
    if not start > 0:
        raise MeasurementError(
            "the gap at time zero has no area, so closure is not defined. "
            "Check the first frame, or exclude it."
        )
    return np.asarray(100.0 * (start - area) / start)


def relative_wound_density(inside: Floats, outside: Floats) -> Floats:
    """Density inside the first wound relative to that outside, in percent; may exceed 100.

    RWD(t) = 100 (w(t) - w(0)) / (c(t) - w(0)); NaN where c(t) <= w(0).

    Args:
        inside: Confluence w inside the wound of the first frame, in percent, shape (T,).
        outside: Confluence c outside of it, in percent, shape (T,).

    References:
        Relative wound density of the Incucyte scratch wound module.

    >>> relative_wound_density(np.array([0.0, 45.0, 95.0]), np.array([90.0, 90.0, 90.0])).round(1)
    array([  0. ,  50. , 105.6])
    """
    start = inside[0]
    room = outside - start
    empty = np.full(len(room), np.nan)
    return np.asarray(np.divide(100.0 * (inside - start), room, out=empty, where=room > 0))


def front_advance(area: Floats, front: Floats) -> Floats:
    """Path that the front has gone since the first frame, in the length unit of `front`.

    The sum of area lost between frames over the mean front length of both: a straight scratch
    of axis length L has the front 2 L at every frame, a round gap its perimeter.

    Args:
        area: Cell-free area, shape (T,).
        front: Length of front that moves, in the square root of the unit of `area`, shape (T,).

    >>> import math
    >>> radius = np.array([100.0, 90.0, 70.0])
    >>> front_advance(math.pi * radius**2, 2 * math.pi * radius).round(9).tolist()
    [0.0, 10.0, 30.0]
    """
    lost = area[:-1] - area[1:]
    mean = (front[:-1] + front[1:]) / 2
    step = np.divide(lost, mean, out=np.zeros(len(lost)), where=mean > 0)
    return np.concatenate([[0.0], np.cumsum(step)])


def mean_closure(time: Floats, closure: Floats) -> float:
    """Area under the closure curve over its duration, in percent (trapezoid on real times).

    >>> mean_closure(np.array([0.0, 1.0, 3.0]), np.array([0.0, 50.0, 100.0]))
    58.333333333333336
    """
    steps = np.diff(time)
    return float((steps * (closure[1:] + closure[:-1]) / 2).sum() / (time[-1] - time[0]))


def time_to_reach(time: Floats, closure: Floats, *, level: float) -> Reached:
    """First time at which closure reaches a level, linear between the frames around it.

    >>> hours = np.array([0.0, 6.0, 12.0])
    >>> time_to_reach(hours, np.array([0.0, 20.0, 80.0]), level=50)
    Reached(value=9.0, low=6.0, high=12.0, side='')
    >>> time_to_reach(hours, np.array([0.0, 20.0, 40.0]), level=50)
    Reached(value=None, low=12.0, high=None, side='right')
    """
    above = np.flatnonzero(closure >= level)
    if above.size == 0:
        return Reached(None, float(time[-1]), None, "right")
    i = int(above[0])
    if i <= 1:
        return Reached(None, float(time[0]), float(time[i]), "left")
    share = (level - closure[i - 1]) / (closure[i] - closure[i - 1])
    value = time[i - 1] + share * (time[i] - time[i - 1])
    return Reached(float(value), float(time[i - 1]), float(time[i]))


def closing_time(time: Floats, closed: NDArray[np.bool_]) -> Reached:
    """First frame from which on the gap stays closed.

    >>> closing_time(np.array([0.0, 6.0, 12.0, 18.0]), np.array([False, True, False, True]))
    Reached(value=18.0, low=12.0, high=18.0, side='')
    """
    if not closed[-1]:
        return Reached(None, float(time[-1]), None, "right")
    still_open = np.flatnonzero(~closed)
    i = int(still_open[-1]) + 1 if still_open.size else 0
    return Reached(float(time[i]), float(time[max(i - 1, 0)]), float(time[i]))


def fit_line(
    time: Floats,
    position: Floats,
    *,
    window: tuple[float, float] | None = None,
    sd: float | None = None,
) -> Line:
    """Least-squares line, with intervals that do not take frames for independent.

    Without a window, every frame counts once. With one, the line is fitted to the course
    between frames as well, linear from one to the next and cut at the ends of the window: a
    window then means the same whatever the times of the frames, and a frame that enters it
    moves the slope by nothing at first.

    The interval averages over correlations of neighbouring frames from 0 to 0.8, each weighted
    by how well it explains the residuals (likelihood with slope, intercept and variance
    integrated out). With fewer than six frames the stated error of the positions stands in for
    the missing residuals, and with more it is worth half of one.

    Args:
        time: Times, strictly rising, shape (T,), at least two.
        position: Positions, shape (T,).
        window: From when to when, within the first and the last time.
        sd: Standard error of one position; None where unknown: two frames then give a slope
            without an interval.

    >>> line = fit_line(np.array([0.0, 1.0, 2.0, 3.0]), np.array([-1.0, 1.0, 3.0, 5.0]))
    >>> line.slope, line.low, line.high, line.crossing
    (2.0, 2.0, 2.0, 0.5)
    >>> bent = fit_line(np.array([0.0, 1.0, 2.0]), np.array([0.0, 3.0, 3.0]), window=(0.25, 1.0))
    >>> round(bent.slope, 12), bent.n
    (3.0, 2)
    """
    if window is not None:
        first = max(int(np.searchsorted(time, window[0], side="right")) - 1, 0)
        last = max(int(np.searchsorted(time, window[1])), first + 1)
        time, position = time[first : last + 1], position[first : last + 1]
    sums = _Sums.of(time, window)
    slope, mean = float(sums.slope @ position), float(sums.mean @ position)
    residual = position - mean - slope * (time - sums.middle)
    total = float(((position - mean) ** 2).sum())
    r2 = 1.0 - float(residual @ residual) / total if total > 0 else 1.0
    plain = Line(slope, None, None, mean - slope * sums.middle, len(time), r2)
    noise = _Noise.of(time, residual, sd)
    if noise is None:
        return plain
    half = noise.half_width(sums.slope)
    plain = replace(plain, low=slope - half, high=slope + half)
    if not abs(slope) > half:
        return plain
    crossing = sums.middle - mean / slope
    reach = noise.half_width(sums.mean + (crossing - sums.middle) * sums.slope) / abs(slope)
    return replace(
        plain, crossing=crossing, crossing_low=crossing - reach, crossing_high=crossing + reach
    )


@dataclass(frozen=True, slots=True)
class _Sums:
    """Slope and mean of a least-squares line as sums over the positions, each of shape (T,);
    `middle` is the time at which the line passes the mean."""

    slope: Floats
    mean: Floats
    middle: float

    @classmethod
    def of(cls, time: Floats, window: tuple[float, float] | None) -> _Sums:
        if window is None:
            centred = time - time.mean()
            equal = np.full(len(time), 1.0 / len(time))
            return cls(centred / float(centred @ centred), equal, float(time.mean()))
        start, end = window
        inside = time[(time > start) & (time < end)]
        node = np.concatenate([[start], inside, [end]])
        # Both integrals are exact for a course that is linear between its nodes.
        step, at = np.diff(node), node - (start + end) / 2
        mean, slope = np.zeros(len(node)), np.zeros(len(node))
        mean[:-1] += step / 2
        mean[1:] += step / 2
        slope[:-1] += step * (2 * at[:-1] + at[1:]) / 6
        slope[1:] += step * (at[:-1] + 2 * at[1:]) / 6
        frames = np.zeros((len(time), len(node)))
        first = int(np.searchsorted(time, start, side="right"))
        frames[np.arange(first, first + inside.size), np.arange(1, 1 + inside.size)] = 1.0
        for column, end_node in ((0, start), (-1, end)):
            frames[:, column] = _shares(time, end_node)
        length = end - start
        return cls(12 / length**3 * (frames @ slope), frames @ mean / length, (start + end) / 2)


def _shares(time: Floats, at: float) -> Floats:
    """What each position counts for the course at one time, linear between frames, shape (T,)."""
    shares = np.zeros(len(time))
    after = int(np.searchsorted(time, at))
    if time[after] == at:
        shares[after] = 1.0
        return shares
    before = after - 1
    slope = 1.0 / (time[after] - time[before])
    shares[before] = -slope * (at - time[before]) + 1.0
    shares[after] = slope * (at - time[before])
    return shares


def fit_delayed(time: Floats, advance: Floats, *, full: float, lag: float | None = None) -> Delayed:
    """Lag, straight phase and closed plateau in one fit over all frames (least squares).

    Args:
        time: Times from the first frame, shape (T,), rising from 0.
        advance: Front advance, shape (T,).
        full: Advance at which the gap is closed, in the same unit.
        lag: Holds the lag at this time; None fits it.

    >>> hours = np.arange(0.0, 13.0)
    >>> fit = fit_delayed(hours, np.clip(10.0 * (hours - 2.5), 0.0, 80.0), full=80.0)
    >>> round(fit.speed, 3), round(fit.lag, 3)
    (10.0, 2.5)
    """
    last = float(time[-1])
    steps = float(np.min(np.diff(time)))
    speeds = _even(-full / last, 2 * full / steps, 61)
    lags = _even(0.0, last, 25) if lag is None else np.array([lag])
    best = Delayed(0.0, 0.0, math.inf)
    for _ in range(6):
        best = _best_of(time, advance, full, speeds, lags)
        reach = 1.5 * (speeds[1] - speeds[0])
        speeds = _even(best.speed - reach, best.speed + reach, 13)
        if lag is None:
            reach = 1.5 * (lags[1] - lags[0])
            lags = _even(max(best.lag - reach, 0.0), best.lag + reach, 13)
    return best


def _best_of(time: Floats, advance: Floats, full: float, speeds: Floats, lags: Floats) -> Delayed:
    running = np.maximum(time - lags[:, None], 0.0)
    model = speeds[:, None, None] * running
    np.minimum(model, full, out=model)
    model -= advance
    model *= model
    rss = model.sum(axis=2)
    i, j = np.unravel_index(int(rss.argmin()), rss.shape)
    return Delayed(float(speeds[i]), float(lags[j]), float(rss[i, j]))


def _even(low: float, high: float, count: int) -> Floats:
    """`np.linspace` without its checks, which take longer than the fit."""
    places = np.asarray(np.arange(count) * ((high - low) / (count - 1)) + low, np.float64)
    places[-1] = high
    return places


@dataclass(frozen=True, slots=True)
class _Correlated:
    """For one set of times: each correlation considered, and what it leaves of residuals."""

    shapes: Floats
    projections: Floats
    log_volumes: Floats


@lru_cache(maxsize=256)
def _correlated(time: tuple[float, ...]) -> _Correlated:
    at = np.array(time)
    n = len(at)
    lag = np.abs(at[:, None] - at[None, :]) / float(np.median(np.diff(at)))
    design = np.stack([np.ones(n), at - at.mean()], axis=1)
    shapes, projections, volumes = [], [], []
    for rho, prior in _CORRELATIONS[: 1 if n < _FRAMES_FOR_CORRELATION else None]:
        shape = np.power(rho, lag) if rho else np.eye(n)
        inverse = np.linalg.inv(shape)
        gram = design.T @ inverse @ design
        shapes.append(shape)
        projections.append(inverse - inverse @ design @ np.linalg.solve(gram, design.T @ inverse))
        volumes.append(
            math.log(prior)
            - 0.5 * float(np.linalg.slogdet(shape)[1])
            - 0.5 * float(np.linalg.slogdet(gram)[1])
        )
    return _Correlated(np.array(shapes), np.array(projections), np.array(volumes))


@dataclass(frozen=True, slots=True)
class _Noise:
    """What the residuals of a line say about the error of any linear sum of the positions."""

    covariances: Floats
    weights: Floats
    df: float

    @classmethod
    def of(cls, time: Floats, residual: Floats, sd: float | None) -> _Noise | None:
        n = len(time)
        borrowed = 0.0 if sd is None else _BORROWED.get(n, _BORROWED_LATER)
        df = n - 2 + borrowed
        if df <= 0:
            return None
        models = _correlated(tuple(time.tolist()))
        rest = np.einsum("i,kij,j->k", residual, models.projections, residual)
        rest = np.maximum(rest, 0.0) + borrowed * (sd or 0.0) ** 2
        logs = models.log_volumes - 0.5 * df * np.log(np.maximum(rest, 1e-300))
        weights = np.exp(logs - logs.max())
        return cls(models.shapes * (rest / df)[:, None, None], weights / weights.sum(), df)

    def half_width(self, contrast: Floats) -> float:
        """Half of the central 95 % of a mixture of t distributions."""
        from scipy.special import stdtr, stdtrit

        scales = np.sqrt(np.einsum("i,kij,j->k", contrast, self.covariances, contrast))
        if not scales.any():
            return 0.0
        scales = np.maximum(scales, scales.max() * 1e-9)
        quantile = float(stdtrit(self.df, 0.975))
        low, high = quantile * float(scales.min()), quantile * float(scales.max())

        def missing(width: float) -> float:
            return 0.975 - float(self.weights @ stdtr(self.df, width / scales))

        near = _root(missing, low, high)
        while high - low > 1e-6 * high:
            middle = (low + high) / 2
            # Only next to the root must the distribution itself say on which side it lies.
            close = not abs(middle - near) > 1e-9 * near
            if missing(middle) > 0 if close else middle < near:
                low = middle
            else:
                high = middle
        return high


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function is 0, by regula falsi (Illinois); NaN where it does not settle."""
    if not high - low > 1e-6 * high:
        return math.nan
    f_low, f_high = falling(low), falling(high)
    before = 0.0
    for _ in range(20):
        if not f_low > 0 > f_high:
            break
        middle = low + (high - low) * f_low / (f_low - f_high)
        value = falling(middle)
        if abs(value) < 1e-13:
            return middle
        if value > 0:
            low, f_low = middle, value
            f_high *= 0.5 if before > 0 else 1.0
        else:
            high, f_high = middle, value
            f_low *= 0.5 if before < 0 else 1.0
        before = value
    return math.nan
