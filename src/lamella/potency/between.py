"""What is the IC50 over independent experiments, when some of them never reached it?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, log_ndtr, stdtrit

from lamella.potency import wording
from lamella.potency.result import BetweenBatches, CurveResult, Potency, Verdict

__all__ = ["Censored", "CensoredMean", "between_batches", "censored_mean"]

F8 = NDArray[np.float64]

_Heights = Callable[[F8], F8]
_REACH = 4.0  # decades beyond the batches: an interval that goes farther is open, as in a profile
_LEVEL = 0.05
_LOG_SD = (-9.0, 4.0)  # natural logarithm of the SD of log10 IC50 that is searched


@dataclass(frozen=True, slots=True)
class Censored:
    """log10 IC50 of one batch: a number, or a bound (`above`: larger than it)."""

    value: float
    kind: Literal["exact", "above", "below"] = "exact"


@dataclass(frozen=True, slots=True)
class CensoredMean:
    """Mean of the log10 IC50 and its 95 % interval; None where the batches leave it open."""

    mean: float | None
    low: float | None
    high: float | None


def between_batches(
    curves: Sequence[CurveResult], *, unit: str, kind: Literal["relative", "absolute"]
) -> BetweenBatches | None:
    """Mean log10 IC50 over batches: the number of batches is n.

    Every batch counts once. A batch that does not reach its IC50 enters as "above its top
    dose" (or above its lower limit), one below the tested range as "below its lowest dose";
    none is dropped and none gets the top dose for a value. A batch whose curve says nothing
    (lack of fit, reversal, too few doses) is named in the text. Where the interval reaches
    more than four decades beyond the batches, they agree too little for a number.

    Args:
        curves: One result a batch of the same curve.
        unit: Dose unit of the results.
        kind: Which IC50.
    """
    if not curves:
        return None
    if len(curves) == 1:
        text = "one batch: technical replicates only, no estimate between experiments"
        return BetweenBatches(1, None, None, None, "none", text, "insufficient_design")
    potencies = [c.absolute_ic50 if kind == "absolute" else c.relative_ic50 for c in curves]
    nothing = _no_effect(curves, potencies)
    if nothing is not None:
        return nothing
    entries = [_entry(potency) for potency in potencies]
    usable = [entry for entry in entries if entry is not None]
    silent = [c.batch for c, entry in zip(curves, entries, strict=True) if entry is None]
    note = f"; batches without a usable curve: {', '.join(map(str, silent))}" if silent else ""
    n = len(usable)
    bounds = sum(entry.kind != "exact" for entry in usable)
    if n < 2:
        text = f"{n} of {len(curves)} batches carry an IC50{note}"
        return BetweenBatches(n, None, None, None, "none", text, "insufficient_design")
    found = censored_mean(usable)
    return _stated(
        found, usable, unit=unit, note=(f", {bounds} of them bounds" * (bounds > 0)) + note
    )


def censored_mean(entries: Sequence[Censored]) -> CensoredMean:
    """Normal mean of values of which some are only bounds, with a profile-likelihood interval.

    The cut of the profile is n log(1 + t^2 / (n - 1)) with t at n - 1 degrees of freedom: with
    exact values alone this is the t-interval. Needs two exact values; else there is no mean,
    and an end is open where the likelihood never falls below the cut.

    References:
        Tobin 1958, Econometrica 26:24.

    >>> m = censored_mean([Censored(1.0), Censored(2.0), Censored(3.0)])
    >>> round(m.mean, 6), round(m.low, 3), round(m.high, 3)
    (2.0, -0.484, 4.484)
    """
    exact = np.array([e.value for e in entries if e.kind == "exact"])
    n = len(entries)
    if exact.size < 2 or (np.ptp(exact) == 0 and exact.size < n):
        return CensoredMean(None, None, None)
    t = float(stdtrit(n - 1, 0.975))
    if exact.size == n:
        mean, half = float(exact.mean()), t * float(exact.std(ddof=1)) / n**0.5
        return CensoredMean(mean, mean - half, mean + half)
    above = np.array([e.value for e in entries if e.kind == "above"])
    below = np.array([e.value for e in entries if e.kind == "below"])

    def profile(means: F8) -> F8:
        return _golden(lambda sd: _likelihood(means, np.exp(sd), exact, (above, below)), means.size)

    every = np.array([e.value for e in entries])
    width = max(float(np.ptp(every)), 0.1)
    grid = np.linspace(every.min() - 12 * width, every.max() + 12 * width, 161)
    best = int(np.argmax(profile(grid)))
    top = _peak(profile, grid[[max(best - 1, 0)]], grid[[min(best + 1, 160)]])
    cut = profile(top) - 0.5 * n * float(np.log1p(t**2 / (n - 1)))
    low, high = _crossings(profile, cut, top, grid[[0, -1]])
    return CensoredMean(float(top[0]), low, high)


def _no_effect(
    curves: Sequence[CurveResult], potencies: Sequence[Potency]
) -> BetweenBatches | None:
    """The result of batches without effect: bounds alone would say "not reached".

    With three batches of a compound that does nothing, one of them shows an effect at 5 % in
    one study of seven. All batches together decide: Fisher's sum of the logarithms of their p
    (Fisher 1932, Statistical Methods for Research Workers, 21.1).
    """
    n = len(curves)
    if all(potency.verdict == "no_effect" for potency in potencies):
        text = f"no IC50: no effect of dose in any of n = {n} batches"
        return BetweenBatches(n, None, None, None, "every batch without effect", text, "no_effect")
    known = [curve.effect_p for curve in curves if curve.effect_p is not None]
    if len(known) < n:
        return None
    p = float(chdtrc(2 * n, -2.0 * float(np.log(known).sum())))
    if p < _LEVEL:
        return None
    text = f"no IC50: no effect of dose over n = {n} batches together (p = {p:.2g})"
    return BetweenBatches(n, None, None, None, "Fisher's combined p of batches", text, "no_effect")


def _entry(potency: Potency) -> Censored | None:
    if potency.value is not None:
        return Censored(float(np.log10(potency.value)))
    if potency.bound is None:
        return None
    side: Literal["above", "below"] = "below" if potency.verdict == "below_range" else "above"
    return Censored(float(np.log10(potency.bound)), side)


def _stated(
    found: CensoredMean, usable: Sequence[Censored], *, unit: str, note: str
) -> BetweenBatches:
    n = len(usable)
    exact = all(entry.kind == "exact" for entry in usable)
    method = "mean log10 IC50 of batches, " + (
        "t-interval with n - 1 degrees of freedom"
        if exact
        else "bounds as censored values, profile interval on the t-scale"
    )
    places = [entry.value for entry in usable]
    if _reaches_out(found, places):
        doses = (10.0 ** min(places), 10.0 ** max(places))
        told = " and ".join(wording.dose_text(dose, unit) for dose in doses)
        text = f"no mean: n = {n} batches between {told} agree too little; add batches{note}"
        return BetweenBatches(n, None, None, None, method, text, "insufficient_design")
    value, low, high = (
        None if v is None else float(10.0**v) for v in (found.mean, found.low, found.high)
    )
    if value is not None and high is not None and low is not None:
        text = f"{wording.number(value, low, high, unit)}, n = {n} batches{note}"
        verdict: Verdict = "closed" if exact else "closed_but_extrapolated"
        return BetweenBatches(n, value, low, high, method, text, verdict)
    kinds = [entry.kind for entry in usable]
    if kinds.count("below") > kinds.count("above"):
        top = 10.0 ** max(e.value for e in usable)
        text = f"{wording.below(top, high, unit)}, n = {n} batches{note}"
        return BetweenBatches(n, None, None, high, method, text, "below_range")
    bottom = 10.0 ** min(e.value for e in usable)
    text = f"no mean: {kinds.count('above')} of {n} batches did not reach the IC50, all are above "
    text += f"{wording.dose_text(bottom, unit)}{note}"
    return BetweenBatches(n, None, low, None, method, text, "not_reached")


def _reaches_out(found: CensoredMean, places: Sequence[float]) -> bool:
    if found.low is None or found.high is None:
        return False
    return found.low < min(places) - _REACH or found.high > max(places) + _REACH


def _likelihood(mean: F8, sd: F8, exact: F8, bounds: tuple[F8, F8]) -> F8:
    """Log likelihood of each mean (M,) at SDs of shape (..., M)."""
    above, below = bounds
    at, wide = mean[:, None], sd[..., None]
    inside = -exact.size * np.log(sd) - 0.5 * (((exact - at) / wide) ** 2).sum(axis=-1)
    tails = [log_ndtr(away / wide).sum(axis=-1) for away in (at - above, below - at) if away.size]
    return np.asarray(inside + sum(tails), np.float64)


def _golden(function: _Heights, count: int) -> F8:
    """Largest value of each of so many functions over the searched logarithms of the SD."""
    grid = np.linspace(*_LOG_SD, 40)
    best = function(np.broadcast_to(grid[:, None], (40, count))).argmax(axis=0)
    return function(_peak(function, grid[np.maximum(best - 1, 0)], grid[np.minimum(best + 1, 39)]))


def _peak(function: _Heights, a: F8, b: F8) -> F8:
    """Where each function is largest between `a` and `b`, all shapes (M,)."""
    ratio = 0.5 * (5**0.5 - 1)
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    f_c, f_d = function(c), function(d)
    for _ in range(40):
        left = f_c > f_d
        a, b = np.where(left, a, c), np.where(left, d, b)
        new = np.where(left, b - ratio * (b - a), a + ratio * (b - a))
        f_new = function(new)
        c, d = np.where(left, new, d), np.where(left, c, new)
        f_c, f_d = np.where(left, f_new, f_d), np.where(left, f_c, f_new)
    return np.asarray(0.5 * (a + b), np.float64)


def _crossings(profile: _Heights, cut: F8, mean: F8, far: F8) -> list[float | None]:
    """Where the profile falls through the cut on the way from the mean to each far end."""
    crosses = profile(far) <= cut
    near = np.repeat(mean, far.size)
    for _ in range(50):
        middle = 0.5 * (near + far)
        above = profile(middle) > cut
        near, far = np.where(above, middle, near), np.where(above, far, middle)
    found = (0.5 * (near + far)).tolist()
    return [place if there else None for place, there in zip(found, crosses, strict=True)]
