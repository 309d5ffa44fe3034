"""The JSON form of a dose-response analysis."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from lamella.potency.result import CurveResult, Parameters, Potency, PotencyResult

__all__ = ["SCHEMA", "document"]

SCHEMA = "lamella.fit/1"


def document(result: PotencyResult) -> dict[str, Any]:
    """Everything in plain JSON values; what is not a finite number is null.

    The caller adds `version` and `lamella`.
    """
    between = result.between_batches
    plain = {
        "schema": SCHEMA,
        "dose_unit": result.dose_unit,
        "response": result.response,
        "curves": [_curve(curve) for curve in result.curves],
        "between_batches": None if between is None else asdict(between),
        "between_by_curve": {name: asdict(found) for name, found in result.between_by_curve},
        "flags": list(result.flags),
    }
    finite = _finite(plain)
    assert isinstance(finite, dict)
    return finite


def _curve(curve: CurveResult) -> dict[str, Any]:
    return {
        "id": curve.id,
        "batch": curve.batch,
        "model": curve.model,
        "runner_up": curve.runner_up,
        "parameters": _parameters(curve.parameters),
        "se": _parameters(curve.se),
        "rss": curve.rss,
        "df": curve.df,
        "relative_ic50": _potency(curve.relative_ic50),
        "absolute_ic50": _potency(curve.absolute_ic50),
        "headline": curve.headline,
        "verdict": curve.verdict,
        "flags": list(curve.flags),
        "interval": curve.interval,
        "effect_p": curve.effect_p,
        "lack_of_fit_p": curve.lack_of_fit_p,
        "aicc": dict(curve.aicc),
        "quantities": [asdict(quantity) for quantity in curve.quantities],
        "outliers": list(curve.outliers),
    }


def _parameters(parameters: Parameters) -> dict[str, float | None]:
    return dict(asdict(parameters))


def _potency(potency: Potency) -> dict[str, Any]:
    return dict(asdict(potency))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
