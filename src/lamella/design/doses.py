"""Which doses to give, and how to pipette them at one solvent concentration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lamella.design.quantity import percentages, positive
from lamella.errors import SettingsError
from lamella.units import Dose

__all__ = [
    "BEND_FACTOR",
    "SerialDilution",
    "Transfer",
    "Tube",
    "bend_points_molar",
    "compound_mass_mg",
    "doses_around",
    "serial_dilution",
    "stock_molar",
    "transfer_into_well",
]

BEND_FACTOR = 2 + math.sqrt(3)
"""Where the second derivative of a logistic in log dose has its extremes, as a ratio to the EC50.

Sebaugh 2011 (10.1002/pst.426) rules on doses beyond the bends; other conventions place the bends
further out, so the factor is a parameter wherever it matters.
"""


@dataclass(frozen=True, slots=True)
class Transfer:
    """How the compound gets into a well.

    Attributes:
        volume_ul: Pipetted into every well, vehicle wells included [µL].
        fold: How much more concentrated than the well the pipetted liquid is.
        intermediate_fold: 1 when the solvent series is pipetted directly; else that series is
            first diluted in medium, to `fold` times the dose of the well.
        solvent_percent: Solvent in the pipetted liquid [%].
    """

    volume_ul: float
    fold: float
    intermediate_fold: float
    solvent_percent: float


@dataclass(frozen=True, slots=True)
class Tube:
    """One tube of a series in pure solvent.

    `take_ul` comes from the tube before (the stock for the first) and is mixed with
    `solvent_ul`. `dose_molar` is what the well will hold, `tube_molar` what the tube holds.
    """

    dose_molar: float
    tube_molar: float
    take_ul: float
    solvent_ul: float


@dataclass(frozen=True, slots=True)
class SerialDilution:
    """A series in pure solvent, highest dose first, and how it gets into the wells."""

    tubes: tuple[Tube, ...]
    transfer: Transfer


def bend_points_molar(
    ic50_molar: float, *, slope: float = 1.0, bend_factor: float = BEND_FACTOR
) -> tuple[float, float]:
    """Doses between which a logistic curve is steep [mol/L], lower first.

    Args:
        ic50_molar: Relative IC50 [mol/L], > 0.
        slope: Hill slope; its sign does not matter.
        bend_factor: Ratio of a bend to the IC50 at slope 1.

    Raises:
        SettingsError: A value is not positive, or the slope is 0.

    >>> low, high = bend_points_molar(100e-9, slope=1.5)
    >>> round(high / 100e-9, 2), round(100e-9 / low, 2)
    (2.41, 2.41)
    """
    positive(expected_IC50=ic50_molar, slope=abs(slope), bend_factor=bend_factor)
    ratio = bend_factor ** (1 / abs(slope))
    return ic50_molar / ratio, ic50_molar * ratio


def doses_around(
    ic50_molar: float,
    *,
    slope: float = 1.0,
    beyond: int = 2,
    doses_per_decade: int = 2,
    bend_factor: float = BEND_FACTOR,
) -> tuple[float, ...]:
    """Doses evenly spaced in log10 with enough of them beyond each bend [mol/L], rising.

    They lie on the grid that contains 1 M (so 1, 3.162, 10 µM at half-log steps), and form
    the shortest run of the grid with at least `beyond` doses outside the bend on either side.

    Args:
        ic50_molar: Expected relative IC50 [mol/L].
        slope: Expected Hill slope; a shallower curve needs a wider range.
        beyond: Doses wanted beyond each bend.
        doses_per_decade: 2 for half-log steps, 3 for third-log.
        bend_factor: See `BEND_FACTOR`.

    Raises:
        SettingsError: A value is not positive.

    References:
        Sebaugh 2011, 10.1002/pst.426: at least two doses beyond each bend for a relative IC50.

    >>> [f"{dose:.3g}" for dose in doses_around(100e-9)]
    ['3.16e-09', '1e-08', '3.16e-08', '1e-07', '3.16e-07', '1e-06', '3.16e-06']
    """
    positive(beyond=beyond, doses_per_decade=doses_per_decade)
    low, high = bend_points_molar(ic50_molar, slope=slope, bend_factor=bend_factor)
    # A dose that lies on the bend itself (to rounding) is not beyond it.
    first = math.ceil(math.log10(low) * doses_per_decade - 1e-9) - beyond
    last = math.floor(math.log10(high) * doses_per_decade + 1e-9) + beyond
    return tuple(10 ** (step / doses_per_decade) for step in range(first, last + 1))


def transfer_into_well(
    well_ul: float,
    *,
    solvent_percent: float = 0.1,
    smallest_ul: float = 1.0,
    largest_share_percent: float = 10.0,
) -> Transfer:
    """The equal transfer that gives every well the same solvent concentration.

    A volume that a pipette cannot hold is replaced by an intermediate plate in medium, whose
    volume is then `largest_share_percent` of the well.

    Args:
        well_ul: Final volume of a well [µL].
        solvent_percent: Solvent wanted in the well [%].
        smallest_ul: What the pipette delivers reliably [µL].
        largest_share_percent: Share of the well that may come from an intermediate plate [%].

    Raises:
        SettingsError: A value is not positive, the solvent exceeds 100 %, or even an
            intermediate plate would need less than the pipette delivers.

    >>> transfer_into_well(1000.0).volume_ul
    1.0
    >>> transfer_into_well(100.0)
    Transfer(volume_ul=10.0, fold=10.0, intermediate_fold=100.0, solvent_percent=1.0)
    """
    positive(
        well_volume=well_ul,
        solvent_percent=solvent_percent,
        smallest_volume=smallest_ul,
        largest_share_percent=largest_share_percent,
    )
    if max(solvent_percent, largest_share_percent) > 100:
        raise SettingsError("a share of the well is more than 100 %. Give percent of the well.")
    fold = 100 / solvent_percent
    if well_ul / fold >= smallest_ul:
        return Transfer(well_ul / fold, fold, 1.0, 100.0)
    volume_ul = well_ul * largest_share_percent / 100
    if volume_ul < smallest_ul or largest_share_percent <= solvent_percent:
        raise SettingsError(
            f"a well of {well_ul:g} µL cannot receive {solvent_percent:g} % solvent with a "
            f"pipette that starts at {smallest_ul:g} µL. Use a larger well, a smaller pipette "
            "or acoustic dispensing."
        )
    pipetted = 100 / largest_share_percent
    return Transfer(volume_ul, pipetted, fold / pipetted, solvent_percent * pipetted)


def serial_dilution(
    doses_molar: Sequence[float],
    *,
    stock_molar: float,
    transfer: Transfer,
    tube_ul: float = 20.0,
    smallest_ul: float = 1.0,
) -> SerialDilution:
    """Each tube from the one before, all in pure solvent, so that every well gets the same.

    Args:
        doses_molar: Doses of the wells [mol/L], in any order; doses of 0 are vehicle wells and
            need no tube.
        stock_molar: Concentration of the stock [mol/L].
        transfer: See `transfer_into_well`.
        tube_ul: Volume mixed in each tube [µL], before the next is taken from it.
        smallest_ul: What the pipette delivers reliably [µL].

    Raises:
        SettingsError: A value is negative, the stock is too weak for the top dose, or a step
            is so large that the pipette cannot take its volume.

    >>> series = serial_dilution(
    ...     [10e-6, 1e-6], stock_molar=10e-3, transfer=transfer_into_well(1000.0)
    ... )
    >>> [(round(tube.take_ul, 3), round(tube.solvent_ul, 3)) for tube in series.tubes]
    [(20.0, 0.0), (2.0, 18.0)]
    """
    if not all(dose >= 0 for dose in doses_molar):
        raise SettingsError("a dose is negative or not a number. Give doses of 0 or more.")
    positive(stock=stock_molar, tube_volume=tube_ul, smallest_volume=smallest_ul)
    fold = transfer.fold * transfer.intermediate_fold
    wanted = sorted({dose for dose in doses_molar if dose > 0}, reverse=True)
    if wanted and wanted[0] * fold > stock_molar * (1 + 1e-9):
        raise SettingsError(
            f"the stock of {Dose(stock_molar)} is too weak: a top dose of {Dose(wanted[0])} at "
            f"{100 / fold:g} % solvent needs {Dose(wanted[0] * fold)}. Use a stronger stock, a "
            "lower top dose or more solvent."
        )
    tubes = []
    above_molar = stock_molar
    for dose in wanted:
        take_ul = min(tube_ul, tube_ul * dose * fold / above_molar)
        if take_ul < smallest_ul:
            raise SettingsError(
                f"the step from {Dose(above_molar)} to {Dose(dose * fold)} needs {take_ul:.2g} µL "
                f"in a tube of {tube_ul:g} µL, less than the pipette's {smallest_ul:g} µL. Add a "
                "dose between them, or mix a larger volume."
            )
        tubes.append(Tube(dose, dose * fold, take_ul, tube_ul - take_ul))
        above_molar = dose * fold
    return SerialDilution(tuple(tubes), transfer)


def compound_mass_mg(
    volume_ml: float,
    *,
    stock_molar: float,
    weight_g_per_mol: float,
    salt_g_per_mol: float | None = None,
    purity_percent: float = 100.0,
) -> float:
    """What to weigh for a stock of the free base [mg].

    Args:
        volume_ml: Volume of the stock [mL].
        stock_molar: Concentration wanted [mol/L].
        weight_g_per_mol: Molar mass of the free base [g/mol].
        salt_g_per_mol: Molar mass of the form in the bottle [g/mol]; None: the free base.
        purity_percent: Purity on the certificate [%].

    Raises:
        SettingsError: A value is not positive, or the purity exceeds 100 %.

    >>> round(compound_mass_mg(1.0, stock_molar=10e-3, weight_g_per_mol=510.5), 3)
    5.105
    """
    weighed = weight_g_per_mol if salt_g_per_mol is None else salt_g_per_mol
    positive(
        volume=volume_ml,
        stock=stock_molar,
        molar_mass=min(weighed, weight_g_per_mol),
        purity_percent=purity_percent,
    )
    if purity_percent > 100:
        raise SettingsError(f"purity of {purity_percent:g} % is more than 100 %.")
    return volume_ml * stock_molar * weighed * 100 / purity_percent


def stock_molar(
    mass_mg: float,
    *,
    volume_ml: float,
    weighed_g_per_mol: float,
    purity_percent: float = 100.0,
) -> float:
    """What a weighed amount gives in a volume of solvent [mol/L], counted as free base.

    Args:
        mass_mg: What stood on the balance [mg].
        volume_ml: Volume of the solution [mL].
        weighed_g_per_mol: Molar mass of the form in the bottle, salt and water included [g/mol].
        purity_percent: Purity on the certificate [%].

    Raises:
        SettingsError: A value is not positive, or the purity exceeds 100 %.

    Defactinib hydrochloride weighed as if it were the free base gives a stock 6.7 % too weak:

    >>> round(stock_molar(5.105, volume_ml=1.0, weighed_g_per_mol=546.96) * 1e3, 2)
    9.33
    """
    positive(mass=mass_mg, volume=volume_ml, molar_mass=weighed_g_per_mol)
    percentages(purity=purity_percent)
    return mass_mg * purity_percent / 100 / weighed_g_per_mol / volume_ml
