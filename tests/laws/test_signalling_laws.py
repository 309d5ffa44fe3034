"""Which laws must the inhibition of a kinase obey, whatever the constants?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamella.signalling.inhibition import (
    FakRates,
    apparent_ki_molar,
    biochemical_ic50_molar,
    free_kinase_fraction,
    occupancy,
    py397_after,
    py397_fraction,
    py397_ic50_molar,
    py397_of_vehicle,
)

constants = st.floats(-12, -5).map(lambda log: 10**log)
stiffnesses = st.floats(0, 1e3)
rates = st.builds(
    FakRates,
    st.floats(1e-4, 1),
    st.floats(0, 1),
    st.floats(0.1, 50),
    st.floats(1e-3, 1),
)


@given(constants, stiffnesses, rates)
def test_the_ic50_halves_py397(apparent, stiffness, known):
    given = {"apparent_ki_molar": apparent, "stiffness_kpa": stiffness, "rates": known}
    ic50 = py397_ic50_molar(apparent, stiffness_kpa=stiffness, rates=known)
    assert float(py397_of_vehicle(ic50, **given)) == pytest.approx(0.5)
    assert ic50 >= apparent  # spare kinase can only raise the dose that is needed


@given(constants, stiffnesses, rates)
def test_more_inhibitor_never_leaves_more_py397(apparent, stiffness, known):
    doses = apparent * np.logspace(-4, 4, 30)
    left = py397_fraction(doses, apparent_ki_molar=apparent, stiffness_kpa=stiffness, rates=known)
    assert (np.diff(left) <= 0).all()
    assert ((left > 0) & (left < 1)).all()


@given(constants, st.floats(1e-3, 1e3))
def test_bound_and_free_make_one_and_half_is_bound_at_the_ki(apparent, multiple):
    dose = apparent * multiple
    bound = occupancy(dose, apparent_ki_molar=apparent)
    assert bound + free_kinase_fraction(dose, apparent_ki_molar=apparent) == pytest.approx(1)
    assert float(occupancy(apparent, apparent_ki_molar=apparent)) == pytest.approx(0.5)


@given(constants, st.floats(1, 200), st.floats(0.01, 1))
def test_what_serum_binds_must_be_made_up_for(ki, shift, free):
    whole = apparent_ki_molar(ki, shift=shift)
    assert apparent_ki_molar(ki, shift=shift, free_fraction=free) == pytest.approx(whole / free)


@given(constants, st.floats(0, 1e-2), st.floats(1e-6, 1e-3))
def test_atp_only_raises_the_ic50_of_an_enzyme_assay(ki, atp, km):
    assert biochemical_ic50_molar(ki, atp_molar=atp, km_atp_molar=km) >= ki
    assert biochemical_ic50_molar(ki, atp_molar=km, km_atp_molar=km) == pytest.approx(2 * ki)


@given(constants, st.floats(0, 1e-4), rates)
def test_the_course_ends_in_the_steady_state(apparent, dose, known):
    long_after_s = 60 / known.dephosphorylation_per_s
    course = py397_after(
        [0.0, long_after_s], dose_molar=dose, apparent_ki_molar=apparent, rates=known
    )
    vehicle, dosed = py397_fraction([0.0, dose], apparent_ki_molar=apparent, rates=known)
    assert course.tolist() == pytest.approx([vehicle, dosed], rel=1e-9)
