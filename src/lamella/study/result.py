"""A finished study as one frozen value: all that a report or an export may read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lamella.assays.contract import Assay
from lamella.evidence import Comparison
from lamella.potency.result import PotencyResult
from lamella.table.findings import Finding
from lamella.table.rows import Metric, Rows
from lamella.table.wells import Design

__all__ = ["AssayResult", "Preview", "StudyResult"]

Outline = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """One frame for the eye: a small JPEG, and the outlines or points found in it.

    `outlines` are closed polygons of (x, y) in pixels of the preview, of shape
    (`height_px`, `width_px`). `points` are the counted objects in pixels of the full picture,
    which is `scale` times as large; None where nothing is counted.
    """

    plate: str
    well: str
    field: str
    frame: int
    time_h: float | None
    state: str
    jpeg: Path
    width_px: int
    height_px: int
    outlines: tuple[Outline, ...] = ()
    points: tuple[tuple[float, float], ...] | None = None
    scale: float = 1.0


@dataclass(frozen=True)
class AssayResult:
    """One assay of the study: settled rows, the read-out and what may be said of its potency.

    A study of several compounds or cell lines has one result for each pair of them; they share
    their vehicle wells, and `group` tells them apart.

    Attributes:
        assay: Its declaration; `assay.panels` are the figures to draw.
        rows: Settled rows, see `lamella.table.rows`.
        readout: Metric that entered the dose-response.
        dose_unit: Unit of every dose in `potency` (`nM`, `µM`, `au` ...).
        wells: Value of the read-out of each well that entered, by (plate, well).
        potency: None where the study has no doses; the reason is then in `reason`.
        previews: Pictures for contact sheets, in order of plate, well, field, frame.
        methods: Sentences for the methods section.
        group: Compound and cell line, for example `defactinib on SUIT-2`; "" for the only one.
    """

    assay: Assay[Any]
    rows: Rows
    readout: Metric
    dose_unit: str
    wells: Mapping[tuple[str, str], float]
    potency: PotencyResult | None
    reason: str = ""
    previews: tuple[Preview, ...] = ()
    methods: str = ""
    group: str = ""


@dataclass(frozen=True)
class StudyResult:
    """A finished study.

    `comparisons` put each IC50 beside what has been published.
    `facts` are short labelled facts for the head of the report (compound, cell line, plates,
    wells, batches, images). `provenance` are labelled facts that let somebody repeat it
    (version, date, hashes, settings, engine).
    """

    folder: Path
    title: str
    compound: str
    cell_line: str
    design: Design
    assays: tuple[AssayResult, ...]
    findings: tuple[Finding, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
