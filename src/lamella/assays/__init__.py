"""One module per assay, each ending in one value named `ASSAY`; a new one is one line here."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from lamella.assays.contract import Assay

__all__ = ["ASSAYS"]

_LISTED = (
    "scratch",
    "transwell",
    "invasion",
)  # fmt: skip

ASSAYS: tuple[Assay[Any], ...] = tuple(
    import_module(f"lamella.assays.{name}").ASSAY for name in _LISTED
)
