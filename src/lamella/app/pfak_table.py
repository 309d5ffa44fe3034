"""A pFAK dose-response as a person has it: a CSV with dose, response and perhaps time."""

from __future__ import annotations

import csv
from pathlib import Path

from lamella.errors import FitError, UnitError
from lamella.units import parse_dose, parse_time_h

__all__ = ["read_pfak"]

_TIME = "2 h"


def read_pfak(path: Path) -> tuple[list[float], list[float], list[float]]:
    """Doses [mol/L], responses, and times since the dose [s] of a table.

    Raises:
        FitError: A column is missing, or a response is not a number.
        UnitError: A dose or time has no unit, or a dose is no concentration in mol/L.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    if not lines or not {"dose", "response"} <= set(lines[0]):
        raise FitError(f"{path}: the table needs columns 'dose' and 'response'.")
    try:
        values = [float(line["response"]) for line in lines]
    except (TypeError, ValueError) as error:
        raise FitError(f"{path}: a response is not a number ({error}).") from error
    doses = [parse_dose(line["dose"] or "") for line in lines]
    for dose, line in zip(doses, lines, strict=True):
        if dose.dimension != "molar":
            raise UnitError(f"{path}: dose '{line['dose']}' is no concentration in mol/L.")
    times = [3600 * parse_time_h(line.get("time") or _TIME) for line in lines]
    return [dose.amount for dose in doses], values, times
