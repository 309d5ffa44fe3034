"""A problem that was found in a study: where it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "Level"]

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem; an `error` stops a run, a `warning` limits what may be concluded."""

    rule: str
    level: Level
    place: str
    message: str
    remedy: str
