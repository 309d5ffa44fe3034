"""Which parameters fit best? Levenberg-Marquardt for curves that are linear in their plateaus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Columns", "Optimum", "Problem", "covariance", "eliminate", "minimise"]

F8 = NDArray[np.float64]

Columns = Callable[[F8, F8], tuple[F8, F8]]
"""x (m,) or (S, m) and nonlinear parameters (S, p) -> (S, m, k) and derivatives (S, m, k, p)."""

_State = tuple[F8, F8, F8, F8, F8]

_TINY = 1e-13
_VANISHED = 1e-150
_MANY = 100
"""Above so many starts NumPy's loop over columns costs less than LAPACK's loop over starts."""


@dataclass(frozen=True)
class Optimum:
    """Best point of each start.

    Attributes:
        nonlinear: Shape (S, p).
        linear: Shape (S, k).
        rss: Weighted residual sum of squares, shape (S,).
        converged: Shape (S,).
    """

    nonlinear: F8
    linear: F8
    rss: F8
    converged: NDArray[np.bool_]


def eliminate(columns: F8, y: F8) -> tuple[F8, F8, F8]:
    """Best linear parameters of each start: (orthonormal columns, coefficients, residuals).

    Args:
        columns: Weighted columns, shape (S, m, k).
        y: Weighted responses minus offset, shape (m,) or (S, m).
    Returns:
        Shapes (S, m, k), (S, k), (S, m). A column that depends on those before it gets
        coefficient 0.
    """
    starts, m, k = columns.shape
    y = np.broadcast_to(y, (starts, m))
    if k == 0 or k > m or starts > _MANY:
        return _column_by_column(columns, y)
    q, upper = np.linalg.qr(columns)
    diagonal = np.abs(np.einsum("skk->sk", upper))
    length = np.sqrt(np.einsum("smk,smk->sk", columns, columns))
    # Columns whose squares underflow carry nothing: their coefficients would be infinite.
    dependent = ~((diagonal > _TINY * length) & (length > _VANISHED)).all(axis=1)
    if dependent.any():
        upper[dependent] = np.eye(k)
    along = np.matmul(y[:, None, :], q)
    residual = y - np.matmul(q, along.transpose(0, 2, 1))[:, :, 0]
    again = np.matmul(residual[:, None, :], q)  # twice is enough for full orthogonality
    residual -= np.matmul(q, again.transpose(0, 2, 1))[:, :, 0]
    coefficients = np.linalg.solve(upper, (along + again).transpose(0, 2, 1))[:, :, 0]
    if dependent.any():
        rows = np.flatnonzero(dependent)
        for whole, part in zip(
            (q, coefficients, residual), _column_by_column(columns[rows], y[rows]), strict=True
        ):
            whole[rows] = part
    return q, coefficients, residual


def _column_by_column(columns: F8, y: F8) -> tuple[F8, F8, F8]:
    """As `eliminate` by Gram-Schmidt: faster for many starts, and right for dependent columns."""
    starts, _, k = columns.shape
    q = np.zeros_like(columns)
    upper = np.zeros((starts, k, k))
    residual = y.copy()
    along = np.zeros((starts, k))
    for j in range(k):
        column = columns[:, :, j].copy()
        before = np.sqrt(np.einsum("sm,sm->s", column, column))
        for _ in range(2):  # twice is enough for full orthogonality
            part = np.einsum("smi,sm->si", q[:, :, :j], column)
            column -= np.einsum("smi,si->sm", q[:, :, :j], part)
            upper[:, :j, j] += part
        norm = np.sqrt(np.einsum("sm,sm->s", column, column))
        free = norm > _TINY * np.maximum(before, 1e-300)
        upper[:, j, j] = np.where(free, norm, 1.0)
        q[:, :, j] = np.where(free[:, None], column, 0.0) / upper[:, j, j, None]
        for _ in range(2):
            part_y = np.einsum("sm,sm->s", q[:, :, j], residual)
            residual -= q[:, :, j] * part_y[:, None]
            along[:, j] += part_y
    coefficients = np.zeros((starts, k))
    for j in range(k - 1, -1, -1):
        rest = np.einsum("si,si->s", upper[:, j, j + 1 :], coefficients[:, j + 1 :])
        coefficients[:, j] = np.where(q[:, :, j].any(axis=1), along[:, j] - rest, 0.0)
        coefficients[:, j] /= upper[:, j, j]
    return q, coefficients, residual


@dataclass(frozen=True)
class Problem:
    """Weighted least-squares problems that are linear in some of their parameters.

    One problem for all starts, or one a start: every array may have a leading axis S.

    Attributes:
        columns: See `Columns`.
        x: Where the responses were taken, shape (m,) or (S, m).
        y: Responses, same shapes.
        root_w: Square roots of the weights, same shapes; 0 where a shorter curve is padded.
        bounds: Lowest and highest nonlinear parameters, shapes (p,) or (S, p).
        held: Values of linear parameters that are fixed, NaN where free, shape (k,) or (S, k);
            the same ones in every row.
    """

    columns: Columns
    x: F8
    y: F8
    root_w: F8
    bounds: tuple[F8, F8]
    held: F8

    def rows(self, starts: int) -> Problem:
        """The same with a leading axis of this length everywhere."""
        wide = [
            np.broadcast_to(part, (starts, part.shape[-1]))
            for part in (self.x, self.y, self.root_w, *self.bounds, self.held)
        ]
        x, y, root_w, low, high, held = wide
        return Problem(self.columns, x, y, root_w, (low, high), held)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Problem:
        """These rows of a problem that has a leading axis."""
        low, high = self.bounds
        x, y, root_w = self.x[rows], self.y[rows], self.root_w[rows]
        return Problem(self.columns, x, y, root_w, (low[rows], high[rows]), self.held[rows])

    def rss(self, nu: F8) -> F8:
        """RSS of the best linear parameters at each row of nonlinear ones, shape (S,)."""
        residual = self.rows(len(nu)).solve(self.columns(self.x, nu)[0])[2]
        return np.asarray(np.einsum("sm,sm->s", residual, residual), dtype=np.float64)

    def solve(self, columns: F8) -> tuple[F8, F8, F8]:
        """`eliminate` of columns (S, m, k) with the weights and the held parameters."""
        columns = columns * self.root_w[:, :, None]
        y = self.y * self.root_w
        free = np.isnan(self.held[0])
        if free.all():
            return eliminate(columns, y)
        linear = np.where(free, 0.0, self.held)
        offset = np.einsum("smk,sk->sm", columns, linear)
        q, linear[:, free], residual = eliminate(columns[:, :, free], y - offset)
        return q, linear, residual


def minimise(
    problem: Problem, starts: F8, *, iterations: int = 300, tolerance: float = 1e-15
) -> Optimum:
    """Local optimum from each start, the linear parameters eliminated at every step.

    Variable projection (Golub and Pereyra 1973, Kaufman's Jacobian) with Marquardt's scaled
    damping; steps are clamped to the bounds, and a parameter that pushes against its bound
    rests there.

    Args:
        problem: What is fitted.
        starts: Nonlinear parameters, shape (S, p).
        iterations: At most this many steps.
        tolerance: A start rests when a step gains less than this share of its RSS.
    """
    rows = problem.rows(len(starts))
    nu = np.clip(starts, *rows.bounds)
    state = (nu, *_evaluate(rows, nu))
    best = Optimum(nu.copy(), state[2].copy(), state[1].copy(), np.zeros(len(nu), bool))
    if nu.shape[1] == 0:
        return Optimum(nu, best.linear, best.rss, ~best.converged)
    at, damping = np.arange(len(nu)), np.full(len(nu), 1e-3)
    floor = np.finfo(float).eps ** 2 * ((rows.y * rows.root_w) ** 2).sum(axis=1) + 1e-300
    # A rough solution wants the RSS alone: along a flat valley the parameters may still move.
    settled = 1e-8 if tolerance < 1e-13 else np.inf
    for _ in range(iterations):
        trial = state[0] + _step(state, rows.bounds, damping)
        trial = np.minimum(np.maximum(trial, rows.bounds[0]), rows.bounds[1])
        fresh = (trial, *_evaluate(rows, trial))
        gain = state[1] - fresh[1]
        moved = np.abs(trial - state[0]).max(axis=1)
        small = np.abs(gain) <= tolerance * state[1]
        rest = (moved < 1e-11) | (small & (moved < settled))
        rest |= (fresh[1] <= floor[at]) | (damping > 1e12)
        better = gain >= 0
        for old, new in zip(state, fresh, strict=True):
            np.copyto(old, new, where=better.reshape(-1, *[1] * (old.ndim - 1)))
        damping = np.where(better, np.maximum(damping / 5, 1e-12), damping * 4)
        if rest.any():
            _keep(best, at[rest], [part[rest] for part in state], converged=True)
            on = ~rest
            at, damping, rows = at[on], damping[on], rows.take(on)
            state = tuple(part[on] for part in state)
        if at.size == 0:
            break
    _keep(best, at, list(state), converged=False)
    return best


def _keep(best: Optimum, at: NDArray[np.intp], state: list[F8], *, converged: bool) -> None:
    best.nonlinear[at], best.rss[at], best.linear[at] = state[:3]
    best.converged[at] = converged


def _evaluate(rows: Problem, nu: F8) -> tuple[F8, F8, F8, F8]:
    """RSS (S,), linear parameters (S, k), gradient (S, p) and Jacobian (S, m, p)."""
    columns, slopes = rows.columns(rows.x, nu)
    q, linear, residual = rows.solve(columns)
    jacobian = np.einsum("smkp,sk->smp", slopes, linear) * rows.root_w[:, :, None]
    # einsum, unlike matmul, lets a hopeless start overflow in silence: it loses anyway.
    jacobian -= np.einsum("smi,sip->smp", q, np.einsum("smi,smp->sip", q, jacobian))
    gradient = np.einsum("smp,sm->sp", jacobian, residual)
    return np.einsum("sm,sm->s", residual, residual), linear, gradient, jacobian


def _step(state: _State, bounds: tuple[F8, F8], damping: F8) -> F8:
    nu, _, _, gradient, jacobian = state
    low, high = bounds
    hold = ((nu <= low) & (gradient < 0)) | ((nu >= high) & (gradient > 0))
    normal = np.einsum("smp,smr->spr", jacobian, jacobian)
    scale = np.sqrt(np.einsum("spp->sp", normal))
    dead = hold | (scale <= 1e-150)
    scale = np.where(dead, 1.0, scale)
    normal = normal / (scale[:, :, None] * scale[:, None, :])
    normal = np.where(dead[:, :, None] | dead[:, None, :], 0.0, normal)
    diagonal = np.arange(nu.shape[1])
    normal[:, diagonal, diagonal] = 1.0 + damping[:, None]
    right = np.where(dead, 0.0, gradient / scale)
    return np.where(dead, 0.0, np.linalg.solve(normal, right[:, :, None])[:, :, 0] / scale)


def covariance(jacobian: F8) -> F8 | None:
    """Inverse of J'J by QR of the scaled columns, shape (p, p); None where it is singular.

    >>> covariance(np.array([[1.0, 0.0], [0.0, 2.0]])).tolist()
    [[1.0, 0.0], [0.0, 0.25]]
    """
    scale = np.sqrt((jacobian**2).sum(axis=0))
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        return None
    upper = np.linalg.qr(jacobian / scale, mode="r")
    diagonal = np.abs(np.diag(upper))
    if diagonal.min() <= 1e-14 * diagonal.max():
        return None
    inverse = np.linalg.solve(upper, np.eye(len(scale))) / scale[:, None]
    return np.asarray(inverse @ inverse.T, dtype=np.float64)
