"""The stiff integrator, compiled: one run after the other with a sparse elimination.

Imported only when numba is there; needs the extra `model`. `stiff_numpy` takes the same steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
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

__all__ = ["integrate", "is_ready"]

F8 = NDArray[np.float64]
Function = TypeVar("Function", bound=Callable[..., Any])

_A, _C, _H, _GAMMA, _STAGES = ADVANCE, COUPLE, INTERPOLATE, GAMMA, STAGES
_DONE, _SIZE, _STEPS, _VALUE = DONE, FAILED_SIZE, FAILED_STEPS, FAILED_VALUE
_SMALLEST, _LARGEST, _MOST = SMALLEST, LARGEST, MOST_STEPS
_ARRAY = numba.types.Array(numba.float64, 1, "C")
_FORM = numba.types.void(_ARRAY, _ARRAY, _ARRAY)
_CALLED = numba.types.FunctionType(_FORM)


def _compiled(function: Function) -> Function:
    return cast(
        Function,
        numba.njit(
            cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"}
        )(function),
    )


def integrate(code: Code, batch: Batch) -> Runs:
    """Every run of a batch; see `lamella.signalling.simulation`."""
    slope, jacobian = _functions(code)
    plan = code.elimination
    shape = (len(batch.start), len(batch.times_s), batch.start.shape[1])
    values = np.full(shape, np.nan)
    ended = np.zeros((shape[0], 4))
    _integrate(
        slope,
        jacobian,
        (batch.start, batch.parameters, batch.times_s, batch.rtol, batch.atol),
        (plan.order, plan.start, plan.column, plan.diagonal, plan.entry),
        values,
        ended,
    )
    status, reached, worst, steps = ended.T
    whole = (column.astype(np.int64) for column in (status, worst, steps))
    state, species, taken = whole
    return Runs(values, state, reached, species, taken)


def is_ready(code: Code) -> bool:
    """Whether a network has been compiled in this process."""
    return id(code) in _KNOWN


_KNOWN: dict[int, tuple[Code, Any, Any]] = {}


def _functions(code: Code) -> tuple[Any, Any]:
    """The compiled slope and Jacobian of a network, kept for as long as its code lives."""
    if id(code) not in _KNOWN:
        njit = cast(Any, numba.njit)  # its stubs lack the last option
        made = [
            njit(_FORM, error_model="numpy", nogil=True, no_cpython_wrapper=True)(function)
            for function in (code.slope, code.jacobian)
        ]
        _KNOWN[id(code)] = (code, made[0], made[1])
    _, slope, jacobian = _KNOWN[id(code)]
    return slope, jacobian


@_compiled
def _eliminate(filled: F8, plan: Any, work: F8) -> bool:
    """L and U in the place of the stage matrix; False where a pivot is no number to divide by."""
    _, start, column, diagonal, _ = plan
    for i in range(diagonal.size):
        for at in range(start[i], start[i + 1]):
            work[column[at]] = filled[at]
        for at in range(start[i], diagonal[i]):
            k = column[at]
            factor = work[k] * filled[diagonal[k]]
            work[k] = factor
            for other in range(diagonal[k] + 1, start[k + 1]):
                work[column[other]] -= factor * filled[other]
        for at in range(start[i], start[i + 1]):
            filled[at] = work[column[at]]
        pivot = filled[diagonal[i]]
        if pivot == 0.0 or not np.isfinite(pivot):
            return False
        filled[diagonal[i]] = 1.0 / pivot
    return True


@_compiled
def _solve(filled: F8, plan: Any, right: F8, work: F8) -> None:
    """Replace `right` by the solution."""
    order, start, column, diagonal, _ = plan
    n = order.size
    for i in range(n):
        value = right[order[i]]
        for at in range(start[i], diagonal[i]):
            value -= filled[at] * work[column[at]]
        work[i] = value
    for i in range(n - 1, -1, -1):
        value = work[i]
        for at in range(diagonal[i] + 1, start[i + 1]):
            value -= filled[at] * work[column[at]]
        work[i] = value * filled[diagonal[i]]
    for i in range(n):
        right[order[i]] = work[i]


@_compiled
def _stages(slope: Any, state: Any, h: float, lu: Any, p: F8) -> None:
    """Fill the increments of the eight stages and the state at the end of the step."""
    y, new, rate, u = state
    filled, plan, work = lu
    n = y.size
    for i in range(_STAGES):
        if i > 0:
            for k in range(n):
                new[k] = y[k]
            for j in range(i):
                a = _A[i, j]
                if a != 0.0:
                    for k in range(n):
                        new[k] += a * u[j, k]
            slope(new, p, rate)
        for j in range(i):
            c = _C[i, j] / h
            for k in range(n):
                rate[k] += c * u[j, k]
        for k in range(n):
            u[i, k] = rate[k]
        _solve(filled, plan, u[i], work)
    for k in range(n):
        new[k] += u[_STAGES - 1, k]


@_compiled
def _error(state: Any, rtol: float, atol: float) -> Any:
    """(size of the error in units of the tolerance, species that is worst)."""
    y, new, _, u = state
    summed, largest, worst = 0.0, -1.0, 0
    for k in range(y.size):
        scale = atol + rtol * max(abs(y[k]), abs(new[k]))
        part = (u[_STAGES - 1, k] / scale) ** 2
        summed += part
        if part > largest or not np.isfinite(part):
            largest, worst = part, k
        if not abs(new[k]) < _LARGEST:
            summed, worst = np.inf, k
    return np.sqrt(summed / y.size), worst


@_compiled
def _between(state: Any, share: float, out: F8) -> None:
    """The interpolant at a share of the step."""
    y, new, _, u = state
    for k in range(y.size):
        bends = 0.0
        for row in range(2, -1, -1):
            bend = 0.0
            for j in range(_STAGES):
                bend += _H[row, j] * u[j, k]
            bends = bends * share + bend
        out[k] = y[k] * (1 - share) + share * (new[k] + (1 - share) * bends)


@_compiled
def _first_step(y: F8, rate: F8, rtol: float, atol: float) -> float:
    size = speed = 0.0
    for k in range(y.size):
        scale = atol + rtol * abs(y[k])
        size += (y[k] / scale) ** 2
        speed += (rate[k] / scale) ** 2
    if not speed > 1e-20 or not np.isfinite(speed):
        return 1e-3
    first: float = 0.01 * max(np.sqrt(size / speed), 1e-6)
    return first


@_compiled
def _fill(filled: F8, known: F8, plan: Any, diagonal: float) -> None:
    """The stage matrix: a diagonal less the Jacobian."""
    filled[:] = 0.0
    for e in range(known.size):
        filled[plan[4][e]] -= known[e]
    for i in range(plan[3].size):
        filled[plan[3][i]] += diagonal


@_compiled
def _one_run(called: Any, given: Any, tolerances: Any, plan: Any, values: F8) -> Any:
    """One run; (status, time reached, worst species, steps)."""
    slope, jacobian = called
    start, p, times = given
    rtol, atol = tolerances
    n, wanted = start.size, times.size
    y, new, rate, u = start.copy(), np.empty(n), np.empty(n), np.empty((_STAGES, n))
    known, filled, work = np.empty(plan[4].size), np.empty(plan[2].size), np.empty(n)
    state = (y, new, rate, u)
    t, at, worst, fresh = 0.0, 0, 0, True
    while at < wanted and times[at] <= 0.0:
        values[at] = y
        at += 1
    slope(y, p, rate)
    h = _first_step(y, rate, rtol, atol)
    end = times[wanted - 1]
    for step in range(_MOST):
        if at == wanted:
            return _DONE, t, worst, step
        h = min(h, end - t)
        if h < _SMALLEST * max(t, times[at] if t == 0.0 else t) or not h > 0.0:
            return (_SIZE if np.isfinite(y[worst]) else _VALUE), t, worst, step
        if fresh:
            jacobian(y, p, known)
        _fill(filled, known, plan, 1.0 / (_GAMMA * h))
        slope(y, p, rate)
        error = np.inf
        if _eliminate(filled, plan, work):
            _stages(slope, state, h, (filled, plan, work), p)
            error, worst = _error(state, rtol, atol)
        fresh = error <= 1.0
        if fresh:
            while at < wanted and times[at] <= t + h * (1 + 1e-12):
                _between(state, min((times[at] - t) / h, 1.0), values[at])
                at += 1
            t = t + h if at < wanted else end
            y[:] = new
        h *= min(6.0, max(0.15, 0.9 * max(error, 1e-10) ** -0.2)) if np.isfinite(error) else 0.15
    return _STEPS, t, worst, _MOST


_PLAN: Any = cast(Any, numba.types).UniTuple(numba.types.Array(numba.uint32, 1, "C"), 5)
_ROWS = numba.types.Array(numba.float64, 2, "C")
_GIVEN: Any = cast(Any, numba.types).Tuple((_ROWS, _ROWS, _ARRAY, numba.float64, numba.float64))
_BLOCKS = numba.types.Array(numba.float64, 3, "C")


# The functions of a network come in by address, so that one integrator, kept on disk, serves all.
@numba.njit(
    numba.types.void(_CALLED, _CALLED, _GIVEN, _PLAN, _BLOCKS, _ROWS),
    cache=True,
    nogil=True,
    error_model="numpy",
)
def _integrate(slope: Any, jacobian: Any, given: Any, plan: Any, values: F8, ended: F8) -> None:
    starts, parameters, times, rtol, atol = given
    for run in range(len(starts)):
        one = (starts[run], parameters[run], times)
        status, reached, worst, steps = _one_run(
            (slope, jacobian), one, (rtol, atol), plan, values[run]
        )
        ended[run, 0], ended[run, 1], ended[run, 2], ended[run, 3] = status, reached, worst, steps
