"""The verbs of `lamella`, one module each, in the order of the help page."""

from __future__ import annotations

from types import ModuleType

from lamella.app.verbs import (
    check,
    compare,
    completion,
    demo,
    doctor,
    evidence,
    export,
    fit,
    measure,
    new,
    plan,
    report,
    run,
    simulate,
)

__all__ = ["VERBS"]

VERBS: tuple[ModuleType, ...] = (
    demo,
    new,
    plan,
    check,
    run,
    report,
    measure,
    fit,
    evidence,
    compare,
    simulate,
    export,
    doctor,
    completion,
)
