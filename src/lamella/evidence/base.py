"""The evidence base: read once from its data files, and checked before anybody uses it."""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from lamella.evidence.schema import (
    ASSAY_CLASSES,
    EFFECTS,
    LINK_KINDS,
    RELATIONS,
    TIERS,
    Assertion,
    CellLine,
    Compound,
    Curation,
    Link,
    Seal,
    Source,
    Study,
)

__all__ = ["TABLES", "Base", "base", "build", "normal", "parts", "seals_of"]

SEALED = ("sources", "studies", "compounds", "cell_lines", "assertions", "curations", "links")
TABLES = (*SEALED, "seals")
NUMBERS = ("value", "low", "high", "exposure_h", "serum_percent")
Row = Mapping[str, str]


@dataclass(frozen=True)
class Base:
    """Everything that is known, by id or name; the order is that of the data files."""

    sources: Mapping[str, Source]
    studies: Mapping[str, Study]
    compounds: tuple[Compound, ...]
    cell_lines: tuple[CellLine, ...]
    assertions: Mapping[str, Assertion]
    curations: tuple[Curation, ...]
    links: tuple[Link, ...]


@cache
def base() -> Base:
    """The evidence base that ships with Lamella."""
    folder = files("lamella.evidence") / "data"
    return build({name: (folder / f"{name}.csv").read_text("utf-8") for name in TABLES})


def build(tables: Mapping[str, str]) -> Base:
    """The base from the text of its tables.

    Raises:
        ValueError: The tables contradict themselves; every problem stands on its own line.
    """
    rows: dict[str, list[Row]] = {
        name: list(csv.DictReader(tables[name].splitlines())) for name in TABLES
    }
    problems = [*_problems(rows), *_broken_seals(tables, rows["seals"])]
    if problems:
        raise ValueError("the evidence base is not sound:\n" + "\n".join(problems))
    sources = {row["id"]: Source(**row) for row in rows["sources"]}
    curations = tuple(Curation(**row) for row in rows["curations"])  # type: ignore[arg-type]
    last = {curation.assertion: curation for curation in curations}
    return Base(
        sources=sources,
        studies={row["id"]: Study(**row) for row in rows["studies"]},
        compounds=tuple(_compound(row) for row in rows["compounds"]),
        cell_lines=_with_homonyms([_cell_line(row) for row in rows["cell_lines"]]),
        assertions={
            row["id"]: _assertion(row, sources[row["source"]], last[row["id"]])
            for row in rows["assertions"]
        },
        curations=curations,
        links=tuple(Link(**row) for row in rows["links"]),  # type: ignore[arg-type]
    )


def seals_of(tables: Mapping[str, str], *, release: str) -> tuple[Seal, ...]:
    """What a release adds to `seals.csv`: from then on these lines can only be added to."""
    return tuple(
        Seal(release, name, len(lines), _digest(lines))
        for name in SEALED
        for lines in [tables[name].splitlines()]
    )


def _broken_seals(tables: Mapping[str, str], seals: Iterable[Row]) -> Iterable[str]:
    for seal in seals:
        lines = tables.get(seal["table"], "").splitlines()[: int(seal["rows"])]
        if _digest(lines) != seal["sha256"]:
            yield (
                f"{seal['table']}: a line of release {seal['release']} has changed; tables are "
                "only added to (a new line, a curation or a link corrects an old one)"
            )


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def parts(text: str) -> tuple[str, ...]:
    """The items of a field that may hold several.

    >>> parts("SUIT-2; PDAC1")
    ('SUIT-2', 'PDAC1')
    """
    return tuple(part.strip() for part in text.split(";") if part.strip())


