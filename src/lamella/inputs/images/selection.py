"""Which pictures of a place are measured, where there are several channels, depths or views?"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from lamella.errors import nearest
from lamella.inputs.images.acquisition import Acquisition, Shot
from lamella.table.findings import Finding

__all__ = ["select"]

_TRANSMITTED = re.compile(r"phase|bright|^bf$|^ph\d?$|^dic$|^tl|trans", re.IGNORECASE)


def select(shots: Sequence[Shot], stated: Acquisition) -> tuple[list[Shot], list[Finding]]:
    """One picture a place and time; the findings name what was chosen or must be stated.

    A channel of transmitted light is taken where it is the only one. Where the choice is
    open, none is taken: measuring whatever comes first would be a silent guess.
    """
    chosen, findings = _by_channel(shots, stated.channel)
    chosen, more = _by_depth(chosen, stated.z)
    kept, most = _one_view(chosen)
    return kept, [*findings, *more, *most]


def _by_channel(shots: Sequence[Shot], channel: str | None) -> tuple[list[Shot], list[Finding]]:
    names = sorted({shot.name.channel for shot in shots})
    if channel is not None:
        wanted = [shot for shot in shots if shot.name.channel.lower() == channel.lower()]
        if wanted or not shots:
            return wanted, []
        return [], [_unknown("channel", channel, names)]
    if len(names) <= 1:
        return list(shots), []
    transmitted = [name for name in names if _TRANSMITTED.search(name)]
    if len(transmitted) != 1:
        return [], [_several("channel", names)]
    note = Finding(
        "several-channels",
        "note",
        ", ".join(_quoted(names)),
        f"of {len(names)} channels, '{transmitted[0]}' (transmitted light) is measured.",
        "State channel to measure another one.",
    )
    return [shot for shot in shots if shot.name.channel == transmitted[0]], [note]


def _by_depth(shots: Sequence[Shot], z: str | None) -> tuple[list[Shot], list[Finding]]:
    names = sorted({shot.name.z for shot in shots})
    if z is not None:
        wanted = [shot for shot in shots if shot.name.z == z]
        if wanted or not shots:
            return wanted, []
        return [], [_unknown("z", z, names)]
    if len(names) <= 1:
        return list(shots), []
    return [], [_several("z", names)]


def _one_view(shots: Sequence[Shot]) -> tuple[list[Shot], list[Finding]]:
    """Refuses read steps, views or actions that share a place; separate places may differ."""
    views: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for shot in shots:
        views[shot.name.plate, shot.name.well, shot.name.field].add(shot.name.variant)
    mixed = sorted({view for found in views.values() if len(found) > 1 for view in found})
    if not mixed:
        return list(shots), []
    finding = Finding(
        "several-views",
        "error",
        ", ".join(_quoted(mixed)),
        "pictures of the same place differ in read step, view or action and are no one series.",
        "Keep one of them in the folder, or write a pattern that fits one of them.",
    )
    return [], [finding]


def _several(what: str, names: Sequence[str]) -> Finding:
    return Finding(
        "several-channels" if what == "channel" else "several-depths",
        "error",
        ", ".join(_quoted(names)),
        f"there are {len(names)} values of {what}, and nothing says which is measured.",
        f'State {what} = "{names[-1]}" or another of them.',
    )


def _unknown(what: str, wanted: str, names: Sequence[str]) -> Finding:
    return Finding(
        f"unknown-{what}",
        "error",
        ", ".join(_quoted(names)),
        f"no picture has {what} '{wanted}'. {nearest(wanted, names)}",
        f"Correct {what}, or leave it out.",
    )


def _quoted(names: Sequence[str]) -> list[str]:
    return [f"'{name}'" if name else "(none named)" for name in names]
