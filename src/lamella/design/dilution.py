"""How is a whole dilution pipetted, so that every well gets its dose and the same solvent?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lamella.design.doses import Transfer
from lamella.design.quantity import not_negative, positive
from lamella.errors import SettingsError
from lamella.units import Dose

__all__ = [
    "DilutionPlan",
    "Pipetting",
    "Portion",
    "SolventTube",
    "WorkingSolution",
    "plan_dilution",
    "premix",
]


@dataclass(frozen=True, slots=True)
class Pipetting:
    """What the pipettes and tubes at hand can do.

    Attributes:
        smallest_ul: The smallest volume that is delivered reliably [µL].
        overage_percent: What is prepared beyond the need of the wells [%].
        smallest_tube_ul: The smallest volume in which a tube mixes well [µL].
        largest_tube_ul: Volume of the largest tube for the series in solvent [µL].
    """

    smallest_ul: float = 1.0
    overage_percent: float = 10.0
    smallest_tube_ul: float = 20.0
    largest_tube_ul: float = 500.0

    def __post_init__(self) -> None:
        """Refuse pipettes that cannot exist."""
        positive(
            smallest_volume=self.smallest_ul,
            smallest_tube=self.smallest_tube_ul,
            largest_tube=self.largest_tube_ul,
        )
        not_negative(overage_percent=self.overage_percent)

    def with_overage(self, volume_ul: float) -> float:
        """A volume with what is lost on the way [µL]."""
        return volume_ul * (1 + self.overage_percent / 100)


@dataclass(frozen=True, slots=True)
class Portion:
    """One of several media that a well gets at the same dose, such as above and below an insert.

    Attributes:
        name: What tells it from the others, for example `below, with attractant`.
        per_well_ul: Volume of it in each well [µL].
        wells: How many wells of each dose get it.
    """

    name: str
    per_well_ul: float
    wells: Mapping[float, int]


@dataclass(frozen=True, slots=True)
class SolventTube:
    """One tube in pure solvent, mixed from the tube before it (the stock for the first).

    Attributes:
        tube_molar: What it holds [mol/L].
        dose_molar: What its wells will hold [mol/L]; None where it only leads to the next tube.
        take_ul: Taken from the tube before [µL].
        solvent_ul: Pure solvent added [µL].
        used_ul: Goes on to wells or working solutions [µL].
        passed_ul: Goes on to the next tube [µL].
    """

    tube_molar: float
    dose_molar: float | None
    take_ul: float
    solvent_ul: float
    used_ul: float
    passed_ul: float

    @property
    def total_ul(self) -> float:
        """What is mixed [µL]."""
        return self.take_ul + self.solvent_ul


@dataclass(frozen=True, slots=True)
class WorkingSolution:
    """A dose in medium, as it is pipetted into the wells; dose 0 is the vehicle.

    Attributes:
        dose_molar: What the wells will hold [mol/L].
        wells: How many wells get it.
        take_ul: Taken from the solvent tube of that dose, pure solvent for the vehicle [µL].
        medium_ul: Medium that it is mixed with [µL].
        per_well_ul: Pipetted into each well [µL].
        portion: Which of the media of the well; empty where there is one.
    """

    dose_molar: float
    wells: int
    take_ul: float
    medium_ul: float
    per_well_ul: float
    portion: str = ""

    @property
    def total_ul(self) -> float:
        """What is mixed [µL]."""
        return self.take_ul + self.medium_ul


@dataclass(frozen=True, slots=True)
class DilutionPlan:
    """Everything to pipette for one compound, highest dose first, and what it uses up.

    `solutions` are empty where tubes are pipetted straight into the wells.
    """

    stock_molar: float
    transfer: Transfer
    tubes: tuple[SolventTube, ...]
    solutions: tuple[WorkingSolution, ...]

    @property
    def stock_ul(self) -> float:
        """Stock used [µL]."""
        return self.tubes[0].take_ul if self.tubes else 0.0

    @property
    def solvent_ul(self) -> float:
        """Pure solvent used, the vehicle included [µL]."""
        vehicle = sum(one.take_ul for one in self.solutions if one.dose_molar == 0)
        return vehicle + sum(tube.solvent_ul for tube in self.tubes)

    @property
    def medium_ul(self) -> float:
        """Medium in the working solutions [µL]."""
        return sum(one.medium_ul for one in self.solutions)


def premix(well_ul: float, *, solvent_percent: float = 0.1) -> Transfer:
    """Medium that already holds the dose replaces all medium of the well.

    Raises:
        SettingsError: A value is not positive, or the solvent exceeds 100 %.

    >>> premix(500.0)
    Transfer(volume_ul=500.0, fold=1.0, intermediate_fold=1000.0, solvent_percent=0.1)
    """
    positive(well_volume=well_ul, solvent_percent=solvent_percent)
    if solvent_percent > 100:
        raise SettingsError("the solvent is more than 100 % of the well. Give percent of the well.")
    return Transfer(well_ul, 1.0, 100 / solvent_percent, solvent_percent)


def plan_dilution(
    wells: Mapping[float, int],
    *,
    stock_molar: float,
    transfer: Transfer,
    pipetting: Pipetting | None = None,
    portions: Sequence[Portion] = (),
) -> DilutionPlan:
    """All volumes of a dilution, from what the wells need back to the stock.

    Each tube holds enough for its wells and for the next tube, with overage, and no volume is
    smaller than the pipette delivers. Where one step would need a larger tube than there is,
    a bridging tube is set between.

    Args:
        wells: Number of wells of each dose [mol/L]; dose 0 is the vehicle.
        stock_molar: Concentration of the stock [mol/L].
        transfer: How the compound gets into a well: `premix` or `transfer_into_well`.
        pipetting: What pipettes and tubes can do.
        portions: Where a well gets its dose in several media, each of them; `transfer` then
            gives the solvent alone.

    Raises:
        SettingsError: A dose or number is negative, or the stock is too weak.

    >>> plan = plan_dilution({0.0: 3, 1e-6: 3, 1e-5: 3}, stock_molar=10e-3, transfer=premix(500.0))
    >>> [(one.wells, round(one.take_ul, 2), round(one.total_ul)) for one in plan.solutions]
    [(3, 1.65, 1650), (3, 1.65, 1650), (3, 1.65, 1650)]
    >>> [(round(t.take_ul, 2), round(t.solvent_ul, 2)) for t in plan.tubes]
    [(20.0, 0.0), (2.0, 18.0)]
    """
    limits = pipetting or Pipetting()
    positive(stock=stock_molar)
    if any(dose < 0 or count < 0 or not math.isfinite(dose) for dose, count in wells.items()):
        raise SettingsError("a dose or a number of wells is negative. Give 0 or more.")
    doses = sorted((dose for dose, n in wells.items() if dose > 0 and n > 0), reverse=True)
    fold = transfer.fold * transfer.intermediate_fold
    if doses:
        _strong_enough(doses[0], stock_molar, fold)
    several = portions or (Portion("", transfer.volume_ul, wells),)
    solutions = tuple(
        _solution(dose, one, transfer, limits)
        for one in several
        for dose in (*doses, 0.0)
        if transfer.intermediate_fold > 1 and one.wells.get(dose, 0) > 0
    )
    needs = {dose: wells[dose] * transfer.volume_ul for dose in doses}
    if transfer.intermediate_fold > 1:
        needs = {dose: _taken(solutions, dose) for dose in doses}
    ladder = _ladder(doses, stock_molar, fold=fold, limits=limits)
    return DilutionPlan(
        stock_molar, transfer, _tubes(ladder, needs, stock_molar, limits=limits), solutions
    )


def _strong_enough(dose: float, stock: float, fold: float) -> None:
    if dose * fold > stock * (1 + 1e-9):
        raise SettingsError(
            f"the stock of {Dose(stock)} is too weak: a dose of {Dose(dose)} at "
            f"{100 / fold:g} % solvent needs {Dose(dose * fold)}. Use a stronger stock, a lower "
            f"top dose (at most {Dose(stock / fold)}) or more solvent."
        )


def _solution(
    dose: float, portion: Portion, transfer: Transfer, limits: Pipetting
) -> WorkingSolution:
    """Enough for the wells, and enough for the pipette to add the compound to it."""
    wells, each = portion.wells[dose], portion.per_well_ul
    need = limits.with_overage(wells * each)
    total = _neat(max(need, limits.smallest_ul * transfer.intermediate_fold))
    take = total / transfer.intermediate_fold
    return WorkingSolution(dose, wells, take, total - take, each, portion.name)


def _taken(solutions: Sequence[WorkingSolution], dose: float) -> float:
    return sum(one.take_ul for one in solutions if one.dose_molar == dose)


@dataclass(frozen=True, slots=True)
class _Rung:
    """A concentration of the series; `dose` is None for a bridging tube."""

    molar: float
    dose: float | None


def _ladder(doses: Sequence[float], stock: float, *, fold: float, limits: Pipetting) -> list[_Rung]:
    """The concentrations of the series, with bridges where one step is too large."""
    steepest = limits.largest_tube_ul / limits.smallest_ul / 2
    rungs: list[_Rung] = []
    above = stock
    for dose in doses:
        molar = min(dose * fold, above)
        steps = max(1, math.ceil(math.log(above / molar) / math.log(steepest) - 1e-9))
        ratio = (above / molar) ** (1 / steps)
        rungs += [_Rung(above / ratio**step, None) for step in range(1, steps)]
        rungs.append(_Rung(molar, dose))
        above = molar
    return rungs


def _tubes(
    ladder: Sequence[_Rung], needs: Mapping[float, float], stock: float, *, limits: Pipetting
) -> tuple[SolventTube, ...]:
    """Volumes from the last tube back to the first, which alone touches the stock."""
    tubes: list[SolventTube] = []
    passed = 0.0
    for index in range(len(ladder) - 1, -1, -1):
        rung = ladder[index]
        above = stock if index == 0 else ladder[index - 1].molar
        share = rung.molar / above
        used = needs[rung.dose] if rung.dose is not None else 0.0
        total = _mixed(used + passed, share, limits)
        take = total * share
        tubes.append(SolventTube(rung.molar, rung.dose, take, total - take, used, passed))
        passed = take
    return tuple(reversed(tubes))


def _mixed(need: float, share: float, limits: Pipetting) -> float:
    """The smallest neat volume in which both parts can be pipetted."""
    least = max(limits.with_overage(need), limits.smallest_tube_ul, limits.smallest_ul / share)
    if share < 1 - 1e-9:
        least = max(least, limits.smallest_ul / (1 - share))
    return _neat(least)


def _neat(volume_ul: float) -> float:
    """Rounded up to whole microlitres below 100 µL, to 5 µL below 1 mL, to 50 µL above."""
    step = 1.0 if volume_ul < 100 else 5.0 if volume_ul < 1000 else 50.0
    return math.ceil(volume_ul / step - 1e-9) * step
