"""Published evidence with its source, printed value and standing."""

from lamella.evidence.comparison import Claim, Comparison, Neighbour, compare
from lamella.evidence.query import (
    assay_class,
    cell_line,
    compound,
    contradicting,
    find,
    line_of,
    references,
    studies,
)
from lamella.evidence.schema import (
    ASSAY_CLASSES,
    TIERS,
    Assertion,
    CellLine,
    Compound,
    Link,
    Source,
)

__all__ = [
    "ASSAY_CLASSES",
    "TIERS",
    "Assertion",
    "CellLine",
    "Claim",
    "Comparison",
    "Compound",
    "Link",
    "Neighbour",
    "Source",
    "assay_class",
    "cell_line",
    "compare",
    "compound",
    "contradicting",
    "find",
    "line_of",
    "references",
    "studies",
]
