"""The append-only log of what people decided: read, checked and applied."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lamella.errors import DecisionError
from lamella.study.model import findings_of
from lamella.table.edits import Edit, EditKind, Target
from lamella.table.findings import Finding

__all__ = [
    "DECISIONS_FILE",
    "SETTLED_KINDS",
    "Decisions",
    "append_decision",
    "edits_of",
    "read_decisions",
]

DECISIONS_FILE = "decisions.jsonl"
MAX_DECISION_BYTES = 64 << 20
SETTLED_KINDS = frozenset({"exclude", "include"})
"""Kinds of decisions that change nothing that is measured."""


class _Target(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    assay: str = ""
    plate: str = ""
    well: str = ""
    field: str = ""
    frame: int | None = Field(None, ge=0)


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str = Field(min_length=1)
    kind: EditKind
    target: _Target = _Target()
    at: str = ""
    who: str = ""
    why: str = ""
    input_hash: str = ""
    data: Mapping[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decisions:
    """The decisions that stand, in the order in which they were made."""

    standing: tuple[Edit, ...] = ()
    findings: tuple[Finding, ...] = ()


def read_decisions(folder: Path) -> Decisions:
    """All decisions that still stand, of a study folder or of one file of decisions.

    A bad line is a finding, never a stop.
    """
    path = folder / DECISIONS_FILE if folder.is_dir() else folder
    if not path.is_file():
        return Decisions()
    if path.stat().st_size > MAX_DECISION_BYTES:
        message = f"{DECISIONS_FILE} is larger than {MAX_DECISION_BYTES >> 20} MiB; none was read."
        remedy = "Masks belong in run lengths; move old lines away."
        return Decisions(findings=(Finding("decisions", "error", DECISIONS_FILE, message, remedy),))
    edits: dict[str, Edit] = {}
    findings: list[Finding] = []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{DECISIONS_FILE}, line {number}"
        edit = _parsed(line, place, findings)
        if edit is not None:
            _apply(edit, edits, place, findings)
    return Decisions(tuple(edits.values()), tuple(findings))


def append_decision(folder: Path, edit: Edit) -> None:
    """Add one decision to the log; nothing that stands there is ever changed.

    Raises:
        DecisionError: The id is already taken.
    """
    path = folder / DECISIONS_FILE
    taken = path.read_text(encoding="utf-8") if path.is_file() else ""
    if any(json.loads(line).get("id") == edit.id for line in taken.splitlines() if line.strip()):
        raise DecisionError(f"{path}: a decision '{edit.id}' is already there. Use another id.")
    target = {
        "assay": edit.target.assay,
        "plate": edit.target.plate,
        "well": edit.target.well,
        "field": edit.target.field,
        "frame": edit.target.frame,
    }
    record = {
        "id": edit.id,
        "at": edit.at,
        "who": edit.who,
        "why": edit.why,
        "kind": edit.kind,
        "target": target,
        "input_hash": edit.input_hash,
        "data": dict(edit.data),
    }
    with path.open("a", encoding="utf-8") as file:
        if taken and not taken.endswith("\n"):
            file.write("\n")
        file.write(json.dumps(record, ensure_ascii=False) + "\n")


def edits_of(decisions: Decisions, assay: str, plate: str, well: str) -> tuple[Edit, ...]:
    """The edits that change what is measured in one unit; exclusions are not among them."""
    return tuple(
        edit
        for edit in decisions.standing
        if edit.kind not in SETTLED_KINDS
        and edit.target.assay in ("", assay)
        and edit.target.plate in ("", plate)
        and edit.target.well in ("", well)
    )


def _parsed(line: str, place: str, findings: list[Finding]) -> Edit | None:
    try:
        entry = _Line.model_validate_json(line)
    except ValidationError as error:
        findings.extend(findings_of(error, _Line, place=place))
        return None
    target = Target(**entry.target.model_dump())
    return Edit(
        entry.id, entry.kind, target, entry.who, entry.why, entry.at, entry.input_hash, entry.data
    )


def _apply(edit: Edit, edits: dict[str, Edit], place: str, findings: list[Finding]) -> None:
    if edit.kind == "undo":
        undone = str(edit.data.get("id", ""))
        if edits.pop(undone, None) is None:
            message = f"undo names the decision '{undone}', which does not stand."
            remedy = "Name the id of an earlier line that was not undone yet."
            findings.append(Finding("decisions", "warning", place, message, remedy))
    elif edit.id in edits:
        message = f"the id '{edit.id}' is used twice; the later line was left out."
        findings.append(Finding("decisions", "error", place, message, "Give each line its own id."))
    else:
        edits[edit.id] = edit
