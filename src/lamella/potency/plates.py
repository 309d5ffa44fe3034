"""Is a plate good enough to be read, and do its edges, rows or columns differ?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from lamella.errors import MeasurementError
from lamella.potency.anova import f_tail
from lamella.potency.groups import Labels, Numbers, codes, numbers

__all__ = [
    "Estimate",
    "PlateQuality",
    "PositionEffects",
    "minimum_significant_ratio",
    "plate_quality",
    "position_effects",
]

_POINTS = 4096
_MAD_TO_SD = 1.482602218505602
# Asymptotic efficiency of the MAD and of the median for normal data.
_MAD_EFFICIENCY, _MEDIAN_EFFICIENCY = 0.3675, 2 / math.pi


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PlateQuality:
    """How well vehicle and positive control are separated on one plate.

    Attributes:
        z_prime: 1 - 3 (SD + SD) / |difference of means|.
        robust_z_prime: The same with median and scaled MAD.
        ssmd: Strictly standardised mean difference, vehicle less positive control.
        signal_to_background: Vehicle mean over positive mean; None where the latter is not
            safely above 0.
        n_vehicle: Wells.
        n_positive: Wells.
        text: The sentence that may be printed.
    """

    z_prime: Estimate
    robust_z_prime: Estimate
    ssmd: Estimate
    signal_to_background: Estimate | None
    n_vehicle: int
    n_positive: int
    text: str


@dataclass(frozen=True, slots=True)
class PositionEffects:
    """What the place on the plate does to wells of equal content.

    Attributes:
        edge_percent: Outer wells less inner wells, in percent of the mean, with interval;
            None where one of the two is missing in every group.
        p_edge: Its probability without an edge effect.
        p_row: F test of rows; None where rows and content cannot be told apart.
        p_column: F test of columns.
        row_percent: Deviation of each row (in order of `rows`), percent of the mean.
        rows: Row indices.
        column_percent: Deviation of each column.
        columns: Column indices.
        text: The sentence that may be printed.
    """

    edge_percent: Estimate | None
    p_edge: float | None
    p_row: float | None
    p_column: float | None
    row_percent: tuple[float, ...]
    rows: tuple[int, ...]
    column_percent: tuple[float, ...]
    columns: tuple[int, ...]
    text: str


def plate_quality(vehicle: Numbers, positive: Numbers) -> PlateQuality:
    """Z', robust Z', SSMD and signal to background, each with a 95 % interval.

    Intervals are generalised confidence intervals: means and SDs are drawn from their exact
    sampling distributions on a fixed lattice (no random numbers). Those of robust Z' use the
    large-sample efficiency of median and MAD and cover 97 to 99 % below 16 wells.

    Args:
        vehicle: Wells of one plate, shape (n,), any unit; at least 3 finite values.
        positive: Wells with full inhibition, shape (m,), at least 3.

    Raises:
        MeasurementError: Too few wells, or the two controls have the same mean.

    References:
        Zhang et al. 1999, J Biomol Screen 4:67 (Z'); Zhang 2007, Genomics 89:552 (SSMD);
        Weerahandi 1993, JASA 88:899 (generalised intervals).

    >>> quality = plate_quality([100.0, 104.0, 96.0, 100.0], [10.0, 12.0, 8.0, 10.0])
    >>> round(quality.z_prime.value, 3), round(quality.ssmd.value, 1)
    (0.837, 24.6)
    """
    first, second = _wells(vehicle, "vehicle"), _wells(positive, "positive control")
    if np.mean(first) == np.mean(second) or np.median(first) == np.median(second):
        raise MeasurementError(
            "vehicle and positive control have the same mean or median: no window."
        )
    if np.ptp(first) == 0 and np.ptp(second) == 0:
        raise MeasurementError(
            "the controls do not vary at all. Use the values before they were normalised to "
            "themselves."
        )
    plain = _Draws(first, second, robust=False)
    robust = _Draws(first, second, robust=True)
    z_prime, robust_z = plain.estimate(_z_prime), robust.estimate(_z_prime)
    ssmd = plain.estimate(_ssmd)
    ratio = plain.estimate(lambda a, b, _s, _r: a / b) if plain.positive_above_zero() else None
    text = (
        f"Z' {z_prime.value:.2f} (95 % CI {z_prime.low:.2f} to {z_prime.high:.2f}), robust Z' "
        f"{robust_z.value:.2f}, SSMD {ssmd.value:.1f}, n = {first.size} vehicle and "
        f"{second.size} positive wells"
    )
    return PlateQuality(z_prime, robust_z, ssmd, ratio, first.size, second.size, text)


def position_effects(
    value: Numbers,
    row: Numbers,
    column: Numbers,
    *,
    content: Labels | None = None,
    shape: tuple[int, int] = (8, 12),
) -> PositionEffects:
    """Edge, row and column effects of one plate, at equal content of the wells.

    Wells are compared within their content (role, compound and dose) only, so a dose laid out
    along a row is not taken for a row effect; what cannot be told apart is None.

    Args:
        value: Shape (n,), any unit.
        row: Index from 0, shape (n,).
        column: Index from 0, shape (n,).
        content: What is in each well, shape (n,); None: all the same (a uniformity plate).
        shape: Rows and columns of the plate.

    Raises:
        MeasurementError: A well lies outside the plate, or there are too few values.

    >>> row, column = np.divmod(np.arange(96), 12)
    >>> outer = (row % 7 == 0) | (column % 11 == 0)
    >>> wells = np.where(outer, 80.0, 100.0) + np.arange(96) % 5
    >>> round(position_effects(wells, row, column).edge_percent.value)
    -21
    """
    array = numbers(value)
    keep = np.isfinite(array)
    r, c = np.array(row, dtype=np.intp)[keep], np.array(column, dtype=np.intp)[keep]
    _, content_code = codes(content, array.size)
    y, group = array[keep], content_code[keep]
    if y.size < 6 or np.any((r < 0) | (c < 0) | (r >= shape[0]) | (c >= shape[1])):
        raise MeasurementError(
            f"{y.size} wells on a plate of {shape[0]} x {shape[1]}: at least 6 wells inside the "
            "plate are needed; rows and columns count from 0."
        )
    base = _indicators(group)
    mean = abs(float(np.mean(y))) or 1.0
    outer = (r == 0) | (r == shape[0] - 1) | (c == 0) | (c == shape[1] - 1)
    edge, p_edge = _edge(y, base, outer.astype(np.float64), mean)
    rows, row_percent, p_row = _line_effects(y, base, r, mean)
    columns, column_percent, p_column = _line_effects(y, base, c, mean)
    said = (
        "not identifiable at equal content"
        if edge is None or p_edge is None
        else (
            f"{edge.value:+.1f} % (95 % CI {edge.low:+.1f} to {edge.high:+.1f}, p = {p_edge:.2g})"
        )
    )
    text = f"edge effect {said}; rows p = {_p(p_row)}, columns p = {_p(p_column)}"
    return PositionEffects(
        edge, p_edge, p_row, p_column, row_percent, rows, column_percent, columns, text
    )


def minimum_significant_ratio(log10_potency: Numbers, compound: Labels) -> Estimate:
    """The smallest ratio of two potencies, each measured once, that is beyond chance (95 %).

    Args:
        log10_potency: Shape (n,), one log10 IC50 a compound and run.
        compound: Shape (n,); compounds measured once add nothing.

    Raises:
        MeasurementError: No compound was measured twice.

    References:
        Eastwood et al. 2006, J Biomol Screen 11:253: MSR = 10^(2 sqrt(2) s), s = SD between
        runs; the interval is that of s (chi-squared).

    >>> round(minimum_significant_ratio([1.0, 1.2, 2.0, 2.2], ["a", "a", "b", "b"]).value, 2)
    2.51
    """
    array = numbers(log10_potency)
    keep = np.isfinite(array)
    names, row = codes(
        [one for one, use in zip(compound, keep, strict=True) if use], int(keep.sum())
    )
    array = array[keep]
    count = np.bincount(row, minlength=len(names))
    df = int(np.sum(np.maximum(count - 1, 0)))
    if df < 1:
        raise MeasurementError("no compound was measured twice, so runs cannot be compared.")
    centred = array - (np.bincount(row, weights=array) / count)[row]
    sd = math.sqrt(float(np.sum(centred**2)) / df)
    low = sd * math.sqrt(df / float(special.chdtri(df, 0.025)))
    high = sd * math.sqrt(df / float(special.chdtri(df, 0.975)))
    scale = 2 * math.sqrt(2)
    return Estimate(10 ** (scale * sd), 10 ** (scale * low), 10 ** (scale * high))


_Formula = Callable[
    [NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    NDArray[np.float64],
]


def _z_prime(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    sd_a: NDArray[np.float64],
    sd_b: NDArray[np.float64],
) -> NDArray[np.float64]:
    return np.asarray(1 - 3 * (sd_a + sd_b) / np.abs(a - b))


def _ssmd(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    sd_a: NDArray[np.float64],
    sd_b: NDArray[np.float64],
) -> NDArray[np.float64]:
    return np.asarray((a - b) / np.hypot(sd_a, sd_b))


class _Draws:
    """Centre and spread of two controls, and what else they may be given their wells."""

    def __init__(
        self, first: NDArray[np.float64], second: NDArray[np.float64], *, robust: bool
    ) -> None:
        points = _lattice(4)
        drawn = [
            _draw(first, points[:, :2], robust=robust),
            _draw(second, points[:, 2:], robust=robust),
        ]
        self.known = [one[0] for one in drawn]
        self.drawn = [one[1] for one in drawn]

    def estimate(self, formula: _Formula) -> Estimate:
        (a, sd_a), (b, sd_b) = self.known
        value = formula(*(np.array([one]) for one in (a, b, sd_a, sd_b)))[0]
        (a_all, sd_a_all), (b_all, sd_b_all) = self.drawn
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = formula(a_all, b_all, sd_a_all, sd_b_all)
        low, high = np.quantile(spread[~np.isnan(spread)], [0.025, 0.975], method="nearest")
        return Estimate(float(value), float(low), float(high))

    def positive_above_zero(self) -> bool:
        return bool(np.quantile(self.drawn[1][0], 0.025) > 0)


_Draw = tuple[tuple[float, float], tuple[NDArray[np.float64], NDArray[np.float64]]]


def _draw(wells: NDArray[np.float64], points: NDArray[np.float64], *, robust: bool) -> _Draw:
    n = wells.size
    if robust:
        centre = float(np.median(wells))
        sd = _MAD_TO_SD * float(np.median(np.abs(wells - centre)))
        df, size = max(1.0, _MAD_EFFICIENCY * (n - 1)), _MEDIAN_EFFICIENCY * n
    else:
        centre, sd = float(np.mean(wells)), float(np.std(wells, ddof=1))
        df, size = n - 1.0, float(n)
    spread = sd * np.sqrt(df / special.chdtri(df, points[:, 0]))
    return (centre, sd), (centre - spread * special.ndtri(points[:, 1]) / math.sqrt(size), spread)


def _lattice(dimensions: int) -> NDArray[np.float64]:
    # Additive recurrence of the generalised golden ratio: even in every dimension.
    ratio = 1.5
    for _ in range(60):
        ratio = (1 + ratio) ** (1 / (dimensions + 1))
    step = ratio ** -np.arange(1.0, dimensions + 1)
    return np.asarray((0.5 + np.arange(1, _POINTS + 1)[:, None] * step) % 1.0)


def _wells(value: Numbers, name: str) -> NDArray[np.float64]:
    array = numbers(value)
    array = array[np.isfinite(array)]
    if array.size < 3:
        raise MeasurementError(f"{array.size} {name} wells with a value: at least 3 are needed.")
    return array


def _indicators(code: NDArray[np.intp]) -> NDArray[np.float64]:
    return np.asarray(code[:, None] == np.unique(code)[None, :], dtype=np.float64)


def _residual(y: NDArray[np.float64], x: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    inverse = np.linalg.pinv(x)
    return y - x @ (inverse @ y), int(np.linalg.matrix_rank(x))


def _edge(
    y: NDArray[np.float64], base: NDArray[np.float64], outer: NDArray[np.float64], mean: float
) -> tuple[Estimate | None, float | None]:
    contrast, rank = _residual(outer, base)
    size, df = float(contrast @ contrast), y.size - rank - 1
    if size < 1e-9 or df < 1:
        return None, None
    effect = float(contrast @ y) / size
    rest, _ = _residual(y, np.column_stack([base, outer]))
    se = math.sqrt(float(rest @ rest) / df / size)
    half = float(special.stdtrit(df, 0.975)) * se
    t = abs(effect) / se if se > 0 else math.inf
    p = float(2 * special.stdtr(df, -t)) if math.isfinite(t) else 0.0
    scaled = [100 * one / mean for one in (effect, effect - half, effect + half)]
    return Estimate(*scaled), p


def _line_effects(
    y: NDArray[np.float64], base: NDArray[np.float64], line: NDArray[np.intp], mean: float
) -> tuple[tuple[int, ...], tuple[float, ...], float | None]:
    names = np.unique(line)
    without, rank_base = _residual(y, base)
    deviation = [100 * float(np.mean(without[line == one])) / mean for one in names]
    full, rank = _residual(y, np.column_stack([base, _indicators(line)]))
    df1, df2 = rank - rank_base, y.size - rank
    # All lines but one must be visible at equal content, else the test mixes dose and place.
    if df1 < names.size - 1 or df1 < 1 or df2 < 1:
        return tuple(names.tolist()), tuple(deviation), None
    rss0, rss = float(without @ without), float(full @ full)
    f = ((rss0 - rss) / df1) / (rss / df2) if rss > 0 else math.inf
    return tuple(names.tolist()), tuple(deviation), f_tail(f, df1, df2)


def _p(p: float | None) -> str:
    return "not identifiable" if p is None else f"{p:.2g}"
