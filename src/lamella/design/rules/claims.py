"""Does what is claimed follow from what was done: the n, the cells alive, the rows cited?"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from statistics import fmean

from lamella.design.facts import Arm, CellFacts, Facts, Fault, arm, number_in

__all__ = [
    "LOST_VIABILITY",
    "cited",
    "growth_rate",
    "told_arm",
    "toxic_effect",
    "unit_of_analysis",
    "viability_percent",
]

LOST_VIABILITY = 80.0
"""Viability below which a dose counts as toxic [% of vehicle]."""
EFFECT = 80.0
_DAYS = ("experiment", "batch", "day", "passage", "thaw", "donor", "animal", "repeat")
_PARTS = ("field", "cell", "well", "image", "frame", "insert", "lane", "technical", "track")


def unit_of_analysis(facts: Facts) -> Iterator[Fault]:
    """More observations in a test than there are independent experiments."""
    said = _first_word(facts.reporting.n_is)
    if said in _PARTS:
        yield Fault(
            "[study.reporting] n_is",
            f"n is said to be '{facts.reporting.n_is}': {said}s of one day share cells and "
            "reagents. With fields as n 29 of 100 tests of nothing come out significant, with "
            "wells 9, with means of days 5.",
            "Average within each independent experiment first; n is the number of experiments.",
        )
    yield from _batches_within_days(facts)
    batches = len({well.batch for well in facts.wells})
    for assay in facts.assays:
        if assay.n_counted is not None and facts.wells and assay.n_counted > batches:
            yield Fault(
                f"{assay.kind}, result",
                f"the interval counts n = {assay.n_counted}, and there are {batches} independent "
                "experiments.",
                "Average within each batch before the test.",
            )


def _batches_within_days(facts: Facts) -> Iterator[Fault]:
    """Batches that lie within one day, as a column `day` tells, or that hold one well each."""
    days: dict[str, set[str]] = defaultdict(set)
    sizes: dict[str, int] = defaultdict(int)
    for well in facts.wells:
        sizes[well.batch] += 1
        if day := well.factors.get("day", "").strip():
            days[day].add(well.batch)
    crowded = {day: found for day, found in days.items() if len(found) > 1}
    if crowded:
        day, found = next(iter(crowded.items()))
        yield Fault(
            "plate map, columns batch and day",
            f"day {day} holds {len(found)} batches ({', '.join(sorted(found)[:4])}): wells of one "
            "day are no independent experiments.",
            "Give all wells of one day, passage and thaw the same batch.",
        )
    elif len(sizes) > 3 and set(sizes.values()) == {1}:
        yield Fault(
            "plate map, column batch",
            f"each of the {len(sizes)} wells is a batch of its own, which counts every well as an "
            "independent experiment.",
            "Give all wells of one day, passage and thaw the same batch.",
        )


def toxic_effect(facts: Facts) -> Iterator[Fault]:
    """Less migration at a dose that also kills."""
    alive = viability_percent(facts)
    for assay in facts.assays:
        if assay.kind in {"viability", "blot"}:
            continue
        hit = {
            key: value
            for key, value in assay.response_percent.items()
            if value < EFFECT and alive.get(key, 100.0) < LOST_VIABILITY
        }
        if hit:
            key = min(hit, key=lambda found: alive[found])
            yield Fault(
                f"{assay.kind}, {told_arm(key)}",
                f"{assay.readout or 'migration'} falls to {hit[key]:.0f} % where only "
                f"{alive[key]:.0f} % of the cells are alive ({len(hit)} doses): the effect may be "
                "toxicity.",
                "Claim an effect on migration only at doses that leave 80 % alive.",
            )


def viability_percent(facts: Facts) -> dict[Arm, float]:
    """Living cells of each treatment [% of vehicle], from a column or a viability assay."""
    found: dict[Arm, list[float]] = defaultdict(list)
    for well in facts.wells:
        alive_percent = number_in(well.factors.get("viability_percent", ""))
        if alive_percent is not None:
            found[arm(well)].append(alive_percent)
    alive = {key: fmean(values) for key, values in found.items()}
    for assay in facts.assays:
        if assay.kind == "viability":
            alive |= assay.response_percent
    return alive


def growth_rate(facts: Facts) -> Iterator[Fault]:
    """IC50s of lines that grow at different speeds, from the cells left at the end."""
    known = [line for line in facts.cells if line.doubling_h is not None]
    for assay in facts.assays:
        corrected = assay.growth_correction.strip().lower() not in {"", "none", "no"}
        if assay.kind != "viability" or corrected or assay.readout.lower().startswith("gr"):
            continue
        apart = [pair for pair in combinations(known, 2) if _differ(*pair)]
        if apart:
            one, other = apart[0]
            yield Fault(
                "[assay.protocol] growth_correction",
                f"{_doubles(one)}, {_doubles(other)}: the line that grows faster looks more "
                "sensitive at the end although each division is hit alike.",
                "Measure time zero too and use growth-rate inhibition: growth_correction = 'GR'.",
            )


def cited(facts: Facts) -> Iterator[Fault]:
    """Published rows under the name of this compound that tested another, or none that is sure."""
    for row in facts.cited:
        if not row.tested:
            yield Fault(
                f"evidence row {row.id}",
                f"{row.id} stands under {row.compound}, and its source does not confirm that "
                f"{row.compound} was tested.",
                "Leave the row out, or read the full text and add a curation.",
            )
        elif facts.compound is not None and row.compound != facts.compound.name:
            yield Fault(
                f"evidence row {row.id}",
                f"{row.id} is of {row.compound}, not of {facts.compound.name}.",
                "Compare with rows of the same compound; its siblings hit other targets too.",
            )


def told_arm(key: Arm) -> str:
    """A treatment in words."""
    return " ".join(part for part in key if part)


def _first_word(text: str) -> str:
    """The unit that a definition of n names first."""
    places = {
        found.start(): word
        for word in (*_DAYS, *_PARTS)
        if (found := re.search(rf"\b{word}", text.lower()))
    }
    return places[min(places)] if places else ""


def _differ(one: CellFacts, other: CellFacts) -> bool:
    if one.doubling_h is None or other.doubling_h is None:
        return False
    return one.doubling_h[0] > other.doubling_h[1] or other.doubling_h[0] > one.doubling_h[1]


def _doubles(line: CellFacts) -> str:
    low, high = line.doubling_h or (0.0, 0.0)
    return f"{line.name} doubles in {low:g}" + (f"-{high:g} h" if high > low else " h")
