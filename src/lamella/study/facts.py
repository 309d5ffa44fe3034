"""Fills the facts that the rules of `lamella.design` need, from a plan or a finished study."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from statistics import fmean

from lamella import evidence
from lamella.design.facts import (
    AssayFacts,
    BlotFacts,
    CellFacts,
    CitedFacts,
    CompoundFacts,
    Facts,
    InsertFacts,
    MatrixFacts,
    ReportingFacts,
)
from lamella.evidence.base import normal
from lamella.study.model import AssayEntry, Compound, StudyFile
from lamella.study.planned import Planned
from lamella.study.protocol import CellLineEntry, Protocol
from lamella.table.wells import Design
from lamella.units import parse_dose

__all__ = ["cited_rows", "facts_of_plan"]


def facts_of_plan(study: StudyFile, design: Design, planned: Sequence[Planned]) -> Facts:
    """What the study states before anything is measured.

    An assay that cannot be planned (its settings are wrong, or this version has none of that
    kind) has the facts of its protocol alone.
    """
    entry = study.study
    lines = _lines(study, design)
    cells = tuple(_cell_facts(line, study, alone=len(lines) == 1) for line in sorted(lines))
    plans = {id(item.entry): item for item in planned}
    doubling_h = min((line.doubling_h[0] for line in cells if line.doubling_h), default=None)
    batches = len({well.batch for well in design.wells if well.batch})
    compound = entry.compound
    return Facts(
        wells=design.wells,
        assays=tuple(
            _assay_facts(item, plans.get(id(item)), doubling_h=doubling_h, batches=batches)
            for item in study.assay
        ),
        cells=cells,
        compound=None if compound is None else _compound_facts(compound),
        cited=tuple(cited_rows(row for row in evidence.find() if row.id in entry.evidence)),
        reporting=ReportingFacts(**entry.reporting.model_dump()),
        title=entry.title,
    )


def _compound_facts(compound: Compound) -> CompoundFacts:
    expected = parse_dose(compound.expected_ic50) if compound.expected_ic50 else None
    return CompoundFacts(
        _known_name(compound.name),
        compound.form,
        compound.batch,
        compound.purity_percent,
        expected.amount if expected and expected.dimension == "molar" else None,
    )


def cited_rows(rows: Iterable[evidence.Assertion]) -> Iterable[CitedFacts]:
    """Published rows as facts, each under the free base of its compound."""
    for row in rows:
        yield CitedFacts(row.id, _known_name(row.compound), tested=row.compound_confirmed)


def _known_name(compound: str) -> str:
    form = evidence.compound(compound)
    return form.parent if form else compound


def _lines(study: StudyFile, design: Design) -> set[str]:
    """Names of all lines, those of the plate map as they stand there."""
    lines = {well.cell_line for well in design.wells if well.cell_line}
    for name in (study.study.cell_line, *study.study.cell_lines):
        if name and normal(name) not in map(normal, lines):
            lines.add(name)
    return lines


def _cell_facts(line: str, study: StudyFile, *, alone: bool) -> CellFacts:
    """What is stated and known of the line; a shared name settles nothing by itself."""
    stated = study.study.cell_line_facts(line)
    accession = stated.accession or (study.study.cell_line_accession if alone else "")
    named = evidence.cell_line(line, accession=accession)
    known = evidence.line_of(accession) or named
    doubling = _doubling_h(stated, known)
    facts = CellFacts(
        line,
        accession,
        organism=stated.organism,
        tissue=stated.tissue,
        doubling_h=doubling,
        str_date=stated.str_date,
        passage=stated.passage,
        mycoplasma=stated.mycoplasma,
    )
    if known is None:
        return facts
    other = named is not None and accession not in {"", named.accession, *named.homonyms}
    settled = known.accession if known.accession_status == "seen" else ""
    return replace(
        facts,
        accession="" if known.homonyms and not known.accession else accession or settled,
        homonyms=known.homonyms,
        misidentified_as=known.misidentified_as,
        accession_of=known.name if other and known.accession == accession else "",
        suggested=known.accession,
        known_organism=known.organism,
        known_tissue=known.tissue,
    )


def _doubling_h(
    stated: CellLineEntry, known: evidence.CellLine | None
) -> tuple[float, float] | None:
    if stated.doubling_time_h is not None:
        return stated.doubling_time_h, stated.doubling_time_h
    if known is None or known.doubling_low_h is None or known.doubling_high_h is None:
        return None
    return known.doubling_low_h, known.doubling_high_h


def _assay_facts(
    entry: AssayEntry, planned: Planned | None, *, doubling_h: float | None, batches: int
) -> AssayFacts:
    protocol = entry.protocol
    facts = AssayFacts(
        kind=entry.kind,
        readout=entry.readout or (planned.assay.readouts[0] if planned else ""),
        gap_tool=protocol.gap_tool,
        serum_percent=protocol.serum_percent,
        seeding_serum_percent=protocol.seeding_serum_percent,
        proliferation_control=protocol.proliferation_control,
        growth_correction=protocol.growth_correction,
        doubling_time_h=protocol.doubling_time_h or doubling_h,
        cells_per_cm2=protocol.cells_per_cm2,
        solvent_percent=protocol.solvent_percent,
        positive_control=protocol.positive_control,
        expected_speed_um_h=protocol.expected_speed_um_h,
        edge_mode=protocol.edge_mode,
        closure_at_h=getattr(planned.settings, "closure_at_h", None) if planned else None,
        pixel_um=entry.pixel_um,
        camera_pixel_um=protocol.camera_pixel_um,
        objective=protocol.objective,
        modality=protocol.modality,
        substrate=protocol.substrate,
        duration_stated_h=protocol.duration_h,
        interval_stated_h=entry.interval_h,
        insert=_insert(protocol),
        matrix=MatrixFacts(
            protocol.matrix_mg_per_ml,
            protocol.matrix_lot,
            protocol.matrix_ul_per_insert,
            protocol.matrix_form,
        ),
        blot=_blot(protocol, batches=batches),
    )
    return facts if planned is None else _with_images(facts, planned)


def _insert(protocol: Protocol) -> InsertFacts:
    return InsertFacts(
        inhibitor_side=protocol.inhibitor_side,
        preincubation_h=protocol.preincubation_h,
        claim=protocol.claim,
        cells=protocol.cells_per_insert,
        area_cm2=protocol.insert_area_cm2,
        confluent_per_cm2=protocol.confluent_per_cm2,
        fields=protocol.fields_per_insert,
        field_choice=protocol.field_choice,
        viability_correction=protocol.viability_correction,
    )


def _blot(protocol: Protocol, *, batches: int) -> BlotFacts:
    return BlotFacts(
        target=protocol.target,
        normalised_to=protocol.normalised_to,
        lysates=protocol.lysates or batches or None,
        saturated=protocol.saturated_bands,
        spliced=protocol.lanes_spliced,
        site_species=protocol.site_species,
    )


def _with_images(facts: AssayFacts, planned: Planned) -> AssayFacts:
    """The same facts with what the headers and names of the images tell."""
    series = [(call.unit, s) for call in planned.calls for s in call.unit.series]
    if not series:
        return facts
    times = {frame.time_h for _, s in series for frame in s.frames if frame.time_h is not None}
    first = {
        (unit.plate, unit.well, s.field): time
        for unit, s in series
        if s.frames and (time := s.frames[0].time_h) is not None
    }
    sizes = {s.pixel_um for _, s in series}
    fields = facts.insert.fields or min(len(call.unit.series) for call in planned.calls)
    return replace(
        facts,
        # One field without a pixel size is enough to keep µm from the whole assay.
        pixel_um=None if None in sizes else fmean(size for size in sizes if size is not None),
        times_h=tuple(sorted(times)),
        first_frame_h=first,
        frames=max(len(s.frames) for _, s in series),
        insert=replace(facts.insert, fields=fields),
    )
