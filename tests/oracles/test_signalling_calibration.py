"""Does calibration give the truth back where data hold it, and say so where they do not?"""

from __future__ import annotations

import numpy as np
import pytest

from lamella.errors import FitError, SettingsError
from lamella.signalling.calibrated import calibrate, core_problem
from lamella.signalling.calibration import Estimated, Measurements, Problem, fit, lack_of_fit
from lamella.signalling.held_out import (
    fit_growth,
    fit_shift,
    predicted_ic50,
    shift_after_siblings,
    shift_draws_after_siblings,
)
from lamella.signalling.inhibition import DEFACTINIB
from lamella.signalling.links import link_draws
from lamella.signalling.models import model
from lamella.signalling.profiles import ic50_of, profile, profile_of
from lamella.signalling.readouts import READOUTS, band, predict
from lamella.signalling.sbml import read_sbml
from lamella.signalling.simulation import simulate_many

TRUE_IC50_UM = 0.0429
RATES = (
    Estimated("Kapp", 1e-4, 10),
    Estimated("kon", 1e-3, 10),
    Estimated("amp", 0.01, 100),
    Estimated("scale", 0.1, 10),
)


@pytest.fixture(scope="module")
def synthetic(shared_data):
    folder = shared_data("model")
    rows = np.genfromtxt(folder / "synthetic_pfak" / "measurements.csv", delimiter=",", names=True)
    data = Measurements(rows["dose_uM"], rows["t_s"], rows["pfak_fraction"])
    network = read_sbml((folder / "sbml" / "fak_core.xml").read_text("utf-8"))
    return Problem(network, "pFAK", data, RATES, dose="Def")


@pytest.fixture(scope="module")
def calibrated(synthetic):
    return calibrate(synthetic, rng=np.random.default_rng(1), draws=1000)


def test_the_ic50_of_synthetic_pfak_covers_the_truth(calibrated):
    ic50 = calibrated.ic50
    assert ic50.low < TRUE_IC50_UM < ic50.high
    assert ic50.value == pytest.approx(TRUE_IC50_UM, rel=0.15)  # "allow 15 % on the IC50"
    low, high = np.nanpercentile(calibrated.ic50_draws, [2.5, 97.5])
    assert len(calibrated.ic50_draws) == 1000 and low < TRUE_IC50_UM < high
    # The reference fit with another program leaves 0.036 log10 as root mean square.
    assert np.sqrt(calibrated.best.rss / 24) == pytest.approx(0.036, abs=5e-4)


def test_no_single_rate_is_identifiable_from_pfak_alone(calibrated):
    assert [one.name for one in calibrated.profiles] == ["Kapp", "kon", "amp", "scale"]
    assert lack_of_fit(calibrated.problem, calibrated.best) > 0.01
    assert not any("does not describe" in line for line in calibrated.lines)
    for one in calibrated.profiles:
        assert not one.identifiable and one.value is None
        assert one.text.startswith("not identifiable")
    assert sum("not identifiable" in line for line in calibrated.lines) == 4


def test_what_the_model_with_the_true_rates_halves_at(synthetic):
    halved = ic50_of(synthetic, time_s=7200.0)
    truth = np.log10([[0.02, 0.1, 4.0, 1.0]])
    assert 10 ** float(halved(truth)[0]) == pytest.approx(TRUE_IC50_UM, rel=2e-3)


def test_a_rate_is_identifiable_when_the_others_are_known(synthetic):
    known = synthetic.network.with_values({"kon": 0.1, "amp": 4.0})
    rates = (Estimated("Kapp", 1e-4, 10), Estimated("scale", 0.1, 10))
    problem = Problem(known, "pFAK", synthetic.data, rates, dose="Def")
    best = fit(problem, rng=np.random.default_rng(2), starts=4)
    found = profile(problem, best, "Kapp")
    assert found.identifiable and found.low < 0.02 < found.high
    # By hand: the likelihood of one rate is nearly quadratic, so its ends lie about alike.
    assert np.log(found.high / found.value) == pytest.approx(
        np.log(found.value / found.low), rel=0.3
    )


