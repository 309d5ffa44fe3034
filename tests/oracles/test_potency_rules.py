"""What may and what may not be said of a potency: rules worked out by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from lamella.errors import FitError, SettingsError, UnitError
from lamella.potency import (
    Constraints,
    DoseTable,
    FitSettings,
    fit,
    fit_growth_curve,
    fit_isotonic,
    fit_many,
    inhibitory_dose,
)
from lamella.potency.between import Censored, between_batches, censored_mean
from lamella.potency.collapse import collapse
from lamella.potency.dose_table import points_of
from lamella.potency.families import family_named
from lamella.potency.family_fit import fit_family
from lamella.potency.selection import extra_sum_of_squares

QUICK = FitSettings(compare=False)
DOSES = np.repeat([0.0, 1, 3, 10, 30, 100, 300, 1000], 3)


def responses(ec50, *, slope=1.2, bottom=0.05, sd=0.03, seed=1, doses=DOSES):
    clean = bottom + (1 - bottom) / (1 + (doses / ec50) ** slope)
    return clean + np.random.default_rng(seed).normal(0, sd, doses.size)


def potency(ec50, **options):
    response = responses(ec50, **options)
    return fit(DoseTable(DOSES, response), dose_unit="nM", settings=QUICK).curves[0]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([0, -1, 10], [1, 1, 0]), r"row 2: dose is negative \(-1\)"),
        (([0, np.inf, 10], [1, 1, 0]), r"row 2: dose is missing or infinite"),
        (([0, np.nan, 10], [1, 1, 0]), r"row 2: dose is missing"),
        (([0, 1, 10], [1, np.inf, 0]), r"row 2: response is infinite"),
        (([0, 1, 10], [np.nan] * 3), "column 'response' holds no number at all"),
        (([0, 1, 10], [1, 1]), "column 'response' has 2 rows and 'dose' has 3"),
        (([], []), "the table has no rows"),
        ((["10 nM", "20 nM"], [1, 0]), "column 'dose' holds something that is not a number"),
    ],
)
def test_a_table_that_cannot_be_fitted_says_where(columns, message):
    with pytest.raises(FitError, match=message):
        DoseTable(*columns)


def test_a_role_that_does_not_exist_names_the_nearest():
    table = DoseTable([0, 1], [1, 1], role=["vehicel", "test"])
    with pytest.raises(
        FitError, match=r"row 1: role 'vehicel' is not known\. Did you mean 'vehicle'"
    ):
        fit(table)


def test_a_vehicle_well_with_a_dose_is_an_error():
    table = DoseTable([0, 5], [1, 1], role=["vehicle", "vehicle"])
    with pytest.raises(FitError, match="row 2: a vehicle well has dose 5"):
        fit(table)


def test_a_weight_of_zero_is_an_error():
    with pytest.raises(FitError, match=r"row 2: weight is not positive \(0\)"):
        DoseTable([0, 1], [1, 1], weight=[1, 0])


def test_unknown_units_models_and_intervals_name_the_nearest():
    table = DoseTable(DOSES, responses(30))
    with pytest.raises(UnitError, match=r"dose unit 'nm' is not known\. Did you mean 'nM'"):
        fit(table, dose_unit="nm")
    with pytest.raises(FitError, match="curve family '4p' is not known"):
        fit(table, model="4p")
    with pytest.raises(SettingsError, match="interval 'profil' is not known"):
        fit(table, interval="profil")
    limits = FitSettings(constraints=Constraints(fixed={"at_zero": 1.0}))
    with pytest.raises(FitError, match="has no parameter 'at_zero' to constrain"):
        fit(table, settings=limits)


@pytest.mark.parametrize("doses", [[5.0] * 6, [0.0] * 6, [0.0, 0, 0, 5, 5, 5]])
def test_one_dose_is_no_dose_response(doses):
    curve = fit(DoseTable(doses, [1.0, 1.1, 0.9, 0.5, 0.4, 0.6])).curves[0]
    assert curve.verdict == "insufficient_design"
    assert "distinct dose" in curve.relative_ic50.text
    assert curve.relative_ic50.value is None


def test_without_vehicle_there_is_no_absolute_ic50():
    tested = DOSES > 0
    table = DoseTable(DOSES[tested], responses(30)[tested])
    curve = fit(table, settings=QUICK).curves[0]
    assert curve.headline == "relative"
    assert curve.relative_ic50.verdict == "closed"
    assert curve.absolute_ic50.verdict == "insufficient_design"
    assert curve.absolute_ic50.text == "no absolute IC50: no vehicle wells"


def test_an_ic50_inside_the_doses_is_closed_and_printed_with_its_interval():
    curve = potency(30.0)
    found = curve.absolute_ic50
    assert curve.verdict == "closed"
    assert found.low < 32 < found.high  # half of vehicle: 30 (0.5/0.45)^(1/1.2) = 32.8
    assert found.text.startswith(f"{found.value:.3g} nM (95 % CI {found.low:.3g} to ")


def test_an_ic50_above_the_doses_is_a_bound():
    curve = potency(1e4)
    assert curve.absolute_ic50.verdict == "not_reached"
    assert curve.absolute_ic50.value is None
    assert curve.absolute_ic50.high is None
    assert curve.absolute_ic50.text.startswith("> 1 µM")
    assert curve.absolute_ic50.bound == pytest.approx(1000.0)


def test_an_ic50_below_the_doses_is_a_bound():
    curve = potency(0.05)
    assert curve.absolute_ic50.verdict == "below_range"
    assert curve.absolute_ic50.value is None
    assert curve.absolute_ic50.text.startswith("< 1 nM")


def test_flat_cells_have_no_effect():
    response = np.random.default_rng(3).normal(1, 0.05, DOSES.size)
    curve = fit(DoseTable(DOSES, response), settings=QUICK).curves[0]
    assert curve.verdict == "no_effect"
    assert curve.relative_ic50.text.startswith("no IC50: no effect of dose (p = ")


def test_cells_that_lose_a_tenth_have_no_relative_ic50():
    curve = potency(30.0, bottom=0.9, sd=0.01)
    assert curve.relative_ic50.verdict == "not_reached"
    assert "less than 30 %" in curve.relative_ic50.text
    assert curve.absolute_ic50.verdict == "not_reached"
    assert "small_effect" in curve.flags


def test_cells_that_recover_at_high_dose_turn_around():
    bell = 1 - 0.8 * np.exp(-((np.log10(np.maximum(DOSES, 1e-9)) - 1.5) ** 2))
    response = bell + np.random.default_rng(4).normal(0, 0.03, DOSES.size)
    curve = fit(DoseTable(DOSES, response), settings=QUICK).curves[0]
    assert curve.verdict == "non_monotone"


def test_no_verdict_hides_that_points_were_left_out():
    role = ["vehicle" if dose == 0 else "test" for dose in DOSES]
    role[-1], role[-2] = "blank", "untreated"
    response = responses(30)
    response[5] = np.nan
    curve = fit(DoseTable(DOSES, response, role=role), settings=QUICK).curves[0]
    assert {"left_out:blank", "left_out:untreated", "missing:1"} <= set(curve.flags)


def test_a_million_wells_are_one_curve():
    dose = np.tile(DOSES, 1_000_000 // DOSES.size)
    rng = np.random.default_rng(5)
    clean = 1 / (1 + dose / 30)
    table = DoseTable(dose, clean + rng.normal(0, 0.1, dose.size))
    curve = fit(table, settings=QUICK).curves[0]
    # The standard error of a million points is about 2e-4.
    assert curve.parameters.log10_ec50 == pytest.approx(np.log10(30), abs=2e-3)


def test_batches_give_one_curve_each_and_a_mean_with_its_t_interval():
    batch = np.repeat(["a", "b", "c"], DOSES.size)
    dose = np.tile(DOSES, 3)
    response = np.concatenate([responses(e, seed=i) for i, e in enumerate((20.0, 30.0, 45.0))])
    result = fit(DoseTable(dose, response, batch=batch), dose_unit="nM", settings=QUICK)
    assert [c.batch for c in result.curves] == ["a", "b", "c", None]
    assert "pooled_batches" in result.curves[-1].flags
    logs = np.log10([c.potency.value for c in result.curves[:3]])
    half = 4.302652729911275 * logs.std(ddof=1) / np.sqrt(3)  # t(0.975, 2) from a table
    between = result.between_batches
    assert between.n == 3
    assert np.log10([between.value, between.low, between.high]) == pytest.approx(
        [logs.mean(), logs.mean() - half, logs.mean() + half], abs=1e-9
    )


def test_one_batch_is_technical_replicates_only():
    single = fit(DoseTable(DOSES, responses(30), batch=["x"] * DOSES.size), settings=QUICK)
    assert "technical replicates only" in single.between_batches.text
    assert single.between_batches.value is None
    assert fit(DoseTable(DOSES, responses(30)), settings=QUICK).flags == (
        "technical_replicates_only",
    )


def test_a_compound_without_effect_in_any_batch_has_none_over_batches():
    rng = np.random.default_rng(9)
    batch = np.repeat(["a", "b", "c"], DOSES.size)
    table = DoseTable(np.tile(DOSES, 3), 1 + rng.normal(0, 0.05, 3 * DOSES.size), batch=batch)
    result = fit(table, dose_unit="nM", settings=QUICK)
    assert {curve.verdict for curve in result.curves[:3]} == {"no_effect"}
    assert result.between_batches.verdict == "no_effect"
    assert result.between_batches.value is None


@pytest.mark.parametrize(
    ("p", "verdict"),
    [
        ((0.03, 0.6, 0.7), "no_effect"),  # -2 ln 0.0126 = 8.75, chi-square(6): p = 0.19
        ((0.001, 0.6, 0.7), "not_reached"),  # 15.55: p = 0.016
        ((0.06, 0.06, 0.06), "no_effect"),  # 16.9: p = 0.010, but no batch shows it alone
    ],
)
def test_all_batches_together_decide_whether_there_is_an_effect(p, verdict):
    rng = np.random.default_rng(9)
    batch = np.repeat(["a", "b", "c"], DOSES.size)
    table = DoseTable(np.tile(DOSES, 3), 1 + rng.normal(0, 0.05, 3 * DOSES.size), batch=batch)
    curves = [
        replace(
            curve,
            effect_p=each,
            absolute_ic50=replace(
                curve.absolute_ic50,
                verdict="not_reached" if each < 0.05 else "no_effect",
                bound=1000.0,
            ),
        )
        for curve, each in zip(fit(table, settings=QUICK).curves, p, strict=False)
    ]
    assert between_batches(curves, unit="nM", kind="absolute").verdict == verdict


def test_an_effect_in_every_batch_is_one_over_batches():
    batch = np.repeat(["a", "b"], DOSES.size)
    response = np.concatenate([responses(e, seed=i) for i, e in enumerate((9_000.0, 12_000.0))])
    table = DoseTable(np.tile(DOSES, 2), response, batch=batch)
    assert fit(table, dose_unit="nM", settings=QUICK).between_batches.verdict == "not_reached"


def test_two_batches_that_disagree_give_no_mean():
    # 20 and 200 nM: t(0.975, 1) = 12.7 makes an interval of 12.7 decades, from fM to M.
    batch = np.repeat(["a", "b"], DOSES.size)
    response = np.concatenate([responses(e, seed=i) for i, e in enumerate((20.0, 200.0))])
    table = DoseTable(np.tile(DOSES, 2), response, batch=batch)
    between = fit(table, dose_unit="nM", settings=QUICK).between_batches
    assert (between.value, between.low, between.high) == (None, None, None)
    assert between.verdict == "insufficient_design"
    assert "agree too little; add batches" in between.text


def test_a_batch_above_the_doses_counts_as_a_bound():
    batch = np.repeat(["a", "b", "c", "d"], DOSES.size)
    response = np.concatenate(
        [responses(e, seed=i) for i, e in enumerate((200.0, 300.0, 450.0, 20_000.0))]
    )
    table = DoseTable(np.tile(DOSES, 4), response, batch=batch)
    between = fit(table, dose_unit="nM", settings=QUICK).between_batches
    reached = fit(
        DoseTable(np.tile(DOSES, 3), response[: 3 * DOSES.size], batch=batch[: 3 * DOSES.size]),
        settings=QUICK,
    ).between_batches
    assert between.n == 4
    assert "1 of them bounds" in between.text
    assert between.value > reached.value  # dropping the batch would have made the drug stronger


def test_the_mean_of_bounds_is_the_censored_normal_mean():
    # Independent: the likelihood on a fine grid of mean and SD.
    from scipy.stats import norm

    entries = [Censored(1.0), Censored(1.4), Censored(1.7), Censored(2.0, "above")]
    mean, sd = np.meshgrid(np.linspace(1, 2.5, 601), np.linspace(0.05, 2, 601), indexing="ij")
    height = sum(norm.logpdf(v, mean, sd) for v in (1.0, 1.4, 1.7)) + norm.logsf(2.0, mean, sd)
    best = mean[np.unravel_index(height.argmax(), height.shape)]
    assert censored_mean(entries).mean == pytest.approx(best, abs=0.005)  # two grid steps


def test_bounds_alone_have_no_mean():
    found = censored_mean([Censored(3.0, "above"), Censored(3.0, "above"), Censored(2.0)])
    assert found.mean is None


def test_families_that_are_not_nested_are_not_tested():
    data = collapse(DOSES, responses(30), np.ones(DOSES.size))
    weibull, logistic = (fit_family(family_named(n), data) for n in ("weibull1", "4pl"))
    with pytest.raises(FitError, match="'weibull1' is not a special case of '4pl'"):
        extra_sum_of_squares(weibull, logistic)


def test_the_relative_ic90_of_a_logistic_lies_at_nine_to_the_one_over_slope():
    points = points_of(DOSES, responses(30))
    theta = fit_family(family_named("4pl"), collapse(DOSES, responses(30), np.ones(24))).theta
    ic50, ic90 = (inhibitory_dose(points, p) for p in (50, 90))
    assert ic90.value / ic50.value == pytest.approx(9 ** (1 / np.exp(theta[1])), rel=1e-6)
    assert ic90.low < ic90.value < ic90.high


def test_no_dose_inhibits_by_more_than_everything():
    with pytest.raises(FitError, match="IC150 does not exist"):
        inhibitory_dose(points_of(DOSES, responses(30)), 150)


def test_without_a_model_the_ic50_is_read_between_two_doses():
    dose, y = np.array([0.0, 1, 10, 100]), np.array([1.0, 0.9, 0.3, 0.1])
    curve = fit_isotonic(collapse(dose, y, np.ones(4)))
    data = collapse(dose, y, np.ones(4))
    # By hand: from 0.9 to 0.3 over one decade, 0.5 lies two thirds on the way.
    assert curve.crossing(0.5) + data.x0 == pytest.approx(2 / 3)
    assert curve.crossing(0.05) is None


@pytest.mark.parametrize("interval", ["profile", "wald", "delta", "bootstrap", "wild_bootstrap"])
def test_every_interval_holds_the_estimate_and_states_its_method(interval):
    table = DoseTable(DOSES, responses(30))
    curve = fit(table, interval=interval, settings=QUICK).curves[0]
    assert curve.interval == interval
    for found in (curve.relative_ic50, curve.absolute_ic50):
        assert found.low < found.value < found.high


def test_the_wald_interval_is_that_of_the_standard_error():
    curve = fit(DoseTable(DOSES, responses(30)), interval="wald", settings=QUICK).curves[0]
    half = 2.0859634472658364 * curve.se.log10_ec50  # t(0.975, 20) from a table
    ends = np.log10([curve.relative_ic50.low, curve.relative_ic50.high])
    centre = curve.parameters.log10_ec50
    assert ends == pytest.approx([centre - half, centre + half], abs=1e-6)


def test_the_document_is_plain_json_without_nan():
    batch = np.repeat(["a", "b"], DOSES.size)
    response = np.concatenate([responses(30.0), np.ones(DOSES.size) + responses(1e9, sd=0.1)])
    result = fit(DoseTable(np.tile(DOSES, 2), response, batch=batch), dose_unit="nM")
    text = json.dumps(result.document(), allow_nan=False)
    curve = json.loads(text)["curves"][0]
    assert {
        "id",
        "batch",
        "model",
        "runner_up",
        "parameters",
        "se",
        "rss",
        "df",
        "relative_ic50",
        "absolute_ic50",
        "headline",
        "verdict",
        "flags",
    } <= set(curve)
    assert curve["parameters"].keys() == {
        "log10_ec50",
        "slope",
        "at_zero_dose",
        "at_infinite_dose",
    }


def test_a_perfect_curve_is_fitted_exactly():
    curve = potency(30.0, sd=0.0)
    assert curve.parameters.log10_ec50 == pytest.approx(np.log10(30), abs=1e-7)
    assert curve.verdict == "closed"


def test_bulk_fits_refuse_what_they_cannot_carry():
    with pytest.raises(FitError, match="Give one row a curve"):
        fit_many(DOSES, np.ones(DOSES.size))
    with pytest.raises(FitError, match="four doses or more"):
        fit_many(np.array([0.0, 1, 10, 10, 1]), np.ones((1, 5)))
    sparse = np.full((2, DOSES.size), np.nan)
    sparse[0] = 1.0
    with pytest.raises(FitError, match="curve 1 has fewer than 5 points"):
        fit_many(DOSES, sparse)


def test_growth_curves_need_positive_doses():
    with pytest.raises(FitError, match="leave out vehicle"):
        fit_growth_curve(np.array([0.0, 1, 2, 3]), np.ones(4))
