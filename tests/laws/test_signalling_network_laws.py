"""Which laws must every network keep, whatever its constants?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamella.signalling import links as link
from lamella.signalling.compiled import code_of
from lamella.signalling.expression import derivative, evaluate, number, parse, written
from lamella.signalling.links import Links, link_draws
from lamella.signalling.models import model
from lamella.signalling.sampling import prior_draws
from lamella.signalling.simulation import simulate_many

seeds = st.integers(0, 10_000)
shares = st.floats(0, 1)

TOTALS = {
    "core": [("FAK", "FAK_adh", "pY397", "pY397_Src", "pY576")],
    "network": [
        ("ITG", "ITGa"),
        ("FAK", "FAK_adh", "pY397", "pY397_Src", "FAKSrc", "FAKSrc925"),
        ("Src", "Srca", "pY397_Src", "FAKSrc", "FAKSrc925"),
        ("Cas", "pCas", "CasDOCK"),
        ("DOCK", "CasDOCK"),
        ("RacD", "RacT"),
        ("RhoD", "RhoT"),
        ("RasD", "RasT"),
        ("MEK", "ppMEK"),
        ("ERK", "ppERK"),
    ],
}


def drawn(name, seed, count=4):
    return prior_draws(model(name), rng=np.random.default_rng(seed), count=count)


@pytest.mark.parametrize("name", TOTALS)
@settings(max_examples=2)
@given(seed=seeds)
def test_no_protein_is_made_or_lost_or_falls_below_zero(name, seed):
    network = model(name)
    sets = {**drawn(name, seed), "dose": [0, 0.1, 1, 10]}
    runs = simulate_many(network, [60.0, 7200.0], sets=sets, engine="numpy")
    for total in TOTALS[name]:
        start = sum(network.species[network.place_of(species)].initial for species in total)
        summed = sum(runs.of(species) for species in total)
        assert np.allclose(summed, start, rtol=1e-6)
    # Below zero by no more than the absolute tolerance leaves.
    assert runs.values[:, :, : len(network.species)].min() >= -1e-6


@pytest.mark.parametrize("name", TOTALS)
@settings(max_examples=3)
@given(seed=seeds)
def test_the_jacobian_is_the_slope_of_the_slope(name, seed):
    network, rng = model(name), np.random.default_rng(seed)
    code = code_of(network)
    y = rng.uniform(0.05, 1.0, len(network.species))
    p = np.array([parameter.value for parameter in network.parameters])
    p[0] = 0.05
    entries, dense = np.empty(len(code.rows)), np.zeros((y.size, y.size))
    code.jacobian(y, p, entries)
    dense[code.rows, code.columns] = entries
    step, ends = 1e-6, np.empty((2, y.size))
    for k in range(y.size):
        for side, sign in enumerate((1, -1)):
            moved = y.copy()
            moved[k] += sign * step
            code.slope(moved, p, ends[side])
        # Central differences of smooth rates: error of order step^2 and of rounding / step.
        assert dense[:, k] == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("name", TOTALS)
def test_both_engines_take_the_same_steps(name):
    pytest.importorskip("numba", reason="the compiled engine needs the extra 'model'")
    sets = {**drawn(name, 3), "dose": [0, 0.1, 1, 10]}
    runs = [
        simulate_many(model(name), [1.0, 60.0, 7200.0], sets=sets, engine=engine)
        for engine in ("numpy", "numba")
    ]
    assert runs[0].steps.tolist() == runs[1].steps.tolist()
    assert np.allclose(runs[0].values, runs[1].values, rtol=1e-8, atol=1e-12)


@settings(max_examples=4)
@given(seed=seeds)
def test_more_inhibitor_never_leaves_more_phosphorylated_fak(seed):
    one = {name: value[:1] for name, value in drawn("core", seed).items()}
    runs = simulate_many(
        model("core"), [7200.0], sets={**one, "dose": np.logspace(-4, 2, 12)}, engine="numpy"
    )
    for rule in ("pFAK", "pFAK576"):
        assert (np.diff(runs.of(rule)[:, 0]) <= 1e-6).all()


@pytest.mark.parametrize(
    "text", ["k * a / (m + a)", "a^2 * k + exp(-a / k)", "sqrt(a) - ln(m * a)", "(a / k)^m / m"]
)
@given(st.floats(0.1, 5), st.floats(0.1, 5), st.floats(0.1, 5))
def test_a_derivative_is_the_limit_of_differences(text, a, k, m):
    formula = parse(text)
    values = {"a": a, "k": k, "m": m}
    exact = evaluate(derivative(formula, lambda name: number(float(name == "a"))), values)
    step = 1e-5 * a
    ends = [evaluate(formula, {**values, "a": a + side * step}) for side in (1, -1)]
    assert exact == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("text", ["-a * (b - 2) / c^2", "a - (b - c)", "a / (b / c)", "-(a + b)"])
def test_a_formula_that_is_written_reads_as_before(text):
    values = {"a": 1.3, "b": 0.7, "c": 2.1}
    again = parse(written(parse(text)))
    assert evaluate(again, values) == pytest.approx(evaluate(parse(text), values))


@given(seeds)
def test_every_link_leaves_vehicle_as_it_is(seed):
    links = link_draws(20, rng=np.random.default_rng(seed))
    one = np.ones((20, 1))
    for course in (link.speed, link.persistence, link.diffusivity, link.chemotaxis):
        assert np.allclose(course(one, links), 1)
    assert np.allclose(link.degradation(one, links), 1)
    assert np.allclose(link.growth(one, links), 1)
    assert np.allclose(link.growth(one, links, anchored=False), 1)


@given(shares, shares)
def test_less_pfak_never_speeds_cells_up(a, b):
    low, high = sorted((a, b))
    for course in (link.speed, link.persistence, link.diffusivity, link.chemotaxis):
        assert course(low, Links()) <= course(high, Links())


@given(shares, st.floats(-1, 3))
def test_matrix_degradation_goes_either_way(a, beta):
    ratio = float(link.degradation(a, Links(beta=beta)))
    assert ratio == pytest.approx(1 + beta * (1 - a))
    assert ratio >= -1e-12


def test_draws_of_the_links_hold_both_signs_and_the_guides_loss_of_speed():
    links = link_draws(1000, rng=np.random.default_rng(5))
    assert 0.4 < float((np.asarray(links.beta) > 0).mean()) < 0.6
    # "migration speed 30-50 % lower" must be reachable as a plateau.
    plateau = 1 - link.speed(0.0, links)
    assert ((plateau > 0.3) & (plateau < 0.5)).any()
    anchored = link.growth(0.0, links)
    free = link.growth(0.0, links, anchored=False)
    assert anchored.min() >= 0.9 > float(np.median(free))
