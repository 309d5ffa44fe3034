"""Can cells on a porous insert be said to migrate, and to invade?"""

from __future__ import annotations

from collections.abc import Iterator

from lamella.design.facts import AssayFacts, Facts, Fault
from lamella.design.rules.claims import LOST_VIABILITY, told_arm, viability_percent
from lamella.table.wells import Well

__all__ = [
    "BOTH",
    "NONE",
    "chemokinesis",
    "claims_chemotaxis",
    "crowded",
    "fields",
    "inhibitor_place",
    "inserts",
    "loaded",
    "matrix",
    "places",
    "survivors",
    "uncoated",
]

INSERT_CM2 = 0.332
CONFLUENT_PER_CM2 = 1.26e5
FEWEST_FIELDS = 5
GEL_MG_PER_ML = 1.0
NONE = frozenset(
    {"", "-", "0", "0 %", "0%", "none", "no", "without", "uncoated", "no attractant", "serum-free"}
)
"""Words for nothing; an empty cell is one where other wells state something."""
BOTH = frozenset({"both", "both sides", "above and below"})


def inserts(facts: Facts) -> Iterator[AssayFacts]:
    """The assays on porous inserts."""
    return (assay for assay in facts.assays if assay.kind in {"transwell", "invasion"})


def inhibitor_place(facts: Facts) -> Iterator[Fault]:
    """Nobody wrote down on which side the compound was, or for how long before."""
    for assay in inserts(facts):
        absent = []
        if not assay.insert.inhibitor_side:
            absent.append("inhibitor_side ('upper', 'lower' or 'both')")
        if assay.insert.preincubation_h is None:
            absent.append("preincubation_h (0 for none)")
        if absent:
            yield Fault(
                f"[assay.protocol] of {assay.kind}",
                f"not stated: {' and '.join(absent)}. The dose that cells meet depends on it, and "
                "a compound below forms a gradient of its own.",
                "State both; compound on both sides at one dose keeps it constant.",
            )


def chemokinesis(facts: Facts) -> Iterator[Fault]:
    """Chemotaxis is claimed, and no insert is without a gradient."""
    for assay in inserts(facts):
        if claims_chemotaxis(assay, facts) and not places(facts, "attractant", NONE | BOTH):
            yield Fault(
                "plate map, column attractant",
                "chemotaxis is claimed, and no insert is without attractant: cells that merely "
                "move more (chemokinesis) would look the same.",
                "Add inserts without attractant, or with it on both sides: attractant 'none' or "
                "'both'.",
            )


def uncoated(facts: Facts) -> Iterator[Fault]:
    """Coated inserts without uncoated ones beside them: invasion is not told from migration."""
    for assay in facts.assays:
        if assay.kind != "invasion":
            continue
        every = {(well.batch, well.cell_line) for well in loaded(facts)}
        bare = places(facts, "coating", NONE)
        lacking = sorted(every - bare)
        if lacking:
            batch, line = lacking[0]
            yield Fault(
                f"plate map, column coating, batch {batch}",
                f"no uncoated insert{f' of {line}' if line else ''} beside the coated ones "
                f"({len(lacking)} of {len(every)} batches): fewer cells may mean less invasion "
                "or less migration.",
                "Add uncoated inserts (coating 'none') with the same cells and time to each batch.",
            )


def matrix(facts: Facts) -> Iterator[Fault]:
    """A matrix of unknown strength, lot or amount, or a thin coat that is called a gel."""
    for assay in facts.assays:
        if assay.kind != "invasion":
            continue
        coat = assay.matrix
        stated = (
            ("matrix_mg_per_ml", coat.mg_per_ml),
            ("matrix_lot", coat.lot),
            ("matrix_ul_per_insert", coat.ul_per_insert),
        )
        absent = [name for name, value in stated if not value]
        if absent:
            yield Fault(
                "[assay.protocol] of invasion",
                f"not stated: {', '.join(absent)}. Lots differ, and the mass of matrix per area "
                "decides how many cells pass.",
                "Copy lot and concentration from the certificate, and state the volume.",
            )
        if coat.form == "gel" and coat.mg_per_ml is not None and coat.mg_per_ml < GEL_MG_PER_ML:
            yield Fault(
                "[assay.protocol] matrix_form",
                f"{coat.mg_per_ml:g} mg/mL is called a gel; below about {GEL_MG_PER_ML:g} mg/mL "
                "it is a thin coat that cells need not digest.",
                "Write matrix_form = 'coat', or use 3 mg/mL or more.",
            )


