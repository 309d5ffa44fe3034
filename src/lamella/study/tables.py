"""The dose-response of a table that belongs to no study."""

from __future__ import annotations

from pathlib import Path

from lamella import potency
from lamella.inputs.plates.dose_table import read_dose_table
from lamella.potency import DoseTable, PotencyResult
from lamella.table.findings import Finding

__all__ = ["fit_table"]


def fit_table(
    path: Path,
    *,
    dose_unit: str | None = None,
    response: str | None = None,
    batch: str | None = None,
    model: str = "auto",
) -> tuple[PotencyResult, tuple[Finding, ...]]:
    """Fit every curve of a CSV or Parquet table; what is odd about it comes along.

    Args:
        path: Columns `dose`, `response` and, if it has them, `batch`, `curve`, `weight`, `role`.
        dose_unit: Unit of doses that stand without one, and of the result.
        response: Name of the response column, where it is another.
        batch: Name of the batch column, where it is another.
        model: Curve family, or `auto`.

    Raises:
        FitError: The table cannot be read or fitted; the message names the line.
    """
    columns = read_dose_table(path, dose_unit=dose_unit, response=response, batch=batch)
    table = DoseTable(
        dose=columns.dose,
        response=columns.response,
        batch=columns.batch,
        curve=columns.curve,
        weight=columns.weight,
        role=columns.role,
    )
    result = potency.fit(
        table,
        model=model,
        dose_unit=columns.dose_unit or "au",
        response_name=columns.response_name,
    )
    return result, columns.findings
