"""Dose-response: curves, intervals, verdicts, batches. Pure arrays in, frozen results out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamella.potency.analysis import fit
    from lamella.potency.counts import fit_counts, fit_fractions
    from lamella.potency.dose_table import DoseTable
    from lamella.potency.family_fit import Constraints
    from lamella.potency.growth_curve import fit_growth_curve
    from lamella.potency.hill import fit_many, profile_many
    from lamella.potency.icxx import inhibitory_dose
    from lamella.potency.isotonic import fit_isotonic
    from lamella.potency.joint import ec50_ratio, fit_joint
    from lamella.potency.result import CurveResult, PotencyResult
    from lamella.potency.settings import FitSettings, PowerOfMean

__all__ = [
    "Constraints",
    "CurveResult",
    "DoseTable",
    "FitSettings",
    "PotencyResult",
    "PowerOfMean",
    "ec50_ratio",
    "fit",
    "fit_counts",
    "fit_fractions",
    "fit_growth_curve",
    "fit_isotonic",
    "fit_joint",
    "fit_many",
    "inhibitory_dose",
    "profile_many",
]

# Names resolve when they are used: importing a result type loads no scientific library.
_HOME = {
    "Constraints": "family_fit",
    "CurveResult": "result",
    "DoseTable": "dose_table",
    "FitSettings": "settings",
    "PotencyResult": "result",
    "PowerOfMean": "settings",
    "ec50_ratio": "joint",
    "fit": "analysis",
    "fit_counts": "counts",
    "fit_fractions": "counts",
    "fit_growth_curve": "growth_curve",
    "fit_isotonic": "isotonic",
    "fit_joint": "joint",
    "fit_many": "hill",
    "inhibitory_dose": "icxx",
    "profile_many": "hill",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"lamella.potency.{_HOME[name]}"), name)
    raise AttributeError(f"module 'lamella.potency' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
