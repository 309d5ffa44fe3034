"""Published dose-response tables against reference fits and the verdicts of people."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest

from lamella.potency import DoseTable, fit

TABLES = [
    "barley_steep_unidentified_slope",
    "ctb_nested_plates",
    "cyp17_upper_plateau_missing",
    "flat_drc_issue7",
    "giantkelp_upper_range_missing",
    "leaflength_lack_of_fit",
    "lepidium",
    "lettuce_hormesis",
    "o_mykiss_weak_effect",
    "p_promelas_lower_plateau_missing",
    "ryegrass",
    "s_alba_two_curves",
    "sarcoma_biphasic",
    "sarcoma_flat",
    "sarcoma_hormesis",
    "sarcoma_outlier",
    "sarcoma_partial",
    "sarcoma_steep",
    "secalonic_unreplicated",
    "spinach_five_curves",
    "terbuthylazin",
    "vinclozolin_nested_experiments",
    "voropm2_weighted",
]
NUMBERS = {"closed", "closed_but_extrapolated"}


def read(path):
    with path.open() as lines:
        return list(csv.DictReader(lines))


def dose_table(rows, *, batch=None):
    def numbers(name):
        return [float(r[name]) if r[name] else math.nan for r in rows]

    return DoseTable(
        numbers("dose"),
        numbers("response"),
        batch=[r[batch] for r in rows] if batch else None,
        curve=[r["curve"] for r in rows] if "curve" in rows[0] else None,
        weight=numbers("weight") if "weight" in rows[0] else None,
    )


@pytest.fixture(scope="module")
def stats(shared_data):
    return shared_data("stats")


@pytest.fixture(scope="module")
def results(stats):
    """Each table fitted once, for all tests of this module."""
    kept = {}

    def of(name):
        if name not in kept:
            rows = read(stats / "dose_response" / f"{name}.csv")
            batch = "experiment" if "experiment" in rows[0] else None
            kept[name] = fit(dose_table(rows, batch=batch), dose_unit="nM")
        return kept[name]

    return of


def references(stats, name):
    record = json.loads((stats / "reference.json").read_text())[name]
    return record["least_squares_4PL"]


def curve_of(result, name):
    return result.curves[-1] if name == "all" else next(c for c in result.curves if c.id == name)


@pytest.mark.parametrize("name", TABLES)
def test_no_table_fits_worse_than_its_reference(stats, results, name):
    # Tolerances of this test and the next two: those that the reference numbers were made to.
    for curve, reference in references(stats, name).items():
        assert curve_of(results(name), curve).rss <= reference["rss"] * (1 + 1e-8)


@pytest.mark.parametrize("name", TABLES)
def test_where_the_ec50_is_identified_estimate_and_errors_are_those_of_the_reference(
    stats, results, name
):
    for curve, reference in references(stats, name).items():
        if reference["ec50_at_bound"] or None in (reference.get("profile_ci") or [None]):
            continue
        mine = curve_of(results(name), curve)
        assert mine.parameters.log10_ec50 == pytest.approx(reference["logEC50"], abs=1e-6)
        assert mine.se.log10_ec50 == pytest.approx(reference["se_logEC50"], rel=1e-5)
        if mine.relative_ic50.verdict in NUMBERS:
            ends = np.log10([mine.relative_ic50.low, mine.relative_ic50.high])
            assert ends == pytest.approx(np.log10(reference["profile_ci"]), abs=1e-4)


@pytest.mark.parametrize("name", TABLES)
def test_an_open_end_is_open_where_the_reference_is_open(stats, results, name):
    for curve, reference in references(stats, name).items():
        ends = reference.get("profile_ci") or [None, None]
        mine = curve_of(results(name), curve).relative_ic50
        if ends[1] is None:
            assert mine.high is None
            assert mine.value is None


def test_every_table_gets_the_verdicts_and_flags_that_people_gave_it(stats, results):
    wrong = []
    for row in read(stats / "verdicts.csv"):
        curve = results(row["table"]).curves[-1]
        if curve.relative_ic50.verdict not in row["relative"].split("|"):
            wrong.append((row["table"], "relative", curve.relative_ic50.verdict))
        if row["absolute"] and curve.absolute_ic50.verdict not in row["absolute"].split("|"):
            wrong.append((row["table"], "absolute", curve.absolute_ic50.verdict))
        missing = {flag for flag in row["flags"].split(";") if flag} - set(curve.flags)
        wrong += [(row["table"], "flag", flag) for flag in missing]
    assert wrong == []


def test_only_a_closed_verdict_carries_a_number(results):
    for name in TABLES:
        for curve in results(name).curves:
            for potency in (curve.relative_ic50, curve.absolute_ic50):
                assert (potency.value is not None) == (potency.verdict in NUMBERS)


def test_a_second_site_is_offered_where_cells_fall_in_two_steps(results):
    for name in ("sarcoma_biphasic", "sarcoma_outlier"):
        assert results(name).curves[-1].runner_up == "two_site"


@pytest.fixture(scope="module")
def laboratories(stats):
    """The multi-laboratory viability set, one batch an experiment."""
    rows = read(stats / "mdra" / "mdra_labs_CDE.csv")
    for row in rows:
        row["batch"] = row["lab"] + row["experiment"]
    return fit(dose_table(rows, batch="batch"))


def test_multi_laboratory_viability_gets_no_ic50_where_half_is_not_reached(stats, laboratories):
    truth = json.loads((stats / "mdra" / "verdicts_labs_CDE.json").read_text())
    found = {c.batch: c for c in laboratories.curves}
    for record in truth:
        curve = found[f"{record['lab']}{record['experiment']}"]
        reaches = record["reaches_50_percent"]
        assert (curve.absolute_ic50.value is not None) == reaches
        assert (curve.relative_ic50.value is not None) == reaches
        assert curve.verdict in ({"closed"} if reaches else {"not_reached", "no_effect"})


def test_experiments_that_never_reach_half_still_count_between_batches(laboratories):
    between = laboratories.between_batches
    assert between.n == 12
    assert "6 of them bounds" in between.text


def test_plates_of_one_study_give_the_reference_log_ec50_each(stats):
    rows = read(stats / "dose_response" / "ctb_nested_plates.csv")
    for row in rows:
        row["batch"] = f"{row['day']}-{row['plate']}"
    result = fit(dose_table(rows, batch="batch"))
    found = {c.batch: c for c in result.curves}
    for plate in read(stats / "expected" / "ctb_per_plate.csv"):
        curve = found[f"{plate['day']}-{plate['plate']}"]
        assert curve.parameters.log10_ec50 == pytest.approx(float(plate["c"]), abs=1e-6)
        assert curve.se.log10_ec50 == pytest.approx(float(plate["se"]), rel=1e-4)
