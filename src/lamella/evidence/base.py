"""The evidence base: read once from its data files, and checked before anybody uses it."""

from __future__ import annotations

import csv
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
    Source,
)

__all__ = ["TABLES", "Base", "base", "build", "normal", "parts"]

TABLES = ("sources", "compounds", "cell_lines", "assertions", "curations", "links")
Row = Mapping[str, str]


@dataclass(frozen=True)
class Base:
    """Everything that is known, by id or name; the order is that of the data files."""

    sources: Mapping[str, Source]
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
    problems = list(_problems(rows))
    if problems:
        raise ValueError("the evidence base is not sound:\n" + "\n".join(problems))
    sources = {row["id"]: Source(**row) for row in rows["sources"]}
    curations = tuple(Curation(**row) for row in rows["curations"])  # type: ignore[arg-type]
    last = {curation.assertion: curation for curation in curations}
    return Base(
        sources=sources,
        compounds=tuple(_compound(row) for row in rows["compounds"]),
        cell_lines=_with_homonyms([_cell_line(row) for row in rows["cell_lines"]]),
        assertions={
            row["id"]: _assertion(row, sources[row["source"]], last[row["id"]])
            for row in rows["assertions"]
        },
        curations=curations,
        links=tuple(Link(**row) for row in rows["links"]),  # type: ignore[arg-type]
    )


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
    for name in ("sources", "assertions"):
        ids = [row["id"] for row in rows[name]]
        yield from (f"{name}: {id} stands twice" for id in sorted(set(ids)) if ids.count(id) > 1)
    sources = {row["id"] for row in rows["sources"]}
    assertions = {row["id"] for row in rows["assertions"]}
    curated = {row["assertion"] for row in rows["curations"]}
    for row in rows["assertions"]:
        yield from (f"assertion {row['id']}: {problem}" for problem in _assertion_problems(row))
        for column in ("source", "study"):
            if row[column] not in sources:
                yield f"assertion {row['id']}: {column} '{row[column]}' is not listed"
        if row["id"] not in curated:
            yield f"assertion {row['id']}: nobody has judged it (curations.csv)"
    for row in rows["curations"]:
        if row["tier"] not in TIERS or row["assertion"] not in assertions:
            yield f"curation of {row['assertion']}: unknown assertion or tier '{row['tier']}'"
    for row in rows["links"]:
        ends = {row["subject"], row["object"]}
        if row["relation"] not in LINK_KINDS or not ends <= sources | assertions:
            yield f"link {row['subject']} {row['relation']} {row['object']}: unknown end or kind"


def _assertion_problems(row: Row) -> Iterable[str]:
    for assay in parts(row["assay"]) or ("",):
        if assay not in ASSAY_CLASSES:
            yield f"assay class '{assay}' is not known"
    if row["effect"] not in EFFECTS or row["relation"] not in RELATIONS:
        yield f"effect '{row['effect']}' or relation '{row['relation']}' is not known"
    numbers = {name: row[name] for name in ("value", "low", "high", "exposure_h") if row[name]}
    for name, text in numbers.items():
        if not _is_positive(text):
            yield f"{name} '{text}' is not a positive number"
            return
    needed = {"range": {"low", "high"}, "qualitative": set()}.get(row["relation"], {"value"})
    given = set(numbers) - {"exposure_h"}
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
    numbers = {name: _number(row[name]) for name in ("value", "low", "high", "exposure_h")}
    plain = {name: text for name, text in row.items() if name not in numbers}
    return Assertion(
        **{**plain, **numbers, "source": source, "flags": parts(row["flags"])},  # type: ignore[arg-type]
        tier=curation.tier,
        status=curation.status,
    )


def _compound(row: Row) -> Compound:
    changed = {"synonyms": parts(row["synonyms"]), "molar_mass": _number(row["molar_mass"])}
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
