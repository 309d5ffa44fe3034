"""Controls, plate quality and position effects against arithmetic by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lamella.errors import MeasurementError, SettingsError
from lamella.potency.normalisation import (
    normalised_percent_inhibition,
    percent_of_vehicle,
    robust_z_score,
    subtract_blank,
)
from lamella.potency.plates import minimum_significant_ratio, plate_quality, position_effects

ROLES = ["blank", "vehicle", "vehicle", "positive", "test", "test"]
VALUES = [2.0, 10.0, 14.0, 4.0, 8.0, 6.0]


def test_blank_vehicle_and_positive_wells_scale_a_plate():
    net = subtract_blank(VALUES, ROLES)
    assert net.value.tolist() == [0.0, 8.0, 12.0, 2.0, 6.0, 4.0]
    percent = percent_of_vehicle(net.value, ROLES)
    assert percent.value.tolist() == [0.0, 80.0, 120.0, 20.0, 60.0, 40.0]
    inhibition = normalised_percent_inhibition(VALUES, ROLES)
    assert inhibition.value.tolist() == [125.0, 25.0, -25.0, 100.0, 50.0, 75.0]
    assert percent.reason == ("",) * 6
    assert percent.unit == "%"


def test_each_plate_and_batch_has_its_own_vehicle():
    role = ["vehicle", "test"] * 4
    plate, batch = list("11221122"), list("aaaabbbb")
    value = [10.0, 5.0, 20.0, 5.0, 40.0, 10.0, 80.0, 10.0]
    out = percent_of_vehicle(value, role, plate=plate, batch=batch)
    assert out.value[1::2].tolist() == [50.0, 25.0, 25.0, 12.5]
    assert out.method == "percent of the vehicle mean, per plate and batch"


def test_a_plate_without_controls_borrows_none_and_says_so():
    out = percent_of_vehicle(
        [10.0, 5.0, 7.0, np.nan], ["vehicle", "test", "test", "test"], plate=["1", "1", "2", "1"]
    )
    assert out.value[1] == 50.0
    assert np.isnan(out.value[2:]).all()
    assert out.reason[2] == "plate 2 has no vehicle well with a value"
    assert out.reason[3] == "the value is missing or infinite"
    below = percent_of_vehicle([-1.0, 5.0], ["vehicle", "test"], plate=["1", "1"], batch=["a", "a"])
    assert below.reason[1] == "plate 1, batch a: the vehicle mean is -1, not above 0"


def test_one_wild_vehicle_well_does_not_move_the_robust_variants():
    role = ["vehicle"] * 5 + ["test"]
    value = [9.0, 10.0, 11.0, 10.0, 1000.0, 5.0]
    assert percent_of_vehicle(value, role, centre="median").value[-1] == 50.0
    # By hand: median 10, absolute deviations 1, 0, 1, 0, 990 with median 1.
    assert robust_z_score(value, role).value[-1] == pytest.approx(-5 / 1.482602218505602)
    few = robust_z_score([9.0, 10.0, 5.0], ["vehicle", "vehicle", "test"])
    assert "a spread needs 3" in few.reason[2]


def test_an_unknown_role_names_the_nearest():
    with pytest.raises(SettingsError, match="Did you mean 'vehicle'"):
        percent_of_vehicle([1.0], ["vehicel"])


def test_z_prime_and_its_kin_by_hand():
    vehicle, positive = np.array([96.0, 100.0, 104.0]), np.array([8.0, 10.0, 12.0])
    quality = plate_quality(vehicle, positive)
    assert quality.z_prime.value == pytest.approx(1 - 3 * (4 + 2) / 90, rel=1e-12)
    assert quality.robust_z_prime.value == pytest.approx(
        1 - 3 * 1.482602218505602 * (4 + 2) / 90, rel=1e-12
    )
    assert quality.ssmd.value == pytest.approx(90 / np.sqrt(20), rel=1e-12)
    assert quality.signal_to_background.value == pytest.approx(10.0)
    assert quality.z_prime.low < quality.z_prime.value < quality.z_prime.high
    assert "n = 3 vehicle and 3 positive" in quality.text
    with pytest.raises(MeasurementError, match="2 vehicle wells"):
        plate_quality([1.0, 2.0, np.nan], positive)
    with pytest.raises(MeasurementError, match="no window"):
        plate_quality(positive, positive)
    with pytest.raises(MeasurementError, match="normalised to themselves"):
        plate_quality([100.0] * 4, [0.0] * 4)


def test_a_background_near_zero_has_no_ratio():
    quality = plate_quality([96.0, 100.0, 104.0], [-2.0, 0.5, 2.0])
    assert quality.signal_to_background is None


def test_the_minimum_significant_ratio_by_hand():
    # Two runs of two compounds, 0.2 decades apart each: s = sqrt(0.02), MSR = 10^(2 sqrt2 s).
    msr = minimum_significant_ratio([1.0, 1.2, 3.2, 3.0, 9.0], ["a", "a", "b", "b", "c"])
    assert msr.value == pytest.approx(10 ** (2 * np.sqrt(2) * np.sqrt(0.02)), rel=1e-12)
    low, high = np.sqrt(2 * 0.02 / stats.chi2.ppf([0.975, 0.025], 2))
    assert msr.low == pytest.approx(10 ** (2 * np.sqrt(2) * low), rel=1e-9)
    assert msr.high == pytest.approx(10 ** (2 * np.sqrt(2) * high), rel=1e-9)
    with pytest.raises(MeasurementError, match="measured twice"):
        minimum_significant_ratio([1.0, 2.0], ["a", "b"])


def test_a_plate_with_drying_edges_shows_them_at_equal_content():
    row, column = np.divmod(np.arange(96), 12)
    outer = (row % 7 == 0) | (column % 11 == 0)
    rng = np.random.default_rng(6)
    content = np.where(rng.random(96) < 0.5, "vehicle", "high dose")
    value = np.where(content == "vehicle", 100.0, 40.0) - 12.0 * outer + rng.normal(0, 2, 96)
    effects = position_effects(value, row, column, content=content)
    mean = value.mean()
    assert effects.edge_percent.low < -1200 / mean < effects.edge_percent.high
    assert effects.p_edge < 1e-10
    quiet = position_effects(value + 12.0 * outer, row, column, content=content)
    assert quiet.p_edge > 0.01
    assert quiet.p_row > 0.01
    assert quiet.p_column > 0.01


def test_a_dose_along_a_row_is_no_row_effect():
    row, column = np.divmod(np.arange(96), 12)
    value = 100.0 - 10.0 * row + np.random.default_rng(3).normal(0, 1, 96)
    confounded = position_effects(value, row, column, content=row)
    assert confounded.p_row is None
    assert "rows p = not identifiable" in confounded.text
    assert position_effects(value, row, column).p_row < 1e-20
    with pytest.raises(MeasurementError, match="rows and columns count from 0"):
        position_effects(value, row + 1, column)


def test_row_test_agrees_with_one_way_anova():
    row, column = np.divmod(np.arange(96), 12)
    value = np.random.default_rng(9).normal(10, 1, 96)
    mine = position_effects(value, row, column)
    peer = stats.f_oneway(*(value[row == one] for one in range(8)))
    assert mine.p_row == pytest.approx(peer.pvalue, rel=1e-9)
