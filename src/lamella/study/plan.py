"""What a study asks for: its design, the units to measure, and every problem, all at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lamella import evidence
from lamella.assays import ASSAYS
from lamella.assays.contract import Assay, Settings
from lamella.design.facts import Facts
from lamella.design.lint import lint
from lamella.errors import SettingsError, StudyError, nearest
from lamella.inputs.images import Acquisition, Inventory, take_inventory
from lamella.potency.elution import ELUTED
from lamella.study.decisions import Decisions, read_decisions
from lamella.study.edited import edited_units
from lamella.study.facts import facts_of_plan
from lamella.study.headers import HEADERS_FILE, Headers
from lamella.study.measuring import Call
from lamella.study.model import STUDY_FILE, AssayEntry, StudyFile, findings_of, read_study_file
from lamella.study.planned import Planned
from lamella.study.plate_maps import PLATES, read_design
from lamella.study.readings import read_tables, with_readouts_of_tables
from lamella.table.findings import Finding
from lamella.table.wells import Design

__all__ = ["RESULTS", "Plan", "assay_of", "make_plan"]

RESULTS = "results"
CACHE = "cache"
"""Folder inside of results that may be deleted at any time: what it holds is made again."""


@dataclass(frozen=True)
class Plan:
    """A study that has been read but not measured.

    `study` is None where `study.toml` cannot be read; `problems` then say why. `problems` are
    faults of the files, `lint` those of the design; a run goes on with both and tells them.
    `tables` are read-outs of a plate reader, whose values stand in the wells of `design`.
    """

    folder: Path
    study: StudyFile | None
    design: Design
    assays: tuple[Planned, ...]
    decisions: Decisions
    problems: tuple[Finding, ...]
    lint: tuple[Finding, ...] = ()
    facts: Facts = field(default_factory=Facts)
    unmatched: tuple[Path, ...] = ()
    headers: Headers | None = None
    tables: tuple[Path, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything found, faults of the files first."""
        return (*self.problems, *self.lint)

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls of all assays."""
        return tuple(call for planned in self.assays for call in planned.calls)

    @property
    def broken(self) -> tuple[Finding, ...]:
        """Faults of the files that keep something from being measured or fitted."""
        return tuple(finding for finding in self.problems if finding.level == "error")

    @property
    def results(self) -> Path:
        """The folder that Lamella writes."""
        return self.folder / RESULTS


def make_plan(folder: Path) -> Plan:
    """Read a study folder: headers of images only, no pixels.

    Every problem is a finding; nothing is raised for what the folder contains.
    """
    folder = folder.resolve()
    headers = Headers(folder / RESULTS / CACHE / HEADERS_FILE, folder)
    study, findings = read_study_file(folder)
    decisions = read_decisions(folder)
    if study is None:
        return Plan(folder, None, Design(), (), decisions, (*findings, *decisions.findings))
    study = with_readouts_of_tables(study)
    design, of_plates = read_design(folder, study)
    read = read_tables(folder, study, design)
    design = read.design
    planned: list[Planned] = []
    unmatched: list[Path] = []
    findings += [*of_plates, *read.findings, *decisions.findings]
    findings += [*_repeated_assays(study), *_unknown_rows(study)]
    for entry in study.assay:
        try:
            assay, settings = assay_of(entry)
        except SettingsError as error:
            findings.extend(error.args[1])
            continue
        inventory = _inventory(folder, entry, headers)
        calls, of_edits = _calls(folder, inventory, decisions, (assay, settings))
        findings += [*inventory.findings, *_mismatches(inventory, design, assay.name), *of_edits]
        unmatched += inventory.unmatched
        planned.append(Planned(entry, assay, settings, calls))
    facts = facts_of_plan(study, design, planned)
    return Plan(
        folder,
        study,
        design,
        tuple(planned),
        decisions,
        problems=tuple(findings),
        lint=lint(facts),
        facts=facts,
        unmatched=tuple(unmatched),
        headers=headers,
        tables=read.paths,
    )


def _calls(
    folder: Path, inventory: Inventory, decisions: Decisions, of: tuple[Assay[Any], Settings]
) -> tuple[tuple[Call, ...], Sequence[Finding]]:
    """A call for each unit with the edits made to it, in order of plate and well."""
    assay, settings = of
    units, findings = edited_units(inventory.units, decisions, assay=assay.name)
    placed = sorted(units, key=lambda unit: (unit.plate, unit.well))
    calls = (Call(assay.name, unit, settings, folder, folder / RESULTS) for unit in placed)
    return tuple(calls), findings


def assay_of(entry: AssayEntry) -> tuple[Assay[Any], Settings]:
    """The assay of an entry, with its settings checked.

    Raises:
        SettingsError: Unknown assay or setting; the second argument holds the findings.
    """
    known = {assay.name: assay for assay in ASSAYS}
    if entry.kind not in known:
        message = f"assay '{entry.kind}' is not known."
        bad = Finding("unknown-assay", "error", STUDY_FILE, message, nearest(entry.kind, known))
        raise SettingsError(message, [bad])
    assay = known[entry.kind]
    try:
        settings = assay.settings.model_validate(dict(entry.settings))
    except ValidationError as error:
        place = f"{STUDY_FILE}, [assay.settings] of {entry.kind}"
        found = list(findings_of(error, assay.settings, place=place))
        raise SettingsError("settings are not valid", found) from error
    if entry.readouts and ELUTED[0] not in assay.readouts:
        message = f"{entry.kind} reads no tables of a plate reader."
        remedy = "State 'images', or take 'readouts' out: transwell and invasion read eluted dye."
        bad = Finding("unknown-readout", "error", STUDY_FILE, message, remedy)
        raise SettingsError(message, [bad])
    if entry.readout is not None and entry.readout not in assay.readouts:
        message = f"read-out '{entry.readout}' is not one of {entry.kind}."
        remedy = nearest(entry.readout, assay.readouts)
        bad = Finding("unknown-readout", "error", STUDY_FILE, message, remedy)
        raise SettingsError(message, [bad])
    return assay, settings


def _inventory(folder: Path, entry: AssayEntry, headers: Headers) -> Inventory:
    if not entry.images:
        return Inventory((), (), ())
    stated = Acquisition(
        pattern=entry.images,
        preset=entry.preset,
        pixel_um=entry.pixel_um,
        start_h=entry.start_h,
        interval_h=entry.interval_h,
        times_h=entry.times_h,
        channel=entry.channel,
        z=entry.z,
        plate_format=entry.plate_format,
    )
    try:
        return take_inventory(folder, stated, look=headers.inspect)
    except StudyError as error:
        bad = Finding(
            "images-pattern", "error", STUDY_FILE, str(error), "Correct 'images' or 'preset'."
        )
        return Inventory((), (), (bad,))


def _mismatches(inventory: Inventory, design: Design, assay: str) -> Iterator[Finding]:
    if not design.wells or not inventory.units:
        return
    imaged = {(unit.plate, unit.well) for unit in inventory.units}
    mapped = {(well.plate, well.well) for well in design.wells}
    for plate, well in sorted(imaged - mapped):
        message = "has images but no row in the plate map; it is measured and enters no curve."
        remedy = f"Add the well to {PLATES}/{plate or 'plate'}.csv."
        yield Finding("well-without-map", "warning", f"{plate} {well}".strip(), message, remedy)
    for plate, well in sorted(mapped - imaged):
        message = f"is in the plate map and has no images for {assay}."
        remedy = "Add its images, or take the well out of the plate map."
        yield Finding("well-without-images", "warning", f"{plate} {well}".strip(), message, remedy)


def _repeated_assays(study: StudyFile) -> Iterator[Finding]:
    for kind, count in Counter(entry.kind for entry in study.assay).items():
        if count > 1:
            message = f"[[assay]] kind = '{kind}' stands {count} times; their results would mix."
            remedy = "Keep one of them, or make a study of its own for each."
            yield Finding("repeated-assay", "error", STUDY_FILE, message, remedy)


def _unknown_rows(study: StudyFile) -> Iterator[Finding]:
    if not study.study.evidence:
        return  # reading the evidence base is not for every command
    known = [row.id for row in evidence.find()]
    for cited in study.study.evidence:
        if cited not in known:
            message = f"'{cited}' is no row of the evidence base."
            remedy = f"{nearest(cited, known)} 'lamella evidence' lists all."
            yield Finding("unknown-evidence", "warning", f"{STUDY_FILE}, evidence", message, remedy)