def normal(name: str) -> str:
    """A name without the marks that people write differently.

    >>> normal("Suit-2") == normal("SUIT 2")
    True
    """
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _problems(rows: Mapping[str, list[Row]]) -> Iterable[str]:
    for name in ("sources", "studies", "assertions"):
        ids = [row["id"] for row in rows[name]]
        yield from (f"{name}: {id} stands twice" for id in sorted(set(ids)) if ids.count(id) > 1)
    sources = {row["id"] for row in rows["sources"]}
    studies = {row["id"] for row in rows["studies"]}
    assertions = {row["id"] for row in rows["assertions"]}
    curated = {row["assertion"] for row in rows["curations"]}
    for row in rows["assertions"]:
        yield from (f"assertion {row['id']}: {problem}" for problem in _assertion_problems(row))
        for column, known in (("source", sources), ("study", studies)):
            if row[column] not in known:
                yield f"assertion {row['id']}: {column} '{row[column]}' is not listed"
        if row["id"] not in curated:
            yield f"assertion {row['id']}: nobody has judged it (curations.csv)"
    for row in rows["studies"]:
        if row["source"] not in sources or row["traced"] not in {"named", "inferred"}:
            yield f"study {row['id']}: unknown source or way of tracing"
    for row in rows["curations"]:
        if row["tier"] not in TIERS or row["assertion"] not in assertions:
            yield f"curation of {row['assertion']}: unknown assertion or tier '{row['tier']}'"
    for row in rows["links"]:
        ends = {row["subject"], row["object"]}
        if row["relation"] not in LINK_KINDS or not ends <= sources | studies | assertions:
            yield f"link {row['subject']} {row['relation']} {row['object']}: unknown end or kind"
    yield from _identity_problems(rows)


def _identity_problems(rows: Mapping[str, list[Row]]) -> Iterable[str]:
    """Compounds and cell lines that two lines describe, or that lack their free base."""
    named: dict[str, str] = {}
    parents = {row["name"] for row in rows["compounds"]}
    for row in rows["compounds"]:
        for name in (row["name"], *parts(row["synonyms"])):
            if named.setdefault(normal(name), row["name"]) != row["name"]:
                yield f"compound {row['name']}: {name} is also {named[normal(name)]}"
        if row["parent"] not in parents:
            yield f"compound {row['name']}: its parent '{row['parent']}' is not listed"
    accessions = [row["accession"] for row in rows["cell_lines"] if row["accession"]]
    for accession in sorted(set(accessions)):
        if accessions.count(accession) > 1:
            yield f"cell line {accession} stands twice"
    for row in rows["assertions"]:
        for name in parts(row["compound"]):
            if normal(name) not in named:
                yield f"assertion {row['id']}: compound '{name}' is not listed"


def _assertion_problems(row: Row) -> Iterable[str]:
    for assay in parts(row["assay"]) or ("",):
        if assay not in ASSAY_CLASSES:
            yield f"assay class '{assay}' is not known"
    if row["effect"] not in EFFECTS or row["relation"] not in RELATIONS:
        yield f"effect '{row['effect']}' or relation '{row['relation']}' is not known"
    numbers = {name: row[name] for name in NUMBERS if row[name]}
    for name, text in numbers.items():
        if not _is_positive(text) and not (name == "serum_percent" and text == "0"):
            yield f"{name} '{text}' is not a positive number"
            return
    needed = {"range": {"low", "high"}, "qualitative": set()}.get(row["relation"], {"value"})
    given = set(numbers) - {"exposure_h", "serum_percent"}
    if given != needed:
        yield f"relation '{row['relation']}' needs {sorted(needed)}, has {sorted(given)}"
    elif needed and not row["unit"]:
        yield "a number without a unit"
    elif row["relation"] == "range" and float(row["low"]) >= float(row["high"]):
        yield "the range is empty"


def _is_positive(text: str) -> bool:
    try:
        return 0 < float(text) < math.inf
    except ValueError:
        return False


def _assertion(row: Row, source: Source, curation: Curation) -> Assertion:
    numbers = {name: _number(row[name]) for name in NUMBERS}
    plain = {name: text for name, text in row.items() if name not in numbers}
    return Assertion(
        **{**plain, **numbers, "source": source, "flags": parts(row["flags"])},  # type: ignore[arg-type]
        tier=curation.tier,
        status=curation.status,
    )


def _compound(row: Row) -> Compound:
    changed = {
        "synonyms": parts(row["synonyms"]),
        "targets": parts(row["targets"]),
        "molar_mass": _number(row["molar_mass"]),
    }
    return Compound(**{**row, **changed})  # type: ignore[arg-type]


def _cell_line(row: Row) -> CellLine:
    numbers = {name: _number(row[name]) for name in ("doubling_low_h", "doubling_high_h")}
    return CellLine(**{**row, **numbers})  # type: ignore[arg-type]


def _with_homonyms(lines: list[CellLine]) -> tuple[CellLine, ...]:
    def called(line: CellLine) -> str:
        return normal(line.name.split("(")[0])

    return tuple(
        replace(
            line,
            homonyms=tuple(
                other.accession
                for other in lines
                if other is not line and called(other) == called(line)
            ),
        )
        for line in lines
    )


def _number(text: str) -> float | None:
    return float(text) if text else None
