"""Which volumes do the inserts of a day need: coat, attractant, cells, stain, fields?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from lamella.design.dilution import Portion, WorkingSolution
from lamella.design.inserts import count_cv, gradient, share_of_membrane
from lamella.design.matrix import Coat, matrix_coat
from lamella.errors import SettingsError
from lamella.study.bench import Bench, Quantity, amount
from lamella.study.bench_cells import cells_suspended, lot_ug_per_ml
from lamella.table.plates import well_place
from lamella.table.wells import Well
from lamella.units import Dose, format_volume

__all__ = [
    "attractant",
    "coat",
    "coat_mix",
    "coat_thaw",
    "coated",
    "count",
    "fixing",
    "insert_cells",
    "portions",
    "rehydration",
    "served",
    "treated_inserts",
]

GUIDE_CELLS = 1e5
GUIDE_MATRIX_MG_PER_ML = 0.2
GUIDE_COAT_UL = 100.0
GUIDE_SERUM_BELOW = 10.0
_FIELD_MM2 = 0.442  # 20x on a sensor of 13.3 mm
_GUIDE_FIELDS = 5
_NOTHING = frozenset({"", "-", "none", "no", "0", "0 %", "0%", "without", "uncoated", "serum-free"})
_BELOW, _BELOW_WITHOUT = "below, with attractant", "below, without attractant"
_ABOVE, _ABOVE_WITH = "above, for the cells", "above, with attractant"
_ARMS = {
    _BELOW: {"assay", "both"},
    _BELOW_WITHOUT: {"random"},
    _ABOVE: {"assay", "random"},
    _ABOVE_WITH: {"both"},
}
_BOTH_SIDES = frozenset({"both", "both sides", "above and below", "chemokinesis"})


def coated(bench: Bench) -> int:
    """How many inserts get a coat; all of them where the plate map tells of none."""
    return sum(_has(well, "coating", bench.wells) for well in bench.wells)


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
    arms = Counter(_arm(well, bench.wells) for well in bench.wells)
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


def portions(bench: Bench, needs: Mapping[float, int], compound: str) -> tuple[Portion, ...]:
    """The media of an insert that hold the dose: above and below, with attractant or without.

    Args:
        bench: The day.
        needs: Wells of each dose of the compound; 0 where it takes the vehicle along.
        compound: Whose doses are meant.
    """
    side = bench.facts.inhibitor_side or "both"
    wells: dict[str, Counter[float]] = {}
    for well in bench.wells:
        vehicle = well.role == "vehicle" and 0.0 in needs
        if not (vehicle or (well.role in ("test", "positive") and well.compound == compound)):
            continue
        dose = well.dose.amount if well.dose and not vehicle else 0.0
        arm = _arm(well, bench.wells)
        if side != "upper":
            below = _BELOW_WITHOUT if arm == "random" else _BELOW
            wells.setdefault(below, Counter())[dose] += 1
        if side != "lower":
            above = _ABOVE_WITH if arm == "both" else _ABOVE
            wells.setdefault(above, Counter())[dose] += 1
    volumes = {"below": bench.lower_ul, "above": bench.well_ul}
    return tuple(
        Portion(name, volumes[name.partition(",")[0]], counts)
        for name, counts in sorted(wells.items(), key=lambda item: item[0], reverse=True)
    )


def served(solution: WorkingSolution, compound: str, wells: Sequence[Well]) -> list[Well]:
    """The wells of a day that get a working solution, in reading order.

    Args:
        solution: Of one dose and, on inserts, of one chamber.
        compound: Whose dose it is.
        wells: All wells of the day.
    """
    dose = Dose(solution.dose_molar)
    arms = _ARMS.get(solution.portion)
    found = [
        well
        for well in wells
        if (
            well.role == "vehicle"
            if solution.dose_molar == 0
            else well.role in ("test", "positive")
            and (well.compound, well.dose) == (compound, dose)
        )
        and (arms is None or _arm(well, wells) in arms)
    ]
    return sorted(found, key=lambda well: (well.plate, well_place(well.well)))


def _has(well: Well, factor: str, wells: Sequence[Well]) -> bool:
    """Whether a well has it; an empty cell means without where other wells state something."""
    if not any(other.factors.get(factor) for other in wells):
        return True
    return well.factors.get(factor, "").strip().lower() not in _NOTHING


def _arm(well: Well, wells: Sequence[Well]) -> str:
    """Which arm of the gradient an insert belongs to: assay, random or both."""
    if well.factors.get("attractant", "").strip().lower() in _BOTH_SIDES:
        return "both"
    return "assay" if _has(well, "attractant", wells) else "random"


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
            "spin down the share of each dose and resuspend it in its solution 'above'",
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
    return matrix_coat(
        1000 * (GUIDE_MATRIX_MG_PER_ML if stated is None else stated),
        inserts=max(1, coated(bench)),
        per_insert_ul=bench.facts.matrix_ul_per_insert or GUIDE_COAT_UL,
        area_cm2=bench.area_cm2,
        lot_ug_per_ml=lot_ug_per_ml(bench),
        overage_percent=bench.plan.overage_percent,
    )
