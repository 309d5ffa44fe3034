"""A dose-response experiment on scratch closure, well by well, with its truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from lamella.table.wells import Role
from lamella.virtual.camera import Camera
from lamella.virtual.fronts import Inhibition, Migration, half_gap_um
from lamella.virtual.scratch import Scene, ScratchSeries, render_scratch, true_gaps
from lamella.virtual.wound import Wound

__all__ = [
    "ScratchStudy",
    "Spread",
    "VirtualWell",
    "beyond_top_study",
    "demo_study",
    "flat_study",
    "nominal_gaps",
    "nominal_half_um",
    "plan_wells",
    "render_field",
    "render_wells",
    "true_motility_ic50_molar",
]

_HALF_LOG = tuple(float(f"{1e-8 * 10 ** (i / 2):.3g}") for i in range(8))  # 10 nM to 31.6 µM


@dataclass(frozen=True, slots=True)
class Spread:
    """How far experiments, wells and fields differ from the nominal ones.

    The SDs of ln D act on front speeds with half their size. Real wells of one plate spread
    with 0.36 in ln D (PC-3, Jin et al. 2016, 10.1016/j.jtbi.2015.10.040), careful ones with less.
    """

    batch_log10_ic50: float = 0.08
    batch_ln_motility: float = 0.20
    well_ln_motility: float = 0.15
    gap_cv: float = 0.03


@dataclass(frozen=True, slots=True)
class ScratchStudy:
    """What a simulated experiment consists of; every value is in the unit of its name.

    One plate a batch. Column 2 holds the vehicle, the columns after it the doses from low to
    high, the rows from B on the replicate wells.

    Attributes:
        doses_molar: Doses without the vehicle [mol/L], rising.
        batches: Independent experiments.
        wells_per_dose: Replicate wells of the vehicle and of each dose.
        fields: Fields of view a well.
        times_h: Times of the frames [h].
        gap_um: Nominal width of the gap at 0 h [µm].
        migration: The untreated tissue.
        inhibition: The compound; None does nothing.
        spread: Differences between batches, wells and fields.
        scene: Look of gap, tissue and camera.
        seed: Fixes everything; each field can be rendered alone.
    """

    doses_molar: tuple[float, ...] = _HALF_LOG
    batches: int = 3
    wells_per_dose: int = 3
    fields: int = 1
    times_h: tuple[float, ...] = tuple(float(hour) for hour in range(0, 25, 3))
    gap_um: float = 500.0
    migration: Migration = field(default_factory=Migration)
    inhibition: Inhibition | None = None
    spread: Spread = field(default_factory=Spread)
    scene: Scene = field(default_factory=Scene)
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what does not fit on a 96-well plate."""
        if self.wells_per_dose > 7 or len(self.doses_molar) > 10:
            raise ValueError("at most 7 wells a dose and 10 doses fit on the simulated plate")


@dataclass(frozen=True, slots=True)
class VirtualWell:
    """One well of the plan: where it lies and what was put into it; 0 molar is the vehicle."""

    plate: str
    well: str
    batch: str
    role: Role
    dose_molar: float
    key: tuple[int, int, int]


def demo_study(*, seed: int = 1, size_px: int = 512) -> ScratchStudy:
    """Three batches of a vehicle and eight half-log doses in triplicate, 0 to 24 h.

    The compound halves the motility at 100 nM, so the front is halved near 300 nM.
    """
    camera = Camera(size_px=(size_px, size_px), pixel_um=1024.0 / size_px)
    return ScratchStudy(
        inhibition=Inhibition(ic50_molar=1e-7, hill=1.0, floor=0.02),
        scene=Scene(camera=camera),
        seed=seed,
    )


def flat_study(*, seed: int = 1, size_px: int = 512) -> ScratchStudy:
    """The demo with a compound that does nothing."""
    return replace(demo_study(seed=seed, size_px=size_px), inhibition=None)


def beyond_top_study(*, seed: int = 1, size_px: int = 512) -> ScratchStudy:
    """The demo with a compound so weak that the top dose takes a third of the speed."""
    weak = Inhibition(ic50_molar=2.5e-5, hill=1.0, floor=0.02)
    return replace(demo_study(seed=seed, size_px=size_px), inhibition=weak)


