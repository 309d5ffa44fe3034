"""What drives cells through an insert, and how well does a count of fields see them?"""

from __future__ import annotations

import math
from dataclasses import dataclass

from lamella.design.quantity import not_negative, positive
from lamella.errors import SettingsError

__all__ = [
    "Chamber",
    "Gradient",
    "checkerboard",
    "count_cv",
    "fields_for_cv",
    "gradient",
    "level_difference_mm",
    "membrane_area_cm2",
    "share_of_membrane",
]


@dataclass(frozen=True, slots=True)
class Chamber:
    """Serum above and below a membrane [%], and what that arm shows."""

    upper_percent: float
    lower_percent: float
    shows: str


@dataclass(frozen=True, slots=True)
class Gradient:
    """A chemoattractant gradient with the two controls without which it proves nothing."""

    assay: Chamber
    random: Chamber
    chemokinesis: Chamber

    @property
    def difference_percent(self) -> float:
        """Serum below minus serum above [percentage points]."""
        return self.assay.lower_percent - self.assay.upper_percent


def gradient(lower_percent: float, *, upper_percent: float = 0.0) -> Gradient:
    """The gradient and its controls: without attractant below, and with it on both sides.

    Raises:
        SettingsError: A share is negative or above 100 %, or nothing attracts.

    >>> made = gradient(10, upper_percent=0.5)
    >>> made.difference_percent, made.random.lower_percent, made.chemokinesis.upper_percent
    (9.5, 0.5, 10)
    """
    not_negative(serum_below=lower_percent, serum_above=upper_percent)
    if max(lower_percent, upper_percent) > 100:
        raise SettingsError("serum is more than 100 %. Give percent of the medium.")
    if lower_percent <= upper_percent:
        raise SettingsError(
            f"{lower_percent:g} % below and {upper_percent:g} % above attract nothing. Put more "
            "chemoattractant below the membrane than above."
        )
    return Gradient(
        Chamber(upper_percent, lower_percent, "chemotaxis and everything else"),
        Chamber(upper_percent, upper_percent, "random migration"),
        Chamber(lower_percent, lower_percent, "chemokinesis: faster, without a direction"),
    )


def checkerboard(levels_percent: tuple[float, ...]) -> tuple[Chamber, ...]:
    """Every level above against every level below: tells chemotaxis from chemokinesis.

    Raises:
        SettingsError: Fewer than two levels, or one outside 0 to 100 %.

    >>> [(c.upper_percent, c.lower_percent, c.shows) for c in checkerboard((0, 10))][:2]
    [(0, 0, 'random migration'), (0, 10, 'chemotaxis')]
    """
    if len(set(levels_percent)) < 2 or not all(0 <= level <= 100 for level in levels_percent):
        raise SettingsError("a checkerboard needs two or more levels between 0 and 100 %.")

    def shows(upper: float, lower: float) -> str:
        if upper == lower:
            return "chemokinesis" if upper else "random migration"
        return "chemotaxis" if lower > upper else "against the gradient"

    return tuple(
        Chamber(upper, lower, shows(upper, lower))
        for upper in levels_percent
        for lower in levels_percent
    )


def membrane_area_cm2(diameter_mm: float) -> float:
    """Area of a round membrane [cm²].

    >>> round(membrane_area_cm2(6.5), 3)
    0.332
    """
    positive(diameter=diameter_mm)
    return math.pi * (diameter_mm / 20) ** 2


def level_difference_mm(
    *,
    upper_ul: float,
    upper_cm2: float,
    lower_ul: float,
    well_cm2: float,
    outer_cm2: float,
    membrane_mm: float,
) -> float:
    """How much higher the liquid stands inside the insert than outside [mm].

    Args:
        upper_ul: Volume inside [µL].
        upper_cm2: Inner area of the insert [cm²].
        lower_ul: Volume in the well [µL].
        well_cm2: Area of the well [cm²].
        outer_cm2: Area that the insert takes from the well [cm²].
        membrane_mm: Height of the membrane above the floor [mm].

    Raises:
        SettingsError: A value is not positive, or the insert is as wide as the well.
    """
    positive(volume_above=upper_ul, area_of_insert=upper_cm2, volume_below=lower_ul)
    positive(area_of_well=well_cm2, outer_area_of_insert=outer_cm2, membrane_height=membrane_mm)
    if outer_cm2 >= well_cm2:
        raise SettingsError("the insert is as wide as its well. Check both areas.")
    inside = upper_ul / upper_cm2 / 100
    outside = (lower_ul / 100 - membrane_mm * well_cm2) / (well_cm2 - outer_cm2)
    return inside - outside


def share_of_membrane(fields: int, *, field_mm2: float, membrane_cm2: float) -> float:
    """Share of the membrane that the fields see, 0 to 1.

    Raises:
        SettingsError: A value is not positive, or the fields exceed the membrane.

    >>> round(100 * share_of_membrane(5, field_mm2=0.442, membrane_cm2=0.332), 1)
    6.7
    """
    positive(fields=fields, field_area=field_mm2, membrane_area=membrane_cm2)
    share = fields * field_mm2 / (membrane_cm2 * 100)
    if share > 1:
        raise SettingsError("the fields together are larger than the membrane. Count fewer.")
    return share


def count_cv(fields: int, *, cells_per_field: float, between_fields: float = 0.3) -> float:
    """Coefficient of variation of a mean count: Poisson noise and uneven fields.

    Args:
        fields: Fields counted.
        cells_per_field: Mean count of a field.
        between_fields: True coefficient of variation between fields.

    Raises:
        SettingsError: A value is not positive.

    >>> [round(100 * count_cv(5, cells_per_field=m), 1) for m in (20, 60, 150)]
    [16.7, 14.6, 13.9]
    """
    positive(fields=fields, cells_per_field=cells_per_field)
    not_negative(variation_between_fields=between_fields)
    return math.sqrt((1 / cells_per_field + between_fields**2) / fields)


def fields_for_cv(wanted: float, *, cells_per_field: float, between_fields: float = 0.3) -> int:
    """Fields that bring the mean count to a coefficient of variation.

    Raises:
        SettingsError: A value is not positive.

    >>> fields_for_cv(0.10, cells_per_field=60)
    11
    """
    positive(wanted_variation=wanted)
    one = count_cv(1, cells_per_field=cells_per_field, between_fields=between_fields)
    return math.ceil((one / wanted) ** 2 - 1e-9)
