"""Every quality flag has one rendered well that raises it, and clean wells that do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from lamella.assays.scratch import ASSAY, ScratchSettings
from lamella.assays.scratch.quality import FLAGS
from lamella.inputs.images.series import Frame, Series, Unit
from lamella.table.rows import Observation
from lamella.table.wells import Design, Well
from lamella.virtual.camera import Camera
from lamella.virtual.scratch import Scene, ScratchSeries, render_scratch
from lamella.virtual.tissue import Tissue
from lamella.virtual.wound import Wound

TIMES_H = np.arange(0.0, 24.0, 4.0)
CAMERA = Camera(size_px=(384, 384), pixel_um=2.0)
STEADY = 200.0 - 7.0 * TIMES_H
NEVER = np.full(len(TIMES_H), -500.0)
PROTOCOL = {"proliferation_control": "mitomycin C"}


def filmed(**camera: object) -> Scene:
    return Scene(camera=replace(CAMERA, **camera))


@dataclass(frozen=True)
class Case:
    """One well of the plate: its scene and the half width of its gap at each frame."""

    scene: Scene = field(default_factory=lambda: Scene(camera=CAMERA))
    half_um: np.ndarray = field(default_factory=lambda: STEADY)
    change: Callable[[np.ndarray], None] = lambda frames: None


def another_place(frames: np.ndarray) -> None:
    scene = replace(Scene(camera=CAMERA), wound=Wound(offset_um=(330.0, 0.0)))
    half = np.full(len(TIMES_H), 120.0)
    other = render_scratch(half, TIMES_H, scene=scene, rng=np.random.default_rng(77))
    frames[3:] = other.frames[3:]


def dead_camera(frames: np.ndarray) -> None:
    frames[2] = 0


WELLS: dict[str, Case] = {
    "clean": Case(),
    "clean2": Case(),
    "clean3": Case(half_um=STEADY + 4.0),
    "t0_missing": Case(half_um=NEVER),
    "t0_unregistered": Case(change=another_place),
    "out_of_focus": Case(filmed(defocus_um=(0.0, 0.0, 0.0, 14.0, 0.0, 0.0))),
    "uneven_illumination": Case(filmed(gradient=1.2)),
    "drift": Case(filmed(drift_um=tuple((20.0 * i, 8.0 * i) for i in range(6)))),
    "not_confluent": Case(Scene(camera=CAMERA, tissue=Tissue(confluence=0.6))),
    "tissue_thins": Case(Scene(camera=CAMERA, tissue=Tissue(lost_by_end=0.7)), 200 - TIMES_H),
    "closed_in_window": Case(half_um=200.0 - 60.0 * TIMES_H),
    "not_monotone": Case(half_um=STEADY + np.array([0.0, 0.0, 0.0, 90.0, 90.0, 90.0])),
    "jump": Case(half_um=STEADY - np.array([0.0, 0.0, 0.0, 110.0, 110.0, 110.0])),
    "frames_lost": Case(change=dead_camera),
    "tissue_lost": Case(half_um=np.array([200.0, 190.0, 180.0, 5000.0, 5000.0, 5000.0])),
}
# Raised on rows alone: the plate of unequal gaps, and the growth of all of it.
OF_PLATES = {"unequal_gaps", "proliferation", "debris"}


def read(frames: np.ndarray, path: Path, plane: int) -> np.ndarray:
    return frames[plane].astype(np.float32)


def unit_of(series: ScratchSeries, well: str) -> Unit:
    reader = partial(read, series.frames)
    frames = tuple(
        Frame(Path(f"{well}.tif"), i, series.frames[i].shape, reader, i, float(time))
        for i, time in enumerate(series.times_h)
    )
    return Unit("P1", well, (Series("1", frames, series.pixel_um),))


@pytest.fixture(scope="module")
def measured() -> list[Observation]:
    rows: list[Observation] = []
    for number, (well, case) in enumerate(WELLS.items()):
        rng = np.random.default_rng(number)
        series = render_scratch(case.half_um, TIMES_H, scene=case.scene, rng=rng)
        case.change(series.frames)
        found = ASSAY.measure(unit_of(series, well), ScratchSettings())
        rows += [row for row in found if isinstance(row, Observation)]
    return rows


def flags(rows: list[Observation], *, protocol: dict | None = None) -> dict[str, set[str]]:
    """Flags of each well; those of the whole plate stand under ''."""
    wells = tuple(
        Well("P1", name, "1", "vehicle" if name.startswith("clean") else "test") for name in WELLS
    )
    settled = ASSAY.settle(rows, Design(wells, protocol or PROTOCOL), ScratchSettings())
    raised: dict[str, set[str]] = {}
    for row in settled:
        if row.metric == "quality":
            assert row.reason
            raised.setdefault(row.well, set()).add(row.text)
    return raised


@pytest.mark.parametrize("flag", sorted(set(FLAGS) - OF_PLATES))
def test_a_rendered_well_raises_its_flag(measured, flag):
    assert flag in flags(measured).get(flag, set())


def test_clean_wells_raise_no_flag(measured):
    raised = flags(measured)
    for well in ("clean", "clean2", "clean3"):
        assert raised.get(well, set()) == set()


def test_every_flag_is_tried():
    assert set(WELLS) | OF_PLATES | {"clean", "clean2", "clean3"} >= set(FLAGS)


def widened(rows: list[Observation], factors: dict[str, float]) -> list[Observation]:
    return [
        replace(row, value=row.value * factors[row.well])
        if row.metric == "gap_width_mean" and row.well in factors and row.value is not None
        else row
        for row in rows
        if row.well.startswith("clean")
    ]


def test_gaps_of_unequal_width_are_told(measured):
    raised = flags(widened(measured, {"clean2": 1.4}))
    assert "unequal_gaps" in raised[""]
    assert "unequal_gaps" in raised["clean2"]
    assert "unequal_gaps" not in flags(widened(measured, {})).get("", set())


def test_growth_without_a_control_is_told(measured):
    grown = flags(measured, protocol={"proliferation_control": "none", "doubling_time_h": 20})
    assert "proliferation" in grown[""]
    slow = flags(measured, protocol={"proliferation_control": "none", "doubling_time_h": 80})
    assert "proliferation" not in slow.get("", set())
    assert "proliferation" not in flags(measured).get("", set())


def test_debris_in_the_first_gap_is_told(measured):
    clean = [row for row in measured if row.well == "clean"]
    littered = [
        replace(row, value=50_000.0) if row.metric == "cells_in_gap_area" else row for row in clean
    ]
    assert "debris" in flags(littered)["clean"]
    assert "debris" not in flags(clean).get("clean", set())


def test_states_come_out_as_rendered(measured):
    wells = tuple(Well("P1", name, "1", "test") for name in WELLS)
    settled = ASSAY.settle(measured, Design(wells), ScratchSettings())
    states = {(row.well, row.frame): row.text for row in settled if row.metric == "gap_state"}
    assert {states["t0_missing", frame] for frame in range(6)} == {"closed"}
    assert [states["tissue_lost", frame] for frame in range(6)] == ["open"] * 3 + ["empty"] * 3
    assert [states["closed_in_window", frame] for frame in (0, 2, 5)] == [
        "open",
        "closed",
        "closed",
    ]
    assert states["out_of_focus", 3] == "unusable"
    assert states["frames_lost", 2] == "unusable"
    assert [states["clean", frame] for frame in range(6)] == ["open"] * 6


def test_no_number_is_made_up_for_an_empty_field(measured):
    settled = ASSAY.settle(measured, Design(), ScratchSettings())
    areas = [
        row.value
        for row in settled
        if row.well == "tissue_lost" and row.metric == "gap_area" and row.frame >= 3
    ]
    assert areas == [None, None, None]
