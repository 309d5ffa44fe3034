"""One assay of a study's plan: its entry, checked settings and the calls to make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lamella.assays.contract import Assay, Settings
from lamella.study.measuring import Call
from lamella.study.model import AssayEntry

__all__ = ["Planned"]


@dataclass(frozen=True)
class Planned:
    """One assay of the plan: its declaration, checked settings and calls."""

    entry: AssayEntry
    assay: Assay[Any]
    settings: Settings
    calls: tuple[Call, ...] = ()
