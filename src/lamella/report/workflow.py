"""How do the steps of a protocol follow each other, at a glance?"""

from __future__ import annotations

from collections.abc import Sequence

from lamella.design.protocol import Protocol, Step
from lamella.report import svg

__all__ = ["workflow_svg"]

_WIDTH = 960.0
_BOX, _HEIGHT, _GAP, _ROW = 138.0, 62.0, 56.0, 106.0
_A_ROW = 5
_INK, _SOFT, _OPEN, _TINT = svg.INK, "#57606a", "#b35f0c", "#eef3f8"
_ZERO_TINT = "#dbe9f6"
_Style = dict[str, str | float | None]


def workflow_svg(protocol: Protocol, *, undecided: frozenset[str] = frozenset()) -> str:
    """The steps as boxes in reading order, with waiting times between them.

    Optional steps are dashed, the step at time zero is tinted, and a dot marks a step that
    waits for a decision.

    Args:
        protocol: Its steps are drawn.
        undecided: Ids of steps with an open question.
    """
    steps = protocol.steps
    parts = []
    for index, step in enumerate(steps):
        parts.append(_box(step, index, protocol, open_=step.id in undecided))
        if index + 1 < len(steps):
            parts.append(_arrow(step, index))
    rows = -(-len(steps) // _A_ROW)
    size = (_WIDTH, rows * _ROW - (_ROW - _HEIGHT) + 16)
    return svg.drawing(parts, size=size, label=f"Workflow: {protocol.title}")


def _corner(index: int) -> svg.Point:
    row, column = divmod(index, _A_ROW)
    return 8 + column * (_BOX + _GAP), 8 + row * _ROW


def _box(step: Step, index: int, protocol: Protocol, *, open_: bool) -> str:
    x, y = _corner(index)
    zero = step.id == protocol.zero
    middle = x + _BOX / 2
    frame = svg.element(
        "rect",
        x=x,
        y=y,
        width=_BOX,
        height=_HEIGHT,
        rx=7,
        fill=_ZERO_TINT if zero else _TINT,
        stroke=_INK if zero else _SOFT,
        stroke_width=2 if zero else 1.2,
        stroke_dasharray="5 3" if step.optional else None,
    )
    small: _Style = {"text_anchor": "middle", "font_size": 10, "fill": _SOFT}
    parts = [
        svg.tip(step.do),
        frame,
        svg.text(str(index + 1), (x + 8, y + 14), font_size=11, fill=_SOFT),
        *_name(step.short, middle, y + _HEIGHT / 2),
        svg.text(_below(step, zero=zero), (middle, y + _HEIGHT - 6), **small),
    ]
    if open_:
        dot = {"cx": x + _BOX - 11, "cy": y + 12, "r": 5.0}
        parts.append(svg.element("circle", svg.tip("waits for a decision"), **dot, fill=_OPEN))
    return svg.group(parts)


def _name(short: str, middle: float, centre: float) -> list[str]:
    lines = _wrapped(short, 17)
    first = centre + (6 if len(lines) == 1 else -2)
    style: _Style = {"text_anchor": "middle", "font_size": 14, "font_weight": 600}
    return [svg.text(text, (middle, first + 17 * row), **style) for row, text in enumerate(lines)]


def _below(step: Step, *, zero: bool) -> str:
    if zero:
        return "time zero"
    return "optional" if step.optional else ""


def _arrow(step: Step, index: int) -> str:
    x, y = _corner(index)
    told = _wait(step)
    if (index + 1) % _A_ROW:
        start, end = (x + _BOX + 3, y + _HEIGHT / 2), (x + _BOX + _GAP - 4, y + _HEIGHT / 2)
        parts = [svg.line(start, (end[0] - 6, end[1]), stroke=_SOFT, stroke_width=1.6)]
        parts.append(_head(end, right=True))
        if told:
            place = ((start[0] + end[0]) / 2, y + _HEIGHT / 2 - 7)
            parts.append(svg.text(told, place, text_anchor="middle", font_size=10, fill=_SOFT))
        return svg.group(parts)
    left, below = _corner(index + 1)
    turn = y + _HEIGHT + (_ROW - _HEIGHT) / 2
    line = [
        (x + _BOX / 2, y + _HEIGHT + 2),
        (x + _BOX / 2, turn),
        (left + _BOX / 2, turn),
        (left + _BOX / 2, below - 9),
    ]
    parts = [
        svg.element("path", d=svg.path(line), fill="none", stroke=_SOFT, stroke_width=1.6),
        _head((left + _BOX / 2, below - 3), right=False),
    ]
    if told:
        parts.append(
            svg.text(
                told, (x + _BOX / 2 - 8, turn - 5), text_anchor="end", font_size=10, fill=_SOFT
            )
        )
    return svg.group(parts)


def _head(at: svg.Point, *, right: bool) -> str:
    x, y = at
    corners = [(x, y), (x - 8, y - 4.5), (x - 8, y + 4.5)]
    if not right:
        corners = [(x, y), (x - 4.5, y - 8), (x + 4.5, y - 8)]
    return svg.element("path", d=svg.path(corners, close=True), fill=_SOFT)


def _wait(step: Step) -> str:
    low, high = step.wait_h
    if high == 0:
        return ""
    unit, factor = ("min", 60.0) if high < 1 else ("h", 1.0)
    low, high = round(low * factor, 1), round(high * factor, 1)
    if unit == "min":
        low, high = 5 * round(low / 5), 5 * round(high / 5)
    return f"{low:g} {unit}" if low == high else f"{low:g}-{high:g} {unit}"


def _wrapped(words: str, most: int) -> Sequence[str]:
    lines = [""]
    for word in words.split():
        if lines[-1] and len(lines[-1]) + len(word) + 1 > most:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines[:2]
