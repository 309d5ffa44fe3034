"""Dose-response: curves, intervals, verdicts, batches. Pure arrays in, frozen results out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamella.potency.analysis import fit
    from lamella.potency.dose_table import DoseTable
    from lamella.potency.result import CurveResult, PotencyResult

__all__ = ["CurveResult", "DoseTable", "PotencyResult", "fit"]

# Names resolve when they are used: importing a result type loads no scientific library.
_HOME = {
    "CurveResult": "result",
    "DoseTable": "dose_table",
    "PotencyResult": "result",
    "fit": "analysis",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"lamella.potency.{_HOME[name]}"), name)
    raise AttributeError(f"module 'lamella.potency' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
