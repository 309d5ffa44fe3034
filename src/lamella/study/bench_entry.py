"""What the table `[plan]` of `study.toml` may say: what is at the bench, and what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from lamella.errors import StudyError
from lamella.units import parse_dose, parse_volume_ul

__all__ = ["PilotEntry", "PlanEntry"]


def _read_by(parse: Callable[[str], object]) -> Callable[[str], str]:
    """Text that must be readable; what is wrong with it becomes the message of the key."""

    def check(text: str) -> str:
        if text:
            try:
                parse(text)
            except StudyError as error:
                raise ValueError(str(error)) from error
        return text

    return check


def _protein(text: str) -> None:
    if parse_dose(text).dimension != "g_per_l":
        raise StudyError(f"'{text}' is no mass in a volume. Write it like '9.5 mg/mL'.")


def _volume(text: str) -> None:
    if parse_volume_ul(text) == 0:
        raise StudyError(f"'{text}' is no volume to pipette. Write a positive one, like '500 uL'.")


VolumeText = Annotated[str, AfterValidator(_read_by(_volume))]
DoseText = Annotated[str, AfterValidator(_read_by(parse_dose))]
ProteinText = Annotated[str, AfterValidator(_read_by(_protein))]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PilotEntry(_Entry):
    """Standard deviations of the logarithm of the read-out that a pilot gave."""

    batch: float = Field(0.15, ge=0, description="Between batches.")
    batch_treatment: float = Field(0.10, ge=0, description="Of the effect, between batches.")
    well: float | None = Field(
        None,
        ge=0,
        description="Between wells; empty: 0.18 for a scratch (0.36 in ln D), else 0.08.",
    )
    field: float | None = Field(
        None, ge=0, description="Between fields; empty: 0 for a scratch, else 0.20."
    )
    ic50_log10: float = Field(0.15, ge=0, description="Between batches, of log10 IC50.")


class PlanEntry(_Entry):
    """What `lamella plan` needs beside the study: the bench, and what is wanted of the result."""

    plate: str = Field(
        "", description="'96-well', '24-well insert' ...; empty: as the plate map implies."
    )
    growth_area_cm2: float | None = Field(
        None, gt=0, description="Growth area of the product at hand [cm²], from its sheet."
    )
    well_volume: VolumeText = Field("", description="Volume of a well, for example '100 uL'.")
    lower_volume: VolumeText = Field("", description="Inserts: volume below, '600 uL'.")
    cells_per_well: float | None = Field(None, gt=0, description="Living cells in a well.")
    confluence_percent: float = Field(
        100.0, gt=0, le=150, description="Share of the confluent density wanted at the start [%]."
    )
    attach_h: float | None = Field(
        None, ge=0, description="From seeding to the start of the assay [h]."
    )
    plating_percent: float = Field(
        100.0, gt=0, le=100, description="Share of seeded cells that attach [%]."
    )
    counted_per_ml: float | None = Field(
        None, gt=0, description="Cells counted on the day [1/mL]; empty: the sheet leaves room."
    )
    viability_percent: float = Field(100.0, gt=0, le=100, description="Share of living cells [%].")
    overage_percent: float = Field(
        10.0, ge=0, le=100, description="What is prepared beyond the need of the wells [%]."
    )
    smallest_pipette: VolumeText = Field(
        "1 uL", description="The smallest volume that is pipetted reliably."
    )
    stocks: Mapping[str, DoseText] = Field(
        default_factory=dict, description="Stock of each further compound, such as a control."
    )
    mitomycin_stock: ProteinText = Field("0.5 mg/mL", description="Stock of mitomycin C.")
    matrix_lot_concentration: ProteinText = Field(
        "", description="Protein in the matrix lot, from its certificate: '9.5 mg/mL'."
    )
    rehydrate: Literal["", "before coating", "after gelling"] = Field(
        "", description="Invasion: when inserts are rehydrated."
    )
    serum_below_percent: float | None = Field(
        None, ge=0, le=100, description="Inserts: serum as chemoattractant below [%]."
    )
    serum_above_percent: float = Field(0.0, ge=0, le=100, description="Inserts: serum above [%].")
    gap_um: float | None = Field(None, gt=0, description="Scratch: width of the gap expected [µm].")
    interval_h: float | None = Field(None, gt=0, description="Time between frames [h].")
    fields: int = Field(1, gt=0, description="Fields of each well or insert.")
    field_s: float = Field(4.0, gt=0, description="Stage, focus and channels of one field [s].")
    move_s: float = Field(1.5, ge=0, description="From one well to the next [s].")
    cell_speed_um_per_h: float | None = Field(
        None, gt=0, description="Tracks: speed of untreated cells [µm/h]."
    )
    doses: tuple[DoseText, ...] = Field(
        (), description="Doses of a new layout; empty: half-log steps around the expected IC50."
    )
    expected_slope: float = Field(1.0, gt=0, description="Hill slope that the plan expects.")
    batches: int = Field(5, gt=0, le=60, description="Independent days of a new layout.")
    wells_per_dose: int = Field(3, gt=0, le=48, description="Wells of each dose on each day.")
    positive_dose: DoseText = Field("", description="Dose of the positive control.")
    blanks: int = Field(1, ge=0, description="Wells without cells, on each plate.")
    edge: Literal["auto", "buffer", "use"] = Field(
        "auto", description="Outer wells of a new layout: left to medium, or used."
    )
    seed: int = Field(1, ge=0, description="Gives the same layout again.")
    effect_percent: float = Field(
        30.0, gt=0, lt=100, description="The smallest inhibition that must be found [%]."
    )
    power: float = Field(0.8, gt=0.05, lt=1, description="Probability with which it must be found.")
    ic50_fold: float = Field(
        2.0, gt=1, description="How far the interval of the IC50 may reach, to either side."
    )
    pilot: PilotEntry = Field(
        default_factory=PilotEntry, description="Scatter of a pilot, on the scale of logarithms."
    )
    pilot_study: str = Field(
        "",
        description="Folder of a finished study whose scatter is taken, in place of [plan.pilot].",
    )
