"""Which flaws does a plan or a finished study have, all at once?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lamella.design.facts import Facts, Fault
from lamella.design.rules import (
    blot,
    claims,
    curve,
    gap,
    identity,
    insert,
    insert_controls,
    metadata,
    plate,
    reporting,
)
from lamella.table.findings import Finding, Level

__all__ = ["CONTRADICTIONS", "CONTROLS", "RULES", "Rule", "lint"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its id, how much it weighs, where it comes from, and the check itself."""

    id: str
    level: Level
    scope: str
    source: str
    check: Callable[[Facts], Iterable[Fault]]

    @property
    def states(self) -> str:
        """What the rule looks for, in one line."""
        return (self.check.__doc__ or "").strip().splitlines()[0]


_LORD = "Lord 2020, 10.1083/jcb.202001064"
_GUIDE = "BenchChem guide 2025"
_SEBAUGH = "Sebaugh 2011, 10.1002/pst.426"
_PRACTICE = "general practice of controlled experiments"
_MEMBRANE = "membranes and coats bind crystal violet"
_JIN = "Jin 2016, 10.1016/j.jtbi.2015.10.040"

RULES: tuple[Rule, ...] = (
    Rule("D01", "error", "design", _LORD, plate.batches),
    Rule("D02", "error", "analysis", _LORD, claims.unit_of_analysis),
    Rule("D03", "error", "design", _PRACTICE, plate.vehicle),
    Rule("D04", "warning", "design", "proposal; 0.1 % DMSO is usual", plate.solvent),
    Rule("D05", "warning", "design", "Assay Guidance Manual, positional effects", plate.position),
    Rule("D06", "warning", "design", _PRACTICE, plate.several_plates),
    Rule("D07", "warning", "design", "Almeida 2019, 10.5935/1676-2444.20190054", plate.controls),
    Rule("S01", "error", "scratch", f"{_GUIDE}, wound healing, step 6", gap.first_frame),
    Rule("S02", "error", "scratch", f"{_GUIDE}, wound healing, step 7", gap.registered),
    Rule("S03", "error", "scratch", "arithmetic: closure % = 200 v t / width", gap.gap_width),
    Rule("S04", "warning", "scratch", "Johnston 2014, 10.1098/rsif.2014.0325", gap.one_time),
    Rule("S05", "warning", "scratch", "arithmetic: (W0 - Wt) / t is of both", gap.rate_definition),
    Rule("S06", "warning", "scratch", f"{_GUIDE}, wound healing, step 2", gap.proliferation),
    Rule("S07", "warning", "scratch", f"omitted by the {_GUIDE}", gap.serum),
    Rule("S08", "warning", "scratch", f"{_GUIDE}, wound healing, step 7", gap.closed_controls),
    Rule("S09", "warning", "scratch", _JIN, gap.density),
    Rule("S10", "note", "scratch", "Jin 2017; PC-3 edges 0.6-4 µm/h in 12 h", gap.early_hours),
    Rule("S11", "error", "scratch", "BBRep 2023, 101423; arXiv 1711.07162", gap.gap_method),
    Rule("S12", "error", "any image", "MIACME 1.1, pixels", gap.pixel_size),
    Rule("T01", "error", "transwell", f"omitted by the {_GUIDE}", insert.inhibitor_place),
    Rule("T02", "error", "transwell", _PRACTICE, insert.chemokinesis),
    Rule("T03", "error", "invasion", _PRACTICE, insert.uncoated),
    Rule("T04", "warning", "invasion", "suppliers' advice on coats and gels", insert.matrix),
    Rule("T05", "warning", "transwell", "HeLa, confluent at 1.26e5 per cm²", insert.crowded),
    Rule("T06", "warning", "transwell", "field sampling, 10 fields 3.8-6.7 %", insert.fields),
    Rule("T07", "warning", "transwell", "practice: relate to attached cells", insert.survivors),
    Rule("B01", "error", "blot", _PRACTICE, blot.total_protein),
    Rule("B02", "warning", "blot", _PRACTICE, blot.bands),
    Rule("B03", "warning", "blot", "WikiPathways WP306: SRC Y419", blot.site_numbers),
    Rule("V01", "warning", "viability", "arithmetic of growing lines", claims.growth_rate),
    Rule("V02", "error", "dose", _SEBAUGH, curve.bends),
    Rule("V03", "error", "dose", _SEBAUGH, curve.outside),
    Rule("V04", "warning", "claim", "PND-1186, PF-573228 separate the two", claims.toxic_effect),
    Rule("I01", "error", "identity", "Cellosaurus; Schweppe 2008", identity.cells),
    Rule("I02", "warning", "identity", "MDAR; 10.1371/journal.pbio.2001438", identity.culture),
    Rule("I03", "warning", "identity", "salt factor of defactinib 0.933", identity.compound),
    Rule("I04", "warning", "claim", "the evidence base, row T2.5", claims.cited),
    Rule("R01", "note", "report", "MIACME 1.1", reporting.miacme),
    Rule("R02", "note", "report", "MDAR, 10.31222/osf.io/9sm4x", reporting.mdar),
)
"""The published list of 39."""

_TWO = "two statements of the study"

CONTRADICTIONS: tuple[Rule, ...] = (
    Rule("M01", "error", "metadata", _TWO, metadata.duration),
    Rule("M02", "error", "metadata", _TWO, metadata.pixel_of_objective),
    Rule("M03", "error", "metadata", "Cellosaurus, by accession", metadata.organism),
    Rule("M04", "error", "metadata", "settings and settled frames", metadata.closed_before),
    Rule("M05", "error", "metadata", "the track file", metadata.track_ids),
)
"""Statements that cannot both be true."""

CONTROLS: tuple[Rule, ...] = (
    Rule("C01", "warning", "transwell", _PRACTICE, insert_controls.no_attractant),
    Rule("C02", "error", "transwell", _PRACTICE, insert_controls.vehicle_alike),
    Rule(
        "C03",
        "error",
        "transwell",
        _MEMBRANE,
        insert_controls.stain_blank,
    ),
)
"""Controls on inserts that the list of 39 leaves out."""

_EVERY = (*RULES, *CONTROLS, *CONTRADICTIONS)


def lint(facts: Facts, *, rules: Iterable[Rule] = _EVERY) -> tuple[Finding, ...]:
    """Every flaw that the rules find, in the order of the rules.

    >>> from lamella.design.facts import AssayFacts
    >>> found = lint(Facts(assays=(AssayFacts("scratch", cells_per_cm2=1e5, serum_percent=1.0),)))
    >>> [(finding.rule, finding.level) for finding in found]
    [('S11', 'warning'), ('S12', 'error'), ('R01', 'note')]
    """
    return tuple(
        Finding(
            rule.id,
            fault.level or rule.level,
            fault.place,
            fault.message,
            fault.remedy,
            rule.source,
        )
        for rule in rules
        for fault in rule.check(facts)
    )
