"""One module per assay, each ending in one value; listed here once."""

from __future__ import annotations

from typing import Any

from lamella.assays import scratch
from lamella.assays.contract import Assay

__all__ = ["ASSAYS"]

ASSAYS: tuple[Assay[Any], ...] = (scratch.ASSAY,)
