"""How is growth held back, so that a gap closes by migration alone?"""

from __future__ import annotations

from dataclasses import dataclass

from lamella.design.quantity import not_negative, percentages, positive
from lamella.errors import SettingsError

__all__ = ["MITOMYCIN_G_PER_MOL", "GrowthBlock", "block_dose_holds", "growth_block"]

MITOMYCIN_G_PER_MOL = 334.33
_LEAST_VIABILITY_PERCENT = 90.0
_MOST_GROWTH = 1.10


@dataclass(frozen=True, slots=True)
class GrowthBlock:
    """A block with mitomycin C before the scratch.

    Attributes:
        ug_per_ml: Dose [µg/mL].
        hours: Exposure before it is washed out [h].
        total_ul: Medium with mitomycin, overage included [µL].
        stock_ul: Taken from its stock [µL].
        medium_ul: Medium added [µL].
    """

    ug_per_ml: float
    hours: float
    total_ul: float
    stock_ul: float
    medium_ul: float

    @property
    def molar(self) -> float:
        """The dose as an amount [mol/L].

        >>> round(growth_block(10, hours=2, wells=24, well_ul=500).molar * 1e6, 1)
        29.9
        """
        return self.ug_per_ml / 1000 / MITOMYCIN_G_PER_MOL


def growth_block(
    ug_per_ml: float,
    *,
    hours: float,
    wells: int,
    well_ul: float,
    stock_mg_per_ml: float = 0.5,
    overage_percent: float = 10.0,
) -> GrowthBlock:
    """Volumes of the medium that blocks growth.

    5 to 10 µg/mL for 2 to 3 h is common and unverified: find the dose for each line.

    Args:
        ug_per_ml: Dose [µg/mL].
        hours: Exposure [h].
        wells: Number of wells.
        well_ul: Volume on one well [µL].
        stock_mg_per_ml: Concentration of the stock [mg/mL].
        overage_percent: What is made beyond the need [%].

    Raises:
        SettingsError: A value is not positive, or the stock is too weak.

    >>> made = growth_block(10, hours=2, wells=24, well_ul=500)
    >>> round(made.total_ul), round(made.stock_ul)
    (13200, 264)
    """
    positive(mitomycin_dose=ug_per_ml, exposure=hours, wells=wells, well_volume=well_ul)
    positive(mitomycin_stock=stock_mg_per_ml)
    not_negative(overage_percent=overage_percent)
    if ug_per_ml > stock_mg_per_ml * 1000:
        raise SettingsError(
            f"the mitomycin stock of {stock_mg_per_ml:g} mg/mL is too weak for {ug_per_ml:g} "
            "µg/mL. Dissolve more, or lower the dose."
        )
    total = wells * well_ul * (1 + overage_percent / 100)
    stock = total * ug_per_ml / (stock_mg_per_ml * 1000)
    return GrowthBlock(ug_per_ml, hours, total, stock, total - stock)


def block_dose_holds(*, cells_end_over_start: float, viability_percent: float) -> bool:
    """Whether a dose found in a pilot holds growth back without killing.

    It does where the cells of the undisturbed monolayer grow by less than 10 % over the assay
    and more than 90 % live.

    Raises:
        SettingsError: A value is not positive.

    >>> block_dose_holds(cells_end_over_start=1.04, viability_percent=96)
    True
    >>> block_dose_holds(cells_end_over_start=1.6, viability_percent=99)
    False
    """
    positive(growth=cells_end_over_start)
    percentages(viability=viability_percent)
    return cells_end_over_start < _MOST_GROWTH and viability_percent > _LEAST_VIABILITY_PERCENT
