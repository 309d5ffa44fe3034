"""What happens in a run, step by step: for progress bars and the log."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["Event", "EventLog"]


@dataclass(frozen=True, slots=True)
class Event:
    """One step of a run, for progress bars and the log."""

    kind: str
    done: int
    total: int
    place: str = ""
    message: str = ""


class EventLog:
    """Appends each event to `log.jsonl`, with the clock, and hands it to the caller."""

    def __init__(self, results: Path, progress: Callable[[Event], None] | None) -> None:
        """Write to `results`; `progress` hears each event too."""
        results.mkdir(parents=True, exist_ok=True)
        self._path = results / "log.jsonl"
        self._progress = progress

    def tell(self, kind: str, done: int, total: int, place: str = "", message: str = "") -> None:
        """Tell one event."""
        event = Event(kind, done, total, place, message)
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"at": at} | asdict(event)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        if self._progress is not None:
            self._progress(event)
