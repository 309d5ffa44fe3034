"""How fast are networks simulated and profiled, beside libroadrunner, and do intervals cover?

    python bench/signalling.py [studies]

Needs LAMELLA_DATA or ../shared/data for the reference networks; libroadrunner where it is
installed. Writes bench/results/signalling.json.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from pathlib import Path

import numpy as np

from lamella.export.sbml import sbml_text
from lamella.signalling.calibration import Estimated, Measurements, Problem, fit
from lamella.signalling.models import model
from lamella.signalling.profiles import ic50_of, profile, profile_of
from lamella.signalling.sbml import read_sbml
from lamella.signalling.simulation import simulate_many

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("LAMELLA_DATA", ROOT.parent / "shared" / "data")) / "model"
TIMES_S = np.linspace(0, 7200, 61)
SEED = 20
RATES = (
    Estimated("Kapp", 1e-4, 10),
    Estimated("kon", 1e-3, 10),
    Estimated("amp", 0.01, 100),
    Estimated("scale", 0.1, 10),
)
DOSES_UM = np.repeat([0, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0], 3)
TRUE_IC50_UM = 0.0429257


def seconds(work, repeats=5):
    """Least processor time of some repeats: what the machine does besides only adds to it."""
    found = []
    for _ in range(repeats):
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return min(found)


def ours(text, dose, runs):
    network, doses = read_sbml(text), np.logspace(-3, 1, runs)

    def work():
        simulate_many(network, TIMES_S, sets={dose: doses}, rtol=1e-6, atol=1e-9, engine="numba")

    work()
    return runs / seconds(work)


def theirs(text, dose, runs):
    try:
        import roadrunner
    except ImportError:
        return None
    other = roadrunner.RoadRunner(text)
    other.getIntegrator().setValue("relative_tolerance", 1e-6)
    other.getIntegrator().setValue("absolute_tolerance", 1e-9)
    species = [f"[{name}]" for name in other.model.getFloatingSpeciesIds()]

    def work():
        for value in np.logspace(-3, 1, runs):
            other.resetAll()
            other[dose] = value
            other.simulate(0, 7200, 61, species)

    work()
    return runs / seconds(work, 3)


def speeds():
    texts = {
        "fak_network (40 species, 46 reactions)": (DATA / "sbml/fak_network.xml", "Def"),
        "fak_core (4 species)": (DATA / "sbml/fak_core.xml", "Def"),
    }
    told = {name: (path.read_text("utf-8"), dose) for name, (path, dose) in texts.items()}
    told["our network (40 species, 54 reactions)"] = (sbml_text(model("network")), "dose")
    told["our core (5 species)"] = (sbml_text(model("core")), "dose")
    found = {}
    for name, (text, dose) in told.items():
        mine, other = ours(text, dose, 1000), theirs(text, dose, 300)
        found[name] = {"lamella_per_s": round(mine), "libroadrunner_per_s": other and round(other)}
        print(name, found[name], flush=True)
    return found


def problem_of(values):
    network = read_sbml((DATA / "sbml/fak_core.xml").read_text("utf-8"))
    data = Measurements(DOSES_UM, np.full(DOSES_UM.size, 7200.0), values)
    return Problem(network, "pFAK", data, RATES, dose="Def")


def profiles():
    path = DATA / "synthetic_pfak/measurements.csv"
    rows = np.genfromtxt(path, delimiter=",", names=True)
    problem = problem_of(rows["pfak_fraction"])
    best = fit(problem, rng=np.random.default_rng(SEED))
    halved = ic50_of(problem, time_s=7200.0)
    begun, wall = time.process_time(), time.perf_counter()
    texts = {name: profile(problem, best, name).text for name in best.names}
    texts["IC50 [uM]"] = profile_of(problem, best, "IC50", of=halved).text
    return {
        "all_five_profiles_cpu_s": round(time.process_time() - begun, 2),
        "all_five_profiles_wall_s": round(time.perf_counter() - wall, 2),
        **texts,
    }


def coverage(studies):
    rng = np.random.default_rng(SEED)
    network = read_sbml((DATA / "sbml/fak_core.xml").read_text("utf-8"))
    truth = simulate_many(network, [7200.0], sets={"Def": DOSES_UM}).of("pFAK")[:, 0]
    covered, named, widths, errors = 0, 0, [], []
    for _ in range(studies):
        problem = problem_of(truth * 10 ** rng.normal(0, 0.06, truth.size))
        best = fit(problem, rng=rng, starts=4)
        ic50 = profile_of(problem, best, "IC50", of=ic50_of(problem, time_s=7200.0))
        closed = ic50.low is not None and ic50.high is not None
        covered += closed and ic50.low < TRUE_IC50_UM < ic50.high
        named += any(profile(problem, best, name).identifiable for name in best.names)
        if closed:
            widths.append(np.log10(ic50.high / ic50.low))
            errors.append(np.log10(ic50.value / TRUE_IC50_UM))
    return {
        "studies": studies,
        "ic50_interval_covers": covered,
        "studies_with_a_rate_called_identifiable": named,
        "median_width_decades": round(float(np.median(widths)), 3),
        "rms_error_decades": round(float(np.sqrt(np.mean(np.square(errors)))), 3),
    }


def main():
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    found = {
        "command": "python bench/signalling.py " + str(studies),
        "seed": SEED,
        "python": platform.python_version(),
        "rtol": 1e-6,
        "outputs": TIMES_S.size,
        "speed_per_core": speeds(),
        "synthetic_pfak": profiles(),
        "coverage": coverage(studies),
    }
    path = ROOT / "bench" / "results" / "signalling.json"
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
