"""A metric as a heat map of each plate, every well in its place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lamella.assays.contract import Panel
from lamella.report import svg
from lamella.report.arms import Place, arm_label, natural, well_values
from lamella.report.figure import Cell, Drawing, Figure, metric_of, wells_of
from lamella.report.flags import flagged_places
from lamella.report.palette import contrast, heat_colour
from lamella.report.typeset import bracketed, clipped, counted, number
from lamella.study.result import AssayResult, StudyResult
from lamella.table.rows import Metric
from lamella.table.wells import Well

__all__ = ["draw"]

_WIDTH = 960.0
_SIZES = ((2, 3), (4, 6), (6, 8), (8, 12), (16, 24), (32, 48))


@dataclass(frozen=True)
class _Map:
    """The values of all plates, on one colour scale."""

    metric: Metric
    values: Mapping[Place, float]
    reasons: Mapping[Place, str]
    low: float
    high: float

    def fraction(self, value: float) -> float:
        """Where a value lies between the lowest and the highest of the study."""
        return (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5


def draw(result: AssayResult, study: StudyResult, panel: Panel) -> Figure:
    """One map a plate; wells without a value stay white and crossed out."""
    metric = metric_of(result, panel)
    wells = wells_of(result, study)
    if not wells:
        return Figure(panel.title, empty="The plate map has no wells.")
    series = well_values(result.rows, metric.name)
    # A value of the whole series comes before those of frames; else the last frame speaks.
    values = {p: next((v for t, v in s if t is None), s[-1][1]) for p, s in series.items()}
    last = any(all(t is not None for t, _ in s) for s in series.values())
    low, high = min(values.values(), default=0.0), max(values.values(), default=0.0)
    flags = flagged_places(result.rows, metric=metric.name, reasons=True)
    reasons = {place: "; ".join(told) for place, told in flags.items()}
    plan = _Map(metric, values, reasons, low, high)
    plates = sorted({well.plate for well in wells}, key=natural)
    columns = ("plate", "well", "batch", "arm", bracketed(metric.name, metric.unit), "flag")
    return Figure(
        panel.title,
        _caption(plan, wells, last=last, fields=any(row.field for row in result.rows)),
        columns,
        tuple(_row(well, plan) for well in wells),
        tuple(
            Drawing(f"Plate {plate}", _drawing([w for w in wells if w.plate == plate], plan))
            for plate in plates
        ),
        choose="Show",
    )


def _caption(plan: _Map, wells: Sequence[Well], *, last: bool, fields: bool) -> str:
    shown = sum((well.plate, well.well) in plan.values for well in wells)
    when = " at the last frame" if last else ""
    averaged = "; fields averaged" if fields else ""
    return (
        f"{plan.metric.label}{when} in {shown} of {counted(len(wells), 'well')}{averaged}. "
        "Crossed out: no value. Dot in the corner: this value carries a flag. V: vehicle. "
        "One colour scale for all plates."
    )


def _row(well: Well, plan: _Map) -> tuple[Cell, ...]:
    place = (well.plate, well.well)
    value, reason = plan.values.get(place), plan.reasons.get(place, "")
    return well.plate, well.well, well.batch, arm_label(well), value, reason


def _drawing(wells: Sequence[Well], plan: _Map) -> str:
    spots = _spots(wells)
    rows = 1 + max(row for row, _ in spots.values())
    columns = 1 + max(column for _, column in spots.values())
    if _named(wells):
        rows, columns = next(
            (size for size in _SIZES if size[0] >= rows and size[1] >= columns), (rows, columns)
        )
    side = min(64.0, (_WIDTH - 190) / columns)
    height = side * min(1.0, 46 / side) if side > 46 else side
    left, top = 44.0, 30.0
    parts = []
    if _named(wells):
        parts += [
            svg.text(str(c + 1), (left + (c + 0.5) * side, top - 8), text_anchor="middle")
            for c in range(columns)
        ] + [
            svg.text(_letter(r), (left - 10, top + (r + 0.5) * height + 4), text_anchor="end")
            for r in range(rows)
        ]
    frame = {"fill": "none", "stroke": "#c5cad1"}
    parts.append(
        svg.element("rect", x=left, y=top, width=columns * side, height=rows * height, **frame)
    )
    for well in wells:
        row, column = spots[well.well]
        box = (left + column * side, top + row * height, side, height)
        parts.append(_well(well, plan, box=box))
    parts.append(_scale(plan, left=left + columns * side + 24, top=top))
    size = (_WIDTH, max(top + rows * height, top + 210) + 14)
    label = f"Plate {wells[0].plate}: {bracketed(plan.metric.label, plan.metric.unit)}"
    return svg.drawing(parts, size=size, label=label)


def _well(well: Well, plan: _Map, *, box: tuple[float, float, float, float]) -> str:
    x, y, width, height = (box[0] + 1, box[1] + 1, box[2] - 2, box[3] - 2)
    place = (well.plate, well.well)
    value, reason = plan.values.get(place), plan.reasons.get(place, "")
    shown = f"{number(value)} {plan.metric.unit}".strip() if value is not None else "no value"
    said = f"{well.well}, {arm_label(well)}, batch {well.batch}: {shown}"
    fill = "#ffffff" if value is None else heat_colour(plan.fraction(value))
    ink = "#ffffff" if contrast(fill, "#ffffff") > contrast(fill, svg.INK) else svg.INK
    parts = [
        svg.tip(f"{said}. {reason}" if reason else said),
        svg.element("rect", x=x, y=y, width=width, height=height, fill=fill, stroke="#8c959f"),
    ]
    if value is None:
        parts.append(svg.line((x, y), (x + width, y + height), stroke="#57606a"))
    elif width > 34:
        middle = (x + width / 2, y + height / 2 + 4)
        parts.append(svg.text(number(value), middle, text_anchor="middle", fill=ink, font_size=12))
    if well.role == "vehicle":
        spot = (x + 3, y + min(11.0, height - 2))
        size = 9 if width > 24 else 8
        parts.append(svg.text("V", spot, font_size=size, fill=ink, font_weight=700))
    if reason:
        parts.append(svg.element("circle", cx=x + width - 4.5, cy=y + 4.5, r=2.6, fill=ink))
    return svg.group(parts)


def _scale(plan: _Map, *, left: float, top: float) -> str:
    steps, height = 40, 160.0
    label, unit = plan.metric.label, f"[{plan.metric.unit or 'no unit'}]"
    parts = [
        svg.text(clipped(label, 20), (left, top - 12), class_="axis", font_size=12),
        svg.text(clipped(unit, 20), (left, top + 4), class_="axis", font_size=12),
    ]
    if not plan.values:
        return svg.group(parts)
    step = height / steps
    for index in range(steps):
        fill = heat_colour(1 - (index + 0.5) / steps)
        y = top + 18 + index * step
        parts.append(svg.element("rect", x=left, y=y, width=16, height=step + 0.5, fill=fill))
    parts.append(svg.text(number(plan.high), (left + 22, top + 28)))
    if plan.high > plan.low:
        parts.append(svg.text(number(plan.low), (left + 22, top + 18 + height)))
    return svg.group(parts)


def _named(wells: Sequence[Well]) -> bool:
    return all(re.fullmatch(r"[A-Za-z]{1,2}0*[1-9][0-9]?", well.well) for well in wells)


def _spots(wells: Sequence[Well]) -> dict[str, tuple[int, int]]:
    """Row and column of each well, from 0; in reading order where names are not like `B02`."""
    if not _named(wells):
        names = sorted({well.well for well in wells}, key=natural)
        return {name: divmod(index, 12) for index, name in enumerate(names)}
    spots = {}
    for well in wells:
        letters = well.well.rstrip("0123456789").upper()
        row = 0
        for letter in letters:
            row = 26 * row + ord(letter) - ord("A") + 1
        spots[well.well] = (row - 1, int(well.well[len(letters) :]) - 1)
    return spots


def _letter(row: int) -> str:
    return chr(ord("A") + row) if row < 26 else "A" + chr(ord("A") + row - 26)