def true_motility_ic50_molar(study: ScratchStudy) -> float | None:
    """The dose that halves the motility itself [mol/L]; None where nothing does.

    This is not the truth of a closure read-out: measure `nominal_gaps` with it for that.
    """
    return None if study.inhibition is None else study.inhibition.ic50_molar


def plan_wells(study: ScratchStudy) -> tuple[VirtualWell, ...]:
    """All wells of a study in plate order, without any picture.

    >>> [well.well for well in plan_wells(ScratchStudy((1e-7,), batches=1, wells_per_dose=2))]
    ['B02', 'B03', 'C02', 'C03']
    """
    return tuple(
        VirtualWell(
            plate=f"P{batch + 1}",
            well=f"{chr(ord('B') + replicate)}{column + 2:02d}",
            batch=str(batch + 1),
            role="vehicle" if column == 0 else "test",
            dose_molar=dose,
            key=(batch, column, replicate),
        )
        for batch in range(study.batches)
        for replicate in range(study.wells_per_dose)
        for column, dose in enumerate((0.0, *study.doses_molar))
    )


def render_wells(study: ScratchStudy) -> Iterator[tuple[VirtualWell, tuple[ScratchSeries, ...]]]:
    """Every well with the series of its fields, one well at a time."""
    for well in plan_wells(study):
        yield well, tuple(render_field(study, well, number) for number in range(study.fields))


def render_field(study: ScratchStudy, well: VirtualWell, number: int = 0) -> ScratchSeries:
    """One field of one well, the same whether rendered alone or among the others."""
    batch, column, replicate = well.key
    of_batch = _rng(study, 1, batch)
    potency = of_batch.normal(0, study.spread.batch_log10_ic50)
    motility = of_batch.normal(0, study.spread.batch_ln_motility)
    of_well = _rng(study, 2, batch, column, replicate)
    motility += of_well.normal(0, study.spread.well_ln_motility)
    tilt = of_well.normal(0, 2.0)
    rng = _rng(study, 3, batch, column, replicate, number)
    gap = study.gap_um * (1 + rng.normal(0, study.spread.gap_cv))
    half = _half_um(study, well.dose_molar, gap_um=gap, shift=(potency, motility))
    wound = replace(study.scene.wound, tilt_deg=study.scene.wound.tilt_deg + tilt)
    scene = replace(study.scene, wound=wound)
    return render_scratch(half, np.asarray(study.times_h), scene=scene, rng=rng)


def nominal_half_um(study: ScratchStudy, *, dose_molar: float) -> NDArray[np.float64]:
    """Half width of the gap at a dose without any spread [µm], shape (T,); <= 0 is closed."""
    return _half_um(study, dose_molar, gap_um=study.gap_um, shift=(0.0, 0.0))


def nominal_gaps(study: ScratchStudy, *, dose_molar: float) -> NDArray[np.bool_]:
    """The gap at a dose with smooth fronts and no spread, shape (T, H, W).

    It is tilted by 3 degrees, so that its area is not rounded to whole pixel columns.
    Measured with the read-out of an analysis, these masks give the truth of that read-out.
    """
    smooth = Wound(study.scene.wound.shape, tilt_deg=3.0, roughness_um=0.0, finger_share=0.0)
    scene = replace(study.scene, wound=smooth)
    half = nominal_half_um(study, dose_molar=dose_molar)
    return true_gaps(half, np.asarray(study.times_h), scene=scene, rng=_rng(study, 4))


def _half_um(
    study: ScratchStudy, dose_molar: float, *, gap_um: float, shift: tuple[float, float]
) -> NDArray[np.float64]:
    """Half width under a shift of log10 IC50 and of ln D."""
    tissue = replace(
        study.migration, motility_um2_h=study.migration.motility_um2_h * float(np.exp(shift[1]))
    )
    if study.inhibition is not None:
        drug = study.inhibition
        drug = replace(drug, ic50_molar=drug.ic50_molar * 10 ** shift[0])
        tissue = drug.applied(tissue, dose_molar=dose_molar)
    times = np.asarray(study.times_h, np.float64)
    return half_gap_um(tissue, times, gap_um=gap_um, shape=study.scene.wound.shape)


def _rng(study: ScratchStudy, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(study.seed, spawn_key=key))
