"""Power and sample size against published t-test figures, hand arithmetic and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lamella.errors import MeasurementError
from lamella.potency.power import (
    Layout,
    VarianceComponents,
    detectable_effect,
    nested_power,
    pilot_components,
    sample_size,
    simulated_power,
)

# Standard deviation 1 of a replicate difference (paired) or of a replicate (unpaired).
OF_DIFFERENCES = VarianceComponents(batch=0.0, batch_treatment=0.5**0.5, well=0.0)
OF_REPLICATES = VarianceComponents(batch=1.0, batch_treatment=0.0, well=0.0)


@pytest.mark.parametrize(("n", "effect"), [(3, 3.26), (4, 2.13), (5, 1.68), (6, 1.43), (8, 1.16)])
def test_paired_effects_found_with_power_eighty_percent(n, effect):
    found = detectable_effect(Layout(batches=n), components=OF_DIFFERENCES)
    assert found == pytest.approx(effect, abs=0.005)  # two printed decimals


@pytest.mark.parametrize(("n", "effect"), [(3, 3.07), (4, 2.38), (5, 2.02), (6, 1.80), (8, 1.51)])
def test_unpaired_effects_found_with_power_eighty_percent(n, effect):
    found = detectable_effect(Layout(batches=n, paired=False), components=OF_REPLICATES)
    assert found == pytest.approx(effect, abs=0.005)


def test_power_agrees_with_the_noncentral_t_of_scipy():
    components = VarianceComponents(batch=9.0, batch_treatment=0.3, well=0.4, field=0.6)
    layout = Layout(batches=5, wells=3, fields=4)
    se = np.sqrt(2 * (0.3**2 + 0.4**2 / 3 + 0.6**2 / 12) / 5)
    critical = stats.t.ppf(0.975, 4)
    peer = stats.nct.sf(critical, 4, 1.2 / se) + stats.nct.cdf(-critical, 4, 1.2 / se)
    assert nested_power(1.2, layout, components=components) == pytest.approx(peer, abs=1e-6)


def test_without_an_effect_power_is_alpha():
    for layout in (Layout(3), Layout(4, paired=False), Layout(5, wells=3)):
        power = nested_power(0.0, layout, components=OF_DIFFERENCES)
        assert power == pytest.approx(0.05, abs=1e-9)


@pytest.mark.parametrize(
    "layout",
    [
        Layout(3, wells=4),
        Layout(4, wells=2, fields=3),
        Layout(4, wells=3, paired=False),
        Layout(4, wells=3, treatments=5),
        Layout(3, wells=2, treatments=3, paired=False),
    ],
)
def test_power_agrees_with_drawn_experiments(layout):
    components = VarianceComponents(batch=0.4, batch_treatment=0.15, well=0.3, field=0.2)
    effect = detectable_effect(layout, components=components, power=0.7)
    rng = np.random.default_rng(11)
    drawn = simulated_power(effect, layout, components=components, rng=rng, runs=60_000)
    # Four standard errors of 60,000 draws at 0.7 are 0.0075.
    assert drawn == pytest.approx(0.7, abs=0.0075)


def test_more_wells_shrink_only_the_part_within_batches():
    components = VarianceComponents(batch=1.0, batch_treatment=0.2, well=0.2)
    many = nested_power(0.5, Layout(4, wells=10_000), components=components)
    none = nested_power(
        0.5, Layout(4), components=VarianceComponents(1.0, batch_treatment=0.2, well=0.0)
    )
    assert many == pytest.approx(none, abs=1e-4)
    assert nested_power(0.5, Layout(8), components=components) > many


def test_the_sample_size_is_the_first_that_reaches_the_power():
    components = VarianceComponents(batch=0.2, batch_treatment=0.1, well=0.15)
    layout = Layout(2, wells=4)
    size = sample_size(0.3, layout, components=components)
    assert size.batches == 5
    assert nested_power(0.3, Layout(5, wells=4), components=components) >= 0.8
    assert nested_power(0.3, Layout(4, wells=4), components=components) < 0.8
    hopeless = sample_size(1e-4, layout, components=components)
    assert hopeless.batches is None
    assert "too small for this scatter" in hopeless.text


def test_a_pilot_gives_back_the_components_it_was_drawn_from():
    rng = np.random.default_rng(4)
    batches, wells, fields = 120, 4, 3
    truth = VarianceComponents(batch=1.0, batch_treatment=0.5, well=0.4, field=0.3)
    shape = (batches, 2, wells, fields)
    value = (
        rng.normal(0, truth.batch, (batches, 1, 1, 1))
        + rng.normal(0, truth.batch_treatment, (batches, 2, 1, 1))
        + rng.normal(0, truth.well, (batches, 2, wells, 1))
        + rng.normal(0, truth.field, shape)
    )
    batch, drug, well, _ = (axis.ravel() for axis in np.indices(shape))
    found = pilot_components(value.ravel(), drug, batch=batch, vehicle="0", well=well)
    # Relative standard errors of an SD from 119 df are 7 % to 9 %; bounds are three of them.
    assert found.batch == pytest.approx(truth.batch, rel=0.25)
    assert found.batch_treatment == pytest.approx(truth.batch_treatment, rel=0.25)
    assert found.well == pytest.approx(truth.well, rel=0.15)
    assert found.field == pytest.approx(truth.field, rel=0.05)


def test_plans_without_scatter_or_batches_are_refused():
    with pytest.raises(MeasurementError, match="technical replicates only"):
        Layout(batches=1)
    with pytest.raises(MeasurementError, match="state the scatter of a pilot"):
        nested_power(1.0, Layout(3), components=VarianceComponents(1.0, 0.0, 0.0))
    with pytest.raises(MeasurementError, match=r"0\.8 and 0\.05"):
        sample_size(1.0, Layout(3), components=OF_REPLICATES, power=80)
    with pytest.raises(MeasurementError, match="two wells of each"):
        pilot_components([1.0, 2.0, 3.0, 5.0], "vdvd", batch=[1, 1, 2, 2], vehicle="v", well="aabb")
