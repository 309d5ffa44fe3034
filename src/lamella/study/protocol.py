"""What a study may state of its bench, its cells and its conduct: every key and its meaning."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["CellLineEntry", "Protocol", "Reporting"]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CellLineEntry(_Entry):
    """One cell line, under its name as the plate map writes it."""

    accession: str = Field("", description="Cellosaurus accession, CVCL_...")
    organism: str = Field("", description="For example human.")
    tissue: str = Field("", description="For example pancreas.")
    doubling_time_h: float | None = Field(None, gt=0, description="Doubling time [h].")
    str_date: str = Field("", description="When the STR profile was last compared.")
    passage: str = Field("", description="Passage or range of passages, for example '12 to 18'.")
    mycoplasma: str = Field("", description="Result and date of the last test.")


class Reporting(_Entry):
    """How the study was conducted, one sentence each."""

    n_is: str = Field("", description="What n counts, for example 'independent experiments'.")
    randomisation: str = Field("", description="How wells were assigned to treatments.")
    blinding: str = Field("", description="Who did not know what, for example 'analysis'.")
    exclusion: str = Field("", description="By which rule wells are left out.")
    approach: str = Field("", description="in vitro, in silico ...")


class Protocol(_Entry):
    """Facts of the bench that the checks and comparisons need; all optional."""

    serum_percent: float | None = Field(None, ge=0, le=100, description="Serum in the medium [%].")
    solvent_percent: float | None = Field(
        None, ge=0, le=100, description="Solvent in every well, vehicle included [%]."
    )
    positive_control: str = Field("", description="A compound known to stop migration.")
    proliferation_control: str = Field(
        "", description="For example 'mitomycin C 10 ug/mL 2 h', or 'none'."
    )
    doubling_time_h: float | None = Field(None, gt=0, description="Doubling time of the cells [h].")
    duration_h: float | None = Field(
        None, gt=0, description="How long the assay lasts, from time zero to its end [h]."
    )
    substrate: str = Field("", description="What the cells lie on, for example 'plastic'.")
    objective: str = Field("", description="For example 10x/0.3.")
    camera_pixel_um: float | None = Field(
        None, gt=0, description="Side of a pixel of the camera, binning included [µm]."
    )
    modality: str = Field("", description="For example phase contrast.")
    notes: str = Field("", description="Anything that a reader must know.")

    gap_tool: str = Field("", description="How the gap was made: p200 tip, insert, pin tool ...")
    cells_per_cm2: float | None = Field(None, gt=0, description="Cells seeded [cells/cm²].")
    seeding_serum_percent: float | None = Field(
        None, ge=0, le=100, description="Serum before the wound, where it was another [%]."
    )
    expected_speed_um_h: float | None = Field(
        None, gt=0, description="Speed of closure that the plan rests on [µm/h]."
    )
    edge_mode: Literal["", "per edge", "full gap"] = Field(
        "", description="What that speed, or a speed from elsewhere, is of: per edge or full gap."
    )

    inhibitor_side: Literal["", "upper", "lower", "both"] = Field(
        "", description="Inserts: where the compound is: upper, lower or both."
    )
    preincubation_h: float | None = Field(
        None, ge=0, description="Inserts: time with compound before loading [h]; 0 for none."
    )
    claim: str = Field("", description="What the assay is to show, for example chemotaxis.")
    cells_per_insert: float | None = Field(None, gt=0, description="Inserts: cells loaded.")
    insert_area_cm2: float | None = Field(
        None, gt=0, description="Inserts: membrane area [cm²]; empty: 0.332, a 24-well insert."
    )
    confluent_per_cm2: float | None = Field(
        None, gt=0, description="Density of a confluent layer of these cells [cells/cm²]."
    )
    fields_per_insert: int | None = Field(
        None, gt=0, description="Inserts: fields counted, where the images do not tell."
    )
    field_choice: str = Field(
        "", description="How fields were chosen: random, grid, whole membrane, by eye."
    )
    viability_correction: str = Field(
        "", description="What counts are related to, for example 'attached cells'."
    )

    matrix_mg_per_ml: float | None = Field(
        None, gt=0, description="Invasion: concentration of the matrix as laid on [mg/mL]."
    )
    matrix_lot: str = Field("", description="Invasion: lot of the matrix.")
    matrix_ul_per_insert: float | None = Field(
        None, gt=0, description="Invasion: volume of matrix on each insert [µL]."
    )
    matrix_form: Literal["", "gel", "coat"] = Field(
        "", description="Invasion: gel (3 mg/mL or more) or coat (below 1 mg/mL)."
    )

    growth_correction: str = Field(
        "", description="Viability: how it is freed of the speed of growth, for example GR."
    )
    target: str = Field("", description="Blot: what is stained, for example 'pFAK Y397'.")
    normalised_to: str = Field("", description="Blot: the divisor, for example 'total FAK'.")
    lysates: int | None = Field(
        None, gt=0, description="Blot: independent lysates; empty: batches."
    )
    lanes_spliced: bool = Field(False, description="Blot: lanes were cut out and put together.")
    saturated_bands: int = Field(0, ge=0, description="Blot: bands at the end of the range.")
    site_species: str = Field(
        "", description="Blot: species that the sites are numbered for, for example human."
    )
