"""What is the effect of treatment when batches differ and wells within batches are no n?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from lamella.errors import MeasurementError, nearest
from lamella.potency.anova import f_tail
from lamella.potency.groups import Labels, Numbers, codes, joint_codes, numbers

__all__ = ["Contrast", "DfMethod", "NestedModel", "nested_model"]

DfMethod = Literal["kenward-roger", "satterthwaite"]
_Matrix: TypeAlias = NDArray[np.floating[Any]]

_NO_SCATTER = 1e-14  # of the variance of the data
_TOO_THIN = (
    "Batch and scatter cannot be told apart in this design: too few batches hold the same "
    "treatments. Add batches that hold the vehicle and the treatment side by side."
)


@dataclass(frozen=True, slots=True)
class Contrast:
    """One treatment less the vehicle, in the unit of the values, with 95 % t-interval."""

    treatment: str
    estimate: float
    se: float
    df: float
    t: float
    p: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class NestedModel:
    """A fitted model value ~ treatment + random batch + random batch-by-treatment + residual.

    Attributes:
        contrasts: One for each treatment other than the vehicle.
        variance_batch: Between batches, squared unit of the values. A component may come out
            negative (the data vary less than the level below predicts); it is not held at 0.
        variance_batch_treatment: Of the treatment effect between batches; holds the residual
            too where there is one row a cell; None where batches are not shared.
        variance_residual: Between rows of one batch and treatment; None without replicates.
        f: Test of all treatments together, with `df_numerator` and `df_denominator`.
        p: Its probability.
        n_batches: The n of every claim.
        n_rows: Rows that entered.
        method: One sentence for the methods section.
    """

    contrasts: tuple[Contrast, ...]
    variance_batch: float
    variance_batch_treatment: float | None
    variance_residual: float | None
    f: float
    df_numerator: int
    df_denominator: float
    p: float
    n_batches: int
    n_rows: int
    method: str


def nested_model(
    value: Numbers,
    treatment: Labels,
    *,
    batch: Labels,
    vehicle: str,
    df_method: DfMethod = "kenward-roger",
) -> NestedModel:
    """Treatment effects with batch as n, also where wells or treatments are missing.

    Restricted maximum likelihood on the means of each batch and treatment. Each mean counts
    once whatever its number of wells: weighting by wells would let a component estimated as 0
    turn wells into n (measured in `docs/decisions/0015-*`). With equal numbers of wells this
    is the full model of the rows; with all treatments in all batches, the paired t-test.

    Args:
        value: Shape (n,), one row a well; average fields and cells to wells first
            (`level_means`). Take logarithms first where effects are ratios.
        treatment: Shape (n,).
        batch: Shape (n,), names unique over treatments where batches are not shared.
        vehicle: The treatment that the others are compared with.
        df_method: Kenward-Roger also corrects the standard error for unbalanced data.

    Raises:
        MeasurementError: No vehicle, one batch, or too few rows to estimate the scatter.

    References:
        Kenward and Roger 1997, Biometrics 53:983; Satterthwaite 1946.

    >>> speed = [10.0, 11.0, 8.0, 8.5, 12.0, 13.0, 9.0, 9.8, 9.0, 9.4, 7.5, 8.1]
    >>> drug = ["vehicle", "vehicle", "drug", "drug"] * 3
    >>> day = ["1"] * 4 + ["2"] * 4 + ["3"] * 4
    >>> fit = nested_model(speed, drug, batch=day, vehicle="vehicle")
    >>> contrast = fit.contrasts[0]
    >>> round(contrast.estimate, 3), round(contrast.df, 3), round(contrast.p, 4)
    (-2.25, 2.0, 0.0444)
    """
    cells = _Cells(value, treatment, batch, vehicle)
    try:
        theta = _restricted_likelihood(cells)
        state = _State(cells, theta)
        weight = np.linalg.inv(state.information())
        adjusted = state.phi
        if df_method == "kenward-roger":
            adjusted = state.kenward_roger_covariance(weight)
        f, df2 = state.joint_test(weight, adjusted)
    except np.linalg.LinAlgError as error:
        raise MeasurementError(_TOO_THIN) from error
    if not (df2 > 0 and f >= 0 and np.all(np.diag(adjusted) > 0)):
        raise MeasurementError(_TOO_THIN)
    batch_part, crossed_part, residual = cells.components(theta)
    return NestedModel(
        contrasts=tuple(_contrasts(cells, state, weight, adjusted)),
        variance_batch=batch_part,
        variance_batch_treatment=crossed_part,
        variance_residual=residual,
        f=f,
        df_numerator=len(cells.others),
        df_denominator=df2,
        p=f_tail(f, len(cells.others), df2),
        n_batches=cells.n_batches,
        n_rows=cells.n_rows,
        method=(
            "restricted maximum likelihood on means per batch and treatment, random "
            f"{'batch' if cells.shared else 'batch within treatment'}, "
            f"{df_method.title()} degrees of freedom"
        ),
    )


class _Cells:
    """Means of each batch and treatment, and how they may vary together."""

    def __init__(self, value: Numbers, treatment: Labels, batch: Labels, vehicle: str) -> None:
        array = numbers(value)
        keep = np.isfinite(array)
        kept = array[keep]
        treatments, t_code = codes(
            [t for t, k in zip(treatment, keep, strict=True) if k], kept.size
        )
        batches, b_code = codes([b for b, k in zip(batch, keep, strict=True) if k], kept.size)
        _check(treatments, batches, vehicle)
        self.scale = float(np.std(kept)) or 1.0
        kept = (kept - kept[0]) / self.scale
        _, row = joint_codes(t_code, b_code, length=kept.size)
        self.rows = np.bincount(row)
        self.y = np.bincount(row, weights=kept) / self.rows
        self.n_rows, self.n_batches, size = kept.size, len(batches), self.y.size
        self.within = float(np.sum((kept - self.y[row]) ** 2))
        first = np.array([np.flatnonzero(row == cell)[0] for cell in range(size)])
        self.others = tuple(name for name in treatments if name != vehicle)
        self.x = np.ones((size, 1 + len(self.others)))
        for place, name in enumerate(self.others, start=1):
            self.x[:, place] = t_code[first] == treatments.index(name)
        same_batch = (b_code[first][:, None] == b_code[first][None, :]).astype(np.float64)
        block = same_batch.sum(axis=1)
        self.shared = bool(np.any(block > 1))
        self.v: list[_Matrix] = [np.eye(size)] + [same_batch] * self.shared
        # With unequal blocks the likelihood has no maximum below 0.
        open_below = -np.inf if np.all(block == block[0]) else 0.0
        self.lowest = np.array([_NO_SCATTER, open_below])[: len(self.v)]
        if size <= self.x.shape[1] + self.shared:
            raise MeasurementError(
                f"{size} means of {len(batches)} batches leave no scatter to test against. Add "
                "batches, or state the result as technical replicates only."
            )

    def components(self, theta: _Matrix) -> tuple[float, float | None, float | None]:
        """Variances of batch, batch x treatment and rows, in the squared unit of the values."""
        theta = theta * self.scale**2
        df = self.n_rows - self.y.size
        residual = self.within * self.scale**2 / df if df else None
        upper = float(theta[0]) - (residual or 0.0) * float(np.mean(1 / self.rows))
        return (float(theta[1]), upper, residual) if self.shared else (upper, None, residual)


class _State:
    """Everything that follows from one choice of the variance components."""

    def __init__(self, cells: _Cells, theta: _Matrix) -> None:
        self.cells, self.theta = cells, theta
        v = np.einsum("k,kij->ij", theta, np.array(cells.v))
        root = np.linalg.cholesky(v)  # raises where this choice is no covariance
        self.inverse = np.linalg.inv(v)
        xvx = cells.x.T @ self.inverse @ cells.x
        self.phi = np.linalg.inv(xvx)
        self.beta = self.phi @ cells.x.T @ self.inverse @ cells.y
        residual = cells.y - cells.x @ self.beta
        self.py = self.inverse @ residual
        self.minus_two_log = 2 * float(np.sum(np.log(np.diag(root))))
        self.minus_two_log += float(np.linalg.slogdet(xvx)[1]) + float(residual @ self.py)
        vix = self.inverse @ cells.x
        self.projection = self.inverse - vix @ self.phi @ vix.T
        self.slopes = [vix.T @ one @ vix for one in cells.v]

    def score(self) -> _Matrix:
        """Gradient of the restricted log likelihood in the components."""
        out = np.array([self.py @ v @ self.py - np.sum(self.projection * v) for v in self.cells.v])
        return np.asarray(out / 2)

    def information(self) -> _Matrix:
        """Expected information of the components."""
        moved = [self.projection @ v for v in self.cells.v]
        out = np.array([[np.sum(a * b.T) for b in moved] for a in moved])
        return np.asarray(out / 2)

    def kenward_roger_covariance(self, weight: _Matrix) -> _Matrix:
        """Covariance of the effects, corrected for estimated components."""
        vix = self.inverse @ self.cells.x
        total = np.zeros_like(self.phi)
        for i, vi in enumerate(self.cells.v):
            for j, vj in enumerate(self.cells.v):
                q = vix.T @ vi @ self.inverse @ vj @ vix
                total += weight[i, j] * (q - self.slopes[i] @ self.phi @ self.slopes[j])
        return np.asarray(self.phi + 2 * self.phi @ total @ self.phi)

    def joint_test(self, weight: _Matrix, adjusted: _Matrix) -> tuple[float, float]:
        """F of all treatments together and its denominator degrees of freedom."""
        size = self.phi.shape[0] - 1
        pick = np.eye(self.phi.shape[0])[:, 1:]
        theta = pick @ np.linalg.inv(pick.T @ self.phi @ pick) @ pick.T
        moved = [theta @ self.phi @ slope @ self.phi for slope in self.slopes]
        a1 = sum(
            weight[i, j] * np.trace(a) * np.trace(b)
            for i, a in enumerate(moved)
            for j, b in enumerate(moved)
        )
        a2 = sum(
            weight[i, j] * np.sum(a * b.T) for i, a in enumerate(moved) for j, b in enumerate(moved)
        )
        df, shrink = _kenward_roger_df(float(a1), float(a2), size)
        effects = self.beta[1:]
        wald = float(effects @ np.linalg.solve(adjusted[1:, 1:], effects))
        return shrink * wald / size, df


def _kenward_roger_df(a1: float, a2: float, size: int) -> tuple[float, float]:
    if size == 1:
        return 2 / a2, 1.0
    b = (a1 + 6 * a2) / (2 * size)
    g = ((size + 1) * a1 - (size + 4) * a2) / ((size + 2) * a2)
    base = 3 * size + 2 * (1 - g)
    c1, c2, c3 = g / base, (size - g) / base, (size + 2 - g) / base
    mean = 1 / (1 - a2 / size)
    variance = 2 / size * (1 + c1 * b) / ((1 - c2 * b) ** 2 * (1 - c3 * b))
    rho = variance / (2 * mean**2)
    df = 4 + (size + 2) / (size * rho - 1)
    return df, df / (mean * (df - 2))


def _restricted_likelihood(cells: _Cells) -> _Matrix:
    """Components of the highest restricted likelihood, by Fisher scoring within their bounds."""
    theta = np.full(len(cells.v), 0.5)
    state = _State(cells, theta)
    for _ in range(100):
        score = state.score()
        free = ~((state.theta <= cells.lowest) & (score <= 0))
        if not free.any():
            break
        step = np.zeros_like(theta)
        step[free] = np.linalg.solve(state.information()[np.ix_(free, free)], score[free])
        better = _step(cells, state, step)
        if better is None:
            break
        moved = np.max(np.abs(better.theta - state.theta)) / np.max(np.abs(better.theta))
        state = better
        if moved < 1e-12:
            break
    if state.theta[0] <= 2 * _NO_SCATTER:
        raise MeasurementError(
            "The treatment effect is the same in every batch to the last digit, so its scatter "
            "between batches cannot be estimated. Check for copied values."
        )
    return state.theta


def _step(cells: _Cells, state: _State, step: _Matrix) -> _State | None:
    """The scoring step, halved until it is a covariance and fits no worse."""
    for halving in range(30):
        theta = np.maximum(state.theta + step / 2**halving, cells.lowest)
        try:
            better = _State(cells, theta)
        except np.linalg.LinAlgError:
            continue
        if better.minus_two_log <= state.minus_two_log + 1e-12 * abs(state.minus_two_log):
            return better
    return None


def _check(treatments: tuple[str, ...], batches: tuple[str, ...], vehicle: str) -> None:
    if vehicle not in treatments:
        raise MeasurementError(
            f"no row is called '{vehicle}', so there is nothing to compare with. "
            f"{nearest(vehicle, treatments)}"
        )
    if len(treatments) < 2:
        raise MeasurementError(f"all rows are '{vehicle}': add a treatment to compare.")
    if len(batches) < 2:
        raise MeasurementError(
            "one batch: technical replicates only. Repeat the experiment on another day or "
            "passage before a difference is tested."
        )


def _contrasts(
    cells: _Cells, state: _State, weight: _Matrix, adjusted: _Matrix
) -> Iterator[Contrast]:
    """Each treatment less the vehicle, in the unit of the values."""
    for place, name in enumerate(cells.others, start=1):
        row = state.phi[place]
        gradient = np.array([row @ slope @ row for slope in state.slopes])
        df = 2 * float(row[place]) ** 2 / float(gradient @ weight @ gradient)
        estimate = float(state.beta[place]) * cells.scale
        se = math.sqrt(adjusted[place, place]) * cells.scale
        half = float(special.stdtrit(df, 0.975)) * se
        t = estimate / se
        p = float(2 * special.stdtr(df, -abs(t)))
        yield Contrast(name, estimate, se, df, t, p, estimate - half, estimate + half)
