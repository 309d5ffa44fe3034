"""What is known of one day at the bench, and what a bench sheet consists of?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from lamella.design.dilution import DilutionPlan, Pipetting
from lamella.design.protocol import Gap, Protocol, Step
from lamella.design.vessels import Vessel
from lamella.errors import SettingsError
from lamella.study.bench_entry import PlanEntry
from lamella.study.model import AssayEntry, Compound
from lamella.study.protocol import Protocol as BenchFacts
from lamella.table.wells import Well
from lamella.units import Dose, parse_volume_ul

__all__ = [
    "Bench",
    "BenchStep",
    "Decision",
    "Dilution",
    "Quantity",
    "ScheduleRow",
    "Sheet",
    "amount",
    "dose_range",
]


@dataclass(frozen=True, slots=True)
class Quantity:
    """One computed value of a step.

    Attributes:
        label: What it is.
        value: With its unit; empty where something is missing.
        how: The arithmetic behind it.
        missing: What must be stated before it can be computed, and where.
        caution: What to mind about the value.
    """

    label: str
    value: str = ""
    how: str = ""
    missing: str = ""
    caution: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """A gap of the guide and what this study decided; `answer` is empty where nothing was."""

    gap: Gap
    answer: str


@dataclass(frozen=True, slots=True)
class Dilution:
    """The dilution of one compound, or why it cannot be made."""

    compound: str
    plan: DilutionPlan | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class BenchStep:
    """One step of the protocol with what was computed and decided for this study."""

    step: Step
    number: int
    quantities: tuple[Quantity, ...]
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """One line of the timeline; hours count from time zero.

    `until_h` is when the hands are free again, `wait` what comes after it.
    """

    start_h: float
    until_h: float
    what: str
    wait: str = ""


@dataclass(frozen=True)
class Sheet:
    """The bench sheet of one assay on one day."""

    protocol: Protocol
    batch: str
    plates: Mapping[str, tuple[Well, ...]]
    vessel: Vessel
    vessel_note: str
    dilutions: tuple[Dilution, ...]
    steps: tuple[BenchStep, ...]
    totals: tuple[Quantity, ...]
    schedule: tuple[ScheduleRow, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """What keeps a volume from being computed, each with its remedy."""
        told = [q.missing for s in self.steps for q in s.quantities if q.missing]
        told += [one.problem for one in self.dilutions if one.problem]
        known: dict[str, str] = {}
        for text in told:
            known.setdefault(text.lower(), text)
        return tuple(known.values())

    @property
    def undecided(self) -> tuple[Gap, ...]:
        """Gaps of the guide that the study has not closed."""
        open_ = [d.gap for s in self.steps for d in s.decisions if not d.answer]
        return tuple(dict.fromkeys(open_))


@dataclass(frozen=True)
class Bench:
    """One assay on one day: what was planned, and the wells that it is planned for."""

    protocol: Protocol
    entry: AssayEntry
    plan: PlanEntry
    compound: Compound | None
    wells: tuple[Well, ...]
    vessel: Vessel
    batches: int
    doubling_time_h: float | None
    dilutions: tuple[Dilution, ...] = ()

    @property
    def facts(self) -> BenchFacts:
        """What the study states of this assay's protocol."""
        return self.entry.protocol

    @cached_property
    def with_cells(self) -> tuple[Well, ...]:
        """Wells that get cells: all but blanks."""
        return tuple(well for well in self.wells if well.role != "blank")

    @property
    def well_ul(self) -> float:
        """Volume of a well, or above the membrane [µL]."""
        stated = self.plan.well_volume
        return parse_volume_ul(stated) if stated else self.vessel.working_ul

    @property
    def seeded_ul(self) -> float:
        """Volume in which cells are seeded [µL]: room is left for a dose that is added later."""
        later = [one.plan.transfer.volume_ul for one in self.dilutions if one.plan is not None]
        room = later[0] if self.protocol.delivery == "spike" and later else 0.0
        return self.well_ul - room

    @property
    def lower_ul(self) -> float:
        """Volume below the membrane [µL]; 0 in a plate without inserts."""
        if self.vessel.lower_ul is None:
            return 0.0
        stated = self.plan.lower_volume
        return parse_volume_ul(stated) if stated else self.vessel.lower_ul

    @property
    def area_cm2(self) -> float:
        """Growth area of a well, or of the membrane [cm²]."""
        return self.plan.growth_area_cm2 or self.facts.insert_area_cm2 or self.vessel.area_cm2

    @property
    def solvent_percent(self) -> float:
        """Solvent in every well [%]; 0.1 where nothing is stated."""
        stated = self.facts.solvent_percent
        return 0.1 if stated is None else stated

    @property
    def pipetting(self) -> Pipetting:
        """What the pipettes at hand can do."""
        return Pipetting(parse_volume_ul(self.plan.smallest_pipette), self.plan.overage_percent)

    @property
    def duration_h(self) -> float:
        """From time zero to the end [h]; the longest usual time where none is stated."""
        return self.facts.duration_h or self.protocol.step(self.protocol.duration_step).wait_h[1]

    def more(self, volume_ul: float) -> float:
        """A volume with its overage [µL]."""
        return volume_ul * (1 + self.plan.overage_percent / 100)

    def needed(self, value: float | None, key: str, what: str) -> float:
        """The value.

        Raises:
            SettingsError: It is not stated; the message names the key.
        """
        if value is None:
            raise SettingsError(f"{what} is not stated. Write {key} in study.toml.")
        return value


def amount(count: float) -> str:
    """A number of cells, rounded to three digits.

    >>> amount(22400), amount(2.64e6), amount(1e5)
    ('22\u202f400', '2.64 × 10⁶', '1 × 10⁵')
    """
    if count < 99_950:
        digits = float(f"{count:.3g}")
        return f"{digits:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    mantissa, power = f"{count:.2e}".split("e")
    short = mantissa.rstrip("0").rstrip(".")
    return f"{short} × 10{str(int(power)).translate(str.maketrans('0123456789', '⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def dose_range(wells: tuple[Well, ...]) -> str:
    """The doses of the test wells in words.

    >>> doses = [Dose(1e-8), Dose(1e-7), Dose(1e-7)]
    >>> dose_range(tuple(Well("P1", "B02", "1", "test", dose=dose) for dose in doses))
    '2 doses, 10 nM to 100 nM'
    """
    doses = Counter(w.dose for w in wells if w.role == "test" and w.dose and w.dose.amount > 0)
    if not doses:
        return ""
    low, high = min(doses, key=_size), max(doses, key=_size)
    return f"{len(doses)} doses, {low} to {high}" if len(doses) > 1 else f"1 dose, {low}"


def _size(dose: Dose) -> float:
    return dose.amount
