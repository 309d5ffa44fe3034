"""A study folder: plan, calls, rows, settled results, and what may be said of them.

Names resolve lazily, so that planning a study loads nothing that measures one.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamella.study.bench_plan import BenchPlan, make_bench_plan
    from lamella.study.plan import Plan, make_plan
    from lamella.study.result import AssayResult, StudyResult
    from lamella.study.running import RunOptions, load, run, run_plan
    from lamella.study.weights import with_weights

__all__ = [
    "AssayResult",
    "BenchPlan",
    "Plan",
    "RunOptions",
    "StudyResult",
    "load",
    "make_bench_plan",
    "make_plan",
    "run",
    "run_plan",
    "with_weights",
]

_HOMES = {
    "AssayResult": "result",
    "BenchPlan": "bench_plan",
    "Plan": "plan",
    "RunOptions": "running",
    "StudyResult": "result",
    "load": "running",
    "make_bench_plan": "bench_plan",
    "make_plan": "plan",
    "run": "running",
    "run_plan": "running",
    "with_weights": "weights",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"lamella.study.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'lamella.study' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
