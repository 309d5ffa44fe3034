"""Several curves in one system of parameters: which estimate belongs to which curve?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamella.potency.collapse import collapse
from lamella.potency.dose_table import CurvePoints
from lamella.potency.families import Family
from lamella.potency.family_fit import FamilyFit, fit_family

__all__ = ["CurveSystem"]

F8 = NDArray[np.float64]


@dataclass(frozen=True)
class CurveSystem:
    """All curves stacked: which estimate belongs to which parameter of which curve."""

    family: Family
    fits: tuple[FamilyFit, ...]
    place: NDArray[np.intp]  # (curves, parameters), -1 where held
    held: F8  # (curves, parameters)
    names: tuple[str, ...]
    box: tuple[F8, F8]

    @staticmethod
    def of(
        family: Family,
        curves: Sequence[CurvePoints],
        shared: frozenset[str],
        fixed: dict[str, float],
    ) -> CurveSystem:
        """Lay out the parameters of these curves; starts at their separate fits."""
        data = [collapse(c.dose, c.response, c.weight) for c in curves]
        fits = tuple(fit_family(family, d) for d in data)
        zero = np.zeros(len(family.names))
        names: list[str] = []
        place = np.full((len(curves), len(family.names)), -1, dtype=np.intp)
        held = np.zeros(place.shape)
        for k, points in enumerate(curves):
            for i, name in enumerate(family.names):
                if name in fixed:
                    held[k, i] = fixed[name] - family.to_dose_unit(zero, data[k].x0)[i]
                    continue
                full = name if name in shared else f"{name}:{points.id}"
                if full not in names:
                    names.append(full)
                place[k, i] = names.index(full)
        low, high = np.full(len(names), -np.inf), np.full(len(names), np.inf)
        for k, fit in enumerate(fits):
            floor, top = family.box(fit.data.x_range)
            # Estimates of all curves live in the units of the user; each curve has its middle.
            move = family.to_dose_unit(zero, fit.data.x0)
            for i in range(len(family.nonlinear)):
                if place[k, i] >= 0:
                    q = place[k, i]
                    low[q] = max(low[q], floor[i] + move[i])
                    high[q] = min(high[q], top[i] + move[i])
        return CurveSystem(family, fits, place, held, tuple(names), (low, high))

    @property
    def ss_pure(self) -> float:
        """Sum of squares around all dose means."""
        return float(sum(fit.data.ss_pure for fit in self.fits))

    @property
    def y(self) -> F8:
        """All dose means, stacked, shape (M,)."""
        return np.concatenate([fit.data.y for fit in self.fits])

    @property
    def root_w(self) -> F8:
        """Square roots of their weights, shape (M,)."""
        weights = np.concatenate([fit.data.w for fit in self.fits])
        return np.asarray(np.sqrt(weights), dtype=np.float64)

    def solve(self) -> tuple[F8, float]:
        """Least-squares estimates and their RSS around the dose means."""
        estimate = np.clip(self.start(), *self.box)
        residual = self._residual(estimate)
        rss, damping = float(residual @ residual), 1e-3
        for _ in range(500):
            jacobian = self.jacobian(estimate)
            gradient = jacobian.T @ residual
            hold = ((estimate <= self.box[0]) & (gradient < 0)) | (
                (estimate >= self.box[1]) & (gradient > 0)
            )
            scale = np.where(hold, 1.0, np.sqrt((jacobian**2).sum(axis=0)))
            scale = np.where(scale > 0, scale, 1.0)
            scaled = np.where(hold, 0.0, jacobian / scale)
            rows = np.vstack([scaled, np.sqrt(damping) * np.eye(scale.size)])
            right = np.append(residual, np.zeros(scale.size))
            step = np.linalg.lstsq(rows, right, rcond=None)[0] / scale
            trial = np.clip(estimate + np.where(hold, 0.0, step), *self.box)
            fresh = self._residual(trial)
            value = float(fresh @ fresh)
            small = float(np.abs(trial - estimate).max()) < 1e-12 * (1 + np.abs(estimate).max())
            if value <= rss:
                done = small or (rss - value) <= 1e-16 * rss
                estimate, residual, rss = trial, fresh, value
                damping = max(damping / 10, 1e-12)
                if done:
                    break
            else:
                damping *= 10
                if damping > 1e14:
                    break
        return estimate, rss

    def jacobian(self, estimate: F8) -> F8:
        """Derivatives of the weighted curves by all estimates, shape (M, q)."""
        return np.asarray(self.means(estimate)[1] * self.root_w[:, None], dtype=np.float64)

    def means(self, estimate: F8) -> tuple[F8, F8]:
        """All curves at their doses, stacked (M,), and their derivatives (M, q)."""
        values, blocks = [], []
        for k, fit in enumerate(self.fits):
            theta = self._theta(k, estimate)
            block = np.zeros((fit.data.x.size, len(self.names)))
            columns = self.family.jacobian(fit.data.x, theta)
            for i, q in enumerate(self.place[k]):
                if q >= 0:
                    block[:, q] += columns[:, i]
            blocks.append(block)
            values.append(self.family.value(fit.data.x, theta))
        return np.concatenate(values), np.concatenate(blocks)

    def observed(self, estimate: F8) -> F8 | None:
        """Inverse of half the second derivative of the sum of squares, (q, q)."""
        half = np.zeros((estimate.size, estimate.size))
        for i in range(estimate.size):
            step = np.zeros(estimate.size)
            step[i] = 1e-5 * max(1.0, abs(estimate[i]))
            ends = [
                -self.jacobian(estimate + side * step).T @ self._residual(estimate + side * step)
                for side in (1.0, -1.0)
            ]
            half[i] = (ends[0] - ends[1]) / (2 * step[i])
        half = 0.5 * (half + half.T)
        if np.linalg.eigvalsh(half)[0] <= 0:
            return None
        return np.asarray(np.linalg.inv(half), dtype=np.float64)

    def _residual(self, estimate: F8) -> F8:
        return np.asarray((self.y - self.means(estimate)[0]) * self.root_w, dtype=np.float64)

    def _theta(self, k: int, estimate: F8) -> F8:
        move = self.family.to_dose_unit(np.zeros(len(self.family.names)), self.fits[k].data.x0)
        place = self.place[k]
        theta = np.where(place >= 0, estimate[place] - move, self.held[k])
        return np.asarray(theta, dtype=np.float64)

    def start(self) -> F8:
        """Estimates of the separate fits; shared ones averaged."""
        total, count = np.zeros(len(self.names)), np.zeros(len(self.names))
        for k, fit in enumerate(self.fits):
            theta = self.family.to_dose_unit(fit.theta, fit.data.x0)
            for i, q in enumerate(self.place[k]):
                if q >= 0:
                    total[q] += theta[i]
                    count[q] += 1
        return total / count
