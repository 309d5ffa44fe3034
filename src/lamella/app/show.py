"""How things are shown in a terminal: progress, findings, JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lamella import __version__

if TYPE_CHECKING:
    from lamella.study.events import Event
    from lamella.table.findings import Finding

__all__ = ["ProgressLine", "finding_documents", "print_findings", "print_json", "told"]

_BAR_WIDTH = 28


def told(message: str) -> None:
    """A line for the person at the terminal; standard output stays free for results."""
    print(message, file=sys.stderr)


def print_json(schema: str, **content: Any) -> None:
    """One JSON document on standard output, with its schema and versions."""
    document = {"schema": f"lamella/{schema}", "version": 1, "lamella": __version__, **content}
    print(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1))


def finding_documents(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """Findings as they stand in JSON."""
    return [
        {
            "rule": finding.rule,
            "level": finding.level,
            "place": finding.place,
            "message": finding.message,
            "remedy": finding.remedy,
            "source": finding.source,
        }
        for finding in findings
    ]


def print_findings(findings: Iterable[Finding]) -> None:
    """Findings for a person, errors first."""
    order = {"error": 0, "warning": 1, "note": 2}
    for finding in sorted(findings, key=lambda finding: order[finding.level]):
        head = f"{finding.level:>7}  {finding.rule}  {finding.place}"
        told(f"{head}: {finding.message} {finding.remedy}")


class ProgressLine:
    """A progress bar on standard error; a line each tenth where that is not a terminal."""

    def __init__(self) -> None:
        """Start the clock."""
        self._begun = time.monotonic()
        self._tenth = -1

    def __call__(self, event: Event) -> None:
        """Show one event of a run."""
        if event.kind == "start":
            if event.message and not event.message.startswith("0 of"):
                told(f"{event.message}, {event.total} to measure")
        elif event.kind in ("unit", "lost"):
            self._advance(event)
            if event.kind == "lost" or event.message not in ("measured", "kept"):
                told(f"\n{event.place}: {event.message}")

    def _advance(self, event: Event) -> None:
        share = event.done / max(event.total, 1)
        left = (time.monotonic() - self._begun) * (1 - share) / share
        counted = f"{event.done}/{event.total}"
        if sys.stderr.isatty():
            bar = "█" * round(share * _BAR_WIDTH)
            end = "\n" if event.done == event.total else ""
            line = f"\r{bar:<{_BAR_WIDTH}} {counted} {event.place:<12} {_minutes(left)} left  "
            print(line, end=end, file=sys.stderr, flush=True)
        elif int(share * 10) > self._tenth:
            self._tenth = int(share * 10)
            told(f"measured {counted}, {_minutes(left)} left")


def _minutes(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
