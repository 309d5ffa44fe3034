"""How often do the intervals hold the truth, and how often do curves reach the optimum? Long runs.

Writes `bench/results/potency.json` and `.md`. Run: `python bench/coverage_potency.py`.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from pathlib import Path

import numpy as np
from scipy.special import stdtrit

from bench_potency import best_of_21_starts, simulated
from lamella.potency import fit_many, profile_many
from lamella.potency.any_effect import any_effect_batch

RUNS = 20_000
SEED = 20_261_122
RESULTS = Path(__file__).parent / "results"


def coverage(rng, *, ec50, slope=1.0, bottom=0.0, sd=0.05, doses=8, replicates=3):
    """Share of profile intervals that hold the true log10 EC50, and of those open above."""
    dose = np.repeat(10.0 ** np.linspace(0, 4, doses), replicates)
    clean = bottom + (1 - bottom) / (1 + (dose / ec50) ** slope)
    response = clean + rng.normal(0, sd, (RUNS, dose.size))
    ends = profile_many(dose, response, fit_many(dose, response))
    truth = np.log10(ec50)
    held = (ends.low <= truth) & (truth <= ends.high)
    return {
        "coverage": round(float(held.mean()), 4),
        "open_above": round(float(np.isinf(ends.high).mean()), 4),
    }


def between(rng, *, batches, wells, between_sd=0.15, runs=RUNS):
    """Coverage of the t-interval of per-batch log IC50 for the population log IC50."""
    dose = np.repeat(10.0 ** np.linspace(0, 4, 8), wells)
    truth = 2.0
    centre = truth + rng.normal(0, between_sd, (runs * batches, 1))
    clean = 1 / (1 + 10 ** (np.log10(dose) - centre))
    response = clean + rng.normal(0, 0.05, (runs * batches, dose.size))
    logs = fit_many(dose, response).log10_ec50.reshape(runs, batches)
    half = stdtrit(batches - 1, 0.975) * logs.std(axis=1, ddof=1) / np.sqrt(batches)
    return round(float((np.abs(logs.mean(axis=1) - truth) <= half).mean()), 4)


def size(rng, *, doses, replicates, runs=RUNS):
    """Share of flat data sets in which the any-effect test sees an effect at 5 %."""
    y = rng.normal(0, 1, (runs, doses, replicates))
    means = y.mean(axis=2)
    pure = ((y - means[:, :, None]) ** 2).sum(axis=(1, 2))
    n = doses * replicates
    x = np.linspace(0, 4, doses)
    w = np.full(doses, float(replicates))
    _, p = any_effect_batch(means, pure, x=x, w=w, df_pure=n - doses, df=n - 4)
    return round(float((p < 0.05).mean()), 4)


def speed(engine, curves):
    """Fits and profile intervals a second of CPU time, warm."""
    dose, response = simulated(curves)
    fit_many(dose, response[:8], engine=engine)
    profile_many(dose, response[:8], fit_many(dose, response[:8], engine=engine), engine=engine)
    start = time.process_time()
    fits = fit_many(dose, response, engine=engine)
    middle = time.process_time()
    profile_many(dose, response, fits, engine=engine)
    end = time.process_time()
    return {
        "curves": curves,
        "fits_per_s": round(curves / (middle - start)),
        "profiles_per_s": round(curves / (end - middle)),
        "seconds_for_both": round(end - start, 1),
    }


def optimum(rng):
    """Share of 1,000 curves whose RSS is within 1e-6 of the best of 21 MINPACK starts."""
    dose, response = simulated(1_000)
    reference = np.array([best_of_21_starts(dose, row) for row in response])
    return {
        engine: float(
            np.mean(fit_many(dose, response, engine=engine).rss <= reference * (1 + 1e-6))
        )
        for engine in ("numpy", "numba")
    }


def profiles(rng):
    """Coverage in the scenarios of the published comparison, and at the edge of the doses."""
    return {
        "bracketed": coverage(rng, ec50=100.0),
        "one replicate": coverage(rng, ec50=100.0, replicates=1),
        "noisy, SD 0.12": coverage(rng, ec50=100.0, sd=0.12),
        "steep, slope 4": coverage(rng, ec50=100.0, slope=4.0),
        "shallow, slope 0.5": coverage(rng, ec50=100.0, slope=0.5),
        "5 doses": coverage(rng, ec50=100.0, doses=5),
        "EC50 one dose below the top": coverage(rng, ec50=10**3.43),
        "EC50 at the top dose, slope 1": coverage(rng, ec50=1e4),
        "EC50 at the top dose, slope 1.2, lower plateau 0.1": coverage(
            rng, ec50=1e4, slope=1.2, bottom=0.1
        ),
        "EC50 three times the top dose": coverage(rng, ec50=3e4),
    }


def batches(rng):
    """Coverage of the interval between batches."""
    return {
        f"{n} batches x {w} wells": between(rng, batches=n, wells=w)
        for n, w in ((3, 3), (4, 3), (6, 3), (3, 8))
    }


def sizes(rng):
    """Size of the any-effect test."""
    return {
        f"{d}x{r}": size(rng, doses=d, replicates=r) for d, r in ((8, 1), (8, 3), (10, 3), (11, 1))
    }


def speeds(rng):
    """Both engines, warm."""
    return {"numba": speed("numba", 100_000), "numpy": speed("numpy", 20_000)}


PARTS = {
    "within_1e-6_of_21_starts": optimum,
    "profile_interval": profiles,
    "between_batches": batches,
    "any_effect_size": sizes,
    "speed": speeds,
}


def main(parts):
    """Run the parts that are named (all without a name) and join them to the earlier results."""
    RESULTS.mkdir(exist_ok=True)
    page = RESULTS / "potency.json"
    found = json.loads(page.read_text()) if page.exists() else {}
    found |= {
        "command": "OMP_NUM_THREADS=1 python bench/coverage_potency.py [part ...]",
        "seed": SEED,
        "runs": RUNS,
        "machine": f"{platform.machine()}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}; CPU seconds of one process",
    }
    for name in parts or PARTS:
        found[name] = PARTS[name](np.random.default_rng(SEED))
        page.write_text(json.dumps(found, indent=1) + "\n")
        (RESULTS / "potency.md").write_text(_page(found))


def _page(found):
    lines = [
        "# Potency: coverage, size, optimum and speed",
        "",
        f"`{found['command']}`, seed {found['seed']}, {found['runs']:,} runs a line. "
        f"{found['machine']}.",
        "",
        "| what | value |",
        "|---|---|",
    ]
    for name, share in found.get("within_1e-6_of_21_starts", {}).items():
        lines.append(f"| 1,000 curves within 1e-6 of the best of 21 starts, {name} | {share:.4f} |")
    for name, row in found.get("profile_interval", {}).items():
        text = f"{row['coverage']:.4f} (open above {row['open_above']:.4f})"
        lines.append(f"| profile interval covers, {name} | {text} |")
    for name, share in found.get("between_batches", {}).items():
        lines.append(f"| interval between batches covers, {name} | {share:.4f} |")
    for name, share in found.get("any_effect_size", {}).items():
        lines.append(f"| any-effect test at 5 % on flat data, {name} | {share:.4f} |")
    for name, row in found.get("speed", {}).items():
        text = f"{row['fits_per_s']:,} fits, {row['profiles_per_s']:,} profile intervals"
        both = f"{row['curves']:,} curves with both: {row['seconds_for_both']} s"
        lines.append(f"| a second, 8 doses x 3, {name} | {text}; {both} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
