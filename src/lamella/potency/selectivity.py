"""Does a compound slow migration at doses that leave the cells alive?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from lamella.errors import MeasurementError
from lamella.potency.comparisons import TECHNICAL_ONLY
from lamella.potency.equivalence import Equivalence
from lamella.potency.groups import Labels, Numbers, codes, numbers
from lamella.potency.result import Potency

__all__ = [
    "Ratio",
    "Selectivity",
    "SelectivityClaim",
    "fieller_ratio",
    "ratio_of_batches",
    "ratio_of_potencies",
    "selectivity",
]

SelectivityClaim = Literal["anti_migratory", "toxic_at_lower_dose", "not_separable"]


@dataclass(frozen=True, slots=True)
class Ratio:
    """Viability IC50 over migration IC50 in the same cells: above 1 is selective.

    Attributes:
        value: None where one of the two is a bound only.
        low: Lower 95 % limit, None where open.
        high: Upper 95 % limit, None where open.
        n: Batches, or None for two single curves.
        method: How the interval was found.
        text: The sentence that may be printed.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int | None
    method: str
    text: str


@dataclass(frozen=True, slots=True)
class Selectivity:
    """What may be claimed, on what basis, and the message to print beside the IC50.

    Attributes:
        claim: `anti_migratory` only if the ratio's interval lies above 1, or viability is
            equivalent to vehicle at the migration IC50.
        basis: `ratio`, `equivalence`, or empty where nothing is shown.
        ratio: As it came in.
        message: One or two sentences.
    """

    claim: SelectivityClaim
    basis: Literal["ratio", "equivalence", ""]
    ratio: Ratio | None
    message: str


def selectivity(
    ratio: Ratio | None = None, *, viability_at_ic50: Equivalence | None = None
) -> Selectivity:
    """Whether an inhibition of migration may be called anti-migratory.

    Args:
        ratio: From `ratio_of_batches` or `ratio_of_potencies`; None where viability has no
            IC50 and no bound.
        viability_at_ic50: TOST of viability at the migration IC50 (or the nearest tested dose
            above it), from `equivalence_to_vehicle`.

    >>> selective = ratio_of_batches([1.0, 1.2, 1.1], [0.0, 0.1, -0.1])
    >>> selectivity(selective).claim
    'anti_migratory'
    >>> selectivity(ratio_of_batches([0.1, 0.3], [0.0, 0.1])).claim
    'not_separable'
    """
    if ratio is not None and ratio.low is not None and ratio.low > 1:
        message = f"Anti-migratory: {ratio.text}; the interval lies above 1."
        return Selectivity("anti_migratory", "ratio", ratio, message)
    if ratio is not None and ratio.high is not None and ratio.high < 1:
        message = (
            f"{ratio.text}: viability falls at lower doses than migration, so the migration IC50 "
            "reflects lost or arrested cells. It is not evidence of an anti-migratory effect."
        )
        return Selectivity("toxic_at_lower_dose", "ratio", ratio, message)
    if viability_at_ic50 is not None and viability_at_ic50.equivalent:
        message = (
            f"Anti-migratory: viability is unaffected at that dose ({viability_at_ic50.text})."
        )
        return Selectivity("anti_migratory", "equivalence", ratio, message)
    seen = [one.text for one in (ratio, viability_at_ic50) if one is not None]
    shown = "; ".join(seen) if seen else "no viability of the same cells was given"
    message = (
        f"Not separable from an effect on cell number: {shown}. Measure viability of the same "
        "cells over the same doses and batches (or add a proliferation control) before the "
        "effect is called anti-migratory."
    )
    return Selectivity("not_separable", "", ratio, message)


