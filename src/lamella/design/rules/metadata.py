"""Do statements of the study contradict each other or what its files say?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from lamella.design.facts import AssayFacts, Facts, Fault

__all__ = ["closed_before", "duration", "organism", "pixel_of_objective", "track_ids"]

FILMED = frozenset({"scratch", "collective", "tracks"})
PIXEL_DIFFERENCE = 0.05
CAMERA_UM = (2.0, 30.0)
"""Sides of camera pixels in use, binning included [µm]."""
_MAGNIFICATION = re.compile(r"(\d+(?:\.\d+)?)\s*[x×]|[x×]\s*(\d+(?:\.\d+)?)", re.IGNORECASE)
_SPECIES = {
    "human": ("human", "homo sapiens", "h. sapiens"),
    "mouse": ("mouse", "murine", "mus musculus", "m. musculus"),
    "rat": ("rat", "rattus norvegicus"),
    "dog": ("dog", "canine", "canis lupus familiaris", "canis familiaris"),
    "chinese hamster": ("chinese hamster", "hamster", "cricetulus griseus"),
    "african green monkey": ("african green monkey", "monkey", "chlorocebus sabaeus"),
}


def duration(facts: Facts) -> Iterator[Fault]:
    """A stated duration that frames and interval do not give."""
    for assay in facts.assays:
        stated, interval = assay.duration_stated_h, _interval(assay)
        filmed = assay.kind in FILMED and assay.frames > 1
        if not filmed or stated is None or interval is None:
            continue
        given = (assay.frames - 1) * interval
        if abs(given - stated) > interval / 2:
            yield Fault(
                "[assay.protocol] duration_h",
                f"{assay.frames} frames, {interval:g} h apart, last {given:g} h, and the study "
                f"states {stated:g} h: speeds may be wrong {_factor(given, stated)}-fold.",
                "Correct 'duration_h' or 'interval_h', or find the frames that are missing.",
            )


def pixel_of_objective(facts: Facts) -> Iterator[Fault]:
    """A pixel size that objective and camera cannot give."""
    for assay in facts.assays:
        found = _MAGNIFICATION.search(assay.objective)
        if found is None or not assay.pixel_um:
            continue
        fold = float(found[1] or found[2])
        if fold == 0:
            continue
        on_camera = assay.pixel_um * fold
        if assay.camera_pixel_um:
            expected = assay.camera_pixel_um / fold
            if abs(assay.pixel_um - expected) > PIXEL_DIFFERENCE * expected:
                yield Fault(
                    "[assay] pixel_um",
                    f"a camera pixel of {assay.camera_pixel_um:g} µm behind a {fold:g}x objective "
                    f"is {expected:.3g} µm wide, and {assay.pixel_um:g} µm is stated: areas may "
                    f"be wrong {_factor((assay.pixel_um / expected) ** 2, 1)}-fold.",
                    "Correct 'pixel_um', 'objective' or 'camera_pixel_um', binning included.",
                )
        elif not CAMERA_UM[0] <= on_camera <= CAMERA_UM[1]:
            yield Fault(
                "[assay] pixel_um",
                f"{assay.pixel_um:g} µm behind a {fold:g}x objective would need a camera pixel of "
                f"{on_camera:.3g} µm; cameras have {CAMERA_UM[0]:g} to {CAMERA_UM[1]:g} µm.",
                "Correct 'pixel_um' or 'objective', or state 'camera_pixel_um'.",
            )


def organism(facts: Facts) -> Iterator[Fault]:
    """Cells said to be of an organism or tissue that their line is not of."""
    for line in facts.cells:
        if line.misidentified_as:
            continue
        stated, known = _species(line.organism), _species(line.known_organism)
        if stated and known and stated != known:
            yield Fault(
                f"cell line {line.name}",
                f"{line.name} is said to be {line.organism}, and {line.accession} is {known}.",
                "Correct 'organism', or find out which cells these are.",
            )
        if line.tissue and line.known_tissue and not _akin(line.tissue, line.known_tissue):
            yield Fault(
                f"cell line {line.name}",
                f"{line.name} is said to be of {line.tissue}, and it is of {line.known_tissue}.",
                "Correct 'tissue', or find out which cells these are.",
            )


def closed_before(facts: Facts) -> Iterator[Fault]:
    """A wound that had closed inside the window or before the time that it is read at."""
    for assay in facts.assays:
        if assay.closed_in_window:
            plate, well = assay.closed_in_window[0]
            yield Fault(
                f"plate {plate}, well {well}",
                f"{len(assay.closed_in_window)} wounds had closed before the end of the window "
                "that their speed is read from: the speed is a lower bound.",
                "Image more often, or let the window end sooner: 'window_closure_percent'.",
            )
        closed_h, read_h = assay.vehicle_closed_h, assay.closure_at_h
        if closed_h is not None and read_h is not None and closed_h < read_h:
            yield Fault(
                "[assay.settings] closure_at_h",
                f"closure is read at {read_h:g} h, and a vehicle wound had closed at "
                f"{closed_h:g} h: the effect is cut off at the top.",
                f"Read closure before {closed_h:g} h.",
            )


def track_ids(facts: Facts) -> Iterator[Fault]:
    """One track name for several cells: its frames start again."""
    for assay in facts.assays:
        restarted = [
            name
            for name, frames in assay.track_frames.items()
            if any(after <= before for before, after in pairwise(frames))
        ]
        if restarted:
            yield Fault(
                f"{assay.kind}, track {restarted[0]}",
                f"{len(restarted)} track ids start again within their field, so the paths of two "
                "cells are joined by a jump.",
                "Give each field or file its own ids, or split the tracks where frames restart.",
            )


def _interval(assay: AssayFacts) -> float | None:
    if assay.interval_stated_h is not None:
        return assay.interval_stated_h
    if len(assay.times_h) < 2:
        return None
    steps = sorted(after - before for before, after in pairwise(assay.times_h))
    return steps[len(steps) // 2]


def _factor(one: float, other: float) -> str:
    low, high = sorted((one, other))
    return f"{high / low:.2g}" if low > 0 else "any size"


def _species(text: str) -> str:
    known = text.strip().lower()
    return next((name for name, called in _SPECIES.items() if known in called), known)


def _akin(one: str, other: str) -> bool:
    """Whether two names of tissues share the stem of a word: pancreas and pancreatic do."""
    stems = [{word[:5] for word in re.findall(r"[a-z]{4,}", text.lower())} for text in (one, other)]
    return bool(stems[0] & stems[1])
