"""A problem that was found in a study: where it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "Level"]

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem: what is wrong and why it matters, where, and what to do.

    Attributes:
        rule: Name of the check: `unknown-column` of files, `D01` of design.
        level: An `error` says that a claim or a file cannot stand, a `warning` limits what may
            be concluded, a `note` is worth knowing.
        place: File, line, well or key.
        message: What is wrong and why it matters.
        remedy: What to do.
        source: What the rule rests on; empty for faults of files.
    """

    rule: str
    level: Level
    place: str
    message: str
    remedy: str
    source: str = ""
