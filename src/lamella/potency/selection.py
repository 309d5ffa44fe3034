"""Which curve family do the data prefer, and is a simpler one rejected?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import fdtrc

from lamella.errors import FitError
from lamella.potency.collapse import Collapsed
from lamella.potency.families import FAMILIES
from lamella.potency.family_fit import FamilyFit, fit_curves

__all__ = ["ExtraSS", "Ranking", "extra_sum_of_squares", "rank_families", "stimulates"]

_CLEARLY = 6.0
_LEVEL = 0.05
_HUMP = 0.2
# Families that hold a plateau at 1 are meant for normalised responses and never offered unasked.
_NOT_OFFERED = frozenset({"2pl", "3pl_top"})
# They describe too little of a curve to contradict one that has both plateaus.
_PARTIAL = frozenset({"flat", "log_linear"})


@dataclass(frozen=True, slots=True)
class ExtraSS:
    """Extra-sum-of-squares F test of a nested pair."""

    f: float
    df: tuple[int, int]
    p: float


@dataclass(frozen=True)
class Ranking:
    """The reported family beside all others.

    Attributes:
        runner_up: Best other family by AICc, None where the doses carry no other.
        better: A monotone family of another shape whose AICc is lower by 6 or more (evidence
            ratio 20).
        hormesis: A family with stimulation that is preferred to every monotone one.
        aicc: Criterion of each family by name.
    """

    runner_up: FamilyFit | None
    better: FamilyFit | None
    hormesis: FamilyFit | None
    aicc: dict[str, float]


def extra_sum_of_squares(small: FamilyFit, large: FamilyFit) -> ExtraSS:
    """Test of the small family within the large one on the same points.

    F = ((RSS1 - RSS0) / (df1 - df0)) / (RSS0 / df0).

    Raises:
        FitError: The families are not nested, or were fitted to different points.
    """
    if small.family.name not in large.family.contains or small.df <= large.df:
        raise FitError(
            f"'{small.family.name}' is not a special case of '{large.family.name}': the F test "
            "would mean nothing. Compare their AICc."
        )
    if small.data.points != large.data.points or small.rss < large.rss * (1 - 1e-9):
        raise FitError("the two fits are not of the same points, or the larger is not converged.")
    extra = small.df - large.df
    f = max(small.rss - large.rss, 0.0) / extra / (large.rss / large.df)
    return ExtraSS(f, (extra, large.df), float(fdtrc(extra, large.df, f)))


def rank_families(reported: Sequence[FamilyFit]) -> list[Ranking]:
    """Fit every other family that the doses of each curve can carry, and rank them by AICc."""
    fits = [{fit.family.name: fit} for fit in reported]
    for family in FAMILIES:
        if family.name in _NOT_OFFERED:
            continue
        able = [
            i
            for i, fit in enumerate(reported)
            if family.name not in fits[i] and _carries(fit.data, family.size)
        ]
        found = fit_curves(family, [reported[i].data for i in able], effort="quick")
        for i, fit in zip(able, found, strict=True):
            # An error: no solution of this family in spirit, for example two equal sites.
            if not isinstance(fit, FitError):
                fits[i][family.name] = fit
    return [_ranking(fit, others) for fit, others in zip(reported, fits, strict=True)]


def _ranking(reported: FamilyFit, fits: dict[str, FamilyFit]) -> Ranking:
    others = [fit for name, fit in fits.items() if name != reported.family.name]
    ranked = sorted((f for f in others if np.isfinite(f.aicc)), key=lambda f: f.aicc)
    simpler = _PARTIAL | set(reported.family.contains)
    other_shape = [f for f in ranked if f.family.monotone and f.family.name not in simpler]
    clearly = [f for f in other_shape if f.aicc <= reported.aicc - _CLEARLY]
    return Ranking(
        runner_up=ranked[0] if ranked else None,
        better=clearly[0] if clearly else None,
        hormesis=_hormesis(ranked, fits),
        aicc={name: fit.aicc for name, fit in fits.items()},
    )


def stimulates(fit: FamilyFit) -> bool:
    """The curve first moves away from its end by a fifth of its whole range or more."""
    x = np.linspace(*fit.data.x_range, 200)
    value = np.append(fit.value(np.array([-np.inf])), fit.value(x))
    falling = value[-1] < value[0]
    hump = value.max() - value[0] if falling else value[0] - value.min()
    return bool(hump >= _HUMP * np.ptp(value))


def _carries(data: Collapsed, size: int) -> bool:
    return size < data.x.size and size + 2 < data.points


def _hormesis(ranked: list[FamilyFit], fits: dict[str, FamilyFit]) -> FamilyFit | None:
    whole = [f for f in fits.values() if f.family.monotone and f.family.name not in _PARTIAL]
    best_monotone = min((f.aicc for f in whole), default=float("inf"))
    for fit in ranked:
        if fit.family.monotone or fit.aicc >= best_monotone:
            continue
        within = [fits[name] for name in fit.family.contains if name in fits and name != "flat"]
        tests = [extra_sum_of_squares(f, fit).p for f in within if _testable(f, fit)]
        if tests and max(tests) < _LEVEL and stimulates(fit):
            return fit
    return None


def _testable(small: FamilyFit, large: FamilyFit) -> bool:
    return small.family.monotone and small.df > large.df and small.rss >= large.rss * (1 - 1e-9)
