"""Figures and pages drawn from results. Computes nothing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamella.report.bench_sheet import render_bench
    from lamella.report.page import render

__all__ = ["render", "render_bench"]

_HOMES = {"render": "page", "render_bench": "bench_sheet"}


def __getattr__(name: str) -> Any:
    # Lazily: a bench sheet needs nothing of what a report of results loads.
    if name in _HOMES:
        return getattr(import_module(f"lamella.report.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'lamella.report' has no attribute '{name}'")
