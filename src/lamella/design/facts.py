"""What a plan or a finished study states, as far as its rules need to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite

from lamella.table.findings import Level
from lamella.table.wells import Well

__all__ = [
    "Arm",
    "AssayFacts",
    "BlotFacts",
    "CellFacts",
    "CitedFacts",
    "CompoundFacts",
    "CurveFacts",
    "Facts",
    "Fault",
    "InsertFacts",
    "MatrixFacts",
    "Place",
    "ReportingFacts",
    "arm",
    "number_in",
]

Place = tuple[str, str]
"""Plate and well."""

Arm = tuple[str, str, str]
"""What distinguishes a treatment: cell line, compound and dose."""


def arm(well: Well) -> Arm:
    """The treatment of a well, as text.

    >>> arm(Well("P1", "B02", "1", "vehicle", "SUIT-2"))
    ('SUIT-2', '', 'vehicle')
    """
    if well.role in {"vehicle", "untreated", "blank"}:
        return (well.cell_line, "", well.role)
    return (well.cell_line, well.compound or "compound", str(well.dose or well.role))


def number_in(text: str) -> float | None:
    """The number that a cell of a plate map holds; None where it holds none.

    >>> number_in("0,1 %"), number_in("8e4"), number_in("none")
    (0.1, 80000.0, None)
    """
    try:
        value = float(text.replace(",", ".").rstrip(" %"))
    except ValueError:
        return None
    return value if isfinite(value) else None


@dataclass(frozen=True, slots=True)
class CellFacts:
    """One cell line of the study, and what is known of its name.

    Attributes:
        name: As the study writes it.
        accession: Cellosaurus accession that the study states, or that its name settles.
        homonyms: Accessions of other lines that are printed under the same name.
        misidentified_as: What the line really is, where it is known not to be what its name says.
        accession_of: Name of the line that the stated accession belongs to, where it is known.
        suggested: Accession that the name points to, not verified.
        organism: As the study states it.
        known_organism: As the accession settles it.
        tissue: As the study states it.
        known_tissue: As the accession settles it.
        doubling_h: Shortest and longest doubling time known [h].
        str_date: When the profile was last compared.
        passage: Passage or range of passages.
        mycoplasma: Result and date of the last test.
    """

    name: str
    accession: str = ""
    homonyms: tuple[str, ...] = ()
    misidentified_as: str = ""
    accession_of: str = ""
    suggested: str = ""
    organism: str = ""
    known_organism: str = ""
    tissue: str = ""
    known_tissue: str = ""
    doubling_h: tuple[float, float] | None = None
    str_date: str = ""
    passage: str = ""
    mycoplasma: str = ""


@dataclass(frozen=True, slots=True)
class CompoundFacts:
    """The compound under test; empty or None where the study does not say.

    `expected_molar` is the IC50 that the plan expects [mol/L].
    """

    name: str
    form: str = ""
    batch: str = ""
    purity_percent: float | None = None
    expected_molar: float | None = None


@dataclass(frozen=True, slots=True)
class CitedFacts:
    """A published row that the study rests on, or that its result is set beside.

    `compound` is what the row is filed under; `tested` is False where its source does not
    confirm that this compound was used.
    """

    id: str
    compound: str
    tested: bool = True


@dataclass(frozen=True, slots=True)
class ReportingFacts:
    """How the study was conducted, in the words of whoever did it; empty = not stated."""

    n_is: str = ""
    randomisation: str = ""
    blinding: str = ""
    exclusion: str = ""
    approach: str = ""


@dataclass(frozen=True, slots=True)
class CurveFacts:
    """One fitted dose-response, doses in `unit`; `ic50` is None where none is printed."""

    id: str
    doses: tuple[float, ...]
    ic50: float | None = None
    slope: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class InsertFacts:
    """What a porous insert was loaded with, and how its cells were counted.

    Attributes:
        inhibitor_side: `upper`, `lower` or `both`.
        preincubation_h: Time of the cells with compound before they are loaded [h]; 0 is none.
        claim: What the assay is said to show, for example `chemotaxis`.
        cells: Cells loaded.
        area_cm2: Area of the membrane [cm²].
        confluent_per_cm2: Density of a confluent layer of these cells [cells/cm²].
        fields: Fewest fields counted on an insert.
        field_choice: How they were chosen: `random`, `grid`, `whole membrane`, `by eye`.
        viability_correction: What the counts are related to, for example `attached cells`.
    """

    inhibitor_side: str = ""
    preincubation_h: float | None = None
    claim: str = ""
    cells: float | None = None
    area_cm2: float | None = None
    confluent_per_cm2: float | None = None
    fields: int | None = None
    field_choice: str = ""
    viability_correction: str = ""


@dataclass(frozen=True, slots=True)
class MatrixFacts:
    """The matrix on an insert; `form` is what the study calls it: `gel` or `coat`."""

    mg_per_ml: float | None = None
    lot: str = ""
    ul_per_insert: float | None = None
    form: str = ""


@dataclass(frozen=True, slots=True)
class BlotFacts:
    """A phospho blot.

    Attributes:
        target: For example `pFAK Y397`.
        normalised_to: What the signal is divided by, for example `total FAK`.
        lysates: Independent lysates.
        saturated: Bands at the end of the range of the camera.
        spliced: Whether lanes were cut out and put together.
        site_species: Whose sequence numbers the sites, for example `human`.
    """

    target: str = ""
    normalised_to: str = ""
    lysates: int | None = None
    saturated: int = 0
    spliced: bool = False
    site_species: str = ""


@dataclass(frozen=True, slots=True)
class AssayFacts:
    """One assay: what its protocol states, and, once it has run, what was measured.

    Empty or None means not stated, or not measured yet.

    Attributes:
        kind: As in `study.toml`, for example `scratch`.
        readout: Metric that enters the dose-response.
        gap_tool: What made the gap.
        serum_percent: Serum in the medium [%].
        seeding_serum_percent: Serum before the wound, where it was another [%].
        proliferation_control: What held growth back; `none` says that nothing did.
        growth_correction: How a viability is freed of the speed of growth, for example `GR`.
        doubling_time_h: Doubling time of the cells [h].
        cells_per_cm2: Cells seeded [cells/cm²].
        solvent_percent: Solvent in every well [%].
        positive_control: A compound known to stop migration.
        expected_speed_um_h: A speed that the plan rests on [µm/h].
        edge_mode: `per edge` or `full gap`: what that speed is of.
        closure_at_h: When closure is read [h].
        pixel_um: Side of a pixel [µm].
        camera_pixel_um: Side of a pixel of the camera, binning included [µm].
        objective: For example `10x/0.3`.
        modality: For example `phase contrast`.
        substrate: What the cells lie on.
        duration_stated_h: How long the study says that it lasts [h].
        interval_stated_h: Time between frames as the study states it [h].
        frames: Number of frames of the longest series.
        times_h: Distinct times of the frames since time zero [h], rising.
        first_frame_h: Time of the first frame of each (plate, well, field) [h].
        gap_width_um: Mean width of the gap at time zero of each (plate, well) [µm].
        confluence_percent: Cover outside the wound at time zero of each (plate, well) [%].
        unregistered: Fields whose later frames show another place.
        closed_in_window: Wells that closed inside the window that the speed is read from.
        vehicle_closed_h: When the first vehicle well had closed [h].
        track_frames: Frames of each track in the order of its file, by name.
        response_percent: Read-out of each treatment, in percent of its vehicle.
        n_counted: The n behind the interval of the result.
        curves: Fitted curves.
        insert: Where there is a porous insert.
        matrix: Where it is coated.
        blot: Where there is a blot.
    """

    kind: str
    readout: str = ""
    gap_tool: str = ""
    serum_percent: float | None = None
    seeding_serum_percent: float | None = None
    proliferation_control: str = ""
    growth_correction: str = ""
    doubling_time_h: float | None = None
    cells_per_cm2: float | None = None
    solvent_percent: float | None = None
    positive_control: str = ""
    expected_speed_um_h: float | None = None
    edge_mode: str = ""
    closure_at_h: float | None = None
    pixel_um: float | None = None
    camera_pixel_um: float | None = None
    objective: str = ""
    modality: str = ""
    substrate: str = ""
    duration_stated_h: float | None = None
    interval_stated_h: float | None = None
    frames: int = 0
    times_h: tuple[float, ...] = ()
    first_frame_h: Mapping[tuple[str, str, str], float] = field(default_factory=dict)
    gap_width_um: Mapping[Place, float] = field(default_factory=dict)
    confluence_percent: Mapping[Place, float] = field(default_factory=dict)
    unregistered: tuple[tuple[str, str, str], ...] = ()
    closed_in_window: tuple[Place, ...] = ()
    vehicle_closed_h: float | None = None
    track_frames: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    response_percent: Mapping[Arm, float] = field(default_factory=dict)
    n_counted: int | None = None
    curves: tuple[CurveFacts, ...] = ()
    insert: InsertFacts = InsertFacts()
    matrix: MatrixFacts = MatrixFacts()
    blot: BlotFacts = BlotFacts()

    @property
    def duration_h(self) -> float | None:
        """From the first to the last frame [h], or as stated; None where neither is known."""
        if len(self.times_h) > 1:
            return self.times_h[-1] - self.times_h[0]
        return self.duration_stated_h


@dataclass(frozen=True, slots=True)
class Facts:
    """A study as its rules see it: wells, assays, identities."""

    wells: tuple[Well, ...] = ()
    assays: tuple[AssayFacts, ...] = ()
    cells: tuple[CellFacts, ...] = ()
    compound: CompoundFacts | None = None
    cited: tuple[CitedFacts, ...] = ()
    reporting: ReportingFacts = ReportingFacts()
    title: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """What a rule found: a `Finding` before it carries the rule's id and level.

    `level` is set where this case weighs less than the rule does in general.
    """

    place: str
    message: str
    remedy: str
    level: Level | None = None
