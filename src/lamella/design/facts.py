"""What a plan or a finished study states, as far as its rules need to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lamella.table.findings import Level
from lamella.table.wells import Well

__all__ = ["AssayFacts", "CellFacts", "CompoundFacts", "CurveFacts", "Facts", "Fault", "Place"]

Place = tuple[str, str]
"""Plate and well."""


@dataclass(frozen=True, slots=True)
class CellFacts:
    """One cell line of the study, and what is known of its name.

    Attributes:
        name: As the study writes it.
        accession: Cellosaurus accession that the study states, or that its name settles.
        homonyms: Accessions of other lines that are printed under the same name.
        misidentified_as: What the line really is, where it is known not to be what its name says.
    """

    name: str
    accession: str = ""
    homonyms: tuple[str, ...] = ()
    misidentified_as: str = ""


@dataclass(frozen=True, slots=True)
class CompoundFacts:
    """The compound under test; empty or None where the study does not say."""

    name: str
    form: str = ""
    batch: str = ""
    purity_percent: float | None = None


@dataclass(frozen=True, slots=True)
class CurveFacts:
    """One fitted dose-response, doses in one unit; `ic50` is None where none is printed."""

    id: str
    doses: tuple[float, ...]
    ic50: float | None = None
    slope: float | None = None


@dataclass(frozen=True, slots=True)
class AssayFacts:
    """One assay: what its protocol states, and, once it has run, what was measured.

    Empty or None means not stated, or not measured yet.

    Attributes:
        kind: As in `study.toml`, for example `scratch`.
        readout: Metric that enters the dose-response.
        gap_tool: What made the gap.
        serum_percent: Serum in the medium [%].
        proliferation_control: What held growth back; `none` says that nothing did.
        doubling_time_h: Doubling time of the cells [h].
        solvent_percent: Solvent in every well [%].
        positive_control: A compound known to stop migration.
        pixel_um: Side of a pixel [µm].
        times_h: Distinct times of the frames since time zero [h], rising.
        first_frame_h: Time of the first frame of each (plate, well, field) [h].
        gap_width_um: Mean width of the gap at time zero of each (plate, well) [µm].
        vehicle_closed_h: When the first vehicle well had closed [h].
        curves: Fitted curves.
    """

    kind: str
    readout: str = ""
    gap_tool: str = ""
    serum_percent: float | None = None
    proliferation_control: str = ""
    doubling_time_h: float | None = None
    solvent_percent: float | None = None
    positive_control: str = ""
    pixel_um: float | None = None
    times_h: tuple[float, ...] = ()
    first_frame_h: Mapping[tuple[str, str, str], float] = field(default_factory=dict)
    gap_width_um: Mapping[Place, float] = field(default_factory=dict)
    vehicle_closed_h: float | None = None
    curves: tuple[CurveFacts, ...] = ()

    @property
    def duration_h(self) -> float | None:
        """From the first to the last frame [h]; None where the times are not known."""
        return self.times_h[-1] - self.times_h[0] if self.times_h else None


@dataclass(frozen=True, slots=True)
class Facts:
    """A study as its rules see it: wells, assays, identities."""

    wells: tuple[Well, ...] = ()
    assays: tuple[AssayFacts, ...] = ()
    cells: tuple[CellFacts, ...] = ()
    compound: CompoundFacts | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """What a rule found: a `Finding` before it carries the rule's id and level.

    `level` is set where this case weighs less than the rule does in general.
    """

    place: str
    message: str
    remedy: str
    level: Level | None = None
