"""Frames with the outlines found in them: one well a dose and batch, every well behind a fold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from lamella.assays.contract import Panel
from lamella.report import svg
from lamella.report.arms import Arm, Place, arm_label, arms_of, batches_of
from lamella.report.figure import Cell, Drawing, Figure, wells_of
from lamella.report.pictures import Shown, choose, key_of, representatives
from lamella.report.typeset import clipped, counted, number
from lamella.study.result import AssayResult, Preview, StudyResult
from lamella.table.wells import Design

__all__ = ["draw"]

_WIDTH = 960.0
_FIELDS = 5  # of a well with one frame a field
_SIDE = 180.0  # px; nine rows of it still fit a printed page
_BUDGET = 6_600_000  # bytes of JPEG in one report; base64 makes 8.8 MB of them


def draw(result: AssayResult, study: StudyResult, panel: Panel) -> Figure:
    """Contact sheets, one a batch, and all wells; empty where the study has no pictures."""
    if not result.previews:
        return Figure(panel.title, empty="No pictures: no image of this assay could be read.")
    design = Design(wells_of(result, study))
    arms = arms_of(design)
    chosen = representatives(arms, result.wells, result.previews)
    sheets = sum(any(p.kind == "contact_sheet" for p in a.assay.panels) for a in study.assays)
    budget = _BUDGET // max(1, sheets)
    shown = choose(result.previews, first=set(chosen.values()), budget=budget)
    batches = batches_of(design)
    drawings = []
    for batch in batches:
        lines = [(arm, chosen[arm.label, batch]) for arm in arms if (arm.label, batch) in chosen]
        if lines:
            drawings.append(_sheet(lines, shown, batch))
    columns = ("plate", "well", "field", "frame", "time_h", "state")
    places = len({(plate, well) for plate, well, _ in shown.fields})
    return Figure(
        panel.title,
        _caption(shown, result.previews),
        columns,
        tuple(_row(preview) for preview in result.previews),
        tuple(drawings),
        choose="Show",
        more=tuple(_strips(shown, design)),
        more_label=f"Every well with pictures ({places})",
        pictures=shown.symbols,
    )


def _row(preview: Preview) -> tuple[Cell, ...]:
    place = (preview.plate, preview.well, preview.field, preview.frame)
    return (*place, preview.time_h, preview.state)


def _caption(shown: Shown, previews: Sequence[Preview]) -> str:
    kept = len(previews) - shown.left_out
    part = (
        f" {kept} of {len(previews)} frames are shown, at most five of a field, to keep this file "
        "small; the masks of all lie in results/masks."
        if shown.left_out
        else ""
    )
    if any(preview.points is not None for preview in previews):
        what, which = "Yellow: each object that was counted.", f"at most {_FIELDS} fields"
    else:
        what, which = "Yellow: the outline that was measured.", "first field"
    return (
        f"{what} One well a dose and batch: the one whose read-out is nearest to the median of "
        f"its group, {which}. All other wells are below." + part
    )


def _sheet(lines: Sequence[tuple[Arm, Place]], shown: Shown, batch: str) -> Drawing:
    by_place: dict[Place, tuple[Preview, ...]] = {}
    for (plate, well, _), previews in shown.fields.items():
        before = by_place.get((plate, well), ())
        if not before or (len(previews) == 1 and len(before) < _FIELDS):
            by_place[plate, well] = before + previews
    columns = max((len(by_place.get(place, ())) for _, place in lines), default=1)
    side = min(_SIDE, (_WIDTH - 150) / max(1, columns) - 6)
    parts, used, y = [], [], 8.0
    for arm, place in lines:
        previews = by_place.get(place, ())
        height = max((_height(preview, side) for preview in previews), default=40.0)
        parts.append(_head(arm, place, y + 16))
        if not previews:
            parts.append(svg.text("not shown, for size", (150, y + 16), font_size=12))
        for index, preview in enumerate(previews):
            parts.append(_picture(preview, (150 + index * (side + 6), y), side=side))
            used.append(key_of(preview))
        y += height + 26
    label = f"Contact sheet of batch {batch}: {counted(len(lines), 'well')}"
    return Drawing(f"Batch {batch}", svg.drawing(parts, size=(_WIDTH, y), label=label), tuple(used))


def _head(arm: Arm, place: Place, y: float) -> str:
    plate, well = place
    got, _, control = arm.label.partition(", ")
    below = [part for part in (control, f"{plate} {well}") if part]
    return svg.group(
        [
            svg.tip(f"{arm.label}, plate {plate}, well {well}"),
            svg.text(clipped(got, 18), (0, y), font_weight=600),
            *(
                svg.text(clipped(told, 20), (0, y + 18 * row), font_size=12, fill="#57606a")
                for row, told in enumerate(below, start=1)
            ),
        ]
    )


def _strips(shown: Shown, design: Design) -> list[Drawing]:
    """One drawing a well: all its chosen frames, larger."""
    wells: Mapping[Place, list[Preview]] = defaultdict(list)
    for (plate, well, _), frames in shown.fields.items():
        wells[plate, well] += frames
    strips = []
    for (plate, well), previews in wells.items():
        known = design.at(plate, well)
        got = f"{arm_label(known)}, batch {known.batch}" if known else "not in the plate map"
        side, parts, y, row = 310.0, [], 0.0, 0.0
        for index, preview in enumerate(previews):
            column = index % 3
            y, row = (y + row, 0.0) if column == 0 else (y, row)
            parts.append(_picture(preview, (column * (side + 8), y), side=side, field=True))
            row = max(row, _height(preview, side) + 28)
        label = f"{plate} {well}: {got}"
        drawn = svg.drawing(parts, size=(_WIDTH, y + row), label=label)
        strips.append(Drawing(label, drawn, tuple(key_of(preview) for preview in previews)))
    return strips


def _picture(preview: Preview, at: tuple[float, float], *, side: float, field: bool = False) -> str:
    x, y = at
    height = _height(preview, side)
    time = f"frame {preview.frame}" if preview.time_h is None else f"{number(preview.time_h)} h"
    if preview.points is not None and preview.time_h is None:
        field, time = False, f"field {preview.field}" if preview.field else ""
    said = " · ".join(part for part in (time, preview.state.replace("_", " ")) if part)
    if field and preview.field:
        said = f"field {preview.field} · {said}"
    return svg.group(
        [
            svg.tip(f"{preview.plate} {preview.well} field {preview.field}, {said}"),
            svg.element("use", href="#" + key_of(preview), x=x, y=y, width=side, height=height),
            svg.text(clipped(said, int(side / 6.2)), (x, y + height + 15), font_size=12),
        ]
    )


def _height(preview: Preview, side: float) -> float:
    return side * preview.height_px / max(1, preview.width_px)
