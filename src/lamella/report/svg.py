"""Which strings draw a line, a mark, a band or a word? Pure functions, escaped, without a unit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

__all__ = [
    "Point",
    "Points",
    "area",
    "drawing",
    "element",
    "group",
    "line",
    "mark",
    "path",
    "px",
    "text",
    "tip",
    "window",
]

Point = tuple[float, float]
Points = Sequence[Point]

FONT = "system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"
INK = "#1b1f24"
# XML 1.0 has no way to write these, not even escaped.
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_ARMS = ((-0.3, -1.1), (0.3, -1.1), (0.3, -0.3), (1.1, -0.3), (1.1, 0.3), (0.3, 0.3))


def px(value: float) -> str:
    """A coordinate with at most one decimal.

    >>> px(12.04), px(3.0), px(-0.01)
    ('12', '3', '0')
    """
    short = f"{value:.1f}".removesuffix(".0")
    return "0" if short == "-0" else short


def element(tag: str, *children: str, **attributes: str | float | None) -> str:
    """One element; children are finished SVG, attribute values are escaped, None is left out.

    >>> element("line", x1=0, y1=1.25, stroke_width=2, fill=None)
    '<line x1="0" y1="1.2" stroke-width="2"/>'
    """
    parts = [
        f' {name.rstrip("_").replace("_", "-")}="{_attribute(value)}"'
        for name, value in attributes.items()
        if value is not None
    ]
    opened = f"<{tag}{''.join(parts)}"
    return f"{opened}>{''.join(children)}</{tag}>" if children else f"{opened}/>"


def text(content: str, at: Point, **attributes: str | float | None) -> str:
    """A word at a point; the content is escaped.

    >>> text("<b>", (1, 2))
    '<text x="1" y="2">&lt;b&gt;</text>'
    """
    return element("text", _plain(content), x=at[0], y=at[1], **attributes)


def tip(content: str) -> str:
    """The value that a pointer or a screen reader finds on its parent."""
    return element("title", _plain(content))


def line(start: Point, end: Point, **attributes: str | float | None) -> str:
    """A straight line."""
    return element("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], **attributes)


def path(points: Points, *, close: bool = False) -> str:
    """Path data through points.

    >>> path([(0, 0), (1.5, 2)])
    'M0 0L1.5 2'
    """
    return "M" + "L".join(f"{px(x)} {px(y)}" for x, y in points) + ("Z" if close else "")


def area(upper: Points, lower: Points, **attributes: str | float | None) -> str:
    """The surface between two lines that run in the same direction."""
    return element("path", d=path([*upper, *reversed(lower)], close=True), **attributes)


def mark(
    shape: str, at: Point, *children: str, radius: float, **attributes: str | float | None
) -> str:
    """A point of the given shape: circle, square, triangle, diamond, wedge or cross."""
    x, y = at
    if shape == "circle":
        return element("circle", *children, cx=x, cy=y, r=radius, **attributes)
    r = radius * 1.12
    corners: dict[str, list[tuple[float, float]]] = {
        "square": [(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
        "triangle": [(0, -1.15), (1.1, 0.8), (-1.1, 0.8)],
        "diamond": [(0, -1.25), (1.1, 0), (0, 1.25), (-1.1, 0)],
        "wedge": [(0, 1.15), (1.1, -0.8), (-1.1, -0.8)],
        "cross": [*_ARMS, *((-dx, -dy) for dx, dy in _ARMS)],
    }
    outline = [(x + r * dx, y + r * dy) for dx, dy in corners[shape]]
    return element("path", *children, d=path(outline, close=True), **attributes)


def group(children: Iterable[str], **attributes: str | float | None) -> str:
    """Elements that share attributes; nothing where there are none."""
    inner = "".join(children)
    return element("g", inner, **attributes) if inner else ""


def window(children: Iterable[str], *, box: tuple[float, float, float, float]) -> str:
    """Elements cut at a box (x, y, width, height); coordinates stay those of the drawing."""
    x, y, width, height = box
    view = f"{px(x)} {px(y)} {px(width)} {px(height)}"
    return element("svg", *children, x=x, y=y, width=width, height=height, viewBox=view)


def drawing(children: Iterable[str], *, size: tuple[float, float], label: str) -> str:
    """A whole drawing of `size` (width, height), with its name for screen readers.

    One that fits on a printed page without becoming too small has the class `page`.
    """
    width, height = size
    return element(
        "svg",
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {px(width)} {px(height)}",
        width=width,
        height=height,
        role="img",
        class_="page" if height <= 2.2 * width else None,
        aria_label=label,
        font_family=FONT,
        font_size=13,
        fill=INK,
    )


def _attribute(value: str | float) -> str:
    return escape(_clean(value)) if isinstance(value, str) else px(value)


def _plain(content: str) -> str:
    return escape(_clean(content), quote=False)


def _clean(content: str) -> str:
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", content)
