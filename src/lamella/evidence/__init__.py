"""Published evidence with its source, printed value and standing."""

from lamella.evidence.comparison import Claim, Comparison, Neighbour, Toxicity, compare
from lamella.evidence.query import (
    GUIDE_CITATION,
    assay_class,
    cell_line,
    compound,
    contradicting,
    find,
    line_of,
    references,
    studies,
    supporting,
)
from lamella.evidence.schema import (
    ASSAY_CLASSES,
    BENEFIT,
    TIERS,
    Assertion,
    CellLine,
    Compound,
    Link,
    Source,
    Study,
)

__all__ = [
    "ASSAY_CLASSES",
    "BENEFIT",
    "GUIDE_CITATION",
    "TIERS",
    "Assertion",
    "CellLine",
    "Claim",
    "Comparison",
    "Compound",
    "Link",
    "Neighbour",
    "Source",
    "Study",
    "Toxicity",
    "assay_class",
    "cell_line",
    "compare",
    "compound",
    "contradicting",
    "find",
    "line_of",
    "references",
    "studies",
    "supporting",
]