def ratio_of_batches(
    log10_viability: Numbers,
    log10_migration: Numbers,
    *,
    viability_batch: Labels | None = None,
    migration_batch: Labels | None = None,
    viability_is_bound: Labels | None = None,
) -> Ratio:
    """Ratio of IC50s from one log10 IC50 a batch, with t-interval on the log ratio.

    Batches measured in both assays are paired. Without shared batches the two means are
    compared with Welch's degrees of freedom.

    Args:
        log10_viability: log10 of the viability IC50, shape (n,), same dose unit as migration.
        log10_migration: log10 of the migration IC50, shape (m,).
        viability_batch: Names, shape (n,); None: both are in the same order of batches.
        migration_batch: Names, shape (m,).
        viability_is_bound: True where the viability IC50 was not reached and the value is the
            highest dose: the ratio then has a lower limit only. Shape (n,).

    Raises:
        MeasurementError: A value is missing: an unreached IC50 must come in as a bound.

    >>> ratio_of_batches([1.0, 1.2, 1.1], [0.0, 0.1, -0.1]).text
    'viability / migration IC50 = 12.6 (95 % CI 7.11 to 22.3), n = 3 batches'
    """
    viability, migration = numbers(log10_viability), numbers(log10_migration)
    if not (np.isfinite(viability).all() and np.isfinite(migration).all()):
        raise MeasurementError(
            "an IC50 is missing in one batch. Enter the highest dose as a bound "
            "(viability_is_bound) where it was not reached; a batch is never dropped silently."
        )
    bound = np.zeros(viability.size, dtype=bool)
    if viability_is_bound is not None:
        bound = np.array([bool(one) for one in viability_is_bound])
    pairs = _pairs(viability.size, migration.size, viability_batch, migration_batch)
    if pairs is not None:
        difference = viability[pairs[0]] - migration[pairs[1]]
        estimate, se, df = _mean_se(difference)
        n, method = difference.size, "t-interval on paired log ratios"
        left = viability.size + migration.size - 2 * n
        method += f"; {left} batches with one of the two assays left out" if left else ""
        at_least = bool(bound[pairs[0]].any())
    else:
        estimate, se, df = _welch(viability, migration)
        n, method = min(viability.size, migration.size), "Welch t-interval on the log ratio"
        at_least = bool(bound.any())
    if se is None:
        value = 10**estimate
        text = f"viability / migration IC50 {'> ' if at_least else '= '}{value:.3g}, "
        return Ratio(None if at_least else value, None, None, n, method, text + TECHNICAL_ONLY)
    half = float(special.stdtrit(df, 0.975)) * se
    low, high = estimate - half, None if at_least else estimate + half
    return _ratio(None if at_least else estimate, low, high, n, method)


def ratio_of_potencies(viability: Potency, migration: Potency) -> Ratio:
    """Ratio of two single IC50s from their own intervals, however skewed or open.

    The limits add squared distances on the log scale, each on its own side (MOVER), so an
    end that a profile leaves open stays open. A viability IC50 that is not reached enters
    with its lower limit alone, which makes the lower limit of the ratio conservative.

    Args:
        viability: Potency in the viability assay, same dose unit as migration.
        migration: Potency in the migration assay; needs a value.

    References:
        Zou and Donner 2008, Stat Med 27:1693.

    >>> dead = Potency(10.0, 5.0, 20.0, "closed", "")
    >>> slow = Potency(1.0, 0.5, 2.0, "closed", "")
    >>> ratio_of_potencies(dead, slow).text
    'viability / migration IC50 = 10 (95 % CI 3.75 to 26.7)'
    """
    method = "limits of the two profile intervals combined on the log scale"
    if migration.value is None:
        text = f"no ratio, because migration has no IC50 ({migration.text or migration.verdict})"
        return Ratio(None, None, None, None, method, text)
    if viability.value is None:
        if viability.low is None or migration.high is None:
            text = (
                f"no ratio, because viability has no IC50 ({viability.text or viability.verdict})"
            )
            return Ratio(None, None, None, None, method, text)
        low = math.log10(viability.low) - math.log10(migration.high)
        return _ratio(None, low, None, None, "lower viability limit over upper migration limit")
    centre = math.log10(viability.value) - math.log10(migration.value)
    down = _side(viability.value, viability.low, migration.value, migration.high)
    up = _side(viability.value, viability.high, migration.value, migration.low)
    return _ratio(
        centre,
        None if down is None else centre - down,
        None if up is None else centre + up,
        None,
        method,
    )


