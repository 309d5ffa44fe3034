"""Which well gets what, as the plate lies on the bench?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lamella.report import svg
from lamella.report.palette import contrast, dose_colour
from lamella.table.plates import PLATE_FORMATS, well_place
from lamella.table.wells import Well
from lamella.units import Dose, format_dose

__all__ = ["plate_svg"]

_WIDTH = 960.0
_SIGN = {"vehicle": "V", "positive": "+", "untreated": "U", "blank": "B"}
_FILL = {"vehicle": "#ffffff", "positive": "#ffffff", "untreated": "#ffffff", "blank": "#eceff2"}
_WITHOUT = {"attractant": "no attr.", "coating": "bare"}
_RING, _FAINT = "#57606a", "#d5dae0"


def plate_svg(wells: Sequence[Well], *, plate_format: int) -> str:
    """One plate: doses as colours from dark to light with their amount, controls as letters.

    Args:
        wells: The wells of one plate.
        plate_format: Number of wells of the plate; empty ones are drawn faintly.
    """
    rows, columns = PLATE_FORMATS[plate_format]
    pitch = min(74.0, (_WIDTH - 60) / columns)
    left, top = 44.0, 40.0
    colours = _colours(wells)
    parts = [
        svg.element(
            "path",
            d=svg.path(_outline(left, top, columns * pitch, rows * pitch), close=True),
            fill="#fbfcfd",
            stroke=_RING,
        ),
        *_quadrants(left, top, pitch, rows=rows, columns=columns),
        *_names(left, top, pitch, rows=rows, columns=columns),
    ]
    used = {well_place(well.well): well for well in wells}
    for row in range(rows):
        for column in range(columns):
            at = (left + (column + 0.5) * pitch, top + (row + 0.5) * pitch)
            parts.append(_spot(used.get((row, column)), at, pitch, colours=colours))
    name = wells[0].plate if wells else "empty"
    size = (left + columns * pitch + 16, top + rows * pitch + 16)
    return svg.drawing(parts, size=size, label=f"Plate {name}: which well gets what")


def _colours(wells: Sequence[Well]) -> Mapping[tuple[str, Dose], str]:
    """A colour for each dose of each compound, from its rank among the compound's doses."""
    doses: dict[str, set[Dose]] = {}
    for well in wells:
        if well.role == "test" and well.dose is not None:
            doses.setdefault(well.compound, set()).add(well.dose)
    return {
        (compound, dose): dose_colour(rank, len(known))
        for compound, known in doses.items()
        for rank, dose in enumerate(sorted(known))
    }


def _outline(left: float, top: float, width: float, height: float) -> list[svg.Point]:
    """The frame of the plate; the cut corner is at A1."""
    cut = 12.0
    right, bottom = left + width, top + height
    return [(left + cut, top), (right, top), (right, bottom), (left, bottom), (left, top + cut)]


def _quadrants(left: float, top: float, pitch: float, *, rows: int, columns: int) -> list[str]:
    x, y = left + columns * pitch / 2, top + rows * pitch / 2
    dash = {"stroke": _FAINT, "stroke_dasharray": "4 4"}
    return [
        svg.line((x, top), (x, top + rows * pitch), **dash),
        svg.line((left, y), (left + columns * pitch, y), **dash),
    ]


def _names(left: float, top: float, pitch: float, *, rows: int, columns: int) -> list[str]:
    size = 15 if pitch > 40 else 11
    return [
        svg.text(
            str(column + 1),
            (left + (column + 0.5) * pitch, top - 10),
            text_anchor="middle",
            font_size=size,
            font_weight=600,
        )
        for column in range(columns)
    ] + [
        svg.text(
            chr(ord("A") + row) if row < 26 else "A" + chr(ord("A") + row - 26),
            (left - 12, top + (row + 0.5) * pitch + 5),
            text_anchor="end",
            font_size=size,
            font_weight=600,
        )
        for row in range(rows)
    ]


def _spot(
    well: Well | None,
    at: svg.Point,
    pitch: float,
    *,
    colours: Mapping[tuple[str, Dose], str],
) -> str:
    radius = 0.44 * pitch
    if well is None:
        return svg.element("circle", cx=at[0], cy=at[1], r=radius, fill="none", stroke=_FAINT)
    fill = _FILL.get(well.role, "#ffffff")
    if well.role == "test" and well.dose is not None:
        fill = colours[well.compound, well.dose]
    ink = "#ffffff" if contrast(fill, "#ffffff") > contrast(fill, svg.INK) else svg.INK
    strong = 2.6 if well.role in ("vehicle", "positive") else 1.2
    said = f"{well.well}: {well.role} {well.compound} {well.dose or ''}".strip()
    parts = [
        svg.tip(said),
        svg.element(
            "circle",
            cx=at[0],
            cy=at[1],
            r=radius - strong / 2,
            fill=fill,
            stroke=svg.INK if strong > 2 else _RING,
            stroke_width=strong,
            stroke_dasharray="4 3" if well.role == "blank" else None,
        ),
        *_inside(well, at, pitch, ink=ink),
    ]
    return svg.group(parts)


def _lacks(well: Well) -> str:
    """The factor of an insert that a control goes without."""
    for name in ("attractant", "coating"):
        if well.factors.get(name, "").strip().lower() in ("none", "without", "uncoated"):
            return name
    return ""


def _inside(well: Well, at: svg.Point, pitch: float, *, ink: str) -> list[str]:
    """A letter for a control, the dose for a test well; below the size of a letter, nothing."""
    x, y = at
    middle = {"text_anchor": "middle", "fill": ink}
    sign = _SIGN.get(well.role)
    if sign is not None:
        size = min(20.0, 0.5 * pitch)
        letter = svg.text(sign, (x, y + 0.36 * size), font_size=size, font_weight=700, **middle)
        without = _WITHOUT.get(_lacks(well)) if pitch >= 46 else None
        below = svg.text(without or "", (x, y + 0.29 * pitch), font_size=0.14 * pitch, **middle)
        return [letter, below] if without else [letter]
    if well.dose is None or pitch < 46:
        return []
    number, unit = format_dose(well.dose, digits=3).split(" ", 1) if well.dose.amount else ("0", "")
    return [
        svg.text(number, (x, y + 1), font_size=0.24 * pitch, font_weight=600, **middle),
        svg.text(unit, (x, y + 0.22 * pitch), font_size=0.18 * pitch, **middle),
    ]
