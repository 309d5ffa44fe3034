"""How far apart are published potencies, class of assay by class, on one logarithmic axis?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lamella.evidence import TIERS, Assertion, Claim, studies
from lamella.report import svg
from lamella.report.axes import Axis, draw_x
from lamella.report.figure import Cell, Drawing, Figure
from lamella.report.typeset import clipped, counted, dose, number

__all__ = ["forest"]

COLUMNS = (
    "id", "assay", "compound", "cells", "endpoint", "relation", "value_nM", "low_nM", "high_nM",
    "tier", "study", "source",
)  # fmt: skip
_WIDTH = 1000.0
_NAMES, _LEFT, _RIGHT = 292.0, 318.0, 706.0
_VALUES, _SOURCES = 722.0, 822.0
_GUIDE = "#1f4e8c"
_ROW, _HEAD, _GAP = 22.0, 27.0, 10.0
_TOP = 54.0
_OURS = "#b35f0c"
_BAND = "#eef1f6"
_SOFT = "#57606a"


@dataclass(frozen=True, slots=True)
class _Line:
    """One potency in nM; an open end is None, and so is the middle of a limit."""

    assertion: Assertion
    middle: float | None
    low: float | None
    high: float | None

    @property
    def place(self) -> float:
        return self.middle or self.low or self.high or 1.0

    @property
    def of_guide(self) -> bool:
        return self.assertion.id.startswith("T")

    @property
    def ends(self) -> tuple[float, ...]:
        return tuple(end for end in (self.middle, self.low, self.high) if end is not None)


def forest(rows: Iterable[Assertion], *, claim: Claim | None = None) -> Figure:
    """Published potencies as a forest plot: a row a potency, grouped by class of assay.

    Args:
        rows: Any assertions; those that state no molar potency are counted in the caption.
        claim: A result of one's own, drawn on top.

    Returns:
        A figure with one drawing and its points; empty, with the reason, where no row states
        a potency.
    """
    every = tuple(rows)
    lines = [line for row in every if (line := _line(row)) is not None]
    if not lines:
        return Figure(
            "Published potencies",
            empty=f"None of {counted(len(every), 'row')} states a potency in mol/L."
            if every
            else "No row was found.",
        )
    groups = _groups(lines)
    left_out = len(every) - len(lines)
    told = f" {counted(left_out, 'further row')} state no potency in mol/L." if left_out else ""
    count = len(studies(line.assertion for line in lines))
    caption = (
        f"{len(lines)} {'potency' if len(lines) == 1 else 'potencies'} from {count} "
        f"{'study' if count == 1 else 'studies'}, as published. Filled: at least an abstract says "
        "so (tiers A to C); open: secondary text or the guide alone (D, E). Bars are ranges over "
        "cell lines, arrows are limits, grey bands span a class. No source states an interval. "
        f"Classes ask different questions: a distance between them is no disagreement.{told}"
    )
    return Figure(
        "Published potencies by class of assay",
        caption=caption,
        columns=COLUMNS,
        rows=tuple(_cells(line) for group in groups for line in group),
        drawings=(Drawing("Published potencies", _drawing(groups, claim)),),
    )


def _line(row: Assertion) -> _Line | None:
    value, low, high, unit = row.canonical
    if unit != "nM":
        return None
    middle = math.sqrt(low * high) if value is None and low and high else value
    return _Line(row, middle, low, high)


def _groups(lines: Sequence[_Line]) -> list[list[_Line]]:
    """Lines by class of assay; the class of the most potent middle comes first."""
    found: dict[str, list[_Line]] = {}
    for line in sorted(lines, key=lambda line: line.place):
        found.setdefault(line.assertion.assay, []).append(line)

    def middle(group: list[_Line]) -> float:
        return sum(math.log10(line.place) for line in group) / len(group)

    return sorted(found.values(), key=middle)


def _drawing(groups: Sequence[Sequence[_Line]], claim: Claim | None) -> str:
    ours = _own_nm(claim)
    ends = [end for group in groups for line in group for end in line.ends]
    x = _axis([*ends, *(end for end in ours if end)])
    body: list[str] = []
    y = _TOP
    guide = [end for group in groups for line in group if line.of_guide for end in line.ends]
    if len(guide) > 1:
        body.append(_span(guide, x=x, y=y))
        y += _ROW + _GAP
    if claim is not None and ours[0] is not None:
        body.append(_own(claim, ours, x=x, y=y + 8))
        y += _ROW + _GAP
    for group in groups:
        body.append(_group(group, x=x, top=y))
        y += _HEAD + _ROW * len(group) + _GAP
    axis = draw_x(x, top=_TOP - 12, bottom=y)
    children = [_legend(claim is not None and ours[0] is not None), axis, *body]
    return svg.drawing(children, size=(_WIDTH, y + 56), label="Published potencies on one axis")


def _axis(values: Sequence[float]) -> Axis:
    """Whole decades in words: 1 nM, 10 nM ... 10 µM."""
    first = math.floor(math.log10(min(values)) + 1e-9)
    last = math.ceil(math.log10(max(values)) - 1e-9)
    last = max(last, first + 2)
    step = 1 if last - first <= 8 else 2
    ticks = tuple(float(f"1e{power}") for power in range(first, last + 1, step))
    return Axis(
        "IC50, EC50, GI50 or Ki as published, logarithmic",
        ticks,
        tuple(dose(tick, "nM") for tick in ticks),
        (ticks[0], float(f"1e{last}")),
        (_LEFT, _RIGHT),
        log=True,
    )


def _group(group: Sequence[_Line], *, x: Axis, top: float) -> str:
    ends = [end for line in group for end in line.ends]
    low, high = min(ends), max(ends)
    spread = f"{_apart(low, high)}"
    bottom = top + _HEAD + _ROW * len(group)
    band = svg.element(
        "rect",
        x=x.px(low) - 7,
        y=top + 4,
        width=x.px(high) - x.px(low) + 14,
        height=bottom - top - 4,
        rx=4,
        fill=_BAND,
    )
    name = group[0].assertion.assay
    head = [
        svg.text(name[:1].upper() + name[1:], (8, top + 18), font_weight=600),
        svg.text(spread if high > low else "", (_VALUES, top + 18), fill=_SOFT, font_size=12),
    ]
    marks = [_row(line, x=x, y=top + _HEAD + _ROW * (i + 0.5)) for i, line in enumerate(group)]
    return svg.group([band, *head, *marks])


def _row(line: _Line, *, x: Axis, y: float) -> str:
    row = line.assertion
    colour = _GUIDE if line.of_guide else svg.INK
    name = _name(row)
    value = _value(line)
    where = f"{row.tier}, {row.source.label}"
    parts = [
        svg.tip(f"{row.id}: {name}: {row.as_printed}; tier {row.tier}, {TIERS[row.tier]}"),
        svg.text(clipped(name, 42), (_NAMES, y + 4), text_anchor="end", font_size=12, fill=colour),
        svg.text(value, (_VALUES, y + 4), font_size=12, fill=colour),
        svg.text(clipped(where, 29), (_SOURCES, y + 4), font_size=12, fill=_SOFT),
    ]
    if line.low and line.high:
        parts.append(
            svg.line((x.px(line.low), y), (x.px(line.high), y), stroke=colour, stroke_width=3)
        )
    elif line.low or line.high:
        parts.append(_limit(x.px(line.place), y, 1 if line.low else -1, colour=colour))
    fill = colour if row.verified else "#ffffff"
    parts.append(
        svg.mark(
            "circle", (x.px(line.place), y), radius=4.6, fill=fill, stroke=colour, stroke_width=1.6
        )
    )
    return svg.group(parts)


def _name(row: Assertion) -> str:
    """Compound and cells, or the enzyme itself."""
    if row.assay == "biochemical":
        return f"{row.compound}, {row.cell_line} ({row.target.replace(';', ',')})"
    return f"{row.compound}, {row.cell_line.replace(';', ',')}"


def _value(line: _Line) -> str:
    if line.low and line.high:
        low, high = dose(line.low, "nM"), dose(line.high, "nM")
        same = low.split(" ")[-1] == high.split(" ")[-1]
        return f"{low.split(' ')[0] if same else low}–{high}"
    if line.low or line.high:
        return f"{'>' if line.low else '<'} {dose(line.place, 'nM')}"
    return dose(line.place, "nM")


def _apart(low: float, high: float) -> str:
    return f"{dose(low, 'nM')} to {dose(high, 'nM')}, {number(high / low, digits=2)}-fold"


def _span(ends: Sequence[float], *, x: Axis, y: float) -> str:
    """How far the rows of the guide reach, over all classes."""
    low, high = min(ends), max(ends)
    left, right, at = x.px(low), x.px(high), y + 8
    return svg.group(
        [
            svg.text(
                "All potencies of the guide",
                (_NAMES, at + 4),
                text_anchor="end",
                fill=_GUIDE,
                font_weight=600,
            ),
            svg.line((left, at), (right, at), stroke=_GUIDE, stroke_width=1.6),
            *(
                svg.line((end, at - 5), (end, at + 5), stroke=_GUIDE, stroke_width=1.6)
                for end in (left, right)
            ),
            svg.text(_apart(low, high), (_VALUES, at + 4), fill=_GUIDE, font_size=12),
        ]
    )


def _own(claim: Claim, ours: tuple[float | None, ...], *, x: Axis, y: float) -> str:
    value, low, high = ours
    assert value is not None
    told = f"{dose(value, 'nM')}"
    if low and high:
        told += f" (95 % CI {dose(low, 'nM')} to {dose(high, 'nM')})"
    name = f"This study: {claim.assay}" + (f", {claim.cell_line}" if claim.cell_line else "")
    bar = svg.line((x.px(low or value), y), (x.px(high or value), y), stroke=_OURS, stroke_width=3)
    return svg.group(
        [
            svg.tip(f"{name}, {claim.assay}: {told}"),
            svg.text(
                clipped(name, 40), (_NAMES, y + 4), text_anchor="end", fill=_OURS, font_weight=600
            ),
            svg.text(clipped(told, 42), (_VALUES, y + 4), fill=_OURS, font_size=12),
            bar,
            svg.mark("diamond", (x.px(value), y), radius=5.2, fill=_OURS, stroke=_OURS),
        ]
    )


def _own_nm(claim: Claim | None) -> tuple[float | None, float | None, float | None]:
    if claim is None or claim.value_molar is None:
        return None, None, None
    value, low, high = (
        None if end is None else end * 1e9
        for end in (claim.value_molar, claim.low_molar, claim.high_molar)
    )
    return value, low, high


def _legend(own: bool) -> str:
    """What filled, open, bar and arrow mean, in one line above the plot."""
    y, left = 20.0, 120.0

    def circle(x: float, colour: str, fill: str) -> str:
        at = (left + x, y)
        return svg.mark("circle", at, radius=4.6, fill=fill, stroke=colour, stroke_width=1.6)

    def word(x: float, said: str, colour: str = svg.INK) -> str:
        return svg.text(said, (left + x, y + 4), font_size=12, fill=colour)

    parts = [
        circle(4, svg.INK, svg.INK),
        word(14, "tiers A to C"),
        circle(104, svg.INK, "#ffffff"),
        word(114, "tiers D, E: not verified"),
        circle(268, _GUIDE, "#ffffff"),
        word(278, "row of the guide", _GUIDE),
        svg.line((left + 388, y), (left + 410, y), stroke=svg.INK, stroke_width=3),
        word(416, "range"),
        _limit(left + 466, y, 1, colour=svg.INK),
        word(496, "more than"),
    ]
    if own:
        at = (left + 580, y)
        parts.append(svg.mark("diamond", at, radius=5.2, fill=_OURS, stroke=_OURS))
        parts.append(word(590, "this study, 95 % CI", _OURS))
    return svg.group(parts)


def _limit(x: float, y: float, direction: int, *, colour: str) -> str:
    tip = x + 24 * direction
    shaft = svg.line((x, y), (tip - 6 * direction, y), stroke=colour, stroke_width=2)
    head = svg.path(
        [(tip, y), (tip - 8 * direction, y - 4), (tip - 8 * direction, y + 4)], close=True
    )
    return svg.group([shaft, svg.element("path", d=head, fill=colour)])


def _cells(line: _Line) -> tuple[Cell, ...]:
    row = line.assertion
    value, low, high, _ = row.canonical
    return (
        row.id, row.assay, row.compound, row.cell_line, row.endpoint, row.relation, value, low,
        high, row.tier, row.study, row.source.label,
    )  # fmt: skip
