"""OD of the standards over their cells: the line, how far it is one, and where the eluates lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lamella.assays.contract import Panel
from lamella.report import svg
from lamella.report.arms import natural
from lamella.report.axes import Axis, draw_x, draw_y, linear_axis
from lamella.report.figure import Cell, Drawing, Figure
from lamella.report.typeset import counted, number
from lamella.study.result import AssayResult, StudyResult
from lamella.table.rows import Observation

__all__ = ["draw"]

_WIDTH, _LEFT, _RIGHT = 960.0, 110.0, 690.0
_TOP, _BOTTOM = 24.0, 344.0
_LINE = "#2f5b92"
_EDGE = 1.05  # how far the axes go beyond the farthest point


@dataclass(frozen=True)
class _Curve:
    """The standards of one plate: (cells, OD, beyond the range), slope and end of the range."""

    plate: str
    points: Sequence[tuple[float, float, bool]]
    slope: float | None
    top: float | None
    problem: str
    eluates: Sequence[float]


def draw(result: AssayResult, study: StudyResult, panel: Panel) -> Figure:
    """One drawing a plate with standards; empty where none has any."""
    curves = [_curve(result.rows, plate) for plate in _plates(result.rows)]
    if not curves:
        return Figure(panel.title, empty="No well of a standard curve has an OD.")
    rows: list[tuple[Cell, ...]] = [
        (curve.plate, cells, od, "above the linear range" if beyond else "")
        for curve in curves
        for cells, od, beyond in curve.points
    ]
    return Figure(
        panel.title,
        _caption(result.rows, curves),
        ("plate", "cells", "OD less that of no cells", "note"),
        tuple(rows),
        tuple(Drawing(f"Plate {curve.plate}", _drawing(curve)) for curve in curves),
        choose="Standards of" if len(curves) > 1 else "",
    )


def _plates(rows: Sequence[Observation]) -> list[str]:
    return sorted({row.plate for row in rows if row.metric == "standard_od"}, key=natural)


def _curve(rows: Sequence[Observation], plate: str) -> _Curve:
    every = _plates(rows)
    mine = [row for row in rows if row.plate == plate]
    cells = {row.object: row.value for row in mine if row.metric == "standard_cells"}
    points = [
        (cells[row.object] or 0.0, row.value, bool(row.text))
        for row in mine
        if row.metric == "standard_od" and row.value is not None and row.object in cells
    ]
    slope = next((row for row in mine if row.metric == "standard_slope"), None)
    top = next((row.value for row in mine if row.metric == "standard_range"), None)
    eluates = [
        row.value
        for row in rows
        if row.metric == "eluted_od"
        and row.value is not None
        and (row.plate == plate or len(every) == 1)
    ]
    value = None if slope is None else slope.value
    problem = "" if slope is None else slope.reason or ""
    return _Curve(plate, sorted(points), value, top, problem, eluates)


def _caption(rows: Sequence[Observation], curves: Sequence[_Curve]) -> str:
    blanks = [f"{row.plate} {row.text}" for row in rows if row.metric == "blank_od"]
    told = [f"{c.plate}: {c.problem}" for c in curves if c.problem]
    lines = [
        f"{c.plate}: {1e4 * c.slope:.3g} OD per 10,000 cells, linear to {c.top:,.0f} cells "
        f"({counted(sum(e > c.slope * c.top for e in c.eluates), 'eluate')} above it)"
        for c in curves
        if c.slope is not None and c.top is not None
    ]
    parts = [
        "Dots: standards, OD less that of standards without cells. Line: least squares through 0 "
        "over the levels that stay within 10 % of it; open dots lie beyond and are no part of it. "
        "Ticks at the right: OD of the eluates less their stained blank; above the shaded range "
        "nothing is read off the line.",
        f"{'; '.join([*lines, *told])}.".replace("..", "."),
    ]
    if blanks:
        parts.append(f"Blank, subtracted from every eluate of its plate: {'; '.join(blanks)}.")
    return " ".join(parts)


def _drawing(curve: _Curve) -> str:
    most_cells = max((cells for cells, _, _ in curve.points), default=1.0)
    ods = [od for _, od, _ in curve.points] + list(curve.eluates)
    x = linear_axis("Standard", [_EDGE * most_cells], unit="cells", span_px=(_LEFT, _RIGHT))
    y = linear_axis(
        "Optical density less blank", [_EDGE * max(ods), *ods], unit="OD", span_px=(_BOTTOM, _TOP)
    )
    parts = [draw_x(x, top=_TOP, bottom=_BOTTOM), draw_y(y, left=_LEFT, right=_RIGHT)]
    if curve.slope is not None and curve.top is not None:
        parts = [_range(curve.slope * curve.top, y), *parts, _line(curve.slope, curve.top, x, y)]
    for cells, od, beyond in curve.points:
        tip = svg.tip(f"{cells:,.0f} cells: OD {number(od)}")
        fill = "#ffffff" if beyond else svg.INK
        at = (x.px(cells), y.px(od))
        parts.append(svg.mark("circle", at, tip, radius=4, fill=fill, stroke=svg.INK))
    for od in curve.eluates:
        place = (_RIGHT + 6, y.px(od)), (_RIGHT + 22, y.px(od))
        parts.append(svg.line(*place, stroke=_LINE, stroke_width=1.4, stroke_opacity=0.6))
    label = f"Standard curve of plate {curve.plate}"
    return svg.drawing(parts, size=(_WIDTH, _BOTTOM + 56), label=label)


def _range(top_od: float, y: Axis) -> str:
    high = y.px(top_od)
    box = {"x": _LEFT, "y": high, "width": _RIGHT - _LEFT, "height": y.px(0.0) - high}
    told = svg.text("end of the linear range", (_RIGHT + 30, high + 4), font_size=12, fill=_LINE)
    return svg.element("rect", **box, fill=_LINE, fill_opacity=0.08) + told


def _line(slope: float, top: float, x: Axis, y: Axis) -> str:
    ends = (x.px(0.0), y.px(0.0)), (x.px(top), y.px(slope * top))
    return svg.line(*ends, stroke=_LINE, stroke_width=2)
