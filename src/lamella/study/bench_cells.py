"""How many cells, and how much medium, do the wells of a day need?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lamella.design.growth_block import growth_block
from lamella.design.matrix import coat_kind
from lamella.design.schedule import LARGEST_STEP, nearest_neighbour_um
from lamella.design.seeding import seeding_density_per_cm2, suspension
from lamella.errors import SettingsError
from lamella.study.bench import Bench, Quantity, amount
from lamella.units import format_volume, parse_dose

__all__ = [
    "block_hours",
    "cells_suspended",
    "gel",
    "growth_block_volumes",
    "lot_ug_per_ml",
    "plated_cells",
    "seeding",
    "track_cells",
    "wash",
]

_MITOMYCIN = re.compile(
    r"mitomycin\s*(?:-?c)?\D*?([\d.,]+)\s*([uµμ]g/mL)\D*?([\d.,]+)\s*(h|min)", re.IGNORECASE
)
_GEL_UL_PER_CM2 = 150.0  # 50 µL in a 96-well plate, as vendors advise; unverified
_COUNTS_PER_ML = (0.5e6, 1e6, 2e6, 4e6)


def seeding(bench: Bench) -> Iterator[Quantity]:
    """Density, cells in a well and the suspension for a monolayer."""
    facts, plan = bench.facts, bench.plan
    if plan.cells_per_well is not None:
        yield from cells_suspended(bench, plan.cells_per_well, how="stated in [plan]")
        return
    if facts.cells_per_cm2 is not None:
        density, how = facts.cells_per_cm2, "stated"
    else:
        confluent = bench.needed(
            facts.confluent_per_cm2,
            "confluent_per_cm2 (or cells_per_cm2) in [assay.protocol]",
            "the density of a full monolayer of these cells",
        )
        attach = plan.attach_h or 0.0
        density = seeding_density_per_cm2(
            confluent,
            fraction=plan.confluence_percent / 100,
            attach_h=attach,
            doubling_time_h=bench.doubling_time_h,
            plating_percent=plan.plating_percent,
        )
        how = f"{plan.confluence_percent:g} % of {amount(confluent)}/cm²"
        if attach and bench.doubling_time_h:
            how += f" ÷ 2^({attach:g} h ÷ {bench.doubling_time_h:g} h)"
        if plan.plating_percent < 100:
            how += f" ÷ {plan.plating_percent:g} % plating"
    yield Quantity("Seed", f"{amount(density)} cells/cm²", how)
    area = bench.area_cm2
    yield from cells_suspended(bench, density * area, how=f"× {area:g} cm² a well")


def cells_suspended(bench: Bench, cells: float, *, how: str) -> Iterator[Quantity]:
    """Cells in a well, and the suspension that serves all wells of the day."""
    plan, wells = bench.plan, len(bench.with_cells)
    volume = bench.seeded_ul
    yield Quantity("Cells in each", f"{amount(cells)} in {format_volume(volume)}", how)
    total_ul = bench.more(wells * volume)
    per_ml = cells / volume * 1000
    needed = per_ml * total_ul / 1000
    yield Quantity(
        "Suspension",
        f"{format_volume(total_ul)} at {amount(per_ml)} cells/mL = {amount(needed)} living cells",
        f"{wells} × {format_volume(volume)} + {plan.overage_percent:g} %",
    )
    if plan.counted_per_ml is not None:
        made = suspension(
            cells,
            wells=wells,
            well_ul=volume,
            counted_per_ml=plan.counted_per_ml,
            viability_percent=plan.viability_percent,
            overage_percent=plan.overage_percent,
        )
        yield Quantity(
            "Mix",
            f"{format_volume(made.stock_ul)} of the counted cells + "
            f"{format_volume(made.medium_ul)} medium",
            f"counted {amount(plan.counted_per_ml)}/mL, {plan.viability_percent:g} % alive",
        )
        return
    usable = [count for count in _COUNTS_PER_ML if count >= per_ml]
    rows = "; ".join(f"{count / 1e6:g}: {format_volume(needed / count * 1000)}" for count in usable)
    yield Quantity(
        "Take, by count",
        rows + " (count in 10⁶ living cells/mL)" if rows else "concentrate the cells first",
        "____ × 10⁶/mL counted, ____ % alive: take ____ mL, fill up with medium",
    )


def plated_cells(bench: Bench) -> Iterator[Quantity]:
    """Cells of an assay whose density must be found for each line."""
    if bench.plan.cells_per_well is None and bench.facts.cells_per_cm2 is None:
        raise SettingsError(
            "how many cells go into a well is not stated. Write cells_per_well in [plan], or "
            "cells_per_cm2 in [assay.protocol]."
        )
    yield from seeding(bench)


def track_cells(bench: Bench) -> Iterator[Quantity]:
    """Sparse cells, and how far each is from its neighbour."""
    density = bench.needed(
        bench.facts.cells_per_cm2,
        "cells_per_cm2 in [assay.protocol]",
        "the density of the cells while they are filmed",
    )
    area = bench.area_cm2
    yield Quantity("Seed", f"{amount(density)} cells/cm²", "stated")
    yield from cells_suspended(bench, density * area, how=f"× {area:g} cm² a well")
    apart = nearest_neighbour_um(density)
    yield Quantity(
        "Nearest neighbour",
        f"{apart:.0f} µm on average; a step may take {LARGEST_STEP * apart:.0f} µm",
        "0.5 ÷ √density; step ≤ 0.3 of it",
    )


def block_hours(bench: Bench) -> float | None:
    """Exposure to mitomycin C as the study states it [h]; None where it does not."""
    found = _MITOMYCIN.search(bench.facts.proliferation_control)
    if found is None:
        return None
    return float(found[3].replace(",", ".")) / (60 if found[4].lower() == "min" else 1)


def growth_block_volumes(bench: Bench) -> Iterator[Quantity]:
    """Medium with mitomycin C, as the study states it."""
    said = bench.facts.proliferation_control.strip()
    if not said:
        raise SettingsError(
            "whether growth is blocked is not stated. Write proliferation_control in "
            "[assay.protocol]: 'mitomycin C 10 ug/mL 2 h', or 'none'."
        )
    found = _MITOMYCIN.search(said)
    if found is None:
        skip = said.lower() in ("none", "no")
        yield Quantity("Block", "none: skip this step" if skip else said, "as the study states")
        return
    dose, hours = float(found[1].replace(",", ".")), block_hours(bench) or 0.0
    stock = parse_dose(bench.plan.mitomycin_stock).amount
    made = growth_block(
        dose,
        hours=hours,
        wells=len(bench.with_cells),
        well_ul=bench.well_ul,
        stock_mg_per_ml=stock,
        overage_percent=bench.plan.overage_percent,
    )
    yield Quantity("Dose and time", f"{dose:g} µg/mL ({made.molar * 1e6:.1f} µM) for {hours:g} h")
    yield Quantity(
        "Mix",
        f"{format_volume(made.stock_ul)} mitomycin stock + {format_volume(made.medium_ul)} medium",
        f"stock {stock:g} mg/mL; {len(bench.with_cells)} × {format_volume(bench.well_ul)} + "
        f"{bench.plan.overage_percent:g} %",
        caution="Find the dose in a pilot: no growth over the assay, more than 90 % alive.",
    )


def wash(bench: Bench) -> Iterator[Quantity]:
    """Two washes of all wells with cells."""
    wells, each = len(bench.with_cells), bench.well_ul
    yield Quantity(
        "PBS or serum-free medium",
        format_volume(bench.more(2 * wells * each)),
        f"2 × {wells} × {format_volume(each)} + {bench.plan.overage_percent:g} %",
    )


def lot_ug_per_ml(bench: Bench) -> float:
    """Protein in the matrix lot [µg/mL].

    Raises:
        SettingsError: It is not stated, and no default can stand for it.
    """
    lot = bench.plan.matrix_lot_concentration
    if not lot:
        raise SettingsError(
            "the protein concentration of the matrix lot is missing. Write "
            "matrix_lot_concentration in [plan], from the certificate of the lot (8 to 12 mg/mL "
            "are usual)."
        )
    return parse_dose(lot).amount * 1000


def gel(bench: Bench) -> Iterator[Quantity]:
    """Undiluted matrix that covers the floor of each well."""
    lot = lot_ug_per_ml(bench)
    each = bench.area_cm2 * _GEL_UL_PER_CM2
    total = bench.more(len(bench.wells) * each)
    kind = coat_kind(lot)
    yield Quantity(
        "Matrix, undiluted",
        f"{format_volume(each)} a well, {format_volume(total)} in all",
        f"{_GEL_UL_PER_CM2:g} µL/cm² (advice of vendors, unverified) × {bench.area_cm2:g} cm²",
        caution=""
        if kind == "gel"
        else f"A lot of {lot / 1000:g} mg/mL may not gel: 3 mg/mL or more.",
    )
