"""Which points belong to which curve? The columns of a dose-response table, checked once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamella.errors import FitError, nearest
from lamella.table.wells import ROLES

__all__ = ["CurvePoints", "DoseTable", "curves_of", "points_of"]

F8 = NDArray[np.float64]


@dataclass(frozen=True)
class DoseTable:
    """Columns of a dose-response table, one row a well (or a point).

    Attributes:
        dose: Doses in one unit, shape (n,), zero exact; never negative.
        response: Read-out, shape (n,); NaN where missing.
        batch: Independent experiment of each row, shape (n,), or None.
        curve: Curve (compound, cell line ...) of each row, shape (n,), or None.
        weight: Weight of each squared residual, shape (n,), > 0, or None.
        role: `vehicle`, `test`, `positive`, `untreated` or `blank` of each row; None means
            that dose 0 is vehicle and everything else is test.

    >>> DoseTable([0, 1, 10], [1.0, 0.8, 0.1]).response.tolist()
    [1.0, 0.8, 0.1]
    """

    dose: ArrayLike
    response: ArrayLike
    batch: ArrayLike | None = None
    curve: ArrayLike | None = None
    weight: ArrayLike | None = None
    role: ArrayLike | None = None

    def __post_init__(self) -> None:
        """Turn the columns into arrays and refuse what cannot be fitted."""
        for name in ("dose", "response", "weight"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _numbers(getattr(self, name), name))
        for name in ("batch", "curve", "role"):
            if getattr(self, name) is not None:
                column = np.asarray(getattr(self, name)).astype(str)
                object.__setattr__(self, name, column)
        _check(self)


@dataclass(frozen=True)
class CurvePoints:
    """The points of one curve that enter the fit.

    Attributes:
        id: Name of the curve.
        batch: Its experiment; None for all experiments together.
        dose: Shape (n,), `inf` for positive controls that stand for an infinite dose.
        response, weight: Shape (n,).
        batches: Experiment of each point, shape (n,).
        vehicle: True for vehicle wells, shape (n,).
        flags: What was left out.
    """

    id: str
    batch: str | None
    dose: F8
    response: F8
    weight: F8
    batches: NDArray[np.str_]
    vehicle: NDArray[np.bool_]
    flags: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where this is, for messages."""
        return f"curve '{self.id}'" + (f", batch '{self.batch}'" if self.batch is not None else "")


def points_of(
    dose: ArrayLike, response: ArrayLike, *, weight: ArrayLike | None = None
) -> CurvePoints:
    """The points of a single curve without batches.

    >>> points_of([0, 1, 10], [1.0, 0.8, 0.1]).vehicle.tolist()
    [True, False, False]
    """
    return next(curves_of(DoseTable(dose, response, weight=weight)))


def curves_of(table: DoseTable, *, positive_is_plateau: bool = False) -> Iterator[CurvePoints]:
    """Each curve of each batch, then the curve over all batches where there are several.

    Curves come in the order of their first row. Rows without a response, and roles that do
    not belong to the curve, are left out and counted in `flags`.
    """
    dose, response, weight = _columns(table)
    role = _roles(table, dose)
    curve = np.zeros(dose.size, "U1") if table.curve is None else np.asarray(table.curve)
    batch = np.zeros(dose.size, "U1") if table.batch is None else np.asarray(table.batch)
    wanted = {"vehicle", "test"} | ({"positive"} if positive_is_plateau else set())
    belongs = np.isin(role, sorted(wanted))
    dose = np.where(role == "positive", np.inf, dose)
    for name in _in_order(curve):
        of_curve = curve == name
        batches = _in_order(batch[of_curve])
        parts: list[str | None] = [*batches] if table.batch is not None else []
        for part in [*parts, None] if len(parts) != 1 else parts:
            here = of_curve if part is None else of_curve & (batch == part)
            use = here & belongs & np.isfinite(response)
            yield CurvePoints(
                id=name or "1",
                batch=part,
                dose=dose[use],
                response=response[use],
                weight=weight[use],
                batches=batch[use],
                vehicle=role[use] == "vehicle",
                flags=_left_out(role[here], response[here], wanted),
            )


def _columns(table: DoseTable) -> tuple[F8, F8, F8]:
    dose = np.asarray(table.dose, dtype=np.float64)
    weight = np.ones(dose.size) if table.weight is None else np.asarray(table.weight, np.float64)
    return dose, np.asarray(table.response, np.float64), weight


def _in_order(names: NDArray[np.str_]) -> list[str]:
    unique, first = np.unique(names, return_index=True)
    return [str(name) for name in unique[np.argsort(first)]]


def _left_out(role: NDArray[np.str_], response: F8, wanted: set[str]) -> tuple[str, ...]:
    flags = [f"left_out:{name}" for name in _in_order(role) if name not in wanted]
    missing = int(np.count_nonzero(~np.isfinite(response)))
    return (*flags, f"missing:{missing}") if missing else tuple(flags)


def _numbers(values: ArrayLike, name: str) -> F8:
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise FitError(
            f"column '{name}' holds something that is not a number ({error}). "
            "Give numbers in one unit; convert doses such as '10 nM' first."
        ) from error
    if array.ndim != 1:
        raise FitError(f"column '{name}' has {array.ndim} dimensions. Give one number a row.")
    array.setflags(write=False)
    return array


def _check(table: DoseTable) -> None:
    dose, response = np.asarray(table.dose), np.asarray(table.response)
    if dose.size == 0:
        raise FitError("the table has no rows. Give at least dose and response of some wells.")
    for name in ("response", "batch", "curve", "weight", "role"):
        column = getattr(table, name)
        if column is not None and np.shape(column) != dose.shape:
            raise FitError(
                f"column '{name}' has {np.size(column)} rows and 'dose' has {dose.size}. "
                "Every column needs one value a row."
            )
    _refuse(~np.isfinite(dose), dose, "dose is missing or infinite", "Give its dose, 0 for vehicle")
    _refuse(dose < 0, dose, "dose is negative", "Write 0 for vehicle; doses are not logarithms")
    _refuse(np.isinf(response), response, "response is infinite", "Correct it or leave it empty")
    if table.weight is not None:
        weight = np.asarray(table.weight)
        bad = ~(np.isfinite(weight) & (weight > 0))
        _refuse(bad, weight, "weight is not positive", "Leave out the row instead")
    if not np.isfinite(response).any():
        raise FitError("column 'response' holds no number at all. Is it the right column?")


def _refuse(bad: NDArray[np.bool_], values: NDArray[np.float64], what: str, remedy: str) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        more = int(np.count_nonzero(bad)) - 1
        also = f" (and {more} more rows)" if more else ""
        raise FitError(f"row {row + 1}{also}: {what} ({values[row]:g}). {remedy}.")


def _roles(table: DoseTable, dose: F8) -> NDArray[np.str_]:
    if table.role is None:
        return np.where(dose == 0, "vehicle", "test")
    role = np.asarray(table.role)
    for row in np.flatnonzero(~np.isin(role, ROLES))[:1]:
        raise FitError(
            f"row {row + 1}: role '{role[row]}' is not known. {nearest(role[row], ROLES)}"
        )
    for row in np.flatnonzero((role == "vehicle") & (dose > 0))[:1]:
        raise FitError(
            f"row {row + 1}: a vehicle well has dose {dose[row]:g}. "
            "Give vehicle wells dose 0, or call the row 'test'."
        )
    # A test well at dose 0 received the vehicle and nothing else.
    return np.where((role == "test") & (dose == 0), "vehicle", role)
