"""Comparisons with vehicle against R (multcomp, lme4, pbkrtest, lmerTest) and SciPy."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from scipy import integrate, special, stats

from lamella.errors import MeasurementError
from lamella.potency.comparisons import batch_mean, compare_with_vehicle
from lamella.potency.equivalence import equivalence_to_vehicle
from lamella.potency.mixed import nested_model
from lamella.potency.multiplicity import benjamini_hochberg, holm
from lamella.potency.permutation import permutation_test
from lamella.potency.simultaneous import LargestT


def table(path):
    with path.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    return {name: [row[name] for row in rows] for name in rows[0]}


@pytest.fixture(scope="module")
def r_models(shared_data):
    return json.loads((shared_data("stats") / "expected" / "r_models.json").read_text())


@pytest.fixture(scope="module")
def cell_speeds(shared_data):
    rows = table(shared_data("stats") / "nested" / "superplot_lord2020_speed.csv")
    return [float(one) for one in rows["Speed"]], rows["Treatment"], rows["Replicate"]


@pytest.fixture(scope="module")
def vinclozolin(shared_data):
    rows = table(shared_data("stats") / "dose_response" / "vinclozolin_nested_experiments.csv")
    response = np.log1p([float(one) for one in rows["response"]])
    return response, [f"{float(one):g}" for one in rows["dose"]], rows["experiment"]


def test_three_hundred_cells_in_three_batches_are_three_pairs(cell_speeds, r_models):
    speed, drug, batch = cell_speeds
    out = compare_with_vehicle(speed, drug, batch=batch, vehicle="Control")
    expected = r_models["superplot"]["paired_t"]
    effect = out.effects[0]
    # R's t.test on replicate means; the means are exact averages of printed speeds.
    assert effect.p == pytest.approx(expected["p"], rel=1e-9)
    assert effect.p_adjusted == pytest.approx(effect.p, rel=1e-12)
    assert (-effect.estimate, -effect.high, -effect.low) == pytest.approx(
        (expected["diff"], *expected["ci"]), rel=1e-9
    )
    assert (effect.n, out.df, out.n_batches, out.flags) == (3, 2, 3, ())


def test_cells_as_n_must_be_asked_for_and_says_so(cell_speeds, r_models):
    speed, drug, batch = cell_speeds
    out = compare_with_vehicle(speed, drug, batch=batch, vehicle="Control", unit_of_analysis="cell")
    # The same as lmer with a random intercept only: batch as block, cells as n.
    expected = r_models["superplot"]["lmm_random_intercept"]["TreatmentDrug"]
    assert out.effects[0].t == pytest.approx(expected["t value"], rel=1e-6)
    assert out.effects[0].p == pytest.approx(expected["Pr(>|t|)"], rel=1e-5)
    assert out.flags == ("pseudoreplicates",)
    assert "not independent" in out.effects[0].text
    assert "not independent" in out.message


@pytest.mark.parametrize("method", ["kenward-roger", "satterthwaite"])
def test_the_nested_model_agrees_with_lmer(cell_speeds, r_models, method):
    speed, drug, batch = cell_speeds
    fit = nested_model(speed, drug, batch=batch, vehicle="Control", df_method=method)
    key = "lmm_nested" if method == "kenward-roger" else "lmm_nested_satt"
    expected = r_models["superplot"][key]["TreatmentDrug"]
    contrast = fit.contrasts[0]
    # lmer's optimiser stops at 1e-6 in its components.
    assert contrast.estimate == pytest.approx(expected["Estimate"], rel=1e-9)
    assert contrast.se == pytest.approx(expected["Std. Error"], rel=1e-5)
    assert contrast.df == pytest.approx(2.0, abs=1e-5)
    assert contrast.p == pytest.approx(expected["Pr(>|t|)"], rel=1e-4)
    components = {one["grp"]: one["vcov"] for one in r_models["superplot"]["varcorr_nested"]}
    assert fit.variance_batch == pytest.approx(components["Replicate"], rel=1e-4)
    assert fit.variance_batch_treatment == pytest.approx(
        components["Treatment:Replicate"], rel=1e-4
    )
    assert fit.variance_residual == pytest.approx(components["Residual"], rel=1e-6)


def test_kenward_roger_with_a_missing_dose_agrees_with_pbkrtest(vinclozolin, shared_data):
    path = shared_data("stats") / "expected" / "vinclozolin_block_dunnett.json"
    expected = json.loads(path.read_text())
    response, dose, batch = vinclozolin
    fit = nested_model(response, dose, batch=batch, vehicle="0")
    assert fit.f == pytest.approx(expected["lmer_KR_F"], rel=1e-7)
    assert fit.df_denominator == pytest.approx(expected["lmer_KR_ddf"], rel=1e-7)
    assert fit.p == pytest.approx(expected["lmer_p"], rel=1e-6)
    effects = [expected["lmer_fixef"][f"f{one.treatment}"] for one in fit.contrasts]
    assert [one.estimate for one in fit.contrasts] == pytest.approx(effects, abs=1e-7)


def test_dunnett_with_experiment_as_block_agrees_with_multcomp(vinclozolin, shared_data):
    path = shared_data("stats") / "expected" / "vinclozolin_block_dunnett.json"
    expected = json.loads(path.read_text())
    response, dose, batch = vinclozolin
    out = compare_with_vehicle(response, dose, batch=batch, vehicle="0")
    assert out.df == expected["df"]
    assert out.flags == ("incomplete_blocks",)
    for place, effect in enumerate(out.effects):
        assert effect.estimate == pytest.approx(expected["est"][place], rel=1e-10)
        assert effect.se == pytest.approx(expected["se"][place], rel=1e-10)
        # multcomp integrates at random to 1e-4 (p) and 1e-3 relative (critical value).
        assert effect.p_adjusted == pytest.approx(expected["p"][place], abs=1e-4)
        assert effect.low == pytest.approx(expected["lwr"][place], abs=5e-4)
        assert effect.high == pytest.approx(expected["upr"][place], abs=5e-4)
    assert [one.n for one in out.effects] == [5, 6, 6, 6, 6, 6, 6, 6]


def test_one_way_dunnett_of_unequal_groups_agrees_with_r_and_scipy(shared_data, r_models):
    rows = table(shared_data("stats") / "dose_response" / "ryegrass.csv")
    length = np.array([float(one) for one in rows["response"]])
    dose = np.array([float(one) for one in rows["dose"]])
    out = compare_with_vehicle(
        length, dose, batch=["1"] * dose.size, vehicle="0.0", unit_of_analysis="well"
    )
    expected = r_models["ryegrass"]["dunnett"]
    groups = [length[dose == one] for one in dict.fromkeys(dose) if one > 0]
    peer = stats.dunnett(*groups, control=length[dose == 0], rng=np.random.default_rng(5))
    for place, effect in enumerate(out.effects):
        assert effect.estimate == pytest.approx(expected["est"][place], rel=1e-9)
        assert effect.se == pytest.approx(expected["se"][place], rel=1e-9)
        assert effect.p_adjusted == pytest.approx(expected["p"][place], abs=1e-5)
        assert effect.p_adjusted == pytest.approx(peer.pvalue[place], abs=5e-4)
        # Never below the single test, never above Bonferroni: R's 1e-11 here is noise.
        assert effect.p <= effect.p_adjusted <= 6 * effect.p * (1 + 1e-9)


def test_the_largest_of_correlated_t_agrees_with_the_tables_and_with_quadrature():
    # Dunnett 1964, two-sided 5 %, p = 4 treatments: 5 df 3.48, 20 df 2.65 (equal groups).
    correlation = np.full((4, 4), 0.5) + 0.5 * np.eye(4)
    assert LargestT(correlation, df=5).critical() == pytest.approx(3.48, abs=0.006)
    assert LargestT(correlation, df=20).critical() == pytest.approx(2.65, abs=0.006)
    # The double integral of Dunnett 1955, adaptively: 3 treatments, 12 df.
    root = np.sqrt(0.5)

    def inside(u, s, t=2.4):
        box = special.ndtr((t * s - root * u) / root) - special.ndtr((-t * s - root * u) / root)
        density = 2 * 6**6 / special.gamma(6) * s**11 * np.exp(-6 * s * s)
        return np.exp(-u * u / 2) / np.sqrt(2 * np.pi) * density * box**3

    peer = 1 - integrate.dblquad(inside, 0.05, 3, -8, 8, epsabs=1e-7)[0]
    assert LargestT(correlation[:3, :3], df=12).tail(2.4) == pytest.approx(peer, abs=1e-6)
    # A general correlation takes the lattice; SciPy integrates the same at random to 1e-4.
    general = np.corrcoef(np.random.default_rng(1).normal(size=(5, 12)))
    for t in (1.5, 2.5, 3.5):
        box = stats.multivariate_t(shape=general, df=12, seed=3)
        inside = box.cdf(np.full(5, t), lower_limit=np.full(5, -t), maxpts=200_000)
        assert LargestT(general, df=12).tail(t) == pytest.approx(1 - inside, abs=3e-4)


def test_batches_that_hold_one_treatment_each_are_compared_unpaired():
    speed = [10.0, 11.0, 9.5, 7.0, 6.0, 8.0]
    drug = ["v", "v", "v", "d", "d", "d"]
    out = compare_with_vehicle(speed, drug, batch=list("123456"), vehicle="v")
    peer = stats.ttest_ind(speed[3:], speed[:3])
    assert out.flags == ("unpaired",)
    assert out.effects[0].p == pytest.approx(peer.pvalue, rel=1e-9)
    nested = nested_model(speed * 2, drug * 2, batch=list("123456") * 2, vehicle="v")
    assert nested.variance_batch_treatment is None


def test_a_ratio_to_vehicle_is_the_paired_t_of_logarithms():
    vehicle, drug = np.array([10.0, 20.0, 15.0, 12.0]), np.array([7.0, 11.0, 11.0, 7.0])
    out = compare_with_vehicle(
        [*vehicle, *drug],
        ["v"] * 4 + ["d"] * 4,
        batch=[1, 2, 3, 4] * 2,
        vehicle="v",
        scale="ratio",
    )
    peer = stats.ttest_rel(np.log(drug), np.log(vehicle))
    limits = np.exp(peer.confidence_interval(0.95))
    effect = out.effects[0]
    assert effect.p == pytest.approx(peer.pvalue, rel=1e-9)
    assert (effect.low, effect.high) == pytest.approx(tuple(limits), rel=1e-9)


def test_one_batch_gives_means_and_no_p_value():
    out = compare_with_vehicle(
        [10.0, 11.0, 6.0, 7.0], ["v", "v", "d", "d"], batch=["1"] * 4, vehicle="v"
    )
    effect = out.effects[0]
    assert effect.estimate == -4.0
    assert (effect.p, effect.p_adjusted, effect.low, effect.high) == (None,) * 4
    assert "technical replicates only" in effect.text
    assert out.flags == ("technical_replicates_only",)
    with pytest.raises(MeasurementError, match="technical replicates only"):
        nested_model([1.0, 2.0], ["v", "d"], batch=["1", "1"], vehicle="v")


def test_comparisons_that_cannot_be_made_say_what_is_missing():
    with pytest.raises(MeasurementError, match="Did you mean 'vehicle'"):
        compare_with_vehicle([1.0, 2.0], ["vehicle", "d"], batch=["1", "1"], vehicle="vehicl")
    with pytest.raises(MeasurementError, match="batch '2': -1 has no logarithm"):
        compare_with_vehicle(
            [1.0, 2.0, 3.0, -1.0],
            ["v", "d", "v", "d"],
            batch=[1, 1, 2, 2],
            vehicle="v",
            scale="ratio",
        )
    with pytest.raises(MeasurementError, match="'alone' shares no batch"):
        compare_with_vehicle(
            [1.0, 2.0, 1.5, 2.6, 4.0, 5.0],
            ["v", "d", "v", "d", "alone", "alone2"],
            batch=[1, 1, 2, 2, 3, 3],
            vehicle="v",
        )
    with pytest.raises(MeasurementError, match="copied values"):
        compare_with_vehicle([1.0, 2.0] * 3, ["v", "d"] * 3, batch=[1, 1, 2, 2, 3, 3], vehicle="v")


def test_adjusted_p_values_agree_with_scipy_and_hand_arithmetic():
    p = [0.001, 0.2, 0.013, 0.04, np.nan, 0.9]
    known = [one for one in p if np.isfinite(one)]
    peer = stats.false_discovery_control(known)
    assert benjamini_hochberg(p)[[0, 1, 2, 3, 5]] == pytest.approx(peer, rel=1e-12)
    assert np.isnan(benjamini_hochberg(p)[4])
    # By hand: 5 x 0.001, 4 x 0.013, 3 x 0.04, 2 x 0.2, 0.9.
    assert holm(p)[[0, 2, 3, 1, 5]] == pytest.approx([0.005, 0.052, 0.12, 0.4, 0.9])


def test_exact_permutation_agrees_with_scipy_and_prints_its_floor():
    rng = np.random.default_rng(2)
    vehicle, drug = rng.normal(10, 1, 5), rng.normal(8.5, 1, 5)
    values, names = [*vehicle, *drug], ["v"] * 5 + ["d"] * 5

    def difference(x, y):
        return np.mean(x) - np.mean(y)

    for kind, batch, floor in (
        ("samples", [1, 2, 3, 4, 5] * 2, 2 / 2**5),
        ("independent", list("abcdefghij"), 2 / 252),
    ):
        mine = permutation_test(values, names, batch=batch, vehicle="v")
        peer = stats.permutation_test(
            (drug, vehicle), difference, permutation_type=kind, n_resamples=np.inf
        )
        assert mine.exact
        assert mine.p == pytest.approx(peer.pvalue, rel=1e-12)
        assert mine.floor == pytest.approx(floor)
    # Three against three batches cannot go below 0.1 (one in twenty, two-sided).
    smallest = permutation_test(
        [10.0, 11.0, 12.0, 1.0, 2.0, 3.0], list("vvvddd"), batch=list("123456"), vehicle="v"
    )
    assert (smallest.p, smallest.floor) == (0.1, 0.1)
    with pytest.raises(ValueError, match="pass rng"):
        permutation_test(
            np.arange(40.0), ["v", "d"] * 20, batch=np.repeat(np.arange(20), 2), vehicle="v"
        )


def test_a_sampled_permutation_is_close_to_the_t_test_and_repeats():
    rng = np.random.default_rng(8)
    value = rng.normal(0, 1, 48) + np.tile([0.0, 0.5], 24)
    names, batch = ["v", "d"] * 24, np.repeat(np.arange(24), 2)
    found = [
        permutation_test(value, names, batch=batch, vehicle="v", rng=np.random.default_rng(1))
        for _ in range(2)
    ]
    assert found[0] == found[1]
    assert not found[0].exact
    peer = stats.ttest_rel(value[1::2], value[::2])
    assert found[0].p == pytest.approx(peer.pvalue, abs=0.02)


def test_viability_within_twenty_percent_is_shown_by_two_one_sided_tests():
    vehicle = np.array([100.0, 104.0, 98.0, 101.0])
    drug = np.array([95.0, 101.0, 97.0, 92.0])
    out = equivalence_to_vehicle(
        [*vehicle, *drug], ["v"] * 4 + ["d"] * 4, batch=[1, 2, 3, 4] * 2, vehicle="v"
    )[0]
    ratio = np.log(drug / vehicle)
    above = stats.ttest_1samp(ratio, np.log(0.8), alternative="greater").pvalue
    below = stats.ttest_1samp(ratio, -np.log(0.8), alternative="less").pvalue
    assert out.p == pytest.approx(max(above, below), rel=1e-9)
    assert out.equivalent
    limits = np.exp(stats.ttest_1samp(ratio, 0).confidence_interval(0.90))
    assert (out.low, out.high) == pytest.approx(tuple(limits), rel=1e-9)


def test_a_missing_star_is_not_evidence_of_no_effect():
    noisy = equivalence_to_vehicle(
        [100.0, 60.0, 100.0, 140.0, 100.0, 95.0],
        ["v", "d"] * 3,
        batch=[1, 1, 2, 2, 3, 3],
        vehicle="v",
    )[0]
    assert noisy.p > 0.05
    assert not noisy.equivalent
    assert "not shown to lie within" in noisy.text
    single = equivalence_to_vehicle([100.0, 99.0], ["v", "d"], batch=[1, 1], vehicle="v")[0]
    assert not single.equivalent
    assert "technical replicates only" in single.text


def test_the_mean_over_batches_has_a_t_interval():
    log_ic50 = [2.1, 2.4, 2.2, 1.9]
    mine = batch_mean(log_ic50)
    limits = stats.ttest_1samp(log_ic50, 0).confidence_interval(0.95)
    assert (mine.low, mine.high) == pytest.approx(tuple(limits), rel=1e-9)
    assert batch_mean([2.0, float("nan")]).low is None


def test_a_mixed_model_of_too_few_shared_batches_says_what_to_add():
    with pytest.raises(MeasurementError, match="copied values"):
        nested_model([1.0, 2.0, 3.0, 4.0, 7.0, 8.0], "vdvdvd", batch="112233", vehicle="v")
    with pytest.raises(MeasurementError, match="leave no scatter"):
        nested_model([1.0, 2.0, 3.0], "vdv", batch="112", vehicle="v")
    # Two batches hold the vehicle alone and one of them the drug: nothing repeats.
    with pytest.raises(MeasurementError, match="told apart"):
        nested_model([10.4, 11.3, 10.0, 11.0, 11.4], "vavav", batch="44142", vehicle="v")
