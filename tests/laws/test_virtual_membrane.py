"""Is a rendered membrane what it says it is?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lamella.virtual.membrane import Faults, Membrane, render_membrane
from lamella.virtual.membrane_pores import Pores
from lamella.virtual.membrane_study import (
    invasion_study,
    nominal_density,
    plan_inserts,
    render_insert,
    transwell_study,
)
from lamella.virtual.violet_cells import CellLook

SMALL = Membrane().sized((240, 320), pixel_um=1.0)


def rendered(expected=20, scene=SMALL, seed=1):
    return render_membrane(expected, scene=scene, rng=np.random.default_rng(seed))


def test_the_same_seed_renders_the_same_membrane():
    one, two = rendered(), rendered()
    assert np.array_equal(one.image, two.image)
    assert np.array_equal(one.points_px, two.points_px)


def test_an_empty_membrane_has_pores_and_no_cell():
    empty = rendered(0)
    assert (empty.count, empty.inside, empty.stained_area_fraction) == (0, 0, 0.0)
    # 1400 pores/mm² on 0.0768 mm² are 107.5; four standard errors of a Poisson number.
    assert abs(len(empty.pores_px) - 107.5) < 4 * 107.5**0.5


def test_cells_that_belong_are_as_many_as_expected_on_average():
    fields = [rendered(30, seed=seed) for seed in range(40)]
    inside = np.mean([field.inside for field in fields])
    # Cells are strewn over the field and its margin; clusters of up to 12 make the number vary.
    assert inside == pytest.approx(30, rel=0.1)
    assert all(field.inside <= field.count for field in fields)


def test_each_cell_of_two_neighbouring_fields_belongs_to_one_of_them():
    """The rule itself: what touches the right or lower border is left to the neighbour."""
    field = rendered(60)
    height, width = field.image.shape[:2]
    far = (field.points_px[:, 0] > width + 1) | (field.points_px[:, 1] > height + 1)
    assert not (far & field.belongs).any()
    near = (field.points_px > 30).all(axis=1) & (field.points_px < (width - 30, height - 30)).all(
        axis=1
    )
    assert field.belongs[near].all()


def test_cells_are_violet_and_pores_are_grey():
    scene = replace(SMALL, pores=replace(Pores(), filled=0.0))
    field = rendered(25, scene)
    density = -np.log(np.maximum(field.image, 1) / np.percentile(field.image, 85, axis=(0, 1)))
    x, y = np.rint(field.points_px).astype(int).T
    seen = (x >= 0) & (y >= 0) & (x < 320) & (y < 240)
    at_cells = density[y[seen], x[seen]]
    # Crystal violet takes red and green, and leaves blue.
    assert np.median(at_cells[:, :2] - at_cells[:, 2:]) > 0.4
    empty = rendered(0, scene)
    grey = -np.log(np.maximum(empty.image, 1) / np.percentile(empty.image, 85, axis=(0, 1)))
    dark = grey.mean(axis=2) > 0.4
    assert dark.sum() > 500
    assert abs(np.median(grey[dark][:, 0] - grey[dark][:, 2])) < 0.12


@pytest.mark.parametrize(
    "fault",
    [
        Faults(hair=1),
        Faults(bubbles=2),
        Faults(residual=4),
        Faults(streaks=2),
        Faults(background=0.1),
    ],
    ids=lambda fault: repr(fault)[7:40],
)
def test_a_fault_darkens_the_picture_and_adds_no_cell(fault):
    clean = rendered(0)
    spoilt = rendered(0, replace(SMALL, faults=fault))
    assert spoilt.count == 0
    assert spoilt.image.mean() < clean.image.mean()


def test_round_cells_lie_in_grapes_of_the_size_asked_for():
    look = CellLook("round", diameter_um=18, clustered=1.0, largest=40)
    scene = replace(Membrane(look=look).sized((400, 400), pixel_um=1.0))
    field = render_membrane(40, scene=scene, rng=np.random.default_rng(2), clusters=(40,))
    gaps = np.hypot(*(field.points_px[:, None] - field.points_px[None]).T)
    gaps[gaps == 0] = np.inf
    # Every cell touches another: their middles lie within 1.1 diameters.
    assert (gaps.min(axis=0) < 1.1 * 18).all()
    assert gaps.min() > 0.5 * 18


@pytest.mark.parametrize(
    "study", [transwell_study(), invasion_study()], ids=["transwell", "invasion"]
)
def test_a_plate_of_inserts_holds_every_control_once_a_place(study):
    plan = plan_inserts(study)
    assert len({(insert.plate, insert.well) for insert in plan}) == len(plan)
    assert {insert.batch for insert in plan} == {"1", "2", "3"}
    assert any(not insert.attracted for insert in plan)
    assert any(insert.role == "blank" for insert in plan)
    if study.through_coat is not None:
        bare = [i for i in plan if not i.coated]
        assert {i.dose_molar for i in bare} == {0.0, *study.doses_molar}


def test_half_of_what_the_compound_can_take_is_gone_at_its_ic50():
    study = transwell_study()
    free, half = (nominal_density(study, dose_molar=dose) for dose in (0.0, 1e-7))
    assert half == pytest.approx(free * (0.05 + 0.95 / 2))


def test_a_coat_and_a_missing_attractant_let_fewer_cells_through():
    study = invasion_study()
    coated, bare = (nominal_density(study, dose_molar=0.0, coated=c) for c in (True, False))
    assert coated == pytest.approx(0.45 * bare)
    without = nominal_density(study, dose_molar=0.0, attracted=False)
    assert without == pytest.approx(0.25 * coated)


def test_a_blank_insert_is_rendered_without_cells():
    study = replace(transwell_study(size_px=(120, 160)), fields=1)
    blank = next(insert for insert in plan_inserts(study) if insert.role == "blank")
    assert [field.count for field in render_insert(study, blank)] == [0]
