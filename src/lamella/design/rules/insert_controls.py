"""Does a study on porous inserts have the controls that its counts are read against?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from lamella.design.facts import Facts, Fault, number_in
from lamella.design.rules.insert import BOTH, NONE, claims_chemotaxis, inserts, loaded, places
from lamella.table.wells import Well

__all__ = ["ELUTED", "no_attractant", "stain_blank", "vehicle_alike"]

ELUTED = frozenset({"eluted_od", "eluted_cells"})
"""Read-outs of dye that was eluted: the membrane itself binds dye."""
_OD = "eluted_od"


def no_attractant(facts: Facts) -> Iterator[Fault]:
    """Inserts in a gradient, and none without attractant: nothing tells what the gradient does."""
    assays = list(inserts(facts))
    every = {(well.batch, well.cell_line) for well in loaded(facts)}
    having = places(facts, "attractant", NONE | BOTH)
    if not having and any(claims_chemotaxis(assay, facts) for assay in assays):
        return  # a claim of chemotaxis without any such insert is the finding of another rule
    lacking = sorted(every - having)
    if assays and lacking:
        batch, line = lacking[0]
        of_line = f" of {line}" if line else ""
        yield Fault(
            f"plate map, column attractant, batch {batch}",
            f"no insert{of_line} without attractant in {_of(len(lacking), len(every))}: how many "
            "cells come through without being drawn is not known.",
            "Add at least 2 vehicle inserts without attractant to each batch (attractant "
            "'none'); their ratio is the chemotaxis index.",
        )


def vehicle_alike(facts: Facts) -> Iterator[Fault]:
    """Treated inserts without a vehicle insert of the same coat and attractant on their plate."""
    if not any(True for _ in inserts(facts)):
        return
    having: dict[tuple[str, str], set[tuple[bool, bool]]] = defaultdict(set)
    treated: dict[tuple[str, str], set[tuple[bool, bool]]] = defaultdict(set)
    for well, kind in _kinds(loaded(facts)):
        place = well.plate, well.cell_line
        if well.role == "vehicle":
            having[place].add(kind)
        elif well.role == "test":
            treated[place].add(kind)
    for place in sorted(treated):
        if not having[place]:
            continue  # a plate without any vehicle is the finding of another rule
        for coated, attracted in sorted(treated[place] - having[place], reverse=True):
            what = f"{'coated' if coated else 'uncoated'} inserts "
            what += "with attractant" if attracted else "without attractant"
            yield Fault(
                f"plate {place[0]}",
                f"treated {what} have no vehicle insert alike on their plate: a vehicle of "
                "another kind is no 100 % for them.",
                "Add at least 2 vehicle inserts with the same coating and attractant, or correct "
                "these columns of the plate map.",
            )


def stain_blank(facts: Facts) -> Iterator[Fault]:
    """No insert without cells, stained like the others, that says what membrane and coat bind."""
    every = list(inserts(facts))
    eluted = [assay for assay in every if assay.readout in ELUTED]
    coats = _coats(facts.wells, told=any(assay.kind == "invasion" for assay in eluted))
    blanks = {well.plate for well in facts.wells if well.role == "blank"}
    for plate in sorted(_plates(facts, with_od=bool(eluted))) if every else ():
        if plate not in blanks:
            yield _no_blank(plate, eluted=bool(eluted))
        elif coats.get(plate) == (True, False):
            yield Fault(
                f"plate {plate}",
                "inserts are coated and the stained blank is not: the coat binds dye of its own, "
                "and all of it would be taken for cells.",
                "Coat the blank insert like the others (column coating), without cells.",
            )


def _no_blank(plate: str, *, eluted: bool) -> Fault:
    if eluted:
        return Fault(
            f"plate {plate}",
            "the read-out is eluted dye, and no insert without cells was stained beside the "
            "others: membrane and coat bind dye too, so nothing can be subtracted and no value "
            "is given.",
            "Stain and elute at least 1 insert without cells on each plate, role 'blank'.",
        )
    return Fault(
        f"plate {plate}",
        "no stained insert without cells: nothing shows that what is counted are cells and not "
        "dye in pores or on the membrane.",
        "Add 1 insert without cells to each plate, stained like the others, role 'blank'.",
        "warning",
    )


def _plates(facts: Facts, *, with_od: bool) -> set[str]:
    """Plates with loaded inserts; of eluted dye those that have an OD, where any has."""
    wells = list(loaded(facts))
    if with_od and any(_has_od(well) for well in wells):
        wells = [well for well in wells if _has_od(well)]
    return {well.plate for well in wells}


def _coats(wells: Iterable[Well], *, told: bool) -> dict[str, tuple[bool, bool]]:
    """Of each plate: whether a loaded insert, and whether a blank, is coated."""
    found: dict[str, list[bool]] = {}
    for well in wells:
        seen = found.setdefault(well.plate, [False, False])
        if told and well.factors.get("coating", "").strip().lower() not in NONE:
            seen[well.role == "blank"] = True
    return {plate: (seen[0], seen[1]) for plate, seen in found.items()}


def _kinds(wells: Iterable[Well]) -> Iterator[tuple[Well, tuple[bool, bool]]]:
    """Each insert with whether it is coated and attracted, as far as its study tells them apart."""
    every = list(wells)
    told = {
        column: any(well.factors.get(column, "").strip() for well in every)
        for column in ("coating", "attractant")
    }
    for well in every:
        coat, drawn = (
            told[column] and well.factors.get(column, "").strip().lower() not in NONE
            for column in ("coating", "attractant")
        )
        yield well, (coat, drawn or not told["attractant"])


def _has_od(well: Well) -> bool:
    return number_in(well.factors.get(_OD, "")) is not None


def _of(few: int, every: int) -> str:
    return "any batch" if few == every else f"{few} of {every} batches"
