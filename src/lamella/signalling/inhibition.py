"""How much of FAK's phosphorylation at Y397 is left at a dose of an ATP-competitive inhibitor?

Closed forms with published constants. Nothing here is fitted to a study: take the numbers as
expectations before an experiment, not as its result.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamella.errors import SettingsError

__all__ = [
    "DEFACTINIB",
    "SHIFT_LOG10_SD",
    "SHIFT_MEDIAN",
    "FakRates",
    "Inhibitor",
    "apparent_ki_molar",
    "biochemical_ic50_molar",
    "bound_after",
    "free_kinase_fraction",
    "occupancy",
    "off_target_effect",
    "py397_after",
    "py397_fraction",
    "py397_ic50_molar",
    "py397_of_vehicle",
    "shift_draws",
]

Floats = NDArray[np.float64]

SHIFT_MEDIAN = 20.0
"""Median ratio of the apparent Ki in cells to the Ki of the enzyme.

It lumps ATP, entry into cells and binding to protein. Known ratios of the class: 3.3 (PF-562271,
10.1158/0008-5472.CAN-07-5155), 7.5 to 25 (PF-573228, 10.1074/jbc.M606695200), 67 (PND-1186,
Tanjoni 2010). The Cheng-Prusoff factor alone is too uncertain in cells.
"""
SHIFT_LOG10_SD = math.log10(150 / 3) / (2 * 1.96)
"""Spread of log10 of that ratio: 95 % of it between about 3 and 150."""


@dataclass(frozen=True, slots=True)
class Inhibitor:
    """A compound that competes with ATP on FAK and on Pyk2 [mol/L]."""

    name: str
    ki_fak_molar: float
    ki_pyk2_molar: float
    source: str


DEFACTINIB = Inhibitor(
    "defactinib",
    ki_fak_molar=0.6e-9,
    ki_pyk2_molar=0.6e-9,
    source="encyclopedia.pub entry 46840 (secondary; the primary source was not seen)",
)


@dataclass(frozen=True, slots=True)
class FakRates:
    """Rates of phosphorylation and its loss at Y397.

    `basal_per_s` without adhesion, `adhesion_per_s` added on a stiff substrate, half of it at
    `half_stiffness_kpa`; `dephosphorylation_per_s` is lost.

    References:
        Scott, Fraley, Rangamani 2021, 10.1073/pnas.2021571118, after Sun, Spill, Zaman 2016.
    """

    basal_per_s: float = 0.015
    adhesion_per_s: float = 0.379
    half_stiffness_kpa: float = 3.25
    dephosphorylation_per_s: float = 0.035

    def activation_per_s(self, stiffness_kpa: float = math.inf) -> float:
        """Rate of phosphorylation without inhibitor [1/s]; infinite stiffness is plastic.

        Raises:
            SettingsError: The stiffness is negative.

        >>> FakRates().activation_per_s(), FakRates().activation_per_s(0.0)
        (0.394, 0.015)
        """
        if not stiffness_kpa >= 0:
            raise SettingsError(f"stiffness is {stiffness_kpa:g} kPa. Give 0 or more.")
        if math.isinf(stiffness_kpa):
            return self.basal_per_s + self.adhesion_per_s
        share = stiffness_kpa / (self.half_stiffness_kpa + stiffness_kpa)
        return self.basal_per_s + self.adhesion_per_s * share


def biochemical_ic50_molar(ki_molar: float, *, atp_molar: float, km_atp_molar: float) -> float:
    """IC50 of an enzyme assay from the Ki, for a competitor of ATP [mol/L].

    Args:
        ki_molar: Inhibition constant [mol/L].
        atp_molar: ATP in the assay [mol/L]; 0 gives the Ki.
        km_atp_molar: Michaelis constant of the enzyme for ATP [mol/L].

    Raises:
        SettingsError: A constant is not positive, or ATP is negative.

    References:
        Cheng and Prusoff 1973, 10.1016/0006-2952(73)90196-2: IC50 = Ki (1 + [ATP] / Km).

    >>> ic50 = biochemical_ic50_molar(0.6e-9, atp_molar=30e-6, km_atp_molar=10e-6)
    >>> round(ic50 * 1e9, 3)
    2.4
    """
    _positive("Ki", ki_molar)
    _positive("Km of ATP", km_atp_molar)
    if not 0 <= atp_molar < math.inf:
        raise SettingsError(f"ATP is {atp_molar:g} mol/L. Give 0 or more.")
    return ki_molar * (1 + atp_molar / km_atp_molar)


def apparent_ki_molar(
    ki_molar: float, *, shift: float = SHIFT_MEDIAN, free_fraction: float = 1.0
) -> float:
    """Ki as cells in medium show it [mol/L]: the enzyme's, times the shift, over the free share.

    Args:
        ki_molar: Inhibition constant of the enzyme [mol/L].
        shift: See `SHIFT_MEDIAN`.
        free_fraction: Share of the compound not bound to serum, above 0 to 1.

    Raises:
        SettingsError: A value is out of range.

    >>> round(apparent_ki_molar(DEFACTINIB.ki_fak_molar, shift=60) * 1e9, 1)
    36.0
    """
    _positive("Ki", ki_molar)
    _positive("the shift from enzyme to cell", shift)
    if not 0 < free_fraction <= 1:
        raise SettingsError(f"free fraction is {free_fraction:g}. It lies above 0, up to 1.")
    return ki_molar * shift / free_fraction


def shift_draws(count: int, *, rng: np.random.Generator) -> Floats:
    """Draws of the shift from enzyme to cell, log-normal, shape (count,)."""
    return np.asarray(SHIFT_MEDIAN * 10 ** rng.normal(0.0, SHIFT_LOG10_SD, count), np.float64)


def free_kinase_fraction(dose_molar: ArrayLike, *, apparent_ki_molar: float) -> Floats:
    """Share of the kinase that the inhibitor leaves free, shape of `dose_molar`.

    Args:
        dose_molar: Dose in the well [mol/L], any shape, not negative.
        apparent_ki_molar: See `apparent_ki_molar`.

    Raises:
        SettingsError: A dose is negative or not finite, or the Ki is not positive.

    >>> free_kinase_fraction([0.0, 12e-9, 108e-9], apparent_ki_molar=12e-9).tolist()
    [1.0, 0.5, 0.1]
    """
    _positive("apparent Ki", apparent_ki_molar)
    return np.asarray(1 / (1 + _doses(dose_molar) / apparent_ki_molar), np.float64)


def occupancy(dose_molar: ArrayLike, *, apparent_ki_molar: float) -> Floats:
    """Share of the kinase that is bound, shape of `dose_molar`; see `free_kinase_fraction`.

    >>> occupancy([73.7e-9, 152e-9, 1e-6], apparent_ki_molar=36e-9).round(2).tolist()
    [0.67, 0.81, 0.97]
    """
    free = free_kinase_fraction(dose_molar, apparent_ki_molar=apparent_ki_molar)
    return np.asarray(1 - free, np.float64)


def bound_after(
    time_s: ArrayLike,
    *,
    dose_molar: float,
    on_per_molar_s: float,
    off_per_s: float,
    bound_before: float = 0.0,
) -> Floats:
    """Share of the kinase that is bound some time after a change of dose, shape of `time_s`.

    For slow binding and for wash-out (dose 0 after a bound share); else use `occupancy`.

    Args:
        time_s: Time since the change [s], not negative.
        dose_molar: Free dose from then on [mol/L].
        on_per_molar_s: Rate of association in cells [L/mol/s], the apparent one.
        off_per_s: Rate of dissociation [1/s].
        bound_before: Share bound at the change.

    Raises:
        SettingsError: A value is out of range.

    >>> after = bound_after([0.0, 1e9], dose_molar=12e-9, on_per_molar_s=1e5, off_per_s=1.2e-3)
    >>> after.round(6).tolist()
    [0.0, 0.5]
    """
    time = np.asarray(time_s, np.float64)
    if not bool(np.all(time >= 0)):
        raise SettingsError("a time is negative or not a number. Give seconds since the change.")
    _positive("rate of association", on_per_molar_s)
    _positive("rate of dissociation", off_per_s)
    if not 0 <= bound_before <= 1:
        raise SettingsError(f"the share bound before is {bound_before:g}. It lies in 0 to 1.")
    on = on_per_molar_s * float(_doses(dose_molar))
    end = on / (on + off_per_s)
    return np.asarray(end + (bound_before - end) * np.exp(-(on + off_per_s) * time), np.float64)


def off_target_effect(dose_molar: ArrayLike, *, ic50_molar: float, slope: float = 1.0) -> Floats:
    """Share of a response that targets other than FAK leave, shape of `dose_molar`.

    Raises:
        SettingsError: A value is out of range.

    >>> off_target_effect([0.0, 5e-6], ic50_molar=5e-6).tolist()
    [1.0, 0.5]
    """
    _positive("off-target IC50", ic50_molar)
    _positive("off-target slope", slope)
    return np.asarray(1 / (1 + (_doses(dose_molar) / ic50_molar) ** slope), np.float64)


def py397_fraction(
    dose_molar: ArrayLike,
    *,
    apparent_ki_molar: float,
    stiffness_kpa: float = math.inf,
    rates: FakRates | None = None,
) -> Floats:
    """Share of FAK phosphorylated at Y397 in steady state, shape of `dose_molar`.

    The free kinase phosphorylates at k, phosphatases remove it at kd: k f / (k f + kd).

    Args:
        dose_molar: Dose in the well [mol/L], any shape, not negative.
        apparent_ki_molar: See `apparent_ki_molar`.
        stiffness_kpa: Of the substrate [kPa]; infinite for plastic.
        rates: Other rates than the published ones.

    Raises:
        SettingsError: A value is out of range.

    References:
        Steady state of the FAK equation of Scott, Fraley, Rangamani 2021,
        10.1073/pnas.2021571118.

    >>> py397_fraction([0.0], apparent_ki_molar=12e-9).round(3).tolist()
    [0.918]
    """
    active, lost = _rates(dose_molar, apparent_ki_molar, stiffness_kpa, rates)
    return np.asarray(active / (active + lost), np.float64)


def py397_of_vehicle(
    dose_molar: ArrayLike,
    *,
    apparent_ki_molar: float,
    stiffness_kpa: float = math.inf,
    rates: FakRates | None = None,
) -> Floats:
    """pY397 relative to vehicle in steady state, 1 without inhibitor; see `py397_fraction`.

    >>> py397_of_vehicle([0.0, 10e-6], apparent_ki_molar=12e-9).round(3).tolist()
    [1.0, 0.014]
    """
    given = {"apparent_ki_molar": apparent_ki_molar, "stiffness_kpa": stiffness_kpa}
    vehicle = py397_fraction(0.0, **given, rates=rates)
    return np.asarray(py397_fraction(dose_molar, **given, rates=rates) / vehicle, np.float64)


def py397_ic50_molar(
    apparent_ki_molar: float,
    *,
    stiffness_kpa: float = math.inf,
    rates: FakRates | None = None,
) -> float:
    """Dose that halves pY397 in steady state [mol/L]: the apparent Ki times 1 + k / kd.

    Adherent cells have kinase to spare: on plastic it takes 12 times the apparent Ki, without
    adhesion 1.4 times.

    Raises:
        SettingsError: A value is out of range.

    >>> [round(py397_ic50_molar(1.0, stiffness_kpa=kpa), 2) for kpa in (math.inf, 0.0)]
    [12.26, 1.43]
    """
    _positive("apparent Ki", apparent_ki_molar)
    active, lost = _rates(0.0, apparent_ki_molar, stiffness_kpa, rates)
    return float(apparent_ki_molar * (1 + active / lost))


def py397_after(
    time_s: ArrayLike,
    *,
    dose_molar: float,
    apparent_ki_molar: float,
    stiffness_kpa: float = math.inf,
    rates: FakRates | None = None,
) -> Floats:
    """Share of FAK phosphorylated at Y397 some time after the dose, shape of `time_s`.

    It starts in the steady state of vehicle and falls at k f + kd; binding is immediate.

    Args:
        time_s: Time since the dose [s], not negative.
        dose_molar: Dose in the well [mol/L].
        apparent_ki_molar: See `apparent_ki_molar`.
        stiffness_kpa: Of the substrate [kPa]; infinite for plastic.
        rates: Other rates than the published ones.

    Raises:
        SettingsError: A value is out of range.

    >>> course = py397_after([0.0, 20.0, 7200.0], dose_molar=10e-6, apparent_ki_molar=12e-9)
    >>> course.round(2).tolist()
    [0.92, 0.46, 0.01]
    """
    time = np.asarray(time_s, np.float64)
    if not bool(np.all(time >= 0)):
        raise SettingsError("a time is negative or not a number. Give seconds since the dose.")
    active, lost = _rates([0.0, dose_molar], apparent_ki_molar, stiffness_kpa, rates)
    before, after = active / (active + lost)
    return np.asarray(after + (before - after) * np.exp(-(active[1] + lost) * time), np.float64)


def _rates(
    dose_molar: ArrayLike,
    apparent_ki_molar: float,
    stiffness_kpa: float,
    rates: FakRates | None,
) -> tuple[Floats, float]:
    known = rates or FakRates()
    _positive("rate of dephosphorylation", known.dephosphorylation_per_s)
    _positive("rate of phosphorylation", known.activation_per_s(stiffness_kpa))
    free = free_kinase_fraction(dose_molar, apparent_ki_molar=apparent_ki_molar)
    return known.activation_per_s(stiffness_kpa) * free, known.dephosphorylation_per_s


def _doses(dose_molar: ArrayLike) -> Floats:
    doses = np.asarray(dose_molar, np.float64)
    if not bool(np.all((doses >= 0) & np.isfinite(doses))):
        raise SettingsError("a dose is negative or not finite. Give doses of 0 or more [mol/L].")
    return doses


def _positive(what: str, value: float) -> None:
    if not 0 < value < math.inf:
        raise SettingsError(f"{what} is {value:g}. Give a positive number.")
