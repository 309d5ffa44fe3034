"""Rendered wounds go in, what was rendered comes back: outlines, speeds, states, doubts, potency.

The loop itself is that of `bench/closed_loop_scratch.py`, whose long version runs 20 studies.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from lamella.assays import scratch
from lamella.table.wells import Design, Well
from lamella.virtual.camera import Camera
from lamella.virtual.faults import CLEAN, FAULTS, render_case
from lamella.virtual.scratch import Scene, render_scratch
from lamella.virtual.study import Spread, beyond_top_study, demo_study, flat_study
from lamella.virtual.tissue import Tissue
from lamella.virtual.wound import Wound
from lamella.vision.gap import find_gap


def _load_loop():
    path = Path(__file__).resolve().parents[2] / "bench" / "closed_loop_scratch.py"
    spec = importlib.util.spec_from_file_location("closed_loop_scratch", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


loop = _load_loop()

WOUNDS = {
    **{f"tilt {tilt}": Scene(Wound(tilt_deg=tilt)) for tilt in (0, 20, 45, 70, 90)},
    "two gaps": Scene(Wound(bridges=1)),
    "three gaps": Scene(Wound(bridges=2)),
    "circle": Scene(Wound(shape="circle")),
    "noise": Scene(camera=Camera(noise=0.03)),
    "vignette": Scene(camera=Camera(gradient=0.6, vignette=0.6)),
    "low contrast": Scene(camera=Camera(contrast=0.3)),
    "12 bit": Scene(camera=Camera(dtype="uint16")),
    "bright field": Scene(camera=Camera(modality="bright_field")),
    "oblique": Scene(camera=Camera(modality="oblique")),
    "nuclei": Scene(camera=Camera(modality="fluorescence")),
    "clean plastic": Scene(tissue=Tissue(debris_per_mm2=0, stray_per_mm2=0, rounded_per_mm2=0)),
}


def _one_frame(scene, half_um=200.0, seed=1):
    rng = np.random.default_rng(seed)
    series = render_scratch(np.array([half_um]), np.zeros(1), scene=scene, rng=rng)
    return series, find_gap(series.frames[0].astype(np.float32), pixel_um=series.pixel_um)


@pytest.mark.parametrize("name", WOUNDS)
def test_the_outline_of_a_rendered_wound_lies_where_it_was_painted(name):
    series, gap = _one_frame(WOUNDS[name])
    truth = series.truth[0]
    overlap = np.count_nonzero(gap.mask & truth) / np.count_nonzero(gap.mask | truth)
    # People who outline the same wound twice agree to 0.86 (hard ones); these are not hard.
    assert gap.alone == "open"
    assert overlap >= 0.90
    # What the outline says of its own error must hold.
    assert gap.low_px <= truth.sum() <= gap.high_px


@pytest.mark.parametrize(("bridges", "count"), [(0, 1), (1, 2), (2, 3), (3, 4)])
def test_strands_across_a_wound_are_counted_as_its_parts(bridges, count):
    _, gap = _one_frame(Scene(Wound(bridges=bridges)))
    assert cv2.connectedComponents(gap.mask.astype(np.uint8))[0] - 1 == count


VEHICLES = ("B02", "B03", "B04")


@pytest.fixture(scope="module")
def vehicle_rows():
    """Three clean vehicle wells, measured once."""
    return [
        row for seed, name in enumerate(VEHICLES) for row in _rows_of(CLEAN, name, seed=20 + seed)
    ]


def _rows_of(case, name, *, seed=3):
    camera = replace(case.scene.camera, size_px=(384, 384), pixel_um=1024 / 384)
    smaller = replace(case, scene=replace(case.scene, camera=camera))
    return loop.measured(render_case(smaller, seed=seed), "P1", name)


@pytest.mark.parametrize("state", ["closed", "empty"])
def test_fields_without_a_gap_are_told_apart_by_the_plate(vehicle_rows, state):
    wells = tuple(Well("P1", name, "1", "vehicle") for name in VEHICLES)
    design = Design((*wells, Well("P1", "C02", "1", "test")))
    rows = [*vehicle_rows, *_rows_of(FAULTS[state], "C02")]
    settled = scratch.ASSAY.settle(rows, design, scratch.ScratchSettings())
    found = {row.text for row in settled if row.metric == "gap_state" and row.well == "C02"}
    assert found == {state}


def _short(study, doses=(0, 2, 3, 4, 6)):
    """Three batches of a vehicle and five doses, a well each, five frames, alike as can be."""
    return replace(
        study,
        doses_molar=tuple(study.doses_molar[i] for i in doses),
        times_h=(0.0, 5.0, 10.0, 15.0, 20.0),
        wells_per_dose=1,
        spread=Spread(0.04, 0.1, 0.05, 0.01),
    )


@pytest.fixture(scope="module")
def demo_loop():
    return loop.closed_loop(_short(demo_study(seed=2, size_px=384)), scenario="demo")


def test_closure_is_that_of_the_painted_gap(demo_loop):
    assert demo_loop.lost_frames == 0
    assert demo_loop.closure_rmse <= 2.0


def test_the_speed_of_the_fronts_comes_back(demo_loop):
    # An outline that is off by the same length at both ends of the window leaves the speed.
    assert abs(demo_loop.speed_bias_percent) <= 3.0


def test_the_potency_comes_back_within_its_interval(demo_loop):
    found = demo_loop.pictures
    assert found.verdict == "closed"
    assert found.low_nm <= demo_loop.truth_nm <= found.high_nm
    # Pictures may not add more than 0.05 to the log10 of what the true masks of these wells give.
    assert np.log10(found.ic50_nm / demo_loop.masks.ic50_nm) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize(
    ("make", "verdict"), [(flat_study, "no_effect"), (beyond_top_study, "not_reached")]
)
def test_a_compound_without_a_potency_gets_none_in_any_batch(make, verdict):
    filmed = loop.film(_short(make(seed=1, size_px=256), doses=(0, 2, 4, 6, 7)))
    found = loop.answer(filmed.wells, filmed.from_pictures)
    assert found.ic50_nm is None
    assert set(found.batch_verdicts) == {verdict}
