"""A study folder: plan, calls, rows, settled results, and what may be said of them."""

from __future__ import annotations

from lamella.study.plan import Plan, make_plan
from lamella.study.result import AssayResult, StudyResult
from lamella.study.running import RunOptions, load, run, run_plan

__all__ = [
    "AssayResult",
    "Plan",
    "RunOptions",
    "StudyResult",
    "load",
    "make_plan",
    "run",
    "run_plan",
]
