"""A person's decision about one place in a study, as it is handed to a measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Edit", "EditKind", "Target"]

EditKind = Literal["exclude", "include", "mask", "points", "lanes", "bands", "strokes", "undo"]


@dataclass(frozen=True, slots=True)
class Target:
    """The place that a decision is about; an empty field means all of them."""

    assay: str = ""
    plate: str = ""
    well: str = ""
    field: str = ""
    frame: int | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """One line of `decisions.jsonl` that still stands (undone ones are gone).

    `data` of a `mask` edit: `{"polygons": [[[x, y], ...], ...]}` in pixel units of the full
    image, or `{"runs": [start, length, ...], "shape": [height, width]}` in row-major order;
    true = gap / cell / network. `input_hash` is the image that the person saw ("" = not told).
    """

    id: str
    kind: EditKind
    target: Target
    who: str = ""
    why: str = ""
    at: str = ""
    input_hash: str = ""
    data: Mapping[str, Any] = field(default_factory=dict, hash=False)