@pytest.mark.parametrize(("shift", "noise", "seed"), [(5.0, 0.03, 3), (60.0, 0.08, 4)])
def test_other_true_shifts_are_covered_by_the_ic50_of_the_core(shift, noise, seed):
    rng = np.random.default_rng(seed)
    doses = np.repeat([0, 10e-9, 30e-9, 100e-9, 300e-9, 1e-6, 3e-6, 10e-6], 3)
    truth = simulate_many(model("core"), [7200.0], sets={"dose": 1e6 * doses, "shift": shift})
    values = truth.of("pFAK")[:, 0] * 3.0 * 10 ** rng.normal(0, noise, doses.size)
    problem = core_problem(doses, values)
    best = fit(problem, rng=rng, starts=4)
    found = profile_of(problem, best, "IC50", of=ic50_of(problem, time_s=7200.0))
    # By hand: (1 + 0.394 / 0.035) times Ki times the shift.
    true_um = (1 + 0.394 / 0.035) * 0.6e-3 * shift
    assert found.low < true_um < found.high
    assert found.high / found.low < 3


def test_folds_of_vehicle_need_no_scale():
    doses = np.repeat([0, 30e-9, 100e-9, 300e-9, 1e-6, 3e-6], 2)
    runs = simulate_many(model("core"), [7200.0], sets={"dose": 1e6 * doses})
    rng = np.random.default_rng(6)
    fold = runs.of("pFAK")[:, 0] / runs.of("pFAK")[0, 0] * 10 ** rng.normal(0, 0.02, doses.size)
    problem = core_problem(doses, fold, relative="vehicle")
    assert [one.name for one in problem.estimated] == ["shift", "k_adhesion", "feedback"]
    best = fit(problem, rng=rng, starts=3)
    assert best.sigma < 0.04


def test_ten_micromolar_for_two_hours_takes_ninety_percent_of_py397():
    rng = np.random.default_rng(8)
    drawn = predict(
        DEFACTINIB,
        [10e-6],
        shift=shift_draws_after_siblings(1000, rng=rng),
        links=link_draws(1000, rng=rng),
        time_s=7200.0,
    )
    assert drawn.failed == 0
    assert band(drawn, "pY397").high[0] <= 0.10


def test_every_readout_comes_from_a_thousand_draws_with_an_interval():
    rng = np.random.default_rng(9)
    drawn = predict(
        DEFACTINIB,
        [10e-9, 1e-6],
        shift=shift_draws_after_siblings(1000, rng=rng),
        links=link_draws(1000, rng=rng),
    )
    for readout in READOUTS:
        found = band(drawn, readout)
        assert found.draws == 1000
        assert (found.low < found.median).all() and (found.median < found.high).all()
    # Either sign: the band of degradation spans both.
    degraded = band(drawn, "matrix degradation")
    assert degraded.low[1] < 1 < degraded.high[1]
    # The guide: migration significantly hampered at 1 µM: the band excludes no effect.
    assert band(drawn, "speed").high[1] < 1
    with pytest.raises(SettingsError, match="no read-out 'sped'"):
        band(drawn, "sped")


@pytest.mark.parametrize("seed", range(5))
def test_the_held_out_prediction_covers_the_guides_tube_formation(seed):
    found = predicted_ic50(DEFACTINIB, rng=np.random.default_rng(seed))
    assert found.kind == "prediction" and found.level == 0.95
    assert found.low < 73.7e-9 < found.high
    assert found.low < 152e-9 < found.high
    assert found.log10_width <= 1.5


