"""The stiff integrator in whole arrays: all runs side by side, each with its own step.

The same method, step control and ends as `stiff_numba`; needs nothing but NumPy.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lamella.signalling.compiled import Code
from lamella.signalling.steps import (
    DONE,
    FAILED_SIZE,
    FAILED_STEPS,
    FAILED_VALUE,
    LARGEST,
    MOST_STEPS,
    SMALLEST,
    Batch,
    Runs,
)
from lamella.signalling.tableau import ADVANCE, COUPLE, GAMMA, INTERPOLATE, STAGES

__all__ = ["integrate"]

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]


def integrate(code: Code, batch: Batch) -> Runs:
    """Every run of a batch; see `lamella.signalling.simulation`."""
    with np.errstate(all="ignore"):
        return _March(code, batch).runs()


class _March:
    """The state of all runs; arrays are (species, runs), as the functions of a network want."""

    def __init__(self, code: Code, batch: Batch) -> None:
        self.code, self.batch = code, batch
        count, size = batch.start.shape
        self.y = np.ascontiguousarray(batch.start.T)
        self.p = np.ascontiguousarray(batch.parameters.T)
        self.t = np.zeros(count)
        self.values = np.full((count, len(batch.times_s), size), np.nan)
        self.status = np.full(count, -1, np.int64)
        self.worst = np.zeros(count, np.int64)
        self.steps = np.zeros(count, np.int64)
        self.at = np.zeros(count, np.int64)
        if batch.times_s[0] <= 0:
            self.values[:, 0] = batch.start
            self.at += 1
        self.status[self.at == len(batch.times_s)] = DONE
        self.h = self._first_steps()

    def runs(self) -> Runs:
        """March until every run has ended."""
        for _ in range(MOST_STEPS):
            live = np.flatnonzero(self.status < 0)
            if not live.size:
                break
            self._limit(live)
            live = live[self.status[live] < 0]
            if live.size:
                self._step(live)
        self.status[self.status < 0] = FAILED_STEPS
        return Runs(self.values, self.status, self.t, self.worst, self.steps)

    def _first_steps(self) -> F8:
        rate = self._filled(self.code.slope, np.arange(self.t.size), len(self.y))
        scale = self.batch.atol + self.batch.rtol * np.abs(self.y)
        size, speed = (((part / scale) ** 2).sum(axis=0) for part in (self.y, rate))
        first = 0.01 * np.maximum(np.sqrt(size / speed), 1e-6)
        return np.where((speed > 1e-20) & np.isfinite(speed), first, 1e-3)

    def _filled(
        self, function: Callable[..., None], live: I8, rows: int, y: F8 | None = None
    ) -> F8:
        out = np.empty((rows, live.size))
        function(self.y[:, live] if y is None else y, self.p[:, live], out)
        return out

    def _limit(self, live: I8) -> None:
        """Steps that end with the last time; runs whose step has become too small are ended."""
        times, t = self.batch.times_s, self.t[live]
        h = np.minimum(self.h[live], times[-1] - t)
        small = SMALLEST * np.where(t == 0, times[np.minimum(self.at[live], len(times) - 1)], t)
        bad = (h < small) | ~(h > 0)
        lost = self.y[self.worst[live], live]
        ended = np.where(np.isfinite(lost), FAILED_SIZE, FAILED_VALUE)
        self.status[live[bad]] = ended[bad]
        self.h[live] = h

    def _step(self, live: I8) -> None:
        self.steps[live] += 1
        y, h = self.y[:, live], self.h[live]
        increments, new = self._stages(live, y, h)
        error, worst = self._errors(y, new, increments[-1])
        self.worst[live] = worst
        good = error <= 1
        self._keep(live[good], (y[:, good], new[:, good], increments[:, :, good]))
        factor = np.clip(0.9 * np.maximum(error, 1e-10) ** -0.2, 0.15, 6.0)
        self.h[live] = h * np.where(np.isfinite(error), factor, 0.15)

    def _stages(self, live: I8, y: F8, h: F8) -> tuple[F8, F8]:
        """Increments, shape (8, species, runs), and the states at the end."""
        inverse = self._inverse(live, h)
        rate = self._filled(self.code.slope, live, len(y))
        increments = np.zeros((STAGES, *y.shape))
        new = y
        for i in range(STAGES):
            if i > 0:
                new = y + np.tensordot(ADVANCE[i, :i], increments[:i], 1)
                rate = self._filled(self.code.slope, live, len(y), new)
            right = rate + np.tensordot(COUPLE[i, :i], increments[:i], 1) / h
            increments[i] = np.einsum("bij,jb->ib", inverse, right)
        return increments, np.asarray(new + increments[-1], np.float64)

    def _inverse(self, live: I8, h: F8) -> F8:
        """Inverse of the stage matrix of each run; NaN where it has none."""
        entries = self._filled(self.code.jacobian, live, len(self.code.rows))
        matrix = np.zeros((live.size, len(self.y), len(self.y)))
        matrix[:, self.code.rows, self.code.columns] = -entries.T
        diagonal = np.arange(len(self.y))
        matrix[:, diagonal, diagonal] += 1 / (GAMMA * h[:, None])
        sound = np.isfinite(matrix).all(axis=(1, 2))
        matrix[~sound] = np.eye(len(self.y))
        try:
            inverse = np.linalg.inv(matrix)
        except np.linalg.LinAlgError:
            inverse = np.stack([_inverse(one) for one in matrix])
        inverse[~sound] = np.nan
        return np.asarray(inverse, np.float64)

    def _errors(self, y: F8, new: F8, last: F8) -> tuple[F8, I8]:
        scale = self.batch.atol + self.batch.rtol * np.maximum(np.abs(y), np.abs(new))
        parts = (last / scale) ** 2
        parts[~(np.abs(new) < LARGEST) | ~np.isfinite(parts)] = np.inf
        return np.sqrt(parts.mean(axis=0)), parts.argmax(axis=0)

    def _keep(self, live: I8, step: tuple[F8, F8, F8]) -> None:
        """Values at the times that the accepted steps pass, then the new states."""
        y, new, increments = step
        times, h, t = self.batch.times_s, self.h[live], self.t[live]
        bends = np.einsum("ri,isb->rsb", INTERPOLATE, increments)
        while True:
            at = np.minimum(self.at[live], len(times) - 1)
            due = (self.at[live] < len(times)) & (times[at] <= t + h * (1 + 1e-12))
            if not due.any():
                break
            share = np.minimum((times[at] - t) / h, 1.0)
            bent = bends[0] + share * (bends[1] + share * bends[2])
            value = y * (1 - share) + share * (new + (1 - share) * bent)
            self.values[live[due], at[due]] = value[:, due].T
            self.at[live[due]] += 1
        self.t[live] = t + h
        self.y[:, live] = new
        self.status[live[self.at[live] == len(times)]] = DONE


def _inverse(matrix: F8) -> F8:
    try:
        return np.asarray(np.linalg.inv(matrix), np.float64)
    except np.linalg.LinAlgError:
        return np.full_like(matrix, np.nan)
