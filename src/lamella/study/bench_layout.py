"""Which plates does a study get that has no plate map yet?"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lamella.design.doses import doses_around
from lamella.design.layout import PlateLayout, Treatment, lay_out_batches, with_controls
from lamella.design.protocol import protocol
from lamella.design.vessels import vessel, vessel_of
from lamella.errors import SettingsError
from lamella.study.model import StudyFile
from lamella.table.plates import PLATE_FORMATS
from lamella.table.wells import Well
from lamella.units import Dose, parse_dose

__all__ = ["Proposed", "map_text", "planned_doses", "proposed_layouts"]

_FACTORS = ("coating", "attractant")
_ATTRACTANT = "10 % FBS"
_COLUMNS = ("plate", "well", "batch", "role", "cell_line", "compound", "dose")


@dataclass(frozen=True)
class Proposed:
    """One plate that was laid out, its batch and its wells in imaging order."""

    batch: str
    layout: PlateLayout
    wells: tuple[Well, ...]


def planned_doses(study: StudyFile) -> tuple[Dose, ...]:
    """The doses of the plan, else half-log steps around the IC50 that it expects.

    Raises:
        SettingsError: Neither is stated.
    """
    if study.plan.doses:
        return tuple(sorted({parse_dose(text) for text in study.plan.doses}))
    compound = study.study.compound
    expected = parse_dose(compound.expected_ic50) if compound and compound.expected_ic50 else None
    if expected is None or expected.dimension != "molar" or expected.amount == 0:
        raise SettingsError(
            "there is neither a plate map nor anything to make one from. Write doses in [plan], "
            "or expected_ic50 of the compound, or a plate map in plates/."
        )
    steps = doses_around(expected.amount, slope=study.plan.expected_slope)
    # Three digits, as a person would label a tube.
    return tuple(Dose(float(f"{dose:.3g}")) for dose in steps)


def proposed_layouts(study: StudyFile) -> tuple[Proposed, ...]:
    """A randomised plate for every day, or several where one is too small.

    Raises:
        SettingsError: No doses are stated, or they fit on no plate.
    """
    plan, told = study.plan, study.study
    name = told.compound.name if told.compound else "compound"
    solvent = (told.compound.solvent if told.compound else "") or "DMSO"
    arms = with_controls(
        planned_doses(study),
        compound=name,
        replicates=plan.wells_per_dose,
        vehicle=solvent,
        positive=_positive(study),
        blanks=plan.blanks,
    )
    arms = _with_insert_controls(arms, {entry.kind for entry in study.assay}, solvent)
    made = lay_out_batches(
        arms,
        batches=plan.batches,
        plate_format=_format(study, sum(arm.wells for arm in arms)),
        seed=plan.seed,
        edge=plan.edge,
    )
    return tuple(
        Proposed(batch, layout, layout.wells(batch=batch, cell_line=told.cell_line))
        for batch, layout in made
    )


def _with_insert_controls(
    arms: tuple[Treatment, ...], kinds: set[str], solvent: str
) -> tuple[Treatment, ...]:
    """The inserts without which neither chemotaxis nor invasion can be claimed."""
    if not kinds & {"transwell", "invasion"}:
        return arms
    coat = (("coating", "Matrigel"),) if "invasion" in kinds else ()
    usual = (*coat, ("attractant", _ATTRACTANT))
    controls = [Treatment("vehicle", 2, solvent, factors=(*coat, ("attractant", "none")))]
    if coat:
        bare = (("coating", "none"), ("attractant", _ATTRACTANT))
        controls.append(Treatment("vehicle", 2, solvent, factors=bare))
    return (*(replace(arm, factors=usual) for arm in arms), *controls)


def map_text(wells: tuple[Well, ...]) -> str:
    """A plate map in the study's own form, in plate order.

    >>> print(map_text((Well("P1", "B02", "1", "test", "", "defactinib", Dose(1e-8)),)), end="")
    plate,well,batch,role,cell_line,compound,dose
    P1,B02,1,test,,defactinib,10 nM
    """
    factors = [name for name in _FACTORS if any(name in well.factors for well in wells)]
    lines = [",".join((*_COLUMNS, *factors))]
    for well in sorted(wells, key=lambda each: each.well):
        # Nine digits read back as the same dose.
        dose = f"{well.dose.amount * 1e9:.9g} nM" if well.dose and well.dose.amount else ""
        cells = (
            well.plate, well.well, well.batch, well.role, well.cell_line, well.compound, dose,
            *(well.factors.get(name, "") for name in factors),
        )  # fmt: skip
        lines.append(",".join(_quoted(cell) for cell in cells))
    return "\n".join(lines) + "\n"


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if set(cell) & set(',;"\n\t') else cell


def _positive(study: StudyFile) -> Treatment | None:
    names = {entry.protocol.positive_control for entry in study.assay} - {""}
    if not names:
        return None
    dose = parse_dose(study.plan.positive_dose) if study.plan.positive_dose else None
    if dose is None:
        raise SettingsError(
            f"the dose of the positive control {min(names)} is not stated. Write positive_dose in "
            "[plan]."
        )
    return Treatment("positive", 2, min(names), dose)


def _format(study: StudyFile, wells: int) -> int:
    if study.plan.plate:
        return vessel(study.plan.plate).wells
    kinds = {entry.kind for entry in study.assay}
    if kinds & {"transwell", "invasion"}:
        return vessel_of(24, insert=True).wells
    # From the plate of the protocol upwards: the first that holds a day.
    least = max((vessel(protocol(kind).plate).wells for kind in kinds), default=24)
    usual = [n for n in PLATE_FORMATS if least <= n <= 384]
    room = {n: (r - 2) * (c - 2) if n > 24 else n for n, (r, c) in PLATE_FORMATS.items()}
    return next((n for n in usual if room[n] >= wells), 384)
