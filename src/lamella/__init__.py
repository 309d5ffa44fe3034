"""Lamella: from the plate plan to a defensible IC50 for inhibitors of cell migration.

Names resolve lazily: `import lamella` loads no scientific library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamella import evidence, potency, signalling, study, virtual
    from lamella.inputs.images import open_images as open

__all__ = ["__version__", "evidence", "open", "potency", "signalling", "study", "virtual"]

__version__ = "0.1.0"
_MODULES = frozenset({"evidence", "potency", "signalling", "study", "virtual"})


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"lamella.{name}")
    if name == "open":
        return import_module("lamella.inputs.images").open_images
    raise AttributeError(f"module 'lamella' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
