"""Does the mechanism give the numbers worked out by hand, and those of another program?"""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from lamella.errors import SettingsError
from lamella.signalling import inhibition, pathway
from lamella.signalling.inhibition import (
    DEFACTINIB,
    FakRates,
    apparent_ki_molar,
    biochemical_ic50_molar,
    occupancy,
    py397_after,
    py397_fraction,
    py397_ic50_molar,
    py397_of_vehicle,
    shift_draws,
)


def test_cheng_prusoff_by_hand():  # 0.6 nM (1 + 1000 µM / 40 µM) = 15.6 nM
    ic50 = biochemical_ic50_molar(0.6e-9, atp_molar=1e-3, km_atp_molar=40e-6)
    assert ic50 == pytest.approx(15.6e-9)


def test_occupancies_at_the_doses_of_the_guide():  # Kapp 36 nM: 67, 81, 97, 99.6 %
    apparent = apparent_ki_molar(DEFACTINIB.ki_fak_molar, shift=60)
    bound = 100 * occupancy([73.7e-9, 152e-9, 1e-6, 10e-6], apparent_ki_molar=apparent)
    assert bound.round(1).tolist() == [67.2, 80.9, 96.5, 99.6]


@pytest.mark.parametrize(
    ("stiffness_kpa", "share", "ratio"), [(math.inf, 0.918, 12.3), (0, 0.3, 1.43)]
)
def test_kinase_to_spare_shifts_the_ic50(stiffness_kpa, share, ratio):
    # k 0.394 and 0.015 /s against 0.035 /s: 91.8 and 30 % phosphorylated without inhibitor.
    vehicle = py397_fraction(0.0, apparent_ki_molar=1e-9, stiffness_kpa=stiffness_kpa)
    assert float(vehicle) == pytest.approx(share, abs=5e-4)
    ic50 = py397_ic50_molar(1e-9, stiffness_kpa=stiffness_kpa)
    assert ic50 / 1e-9 == pytest.approx(ratio, rel=5e-3)


@pytest.mark.parametrize("shift", [3, 20, 150])
def test_ten_micromolar_for_two_hours_lowers_py397_by_90_percent(shift):
    apparent = apparent_ki_molar(DEFACTINIB.ki_fak_molar, shift=shift)
    before, after = py397_after([0.0, 7200.0], dose_molar=10e-6, apparent_ki_molar=apparent)
    assert after / before <= 0.10


def test_lost_phosphate_has_a_half_life_of_20_seconds():  # ln 2 / 0.035 = 19.8 s
    course = py397_after([0.0, 19.8], dose_molar=1.0, apparent_ki_molar=1e-12)
    assert course[1] / course[0] == pytest.approx(0.5, abs=1e-3)


def test_the_course_agrees_with_a_numerical_solver():
    rates, dose, apparent = FakRates(), 40e-9, 12e-9
    k = rates.activation_per_s(2.0)
    free = 1 / (1 + dose / apparent)
    time_s = np.linspace(0, 120, 13)
    solved = solve_ivp(
        lambda _, p: k * free * (1 - p) - rates.dephosphorylation_per_s * p,
        (0, 120),
        [k / (k + rates.dephosphorylation_per_s)],
        t_eval=time_s,
        rtol=1e-10,
        atol=1e-12,
    )
    course = py397_after(time_s, dose_molar=dose, apparent_ki_molar=apparent, stiffness_kpa=2.0)
    assert course == pytest.approx(solved.y[0], rel=1e-7)  # the solver's own tolerance


def test_the_prior_of_the_shift_spans_3_to_150():
    draws = shift_draws(20000, rng=np.random.default_rng(1))
    low, median, high = np.quantile(draws, [0.025, 0.5, 0.975])
    # "median about 20, 95 % about 3 to 150"; 20,000 draws place a quantile within a few percent.
    assert median == pytest.approx(20, rel=0.05)
    assert low == pytest.approx(3, rel=0.1)
    assert high == pytest.approx(150, rel=0.1)


def test_the_predicted_ic50_of_defactinib_lies_between_the_known_siblings():
    # Class shifts 3.3 to 67 on a Ki of 0.6 nM: 2 to 40 nM.
    shifts = (3.3, 67)
    low, high = (apparent_ki_molar(DEFACTINIB.ki_fak_molar, shift=shift) for shift in shifts)
    assert (round(low * 1e9), round(high * 1e9)) == (2, 40)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: occupancy([-1e-9], apparent_ki_molar=1e-9), "dose is negative"),
        (lambda: occupancy([math.nan], apparent_ki_molar=1e-9), "not finite"),
        (lambda: occupancy([1e-9], apparent_ki_molar=0.0), "apparent Ki is 0"),
        (lambda: apparent_ki_molar(1e-9, free_fraction=1.5), "free fraction is 1.5"),
        (lambda: apparent_ki_molar(-1e-9), "Ki is -1e-09"),
        (lambda: biochemical_ic50_molar(1e-9, atp_molar=-1, km_atp_molar=1e-6), "ATP is -1"),
        (lambda: py397_ic50_molar(1e-9, stiffness_kpa=-2), "stiffness is -2 kPa"),
        (
            lambda: py397_fraction(0, apparent_ki_molar=1e-9, rates=FakRates(-0.4)),
            "phosphorylation",
        ),
        (lambda: py397_after([-1.0], dose_molar=0, apparent_ki_molar=1e-9), "time is negative"),
    ],
)
def test_an_impossible_rate_or_dose_is_refused(call, message):
    with pytest.raises(SettingsError, match=message):
        call()


def test_every_edge_of_the_guide_is_in_the_pathway(shared_data):
    path = shared_data("evidence") / "guide_pathway.csv"
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    steps = list(pathway.edges())
    # The guide's "survival, proliferation, migration, invasion" is kept as two steps.
    assert len(steps) == len(rows) + 1
    del steps[19]
    for row, step in zip(rows, steps, strict=True):
        printed = row["guide_ref"].replace("(none)", "").replace("(not in guide)", "")
        assert ",".join(step.references) == printed
        assert step.source.split()[0].casefold() in row["source"].casefold()
        assert row["site"] in {"", "site not given"} or row["site"].startswith(step.site)


def test_contested_steps_carry_what_speaks_against_them():
    against = {step.id: step.against for step in pathway.edges() if step.against}
    assert {"P07", "P08", "P09", "P15", "P19", "P20"} <= set(against)
    assert "raises matrix degradation" in against["P19"]


def test_the_matrix_reaches_migration_and_the_inhibitor_blocks_the_way():
    reached = pathway.downstream("ECM")
    assert {"FAK", "PI3K/AKT", "RAS/MEK/ERK", "migration and invasion"} <= set(reached)
    blocked = {step.target for step in pathway.edges() if step.inhibits}
    assert {"FAK kinase domain", "FAK pY397", "Pyk2"} <= blocked


def test_an_unknown_node_is_refused():
    with pytest.raises(ValueError, match="no node 'EGFR'"):
        pathway.downstream("EGFR")


def test_pyk2_is_no_untouched_bypass():
    assert DEFACTINIB.ki_pyk2_molar == DEFACTINIB.ki_fak_molar
    assert "secondary" in inhibition.DEFACTINIB.source


def test_vehicle_is_the_reference():
    assert float(py397_of_vehicle(0.0, apparent_ki_molar=12e-9)) == 1.0
