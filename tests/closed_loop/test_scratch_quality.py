"""Every quality flag has one rendered well that raises it alone, and clean wells raise none."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from lamella.assays.scratch import ASSAY, ScratchSettings
from lamella.assays.scratch.quality import FLAGS
from lamella.inputs.images.series import Frame, Series, Unit
from lamella.table.rows import Observation
from lamella.table.wells import Design, Well
from lamella.virtual.faults import CLEAN, FAULTS, Case, render_case
from lamella.virtual.scratch import ScratchSeries
from lamella.virtual.tissue import Tissue

FRAMES = 6
PROTOCOL = {"proliferation_control": "mitomycin C"}
CLEAN_WELLS = ("clean", "clean2", "clean3")


def closing(*half_um: float) -> Case:
    return replace(CLEAN, half_um=half_um)


def tissue(**look: float) -> Case:
    return replace(CLEAN, scene=replace(CLEAN.scene, tissue=Tissue(**look)))


def filmed(**camera: float) -> Case:
    seen = replace(CLEAN.scene.camera, **camera)
    return replace(CLEAN, scene=replace(CLEAN.scene, camera=seen))


# One well for each flag; that of `frames_lost` is darkened below.
RAISING: dict[str, Case] = {
    "t0_missing": FAULTS["missing_first_frame"],
    "t0_unregistered": FAULTS["unregistered_first_frame"],
    "out_of_focus": FAULTS["out_of_focus"],
    "uneven_illumination": filmed(gradient=1.2),
    "drift": FAULTS["stage_drift"],
    "unequal_gaps": FAULTS["narrow_first_gap"],
    "not_confluent": tissue(confluence=0.5),
    "tissue_thins": FAULTS["toxic"],
    "debris": FAULTS["islands"],
    "closed_in_window": FAULTS["closed_between_frames"],
    "not_monotone": FAULTS["reopening"],
    "jump": closing(250, 240, 230, 110, 100, 90),
    "frames_lost": CLEAN,
    "tissue_lost": closing(250, 240, 230, 1e6, 1e6, 1e6),
}
OTHERS = {
    "wide": FAULTS["wide_first_gap"],
    "closed": FAULTS["closed"],
    "empty": FAULTS["empty"],
    "blurred_once": FAULTS["one_frame_out_of_focus"],
}
# The whole study grows or not, whatever its pictures show.
OF_THE_PROTOCOL = {"proliferation"}


def small(case: Case, *, side_px: int = 256) -> Case:
    """The same well in a small picture, seen for its first frames."""
    camera = replace(case.scene.camera, size_px=(side_px, side_px), pixel_um=3.0)
    scene = replace(case.scene, camera=camera)
    return replace(case, times_h=case.times_h[:FRAMES], half_um=case.half_um[:FRAMES], scene=scene)


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
def measured() -> dict[str, list[Observation]]:
    """Rows of each well, measured once."""
    wells = dict.fromkeys(CLEAN_WELLS, CLEAN) | RAISING | OTHERS
    rows: dict[str, list[Observation]] = {}
    for number, (well, case) in enumerate(wells.items()):
        # The stage is told from cells that move where enough tissue is seen on both sides.
        side_px = 340 if well == "drift" else 256
        series = render_case(small(case, side_px=side_px), seed=number)
        if well == "frames_lost":
            series.frames[2] = 0  # the shutter stayed shut
        found = ASSAY.measure(unit_of(series, well), ScratchSettings())
        rows[well] = [row for row in found if isinstance(row, Observation)]
    return rows


def settled(measured, *wells: str, **protocol: object) -> list[Observation]:
    """A plate of the three clean wells and of those named."""
    plate = [*CLEAN_WELLS, *wells]
    design = Design(
        tuple(
            Well("P1", name, "1", "vehicle" if name in CLEAN_WELLS else "test") for name in plate
        ),
        protocol or PROTOCOL,
    )
    rows = [row for name in plate for row in measured[name]]
    return ASSAY.settle(rows, design, ScratchSettings())


def flags(rows: list[Observation]) -> dict[str, set[str]]:
    """Flags of each well; those of the whole plate stand under ''."""
    raised: dict[str, set[str]] = {}
    for row in rows:
        if row.metric == "quality":
            assert row.reason
            raised.setdefault(row.well, set()).add(row.text)
    return raised


@pytest.mark.parametrize("flag", RAISING)
def test_a_rendered_well_raises_its_flag_and_no_other_well_does(measured, flag):
    expected = {flag: {flag}}
    if flag == "unequal_gaps":  # told of the plate as well
        expected[""] = {flag}
    assert flags(settled(measured, flag)) == expected


def test_clean_wells_raise_no_flag(measured):
    assert flags(settled(measured)) == {}


def test_every_flag_is_tried():
    assert set(RAISING) | OF_THE_PROTOCOL == set(FLAGS)


def test_gaps_of_unequal_width_are_told_with_their_size(measured):
    rows = settled(measured, "unequal_gaps", "wide")
    off = {row.well: row.value for row in rows if row.metric == "quality"}
    # Rendered 40 % narrower and 40 % wider; outlines are good to 3 % of the width.
    assert off["unequal_gaps"] == pytest.approx(-0.4, abs=0.03)
    assert off["wide"] == pytest.approx(0.4, abs=0.03)


def test_growth_without_a_control_is_told(measured):
    none = {"proliferation_control": "none"}
    assert flags(settled(measured, **none, doubling_time_h=20)) == {"": {"proliferation"}}
    assert flags(settled(measured, **none)) == {"": {"proliferation"}}
    assert flags(settled(measured, **none, doubling_time_h=80)) == {}


def states(rows: list[Observation], well: str) -> list[str | None]:
    return [row.text for row in rows if row.metric == "gap_state" and row.well == well]


def test_states_come_out_as_rendered(measured):
    rows = settled(measured, *RAISING, *OTHERS)
    assert states(rows, "clean") == ["open"] * 6
    assert states(rows, "closed") == ["closed"] * 6
    assert states(rows, "empty") == ["empty"] * 6
    assert states(rows, "tissue_lost") == ["open"] * 3 + ["empty"] * 3
    assert states(rows, "closed_in_window")[::5] == ["open", "closed"]
    assert states(rows, "blurred_once")[4] == "unusable"
    assert states(rows, "frames_lost")[2] == "unusable"


def test_no_number_is_made_up_for_an_empty_field(measured):
    rows = settled(measured, "tissue_lost")
    areas = [
        row.value
        for row in rows
        if row.well == "tissue_lost" and row.metric == "gap_area" and row.frame >= 3
    ]
    assert areas == [None, None, None]
