"""Dose-response: curves, intervals, verdicts, batches. Pure arrays in, frozen results out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamella.potency.analysis import fit
    from lamella.potency.combinations import combination_scores
    from lamella.potency.comparisons import compare_with_vehicle
    from lamella.potency.counts import fit_counts, fit_fractions
    from lamella.potency.dose_table import DoseTable
    from lamella.potency.family_fit import Constraints
    from lamella.potency.growth_curve import fit_growth_curve
    from lamella.potency.hill import fit_many, profile_many
    from lamella.potency.icxx import inhibitory_dose
    from lamella.potency.isotonic import fit_isotonic
    from lamella.potency.joint import ec50_ratio, fit_joint
    from lamella.potency.mixed import nested_model
    from lamella.potency.normalisation import percent_of_vehicle
    from lamella.potency.plates import plate_quality
    from lamella.potency.power import nested_power, sample_size
    from lamella.potency.result import CurveResult, PotencyResult
    from lamella.potency.settings import FitSettings, PowerOfMean
    from lamella.potency.surfaces import fit_surface

__all__ = [
    "Constraints",
    "CurveResult",
    "DoseTable",
    "FitSettings",
    "PotencyResult",
    "PowerOfMean",
    "combination_scores",
    "compare_with_vehicle",
    "ec50_ratio",
    "fit",
    "fit_counts",
    "fit_fractions",
    "fit_growth_curve",
    "fit_isotonic",
    "fit_joint",
    "fit_many",
    "fit_surface",
    "inhibitory_dose",
    "nested_model",
    "nested_power",
    "percent_of_vehicle",
    "plate_quality",
    "profile_many",
    "sample_size",
]

# Names resolve when they are used: importing a result type loads no scientific library.
_HOME = {
    "Constraints": "family_fit",
    "CurveResult": "result",
    "DoseTable": "dose_table",
    "FitSettings": "settings",
    "PotencyResult": "result",
    "PowerOfMean": "settings",
    "combination_scores": "combinations",
    "compare_with_vehicle": "comparisons",
    "ec50_ratio": "joint",
    "fit": "analysis",
    "fit_counts": "counts",
    "fit_fractions": "counts",
    "fit_growth_curve": "growth_curve",
    "fit_isotonic": "isotonic",
    "fit_joint": "joint",
    "fit_many": "hill",
    "fit_surface": "surfaces",
    "inhibitory_dose": "icxx",
    "nested_model": "mixed",
    "nested_power": "power",
    "percent_of_vehicle": "normalisation",
    "plate_quality": "plates",
    "profile_many": "hill",
    "sample_size": "power",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"lamella.potency.{_HOME[name]}"), name)
    raise AttributeError(f"module 'lamella.potency' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
