"""Which parameters fit best? Levenberg-Marquardt for curves that are linear in their plateaus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Basis", "Optimum", "Problem", "covariance", "eliminate", "minimise"]

F8 = NDArray[np.float64]

Basis = Callable[[F8], tuple[F8, F8]]
"""Nonlinear parameters (S, p) -> columns (S, m, k) and their derivatives (S, m, k, p)."""

_TINY = 1e-13


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
    starts, _, k = columns.shape
    q = np.zeros_like(columns)
    upper = np.zeros((starts, k, k))
    residual = np.broadcast_to(y, columns.shape[:2]).copy()
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
    """A weighted least-squares problem that is linear in some of its parameters.

    Attributes:
        basis: See `Basis`.
        y: Responses, shape (m,), or (S, m) for one curve a start.
        root_w: Square roots of the weights, shape (m,).
        bounds: Lowest and highest nonlinear parameters, shapes (p,) or (S, p).
        held: Values of linear parameters that are fixed, NaN where free, shape (k,).
    """

    basis: Basis
    y: F8
    root_w: F8
    bounds: tuple[F8, F8]
    held: F8

    def rss(self, nu: F8) -> F8:
        """RSS of the best linear parameters at each row of nonlinear ones, shape (S,)."""
        columns = self.basis(nu)[0] * self.root_w[:, None]
        free = np.isnan(self.held)
        offset = columns @ np.where(free, 0.0, self.held)
        residual = eliminate(columns[:, :, free], self.y * self.root_w - offset)[2]
        return np.asarray(np.einsum("sm,sm->s", residual, residual), dtype=np.float64)


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
    basis, root_w, held = problem.basis, problem.root_w, problem.held
    low, high = (np.broadcast_to(side, starts.shape) for side in problem.bounds)
    yw = np.broadcast_to(problem.y * root_w, (len(starts), root_w.size))
    nu = np.clip(starts, low, high)
    state = _evaluate(basis, nu, yw, root_w, held)
    if nu.shape[1] == 0:
        return Optimum(nu, state[1], state[0], np.ones(len(nu), bool))
    damping = np.full(len(nu), 1e-3)
    active = np.ones(len(nu), bool)
    floor = np.finfo(float).eps ** 2 * np.einsum("sm,sm->s", yw, yw) + 1e-300
    # A rough solution wants the RSS alone: along a flat valley the parameters may still move.
    settled = 1e-8 if tolerance < 1e-13 else np.inf
    for _ in range(iterations):
        at = np.flatnonzero(active)
        if at.size == 0:
            break
        gradient, jacobian = state[2][at], state[3][at]
        step = _step(gradient, jacobian, nu[at], (low[at], high[at]), damping[at])
        trial = np.clip(nu[at] + step, low[at], high[at])
        fresh = _evaluate(basis, trial, yw[at], root_w, held)
        gain = state[0][at] - fresh[0]
        better = gain >= 0
        moved = np.abs(trial - nu[at]).max(axis=1)
        small = np.abs(gain) <= tolerance * state[0][at]
        rest = (moved < 1e-11) | (small & (moved < settled))
        rest |= (fresh[0] <= floor[at]) | (damping[at] > 1e12)
        win = at[better]
        nu[win] = trial[better]
        for old, new in zip(state, fresh, strict=True):
            old[win] = new[better]
        damping[at] = np.where(better, np.maximum(damping[at] / 5, 1e-12), damping[at] * 4)
        active[at[rest]] = False
    return Optimum(nu, state[1], state[0], ~active)


def _evaluate(basis: Basis, nu: F8, yw: F8, root_w: F8, held: F8) -> tuple[F8, F8, F8, F8]:
    columns, slopes = basis(nu)
    columns = columns * root_w[:, None]
    free = np.isnan(held)
    linear = np.broadcast_to(np.where(free, 0.0, held), (len(nu), held.size)).copy()
    q, linear[:, free], residual = eliminate(
        columns[:, :, free], yw - np.einsum("smk,sk->sm", columns, linear)
    )
    jacobian = np.einsum("smkp,sk->smp", slopes, linear) * root_w[:, None]
    jacobian -= np.einsum("smi,sip->smp", q, np.einsum("smi,smp->sip", q, jacobian))
    gradient = np.einsum("smp,sm->sp", jacobian, residual)
    return np.einsum("sm,sm->s", residual, residual), linear, gradient, jacobian


def _step(gradient: F8, jacobian: F8, nu: F8, bounds: tuple[F8, F8], damping: F8) -> F8:
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
