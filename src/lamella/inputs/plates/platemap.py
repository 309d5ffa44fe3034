"""What does a plate map say of each well, and is it sound? The checks that all forms share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from lamella.errors import UnitError, nearest
from lamella.inputs.well_names import (
    PLATE_FORMATS,
    guess_plate_format,
    on_plate,
    well_name,
)
from lamella.table.findings import Finding
from lamella.table.wells import ROLES, Role, Well
from lamella.units import Dose, parse_dose

__all__ = ["COLUMNS", "Entry", "PlateContext", "PlateMap", "check_columns", "check_entries"]

COLUMNS = (
    "plate",
    "well",
    "batch",
    "role",
    "cell_line",
    "compound",
    "dose",
    "compound_2",
    "dose_2",
    "time_zero",
    "coating",
    "attractant",
)
"""Columns that every plate map may have; a study declares further ones as factors."""

_OWN_FIELDS = frozenset({"plate", "well", "batch", "role", "cell_line", "compound", "dose"})


@dataclass(frozen=True, slots=True)
class PlateContext:
    """What the study states about its plate maps.

    Attributes:
        plate: Name of the plate where the map names none, usually the file name.
        factors: Further columns that the study declares.
        dose_unit: Unit of a bare dose; None refuses bare doses.
        plate_format: Number of wells of the plate; None guesses it from the wells.
    """

    plate: str = ""
    factors: tuple[str, ...] = ()
    dose_unit: str | None = None
    plate_format: int | None = None


@dataclass(frozen=True, slots=True)
class PlateMap:
    """The sound wells of a plate map, and everything that is wrong with it."""

    wells: tuple[Well, ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """What a map says of one well, as written; `place` is where, for a message."""

    place: str
    values: Mapping[str, str]

    def get(self, column: str) -> str:
        """The text of that column, empty where there is none."""
        return self.values.get(column, "")


def check_columns(columns: Iterable[str], context: PlateContext, place: str) -> list[Finding]:
    """Findings for columns that are unknown or stand twice."""
    known = (*COLUMNS, *context.factors)
    findings = []
    seen: set[str] = set()
    for column in columns:
        if column in seen:
            findings.append(
                Finding(
                    "repeated-column",
                    "error",
                    place,
                    f"column '{column}' stands twice.",
                    "Delete or rename one of them.",
                )
            )
        elif column not in known:
            findings.append(
                Finding(
                    "unknown-column",
                    "error",
                    place,
                    f"column '{column}' is not known. {nearest(column, known)}",
                    f"Correct the name, or declare a factor of the study: factors = ['{column}'].",
                )
            )
        seen.add(column)
    return findings


def check_entries(entries: Iterable[Entry], context: PlateContext) -> PlateMap:
    """Wells and findings of what a map says, all problems at once.

    A well with an error is left out of `wells`; the wells keep the order of the map.
    """
    checker = _Checker(context)
    for entry in entries:
        checker.add(entry)
    return checker.result()


@dataclass
class _Checker:
    """Gathers wells and findings over the entries of one map."""

    context: PlateContext
    wells: list[tuple[Well, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    first_place: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    plates_with_lost_vehicle: set[str] = field(default_factory=set)

    def add(self, entry: Entry) -> None:
        plate = entry.get("plate") or self.context.plate
        name = well_name(entry.get("well"))
        if name is None:
            self._error(
                "well-name",
                entry.place,
                f"'{entry.get('well')}' is not the name of a well.",
                "Write row letter and column number, for example B2.",
            )
            return
        before = len(self.findings)
        place = f"{entry.place}, well {name}"
        self._once(plate, name, entry)
        role = self._role(entry, plate, place)
        batch = entry.get("batch") or ("" if "batch" in entry.values else "1")
        if not batch:
            self._error(
                "batch-missing",
                place,
                "the batch is empty.",
                "Write the independent experiment that the well belongs to, for example 1.",
            )
        dose = self._dose(entry, role, place)
        if len(self.findings) > before or role is None:
            return
        factors = {key: text for key, text in entry.values.items() if key not in _OWN_FIELDS}
        well = Well(
            plate=plate,
            well=name,
            batch=batch,
            role=role,
            cell_line=entry.get("cell_line"),
            compound=entry.get("compound"),
            dose=dose,
            factors=factors,
        )
        self.wells.append((well, place))

    def result(self) -> PlateMap:
        wells = self._on_their_plate()
        self._one_dimension(wells)
        self._vehicles(wells)
        return PlateMap(tuple(wells), tuple(self.findings))

    def _error(self, rule: str, place: str, message: str, remedy: str) -> None:
        self.findings.append(Finding(rule, "error", place, message, remedy))

    def _once(self, plate: str, name: str, entry: Entry) -> None:
        said = entry.get("dose") or entry.get("role")
        first = self.first_place.setdefault((plate, name), (entry.place, said))
        if first[0] == entry.place:
            return
        contrast = f" ('{first[1]}' and '{said}')" if first[1] != said else ""
        self._error(
            "duplicated-well",
            f"{entry.place}, well {name}",
            f"well {name} of plate '{plate}' stands twice{contrast}; first at {first[0]}.",
            "Delete the line that is wrong, or correct the name of its well.",
        )

    def _role(self, entry: Entry, plate: str, place: str) -> Role | None:
        text = entry.get("role").lower()
        if text in ROLES:
            return cast(Role, text)
        if not text:
            advice = nearest("", ROLES)
            message = "the role is empty."
        else:
            advice = nearest(text, ROLES)
            message = f"role '{entry.get('role')}' is not known."
        if "'vehicle'" in advice:
            self.plates_with_lost_vehicle.add(plate)
        self._error("unknown-role", place, f"{message} {advice}", "Write one of the valid roles.")
        return None

    def _dose(self, entry: Entry, role: Role | None, place: str) -> Dose | None:
        dose = self._parsed(entry, "dose", place)
        self._parsed(entry, "dose_2", place)
        written = bool(entry.get("dose"))
        if role == "vehicle" and dose is not None and dose.amount > 0:
            self._error(
                "vehicle-with-dose",
                place,
                f"a vehicle well has the dose {dose}.",
                "Leave the dose of a vehicle well empty, or correct its role to 'test'.",
            )
        if role == "test" and not written and entry.get("compound"):
            self._error(
                "dose-missing",
                place,
                f"a test well with '{entry.get('compound')}' has no dose.",
                "Write the dose with its unit, or correct the role of the well.",
            )
        return None if role == "vehicle" else dose

    def _parsed(self, entry: Entry, column: str, place: str) -> Dose | None:
        text = entry.get(column)
        if not text:
            return None
        try:
            return parse_dose(text, default_unit=self.context.dose_unit)
        except UnitError as error:
            if _is_number(text):
                self._error(
                    "dose-without-unit",
                    place,
                    f"{column} '{text}' has no unit.",
                    f"Write '{text} nM' or '{text} uM', whichever was meant, "
                    "or state dose_unit for the whole study.",
                )
            else:
                self._error("dose-unreadable", place, str(error), "Write it like '73.7 nM'.")
            return None

    def _on_their_plate(self) -> list[Well]:
        by_plate: dict[str, list[str]] = defaultdict(list)
        for plate, name in self.first_place:
            by_plate[plate].append(name)
        formats = {
            plate: self.context.plate_format or guess_plate_format(names)
            for plate, names in by_plate.items()
        }
        kept = []
        for well, place in self.wells:
            plate_format = formats[well.plate]
            if on_plate(well.well, plate_format):
                kept.append(well)
                continue
            rows, columns = PLATE_FORMATS[plate_format]
            last = f"{chr(ord('A') + rows - 1) if rows <= 26 else 'AF'}{columns}"
            self._error(
                "well-outside-plate",
                place,
                f"well {well.well} is not on a {plate_format}-well plate, which ends at {last}.",
                "Correct the name of the well, or state the plate format.",
            )
        return kept

    def _one_dimension(self, wells: list[Well]) -> None:
        seen: dict[str, dict[str, str]] = defaultdict(dict)
        for well in wells:
            if well.dose is not None and well.dose.amount > 0:
                first = f"{well.well} {well.dose}"
                seen[well.compound].setdefault(well.dose.dimension, first)
        for compound, dimensions in seen.items():
            if len(dimensions) > 1:
                self._error(
                    "mixed-dose-units",
                    ", ".join(dimensions.values()),
                    f"doses of '{compound}' are amounts of different kinds.",
                    "Write all doses of a compound in mol/L or all in g/L.",
                )

    def _vehicles(self, wells: list[Well]) -> None:
        with_vehicle = {well.plate for well in wells if well.role == "vehicle"}
        for plate in dict.fromkeys(plate for plate, _ in self.first_place):
            if plate not in with_vehicle and plate not in self.plates_with_lost_vehicle:
                self._error(
                    "no-vehicle",
                    f"plate {plate}",
                    f"plate '{plate}' has no vehicle well.",
                    "Give the wells that got the solvent alone the role 'vehicle'.",
                )


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True
