"""What a study claims, as far as it can be set beside published evidence."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Claim", "Toxicity"]


@dataclass(frozen=True, slots=True)
class Toxicity:
    """The viability IC50 of the same compound.

    Attributes:
        cell_line: The cells it was measured in.
        value_molar: The number [mol/L]; None where the verdict allows none.
        above_molar: Where it is not reached: the highest dose tested [mol/L].
    """

    cell_line: str
    value_molar: float | None = None
    above_molar: float | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """One result of a study, with the conditions that decide whether it can be compared.

    Attributes:
        compound: Name or synonym.
        assay: Kind of assay, for example `scratch`.
        endpoint: What the number is, for example `IC50`.
        value_molar: The number [mol/L]; None where the verdict allows none.
        low_molar: Lower end of its 95 % interval [mol/L].
        high_molar: Upper end [mol/L].
        cell_line: Name of the cells.
        accession: Cellosaurus accession, where the study states it.
        engagement_shown: Whether the same cells show that the target is hit (pFAK measured).
        lowest_dose_molar: Lowest dose tested [mol/L].
        highest_dose_molar: Highest dose tested [mol/L].
        exposure_h: Time with compound [h].
        serum_percent: Serum in the medium [%].
        matrix: What the cells lie on or in.
        gap_method: How a gap was made.
        toxicity: What the compound does to viability.
    """

    compound: str
    assay: str
    endpoint: str = "IC50"
    value_molar: float | None = None
    low_molar: float | None = None
    high_molar: float | None = None
    cell_line: str = ""
    accession: str = ""
    engagement_shown: bool = False
    lowest_dose_molar: float | None = None
    highest_dose_molar: float | None = None
    exposure_h: float | None = None
    serum_percent: float | None = None
    matrix: str = ""
    gap_method: str = ""
    toxicity: Toxicity | None = None
