"""Simulated fronts obey the laws of Fisher–KPP tissue."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.special import erf, erfinv

from lamella.virtual.fronts import (
    Inhibition,
    Migration,
    density_profiles,
    half_gap_um,
    wave_speed_um_h,
)

HOURS = np.arange(0.0, 25.0, 3.0)


def test_a_lone_front_settles_to_the_wave_speed():
    # Bramson 1983: position = 2t - 3/2 ln t in units of 1/lambda and sqrt(D/lambda), so the
    # speed at time t is 2 - 3/(2t); the next term, O(t^-3/2), is below 1 % at lambda t = 18.
    tissue = Migration(100.0, 0.05, front_level=0.5)
    early, late = half_gap_um(tissue, np.array([320.0, 400.0]), gap_um=4400.0)
    bramson = (1 - 0.75 / (0.05 * 360)) * wave_speed_um_h(tissue)
    assert (early - late) / 80 == pytest.approx(bramson, rel=0.015)


def test_without_growth_the_front_follows_the_error_function():
    # By hand: u = (1 + erf(x / sqrt(4 D t))) / 2 about a lone edge, so u = 0.25 lies at
    # x = sqrt(4 D t) erfinv(-1/2). 2 µm is half a grid cell.
    tissue = Migration(500.0, 0.0, front_level=0.25)
    half = half_gap_um(tissue, HOURS, gap_um=3000.0)
    expected = 1500 + np.sqrt(4 * 500.0 * HOURS) * erfinv(-0.5)
    assert np.abs(half - expected).max() < 2.0


def test_without_growth_two_edges_of_a_gap_add_up():
    tissue = Migration(800.0, 0.0)
    density = density_profiles(tissue, np.array([10.0]), gap_um=400.0)[0]
    x = (np.arange(density.size) + 0.5) * 4.0
    width = np.sqrt(4 * 800.0 * 10)
    expected = 1 - (erf((x + 200) / width) - erf((x - 200) / width)) / 2
    # A 4 µm grid smears an edge by its own size, against a front of 180 µm: below 0.3 %.
    near = x < 600
    assert np.abs(density - expected)[near].max() < 0.003


@pytest.mark.parametrize("shape", ["straight", "circle"])
def test_splitting_agrees_with_a_stiff_solver(shape):
    # The same grid with SciPy's LSODA by the method of lines; splitting error is O(dt^2).
    tissue, gap = Migration(900.0, 0.06), 500.0
    ours = density_profiles(tissue, np.array([0.0, 12.0]), gap_um=gap, shape=shape)
    n = ours.shape[1]
    faces = np.arange(n + 1) * 4.0
    weight = np.ones(n + 1) if shape == "straight" else faces
    volume = np.diff(faces) if shape == "straight" else np.diff(faces**2) / 2

    def rate(_, u):
        flux = np.zeros(n + 1)
        flux[1:-1] = weight[1:-1] * np.diff(u) / 4.0
        return 900.0 * np.diff(flux) / volume + 0.06 * u * (1 - u)

    theirs = solve_ivp(rate, (0, 12), ours[0], method="LSODA", rtol=1e-8, atol=1e-10)
    assert np.abs(ours[1] - theirs.y[:, -1]).max() < 1e-4


@given(
    motility=st.floats(1.0, 3000.0),
    growth=st.floats(0.0, 0.1),
    gap=st.floats(100.0, 900.0),
    shape=st.sampled_from(["straight", "circle"]),
)
def test_gaps_only_close_and_cells_never_go_negative(motility, growth, gap, shape):
    tissue = Migration(motility, growth)
    density = density_profiles(tissue, HOURS, gap_um=gap, shape=shape)
    assert density.min() >= 0
    assert density.max() <= 1
    half = half_gap_um(tissue, HOURS, gap_um=gap, shape=shape)
    assert half[0] == gap / 2
    assert np.all(np.diff(half) <= 1e-6)


@given(factor=st.floats(0.1, 10.0))
def test_the_unit_of_time_does_not_matter(factor):
    slow = half_gap_um(Migration(400.0, 0.04), HOURS, gap_um=500.0)
    fast = half_gap_um(Migration(400.0 * factor, 0.04 * factor), HOURS / factor, gap_um=500.0)
    # The fixed time step is finer or coarser by the factor: far below a µm either way.
    open_still = slow > 0
    assert np.abs(slow - fast)[open_still].max() < 0.3


def test_an_antiproliferative_halves_the_wave_at_three_times_its_ic50():
    # By hand: speed = 2 sqrt(D lambda), so half the speed needs lambda / 4 = 1 / (1 + 3).
    drug = Inhibition(ic50_molar=1.0, growth_ic50_molar=2e-7)
    tissue = Migration(500.0, 0.05)
    left = drug.applied(tissue, dose_molar=6e-7)
    assert wave_speed_um_h(left) / wave_speed_um_h(tissue) == pytest.approx(0.5, rel=1e-4)


def test_a_gap_of_a_past_time_is_refused():
    with pytest.raises(ValueError, match="times_h must rise"):
        half_gap_um(Migration(), np.array([0.0, 3.0, 2.0]), gap_um=500.0)
    with pytest.raises(ValueError, match="gap_um must be positive"):
        half_gap_um(Migration(), HOURS, gap_um=0.0)
