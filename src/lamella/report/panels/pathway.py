"""Where does the inhibitor act, and what is left of each step at this dose?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lamella.report import svg
from lamella.report.figure import Drawing
from lamella.report.palette import contrast, heat_colour
from lamella.report.svg import INK, Point
from lamella.signalling.diagram import NODES, Activities
from lamella.signalling.pathway import Edge, edges
from lamella.units import Dose, format_dose

__all__ = ["Shown", "draw", "fill", "hours", "ink_on", "percent", "title"]

ABOVE = "#e8a33d"
_PLAIN = "#f3f1ea"
_INHIBITOR = "#a40e26"
_SOFT = "#57606a"
_SIZE: Final = (860.0, 800.0)
_WIDE, _HIGH = 186.0, 52.0

_PLACES: Final[dict[str, Point]] = {
    "ECM": (325, 88),
    "growth factor receptor": (112, 176),
    "integrin": (325, 176),
    "FAK": (325, 274),
    "defactinib": (545, 274),
    "Pyk2": (748, 274),
    "Src family": (325, 372),
    "p130Cas": (112, 478),
    "paxillin": (325, 478),
    "PI3K/AKT": (538, 478),
    "RAS/MEK/ERK": (748, 478),
    "cytoskeleton": (112, 580),
    "adhesion turnover": (325, 580),
    "migration and invasion": (325, 684),
    "survival and proliferation": (643, 684),
}
# What is drawn: (from, to, step that states it). The guide's "signalling network" is its four arms.
_DRAWN: Final = (
    ("ECM", "integrin", "P01"),
    ("integrin", "FAK", "P02"),
    ("growth factor receptor", "FAK", "P03"),
    ("FAK", "Src family", "P05"),
    ("Src family", "p130Cas", "P09"),
    ("Src family", "paxillin", "P10"),
    ("Src family", "PI3K/AKT", "P07"),
    ("Src family", "RAS/MEK/ERK", "P08"),
    ("p130Cas", "cytoskeleton", "P16"),
    ("paxillin", "adhesion turnover", "P17"),
    ("cytoskeleton", "migration and invasion", "P19"),
    ("adhesion turnover", "migration and invasion", "P19"),
    ("PI3K/AKT", "migration and invasion", "P19"),
    ("PI3K/AKT", "survival and proliferation", "P20"),
    ("RAS/MEK/ERK", "survival and proliferation", "P20"),
    ("defactinib", "FAK", "P12"),
    ("defactinib", "Pyk2", "P13"),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """Which dose and which time of the activities are drawn."""

    dose: int
    time: int


def draw(activities: Activities, shown: Shown, *, compound: str = "defactinib") -> Drawing:
    """The pathway with its nodes coloured by activity relative to vehicle.

    Each node says its median and its 95 % band in words too, so that nothing hangs on colour.
    """
    steps = {step.id: step for step in edges()}
    label = title(activities, shown, compound=compound)
    body = [
        _defs(),
        svg.text(label, (24, 28), font_size=17, font_weight=700, class_="pathway-title"),
        svg.text(
            f"Hypothesis simulator: medians and 95 % prior-predictive bands, % of vehicle; "
            f"context '{activities.context}', {activities.draws} draws.",
            (24, 48),
            fill=_SOFT,
        ),
        *(_edge(start, end, steps[step]) for start, end, step in _DRAWN),
        _inhibitor(activities, shown, compound),
        *(_node(activities, shown, node.id, node.label) for node in NODES),
        _key(),
    ]
    return Drawing(label, svg.drawing(body, size=_SIZE, label=label))


def title(activities: Activities, shown: Shown, *, compound: str) -> str:
    """What the drawing shows, in words."""
    dose = activities.dose_molar[shown.dose]
    after = hours(float(activities.times_s[shown.time]))
    if dose == 0:
        return f"FAK signalling with vehicle, {after} after the dose"
    return f"FAK signalling at {format_dose(Dose(float(dose)))} {compound}, {after} after the dose"


def hours(seconds: float) -> str:
    """A time since the dose, as a person says it.

    >>> hours(90.0), hours(7200.0), hours(600.0)
    ('90 s', '2 h', '10 min')
    """
    if seconds < 120:
        return f"{seconds:g} s"
    return f"{seconds / 60:g} min" if seconds < 3600 else f"{round(seconds / 3600, 2):g} h"


def fill(median: float) -> str:
    """Colour of an activity: light at 0, dark at vehicle, amber above 110 % of it."""
    return ABOVE if median > 1.1 else heat_colour(median)


def ink_on(colour: str) -> str:
    """White or black, whichever is read better on a colour."""
    return max(("#ffffff", "#000000"), key=lambda one: contrast(one, colour))


def percent(median: float, low: float, high: float) -> str:
    """An activity in words.

    >>> percent(0.384, 0.12, 0.71), percent(0.004, 0.0, 0.012)
    ('38 % (12–71)', '0.4 % (0–1.2)')
    """
    return f"{_short(median)} % ({_short(low)}–{_short(high)})"


def _short(share: float) -> str:
    told = 100 * share
    return f"{told:.0f}" if told >= 9.95 or told < 0.05 else f"{told:.1f}".removesuffix(".0")


def _node(activities: Activities, shown: Shown, name: str, label: str) -> str:
    x, y = _PLACES[name]
    colour, value = _PLAIN, "input, held"
    if name in activities.nodes:
        at = (activities.nodes.index(name), shown.dose, shown.time)
        median, low, high = (
            float(part[at]) for part in (activities.median, activities.low, activities.high)
        )
        colour, value = fill(median), percent(median, low, high)
    ink = ink_on(colour)
    outline = {"ECM": "6 4", "growth factor receptor": "6 4"}.get(name)
    box = {"x": x - _WIDE / 2, "y": y - _HIGH / 2, "width": _WIDE, "height": _HIGH}
    parts = [
        svg.tip(f"{label}: {value}"),
        svg.element("rect", **box, rx=8, fill=colour, stroke=INK, stroke_dasharray=outline),
        svg.text(
            label, (x, y - 5), text_anchor="middle", fill=ink, font_weight=600, font_size=12.5
        ),
        svg.text(value, (x, y + 14), text_anchor="middle", fill=ink, class_="value"),
    ]
    return svg.group(parts, data_node=name)


def _inhibitor(activities: Activities, shown: Shown, compound: str) -> str:
    x, y = _PLACES["defactinib"]
    dose = float(activities.dose_molar[shown.dose])
    amount = format_dose(Dose(dose)) if dose else "vehicle"
    corners = [(x - 62, y), (x - 48, y - 26), (x + 48, y - 26), (x + 62, y), (x + 48, y + 26)]
    shape = svg.path([*corners, (x - 48, y + 26)], close=True)
    return svg.group(
        [
            svg.tip(f"{compound} competes with ATP in the kinase domains of FAK and Pyk2"),
            svg.element("path", d=shape, fill="#ffffff", stroke=_INHIBITOR, stroke_width=2),
            svg.text(compound, (x, y - 4), text_anchor="middle", fill=_INHIBITOR, font_weight=700),
            svg.text(amount, (x, y + 14), text_anchor="middle", fill=_INHIBITOR, class_="amount"),
        ]
    )


def _edge(start: str, end: str, step: Edge) -> str:
    contested = bool(step.against)
    colour = _INHIBITOR if step.inhibits else INK
    begin, stop = _ends(start, end, step.inhibits)
    told = f"{step.id}: {step.source} {step.relation} {step.target}"
    told += f" at {step.site}" if step.site else ""
    told += f"; guide references {', '.join(step.references)}" if step.references else ""
    told += f"; {step.status}" if step.status != "stated" else ""
    told += f". Against: {step.against}" if contested else ""
    marker = "url(#blocks)" if step.inhibits else "url(#leads)"
    parts = [
        svg.tip(told),
        svg.line(
            begin,
            stop,
            stroke=colour,
            stroke_width=2.4 if step.inhibits else 1.6,
            stroke_dasharray="7 4" if contested else None,
            marker_end=marker,
        ),
    ]
    if start == "defactinib" and end == "FAK":
        middle = ((begin[0] + stop[0]) / 2, begin[1] - 34)
        parts.append(svg.text("ATP site", middle, text_anchor="middle", fill=_INHIBITOR))
    return svg.group(parts)


def _ends(start: str, end: str, inhibits: bool) -> tuple[Point, Point]:
    """From border to border, with a gap for the head."""
    (x0, y0), (x1, y1) = _PLACES[start], _PLACES[end]
    if y0 == y1:
        side = 1 if x1 > x0 else -1
        half = 62 if start == "defactinib" else _WIDE / 2
        return (x0 + side * half, y0), (x1 - side * (_WIDE / 2 + (6 if inhibits else 3)), y1)
    widest = _WIDE * 0.42
    lean = max(-widest, min(widest, (x1 - x0) * 0.35))
    return (x0 + lean, y0 + _HIGH / 2), (x1 - lean, y1 - _HIGH / 2 - 3)


def _defs() -> str:
    head = svg.element("path", d="M0 0L8 4L0 8Z", fill=INK)
    bar = svg.element("path", d="M4 -1L4 9", stroke=_INHIBITOR, stroke_width=1.2)
    shared = {"viewBox": "0 0 8 8", "markerUnits": "userSpaceOnUse", "orient": "auto"}
    return svg.element(
        "defs",
        svg.element(
            "marker", head, id="leads", markerWidth=10, markerHeight=10, refX=7, refY=4, **shared
        ),
        svg.element(
            "marker",
            bar,
            id="blocks",
            markerWidth=22,
            markerHeight=22,
            refX=4,
            refY=4,
            overflow="visible",
            **shared,
        ),
    )


def _key() -> str:
    x, y, step = 24.0, 752.0, 22.0
    parts = [svg.text("activity, % of vehicle", (x, y - 8), fill=_SOFT)]
    for i in range(11):
        parts.append(
            svg.element(
                "rect", x=x + i * step, y=y, width=step, height=14, fill=heat_colour(i / 10)
            )
        )
    parts.append(svg.element("rect", x=x + 12 * step, y=y, width=step, height=14, fill=ABOVE))
    for told, at in (("0", 0.5), ("50", 5.5), ("100", 10.3), ("> 110", 12.6)):
        parts.append(svg.text(told, (x + at * step, y + 30), text_anchor="middle", fill=_SOFT))
    rows = (
        ("leads to", None, INK, "leads"),
        ("leads to, contested", "7 4", INK, "leads"),
        ("inhibits", None, _INHIBITOR, "blocks"),
    )
    for i, (told, dash, colour, head) in enumerate(rows):
        start = (380.0 + (0, 130, 320)[i], y + 7)
        look = {"stroke": colour, "stroke_dasharray": dash, "marker_end": f"url(#{head})"}
        parts.append(svg.line(start, (start[0] + 40, start[1]), stroke_width=1.8, **look))
        parts.append(svg.text(told, (start[0] + 52, start[1] + 4), fill=_SOFT))
    return svg.group(parts)
