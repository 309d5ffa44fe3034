"""Size of the replicate tests and coverage of their intervals, by simulation.

    python bench/coverage_replicates.py --runs 10000 --seed 20260101

prints one line a scenario and writes `bench/results/coverage_replicates.csv`. It is no test:
the reduced version that runs with every change is `tests/laws/test_replicates_size.py`.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from lamella.potency.comparisons import batch_mean, compare_with_vehicle
from lamella.potency.equivalence import equivalence_to_vehicle
from lamella.potency.mixed import nested_model
from lamella.potency.permutation import permutation_test
from lamella.potency.plates import minimum_significant_ratio, plate_quality
from lamella.potency.result import Potency
from lamella.potency.selectivity import fieller_ratio, ratio_of_batches, ratio_of_potencies

Draw = Callable[[np.random.Generator], bool]
RESULTS = Path(__file__).parent / "results" / "coverage_replicates.csv"


def nested(rng, wells, *, icc, crossed):
    batches = wells.shape[0]
    batch, drug = (np.repeat(axis.ravel(), wells.ravel()) for axis in np.indices(wells.shape))
    value = rng.normal(0, icc**0.5, batches)[batch]
    value += rng.normal(0, crossed**0.5, wells.shape)[batch, drug]
    value += rng.normal(0, (1 - icc - crossed) ** 0.5, batch.size)
    return value, drug, batch


def two_treatments(wells, icc) -> Draw:
    def draw(rng):
        value, drug, batch = nested(rng, wells, icc=icc, crossed=icc / 3)
        return compare_with_vehicle(value, drug, batch=batch, vehicle="0").effects[0].p < 0.05

    return draw


def dunnett_family(wells) -> Draw:
    def draw(rng):
        value, drug, batch = nested(rng, wells, icc=0.2, crossed=0.1)
        out = compare_with_vehicle(value, drug, batch=batch, vehicle="0")
        return min(effect.p_adjusted for effect in out.effects) < 0.05

    return draw


def joint_f(wells) -> Draw:
    def draw(rng):
        value, drug, batch = nested(rng, wells, icc=0.3, crossed=0.1)
        return nested_model(value, drug, batch=batch, vehicle="0").p < 0.05

    return draw


def cells_as_n(rng) -> bool:
    value, drug, batch = nested(rng, np.full((3, 2), 50), icc=0.0, crossed=0.2)
    out = compare_with_vehicle(value, drug, batch=batch, vehicle="0", unit_of_analysis="cell")
    return out.effects[0].p < 0.05


def permuted(rng) -> bool:
    value, drug, batch = nested(rng, np.full((6, 2), 2), icc=0.2, crossed=0.1)
    return permutation_test(value, drug, batch=batch, vehicle="0").p <= 0.05


def at_the_margin(rng) -> bool:
    log = rng.normal(0, 0.06, (6, 2)) + np.array([0.0, math.log(0.8)])
    out = equivalence_to_vehicle(
        np.exp(log).ravel(), [0, 1] * 6, batch=np.repeat(np.arange(6), 2), vehicle="0"
    )
    return out[0].equivalent


def mean_of_batches(n) -> Draw:
    def draw(rng):
        mean = batch_mean(rng.normal(0, 0.15, n))
        return mean.low < 0 < mean.high

    return draw


def paired_ratio(rng) -> bool:
    day = rng.normal(0, 0.2, 3)
    ratio = ratio_of_batches(1 + day + rng.normal(0, 0.1, 3), day + rng.normal(0, 0.1, 3))
    return ratio.low < 10 < ratio.high


def profile_limits(rng) -> bool:
    found = []
    for centre, sd in ((1.0, 0.10), (0.0, 0.15)):
        x = rng.normal(centre, sd)
        found.append(Potency(10**x, 10 ** (x - 1.96 * sd), 10 ** (x + 1.96 * sd), "closed", ""))
    ratio = ratio_of_potencies(found[0], found[1])
    return ratio.low < 10 < ratio.high


def fieller(rng) -> bool:
    a, b = rng.normal(30, 2), rng.normal(60, 6)
    scale = rng.chisquare(20) / 20
    ratio = fieller_ratio(a, b, covariance=np.diag([4.0, 36.0]) * scale, df=20)
    return ratio.low < 0.5 < ratio.high


def z_prime(n, *, robust) -> Draw:
    truth = 1 - 3 * (6 + 3) / 80

    def draw(rng):
        quality = plate_quality(rng.normal(100, 6, n), rng.normal(20, 3, n))
        found = quality.robust_z_prime if robust else quality.z_prime
        return found.low < truth < found.high

    return draw


def msr(rng) -> bool:
    value = rng.normal(0, 0.12, (10, 2)).ravel()
    found = minimum_significant_ratio(value, np.repeat(np.arange(10), 2))
    return found.low < 10 ** (2 * math.sqrt(2) * 0.12) < found.high


def scenarios() -> Iterator[tuple[str, float, Draw]]:
    """Name, nominal share and one draw of each scenario."""
    for batches in (3, 4, 6):
        for icc in (0.0, 0.1, 0.3):
            equal = np.full((batches, 2), 3)
            unequal = np.random.default_rng(batches).integers(2, 6, (batches, 2))
            for name, wells in (("3 wells", equal), ("2 to 5 wells", unequal)):
                label = f"size, two treatments, {batches} batches, {name}, ICC {icc}"
                yield label, 0.05, two_treatments(wells, icc)
    missing = np.full((4, 4), 3)
    missing[0, 3] = 0
    yield "size, Dunnett family, 5 doses, 3 batches", 0.05, dunnett_family(np.full((3, 6), 2))
    yield "size, Dunnett family, a dose missing", 0.05, dunnett_family(missing)
    yield "size, joint F (Kenward-Roger), a dose missing", 0.05, joint_f(missing)
    yield "size, exact permutation, 6 pairs (at most)", 0.05, permuted
    yield "size, TOST at the margin, 6 batches", 0.05, at_the_margin
    yield "size, cells counted as n, 3 x 50, ICC 0.2 (wrong on purpose)", 0.05, cells_as_n
    for n in (3, 6):
        yield f"coverage, mean of {n} batches", 0.95, mean_of_batches(n)
    yield "coverage, paired IC50 ratio, 3 batches", 0.95, paired_ratio
    yield "coverage, IC50 ratio from two profiles", 0.95, profile_limits
    yield "coverage, Fieller, 20 df", 0.95, fieller
    for n in (4, 8, 16):
        yield f"coverage, Z', {n} wells each", 0.95, z_prime(n, robust=False)
        yield f"coverage, robust Z', {n} wells each", 0.95, z_prime(n, robust=True)
    yield "coverage, minimum significant ratio, 10 x 2 runs", 0.95, msr


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=20260101)
    wanted = parser.parse_args()
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("w", newline="") as handle:
        handle.write(
            f"# python bench/coverage_replicates.py --runs {wanted.runs} --seed {wanted.seed}\n"
        )
        table = csv.writer(handle)
        table.writerow(["scenario", "nominal", "found", "standard_error", "runs"])
        for place, (name, nominal, draw) in enumerate(scenarios()):
            rng = np.random.default_rng([wanted.seed, place])
            # Each plate draws 4,096 pairs of controls inside, so it gets fewer runs.
            runs = wanted.runs // 20 if "Z'" in name else wanted.runs
            found = sum(bool(draw(rng)) for _ in range(runs)) / runs
            error = math.sqrt(found * (1 - found) / runs)
            table.writerow([name, nominal, f"{found:.4f}", f"{error:.4f}", runs])
            handle.flush()
            sys.stdout.write(f"{found:.4f} +- {error:.4f}  {name}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
