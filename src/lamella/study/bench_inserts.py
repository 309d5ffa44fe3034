"""Which volumes do the inserts of a day need: coat, attractant, cells, stain, fields?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lamella.design.inserts import count_cv, gradient, share_of_membrane
from lamella.design.matrix import Coat, matrix_coat
from lamella.errors import SettingsError
from lamella.study.bench import Bench, Quantity, amount
from lamella.study.bench_cells import cells_suspended
from lamella.units import format_volume, parse_dose

__all__ = [
    "attractant",
    "coat",
    "coat_mix",
    "coat_thaw",
    "coated",
    "count",
    "fixing",
    "insert_cells",
    "rehydration",
    "treated_inserts",
]

GUIDE_CELLS = 1e5
GUIDE_MATRIX_MG_PER_ML = 0.2
GUIDE_COAT_UL = 100.0
GUIDE_SERUM_BELOW = 10.0
_FIELD_MM2 = 0.442  # 20x on a sensor of 13.3 mm
_GUIDE_FIELDS = 5
_UNCOATED = frozenset({"", "none", "uncoated", "no", "0"})
_NO_ATTRACTANT = frozenset({"none", "no", "0", "without", "serum-free"})
_BOTH_SIDES = frozenset({"both", "both sides", "chemokinesis"})


def coated(bench: Bench) -> int:
    """How many inserts get a coat; all of them where the plate map has no such column."""
    said = [well.factors.get("coating") for well in bench.wells]
    if all(text is None for text in said):
        return len(bench.wells)
    return sum((text or "").strip().lower() not in _UNCOATED for text in said)


def rehydration(bench: Bench) -> Iterator[Quantity]:
    """Serum-free medium above and below all inserts."""
    inserts = len(bench.wells)
    above, below = bench.well_ul, bench.lower_ul
    yield Quantity(
        "Serum-free medium",
        format_volume(bench.more(inserts * (above + below))),
        f"{inserts} × ({format_volume(below)} below + {format_volume(above)} above) + "
        f"{bench.plan.overage_percent:g} %",
    )
    if bench.protocol.id == "invasion" and bench.plan.rehydrate == "before coating":
        yield Quantity(
            "Order in this study",
            "do this step before coating, then remove the medium",
            caution="The guide prints it after the coating.",
        )


def attractant(bench: Bench) -> Iterator[Quantity]:
    """Medium below, the difference that attracts, and the control inserts of the plate map."""
    stated = bench.plan.serum_below_percent
    below = GUIDE_SERUM_BELOW if stated is None else stated
    made = gradient(below, upper_percent=bench.plan.serum_above_percent)
    said = [well.factors.get("attractant", "").strip().lower() for well in bench.wells]
    arms = Counter(
        "random" if text in _NO_ATTRACTANT else "both" if text in _BOTH_SIDES else "assay"
        for text in said
    )
    total = bench.more(len(bench.wells) * bench.lower_ul)
    yield Quantity(
        "Lower chamber",
        f"{format_volume(bench.lower_ul)} each, {format_volume(total)} in all",
        f"{len(bench.wells)} inserts + {bench.plan.overage_percent:g} %",
    )
    source = "the guide's example" if stated is None else "as planned"
    yield Quantity(
        "Gradient",
        f"{below:g} % serum below, {bench.plan.serum_above_percent:g} % above: "
        f"difference {made.difference_percent:g}",
        source,
    )
    missing = [name for name in ("random", "both") if not arms[name]]
    words = {"random": "no attractant below", "both": "attractant on both sides"}
    yield Quantity(
        "Inserts",
        f"{arms['assay']} with the gradient, {arms['random']} without attractant, "
        f"{arms['both']} with it on both sides",
        "column attractant of the plate map",
        caution=f"Not planned: {' and '.join(words[name] for name in missing)}. Without them "
        "migration cannot be called chemotaxis."
        if missing
        else "",
    )


def insert_cells(bench: Bench) -> Iterator[Quantity]:
    """Cells on an insert, and how dense they lie."""
    stated = bench.facts.cells_per_insert or bench.plan.cells_per_well
    cells = stated or GUIDE_CELLS
    yield from cells_suspended(bench, cells, how="as planned" if stated else "the guide's number")
    density = cells / bench.area_cm2
    confluent = bench.facts.confluent_per_cm2
    caution = ""
    if confluent is not None and density > confluent:
        caution = (
            f"{density / confluent:.1f} times a confluent layer: cells pile up and push. "
            f"A single layer is {amount(confluent * bench.area_cm2)} cells."
        )
    yield Quantity(
        "Density on the membrane",
        f"{amount(density)} cells/cm²",
        f"÷ {bench.area_cm2:g} cm²",
        caution=caution,
    )


def treated_inserts(bench: Bench) -> Iterator[Quantity]:
    """Where the dose goes."""
    side = bench.facts.inhibitor_side
    if not side:
        raise SettingsError(
            "the side of the membrane that gets the inhibitor is not stated. Write inhibitor_side "
            "= 'upper', 'lower' or 'both' in [assay.protocol]."
        )
    places = {
        "upper": f"above alone, {format_volume(bench.well_ul)}",
        "lower": f"below alone, {format_volume(bench.lower_ul)}",
        "both": f"{format_volume(bench.well_ul)} above and {format_volume(bench.lower_ul)} below",
    }
    yield Quantity("Dose goes", places[side])
    if side in ("upper", "both"):
        yield Quantity(
            "Cells of each dose",
            "spin down the share of each dose and resuspend it in its working solution",
        )
    before = bench.facts.preincubation_h
    if before is not None:
        yield Quantity("Pre-incubation", f"{before:g} h" if before else "none")


def coat_thaw(bench: Bench) -> Iterator[Quantity]:
    """Matrix to take from the freezer the day before."""
    made = _coat(bench)
    yield Quantity(
        "Thaw at least",
        format_volume(made.stock_ul),
        f"lot of {bench.plan.matrix_lot_concentration}",
    )


def coat_mix(bench: Bench) -> Iterator[Quantity]:
    """The dilution of the lot."""
    made = _coat(bench)
    yield Quantity(
        "Mix on ice",
        f"{format_volume(made.stock_ul)} matrix + {format_volume(made.medium_ul)} ice-cold "
        f"serum-free medium = {format_volume(made.total_ul)}",
        f"{made.target_ug_per_ml:g} µg/mL × {format_volume(made.total_ul)} ÷ "
        f"{bench.plan.matrix_lot_concentration}",
    )


def coat(bench: Bench) -> Iterator[Quantity]:
    """What lies on each membrane, and what it may be called."""
    made, inserts = _coat(bench), coated(bench)
    yield Quantity(
        "On each of the coated",
        f"{format_volume(made.per_insert_ul)} = {made.surface_ug_per_cm2:.0f} µg/cm²",
        f"{made.target_ug_per_ml:g} µg/mL × {format_volume(made.per_insert_ul)} ÷ "
        f"{bench.area_cm2:g} cm²",
        caution={
            "coat": "A thin coat, not a gel.",
            "gel": "",
            "neither": "Between 1 and 3 mg/mL: call it neither coat nor gel.",
        }[made.kind],
    )
    bare = len(bench.wells) - inserts
    yield Quantity(
        "Coated, uncoated",
        f"{inserts} coated, {bare} uncoated",
        "column coating of the plate map",
        caution="" if bare else "No uncoated insert: invasion cannot be told from migration.",
    )


def fixing(bench: Bench) -> Iterator[Quantity]:
    """Liquid that covers the underside of all inserts."""
    each = bench.lower_ul or bench.well_ul
    total = bench.more(len(bench.wells) * each)
    yield Quantity("In all", format_volume(total), f"{len(bench.wells)} × {format_volume(each)}")


def count(bench: Bench) -> Iterator[Quantity]:
    """Fields, and how precisely they know the membrane."""
    fields = bench.facts.fields_per_insert or max(bench.plan.fields, _GUIDE_FIELDS)
    share = share_of_membrane(fields, field_mm2=_FIELD_MM2, membrane_cm2=bench.area_cm2)
    yield Quantity(
        "Fields at 20x",
        f"{fields} of each insert = {100 * share:.1f} % of the membrane",
        f"{_FIELD_MM2:g} mm² a field; total = mean × {bench.area_cm2 * 100 / _FIELD_MM2:.0f}",
    )
    now = 100 * count_cv(fields, cells_per_field=60)
    more = 100 * count_cv(4 * fields, cells_per_field=60)
    yield Quantity(
        "Precision at 60 cells a field",
        f"± {now:.0f} % with {fields} fields, ± {more:.0f} % with {4 * fields}",
        "√((1/m + 0.3²)/k): more fields gain more than more cells",
    )
    yield Quantity("Pictures", f"{fields * len(bench.wells)}", f"{len(bench.wells)} inserts")


def _coat(bench: Bench) -> Coat:
    stated = bench.facts.matrix_mg_per_ml
    lot = bench.plan.matrix_lot_concentration
    return matrix_coat(
        1000 * (GUIDE_MATRIX_MG_PER_ML if stated is None else stated),
        inserts=max(1, coated(bench)),
        per_insert_ul=bench.facts.matrix_ul_per_insert or GUIDE_COAT_UL,
        area_cm2=bench.area_cm2,
        lot_ug_per_ml=parse_dose(lot).amount * 1000 if lot else None,
        overage_percent=bench.plan.overage_percent,
    )
