"""Simulated assays with known truth, as plain arrays."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamella.virtual.scratch import Scene, ScratchSeries, render_scratch
    from lamella.virtual.study import (
        ScratchStudy,
        demo_study,
        nominal_gaps,
        plan_wells,
        render_field,
    )

__all__ = [
    "Scene",
    "ScratchSeries",
    "ScratchStudy",
    "demo_study",
    "nominal_gaps",
    "plan_wells",
    "render_field",
    "render_scratch",
]

# Names resolve when they are used: importing the package loads no scientific library.
_HOME = {
    "Scene": "scratch",
    "ScratchSeries": "scratch",
    "ScratchStudy": "study",
    "demo_study": "study",
    "nominal_gaps": "study",
    "plan_wells": "study",
    "render_field": "study",
    "render_scratch": "scratch",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"lamella.virtual.{_HOME[name]}"), name)
    raise AttributeError(f"module 'lamella.virtual' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
