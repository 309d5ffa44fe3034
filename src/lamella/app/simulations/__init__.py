"""What `lamella simulate` can simulate: one module each, one line here."""

from __future__ import annotations

import argparse
from typing import Protocol

from lamella.app.simulations import pathway
from lamella.app.simulations.inserts import InsertKind

__all__ = ["KINDS", "Kind"]


class Kind(Protocol):
    """One kind of simulation: a module, or a value, with these names."""

    NAME: str
    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None:
        """Arguments of the kind."""
        ...

    def run(self, args: argparse.Namespace, /) -> int:
        """Run it; returns the exit code."""
        ...


KINDS: tuple[Kind, ...] = (
    pathway,
    InsertKind("transwell", what="migration through inserts", coated=False),
    InsertKind("invasion", what="invasion through coated inserts", coated=True),
)