def fieller_ratio(
    numerator: float,
    denominator: float,
    *,
    covariance: NDArray[np.float64],
    df: float = math.inf,
    confidence: float = 0.95,
) -> Ratio:
    """Ratio of two estimates with Fieller's interval; open where the denominator may be zero.

    Args:
        numerator: Any unit.
        denominator: The same unit.
        covariance: Of (numerator, denominator), shape (2, 2), squared unit.
        df: Degrees of freedom of the covariance.
        confidence: Of the interval.

    References:
        Fieller 1954, J R Stat Soc B 16:175.

    >>> known = np.diag([1.0, 1.0])
    >>> ratio = fieller_ratio(20.0, 10.0, covariance=known)
    >>> round(ratio.low, 3), round(ratio.high, 3)
    (1.626, 2.534)
    """
    t = float(
        special.stdtrit(df, (1 + confidence) / 2)
        if math.isfinite(df)
        else -special.ndtri((1 - confidence) / 2)
    )
    a, b, c = float(covariance[0, 0]), float(covariance[0, 1]), float(covariance[1, 1])
    g = t * t * c / denominator**2
    value = numerator / denominator
    method = f"Fieller, {100 * confidence:g} %"
    if g >= 1:
        text = f"ratio {value:.3g}, interval open: the denominator may be zero"
        return Ratio(value, None, None, None, method, text)
    shared = b / c if c > 0 else 0.0  # a denominator without scatter shares none
    centre = value - g * shared
    inside = a - 2 * value * b + value**2 * c - g * (a - b * shared)
    half = t / abs(denominator) * math.sqrt(max(inside, 0.0))
    low, high = (centre - half) / (1 - g), (centre + half) / (1 - g)
    text = f"ratio {value:.3g} ({100 * confidence:g} % CI {low:.3g} to {high:.3g})"
    return Ratio(value, low, high, None, method, text)


def _pairs(
    n: int, m: int, first: Labels | None, second: Labels | None
) -> tuple[list[int], list[int]] | None:
    if (first is None) != (second is None):
        raise ValueError("name the batches of both assays, or of neither")
    if first is None or second is None:
        if n != m:
            raise MeasurementError(
                f"{n} batches of viability and {m} of migration: name the batches of both."
            )
        return list(range(n)), list(range(m))
    names_a, _ = codes(first, n)
    names_b, _ = codes(second, m)
    if len(names_a) < n or len(names_b) < m:
        raise MeasurementError("a batch stands twice: give one IC50 for each batch and assay.")
    place = {name: row for row, name in enumerate(names_b)}
    shared = [name for name in names_a if name in place]
    # A few unpaired batches beside pairs would need a model; the pairs alone are unbiased.
    if len(shared) < 2:
        return None
    return [names_a.index(name) for name in shared], [place[name] for name in shared]


def _mean_se(difference: NDArray[np.float64]) -> tuple[float, float | None, float]:
    if difference.size < 2:
        return float(np.mean(difference)), None, 0.0
    se = float(np.std(difference, ddof=1)) / math.sqrt(difference.size)
    return float(np.mean(difference)), se, difference.size - 1.0


def _welch(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float | None, float]:
    estimate = float(np.mean(a) - np.mean(b))
    if min(a.size, b.size) < 2:
        return estimate, None, 0.0
    va, vb = float(np.var(a, ddof=1)) / a.size, float(np.var(b, ddof=1)) / b.size
    df = (va + vb) ** 2 / (va**2 / (a.size - 1) + vb**2 / (b.size - 1)) if va + vb else 1.0
    return estimate, math.sqrt(va + vb), df


def _side(a: float, a_end: float | None, b: float, b_end: float | None) -> float | None:
    if a_end is None or b_end is None:
        return None
    return math.hypot(math.log10(a / a_end), math.log10(b / b_end))


def _ratio(
    centre: float | None, low: float | None, high: float | None, n: int | None, method: str
) -> Ratio:
    def dose(log10: float | None) -> float | None:
        return None if log10 is None else 10**log10

    counted = f", n = {n} batches" if n is not None else ""
    if centre is None:
        text = f"viability / migration IC50 > {_word(low)} (95 % lower limit){counted}"
    else:
        ends = f"{_word(low)} to {_word(high)}"
        text = f"viability / migration IC50 = {10**centre:.3g} (95 % CI {ends}){counted}"
    return Ratio(dose(centre), dose(low), dose(high), n, method, text)


def _word(log10: float | None) -> str:
    return "open" if log10 is None else f"{10**log10:.3g}"
