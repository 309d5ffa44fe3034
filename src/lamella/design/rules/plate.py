"""Can this plate map carry a claim at all?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise

from lamella.design.facts import Arm, Facts, Fault, arm, number_in
from lamella.table.wells import Well

__all__ = [
    "batches",
    "controls",
    "position",
    "several_plates",
    "solvent",
    "vehicle",
]

WANTED_BATCHES = 3
MOST_SOLVENT_PERCENT = 0.5
UNEVEN_VEHICLES = 2


def batches(facts: Facts) -> Iterator[Fault]:
    """Fewer than three independent experiments for a treatment: n is the number of batches."""
    seen: dict[Arm, set[str]] = defaultdict(set)
    for well in facts.wells:
        if well.role == "test":
            seen[arm(well)].add(well.batch)
    short = {key: len(found) for key, found in seen.items() if len(found) < WANTED_BATCHES}
    if not short:
        return
    fewest = min(short.values())
    if len({well.batch for well in facts.wells}) == 1:
        said = "all wells belong to one batch: they are technical replicates, n = 1"
    else:
        worst = _list(_told(key) for key, count in short.items() if count == fewest)
        said = f"{len(short)} of {len(seen)} treatments have fewer than {WANTED_BATCHES} batches"
        said += f"; fewest ({fewest}): {worst}"
    yield Fault(
        "plate map, column batch",
        f"{said}. Wells of one day share cells and reagents, so they say nothing of the next day.",
        f"Repeat on at least {WANTED_BATCHES} days or passages (5 give 0.92 power for a 30 % "
        "effect), and give each its own batch.",
    )


def vehicle(facts: Facts) -> Iterator[Fault]:
    """A plate whose treated wells have no vehicle wells, or far fewer than other plates."""
    treated = _plates(well for well in facts.wells if well.role in {"test", "positive"})
    vehicles = _plates(well for well in facts.wells if well.role == "vehicle")
    counts = {place: len(vehicles.get(place, ())) for place in treated}
    for (plate, cell_line), count in counts.items():
        if count == 0:
            cells = f" of {cell_line}" if cell_line else ""
            yield Fault(
                f"plate {plate}",
                f"treated wells{cells} have no vehicle wells beside them, so nothing says what "
                "these cells do on this plate without compound.",
                "Add wells with the solvent alone (at least 3, and 1 in 6 of the plate) and "
                "role 'vehicle'.",
            )
    yield from _unmatched_solvent(facts)
    some = [count for count in counts.values() if count]
    if some and max(some) > UNEVEN_VEHICLES * min(some):
        (plate, _), fewest = min(
            ((place, count) for place, count in counts.items() if count), key=lambda item: item[1]
        )
        yield Fault(
            f"plate {plate}",
            f"only {fewest} vehicle well{'s' if fewest > 1 else ''} here, {max(some)} on another "
            "plate: the base line of this plate is known less well than the rest.",
            "Give every plate the same number of vehicle wells.",
            "warning",
        )


def _unmatched_solvent(facts: Facts) -> Iterator[Fault]:
    """Treated wells whose share of solvent no vehicle well of their plate has."""
    having: dict[tuple[str, str], set[float]] = defaultdict(set)
    for well in facts.wells:
        share = number_in(well.factors.get("solvent_percent", ""))
        if well.role == "vehicle" and share is not None:
            having[well.plate, well.cell_line].add(share)
    for (plate, cell_line), wells in _plates(w for w in facts.wells if w.role == "test").items():
        shares = {number_in(well.factors.get("solvent_percent", "")) for well in wells} - {None}
        vehicles = having.get((plate, cell_line))
        if vehicles and shares - vehicles:
            told = ", ".join(f"{share:g} %" for share in sorted(shares - vehicles, key=str))
            yield Fault(
                f"plate {plate}",
                f"no vehicle well has the solvent of the treated wells ({told}), so its effect is "
                "counted as that of the compound.",
                "Give vehicle wells the same percentage of solvent as the wells they stand for.",
            )


def solvent(facts: Facts) -> Iterator[Fault]:
    """Solvent that differs between wells, or more of it than cells bear unnoticed."""
    stated = {
        (well.plate, well.well): number_in(well.factors.get("solvent_percent", ""))
        for well in facts.wells
    }
    known = {place: value for place, value in stated.items() if value is not None}
    if len(set(known.values())) > 1:
        low, high = min(known.values()), max(known.values())
        odd = next(place for place, value in known.items() if value == high)
        yield Fault(
            f"plate {odd[0]}, well {odd[1]}",
            f"solvent runs from {low:g} to {high:g} % between wells, so its own effect mixes "
            "with that of the dose.",
            "Dilute in pure solvent and add the same volume to every well.",
        )
    protocol = [a.solvent_percent for a in facts.assays if a.solvent_percent is not None]
    most = max([*known.values(), *protocol], default=0.0)
    if most > MOST_SOLVENT_PERCENT:
        yield Fault(
            "solvent_percent",
            f"{most:g} % solvent; above {MOST_SOLVENT_PERCENT:g} % DMSO itself changes how cells "
            "move and grow.",
            "Use a stronger stock; 0.1 % is usual.",
        )


def position(facts: Facts) -> Iterator[Fault]:
    """Treatments that follow rows, columns, the edge or the order of imaging, as doses might."""
    for plate, wells in _by_plate(facts.wells).items():
        arms: dict[Arm, list[Well]] = defaultdict(list)
        for well in wells:
            if well.role != "blank":
                arms[arm(well)].append(well)
        groups = [group for group in arms.values() if len(group) > 1]
        dosed = [group for group in groups if group[0].role == "test"]
        for what, place in (("column", _column), ("row", _row)):
            held = [{place(well) for well in group} for group in (dosed or groups)]
            if len(held) > 1 and all(len(p) == 1 for p in held) and len(set.union(*held)) > 1:
                yield Fault(
                    f"plate {plate}",
                    f"every treatment sits in one {what}, so a gradient over the plate (edge, "
                    "seeding, order of imaging) would look like an effect.",
                    "Spread each treatment over rows and columns, at random within blocks.",
                )
                break
        else:
            yield from _on_the_edge(plate, groups)
            yield from _in_order(plate, groups)


def _on_the_edge(plate: str, groups: list[list[Well]]) -> Iterator[Fault]:
    """One treatment on the rim of the plate and every other inside, or the reverse."""
    every = [well for group in groups for well in group]
    columns = [_column(well) for well in every]
    large = any(_row(well) > "H" for well in every) or any(
        column.isdigit() and int(column) > 12 for column in columns
    )
    rows = 16 if large else 8
    held = [{_is_edge(well, rows=rows) for well in group} for group in groups]
    if len(groups) < 3 or not all(len(places) == 1 for places in held):
        return
    for place in (True, False):
        here = [group for group, places in zip(groups, held, strict=True) if places == {place}]
        if len(here) == 1:
            yield Fault(
                f"plate {plate}",
                f"all wells of {_told(arm(here[0][0]))} lie {'on' if place else 'off'} the edge "
                f"of the plate and all others {'off' if place else 'on'} it: evaporation would "
                "look like an effect.",
                "Leave edge wells empty or as buffer, or spread every treatment over them.",
            )


def _in_order(plate: str, groups: list[list[Well]]) -> Iterator[Fault]:
    """Treatments imaged one after the other, as stated in the column `imaging_order`."""
    spans = []
    for group in groups:
        places = [number_in(well.factors.get("imaging_order", "")) for well in group]
        known = [place for place in places if place is not None]
        if len(known) < len(group):
            return
        spans.append((min(known), max(known)))
    spans.sort()
    if len(spans) > 2 and all(before[1] < after[0] for before, after in pairwise(spans)):
        yield Fault(
            f"plate {plate}, column imaging_order",
            "treatments are imaged one after the other, so a drift over the round (temperature, "
            "focus, closure) would look like an effect.",
            "Image the wells in an order that mixes the treatments.",
        )


def several_plates(facts: Facts) -> Iterator[Fault]:
    """All replicates on one plate."""
    plates = {well.plate for well in facts.wells}
    if len(plates) == 1:
        yield Fault(
            f"plate {plates.pop()}",
            "all wells are on one plate: what went wrong with it went wrong with everything.",
            "Put each batch on a plate of its own.",
        )


def controls(facts: Facts) -> Iterator[Fault]:
    """Neither a positive control nor untreated wells."""
    roles = {well.role for well in facts.wells if not well.factors.get("standard_cells")}
    named = any(assay.positive_control for assay in facts.assays)
    if facts.wells and not named and not roles & {"positive", "untreated"}:
        yield Fault(
            "plate map, column role",
            "neither a positive control nor untreated wells: a flat curve could not be told from "
            "an assay that does not respond.",
            "Add at least 2 wells with a compound known to stop these cells (role 'positive'), "
            "and untreated wells for the effect of the solvent.",
        )


def _plates(wells: Iterable[Well]) -> dict[tuple[str, str], list[Well]]:
    found: dict[tuple[str, str], list[Well]] = defaultdict(list)
    for well in wells:
        found[well.plate, well.cell_line].append(well)
    return found


def _by_plate(wells: Iterable[Well]) -> dict[str, list[Well]]:
    found: dict[str, list[Well]] = defaultdict(list)
    for well in wells:
        found[well.plate].append(well)
    return found


def _row(well: Well) -> str:
    return well.well.rstrip("0123456789")


def _column(well: Well) -> str:
    return well.well[len(_row(well)) :].lstrip("0")


def _is_edge(well: Well, *, rows: int) -> bool:
    """Whether the well lies on the rim of a plate of 8 or 16 rows."""
    last_row, last_column = ("H", "12") if rows == 8 else ("P", "24")
    return _row(well) in {"A", last_row} or _column(well) in {"1", last_column}


def _told(key: Arm) -> str:
    return " ".join(part for part in key if part)


def _list(items: Iterable[str], most: int = 4) -> str:
    named = list(items)
    more = f" and {len(named) - most} more" if len(named) > most else ""
    return ", ".join(named[:most]) + more
