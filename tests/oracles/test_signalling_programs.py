"""Do other simulators see the same courses in the same models, and accept what is exported?

Each program runs in a process of its own: two copies of libSBML in one process crash.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from functools import cache

import numpy as np
import pytest

from lamella.export.antimony import antimony_text
from lamella.export.sbml import sbml_text
from lamella.signalling.models import model
from lamella.signalling.sbml import read_sbml
from lamella.signalling.simulation import simulate_many

NEEDED = {"roadrunner": "libroadrunner", "basico": "copasi-basico", "libsbml": "python-libsbml"}
TIMES_S = np.linspace(0, 7200, 61)
DOSES_UM = (0.0, 0.05, 1.0)
# "1e-6 relative": below a femtomole per litre a species counts as absent.
FLOOR_UM = 1e-9
AGREE = 1e-6

ROADRUNNER = """
import json, sys, roadrunner
told = {}
for name, asked in json.load(sys.stdin).items():
    model = roadrunner.RoadRunner(asked["text"])
    for key, value in dict(relative_tolerance=1e-11, absolute_tolerance=1e-15).items():
        model.getIntegrator().setValue(key, value)
    model.getIntegrator().setValue("maximum_num_steps", 100000)
    told[name] = []
    for dose in asked["doses"]:
        model.resetAll()
        model[asked["dose"]] = dose
        course = model.simulate(0, 7200, 61, [f"[{s}]" for s in asked["species"]])
        told[name].append(course.tolist())
json.dump(told, sys.stdout)
"""
COPASI = """
import json, sys, basico
told = {}
for name, asked in json.load(sys.stdin).items():
    basico.load_model(asked["text"])
    told[name] = []
    for dose in asked["doses"]:
        basico.set_parameters(asked["dose"], exact=True, initial_value=dose)
        course = basico.run_time_course(
            0, 7200, 60, r_tol=1e-11, a_tol=1e-15, max_steps=1000000, use_sbml_id=True
        )
        told[name].append(course[asked["species"]].to_numpy().tolist())
json.dump(told, sys.stdout)
"""
LIBSBML = """
import json, sys, libsbml
document = libsbml.readSBMLFromString(json.load(sys.stdin)["text"])
document.setConsistencyChecks(libsbml.LIBSBML_CAT_UNITS_CONSISTENCY, True)
document.checkConsistency()
said = [document.getError(i).getMessage() for i in range(document.getNumErrors())]
species = document.getModel().getSpecies("pY397")
json.dump({"said": said, "is": species.getCVTerm(0).getResourceURI(0)}, sys.stdout)
"""
ANTIMONY = """
import json, sys, antimony
if antimony.loadAntimonyString(json.load(sys.stdin)["text"]) < 0:
    sys.exit(antimony.getLastError())
json.dump(antimony.getSBMLString(antimony.getMainModuleName()), sys.stdout)
"""


@cache
def courses_of(program, texts):
    """Courses of all models in one start of another program."""
    question = {
        name: {
            "text": text,
            "dose": dose,
            "doses": DOSES_UM,
            "species": list(read_sbml(text).species_ids),
        }
        for name, (text, dose) in texts
    }
    return asked_of(program, {"roadrunner": ROADRUNNER, "basico": COPASI}[program], **question)


def asked_of(program, script, **question):
    if importlib.util.find_spec(program) is None:
        pytest.skip(f"{NEEDED.get(program, program)} is a test-only oracle and is not installed")
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout[run.stdout.index(run.stdout.lstrip()[0]) :])


@cache
def ours(text, dose_name):
    network = read_sbml(text)
    # Tight enough for the comparison: the error of a course is a few times the tolerance.
    runs = simulate_many(network, TIMES_S, sets={dose_name: DOSES_UM}, rtol=1e-8, atol=1e-13)
    assert set(runs.failures) == {None}
    return runs


def furthest(found, wanted):
    return float(np.max(np.abs(found - wanted) / np.maximum(np.abs(wanted), FLOOR_UM)))


@pytest.fixture(scope="module")
def documents(shared_data):
    folder = shared_data("model") / "sbml"
    found = {
        name: ((folder / f"{name}.xml").read_text("utf-8"), "Def")
        for name in ("fak_core", "fak_network")
    }
    return found | {name: (sbml_text(model(name)), "dose") for name in ("core", "network")}


@pytest.mark.parametrize("name", ["fak_core", "fak_network", "core", "network"])
@pytest.mark.parametrize("program", ["roadrunner", "basico"])
def test_another_simulator_sees_the_same_courses(documents, program, name):
    told = np.array(courses_of(program, tuple(documents.items()))[name])
    found = ours(*documents[name]).values[:, :, : told.shape[2]]
    assert furthest(found, told) <= AGREE


@pytest.mark.parametrize("name", ["fak_core", "fak_network"])
def test_the_courses_are_those_of_the_reference_tables(shared_data, documents, name):
    path = shared_data("model") / "sbml" / f"{name.replace('fak', 'expected')}.csv"
    rows = np.genfromtxt(path, delimiter=",", names=True)
    doses, times = np.unique(rows["dose_uM"]), np.unique(rows["t_s"])
    network = read_sbml(documents[name][0])
    runs = simulate_many(network, times, sets={"Def": doses}, rtol=1e-8, atol=1e-13)
    for species in rows.dtype.names[2:]:
        assert furthest(runs.of(species).ravel(), rows[species]) <= AGREE


@pytest.mark.parametrize("name", ["core", "network"])
def test_libsbml_finds_no_error_and_no_unit_warning(name):
    text = sbml_text(model(name))
    told = asked_of("libsbml", LIBSBML, text=text)
    assert told["said"] == []
    assert "Q05397" in told["is"]
    # The check is awake: a wrong unit is seen.
    right = 'id="k_dephos" value="0.035" units="per_s"'
    spoiled = text.replace(right, right.replace("per_s", "uM"))
    assert spoiled != text
    said = asked_of("libsbml", LIBSBML, text=spoiled)["said"]
    assert any("units" in sentence for sentence in said)


@pytest.mark.parametrize("name", ["core", "network"])
def test_antimony_reads_the_text_as_the_same_model(name):
    text = asked_of("antimony", ANTIMONY, text=antimony_text(model(name)))
    order = [read_sbml(text).species_ids.index(species) for species in model(name).species_ids]
    found, other = ours(sbml_text(model(name)), "dose"), ours(text, "dose")
    assert furthest(found.values[:, :, : len(order)], other.values[:, :, order]) <= AGREE


@pytest.mark.parametrize("name", ["core", "network"])
def test_an_exported_model_comes_back_as_it_was(name):
    told = read_sbml(sbml_text(model(name)))
    assert told.species_ids == model(name).species_ids
    assert {rule.id for rule in told.rules} == {rule.id for rule in model(name).rules}
    found = ours(sbml_text(model(name)), "dose")
    straight = simulate_many(model(name), TIMES_S, sets={"dose": DOSES_UM}, rtol=1e-8, atol=1e-13)
    size = len(told.species_ids)
    assert furthest(found.values[:, :, :size], straight.values[:, :, :size]) <= 1e-9