def crowded(facts: Facts) -> Iterator[Fault]:
    """More cells than the membrane holds in one layer."""
    for assay in inserts(facts):
        loaded = assay.insert
        if loaded.cells is None:
            continue
        confluent = loaded.confluent_per_cm2 or CONFLUENT_PER_CM2
        per_cm2 = loaded.cells / (loaded.area_cm2 or INSERT_CM2)
        if per_cm2 > confluent:
            yield Fault(
                "[assay.protocol] cells_per_insert",
                f"{loaded.cells:g} cells are {per_cm2:.2g} per cm², {per_cm2 / confluent:.1f} "
                "times a confluent layer: cells lie on cells and do not reach the pores.",
                f"Load at most {confluent * (loaded.area_cm2 or INSERT_CM2):.2g} cells, or state "
                "'confluent_per_cm2' of these cells.",
            )


def fields(facts: Facts) -> Iterator[Fault]:
    """Too few fields of an insert, or fields that somebody chose by eye."""
    for assay in inserts(facts):
        choice = assay.insert.field_choice.strip().lower()
        count = assay.insert.fields
        by_eye = "eye" in choice or "represent" in choice
        few = count is not None and count < FEWEST_FIELDS and "whole" not in choice
        if not few and not by_eye:
            continue
        told = f"{count} fields an insert" if few else "fields"
        chosen = " chosen by eye" if by_eye else ""
        yield Fault(
            "fields",
            f"{told}{chosen}: five fields at 20x see 7 % of the membrane, and cells gather in "
            "patches.",
            f"Take {FEWEST_FIELDS} or more fields at random or on a grid, or the whole membrane.",
        )


def survivors(facts: Facts) -> Iterator[Fault]:
    """Fewer cells alive, and counts that are not related to them."""
    alive = viability_percent(facts)
    poor = {key: value for key, value in alive.items() if value < LOST_VIABILITY}
    for assay in inserts(facts):
        correction = assay.insert.viability_correction.strip().lower()
        if poor and correction in {"", "none", "no"}:
            key = min(poor, key=poor.__getitem__)
            yield Fault(
                f"{told_arm(key)}",
                f"only {poor[key]:.0f} % of the cells are alive there, and counts below are not "
                "related to living cells: dead cells look like cells that do not migrate.",
                "Relate counts to the cells still attached, and state 'viability_correction'.",
            )


def claims_chemotaxis(assay: AssayFacts, facts: Facts) -> bool:
    """Whether the assay, or the title of the study, claims that cells follow a gradient."""
    claimed = f"{assay.insert.claim} {facts.title}".lower()
    return "chemota" in claimed or "haptota" in claimed


def loaded(facts: Facts) -> Iterator[Well]:
    """Inserts with cells that a claim rests on; wells of a standard curve are none."""
    for well in facts.wells:
        standard = well.factors.get("standard_cells", "").strip()
        if well.role in {"vehicle", "untreated", "test"} and not standard:
            yield well


def places(facts: Facts, column: str, words: frozenset[str]) -> set[tuple[str, str]]:
    """Batch and cells of the inserts whose column holds one of the words."""
    told = [(well, well.factors.get(column, "").strip().lower()) for well in loaded(facts)]
    if not any(text for _, text in told):
        return set()
    return {(well.batch, well.cell_line) for well, text in told if text in words}
