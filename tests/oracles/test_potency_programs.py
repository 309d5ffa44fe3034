"""Potency against certified values and the numbers of other programs."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, gammaln

from lamella.potency import ec50_ratio, fit_counts, fit_fractions, fit_growth_curve, fit_joint
from lamella.potency.collapse import collapse
from lamella.potency.dose_table import DoseTable, curves_of, points_of
from lamella.potency.families import family_named
from lamella.potency.family_fit import Constraints, fit_family
from lamella.potency.joint import sharing_test
from lamella.potency.quantities import crossing, half_change
from lamella.potency.reweighting import sandwich
from lamella.potency.selection import extra_sum_of_squares


@pytest.fixture(scope="module")
def stats(shared_data):
    return shared_data("stats")


@pytest.fixture(scope="module")
def r_models(stats):
    return json.loads((stats / "expected" / "r_models.json").read_text())


def read(path, delimiter=","):
    with path.open() as lines:
        return list(csv.DictReader(lines, delimiter=delimiter))


def columns(path):
    rows = read(path)
    return np.array([[float(r["dose"]), float(r["response"])] for r in rows]).T


def fitted(stats, name, family, **options):
    dose, response = columns(stats / "dose_response" / f"{name}.csv")
    return fit_family(family_named(family), collapse(dose, response, np.ones(dose.size)), **options)


def digits(mine, certified):
    return -np.log10(np.abs(np.asarray(mine) / np.asarray(certified) - 1) + 1e-16)


def certified(stats, name):
    record = json.loads((stats / "nist" / f"{name}.json").read_text())
    rows = np.array([[float(r["x"]), float(r["y"])] for r in read(stats / "nist" / f"{name}.csv")])
    # y = b1/(1 + exp(b2 - b3 x))^(1/b4) is our five-parameter curve in dose exp(-x): response
    # b1 at dose 0, 0 at infinite dose, slope b3, centre exp(-b2/b3), asymmetry 1/b4.
    data = collapse(np.exp(-rows[:, 0]), rows[:, 1], np.ones(len(rows)))
    return record, data


@pytest.mark.parametrize("start", ["start1", "start2"])
def test_the_growth_data_rat42_of_nist_come_out_to_seven_digits(stats, start):
    record, data = certified(stats, "Rat42")
    b1, b2, b3 = record[start]
    del b1  # linear: it needs no start
    first = {"log10_ec50": -b2 / b3 / np.log(10), "log_slope": np.log(b3)}
    held = Constraints(fixed={"at_infinite_dose": 0.0})
    fit = fit_family(family_named("4pl"), data, constraints=held, start=first)
    named = fit.in_user_units()
    slope = np.exp(named["log_slope"])
    mine = [named["at_zero_dose"], -named["log10_ec50"] * np.log(10) * slope, slope]
    assert digits(mine, record["certified"]).min() >= 7
    gradient = np.zeros((3, 4))  # of (b1, b2, b3) by (log10 EC50, ln slope, zero, infinite)
    gradient[0, 2] = 1
    gradient[1] = [-np.log(10) * slope, mine[1], 0, 0]
    gradient[2, 1] = slope
    se = np.sqrt(np.diag(gradient @ in_user_covariance(fit) @ gradient.T))
    assert digits(se, record["certified_sd"]).min() >= 6
    assert digits(fit.rss, record["certified_rss"]) >= 9


@pytest.mark.parametrize("start", ["start1", "start2"])
def test_the_growth_data_rat43_of_nist_come_out_to_seven_digits(stats, start):
    # The certificate prints 9 degrees of freedom; its residual SD is that of 15 - 4 = 11.
    record, data = certified(stats, "Rat43")
    _, b2, b3, b4 = record[start]
    first = {
        "log10_centre": -b2 / b3 / np.log(10),
        "log_slope": np.log(b3),
        "log_asymmetry": -np.log(b4),
    }
    held = Constraints(fixed={"at_infinite_dose": 0.0})
    fit = fit_family(family_named("5pl"), data, constraints=held, start=first)
    named = fit.in_user_units()
    slope, b4 = np.exp(named["log_slope"]), np.exp(-named["log_asymmetry"])
    b2 = -named["log10_centre"] * np.log(10) * slope
    assert digits([named["at_zero_dose"], b2, slope, b4], record["certified"]).min() >= 7
    gradient = np.zeros((4, 5))
    gradient[0, 3] = 1
    gradient[1] = [-np.log(10) * slope, b2, 0, 0, 0]
    gradient[2, 1] = slope
    gradient[3, 2] = -b4
    se = np.sqrt(np.diag(gradient @ in_user_covariance(fit) @ gradient.T))
    assert digits(se, record["certified_sd"]).min() >= 6
    assert fit.df == 11


def in_user_covariance(fit):
    # The centre moves by a constant between the middle of the design and the user's unit,
    # which leaves the covariance as it is.
    return fit.covariance()


def test_two_herbicides_share_their_plateaus_and_keep_their_ratio(stats, r_models):
    rows = read(stats / "dose_response" / "s_alba_two_curves.csv")
    table = DoseTable(
        [float(r["dose"]) for r in rows],
        [float(r["response"]) for r in rows],
        curve=[r["curve"] for r in rows],
    )
    curves = list(curves_of(table))
    r = r_models["s_alba"]
    separate = fit_joint(curves)
    shared = fit_joint(curves, shared={"at_zero_dose", "at_infinite_dose"}, information="observed")
    assert separate.rss == pytest.approx(r["rss_separate"], rel=1e-9)
    assert shared.rss == pytest.approx(r["rss_shared"], rel=1e-9)
    test = sharing_test(shared, separate)
    assert (test.f, test.p) == pytest.approx((r["extraSS"]["F"], r["extraSS"]["p"]), rel=1e-6)
    ratio = ec50_ratio(shared, "Bentazone", "Glyphosate")
    (delta,) = r["EDcomp_delta"].values()
    (fieller,) = r["EDcomp_fieller"].values()
    # 1e-4: how far R's numerical second derivatives are from ours.
    assert ratio.value == pytest.approx(delta["Estimate"], rel=1e-4)
    assert ratio.delta == pytest.approx((delta["Lower"], delta["Upper"]), rel=1e-4)
    assert ratio.fieller == pytest.approx((fieller["Lower"], fieller["Upper"]), rel=1e-4)


def test_curves_that_also_share_their_slope_fit_worse(stats, r_models):
    rows = read(stats / "dose_response" / "s_alba_two_curves.csv")
    table = DoseTable(
        [float(r["dose"]) for r in rows],
        [float(r["response"]) for r in rows],
        curve=[r["curve"] for r in rows],
    )
    curves = list(curves_of(table))
    plateaus = {"at_zero_dose", "at_infinite_dose"}
    parallel = fit_joint(curves, shared={*plateaus, "log_slope"})
    test = sharing_test(parallel, fit_joint(curves, shared=plateaus))
    expected = r_models["s_alba"]["parallel"]
    assert parallel.rss == pytest.approx(expected["rss"], rel=1e-9)
    assert (test.f, test.p) == pytest.approx((expected["F"], expected["p"]), rel=1e-6)


def test_lettuce_is_stimulated_at_low_dose(stats, r_models):
    r = r_models["lettuce"]
    hormesis, plain = (fitted(stats, "lettuce_hormesis", f) for f in ("brain_cousens4", "3pl"))
    assert hormesis.rss == pytest.approx(r["rss"], rel=1e-6)
    assert plain.rss == pytest.approx(r["LL3_rss"], rel=1e-6)
    assert extra_sum_of_squares(plain, hormesis).p == pytest.approx(r["hormesis_F_p"], rel=1e-4)
    ed50 = 10 ** (crossing(hormesis, hormesis.theta[2] / 2) + hormesis.data.x0)
    # R stopped 6e-8 above the smallest sum of squares; scipy's least_squares gives our 35.0520.
    assert ed50 == pytest.approx(r["ED50_delta"]["e:1:50"]["Estimate"], rel=2e-4)
    assert ed50 == pytest.approx(35.05198798, rel=1e-6)
    x = np.linspace(-1.5, 1.0, 200_001)
    value = hormesis.value(x - hormesis.data.x0)
    # R stopped 6e-8 above the smallest RSS, so its maximum is 2e-5 below; scipy's least_squares
    # from 18 starts and a bounded search for the maximum give 1.18146594.
    assert value.max() == pytest.approx(1.1814659351377947, rel=1e-8)
    assert value.max() == pytest.approx(r["MAX"]["1"]["Response"], rel=3e-5)
    assert 10 ** x[value.argmax()] == pytest.approx(r["MAX"]["1"]["Dose"], rel=1e-3)


@pytest.mark.parametrize(
    ("r_name", "family"),
    [("LL.4", "4pl"), ("LL.3", "3pl"), ("LL.5", "5pl"), ("W1.4", "weibull1"), ("W2.4", "weibull2")],
)
def test_ryegrass_has_the_residual_variance_of_r_in_every_family(stats, r_models, r_name, family):
    fit = fitted(stats, "ryegrass", family)
    expected = r_models["ryegrass"]["mselect"][r_name]["Res var"]
    # R stops its search at 1e-7 of the sum of squares or worse: ours may only be lower.
    assert fit.sigma**2 == pytest.approx(expected, rel=1e-5)
    assert fit.sigma**2 <= expected * (1 + 1e-8)


def test_ryegrass_passes_a_response_where_r_says(stats, r_models):
    fit = fitted(stats, "ryegrass", "4pl")
    expected = r_models["ryegrass"]["ED_abs"]["e:1:3.5"]["Estimate"]
    assert 10 ** (crossing(fit, 3.5) + fit.data.x0) == pytest.approx(expected, rel=1e-5)


def test_ryegrass_has_the_sandwich_errors_of_r(stats, r_models):
    dose, response = columns(stats / "dose_response" / "ryegrass.csv")
    fit = fitted(stats, "ryegrass", "4pl")
    se = np.sqrt(np.diag(sandwich(fit, points_of(dose, response))))
    slope, ec50 = np.exp(fit.theta[1]), 10 ** (fit.theta[0] + fit.data.x0)
    mine = [slope * se[1], se[3], se[2], ec50 * np.log(10) * se[0]]  # b, c, d, e of R
    # R's bread is the observed information, ours the Jacobian: they differ by up to 9 % here.
    assert mine == pytest.approx(r_models["ryegrass"]["vcov_sandwich_se"], rel=0.1)


def test_growth_rate_curves_are_those_of_the_published_tools(stats):
    def key(row):
        return tuple(row[k] for k in ("cell_line", "agent", "perturbation", "replicate", "time"))

    metrics = read(stats / "gr" / "R_input1_GRmetrics.tsv", "\t")
    python = {key(r): r for r in read(stats / "gr" / "python_input1_GRmetrics.tsv", "\t")}
    values = {}
    for row in read(stats / "gr" / "R_input1_GRvalues.tsv", "\t"):
        values.setdefault(key(row), []).append((float(row["concentration"]), float(row["GR"])))
    assert len(metrics) == 80
    for row in metrics:
        dose, gr = np.array(values[key(row)]).T
        curve = fit_growth_curve(dose, gr)
        for theirs in (row["GR50"], python[key(row)]["GR50"]):
            expected = float(theirs.replace("Inf", "inf"))
            assert np.isfinite(curve.gr50) == np.isfinite(expected)
            if np.isfinite(expected):
                assert np.log10(curve.gr50 / expected) == pytest.approx(0, abs=2e-3)
        assert curve.gr_max == pytest.approx(float(row["GRmax"]), abs=1e-9)
        assert curve.gr_aoc == pytest.approx(float(row["GR_AOC"]), abs=1e-9)


def test_counts_with_extra_variance_reach_the_maximum_of_the_likelihood():
    # Independent: Nelder-Mead of scipy on the same likelihood, written once more.
    rng = np.random.default_rng(3)
    dose = np.repeat([0.0, 1, 3, 10, 30, 100], 6)
    mean = 5 + 45 / (1 + (dose / 8) ** 1.2)
    count = rng.negative_binomial(5, 5 / (5 + mean)).astype(float)
    fit = fit_counts([points_of(dose, count)])

    def cost(v):
        mu = v[3] + (v[2] - v[3]) / (1 + (dose / np.exp(v[0])) ** np.exp(v[1]))
        if (mu <= 0).any():
            return 1e10
        size = np.exp(-v[4])
        p = size / (size + mu)
        return -np.sum(
            gammaln(count + size)
            - gammaln(size)
            - gammaln(count + 1)
            + size * np.log(p)
            + count * np.log1p(-p)
        )

    best = minimize(
        cost,
        [np.log(8), 0.2, 50, 5, np.log(0.2)],
        method="Nelder-Mead",
        options={"maxiter": 20_000, "maxfev": 20_000, "xatol": 1e-10, "fatol": 1e-12},
    )
    assert fit.converged
    assert fit.log_likelihood == pytest.approx(-best.fun, abs=1e-6)
    assert fit["log10_ec50:1"] == pytest.approx(best.x[0] / np.log(10), abs=1e-3)
    assert fit.dispersion == pytest.approx(np.exp(best.x[4]), rel=1e-2)


def test_fractions_with_full_effect_are_a_logistic_regression_on_log_dose():
    # With plateaus 1 and 0 the model is exactly a logistic regression; solved by Newton here.
    dose = np.array([1.0, 3, 10, 30, 100, 300])
    alive = np.array([58.0, 55, 40, 22, 7, 1])
    trials = np.full(6, 60.0)
    design = np.column_stack([np.ones(6), np.log(dose)])
    beta = np.zeros(2)
    for _ in range(50):
        p = expit(design @ beta)
        information = design.T @ (design * (trials * p * (1 - p))[:, None])
        beta = beta + np.linalg.solve(information, design.T @ (alive - trials * p))
    points = points_of(dose, alive / trials, weight=trials)
    fit = fit_fractions([points], fixed={"at_zero_dose": 1.0, "at_infinite_dose": 0.0})
    assert np.exp(fit["log_slope:1"]) == pytest.approx(-beta[1], rel=1e-6)
    assert fit["log10_ec50:1"] * np.log(10) == pytest.approx(-beta[0] / beta[1], abs=1e-6)
    se = np.sqrt(np.linalg.inv(information)[1, 1])
    assert fit.se[1] * np.exp(fit["log_slope:1"]) == pytest.approx(se, rel=1e-5)


def test_clear_sarcoma_curves_agree_with_curvecurator_on_the_median(stats):
    from lamella.potency import fit_many

    rows = read(stats / "scale" / "sarcoma_11lines_36points.tsv", "\t")
    theirs = {
        r["Name"]: r for r in read(stats / "scale" / "sarcoma_11lines_curvecurator_0.6.tsv", "\t")
    }
    doses = np.repeat([0, 0.17, 0.51, 1.52, 4.57, 13.72, 41.15, 123.5, 370.4, 1111, 3333, 10000], 3)
    clear = [
        r
        for r in rows
        if r["Name"] in theirs
        and theirs[r["Name"]]["Curve Fold Change"]
        and float(theirs[r["Name"]]["Curve Fold Change"]) < -2
        and 5.5 < float(theirs[r["Name"]]["pEC50"]) < 8.5
        and all(r[f"Raw {i}"] for i in range(36))
    ]
    assert len(clear) > 100
    response = np.array([[float(r[f"Raw {i}"]) for i in range(36)] for r in clear])
    mine = 9.0 - fit_many(doses, response).log10_ec50
    difference = mine - np.array([float(theirs[r["Name"]]["pEC50"]) for r in clear])
    # 0.02 log10: the agreement of two independent reference fits on these data.
    assert abs(np.median(difference)) < 0.02


def test_half_of_the_change_lies_at_the_ec50_of_a_logistic(stats):
    fit = fitted(stats, "ryegrass", "4pl")
    assert half_change(fit) == fit.theta[0]
