"""A dose-response experiment on inserts, well by well, with its truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from lamella.table.wells import Role
from lamella.virtual.bright_field import BrightField
from lamella.virtual.fronts import Inhibition
from lamella.virtual.membrane import Membrane, RenderedMembrane, render_membrane

__all__ = [
    "MembraneSpread",
    "MembraneStudy",
    "VirtualInsert",
    "invasion_study",
    "nominal_density",
    "plan_inserts",
    "render_insert",
    "transwell_study",
]


_STOPS_MOLAR = 1e-3  # hardly any migration is left of a positive control
_HALF_AT_100_NM = Inhibition(ic50_molar=1e-7, hill=1.0, floor=0.05)


@dataclass(frozen=True, slots=True)
class MembraneSpread:
    """How far experiments, inserts and fields differ from the nominal ones.

    Natural-log SDs of a whole batch, of what a treatment does in a batch and of a coat in a
    batch; `insert_cv` and `field_cv` are the extra-Poisson scatter of inserts and of the fields
    of one insert (Gamma mixed Poisson, that is negative-binomial counts).
    """

    batch: float = 0.20
    batch_ic50: float = 0.12
    batch_coat: float = 0.08
    insert_cv: float = 0.08
    field_cv: float = 0.12


@dataclass(frozen=True, slots=True)
class MembraneStudy:
    """What a simulated experiment on inserts consists of; one 24-well plate a batch.

    Attributes:
        doses_molar: Doses without the vehicle [mol/L], rising.
        batches: Independent experiments.
        vehicles: Vehicle inserts a plate.
        positives: Inserts a plate with a compound that stops all migration that can be stopped.
        replicates: Inserts of each dose.
        fields: Fields counted on each insert.
        per_mm2: Cells of the vehicle on an uncoated insert with attractant [cells/mm²].
        inhibition: What the compound does to the number that gets through.
        through_coat: Share of the cells that gets through the coat as well; None: no insert is
            coated. Then every dose and the vehicle also have uncoated inserts.
        coat_inhibition: What the compound does to that share; None: nothing.
        uncoated: Uncoated inserts of the vehicle and of each dose, where others are coated.
        random_migration: Cells without attractant, share of those with.
        no_attractant: Inserts without attractant a plate.
        blanks: Inserts without cells a plate, stained like the others.
        spread: Differences between batches, inserts and fields.
        scene: Look of membrane, cells and camera.
        seed: Fixes everything; each field can be rendered alone.
    """

    doses_molar: tuple[float, ...]
    batches: int = 3
    vehicles: int = 3
    positives: int = 0
    replicates: int = 2
    fields: int = 5
    per_mm2: float = 320.0
    inhibition: Inhibition = _HALF_AT_100_NM
    through_coat: float | None = None
    coat_inhibition: Inhibition | None = None
    uncoated: int = 0
    random_migration: float = 0.25
    no_attractant: int = 2
    blanks: int = 1
    spread: MembraneSpread = field(default_factory=MembraneSpread)
    scene: Membrane = field(default_factory=Membrane)
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what does not fit on a 24-well plate."""
        if len(list(_treatments(self))) > 24:
            raise ValueError("at most 24 inserts fit on the simulated plate")


@dataclass(frozen=True, slots=True)
class VirtualInsert:
    """One insert of the plan: where it lies and what it got; 0 molar is the vehicle."""

    plate: str
    well: str
    batch: str
    role: Role
    dose_molar: float
    coated: bool
    attracted: bool
    key: tuple[int, int]


def transwell_study(*, seed: int = 1, size_px: tuple[int, int] = (240, 330)) -> MembraneStudy:
    """Three batches: vehicle, eight doses in duplicate, no attractant, a blank.

    Half of the migration that can be inhibited is gone at 100 nM; the doses reach two decades
    to either side, so that two of them lie beyond each bend of a curve.
    """
    doses = tuple(float(f"{10 ** (4 * step / 7 - 9):.3g}") for step in range(8))
    return MembraneStudy(doses, scene=_scene(size_px), seed=seed)


def invasion_study(*, seed: int = 1, size_px: tuple[int, int] = (240, 330)) -> MembraneStudy:
    """Three batches: coated vehicle and seven doses, the same uncoated, no attractant, a blank.

    The compound takes migration away (half at 300 nM) and what gets through the coat as well.
    """
    doses = tuple(float(f"{1.8e-9 * 10 ** (0.62 * step):.3g}") for step in range(7))
    return MembraneStudy(
        doses,
        vehicles=5,
        replicates=1,
        per_mm2=600.0,
        through_coat=0.45,
        inhibition=Inhibition(ic50_molar=1e-6, hill=1.0, floor=0.10),
        coat_inhibition=Inhibition(ic50_molar=2e-7, hill=1.0, floor=0.10),
        uncoated=1,
        no_attractant=1,
        blanks=1,
        scene=_scene(size_px),
        seed=seed,
    )


