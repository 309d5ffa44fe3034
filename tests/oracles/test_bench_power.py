"""Does the planner promise what experiments then keep?

Checked against simulated experiments (every well drawn, every batch fitted), against the chi-square
law of a variance, and against printed figures of paired day means: log SDs of day 0.15, treatment
by day 0.10, well 0.08, field 0.20, three wells of five fields.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from lamella.errors import MeasurementError
from lamella.potency.planning import (
    CurvePlan,
    Spread,
    batches_for_interval,
    fold_of_interval,
    interval_assurance,
    planned_spread,
    simulated_assurance,
)
from lamella.potency.power import (
    Layout,
    VarianceComponents,
    nested_power,
    sample_size,
    simulated_power,
)

PRINTED = VarianceComponents(batch=0.15, batch_treatment=0.10, well=0.08, field=0.20)
# Wells of a scratch: ln D with SD 0.36, and speed goes with the root of D.
SCRATCH = VarianceComponents(batch=0.15, batch_treatment=0.10, well=0.36 / 2)
HALF_LOGS = tuple(10 ** (step / 2 - 9) for step in range(1, 9))


def test_power_of_paired_day_means_is_the_printed_one():
    printed = {
        0.3: {3: 0.49, 4: 0.76, 5: 0.92, 6: 0.98},
        0.2: {3: 0.25, 4: 0.45, 5: 0.61, 6: 0.73},
        0.5: {3: 0.90},
    }
    differences = []
    for inhibition, powers in printed.items():
        for days, power in powers.items():
            layout = Layout(batches=days, wells=3, fields=5)
            found = nested_power(math.log(1 - inhibition), layout, components=PRINTED)
            # The printed figures were simulated: three standard errors of 1,000 runs, and rounding.
            assert found == pytest.approx(
                power, abs=3 * math.sqrt(power * (1 - power) / 1e3) + 0.005
            )
            differences.append(found - power)
    # Chance goes both ways: no bias beyond three standard errors of nine figures.
    assert abs(np.mean(differences)) < 3 * 0.013 / math.sqrt(9)


@pytest.mark.parametrize(("batches", "wells"), [(3, 2), (4, 3), (6, 3), (5, 6)])
@pytest.mark.parametrize("inhibition", [0.2, 0.4])
def test_the_planned_power_of_a_scratch_is_that_of_drawn_experiments(batches, wells, inhibition):
    layout, effect = Layout(batches=batches, wells=wells), math.log(1 - inhibition)
    rng = np.random.default_rng(batches)
    drawn = simulated_power(effect, layout, components=SCRATCH, rng=rng, runs=20_000)
    assert nested_power(effect, layout, components=SCRATCH) == pytest.approx(drawn, abs=0.02)


def test_the_batches_of_a_plan_are_enough_and_one_less_is_not():
    effect, layout = math.log(0.7), Layout(2, wells=3)
    n = sample_size(effect, layout, components=SCRATCH, power=0.8).batches
    assert n is not None
    powers = [nested_power(effect, Layout(k, wells=3), components=SCRATCH) for k in (n - 1, n)]
    assert powers[0] < 0.8 <= powers[1]


@pytest.mark.parametrize(
    ("wells", "sd", "batches", "fold"),
    [(3, 0.18, 3, 2.5), (3, 0.18, 5, 2.0), (3, 0.30, 4, 2.0), (2, 0.18, 5, 2.0), (6, 0.08, 4, 1.7)],
)
def test_planned_interval_widths_are_those_of_drawn_studies(wells, sd, batches, fold):
    plan = CurvePlan(HALF_LOGS, wells, wells + 2, 2e-7, well_sd_ln=sd)
    spread = planned_spread(plan, rng=np.random.default_rng(1))
    planned = interval_assurance(batches, spread=spread, fold=fold, rng=np.random.default_rng(2))
    rng = np.random.default_rng(3)
    drawn = simulated_assurance(
        plan, batches=batches, fold=fold, batch_sd_log10=0.15, rng=rng, runs=4_000
    )
    assert planned == pytest.approx(drawn, abs=0.02)


@pytest.mark.parametrize(("batches", "fold"), [(3, 2.4), (4, 1.7), (6, 1.4)])
def test_the_reach_of_an_interval_at_an_sd_of_015_is_the_printed_one(batches, fold):
    assert fold_of_interval(batches, sd_log10=0.15) == pytest.approx(fold, abs=0.05)


@pytest.mark.parametrize(("batches", "fold"), [(3, 2.0), (5, 2.0), (8, 1.4)])
def test_without_errors_of_the_fit_the_width_follows_chi_square(batches, fold):
    t = stats.t.ppf(0.975, batches - 1)
    most = (batches - 1) * (math.log10(fold) * math.sqrt(batches) / t / 0.15) ** 2
    even = Spread(0.15 * stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000))
    rng = np.random.default_rng(4)
    found = interval_assurance(batches, spread=even, fold=fold, rng=rng)
    # 40,000 draws: four standard errors are 0.01.
    assert found == pytest.approx(stats.chi2.cdf(most, batches - 1), abs=0.01)


def test_narrower_intervals_need_more_batches_and_some_are_out_of_reach():
    spread = Spread(np.random.default_rng(5).normal(0, 0.15, 2_000))
    wanted = [
        batches_for_interval(fold, spread=spread, rng=np.random.default_rng(6)).batches
        for fold in (3.0, 2.0, 1.5)
    ]
    assert None not in wanted
    assert wanted == sorted(wanted)
    assert len(set(wanted)) == 3
    hopeless = batches_for_interval(1.02, spread=spread, rng=np.random.default_rng(6))
    assert hopeless.batches is None
    assert "Accept a wider interval" in hopeless.text


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: CurvePlan((1e-8, 1e-7), 3, 3, 1e-7), "2 doses carry no curve"),
        (lambda: CurvePlan(HALF_LOGS, 0, 3, 1e-7), "are positive"),
        (
            lambda: batches_for_interval(
                1.0, spread=Spread(np.ones(3)), rng=np.random.default_rng(0)
            ),
            "1-fold is none",
        ),
        (
            lambda: batches_for_interval(
                2.0, spread=Spread(np.ones(3)), rng=np.random.default_rng(0), assurance=80
            ),
            "Write 0.8 for 80 %",
        ),
    ],
)
def test_a_plan_without_meaning_is_refused(call, message):
    with pytest.raises(MeasurementError, match=message):
        call()
