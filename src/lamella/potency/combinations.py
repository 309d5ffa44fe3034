"""Do two compounds together do more than a stated reference predicts from each alone?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from lamella.errors import MeasurementError, nearest
from lamella.potency.comparisons import TECHNICAL_ONLY, BatchMean, batch_mean
from lamella.potency.groups import Labels, Numbers, codes, numbers
from lamella.potency.single_drugs import Hill, fit_hill, fit_single_drugs

__all__ = ["Reference", "Synergy", "combination_scores"]

Reference = Literal["bliss", "hsa", "loewe", "zip"]
_REFERENCES: tuple[str, ...] = get_args(Reference)
_Matrix: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Synergy:
    """Observed inhibition less the reference, on the grid of doses.

    Attributes:
        reference: Bliss and HSA use the observed single-drug wells as they are; Loewe and ZIP
            use the Hill fits in `single_a` and `single_b`. No baseline is corrected anywhere.
        dose_a: Levels, shape (A,), ascending, with 0.
        dose_b: Levels, shape (B,).
        expected: Reference inhibition, shape (A, B), fractions; mean over batches.
        excess: Observed less expected (ZIP: fitted less expected), 0 where one dose is 0 and
            NaN where a combination was not tested.
        low: Lower 95 % limit of each excess over batches, shape (A, B); NaN with one batch.
        high: Upper limit.
        mean_excess: Mean over all combinations, with t-interval over batches.
        single_a: Hill fits of compound A, one a batch; empty for Bliss and HSA.
        single_b: Of compound B.
        converged: Every fit ended inside its bounds; the scores are finite either way.
        flags: What did not, and EC50s outside the tested doses, by batch.
        text: The sentence that may be printed.
    """

    reference: Reference
    dose_a: NDArray[np.float64]
    dose_b: NDArray[np.float64]
    expected: _Matrix
    excess: _Matrix
    low: _Matrix
    high: _Matrix
    mean_excess: BatchMean
    single_a: tuple[Hill, ...]
    single_b: tuple[Hill, ...]
    converged: bool
    flags: tuple[str, ...]
    text: str


def combination_scores(
    inhibition: Numbers,
    dose_a: Numbers,
    dose_b: Numbers,
    *,
    batch: Labels | None = None,
    references: tuple[Reference, ...] = ("bliss", "hsa", "loewe", "zip"),
) -> tuple[Synergy, ...]:
    """Synergy scores of a dose matrix against each reference, with batch as n.

    Wells of the same doses are averaged within a batch, each batch is scored by itself, and
    scores are averaged over batches.

    Args:
        inhibition: Shape (n,), fraction of vehicle lost: 0 none, 1 full; may lie outside.
        dose_a: Shape (n,), any unit, 0 without compound A.
        dose_b: Shape (n,), 0 without compound B.
        batch: Shape (n,); None for one batch.
        references: Which, in order.

    Raises:
        MeasurementError: A batch has no single-drug wells for a dose it combines, a negative
            or missing dose, or (Loewe, ZIP) fewer than 3 doses of a compound.

    References:
        Bliss 1939, Ann Appl Biol 26:585; Berenbaum 1989, Pharmacol Rev 41:93 (HSA, Loewe);
        Yadav et al. 2015, Comput Struct Biotechnol J 13:504 (ZIP).

    >>> a, b = [0, 1, 0, 1], [0, 0, 1, 1]
    >>> scores = combination_scores([0.0, 0.5, 0.2, 0.7], a, b, references=("bliss", "hsa"))
    >>> [round(one.mean_excess.value, 2) for one in scores]
    [0.1, 0.2]
    """
    for one in references:
        if one not in _REFERENCES:
            raise ValueError(f"reference '{one}' is not known. {nearest(one, _REFERENCES)}")
    grids = _grids(numbers(inhibition), numbers(dose_a), numbers(dose_b), batch)
    return tuple(_synergy(reference, grids) for reference in references)


@dataclass(frozen=True, slots=True)
class _Grid:
    batch: str
    a: NDArray[np.float64]
    b: NDArray[np.float64]
    seen: _Matrix


def _grids(
    inhibition: NDArray[np.float64],
    dose_a: NDArray[np.float64],
    dose_b: NDArray[np.float64],
    batch: Labels | None,
) -> tuple[_Grid, ...]:
    for name, dose in (("A", dose_a), ("B", dose_b)):
        bad = ~np.isfinite(dose) | (dose < 0)
        if bad.any():
            row = int(np.argmax(bad))
            raise MeasurementError(
                f"row {row + 1}: the dose of compound {name} is {dose[row]:g}. "
                "Write 0 where a compound is absent."
            )
    names, code = codes(batch, inhibition.size)
    a, line = np.unique(dose_a, return_inverse=True)
    b, column = np.unique(dose_b, return_inverse=True)
    grids = []
    for index, name in enumerate(names):
        use = (code == index) & np.isfinite(inhibition)
        total, count = np.zeros((a.size, b.size)), np.zeros((a.size, b.size))
        np.add.at(total, (line[use], column[use]), inhibition[use])
        np.add.at(count, (line[use], column[use]), 1)
        with np.errstate(invalid="ignore"):
            grids.append(_Grid(name, a, b, total / count))
        _check(grids[-1])
    return tuple(grids)


def _check(grid: _Grid) -> None:
    where = f"batch {grid.batch}: " if grid.batch else ""
    if grid.a[0] != 0 or grid.b[0] != 0:
        raise MeasurementError(f"{where}no well has one compound alone, so nothing is expected.")
    combined = np.isfinite(grid.seen[1:, 1:])
    if not combined.any():
        raise MeasurementError(f"{where}no well has both compounds.")
    for name, alone, needed, levels in (
        ("A", grid.seen[1:, 0], combined.any(axis=1), grid.a[1:]),
        ("B", grid.seen[0, 1:], combined.any(axis=0), grid.b[1:]),
    ):
        missing = levels[needed & ~np.isfinite(alone)]
        if missing.size:
            raise MeasurementError(
                f"{where}compound {name} at {missing[0]:g} was combined but has no well alone."
            )


def _synergy(reference: Reference, grids: tuple[_Grid, ...]) -> Synergy:
    scored = [_score(reference, grid) for grid in grids]
    excess = np.array([one.excess for one in scored])
    excess[:, 0, :] = 0.0
    excess[:, :, 0] = 0.0
    means = [float(np.nanmean(one[1:, 1:])) for one in excess]
    middle, low, high = _cell_limits(excess)
    overall = batch_mean(means)
    flags = tuple(
        f"batch {grid.batch}: {flag}" if grid.batch else flag
        for grid, one in zip(grids, scored, strict=True)
        for flag in one.flags
    )
    return Synergy(
        reference=reference,
        dose_a=grids[0].a,
        dose_b=grids[0].b,
        expected=_mean_over_batches(np.array([one.expected for one in scored])),
        excess=middle,
        low=low,
        high=high,
        mean_excess=overall,
        single_a=tuple(one.single_a for one in scored if one.single_a is not None),
        single_b=tuple(one.single_b for one in scored if one.single_b is not None),
        converged=all(one.converged for one in scored),
        flags=flags,
        text=_text(reference, overall),
    )


@dataclass(frozen=True, slots=True)
class _Scored:
    expected: _Matrix
    excess: _Matrix
    single_a: Hill | None = None
    single_b: Hill | None = None
    flags: tuple[str, ...] = ()
    converged: bool = True


def _score(reference: Reference, grid: _Grid) -> _Scored:
    alone_a, alone_b = grid.seen[:, :1], grid.seen[:1, :]
    if reference == "bliss":
        expected = alone_a + alone_b - alone_a * alone_b
        return _Scored(expected, grid.seen - expected)
    if reference == "hsa":
        expected = np.maximum(alone_a, alone_b)
        return _Scored(expected, grid.seen - expected)
    for name, levels, alone in (("A", grid.a, alone_a.ravel()), ("B", grid.b, alone_b.ravel())):
        if np.isfinite(alone[levels > 0]).sum() < 3:
            raise MeasurementError(
                f"compound {name} has fewer than 3 doses alone: {reference.capitalize()} needs a "
                "fitted curve. Use Bliss or HSA."
            )
    first, second = fit_single_drugs(grid.a, alone_a.ravel(), grid.b, alone_b.ravel())
    flags = tuple(f"A alone: {flag}" for flag in first.flags)
    flags += tuple(f"B alone: {flag}" for flag in second.flags)
    converged = first.converged and second.converged
    if reference == "loewe":
        expected = _loewe(grid.a, grid.b, first, second)
        return _Scored(expected, grid.seen - expected, first, second, flags, converged)
    fitted_a, fitted_b = first.at(grid.a)[:, None], second.at(grid.b)[None, :]
    expected = fitted_a + fitted_b - fitted_a * fitted_b
    fitted, more = _shifted_curves(grid, first, second)
    return _Scored(expected, fitted - expected, first, second, flags + more, converged and not more)


def _loewe(a: NDArray[np.float64], b: NDArray[np.float64], first: Hill, second: Hill) -> _Matrix:
    """The inhibition y that solves a / D_A(y) + b / D_B(y) = 1, D = dose alone that gives y.

    A compound that cannot reach y alone (its plateau is below) needs an infinite dose, so its
    term is 0: the sum then falls steadily with y and there is always one solution.
    """
    dose_a, dose_b = np.broadcast_arrays(a[:, None], b[None, :])
    zero = first.at_zero_dose
    low = np.full(dose_a.shape, zero)
    high = np.full(dose_a.shape, max(zero, first.at_infinite_dose, second.at_infinite_dose))
    for _ in range(100):
        middle = (low + high) / 2
        total = first.share(dose_a, middle) + second.share(dose_b, middle)
        low, high = np.where(total > 1, middle, low), np.where(total > 1, high, middle)
    return np.asarray((low + high) / 2)


def _shifted_curves(grid: _Grid, first: Hill, second: Hill) -> tuple[_Matrix, tuple[str, ...]]:
    """Mean of the two fitted curves through each combination: along A and along B."""
    along = np.full((2, *grid.seen.shape), np.nan)
    unfinished = 0
    for i, dose in enumerate(grid.a):
        row = fit_hill(grid.b, grid.seen[i], at_zero_dose=float(first.at(dose)), start=second)
        along[0, i], unfinished = row.at(grid.b), unfinished + (not row.converged)
    for j, dose in enumerate(grid.b):
        line = fit_hill(grid.a, grid.seen[:, j], at_zero_dose=float(second.at(dose)), start=first)
        along[1, :, j], unfinished = line.at(grid.a), unfinished + (not line.converged)
    fitted = np.where(np.isfinite(grid.seen), along.mean(axis=0), np.nan)
    total = sum(grid.seen.shape)
    flags = (f"{unfinished} of {total} shifted curves ended at a bound",) if unfinished else ()
    return fitted, flags


def _cell_limits(excess: _Matrix) -> tuple[_Matrix, _Matrix, _Matrix]:
    middle = _mean_over_batches(excess)
    low, high = np.full(middle.shape, np.nan), np.full(middle.shape, np.nan)
    for place in np.ndindex(middle.shape):
        cell = excess[(slice(None), *place)]
        if np.isfinite(cell).sum() > 1:
            interval = batch_mean(cell)
            low[place], high[place] = interval.low, interval.high
    return middle, low, high


def _mean_over_batches(stack: _Matrix) -> _Matrix:
    count = np.isfinite(stack).sum(axis=0)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(count, np.nansum(stack, axis=0) / count, np.nan))


def _text(reference: str, mean: BatchMean) -> str:
    name = {"bliss": "Bliss", "hsa": "HSA", "loewe": "Loewe", "zip": "ZIP"}[reference]
    start = f"mean excess over {name} {100 * mean.value:+.1f} % points"
    if mean.low is None or mean.high is None:
        return f"{start}, {TECHNICAL_ONLY} (1 batch)"
    limits = f"{100 * mean.low:+.1f} to {100 * mean.high:+.1f}"
    return f"{start} (95 % CI {limits}, n = {mean.n} batches; no baseline correction)"
