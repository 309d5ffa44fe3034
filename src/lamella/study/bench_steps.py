"""What is computed for each step of a protocol, for the wells of one day?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from lamella.design.protocol import Step
from lamella.design.schedule import (
    MOST_DOUBLINGS,
    closure_percent,
    doublings,
    imaging,
    longest_interval_h,
    stop_rule,
    tracking_interval_h,
)
from lamella.errors import StudyError
from lamella.study import bench_cells as cells
from lamella.study import bench_inserts as inserts
from lamella.study.bench import Bench, Quantity, dose_range
from lamella.study.bench_cells import block_hours
from lamella.units import format_volume

__all__ = ["GUIDE_INTERVAL_H", "edge_speed", "interval_h", "quantities_of"]

GUIDE_INTERVAL_H = 2.0
MOST_SOLVENT_PERCENT = 0.5
_TRACK_INTERVAL_H = 0.25
_LYSIS_UL_PER_CM2 = 20.0
_LANES = (10, 15)


def quantities_of(step: Step, bench: Bench) -> Iterator[Quantity]:
    """Everything computed for a step; what cannot be is told with what is missing."""
    for name in step.quantities:
        try:
            # A list, so that an error inside the generator is met here.
            yield from list(_COMPUTED[name](bench))
        except StudyError as error:
            yield Quantity(_LABELS.get(name, step.short), missing=_sentence(str(error)))


def interval_h(bench: Bench) -> float:
    """Time between frames: as planned, else the shortest of the guide, or of tracking [h]."""
    stated = bench.plan.interval_h or bench.entry.interval_h
    usual = _TRACK_INTERVAL_H if bench.protocol.id == "tracks" else GUIDE_INTERVAL_H
    return stated or usual


def edge_speed(bench: Bench) -> float | None:
    """Expected speed of one edge [µm/h]; half of what is stated of the full gap."""
    stated = bench.facts.expected_speed_um_h
    if stated is None:
        return None
    return stated / 2 if bench.facts.edge_mode == "full gap" else stated


def _working(bench: Bench) -> Iterator[Quantity]:
    for one in bench.dilutions:
        if one.plan is None:
            yield Quantity(f"Working solutions, {one.compound}", missing=_sentence(one.problem))
            continue
        yield Quantity(
            f"Working solutions, {one.compound}",
            f"{len(one.plan.solutions)} × {format_volume(one.plan.solutions[0].total_ul)}"
            if len({solution.total_ul for solution in one.plan.solutions}) == 1
            else f"{len(one.plan.solutions)} tubes, {format_volume(one.plan.medium_ul)} medium",
            f"see the dilution; {bench.solvent_percent:g} % solvent in every well",
            caution=_solvent_caution(bench),
        )


def _solvent_caution(bench: Bench) -> str:
    if bench.solvent_percent <= MOST_SOLVENT_PERCENT:
        return ""
    return (
        f"More than {MOST_SOLVENT_PERCENT:g} % solvent acts on many cells: use a stronger stock, "
        "and compare vehicle with untreated."
    )


def _wells(bench: Bench) -> Iterator[Quantity]:
    roles: Counter[str] = Counter(well.role for well in bench.wells)
    per_dose = Counter(well.dose for well in bench.wells if well.role == "test")
    doses = dose_range(bench.wells)
    arms = [f"{roles['vehicle']} vehicle"]
    if doses:
        each = sorted(set(per_dose.values()))
        span = f"{each[0]}" if len(each) == 1 else f"{each[0]}-{each[-1]}"
        arms.append(f"{doses}, {span} wells each")
    others = ("untreated", "positive", "blank")
    arms += [f"{roles[role]} {role}" for role in others if roles[role]]
    yield Quantity(
        "Wells",
        f"{len(bench.wells)} × {format_volume(bench.well_ul)}: {'; '.join(arms)}",
        "as on the plate map",
        caution="" if roles["vehicle"] else "No vehicle well: nothing can be related to it.",
    )


def _gap(bench: Bench) -> Iterator[Quantity]:
    tool = bench.facts.gap_tool
    width = f", about {bench.plan.gap_um:g} µm" if bench.plan.gap_um else ""
    yield Quantity(
        "Tool of this study",
        f"{tool or 'p200 tip, as the guide'}{width}",
        caution=""
        if tool
        else "State gap_tool in [assay.protocol]: gaps of different tools are never pooled.",
    )


def _imaging(bench: Bench) -> Iterator[Quantity]:
    plan, every = bench.plan, interval_h(bench)
    asked = imaging(
        len(bench.wells),
        fields=plan.fields,
        field_s=plan.field_s,
        move_s=plan.move_s,
        interval_min=60 * every,
    )
    yield Quantity(
        "One round",
        f"{asked.cycle_min:.1f} min; shortest interval {asked.shortest_min:.1f} min",
        f"{len(bench.wells)} wells × ({plan.move_s:g} s + {plan.fields} × {plan.field_s:g} s), "
        "at most 0.8 of the interval",
        caution=""
        if asked.feasible
        else f"The microscope cannot keep {60 * every:g} min: fewer wells, fields or frames.",
    )


def _stop(bench: Bench) -> Iterator[Quantity]:
    every, hours = interval_h(bench), bench.duration_h
    if bench.protocol.id == "scratch":
        frames = math.floor(hours / every + 1e-9) + 1
        stated = bench.plan.interval_h or bench.entry.interval_h
        yield Quantity(
            "Frames",
            f"every {every:g} h to {hours:g} h: {frames} frames",
            "as planned" if stated else "the guide's range 2-6 h, 24-48 h",
        )
        yield from _closing(bench, hours, every)
    else:
        yield Quantity(
            "Time", f"{hours:g} h", "as planned" if bench.facts.duration_h else "usual longest"
        )
    if bench.doubling_time_h is None:
        yield Quantity(
            "Growth",
            "not known",
            caution="State doubling_time_h in [assay.protocol]: beyond half a doubling, growth "
            "counts as much as migration.",
        )
        return
    divided = doublings(hours, doubling_time_h=bench.doubling_time_h)
    blocked = block_hours(bench) is not None
    yield Quantity(
        "Growth",
        f"{divided:.2f} doublings: {2**divided:.2f}-fold, unless growth is blocked",
        f"{hours:g} h ÷ {bench.doubling_time_h:g} h",
        caution=""
        if divided <= MOST_DOUBLINGS or blocked
        else f"Above {MOST_DOUBLINGS:g} doublings a proliferation control is needed.",
    )


def _closing(bench: Bench, hours: float, every: float) -> Iterator[Quantity]:
    speed, gap = edge_speed(bench), bench.plan.gap_um
    if speed is None or gap is None:
        lacking = [] if gap else ["gap_um in [plan]"]
        lacking += [] if speed else ["expected_speed_um_h in [assay.protocol]"]
        yield Quantity(
            "Stop",
            "when the control has closed",
            "a gap of 964 µm closes in 120/60/40/30 h at 4/8/12/16 µm/h per edge",
            caution=f"To compute it for this study write {' and '.join(lacking)}.",
        )
        return
    stop = stop_rule(hours, gap_um=gap, edge_speeds_um_per_h=(speed,))
    closed, _, judged = stop.text[0].partition(". ")
    yield Quantity("Stop", closed, f"{gap:g} µm ÷ (2 × {speed:g} µm/h)", caution=judged)
    longest = longest_interval_h(gap, edge_speed_um_per_h=speed)
    if every > longest:
        yield Quantity(
            "Interval",
            f"{longest:.1f} h or less for 8 frames before closure",
            caution=f"{every:g} h is too long for this gap and speed.",
        )


def _closure(bench: Bench) -> Iterator[Quantity]:
    yield Quantity("Closure", "100 × (A₀ − Aₜ) ÷ A₀ [%]", "the guide's formula")
    yield Quantity("Edge speed", "slope of the width ÷ 2 [µm/h]", "per edge, over its linear part")
    speed, gap = edge_speed(bench), bench.plan.gap_um
    if speed is not None and gap is not None:
        last = bench.duration_h
        found = closure_percent(gap, edge_speed_um_per_h=speed, time_h=last)
        yield Quantity("Expected of vehicle", f"{found:.0f} % closed at {last:g} h", "200 v t ÷ W₀")


def _spike(bench: Bench) -> Iterator[Quantity]:
    for one in bench.dilutions:
        if one.plan is None:
            yield Quantity(f"Dose, {one.compound}", missing=_sentence(one.problem))
            continue
        transfer = one.plan.transfer
        yield Quantity(
            f"Dose, {one.compound}",
            f"{format_volume(transfer.volume_ul)} of each into "
            f"{format_volume(bench.well_ul - transfer.volume_ul)}",
            f"{transfer.fold:g}× concentrate, {transfer.solvent_percent:g} % solvent in it",
            caution=_solvent_caution(bench),
        )


def _track_imaging(bench: Bench) -> Iterator[Quantity]:
    yield from _imaging(bench)
    density = bench.facts.cells_per_cm2
    speed = bench.needed(
        bench.plan.cell_speed_um_per_h,
        "cell_speed_um_per_h in [plan]",
        "the speed of untreated cells",
    )
    if density is None:
        return
    longest = 60 * tracking_interval_h(density, speed_um_per_h=speed)
    every = 60 * interval_h(bench)
    yield Quantity(
        "Longest interval",
        f"{longest:.1f} min",
        "step ≤ 0.3 of the distance to the nearest cell",
        caution=""
        if every <= longest
        else f"{every:g} min loses cells: seed sparser or film faster.",
    )
    frames = math.floor(bench.duration_h * 60 / every + 1e-9) + 1
    yield Quantity("Frames", f"every {every:g} min for {bench.duration_h:g} h: {frames} frames")


def _tube_imaging(bench: Bench) -> Iterator[Quantity]:
    yield from _imaging(bench)
    yield Quantity(
        "Pictures", f"{bench.plan.fields * len(bench.wells)}", f"{bench.plan.fields} a well"
    )


def _read_viability(bench: Bench) -> Iterator[Quantity]:
    wells = len(bench.wells)
    yield Quantity(
        "Reagent at one tenth of the well",
        format_volume(bench.more(wells * bench.well_ul / 10)),
        f"{wells} × {format_volume(bench.well_ul / 10)}; the share is the maker's",
        caution="Use the volume that the maker of your reagent prints.",
    )


def _lyse(bench: Bench) -> Iterator[Quantity]:
    each = bench.area_cm2 * _LYSIS_UL_PER_CM2
    yield Quantity(
        "Lysis buffer",
        f"{format_volume(each)} a well, {format_volume(bench.more(len(bench.wells) * each))} in "
        "all",
        f"{_LYSIS_UL_PER_CM2:g} µL/cm² (common, unverified)",
    )


def _lanes(bench: Bench) -> Iterator[Quantity]:
    lanes = len(bench.wells) + 1 + 3
    gel = next((size for size in _LANES if size >= lanes), _LANES[-1])
    gels = math.ceil(len(bench.wells) / (gel - 4))
    yield Quantity(
        "Lanes",
        f"{len(bench.wells)} lysates on {gels} gel{'s' if gels > 1 else ''} of {gel}",
        "on each: 1 marker and a dilution of one lysate in 3 lanes",
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


_COMPUTED: Mapping[str, Callable[[Bench], Iterator[Quantity]]] = MappingProxyType(
    {
        "seeding": cells.seeding,
        "growth_block": cells.growth_block_volumes,
        "wash": cells.wash,
        "gel": cells.gel,
        "tube_cells": cells.plated_cells,
        "viability_cells": cells.plated_cells,
        "blot_cells": cells.plated_cells,
        "track_cells": cells.track_cells,
        "rehydrate": inserts.rehydration,
        "attractant": inserts.attractant,
        "insert_cells": inserts.insert_cells,
        "treat_inserts": inserts.treated_inserts,
        "coat_thaw": inserts.coat_thaw,
        "coat_mix": inserts.coat_mix,
        "coat": inserts.coat,
        "fix": inserts.fixing,
        "stain": inserts.fixing,
        "count": inserts.count,
        "gap": _gap,
        "working": _working,
        "wells": _wells,
        "imaging": _imaging,
        "stop": _stop,
        "closure": _closure,
        "spike": _spike,
        "track_imaging": _track_imaging,
        "tube_imaging": _tube_imaging,
        "read_viability": _read_viability,
        "lyse": _lyse,
        "lanes": _lanes,
    }
)
_LABELS = {
    "seeding": "Seeding",
    "growth_block": "Growth block",
    "treat_inserts": "Inhibitor",
    "coat_thaw": "Matrix",
    "coat_mix": "Matrix",
    "coat": "Matrix",
    "gel": "Matrix",
    "track_imaging": "Interval",
}
