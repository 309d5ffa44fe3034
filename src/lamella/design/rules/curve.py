"""Do the doses carry the IC50 that is read from them?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from lamella.design.doses import bend_points_molar
from lamella.design.facts import Facts, Fault
from lamella.units import Dose

__all__ = ["bends", "outside"]

FEWEST_DOSES = 5
BEYOND = 2


def bends(facts: Facts) -> Iterator[Fault]:
    """Too few doses beyond the bends of the curve, planned or fitted."""
    yield from _planned(facts)
    for assay in facts.assays:
        for curve in assay.curves:
            if curve.ic50 is None or not curve.slope or curve.ic50 <= 0:
                continue
            low, high = bend_points_molar(curve.ic50, slope=curve.slope)
            doses = {dose for dose in curve.doses if dose > 0}
            below, above = sum(dose < low for dose in doses), sum(dose > high for dose in doses)
            if min(below, above) < BEYOND:
                yield Fault(
                    f"{assay.kind}, curve {curve.id}",
                    f"of its doses {below} {_lies(below)} below the lower bend ({low:.3g} "
                    f"{curve.unit}) and {above} above the upper ({high:.3g} {curve.unit}); its "
                    "plateaus are guessed.",
                    f"Add doses until {BEYOND} lie beyond each bend.",
                )


def _lies(count: int) -> str:
    return "lies" if count == 1 else "lie"


def _planned(facts: Facts) -> Iterator[Fault]:
    doses = _doses(facts)
    ic50 = _expected(facts)
    if doses and ic50 is not None:
        low, high = bend_points_molar(ic50, slope=1.0)
        every = set.union(*doses.values())
        below, above = sum(dose < low for dose in every), sum(dose > high for dose in every)
        if min(below, above) < BEYOND:
            yield Fault(
                "plate map, column dose",
                f"with the expected IC50 of {Dose(ic50)}, {below} of the doses {_lies(below)} "
                f"below the lower bend ({Dose(low)}) and {above} above the upper ({Dose(high)}), "
                "at slope 1.",
                f"Plan doses until {BEYOND} lie beyond each bend.",
                "warning",
            )
    for (compound, cell_line), found in doses.items():
        if 1 < len(found) < FEWEST_DOSES:
            on = f" on {cell_line}" if cell_line else ""
            yield Fault(
                "plate map, column dose",
                f"{len(found)} doses of {compound or 'the compound'}{on}: {BEYOND} beyond each "
                f"bend and one between them need at least {FEWEST_DOSES}.",
                "Plan half-log steps around the expected IC50, or report the effect at each dose "
                "instead of an IC50.",
                "warning",
            )


def outside(facts: Facts) -> Iterator[Fault]:
    """An IC50 printed, or expected, as a number although it lies outside the doses tested."""
    planned = set().union(*_doses(facts).values())
    ic50 = _expected(facts)
    if planned and ic50 is not None and not min(planned) <= ic50 <= max(planned):
        yield Fault(
            "[study.compound] expected_ic50",
            f"an IC50 of {Dose(ic50)} is expected, and {Dose(min(planned))} to "
            f"{Dose(max(planned))} will be tested: no number can come of it.",
            "Extend the doses to both sides of the expected IC50.",
            "warning",
        )
    for assay in facts.assays:
        for curve in assay.curves:
            doses = [dose for dose in curve.doses if dose > 0]
            if curve.ic50 is None or not doses:
                continue
            low, high = min(doses), max(doses)
            if not low <= curve.ic50 <= high:
                sign, edge = (">", high) if curve.ic50 > high else ("<", low)
                yield Fault(
                    f"{assay.kind}, curve {curve.id}",
                    f"an IC50 of {curve.ic50:.3g} is printed, but only {low:.3g} to {high:.3g} "
                    "was tested.",
                    f"Report '{sign} {edge:.3g}', or extend the doses.",
                )


def _doses(facts: Facts) -> dict[tuple[str, str], set[float]]:
    """Doses in the plate map of each compound and cell line."""
    doses: dict[tuple[str, str], set[float]] = defaultdict(set)
    for well in facts.wells:
        if well.role == "test" and well.dose is not None and well.dose.amount > 0:
            doses[well.compound, well.cell_line].add(well.dose.amount)
    return doses


def _expected(facts: Facts) -> float | None:
    """The IC50 that the plan expects [mol/L], where its doses are molar."""
    molar = all(w.dose is None or w.dose.dimension == "molar" for w in facts.wells)
    expected = facts.compound.expected_molar if facts.compound and molar else None
    return expected if expected and expected > 0 else None
