"""Which weights does the person who runs a study name for the networks that it asks for?

A study names a network, never a file: weights are loaded by libraries that unpickle, so the file
must be chosen by whoever runs the command. Its SHA-256 enters the settings, and with them the
hash that decides what is measured again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lamella.assays.contract import Settings
from lamella.errors import SettingsError
from lamella.vision.counters import Weights

if TYPE_CHECKING:  # pictures that belong to no study need nothing of what a plan loads
    from lamella.study.plan import Plan

__all__ = ["named_weights", "with_weights"]


def with_weights(plan: Plan, path: Path | None) -> Plan:
    """The plan with these weights for every assay that asks for a network.

    Raises:
        SettingsError: An assay asks for a network and no weights are named, or they are not there.
    """
    named = named_weights(path)
    planned = []
    for one in plan.assays:
        settings = named(one.settings, one.assay.name)
        calls = tuple(replace(call, settings=settings) for call in one.calls)
        planned.append(replace(one, settings=settings, calls=calls))
    return replace(plan, assays=tuple(planned))


def named_weights(path: Path | None) -> Callable[[Settings, str], Settings]:
    """Puts weights into the settings of an assay that asks for a network; reads them once.

    Raises:
        SettingsError: There are no weights at the path; later, if they are asked for and missing.
    """
    weights = Weights.of(path) if path else None

    def named(settings: Settings, assay: str) -> Settings:
        counter = getattr(settings, "counter", "lamella")
        if counter == "lamella":
            return settings
        if weights is None:
            raise SettingsError(
                f"{assay} counts with {counter}, which needs weights, and a study cannot name "
                "them. Give --weights FILE, or the variable LAMELLA_WEIGHTS."
            )
        return settings.model_copy(update={"weights": weights})

    return named
