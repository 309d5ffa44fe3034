"""Rendered scratches keep what they promise about their truth, and look like cells."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from lamella.virtual.camera import Camera
from lamella.virtual.faults import CLEAN, FAULTS, render_case
from lamella.virtual.fronts import Migration, half_gap_um
from lamella.virtual.scratch import Scene, render_scratch, true_gaps
from lamella.virtual.study import (
    ScratchStudy,
    demo_study,
    nominal_gaps,
    nominal_half_um,
    plan_wells,
    render_field,
)
from lamella.virtual.tissue import Tissue, grow_sheet
from lamella.virtual.wound import Wound

HOURS = np.array([0.0, 9.0, 18.0])
SMALL = Camera(size_px=(256, 256), pixel_um=3.0)


def _render(scene, half=(200.0, 140.0, 60.0), seed=4):
    return render_scratch(np.array(half), HOURS, scene=scene, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("tilt", [0.0, 20.0, 45.0, 90.0])
def test_the_true_gap_is_as_wide_as_it_was_asked_to_be(tilt):
    # By hand: a smooth strip of half width 100 µm through the middle of a square of side s
    # covers, along its axis, s / max(cos, sin) unless it cuts a corner (it does not: 200 < s).
    scene = Scene(Wound(tilt_deg=tilt, roughness_um=0.0, finger_share=0.0), camera=SMALL)
    gap = true_gaps(np.array([100.0]), HOURS[:1], scene=scene, rng=np.random.default_rng(0))[0]
    angle = np.deg2rad(tilt)
    side = 256 * 3.0
    length = side / max(np.cos(angle), np.sin(angle))
    # At 45 degrees the corners cut the strip: the diagonal less two triangles of height 100.
    expected = 200 * side * np.sqrt(2) - 2 * 100.0**2 if tilt == 45.0 else 200 * length
    assert gap.sum() * 9.0 == pytest.approx(expected, rel=0.01)


def test_roughness_leaves_the_mean_width():
    scene = Scene(Wound(roughness_um=12.0), camera=SMALL)
    areas = [
        true_gaps(np.array([200.0]), HOURS[:1], scene=scene, rng=np.random.default_rng(seed))[
            0
        ].mean()
        for seed in range(8)
    ]
    # 8 fields, two fronts, ~12 independent stretches of 12 µm SD: SE 0.9 µm of 200 µm.
    assert np.mean(areas) == pytest.approx(400 / 768, rel=0.015)


def test_a_round_gap_has_the_area_of_its_disc():
    scene = Scene(Wound(shape="circle", roughness_um=0.0, finger_share=0.0), camera=SMALL)
    gap = true_gaps(np.array([200.0]), HOURS[:1], scene=scene, rng=np.random.default_rng(0))[0]
    assert gap.sum() * 9.0 == pytest.approx(np.pi * 200**2, rel=0.01)


def test_bridges_cut_a_gap_into_parts_and_islands_lie_inside():
    scene = Scene(Wound(bridges=2, islands=2), camera=SMALL)
    series = _render(scene)
    *_, stats, _ = cv2.connectedComponentsWithStats(series.truth[0].astype(np.uint8))
    # A gap is a part of at least 0.1 % of the field; ragged corners shed smaller ones.
    assert np.count_nonzero(stats[1:, cv2.CC_STAT_AREA] >= 1e-3 * series.truth[0].size) == 3
    patches, _ = cv2.connectedComponents(series.islands[0].astype(np.uint8))
    assert patches - 1 == 2
    assert not np.any(series.islands & ~series.truth)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_quarter_turn_of_the_wound_turns_its_truth(turns):
    upright = _render(Scene(Wound(bridges=1), camera=SMALL)).truth[0]
    turned = _render(Scene(Wound(tilt_deg=90.0 * turns, bridges=1), camera=SMALL)).truth[0]
    # Only pixels on the line itself may fall to the other side.
    assert np.mean(turned == np.rot90(upright, -turns)) > 0.995


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not():
    one, two, other = (_render(Scene(camera=SMALL), seed=seed) for seed in (4, 4, 5))
    assert np.array_equal(one.frames, two.frames)
    assert not np.array_equal(one.frames, other.frames)


@pytest.mark.parametrize(("dtype", "full"), [("uint8", 255), ("uint16", 4095), ("float32", 255)])
def test_the_camera_keeps_its_range(dtype, full):
    # Ten times the usual contrast, so that halos would leave the range.
    frames = _render(Scene(camera=replace(SMALL, dtype=dtype, contrast=10.0))).frames
    assert frames.dtype == np.dtype(dtype)
    assert frames.min() >= 0
    assert frames.max() <= full


@pytest.mark.parametrize("modality", ["phase", "bright_field", "oblique", "fluorescence"])
def test_tissue_is_rougher_than_the_gap_in_every_modality(modality):
    series = _render(Scene(camera=replace(SMALL, modality=modality, dtype="float32")))
    frame, gap = series.frames[0], series.truth[0]
    deep = cv2.erode(gap.astype(np.uint8), np.ones((15, 15))) > 0
    tissue = cv2.erode((~gap).astype(np.uint8), np.ones((15, 15))) > 0
    assert frame[tissue].std() > 2 * frame[deep].std()


def test_the_cells_of_the_next_frame_are_the_same_cells():
    # Frames far from the front, 1.5 µm of movement apart, must resemble each other; two sheets
    # must not.
    times = np.array([0.0, 0.5])
    half = np.array([120.0, 118.0])
    scene = Scene(Wound(offset_um=(-200.0, 0.0)), Tissue(rounded_per_mm2=0.0), SMALL)
    a, b = render_scratch(half, times, scene=scene, rng=np.random.default_rng(1)).frames
    c = render_scratch(half, times, scene=scene, rng=np.random.default_rng(2)).frames[0]
    right = np.s_[40:-40, 160:240]
    window = a[right].astype(np.float32)[12:-12, 12:-12]
    found = cv2.matchTemplate(b[right].astype(np.float32), window, cv2.TM_CCOEFF_NORMED).max()
    foreign = cv2.matchTemplate(c[right].astype(np.float32), window, cv2.TM_CCOEFF_NORMED).max()
    assert found > 0.5
    assert foreign < 0.3


def test_a_sheet_of_tissue_wraps_without_a_seam():
    sheet = grow_sheet(np.random.default_rng(1), side_px=200, cell_px=12.0).thickness
    across = np.abs(sheet[:, 0] - sheet[:, -1]).mean()
    inside = np.abs(np.diff(sheet, axis=1)).mean()
    assert across < 1.5 * inside


def test_drift_moves_truth_and_picture_together():
    still = _render(Scene(camera=SMALL))
    moving = _render(Scene(camera=replace(SMALL, drift_um=((0.0, 0.0), (30.0, 0.0), (60.0, 0.0)))))
    assert np.array_equal(moving.truth[2][:, 20:], still.truth[2][:, :-20])
    a = moving.frames[2][:, 20:].astype(float) - still.frames[2][:, :-20]
    b = moving.frames[2].astype(float) - still.frames[2]
    assert np.abs(a).mean() < 0.7 * np.abs(b).mean()


def test_a_field_is_the_same_alone_and_among_others():
    study = replace(demo_study(size_px=128), doses_molar=(1e-7,), times_h=(0.0, 6.0))
    wells = plan_wells(study)
    alone = render_field(study, wells[-1])
    for well in wells:
        last = render_field(study, well)
    assert np.array_equal(alone.frames, last.frames)


def test_replicate_wells_and_batches_are_not_copies():
    study = replace(demo_study(size_px=128), doses_molar=(1e-7,), times_h=(0.0, 6.0))
    vehicles = [well for well in plan_wells(study) if well.role == "vehicle"]
    areas = [render_field(study, well).truth[0].mean() for well in vehicles]
    # Gaps are made to differ by 3 % CV; of 9 wells the CV lies above 1.4 % in 99 of 100 cases.
    assert len(vehicles) == 9
    assert np.std(areas, ddof=1) / np.mean(areas) > 0.014


def test_the_vehicle_of_the_demo_closes_and_its_top_dose_does_not():
    study = demo_study(size_px=256)
    closure = [
        1 - gaps[-1].sum() / gaps[0].sum()
        for gaps in (nominal_gaps(study, dose_molar=d) for d in (0.0, study.doses_molar[-1]))
    ]
    assert closure[0] > 0.9
    assert closure[1] < 0.15


def test_nominal_masks_have_the_nominal_width():
    study = demo_study(size_px=256)
    gaps = nominal_gaps(study, dose_molar=1e-7)
    length = 1024 / np.cos(np.deg2rad(3.0))
    width = gaps.sum(axis=(1, 2)) * 16.0 / length
    # 4 µm pixels on a tilted edge: far below 0.5 % of the width.
    assert width == pytest.approx(2 * nominal_half_um(study, dose_molar=1e-7), rel=0.005)


def test_a_drug_slows_every_well_in_rank_of_dose_when_nothing_else_differs():
    study = demo_study(size_px=64)
    ends = [nominal_half_um(study, dose_molar=d)[-1] for d in (0.0, *study.doses_molar)]
    assert np.all(np.diff(ends) > 0)


def test_a_plate_that_is_too_small_is_refused():
    with pytest.raises(ValueError, match="fit on the simulated plate"):
        ScratchStudy(wells_per_dose=9)
    assert half_gap_um(Migration(), HOURS, gap_um=500.0)[0] == 250.0


def _sharpness(series, frame=0):
    return cv2.Laplacian(series.frames[frame].astype(np.float32), cv2.CV_32F).std()


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_every_fault_can_be_rendered(name):
    series = render_case(_small(FAULTS[name]))
    assert len(series.frames) == len(series.times_h) == len(series.truth)


def test_states_without_a_gap_have_the_truth_that_their_name_says():
    assert not render_case(_small(FAULTS["closed"])).truth.any()
    assert render_case(_small(FAULTS["empty"])).truth.all()


def test_faults_show_in_the_picture_or_in_the_truth_and_the_clean_case_is_free_of_them():
    clean = render_case(_small(CLEAN))
    seen = {name: render_case(_small(case)) for name, case in FAULTS.items()}
    area = {name: series.truth.mean(axis=(1, 2)) for name, series in seen.items()}
    assert clean.times_h[0] == 0
    assert seen["missing_first_frame"].times_h[0] > 0
    assert np.all(np.diff(clean.truth.mean(axis=(1, 2))) < 0)
    assert np.any(np.diff(area["reopening"]) > 0.02)
    assert np.all(np.diff(area["toxic"]) > 0)
    assert area["closed_between_frames"][-1] == 0
    assert area["wide_first_gap"][0] / area["narrow_first_gap"][0] > 2
    assert _sharpness(seen["out_of_focus"]) < 0.5 * _sharpness(clean)
    assert _sharpness(seen["one_frame_out_of_focus"], 4) < 0.5 * _sharpness(clean, 4)
    assert seen["uneven_light"].frames[0].std() > 2 * clean.frames[0].std()
    assert seen["islands"].islands[0].any()


def _small(case):
    camera = replace(case.scene.camera, size_px=(192, 192), pixel_um=5.0)
    return replace(case, scene=replace(case.scene, camera=camera))
