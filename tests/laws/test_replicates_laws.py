"""What must hold for any plate and any set of batches."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lamella.potency.combinations import combination_scores
from lamella.potency.comparisons import compare_with_vehicle
from lamella.potency.mixed import nested_model
from lamella.potency.multiplicity import benjamini_hochberg, holm
from lamella.potency.normalisation import normalised_percent_inhibition, percent_of_vehicle
from lamella.potency.permutation import permutation_test
from lamella.potency.plates import plate_quality
from lamella.potency.selectivity import fieller_ratio, ratio_of_batches

seeds = st.integers(0, 2**32 - 1)
scales = st.floats(1e-6, 1e6)


def experiment(seed, *, batches=4, treatments=3, wells=2):
    rng = np.random.default_rng(seed)
    batch, drug, _ = (axis.ravel() for axis in np.indices((batches, treatments, wells)))
    value = rng.normal(10, 1, batches)[batch] + rng.normal(0, 1, batch.size) - drug
    return value, np.array(["v", "a", "b", "c", "d"])[drug], batch


def figures(comparison):
    return [(e.treatment, e.estimate, e.low, e.high, e.p_adjusted) for e in comparison.effects]


@given(seeds)
def test_the_order_of_the_rows_does_not_matter(seed):
    value, drug, batch = experiment(seed)
    order = np.random.default_rng(seed).permutation(value.size)
    plain = compare_with_vehicle(value, drug, batch=batch, vehicle="v")
    mixed = compare_with_vehicle(value[order], drug[order], batch=batch[order], vehicle="v")
    for first, second in zip(sorted(figures(plain)), sorted(figures(mixed)), strict=True):
        assert first[0] == second[0]
        assert first[1:] == pytest.approx(second[1:], rel=1e-9)


@given(seeds, scales)
def test_the_unit_of_the_values_does_not_matter(seed, scale):
    value, drug, batch = experiment(seed)
    plain = compare_with_vehicle(value, drug, batch=batch, vehicle="v")
    scaled = compare_with_vehicle(value * scale, drug, batch=batch, vehicle="v")
    for first, second in zip(plain.effects, scaled.effects, strict=True):
        assert second.estimate == pytest.approx(first.estimate * scale, rel=1e-9)
        assert second.p_adjusted == pytest.approx(first.p_adjusted, rel=1e-8)
    ratios = [
        compare_with_vehicle(np.exp(v), drug, batch=batch, vehicle="v", scale="ratio").effects[0]
        for v in (value, value + np.log(scale))
    ]
    assert ratios[0].estimate == pytest.approx(ratios[1].estimate, rel=1e-9)


@given(seeds, st.floats(-1e3, 1e3))
def test_what_is_common_to_a_batch_drops_out(seed, shift):
    value, drug, batch = experiment(seed)
    plain = compare_with_vehicle(value, drug, batch=batch, vehicle="v").effects
    moved = compare_with_vehicle(value + shift * batch, drug, batch=batch, vehicle="v").effects
    assert [e.p for e in moved] == pytest.approx([e.p for e in plain], rel=1e-6)


@given(seeds, st.integers(2, 5))
def test_measuring_every_well_again_gives_no_new_n(seed, times):
    value, drug, batch = experiment(seed)
    plain = compare_with_vehicle(value, drug, batch=batch, vehicle="v")
    more = compare_with_vehicle(
        np.tile(value, times), np.tile(drug, times), batch=np.tile(batch, times), vehicle="v"
    )
    assert [e.p for e in more.effects] == pytest.approx([e.p for e in plain.effects], rel=1e-9)
    assert more.effects[0].n == 4


@given(seeds)
def test_dunnett_lies_between_the_single_test_and_bonferroni(seed):
    value, drug, batch = experiment(seed, treatments=5)
    for effect in compare_with_vehicle(value, drug, batch=batch, vehicle="v").effects:
        assert effect.p * (1 - 1e-9) <= effect.p_adjusted <= min(1, 4 * effect.p) * (1 + 1e-9)
        # The interval excludes 0 exactly when the adjusted p is below 5 %.
        assert (effect.low > 0 or effect.high < 0) == (effect.p_adjusted < 0.05)


@given(seeds, st.integers(1, 4), st.integers(3, 6))
def test_the_balanced_nested_model_is_the_paired_t_test(seed, wells, batches):
    value, drug, batch = experiment(seed, batches=batches, treatments=2, wells=wells)
    contrast = nested_model(value, drug, batch=batch, vehicle="v").contrasts[0]
    means = value.reshape(batches, 2, wells).mean(axis=2)
    peer = stats.ttest_rel(means[:, 1], means[:, 0])
    assert contrast.p == pytest.approx(peer.pvalue, rel=1e-6)
    assert contrast.df == pytest.approx(batches - 1, rel=1e-6)


@given(seeds, st.booleans())
def test_permutation_never_goes_below_its_floor_and_is_symmetric(seed, paired):
    rng = np.random.default_rng(seed)
    value, drug = rng.normal(0, 1, 8), ["v", "d"] * 4
    batch = np.repeat(np.arange(4), 2) if paired else np.arange(8)
    one = permutation_test(value, drug, batch=batch, vehicle="v")
    other = permutation_test(value, drug, batch=batch, vehicle="d")
    assert one.p >= one.floor
    assert one.p == other.p
    assert one.difference == pytest.approx(-other.difference)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_adjusted_p_values_keep_order_and_never_shrink(p):
    for adjusted in (holm(p), benjamini_hochberg(p)):
        assert np.all(adjusted >= np.array(p) - 1e-15)
        assert np.all(adjusted <= 1)
        assert np.all(np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0)
    assert np.all(holm(p) >= benjamini_hochberg(p) - 1e-15)


@given(seeds, scales)
def test_normalised_values_know_no_unit(seed, scale):
    rng = np.random.default_rng(seed)
    value = rng.uniform(1, 2, 12)
    role = ["vehicle"] * 4 + ["positive"] * 4 + ["test"] * 4
    plain, scaled = percent_of_vehicle(value, role), percent_of_vehicle(value * scale, role)
    assert plain.value == pytest.approx(scaled.value, rel=1e-9)
    assert plain.value[:4].mean() == pytest.approx(100)
    affine = normalised_percent_inhibition(5 - scale * value, role)
    assert affine.value == pytest.approx(
        normalised_percent_inhibition(value, role).value, rel=1e-6, abs=1e-6
    )


@given(seeds, st.floats(0.1, 10), st.floats(-100, 100))
def test_plate_quality_knows_no_unit_and_no_offset(seed, scale, offset):
    rng = np.random.default_rng(seed)
    vehicle, positive = rng.normal(100, 5, 8), rng.normal(20, 5, 8)
    plain = plate_quality(vehicle, positive)
    moved = plate_quality(vehicle * scale + offset, positive * scale + offset)
    for name in ("z_prime", "robust_z_prime", "ssmd"):
        first, second = getattr(plain, name), getattr(moved, name)
        assert (first.value, first.low, first.high) == pytest.approx(
            (second.value, second.low, second.high), rel=1e-7
        )
        assert first.low < first.value < first.high


@given(st.floats(5, 50), st.floats(5, 50), st.floats(0.1, 1), st.floats(0.1, 1))
def test_fieller_of_the_inverse_ratio_has_the_inverse_limits(a, b, va, vb):
    one = fieller_ratio(a, b, covariance=np.diag([va, vb]), df=8)
    two = fieller_ratio(b, a, covariance=np.diag([vb, va]), df=8)
    assert (one.low, one.high) == pytest.approx((1 / two.high, 1 / two.low), rel=1e-9)


@given(seeds, st.floats(-6, 6))
def test_the_dose_unit_leaves_the_selectivity_alone(seed, decades):
    rng = np.random.default_rng(seed)
    dead, slow = rng.normal(1, 0.2, 4), rng.normal(0, 0.2, 4)
    one, two = ratio_of_batches(dead, slow), ratio_of_batches(dead + decades, slow + decades)
    assert (one.value, one.low, one.high) == pytest.approx((two.value, two.low, two.high), rel=1e-6)


@given(seeds)
def test_exchanging_two_compounds_transposes_the_scores(seed):
    dose = np.array([0.0, 1.0, 10.0])
    a, b = np.repeat(dose, 3), np.tile(dose, 3)
    seen = np.random.default_rng(seed).uniform(0, 1, 9)
    for reference in ("bliss", "hsa"):
        one = combination_scores(seen, a, b, references=(reference,))[0]
        two = combination_scores(seen, b, a, references=(reference,))[0]
        assert np.allclose(one.excess, two.excess.T, atol=1e-14)


def test_statistics_load_without_the_slow_libraries():
    modules = ["normalisation", "anova", "comparisons", "mixed", "permutation", "equivalence"]
    modules += ["selectivity", "power", "plates", "combinations", "surfaces", "multiplicity"]
    code = "".join(f"import lamella.potency.{name}\n" for name in modules)
    code += (
        "import sys; print([m for m in ('scipy.stats', 'pandas', 'statsmodels', 'cv2', 'polars')"
    )
    code += " if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
