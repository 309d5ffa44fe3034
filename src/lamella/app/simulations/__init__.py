"""What `lamella simulate` can simulate: one module each, one line here."""

from __future__ import annotations

from types import ModuleType

from lamella.app.simulations import pathway

__all__ = ["KINDS"]

KINDS: tuple[ModuleType, ...] = (pathway,)
