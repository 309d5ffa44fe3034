"""Does a treatment differ from vehicle, with independent batches as the n?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from lamella.errors import MeasurementError, nearest
from lamella.potency.groups import Labels, Numbers, codes, level_means, numbers
from lamella.potency.simultaneous import largest_t

__all__ = [
    "TECHNICAL_ONLY",
    "BatchMean",
    "Comparison",
    "Effect",
    "Scale",
    "UnitOfAnalysis",
    "batch_mean",
    "compare_with_vehicle",
]

Scale = Literal["difference", "ratio"]
UnitOfAnalysis = Literal["batch", "well", "field", "cell"]
TECHNICAL_ONLY = "technical replicates only"


@dataclass(frozen=True, slots=True)
class Effect:
    """One treatment against vehicle.

    Attributes:
        treatment: Its name.
        estimate: Treatment less vehicle in the unit of the values, or their ratio.
        low: Lower end of the simultaneous interval over all treatments; None without one.
        high: Upper end.
        se: Standard error; of the natural logarithm where the estimate is a ratio.
        t: The test statistic.
        p: Single p-value.
        p_adjusted: Dunnett p-value over all treatments of this comparison.
        n: Units of analysis: batches unless something else was forced.
        text: The sentence that may be printed.
    """

    treatment: str
    estimate: float
    low: float | None
    high: float | None
    se: float | None
    t: float | None
    p: float | None
    p_adjusted: float | None
    n: int
    text: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """All treatments of one read-out against the vehicle.

    Attributes:
        effects: One for each treatment, in order of first appearance.
        scale: What `estimate` is: a difference or a ratio.
        unit_of_analysis: What was counted as n.
        n_batches: Independent experiments in the data.
        df: Residual degrees of freedom; None where nothing can be tested.
        confidence: Of the intervals, simultaneously.
        method: One sentence for the methods section.
        flags: `technical_replicates_only`, `pseudoreplicates`, `incomplete_blocks`, `unpaired`.
        message: What a reader must know before the numbers; empty where nothing.
    """

    effects: tuple[Effect, ...]
    scale: Scale
    unit_of_analysis: UnitOfAnalysis
    n_batches: int
    df: int | None
    confidence: float
    method: str
    flags: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True)
class BatchMean:
    """Mean over batches with its t-interval; None where one batch leaves it open."""

    n: int
    value: float
    sd: float | None
    low: float | None
    high: float | None
    text: str


def compare_with_vehicle(
    value: Numbers,
    treatment: Labels,
    *,
    batch: Labels,
    vehicle: str,
    scale: Scale = "difference",
    unit_of_analysis: UnitOfAnalysis = "batch",
) -> Comparison:
    """Dunnett comparison of every treatment with the vehicle, batch as block.

    Rows are averaged to one value for each batch and treatment, so wells, fields and cells
    never count as n. What varies between batches alone drops out; the error is how far the
    treatment effect itself varies between batches. Two treatments give the paired t-test.
    Where no batch holds two treatments, the batch means are compared unpaired.

    Args:
        value: Shape (n,), any unit; rows that are not finite are left out. Average fields to
            wells first (`level_means`) where wells have different numbers of fields.
        treatment: Shape (n,), for example `defactinib 1 µM`.
        batch: Shape (n,), the independent experiment.
        vehicle: Name of the treatment that the others are compared with.
        scale: `ratio` compares logarithms and needs values above 0.
        unit_of_analysis: Anything but `batch` counts every row as n: such results are
            flagged `pseudoreplicates`, and say so in every text.

    Raises:
        MeasurementError: The vehicle is missing, a ratio has values at or below 0, a
            treatment shares no batch with the others, or nothing is left to estimate scatter.

    References:
        Dunnett 1955, JASA 50:1096; Lord et al. 2020, J Cell Biol 219:e202001064 (why batches).

    >>> speed = [10.0, 8.0, 5.0, 12.0, 9.5, 7.5, 9.0, 7.0, 4.0]
    >>> dose = ["vehicle", "low", "high"] * 3
    >>> day = ["1"] * 3 + ["2"] * 3 + ["3"] * 3
    >>> out = compare_with_vehicle(speed, dose, batch=day, vehicle="vehicle")
    >>> out.effects[1].text
    'high: difference -4.83 (95 % CI -5.61 to -4.05), Dunnett p = 5.8e-05, n = 3 batches'
    """
    table = _Table(value, treatment, batch, vehicle)
    rows = table.logs() if scale == "ratio" else table.value
    if unit_of_analysis == "batch":
        y, t_code, b_code = _cell_means(rows, table)
    else:
        y, t_code, b_code = rows, table.t_code, table.b_code
    if len(table.batches) == 1 and unit_of_analysis == "batch":
        return _technical_only(y, table, scale)
    block, flags = _blocks(t_code, b_code, table)
    fit = _least_squares(y, t_code, block, table)
    if unit_of_analysis != "batch":
        flags = ("pseudoreplicates", *flags)
    counts = [_count(table, name, t_code, b_code, block) for name in table.others]
    effects = _effects(table.others, fit, [_Words(scale, unit_of_analysis, n) for n in counts])
    return Comparison(
        effects=effects,
        scale=scale,
        unit_of_analysis=unit_of_analysis,
        n_batches=len(table.batches),
        df=fit.df,
        confidence=0.95,
        method=_method(scale, unit_of_analysis, block is not None, fit.df),
        flags=flags,
        message=_message(unit_of_analysis, len(table.batches)),
    )


def batch_mean(value: Numbers, *, confidence: float = 0.95) -> BatchMean:
    """Mean of one value a batch with its t-interval: for log IC50s, slopes, speeds.

    Args:
        value: Shape (n,), one number a batch; values that are not finite are left out.
        confidence: Of the interval.

    Raises:
        MeasurementError: There is no finite value.

    >>> batch_mean([1.0, 2.0, 3.0]).text
    '2 (95 % CI -0.484 to 4.48), n = 3 batches'
    """
    array = numbers(value)
    array = array[np.isfinite(array)]
    if array.size == 0:
        raise MeasurementError("no batch has a value, so there is no mean over batches.")
    mean = float(np.mean(array))
    if array.size == 1:
        return BatchMean(1, mean, None, None, None, f"{mean:.3g}, {TECHNICAL_ONLY} (1 batch)")
    sd = float(np.std(array, ddof=1))
    half = float(special.stdtrit(array.size - 1, (1 + confidence) / 2)) * sd / math.sqrt(array.size)
    low, high = mean - half, mean + half
    text = (
        f"{mean:.3g} ({100 * confidence:g} % CI {low:.3g} to {high:.3g}), n = {array.size} batches"
    )
    return BatchMean(array.size, mean, sd, low, high, text)


class _Table:
    """The finite rows with their treatment and batch as codes."""

    def __init__(self, value: Numbers, treatment: Labels, batch: Labels, vehicle: str) -> None:
        array = numbers(value)
        keep = np.isfinite(array)
        self.value = array[keep]
        kept = np.flatnonzero(keep).tolist()
        if len(treatment) != array.size or len(batch) != array.size:
            raise ValueError("value, treatment and batch differ in length")
        self.treatments, self.t_code = codes([treatment[i] for i in kept], len(kept))
        self.batches, self.b_code = codes([batch[i] for i in kept], len(kept))
        if vehicle not in self.treatments:
            raise MeasurementError(
                f"no row with a value is called '{vehicle}', so there is nothing to compare "
                f"with. {nearest(vehicle, self.treatments)}"
            )
        self.others = tuple(name for name in self.treatments if name != vehicle)
        if not self.others:
            raise MeasurementError(f"all rows are '{vehicle}': add a treatment to compare.")
        self.vehicle = self.treatments.index(vehicle)

    def logs(self) -> NDArray[np.float64]:
        low = int(np.argmin(self.value))
        if self.value[low] <= 0:
            raise MeasurementError(
                f"treatment '{self.treatments[self.t_code[low]]}', batch "
                f"'{self.batches[self.b_code[low]]}': {self.value[low]:.4g} has no logarithm. "
                "Compare differences instead of ratios."
            )
        return np.log(self.value)


@dataclass(frozen=True, slots=True)
class _Fit:
    estimate: NDArray[np.float64]
    se: NDArray[np.float64]
    t: NDArray[np.float64]
    correlation: NDArray[np.float64]
    df: int


@dataclass(frozen=True, slots=True)
class _Words:
    scale: Scale
    unit: UnitOfAnalysis
    n: int


def _cell_means(
    rows: NDArray[np.float64], table: _Table
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.intp]]:
    means, keys, _ = level_means(rows, table.t_code, table.b_code)
    t_code = np.array([int(t) for t, _ in keys], dtype=np.intp)
    return means, t_code, np.array([int(b) for _, b in keys], dtype=np.intp)


def _blocks(
    t_code: NDArray[np.intp], b_code: NDArray[np.intp], table: _Table
) -> tuple[NDArray[np.intp] | None, tuple[str, ...]]:
    """Batches as blocks, or None where there is one batch or each batch has one treatment."""
    if len(table.batches) == 1:
        return None, ()
    seen = np.zeros((len(table.batches), len(table.treatments)), dtype=bool)
    seen[b_code, t_code] = True
    if np.all(seen.sum(axis=1) == 1):
        return None, ("unpaired",)
    return b_code, () if seen.all() else ("incomplete_blocks",)


def _least_squares(
    y: NDArray[np.float64],
    t_code: NDArray[np.intp],
    block: NDArray[np.intp] | None,
    table: _Table,
) -> _Fit:
    blocks = np.zeros(y.size, dtype=np.intp) if block is None else block
    others = [table.treatments.index(name) for name in table.others]
    x = np.hstack(
        [
            (t_code[:, None] == np.array(others)).astype(np.float64),
            (blocks[:, None] == np.arange(blocks.max() + 1)).astype(np.float64),
        ]
    )
    inverse = np.linalg.pinv(x)
    seen = inverse @ x
    size = len(others)
    for place, name in enumerate(table.others):
        if np.abs(seen[place] - np.eye(x.shape[1])[place]).max() > 1e-9:
            raise MeasurementError(
                f"'{name}' shares no batch with the vehicle, directly or through other "
                "treatments. Run it beside the vehicle in one batch, or compare it alone."
            )
    df = y.size - int(np.linalg.matrix_rank(x))
    residual = y - x @ (inverse @ y)
    variance = float(residual @ residual) / df if df > 0 else 0.0
    if df < 1 or variance <= (1e-14 * (np.abs(y).max() or 1.0)) ** 2:
        raise MeasurementError(
            f"{y.size} values leave no scatter to test against (df = {df}). "
            "Add batches, or check for copied values."
        )
    unscaled = (inverse @ inverse.T)[:size, :size]
    root = np.sqrt(np.diag(unscaled))
    estimate, se = (inverse @ y)[:size], root * math.sqrt(variance)
    return _Fit(estimate, se, estimate / se, unscaled / np.outer(root, root), df)


def _effects(names: tuple[str, ...], fit: _Fit, words: list[_Words]) -> tuple[Effect, ...]:
    largest = largest_t(fit.correlation, df=fit.df)
    half = largest.critical(0.95) * fit.se
    out = []
    for place, (name, said) in enumerate(zip(names, words, strict=True)):
        estimate, t = float(fit.estimate[place]), float(fit.t[place])
        ends = [estimate, estimate - half[place], estimate + half[place]]
        if said.scale == "ratio":
            ends = [math.exp(one) for one in ends]
        p_adjusted = largest.tail(t)
        text = (
            f"{name}: {said.scale} {ends[0]:.3g} (95 % CI {ends[1]:.3g} to {ends[2]:.3g}), "
            f"Dunnett p = {p_adjusted:.2g}, n = {said.n} {_plural(said.unit)}"
        )
        if said.unit != "batch":
            text += f" - {said.unit}s counted as n, not independent"
        p = float(2 * special.stdtr(fit.df, -abs(t)))
        se, low, high = float(fit.se[place]), float(ends[1]), float(ends[2])
        out.append(Effect(name, ends[0], low, high, se, t, p, p_adjusted, said.n, text))
    return tuple(out)


def _technical_only(y: NDArray[np.float64], table: _Table, scale: Scale) -> Comparison:
    means, keys, count = level_means(
        table.value if scale == "difference" else table.logs(), table.t_code
    )
    by_code = {int(key[0]): place for place, key in enumerate(keys)}
    base = means[by_code[table.vehicle]]
    effects = []
    for name in table.others:
        place = by_code[table.treatments.index(name)]
        estimate = float(means[place] - base)
        estimate = math.exp(estimate) if scale == "ratio" else estimate
        text = f"{name}: {scale} {estimate:.3g}, {TECHNICAL_ONLY} ({count[place]} rows, 1 batch)"
        effects.append(Effect(name, estimate, None, None, None, None, None, None, 1, text))
    return Comparison(
        effects=tuple(effects),
        scale=scale,
        unit_of_analysis="batch",
        n_batches=1,
        df=None,
        confidence=0.95,
        method=f"means of one batch; {TECHNICAL_ONLY}",
        flags=("technical_replicates_only",),
        message=_message("batch", 1),
    )


def _count(
    table: _Table,
    name: str,
    t_code: NDArray[np.intp],
    b_code: NDArray[np.intp],
    block: NDArray[np.intp] | None,
) -> int:
    """Units behind one effect: shared batches, else the smaller of the two groups."""
    mine = t_code == table.treatments.index(name)
    vehicle = t_code == table.vehicle
    if block is not None and mine.sum() == len(set(b_code[mine])):
        return len(set(b_code[mine]) & set(b_code[vehicle])) or len(set(b_code[mine]))
    return int(min(mine.sum(), vehicle.sum()))


def _method(scale: Scale, unit: UnitOfAnalysis, blocked: bool, df: int) -> str:
    what = "logarithms of the means" if scale == "ratio" else "means"
    over = f"{what} per batch and treatment" if unit == "batch" else f"single {unit}s"
    block = "batch as block" if blocked else "no block"
    return f"Dunnett's test on {over}, {block}, {df} degrees of freedom, two-sided"


def _message(unit: UnitOfAnalysis, n_batches: int) -> str:
    if unit != "batch":
        return (
            f"{_plural(unit).capitalize()} are counted as n because this was asked for. They are "
            "not independent; p-values and intervals are too small for a claim beyond "
            f"{'this batch' if n_batches == 1 else 'these batches'}."
        )
    if n_batches == 1:
        return (
            f"One batch: {TECHNICAL_ONLY}. Repeat on another day or passage before a difference "
            "is claimed."
        )
    return ""


def _plural(unit: UnitOfAnalysis) -> str:
    return "batches" if unit == "batch" else f"{unit}s"
