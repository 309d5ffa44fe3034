"""Hashes that decide whether a unit must be measured again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lamella.inputs.images.series import Example, Unit
from lamella.table.edits import Edit

__all__ = ["Stamp", "calibration_of", "digest", "edits_digest", "stamps_of", "unit_paths"]

Stamp = tuple[str, int, int]


def digest(value: Any) -> str:
    """A short hash of any JSON-like value, the same on every machine."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def unit_paths(unit: Unit) -> tuple[Path, ...]:
    """The files of a unit, each once, in the order of its frames."""
    return tuple(dict.fromkeys(frame.path for series in unit.series for frame in series.frames))


def stamps_of(paths: Sequence[Path], root: Path) -> tuple[Stamp, ...]:
    """Name, size and time of change of each file: cheap, and enough while they stay equal."""
    stamps = []
    inside = f"{root.as_posix().rstrip('/')}/"
    for path in paths:
        name = path.as_posix()
        name = name.removeprefix(inside) if name.startswith(inside) else str(path)
        try:
            stat = path.stat()
            stamps.append((name, stat.st_size, stat.st_mtime_ns))
        except OSError:
            stamps.append((name, -1, -1))
    return tuple(stamps)


def calibration_of(unit: Unit) -> list[Any]:
    """Everything about a unit that is not pixels: fields, planes, times, pixel size, problems."""
    return [
        [
            series.field,
            series.pixel_um,
            list(series.problems),
            [[frame.path.name, frame.plane, frame.index, frame.time_h] for frame in series.frames],
        ]
        for series in unit.series
    ]


def edits_digest(edits: Sequence[Edit], examples: Sequence[Example] = ()) -> str:
    """A hash of what was decided, without who said it and why."""
    told: list[Any] = [_told(edit) for edit in edits]
    for example in examples:
        path = example.frame.path
        seen = [path.name, example.frame.plane, example.pixel_um, stamps_of([path], path.parent)]
        told.append([_told(example.edit), seen])
    return digest(told)


def _told(edit: Edit) -> list[Any]:
    return [edit.kind, [edit.target.field, edit.target.frame], edit.input_hash, dict(edit.data)]
