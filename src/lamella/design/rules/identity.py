"""Is it certain which cells and which compound these are?"""

from __future__ import annotations

from collections.abc import Iterator

from lamella.design.facts import Facts, Fault

__all__ = ["cells", "compound"]


def cells(facts: Facts) -> Iterator[Fault]:
    """A misidentified line, a name that several lines share, or no accession."""
    if facts.wells and not facts.cells:
        yield Fault(
            "[study] cell_line",
            "the study names no cell line, so its results cannot be compared with any other.",
            "Set 'cell_line' and 'cell_line_accession'.",
        )
    for line in facts.cells:
        place = f"cell line {line.name}"
        if line.misidentified_as:
            yield Fault(
                place,
                f"{line.name} is known to be {line.misidentified_as}, not what its name says.",
                "Do not use it under this name; take a line whose STR profile fits.",
            )
        elif line.homonyms and not line.accession:
            yield Fault(
                place,
                f"several lines are called {line.name}: {', '.join(line.homonyms)}.",
                "Confirm which one it is and set 'cell_line_accession'.",
            )
        elif not line.accession:
            yield Fault(
                place,
                f"{line.name} has no accession, so nobody can tell which cells these are.",
                "Look it up at cellosaurus.org and set 'cell_line_accession' (CVCL_...); for a "
                "line of your own say so there.",
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
