"""Which flaws does a plan or a finished study have, all at once?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lamella.design.facts import Facts, Fault
from lamella.design.rules import curve, gap, identity, plate
from lamella.table.findings import Finding, Level

__all__ = ["RULES", "Rule", "lint"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its id, how much it weighs, where it comes from, and the check itself."""

    id: str
    level: Level
    source: str
    check: Callable[[Facts], Iterable[Fault]]

    @property
    def states(self) -> str:
        """What the rule looks for, in one line."""
        return (self.check.__doc__ or "").strip().splitlines()[0]


RULES: tuple[Rule, ...] = (
    Rule("D01", "error", "Lord 2020, 10.1083/jcb.202001064", plate.batches),
    Rule("D03", "error", "general practice of controlled experiments", plate.vehicle),
    Rule("D04", "warning", "proposal; 0.1 % DMSO is usual", plate.solvent),
    Rule("D05", "warning", "Assay Guidance Manual, positional effects", plate.position),
    Rule("D06", "warning", "general practice of controlled experiments", plate.several_plates),
    Rule("D07", "warning", "Almeida 2019, 10.5935/1676-2444.20190054", plate.controls),
    Rule("S01", "error", "BenchChem guide 2025, wound healing, step 6", gap.first_frame),
    Rule("S03", "error", "arithmetic: closure % = 200 v t / width", gap.gap_width),
    Rule("S04", "warning", "Johnston 2014, 10.1098/rsif.2014.0325", gap.one_time),
    Rule("S06", "warning", "BenchChem guide 2025, wound healing, step 2", gap.proliferation),
    Rule("S07", "warning", "omitted by the BenchChem guide 2025", gap.serum),
    Rule("S08", "warning", "BenchChem guide 2025, wound healing, step 7", gap.closed_controls),
    Rule("S10", "note", "Jin 2017; PC-3 edges 0.6-4 µm/h in the first 12 h", gap.early_hours),
    Rule("S11", "error", "BBRep 2023, 101423; arXiv 1711.07162", gap.gap_method),
    Rule("S12", "error", "MIACME 1.1, pixels", gap.pixel_size),
    Rule("V02", "error", "Sebaugh 2011, 10.1002/pst.426", curve.bends),
    Rule("V03", "error", "Sebaugh 2011, 10.1002/pst.426", curve.outside),
    Rule("I01", "error", "Cellosaurus; Schweppe 2008", identity.cells),
    Rule("I03", "warning", "salt factor of defactinib 0.933", identity.compound),
)


def lint(facts: Facts, *, rules: Iterable[Rule] = RULES) -> tuple[Finding, ...]:
    """Every flaw that the rules find, in the order of the rules.

    >>> from lamella.design.facts import AssayFacts
    >>> found = lint(Facts(assays=(AssayFacts("scratch", gap_tool="insert", serum_percent=1.0),)))
    >>> [(finding.rule, finding.level) for finding in found]
    [('S12', 'error')]
    """
    return tuple(
        Finding(rule.id, fault.level or rule.level, fault.place, fault.message, fault.remedy)
        for rule in rules
        for fault in rule.check(facts)
    )
