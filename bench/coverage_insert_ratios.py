"""How often do the intervals of insert densities and ratios hold the truth?

Run: `python bench/coverage_insert_ratios.py [--runs 4000] [--seed 1]`; the answer is committed as
`bench/results/coverage_insert_ratios.json`.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lamella.potency.insert_ratios import (
    Arm,
    batch_index,
    batch_ratio,
    pooled_dispersion,
    ratio_over_batches,
)
from lamella.potency.inserts import sampled_density
from lamella.potency.selectivity import fieller_ratio

F8 = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """A study of inserts: cells of the vehicle, what is left, and how everything scatters."""

    cells: float = 100.0
    ratio: float = 0.5
    inserts: int = 2
    batches: int = 3
    insert_cv: float = 0.14
    day: float = 0.20
    treatment_by_day: float = 0.10
    arms: int = 7


CASES = {
    "as the demonstration": Truth(),
    "nearly nothing left": Truth(ratio=0.05),
    "few cells": Truth(cells=15.0),
    "five batches": Truth(batches=5),
    "two batches": Truth(batches=2),
    "days differ much": Truth(day=0.5),
    "poisson inserts": Truth(insert_cv=0.0),
}


def counts(rng: np.random.Generator, mean: float, cv: float, size: int) -> F8:
    level = rng.gamma(1 / cv**2, cv**2, size) if cv > 0 else np.ones(size)
    return rng.poisson(mean * level).astype(np.float64)


def run(truth: Truth, rng: np.random.Generator) -> dict[str, list[bool | None]]:
    """Whether each interval of one simulated study holds its truth; None: no closed interval."""

    def arm(mean: float) -> Arm:
        return Arm(counts(rng, mean, truth.insert_cv, truth.inserts), np.ones(truth.inserts))

    every: list[Arm] = []
    four: list[tuple[Arm, Arm, Arm, Arm]] = []
    left: list[float] = []
    for _ in range(truth.batches):
        day = truth.cells * float(np.exp(truth.day * rng.standard_normal()))
        mine = truth.ratio * float(np.exp(truth.treatment_by_day * rng.standard_normal()))
        left.append(mine)
        # Coated and uncoated test, then coated and uncoated vehicle: half gets through the coat.
        means = (0.5 * day * mine, day, 0.5 * day, day)
        group = tuple(arm(mean) for mean in means)
        four.append(group)  # type: ignore[arg-type]
        every += [*group, *(arm(0.7 * day) for _ in range(truth.arms - 4))]
    scatter = pooled_dispersion(every)
    held: dict[str, list[bool | None]] = {"ratio": [], "index": [], "over": [], "fieller": []}
    for (a, b, c, d), mine in zip(four, left, strict=True):
        held["ratio"].append(_holds(batch_ratio(a, c, dispersion=scatter), mine))
        held["index"].append(_holds(batch_index((a, b, c, d), dispersion=scatter), mine))
    above = [a.density for a, _, _, _ in four]
    below = [c.density for _, _, c, _ in four]
    held["over"].append(_holds(ratio_over_batches(above, below), truth.ratio))
    # What was not chosen: Fieller's interval of the means over batches.
    covariance = np.cov(np.stack([above, below])) / truth.batches
    rival = fieller_ratio(
        float(np.mean(above)),
        float(np.mean(below)),
        covariance=covariance,
        df=truth.batches - 1,
    )
    held["fieller"].append(_holds(rival, truth.ratio))
    return held


def density(rng: np.random.Generator, fields: int, mean: float, cv: float) -> bool:
    """Whether the interval of a membrane of 40 fields, some of them counted, holds its mean."""
    whole = counts(rng, mean, cv, 40)
    seen = rng.choice(whole, fields, replace=False)
    found = sampled_density(seen, np.ones(fields), membrane_area=40.0)
    assert found.low is not None
    assert found.high is not None
    return found.low <= whole.mean() <= found.high


def coverage(runs: int, seed: int) -> dict[str, dict[str, float]]:
    told: dict[str, dict[str, float]] = {}
    for number, (name, truth) in enumerate(CASES.items()):
        rng = np.random.default_rng([seed, number])
        every: dict[str, list[bool | None]] = {
            kind: [] for kind in ("ratio", "index", "over", "fieller")
        }
        for _ in range(runs):
            for kind, held in run(truth, rng).items():
                every[kind] += held
        told[name] = {kind: _percent(held) for kind, held in every.items()}
        for kind in ("over", "fieller"):
            told[name][f"{kind}, open"] = 100 * float(np.mean([h is None for h in every[kind]]))
    for fields, mean in ((5, 40.0), (5, 4.0), (3, 40.0)):
        rng = np.random.default_rng([seed, 99, fields, int(mean)])
        held = [density(rng, fields, mean, 0.3) for _ in range(runs)]
        told[f"density of {fields} fields, {mean:g} cells each"] = {"density": _percent(held)}
    return told


def _holds(found: object, truth: float) -> bool | None:
    low, high = found.low, found.high  # type: ignore[attr-defined]
    return None if low is None or high is None else low <= truth <= high


def _percent(held: list[bool | None]) -> float:
    closed = [one for one in held if one is not None]
    return round(100 * float(np.mean(closed)), 1) if closed else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=None)
    args = parser.parse_args()
    told = coverage(args.runs, args.seed)
    text = json.dumps({"runs": args.runs, "seed": args.seed, "percent": told}, indent=1)
    print(text)
    if args.out is not None:
        args.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
