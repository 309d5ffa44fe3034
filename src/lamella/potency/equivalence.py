"""Is a read-out unaffected? Shown by an interval inside a margin, never by a missing star."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

from lamella.errors import MeasurementError
from lamella.potency.comparisons import TECHNICAL_ONLY, compare_with_vehicle
from lamella.potency.groups import Labels, Numbers

__all__ = ["Equivalence", "equivalence_to_vehicle", "two_one_sided_tests"]


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Whether one treatment leaves a read-out within a margin of the vehicle.

    Attributes:
        treatment: Its name.
        ratio: Treatment over vehicle.
        low: Lower end of the 90 % interval; None where one batch leaves it open.
        high: Upper end.
        p: The larger of the two one-sided p-values; None as above.
        margin_low: Smallest ratio that counts as unaffected.
        margin_high: Largest ratio that counts as unaffected.
        equivalent: p < 0.05, which is the same as the 90 % interval inside the margin.
        n: Batches.
        text: The sentence that may be printed.
    """

    treatment: str
    ratio: float
    low: float | None
    high: float | None
    p: float | None
    margin_low: float
    margin_high: float
    equivalent: bool
    n: int
    text: str


def equivalence_to_vehicle(
    value: Numbers,
    treatment: Labels,
    *,
    batch: Labels,
    vehicle: str,
    margin: float = 0.2,
) -> tuple[Equivalence, ...]:
    """Two one-sided tests of every treatment against the vehicle, on log ratios of batch means.

    Args:
        value: Shape (n,), above 0, for example viability in percent of vehicle.
        treatment: Shape (n,).
        batch: Shape (n,), the n.
        vehicle: Name of the treatment that the others are compared with.
        margin: The loss that still counts as unaffected, as a fraction of vehicle. 0.2 allows
            ratios from 0.8 to 1 / 0.8 = 1.25 (log ratio within 0.223).

    Raises:
        MeasurementError: The margin is not between 0 and 1, or as `compare_with_vehicle`.

    References:
        Schuirmann 1987, J Pharmacokinet Biopharm 15:657.

    >>> viability = [100.0, 97.0, 100.0, 103.0, 100.0, 99.0]
    >>> dose = ["vehicle", "drug"] * 3
    >>> days = ["1", "1", "2", "2", "3", "3"]
    >>> equivalence_to_vehicle(viability, dose, batch=days, vehicle="vehicle")[0].equivalent
    True
    """
    if not 0 < margin < 1:
        raise MeasurementError(
            f"the margin is {margin:g}; state a fraction of vehicle between 0 and 1, such as 0.2."
        )
    comparison = compare_with_vehicle(value, treatment, batch=batch, vehicle=vehicle, scale="ratio")
    bounds = (1 - margin, 1 / (1 - margin))
    out = []
    for effect in comparison.effects:
        if effect.se is None or comparison.df is None:
            text = f"{effect.treatment}: ratio {effect.estimate:.3g}, {TECHNICAL_ONLY}"
            out.append(
                Equivalence(
                    effect.treatment, effect.estimate, None, None, None, *bounds, False, 1, text
                )
            )
            continue
        low, high, p = two_one_sided_tests(
            math.log(effect.estimate),
            se=effect.se,
            df=comparison.df,
            low=math.log(bounds[0]),
            high=math.log(bounds[1]),
        )
        out.append(
            _stated(effect.treatment, effect.estimate, (low, high, p), bounds=bounds, n=effect.n)
        )
    return tuple(out)


def two_one_sided_tests(
    estimate: float, *, se: float, df: float, low: float, high: float
) -> tuple[float, float, float]:
    """The 90 % interval of an estimate, and the p-value that it lies within `low` ... `high`.

    Args:
        estimate: On the scale on which it is t-distributed.
        se: Its standard error, above 0.
        df: Degrees of freedom of the standard error.
        low: Lower margin, on the same scale.
        high: Upper margin.

    >>> [round(x, 3) for x in two_one_sided_tests(0.0, se=0.1, df=10, low=-0.223, high=0.223)]
    [-0.181, 0.181, 0.025]
    """
    if not se > 0 or not low < high:
        raise ValueError(f"se = {se}, margin {low} ... {high}: se > 0 and low < high are needed")
    half = float(special.stdtrit(df, 0.95)) * se
    p_low = float(special.stdtr(df, -(estimate - low) / se))
    p_high = float(special.stdtr(df, -(high - estimate) / se))
    return estimate - half, estimate + half, max(p_low, p_high)


def _stated(
    name: str,
    ratio: float,
    test: tuple[float, float, float],
    *,
    bounds: tuple[float, float],
    n: int,
) -> Equivalence:
    low, high, p = math.exp(test[0]), math.exp(test[1]), test[2]
    equivalent = p < 0.05
    word = "within" if equivalent else "not shown to lie within"
    text = (
        f"{name}: ratio {ratio:.3g} (90 % CI {low:.3g} to {high:.3g}) is {word} "
        f"{bounds[0]:.3g} to {bounds[1]:.3g} of vehicle (TOST p = {p:.2g}, n = {n} batches)"
    )
    return Equivalence(name, ratio, low, high, p, bounds[0], bounds[1], equivalent, n, text)