def test_siblings_move_the_prior_as_worked_out_by_hand():
    # Prior 1.301 with variance 0.1879, half of it common: 0.0939. Siblings 0.523, 1.137, 1.824
    # with variance 0.0939 + 0.09: precision 10.64 + 3 x 5.437; mean 1.216; variance 0.1310.
    mean, spread = shift_after_siblings()
    assert mean == pytest.approx(1.216, abs=2e-3)
    assert spread**2 == pytest.approx(0.0939 + 1 / (10.64 + 16.31), rel=2e-3)


@pytest.mark.parametrize(("cells", "nanomolar"), [("JIMT-1", 73.7), ("MDA-MB-231", 152.0)])
def test_fits_to_the_guides_tubes_say_that_they_are_fits(cells, nanomolar):
    tube, apparent = fit_shift(
        DEFACTINIB, 1e-9 * nanomolar, rng=np.random.default_rng(3), cells=cells
    )
    assert tube.kind == apparent.kind == "fit" and cells in tube.what
    assert tube.median == pytest.approx(1e-9 * nanomolar, rel=0.25)
    assert apparent.low < apparent.median < apparent.high < tube.median


@pytest.mark.parametrize(("low", "high"), [(1.98, None), (2.0, 5.0), (10.34, None)])
def test_fits_to_the_guides_growth_are_of_the_off_target_channel(low, high):
    top = None if high is None else 1e-6 * high
    found = fit_growth(1e-6 * low, rng=np.random.default_rng(4), high_molar=top)
    assert found.kind == "fit" and "off-target" in found.basis
    assert 0.75e-6 * low < found.median < 1.25e-6 * (high or low)
    assert found.draws > 200


DOSES = np.repeat([0, 1e-8, 3e-8, 1e-7, 3e-7, 1e-6], 3)


def blot(course, seed):
    """Measured values in counts, with 0.05 decades of noise."""
    return 200 * course * 10 ** np.random.default_rng(seed).normal(0, 0.05, DOSES.size)


def test_counts_of_any_size_give_the_ic50_of_their_curve():
    problem = core_problem(DOSES, blot(1 / (1 + DOSES / 60e-9), 11), time_s=1800.0)
    best = fit(problem, rng=np.random.default_rng(1), starts=4)
    found = profile_of(problem, best, "IC50", of=ic50_of(problem, time_s=1800.0))
    assert found.low < 0.060 < found.high
    assert best.sigma == pytest.approx(0.05, rel=0.4)  # 14 degrees of freedom


def test_no_effect_has_no_upper_end():
    problem = core_problem(DOSES, blot(np.ones(DOSES.size), 12))
    best = fit(problem, rng=np.random.default_rng(1), starts=4)
    found = profile_of(problem, best, "IC50", of=ic50_of(problem, time_s=7200.0))
    assert not found.identifiable and found.value is None and found.high is None
    assert "no upper end" in found.text or "open on both sides" in found.text


def test_data_of_another_shape_are_told_to_be_so():
    # All doses take the same 98 %: no single site gives that.
    problem = core_problem(DOSES, blot(np.where(DOSES > 0, 0.02, 1.0), 13))
    assert lack_of_fit(problem, fit(problem, rng=np.random.default_rng(1), starts=3)) < 1e-6


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: core_problem([0, 1e-9], [1, 2]), "three or more"),
        (lambda: core_problem([0, 1e-9, 1e-8], [1, 0, 2]), "not positive"),
        (lambda: core_problem([0, -1e-9, 1e-8], [1, 1, 2]), "dose is negative"),
    ],
)
def test_measurements_that_cannot_be_fitted_are_refused(call, message):
    with pytest.raises(FitError, match=message):
        call()


def test_a_rate_that_the_model_lacks_cannot_be_estimated(synthetic):
    with pytest.raises(SettingsError, match="'k99' cannot be estimated"):
        Problem(synthetic.network, "pFAK", synthetic.data, (Estimated("k99", 1, 2),), dose="Def")
    with pytest.raises(SettingsError, match="bounds of 'kon'"):
        Problem(synthetic.network, "pFAK", synthetic.data, (Estimated("kon", 2, 1),), dose="Def")
