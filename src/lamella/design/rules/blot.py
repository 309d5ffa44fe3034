"""Does a phospho blot show how much of the protein is phosphorylated?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lamella.design.facts import AssayFacts, Facts, Fault

__all__ = ["bands", "site_numbers", "total_protein"]

FEWEST_LYSATES = 3
_PROTEINS = {
    "fak": ("fak", "ptk2"),
    "src": ("src",),
    "p130cas": ("p130cas", "bcar1", "cas"),
    "paxillin": ("paxillin", "pxn"),
    "akt": ("akt",),
    "erk": ("erk", "mapk"),
    "pyk2": ("pyk2", "ptk2b"),
}


def blots(facts: Facts) -> Iterator[AssayFacts]:
    """The blots of the study."""
    return (assay for assay in facts.assays if assay.kind == "blot")


def total_protein(facts: Facts) -> Iterator[Fault]:
    """A phospho signal that is not divided by the total of the same protein."""
    for assay in blots(facts):
        target, divisor = assay.blot.target, assay.blot.normalised_to
        protein = _protein(target)
        total = "total" in divisor.lower() and (not protein or _protein(divisor) == protein)
        if total:
            continue
        by = f"divided by {divisor}" if divisor else "not said to be divided by anything"
        yield Fault(
            "[assay.protocol] normalised_to",
            f"the signal of {target or 'the phosphosite'} is {by}: less protein would look like "
            "less phosphorylation.",
            f"Divide by the total of the same protein: normalised_to = 'total {protein or 'FAK'}'.",
        )


def bands(facts: Facts) -> Iterator[Fault]:
    """Saturated bands, spliced lanes, or fewer than three independent lysates."""
    for assay in blots(facts):
        blot = assay.blot
        if blot.saturated:
            yield Fault(
                "blot, bands",
                f"{blot.saturated} bands are saturated, so they are brighter than the picture "
                "says and every ratio to them is wrong.",
                "Expose for less time, or load less.",
            )
        if blot.spliced:
            yield Fault(
                "[assay.protocol] lanes_spliced",
                "lanes were cut out and put together, so background and exposure may differ "
                "between them.",
                "Measure on the whole membrane, and mark every cut.",
            )
        if blot.lysates is not None and blot.lysates < FEWEST_LYSATES:
            yield Fault(
                "blot, lysates",
                f"{blot.lysates} independent lysates: lanes of one lysate say nothing of the next.",
                f"Take {FEWEST_LYSATES} or more, each from an experiment of its own.",
            )


def site_numbers(facts: Facts) -> Iterator[Fault]:
    """Phosphosites whose numbering is of an unknown species."""
    for assay in blots(facts):
        if re.search(r"[STY]\d{2,4}", assay.blot.target) and not assay.blot.site_species:
            yield Fault(
                "[assay.protocol] site_species",
                f"{assay.blot.target} is numbered without saying for which species; Y416 of "
                "chicken SRC is Y419 of human SRC.",
                "State site_species, for example 'human'.",
            )


def _protein(text: str) -> str:
    words = re.findall(r"[a-z0-9]+", text.lower())
    for name, called in _PROTEINS.items():
        if any(word.removeprefix("p") in called or word in called for word in words):
            return name
    return ""
