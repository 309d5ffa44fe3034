"""What must hold of every dose-response curve, whatever the cells did."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamella.potency import DoseTable, FitSettings, PowerOfMean, fit, fit_many, profile_many
from lamella.potency.collapse import collapse
from lamella.potency.families import FAMILIES, family_named
from lamella.potency.family_fit import Constraints, fit_family
from lamella.potency.intervals import profile_cut
from lamella.potency.profile import profile_relative

DOSES = np.repeat([0.0, 1, 3, 10, 30, 100, 300, 1000], 3)
QUICK = FitSettings(compare=False)


@st.composite
def experiments(draw):
    """Responses of cells at DOSES: a sigmoid with noise."""
    seed = draw(st.integers(0, 2**31))
    centre, slope = draw(st.floats(0.0, 3.2)), draw(st.floats(0.5, 3.0))
    bottom = draw(st.floats(0.0, 0.6))
    clean = bottom + (1 - bottom) / (1 + (DOSES / 10**centre) ** slope)
    return clean + np.random.default_rng(seed).normal(0, 0.05, DOSES.size)


def curve(dose, response, **options):
    return fit(DoseTable(dose, response), settings=QUICK, **options).curves[0]


@settings(max_examples=4)
@given(experiments(), st.permutations(range(DOSES.size)))
def test_the_order_of_wells_says_nothing(response, order):
    order = list(order)
    one, other = curve(DOSES, response), curve(DOSES[order], response[order])
    assert other.verdict == one.verdict
    assert other.rss == pytest.approx(one.rss, rel=1e-12)
    # Sums in another order round differently: 1e-8 of the estimate is all that may move.
    assert other.parameters.log10_ec50 == pytest.approx(one.parameters.log10_ec50, abs=1e-8)


@settings(max_examples=4)
@given(experiments(), st.integers(0, 2**31))
def test_replicates_of_a_dose_may_change_places(response, seed):
    shuffled = np.random.default_rng(seed).permuted(response.reshape(-1, 3), axis=1).ravel()
    one, other = curve(DOSES, response), curve(DOSES, shuffled)
    assert other.rss == pytest.approx(one.rss, rel=1e-12)
    assert other.relative_ic50.verdict == one.relative_ic50.verdict


@pytest.mark.parametrize("factor", [1e-12, 1e-6, 1e3, 1e12])
def test_the_dose_unit_says_nothing(factor):
    rng = np.random.default_rng(1)
    response = 0.1 + 0.9 / (1 + (DOSES / 40) ** 1.2) + rng.normal(0, 0.05, DOSES.size)
    one, other = curve(DOSES, response), curve(DOSES * factor, response)
    # 1e-9: the invariance that is promised over 1e-12 ... 1e12.
    shift = np.log10(factor)
    assert other.parameters.log10_ec50 - shift == pytest.approx(one.parameters.log10_ec50, abs=1e-9)
    assert other.rss == pytest.approx(one.rss, rel=1e-12)
    for mine, theirs in (
        (one.relative_ic50, other.relative_ic50),
        (one.absolute_ic50, other.absolute_ic50),
    ):
        assert theirs.verdict == mine.verdict
        assert theirs.value / factor == pytest.approx(mine.value, rel=1e-8)
        assert np.log10(theirs.low / factor) == pytest.approx(np.log10(mine.low), abs=1e-6)


@pytest.mark.parametrize("factor", [1e-9, 1e-12, 1e12])
@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_the_dose_unit_says_nothing_in_bulk(factor, engine):
    if engine == "numba":
        pytest.importorskip("numba")
    rng = np.random.default_rng(2)
    response = 1 / (1 + (DOSES / 50) ** 1.1) + rng.normal(0, 0.04, (40, DOSES.size))
    one = fit_many(DOSES, response, engine=engine)
    other = fit_many(DOSES * factor, response, engine=engine)
    assert other.log10_ec50 - np.log10(factor) == pytest.approx(one.log10_ec50, abs=1e-9)


@settings(max_examples=4)
@given(experiments(), st.floats(1e-6, 1e6))
def test_the_unit_of_the_response_says_nothing(response, scale):
    one, other = curve(DOSES, response), curve(DOSES, response * scale)
    assert other.relative_ic50.verdict == one.relative_ic50.verdict
    assert other.absolute_ic50.verdict == one.absolute_ic50.verdict
    assert other.rss == pytest.approx(one.rss * scale**2, rel=1e-9)


def test_the_same_data_give_the_same_numbers_twice():
    rng = np.random.default_rng(4)
    response = 1 / (1 + (DOSES / 50) ** 1.1) + rng.normal(0, 0.04, DOSES.size)
    table = DoseTable(DOSES, response)
    assert fit(table) == fit(table)


def test_a_rising_response_is_the_mirror_of_a_falling_one():
    rng = np.random.default_rng(5)
    response = 1 / (1 + (DOSES / 50) ** 1.1) + rng.normal(0, 0.04, DOSES.size)
    falling, rising = curve(DOSES, response), curve(DOSES, 2.0 - response)
    assert rising.relative_ic50.value == pytest.approx(falling.relative_ic50.value, rel=1e-8)
    assert "rising" in rising.flags
    assert rising.headline == "relative"


@settings(max_examples=4)
@given(experiments())
def test_means_with_pure_error_give_the_fit_of_all_points(response):
    points = collapse(DOSES, response, np.ones(DOSES.size))
    apart = np.nextafter(DOSES, np.inf) * (1 + 1e-13 * np.arange(DOSES.size))
    apart[:3] = 0.0
    single = collapse(apart, response, np.ones(DOSES.size))
    one, other = (fit_family(family_named("4pl"), data) for data in (points, single))
    # The doses differ in the thirteenth digit only, so that nothing is collapsed.
    assert one.rss == pytest.approx(other.rss, rel=1e-9)


@pytest.mark.parametrize("name", [f.name for f in FAMILIES if f.nonlinear])
def test_each_family_knows_its_own_slope(name):
    family = family_named(name)
    rng = np.random.default_rng(6)
    x = np.array([-np.inf, -1.7, -0.9, -0.2, 0.4, 1.1, 1.8])
    low, high = family.box((-1.7, 1.8))
    for _ in range(20):
        start = family.grid((-1.7, 1.8))
        nu = np.clip(start[rng.integers(len(start))], low + 0.05, high - 0.05)
        theta = np.concatenate([nu + 0.017, rng.normal(0, 1, len(family.linear))])
        jacobian = family.jacobian(x, theta)
        for i in range(theta.size):
            step = 1e-6 * max(1.0, abs(theta[i]))
            up, down = theta.copy(), theta.copy()
            up[i], down[i] = theta[i] + step, theta[i] - step
            numeric = (family.value(x, up) - family.value(x, down)) / (2 * step)
            # Central differences at this step are good to about 1e-8 of the largest value.
            size = 1.0 + np.abs(jacobian[:, i]).max()
            assert jacobian[:, i] == pytest.approx(numeric, abs=3e-6 * size)


def test_both_engines_and_the_single_fit_give_the_same_numbers():
    pytest.importorskip("numba")
    rng = np.random.default_rng(8)
    clean = 0.2 + 0.8 / (1 + (DOSES / 30) ** 1.3)
    response = clean + rng.normal(0, 0.04, (15, DOSES.size))
    fits = {engine: fit_many(DOSES, response, engine=engine) for engine in ("numpy", "numba")}
    ends = {engine: profile_many(DOSES, response, fits[engine], engine=engine) for engine in fits}
    assert fits["numba"].rss == pytest.approx(fits["numpy"].rss, rel=1e-12)
    # 1e-7: both stop when a step is smaller than that.
    assert fits["numba"].log10_ec50 == pytest.approx(fits["numpy"].log10_ec50, abs=1e-7)
    assert fits["numba"].se == pytest.approx(fits["numpy"].se, rel=1e-5)
    assert ends["numba"].low == pytest.approx(ends["numpy"].low, abs=1e-6)
    assert ends["numba"].high == pytest.approx(ends["numpy"].high, abs=1e-6)
    for k, row in enumerate(response):
        single = fit_family(family_named("4pl"), collapse(DOSES, row, np.ones(row.size)))
        interval = profile_relative(single, cut=profile_cut(single))
        x0 = single.data.x0
        assert fits["numpy"].log10_ec50[k] == pytest.approx(single.theta[0] + x0, abs=1e-6)
        assert ends["numpy"].low[k] == pytest.approx(interval.low + x0, abs=1e-6)
        assert ends["numpy"].high[k] == pytest.approx(interval.high + x0, abs=1e-6)


def test_a_missing_well_in_bulk_is_a_missing_row_alone():
    rng = np.random.default_rng(9)
    response = 1 / (1 + (DOSES / 30) ** 1.3) + rng.normal(0, 0.04, (3, DOSES.size))
    response[1, [4, 10]] = np.nan
    bulk = fit_many(DOSES, response, engine="numpy")
    kept = np.isfinite(response[1])
    alone = fit_family(
        family_named("4pl"), collapse(DOSES[kept], response[1, kept], np.ones(kept.sum()))
    )
    assert bulk.rss[1] == pytest.approx(alone.rss, rel=1e-9)
    assert bulk.df[1] == alone.df == DOSES.size - 2 - 4


def test_a_weight_of_two_is_a_well_measured_twice():
    rng = np.random.default_rng(10)
    response = 1 / (1 + (DOSES / 30) ** 1.3) + rng.normal(0, 0.04, DOSES.size)
    weight = np.where(np.arange(DOSES.size) % 4 == 0, 2.0, 1.0)
    twice = np.repeat(np.arange(DOSES.size), weight.astype(int))
    weighted = fit_family(family_named("4pl"), collapse(DOSES, response, weight))
    repeated = fit_family(
        family_named("4pl"), collapse(DOSES[twice], response[twice], np.ones(twice.size))
    )
    assert weighted.theta == pytest.approx(repeated.theta, abs=1e-7)
    assert weighted.rss == pytest.approx(repeated.rss, rel=1e-12)


def test_held_and_bounded_parameters_stay_where_they_were_put():
    rng = np.random.default_rng(11)
    response = 0.15 + 0.85 / (1 + (DOSES / 30) ** 1.3) + rng.normal(0, 0.02, DOSES.size)
    data = collapse(DOSES, response, np.ones(DOSES.size))
    limits = Constraints(fixed={"at_zero_dose": 1.0}, bounded={"at_infinite_dose": (0.2, None)})
    named = fit_family(family_named("4pl"), data, constraints=limits).in_user_units()
    assert named["at_zero_dose"] == 1.0
    assert named["at_infinite_dose"] == pytest.approx(0.2, abs=1e-12)
    unit_slope = Constraints(fixed={"log_slope": 0.0})
    held = fit_family(family_named("4pl"), data, constraints=unit_slope)
    assert held.in_user_units()["log_slope"] == 0.0
    assert held.df == DOSES.size - 3


def test_positive_controls_pull_a_plateau_softly():
    dose = np.array([0.0, 0, 0, 1, 3, 10, 30, 100, 1, 1, 1])
    response = np.array([1.0, 1.02, 0.98, 0.97, 0.9, 0.75, 0.55, 0.4, 0.05, 0.06, 0.04])
    role = ["vehicle"] * 3 + ["test"] * 5 + ["positive"] * 3
    table = DoseTable(dose, response, role=role)
    with_controls = FitSettings(positive_is_plateau=True, compare=False)
    informed = fit(table, settings=with_controls).curves[0]
    alone = fit(table, settings=QUICK).curves[0]
    # Wells at infinite dose are data: the plateau comes to lie near their mean, not on it.
    assert abs(informed.parameters.at_infinite_dose - 0.05) < 0.02
    assert informed.parameters.at_infinite_dose != 0.05
    assert informed.se.at_infinite_dose < alone.se.at_infinite_dose
    assert "left_out:positive" in alone.flags


def test_noise_in_percent_is_weighed_by_the_fitted_curve():
    rng = np.random.default_rng(12)
    clean = 5 + 95 / (1 + (DOSES / 30) ** 1.3)
    response = clean * np.exp(rng.normal(0, 0.1, DOSES.size))
    weighted = FitSettings(weighting=PowerOfMean(1.0), compare=False)
    one = fit(DoseTable(DOSES, response), settings=weighted).curves[0]
    assert "weights:power_of_mean_1" in one.flags
    # The fixed point: weights 1/f^2 of the result, given as known weights, give the result.
    p = one.parameters
    fitted = p.at_infinite_dose + (p.at_zero_dose - p.at_infinite_dose) / (
        1 + (DOSES / 10**p.log10_ec50) ** p.slope
    )
    again = fit(DoseTable(DOSES, response, weight=fitted**-2.0), settings=QUICK).curves[0]
    assert again.parameters.log10_ec50 == pytest.approx(p.log10_ec50, abs=1e-6)


def test_one_far_off_well_moves_a_robust_curve_less():
    rng = np.random.default_rng(13)
    response = 1 / (1 + (DOSES / 30) ** 1.3) + rng.normal(0, 0.03, DOSES.size)
    spoiled = response.copy()
    spoiled[10] += 0.8
    clean = curve(DOSES, response).parameters.log10_ec50
    plain = curve(DOSES, spoiled)
    robust = fit(
        DoseTable(DOSES, spoiled), settings=FitSettings(loss="tukey", compare=False)
    ).curves[0]
    assert abs(robust.parameters.log10_ec50 - clean) < 0.2 * abs(
        plain.parameters.log10_ec50 - clean
    )
    assert "outlier" in plain.flags
    assert plain.outliers == (10,)
    assert len(plain.responses) == DOSES.size
