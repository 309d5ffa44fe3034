"""When was each picture of a plate taken, and which pictures are missing?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import gcd

from lamella.inputs.images.acquisition import Acquisition, Shot
from lamella.table.findings import Finding

__all__ = ["Timeline", "timeline"]

# Scans of one plate may differ by minutes from well to well; a plate whose wells share
# fewer times than this has no common scans, and each field is numbered by itself.
_SHARED = 1.5
# Numbers with more holes than this are dates or serial numbers, not scans.
_MOST_HOLES = 10
_TOLERATED = 0.02
_TOLERATED_H = 1 / 60


@dataclass(frozen=True, slots=True)
class Timeline:
    """The scans of one plate.

    Attributes:
        places: For each series, the scan of each of its shots, in the order given.
        times_h: Time of each scan of each series [h], None where nothing states it.
        missing: For each series, the scans that other series have and it has not, in words.
        findings: Times that are missing or contradict each other.
    """

    places: Mapping[str, tuple[int, ...]]
    times_h: Mapping[str, tuple[float | None, ...]]
    missing: Mapping[str, tuple[str, ...]]
    findings: tuple[Finding, ...]


def timeline(series: Mapping[str, Sequence[Shot]], stated: Acquisition, *, plate: str) -> Timeline:
    """Places and times of all shots of one plate.

    The study's times beat those of the names, which beat those of the files.
    """
    keys = {name: [_key(shot) for shot in shots] for name, shots in series.items()}
    scans = sorted({key for found in keys.values() for key in found})
    places, shared = _places(keys, scans)
    found_h = _found_h(series, keys, scans, stated.start_h)
    longest = max(place for own in places.values() for place in own) + 1
    stated_h = _stated_h(stated, longest)
    times_h = found_h
    if stated_h is not None:
        times_h = {
            name: tuple(stated_h[place] if place < len(stated_h) else None for place in own)
            for name, own in places.items()
        }
    findings = [
        *_missing_times(times_h, scans, plate, stated_h),
        *_contradiction(times_h, found_h, plate),
    ]
    missing = _missing(places, times_h, longest) if shared else dict.fromkeys(series, ())
    return Timeline(places, times_h, missing, tuple(findings))


_Key = tuple[bool, float]


def _key(shot: Shot) -> _Key:
    """Whether a name states elapsed time, and the hours, or else the number of the scan."""
    moment = shot.name.moment
    if moment.elapsed_h is not None:
        return True, moment.elapsed_h
    return False, -1.0 if moment.index is None else moment.index


def _places(
    keys: Mapping[str, Sequence[_Key]], scans: list[_Key]
) -> tuple[dict[str, tuple[int, ...]], bool]:
    """The scan of each shot; False where the series have no scans in common."""
    if not any(elapsed for elapsed, _ in scans):
        # Printed numbers: a step that all share (0, 24, 48) is one scan, a hole is missing.
        first = int(scans[0][1])
        step = gcd(*(int(value) - first for _, value in scans)) or 1
        if (int(scans[-1][1]) - first) // step < _MOST_HOLES * len(scans):
            return {
                name: tuple((int(value) - first) // step for _, value in own)
                for name, own in keys.items()
            }, True
    if len(scans) <= _SHARED * max(len(own) for own in keys.values()):
        rank = {key: place for place, key in enumerate(scans)}
        return {name: tuple(rank[key] for key in own) for name, own in keys.items()}, True
    places = {}
    for name, own in keys.items():
        rank = {key: place for place, key in enumerate(sorted(set(own)))}
        places[name] = tuple(rank[key] for key in own)
    return places, False


def _found_h(
    series: Mapping[str, Sequence[Shot]],
    keys: Mapping[str, Sequence[_Key]],
    scans: list[_Key],
    start_h: float,
) -> dict[str, tuple[float | None, ...]]:
    """Times by the names, else by the files."""
    if all(elapsed for elapsed, _ in scans):
        return {name: tuple(start_h + value for _, value in own) for name, own in keys.items()}
    return {
        name: tuple(None if shot.time_h is None else start_h + shot.time_h for shot in shots)
        for name, shots in series.items()
    }


def _stated_h(stated: Acquisition, scans: int) -> tuple[float, ...] | None:
    if stated.times_h is not None:
        return stated.times_h
    if stated.interval_h is not None:
        return tuple(stated.start_h + stated.interval_h * place for place in range(scans))
    return None


def _missing(
    places: Mapping[str, tuple[int, ...]],
    times_h: Mapping[str, tuple[float | None, ...]],
    scans: int,
) -> dict[str, tuple[str, ...]]:
    """The scans that a series lacks, as a time where any series knows it."""
    known = {
        place: time_h
        for name, own in places.items()
        for place, time_h in zip(own, times_h[name], strict=True)
        if time_h is not None
    }

    def told(place: int) -> str:
        return f"{known[place]:g} h" if place in known else f"scan {place + 1}"

    every = set(range(scans))
    return {
        name: tuple(told(place) for place in sorted(every.difference(own)))
        for name, own in places.items()
    }


def _missing_times(
    times_h: Mapping[str, tuple[float | None, ...]],
    scans: list[_Key],
    plate: str,
    stated_h: tuple[float, ...] | None,
) -> list[Finding]:
    lost = [name for name, own in times_h.items() if len(own) > 1 and None in own]
    if not lost:
        return []
    place = f"plate {plate}" if plate else lost[0]
    if stated_h is not None:
        message = f"times_h has {len(stated_h)} times, and there are more scans than that."
        return [Finding("times-missing", "warning", place, message, "State a time for each scan.")]
    remedy = "State interval_h, or times_h with a time for each scan."
    printed = [int(value) for elapsed, value in scans if not elapsed]
    if len(printed) > 1 and printed[1] - printed[0] > 1:
        numbers = ", ".join(str(number) for number in printed[:3])
        remedy += f" If the numbers {numbers} in the names are hours, write '{{time}}h'."
    message = f"nothing states when the pictures of {len(lost)} series were taken."
    return [Finding("times-missing", "warning", place, message, remedy)]


def _contradiction(
    times_h: Mapping[str, tuple[float | None, ...]],
    found_h: Mapping[str, tuple[float | None, ...]],
    plate: str,
) -> list[Finding]:
    """Whether the study and the files state different intervals."""
    if times_h is found_h:
        return []
    for name, own in times_h.items():
        pairs = [
            (stated, found)
            for stated, found in zip(own, found_h[name], strict=True)
            if stated is not None and found is not None
        ]
        if len(pairs) < 2:
            continue
        spans = [max(times) - min(times) for times in zip(*pairs, strict=True)]
        if abs(spans[0] - spans[1]) > _TOLERATED * max(spans) + _TOLERATED_H:
            return [
                Finding(
                    "times-contradiction",
                    "warning",
                    f"plate {plate}, {name}" if plate else name,
                    f"the study states {spans[0]:g} h from first to last picture, "
                    f"the names or files {spans[1]:g} h; the study is believed.",
                    "Correct interval_h or times_h, or leave them out to believe the files.",
                )
            ]
    return []