def nominal_density(
    study: MembraneStudy, *, dose_molar: float, coated: bool | None = None, attracted: bool = True
) -> float:
    """Cells per mm² without any spread; `coated` None is as the read-out of the study has it."""
    coated = study.through_coat is not None if coated is None else coated
    density = study.per_mm2 * _left(study.inhibition, dose_molar)
    if coated and study.through_coat is not None:
        density *= study.through_coat
        if study.coat_inhibition is not None:
            density *= _left(study.coat_inhibition, dose_molar)
    return density if attracted else study.random_migration * density


def plan_inserts(study: MembraneStudy) -> tuple[VirtualInsert, ...]:
    """All inserts of a study, spread at random over each plate, in plate order.

    >>> plan = plan_inserts(transwell_study())
    >>> len(plan), plan[0].plate, sum(insert.role == "vehicle" for insert in plan)
    (66, 'P1', 15)
    """
    inserts: list[VirtualInsert] = []
    for batch in range(study.batches):
        rng = np.random.default_rng([study.seed, 7, batch])
        wells = [f"{row}{column:02d}" for row in "ABCD" for column in range(1, 7)]
        order = rng.permutation(len(wells))
        for index, (role, dose, coated, attracted) in enumerate(_treatments(study)):
            inserts.append(
                VirtualInsert(
                    plate=f"P{batch + 1}",
                    well=wells[order[index]],
                    batch=str(batch + 1),
                    role=role,
                    dose_molar=dose,
                    coated=coated,
                    attracted=attracted,
                    key=(batch, index),
                )
            )
    return tuple(sorted(inserts, key=lambda insert: (insert.plate, insert.well)))


def render_insert(study: MembraneStudy, insert: VirtualInsert) -> Iterator[RenderedMembrane]:
    """The fields of one insert, one after the other."""
    rng = np.random.default_rng([study.seed, *insert.key])
    density = 0.0 if insert.role == "blank" else _density(study, insert)
    density *= _gamma(rng, study.spread.insert_cv)
    camera = study.scene.camera
    height, width = camera.size_px
    area_mm2 = height * width * (camera.pixel_um * 1e-3) ** 2
    scene = _of_batch(study, insert.key[0])
    for _ in range(study.fields):
        expected = density * area_mm2 * _gamma(rng, study.spread.field_cv)
        yield render_membrane(float(rng.poisson(expected)), scene=scene, rng=rng)


def _scene(size_px: tuple[int, int]) -> Membrane:
    return Membrane(camera=BrightField(size_px=size_px, pixel_um=1.0))


def _treatments(study: MembraneStudy) -> Iterator[tuple[Role, float, bool, bool]]:
    coated = study.through_coat is not None
    for _ in range(study.vehicles):
        yield "vehicle", 0.0, coated, True
    for dose in study.doses_molar:
        for _ in range(study.replicates):
            yield "test", dose, coated, True
    for _ in range(study.positives):
        yield "positive", _STOPS_MOLAR, coated, True
    if coated:
        for _ in range(study.uncoated):
            yield "vehicle", 0.0, False, True
            for dose in study.doses_molar:
                yield "test", dose, False, True
    for _ in range(study.no_attractant):
        yield "vehicle", 0.0, coated, False
    for _ in range(study.blanks):
        yield "blank", 0.0, coated, True


def _density(study: MembraneStudy, insert: VirtualInsert) -> float:
    """Cells per mm² of this insert with the differences of its batch."""
    rng = np.random.default_rng([study.seed, 11, insert.key[0]])
    level, shift, coat = rng.standard_normal(3)
    moved = replace(
        study,
        inhibition=_shifted(study.inhibition, study.spread.batch_ic50 * shift),
        coat_inhibition=None
        if study.coat_inhibition is None
        else _shifted(study.coat_inhibition, study.spread.batch_ic50 * shift),
    )
    density = nominal_density(
        moved, dose_molar=insert.dose_molar, coated=insert.coated, attracted=insert.attracted
    )
    ln = study.spread.batch * level + study.spread.batch_coat * coat * insert.coated
    return float(density * np.exp(ln))


def _shifted(inhibition: Inhibition, ln: float) -> Inhibition:
    return replace(inhibition, ic50_molar=float(inhibition.ic50_molar * np.exp(ln)))


def _of_batch(study: MembraneStudy, batch: int) -> Membrane:
    """The scene with the stain and the light of one staining day."""
    rng = np.random.default_rng([study.seed, 13, batch])
    red, blue = np.asarray((0.90, 0.20)) * np.exp(0.04 * rng.standard_normal(2))
    stain = study.scene.look.stain * float(np.exp(0.1 * rng.standard_normal()))
    return replace(
        study.scene,
        violet=(float(red), 1.0, float(blue)),
        look=replace(study.scene.look, stain=stain),
    )


def _left(inhibition: Inhibition, dose_molar: float) -> float:
    """Share that a dose leaves."""
    falling = 1 / (1 + (dose_molar / inhibition.ic50_molar) ** inhibition.hill)
    return float(inhibition.floor + (1 - inhibition.floor) * falling)


def _gamma(rng: np.random.Generator, cv: float) -> float:
    return float(rng.gamma(1 / cv**2, cv**2)) if cv > 0 else 1.0
