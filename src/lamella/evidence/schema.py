"""What one piece of published evidence is, and the words it may use."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from lamella.errors import UnitError
from lamella.units import dose_unit_scale

__all__ = [
    "ASSAY_CLASSES",
    "BENEFIT",
    "EFFECTS",
    "LINK_KINDS",
    "RELATIONS",
    "TIERS",
    "Assertion",
    "CellLine",
    "Compound",
    "Curation",
    "Effect",
    "Link",
    "Relation",
    "Seal",
    "Source",
    "Study",
    "Tier",
]

Relation = Literal["=", "<", ">", "range", "qualitative"]
Effect = Literal["inhibits", "increases", "no effect", ""]
LinkKind = Literal["supports", "contradicts", "duplicates", "derived_from"]
Tier = Literal["A", "B", "C", "D", "E"]

RELATIONS: tuple[str, ...] = get_args(Relation)
EFFECTS: tuple[str, ...] = get_args(Effect)
LINK_KINDS: tuple[str, ...] = get_args(LinkKind)

TIERS: Mapping[str, str] = {
    "A": "full text, with n and interval",
    "B": "abstract of the primary paper",
    "C": "conference abstract, or a copy of an abstract",
    "D": "secondary text",
    "E": "stated by the guide alone",
}
"""What each tier means; only A to C count as verified."""

ASSAY_CLASSES: Mapping[str, tuple[str, ...]] = {
    "viability": ("proliferation",),
    "scratch": ("wound healing", "wound"),
    "exclusion gap": ("gap", "insert"),
    "transwell": ("boyden",),
    "invasion": ("matrigel", "matrigel invasion"),
    "tube formation": ("tube", "vasculogenic mimicry"),
    "tracking": ("tracks", "single-cell motility", "motility"),
    "migration": (),
    "phospho blot": ("blot", "western blot", "phospho-fak"),
    "matrix degradation": ("invadopodia",),
    "spheroid": ("3d growth", "soft agar"),
    "biochemical": ("enzyme",),
    "in vivo": ("mouse",),
    "clinical": ("patients",),
}
"""Every class of assay, and other words for it; `migration` = the method is not stated."""


BENEFIT: Mapping[str, str] = {
    **dict.fromkeys(ASSAY_CLASSES, "lower"),
    "biochemical": "neither",
    "clinical": "neither",
}
"""Which way the endpoints of a class move under a useful inhibitor; no sum is made of them."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a statement can be looked up.

    `seen` says what of it was read for this table: full text, abstract, secondary, not seen.
    """

    id: str
    label: str
    title: str
    identifier: str
    kind: str
    seen: str


@dataclass(frozen=True, slots=True)
class Study:
    """One set of experiments, whoever prints it: what is counted.

    `source` is its primary paper; `traced` is `named` where the printed references name that
    paper, `inferred` where it was found by compound, cells and topic.
    """

    id: str
    label: str
    source: str
    traced: str
    note: str


@dataclass(frozen=True, slots=True)
class Seal:
    """The first `rows` lines of a table as they stood in a release: none may change since."""

    release: str
    table: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Compound:
    """One chemical form; `parent` is the free base that its effects are counted under."""

    name: str
    synonyms: tuple[str, ...]
    parent: str
    targets: tuple[str, ...]
    cas: str
    formula: str
    molar_mass: float | None
    inchikey: str
    smiles: str
    status: str


@dataclass(frozen=True, slots=True)
class CellLine:
    """One cell line; `homonyms` are the accessions of other lines printed under its name.

    `accession` is empty where the name alone does not settle it.
    """

    name: str
    accession: str
    accession_status: str
    organism: str
    tissue: str
    doubling_low_h: float | None
    doubling_high_h: float | None
    doubling_source: str
    misidentified_as: str
    note: str
    homonyms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Curation:
    """One judgement of one assertion; the last one stands, earlier ones stay."""

    assertion: str
    date: str
    curator: str
    tier: Tier
    status: str
    note: str


@dataclass(frozen=True, slots=True)
class Link:
    """How one record bears on another: an assertion on an assertion, study or source."""

    subject: str
    relation: LinkKind
    object: str
    note: str


@dataclass(frozen=True, slots=True)
class Assertion:
    """One published statement, as printed and as numbers, with its standing.

    Attributes:
        id: `T1.1` to `T3.2` are the rows of the guide's tables, `E01` on were added.
        study: Study that made the observation; several sources may print one study.
        source: Where it is printed.
        compound: As printed; `;` between several.
        target: Protein that the compound is said to hit; `;` between several.
        cell_line: Lines or model, `;` between several.
        cancer: Cancer as printed.
        assay: Class of assay, see `ASSAY_CLASSES`; `;` between several.
        printed_assay: Assay as printed.
        treatment: Treatment as printed.
        endpoint: What was read; `;` between several.
        as_printed: The effect in the words of the source.
        effect: What the compound does to the endpoint.
        relation: `=`, `<` and `>` come with `value`, `range` with `low` and `high`.
        value: Number in `unit`.
        low: Lower end of the range.
        high: Upper end of the range.
        unit: As printed.
        dose: Dose of a qualitative statement, as printed.
        exposure_h: Time with compound [h].
        n: What the source says about n.
        comparator: What the effect is relative to.
        serum_percent: Serum in the medium [%].
        matrix: What the cells lie on or in.
        gap_method: How a gap was made.
        tier: See `TIERS`, from the last curation.
        status: What of the statement was verified.
        flags: What a reader must know before using it.
    """

    id: str
    study: str
    source: Source
    compound: str
    target: str
    cell_line: str
    cancer: str
    assay: str
    printed_assay: str
    treatment: str
    endpoint: str
    as_printed: str
    effect: Effect
    relation: Relation
    value: float | None
    low: float | None
    high: float | None
    unit: str
    dose: str
    exposure_h: float | None
    n: str
    comparator: str
    serum_percent: float | None
    matrix: str
    gap_method: str
    tier: Tier
    status: str
    flags: tuple[str, ...]

    @property
    def verified(self) -> bool:
        """Whether at least an abstract of the study says so."""
        return self.tier in {"A", "B", "C"}

    @property
    def compound_confirmed(self) -> bool:
        """Whether the source is known to have tested the compound that the row stands under."""
        return not any(flag.startswith("compound not confirmed") for flag in self.flags)

    @property
    def value_molar(self) -> float | None:
        """The number in mol/L (the geometric mean of a range); None where it is no dose.

        Limits (`<`, `>`) are not numbers to compare with.
        """
        try:
            dimension, scale = dose_unit_scale(self.unit)
        except UnitError:
            return None
        if dimension != "molar":
            return None
        if self.relation == "=" and self.value is not None:
            return self.value * scale
        if self.relation == "range" and self.low and self.high:
            return math.sqrt(self.low * self.high) * scale
        return None

    @property
    def canonical(self) -> tuple[float | None, float | None, float | None, str]:
        """Value, low and high in nM, or in percent of the control; the unit is "" for neither.

        A limit (`<`, `>`) has its bound as low or high and no value.
        """
        scale, unit, turned = self._canonical_scale()
        if not unit or self.relation == "qualitative":
            return None, None, None, ""
        value, low, high = (
            None if number is None else float(f"{(100 - number if turned else number * scale):.6g}")
            for number in (self.value, self.low, self.high)
        )
        if turned:
            low, high = high, low
        if self.relation in {"<", ">"}:
            above = (self.relation == ">") != turned
            return None, value if above else None, None if above else value, unit
        return value, low, high, unit

    def _canonical_scale(self) -> tuple[float, str, bool]:
        if self.unit == "% lower":
            return 1.0, "% of control", True
        try:
            dimension, scale = dose_unit_scale(self.unit)
        except UnitError:
            return 1.0, "", False
        return scale * 1e9, "nM" if dimension == "molar" else "", False

    def document(self) -> dict[str, Any]:
        """The JSON form of `lamella evidence`."""
        value, low, high, unit = self.canonical
        return {
            "id": self.id,
            "study": self.study,
            "compound": self.compound,
            "target": self.target,
            "cell_line": self.cell_line,
            "cancer": self.cancer,
            "assay": self.assay,
            "endpoint": self.endpoint,
            "as_printed": self.as_printed,
            "effect": self.effect,
            "relation": self.relation,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "unit": self.unit,
            "dose": self.dose,
            "exposure_h": self.exposure_h,
            "n": self.n,
            "comparator": self.comparator,
            "serum_percent": self.serum_percent,
            "matrix": self.matrix,
            "gap_method": self.gap_method,
            "canonical": {"value": value, "low": low, "high": high, "unit": unit},
            "tier": self.tier,
            "status": self.status,
            "flags": list(self.flags),
            "source": self.source.label,
            "identifier": self.source.identifier,
        }
