"""What has been published about this compound, assay or cell line?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lamella.errors import SettingsError, nearest
from lamella.evidence.base import base, normal, parts
from lamella.evidence.schema import ASSAY_CLASSES, Assertion, CellLine, Compound, Source

__all__ = [
    "GUIDE_CITATION",
    "assay_class",
    "cell_line",
    "compound",
    "compounds",
    "contradicting",
    "find",
    "line_of",
    "references",
    "studies",
    "supporting",
]


GUIDE_CITATION = (
    "BenchChem, Defactinib's Impact on Cancer Cell Migration and Invasion: A Technical Guide, 2025."
)


def find(
    compound: str | None = None,
    *,
    target: str | None = None,
    assay: str | None = None,
    cell_line: str | None = None,
    endpoint: str | None = None,
) -> tuple[Assertion, ...]:
    """Every assertion that fits all the words given; no word finds everything.

    Names match without regard to case, spaces and hyphens, and by synonym; an endpoint also
    matches by its beginning or end (`IC50` finds `IC50 pY397`). A salt finds the rows of its
    free base.

    Raises:
        SettingsError: `assay` is no class of assay.

    >>> [row.as_printed for row in find("VS-6063", assay="tube", cell_line="jimt1")]
    ['IC50 73.7 nM', 'fall']
    """
    wanted_assay = None if assay is None else assay_class(assay)
    wanted_compound = None if compound is None else _parent(compound)
    found = []
    for row in base().assertions.values():
        if wanted_assay is not None and wanted_assay not in parts(row.assay):
            continue
        if target is not None and normal(target) not in map(normal, parts(row.target)):
            continue
        if wanted_compound is not None and wanted_compound not in map(_parent, parts(row.compound)):
            continue
        if cell_line is not None and normal(cell_line) not in map(normal, parts(row.cell_line)):
            continue
        if endpoint is not None and not _has_endpoint(row, endpoint):
            continue
        found.append(row)
    return tuple(found)


def assay_class(word: str) -> str:
    """The class of assay that a word stands for.

    Raises:
        SettingsError: No class has that name.

    >>> assay_class("Wound healing"), assay_class("tube")
    ('scratch', 'tube formation')
    """
    words = {alias: name for name, aliases in ASSAY_CLASSES.items() for alias in (name, *aliases)}
    key = word.strip().casefold().replace("_", " ")
    if key not in words:
        raise SettingsError(f"assay '{word}' is not in the evidence base. {nearest(key, words)}")
    return words[key]


def compound(name: str) -> Compound | None:
    """The chemical form of that name or synonym; None where none is known.

    >>> form = compound("VS-6063")
    >>> form is not None and form.molar_mass
    510.5
    """
    for form in base().compounds:
        if normal(name) in map(normal, (form.name, *form.synonyms)):
            return form
    return None


def compounds() -> tuple[str, ...]:
    """The names of all compounds, salts included.

    >>> "defactinib" in compounds()
    True
    """
    return tuple(form.name for form in base().compounds)


def cell_line(name: str, *, accession: str = "") -> CellLine | None:
    """The cell line of that name, settled by its accession where several share the name.

    Returns:
        None where the name is not known. Where it is shared and no accession confirms which
        line it is, the line has an empty `accession` and every candidate among `homonyms`.

    >>> line = cell_line("TT")
    >>> line is not None and (line.accession, line.homonyms)
    ('', ('CVCL_1774', 'CVCL_3174'))
    >>> line = cell_line("TT", accession="CVCL_1774")
    >>> line is not None and line.tissue
    'thyroid, medullary carcinoma'
    """
    candidates = [
        line
        for line in base().cell_lines
        if normal(name) in {normal(line.name), normal(line.name.split("(")[0])}
    ]
    confirmed = [line for line in candidates if accession and line.accession == accession]
    if confirmed:
        return confirmed[0]
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    return replace(
        candidates[0],
        name=name,
        accession="",
        accession_status="",
        organism="",
        tissue="",
        note="the name is shared; only an accession settles it",
        homonyms=tuple(line.accession for line in candidates),
    )


def line_of(accession: str) -> CellLine | None:
    """The cell line of an accession; None where the table does not hold it.

    >>> line = line_of("CVCL_0417")
    >>> line is not None and (line.name, line.misidentified_as)
    ('MDA-MB-435', 'M14, melanoma')
    """
    wanted = accession.strip().removeprefix("RRID:")
    known = (line for line in base().cell_lines if wanted and line.accession == wanted)
    return next(known, None)


def references() -> tuple[Source, ...]:
    """The 13 references of the guide, in its order.

    >>> len(references())
    13
    """
    return tuple(source for source in base().sources.values() if source.id.startswith("guide-"))


def studies(rows: Iterable[Assertion]) -> tuple[str, ...]:
    """The independent studies behind some assertions: what is counted, not references.

    >>> studies(row for row in find("defactinib") if row.id.startswith("T"))
    ('LeLarge2021', 'OBrien2014', 'Masuyama', 'Mousson2021')
    """
    return tuple(dict.fromkeys(row.study for row in rows))


def contradicting(rows: Iterable[Assertion]) -> tuple[Assertion, ...]:
    """Assertions that say the opposite of one of these, to be shown beside them."""
    return _linked(rows, "contradicts")


def supporting(rows: Iterable[Assertion]) -> tuple[Assertion, ...]:
    """Assertions that say the same as one of these, to be shown beside them."""
    return _linked(rows, "supports")


def _linked(rows: Iterable[Assertion], relation: str) -> tuple[Assertion, ...]:
    ids = {row.id for row in rows}
    found: set[str] = set()
    for link in base().links:
        ends = {link.subject, link.object}
        if link.relation == relation and ends & ids:
            found |= ends
    return tuple(row for key, row in base().assertions.items() if key in found - ids)


def _parent(name: str) -> str:
    form = compound(name)
    return normal(form.parent if form else name)


def _has_endpoint(row: Assertion, endpoint: str) -> bool:
    wanted = normal(endpoint)
    names = [normal(name) for name in parts(row.endpoint)]
    return any(name.startswith(wanted) or name.endswith(wanted) for name in names)
