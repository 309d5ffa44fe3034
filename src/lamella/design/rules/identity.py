"""Is it certain which cells and which compound these are?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lamella.design.facts import CellFacts, Facts, Fault

__all__ = ["cells", "compound", "culture"]

_ACCESSION = re.compile(r"(RRID:)?CVCL_[0-9A-Z]{4}")
_OWN = re.compile(r"\b(own|in-house|patient|primary|donor|simulated|not listed)", re.IGNORECASE)


def cells(facts: Facts) -> Iterator[Fault]:
    """A misidentified line, a name that several lines share, or no accession."""
    if facts.wells and not facts.cells:
        yield Fault(
            "[study] cell_line",
            "the study names no cell line, so its results cannot be compared with any other.",
            "Set 'cell_line' and 'cell_line_accession'.",
        )
    for line in facts.cells:
        found = _doubt(line)
        if found is not None:
            yield Fault(f"cell line {line.name}", *found)


def _doubt(line: CellFacts) -> tuple[str, str] | None:
    """What is open about the identity of a line, and what to do."""
    if line.misidentified_as:
        called = f"{line.name} ({line.accession})" if line.accession else line.name
        message = f"{called} is known to be {line.misidentified_as}, not what its name says."
        return message, "Do not use it under this name; take a line whose STR profile fits."
    if line.accession_of:
        message = f"{line.accession} is the accession of {line.accession_of}, not of {line.name}."
        return message, "Correct the accession or the name; the STR profile decides which."
    if line.homonyms and not line.accession:
        message = f"several lines are called {line.name}: {', '.join(line.homonyms)}."
        return message, "Confirm which one it is and set its accession."
    if not line.accession:
        message = f"{line.name} has no accession, so nobody can tell which cells these are."
        hint = f" ({line.suggested} is likely, and not verified here)" if line.suggested else ""
        return message, (
            f"Look it up at cellosaurus.org{hint} and set 'cell_line_accession' (CVCL_...); for a "
            "line of your own say so there."
        )
    if not _ACCESSION.fullmatch(line.accession) and not _OWN.search(line.accession):
        message = f"'{line.accession}' is no Cellosaurus accession of {line.name}."
        return message, "Write CVCL_ and four characters, or say that it is a line of your own."
    return None


def culture(facts: Facts) -> Iterator[Fault]:
    """Cells whose profile, passage or test for mycoplasma is not stated."""
    for line in facts.cells:
        own = [well for well in facts.wells if well.cell_line in {"", line.name}]
        in_map = bool(own) and all(well.factors.get("passage", "") for well in own)
        stated = (
            ("str_date", line.str_date),
            ("passage", line.passage or in_map),
            ("mycoplasma", line.mycoplasma),
        )
        absent = [name for name, value in stated if not value]
        if absent:
            yield Fault(
                f"cell line {line.name}",
                f"not stated: {', '.join(absent)}. Cross-contamination, drift over passages and "
                "mycoplasma all change how cells move.",
                f'State them under [study.cell_lines."{line.name}"].',
            )


def compound(facts: Facts) -> Iterator[Fault]:
    """A compound whose weight, lot or purity is open."""
    tested = facts.compound
    if tested is None:
        return
    absent = [
        what
        for what, known in (
            ("form (free base or salt)", tested.form),
            ("batch", tested.batch),
            ("purity_percent", tested.purity_percent),
        )
        if not known
    ]
    if absent:
        yield Fault(
            "[study] compound",
            f"{tested.name}: not stated are {', '.join(absent)}. A salt weighed as free base "
            "makes every dose a few percent too low.",
            "Copy them from the certificate of analysis.",
        )
