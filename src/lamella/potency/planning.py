"""How many batches bring the interval of an IC50 to a wanted width?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from lamella.errors import MeasurementError
from lamella.potency.hill import fit_many

__all__ = [
    "CurvePlan",
    "IntervalPlan",
    "Spread",
    "batches_for_interval",
    "fold_of_interval",
    "interval_assurance",
    "planned_spread",
    "simulated_assurance",
]

F8 = NDArray[np.float64]
BATCH_SD_LOG10 = 0.15
"""Between batches, of log10 IC50, where no pilot says better: a middle of published figures.

0.09 between viability plates, about 0.40 between reporter experiments; none was found for
migration.
"""
_MOST_BATCHES = 60
_RUNS, _MOST_RUNS = 1_500, 6_000
_DRAWS = 40_000
_FURTHEST = 2.0  # decades from the truth at which a fit says that it found nothing


@dataclass(frozen=True, slots=True)
class CurvePlan:
    """One batch of a dose-response as planned: relative to vehicle, 1 at dose 0.

    Attributes:
        doses_molar: Doses without the vehicle [mol/L].
        wells: Wells of each dose.
        vehicle_wells: Wells of the vehicle.
        ic50_molar: Expected relative IC50 [mol/L].
        slope: Expected Hill slope.
        floor: Response at infinite dose, as a share of the vehicle.
        well_sd_ln: SD between wells of the logarithm of the read-out.
    """

    doses_molar: tuple[float, ...]
    wells: int
    vehicle_wells: int
    ic50_molar: float
    slope: float = 1.0
    floor: float = 0.0
    well_sd_ln: float = 0.18

    def __post_init__(self) -> None:
        """Refuse curves that cannot be fitted."""
        if len(set(self.doses_molar)) < 4 or min(self.doses_molar) <= 0:
            raise MeasurementError(
                f"{len(set(self.doses_molar))} doses carry no curve of four parameters. Plan 6 or "
                "more, two of them beyond each bend."
            )
        if min(self.wells, self.vehicle_wells) < 1 or self.ic50_molar <= 0 or self.slope <= 0:
            raise MeasurementError("wells, expected IC50 and slope of a plan are positive.")


@dataclass(frozen=True, slots=True)
class IntervalPlan:
    """Batches, and how surely their 95 % interval is narrow enough.

    Attributes:
        batches: The fewest that reach the wanted assurance; None where none up to 60 does.
        assurance: Probability that the interval is no wider than wanted.
        sd_log10: SD between batches of the fitted log10 IC50.
        text: One sentence.
    """

    batches: int | None
    assurance: float
    sd_log10: float
    text: str


def fold_of_interval(batches: int, *, sd_log10: float) -> float:
    """How many-fold the 95 % interval reaches to either side, at this SD of log10 IC50.

    >>> [round(fold_of_interval(n, sd_log10=0.15), 1) for n in (3, 4, 6)]
    [2.4, 1.7, 1.4]
    """
    half = float(special.stdtrit(batches - 1, 0.975)) * sd_log10 / math.sqrt(batches)
    return 10**half


@dataclass(frozen=True, slots=True)
class Spread:
    """How far the fitted log10 IC50 of a batch lies from the expected one: a sample, shape (k,)."""

    log10_ic50: F8

    @property
    def sd_log10(self) -> float:
        """SD of the sample, of days and wells together."""
        return float(np.std(self.log10_ic50))


def planned_spread(
    plan: CurvePlan,
    *,
    rng: np.random.Generator,
    batch_sd_log10: float = BATCH_SD_LOG10,
    runs: int | None = None,
) -> Spread:
    """How fitted log10 IC50s will differ between batches of this plan.

    The fits are drawn, not linearised: with few wells some run far away, the more so where the
    true IC50 of a day lies near the end of the doses. A formula overlooks them and promises
    intervals that are too narrow.

    Args:
        plan: One batch.
        rng: Source of chance.
        batch_sd_log10: SD of the true log10 IC50 between batches.
        runs: Fits drawn; None draws more the noisier the wells, as rare fits then weigh more.
    """
    if runs is None:
        runs = min(_MOST_RUNS, round(_RUNS * max(1.0, (plan.well_sd_ln / 0.18) ** 2)))
    # Shifts at even quantiles, so that only the wells are left to chance.
    shift = batch_sd_log10 * special.ndtri((np.arange(runs) + 0.5) / runs)
    fitted = _drawn_fits(plan, rng=rng, shift_log10=shift)
    return Spread(fitted - math.log10(plan.ic50_molar))


def interval_assurance(
    batches: int, *, spread: Spread, fold: float, rng: np.random.Generator
) -> float:
    """Probability that the 95 % interval of so many batches reaches at most `fold` to a side.

    The interval is that of the mean log10 IC50 with batches - 1 degrees of freedom. Its width
    is a matter of chance, because the SD is estimated from the same batches.

    >>> rng = np.random.default_rng(0)
    >>> spread = Spread(rng.normal(0, 0.15, 1000))
    >>> round(interval_assurance(4, spread=spread, fold=2.0, rng=rng), 1)
    0.8
    """
    _checked(fold)
    return _narrow_enough(rng.choice(spread.log10_ic50, (_DRAWS, batches)), fold)


def batches_for_interval(
    fold: float, *, spread: Spread, rng: np.random.Generator, assurance: float = 0.8
) -> IntervalPlan:
    """The fewest batches whose interval is narrow enough, with the wanted probability.

    Args:
        fold: Widest reach to one side, for example 2 for half to double.
        spread: From `planned_spread`.
        rng: Source of chance.
        assurance: Wanted probability.

    Raises:
        MeasurementError: The fold is not above 1, or the probability not between 0 and 1.

    >>> rng = np.random.default_rng(0)
    >>> batches_for_interval(2.0, spread=Spread(rng.normal(0, 0.15, 1000)), rng=rng).batches
    4
    """
    _checked(fold)
    if not 0 < assurance < 1:
        raise MeasurementError(f"a probability of {assurance:g} is none. Write 0.8 for 80 %.")
    reached = 0.0
    for batches in range(2, _MOST_BATCHES + 1):
        reached = interval_assurance(batches, spread=spread, fold=fold, rng=rng)
        if reached >= assurance:
            text = (
                f"{batches} batches give an IC50 whose 95 % interval reaches at most {fold:g}-fold "
                f"to either side with probability {reached:.2f}"
            )
            return IntervalPlan(batches, reached, spread.sd_log10, text)
    text = (
        f"not even {_MOST_BATCHES} batches bring the interval to {fold:g}-fold at an SD of "
        f"{spread.sd_log10:.2f} decades. Accept a wider interval, or plan more doses and wells."
    )
    return IntervalPlan(None, reached, spread.sd_log10, text)


def simulated_assurance(
    plan: CurvePlan,
    *,
    batches: int,
    fold: float,
    batch_sd_log10: float,
    rng: np.random.Generator,
    runs: int = 4_000,
) -> float:
    """The same probability by drawing every well of `runs` studies and fitting every batch."""
    shift = rng.normal(0, batch_sd_log10, runs * batches)
    fitted = _drawn_fits(plan, rng=rng, shift_log10=shift)
    return _narrow_enough(fitted.reshape(runs, batches), fold)


def _narrow_enough(log10_ic50: F8, fold: float) -> float:
    """Share of studies, one a row of batches, whose t interval reaches at most `fold`."""
    batches = log10_ic50.shape[1]
    t = float(special.stdtrit(batches - 1, 0.975))
    half = t * log10_ic50.std(axis=1, ddof=1) / math.sqrt(batches)
    return float(np.mean(half <= math.log10(fold)))


def _drawn_fits(plan: CurvePlan, *, rng: np.random.Generator, shift_log10: F8) -> F8:
    """Fitted log10 IC50 of batches with lognormal wells, one a shift of the true one."""
    dose = _points(plan)
    centre = math.log10(plan.ic50_molar) + shift_log10
    with np.errstate(divide="ignore"):
        x = np.log10(dose)
    power = np.clip(plan.slope * (x[None, :] - centre[:, None]), -300, 300)
    response = plan.floor + (1 - plan.floor) / (1 + 10**power)
    noise = rng.normal(0, plan.well_sd_ln, response.shape)
    fits = fit_many(dose, response * np.exp(noise), engine="numpy")
    found = np.clip(fits.log10_ec50, centre - _FURTHEST, centre + _FURTHEST)
    return np.asarray(found, np.float64)


def _points(plan: CurvePlan) -> F8:
    doses: Sequence[float] = sorted(plan.doses_molar)
    return np.array([0.0] * plan.vehicle_wells + [d for d in doses for _ in range(plan.wells)])


def _checked(fold: float) -> None:
    if not fold > 1:
        raise MeasurementError(
            f"an interval of {fold:g}-fold is none. Write how far it may reach, for example 2."
        )
