"""How many cells go into a well, and how is their suspension made?"""

from __future__ import annotations

from dataclasses import dataclass

from lamella.design.quantity import not_negative, percentages, positive
from lamella.errors import SettingsError

__all__ = ["Suspension", "seeding_density_per_cm2", "suspension"]


@dataclass(frozen=True, slots=True)
class Suspension:
    """A suspension that serves all wells.

    Attributes:
        cells_per_well: Cells in one well.
        cells_per_ml: Concentration of the suspension.
        total_ul: Volume made, overage included [µL].
        total_cells: Living cells in it.
        stock_ul: Taken from the counted cells [µL].
        medium_ul: Medium added [µL].
    """

    cells_per_well: float
    cells_per_ml: float
    total_ul: float
    total_cells: float
    stock_ul: float
    medium_ul: float


def seeding_density_per_cm2(
    confluent_per_cm2: float,
    *,
    fraction: float = 1.0,
    attach_h: float = 0.0,
    doubling_time_h: float | None = None,
    plating_percent: float = 100.0,
) -> float:
    """Living cells to seed on each cm², so that the wanted density stands when it is needed.

    Args:
        confluent_per_cm2: Density of a full monolayer of these cells [1/cm²].
        fraction: Share of that density wanted at the start of the assay; 1 is confluent.
        attach_h: From seeding to the start of the assay [h].
        doubling_time_h: Doubling time [h]; None counts no growth meanwhile.
        plating_percent: Share of seeded cells that attach [%].

    Raises:
        SettingsError: A value is not positive, or the time is negative.

    >>> round(seeding_density_per_cm2(1.4e5, attach_h=24, doubling_time_h=24))
    70000
    """
    positive(confluent_density=confluent_per_cm2, fraction_of_confluence=fraction)
    not_negative(time_to_attach=attach_h)
    percentages(plating_efficiency=plating_percent)
    grown = 1.0
    if doubling_time_h is not None:
        positive(doubling_time=doubling_time_h)
        grown = 2 ** (attach_h / doubling_time_h)
    return fraction * confluent_per_cm2 / grown / (plating_percent / 100)


def suspension(
    cells_per_well: float,
    *,
    wells: int,
    well_ul: float,
    counted_per_ml: float,
    viability_percent: float = 100.0,
    overage_percent: float = 10.0,
) -> Suspension:
    """Volumes of the suspension that gives every well its cells.

    Args:
        cells_per_well: Living cells wanted in a well.
        wells: Number of wells.
        well_ul: Volume of suspension in a well [µL].
        counted_per_ml: Cells counted in the stock, dead ones included [1/mL].
        viability_percent: Share of living cells [%].
        overage_percent: What is made beyond the need of the wells [%].

    Raises:
        SettingsError: A value is not positive, or the counted cells are too thin.

    >>> made = suspension(1e5, wells=24, well_ul=100, counted_per_ml=2e6, viability_percent=95)
    >>> round(made.total_ul), round(made.stock_ul), round(made.medium_ul)
    (2640, 1389, 1251)
    """
    positive(cells_per_well=cells_per_well, wells=wells, well_volume=well_ul)
    positive(counted_cells=counted_per_ml)
    percentages(viability=viability_percent)
    not_negative(overage_percent=overage_percent)
    per_ml = cells_per_well / well_ul * 1000
    living = counted_per_ml * viability_percent / 100
    if per_ml > living * (1 + 1e-9):
        raise SettingsError(
            f"the counted cells are too thin: {living:.3g} living cells/mL, and the wells need "
            f"{per_ml:.3g}/mL. Spin down and resuspend in less medium, or seed a larger volume."
        )
    total_ul = wells * well_ul * (1 + overage_percent / 100)
    stock_ul = total_ul * per_ml / living
    cells = total_ul * per_ml / 1000
    return Suspension(cells_per_well, per_ml, total_ul, cells, stock_ul, total_ul - stock_ul)
