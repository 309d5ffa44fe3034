"""Does the protocol of a wound-healing assay let its numbers be read?"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from statistics import fmean

from lamella.design.facts import Arm, AssayFacts, Facts, Fault, Place, arm, number_in
from lamella.design.rules.insert_controls import ELUTED
from lamella.design.schedule import doublings, growth_fold

__all__ = [
    "closed_controls",
    "density",
    "early_hours",
    "first_frame",
    "gap_method",
    "gap_width",
    "one_time",
    "pixel_size",
    "proliferation",
    "rate_definition",
    "registered",
    "serum",
]

T0_WINDOW_H = 1.0
WIDTH_DIFFERENCE = 0.10
WIDTH_P = 0.05
DENSITY_DIFFERENCE = 0.15
OWN_SPEEDS = frozenset({"edge_speed", "edge_speed_left", "edge_speed_right", "edge_speed_delayed"})
DOUBLINGS = 0.5
DISTURBED_H = 12.0
CLOSURE = "closure"
WITHOUT_PIXELS = frozenset({"viability", "blot"})
_AMOUNT = re.compile(r"\d\s*([unµμm]?g\s*/\s*m?l|[unµμm]M)\b", re.IGNORECASE)
_TIME = re.compile(r"\d\s*(h|hr|hrs|hours?|min|minutes?)\b", re.IGNORECASE)


def scratches(facts: Facts) -> Iterator[AssayFacts]:
    """The wound-healing assays of the study."""
    return (assay for assay in facts.assays if assay.kind == "scratch")


def first_frame(facts: Facts) -> Iterator[Fault]:
    """Fields without a picture at time zero, to which everything is related."""
    for assay in scratches(facts):
        late = {place: h for place, h in assay.first_frame_h.items() if abs(h) > T0_WINDOW_H}
        if not late:
            continue
        (plate, well, field), hours = max(late.items(), key=lambda item: item[1])
        where = f"plate {plate}, well {well}" + (f", field {field}" if field else "")
        yield Fault(
            where,
            f"the first picture was taken at {hours:g} h ({len(late)} of "
            f"{len(assay.first_frame_h)} fields have none within {T0_WINDOW_H:g} h of the wound): "
            "closure has no gap to relate to.",
            "Add the picture taken at the wound, correct 'start_h', or exclude these fields.",
        )


def registered(facts: Facts) -> Iterator[Fault]:
    """Fields whose later pictures show another place than the first."""
    for assay in scratches(facts):
        if assay.unregistered:
            plate, well, field = assay.unregistered[0]
            where = f"plate {plate}, well {well}" + (f", field {field}" if field else "")
            yield Fault(
                where,
                f"{len(assay.unregistered)} fields do not show the place of their first picture, "
                "so what looks like closure may be another part of the wound.",
                "Mark the plate or store stage positions; exclude these fields.",
            )


def gap_width(facts: Facts) -> Iterator[Fault]:
    """First gaps that differ between treatments while only percent closure is reported."""
    for assay in scratches(facts):
        widths = _by_arm(facts, assay.gap_width_um)
        if assay.readout != CLOSURE or len(widths) < 2:
            continue
        means = {key: fmean(found) for key, found in widths.items()}
        narrow, wide = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
        difference = _apart(means.values())
        p = _p_of_difference(widths)
        if difference > WIDTH_DIFFERENCE or p < WIDTH_P:
            told = f" (p = {p:.2g})" if p < WIDTH_P else ""
            yield Fault(
                "first frames",
                f"gaps begin {100 * difference:.0f} % apart{told}: {means[narrow]:.0f} µm "
                f"({' '.join(filter(None, narrow))}) to {means[wide]:.0f} µm "
                f"({' '.join(filter(None, wide))}). At equal speed the narrower shows the higher "
                "percentage.",
                "Use 'edge_speed' as read-out, which does not depend on the width.",
            )


def rate_definition(facts: Facts) -> Iterator[Fault]:
    """A speed of closure that may be of one edge or of the whole gap, a factor of two apart."""
    for assay in scratches(facts):
        foreign = _is_speed(assay.readout) and assay.readout not in OWN_SPEEDS
        if not assay.edge_mode and (foreign or assay.expected_speed_um_h is not None):
            stated = assay.expected_speed_um_h
            what = f"'{assay.readout}'" if foreign or stated is None else f"{stated:g} µm/h"
            yield Fault(
                "[assay.protocol] edge_mode",
                f"{what} is a speed of closure, and nothing says whether of each edge or of the "
                "full gap, which closes twice as fast.",
                "State edge_mode = 'per edge' or 'full gap'.",
            )


def density(facts: Facts) -> Iterator[Fault]:
    """A layer of unknown density, or one that differs between treatments."""
    for assay in scratches(facts):
        seeded = _by_arm(facts, _numbers(facts, "cells_per_cm2"))
        if assay.cells_per_cm2 is None and not seeded:
            yield Fault(
                "[assay.protocol] cells_per_cm2",
                "how densely the cells were seeded is not stated; the same cells closed a gap "
                "three times as fast from 2.7 times the density.",
                "State 'cells_per_cm2', or a column of that name where it differs between wells.",
            )
        seen = (("seeding density", seeded), ("cover", _by_arm(facts, assay.confluence_percent)))
        for what, found in seen:
            means = {key: fmean(values) for key, values in found.items()}
            if len(means) < 2:
                continue
            thin, thick = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
            apart = _apart(means.values())
            if apart > DENSITY_DIFFERENCE:
                yield Fault(
                    "first frames" if what == "cover" else "plate map, column cells_per_cm2",
                    f"{what} differs by {100 * apart:.0f} % between treatments, from "
                    f"{' '.join(filter(None, thin))} to {' '.join(filter(None, thick))}; density "
                    "alone changes the speed.",
                    "Seed all treatments from one suspension, and wound at the same cover.",
                )


def one_time(facts: Facts) -> Iterator[Fault]:
    """Percent closure read at a single time."""
    for assay in scratches(facts):
        if assay.readout == CLOSURE and len(assay.times_h) == 2:
            yield Fault(
                "frames",
                f"closure rests on one time ({assay.times_h[1]:g} h) beside the first: lag, speed "
                "and saturation cannot be told apart.",
                "Image every 2-6 h and use 'edge_speed' as read-out.",
            )


def proliferation(facts: Facts) -> Iterator[Fault]:
    """Cells that divide while the gap closes, with nothing to hold them back."""
    for assay in scratches(facts):
        control = assay.proliferation_control.strip()
        named = bool(control) and control.lower() not in {"none", "no", "not used"}
        if named:
            yield from _mitomycin(control)
            continue
        duration_h = assay.duration_h
        if duration_h is None:
            continue
        if not assay.doubling_time_h:
            yield Fault(
                "[assay.protocol] proliferation_control",
                f"neither a control of proliferation nor the doubling time is stated for "
                f"{duration_h:g} h: closure may be growth.",
                "State 'doubling_time_h', and a control where the assay lasts longer than half "
                "of it.",
            )
        elif doublings(duration_h, doubling_time_h=assay.doubling_time_h) > DOUBLINGS:
            longest_h = min(duration_h, 99 * assay.doubling_time_h)  # more is no cell culture
            fold = growth_fold(longest_h, doubling_time_h=assay.doubling_time_h)
            medium = f" in {assay.serum_percent:g} % serum" if assay.serum_percent else ""
            yield Fault(
                "[assay.protocol] proliferation_control",
                f"without a control of proliferation{medium}, {duration_h:g} h give up to "
                f"{fold:.3g} times as many cells: closure is migration and growth together.",
                f"Stop at {DOUBLINGS * assay.doubling_time_h:.3g} h, or block division (dose and "
                "time found for these cells).",
            )


def _mitomycin(control: str) -> Iterator[Fault]:
    if "mitomycin" not in control.lower():
        return
    parts = (("dose", _AMOUNT), ("time", _TIME))
    absent = [what for what, pattern in parts if not pattern.search(control)]
    if absent:
        yield Fault(
            "[assay.protocol] proliferation_control",
            f"mitomycin C is named without {' and '.join(absent)}; too little does not stop "
            "division, too much stops cells.",
            "Write for example 'mitomycin C 10 ug/mL 2 h'.",
        )


def serum(facts: Facts) -> Iterator[Fault]:
    """Serum that nobody wrote down, or that was changed at the wound."""
    for assay in scratches(facts):
        before, after = assay.seeding_serum_percent, assay.serum_percent
        if after is None:
            yield Fault(
                "[assay.protocol] serum_percent",
                "serum in the medium is not stated; it drives both migration and growth, and "
                "binds compound.",
                "State it in percent (0 for serum-free), the same before and after the wound.",
            )
        elif before is not None and before != after:
            yield Fault(
                "[assay.protocol] seeding_serum_percent",
                f"serum changes from {before:g} to {after:g} % at the wound, so cells answer to "
                "the change and to the compound at once.",
                "Change the medium a day before the wound, in all wells alike.",
            )


def closed_controls(facts: Facts) -> Iterator[Fault]:
    """Vehicle gaps that had closed before the end: percentages saturate."""
    for assay in scratches(facts):
        closed_h = assay.vehicle_closed_h
        if closed_h is not None and assay.times_h and closed_h < assay.times_h[-1]:
            yield Fault(
                "vehicle wells",
                f"a vehicle gap had closed at {closed_h:g} h, before the last frame at "
                f"{assay.times_h[-1]:g} h; from then on percent closure hides differences.",
                f"Compare up to {closed_h:g} h, or use 'edge_speed', which is read before closure.",
            )


def early_hours(facts: Facts) -> Iterator[Fault]:
    """Only the hours in which a fresh wound has not begun to close steadily."""
    for assay in scratches(facts):
        duration_h = assay.duration_h
        if duration_h is not None and 0 < duration_h <= DISTURBED_H:
            yield Fault(
                "frames",
                f"only the first {duration_h:g} h were imaged; edges often start late, so this "
                "may be the lag and not the speed.",
                "Image for 24 h or more, until the vehicle has closed.",
            )


def gap_method(facts: Facts) -> Iterator[Fault]:
    """Gaps of different make in one comparison, or of a make that nobody wrote down."""
    for assay in scratches(facts):
        mixed = {well.factors.get("gap_tool", "").strip() for well in facts.wells} - {""}
        if len(mixed) > 1:
            yield Fault(
                "plate map, column gap_tool",
                f"gaps were made in different ways ({', '.join(sorted(mixed))}); the method alone "
                "changes speed and even the effect of a drug.",
                "Compare only wells of one method; make a study of each.",
            )
        elif not mixed and not assay.gap_tool.strip():
            yield Fault(
                "[assay.protocol] gap_tool",
                "how the gap was made is not stated; results can only be compared within a method.",
                "State it, for example 'p200 tip', 'insert' or 'pin tool'.",
                "warning",
            )


def pixel_size(facts: Facts) -> Iterator[Fault]:
    """No pixel size: areas and speeds have no unit."""
    for assay in facts.assays:
        of_tables = assay.readout in ELUTED and not assay.frames
        if assay.pixel_um is None and assay.kind not in WITHOUT_PIXELS and not of_tables:
            yield Fault(
                f"[assay] kind = '{assay.kind}'",
                "neither the pictures nor the study state the size of a pixel, so lengths, areas "
                "and speeds have no unit.",
                "Add 'pixel_um' (objective and camera give it: camera pixel / magnification).",
            )


def _by_arm(facts: Facts, values: Mapping[Place, float]) -> dict[Arm, list[float]]:
    """Values of wells, gathered by treatment; blank wells have none."""
    found: dict[Arm, list[float]] = defaultdict(list)
    for well in facts.wells:
        value = values.get((well.plate, well.well))
        if value is not None and well.role != "blank":
            found[arm(well)].append(value)
    return found


def _apart(means: Collection[float]) -> float:
    """How far the largest lies from the smallest, as a share of their mean."""
    mean = fmean(means)
    return (max(means) - min(means)) / mean if mean > 0 else 0.0


def _numbers(facts: Facts, column: str) -> dict[Place, float]:
    found: dict[Place, float] = {}
    for well in facts.wells:
        value = number_in(well.factors.get(column, ""))
        if value is not None:
            found[well.plate, well.well] = value
    return found


def _p_of_difference(widths: Mapping[Arm, list[float]]) -> float:
    """Probability that wells of one mean differ so much (one-way ANOVA); 1 where it has none."""
    groups = [found for found in widths.values() if len(found) > 1]
    if len(groups) < 2 or not any(len(set(group)) > 1 for group in groups):
        return 1.0
    from scipy.stats import f_oneway  # a plan without pictures never needs it

    return float(f_oneway(*groups).pvalue)


def _is_speed(readout: str) -> bool:
    return any(word in readout.lower() for word in ("speed", "rate", "velocity"))
