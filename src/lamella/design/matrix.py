"""How much basement-membrane matrix covers an insert, and how is its coat mixed from the lot?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lamella.design.quantity import not_negative, positive
from lamella.errors import SettingsError

__all__ = ["Coat", "coat_kind", "matrix_coat", "surface_ug_per_cm2", "target_ug_per_ml"]

CoatKind = Literal["coat", "gel", "neither"]
_COAT_BELOW_UG_PER_ML = 1000.0
_GEL_ABOVE_UG_PER_ML = 3000.0


@dataclass(frozen=True, slots=True)
class Coat:
    """A diluted matrix that coats all inserts.

    Attributes:
        target_ug_per_ml: Protein in the dilution [µg/mL].
        per_insert_ul: Volume on one insert [µL].
        surface_ug_per_cm2: Protein on the membrane [µg/cm²].
        total_ul: Volume made, overage included [µL].
        stock_ul: Taken from the thawed lot [µL].
        medium_ul: Ice-cold serum-free medium [µL].
        kind: Whether such a layer is a coat or a gel.
    """

    target_ug_per_ml: float
    per_insert_ul: float
    surface_ug_per_cm2: float
    total_ul: float
    stock_ul: float
    medium_ul: float
    kind: CoatKind


def surface_ug_per_cm2(target_ug_per_ml: float, *, volume_ul: float, area_cm2: float) -> float:
    """Protein that a volume leaves on each cm² [µg/cm²].

    Raises:
        SettingsError: A value is not positive.

    >>> [round(surface_ug_per_cm2(200, volume_ul=v, area_cm2=0.332)) for v in (50, 100)]
    [30, 60]
    """
    positive(matrix_concentration=target_ug_per_ml, volume=volume_ul, area=area_cm2)
    return target_ug_per_ml * volume_ul / 1000 / area_cm2


def target_ug_per_ml(surface: float, *, volume_ul: float, area_cm2: float) -> float:
    """Concentration of the dilution that leaves so many µg on each cm² [µg/mL].

    Raises:
        SettingsError: A value is not positive.

    >>> round(target_ug_per_ml(60.24, volume_ul=100, area_cm2=0.332))
    200
    """
    positive(matrix_on_surface=surface, volume=volume_ul, area=area_cm2)
    return surface * area_cm2 / volume_ul * 1000


def coat_kind(target: float) -> CoatKind:
    """What a layer of that concentration [µg/mL] is: a coat below 1, a gel above 3 mg/mL.

    The limits are advice of vendors and not verified; between them neither word is safe.

    >>> coat_kind(200), coat_kind(2000), coat_kind(5000)
    ('coat', 'neither', 'gel')
    """
    if target < _COAT_BELOW_UG_PER_ML:
        return "coat"
    return "gel" if target > _GEL_ABOVE_UG_PER_ML else "neither"


def matrix_coat(
    target: float,
    *,
    inserts: int,
    per_insert_ul: float,
    area_cm2: float,
    lot_ug_per_ml: float | None,
    overage_percent: float = 10.0,
) -> Coat:
    """Volumes of the dilution that coats all inserts.

    Args:
        target: Protein wanted in the dilution [µg/mL].
        inserts: Number of inserts to coat.
        per_insert_ul: Volume on one insert [µL].
        area_cm2: Area of the membrane [cm²].
        lot_ug_per_ml: Protein in the lot, from its certificate [µg/mL].
        overage_percent: What is made beyond the need [%].

    Raises:
        SettingsError: The lot's concentration is not stated, or below the target; or a value
            is not positive.

    >>> lot = matrix_coat(200, inserts=24, per_insert_ul=100, area_cm2=0.332, lot_ug_per_ml=8000)
    >>> round(lot.total_ul), round(lot.stock_ul, 1)
    (2640, 66.0)
    """
    if lot_ug_per_ml is None:
        raise SettingsError(
            "the protein concentration of the matrix lot is missing. It differs between lots "
            "(8 to 12 mg/mL are usual): take it from the certificate of the lot."
        )
    positive(matrix_lot=lot_ug_per_ml, inserts=inserts)
    surface = surface_ug_per_cm2(target, volume_ul=per_insert_ul, area_cm2=area_cm2)
    not_negative(overage_percent=overage_percent)
    if target > lot_ug_per_ml:
        raise SettingsError(
            f"the matrix lot holds {lot_ug_per_ml / 1000:g} mg/mL, less than the "
            f"{target / 1000:g} mg/mL wanted. Use a stronger lot, or a thinner layer."
        )
    total = inserts * per_insert_ul * (1 + overage_percent / 100)
    stock = target * total / lot_ug_per_ml
    return Coat(target, per_insert_ul, surface, total, stock, total - stock, coat_kind(target))
