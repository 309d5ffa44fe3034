"""Would a reader find what the reporting standards ask for?"""

from __future__ import annotations

from collections.abc import Iterator

from lamella.design.facts import AssayFacts, Facts, Fault
from lamella.design.rules.metadata import FILMED

__all__ = ["mdar", "miacme"]

_UNSEEN = frozenset({"viability", "blot"})


def miacme(facts: Facts) -> Iterator[Fault]:
    """Fields that MIACME 1.1 requires and the study does not state."""
    for assay in facts.assays:
        if assay.kind in _UNSEEN:
            continue
        stated = {
            "basicApproach ([study.reporting] approach)": facts.reporting.approach,
            "cellModel (cell_line)": facts.cells or any(w.cell_line for w in facts.wells),
            "organism (organism of each cell line)": all(
                line.organism or line.known_organism for line in facts.cells
            ),
            "treatment (compound)": facts.compound or any(w.compound for w in facts.wells),
            "microEnvironment (substrate)": assay.substrate,
            "modality and channelDefinition (modality)": assay.modality,
            **_times(assay),
        }
        absent = [name for name, value in stated.items() if not value]
        if absent:
            yield Fault(
                f"[assay.protocol] of {assay.kind}",
                f"MIACME 1.1 requires, and the study does not state: {', '.join(absent)}.",
                "Add these keys; an export can then be found and reused by others.",
            )


def mdar(facts: Facts) -> Iterator[Fault]:
    """Items of the MDAR checklist that the study does not state."""
    if not facts.wells:
        return
    said = facts.reporting
    stated = {
        "n_is": said.n_is,
        "randomisation": said.randomisation,
        "blinding": said.blinding,
        "exclusion": said.exclusion,
        "RRID (accession of each cell line)": all(line.accession for line in facts.cells),
    }
    absent = [name for name, value in stated.items() if not value]
    if absent:
        yield Fault(
            "[study.reporting]",
            f"MDAR asks for, and the study does not state: {', '.join(absent)}.",
            "State each in one sentence; 'not done' is an answer.",
        )


def _times(assay: AssayFacts) -> dict[str, object]:
    if assay.kind not in FILMED:
        return {"observationPeriod (duration_h)": assay.duration_h}
    return {
        "observationPeriod (duration_h, or times of the frames)": assay.duration_h,
        "timeSeriesInterval (interval_h)": assay.interval_stated_h or len(assay.times_h) > 1,
    }
