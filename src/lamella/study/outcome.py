"""A finished study as one value, and as the JSON documents beside its report."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from importlib.metadata import version as version_of

from lamella import __version__
from lamella.design.lint import lint
from lamella.inputs.images import content_hash
from lamella.study.claims import comparisons
from lamella.study.hashes import digest
from lamella.study.measured_facts import with_results
from lamella.study.parts import PartRecord
from lamella.study.plan import Plan
from lamella.study.result import AssayResult, StudyResult

__all__ = ["potency_document", "run_document", "study_result"]

_LIBRARIES = ("numpy", "scipy", "opencv-python-headless", "tifffile", "polars", "pydantic")
JSON_SCHEMA = 1


def study_result(
    plan: Plan, assays: tuple[AssayResult, ...], records: Sequence[PartRecord]
) -> StudyResult:
    """The frozen value that reports and exports read."""
    assert plan.study is not None
    entry = plan.study.study
    lines = sorted({well.cell_line for well in plan.design.wells if well.cell_line})
    compared = tuple(comparisons(assays, plan.design, plan.study))
    return StudyResult(
        folder=plan.folder,
        title=entry.title,
        compound=entry.compound.name if entry.compound else "",
        cell_line=entry.cell_line or ", ".join(lines),
        design=plan.design,
        assays=assays,
        findings=(*plan.problems, *lint(with_results(plan.facts, assays, compared))),
        comparisons=compared,
        facts=_facts(plan),
        provenance=_provenance(plan, records),
    )


def _facts(plan: Plan) -> dict[str, str]:
    wells = plan.design.wells
    series = [s for call in plan.calls for s in call.unit.series]
    told = {
        "Batches": str(len({well.batch for well in wells if well.batch})),
        "Plates": str(len({well.plate for well in wells})),
        "Wells": str(len(wells) or len(plan.calls)),
    }
    if plan.tables:
        told["Tables read"] = str(len(plan.tables))
    if series or not plan.tables:
        told["Fields"] = str(len(series))
        told["Images"] = str(sum(len(s.frames) for s in series))
    return told


def _provenance(plan: Plan, records: Sequence[PartRecord]) -> dict[str, str]:
    settings = {
        planned.assay.name: json.dumps(
            planned.settings.model_dump(mode="json"), ensure_ascii=False, sort_keys=True
        )
        for planned in plan.assays
    }
    told = {
        "Lamella": __version__,
        "Python": platform.python_version(),
        **{name: version_of(name) for name in _LIBRARIES},
        "Settings hash": ", ".join(sorted({record.settings_hash for record in records})),
        "Inputs hash": f"{digest(sorted(record.input_hash for record in records))} over "
        f"{len(records)} units, each in observations.parquet",
        "Decisions applied": str(len(plan.decisions.standing)),
    }
    if plan.tables:
        hashes = (f"{path.name} {content_hash(path)}" for path in plan.tables)
        told["Tables of read-outs"] = ", ".join(hashes)
    return told | {f"Settings of {name}": text for name, text in settings.items()}


def potency_document(result: StudyResult) -> dict[str, object]:
    """The content of `potency.json`."""
    assays = [
        {
            "assay": item.assay.name,
            "group": item.group,
            "readout": item.readout.name,
            "reason": item.reason,
            "result": item.potency.document() if item.potency else None,
        }
        for item in result.assays
    ]
    return {
        "schema": "lamella/potency",
        "version": JSON_SCHEMA,
        "lamella": __version__,
        "assays": assays,
    }


def run_document(result: StudyResult) -> dict[str, object]:
    """The content of `run.json`: what was run, with what, and what was found."""
    return {
        "schema": "lamella/run",
        "version": JSON_SCHEMA,
        "lamella": __version__,
        "title": result.title,
        "facts": dict(result.facts),
        "provenance": dict(result.provenance),
        "findings": [[f.rule, f.level, f.place, f.message, f.remedy] for f in result.findings],
    }
