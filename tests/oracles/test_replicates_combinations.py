"""Combination scores against SynergyFinder's uncorrected matrices, sham mixtures and truth."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from scipy import stats

from lamella.errors import MeasurementError
from lamella.potency.combinations import combination_scores
from lamella.potency.surfaces import braid_surface, fit_surface, musyc_surface

DOSES = np.array([0.0, 0.1, 0.3, 1.0, 3.0, 10.0])
A, B = np.repeat(DOSES, 6), np.tile(DOSES, 6)
ALONE = {
    "e0": 0.0,
    "e_a": 0.9,
    "e_b": 0.8,
    "log10_ec50_a": 0.0,
    "log10_ec50_b": 0.2,
    "slope_a": 1.2,
    "slope_b": 1.5,
}


@pytest.fixture(scope="module")
def lymphoma(shared_data):
    folder = shared_data("stats") / "synergy"
    with (folder / "ispinesib_ibrutinib.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    inhibition = [1 - float(row["Response"]) / 100 for row in rows]
    doses = [[float(row[name]) for row in rows] for name in ("ConcRow", "ConcCol")]
    expected = json.loads((folder / "expected_synergyfinder_0.1.json").read_text())
    return inhibition, *doses, expected


def test_bliss_and_hsa_of_a_real_matrix_are_the_raw_reference(lymphoma):
    inhibition, a, b, expected = lymphoma
    for score, name in zip(
        combination_scores(inhibition, a, b, references=("bliss", "hsa")),
        ("Bliss_raw", "HSA_raw"),
        strict=True,
    ):
        # The reference is in % points and prints ten decimals.
        assert 100 * score.excess == pytest.approx(np.array(expected[name]["matrix"]), abs=1e-9)
        assert 100 * score.mean_excess.value == pytest.approx(
            expected[name]["mean_score"], abs=1e-9
        )
        assert (score.converged, score.flags) == (True, ())
        assert "technical replicates only" in score.text


def test_loewe_and_zip_of_a_real_matrix_are_finite_and_say_what_converged(lymphoma):
    inhibition, a, b, expected = lymphoma
    scores = combination_scores(inhibition, a, b, references=("loewe", "zip"))
    for score in scores:
        assert np.isfinite(score.excess).all()
        assert np.isfinite(score.expected).all()
        # The lowest dose of ispinesib is already saturating: its EC50 lies below the range.
        assert "A alone: EC50 outside the tested doses" in score.flags
    # Where both plateaus are reached, Loewe is the better plateau alone: same as the reference.
    loewe = scores[0]
    reference = np.array(expected["Loewe_raw"]["matrix"])
    assert 100 * loewe.excess[3, 5] == pytest.approx(reference[3, 5], abs=0.1)


def test_a_compound_mixed_with_itself_is_loewe_additive():
    seen = 0.9 * (A + B) ** 1.3 / (2.0**1.3 + (A + B) ** 1.3)
    score = combination_scores(seen, A, B, references=("loewe",))[0]
    # The Hill fits recover the truth to about 1e-7.
    assert np.abs(score.excess).max() < 1e-5
    assert score.converged
    bliss = combination_scores(seen, A, B, references=("bliss",))[0]
    assert np.abs(bliss.excess).max() > 0.05  # why the reference must be named


def test_independent_compounds_are_bliss_and_zip_additive():
    e1, e2 = A**1.2 / (1 + A**1.2), B**1.5 / (2 + B**1.5)
    seen = e1 + e2 - e1 * e2
    bliss, zip_score = combination_scores(seen, A, B, references=("bliss", "zip"))
    assert np.abs(bliss.excess).max() < 1e-12
    assert np.abs(zip_score.excess).max() < 1e-4
    assert zip_score.converged


def test_a_compound_without_any_effect_leaves_the_other_alone():
    seen = A / (1 + A)
    for score in combination_scores(seen, A, B):
        assert np.isfinite(score.excess).all()
        # HSA and Loewe expect the active compound; the flat one only has rounding noise.
        assert np.abs(score.excess).max() < 1e-3, score.reference


def test_batches_are_the_n_of_a_synergy_score():
    rng = np.random.default_rng(5)
    truth = braid_surface(A, B, {**ALONE, "kappa": 1.0})
    shift = rng.normal(0, 0.03, 4)
    seen = np.concatenate([truth + s * (A > 0) * (B > 0) for s in shift])
    days = np.repeat(["mon", "tue", "wed", "thu"], A.size)
    score = combination_scores(
        seen, np.tile(A, 4), np.tile(B, 4), batch=days, references=("bliss",)
    )[0]
    single = [
        combination_scores(seen[days == day], A, B, references=("bliss",))[0].mean_excess.value
        for day in np.unique(days)
    ]
    limits = stats.ttest_1samp(single, 0).confidence_interval(0.95)
    assert (score.mean_excess.low, score.mean_excess.high) == pytest.approx(tuple(limits))
    assert score.mean_excess.n == 4
    assert (score.low[1:, 1:] < score.excess[1:, 1:]).all()
    assert "n = 4 batches" in score.text


def test_an_untested_combination_is_left_out_and_a_missing_single_is_named():
    seen = A / (1 + A)
    tested = ~((A == 10.0) & (B == 10.0))
    score = combination_scores(seen[tested], A[tested], B[tested])[0]
    assert np.isnan(score.excess[5, 5])
    assert np.isfinite(score.mean_excess.value)
    missing = ~((A == 3.0) & (B == 0.0))
    with pytest.raises(MeasurementError, match="compound A at 3 was combined"):
        combination_scores(seen[missing], A[missing], B[missing])
    with pytest.raises(MeasurementError, match="row 2: the dose of compound B is -1"):
        combination_scores([0.1, 0.2], [0.0, 1.0], [0.0, -1.0])
    small = (A < 0.5) & (B < 0.5)
    with pytest.raises(MeasurementError, match="Use Bliss or HSA"):
        combination_scores(seen[small], A[small], B[small], references=("loewe",))


def test_musyc_gives_back_the_surface_it_was_drawn_from():
    truth = {**ALONE, "e_ab": 0.98, "log10_alpha_12": 0.6, "log10_alpha_21": -0.3}
    out = fit_surface(musyc_surface(A, B, truth), A, B, model="musyc")
    for name, value in truth.items():
        assert out.parameters[name].value == pytest.approx(value, abs=2e-3), name
    assert out.parameters["beta"].value == pytest.approx((0.98 - 0.9) / 0.9, abs=2e-3)
    assert out.converged
    assert out.r_squared[0] > 0.999999


def test_musyc_without_interaction_and_joint_plateau_of_bliss_is_bliss():
    truth = {**ALONE, "log10_alpha_12": 0.0, "log10_alpha_21": 0.0}
    truth["e_ab"] = truth["e_a"] + truth["e_b"] - truth["e_a"] * truth["e_b"]
    seen = musyc_surface(A, B, truth)
    score = combination_scores(seen, A, B, references=("bliss",))[0]
    assert np.abs(score.excess).max() < 1e-12


def test_musyc_steady_state_solves_its_rate_equations():
    p = {**ALONE, "e_ab": 1.0, "log10_alpha_12": 0.7, "log10_alpha_21": -0.4}
    for a, b in ((0.5, 2.0), (3.0, 0.2)):
        up_a = (a / 10 ** p["log10_ec50_a"]) ** p["slope_a"]
        up_b = (b / 10 ** p["log10_ec50_b"]) ** p["slope_b"]
        up_b2 = up_b * 10 ** (p["log10_alpha_12"] * p["slope_b"])
        up_a2 = up_a * 10 ** (p["log10_alpha_21"] * p["slope_a"])
        # Columns: free, A, B, both; what leaves each state arrives in another.
        rates = np.array(
            [
                [-up_a - up_b, 1, 1, 0],
                [up_a, -1 - up_b2, 0, 1],
                [up_b, 0, -1 - up_a2, 1],
                [1, 1, 1, 1],
            ]
        )
        states = np.linalg.solve(rates, [0, 0, 0, 1])
        seen = states @ [p["e0"], p["e_a"], p["e_b"], p["e_ab"]]
        assert musyc_surface(np.array([a]), np.array([b]), p)[0] == pytest.approx(seen, rel=1e-12)


def test_braid_without_interaction_is_loewe_and_kappa_is_given_back():
    like = {**ALONE, "e_b": 0.9, "slope_b": 1.2}
    additive = braid_surface(A, B, {**like, "kappa": 0.0})
    assert np.abs(combination_scores(additive, A, B, references=("loewe",))[0].excess).max() < 1e-5
    rng = np.random.default_rng(7)
    for kappa in (-0.8, 3.0):
        seen = [
            braid_surface(A, B, {**ALONE, "kappa": kappa}) + rng.normal(0, 0.01, A.size)
            for _ in range(3)
        ]
        out = fit_surface(
            np.concatenate(seen),
            np.tile(A, 3),
            np.tile(B, 3),
            model="braid",
            batch=np.repeat([1, 2, 3], A.size),
        )
        found = out.parameters["kappa"]
        assert found.low < kappa < found.high
        assert found.n == 3
        assert "n = 3 batches" in out.text
