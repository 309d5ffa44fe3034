"""The pixel step on small pictures whose gap is known: edits, bad frames, places, units."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from lamella.assays.contract import Picture
from lamella.assays.scratch import ASSAY, ScratchSettings
from lamella.assays.scratch.masks import edited_mask, thinned, touching, with_margin
from lamella.errors import DecisionError, ImageError
from lamella.inputs.images.series import Frame, Series, Unit
from lamella.table.edits import Edit, Target
from lamella.table.rows import Observation
from lamella.table.wells import Design

SHAPE = (240, 320)


def cells(left: int, right: int, *, seed: int = 1) -> np.ndarray:
    """Grainy tissue with a smooth gap between two columns."""
    rng = np.random.default_rng(seed)
    picture = rng.normal(1000.0, 200.0, SHAPE).astype(np.float32)
    picture[:, left:right] = 1000.0 + rng.normal(0, 2.0, (SHAPE[0], right - left))
    return picture


SERIES = (cells(100, 220), cells(110, 210), cells(120, 200), cells(130, 190))


def read(pictures: tuple, path: Path, plane: int) -> np.ndarray:
    picture = pictures[plane]
    if isinstance(picture, str):
        raise ImageError(picture)
    return picture


def unit_of(pictures, *, edits=(), pixel_um: float | None = 2.0, order=None) -> Unit:
    reader = partial(read, pictures)
    frames = [
        Frame(Path("B02_1.tif"), i, SHAPE, reader, index=i, time_h=6.0 * i)
        for i in range(len(pictures))
    ]
    frames = frames if order is None else [frames[i] for i in order]
    return Unit("P1", "B02", (Series("1", tuple(frames), pixel_um),), edits)


def rows_of(unit: Unit) -> list[Observation]:
    found = ASSAY.measure(unit, ScratchSettings())
    return [row for row in found if isinstance(row, Observation)]


def settled(unit: Unit) -> list[Observation]:
    return list(ASSAY.settle(rows_of(unit), Design(), ScratchSettings()))


def one(rows, metric: str, frame: int | None = None, *, object: str | None = None) -> Observation:
    field = "1"
    return next(
        row
        for row in rows
        if (row.metric, row.frame, row.object, row.field) == (metric, frame, object, field)
    )


def outline(left: int, right: int) -> dict:
    return {"polygons": [[[left, 0], [right, 0], [right, SHAPE[0]], [left, SHAPE[0]]]]}


def test_a_series_of_pictures_gives_its_speed():
    # By hand: 20 px of 2 µm in 6 h, half by each edge: 20 / 6 µm/h.
    rows = settled(unit_of(SERIES))
    assert one(rows, "edge_speed").value == pytest.approx(20 / 6, rel=0.05)
    assert [one(rows, "gap_state", frame).text for frame in range(4)] == ["open"] * 4


def strewn(picture: np.ndarray, left: int, right: int) -> np.ndarray:
    """The picture with squares of cells of 16 px every 40 px of its gap: 16 % of it."""
    grain = cells(0, 0, seed=3)
    strewn = picture.copy()
    for y in range(12, SHAPE[0] - 16, 40):
        for x in range(left + 12, right - 16, 40):
            strewn[y : y + 16, x : x + 16] = grain[y : y + 16, x : x + 16]
    return strewn


def test_single_cells_in_the_wound_count_for_its_density_and_leave_its_gap():
    rows = settled(unit_of((SERIES[0], strewn(SERIES[0], 100, 220), SERIES[0])))
    area = [one(rows, "gap_area", frame).value for frame in range(3)]
    assert area[1] == pytest.approx(area[0], rel=0.03)
    density = [one(rows, "relative_wound_density", frame).value for frame in range(3)]
    assert density[0] == density[2] == 0
    # By hand 16 % of the wound and a rim: half-way in ln energy between tissue (200 counts) and
    # dish (2) is a hundredth of the tissue, which Gaussians of 0.7 and 1 px reach 3 px outside.
    assert density[1] == pytest.approx(100 * ((16 + 2 * 3) / 40) ** 2, abs=5)


def test_relative_wound_density_follows_the_formula_of_its_vendor():
    rows = settled(unit_of((cells(100, 220), cells(140, 180), cells(0, 0))))
    inside = [one(rows, "wound_cover", frame).value for frame in range(3)]
    outside = [one(rows, "outside_confluence", frame).value for frame in range(3)]
    for frame in (1, 2):
        by_hand = 100 * (inside[frame] - inside[0]) / (outside[frame] - inside[0])
        found = one(rows, "relative_wound_density", frame).value
        assert found == pytest.approx(by_hand)
    # A third of the wound is left, then nothing of it.
    assert one(rows, "relative_wound_density", 1).value == pytest.approx(100 * 2 / 3, abs=6)
    assert one(rows, "relative_wound_density", 2).value == pytest.approx(100, abs=3)


def test_frames_given_in_any_order_give_the_same_rows():
    assert settled(unit_of(SERIES, order=[2, 0, 3, 1])) == settled(unit_of(SERIES))


def test_a_drawn_mask_counts_and_the_automatic_number_stays():
    edit = Edit("7", "mask", Target(field="1", frame=1), who="ann", data=outline(60, 160))
    plain, rows = rows_of(unit_of(SERIES)), rows_of(unit_of(SERIES, edits=(edit,)))
    drawn, automatic = one(rows, "gap_area", 1), one(rows, "gap_area", 1, object="automatic")
    assert drawn.value == 100 * SHAPE[0] * 4.0
    assert drawn.flag == "edited"
    assert "ann" in drawn.reason
    assert automatic.value == one(plain, "gap_area", 1).value
    assert one(rows, "gap_area", 2) == one(plain, "gap_area", 2)


def test_a_drawn_mask_changes_the_closure_of_its_frame_alone():
    edit = Edit("7", "mask", Target(field="1", frame=1), data=outline(60, 160))
    before, after = settled(unit_of(SERIES)), settled(unit_of(SERIES, edits=(edit,)))
    assert one(after, "closure", 1).value != one(before, "closure", 1).value
    assert one(after, "closure", 2) == one(before, "closure", 2)


def test_the_last_drawn_mask_counts():
    edits = tuple(
        Edit(str(i), "mask", Target(frame=1), data=outline(left, 160))
        for i, left in enumerate((60, 110))
    )
    rows = rows_of(unit_of(SERIES, edits=edits))
    assert one(rows, "gap_area", 1).value == 50 * SHAPE[0] * 4.0


def test_a_drawn_mask_with_nothing_in_it_closes_the_field():
    edit = Edit("7", "mask", Target(frame=3), data={"runs": [], "shape": list(SHAPE)})
    rows = settled(unit_of(SERIES, edits=(edit,)))
    assert one(rows, "gap_state", 3).text == "closed"
    assert one(rows, "closure", 3).value == 100.0


def test_a_mask_drawn_on_another_size_is_told_and_costs_its_frame():
    edit = Edit("7", "mask", Target(frame=1), data={"runs": [0, 5], "shape": [10, 10]})
    rows = rows_of(unit_of(SERIES, edits=(edit,)))
    assert "Draw it again" in one(rows, "gap_area", 1).reason
    assert one(rows, "gap_area", 2).value is not None


def test_a_mask_without_outline_is_refused():
    edit = Edit("7", "mask", Target(), data={})
    with pytest.raises(DecisionError, match="needs 'polygons' or 'runs'"):
        edited_mask(edit, SHAPE)


def test_a_polygon_with_a_hole_leaves_the_hole_out():
    square = [[[0, 0], [10, 0], [10, 10], [0, 10]], [[4, 4], [6, 4], [6, 6], [4, 6]]]
    mask = edited_mask(Edit("1", "mask", Target(), data={"polygons": square}), (12, 12))
    assert not mask[5, 5]
    assert mask[1, 1]


def test_a_damaged_frame_is_told_and_the_rest_is_measured():
    pictures = (SERIES[0], "B02_1.tif: the file ends early. Copy it again.", *SERIES[2:])
    rows = settled(unit_of(pictures))
    lost = one(rows, "gap_area", 1)
    assert (lost.value, lost.flag) == (None, "unreadable")
    assert "ends early" in lost.reason
    assert one(rows, "edge_speed").value == pytest.approx(20 / 6, rel=0.05)


def test_a_damaged_first_frame_leaves_the_speed_but_no_closure():
    rows = settled(unit_of(("damaged", *SERIES[1:])))
    assert one(rows, "edge_speed").value == pytest.approx(20 / 6, rel=0.05)
    assert one(rows, "closure", 2).value is None
    assert one(rows, "closure", 2).flag == "t0_missing"


def test_a_frame_of_another_size_is_measured_by_itself():
    pictures = (SERIES[0], np.ascontiguousarray(SERIES[1][:200, :]), *SERIES[2:])
    rows = rows_of(unit_of(pictures))
    assert one(rows, "gap_area", 1).value == pytest.approx(100 * 200 * 4.0, rel=0.1)


def test_a_series_of_one_picture_has_an_area_and_says_that_it_has_no_speed():
    rows = settled(unit_of(SERIES[:1]))
    assert one(rows, "gap_area", 0).value > 0
    speed = one(rows, "edge_speed")
    assert (speed.value, speed.flag) == (None, "too_few_frames")


def test_one_texture_alone_is_judged_with_a_warning():
    rng = np.random.default_rng(3)
    rows = settled(unit_of((rng.normal(1000, 200, SHAPE).astype(np.float32),)))
    state = one(rows, "gap_state", 0)
    assert state.text in ("closed", "empty")
    assert state.flag == "state_from_frame_alone"
    assert one(rows, "state_basis", 0).text == "frame"


def test_a_picture_that_says_nothing_is_unusable():
    rows = settled(unit_of((np.zeros(SHAPE, np.float32),)))
    assert one(rows, "gap_state", 0).text == "unusable"


def test_a_hole_far_from_the_first_wound_is_not_counted():
    first, gap = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    first[:, 100:220] = gap[:, 120:200] = True
    gap[10:40, 280:310] = True
    kept = touching(gap, with_margin(thinned(first, (60, 80))))
    assert kept[:, 120:200].all()
    assert not kept[:, 270:].any()


def test_problems_of_the_input_reach_the_table():
    unit = unit_of(SERIES)
    series = replace(unit.series[0], problems=("frame 4 is missing. Copy it.",))
    rows = rows_of(replace(unit, series=(series,)))
    assert one(rows, "input_problem", object="input 1").reason == "frame 4 is missing. Copy it."


def test_masks_are_full_size_and_say_what_was_drawn():
    edit = Edit("7", "mask", Target(frame=1), data=outline(60, 160))
    found = ASSAY.measure(unit_of(SERIES, edits=(edit,)), ScratchSettings())
    pictures = [item for item in found if isinstance(item, Picture)]
    assert [picture.state for picture in pictures] == ["open", "edited", "open", "open"]
    assert pictures[1].labels.sum() == 100 * SHAPE[0]
    assert set(np.unique(pictures[1].labels)) == {0, 1}


def test_fields_average_to_one_value_of_the_well():
    unit = unit_of(SERIES)
    other = replace(unit_of((*SERIES[:2], SERIES[1], SERIES[2])).series[0], field="2")
    rows = settled(replace(unit, series=(*unit.series, other)))
    by_field = {r.field: r.value for r in rows if r.metric == "edge_speed"}
    assert by_field[""] == pytest.approx((by_field["1"] + by_field["2"]) / 2)


def test_an_excluded_field_does_not_enter_the_mean():
    unit = unit_of(SERIES)
    other = replace(unit_of((*SERIES[:2], SERIES[1], SERIES[2])).series[0], field="2")
    measured = rows_of(replace(unit, series=(*unit.series, other)))
    out = [replace(r, flag="excluded", reason="bubble") if r.field == "2" else r for r in measured]
    rows = ASSAY.settle(out, Design(), ScratchSettings())
    by_field = {r.field: r.value for r in rows if r.metric == "edge_speed"}
    assert by_field[""] == by_field["1"]
    assert by_field["2"] is None


def test_an_excluded_frame_stays_in_the_table_and_does_not_count():
    measured = rows_of(unit_of((SERIES[0], SERIES[3], *SERIES[2:])))
    out = [replace(r, flag="excluded", reason="bubble") if r.frame == 1 else r for r in measured]
    rows = ASSAY.settle(out, Design(), ScratchSettings())
    assert one(rows, "gap_area", 1).flag == "excluded"
    assert one(rows, "gap_state", 1).flag == "excluded"
    assert not [r for r in rows if r.metric == "closure" and r.frame == 1]
    assert one(rows, "edge_speed").n == 3
